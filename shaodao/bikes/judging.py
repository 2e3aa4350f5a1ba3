"""Positions in files held against bays in a file: no database, any number of rows in flat memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.bikes.bays.files import BayFile, Unreadable
from shaodao.bikes.settings import ParkingSettings
from shaodao.kernel import datum as datums
from shaodao.kernel.parking import SIGMA_95, BayIndex, Parked

USUAL_ERROR = ParkingSettings().error_m
"""Metres, radius of 95 % of positions: for the confidence where neither the file nor the caller says how good they are."""
ROWS = 1 << 18  # positions judged at a time
LON = ("lon", "lng", "longitude", "long", "x", "经度")
LAT = ("lat", "latitude", "y", "纬度")
ACCURACY = ("accuracy", "horizontal_accuracy", "accuracy_m", "精度")
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
                lon, lat = _degrees(batch, LON), _degrees(batch, LAT)
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
    """The position columns of a Parquet or CSV file (also .csv.gz), some rows at a time."""
    try:
        if path.suffix == ".parquet":
            file = parquet.ParquetFile(path)
            yield from file.iter_batches(ROWS, columns=_columns(file.schema_arrow.names))
        elif path.name.endswith((".csv", ".csv.gz")):
            with arrow_csv.open_csv(path) as reader:
                columns = _columns(reader.schema.names)
                for batch in reader:
                    yield batch.select(columns)
        else:
            raise Unreadable(_("位置文件应为 .parquet、.csv 或 .csv.gz"))
    except pa.ArrowException as error:
        raise Unreadable(_("文件读不出来：%(e)s") % {"e": str(error).splitlines()[0][:200]}) from None


def _columns(names: list[str]) -> list[str]:
    """Longitude, latitude and, if there is one, accuracy, as the file calls them."""
    known = {name.strip().lower(): name for name in names}
    found = [next((known[n] for n in wanted if n in known), None) for wanted in (LON, LAT, ACCURACY)]
    if found[0] is None or found[1] is None:
        raise Unreadable(_("没有经纬度列：应有 lon 和 lat，现有 %(names)s") % {"names": ", ".join(names)[:200]})
    return [name for name in found if name is not None]


def _degrees(batch: pa.RecordBatch, wanted: tuple[str, ...]) -> np.ndarray:
    """A column as float64; what is empty becomes NaN, which is judged invalid."""
    name = next(n for n in batch.schema.names if n.strip().lower() in wanted)
    column = batch.column(name)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise Unreadable(_("“%(name)s”列不是数字") % {"name": name})
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _accuracy(batch: pa.RecordBatch, given: float | None) -> np.ndarray | float | None:
    """Metres for each position: the file's column, with `given` (or 0) where it is empty; else `given`."""
    if not any(n.strip().lower() in ACCURACY for n in batch.schema.names):
        return given
    column = _degrees(batch, ACCURACY)
    return np.where(np.isfinite(column) & (column >= 0), column, given or 0.0)
