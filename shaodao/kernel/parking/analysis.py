"""Positions counted by bay, local day, hour and operator, in parts that add up exactly.

    parts = [partial(index, lon, lat, time, operator) for … in batches]     # anywhere, in any order
    whole = merge(parts)

A part holds only integers: numbered keys, counts, distances in millimetres. So `merge` is exact, and associative and
commutative; whoever cuts the rows into batches, and whatever adds the parts up (`merge`, SQL, a cluster), gets the same
table to the last row. Distances are rounded once, for each position.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shaodao.kernel.compiled import compiled
from shaodao.kernel.parking.index import WORST_ACCURACY, BayIndex
from shaodao.kernel.parking.loops import INVALID, MOST_BAYS

Longs = NDArray[np.int64]

KEYS: Final = ("bay", "day", "hour", "operator")
SUMS: Final = ("positions", "outside", "near_bay", "in_bay", "uncertain", "invalid", "distance_sum_mm")
"""The five classes stand in the order of `Parked`."""
LEAST: Final = "distance_min_mm"
MOST: Final = "distance_max_mm"
VALUES: Final = (*SUMS, LEAST, MOST)

NO_TIME: Final = np.iinfo(np.int64).min
"""Stands for a time that is missing."""
UTC_OFFSET_MS: Final = 8 * 3_600_000
"""China's clock all year round since 1992 (IANA Asia/Shanghai)."""
LAST_TIME_MS: Final = 253_402_300_800_000 - UTC_OFFSET_MS
"""The end of the year 9999; later times, and those before 1970, are none."""
MOST_OPERATORS: Final = 1 << 14

_BAY, _DAY, _HOUR = 1 << 41, 1 << 19, 1 << 14  # the key's units: 22 bits for the bay, 22 days, 5 hours, 14 operators
assert MOST_BAYS < 1 << 22


@dataclass(frozen=True, eq=False)
class Partial:
    """g groups in the order of their keys.

    key
        (g,) int64: bay, day, hour and operator in one number; the properties of these names take it apart.
    values
        (g, 9) int64, columns as `VALUES`. Distances are 0 where there is no bay.
    """

    key: Longs
    values: Longs

    @property
    def bay(self) -> Longs:
        """The bay's number, -1 for none."""
        return np.asarray(self.key // _BAY - 1)

    @property
    def day(self) -> Longs:
        """Days from 1970-01-01 to the local day, -1 for positions without a time."""
        return np.asarray(self.key % _BAY // _DAY - 1)

    @property
    def hour(self) -> Longs:
        """The local hour, 0 to 23; -1 for positions without a time."""
        return np.asarray(self.key % _DAY // _HOUR - 1)

    @property
    def operator(self) -> Longs:
        """The operator's number, as it was given."""
        return np.asarray(self.key % _HOUR)

    def __len__(self) -> int:
        return self.key.size


def partial(
    index: BayIndex,
    lon: ArrayLike,
    lat: ArrayLike,
    time: ArrayLike,
    operator: ArrayLike,
    accuracy: ArrayLike | None = None,
) -> Partial:
    """Count one batch of n positions.

    Parameters
    ----------
    lon, lat
        (n,) degrees WGS-84; what is no degree counts as invalid.
    time
        (n,) int64, milliseconds since 1970-01-01 UTC. Positions without a time (`NO_TIME`, before 1970, after 9999) belong
        to no hour; they count as invalid under day -1 and hour -1.
    operator
        (n,) integers, 0 to `MOST_OPERATORS` - 1, the same for the same operator in all parts that are merged.
    accuracy
        Metres within which the true position lies, one for all or (n,); see `BayIndex.assign`. What is no distance counts as
        the worst. Without it, no position is uncertain.

    Raises ValueError where arrays differ in length or an operator's number is out of range.
    """
    times = np.require(time, dtype=np.int64, requirements=["C", "A", "W"])
    operators = np.require(operator, dtype=np.int32, requirements=["C", "A", "W"])
    if accuracy is not None:
        given = np.asarray(accuracy, dtype=np.float64)
        accuracy = np.where(given >= 0, given, WORST_ACCURACY)
    found = index.assign(lon, lat, accuracy)
    if not times.shape == operators.shape == found.bay.shape:
        raise ValueError(f"{found.bay.size} positions but {times.size} times and {operators.size} operators")
    if operators.size and not 0 <= operators.min() <= operators.max() < MOST_OPERATORS:
        raise ValueError(f"operators must be numbered from 0 to {MOST_OPERATORS - 1}")
    return _ordered(*_count(times, operators, found.bay, found.distance, found.parked))


def merge(parts: Iterable[Partial]) -> Partial:
    """Add parts up; the numbers of bays and operators must mean the same in all of them."""
    some = list(parts)
    if not some:
        return Partial(np.empty(0, np.int64), np.empty((0, len(VALUES)), np.int64))
    key, values = np.concatenate([part.key for part in some]), np.concatenate([part.values for part in some])
    order = np.argsort(key, kind="stable")
    key, values = key[order], values[order]
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    sums = len(SUMS)
    if not begins.size:
        return Partial(key, values)
    added = np.add.reduceat(values[:, :sums], begins)
    least = np.minimum.reduceat(values[:, sums], begins)
    most = np.maximum.reduceat(values[:, sums + 1], begins)
    return Partial(key[begins], np.column_stack([added, least, most]))


def _ordered(key: Longs, values: Longs) -> Partial:
    order = np.argsort(key)
    return Partial(key[order], values[order])


@compiled
def _count(
    time: Longs,
    operator: NDArray[np.int32],
    bay: NDArray[np.int32],
    metres: NDArray[np.float64],
    parked: NDArray[np.int8],
) -> tuple[Longs, Longs]:
    """Groups in the order in which they first come, found by a table of slots with open addresses."""
    bits = 1
    while (1 << bits) < 2 * time.size:
        bits += 1
    slots = np.full(1 << bits, -1, np.int32)
    last = (1 << bits) - 1
    keys, values = np.empty(time.size, np.int64), np.empty((time.size, 9), np.int64)
    many = 0
    for i in range(time.size):
        t, b, kind = time[i], np.int64(bay[i]), np.int64(parked[i])
        day, hour = np.int64(-1), np.int64(-1)
        if -UTC_OFFSET_MS <= t < LAST_TIME_MS:
            hour = (t + UTC_OFFSET_MS) // 3_600_000
            day = hour // 24
            hour -= day * 24
        else:
            b, kind = np.int64(-1), np.int64(INVALID)
        key = (b + 1) * _BAY + (day + 1) * _DAY + (hour + 1) * _HOUR + operator[i]
        slot = (key * np.int64(-7046029254386353131)) >> (64 - bits) & last  # 2**64 over the golden ratio
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + 1) & last
        group = slots[slot]
        far = np.int64(np.rint(metres[i] * 1000.0)) if b >= 0 else np.int64(0)
        if group < 0:
            group = slots[slot] = many
            keys[group] = key
            values[group] = 0
            values[group, 7] = values[group, 8] = far
            many += 1
        values[group, 0] += 1
        values[group, 1 + kind] += 1
        values[group, 6] += far
        values[group, 7] = min(values[group, 7], far)
        values[group, 8] = max(values[group, 8], far)
    return keys[:many].copy(), values[:many].copy()
