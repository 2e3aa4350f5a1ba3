"""Edits by hand: legs moved to another trip or place, taken out, a trip begun later; and its times reckoned anew.

What is asked for is done, whether it holds or not: the checker says what does not.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from shaodao.foundation.errors import Invalid
from shaodao.sanitation.plan.driving import NEAR_M, Bays, Driver, State
from shaodao.sanitation.plan.ground import XY, Ground
from shaodao.sanitation.plan.plain import (
    FILL,
    MOVE,
    SERVICE,
    Facts,
    ModeFacts,
    PlainLeg,
    PlainTrip,
    ShiftFacts,
    Span,
    VehicleFacts,
)  # fmt: skip
from shaodao.sanitation.plan.trips import filled

MOST = 200
DAY_S = 86_400


@dataclass(frozen=True)
class Edit:
    """One change. do: move (legs `first`…`last` of `trip` before leg `before` of `to`; to the end where it is None), out
    (the same legs), time (`trip` does not begin work before `at_s`). Trips and legs by their number, from 0; `to` may be a
    vehicle's code instead, which gives it a trip in the shift in which the legs began."""

    do: str
    trip: int
    first: int = 0
    last: int = 0
    to: int | str | None = None
    before: int | None = None
    at_s: float = 0.0


def parsed(raw: Iterable[Mapping[str, Any]]) -> list[Edit]:
    """Edits out of JSON. Raises Invalid that names the edit and the field."""
    found = []
    for n, row in enumerate(raw, 1):
        if not isinstance(row, Mapping) or row.get("do") not in ("move", "out", "time"):
            raise Invalid({"moves": _("第 %(n)d 项：do 只能是 move、out、time") % {"n": n}})
        values: dict[str, Any] = {"do": row["do"]}
        for name in ("trip", "first", "last", "to", "before", "at_s"):
            value = row.get(name)
            if value is None:
                continue
            whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DAY_S
            if not whole and not (name == "to" and isinstance(value, str)):
                raise Invalid({"moves": _("第 %(n)d 项：%(f)s 不对") % {"n": n, "f": name}})
            values[name] = value
        if "trip" not in values:
            raise Invalid({"moves": _("第 %(n)d 项：%(f)s 不对") % {"n": n, "f": "trip"}})
        values.setdefault("last", values.get("first", 0))
        found.append(Edit(**values))
    if not 0 < len(found) <= MOST:
        raise Invalid({"moves": _("要有 1 到 %(n)d 项修改") % {"n": MOST}})
    return found


def edited(facts: Facts, trips: Sequence[PlainTrip], edits: Sequence[Edit]) -> list[PlainTrip]:
    """The trips after the edits, one after another; those that changed with new times. Raises Invalid for legs or trips
    that are not there."""
    ground = Ground(facts)
    made = list(trips)
    for n, edit in enumerate(edits, 1):
        if edit.trip >= len(made):
            raise Invalid({"moves": _("第 %(n)d 项：%(f)s 不对") % {"n": n, "f": "trip"}})
        if edit.do == "time":
            made[edit.trip] = retimed(facts, made[edit.trip], made, not_before=edit.at_s, ground=ground)
            continue
        source = made[edit.trip]
        if not edit.first <= edit.last < len(source.legs):
            raise Invalid({"moves": _("第 %(n)d 项：%(f)s 不对") % {"n": n, "f": "first, last"}})
        taken = [x for x in source.legs[edit.first : edit.last + 1] if x.kind in (SERVICE, FILL)]
        rest = [*source.legs[: edit.first], *source.legs[edit.last + 1 :]]
        if edit.do == "out":
            made[edit.trip] = retimed(facts, replace(source, legs=tuple(rest)), made, ground=ground)
            continue
        to = _target(facts, made, edit, taken, n)
        if to == edit.trip:
            before = len(source.legs) if edit.before is None else edit.before
            at = edit.first if edit.first <= before <= edit.last else before - len(source.legs) + len(rest)
            at = before if before < edit.first else at
            legs = [*rest[:at], *taken, *rest[at:]]
            made[to] = retimed(facts, replace(source, legs=tuple(legs)), made, ground=ground)
            continue
        made[edit.trip] = retimed(facts, replace(source, legs=tuple(rest)), made, ground=ground)
        legs = list(made[to].legs)
        at = len(legs) if edit.before is None else min(edit.before, len(legs))
        made[to] = retimed(facts, replace(made[to], legs=(*legs[:at], *taken, *legs[at:])), made, ground=ground)
    return [trip for trip in made if trip.services or any(leg.kind == FILL for leg in trip.legs)]


def _target(facts: Facts, made: list[PlainTrip], edit: Edit, taken: Sequence[PlainLeg], n: int) -> int:
    """The number of the trip that gets the legs, made where the vehicle has none yet."""
    wrong = Invalid({"moves": _("第 %(n)d 项：%(f)s 不对") % {"n": n, "f": "to"}})
    if edit.to is None:
        return edit.trip
    if isinstance(edit.to, int):
        if edit.to >= len(made):
            raise wrong
        return edit.to
    vehicle = next((v for v in facts.vehicles if v.code == edit.to), None)
    if vehicle is None or not vehicle.shifts:
        raise wrong
    when = taken[0].begin_s if taken else 0.0
    shift = next((s for s in vehicle.shifts if s.begin_s <= when < s.end_s), vehicle.shifts[0])
    for k, trip in enumerate(made):
        if trip.vehicle == vehicle.key and shift.begin_s <= trip.begin_s < shift.end_s:
            return k
    made.append(PlainTrip(vehicle.key, shift.begin_s, shift.end_s))
    return len(made) - 1


def retimed(
    facts: Facts,
    trip: PlainTrip,
    trips: Sequence[PlainTrip] = (),
    *,
    not_before: float = 0.0,
    ground: Ground | None = None,
) -> PlainTrip:
    """A trip with its services and fillings in the order given and their times reckoned anew: as early as the way, the
    windows, the breaks and the fill point allow. Where the tank would run dry it is filled on the way. What no time is left
    for comes all the same, after the end of the shift or in a closed window: violations say so.

    trips: the others of the plan (for the places at fill points, and what is left in the tank).
    """
    vehicle = next((v for v in facts.vehicles if v.key == trip.vehicle), None)
    if vehicle is None:
        return trip
    shift = next((s for s in vehicle.shifts if s.begin_s <= trip.begin_s < s.end_s), None)
    if shift is None:
        shift = ShiftFacts(trip.begin_s, trip.end_s)
    return _Clock(ground or Ground(facts), vehicle, shift, trip, trips).run(not_before)


class _Clock:
    def __init__(
        self, ground: Ground, vehicle: VehicleFacts, shift: ShiftFacts, trip: PlainTrip, trips: Sequence[PlainTrip]
    ) -> None:
        self.ground, self.facts, self.vehicle, self.shift, self.trip = ground, ground.facts, vehicle, shift, trip
        self.bays = Bays(self.facts)
        self.numbers = {s.key: n for n, s in enumerate(self.facts.segments)}
        self.points = {p.key: n for n, p in enumerate(self.facts.points)}
        self.modes = {m.key: m for m in self.facts.modes}
        self.spent: dict[tuple[int, int], dict[int, Span]] = {}
        level = vehicle.tank_l * self.facts.tank_start
        for other in sorted(trips, key=lambda t: t.begin_s):
            mine = other.vehicle == trip.vehicle
            for leg in other.legs:
                if leg.kind == FILL and leg.point in self.points and not (mine and other.begin_s == trip.begin_s):
                    self.bays.book(self.points[leg.point], leg.begin_s, leg.end_s)
                if leg.kind == SERVICE and not (mine and other.begin_s == trip.begin_s):
                    self.passed(leg)
                if mine and other.begin_s < trip.begin_s and leg.kind in (SERVICE, FILL):
                    level = max(0.0, level + leg.water_l * (1 if leg.kind == FILL else -1))
        place = ground.xy(vehicle.depot) if vehicle.depot and shift.out else None
        only = replace(vehicle, shifts=(shift,))
        self.driver = Driver(ground, only, State(0, shift.begin_s, place, level), self.bays, ())
        self.at, self.place, self.level = shift.begin_s, place, level
        self.legs: list[PlainLeg] = []

    def run(self, not_before: float) -> PlainTrip:
        self.at = max(self.at, not_before)
        for leg in self.trip.legs:
            if leg.kind == FILL and leg.point in self.points:
                self.fill(self.points[leg.point], leg.water_l)
            elif leg.kind == SERVICE and leg.segment in self.numbers and leg.mode in self.modes:
                self.serve(leg)
        if not self.legs:
            return replace(self.trip, legs=())
        if self.driver.goes_home(0) and self.driver.depot:
            self.go(self.driver.depot)
        legs = filled(self.legs, self.shift)
        return replace(self.trip, legs=legs, end_s=max(self.shift.end_s, math.ceil(legs[-1].end_s)))

    def slot(self, seconds: float) -> float:
        found = self.driver.slot(0, self.at, seconds)
        return self.at if found is None else found

    def go(self, to: XY) -> None:
        metres = self.ground.way(self.place, to) if self.place else 0.0
        if metres >= NEAR_M:
            seconds = metres * self.driver.pace
            begin = self.slot(seconds)
            self.legs.append(PlainLeg(MOVE, begin, begin + seconds, metres))
            self.at = begin + seconds
        self.place = to

    def fill(self, point: int, most: float = math.inf) -> None:
        litres = min(most, self.vehicle.tank_l - self.level)
        if litres <= 0:
            return
        self.go(self.ground.points[point])
        of = self.facts.points[point]
        seconds = litres / of.flow_l_s / self.facts.productive
        self.at = self.bays.free(point, self.slot(seconds), seconds)
        begin = self.slot(seconds)
        self.legs.append(PlainLeg(FILL, begin, begin + seconds, 0.0, litres, point=of.key))
        self.at, self.level = begin + seconds, self.level + litres

    def serve(self, leg: PlainLeg) -> None:
        n, mode = self.numbers[leg.segment or 0], self.modes[leg.mode or 0]
        share = leg.runs / mode.runs[n] if mode.runs[n] else 0.0
        litres, metres = mode.litres[n] * share, mode.metres[n] * share
        if litres > self.level and self.facts.points and litres <= self.vehicle.tank_l:
            place = self.place or self.ground.start[n]
            self.fill(min(range(len(self.facts.points)), key=lambda k: self.ground.way(place, self.ground.points[k])))
        self.go(self.ground.start[n])
        kmh = min(mode.speed_kmh, self.vehicle.working_kmh)
        back = (leg.runs - 1) * self.ground.way(self.ground.end[n], self.ground.start[n]) * self.driver.pace
        seconds = metres / kmh * 3.6 / self.facts.productive + back
        begin = self.open(mode, leg, seconds)
        self.legs.append(replace(leg, begin_s=begin, end_s=begin + seconds, metres=metres, water_l=litres))
        self.passed(self.legs[-1])
        self.at, self.place, self.level = begin + seconds, self.ground.end[n], max(0.0, self.level - litres)

    def passed(self, leg: PlainLeg) -> None:
        """Remember from when to when a segment gets a pass."""
        own = self.spent.setdefault((leg.mode or 0, leg.segment or 0), {})
        a, b = own.get(leg.pass_no, (leg.begin_s, leg.end_s))
        own[leg.pass_no] = (min(a, leg.begin_s), max(b, leg.end_s))

    def open(self, mode: ModeFacts, leg: PlainLeg, seconds: float) -> float:
        """The earliest time at which the pass may run, long enough after others, and the crew works; else at once."""
        own = self.spent.get((leg.mode or 0, leg.segment or 0), {})
        others = sorted(span for no, span in own.items() if no != leg.pass_no)
        for a, b in (span for one in mode.passes if one.no == leg.pass_no for span in one.spans):
            begin = max(a, self.at)
            for first, last in others:
                if begin < last + mode.spacing_s and begin + seconds > first - mode.spacing_s:
                    begin = last + mode.spacing_s
            found = self.driver.slot(0, begin, seconds)
            if found is not None and found + seconds <= b:
                return found
        return self.slot(seconds)
