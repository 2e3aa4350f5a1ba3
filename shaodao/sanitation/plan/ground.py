"""The ground of a plan: places on a plane, and stretches of road that a vehicle serves in one go.

A stretch is a piece of a road with both its carriageways, served as a loop: out on one side, back on the other, as often
as the width takes. A carriageway without another one beside it is driven back empty between its runs.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from shaodao.sanitation.plan.plain import Facts, ModeFacts, Place

BESIDE_M, NEXT_M, BEND_DEG = 85.0, 25.0, 60.0
TARGET_S = 900.0  # a stretch takes about so long: long enough to turn seldom, short enough to fill a window
XY = tuple[float, float]
A_M, E2 = 6_378_137.0, 0.00669437999014  # WGS-84


@dataclass(frozen=True)
class Run:
    segment: int  # number in `Facts.segments`
    metres: float
    litres: float


@dataclass(frozen=True, eq=False)
class Task:
    """One pass of a mode over a stretch: its runs in order. `between_m`: driven empty inside. `value`: what it is worth."""

    mode: int  # numbers in `Facts`
    one: int  # the pass, in `ModeFacts.passes`
    stretch: int
    segments: tuple[int, ...]
    runs: tuple[Run, ...] = field(repr=False)
    begin: XY
    end: XY
    work_m: float
    between_m: float
    litres: float
    value: float


class Ground:
    """Places of the facts in metres on a plane that touches the earth at their middle."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        places = [p for s in facts.segments for p in (s.start, s.end)]
        places += [p.place for p in facts.points] + [v.depot for v in facts.vehicles if v.depot]
        lon = [p[0] for p in places] or [0.0]
        lat = [p[1] for p in places] or [0.0]
        self.middle = ((min(lon) + max(lon)) / 2, (min(lat) + max(lat)) / 2)
        bend = 1 - E2 * math.sin(math.radians(self.middle[1])) ** 2
        self.east = A_M / math.sqrt(bend) * math.cos(math.radians(self.middle[1])) * math.pi / 180
        self.north = A_M * (1 - E2) / bend**1.5 * math.pi / 180
        self.start = [self.xy(s.start) for s in facts.segments]
        self.end = [self.xy(s.end) for s in facts.segments]
        self.points = [self.xy(p.place) for p in facts.points]

    def xy(self, place: Place) -> XY:
        return (place[0] - self.middle[0]) * self.east, (place[1] - self.middle[1]) * self.north

    def way(self, a: XY, b: XY) -> float:
        """Metres by road."""
        return math.hypot(a[0] - b[0], a[1] - b[1]) * self.facts.detour

    # ── stretches ────────────────────────────────────────────────────────────────────────────────────────────────

    def stretches(self, mode: ModeFacts) -> list[tuple[int, ...]]:
        """The segments that a mode serves, grouped: numbers in the order in which a loop takes them."""
        once = max(mode.runs, default=0) <= 1  # then nothing has to be driven twice: each carriageway is on its own
        found: list[tuple[int, ...]] = []
        for chain in self._chains([n for n, runs in enumerate(mode.runs) if runs], once):
            open_: list[tuple[int, int]] = []
            taken = 0.0
            for pair in chain:
                seconds = sum(mode.metres[n] for n in pair if n >= 0) / mode.speed_kmh * 3.6 / self.facts.productive
                if open_ and (taken + seconds > TARGET_S or (pair[1] < 0) != (open_[-1][1] < 0)):
                    found.append(_loop(open_))
                    open_, taken = [], 0.0
                open_.append(pair)
                taken += seconds
            if open_:
                found.append(_loop(open_))
        return found

    def _chains(self, numbers: Sequence[int], once: bool) -> Iterator[list[tuple[int, int]]]:
        """Pieces of road that follow each other, each with the carriageway beside it (-1: there is none)."""
        roads: dict[str, list[int]] = defaultdict(list)
        for n in numbers:
            roads[self.facts.segments[n].road].append(n)
        for of in roads.values():
            beside, after = {} if once else self._beside(of), self._after(of)
            behind = set(after.values())
            heads = [n for n in of if n not in behind]
            seen: set[int] = set()
            for head in (*heads, *of):  # a ring has no head
                chain = []
                at: int | None = head
                while at is not None and at not in seen:
                    other = beside.get(at, -1)
                    other = -1 if other in seen else other
                    seen |= {at, other}
                    chain.append((at, other))
                    at = after.get(at)
                if chain:
                    yield chain

    def _beside(self, of: Sequence[int]) -> dict[int, int]:
        """The opposite carriageway of each segment of a road, where both take each other: it begins where this one ends."""
        ends = np.hstack([_array(self.start, of), _array(self.end, of)])
        apart, best = cKDTree(ends).query(ends[:, [2, 3, 0, 1]], distance_upper_bound=BESIDE_M)
        return {of[i]: of[j] for i, j in enumerate(best.tolist()) if np.isfinite(apart[i]) and i != j and best[j] == i}

    def _after(self, of: Sequence[int]) -> dict[int, int]:
        """The segment straight on, each taken once."""
        near = cKDTree(_array(self.end, of)).query_ball_tree(cKDTree(_array(self.start, of)), NEXT_M)
        segments = self.facts.segments
        found: dict[int, int] = {}
        taken: set[int] = set()
        for i, others in enumerate(near):
            for b in (of[j] for j in sorted(others) if j != i):
                if b not in taken and turn(segments[of[i]].out_deg, segments[b].in_deg) < BEND_DEG:
                    found[of[i]] = b
                    taken.add(b)
                    break
        return found

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────

    def task(
        self, mode: int, one: int, stretch: int, segments: tuple[int, ...], value: float, done: dict[int, int]
    ) -> Task | None:
        """A pass over a stretch, without the runs of each segment that are `done` already; None where none is left."""
        of = self.facts.modes[mode]
        runs = []
        for turn_no in range(max(of.runs[n] for n in segments)):
            for n in segments:
                if done.get(n, 0) <= turn_no < of.runs[n]:
                    runs.append(Run(n, of.metres[n] / of.runs[n], of.litres[n] / of.runs[n]))
        if not runs:
            return None
        between = sum(self.way(self.end[a.segment], self.start[b.segment]) for a, b in itertools.pairwise(runs))
        return Task(
            mode, one, stretch, segments, tuple(runs), self.start[runs[0].segment], self.end[runs[-1].segment],
            sum(r.metres for r in runs), between, sum(r.litres for r in runs), value,
        )  # fmt: skip


def turn(a: float, b: float) -> float:
    """Degrees between two headings, 0 to 180."""
    return abs((b - a + 180) % 360 - 180)


def _loop(pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return (*(a for a, _b in pairs), *(b for _a, b in reversed(pairs) if b >= 0))


def _array(places: Sequence[XY], of: Sequence[int]) -> NDArray[np.float64]:
    return np.array([places[n] for n in of], dtype=np.float64).reshape(-1, 2)
