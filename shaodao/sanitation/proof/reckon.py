"""What of each pass that was asked the fixes prove: pure arithmetic on a day's fixes, no database, no clock.

A segment of the book is a work unit of the kernel: one carriageway, in its direction. `prove` covers it with the fixes of
all vehicles of a service's type, gives each visit to the pass that is nearest in time, and judges each pass by the union of
its visits. What a pass did not need goes to one that lacks it (a make-up pass); what is left was asked by nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shaodao.kernel.coverage import CANNOT_TELL, DONE, SHORT, Coverage, Fixes, Service, cover
from shaodao.kernel.coverage.passes import (
    END,
    FROM,
    LEVEL,
    P_END,
    P_START,
    P_UNIT,
    P_VEHICLE,
    START,
    TO,
    UNIT,
    VEHICLE,
)
from shaodao.sanitation.proof.ground import Floats, Roads
from shaodao.sanitation.proof.spans import Span, apart, rest, total, twice, union
from shaodao.sanitation.proof.words import Kind, PassState

POSSIBLE, LIKELY, SURE, FAST = 1, 2, 3, 4
ANY, SILENT = -1, -2
SILENT_S, END_M = 30.0, 45.0
"""Seconds in which a run may go unseen; metres at an end in which a vehicle turns, or is lost where the map ends."""
STATES = {DONE: PassState.DONE, SHORT: PassState.SHORT, CANNOT_TELL: PassState.UNSURE}


@dataclass(frozen=True)
class Rules:
    """Parameters of the proof beside those of the kernel; metres, minutes, shares."""

    asked: float = 0.9
    late_min: float = 60.0
    peak_min: float = 5.0
    fast_share: float = 0.2
    silent_min: float = 10.0
    run_share: float = 0.7  # of a segment, that makes a visit one of several runs


@dataclass(frozen=True)
class Way:
    """A service mode on the day: spans are seconds from midnight."""

    key: int
    vehicle_type: str
    speed_kmh: float
    peaks: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Task:
    """A pass that is asked of a segment (its place in the network), within `spans`.

    vehicle: its number in the fixes; -1 any of the type, -2 one that no fix is from. vehicle_key, crew: for the caller.
    """

    segment: int
    mode: int
    pass_no: int
    spans: tuple[Span, ...]
    vehicle: int = ANY
    crew: int | None = None
    runs: int = 1
    vehicle_key: int | None = None

    @property
    def begin(self) -> float:
        return self.spans[0][0]

    @property
    def end(self) -> float:
        return self.spans[-1][1]


@dataclass(eq=False)
class Visit:
    """A vehicle on a segment; spans of metres by level, from the kernel."""

    vehicle: int
    segment: int
    begin: float
    end: float
    levels: dict[int, list[Span]]

    @property
    def metres(self) -> float:
        return total(union(self.levels[LIKELY]))


@dataclass(eq=False)
class Outcome:
    """What is proven of a task, or (task None) a visit that nobody asked for."""

    task: Task | None
    segment: int
    mode: int
    state: str
    visits: list[Visit] = field(default_factory=list)
    serviced: float = 0.0
    sure: float = 0.0
    possible: float = 0.0
    runs: float = 0.0
    gaps: list[Span] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True, eq=False)
class Proven:
    outcomes: list[Outcome]
    fates: dict[str, int]  # of the fixes, of all types together
    off: tuple[int, int]  # kept fixes off all roads, of all
    heard: dict[int, Floats]  # by vehicle: the times of its fixes, in order


def service(way_kmh: float, rules: Rules) -> Service:
    """The kernel's parameters. A vehicle without a working signal is taken by where it was slow."""
    return Service(working_kmh=way_kmh, asked=rules.asked, signal=False)


# ── the chain ────────────────────────────────────────────────────────────────────────────────────────────────────


def prove(
    roads: Roads,
    fixes: Fixes,
    types: Sequence[str],
    ways: Sequence[Way],
    tasks: Sequence[Task],
    rules: Rules,
    until: float,
) -> Proven:
    """Judge every task.

    fixes: times in seconds from midnight. types: of each vehicle number its type ("" unknown). until: how much of the
    day is over; what is asked later is pending. Modes that share a type of vehicle share the highest of their speeds.
    """
    outcomes: list[Outcome] = []
    fates: dict[str, int] = {}
    off, kept = 0, 0
    heard = _heard(fixes)
    for name in dict.fromkeys(way.vehicle_type for way in ways):
        group = {way.key: way for way in ways if way.vehicle_type == name}
        asked = [task for task in tasks if task.mode in group]
        numbers = [n for n, kind in enumerate(types) if kind == name]
        mine = fixes.sorted(np.flatnonzero(np.isin(fixes.vehicle, numbers)))
        kmh = max(way.speed_kmh for way in group.values())
        answer = cover(roads.network, mine, service(kmh, rules)) if mine.t.size else None
        if answer is not None:
            fates = {k: fates.get(k, 0) + n for k, n in answer.fates.items()}
            off, kept = off + answer.unmatched[0], kept + answer.unmatched[1]
        found = _judge_all(roads, answer, heard, group, asked, rules, until)
        lacking = [o for o in found if o.task and o.state in (PassState.MISSING, PassState.SHORT)]
        if lacking and mine.t.size:
            _dry(roads, mine, heard, service(kmh, rules), lacking, rules)
        for outcome in found:
            _faults(outcome, group[outcome.mode], heard, numbers, rules)
        outcomes += found
    return Proven(outcomes, fates, (off, kept), heard)


def _heard(fixes: Fixes) -> dict[int, Floats]:
    return {n: np.sort(fixes.t[fixes.vehicle == n]) for n in np.unique(fixes.vehicle).tolist()}


def visits_of(answer: Coverage, roads: Roads, heard: dict[int, Floats]) -> list[Visit]:
    """The kernel's passes with their spans by level.

    Of a vehicle that turns at an end the last metres between two fixes are lost (two intervals of driving), where the map
    ends a little more: what it did there is possible, not missing.
    """
    s = answer.stretches
    pace = {vehicle: float(np.median(np.diff(times))) for vehicle, times in heard.items() if times.size > 1}
    keys = s[:, VEHICLE] * 1e7 + s[:, UNIT]
    found = []
    for row in answer.passes:
        key = row[P_VEHICLE] * 1e7 + row[P_UNIT]
        low, high = np.searchsorted(keys, key), np.searchsorted(keys, key, side="right")
        own = s[low:high]
        own = own[(own[:, START] >= row[P_START] - 1) & (own[:, END] <= row[P_END] + 1) & (own[:, LEVEL] > 0)]
        levels: dict[int, list[Span]] = {
            level: [(a, b) for a, b in own[(own[:, LEVEL] >= level) & (own[:, LEVEL] <= SURE)][:, (FROM, TO)].tolist()]
            for level in (POSSIBLE, LIKELY, SURE)
        }
        vehicle, unit = int(row[P_VEHICLE]), int(row[P_UNIT])
        visit = Visit(vehicle, unit, float(row[P_START]), float(row[P_END]), levels)
        speed = visit.metres / max(visit.end - visit.begin, 1.0)
        lost = min(END_M, 2 * pace.get(vehicle, 0.0) * speed)
        low_m = min((a for a, _b in levels[LIKELY]), default=np.inf)
        high_m, length = max((b for _a, b in levels[LIKELY]), default=-np.inf), float(roads.length[unit])
        if low_m < (END_M if roads.fresh[unit] else lost):
            levels[POSSIBLE].append((0.0, low_m))
        if high_m > length - (END_M if roads.dead[unit] else lost):
            levels[POSSIBLE].append((high_m, length))
        found.append(visit)
    return found


def fast_of(answer: Coverage) -> list[Visit]:
    """Stretches at work that were too fast to count."""
    rows = answer.stretches[answer.stretches[:, LEVEL] == FAST]
    return [
        Visit(int(r[VEHICLE]), int(r[UNIT]), float(r[START]), float(r[END]), {FAST: [(float(r[FROM]), float(r[TO]))]})
        for r in rows
    ]


def _near(tasks: list[Task], visit: Visit) -> Task:
    """The pass that a visit is nearest to in time; of several the one whose vehicle it is, then the first."""
    return min(
        tasks, key=lambda t: (apart(t.spans, visit.begin, visit.end), t.vehicle not in (ANY, visit.vehicle), t.begin)
    )


def _judge_all(
    roads: Roads,
    answer: Coverage | None,
    heard: dict[int, Floats],
    group: dict[int, Way],
    tasks: list[Task],
    rules: Rules,
    until: float,
) -> list[Outcome]:
    by_segment: dict[int, list[Task]] = {}
    for task in tasks:
        by_segment.setdefault(task.segment, []).append(task)
    visits: dict[int, list[Visit]] = {}
    fast: dict[int, list[Visit]] = {}
    for store, rows in ((visits, visits_of(answer, roads, heard)), (fast, fast_of(answer))) if answer else ():
        for visit in rows:
            store.setdefault(visit.segment, []).append(visit)
    outcomes: list[Outcome] = []
    for segment in sorted(by_segment.keys() | visits.keys()):
        length = float(roads.length[segment])
        found, spare = _share(by_segment.get(segment, []), visits.get(segment, []), length, rules)
        for run in fast.get(segment, []):
            if found:
                _near_outcome(found, run).visits.append(run)
        for outcome in found:
            _too_fast(outcome, length, rules)
            assert outcome.task
            if outcome.state != PassState.DONE and outcome.task.end + rules.late_min * 60 > until:
                outcome.state = PassState.PENDING
        outcomes += found
        for visit in spare:
            mode = _mode_of(by_segment.get(segment, []), visit, group)
            outcomes.append(judged(Outcome(None, segment, mode, ""), [visit], length, 1, rules))
    return outcomes


def _near_outcome(found: list[Outcome], run: Visit) -> Outcome:
    task = _near([o.task for o in found if o.task], run)
    return next(o for o in found if o.task is task)


def _mode_of(tasks: list[Task], visit: Visit, group: dict[int, Way]) -> int:
    return _near(tasks, visit).mode if tasks else next(iter(group))


def _share(tasks: list[Task], visits: list[Visit], length: float, rules: Rules) -> tuple[list[Outcome], list[Visit]]:
    """Visits of a segment among its tasks; and those that are left."""
    own: dict[int, list[Visit]] = {id(task): [] for task in tasks}
    spare: list[Visit] = []
    for visit in visits:
        (own[id(_near(tasks, visit))] if tasks else spare).append(visit)
    found = []
    for task in sorted(tasks, key=lambda t: (t.begin, t.mode, t.pass_no)):
        near = sorted(own[id(task)], key=lambda v: (apart(task.spans, v.begin, v.end), v.begin))
        outcome = Outcome(task, task.segment, task.mode, "")
        spare += _fill(outcome, near, length, rules)
        found.append(outcome)
    for outcome in found:  # what was made up later, by whomever
        if outcome.state != PassState.DONE and outcome.task:
            later = sorted((v for v in spare if v.begin >= outcome.task.begin), key=lambda v: v.begin)
            if later:
                left = _fill(outcome, [*outcome.visits, *later], length, rules)
                spare = [v for v in spare if v not in later or v in left]
    return found, spare


def _fill(outcome: Outcome, visits: list[Visit], length: float, rules: Rules) -> list[Visit]:
    """Take visits until the task is done; returns those that it did not need."""
    assert outcome.task
    runs = outcome.task.runs
    for n in range(len(visits) + 1):
        if n < min(runs, len(visits)):
            continue  # fewer visits than runs are never enough
        judged(outcome, visits[:n], length, runs, rules)
        if outcome.state == PassState.DONE:
            return visits[n:]
    return []


def judged(outcome: Outcome, visits: list[Visit], length: float, runs: int, rules: Rules) -> Outcome:
    """Set the verdict on a pass by its visits: the union of what is sure has to reach the share that is asked.

    Of several runs over the width so must the number of visits that went most of the way: GNSS counts visits; it does not
    tell which lane each of them took. Near an end, where vehicles turn, what two visits found likely is sure.
    """
    spans = {level: union(s for v in visits for s in v.levels[level]) for level in (POSSIBLE, LIKELY, SURE)}
    if len(visits) > 1:
        ends = ((0.0, min(END_M, length)), (max(length - END_M, 0.0), length))
        spans[SURE] = union([*spans[SURE], *twice([union(v.levels[LIKELY]) for v in visits], ends)])
    metres = {level: min(length, total(found)) for level, found in spans.items()}
    need, many = rules.asked * length, rules.asked * runs
    whole, maybe = (sum(total(union(v.levels[n])) >= share * length for v in visits)
                    for n, share in ((LIKELY, rules.run_share), (POSSIBLE, rules.run_share / 2)))  # fmt: skip
    enough = metres[SURE] >= need and (runs == 1 or whole >= many)
    could = metres[POSSIBLE] >= need and (runs == 1 or maybe >= many)
    outcome.visits = list(visits)
    outcome.state = (
        PassState.MISSING
        if not visits
        else PassState.DONE
        if enough
        else PassState.UNSURE
        if could
        else PassState.SHORT
    )
    outcome.serviced, outcome.sure, outcome.possible = metres[LIKELY], metres[SURE], metres[POSSIBLE]
    outcome.runs = metres[LIKELY] / length if runs == 1 else float(whole)
    outcome.gaps = rest(spans[LIKELY], length)
    return outcome


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────


def _too_fast(outcome: Outcome, length: float, rules: Rules) -> None:
    """Runs at work but too fast belong to the evidence; they explain a pass that falls short."""
    fast = [v for v in outcome.visits if FAST in v.levels]
    outcome.visits = [v for v in outcome.visits if FAST not in v.levels]
    if outcome.state not in (PassState.MISSING, PassState.SHORT) or not fast:
        return
    if total(union(s for v in fast for s in v.levels[FAST])) >= rules.fast_share * length:
        outcome.wrong.append(Kind.TOO_FAST)
        outcome.state = PassState.SHORT
        for v in fast:
            outcome.visits.append(Visit(v.vehicle, v.segment, v.begin, v.end, {POSSIBLE: [], LIKELY: [], SURE: []}))


def _dry(
    roads: Roads, mine: Fixes, heard: dict[int, Floats], given: Service, lacking: list[Outcome], rules: Rules
) -> None:
    """Passes that were driven as asked, at the speed of work, by a vehicle whose signal said that it did not work."""
    silent = replace(mine, working=np.full(mine.t.size, -1, np.int8))
    signalled = set(np.unique(mine.vehicle[mine.working >= 0]).tolist())
    wanted: dict[int, list[Visit]] = {}
    for visit in visits_of(cover(roads.network, silent, given), roads, heard):
        if visit.vehicle in signalled:
            wanted.setdefault(visit.segment, []).append(visit)
    for outcome in lacking:
        task = outcome.task
        assert task
        near = [
            v
            for v in wanted.get(outcome.segment, [])
            if task.vehicle in (ANY, v.vehicle) and apart(task.spans, v.begin, v.end) <= rules.late_min * 60
        ]
        length = float(roads.length[outcome.segment])
        driven = judged(Outcome(None, outcome.segment, outcome.mode, ""), near, length, 1, rules)
        if driven.state == PassState.DONE and outcome.sure < length / 2:
            outcome.wrong.append(Kind.DRY)
            outcome.visits = outcome.visits or near


def _faults(outcome: Outcome, way: Way, heard: dict[int, Floats], numbers: list[int], rules: Rules) -> None:
    """Late, in a peak, missed or short; a silent vehicle is none of them: nobody can tell what it did."""
    task, worked = outcome.task, [v for v in outcome.visits if v.levels[LIKELY]]
    edge = rules.peak_min * 60
    if any(low + edge <= (v.begin + v.end) / 2 <= high - edge for v in worked for low, high in way.peaks):
        outcome.wrong.append(Kind.PEAK)
    if task is None or outcome.state == PassState.PENDING:
        return
    if outcome.state == PassState.DONE and max(v.end for v in worked) > task.end + rules.late_min * 60:
        outcome.wrong.append(Kind.LATE)
    if outcome.state == PassState.UNSURE:
        outcome.why = "unsure"
    if outcome.state not in (PassState.MISSING, PassState.SHORT) or {Kind.DRY, Kind.TOO_FAST} & set(outcome.wrong):
        return
    if outcome.state == PassState.MISSING:
        asked = numbers if task.vehicle == ANY else [task.vehicle]
        quiet = not any(_heard_in(heard.get(v), task.spans, rules.silent_min * 60) for v in asked)
    else:
        quiet = any(_fell_silent(heard[v.vehicle], v.end, rules.silent_min * 60) for v in worked)
        quiet = quiet or (task.runs > 1 and bool(worked) and _holes(heard, worked))
    if quiet:
        outcome.state, outcome.why = PassState.UNSURE, "silent"
    else:
        outcome.wrong.append(Kind.MISSED if outcome.state == PassState.MISSING else Kind.SHORT)


def _heard_in(times: Floats | None, spans: Sequence[Span], slack: float) -> bool:
    """Did the vehicle say anything within the spans, or shortly before or after?"""
    if times is None:
        return False
    return any(np.searchsorted(times, a - slack) < np.searchsorted(times, b + slack, "right") for a, b in spans)


def _fell_silent(times: Floats, at: float, slack: float) -> bool:
    """Was nothing heard of the vehicle for long after it was last seen at work? It may have gone on."""
    after = times[np.searchsorted(times, at + 1.0) :]
    return not after.size or bool(after[0] - at > slack)


def _holes(heard: dict[int, Floats], worked: list[Visit]) -> bool:
    """May a run have gone unseen between the visits of a vehicle? A silence as the kernel has it."""
    for vehicle in {v.vehicle for v in worked}:
        own = [v for v in worked if v.vehicle == vehicle]
        times = heard[vehicle]
        steps = np.diff(times[(times >= min(v.begin for v in own)) & (times <= max(v.end for v in own))])
        if steps.size and steps.max() > max(SILENT_S, 2.5 * float(np.median(steps))):
            return True
    return False
