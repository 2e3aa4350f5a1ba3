"""Which bikes to carry from where to where: the moves that save most, under what the vans can carry.

At each place riders come to take bikes and to leave them, each by a Poisson process of its own. With s bikes there now and
X = taken − left within the horizon (Skellam), `max(0, X − s)` riders find none, and `max(0, s − X − capacity)` bikes find no
room in the bay. The cost of a stock, riders + weight × bikes, is convex in s (a newsvendor's), so the n-th bike carried away
or brought has a worth of its own, falling with n; the best moves are a flow between places, loads are whole vans. Solved by
HiGHS (through SciPy) to a stated gap. No bike is carried on through a third place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
NEAREST: Final = 12
"""Places that each place may give to: farther ones are hardly ever worth the way, and the program stays small."""
ARCS: Final = 1_500
"""Pairs of places that are looked at, the best by what a load between them saves; the gap is among these."""
LEAST: Final = 1e-9


def expected_cost(stock: Longs, taken: Floats, left: Floats, capacity: Longs, weight: float, most: int) -> Floats:
    """Expected riders without a bike plus `weight` × bikes without room, at b places, for stocks 0 to `most`.

    Parameters
    ----------
    stock
        (b,) int64, only checked for being at most `most`.
    taken, left
        (b,) float64, expected bikes taken and left within the horizon; 0 or more.
    capacity
        (b,) int64 bikes.

    Returns (b, most + 1).
    """
    if stock.size and int(stock.max()) > most:
        raise ValueError(f"a stock of {int(stock.max())} is more than {most}")
    x, chance = _net(taken, left)
    levels = np.arange(most + 1)
    cost = np.empty((stock.size, most + 1))
    for b in range(stock.size):
        short = np.maximum(0, x[:, None] - levels[None, :])
        over = np.maximum(0, levels[None, :] - x[:, None] - capacity[b])
        cost[b] = chance[b] @ (short + weight * over)
    return cost


def _net(taken: Floats, left: Floats) -> tuple[Longs, Floats]:
    """The chances (b, k) of each net outflow x (k,): Skellam's law, from its characteristic function."""
    both = float((taken + left).max(initial=0.0))
    far = int(np.abs(taken - left).max(initial=0.0) + 10 * np.sqrt(both + 1) + 10)
    size = 1 << (2 * far).bit_length()
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    chance = np.fft.irfft(np.exp(np.outer(taken, turn - 1) + np.outer(left, turn.conj() - 1)), size, axis=1)
    x = np.arange(size)
    return np.where(x < size // 2, x, x - size), np.maximum(chance, 0.0)


@dataclass(frozen=True, eq=False)
class Moves:
    """m moves: from place to place (numbers from 0), bikes and vanloads; what they save, and how near to the best.

    `gain` is the fall of the expected cost over all places, `worth` what is left of it after the way (the objective);
    `gap` the share of `worth` that a better plan might add at most (0: it is optimal).
    """

    origin: Longs
    target: Longs
    bikes: Longs
    loads: Longs
    metres: Floats
    gain: float
    worth: float
    gap: float


def advise(
    x: Floats, y: Floats, stock: Longs, cost: Floats, *,
    van: int, loads: int, farthest: float, per_km: float, seconds: float = 10.0,
) -> Moves:  # fmt: skip
    """Choose the moves.

    Parameters
    ----------
    x, y
        (b,) float64 metres of each place in a plane.
    stock
        (b,) int64 bikes there now.
    cost
        (b, most + 1) as of `expected_cost`: convex along its second axis.
    van, loads
        Bikes that a van carries, vanloads that can be driven.
    farthest
        Metres of one move at most.
    per_km
        What a kilometre of a vanload costs, in riders.
    seconds
        Time limit; the gap says what it left open.
    """
    if van < 1 or loads < 0:
        raise ValueError("van: 1 bike or more; loads: 0 or more")
    give, take = _worths(stock, cost)
    arcs = _arcs(x, y, give, take, farthest, van)
    if not arcs[0].size or not loads:
        return _nothing()
    return _solve(arcs, give, take, stock, cost, van, loads, per_km, seconds)


def _nothing() -> Moves:
    none = np.zeros(0, np.int64)
    return Moves(none, none, none, none, np.zeros(0), 0.0, 0.0, 0.0)


Steps = list[Floats]


def _worths(stock: Longs, cost: Floats) -> tuple[Steps, Steps]:
    """What the 1st, 2nd, … bike carried away from a place changes (a saving is positive), and the same brought."""
    fall = cost[:, :-1] - cost[:, 1:]  # of one bike more, at each stock
    give = [-fall[b, :n][::-1] for b, n in enumerate(stock.tolist())]
    take = [fall[b, n:] for b, n in enumerate(stock.tolist())]
    return give, take


def _arcs(x: Floats, y: Floats, give: Steps, take: Steps, farthest: float, van: int) -> tuple[Longs, Longs, Floats]:
    """Pairs of places worth a load: (origin, target, metres), the `ARCS` best by what one load saves at most."""
    where = np.column_stack([x, y])
    wanting = np.array([b for b, steps in enumerate(take) if steps.size and steps[0] > LEAST], np.int64)
    having = np.array([b for b, steps in enumerate(take) if steps.size], np.int64)
    origins = np.array([b for b, steps in enumerate(give) if steps.size], np.int64)
    pairs = {
        (o, t): metres
        for targets in (wanting, having)
        for o, t, metres in _near(where, origins, targets, farthest)
        if give[o][0] + take[t][0] > LEAST
    }
    load = [float(np.maximum(0, _first(give[o], van) + _first(take[t], van)).sum()) for o, t in pairs]
    best = np.sort(np.argsort(-np.array(load), kind="stable")[:ARCS])
    origin, target = np.array(list(pairs), np.int64).reshape(-1, 2)[best].T
    return origin, target, np.array(list(pairs.values()))[best]


def _first(steps: Floats, n: int) -> Floats:
    """The first n; what is not there is worth nothing at all."""
    return np.concatenate([steps[:n], np.full(max(0, n - steps.size), -np.inf)])


def _near(where: Floats, origins: Longs, targets: Longs, farthest: float) -> list[tuple[int, int, float]]:
    if not origins.size or not targets.size:
        return []
    metres, which = cKDTree(where[targets]).query(
        where[origins], k=min(NEAREST + 1, targets.size), distance_upper_bound=farthest * (1 + 1e-12)
    )
    metres, which = metres.reshape(origins.size, -1), which.reshape(origins.size, -1)
    found = np.isfinite(metres)
    origin = np.repeat(origins, metres.shape[1])[found.ravel()]
    rows = zip(origin.tolist(), targets[which[found]].tolist(), metres[found].tolist(), strict=True)
    return [(o, t, d) for o, t, d in rows if o != t]


def _solve(
    arcs: tuple[Longs, Longs, Floats], give: Steps, take: Steps, stock: Longs, cost: Floats,
    van: int, loads: int, per_km: float, seconds: float,
) -> Moves:  # fmt: skip
    """Variables: bikes and loads of each arc (whole numbers), then the steps given and taken (0 to 1).

    The steps need no order: their worth falls, so the optimum fills them from the first.
    """
    origin, target, metres = arcs
    n = origin.size
    most_taken = max(float(take[t][0]) for t in target)
    most_given = max(float(give[o][0]) for o in origin)
    givers = [(int(b), give[b][give[b] + most_taken > LEAST][: van * loads]) for b in np.unique(origin)]
    takers = [(int(b), take[b][take[b] + most_given > LEAST][: van * loads]) for b in np.unique(target)]
    worths = np.concatenate([s for _b, s in givers] + [s for _b, s in takers])
    objective = np.concatenate([np.zeros(n), metres / 1000 * per_km, -worths])
    rows = [_flow(givers, origin, n, 2 * n, objective.size)]
    rows.append(_flow(takers, target, n, 2 * n + sum(s.size for _b, s in givers), objective.size))
    per_load = sparse.hstack([sparse.eye(n), -van * sparse.eye(n), sparse.csr_matrix((n, worths.size))])
    budget = sparse.csr_matrix(np.concatenate([np.zeros(n), np.ones(n), np.zeros(worths.size)])[None, :])
    constraints = [LinearConstraint(row, 0, 0) for row in rows]
    constraints += [LinearConstraint(per_load, -np.inf, 0), LinearConstraint(budget, 0, loads)]
    most = np.concatenate([np.full(n, van * loads), np.full(n, loads), np.ones(worths.size)])
    # With whole loads the rest is a flow through arcs of whole capacity: its corners are whole by themselves.
    whole = np.concatenate([np.zeros(n), np.ones(n), np.zeros(worths.size)])
    found = milp(
        objective, integrality=whole, bounds=Bounds(0, most), constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": 1e-4},
    )  # fmt: skip
    if found.x is None:
        return _nothing()
    return _read(found, arcs, stock, cost, per_km)


def _flow(ends: list[tuple[int, Floats]], place: Longs, arcs: int, first: int, width: int) -> Any:
    """One row for each place: bikes of its arcs less its steps = 0."""
    row, column, value = [], [], []
    for n, (b, steps) in enumerate(ends):
        mine = np.flatnonzero(place == b)
        row += [n] * (mine.size + steps.size)
        column += [*mine.tolist(), *range(first, first + steps.size)]
        value += [1.0] * mine.size + [-1.0] * steps.size
        first += steps.size
    return sparse.csr_matrix((value, (row, column)), shape=(len(ends), width))


def _read(found: Any, arcs: tuple[Longs, Longs, Floats], stock: Longs, cost: Floats, per_km: float) -> Moves:
    origin, target, metres = arcs
    n = origin.size
    bikes, loads = (np.rint(found.x[a : a + n]).astype(np.int64) for a in (0, n))
    used = np.flatnonzero(bikes)
    used = used[np.lexsort((target[used], origin[used]))]
    after = stock.copy()
    np.subtract.at(after, origin[used], bikes[used])
    np.add.at(after, target[used], bikes[used])
    each = np.arange(stock.size)
    gain = float((cost[each, stock] - cost[each, after]).sum())
    worth = gain - float((metres[used] / 1000 * loads[used]).sum()) * per_km
    bound = -float(found.mip_dual_bound) if found.mip_dual_bound is not None else worth
    gap = max(0.0, (bound - worth) / bound) if bound > LEAST else 0.0
    return Moves(origin[used], target[used], bikes[used], loads[used], metres[used], gain, worth, gap)
