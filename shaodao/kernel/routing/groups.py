"""The same problem for PyVRP (Wouda, Lan & Kool 2024): each task a required group of clients, one for each direction.

Of a group exactly one client is visited. The distance to a client ends where its direction starts, the distance from it
begins where its direction ends; what serving costs is the same in every plan and left out.
"""

from __future__ import annotations

import numpy as np
from pyvrp import (
    Client,
    ClientGroup,
    Depot,
    IteratedLocalSearch,
    Location,
    PenaltyManager,
    ProblemData,
    RandomNumberGenerator,
    Solution,
    SolveParams,
    VehicleType,
)
from pyvrp.search import LocalSearch, PerturbationManager, compute_neighbours
from pyvrp.stop import StoppingCriterion

from shaodao.kernel.routing.problem import BIG, Ints, Problem, Routes


class Groups:
    """PyVRP's search on a problem, in pieces: each call of `run` goes on from the plan that it is given.

    Parameters
    ----------
    problem, table
        The problem, and its `ways`.
    seed
        Of PyVRP's random numbers; the same calls with the same seed give the same plans.
    fleet
        The most routes of a plan.
    """

    def __init__(self, problem: Problem, table: Ints, seed: int, fleet: int) -> None:
        m = problem.tasks
        self.modes = [(t, d) for t in range(m) for d in (0, 1) if d == 0 or problem.two_way[t]]
        self.client = {mode: c for c, mode in enumerate(self.modes)}
        task, way = (
            np.array((*column, last)) for column, last in zip(zip(*self.modes, strict=True), (m, 0), strict=True)
        )
        distance = table[task[:, None], task[None, :], 2 * way[:, None] + way[None, :]].astype(np.int64)
        np.fill_diagonal(distance, 0)
        groups: list[list[int]] = [[] for _ in range(m)]
        for c, (t, _d) in enumerate(self.modes):
            groups[t].append(c)
        paired = [t for t in range(m) if len(groups[t]) > 1]
        number = {t: g for g, t in enumerate(paired)}
        clients = [
            Client(c, delivery=[int(problem.task_demand[t])], required=t not in number, group=number.get(t))
            for c, (t, _d) in enumerate(self.modes)
        ]
        self.data = ProblemData(
            [Location(0, 0) for _ in range(len(self.modes) + 1)],
            clients,
            [Depot(len(self.modes))],
            [VehicleType(fleet, capacity=[problem.capacity])],
            [np.minimum(distance, BIG)],
            [np.zeros_like(distance)],
            [ClientGroup(groups[t]) for t in paired],
        )
        params = SolveParams()
        self.random = RandomNumberGenerator(seed=seed)
        self.search = LocalSearch(
            self.data,
            self.random,
            compute_neighbours(self.data, params.neighbourhood),
            PerturbationManager(params.perturbation),
        )
        for operator in params.operators:
            if operator.supports(self.data):
                self.search.add_operator(operator(self.data))
        self.penalties = PenaltyManager(params.penalty.midpoint_penalties(self.data), params.penalty)
        self.params = params.ils

    def run(self, start: Routes | None, stop: StoppingCriterion) -> Routes | None:
        """Search from `start` (None: from a random plan) until `stop`(cost of the best plan so far, without serving).

        `stop` is asked before each iteration. Returns the best plan, or None if none within the capacity was found.
        """
        if start is None:
            random = Solution.make_random(self.data, self.random)
            begin = self.search(random, self.penalties.max_cost_evaluator(), exhaustive=True)
        else:
            begin = Solution(self.data, [[self.client[mode] for mode in route] for route in start])
        search = IteratedLocalSearch(self.data, self.penalties, self.search, begin, self.params)
        best = search.run(stop, collect_stats=False).best
        if not best.is_feasible():
            return None
        visits = ([visit.idx for visit in route if visit.is_client()] for route in best.routes())
        return [[self.modes[c] for c in route] for route in visits if route]
