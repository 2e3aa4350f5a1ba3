"""What is still to be done of the modes that share a type of vehicle, as arrays, and which task suits a vehicle next."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shaodao.sanitation.plan.driving import Driver, Step
from shaodao.sanitation.plan.ground import Ground, Task
from shaodao.sanitation.plan.plain import PlainLeg, Span

Floats = NDArray[np.float64]
Done = Mapping[tuple[int, int, int], Sequence[PlainLeg]]
"""Services that are taken over, by mode, pass and segment (keys of the book)."""
TRIES, CHOICES = 14, 2
NEVER = math.inf


@dataclass(eq=False)
class Block:
    """One pass of one mode: its tasks, and from when to when each stretch gets it (inf, -inf: not yet)."""

    mode: int
    one: int
    tasks: list[Task]  # only those with something left to do
    begin: Floats  # by stretch
    end: Floats
    kept: tuple[Floats, Floats]
    done: NDArray[np.bool_]  # by task
    columns: dict[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        t = self.tasks
        self.stretch = np.array([x.stretch for x in t], dtype=np.int64)
        self.columns = {
            name: np.array([getattr(x, name) for x in t], dtype=np.float64)
            for name in ("work_m", "between_m", "litres", "value")
        }
        for name in ("begin", "end"):
            self.columns[f"{name}_xy"] = np.array([getattr(x, name) for x in t], dtype=np.float64).reshape(-1, 2)


class Board:
    """The blocks of the modes that one type of vehicle does. A machine-hour counts half with each class of road, and with
    each rank of priority among the modes."""

    def __init__(self, ground: Ground, modes: Sequence[int], kept: Done) -> None:
        self.ground, self.facts = ground, ground.facts
        self.blocks: list[Block] = []
        self.stretches = {mode: ground.stretches(self.facts.modes[mode]) for mode in modes}
        order = sorted({self.facts.modes[m].priority for m in modes})
        for mode in modes:
            first = 2.0 ** -order.index(self.facts.modes[mode].priority)
            for one in range(len(self.facts.modes[mode].passes)):
                self.blocks.append(self._block(mode, one, first, kept))
        self.place = {id(task): (block, n) for block in self.blocks for n, task in enumerate(block.tasks)}

    def _block(self, mode: int, one: int, first: float, kept: Done) -> Block:
        of, segments = self.facts.modes[mode], self.facts.segments
        stretches = self.stretches[mode]
        begin, end = np.full(len(stretches), NEVER), np.full(len(stretches), -NEVER)
        tasks = []
        for n, stretch in enumerate(stretches):
            done: dict[int, int] = {}
            for s in stretch:
                legs = kept.get((of.key, of.passes[one].no, segments[s].key), ())
                done[s] = sum(leg.runs for leg in legs)
                begin[n] = min([begin[n], *(leg.begin_s for leg in legs)])
                end[n] = max([end[n], *(leg.end_s for leg in legs)])
            value = first * sum(of.hours[s] * 2.0 ** -segments[s].rank for s in stretch)
            if task := self.ground.task(mode, one, n, stretch, value, done):
                tasks.append(task)
        return Block(mode, one, tasks, begin, end, (begin.copy(), end.copy()), np.zeros(len(tasks), dtype=np.bool_))

    # ── book-keeping ─────────────────────────────────────────────────────────────────────────────────────────────

    def mark(self, step: Step) -> None:
        if step.task is None:
            return
        block, n = self.place[id(step.task)]
        block.done[n] = True
        s = step.task.stretch
        block.begin[s], block.end[s] = min(block.begin[s], step.begin), max(block.end[s], step.end)

    def unmark(self, step: Step) -> None:
        if step.task is None:
            return
        block, n = self.place[id(step.task)]
        block.done[n] = False
        s = step.task.stretch
        block.begin[s], block.end[s] = block.kept[0][s], block.kept[1][s]

    def others(self, task: Task) -> list[Span]:
        """When the stretch of a task gets other passes of the same mode."""
        s = task.stretch
        return [
            (float(b.begin[s]), float(b.end[s]))
            for b in self.blocks
            if b.mode == task.mode and b.one != task.one and b.end[s] > -NEVER
        ]

    def nothing_left(self) -> bool:
        return all(block.done.all() for block in self.blocks)

    def left(self) -> list[Task]:
        return [task for block in self.blocks for task, done in zip(block.tasks, block.done, strict=True) if not done]

    # ── the next task ────────────────────────────────────────────────────────────────────────────────────────────

    def best(self, driver: Driver, noise: float, chance: np.random.Generator) -> Step | None:
        """A good next task for a vehicle as it stands: the most worth for its time, by a look at all and a trial of few."""
        rated = list(self._rated(driver))
        if not rated:
            return None
        rate = np.concatenate([r for _b, r in rated])
        if noise:
            rate = rate * np.exp(noise * chance.standard_normal(rate.size))
        edges = np.cumsum([0, *(r.size for _b, r in rated)])
        order = np.argsort(-rate, kind="stable")[: 4 * TRIES]
        found: Step | None = None
        score, hits, at = -1.0, 0, driver.state.at
        for tries, n in enumerate(order.tolist()):
            if rate[n] <= 0 or hits >= CHOICES or (tries >= TRIES and found):
                break
            k = int(np.searchsorted(edges, n, side="right")) - 1
            block = rated[k][0]
            task = block.tasks[n - edges[k]]
            step = driver.attempt(task, self.others(task), float(block.kept[0][task.stretch]))
            if step is not None:
                hits += 1
                true = task.value / self._cost(step, at)
                if true > score:
                    found, score = step, true
        return found

    def _cost(self, step: Step, at: float) -> float:
        return step.end - at + self.facts.uturn_s * step.turns + 1.0

    def _rated(self, driver: Driver) -> Iterator[tuple[Block, Floats]]:
        """Worth by time of each task of each block, 0 where it certainly does not fit."""
        state, facts = driver.state, self.facts
        if state.part >= len(driver.spans):
            return
        shift_end = driver.spans[state.part][-1][1]
        tank = driver.vehicle.tank_l
        for block in self.blocks:
            mode = facts.modes[block.mode]
            spans = [s for s in mode.passes[block.one].spans if s[1] > state.at and s[0] < shift_end]
            if not spans or not len(block.tasks) or block.done.all():
                continue
            c = block.columns
            move = self._way(state.place, c["begin_xy"]) * driver.pace if state.place else np.zeros(len(block.tasks))
            home = (
                self._way(driver.depot, c["end_xy"]) * driver.pace
                if driver.depot and driver.goes_home(state.part)
                else np.zeros(len(block.tasks))
            )
            work = driver.seconds(block.mode, 1.0) * c["work_m"] + driver.pace * c["between_m"]
            dry = np.maximum(0.0, c["litres"] - state.level)
            fill = dry * self._fill_s(tank) if tank else dry
            rate = np.zeros(len(block.tasks))
            for a, b in spans:
                begin = np.maximum(state.at + move, a)
                begin = self._spaced(block, begin, work, mode.spacing_s)
                end = begin + work
                fits = ~block.done & (rate == 0) & (end <= min(b, shift_end) + 1.0) & (end + home <= shift_end + 1.0)
                rate[fits] = (c["value"] / np.maximum(end + fill - state.at, 1.0))[fits]
            yield block, rate

    def _spaced(self, block: Block, begin: Floats, work: Floats, spacing: float) -> Floats:
        for _again in range(2):
            for other in self.blocks:
                if other.mode == block.mode and other is not block:
                    a, b = other.begin[block.stretch], other.end[block.stretch]
                    clash = (begin < b + spacing) & (begin + work > a - spacing)
                    begin = np.where(clash, b + spacing, begin)
        return begin

    def _fill_s(self, tank: float) -> float:
        """Seconds that a litre costs, with the way: a guess for the order only."""
        points = self.facts.points
        if not points:
            return 0.0
        flow = sum(p.flow_l_s for p in points) / len(points)
        return (1 / flow + 240.0 / tank) / self.facts.productive

    def _way(self, place: tuple[float, float] | None, to: Floats) -> Floats:
        if place is None:
            return np.zeros(len(to))
        return np.hypot(to[:, 0] - place[0], to[:, 1] - place[1]) * self.facts.detour
