"""From the passes of all vehicles to the answer: one sorted table, what of each segment was serviced on each day, the sums.

What was serviced is a union over vehicles. A pass's serviced spans (its segment without its gaps) come from the stretches that the
kernel laid between fixes; the kernel's `covered` joins those of all passes, as it does within one call of `cover`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from pyarrow import parquet

from shaodao.foundation.maps import Unreadable, shown
from shaodao.foundation.parquets import put
from shaodao.foundation.peak import Peak
from shaodao.kernel.coverage import ALGORITHM, Fixes, Service
from shaodao.kernel.coverage import passes as kernel
from shaodao.sanitation.coverage import segments
from shaodao.sanitation.coverage.files import BEST, VERDICTS, WORKING_KMH, suspicions
from shaodao.sanitation.coverage.month import batches, cluster, embedded, files
from shaodao.sanitation.coverage.month.batches import Reading
from shaodao.sanitation.coverage.segments import Roads

MEMORY = "1GB"
"""What DuckDB may hold; more passes go to disk."""
AT_ONCE = 200_000
"""Passes joined at a time."""
EPOCH = date(1970, 1, 1)
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Given:
    """What to analyse. ``tracks``: a folder, a pattern or a file. ``unit``: of a speed whose column states none."""

    roads: Path
    tracks: str
    kind: str
    working_kmh: float | None = None
    asked: float | None = None
    roads_datum: str = "WGS-84"
    tracks_datum: str = "WGS-84"
    zone: str = "Asia/Shanghai"
    swap: bool = False
    oneway: str = "file"
    unit: str | None = None


def analyse(
    given: Given, *, engine: str = "embedded", master: str = "local[*]", out: Path | None = None, days: Path | None = None
) -> dict[str, Any]:  # fmt: skip
    """Passes of all vehicles to ``out``, segments by day to ``days`` (both Parquet), and the sums that the command prints.

    Raises Unreadable, parquets.Broken, spark.Absent and spark.Failed.
    """
    begun, peak = time.perf_counter(), Peak()
    roads = segments.read(given.roads, datum=given.roads_datum, oneway=given.oneway)
    groups = files.find(given.tracks, given.unit)
    reading = Reading(given.zone, given.tracks_datum, given.swap)
    warnings = [*roads.warnings, *suspicions(roads, _first(groups, reading), given.tracks_datum)]
    service = Service(given.working_kmh or WORKING_KMH[given.kind], asked=given.asked or Service.asked)
    with _room() as (room, sql):
        if engine == "spark":
            table, service = cluster.parts(groups, reading, roads.network, service, master, peak.look)
            _keep(sql, table.to_reader(), roads)
        else:
            found = embedded.spread(groups, reading, room)
            service = replace(service, signal=found.signal)
            rows = embedded.parts(found, roads.network, service, given.zone)
            _keep(sql, pa.RecordBatchReader.from_batches(batches.PARTS, rows), roads)
        whole, by_day = _unions(sql, roads)
        if days:
            parquet.write_table(by_day, room / "days.parquet", compression="zstd")
        if out:
            _passes(sql, room / "passes.parquet")
            put(room / "passes.parquet", out)
        if days:
            put(room / "days.parquet", days)
        fixes, fast = _fates(sql, warnings)
    if not service.signal:
        warnings.append({"kind": "no_signal", "what": _("没有作业信号：凡以作业速度驶过的都算作业")})
    peak.look()
    return {
        "engine": engine,
        "roads": shown(given.roads.name),
        "tracks": shown(given.tracks),
        "files": sum(len(group.paths) for group in groups),
        "service": {"kind": given.kind, "working_kmh": service.working_kmh, "asked": service.asked, "signal": service.signal},
        "algorithm": ALGORITHM,
        "fixes": fixes,
        **_sums(roads, whole, by_day, fast),
        "faults": [{"file": "roads", **row} for row in roads.faults.listed],
        "warnings": warnings,
        "seconds": round(time.perf_counter() - begun, 3),
        "peak_memory_mb": round(peak.bytes / 1e6, 1),
    }  # fmt: skip


@contextmanager
def _room() -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """A folder on the disk that goes at the end, and a database in it."""
    with tempfile.TemporaryDirectory(prefix="shaodao-analyse-") as name, duckdb.connect(f"{name}/parts.duckdb") as sql:
        sql.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory='{name}/spill'")
        yield Path(name), sql


def _first(groups: list[files.Group], reading: Reading) -> Fixes:
    """The first rows of each group of files, which tell whether the tracks lie on the roads at all. Raises Unreadable and Broken."""
    rows = [
        batches.fixes(batch, group.columns, reading)
        for group in groups[:20]
        for batch, group in islice(embedded.read([group]), 1)
    ]
    table = batches.arrays(pa.Table.from_batches(rows))
    if not np.isfinite(table["t"]).any():
        raise Unreadable(_("“%(name)s”列没有一个能读的时间") % {"name": groups[0].columns.t})
    return Fixes.of(np.zeros(table["t"].size, np.int32), *table.values())


# ── all passes ───────────────────────────────────────────────────────────────────────────────────────────────────


def _keep(sql: duckdb.DuckDBPyConnection, parts: pa.RecordBatchReader, roads: Roads) -> None:
    """The parts as tables `passes`, in the order of segment, start and vehicle, and `fates`; `segments` beside them."""
    failed: list[Exception] = []

    def kept() -> Iterator[pa.RecordBatch]:  # DuckDB would make a message of what went wrong in making them
        try:
            yield from parts
        except Exception as error:
            failed.append(error)
            raise

    sql.register("given", pa.RecordBatchReader.from_batches(batches.PARTS, kept()))
    try:
        sql.execute("CREATE TABLE parts AS SELECT * FROM given")
    except duckdb.Error:
        if failed:
            raise failed[0] from None
        raise
    sql.execute("CREATE TABLE fates AS SELECT vehicle, counts, too_fast_m FROM parts WHERE unit < 0 ORDER BY vehicle")
    sql.execute("CREATE TABLE passes AS SELECT * FROM parts WHERE unit >= 0 ORDER BY unit, start_s, vehicle, end_s")
    sql.execute("DROP TABLE parts")
    sql.register("segments", _segments(roads))
    sql.register(
        "verdicts", pa.table({"verdict": pa.array(list(VERDICTS), pa.int8()), "said": list(VERDICTS.values())})
    )


def _segments(roads: Roads) -> pa.Table:
    found = roads.segments
    return pa.table(
        {
            "unit": pa.array(np.arange(len(found)), pa.int32()),
            "segment": pa.array([segment.id for segment in found], pa.string()),
            "row": pa.array([segment.row for segment in found], pa.int32()),
            "direction": pa.array([segment.direction for segment in found], pa.string()),
            "length_m": pa.array(roads.network.units.length),
        }
    )


def _passes(sql: duckdb.DuckDBPyConnection, path: Path) -> None:
    sql.execute(
        f"""COPY (
            SELECT segment, row, direction, length_m, DATE '1970-01-01' + day AS day, vehicle, to_timestamp(start_s) AS start,
                   to_timestamp(end_s) AS "end", {", ".join(batches.MEASURES)}, said AS verdict, gaps
            FROM passes JOIN segments USING (unit) JOIN verdicts USING (verdict) ORDER BY unit, start_s, vehicle, end_s
        ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""  # noqa: S608
    )


# ── unions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _unions(sql: duckdb.DuckDBPyConnection, roads: Roads) -> tuple[Numbers, pa.Table]:
    """Metres of each segment that any pass serviced; and the table of segments by the day on which the passes began."""
    length = roads.network.units.length
    whole, tables = np.zeros(length.size), []
    for first, last in _spans(sql, length.size):
        asked = "SELECT unit, day, verdict, gaps FROM passes WHERE unit BETWEEN ? AND ? ORDER BY unit, start_s, vehicle, end_s"
        rows = sql.execute(asked, [first, last]).to_arrow_table()
        unit, day, verdict = (rows[name].to_numpy() for name in ("unit", "day", "verdict"))
        seen, of = np.unique(unit, return_inverse=True)
        whole[seen] = _union(roads, rows, of, length[seen])
        keys, of = np.unique(np.stack([unit, day], axis=1), axis=0, return_inverse=True)
        of = of.reshape(-1)
        many = {said: np.bincount(of[verdict == code], minlength=len(keys)) for code, said in VERDICTS.items()}
        tables.append(
            pa.table(
                {
                    "unit": pa.array(keys[:, 0], pa.int32()),
                    "day": pa.array(keys[:, 1], pa.int32()).cast(pa.date32()),
                    **{said: pa.array(many[said], pa.int64()) for said in BEST[:3]},
                    "serviced_m": pa.array(_union(roads, rows, of, length[keys[:, 0]])),
                }
            )
        )
    found = pa.concat_tables(tables) if tables else None
    return whole, _by_day(roads, found)


def _spans(sql: duckdb.DuckDBPyConnection, units: int) -> Iterator[tuple[int, int]]:
    """First and last unit of parts with about `AT_ONCE` passes."""
    rows = sql.execute("SELECT unit, count(*)::BIGINT AS n FROM passes GROUP BY unit ORDER BY unit").fetchall()
    first = many = 0
    for unit, n in rows:
        if many and many + n > AT_ONCE:
            yield first, unit - 1
            first, many = unit, 0
        many += n
    if many:
        yield first, units


def _union(roads: Roads, rows: pa.Table, of: NDArray[np.int64], length: Numbers) -> Numbers:
    """By key (``of`` each row) the metres out of ``length`` that any of its passes serviced: the kernel's own union."""
    gaps = rows["gaps"].combine_chunks()
    first = np.r_[0, np.cumsum(pc.list_value_length(gaps).to_numpy())]
    flat = pc.list_flatten(gaps)
    spans = [pc.struct_field(flat, name).to_numpy(zero_copy_only=False) for name in ("from_m", "to_m")]
    found = np.zeros((len(rows), 10))
    found[:, kernel.P_UNIT], found[:, kernel.P_GAPS] = of, first[:-1]
    which = np.repeat(np.arange(len(rows), dtype=np.float64), np.diff(first))
    units = replace(roads.network.units, length=length)
    return kernel.covered(found, np.column_stack([which, *spans]), units)[0]


def _by_day(roads: Roads, found: pa.Table | None) -> pa.Table:
    """With the names of the segments, in their order."""
    names = _segments(roads)
    if found is None:
        none = {"day": pa.date32(), **dict.fromkeys(BEST[:3], pa.int64()), "serviced_m": pa.float64()}
        found = pa.table(
            {"unit": pa.array([], pa.int32()), **{name: pa.array([], kind) for name, kind in none.items()}}
        )
    table = names.take(found["unit"])
    for name in found.column_names[1:]:
        table = table.append_column(name, found[name])
    return table


# ── sums ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fates(sql: duckdb.DuckDBPyConnection, warnings: list[dict[str, Any]]) -> tuple[dict[str, int], float]:
    """What became of all rows, and all too fast metres."""
    rows = sql.execute("SELECT vehicle, counts, too_fast_m FROM fates ORDER BY vehicle").fetchall()
    counts = {name: sum(row[1][n] for row in rows) for n, name in enumerate(batches.COUNTS)}
    if rows and not rows[0][0]:
        what = _("%(n)d 个定位没有写车辆，算作一辆无名的车")
        warnings.append({"kind": "vehicle", "what": what % {"n": rows[0][1][0]}})
    return counts | {"vehicles": len(rows)}, sum(row[2] for row in rows)


def _sums(roads: Roads, whole: Numbers, by_day: pa.Table, fast: float) -> dict[str, Any]:
    length = roads.network.units.length
    unit, day = by_day["unit"].to_numpy(), by_day["day"].cast(pa.int32()).to_numpy()
    counts = {said: by_day[said].to_numpy() for said in BEST[:3]}
    many = {said: np.bincount(unit, column, length.size).astype(int) for said, column in counts.items()}
    serviced = by_day["serviced_m"].to_numpy()
    days = []
    for one in np.unique(day).tolist():
        on = day == one
        metres = float(serviced[on].sum())
        passes = {said: int(column[on].sum()) for said, column in counts.items()}
        shown_day = (EPOCH + timedelta(days=one)).isoformat()
        days.append(
            {
                "day": shown_day,
                "serviced_m": round(metres, 1),
                "rate": round(metres / float(length.sum()), 4),
                "passes": passes,
            }
        )
    rows = [
        {
            "id": segment.id, "row": segment.row, "direction": segment.direction, "length_m": round(float(length[n]), 1),
            "serviced_m": round(float(whole[n]), 1), "rate": round(float(whole[n] / length[n]), 4),
            "passes": {said: int(column[n]) for said, column in many.items()},
        }
        for n, segment in enumerate(roads.segments)
    ]  # fmt: skip
    said = {name: int(column.sum()) for name, column in many.items()}
    return {
        "totals": {
            "segments": len(rows),
            "length_m": round(float(length.sum()), 1),
            "serviced_m": round(float(whole.sum()), 1),
            "rate": round(float(whole.sum() / length.sum()), 4),
            "too_fast_m": round(fast, 1),
            "passes": {"total": sum(said.values()), **said},
        },
        "days": days,
        "segments": rows,
    }
