"""Rates and ranks with what they do not say: intervals. Pure arithmetic."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
CEILING: Final = 0.995
"""The highest true share that a unit is thought to have: in a large survey somebody is always dissatisfied."""
DRAWS: Final = 20_000
BLOCK: Final = 2_000_000
"""Counts that are drawn at once: bounds the memory."""


def wilson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the score interval of shares (Wilson 1927), lower and upper ends in [0, 1].

    successes, n: counts of one shape (or that broadcast); where n is 0 the interval is all of [0, 1]. The interval holds the
    share, never leaves [0, 1] and is not empty at 0 or n, unlike the one of the textbook.

    Raises ValueError where counts are negative, successes exceed n, or level is not within (0, 1).
    """
    k, m = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if not 0 < level < 1:
        raise ValueError(f"level must be within (0, 1), not {level}")
    if np.any(k < 0) or np.any(k > m) or not np.all(np.isfinite(k) & np.isfinite(m)):
        raise ValueError("successes must be within 0 and n")
    z2 = float(ndtri((1 + level) / 2)) ** 2
    k, m = np.broadcast_arrays(k, m)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (k + z2 / 2) / (m + z2)
        half = np.sqrt(z2) / (m + z2) * np.sqrt(np.maximum(k * (m - k) / m + z2 / 4, 0))
    empty = m == 0
    low = np.where(empty, 0.0, np.where(k == 0, 0.0, middle - half))
    high = np.where(empty, 1.0, np.where(k == m, 1.0, middle + half))
    return low, high


class Ranks(NamedTuple):
    low: int
    high: int


def rank_interval(
    *,
    n: int,
    units: int,
    sd: float,
    rank: int,
    mean: float = 94.0,
    level: float = 0.95,
    seed: int = 0,
    draws: int = DRAWS,
) -> Ranks:
    """Return between which ranks a unit falls that truly has `rank`, when each of `units` asks `n` people.

    The units' true shares are taken to be spread as a normal law of `mean` and `sd` (percentage points) spreads them: the
    share of true rank i is its quantile at 1 - (i - 1/2) / units, held within [0, `CEILING`]. Each survey is a binomial draw;
    a rank is one more than the number of units with a better result, so that equals share the better rank. The interval
    holds `level` of `draws` simulated surveys, the same share left out at both ends; the same seed gives the same one.

    Raises ValueError that names the number that cannot be.
    """
    _check(n=n, units=units, rank=rank, draws=draws)
    if rank > units:
        raise ValueError(f"rank must be at most units ({units}), not {rank}")
    if not (np.isfinite(sd) and sd >= 0):
        raise ValueError(f"sd must not be negative, not {sd}")
    if not 0 <= mean <= 100:
        raise ValueError(f"mean must be a percentage, not {mean}")
    if not 0 < level < 1:
        raise ValueError(f"level must be within (0, 1), not {level}")
    shares = (mean + sd * ndtri(1 - (np.arange(1, units + 1) - 0.5) / units)) / 100
    shares = np.clip(shares, 0.0, CEILING)
    random = np.random.default_rng(seed)
    found = np.empty(draws, dtype=np.int64)
    step = max(1, BLOCK // units)
    for start in range(0, draws, step):
        part = random.binomial(n, shares, size=(min(step, draws - start), units))
        found[start : start + step] = 1 + (part > part[:, rank - 1 : rank]).sum(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail], method="inverted_cdf")
    return Ranks(int(low), int(high))


def _check(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
