"""A plan of a day: built by vehicles that take, one after another, the task with the most worth for its time; bettered by
taking some of them out from a moment on and building again, with a bit of chance (large neighbourhood search: Shaw 1998,
ruin and recreate: Schrimpf et al. 2000). Every state of the search is a plan that holds.

Vehicles of one type are planned together, the types after each other by the priority of what they do; they share the fill
points. The same facts, seed and number of rounds give the same plan.
"""

import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shaodao.sanitation.plan import reasons, trips
from shaodao.sanitation.plan.board import Board
from shaodao.sanitation.plan.driving import Bays, Driver, State
from shaodao.sanitation.plan.ground import Ground
from shaodao.sanitation.plan.plain import SERVICE, Facts, PlainLeg, PlainTrip, Span, VehicleFacts

NOISE = 0.06
MOVING = 0.05  # what a second of driving counts against a second of work,
BEGUN = 60.0  # and what a trip that is begun
Tell = Callable[[float, float], None]


@dataclass(frozen=True)
class Made:
    """A plan: its trips, what is left out and why, how many rounds were searched in how many seconds."""

    trips: list[PlainTrip]
    left_out: list[dict[str, Any]]
    rounds: int
    seconds: float


@dataclass
class Group:
    """Vehicles of one type, and what they have to do."""

    board: Board
    drivers: list[Driver]
    cuts: list[float]

    def worth(self, which: Sequence[int]) -> float:
        """What the plans of some vehicles are worth: work, less driving (home, too), turning, and each trip begun."""
        return sum(self._worth(self.drivers[n]) for n in which)

    def _worth(self, driver: Driver) -> float:
        found, uturn = 0.0, self.board.facts.uturn_s
        for n, step in enumerate(driver.steps):
            found += 3600 * step.task.value if step.task else 0.0
            found -= MOVING * (step.move_m * driver.pace + uturn * step.turns)
            if n + 1 == len(driver.steps) or driver.steps[n + 1].after.part != step.after.part:
                found -= BEGUN + MOVING * driver.home_m(step.after) * driver.pace
        return found

    def build(self, which: Sequence[int], noise: float, chance: np.random.Generator) -> None:
        """Give the named vehicles tasks until none fits any more, whoever is free first first."""
        queue = [(self.drivers[n].state.at, n) for n in which]
        heapq.heapify(queue)
        while queue:
            _at, n = heapq.heappop(queue)
            driver = self.drivers[n]
            if driver.state.part >= len(driver.spans):
                continue
            step = self.board.best(driver, noise, chance) or driver.filled_up()
            if step is None:
                driver.skipped += 1
            else:
                driver.take(step)
                self.board.mark(step)
            if driver.state.part < len(driver.spans):
                heapq.heappush(queue, (driver.state.at, n))

    def better(self, chance: np.random.Generator) -> bool:
        """Take some vehicles' work out from a moment on and build again, where everything fits sometimes with one vehicle
        less; keep what is not worse."""
        n = len(self.drivers)
        which = sorted(chance.permutation(n)[: int(chance.integers(1, min(n, 4) + 1))].tolist())
        cut = self.cuts[int(chance.integers(len(self.cuts)))] + float(chance.uniform(0, 5400))
        spare = len(which) > 1 and self.board.nothing_left() and chance.random() < 0.4
        before = self.worth(which)
        old = {}
        for k in which:
            driver = self.drivers[k]
            keep = 0 if spare else sum(1 for s in driver.steps if s.begin < cut)
            old[k] = (keep, driver.undo(keep))
            for step in old[k][1]:
                self.board.unmark(step)
        self.build(which[1:] if spare else which, NOISE * float(chance.uniform(0.2, 2.0)), chance)
        after = self.worth(which)
        if after >= before:
            return after > before
        for k in which:
            for step in self.drivers[k].undo(old[k][0]):
                self.board.unmark(step)
        for k in which:
            for step in old[k][1]:
                self.drivers[k].take(step)
                self.board.mark(step)
        return False


def make(
    facts: Facts,
    *,
    seconds: float = 10.0,
    rounds: int | None = None,
    seed: int = 0,
    kept: Sequence[PlainTrip] = (),
    at_s: float = 0.0,
    tell: Tell | None = None,
) -> Made:
    """Make a plan within `seconds`, or with exactly so many `rounds` of search, whatever time they take.

    kept: trips of a plan that is under way; what begins in them before `at_s` stays, the rest is made anew from where the
    vehicles are then. tell: called with the share of the budget that is gone and of the machine-hours that is planned.
    """
    start = time.monotonic()
    ground, bays = Ground(facts), Bays(facts)
    before = trips.until(facts, kept, at_s)
    groups = _groups(ground, bays, before, at_s)
    chance = np.random.default_rng(seed)
    for group in groups:
        group.build(range(len(group.drivers)), 0.0, chance)
    live = [g for g in groups if g.drivers and any(b.tasks for b in g.board.blocks)]
    done = 0
    while live and (done < rounds if rounds is not None else time.monotonic() - start < seconds):
        live[done % len(live)].better(chance)
        done += 1
        if tell and done % 20 == 0:
            gone = done / rounds if rounds else (time.monotonic() - start) / seconds
            tell(min(1.0, gone), _planned(groups))
    made = trips.assembled(ground, [d for g in groups for d in g.drivers], before)
    left = reasons.left_out(facts, made)
    return Made(made, left, done, time.monotonic() - start)


def _planned(groups: Sequence[Group]) -> float:
    have = sum(s.task.value for g in groups for d in g.drivers for s in d.steps if s.task)
    left = sum(t.value for g in groups for t in g.board.left())
    return have / (have + left) if have + left else 1.0


def _groups(ground: Ground, bays: Bays, before: dict[int, trips.Before], at_s: float) -> list[Group]:
    """Types of vehicle by the priority of their modes; what is kept has its places at the fill points."""
    facts = ground.facts
    done: dict[tuple[int, int, int], list[PlainLeg]] = defaultdict(list)
    number = {p.key: n for n, p in enumerate(facts.points)}
    for own in before.values():
        for leg in own.legs:
            if leg.kind == SERVICE:
                done[leg.mode or 0, leg.pass_no, leg.segment or 0].append(leg)
            elif leg.point in number:
                bays.book(number[leg.point], leg.begin_s, leg.end_s)
    types: dict[str, list[int]] = defaultdict(list)
    for n, mode in enumerate(facts.modes):
        if mode.due:
            types[mode.vehicle_type].append(n)
    found = []
    for name, modes in sorted(types.items(), key=lambda item: min((facts.modes[m].priority, m) for m in item[1])):
        board = Board(ground, modes, done)
        wet = _union([s for m in modes for p in facts.modes[m].passes for s in p.spans])
        drivers = [
            Driver(ground, v, state, bays, wet)
            for v in facts.vehicles
            if v.type == name and (state := _begin(ground, v, before.get(v.key), at_s)) is not None
        ]
        cuts = sorted({a for a, _b in wet} | {s.begin_s for d in drivers for s in d.vehicle.shifts}) or [0.0]
        found.append(Group(board, drivers, cuts))
    return found


def _begin(ground: Ground, vehicle: VehicleFacts, before: trips.Before | None, at_s: float) -> State | None:
    """How a vehicle stands when planning begins; None for one that does not work (any more)."""
    if vehicle.away or not vehicle.shifts or vehicle.transfer_kmh <= 0 or vehicle.working_kmh <= 0:
        return None
    level = before.level if before else vehicle.tank_l * ground.facts.tank_start
    for part, shift in enumerate(vehicle.shifts):
        depot = ground.xy(vehicle.depot) if vehicle.depot and shift.out else None
        if shift.end_s <= at_s:
            continue
        if before and before.free_s > shift.begin_s:
            if before.free_s >= shift.end_s:
                continue
            place = ground.xy(before.place) if before.place else depot
            return State(part, max(at_s, before.free_s), place, level)
        return State(part, max(at_s, shift.begin_s), depot, level)
    return None


def _union(spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for a, b in sorted(spans):
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        else:
            found.append((a, b))
    return found
