"""Work of street cleaning in figures: machine-hours and water of a pass over segments, and what of it fits into a day.

Arrays over segments, minutes of a day as arrays of 1,440. No calendar, no names, no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

Floats = NDArray[np.float64]
MINUTES: Final = 1440


class Effort(NamedTuple):
    """One pass over each segment: metres driven at work, hours at work, cubic metres of water, tankfuls, hours spent
    on the way to a fill point, at it and back."""

    run_m: Floats
    work_h: Floats
    water_m3: Floats
    refills: Floats
    refill_h: Floats


def effort(
    length_m: ArrayLike,
    area_m2: ArrayLike,
    *,
    speed_kmh: float,
    swath_m: float = 0.0,
    runs: int = 0,
    traverses: int = 1,
    water_l_m2: float = 0.0,
    tank_m3: float = 0.0,
    fill_min: ArrayLike = 0.0,
) -> Effort:
    """Return what one pass over each segment takes.

    length_m, area_m2: float64 (n,), of the carriageway and of what the service covers. `runs` > 0: that many runs along
    the carriageway whatever its width; 0: area by `swath_m`, in strips that are not rounded up (what one segment leaves
    of a strip the next one takes). Each strip is driven `traverses` times with `water_l_m2` litres a square metre each.
    fill_min: minutes for one tankful with the way there and back, (n,) or a number.

    Raises ValueError where speed, or the swath that is needed, is not positive, or water is wanted without a tank.
    """
    length, area = np.asarray(length_m, dtype=np.float64), np.asarray(area_m2, dtype=np.float64)
    if not speed_kmh > 0 or (not runs and not swath_m > 0) or traverses < 1:
        raise ValueError("speed_kmh, swath_m (where runs is 0) and traverses must be positive")
    if water_l_m2 > 0 and not tank_m3 > 0:
        raise ValueError("water without a tank: tank_m3 must be positive")
    run = (length * runs if runs else area / swath_m) * traverses
    work = run / 1000.0 / speed_kmh
    water = area * water_l_m2 * traverses / 1000.0
    refills = water / tank_m3 if water_l_m2 > 0 else np.zeros_like(water)
    return Effort(run, work, water, refills, refills * np.asarray(fill_min, dtype=np.float64) / 60.0)


def open_minutes(spans: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Return which of the 1,440 minutes of a day lie in spans [first, last) of minutes; last < first goes over midnight."""
    found = np.zeros(MINUTES, dtype=np.bool_)
    for first, last in ((int(s[0]), int(s[1])) for s in spans):
        if first < last:
            found[first:last] = True
        else:
            found[first:] = True
            found[:last] = True
    return found


def granted(needs: ArrayLike, masks: Sequence[NDArray[np.bool_]], supply: ArrayLike) -> Floats:
    """Return how much of each need can be met, in the order given: earlier needs are served as far as possible first.

    needs: float64 (k,), amounts (vehicle-minutes, litres). masks: k times bool (1440,), the minutes in which each may be
    served. supply: float64 (1440,), the amount that each minute gives to all of them together. The largest flow of the
    first j needs is monotone in j, and its growth is what need j gets: exact, though it says nothing of who drives when.
    Rounded down to whole units. Raises ValueError for negative or unfinite numbers.
    """
    wanted, gives = np.asarray(needs, dtype=np.float64), np.asarray(supply, dtype=np.float64)
    if not (np.isfinite(wanted).all() and np.isfinite(gives).all() and (wanted >= 0).all() and (gives >= 0).all()):
        raise ValueError("needs and supply must be finite and not negative")
    k = wanted.size
    if k == 0:
        return np.zeros(0)
    # Minutes that the same needs may use are one node: a day has a dozen such kinds, not 1,440.
    kinds, which = np.unique(np.array(masks, dtype=np.bool_).T, axis=0, return_inverse=True)
    capacity = np.floor(np.bincount(which.ravel(), weights=gives, minlength=len(kinds)) + 1e-6).astype(np.int64)
    whole = np.ceil(wanted - 1e-6).astype(np.int64)
    flows = np.array([_flow(whole[: j + 1], kinds[:, : j + 1], capacity) for j in range(k)], dtype=np.float64)
    return np.minimum(np.diff(flows, prepend=0.0), wanted)


def _flow(needs: NDArray[np.int64], kinds: NDArray[np.bool_], capacity: NDArray[np.int64]) -> int:
    """Source 0, needs 1…k, kinds of minutes, sink."""
    k, n = needs.size, len(kinds)
    most = int(min(needs.sum(), 2**31 - 1))
    need, minute = np.nonzero(kinds.T)
    every, each = np.arange(k), np.arange(n)
    rows = np.concatenate([np.zeros(k, np.int64), 1 + need, 1 + k + each])
    columns = np.concatenate([1 + every, 1 + k + minute, np.full(n, 1 + k + n)])
    values = np.concatenate([np.minimum(needs, most), np.full(need.size, most), np.minimum(capacity, most)])
    size = 2 + k + n
    graph = csr_array((values.astype(np.int32), (rows, columns)), shape=(size, size))
    return int(maximum_flow(graph, 0, size - 1).flow_value)
