"""Positions into Parquet: by the day of the fix and by operator, for `raw_days`; of bikes in use apart, for `trip_hours`.

    VAR/positions/day=2026-11-30/operator=BIKE-A/part-17-42-1764500000000.parquet
    VAR/trips/hour=2026-11-30T14/operator=BIKE-A/part-17-42-1764500000000.parquet

A file is named by the first and the last batch of the spool that it holds and by when the last was received. Its batches
leave the database in the transaction that follows, so a file whose last batch is still there was left behind by a crash
and is written again: nothing is lost and nothing is there twice, whenever the power fails. A day that is over becomes one
file, ordered by vehicle and time; its metadata names the parts that it replaces.
"""

import io
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings as program
from django.db import transaction
from pyarrow import parquet

from shaodao.bikes import settings
from shaodao.bikes.ingest.receive import SCHEMA
from shaodao.bikes.models import Operator, PositionBatch, Zone
from shaodao.bikes.words import RIDDEN
from shaodao.foundation import clock
from shaodao.places.models import Place

logger = logging.getLogger(__name__)
WAIT_MS = 600_000
"""A batch waits so long for others, so that a day has some hundred files and not ten thousand,"""
MANY = 200_000
"""unless so many rows wait."""
AT_ONCE = 200_000
"""Rows of one file, which have to fit into memory twice."""
WHOLE = "day.parquet"
_REPLACES = b"shaodao.replaces"


def positions() -> Path:
    """Folder of the positions of parked bikes; what `shaodao analyse parking --positions` reads."""
    return Path(program.POSITIONS_ROOT) / "positions"


def trips() -> Path:
    """Folder of the positions of bikes in use."""
    return Path(program.POSITIONS_ROOT) / "trips"


def keep(now: datetime, *, all_of_it: bool = False) -> int:
    """Move what waited long enough (or everything) from the spool into files; returns the number of positions moved."""
    now_ms, moved = int(now.timestamp() * 1000), 0
    for operator in _due(now_ms, all_of_it):
        while taken := _move(operator):
            moved += taken
    return moved


def _due(now_ms: int, all_of_it: bool) -> list[int]:
    waiting: dict[int, tuple[int, int]] = {}
    rows = PositionBatch.objects.order_by("pk").values_list("operator_id", "received_ms", "rows")
    for operator, received, n in rows.iterator():
        oldest, sum_of = waiting.get(operator, (received, 0))
        waiting[operator] = (min(oldest, received), sum_of + n)
    return [
        operator for operator, (oldest, n) in waiting.items() if all_of_it or n >= MANY or now_ms - oldest >= WAIT_MS
    ]


@transaction.atomic
def _move(operator_id: int) -> int:
    """The next batches of one operator; nobody else moves or adds any meanwhile."""
    operator = Operator.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=operator_id)
    code = operator.organisation.code
    _drop_left_behind(operator)
    batches = list(_some(PositionBatch.objects.filter(operator=operator).order_by("pk")))
    if not batches:
        return 0
    table = _named(pa.concat_tables(_table(batch) for batch in batches))
    name = f"part-{batches[0].pk}-{batches[-1].pk}-{batches[-1].received_ms}.parquet"
    ridden = pc.is_in(table["state"], value_set=pa.array([str(s.value) for s in RIDDEN]))
    for folder, rows in (
        *_by(positions(), "day", table.filter(pc.invert(ridden)), "time"),
        *_by(trips(), "hour", table.filter(ridden), "received"),
    ):
        write(rows, folder / f"operator={code}" / name)
    PositionBatch.objects.filter(pk__in=[batch.pk for batch in batches]).delete()
    return int(table.num_rows)


def _some(batches: Any) -> Iterator[PositionBatch]:
    rows = 0
    for batch in batches.iterator(chunk_size=50):
        rows += batch.rows
        yield batch
        if rows >= AT_ONCE:
            return


def _table(batch: PositionBatch) -> pa.Table:
    return completed(pa.ipc.open_stream(io.BytesIO(bytes(batch.body))).read_all())


def completed(table: pa.Table) -> pa.Table:
    """With the columns that an older program did not write, empty."""
    for field in SCHEMA:
        if field.name not in table.schema.names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table


def _named(table: pa.Table) -> pa.Table:
    """Keys of rows become the codes that mean something outside of this database."""
    for column, codes in (("street", _codes(Place, table["street"])), ("zone", _codes(Zone, table["zone"]))):
        keys = pa.array(list(codes), pa.int64())
        names = pa.array(list(codes.values()), pa.string())
        named = names.take(pc.index_in(table[column], value_set=keys))
        table = table.set_column(table.schema.get_field_index(column), column, named)
    return table


def _codes(model: Any, keys: pa.ChunkedArray) -> dict[int, str]:
    wanted = [key for key in pc.unique(keys).to_pylist() if key is not None]
    return dict(model.objects.filter(pk__in=wanted).values_list("pk", "code"))


def _by(root: Path, unit: str, table: pa.Table, column: str) -> Iterator[tuple[Path, pa.Table]]:
    """The rows of each day or hour of the district's clock, and that one's folder."""
    if not table.num_rows:
        return
    local = table[column].cast(pa.timestamp("ms", str(clock.LOCAL)))
    begins = pc.floor_temporal(local, unit=unit)
    form = "%Y-%m-%d" if unit == "day" else "%Y-%m-%dT%H"
    for begin in pc.unique(begins).to_pylist():
        yield root / f"{unit}={begin.strftime(form)}", table.filter(pc.equal(begins, pa.scalar(begin, begins.type)))


def write(table: pa.Table, path: Path) -> None:
    """The whole file or none: written beside, forced to the disk, then named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("wb") as out:
        parquet.write_table(table, out, compression="zstd")
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ── after a crash ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Part:
    path: Path
    last: int
    received_ms: int


def _parts(root: Path, code: str) -> list[_Part]:
    found = []
    for path in sorted(root.glob(f"*/operator={code}/part-*.parquet")):
        _part, _first, last, received = path.stem.split("-")
        found.append(_Part(path, int(last), int(received)))
    return found


def _drop_left_behind(operator: Operator) -> None:
    """Files whose batches are still in the spool: the program stopped between the file and the end of the transaction."""
    code = operator.organisation.code
    parts = [part for root in (positions(), trips()) for part in _parts(root, code)]
    newest = {part.last for part in parts}
    waiting = set(
        PositionBatch.objects.filter(operator=operator, pk__in=newest).values_list("pk", "received_ms")
    )  # an older database that was restored gives the same numbers again, at other times
    for part in parts:
        if (part.last, part.received_ms) in waiting:
            part.path.unlink()


# ── days that are over ───────────────────────────────────────────────────────────────────────────────────────────


def close_days(now: datetime) -> int:
    """One file for each operator and day that is over; returns how many were written."""
    today = clock.local(now).date()
    folders = [f for day, root in _dated(positions()) if day < today for f in sorted(root.glob("operator=*"))]
    return sum(_close(folder) for folder in folders)


def _close(folder: Path) -> bool:
    whole, parts = folder / WHOLE, sorted(folder.glob("part-*.parquet"))
    if not parts:
        return False
    if whole.exists():  # a crash between the whole and the end of its parts; or late ones came, which it does not name
        done = (parquet.read_schema(whole).metadata or {}).get(_REPLACES, b"").decode().split()
        for part in [part for part in parts if part.name in done]:
            part.unlink()
        parts = [part for part in parts if part.name not in done]
        if not parts:
            return False
    tables = [
        completed(parquet.read_table(path, partitioning=None)) for path in ([whole] if whole.exists() else []) + parts
    ]
    table = _once(pa.concat_tables([t.replace_schema_metadata(None) for t in tables]))
    replaced = " ".join(part.name for part in parts)
    write(table.replace_schema_metadata({_REPLACES: replaced.encode()}), whole)
    for part in parts:
        part.unlink()
    return True


def _once(table: pa.Table) -> pa.Table:
    """In the order of vehicle and time; of copies that the ingest could not know any more the first received stays."""
    table = table.sort_by([("vehicle_id", "ascending"), ("time", "ascending"), ("received", "ascending")])
    if table.num_rows < 2:
        return table
    vehicle, time = table["vehicle_id"].combine_chunks(), table["time"].combine_chunks()
    same = pc.and_(pc.equal(vehicle[1:], vehicle[:-1]), pc.equal(time[1:], time[:-1]))
    return table.filter(pa.concat_arrays([pa.array([True]), pc.invert(same)]))


def _dated(root: Path) -> Iterator[tuple[date, Path]]:
    for folder in sorted(root.glob("day=*")):
        try:
            yield date.fromisoformat(folder.name.removeprefix("day=")), folder
        except ValueError:
            logger.warning("%s is no folder of a day", folder)


# ── what is kept no longer ───────────────────────────────────────────────────────────────────────────────────────


def end_retention(now: datetime) -> int:
    """Remove days and hours that are older than the pack keeps them; each is logged. Returns how many."""
    limits = settings.current().ingest
    oldest = clock.local(now).date() - timedelta(days=limits.raw_days)
    over = [folder for day, folder in _dated(positions()) if day < oldest]
    hour = clock.local(now - timedelta(hours=limits.trip_hours + 1)).strftime("%Y-%m-%dT%H")
    over += [folder for folder in sorted(trips().glob("hour=*")) if folder.name.removeprefix("hour=") < hour]
    for folder in over:
        files = sorted(folder.rglob("*.parquet"))
        logger.info("kept no longer: %s/%s, %d files", folder.parent.name, folder.name, len(files))
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
    return len(over)
