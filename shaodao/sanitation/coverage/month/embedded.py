"""The embedded engine: rows are spread over buckets on the disk, a vehicle whole in one of them; then bucket by bucket.

Spreading makes the layout of the files of no consequence (by day, by vehicle, none) and is the only time they are read.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from shaodao.foundation.parquets import Broken
from shaodao.kernel.coverage import Network, Service
from shaodao.sanitation.coverage.month import batches
from shaodao.sanitation.coverage.month.batches import Reading
from shaodao.sanitation.coverage.month.files import Group

ROWS = 1 << 18  # rows read at a time
BUCKET = 1 << 21  # rows of a bucket, about: what a worker holds in memory
MOST = 256  # buckets; each is an open file
WORKERS = min(2, os.cpu_count() or 1)
PACKED = pa.ipc.IpcWriteOptions(compression="zstd")

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Spread:
    """``signal``: whether any fix has a working signal."""

    buckets: list[Path]
    signal: bool


def spread(groups: list[Group], reading: Reading, room: Path) -> Spread:
    """All rows as fixes into files in ``room``. Raises Broken."""
    many = int(np.clip(-(-sum(group.rows for group in groups) // BUCKET), WORKERS, MOST))
    paths = [room / f"{n}.arrows" for n in range(many)]
    writers: dict[int, Any] = {}
    signal = False

    def made(given: tuple[pa.RecordBatch, Group]) -> pa.RecordBatch:
        return batches.fixes(given[0], given[1].columns, reading)

    try:
        for batch in _ahead(made, read(groups)):
            signal |= bool((np.asarray(batch.column("working")) >= 0).any())
            for n, rows in _dealt(batch, many):
                if n not in writers:
                    writers[n] = pa.ipc.new_stream(str(paths[n]), batches.FIXES, options=PACKED)
                writers[n].write_batch(rows)
    finally:
        for writer in writers.values():
            writer.close()
    return Spread([paths[n] for n in sorted(writers)], signal)


def parts(found: Spread, network: Network, service: Service, zone: str) -> Iterator[pa.RecordBatch]:
    """The parts of all vehicles. In memory is one bucket for each worker; each goes from the disk when it is done."""
    for rows in _ahead(lambda path: list(_bucket(path, network, service, zone)), found.buckets, WORKERS):
        yield from rows


def _bucket(path: Path, network: Network, service: Service, zone: str) -> Iterator[pa.RecordBatch]:
    with pa.ipc.open_stream(str(path)) as stream:
        table = stream.read_all()
    path.unlink()
    coded = table["vehicle"].combine_chunks().dictionary_encode()
    columns = batches.arrays(table)
    del table
    number = coded.indices.to_numpy()
    order = np.argsort(number, kind="stable")
    ends = np.r_[0, np.cumsum(np.bincount(number, minlength=len(coded.dictionary)))]
    for n, vehicle in enumerate(coded.dictionary.to_pylist()):
        mine = order[ends[n] : ends[n + 1]]
        given = {name: column[mine] for name, column in columns.items()}
        yield batches.parts(vehicle, given, network, service, zone)


def _dealt(batch: pa.RecordBatch, many: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each bucket that has some: a vehicle's name alone decides."""
    coded = batch.column("vehicle").dictionary_encode()
    bucket = np.array([zlib.crc32(name.encode()) % many for name in coded.dictionary.to_pylist()], np.int64)
    of = bucket[coded.indices.to_numpy()] if batch.num_rows else bucket[:0]
    order = np.argsort(of, kind="stable")
    ends = np.r_[0, np.cumsum(np.bincount(of, minlength=many))]
    dealt = batch.take(pa.array(order))
    for n in np.flatnonzero(np.diff(ends)).tolist():
        yield n, dealt.slice(ends[n], ends[n + 1] - ends[n])


def read(groups: list[Group]) -> Iterator[tuple[pa.RecordBatch, Group]]:
    """The rows of all files, some at a time. Raises Broken."""
    for group in groups:
        for path in group.paths:
            try:
                with parquet.ParquetFile(path) as file:
                    for batch in file.iter_batches(ROWS, columns=group.columns.needed):
                        yield batch, group
            except (pa.ArrowException, OSError) as error:
                raise Broken(path, error) from None


def _ahead(made: Callable[[T], R], given: Iterable[T], most: int = 2 * WORKERS) -> Iterator[R]:
    """What ``made`` makes of each, in order, by threads, at most so many begun. The kernel and Arrow run without the interpreter's lock."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(WORKERS) as threads:
        try:
            for one in given:
                waiting.append(threads.submit(made, one))
                if len(waiting) >= most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)
