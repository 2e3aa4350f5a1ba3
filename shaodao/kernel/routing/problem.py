"""A capacitated arc routing problem as arrays, and the ways between its tasks.

A *task* is an edge or arc that has to be served once: driven from `tail` to `head`, or, where it is `two_way`, from `head`
to `tail`. What a search needs of the network is one number for each pair of tasks and directions: the shortest way from the
end of the one to the start of the other. Costs are whole numbers (metres, seconds), so that sums are exact and two
computations of the same plan agree to the last unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
Routes = list[list[tuple[int, int]]]
"""One list for each route, in order of service: (task, direction), direction 0 from `tail` to `head`, 1 back."""

BIG: Final = 1 << 28
"""Stands for "no way" in the tables: more than any plan costs, and a sum of many still fits 64 bits."""


class BadProblem(ValueError):
    """The arrays do not make a problem that can be solved; the message names what is wrong."""


@dataclass(frozen=True)
class Problem:
    """The network, what is required on it, and what does the work.

    Parameters
    ----------
    nodes
        Number of nodes; nodes are 0 to `nodes` - 1.
    tail, head, cost
        (a,) int64: every arc that may be driven, with its cost of driving; an edge is two arcs. Costs are 0 or more.
    task_tail, task_head, task_cost, task_demand
        (m,) int64: what has to be served, the cost of driving it while serving, and the load that this takes.
    two_way
        (m,) bool: the task may be served in either direction.
    depot
        The node where each route starts and ends.
    capacity
        The most load of one route.
    """

    nodes: int
    tail: Longs
    head: Longs
    cost: Longs
    task_tail: Longs
    task_head: Longs
    task_cost: Longs
    task_demand: Longs
    two_way: Flags
    depot: int
    capacity: int

    def __post_init__(self) -> None:
        for ends in (self.tail, self.head, self.task_tail, self.task_head):
            if ends.size and (ends.min() < 0 or ends.max() >= self.nodes):
                raise BadProblem(f"a node lies outside 0 to {self.nodes - 1}")
        if not 0 <= self.depot < self.nodes:
            raise BadProblem(f"the depot {self.depot} lies outside 0 to {self.nodes - 1}")
        for what, costs in (("cost", self.cost), ("task_cost", self.task_cost), ("task_demand", self.task_demand)):
            if costs.size and costs.min() < 0:
                raise BadProblem(f"{what} has a negative value")
        over = np.flatnonzero(self.task_demand > self.capacity)
        if over.size:
            t = int(over[0])
            raise BadProblem(f"task {t + 1} needs {self.task_demand[t]}, more than the capacity {self.capacity}")

    @property
    def tasks(self) -> int:
        """Number of tasks, m."""
        return int(self.task_tail.size)

    @property
    def service_cost(self) -> int:
        """What serving costs in every plan: the part of the cost that no search can change."""
        return int(self.task_cost.sum())


def shortest(problem: Problem) -> Longs:
    """The cost of the cheapest way between all nodes: (nodes, nodes) int64, `BIG` where there is none (Dijkstra 1959)."""
    way = np.full((problem.nodes, problem.nodes), np.inf)
    np.minimum.at(way, (problem.tail, problem.head), problem.cost.astype(np.float64))
    graph = sparse.csr_array((way[np.isfinite(way)], np.nonzero(np.isfinite(way))), shape=way.shape)
    found = dijkstra(graph)
    result = np.full(found.shape, BIG, np.int64)
    reached = np.isfinite(found)
    result[reached] = np.rint(found[reached]).astype(np.int64)
    return result


def ways(problem: Problem) -> Ints:
    """The table that the searches read: (m + 1, m + 1, 4) int32.

    `[s, t, 2 d + e]` is the way from the end of task s, served in direction d, to the start of task t in direction e. Task
    number m is the depot, which has only direction 0. Where a direction is not allowed there stands `BIG`. Raises
    `BadProblem` if a task cannot be reached from the depot, or the depot from it, or if a plan's cost might overflow.
    """
    m, between = problem.tasks, shortest(problem)
    if between.max(initial=0) > BIG:
        raise BadProblem("the costs are too large for exact sums: use a coarser unit")
    start = np.full((m + 1, 2), problem.depot, np.int64)
    end = start.copy()
    start[:m, 0], end[:m, 0] = problem.task_tail, problem.task_head
    start[:m, 1], end[:m, 1] = problem.task_head, problem.task_tail
    table = between[end[:, None, :, None], start[None, :, None, :]]  # s, t, d, e
    barred = np.append(~problem.two_way, True)
    table[barred, :, 1, :] = BIG
    table[:, barred, :, 1] = BIG
    out, back = table[m, :m].min(axis=(1, 2)), table[:m, m].min(axis=(1, 2))
    lost = np.flatnonzero(np.maximum(out, back) >= BIG)
    if lost.size:
        t = int(lost[0])
        ends = f"({problem.task_tail[t] + 1}, {problem.task_head[t] + 1})"
        raise BadProblem(f"task {t + 1} {ends} cannot be reached from the depot and left for it")
    if int(table[table < BIG].max(initial=0)) * 2 * (m + 1) >= BIG:
        raise BadProblem("the costs are too large for exact sums: use a coarser unit")
    return np.minimum(table, BIG).reshape(m + 1, m + 1, 4).astype(np.int32)


def mirrored(table: Ints) -> bool:
    """Whether each way costs as much back as forth, so that a route driven backwards costs the same."""
    return bool((table[..., [0, 1, 2, 3]] == table.transpose(1, 0, 2)[..., [3, 1, 2, 0]])[:-1, :-1].all())


def bound(problem: Problem) -> int:
    """A cost that no plan beats: serving everything, and what every network forces on top.

    Without a capacity the plan is a rural postman's tour; here only its simplest part is counted: each of the
    ⌈demand / capacity⌉ vehicles leaves the depot and comes back, over the cheapest task ends. Loose, but a plan that
    meets it (or a better bound that the caller knows) is optimal and ends the search.
    """
    m = problem.tasks
    if not m:
        return 0
    table = ways(problem)
    routes = max(1, -(-int(problem.task_demand.sum()) // problem.capacity)) if problem.task_demand.any() else 1
    out, back = np.sort(table[m, :m].min(axis=1)), np.sort(table[:m, m].min(axis=1))
    return problem.service_cost + int(out[: min(routes, m)].sum() + back[: min(routes, m)].sum())
