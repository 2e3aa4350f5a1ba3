"""What becomes of statuses when nothing comes in: bays change, zones begin and end, vehicles are seen or forgotten."""

from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import transaction

from shaodao.bikes.ground import NONE, Ground, ground
from shaodao.bikes.ingest import store
from shaodao.bikes.models import UnknownVehicle, Vehicle, VehicleStatus
from shaodao.bikes.words import ABSENT, RIDDEN, FeedState

SEEN = timedelta(minutes=10)
"""A registered vehicle's last sight is written no more often: twelve thousand rows, most of them with every fix."""
FORGOTTEN = timedelta(days=1)
"""A status of a vehicle that its feed does not list any more goes after that; its positions stay in Parquet."""
AWAY = (*RIDDEN, *ABSENT)


# ── bays and zones changed ───────────────────────────────────────────────────────────────────────────────────────


def rejudge(now: datetime) -> int:
    """Hold all standing vehicles against the present bays and zones; only rows that differ are written. How many."""
    here, changed = ground(), 0
    operators = VehicleStatus.objects.order_by().values_list("operator_id", flat=True).distinct()
    for operator_id in list(operators):
        changed += _rejudge(operator_id, here, now)
    return changed


@transaction.atomic
def _rejudge(operator_id: int, here: Ground, now: datetime) -> int:
    store.lock(operator_id)
    standing = VehicleStatus.objects.filter(operator_id=operator_id).exclude(state__in=AWAY)
    rows = list(standing.values_list("pk", "lon_e6", "lat_e6", "accuracy_m", *store.PLACED))
    if not rows:
        return 0
    columns = list(zip(*rows, strict=True))
    lon, lat = (np.array(column, np.float64) / 1e6 for column in columns[1:3])
    found = here.judge(lon, lat, np.array(columns[3], np.float64), now)
    none = found.bay < 0
    answers = list(
        zip(
            found.parked.tolist(),
            store.filled(here.bay_pk[found.bay] if here.bay_pk.size else found.bay, none),
            store.filled(np.rint(np.where(none, 0, found.metres) * 1000).astype(np.int64), none),
            store.filled(store.percent(found.confidence), np.isnan(found.confidence)),
            *(store.filled(keys, keys == NONE) for keys in (found.zone, found.street, found.community)),
            strict=True,
        )
    )
    differ = [(*answer, row[0]) for row, answer in zip(rows, answers, strict=True) if row[4:] != answer]
    store.place(differ)
    return len(differ)


# ── seen, not registered, forgotten ──────────────────────────────────────────────────────────────────────────────


def see(now: datetime) -> int:
    """Write when registered vehicles were last seen, and what was seen that is not registered. Returns rows written."""
    seen = {
        (operator, vehicle): datetime.fromtimestamp(ms / 1000, UTC)
        for operator, vehicle, ms in VehicleStatus.objects.exclude(state=FeedState.GONE).values_list(
            "operator_id", "vehicle_id", "at_ms"
        )
    }
    known = Vehicle.objects.exclude(vehicle_id=None)
    rows = list(known.only("operator_id", "vehicle_id", "last_seen_at"))
    later = []
    for row in rows:
        at = seen.pop((row.operator_id, str(row.vehicle_id)), None)
        if at is not None and (row.last_seen_at is None or at - row.last_seen_at >= SEEN):
            row.last_seen_at = at
            later.append(row)
    Vehicle.objects.bulk_update(later, ["last_seen_at"], batch_size=500)
    return len(later) + _unknown(seen)


def _unknown(seen: dict[tuple[int, str], datetime]) -> int:
    rows = {(row.operator_id, row.vehicle_id): row for row in UnknownVehicle.objects.all()}
    new = [
        UnknownVehicle(operator_id=key[0], vehicle_id=key[1], first_seen_at=at, last_seen_at=at)
        for key, at in seen.items()
        if key not in rows
    ]
    again = []
    for key, row in rows.items():
        if key in seen and seen[key] - row.last_seen_at >= SEEN:
            row.last_seen_at, row.times = seen[key], row.times + 1
            again.append(row)
    UnknownVehicle.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)
    UnknownVehicle.objects.bulk_update(again, ["last_seen_at", "times"], batch_size=500)
    return len(new) + len(again)


def forget(now: datetime) -> int:
    """Statuses of vehicles that their feed has not listed for a day. Returns how many went."""
    before = int((now - FORGOTTEN).timestamp() * 1000)
    return VehicleStatus.objects.filter(state=FeedState.GONE, received_ms__lt=before).delete()[0]
