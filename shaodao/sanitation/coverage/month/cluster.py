"""The distributed engine: Spark reads the files and brings each vehicle's fixes together, its workers call the same functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from shaodao.foundation import spark
from shaodao.kernel.coverage import Network, Service
from shaodao.sanitation.coverage import values
from shaodao.sanitation.coverage.month import batches
from shaodao.sanitation.coverage.month.batches import Columns, Reading
from shaodao.sanitation.coverage.month.files import Group


def parts(
    groups: list[Group], reading: Reading, network: Network, service: Service, master: str, measure: Callable[[], None]
) -> tuple[pa.Table, Service]:
    """The parts of all vehicles as `batches.PARTS` in no order, and the service with its ``signal`` as found.

    All machines must see the files under the same paths and have this program installed; a vehicle's fixes must fit into a
    worker's memory. ``measure`` is called while the cluster runs. Raises spark.Absent and spark.Failed.
    """
    with spark.session(master, "shaodao analyse coverage") as running:
        fixes = _fixes(running, groups, reading)
        service = replace(service, signal=any(_signal(running, group) for group in groups))
        everywhere = running.sparkContext.broadcast(network)
        grouped = fixes.groupBy("vehicle")
        found = grouped.applyInArrow(
            _of_vehicle(everywhere, service, reading.zone), spark.schema(batches.PARTS)
        ).toArrow()
        measure()
    return found.cast(batches.PARTS), service


def _signal(running: Any, group: Group) -> bool:
    """Whether any fix has a working signal: from the different cells of its column."""
    if group.columns.working is None:
        return False
    cells = spark.rows(running, group.paths, [group.columns.working]).distinct().toArrow()
    return bool((values.signals(cells.column(0))[0] >= 0).any())


def _fixes(running: Any, groups: list[Group], reading: Reading) -> Any:
    """The data frame of all fixes: nothing is read yet."""
    schema = spark.schema(batches.FIXES)
    frames = [
        spark.rows(running, group.paths, group.columns.needed).mapInArrow(_made(group.columns, reading), schema)
        for group in groups
    ]
    every = frames[0]
    for frame in frames[1:]:
        every = every.unionAll(frame)
    return every


def _made(columns: Columns, reading: Reading) -> Callable[..., Any]:
    def made(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in rows:
            yield batches.fixes(batch, columns, reading)

    return made


def _of_vehicle(everywhere: Any, service: Service, zone: str) -> Callable[[pa.Table], pa.Table]:
    """What the workers run for each vehicle: the network comes by broadcast."""

    def one(table: pa.Table) -> pa.Table:
        given = {name: np.asarray(column) for name, column in batches.arrays(table).items()}
        row = batches.parts(table["vehicle"][0].as_py(), given, everywhere.value, service, zone)
        return pa.Table.from_batches([row])

    return one
