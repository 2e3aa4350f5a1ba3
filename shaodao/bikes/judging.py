"""Positions in files held against bays in a file: no database, any number of rows in flat memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from shaodao.bikes import pointfiles
from shaodao.bikes.bays.files import BayFile
from shaodao.bikes.settings import ParkingSettings
from shaodao.kernel import datum as datums
from shaodao.kernel.parking import SIGMA_95, BayIndex, Parked

USUAL_ERROR = ParkingSettings().error_m
"""Metres, radius of 95 % of positions: for the confidence where neither the file nor the caller says how good they are."""
ROWS = 1 << 18  # positions judged at a time
CLASSES = {
    Parked.OUTSIDE: "outside",
    Parked.NEAR_BAY: "near_bay",
    Parked.IN_BAY: "in_bay",
    Parked.UNCERTAIN: "uncertain",
    Parked.INVALID: "invalid",
}
SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),  # of the position in its file, from 0
        pa.field("bay", pa.string()),  # the bay's id in its file; null: none
        pa.field("distance_m", pa.float64()),  # to the bay's boundary, 0 inside; null: none
        pa.field("class", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("bay_row", pa.int64()),  # of the bay in its file, from 0
        pa.field("confidence", pa.float64()),  # 0 to 1, that this bay, or none, is true; null: no position
    ]
)


@dataclass
class Judged:
    """How many positions of each class, and what was left out of the bays."""

    rows: int = 0
    bays: int = 0
    rejected_bays: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES.values(), 0))

    def as_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "bays": self.bays, "rejected_bays": self.rejected_bays, **self.counts}


def judge(
    bays: BayFile,
    positions: Path,
    out: Path,
    *,
    tolerance: float = 10.0,
    accuracy: float | None = None,
    datum: str = "WGS-84",
    progress: Callable[..., None] | None = None,
) -> Judged:
    """Assign every position to its bay and write one row for each (`SCHEMA`) to a Parquet file.

    `tolerance` in metres, 0 to 200. `accuracy`: metres within which positions are true, where the file has no such
    column; with either, what such an error could change is `uncertain`. `datum` is that of the positions.
    The result appears under its name only when it is whole. Raises Unreadable (positions), ValueError (tolerance).
    """
    index = BayIndex.build(bays.shapes, tolerance)
    ids = pa.array(bays.ids, pa.string())
    found = Judged(bays=len(index), rejected_bays=len(bays.faults))
    names = pa.array([CLASSES[Parked(code)] for code in range(len(CLASSES))], pa.string())
    unfinished = out.with_name(out.name + ".part")
    try:
        with parquet.ParquetWriter(unfinished, SCHEMA, compression="zstd") as writer:
            for batch in batches(positions):
                lon, lat = _degrees(batch, "lon"), _degrees(batch, "lat")
                if datum not in ("WGS-84", "CGCS2000"):
                    lon, lat = datums.to_wgs84(lon, lat, datum)
                error = _accuracy(batch, accuracy)
                answer = index.assign(lon, lat, error, _sigma(error))
                none = answer.bay < 0
                assert answer.confidence is not None  # a sigma was given
                writer.write_batch(
                    pa.RecordBatch.from_arrays(
                        [
                            pa.array(np.arange(found.rows, found.rows + lon.size)),
                            ids.take(pa.array(answer.bay, mask=none)),
                            pa.array(answer.distance, mask=none),
                            pa.DictionaryArray.from_arrays(pa.array(answer.parked), names),
                            pa.array(bays.rows[answer.bay] if len(index) else answer.bay.astype(np.int64), mask=none),
                            pa.array(answer.confidence, mask=np.isnan(answer.confidence)),
                        ],
                        schema=SCHEMA,
                    )
                )
                found.rows += lon.size
                for code, n in enumerate(np.bincount(answer.parked, minlength=len(CLASSES))):
                    found.counts[CLASSES[Parked(code)]] += int(n)
                if progress:
                    progress(lon.size)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return found


def _sigma(error: np.ndarray | float | None) -> np.ndarray | float:
    """Standard deviation of each position's error along an axis; `USUAL_ERROR` where nothing is said of it."""
    known = np.asarray(0.0 if error is None else error, dtype=np.float64)
    return np.where(known > 0, known, USUAL_ERROR) * SIGMA_95


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The position columns of a file (`pointfiles`), some rows at a time."""
    return pointfiles.batches(path, ROWS)


def _degrees(batch: pa.RecordBatch, name: str) -> np.ndarray:
    """A column; what is empty becomes NaN, which is judged invalid."""
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)


def _accuracy(batch: pa.RecordBatch, given: float | None) -> np.ndarray | float | None:
    """Metres for each position: the file's column, with `given` (or 0) where it is empty; else `given`."""
    if "accuracy" not in batch.schema.names:
        return given
    column = _degrees(batch, "accuracy")
    return np.where(np.isfinite(column) & (column >= 0), column, given or 0.0)
