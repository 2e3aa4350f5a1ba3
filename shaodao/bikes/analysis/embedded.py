"""The embedded engine: files read in batches, two threads in the kernel, DuckDB adds the parts up (on disk if need be)."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
from pyarrow import parquet

from shaodao.bikes.analysis import batches
from shaodao.bikes.analysis.files import Group
from shaodao.foundation.parquets import Broken
from shaodao.kernel.parking import BayIndex

ROWS = 1 << 18  # positions counted at a time
THREADS = min(2, os.cpu_count() or 1)
AHEAD = 2 * THREADS  # batches in memory


def parts(groups: list[Group], index: BayIndex, accuracy: float | None) -> Iterator[pa.RecordBatch]:
    """The parts of all files, in their order; memory for a few batches, however many files. Raises Broken."""
    index.warm()  # compiled once, before two threads ask for it
    waiting: deque[Future[pa.RecordBatch]] = deque()
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            for batch, group in _read(groups):
                waiting.append(threads.submit(batches.parts, batch, group.columns, index, accuracy))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)


def _read(groups: list[Group]) -> Iterator[tuple[pa.RecordBatch, Group]]:
    for group in groups:
        for path in group.paths:
            try:
                with parquet.ParquetFile(path) as file:
                    for batch in file.iter_batches(ROWS, columns=group.columns.needed):
                        yield batch, group
            except (pa.ArrowException, OSError) as error:
                raise Broken(path, error) from None
