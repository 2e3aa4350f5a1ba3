"""Two workers on two cores, here and in a second process: each anneals twice afresh; then both go on from the best plan.

Single annealings of 28 s ended hardly better than of 7 s, and chance is large: hence more than one. The last part is a milder annealing here and
PyVRP there.

Reproducible: with a budget of `Moves` the same problem, seed and number of workers give the same plan on the same machine
and versions, because both workers then wait for each other when they trade. With a budget of time they do not wait, and
how far each comes depends on the machine and what else it does: the seed then only chooses where the search begins.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from shaodao.kernel.routing.problem import Problem, Routes, bound
from shaodao.kernel.routing.search import WARM, Clock, Tell, Worker

ROUNDS: Final = (0.4, 0.8)
"""Shares of the budget at which a round of annealing from a first plan ends; the rest goes to the best plan found."""
PATIENCE: Final = 0.25
"""Seconds that a worker under a clock waits for the other."""
OFFSET: Final = 7919
"""Between the seeds of the two workers."""


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
    """Anneal afresh, take the better plan of both, anneal it mildly; at last take what the other has found."""
    if line is not None and not worker.clock.exact:
        worker.halted = line.poll  # it speaks when asked to, or early, when its plan cannot be improved
    for number, until in enumerate(ROUNDS):
        worker.afresh(until, number)
    worker.halted = lambda: False
    _trade(worker, line)
    worker.begin(worker.plan())
    worker.anneal(1.0, hot=WARM)
    if line is not None:
        _take(worker, line)


def _second(there: Connection, problem: Problem, seed: int, clock: Clock, least: int) -> None:
    """The other process: the same with other random numbers, but PyVRP in the end."""
    worker = Worker(problem, seed, clock, least)
    for number, until in enumerate(ROUNDS):
        worker.afresh(until, number + 1)
    _trade(worker, there)
    worker.by_groups(0.97)
    _give(worker, there)


def _trade(worker: Worker, line: Connection | None) -> None:
    """Give the best plan and take the other's."""
    if line is not None:
        _give(worker, line)
        _take(worker, line)


def _give(worker: Worker, line: Connection) -> None:
    """Send the best plan, which is small: nobody waits for a pipe to be emptied."""
    with contextlib.suppress(OSError):  # the other has ended
        line.send(worker.plan())


def _take(worker: Worker, line: Connection) -> None:
    """Take what the other has sent; where the time counts, wait only a little, and not at all for what cannot be better."""
    if worker.done:
        return
    try:
        if line.poll(None if worker.clock.exact else PATIENCE):
            worker.begin(line.recv())
    except (OSError, EOFError):
        return  # the other has ended: what it found came before
