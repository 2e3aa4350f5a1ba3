"""Trips as they are written down: what was found, with the way home, breaks and waiting in between; and the part of a plan
under way that is kept."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from shaodao.sanitation.plan.driving import NEAR_M, Driver
from shaodao.sanitation.plan.ground import XY, Ground
from shaodao.sanitation.plan.plain import (
    BREAK,
    FILL,
    MOVE,
    SERVICE,
    WAIT,
    Facts,
    Place,
    PlainLeg,
    PlainTrip,
    PointFacts,
    SegmentFacts,
    ShiftFacts,
    Span,
    VehicleFacts,
)  # fmt: skip

HAIR_S = 0.05  # a gap shorter than this is none


@dataclass
class Before:
    """What a vehicle has done, or is doing, when a new plan begins, and how it stands after that."""

    trips: list[PlainTrip] = field(default_factory=list)
    level: float = 0.0
    free_s: float = 0.0
    place: Place | None = None

    @property
    def legs(self) -> list[PlainLeg]:
        return [leg for trip in self.trips for leg in trip.legs]


def until(facts: Facts, trips: Iterable[PlainTrip], at_s: float) -> dict[int, Before]:
    """By vehicle, the part of trips that begins before `at_s`. What is under way then is ended, but for a vehicle that
    breaks down, and a run whose time is closed."""
    vehicles = {v.key: v for v in facts.vehicles}
    segments = {s.key: s for s in facts.segments}
    points = {p.key: p for p in facts.points}
    spans = {(m.key, p.no): p.spans for m in facts.modes for p in m.passes}
    found: dict[int, Before] = {}
    for trip in sorted(trips, key=lambda t: (t.vehicle, t.begin_s)):
        vehicle = vehicles.get(trip.vehicle)
        if vehicle is None or trip.begin_s >= at_s:
            continue
        own = found.setdefault(trip.vehicle, Before(level=vehicle.tank_l * facts.tank_start))
        stays = [
            leg
            for leg in trip.legs
            if leg.end_s <= at_s or (leg.begin_s < at_s and vehicle.broken_s is None and _open(leg, spans))
        ]
        while stays and stays[-1].kind in (WAIT, BREAK):
            stays.pop()
        shift = vehicle.shifts[n] if (n := _part(vehicle, trip)) is not None else None
        place = vehicle.depot if shift is None or shift.out else None
        for leg in stays:
            if leg.kind == SERVICE and leg.segment in segments:
                own.level = max(0.0, own.level - leg.water_l)
                place = segments[leg.segment].end
            elif leg.kind == FILL and leg.point in points:
                own.level += leg.water_l
                place = points[leg.point].place
        if stays and stays[-1].kind == MOVE:  # on its way to what comes next
            place = _target(trip, len(stays), segments, points) or vehicle.depot
        own.place = place
        own.free_s = stays[-1].end_s if stays else 0.0
        end = trip.end_s if vehicle.broken_s is None else min(trip.end_s, vehicle.broken_s)
        own.trips.append(PlainTrip(trip.vehicle, trip.begin_s, end, tuple(stays)))
    return found


def _open(leg: PlainLeg, spans: dict[tuple[int, int], tuple[Span, ...]]) -> bool:
    if leg.kind != SERVICE:
        return True
    return any(
        a - HAIR_S <= leg.begin_s and leg.end_s <= b + HAIR_S for a, b in spans.get((leg.mode or 0, leg.pass_no), ())
    )


def _target(
    trip: PlainTrip, after: int, segments: dict[int, SegmentFacts], points: dict[int, PointFacts]
) -> Place | None:
    for leg in trip.legs[after:]:
        if leg.kind == SERVICE and leg.segment in segments:
            return segments[leg.segment].start
        if leg.kind == FILL and leg.point in points:
            return points[leg.point].place
    return None


def assembled(ground: Ground, drivers: Sequence[Driver], before: dict[int, Before]) -> list[PlainTrip]:
    """The trips of all vehicles, by vehicle and time."""
    by = {d.vehicle.key: d for d in drivers}
    found = []
    for vehicle in ground.facts.vehicles:
        own = before.get(vehicle.key)
        parts: dict[int, list[PlainLeg]] = defaultdict(list)
        ends: dict[int, tuple[float, XY | None]] = {}
        old = {n: t for t in (own.trips if own else []) if (n := _part(vehicle, t)) is not None}
        for n, trip in old.items():
            parts[n] += trip.legs
        driver = by.get(vehicle.key)
        for step in driver.steps if driver else ():
            parts[step.after.part] += _late(step.legs, vehicle.shifts[step.after.part])
            ends[step.after.part] = (step.after.at, step.after.place)
        for n in sorted(parts):
            if not parts[n]:
                continue
            shift = vehicle.shifts[n]
            legs = parts[n] + _home(driver, n, ends, own, old)
            found.append(PlainTrip(vehicle.key, shift.begin_s, shift.end_s, filled(legs, shift)))
    return found


def _late(legs: Sequence[PlainLeg], shift: ShiftFacts) -> list[PlainLeg]:
    """Legs with each way driven as late as what comes after it allows: who has to wait does so where the way begins."""
    found = list(legs)
    for n, (leg, after) in enumerate(itertools.pairwise(legs)):
        if leg.kind == MOVE and after.begin_s - leg.end_s > HAIR_S:
            takes = leg.end_s - leg.begin_s
            begin = after.begin_s - takes
            for a, b in reversed(shift.breaks):
                begin = a - takes if begin < b and begin + takes > a else begin
            begin = max(begin, leg.begin_s)
            found[n] = replace(leg, begin_s=begin, end_s=begin + takes)
    return found


def _part(vehicle: VehicleFacts, trip: PlainTrip) -> int | None:
    """The part of its shifts that a trip belongs to."""
    return next((n for n, s in enumerate(vehicle.shifts) if s.begin_s <= trip.begin_s < s.end_s), None)


def _home(
    driver: Driver | None,
    part: int,
    ends: dict[int, tuple[float, XY | None]],
    own: Before | None,
    old: dict[int, PlainTrip],
) -> list[PlainLeg]:
    """The way back to the depot at the end of a part."""
    if driver is None or driver.depot is None or not driver.vehicle.shifts[part].home:
        return []
    if part in ends:
        at, place = ends[part]
    elif own and part == max(old, default=-1):
        at, place = max(own.free_s, driver.begin.at), driver.ground.xy(own.place) if own.place else None
    else:
        return []
    metres = driver.ground.way(place, driver.depot) if place else 0.0
    begin = driver.slot(part, at, metres * driver.pace)
    if metres < NEAR_M or begin is None:
        return []
    return [PlainLeg(MOVE, begin, begin + metres * driver.pace, metres)]


def filled(legs: Sequence[PlainLeg], shift: ShiftFacts) -> tuple[PlainLeg, ...]:
    """Legs with the breaks of the shift, and what else lies between them as waiting."""
    work = sorted((leg for leg in legs if leg.kind not in (BREAK, WAIT)), key=lambda leg: leg.begin_s)
    found: list[PlainLeg] = []
    at = shift.begin_s
    for leg in work:
        found += _idle(at, leg.begin_s, shift)
        found.append(leg)
        at = max(at, leg.end_s)
    return (*found, *_idle(at, shift.end_s, shift)) if work else ()


def _idle(first: float, last: float, shift: ShiftFacts) -> list[PlainLeg]:
    found = []
    for a, b in shift.breaks:
        x, y = max(a, first), min(b, last)
        if y - x > HAIR_S:
            if x - first > HAIR_S:
                found.append(PlainLeg(WAIT, first, x))
            found.append(PlainLeg(BREAK, x, y))
            first = y
    if last - first > HAIR_S:
        found.append(PlainLeg(WAIT, first, last))
    return found
