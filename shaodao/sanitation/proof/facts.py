"""What is asked of a day and by what it is proven, read from the book and its published plan."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.sanitation import settings
from shaodao.sanitation.hours import DAY
from shaodao.sanitation.models import DayPlan, Leg, Segment, ServiceMode, Vehicle
from shaodao.sanitation.proof.reckon import SILENT, Rules, Task, Way
from shaodao.sanitation.proof.spans import Span
from shaodao.sanitation.words import LegKind, PlanState

MOST_RUNS = 20
NEAR = 0.02
"""Of a run: a width that needs so little more than whole runs is done by whole runs."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A day. Segments in the order of their codes; vehicles by code."""

    day: date
    plan: DayPlan | None
    segments: list[Segment]
    lines: list[NDArray[np.float64]]
    modes: list[ServiceMode]
    vehicles: dict[str, Vehicle]
    tasks: list[Task]
    left_out: int  # passes that the plan itself does not hold
    rules: Rules
    keys: dict[str, Any]  # parameters, for the certificate

    @cached_property
    def by_key(self) -> dict[int, Vehicle]:
        return {v.pk: v for v in self.vehicles.values()}

    @property
    def ways(self) -> list[Way]:
        return [Way(m.pk, m.vehicle_type, m.speed_kmh, tuple(_seconds(m.peaks))) for m in self.modes]

    @property
    def last_s(self) -> float:
        """Until when the day's work goes on, seconds from its midnight."""
        return max([DAY * 60.0, *(task.end for task in self.tasks)])


def _seconds(spans: list[list[int]]) -> list[Span]:
    """Minutes as kept, cut at midnight, as seconds in order."""
    found: list[Span] = []
    for begin, end, *_rest in spans:
        found += [(begin, end)] if begin < end else [(0, end), (begin, DAY)]
    return [(a * 60.0, b * 60.0) for a, b in sorted(found) if b > a]


def read(day: date, codes: list[str]) -> Asked:
    """Everything that a proof needs besides the fixes: five queries. `codes`: the numbers of vehicles in the fixes."""
    segments = list(
        Segment.objects.filter(active=True, road__active=True).select_related("road").order_by("road__code", "code")
    )
    modes = list(ServiceMode.objects.filter(active=True).order_by("priority", "code"))
    vehicles = {v.code: v for v in Vehicle.objects.filter(active=True).select_related("crew").order_by("code")}
    plan = DayPlan.objects.filter(day=day, state=PlanState.PUBLISHED).first()
    place = {segment.pk: n for n, segment in enumerate(segments)}
    number = {code: n for n, code in enumerate(codes)}
    tasks = _planned(plan, place, number) if plan else _by_modes(day, segments, modes)
    given = settings.current().proof
    rules = Rules(given.asked, given.late_min, given.peak_min, given.fast_share, given.silent_min)
    return Asked(
        day=day,
        plan=plan,
        segments=segments,
        lines=[np.array(s.geometry["coordinates"], np.float64)[:, :2] for s in segments],
        modes=modes,
        vehicles=vehicles,
        tasks=tasks,
        left_out=len(plan.left_out) if plan else 0,
        rules=rules,
        keys=vars(rules) | {"modes": {m.code: [m.vehicle_type, m.speed_kmh, m.peaks] for m in modes}},
    )


def _planned(plan: DayPlan, place: dict[int, int], number: dict[str, int]) -> list[Task]:
    """The passes of a plan. Legs of one pass over a segment are one task, of the vehicle that begins it."""
    columns = ("segment_id", "mode_id", "pass_no", "begin_s", "end_s", "runs", "trip__vehicle__code", "trip__crew_id",
               "trip__vehicle_id")  # fmt: skip
    rows = Leg.objects.filter(trip__plan=plan, kind=LegKind.SERVICE).order_by("begin_s", "pk").values_list(*columns)
    found: dict[tuple[int, int, int], Task] = {}
    for segment, mode, pass_no, begin, end, runs, code, crew, vehicle in rows:
        if segment not in place or mode is None:
            continue
        one = Task(
            place[segment], mode, pass_no, ((begin, end),), number.get(code, SILENT), crew, max(runs, 1), vehicle
        )
        was = found.get((segment, mode, pass_no))
        found[segment, mode, pass_no] = (
            replace(was, spans=(*was.spans, *one.spans), runs=was.runs + one.runs) if was else one
        )
    return list(found.values())


def _by_modes(day: date, segments: list[Segment], modes: list[ServiceMode]) -> list[Task]:
    """Where there is no plan: each mode in season asks its passes of every segment, by any vehicle, in its windows."""
    tasks = []
    for mode in modes:
        if mode.months and day.month not in mode.months:
            continue
        slots: list[tuple[Span, ...]] = []
        for begin, end, passes in mode.windows or [[0, DAY, mode.passes]]:
            slots += [tuple(_seconds([[begin, end]]))] * passes
        slots.sort()
        for n, segment in enumerate(segments):
            if runs := runs_of(mode, segment):
                tasks += [Task(n, mode.pk, k, spans, runs=runs) for k, spans in enumerate(slots, 1)]
    return tasks


def runs_of(mode: ServiceMode, segment: Segment) -> int:
    """Runs along a segment that one pass of a mode takes; 0: there is nothing to do."""
    if mode.runs:
        return mode.runs * mode.traverses
    area = getattr(segment, f"{mode.scope}_m2")
    if not area or not segment.length_m or not mode.swath_m:
        return 0
    wide = area / segment.length_m / mode.swath_m
    return int(min(MOST_RUNS, max(1, np.ceil(wide - NEAR))) * mode.traverses)
