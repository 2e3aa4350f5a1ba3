"""Routes seen by a search, and the best plan that can be made of them: set partitioning.

Each set of tasks that was once a route within the capacity is kept with its cheapest order. Choosing routes so that each
task is on exactly one is an integer program (Balinski & Quandt 1964); its linear relaxation prices the tasks, and a route
whose reduced cost is more than what the best plan stands above the relaxation cannot be in a better plan, so that a small
program is left for HiGHS (Huangfu & Hall 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from shaodao.kernel.compiled import compiled
from shaodao.kernel.routing.problem import Ints, Longs

SLOTS: Final = 1 << 18
COLUMNS: Final = 4_000
"""Routes of the integer program at most, those with the least reduced cost."""
TASK, ACC, SIZE, COST = 0, 1, 0, 1
"""As in `anneal`."""


class Pool(NamedTuple):
    """An open table: `key` the sum of the tasks' random marks (0: free), cost, number of tasks, and the tasks."""

    key: NDArray[np.uint64]
    cost: Longs
    size: Longs
    order: Ints
    mark: NDArray[np.uint64]
    held: Longs


def empty(tasks: int, slots: int = SLOTS) -> Pool:
    """A pool without routes."""
    slots = max(1 << 12, min(slots, 1 << int(np.log2(2e8 / (4 * (tasks + 1))))))
    mark = np.random.default_rng(tasks).integers(1, 1 << 63, tasks, dtype=np.uint64)
    return Pool(
        np.zeros(slots, np.uint64), np.zeros(slots, np.int64), np.zeros(slots, np.int64),
        np.zeros((slots, tasks), np.int32), mark, np.zeros(1, np.int64),
    )  # fmt: skip


def _insert(pool: Pool, tasks: Ints, n: int, cost: int) -> None:
    """Keep a route; a full table (two thirds) takes only cheaper orders of what it has."""
    slots = len(pool.key)
    key = np.uint64(0)
    for i in range(n):
        key += pool.mark[tasks[i]]
    if key == 0:
        return
    at = np.int64(key >> np.uint64(20)) % slots
    while pool.key[at] != 0 and pool.key[at] != key:
        at = (at + 1) % slots
    if pool.key[at] == 0:
        if 3 * pool.held[0] >= 2 * slots:
            return
        pool.held[0] += 1
    elif pool.cost[at] <= cost:
        return
    pool.key[at], pool.cost[at], pool.size[at] = key, cost, n
    for i in range(n):
        pool.order[at, i] = tasks[i]


insert = compiled(_insert)


def _record(pool: Pool, stops: Ints, routes: Longs, capacity: int) -> None:
    """Keep each route of a plan in search that is within the capacity."""
    for r in range(len(routes)):
        n = routes[r, SIZE]
        if n and stops[r, n, ACC] <= capacity:
            insert(pool, stops[r, 1 : n + 1, TASK], n, routes[r, COST])


record = compiled(_record)


Packed = tuple[Ints, Longs, Longs]
"""Routes for another process: all tasks in a row, and of each route its size and its cost."""


def pack(pool: Pool) -> Packed:
    """What a pool holds."""
    rows = np.flatnonzero(pool.key)
    size = pool.size[rows]
    return pool.order[rows][np.arange(pool.mark.size)[None, :] < size[:, None]], size, pool.cost[rows]


def unpack(pool: Pool, packed: Packed) -> None:
    """Add what another pool held."""
    tasks, size, cost = packed
    for end, n, c in zip(np.cumsum(size).tolist(), size.tolist(), cost.tolist(), strict=True):
        insert(pool, tasks[end - n : end], n, c)


def _relaxed(matrix: sparse.csc_array, cost: NDArray[np.float64], first: NDArray[np.int64], late: Callable[[], bool]):  # type: ignore[no-untyped-def]
    """Solve the relaxation by adding routes with negative reduced cost; returns (value, reduced costs of all) or None."""
    chosen = np.zeros(cost.size, bool)
    chosen[first] = True
    m = matrix.shape[0]
    for _ in range(40):
        columns = np.flatnonzero(chosen)
        found = linprog(cost[columns], A_eq=matrix[:, columns], b_eq=np.ones(m), bounds=(0, None), method="highs-ds")
        if found.status != 0 or late():
            return None
        reduced = cost - matrix.T @ found.eqlin.marginals
        worth = np.flatnonzero(reduced < -1e-6)
        worth = worth[~chosen[worth]]
        if not worth.size:
            return found.fun, reduced
        chosen[worth[np.argsort(reduced[worth], kind="stable")[:600]]] = True
    return None


def recombine(
    pool: Pool, best: list[list[int]], best_cost: int, late: Callable[[], bool], seconds: float, nodes: int = 2_000
) -> list[list[int]] | None:
    """The best plan of pooled routes that is cheaper than `best` (whose routes are in the pool), or None.

    `late()` ends it between two steps; the integer program ends after `seconds` or `nodes` nodes, whichever is first.
    """
    rows = np.flatnonzero(pool.key)
    m = pool.mark.size
    size = pool.size[rows]
    tasks = pool.order[rows][np.arange(m)[None, :] < size[:, None]]
    matrix = sparse.csc_array(
        (np.ones(tasks.size), tasks, np.concatenate([[0], np.cumsum(size)])), shape=(m, rows.size)
    )
    cost = pool.cost[rows].astype(np.float64)
    lookup = {int(k): c for c, k in enumerate(pool.key[rows])}
    with np.errstate(over="ignore"):
        have = [lookup.get(int(pool.mark[route].sum(dtype=np.uint64))) for route in best]
    if None in have:
        return None
    cheap = np.argsort(cost / size, kind="stable")[:1500]
    relaxed = _relaxed(matrix, cost, np.concatenate([np.array(have, np.int64), cheap]), late)
    if relaxed is None or relaxed[0] > best_cost - 1 + 1e-6:
        return None
    value, reduced = relaxed
    keep = np.flatnonzero(reduced <= best_cost - 1 - value + 1e-6)
    keep = keep[np.argsort(reduced[keep], kind="stable")[:COLUMNS]]
    found = milp(
        cost[keep],
        integrality=np.ones(keep.size),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(matrix[:, keep], 1, 1),
            LinearConstraint(sparse.csr_array(cost[None, keep]), -np.inf, best_cost - 1),
        ],
        options={"time_limit": max(seconds, 0.05), "node_limit": nodes},
    )
    if found.x is None:
        return None
    taken = rows[keep[found.x > 0.5]]
    plan = [pool.order[c, : pool.size[c]].tolist() for c in taken]
    return plan if sorted(t for route in plan for t in route) == list(range(m)) else None
