"""One worker's search: rounds of annealing or of PyVRP, each from a plan to a better one, under a clock of its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from shaodao.kernel.routing.anneal import BEAT, BEST, SPARE, anneal, blank, load, prepare, unload
from shaodao.kernel.routing.groups import Groups
from shaodao.kernel.routing.problem import Problem, Routes
from shaodao.kernel.routing.starting import directions, first_plans

Plan = list[list[int]]
Tell = Callable[[float, int], None]
"""Called now and then with the share of the budget that is gone, and the cost of the best plan so far."""

HOT: Final = 0.4
COLD: Final = 0.05
WARM: Final = 0.15
"""Temperatures at which a round from a first plan begins and ends, and at which one from a good plan begins, in units of a
task's mean cost."""
FINE: Final = 0.3
"""How often the annealed plan is to be within the capacity."""
RATE: Final = 0.001
"""How fast the price of overload follows. It swings; a price that could not fall again found worse plans."""
CHUNK: Final = 8
"""Beats between two looks at the clock, some milliseconds."""


class Clock(Protocol):
    """The budget. Called with the moves that a worker has tried, it says which share of the budget is gone."""

    @property
    def exact(self) -> bool:
        """Workers wait for each other, however long: what they do may depend only on moves. False: the time is what counts."""

    def __call__(self, moves: int) -> float:
        """0 at the start, 1 or more when it is over."""


@dataclass(frozen=True)
class Moves:
    """A budget of moves for each worker: the same on every machine, however busy."""

    most: int
    exact: bool = True

    def __call__(self, moves: int) -> float:
        return moves / self.most


class Worker:
    """Searches one problem with one seed; keeps its best plan.

    Parameters
    ----------
    problem, seed
        What to solve, and where its random numbers begin.
    clock
        The budget; both kinds of search count against it (an iteration of PyVRP as `BEAT` moves).
    least
        A cost (serving included) that no plan beats: reaching it ends the search.
    tell
        For progress.
    """

    def __init__(self, problem: Problem, seed: int, clock: Clock, least: int, tell: Tell | None = None) -> None:
        self.problem, self.seed, self.clock, self.tell = problem, seed, clock, tell
        self.given = prepare(problem)
        self.moves = 0
        self.service = problem.service_cost
        self.least = least - self.service
        plans = first_plans(
            self.given.way, self.given.demand, problem.task_cost.astype(np.int64), problem.capacity, seed
        )
        fewest = -(-int(problem.task_demand.sum()) // max(1, problem.capacity))
        self.rows = max(fewest + SPARE, max(map(len, plans)) + 1) + SPARE
        self.state = blank(self.given, seed, self.rows)
        self.plans = sorted(plans, key=lambda plan: sum(directions(self.given.way, route)[0] for route in plan))
        for plan in plans:
            self.begin(plan)
        self.groups: Groups | None = None
        self.scale = max(1.0, float(problem.task_cost.mean()))
        self.price = 10 * self.scale / max(1.0, float(problem.task_demand.mean()))
        self.halted: Callable[[], bool] = lambda: False

    @property
    def cost(self) -> int:
        """Of the best plan, serving left out."""
        return int(self.state.tally[BEST])

    @property
    def done(self) -> bool:
        """Nothing can be better, here or in another worker."""
        return self.cost <= self.least or self.halted()

    def plan(self) -> Plan:
        """The best plan: task numbers in order."""
        return unload(self.state)

    def routes(self) -> Routes:
        """The best plan with the best direction of each task."""
        return [directions(self.given.way, route)[1] for route in self.plan()]

    def begin(self, plan: Plan) -> None:
        """Go on from this plan; it becomes the best if it is."""
        if len(plan) <= self.rows:
            load(self.given, self.state, plan)

    def _gone(self) -> float:
        gone = self.clock(self.moves)
        if self.tell:
            self.tell(min(gone, 1.0), self.cost + self.service)
        return gone

    def afresh(self, until: float, number: int) -> None:
        """Anneal from first plan `number` until this share of the budget is gone."""
        self.begin(self.plans[number % len(self.plans)])
        self.state.price[:] = self.price, 0.1 * self.price, 1e6 * self.price, FINE, RATE
        self.anneal(until)

    def anneal(self, until: float, hot: float = HOT, cold: float = COLD) -> None:
        """Anneal from the plan as it stands until this share of the budget is gone."""
        start = self._gone()
        while not self.done and (gone := self._gone()) < until:
            heat = self.scale * hot * (cold / hot) ** ((gone - start) / (until - start))
            anneal(self.given, self.state, CHUNK, heat, heat)
            self.moves += CHUNK * BEAT

    def by_groups(self, until: float) -> None:
        """Search with PyVRP from the best plan until this share of the budget is gone."""
        if self.done or self._gone() >= until:
            return
        if self.groups is None:
            self.groups = Groups(self.problem, self.given.way, self.seed, len(self.plan()) + 1)

        def stop(best_cost: int) -> bool:
            self.moves += BEAT
            return best_cost <= self.least or self.halted() or self._gone() >= until

        found = self.groups.run(self.routes(), stop)
        if found:
            self.begin([[t for t, _d in route] for route in found])
