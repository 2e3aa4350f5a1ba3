"""Does a plan solve the problem, and what does it cost? Knows nothing of how plans are found.

Shares no table with the searches: the ways are computed anew by Floyd (1962) and Warshall (1962) in plain whole numbers,
and each rule of the problem is looked at on its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.routing.problem import Problem


@dataclass(frozen=True)
class Verdict:
    """What the checker found: the faults in words, numbers from 1; and the cost, with 0 for what could not be counted."""

    cost: int
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """The plan breaks no rule."""
        return not self.faults


def distances(problem: Problem) -> NDArray[np.int64]:
    """(nodes, nodes) cheapest ways by Floyd and Warshall; the largest int64 / 4 where there is none."""
    n = problem.nodes
    far = np.iinfo(np.int64).max // 4
    way = np.full((n, n), far, np.int64)
    for a, b, c in zip(problem.tail.tolist(), problem.head.tolist(), problem.cost.tolist(), strict=True):
        way[a, b] = min(int(way[a, b]), c)
    for v in range(n):
        way[v, v] = 0
    for v in range(n):
        way = np.minimum(way, way[:, v, None] + way[None, v, :])
    return np.minimum(way, far)


def check(problem: Problem, routes: list[list[tuple[int, int]]], claimed: int | None = None) -> Verdict:
    """Check a plan from the problem alone.

    Parameters
    ----------
    routes
        One list of (task, direction) for each route; the way from and to the depot is understood.
    claimed
        The cost that the plan is said to have, serving included; None if nothing is said.

    A good plan serves each task exactly once in a direction that is allowed, carries at most the capacity on each route,
    and each route begins and ends at the depot over ways that exist.
    """
    way = distances(problem)
    far = np.iinfo(np.int64).max // 4
    faults: list[str] = []
    served = [0] * problem.tasks
    cost = 0
    for number, route in enumerate(routes, 1):
        at, load = problem.depot, 0
        for task, direction in route:
            if not 0 <= task < problem.tasks or direction not in (0, 1):
                faults.append(f"route {number}: there is no task {task + 1} in direction {direction}")
                continue
            ends = int(problem.task_tail[task]), int(problem.task_head[task])
            if direction:
                ends = ends[1], ends[0]
                if not problem.two_way[task]:
                    faults.append(f"route {number}: task {task + 1} is served against its direction")
            served[task] += 1
            load += int(problem.task_demand[task])
            there = int(way[at, ends[0]])
            if there >= far:
                faults.append(f"route {number}: there is no way to task {task + 1}")
                there = 0
            cost += there + int(problem.task_cost[task])
            at = ends[1]
        home = int(way[at, problem.depot])
        if home >= far:
            faults.append(f"route {number}: there is no way home")
            home = 0
        cost += home
        if load > problem.capacity:
            faults.append(f"route {number}: a load of {load} is more than the capacity {problem.capacity}")
    faults += [f"task {t} is served {n} times" for t, n in enumerate(served, 1) if n != 1]
    if claimed is not None and claimed != cost:
        faults.append(f"the cost is {cost}, not {claimed}")
    return Verdict(cost, faults)
