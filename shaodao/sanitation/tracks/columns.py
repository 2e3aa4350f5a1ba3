"""Fixes as they are kept: columns of whole numbers, whose bytes have one digest however they are stored.

Degrees to 1e-7 (1 cm), speed to 0.1 km/h, heading to 0.1 degree: finer than any receiver means it.
"""

import hashlib
import io
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

TYPES = {"t": "<i8", "lon": "<i4", "lat": "<i4", "speed": "<i2", "heading": "<i2", "working": "|i1"}
NONE = -1
"""No speed, no heading, no signal."""


@dataclass(frozen=True, eq=False)
class Rows:
    """n fixes of one vehicle.

    t milliseconds since 1970; lon, lat 1e-7 degrees of WGS-84; speed 0.1 km/h; heading 0.1 degree from north; working 1, 0.
    """

    t: NDArray[np.int64]
    lon: NDArray[np.int32]
    lat: NDArray[np.int32]
    speed: NDArray[np.int16]
    heading: NDArray[np.int16]
    working: NDArray[np.int8]

    def __len__(self) -> int:
        return int(self.t.size)

    def columns(self) -> dict[str, NDArray[Any]]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def part(self, rows: Any) -> "Rows":
        """Some of them, by a mask, numbers or a slice."""
        return Rows(**{name: column[rows] for name, column in self.columns().items()})

    def ordered(self) -> "Rows":
        """By time, then by all the other columns; of equal fixes one."""
        if not len(self):
            return self
        found = self.part(np.lexsort(tuple(reversed(self.columns().values()))))
        same = np.ones(len(found) - 1, bool)
        for column in found.columns().values():
            same &= column[1:] == column[:-1]
        return found.part(np.concatenate([[True], ~same])) if same.any() else found

    def digest(self) -> str:
        """SHA-256 over the bytes of the columns, little-endian."""
        found = hashlib.sha256()
        for name, column in self.columns().items():
            found.update(np.ascontiguousarray(column, TYPES[name]).tobytes())
        return found.hexdigest()


def together(parts: list[Rows]) -> Rows:
    names = list(TYPES)
    if not parts:
        return Rows(**{name: np.empty(0, TYPES[name]) for name in names})
    return Rows(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def known(rows: Rows, there: Rows) -> NDArray[np.bool_]:
    """(n,) which of the fixes are among `there`, the same in every column."""
    if not len(there) or not len(rows):
        return np.zeros(len(rows), bool)
    both = together([there, rows])
    order = np.lexsort((np.arange(len(both)), *reversed(both.columns().values())))
    new = np.ones(len(both), bool)
    same = np.ones(len(both) - 1, bool)
    for column in both.columns().values():
        same &= column[order][1:] == column[order][:-1]
    new[order[1:]] = ~same
    return np.asarray(~new[len(there) :])


def _table(rows: Rows) -> pa.Table:
    return pa.table({name: pa.array(column) for name, column in rows.columns().items()})


def to_stream(rows: Rows) -> bytes:
    """As an Arrow stream, packed."""
    table, out = _table(rows), io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return out.getvalue()


def to_parquet(rows: Rows, out: Any) -> None:
    """Times and degrees grow by little: their differences are packed."""
    encodings = dict.fromkeys(("t", "lon", "lat"), "DELTA_BINARY_PACKED")
    dictionary = ["speed", "heading", "working"]
    parquet.write_table(
        _table(rows), out, compression="zstd", use_dictionary=dictionary, column_encoding=encodings
    )  # fmt: skip


def from_table(table: pa.Table) -> Rows:
    return Rows(**{name: np.asarray(table[name].to_numpy(), TYPES[name]) for name in TYPES})


def from_stream(body: bytes) -> Rows:
    return from_table(pa.ipc.open_stream(pa.BufferReader(body)).read_all())
