"""What there is to publish: the ground (bays, zones) and the moment (what stands in each bay), read once for everybody.

The ground is read anew when a bay, a zone, the pack or the day changed, the moment after `ttl_s` of the settings. Between
them a request costs one small query.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson
import shapely
from django.db.models import Max, Sum, Value
from numpy.typing import NDArray

from shaodao.bikes import settings
from shaodao.bikes.ground import shapes
from shaodao.bikes.models import Bay, Vehicle, VehicleStatus, Zone
from shaodao.bikes.publish.ids import ascii_id
from shaodao.bikes.words import ABSENT, RIDDEN, FeedState, OperatorState, VehicleKind
from shaodao.foundation import clock, district

DECIMALS = 7
"""Of degrees: a centimetre, so that a bay of 1.7 m keeps its shape."""
BICYCLE, EBIKE = VehicleKind.BICYCLE.value, VehicleKind.EBIKE.value
RENTABLE = (FeedState.AVAILABLE, FeedState.UNKNOWN)
"""Counted as there to ride. A feed that says no state lists bikes that can be seen in the street."""
BROKEN = (FeedState.NON_OPERATIONAL, FeedState.NON_CONTACTABLE)
LISTED = (FeedState.AVAILABLE, FeedState.RESERVED, FeedState.NON_OPERATIONAL)
"""Listed one by one: surely not ridden. Of what says no state nobody knows, so its place stays untold."""


class PublicBay(NamedTuple):
    pk: int
    id: str
    code: str
    name: str
    lon: float
    lat: float
    capacity: int
    coordinates: list[Any]  # of a MultiPolygon, outer rings counterclockwise
    illustrative: bool


class PublicZone(NamedTuple):
    row: Zone
    id: str
    coordinates: list[Any]


@dataclass(frozen=True, eq=False)
class Ground:
    """Bays and zones as they are; `shapes` are the bays' areas, in their order. `updated`: when any of it last changed."""

    revision: tuple[Any, ...]
    bays: list[PublicBay]
    zones: list[PublicZone]
    shapes: NDArray[np.object_]
    updated: datetime
    made: dict[str, Any] = field(default_factory=dict)  # what was made of it, by name


class Standing(NamedTuple):
    """A bike of an admitted operator that stands in the street and may be listed."""

    operator_id: int
    vehicle_id: str
    state: str
    at_ms: int
    lon: float
    lat: float
    bay: int | None  # its place among the ground's bays
    since_ms: int
    kind: str


@dataclass(frozen=True, eq=False)
class Moment:
    """What stands where. Arrays are in the order of the ground's bays.

    `vehicles`: all bikes that stand in it, whoever's; `available`, `disabled`: of admitted operators, to ride and not, by
    kind; `reported_ms`: when the last of them was reported, 0 where there is none. `updated`: when anything was.
    `standing`: those that may be listed. `fleet`: how many bikes there are, in use or not, whoever's; `lon`, `lat`: where
    those stand that are not in use, for counts by area and nothing else.
    """

    ground: Ground
    vehicles: NDArray[np.int64]
    available: dict[str, NDArray[np.int64]]
    disabled: NDArray[np.int64]
    reported_ms: NDArray[np.int64]
    standing: list[Standing]
    fleet: int
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    updated: datetime
    read_at: datetime
    made: dict[str, Any] = field(default_factory=dict)


_lock = threading.Lock()
_ground: Ground | None = None
_moment: Moment | None = None


def forget() -> None:
    """Drop what is kept (between tests, whose databases are not the same)."""
    global _ground, _moment  # noqa: PLW0603
    _ground = _moment = None


def ground() -> Ground:
    """The present ground: one query, two more where something changed."""
    global _ground  # noqa: PLW0603
    revision, updated = _revision()
    kept = _ground
    if kept is not None and kept.revision == revision:
        return kept
    with _lock:
        if _ground is None or _ground.revision != revision:
            _ground = _read_ground(revision, updated)
        return _ground


def moment() -> Moment:
    """The present moment, at most `ttl_s` old: one query, two more where it is read anew."""
    global _moment  # noqa: PLW0603
    here, now = ground(), clock.now()
    kept = _moment
    if kept is not None and _fresh(kept, here, now):
        return kept
    with _lock:
        if _moment is None or not _fresh(_moment, here, now):
            _moment = _read_moment(here, now)
        return _moment


def _fresh(kept: Moment, here: Ground, now: datetime) -> bool:
    age = now - kept.read_at
    return kept.ground is here and timedelta(0) <= age < timedelta(seconds=settings.current().publish.ttl_s)


def _revision() -> tuple[tuple[Any, ...], datetime]:
    """Changes with every bay, zone, pack and day (a zone's hours are published for a week); and when it last did."""
    sums_of = {"n": Sum("version", default=0), "last": Max("valid_from")}
    rows = Bay.objects.order_by().values_list(Value("bay")).annotate(**sums_of)
    rows = rows.union(Zone.objects.order_by().values_list(Value("zone")).annotate(**sums_of), all=True)
    found = sorted(rows, key=lambda row: row[0])
    here, today = district.current(), clock.local(clock.now()).date()
    loaded = here.digest.rpartition(" ")[2]
    times = [at for *_x, at in found if at is not None]
    times += [datetime.fromisoformat(loaded)] if loaded else []
    updated = min(clock.now(), max(times, default=clock.now()))
    sums = tuple((name, n) for name, n, _at in found)
    return (here.digest, repr(settings.current().publish), today, sums), updated


def _read_ground(revision: tuple[Any, ...], updated: datetime) -> Ground:
    rows = list(Bay.objects.filter(active=True).order_by("code").values_list(
        "pk", "code", "name", "lon", "lat", "capacity", "illustrative", "geometry"))  # fmt: skip
    zones = list(Zone.objects.filter(active=True).order_by("code"))
    areas = tidy([row[-1] for row in rows])
    around = multipolygons(tidy([zone.geometry for zone in zones]))
    bays = [
        PublicBay(pk, ascii_id(code), code, name or code, round(lon, 6), round(lat, 6), capacity, area, illustrative)
        for (pk, code, name, lon, lat, capacity, illustrative, _g), area in zip(rows, multipolygons(areas), strict=True)
    ]
    public = [PublicZone(zone, ascii_id(zone.code), area) for zone, area in zip(zones, around, strict=True)]
    return Ground(revision, bays, public, areas, updated)


def tidy(geometries: list[Any]) -> NDArray[np.object_]:
    """Areas as RFC 7946 wants them: outer rings counterclockwise, no more decimals than mean something."""
    if not geometries:
        return shapes([])
    rounded = shapely.transform(shapes(geometries), lambda xy: np.round(xy, DECIMALS))
    return np.asarray(shapely.orient_polygons(rounded), dtype=object)


def multipolygons(areas: Iterable[Any]) -> list[list[Any]]:
    """Coordinates of each area as a MultiPolygon."""
    found = []
    for text in shapely.to_geojson(np.asarray(areas, dtype=object)):
        geometry = orjson.loads(text)
        found.append([geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"])
    return found


def _read_moment(here: Ground, now: datetime) -> Moment:
    place = {bay.pk: n for n, bay in enumerate(here.bays)}
    ebikes = set(Vehicle.objects.filter(kind=EBIKE).exclude(vehicle_id=None).values_list("operator_id", "vehicle_id"))
    rows = VehicleStatus.objects.exclude(state__in=ABSENT).order_by("pk").values_list(
        "operator_id", "operator__state", "vehicle_id", "state", "at_ms", "received_ms", "lon_e6", "lat_e6",
        "bay_id", "community_id", "stood_since_ms")  # fmt: skip
    return Tally(here, place, ebikes, now).of(list(rows))


class Tally:
    """Rows of VehicleStatus counted up by bay.

    A bike that is silent for longer than `silent_hours` before its operator's last word is counted nowhere: nobody knows.
    Where the whole feed is silent, what was known last stays counted, and the time of it is told.
    """

    def __init__(self, here: Ground, place: dict[int, int], ebikes: set[tuple[int, str | None]], now: datetime) -> None:
        n = len(here.bays)
        self.here, self.place, self.ebikes, self.now = here, place, ebikes, now
        self.vehicles, self.disabled, self.reported = (np.zeros(n, np.int64) for _ in range(3))
        self.available = {kind: np.zeros(n, np.int64) for kind in (BICYCLE, EBIKE)}
        self.silent_ms = int(settings.current().parking.silent_hours * 3_600_000)
        self.standing: list[Standing] = []
        self.fleet, self.spots = 0, list[tuple[float, float]]()

    def of(self, rows: list[tuple[Any, ...]]) -> Moment:
        newest: dict[int, int] = {}
        for row in rows:
            newest[row[0]] = max(newest.get(row[0], 0), row[5])
        now_ms = int(self.now.timestamp() * 1000)
        for operator, admission, name, state, at, received, lon, lat, bay_pk, community, since in rows:
            if received < newest[operator] - self.silent_ms:
                continue
            self.fleet += 1
            if state in RIDDEN:
                continue
            spot = round(lon / 1e6, 6), round(lat / 1e6, 6)
            self.spots.append(spot)
            admitted, bay = admission == OperatorState.ADMITTED, self.place.get(bay_pk)
            kind = EBIKE if (operator, name) in self.ebikes else BICYCLE
            if bay is not None:
                self._count(bay, state, received, kind, admitted)
            if admitted and state in LISTED and community is not None and received >= now_ms - self.silent_ms:
                self.standing.append(Standing(operator, name, state, at, *spot, bay, since, kind))
        last = max(newest.values(), default=0)
        updated = moment_of(last) if last else self.here.updated
        counts = (self.vehicles, self.available, self.disabled, self.reported)
        spots = np.array(self.spots, np.float64).reshape(-1, 2).T
        where = self.fleet, spots[0], spots[1]
        return Moment(self.here, *counts, self.standing, *where, min(updated, self.now), self.now)

    def _count(self, bay: int, state: str, received: int, kind: str, admitted: bool) -> None:
        self.vehicles[bay] += 1
        self.reported[bay] = max(self.reported[bay], received)
        if admitted and state in RENTABLE:
            self.available[kind][bay] += 1
        elif admitted and state in BROKEN:
            self.disabled[bay] += 1


def moment_of(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware time, to the second."""
    return datetime.fromtimestamp(ms // 1000, UTC)
