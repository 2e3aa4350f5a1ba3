"""What the database knows of an operator's day beside its positions: the feed, the fleet, its cases, its warnings.

`SECTIONS` is the list; a room or module that has more to say of a day adds a function and the page, the score and the
exports show what they know by its name.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from shaodao.bikes import settings
from shaodao.bikes.models import FeedQuality, Operator, OperatorEvent, SpotCheck, Vehicle
from shaodao.bikes.reports.figures import rate
from shaodao.bikes.words import COUNTED, LATENCY, Reason
from shaodao.cases.models import Assignment, Clock
from shaodao.cases.words import ClockKind
from shaodao.foundation import clock


@dataclass(frozen=True)
class Asked:
    """Of which operators, on which day, until when the day was looked at, and the bikes that each had in the street."""

    operators: list[Operator]
    day: date
    until: datetime
    seen: dict[str, list[str]]

    @property
    def span(self) -> tuple[datetime, datetime]:
        begin = clock.from_local(datetime.combine(self.day, time()))
        return begin, begin + timedelta(days=1)


def quality(asked: Asked) -> dict[int, dict[str, Any]]:
    """By key of operator: what came in on the day, through all doors: received, kept, rejected with reasons, latency, gaps.

    "rejected_rate": of what was no copy of something known. "p95_s": the upper edge of the class of latency within which
    95 % of the kept came; null: none, or later than the last class.
    """
    found: dict[int, dict[str, Any]] = {o.pk: _no_feed() for o in asked.operators}
    for row in FeedQuality.objects.filter(operator__in=found, day=asked.day).order_by("source"):
        sums = found[row.operator_id]
        for name in ("received", "kept", "rejected", "calls", "failures", "gaps"):
            sums[name] += getattr(row, name)
        sums["longest_gap_s"] = max(sums["longest_gap_s"], row.longest_gap_ms // 1000)
        sums["doors"].append(row.source)
        for name in ("reasons", "marked"):
            sums[name] = dict(Counter(sums[name]) + Counter(getattr(row, name)))
        sums["latency"] = [
            a + b for a, b in zip(sums["latency"], row.latency or [0] * len(sums["latency"]), strict=False)
        ]
    for sums in found.values():
        new = sums["received"] - sums["reasons"].get(Reason.DUPLICATE.value, 0)
        wrong = sums["rejected"] - sums["reasons"].get(Reason.DUPLICATE.value, 0)
        sums["rejected_rate"] = rate(wrong, new)
        sums["p95_s"] = percentile(sums["latency"], 0.95)
        sums["late_rate"] = rate(sum(sums["latency"][LATENCY.index(300) + 1 :]), sum(sums["latency"]))
    return found


def _no_feed() -> dict[str, Any]:
    numbers = dict.fromkeys(("received", "kept", "rejected", "calls", "failures", "gaps", "longest_gap_s"), 0)
    return {**numbers, "doors": [], "reasons": {}, "marked": {}, "latency": [0] * (len(LATENCY) + 1)}


def percentile(classes: list[int], share: float) -> int | None:
    """Upper edge in seconds of the class (words.LATENCY) in which that share of all is reached; None beyond the last."""
    total, below = sum(classes), 0
    for edge, n in zip(LATENCY, classes, strict=False):
        below += n
        if total and below >= share * total:
            return edge
    return None


def fleet(asked: Asked) -> dict[int, dict[str, Any]]:
    """By key of operator: bikes seen in the street, of these registered, the registry's count and the quota."""
    registered: dict[int, set[str]] = {o.pk: set() for o in asked.operators}
    counted: Counter[int] = Counter()
    rows = Vehicle.objects.filter(operator__in=registered).order_by()
    for operator, plate, vehicle_id, state in rows.values_list("operator_id", "plate", "vehicle_id", "state").iterator(
        5000
    ):
        registered[operator].update(name for name in (plate, vehicle_id) if name)
        counted[operator] += state in COUNTED
    found = {}
    for o in asked.operators:
        seen = asked.seen.get(o.organisation.code, [])
        known = sum(v in registered[o.pk] for v in seen)
        found[o.pk] = {
            "seen": len(seen), "seen_registered": known, "seen_unregistered": len(seen) - known,
            "registered": counted[o.pk], "quota": o.quota, "over": max(0, len(seen) - o.quota),
        }  # fmt: skip
    return found


def cases(asked: Asked) -> dict[int, dict[str, Any]]:
    """By key of operator: cases that were sent to it on the day, how it met their limits, minutes until then (median).

    For `arrive` and `solve`: "met" and "missed" of the limits that have ended or are past, "open" that still run; what an
    upheld appeal took out is in none.
    """
    begin, end = asked.span
    companies = {o.organisation_id: o.pk for o in asked.operators}
    rows = list(
        Assignment.objects.filter(organisation__in=companies, sent_at__gte=begin, sent_at__lt=end).order_by("pk")
    )
    limits = Clock.objects.filter(
        assignment__in=[row.pk for row in rows],
        kind__in=[ClockKind.ARRIVE, ClockKind.HANDLE],
        cancelled=False,
        exempt=False,
    ).order_by("pk")
    found: dict[int, dict[str, Any]] = {o.pk: _no_cases() for o in asked.operators}
    whose = {row.pk: companies[row.organisation_id] for row in rows}
    for limit in limits:
        assert limit.assignment_id is not None
        part = found[whose[limit.assignment_id]]["arrive" if limit.kind == ClockKind.ARRIVE else "solve"]
        part[_outcome(limit, asked.until)] += 1
    minutes: dict[tuple[int, str], list[float]] = {}
    for row in rows:
        sums = found[whose[row.pk]]
        sums["sent"] += 1
        sums["finished"] += row.finished_at is not None
        sums["rework"] += row.rework_count > 0
        for name, at in (("arrive", row.arrived_at), ("solve", row.finished_at)):
            if at is not None and at <= asked.until:
                minutes.setdefault((whose[row.pk], name), []).append((at - row.sent_at).total_seconds() / 60)
    for (operator, name), values in minutes.items():
        found[operator][name]["median_min"] = round(median(values), 1)
    return found


def _no_cases() -> dict[str, Any]:
    def limit() -> dict[str, Any]:
        return {"met": 0, "missed": 0, "open": 0, "median_min": None}

    return {"sent": 0, "finished": 0, "rework": 0, "arrive": limit(), "solve": limit()}


def _outcome(limit: Clock, until: datetime) -> str:
    if limit.stopped_at is not None:
        return "missed" if limit.missed else "met"
    return "missed" if limit.due_at < until else "open"


def notes(asked: Asked) -> dict[int, dict[str, Any]]:
    """By key of operator: warnings and suspensions of the day."""
    begin, end = asked.span
    found = {o.pk: {"warn": 0, "suspend": 0} for o in asked.operators}
    rows = OperatorEvent.objects.filter(operator__in=found, at__gte=begin, at__lt=end, action__in=["warn", "suspend"])
    for operator, action in rows.values_list("operator_id", "action"):
        found[operator][action] += 1
    return found


def spot_checks(asked: Asked) -> dict[int, dict[str, Any]]:
    """By key of operator: counts of its bikes by eye in the pack's `score.spot_days` that end with the day.

    "n" counts while its feed was heard, "silent" the others, which are in no sum; bikes "by_eye" and "by_feed"; "off" the sum
    of the differences without their signs, "larger" the sum of the larger of both; "days" and the first of them.
    """
    days = settings.current().score.spot_days
    _begin, end = asked.span
    since = asked.day - timedelta(days=days - 1)
    begin = clock.from_local(datetime.combine(since, time()))
    names = ("n", "silent", "by_eye", "by_feed", "off", "larger")
    found: dict[int, dict[str, Any]] = {
        o.pk: {**dict.fromkeys(names, 0), "days": days, "since": since.isoformat()} for o in asked.operators
    }
    rows = SpotCheck.objects.filter(operator__in=found, at__gte=begin, at__lt=end).order_by()
    for operator, counted, fed, silent in rows.values_list("operator_id", "counted", "fed", "silent"):
        sums = found[operator]
        if silent:
            sums["silent"] += 1
            continue
        for name, value in zip(names, (1, 0, counted, fed, abs(counted - fed), max(counted, fed)), strict=True):
            sums[name] += value
    return found


SECTIONS: dict[str, Callable[[Asked], dict[int, dict[str, Any]]]] = {
    "quality": quality, "fleet": fleet, "cases": cases, "notes": notes, "spot_checks": spot_checks,
}  # fmt: skip
