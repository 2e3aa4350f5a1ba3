"""Batches of fixes: written once, read a day at a time, the same whatever the order in which they came.

fixes, codes = of_day(date(2026, 11, 30))        # kernel fixes; codes[v] is the vehicle that `fixes.vehicle` numbers v
digest(fixes, codes)                             # what a proof names
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings as program
from numpy.typing import NDArray
from pyarrow import parquet

from shaodao.foundation import clock
from shaodao.kernel.coverage import Fixes
from shaodao.sanitation.models import TrackBatch, TrackDay
from shaodao.sanitation.tracks.columns import NONE, TYPES, Rows, from_stream, from_table, known, to_stream, together

EPOCH = date(1970, 1, 1)
AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class Group:
    """Fixes of one vehicle (its key) on one day of the district's clock."""

    vehicle: int
    day: date
    rows: Rows


def root() -> Path:
    """Folder of the packed batches."""
    return Path(program.POSITIONS_ROOT) / "tracks"


def days_of(t: NDArray[np.int64]) -> NDArray[np.int32]:
    """(n,) the day of the district's clock as days since 1970."""
    local = pc.local_timestamp(pa.array(t, pa.timestamp("ms", str(clock.LOCAL))))
    return np.asarray(pc.cast(pc.cast(local, pa.date32()), pa.int32()).to_numpy(zero_copy_only=False), np.int32)


def groups(vehicle: NDArray[np.int64], rows: Rows) -> list[Group]:
    """By vehicle and day, each in order and without doubles."""
    if not len(rows):
        return []
    days = days_of(rows.t)
    order = np.lexsort((days, vehicle))
    vehicle, days, rows = vehicle[order], days[order], rows.part(order)
    cuts = np.flatnonzero((np.diff(vehicle) != 0) | (np.diff(days) != 0)) + 1
    parts = zip([0, *cuts.tolist()], [*cuts.tolist(), len(rows)], strict=True)
    return [Group(int(vehicle[a]), EPOCH + timedelta(int(days[a])), rows.part(slice(a, b)).ordered()) for a, b in parts]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def add(found: Sequence[Group], door: str, now: datetime) -> dict[tuple[int, date], int]:
    """Keep what is not there yet: how many of each group were new. Within a transaction; writers of a day wait for each other."""
    days = sorted({group.day for group in found})
    TrackDay.objects.bulk_create([TrackDay(day=day, changed_at=now) for day in days], ignore_conflicts=True)
    locked = {row.day: row for row in TrackDay.objects.select_for_update().filter(day__in=days).order_by("day")}
    there = _overlapping(found)
    new, batches = {}, []
    for group in found:
        rows = (
            group.rows.part(~known(group.rows, there[key]))
            if (key := (group.vehicle, group.day)) in there
            else group.rows
        )
        new[group.vehicle, group.day] = len(rows)
        if len(rows):
            batches.append(batch(group.vehicle, group.day, door, rows, now, body=to_stream(rows)))
    pairs = {(b.vehicle_id, b.day) for b in batches}
    before = set(_of(pairs).values_list("vehicle_id", "day").distinct()) if pairs else set()
    TrackBatch.objects.bulk_create(batches, batch_size=AT_ONCE)
    for day, row in locked.items():
        more = sum(n for (_vehicle, of), n in new.items() if of == day)
        if more:
            row.fixes, row.changed_at = row.fixes + more, max(now, row.changed_at)
            row.vehicles += sum(of == day and (vehicle, of) not in before for vehicle, of in pairs)
    TrackDay.objects.bulk_update(locked.values(), ["fixes", "vehicles", "changed_at"])
    return new


def batch(vehicle: int, day: date, door: str, rows: Rows, now: datetime, **kept: Any) -> TrackBatch:
    return TrackBatch(
        vehicle_id=vehicle, day=day, door=door, sha256=rows.digest(), fixes=len(rows),
        first_ms=int(rows.t.min()), last_ms=int(rows.t.max()), received_at=now, **kept,
    )  # fmt: skip


def _of(pairs: Iterable[tuple[int, date]]) -> Any:
    vehicles, days = zip(*pairs, strict=True)
    return TrackBatch.objects.filter(vehicle_id__in=set(vehicles), day__in=set(days)).order_by()


def _overlapping(found: Sequence[Group]) -> dict[tuple[int, date], Rows]:
    """What is there of the times of each group; live fixes come after all that is there, and read nothing."""
    spans = {(g.vehicle, g.day): (int(g.rows.t.min()), int(g.rows.t.max())) for g in found}
    if not spans:
        return {}
    first, last = min(a for a, _b in spans.values()), max(b for _a, b in spans.values())
    near = _of(spans).filter(last_ms__gte=first, first_ms__lte=last)
    keys = [
        pk for pk, vehicle, day, begin, end in near.values_list("pk", "vehicle_id", "day", "first_ms", "last_ms")
        if (span := spans.get((vehicle, day))) and end >= span[0] and begin <= span[1]
    ]  # fmt: skip
    parts: dict[tuple[int, date], list[Rows]] = {}
    for start in range(0, len(keys), AT_ONCE):
        for row in TrackBatch.objects.filter(pk__in=keys[start : start + AT_ONCE]).order_by():
            parts.setdefault((row.vehicle_id, row.day), []).append(read(row.body, row.file))
    return {key: together(rows) for key, rows in parts.items()}


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read(body: bytes | memoryview, file: str) -> Rows:
    """The fixes of a batch. Raises OSError where its file is gone."""
    if file:
        return from_table(parquet.read_table(root() / file, columns=list(TYPES), partitioning=None))
    return from_stream(bytes(body))


def rows_of_day(day: date, vehicles: Sequence[str] | None = None) -> dict[str, Rows]:
    """By vehicle code, in the order of the codes: its fixes in order and without doubles. One query."""
    try:
        return _rows_of_day(day, vehicles)
    except FileNotFoundError:  # the clock packed the day meanwhile: its row names another file now
        return _rows_of_day(day, vehicles)


def _rows_of_day(day: date, vehicles: Sequence[str] | None) -> dict[str, Rows]:
    rows = TrackBatch.objects.filter(day=day).order_by("vehicle__code", "first_ms", "pk")
    if vehicles is not None:
        rows = rows.filter(vehicle__code__in=list(vehicles))
    parts: dict[str, list[Rows]] = {}
    for code, body, file in rows.values_list("vehicle__code", "body", "file").iterator(chunk_size=200):
        parts.setdefault(code, []).append(read(body, file))
    return {code: _joined(found) for code, found in sorted(parts.items())}


def _joined(parts: list[Rows]) -> Rows:
    """Batches that follow each other are in order already."""
    rows = together(parts)
    return rows if bool((np.diff(rows.t) > 0).all()) else rows.ordered()


def of_day(day: date, vehicles: Sequence[str] | None = None) -> tuple[Fixes, list[str]]:
    """(fixes for the kernel, codes): all that is kept of a day of the district's clock, by vehicle and time.

    `fixes.vehicle` numbers into `codes` (vehicles with fixes, sorted); `t` seconds since 1970, speed m/s.
    """
    found = rows_of_day(day, vehicles)
    rows = together(list(found.values()))
    vehicle = np.repeat(np.arange(len(found), dtype=np.int32), [len(part) for part in found.values()])
    speed, heading = rows.speed.astype(np.float64), rows.heading.astype(np.float64)
    fixes = Fixes.of(
        vehicle,
        rows.t / 1000.0,
        rows.lon / 1e7,
        rows.lat / 1e7,
        np.where(speed == NONE, np.nan, speed / 36.0),
        np.where(heading == NONE, np.nan, heading / 10.0),
        rows.working,
    )
    return fixes, list(found)


def digest(fixes: Fixes, codes: Sequence[str]) -> str:
    """SHA-256 of a day's fixes as `of_day` gives them: the same for the same fixes, however they came and are stored."""
    found = hashlib.sha256("\n".join(codes).encode())
    for column in fields(fixes):
        values = getattr(fixes, column.name)
        found.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()
