"""The distributed engine: Spark reads the files, its workers call the same function, Spark adds the parts up."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from shaodao.bikes.analysis import batches
from shaodao.bikes.analysis.files import Group
from shaodao.foundation import spark
from shaodao.kernel.parking import BayIndex, analysis


def merged(
    groups: list[Group], index: BayIndex, accuracy: float | None, master: str, measure: Callable[[], None]
) -> pa.Table:
    """The merged parts, columns as `batches.SCHEMA`, in no order. `measure` is called while the cluster still runs.

    All machines must see the folder under the same path and have this program installed. Raises spark.Absent and Failed.
    """
    with spark.session(master, "shaodao analyse parking") as running:
        found = _plan(running, groups, index, accuracy).toArrow()
        measure()
    return found.cast(batches.SCHEMA)


def _plan(running: Any, groups: list[Group], index: BayIndex, accuracy: float | None) -> Any:
    """The data frame of the merged parts: nothing is read yet."""
    from pyspark.sql import functions as f

    index.warm()  # so that what is sent is ready, and compiled code lies in the cache
    everywhere = running.sparkContext.broadcast(index)
    schema = spark.schema(batches.SCHEMA)
    frames = []
    for group in groups:
        nanoseconds = bool(pa.types.is_timestamp(group.time)) and group.time.unit == "ns"
        columns = replace(group.columns, nanoseconds=nanoseconds)
        rows = spark.rows(running, group.paths, columns.needed)
        frames.append(rows.mapInArrow(_function(columns, everywhere, accuracy), schema))
    parts = frames[0]
    for frame in frames[1:]:
        parts = parts.unionAll(frame)
    added = [f.sum(name).alias(name) for name in analysis.SUMS]
    ends = [f.min(analysis.LEAST).alias(analysis.LEAST), f.max(analysis.MOST).alias(analysis.MOST)]
    return parts.groupBy(*analysis.KEYS).agg(*added, *ends)


def _function(columns: batches.Columns, everywhere: Any, accuracy: float | None) -> Callable[..., Any]:
    """What the workers run: it carries names and numbers only, the bays come by broadcast."""

    def count(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in rows:
            yield batches.parts(batch, columns, everywhere.value, accuracy)

    return count
