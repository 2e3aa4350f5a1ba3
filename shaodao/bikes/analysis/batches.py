"""One Arrow batch of positions -> one Arrow batch of parts. The same function runs embedded and on a cluster's workers.

No Django here: a worker needs this module, the kernel, NumPy and pyarrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shaodao.kernel.parking import BayIndex, analysis

SCHEMA: Final = pa.schema(
    [("bay", pa.int32()), ("day", pa.int32()), ("hour", pa.int32()), ("operator", pa.string())]
    + [(name, pa.int64()) for name in analysis.VALUES]
)
SECONDS_BELOW: Final = 100_000_000_000
"""An integer time below this is in seconds (until the year 5138), from it on in milliseconds (from March 1973)."""
PER_MS: Final = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}


@dataclass(frozen=True)
class Columns:
    """What the needed columns are called in a group of files.

    ``operator`` and ``accuracy`` may be absent. ``named`` is the operator that the files' folder names, which is stronger
    than the column. ``nanoseconds``: the time is an integer of these (Spark has no other type for them).
    """

    lon: str
    lat: str
    time: str
    operator: str | None = None
    accuracy: str | None = None
    named: str | None = None
    nanoseconds: bool = False

    @property
    def needed(self) -> list[str]:
        """The columns to read."""
        asked = (self.lon, self.lat, self.time, None if self.named is not None else self.operator, self.accuracy)
        return [name for name in asked if name is not None]


def parts(batch: pa.RecordBatch, columns: Columns, index: BayIndex, accuracy: float | None) -> pa.RecordBatch:
    """Count a batch; rows of the answer are groups, columns as `SCHEMA`.

    ``accuracy`` in metres is for positions without one of their own; None: these are taken as exact. Raises ValueError for
    more operators than the kernel can number.
    """
    codes, names = _operators(batch, columns)
    found = analysis.partial(
        index,
        _floats(batch.column(columns.lon)),
        _floats(batch.column(columns.lat)),
        milliseconds(batch.column(columns.time), columns.nanoseconds),
        codes,
        _accuracies(batch, columns, accuracy),
    )
    keys = [pa.array(found.bay, pa.int32()), pa.array(found.day, pa.int32()), pa.array(found.hour, pa.int32())]
    values = [pa.array(column) for column in np.ascontiguousarray(found.values.T)]
    return pa.record_batch([*keys, names.take(pa.array(found.operator)), *values], schema=SCHEMA)


def milliseconds(column: pa.Array, nanoseconds: bool = False) -> NDArray[np.int64]:
    """Timestamps (zoned or taken as UTC) or integers of seconds or milliseconds, as milliseconds since 1970 UTC."""
    numbers = column.cast(pa.int64())
    missing = numbers.is_null().to_numpy(zero_copy_only=False) if numbers.null_count else None
    values = numbers.fill_null(0).to_numpy(zero_copy_only=False) if numbers.null_count else numbers.to_numpy()
    if nanoseconds or pa.types.is_timestamp(column.type):
        times, over = PER_MS["ns" if nanoseconds else column.type.unit]
        found = _times(values // over if over > 1 else values, times)
    else:
        seconds = (values > -SECONDS_BELOW) & (values < SECONDS_BELOW)
        found = np.where(seconds, values * 1000, values) if seconds.any() else values
    return found if missing is None else np.where(missing, analysis.NO_TIME, found)


def _times(values: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Multiplied; what would overflow is no time."""
    if factor == 1:
        return values
    most = np.iinfo(np.int64).max // factor
    return np.where((values >= -most) & (values <= most), values * factor, analysis.NO_TIME)


def _floats(column: pa.Array) -> NDArray[np.float64]:
    numbers = column.cast(pa.float64(), safe=False)
    return np.asarray(numbers.fill_null(np.nan) if numbers.null_count else numbers)


def _accuracies(batch: pa.RecordBatch, columns: Columns, accuracy: float | None) -> Any:
    if columns.accuracy is None:
        return accuracy
    metres = _floats(batch.column(columns.accuracy))
    return np.where(np.isfinite(metres) & (metres >= 0), metres, accuracy or 0.0)  # as `judging` takes it


def _operators(batch: pa.RecordBatch, columns: Columns) -> tuple[NDArray[np.int32], pa.Array]:
    """Each row's number among the batch's operators, and their names; no operator is the empty name."""
    if columns.named is not None or columns.operator is None:
        return np.zeros(batch.num_rows, np.int32), pa.array([columns.named or ""])
    coded = batch.column(columns.operator).cast(pa.string()).fill_null("").dictionary_encode()
    if len(coded.dictionary) > analysis.MOST_OPERATORS:
        raise ValueError(f"{columns.operator}: more than {analysis.MOST_OPERATORS} operators")
    return coded.indices.to_numpy(), coded.dictionary
