"""The independent checker of a plan: knows facts and trips, nothing of how they were made, and has its own arithmetic.

    violations(facts, trips)  ->  [Violation, …], none for a plan that holds

Every plan goes through it, made by the engine or changed by hand. A distance is straight × `facts.detour`.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from shaodao.foundation.naming import named
from shaodao.sanitation.plan.plain import (
    BREAK,
    FILL,
    MOVE,
    SERVICE,
    WAIT,
    Facts,
    ModeFacts,
    Place,
    PlainLeg,
    PlainTrip,
    SegmentFacts,
    Span,
    VehicleFacts,
)  # fmt: skip

SLACK_S, SLACK_M, SLACK_L, SHARE = 1.0, 1.0, 1.0, 1.005
RADIUS_M = 6_371_008.8
IMPOSSIBLE, BREACH = "impossible", "breach"


@dataclass(frozen=True)
class Violation:
    """What is wrong where. `trip` and `leg` count from 0 in what was given; -1: of the whole. `severity`: impossible (no
    vehicle can do it), breach (a rule is broken)."""

    code: str
    severity: str
    words: str
    trip: int = -1
    leg: int = -1
    vehicle: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def violations(facts: Facts, trips: Sequence[PlainTrip]) -> list[Violation]:
    """Everything that is wrong with the trips, by trip and leg."""
    check = _Check(facts)
    of: dict[int, list[int]] = defaultdict(list)
    for n, trip in enumerate(trips):
        of[trip.vehicle].append(n)
    for key, numbers in of.items():
        check.vehicle(key, [(n, trips[n]) for n in sorted(numbers, key=lambda n: trips[n].begin_s)])
    check.bays(trips)
    check.passes(trips)
    return sorted(check.found, key=lambda v: (v.trip, v.leg, v.code))


def clock(seconds: float) -> str:
    """08:05 of seconds from midnight."""
    minute = int(seconds // 60)
    return f"{minute // 60:02}:{minute % 60:02}"


class _Check:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.found: list[Violation] = []
        self.vehicles = {v.key: v for v in facts.vehicles}
        self.segments = {s.key: (n, s) for n, s in enumerate(facts.segments)}
        self.modes = {m.key: m for m in facts.modes}
        self.points = {p.key: p for p in facts.points}
        self.at: tuple[int, int, int | None] = (-1, -1, None)

    def say(self, code: str, severity: str, words: str) -> None:
        trip, leg, vehicle = self.at
        self.found.append(Violation(code, severity, words, trip, leg, vehicle))

    # ── a vehicle's day ──────────────────────────────────────────────────────────────────────────────────────────

    def vehicle(self, key: int, trips: list[tuple[int, PlainTrip]]) -> None:
        vehicle = self.vehicles.get(key)
        self.at = (trips[0][0], -1, key)
        if vehicle is None:
            self.say("unknown", IMPOSSIBLE, _("没有这辆车"))
            return
        if vehicle.away:
            self.say("workshop", IMPOSSIBLE, _("%(v)s 当天在修") % {"v": vehicle.code})
        level, until = vehicle.tank_l * self.facts.tank_start, -math.inf
        for n, trip in trips:
            self.at = (n, -1, key)
            if trip.begin_s < until - SLACK_S:
                self.say("twice", IMPOSSIBLE, _("%(v)s 同一时间有两个班次") % {"v": vehicle.code})
            until = max(until, trip.end_s)
            level = self.trip(n, trip, vehicle, level)

    def trip(self, n: int, trip: PlainTrip, vehicle: VehicleFacts, level: float) -> float:
        """The legs of a trip one after another; returns what is left in the tank."""
        shift = next((s for s in vehicle.shifts if s.begin_s - SLACK_S <= trip.begin_s < s.end_s), None)
        place = vehicle.depot if shift is None or shift.out else None
        left_at = before = trip.begin_s
        for i, leg in enumerate(trip.legs):
            self.at = (n, i, vehicle.key)
            if leg.end_s < leg.begin_s or leg.begin_s < before - SLACK_S:
                self.say("order", IMPOSSIBLE, _("%(t)s 这一步和前一步重叠") % {"t": clock(leg.begin_s)})
            before = max(before, leg.end_s)
            self.hours(leg, vehicle)
            ends = self.known(leg)
            if leg.kind == MOVE:
                self.speed(leg.metres, leg.end_s - leg.begin_s, vehicle)
            if ends is None:
                continue
            self.drive(place, ends[0], leg.begin_s - left_at, vehicle)
            place, left_at = ends[1], leg.end_s
            level += self.fill(leg, vehicle, level) if leg.kind == FILL else -self.work(leg, vehicle, level)
            level = max(level, 0.0)
        self.at = (n, -1, vehicle.key)
        if before > trip.end_s + SLACK_S:
            self.say("shift", BREACH, _("%(v)s 到 %(t)s 才做完，班次已结束") % {"v": vehicle.code, "t": clock(before)})
        if trip.legs and vehicle.broken_s is None and (shift is None or shift.home):
            self.drive(place, vehicle.depot, trip.end_s - left_at, vehicle)
        return level

    def known(self, leg: PlainLeg) -> tuple[Place, Place] | None:
        """Where a service or a filling begins and ends; None for what has no place, or names what is not there."""
        if leg.kind == SERVICE:
            found = self.segments.get(leg.segment or 0)
            if found is None or leg.mode not in self.modes:
                self.say("unknown", IMPOSSIBLE, _("没有这个路段或这种作业"))
                return None
            return found[1].start, found[1].end
        if leg.kind == FILL:
            point = self.points.get(leg.point or 0)
            if point is None:
                self.say("unknown", IMPOSSIBLE, _("没有这个取水点"))
                return None
            return point.place, point.place
        if leg.kind not in (MOVE, BREAK, WAIT):
            self.say("unknown", IMPOSSIBLE, _("没有这种步骤"))
        return None

    def hours(self, leg: PlainLeg, vehicle: VehicleFacts) -> None:
        if leg.kind in (BREAK, WAIT):
            return
        shift = next((s for s in vehicle.shifts if _within(leg, [(s.begin_s, s.end_s)])), None)
        if shift is None:
            said = {"v": vehicle.code, "t": clock(leg.begin_s)}
            self.say("shift", BREACH, _("%(v)s 在 %(t)s 不当班") % said)
        elif any(_overlap(leg, rest) > SLACK_S for rest in shift.breaks):
            self.say("break", BREACH, _("%(t)s 在休息时间里工作") % {"t": clock(leg.begin_s)})

    def drive(self, a: Place | None, b: Place | None, seconds: float, vehicle: VehicleFacts) -> None:
        if a is not None and b is not None:
            self.speed(_metres(a, b) * self.facts.detour, seconds, vehicle)

    def speed(self, metres: float, seconds: float, vehicle: VehicleFacts) -> None:
        if metres / SHARE - SLACK_M > vehicle.transfer_kmh / 3.6 * (max(seconds, 0.0) + SLACK_S):
            said = {"m": round(metres), "s": max(0, round(seconds)), "k": f"{vehicle.transfer_kmh:g}"}
            self.say("drive", IMPOSSIBLE, _("%(m)d 米的路只留了 %(s)d 秒，最快每小时 %(k)s 公里") % said)

    # ── work and water ───────────────────────────────────────────────────────────────────────────────────────────

    def work(self, leg: PlainLeg, vehicle: VehicleFacts, level: float) -> float:
        """One service; returns the water that it takes."""
        n, segment = self.segments[leg.segment or 0]
        mode = self.modes[leg.mode or 0]
        said: dict[str, object] = {"m": named(mode) or mode.code, "v": vehicle.code, "n": leg.pass_no}
        if mode.vehicle_type != vehicle.type:
            self.say("type", IMPOSSIBLE, _("%(v)s 不是做“%(m)s”的车") % said)
        one = next((p for p in mode.passes if p.no == leg.pass_no), None)
        if not mode.due:
            self.say("season", BREACH, _("“%(m)s”当天不做") % said)
        elif one is None:
            self.say("unknown", IMPOSSIBLE, _("“%(m)s”没有第 %(n)d 遍") % said)
        elif not _within(leg, one.spans):
            said["t"] = f"{clock(leg.begin_s)}-{clock(leg.end_s)}"
            self.say("window", BREACH, _("“%(m)s”第 %(n)d 遍在 %(t)s 不能做") % said)
        if not mode.runs[n] or leg.runs < 1:
            self.say("unknown", IMPOSSIBLE, _("%(s)s 没有这种作业") % {"s": segment.code})
            return 0.0
        share = leg.runs / mode.runs[n]
        self.pace(leg, mode, vehicle, segment, mode.metres[n] * share)
        return self.water(leg, mode.litres[n] * share, level)

    def pace(self, leg: PlainLeg, mode: ModeFacts, vehicle: VehicleFacts, segment: SegmentFacts, metres: float) -> None:
        kmh = min(mode.speed_kmh, vehicle.working_kmh)
        back = (leg.runs - 1) * _metres(segment.end, segment.start) * self.facts.detour
        least = metres / kmh * 3.6 + back / vehicle.transfer_kmh * 3.6
        if leg.end_s - leg.begin_s < least / SHARE - SLACK_S:
            said = {"s": segment.code, "a": round(least), "b": round(leg.end_s - leg.begin_s), "k": f"{kmh:g}"}
            self.say("work", IMPOSSIBLE, _("%(s)s 至少要 %(a)d 秒（每小时 %(k)s 公里），只给了 %(b)d 秒") % said)
        if leg.metres < metres / SHARE - SLACK_M:
            said = {"s": segment.code, "a": round(metres), "b": round(leg.metres)}
            self.say("short", BREACH, _("%(s)s 要做 %(a)d 米，只有 %(b)d 米") % said)

    def water(self, leg: PlainLeg, litres: float, level: float) -> float:
        if leg.water_l < litres / SHARE - SLACK_L:
            self.say("dry", BREACH, _("要用水 %(a)d 升，只用了 %(b)d 升") % {"a": litres, "b": leg.water_l})
        takes = max(litres, leg.water_l)
        if takes > level * SHARE + SLACK_L:
            self.say("tank", IMPOSSIBLE, _("水箱里只有 %(a)d 升，要用 %(b)d 升") % {"a": level, "b": takes})
        return takes

    def fill(self, leg: PlainLeg, vehicle: VehicleFacts, level: float) -> float:
        point = self.points[leg.point or 0]
        said: dict[str, object]
        if level + leg.water_l > vehicle.tank_l * SHARE + SLACK_L:
            said = {"a": round(level + leg.water_l), "b": round(vehicle.tank_l)}
            self.say("tank", IMPOSSIBLE, _("水箱 %(b)d 升，装不下 %(a)d 升") % said)
        if leg.water_l > (leg.end_s - leg.begin_s + SLACK_S) * point.flow_l_s * SHARE:
            said = {"p": point.code, "a": round(leg.water_l / point.flow_l_s), "b": round(leg.end_s - leg.begin_s)}
            self.say("flow", IMPOSSIBLE, _("在 %(p)s 取这些水要 %(a)d 秒，只有 %(b)d 秒") % said)
        if not _within(leg, point.hours):
            said = {"p": point.code, "t": clock(leg.begin_s)}
            self.say("hours", BREACH, _("取水点 %(p)s 在 %(t)s 不开") % said)
        return min(leg.water_l, max(0.0, vehicle.tank_l - level))

    # ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────

    def bays(self, trips: Sequence[PlainTrip]) -> None:
        """More vehicles at a fill point than it has places."""
        at: dict[int, list[tuple[float, float, int, int]]] = defaultdict(list)
        for n, trip in enumerate(trips):
            for i, leg in enumerate(trip.legs):
                if leg.kind == FILL and leg.point in self.points:
                    at[leg.point].append((leg.begin_s, leg.end_s, n, i))
        for key, visits in at.items():
            point = self.points[key]
            busy: list[float] = []
            for begin, end, n, i in sorted(visits):
                busy = [b for b in busy if b > begin + SLACK_S]
                busy.append(end)
                if len(busy) > point.bays:
                    self.at = (n, i, trips[n].vehicle)
                    said = {"p": point.code, "t": clock(begin), "n": point.bays}
                    self.say("bays", IMPOSSIBLE, _("取水点 %(p)s 在 %(t)s 已满（%(n)d 个车位）") % said)

    def passes(self, trips: Sequence[PlainTrip]) -> None:
        """Runs that a pass lacks or has too many of; time between two passes of a segment."""
        legs: dict[tuple[int, int, int], list[tuple[float, float, int, int, int]]] = defaultdict(list)
        for n, trip in enumerate(trips):
            for i, leg in enumerate(trip.legs):
                if leg.kind == SERVICE and leg.segment in self.segments and leg.mode in self.modes:
                    legs[leg.mode, leg.segment, leg.pass_no].append((leg.begin_s, leg.end_s, leg.runs, n, i))
        whole: dict[tuple[int, int], list[tuple[float, float, int, int]]] = defaultdict(list)
        for (key, segment, _no), rows in legs.items():
            first = min(rows)
            self.at = (first[3], first[4], trips[first[3]].vehicle)
            self.runs(self.modes[key], *self.segments[segment], sum(r[2] for r in rows))
            whole[key, segment].append((first[0], max(r[1] for r in rows), first[3], first[4]))
        for (key, segment), spans in whole.items():
            mode = self.modes[key]
            for before, after in itertools.pairwise(sorted(spans)):
                if after[0] - before[1] < mode.spacing_s - SLACK_S:
                    self.at = (after[2], after[3], trips[after[2]].vehicle)
                    said = {"s": self.segments[segment][1].code, "m": named(mode) or mode.code}
                    said |= {"a": clock(before[1]), "b": clock(after[0]), "n": f"{mode.spacing_s / 60:g}"}
                    self.say("spacing", BREACH, _("%(s)s 的“%(m)s”%(a)s 刚做完，%(b)s 又做：至少隔 %(n)s 分钟") % said)

    def runs(self, mode: ModeFacts, n: int, segment: SegmentFacts, runs: int) -> None:
        need = mode.runs[n]
        said = {"s": segment.code, "m": named(mode) or mode.code, "a": need, "b": runs}
        if runs < need:
            self.say("missing", BREACH, _("%(s)s 的“%(m)s”要 %(a)d 趟，只排了 %(b)d 趟") % said)
        elif runs > need:
            self.say("doubled", BREACH, _("%(s)s 的“%(m)s”要 %(a)d 趟，排了 %(b)d 趟") % said)


def _within(leg: PlainLeg, spans: Iterable[Span]) -> bool:
    return any(a - SLACK_S <= leg.begin_s and leg.end_s <= b + SLACK_S for a, b in spans)


def _overlap(leg: PlainLeg, span: Span) -> float:
    return min(leg.end_s, span[1]) - max(leg.begin_s, span[0])


def _metres(a: Place, b: Place) -> float:
    """Along a great circle (haversine)."""
    p, q = math.radians(a[1]), math.radians(b[1])
    half = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin(math.radians(b[0] - a[0]) / 2) ** 2
    return 2 * RADIUS_M * math.asin(min(1.0, math.sqrt(half)))
