"""All bikes in the street as columns: one query, then arithmetic on arrays."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from shaodao.bikes import settings
from shaodao.bikes.models import VehicleStatus
from shaodao.bikes.words import ABSENT, RIDDEN

Longs = NDArray[np.int64]
NONE = -1
_COLUMNS = (
    "operator_id", "lon_e6", "lat_e6", "parked", "bay_id", "zone_id", "street_id", "community_id", "stood_since_ms",
    "wrong_fixes", "at_ms", "received_ms",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Snapshot:
    """n bikes that are in the street, in the order of their rows; keys are `NONE` where there is none.

    ids, state
        (n,) object: the vehicle's id, `words.FeedState`.
    operator, lon, lat (microdegrees), parked (kernel.parking.Parked, NONE: in use), bay, zone, street, community,
    since, fixes (in a row that found it wrong), at, received (milliseconds since 1970)
        (n,) int64.
    fresh
        operators whose feed has said something within the pack's `gap_s`: what the others' bikes do now is not known.
    """

    now: datetime
    fresh: frozenset[int]
    ids: NDArray[np.object_]
    ridden: NDArray[np.bool_]
    operator: Longs
    lon: Longs
    lat: Longs
    parked: Longs
    bay: Longs
    zone: Longs
    street: Longs
    community: Longs
    since: Longs
    fixes: Longs
    at: Longs
    received: Longs

    @property
    def standing(self) -> NDArray[np.bool_]:
        """(n,) parked in the district, and its operator's feed is alive."""
        known = np.isin(self.operator, np.array(sorted(self.fresh), np.int64))
        return np.asarray(known & ~self.ridden & (self.parked != NONE) & (self.street != NONE))

    @property
    def metres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """East and north of the first bike, to a third of a per cent: enough to say which bikes stand together."""
        if not self.lon.size:
            return np.zeros(0), np.zeros(0)
        scale = 111_320e-6
        north = (self.lat - self.lat[0]) * scale
        return (self.lon - self.lon[0]) * scale * np.cos(np.radians(self.lat[0] / 1e6)), north


def take(now: datetime) -> Snapshot:
    """The bikes as they are known now. Two queries; those that are not in the street are left out."""
    from django.db.models import Max

    newest = dict(VehicleStatus.objects.order_by().values_list("operator_id").annotate(Max("received_ms")))
    alive = int(now.timestamp() * 1000) - int(settings.current().ingest.gap_s * 1000)
    fresh = frozenset(pk for pk, at in newest.items() if at >= alive)
    rows = list(VehicleStatus.objects.exclude(state__in=ABSENT).order_by("pk").values_list(
        "vehicle_id", "state", *_COLUMNS))  # fmt: skip
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(_COLUMNS) + 2)
    ids = np.empty(len(rows), dtype=object)
    ids[:] = columns[0]
    ridden = np.array([state in RIDDEN for state in columns[1]], np.bool_)
    numbers = [np.array([NONE if v is None else v for v in column], np.int64) for column in columns[2:]]
    return Snapshot(now, fresh, ids, ridden, *numbers)
