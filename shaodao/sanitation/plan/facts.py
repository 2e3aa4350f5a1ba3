"""What the book says of a day, as the plain values that a plan is made from: read once, in a constant number of queries.

What a pass needs, and when it may run, is what `feasibility` reckons: the plan and the bound cannot disagree about it.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import orjson
from django.db.models import Q

from shaodao.kernel.sweeping import open_minutes
from shaodao.sanitation.feasibility import facts as bound
from shaodao.sanitation.feasibility.reckon import Service, Verdict, one_pass, reckon, stops
from shaodao.sanitation.models import FillPoint, Maintenance, Segment, Vehicle
from shaodao.sanitation.plan.plain import (
    Facts,
    ModeFacts,
    PassFacts,
    Place,
    PointFacts,
    SegmentFacts,
    ShiftFacts,
    Span,
    VehicleFacts,
    spans_of,
    without,
)  # fmt: skip
from shaodao.sanitation.words import RoadClass

DAY_S = 86_400.0
ALWAYS: tuple[Span, ...] = ((0.0, DAY_S),)
HAIR = 1e-6  # of a run: lengths are not whole strips to the last bit


def read(day: date) -> Facts:
    """Everything that a plan of the day is made from. About a dozen queries, however large the book is."""
    book = bound.read(day)
    verdict = reckon(book)
    vehicles, notes = _vehicles(day)
    return Facts(
        day=day.isoformat(),
        segments=tuple(_segments(book)),
        modes=tuple(_mode(book, service) for service in verdict.services),
        vehicles=vehicles,
        points=tuple(map(_point, FillPoint.objects.filter(active=True).order_by("code"))),
        productive=book.settings.productive,
        detour=book.settings.detour,
        uturn_s=book.settings.uturn_s,
        tank_start=book.settings.tank_start,
        feasible_share=_share(verdict),
        illustrative=book.illustrative,
        notes=notes,
    )


def digest(facts: Facts) -> str:
    """SHA-256 of the facts as JSON: two plans with the same one were made from the same book."""
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def changed(facts: Facts, changes: Mapping[str, Any]) -> Facts:
    """The facts after something happened. changes: `broken`, {code of a vehicle: second from which it stands}; `closed`,
    [[code of a mode or "" for all, first second, last second], …] in which it may not run, as rain."""
    broken, closed = changes.get("broken", {}), changes.get("closed", [])
    vehicles = tuple(_broken(v, float(broken[v.code])) if v.code in broken else v for v in facts.vehicles)
    return replace(facts, vehicles=vehicles, modes=tuple(_closed(mode, closed) for mode in facts.modes))


def _broken(vehicle: VehicleFacts, at_s: float) -> VehicleFacts:
    shifts = tuple(replace(s, end_s=min(s.end_s, at_s)) for s in vehicle.shifts if s.begin_s < at_s)
    return replace(vehicle, shifts=shifts, broken_s=at_s)


def _closed(mode: ModeFacts, closed: Sequence[Sequence[Any]]) -> ModeFacts:
    passes = mode.passes
    for code, first, last in closed:
        if code in ("", mode.code):
            passes = tuple(_shorter(p, without(p.spans, first, last)) for p in passes)
    return replace(mode, passes=passes)


def _shorter(one: PassFacts, spans: tuple[Span, ...]) -> PassFacts:
    return replace(one, spans=spans, stopped=one.stopped or spans != one.spans)


def _share(verdict: Verdict) -> float | None:
    return None if verdict.share is None else float(verdict.share)


def _segments(book: bound.Day) -> Iterable[SegmentFacts]:
    """In the order of `book`, so that its arrays fit."""
    wanted = ("pk", "code", "road_id", "length_m", "geometry")
    rows = Segment.objects.filter(active=True, road__active=True).order_by("code").values_list(*wanted)
    place = {road.pk: n for n, road in enumerate(book.roads)}
    rank = {name: n for n, name in enumerate(RoadClass.values)}
    for key, code, road_id, length, geometry in sorted(rows, key=lambda r: place[r[2]]):
        road = book.roads[place[road_id]]
        line = [(float(p[0]), float(p[1])) for p in geometry["coordinates"]]
        yield SegmentFacts(
            key, code, road.code, road.name, road.name_en, rank.get(road.road_class, len(rank)), line[0], line[-1],
            _heading(line[-2], line[-1]), _heading(line[0], line[1]), length,
        )  # fmt: skip


def _heading(a: Place, b: Place) -> float:
    east = (b[0] - a[0]) * math.cos(math.radians(a[1]))
    return round(math.degrees(math.atan2(east, b[1] - a[1])) % 360, 3)


def _mode(book: bound.Day, service: Service) -> ModeFacts:
    mode = service.mode
    need = one_pass(book, mode)
    length = np.where(book.length_m > 0, book.length_m, np.inf)
    runs = np.ceil(need.run_m / length - HAIR).astype(int)
    runs[(need.run_m > 0) & (runs < 1)] = 1
    passes: list[PassFacts] = []
    for window in service.windows:
        first, last = window.spans[0] * 60.0, window.spans[1] * 60.0
        spans = spans_of(window.mask.tolist())
        stopped = bool((open_minutes([window.spans]) & ~open_minutes(mode.peaks) & stops(book, mode)[0]).any())
        passes += [PassFacts(len(passes) + 1 + n, (first, last), spans, stopped) for n in range(window.passes)]
    return ModeFacts(
        mode.pk, mode.code, mode.name, mode.name_en, mode.kind, mode.vehicle_type, mode.priority, mode.speed_kmh,
        mode.spacing_min * 60.0, "due" if service.state in ("ok", "short") else service.state, tuple(passes),
        tuple(runs.tolist()), tuple(need.run_m.tolist()), tuple((need.water_m3 * 1000).tolist()),
        tuple((need.work_h + need.refill_h).tolist()),
    )  # fmt: skip


def _point(row: FillPoint) -> PointFacts:
    hours = spans_of(open_minutes(row.hours).tolist()) if row.hours else ALWAYS
    return PointFacts(row.pk, row.code, row.name, (row.lon, row.lat), row.flow_m3_min * 1000 / 60, row.bays, hours)


def _vehicles(day: date) -> tuple[tuple[VehicleFacts, ...], tuple[tuple[str, str], ...]]:
    """Vehicles with their shifts. Shifts of a crew that overlap are one: the vehicle cannot be driven twice at once."""
    inside = Q(first_day__lte=day, last_day__gte=day, active=True)
    away = set(Maintenance.objects.filter(inside).values_list("vehicle_id", flat=True))
    rows = Vehicle.objects.filter(active=True).select_related("crew__depot").prefetch_related("crew__shifts")
    found, notes = [], []
    for row in rows.order_by("code"):
        crew = row.crew if row.crew and row.crew.active else None
        shifts, overlap = joined([s for s in crew.shifts.all() if s.active] if crew else [])
        if overlap:
            notes.append(("shifts_overlap", row.code))
        if crew is None:
            notes.append(("no_crew", row.code))
        depot = crew.depot if crew else None
        made = VehicleFacts(
            row.pk, row.code, row.name, row.name_en, row.type, crew.pk if crew else None,
            (crew.name or crew.code) if crew else "", row.tank_m3 * 1000, row.working_kmh, row.transfer_kmh,
            (depot.lon, depot.lat) if depot else None, shifts, row.pk in away,
        )  # fmt: skip
        found.append(made)
    return tuple(found), tuple(notes)


def joined(shifts: Iterable[Any]) -> tuple[tuple[ShiftFacts, ...], bool]:
    """Shifts as parts of the calendar day in order, and whether two of them overlapped and were made one."""
    parts = []
    for shift in shifts:
        rest = spans_of(open_minutes(shift.breaks).tolist())
        for first, last in shift.hours:
            over = last <= first  # midnight
            for a, b in spans_of(open_minutes([[first, last]]).tolist()):
                parts.append((a, b, rest, not (over and a == 0), not (over and b == DAY_S)))
    found: list[ShiftFacts] = []
    overlap = False
    for a, b, rest, out, home in sorted(parts):
        breaks = tuple((max(x, a), min(y, b)) for x, y in rest if x < b and y > a)
        if found and a < found[-1].end_s:
            overlap = True
            last = found.pop()
            breaks = tuple(sorted({*last.breaks, *breaks}))
            later = home if b >= last.end_s else last.home
            found.append(ShiftFacts(last.begin_s, max(last.end_s, b), breaks, last.out, later))
        else:
            found.append(ShiftFacts(a, b, breaks, out, home))
    return tuple(found), overlap
