"""Rows of any spelling -> fixes; the fixes of one vehicle -> its passes. The same functions run embedded and on a cluster's workers.

No Django here, and nothing is said in any language: a worker needs this module, the kernel, NumPy and pyarrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shaodao.kernel import datum as kernel_datum
from shaodao.kernel.coverage import Fixes, Network, Service, cover, matching
from shaodao.kernel.coverage import passes as kernel
from shaodao.sanitation.coverage import values

KEYS: Final = ("vehicle", "t", "lon", "lat", "speed", "heading", "working")
FIXES: Final = pa.schema(
    [("vehicle", pa.string()), *((name, pa.float64()) for name in KEYS[1:6]), ("working", pa.int8())]
)
MEASURES: Final = ("serviced_m", "sure_m", "possible_m", "too_fast_m")
COUNTS: Final = ("read", "unreadable", "used", "double", "conflict", "jump", "away", "kept", "unmatched")
PARTS: Final = pa.schema(
    [("vehicle", pa.string()), ("unit", pa.int32()), ("day", pa.int32()), ("start_s", pa.float64()), ("end_s", pa.float64())]
    + [(name, pa.float64()) for name in MEASURES]
    + [("verdict", pa.int8()), ("gaps", pa.list_(pa.struct([("from_m", pa.float64()), ("to_m", pa.float64())])))]
    + [("counts", pa.list_(pa.int64()))]
)  # fmt: skip
"""A row for each pass; and one for each vehicle with unit -1, its ``counts`` (`COUNTS`) and all its too fast metres."""

REST_S: Final = 3 * 3600.0
"""Silence between two stretches of a vehicle's work. No pass goes on over one (a refill takes 45 minutes at most), whatever the hour, so
that midnight cuts nothing; and that a box was off all night makes no pass doubtful, as three hours at work unseen would."""


@dataclass(frozen=True)
class Columns:
    """What the columns are called; ``time`` is the type of the time in the file, which Spark may not keep."""

    vehicle: str | None
    t: str | None
    lon: str | None
    lat: str | None
    speed: str | None
    heading: str | None
    working: str | None
    time: pa.DataType
    time_name: str
    speed_by: float

    @property
    def needed(self) -> list[str]:
        found = (getattr(self, key) for key in KEYS)
        return list(dict.fromkeys(name for name in found if name is not None))


@dataclass(frozen=True)
class Reading:
    """How cells are read: the zone of times that state none (and of days), the datum, whether degrees are swapped."""

    zone: str = "Asia/Shanghai"
    datum: str = "WGS-84"
    swap: bool = False


def fixes(batch: pa.RecordBatch, columns: Columns, reading: Reading) -> pa.RecordBatch:
    """The rows as `FIXES`, as many: t in seconds, NaN where unreadable; WGS-84; m/s; working 1, 0, -1."""

    def column(key: str) -> Any:
        name = getattr(columns, key)
        return None if name is None else batch.column(name)

    def numbers(key: str) -> NDArray[np.float64]:
        given = column(key)
        return np.full(batch.num_rows, np.nan) if given is None else values.floats(given)[0]

    stamps = column("t")
    if pa.types.is_timestamp(columns.time) and pa.types.is_integer(stamps.type):
        stamps = stamps.cast(columns.time)
    t = values.times(stamps, columns.time_name, ZoneInfo(reading.zone), None)[0]
    lon, lat = (numbers(key) for key in (("lat", "lon") if reading.swap else ("lon", "lat")))
    speed, heading = numbers("speed"), numbers("heading")
    with np.errstate(invalid="ignore"):
        t = np.where(np.abs(t) < 1e10, t, np.nan)
        lon, lat = np.where(np.abs(lon) <= 180, lon, np.nan), np.where(np.abs(lat) <= 180, lat, np.nan)
        if reading.datum not in {"WGS-84", "CGCS2000"}:
            inside = np.isfinite(lon) & (np.abs(lat) <= 90)
            lon[inside], lat[inside] = kernel_datum.to_wgs84(lon[inside], lat[inside], reading.datum)
        speed = np.where(speed >= 0, speed / columns.speed_by, np.nan)
        heading = np.where(np.abs(heading) <= 360, heading % 360, np.nan)
    signal = column("working")
    working = np.full(batch.num_rows, -1, np.int8) if signal is None else values.signals(signal)[0]
    names = values.text(column("vehicle")).fill_null("")
    return pa.record_batch([names, *(pa.array(c) for c in (t, lon, lat, speed, heading, working))], schema=FIXES)


def arrays(table: pa.Table | pa.RecordBatch) -> dict[str, NDArray[Any]]:
    """The columns of `FIXES` but for the vehicle."""
    return {name: np.asarray(table.column(name)) for name in KEYS[1:]}


def parts(
    vehicle: str, given: dict[str, NDArray[Any]], network: Network, service: Service, zone: str
) -> pa.RecordBatch:
    """All that one vehicle sent, in any order, as `PARTS`: a call of `cover` for each stretch between rests."""
    good = np.flatnonzero(np.isfinite(given["t"]))
    good = good[np.argsort(given["t"][good], kind="stable")]
    counts = dict.fromkeys(COUNTS, 0) | {"read": given["t"].size, "unreadable": given["t"].size - good.size}
    passes, gaps, fast = [np.empty((0, 10))], [np.empty((0, 3))], 0.0
    many = 0
    for rows in np.split(good, np.flatnonzero(np.diff(given["t"][good]) > REST_S) + 1) if good.size else []:
        columns: list[Any] = [column[rows] for column in given.values()]
        answer = cover(network, Fixes.of(np.zeros(rows.size, np.int32), *columns), service)
        passes.append(answer.passes)
        gaps.append(answer.gaps + np.array([many, 0.0, 0.0]))
        many += answer.passes.shape[0]
        fast += too_fast(answer.stretches)
        fates = answer.fates | {"kept": answer.unmatched[1], "unmatched": answer.unmatched[0]}
        counts |= {name: counts[name] + n for name, n in fates.items()}
    return _rows(vehicle, np.concatenate(passes), np.concatenate(gaps), zone, counts, fast)


def too_fast(stretches: NDArray[np.float64]) -> float:
    """Metres driven with the equipment on, faster than work."""
    s = stretches[stretches[:, kernel.LEVEL] == matching.TOO_FAST]
    return float((s[:, kernel.TO] - s[:, kernel.FROM]).sum())


def _rows(
    vehicle: str, found: NDArray[np.float64], gaps: NDArray[np.float64], zone: str, counts: dict[str, int], fast: float
) -> pa.RecordBatch:
    """`PARTS` from the kernel's passes and gaps, and the row of the vehicle."""
    many = found.shape[0]
    start = found[:, kernel.P_START]
    local = pc.local_timestamp(pa.array((start * 1e6).astype(np.int64), pa.timestamp("us", zone)))
    day = pc.cast(pc.cast(local, pa.date32()), pa.int32()).to_numpy(zero_copy_only=False)
    first = np.searchsorted(gaps[:, 0], np.arange(many + 1)).astype(np.int32)
    spans = pa.StructArray.from_arrays([pa.array(gaps[:, 1]), pa.array(gaps[:, 2])], names=["from_m", "to_m"])
    middle = [
        np.r_[found[:, kernel.P_SERVICED + n], fast if name == "too_fast_m" else 0.0] for n, name in enumerate(MEASURES)
    ]
    columns = [
        pa.array([vehicle] * (many + 1), pa.string()),
        pa.array(np.r_[found[:, kernel.P_UNIT], -1].astype(np.int32)),
        pa.array(np.r_[day, 0].astype(np.int32)),
        pa.array(np.r_[start, 0.0]),
        pa.array(np.r_[found[:, kernel.P_END], 0.0]),
        *map(pa.array, middle),
        pa.array(np.r_[found[:, kernel.P_VERDICT], -1].astype(np.int8)),
        pa.ListArray.from_arrays(pa.array(np.r_[first, first[-1]].astype(np.int32)), spans),
        pa.array([[]] * many + [[counts[name] for name in COUNTS]], pa.list_(pa.int64())),
    ]  # fmt: skip
    return pa.record_batch(columns, schema=PARTS)
