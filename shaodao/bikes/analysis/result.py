"""From parts to the answer: DuckDB adds up, the table is written, the sums are said."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from shaodao.bikes.analysis import batches, cluster, embedded, files
from shaodao.bikes.bays.files import BayFile
from shaodao.foundation.parquets import put
from shaodao.foundation.peak import Peak
from shaodao.kernel.parking import BayIndex, analysis

BY = ("day", "hour", "operator")
CLASSES = analysis.SUMS[1:6]
ADDED = ", ".join(
    [f"sum({name})::BIGINT AS {name}" for name in analysis.SUMS]
    + [f"min({analysis.LEAST}) AS {analysis.LEAST}", f"max({analysis.MOST}) AS {analysis.MOST}"]
)
"""How parts are added up in SQL; nothing but whole numbers."""
MEMORY = "1GB"
"""What DuckDB may hold; more groups go to disk, beside the system's temporary files."""


def analyse(
    folder: Path,
    bays: BayFile,
    *,
    tolerance: float = 10.0,
    accuracy: float | None = None,
    engine: str = "duckdb",
    master: str = "local[*]",
    by: tuple[str, ...] = BY,
    out: Path | None = None,
) -> dict[str, Any]:
    """Count all positions of a folder by bay and by what `by` names, on one of the engines; write the table to `out`.

    The answer is what the command prints. Raises files.Wrong, parquets.Broken, spark.Absent, spark.Failed, and ValueError
    for bays that are spread too wide or a tolerance out of range.
    """
    begun = time.perf_counter()
    groups = files.find(folder)
    index = BayIndex.build(bays.shapes, tolerance)
    peak = Peak()
    with tempfile.TemporaryDirectory(prefix="shaodao-analyse-") as room, duckdb.connect(f"{room}/parts.duckdb") as sql:
        sql.execute(
            f"SET memory_limit='{MEMORY}'; SET temp_directory='{room}/spill'; SET preserve_insertion_order=false"
        )
        if engine == "spark":
            parts = cluster.merged(groups, index, accuracy, master, peak.look).to_reader()
        else:
            source = embedded.parts(groups, index, accuracy)
            parts = pa.RecordBatchReader.from_batches(batches.SCHEMA, source)
        _merge(sql, parts)
        many = _table(sql, by, bays.ids, Path(room, "table.parquet") if out else None)
        if out:
            put(Path(room, "table.parquet"), out)
        sums = _sums(sql)
    peak.look()
    return {
        "engine": engine,
        "rows": sums.pop("positions"),
        "bays": len(index),
        "groups": many,
        **sums,
        "seconds": round(time.perf_counter() - begun, 3),
        "peak_memory_mb": round(peak.bytes / 1e6, 1),
    }


def _merge(sql: duckdb.DuckDBPyConnection, parts: pa.RecordBatchReader) -> None:
    """All parts into the table `merged`, a row for each group."""
    failed: list[Exception] = []

    def kept() -> Iterator[pa.RecordBatch]:  # DuckDB would make a message of what went wrong in reading
        try:
            yield from parts
        except Exception as error:
            failed.append(error)
            raise

    sql.register("parts", pa.RecordBatchReader.from_batches(batches.SCHEMA, kept()))
    keys = ", ".join(analysis.KEYS)
    try:
        sql.execute(f"CREATE TABLE merged AS SELECT {keys}, {ADDED} FROM parts GROUP BY {keys}")  # noqa: S608
    except duckdb.Error:
        if failed:
            raise failed[0] from None
        raise


def _table(sql: duckdb.DuckDBPyConnection, by: tuple[str, ...], ids: list[str], path: Path | None) -> int:
    """How many groups there are by bay and `by`; the table with the bays' own names, in the order of its keys, to `path`."""
    keys = ["bay", *(name for name in BY if name in by)]
    grouped = ", ".join(keys)
    if path is None:
        found = sql.execute(f"SELECT count(*) FROM (SELECT DISTINCT {grouped} FROM merged)").fetchone()  # noqa: S608
        return int(found[0]) if found else 0
    sql.register(
        "names", pa.table({"bay": pa.array(np.arange(len(ids)), pa.int32()), "bay_id": pa.array(ids, pa.string())})
    )
    shown = {
        "bay": "nullif(bay, -1) AS bay_row, bay_id",
        "day": "CASE WHEN day >= 0 THEN DATE '1970-01-01' + day END AS day",
        "hour": "nullif(hour, -1) AS hour",
        "operator": "nullif(operator, '') AS operator",
    }
    distances = [f"CASE WHEN bay >= 0 THEN {name} END AS {name}" for name in analysis.VALUES[-3:]]
    columns = ", ".join([*(shown[key] for key in keys), *analysis.SUMS[:-1], *distances])
    inner = f"SELECT {grouped}, {ADDED} FROM merged GROUP BY {grouped}"  # noqa: S608
    order = ", ".join(f"rows.{key}" for key in keys)
    sql.execute(
        f"COPY (SELECT {columns} FROM ({inner}) AS rows LEFT JOIN names USING (bay) ORDER BY {order}) "  # noqa: S608
        f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    )
    found = sql.execute(f"SELECT num_rows FROM parquet_file_metadata('{path}')").fetchone()  # noqa: S608
    return int(found[0]) if found else 0


def _sums(sql: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Positions by class, and by local hour the share in order of those that are judged for certain."""
    names = ("positions", *CLASSES)
    columns = ", ".join(f"sum({name})::BIGINT" for name in names)
    rows = sql.execute(f"SELECT hour, {columns} FROM merged GROUP BY hour ORDER BY hour").fetchall()  # noqa: S608
    sums = {name: sum(row[i] for row in rows) for i, name in enumerate(names, 1)}
    rates = {}
    for hour, _positions, outside, near, inside, _uncertain, _invalid in rows:
        judged = outside + near + inside
        if hour >= 0 and judged:
            rates[f"{hour:02d}"] = round((near + inside) / judged, 6)
    return {name: sums[name] for name in ("positions", "in_bay", "near_bay", "outside", "uncertain", "invalid")} | {
        "in_order_rate_by_hour": rates
    }
