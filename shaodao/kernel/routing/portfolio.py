"""Two workers on two cores: annealing here, annealing and then PyVRP in a second process; they trade plans and routes.

Reproducible: with a budget of `Moves` the same problem, seed and number of workers give the same plan on the same machine
and versions, because both workers then wait for each other at each trade. With a budget of time they do not wait, and
how far each comes depends on the machine and what else it does: the seed then only chooses where the search begins.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from shaodao.kernel.routing import pool as pools
from shaodao.kernel.routing.problem import Problem, Routes, bound
from shaodao.kernel.routing.search import AGAIN, HOT, Clock, Plan, Tell, Worker

TRADES: Final = (0.4, 0.7, 0.93)
"""Shares of the budget after which the workers trade."""
PATIENCE: Final = 0.25
"""Seconds that a worker under a clock waits for the other at a trade."""
OFFSET: Final = 7919
"""Between the seeds of the two workers."""

Parcel = tuple[Plan, pools.Packed | None]


@dataclass(frozen=True)
class Solution:
    """What a search found: routes of (task, direction), their cost with serving, and whether the cost is the lower bound."""

    routes: Routes
    cost: int
    least: int
    moves: int

    @property
    def proven(self) -> bool:
        """No plan is cheaper."""
        return self.cost <= self.least


def solve(
    problem: Problem,
    clock: Clock,
    *,
    seed: int = 0,
    workers: int = 2,
    least: int | None = None,
    tell: Tell | None = None,
) -> Solution:
    """Find routes that serve every task once, within the capacity, at least cost.

    Parameters
    ----------
    problem
        The arrays. A task with more demand than the capacity was refused when they were made.
    clock
        The budget: `Moves`, or one of the caller's that looks at the time; it must be picklable for two workers.
    seed
        0 or more.
    workers
        1 or 2. The second is a process of its own (spawned, so a script that calls this needs its
        ``if __name__ == "__main__"``); where none can be started, the first works alone.
    least
        A cost that no plan beats, where the caller knows a better bound than the trivial one: the search ends when a plan
        meets it.
    tell
        Called some times a second at least, in this process, with the share of the budget that is gone and the best cost.

    Always returns a plan, also after the shortest budget (then one of path scanning). Raises `BadProblem` if a task cannot
    be reached.
    """
    least = max(bound(problem), least or 0)
    if not problem.tasks:
        return Solution([], 0, least, 0)
    if workers < 2:
        worker = Worker(problem, seed, clock, least, tell)
        _first(worker, None)
    else:
        child, line = _start(problem, seed, clock, least)
        try:
            worker = Worker(problem, seed, clock, least, tell)
            _first(worker, line)
        finally:
            if child:
                child.terminate()
                child.join()
            if line:
                line.close()
    return Solution(worker.routes(), worker.cost + problem.service_cost, least, worker.moves)


def _start(
    problem: Problem, seed: int, clock: Clock, least: int
) -> tuple[multiprocessing.process.BaseProcess | None, Connection | None]:
    """Start the second worker; (None, None) where that is not possible, as inside another worker process."""
    if multiprocessing.current_process().daemon:
        return None, None
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_second, args=(there, problem, seed + OFFSET, clock, least), daemon=True)
    try:
        child.start()
    except OSError:
        here.close()
        return None, None
    finally:
        there.close()
    return child, here


def _first(worker: Worker, line: Connection | None) -> None:
    """Anneal, trade, recombine; first from hot, then from the best plan at milder heat."""
    heat, last = HOT, len(TRADES) - 1
    gone = 0.0
    for number, until in enumerate(TRADES):
        worker.anneal(until, hot=heat)
        _trade(worker, line, first=True)
        worker.recombine(1.0 if number == last else until + 0.25 * (until - gone))
        worker.begin(worker.plan())
        heat, gone = AGAIN, until
    worker.anneal(1.0, hot=AGAIN / 4)


def _second(line: Connection, problem: Problem, seed: int, clock: Clock, least: int) -> None:
    """The other process: anneal from other random numbers, then PyVRP from the better of both plans."""
    worker = Worker(problem, seed, clock, least)
    for number, until in enumerate(TRADES):
        if number == 0:
            worker.anneal(until)
        else:
            worker.by_groups(until)
        _trade(worker, line, first=False)


def _trade(worker: Worker, line: Connection | None, *, first: bool) -> None:
    """Give the best plan and take the other's, with the routes that the second worker has seen.

    The first speaks first, and only of its plan, which is small: nobody waits for a pipe to be emptied. Under a budget of
    time the other may not be there yet, or be late; then one goes on without it.
    """
    if line is None or (first and worker.done):
        return
    timed = worker.clock.seconds is not None
    try:
        if first:
            line.send((worker.plan(), None))
            _take(worker, line, timed)
        else:
            _take(worker, line, timed)
            line.send((worker.plan(), pools.pack(worker.pool)))
    except (OSError, EOFError):
        return  # the other has ended: what it found came with an earlier trade


def _take(worker: Worker, line: Connection, timed: bool) -> None:
    """Take what the other has sent; under a budget of time wait only a little."""
    wait: float | None = PATIENCE if timed else None
    while line.poll(wait):
        plan, packed = line.recv()
        worker.begin(plan)
        if packed is not None:
            pools.unpack(worker.pool, packed)
        if wait is None:
            return
        wait = 0.0
