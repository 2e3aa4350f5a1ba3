"""What a vehicle's day comes to in time, water and metres when it does one task after another: exact, run by run.

Everything takes `1 / productive` of its time by the figures, as feasibility reckons it: turning and queueing are in that.
A vehicle begins and ends each part of a shift at its depot.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from shaodao.sanitation.plan.ground import XY, Ground, Task, turn
from shaodao.sanitation.plan.plain import FILL, MOVE, SERVICE, Facts, PlainLeg, Span, VehicleFacts

NEAR_M = 2.0  # ways shorter than this are none
HAIR = 1e-6
TOP_UP = 0.1  # of a tank: less is not worth the way


class Bays:
    """Who is at which fill point when."""

    def __init__(self, facts: Facts) -> None:
        self.points = facts.points
        self.booked: list[list[Span]] = [[] for _point in facts.points]

    def book(self, point: int, begin: float, end: float) -> None:
        bisect.insort(self.booked[point], (begin, end))

    def cancel(self, point: int, begin: float, end: float) -> None:
        self.booked[point].remove((begin, end))

    def free(self, point: int, at: float, seconds: float, extra: Sequence[Span] = ()) -> float:
        """The earliest time from `at` on at which a place is free for so long."""
        near = [s for s in self.booked[point] if s[1] > at + HAIR]
        near += [s for s in extra if s[1] > at + HAIR]
        bays = self.points[point].bays
        if len(near) < bays:
            return at
        for begin in sorted({at, *(end for _begin, end in near)}):
            inside = [s for s in near if s[0] < begin + seconds - HAIR and s[1] > begin + HAIR]
            if len(inside) < bays or _most(inside, begin) < bays:
                return begin
        return at  # not reached: after the last one every place is free


def _most(spans: Sequence[Span], begin: float) -> int:
    times = [begin, *(s[0] for s in spans if s[0] > begin)]
    return max(sum(1 for s in spans if s[0] <= t + HAIR < s[1]) for t in times)


@dataclass(frozen=True)
class State:
    """Where a vehicle is at which time, with how much water, in which part of its shifts, heading where."""

    part: int
    at: float
    place: XY | None
    level: float
    heading: float | None = None


@dataclass
class Step:
    """A task done, or (None) the tank filled up at the end of a shift: legs, the state after, when work began and ended."""

    task: Task | None
    legs: list[PlainLeg]
    after: State
    begin: float
    end: float
    move_m: float
    turns: int
    fills: list[tuple[int, float, float]]


class Driver:
    """One vehicle's day. `steps` grows by tasks that `attempt` found possible."""

    def __init__(self, ground: Ground, vehicle: VehicleFacts, begin: State, bays: Bays, wet: Sequence[Span]) -> None:
        self.ground, self.facts, self.vehicle, self.bays = ground, ground.facts, vehicle, bays
        self.begin = begin
        self.steps: list[Step] = []
        self.skipped = 0  # parts of shifts that nothing more was found for
        self.depot = ground.xy(vehicle.depot) if vehicle.depot else None
        self.spans = [_working(s.begin_s, s.end_s, s.breaks) for s in vehicle.shifts]
        self.wet = wet  # when its modes may run
        self.pace = 3.6 / vehicle.transfer_kmh / self.facts.productive

    @property
    def state(self) -> State:
        last = self.steps[-1].after if self.steps else self.begin
        part = last.part + self.skipped
        if not self.skipped:
            return last
        if part >= len(self.spans):
            return State(part, float("inf"), None, last.level)
        shift = self.vehicle.shifts[part]
        return State(part, shift.begin_s, self.depot if shift.out else None, last.level)

    def goes_home(self, part: int) -> bool:
        return self.depot is not None and self.vehicle.shifts[part].home

    def home_m(self, state: State) -> float:
        """The way back to the depot, where it goes back."""
        if self.depot is None or state.place is None or not self.goes_home(state.part):
            return 0.0
        return self.ground.way(state.place, self.depot)

    def slot(self, part: int, at: float, seconds: float) -> float | None:
        """The earliest time from `at` on with so much working time in one piece."""
        for a, b in self.spans[part]:
            begin = max(a, at)
            if begin + seconds <= b + HAIR:
                return begin
        return None

    def seconds(self, mode: int, metres: float) -> float:
        kmh = min(self.facts.modes[mode].speed_kmh, self.vehicle.working_kmh)
        return metres / kmh * 3.6 / self.facts.productive

    def attempt(self, task: Task, others: Sequence[Span], since: float = math.inf) -> Step | None:
        """The task as the next one, or None. `others`: when its stretch gets other passes of the mode; `since`: when this
        pass was begun before, if it was."""
        mode = self.facts.modes[task.mode]
        state = self.state
        if state.part >= len(self.spans) or self.vehicle.tank_l < max(r.litres for r in task.runs) - HAIR:
            return None
        for a, b in mode.passes[task.one].spans:
            if b <= state.at:
                continue
            begin = max(a, state.at)
            for _again in range(len(others) + 1):
                step = _Trial(self, state, task, begin, b).run()
                if step is None:
                    break
                first = min(step.begin, since)
                clash = [o for o in others if first < o[1] + mode.spacing_s and o[0] < step.end + mode.spacing_s]
                if not clash:
                    return step
                begin = max(o[1] for o in clash) + mode.spacing_s
                if begin >= b:
                    break
        return None

    def filled_up(self) -> Step | None:
        """The tank filled after the last task of a part, for what comes after; None where there is no time for it."""
        state = self.state
        last = self.steps[-1] if self.steps else None
        lacks = self.vehicle.tank_l - state.level
        if state.part >= len(self.spans) or self.depot is None or last is None or last.after.part != state.part:
            return None
        if not self.goes_home(state.part) or last.task is None or lacks <= TOP_UP * self.vehicle.tank_l:
            return None
        trial = _Trial(self, state, last.task, 0.0, 0.0)
        if not trial.fill(self.depot, lacks) or not trial.home():
            return None
        after = State(state.part, trial.at, trial.place, trial.level)
        return Step(None, trial.legs, after, trial.fills[0][1], trial.at, trial.move_m, 0, trial.fills)

    def take(self, step: Step) -> None:
        self.steps.append(step)
        self.skipped = 0
        for visit in step.fills:
            self.bays.book(*visit)

    def undo(self, keep: int) -> list[Step]:
        """Take back all but the first so many steps."""
        gone, self.steps, self.skipped = self.steps[keep:], self.steps[:keep], 0
        for step in gone:
            for visit in step.fills:
                self.bays.cancel(*visit)
        return gone

    def usable(self, part: int, at: float) -> float:
        """Seconds from `at` to the end of the part in which its modes may run."""
        end = self.spans[part][-1][1]
        return sum(max(0.0, min(b, end) - max(a, at)) for a, b in self.wet)


def _working(begin: float, end: float, breaks: Sequence[Span]) -> list[Span]:
    found = []
    for a, b in sorted(breaks):
        if a > begin:
            found.append((begin, a))
        begin = max(begin, b)
    return [*found, (begin, end)] if begin < end or not found else found


@dataclass
class _Trial:
    """One task driven through without changing anything."""

    driver: Driver
    state: State
    task: Task
    earliest: float
    close: float
    legs: list[PlainLeg] = field(default_factory=list)
    fills: list[tuple[int, float, float]] = field(default_factory=list)
    move_m: float = 0.0
    turns: int = 0

    def __post_init__(self) -> None:
        s = self.state
        self.at, self.place, self.level, self.heading = s.at, s.place, s.level, s.heading

    def run(self) -> Step | None:
        d, task = self.driver, self.task
        segments, part = d.facts.segments, self.state.part
        key = d.facts.modes[task.mode].key
        no = d.facts.modes[task.mode].passes[task.one].no
        first = -1.0
        if self.level < min(d.vehicle.tank_l, task.litres) and self.earliest > self.at:
            self._idle_fill()
        for run in task.runs:
            if self.level < run.litres - HAIR and not self.fill(d.ground.start[run.segment]):
                return None
            if not self._go(d.ground.start[run.segment], segments[run.segment].in_deg):
                return None
            seconds = d.seconds(task.mode, run.metres)
            begin = d.slot(part, max(self.at, self.earliest), seconds)
            if begin is None or begin + seconds > self.close + HAIR:
                return None
            self.at = begin + seconds
            first = begin if first < 0 else first
            self.legs.append(
                PlainLeg(SERVICE, begin, self.at, run.metres, run.litres, segments[run.segment].key, key, no, 1)
            )
            self.level -= run.litres
            self.place, self.heading = d.ground.end[run.segment], segments[run.segment].out_deg
        if not self.home():
            return None
        after = State(part, self.at, self.place, self.level, self.heading)
        return Step(task, self.legs, after, first, self.at, self.move_m, self.turns, self.fills)

    def _go(self, to: XY, into: float | None) -> bool:
        """Drive there; False where the shift is over before."""
        d = self.driver
        if into is not None and self.heading is not None and turn(self.heading, into) > 135:
            self.turns += 1
        metres = d.ground.way(self.place, to) if self.place else 0.0
        if metres >= NEAR_M:
            seconds = metres * d.pace
            begin = d.slot(self.state.part, self.at, seconds)
            if begin is None:
                return False
            self.legs.append(PlainLeg(MOVE, begin, begin + seconds, metres))
            self.at = begin + seconds
            self.move_m += metres
        self.place = to
        return True

    def home(self) -> bool:
        d = self.driver
        metres = d.home_m(State(self.state.part, self.at, self.place, self.level))
        return d.slot(self.state.part, self.at, metres * d.pace) is not None

    def _wanted(self) -> float:
        """Litres to fill: no more than can be used before the shift is over."""
        d = self.driver
        rate = self.task.litres / max(d.seconds(self.task.mode, self.task.work_m), 1.0)
        least = max(r.litres for r in self.task.runs)
        return min(d.vehicle.tank_l - self.level, max(least, rate * d.usable(self.state.part, self.at)))

    def fill(self, to: XY, wanted: float | None = None) -> bool:
        """Fill the tank where it is done and on at the next place soonest."""
        d = self.driver
        wanted = self._wanted() if wanted is None else wanted
        best: tuple[float, int, float, float] | None = None
        for n, point in enumerate(d.facts.points):
            xy = d.ground.points[n]
            arrive = self.at
            if self.place is not None and (way := d.ground.way(self.place, xy)) >= NEAR_M:
                begin = d.slot(self.state.part, self.at, way * d.pace)
                if begin is None:
                    continue
                arrive = begin + way * d.pace
            seconds = wanted / point.flow_l_s / d.facts.productive
            begin = self._bay(n, arrive, seconds)
            if begin is not None:
                on = begin + seconds + d.ground.way(xy, to) * d.pace
                best = min(best, (on, n, begin, seconds)) if best else (on, n, begin, seconds)
        if best is None:
            return False
        _on, n, begin, seconds = best
        if not self._go(d.ground.points[n], None):
            return False
        self.legs.append(PlainLeg(FILL, begin, begin + seconds, 0.0, wanted, point=d.facts.points[n].key))
        self.fills.append((n, begin, begin + seconds))
        self.at, self.heading = begin + seconds, None
        self.level += wanted
        return True

    def _bay(self, n: int, at: float, seconds: float) -> float | None:
        """When a place at the point, its hours and the shift all allow to fill."""
        d = self.driver
        own = [(a, b) for p, a, b in self.fills if p == n]
        for _try in range(20):
            begin = d.slot(self.state.part, at, seconds)
            if begin is None:
                return None
            hour = next((max(a, begin) for a, b in d.facts.points[n].hours if max(a, begin) + seconds <= b), None)
            if hour is None:
                return None
            begin = d.bays.free(n, hour, seconds, own)
            if begin == at:
                return begin
            at = begin
        return None

    def _idle_fill(self) -> None:
        """Fill while the window is not open yet, where that costs the work no time."""
        saved = self.at, self.place, self.level, self.heading, self.move_m, self.turns
        if self.fill(self.task.begin):
            d = self.driver
            if self.at + d.ground.way(self.place or self.task.begin, self.task.begin) * d.pace <= self.earliest:
                return
        self.at, self.place, self.level, self.heading, self.move_m, self.turns = saved
        self.legs.clear()
        self.fills.clear()
