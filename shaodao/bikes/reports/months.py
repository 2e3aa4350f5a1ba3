"""A month looked back on: the mean of its days' scores, and what the pack suggests for the quota. Nothing is changed here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shaodao.bikes.models import DayReport, Operator
from shaodao.bikes.reports import scoring
from shaodao.bikes.reports.settings import ScoreSettings
from shaodao.bikes.words import IN_FORCE


@dataclass(frozen=True)
class Month:
    """An operator's month: `days` in order (final reports only), `points` None with too few of them that have a score.

    `percent` and `quota`: what the pack's step suggests, None where there is nothing to suggest.
    """

    operator: Operator
    points: float | None
    days: list[DayReport]
    scored: int
    parts: dict[str, float | None] = field(default_factory=dict)  # mean share of each part that had something to go by
    percent: float | None = None
    quota: int | None = None


def months(operators: Iterable[Operator], first: date, rules: ScoreSettings) -> list[Month]:
    """The month that begins on `first`, for each operator that is in force or has reports in it. One query."""
    rows = list(operators)
    last = following(first) - timedelta(days=1)
    reports = DayReport.objects.filter(
        latest=True, final=True, day__range=(first, last), operator__in=[o.pk for o in rows]
    )
    days: dict[int, list[DayReport]] = {}
    for report in reports.defer("figures").order_by("day"):
        assert report.operator_id is not None
        days.setdefault(report.operator_id, []).append(report)
    return [_month(o, days.get(o.pk, []), rules) for o in rows if o.state in IN_FORCE or o.pk in days]


def _month(operator: Operator, days: list[DayReport], rules: ScoreSettings) -> Month:
    points = scoring.month([d.score for d in days], rules)
    scored = sum(d.score is not None for d in days)
    parts = {name: _mean([p for d in days for p in d.parts if p["part"] == name]) for name in scoring.PARTS}
    step = None if points is None or operator.state not in IN_FORCE else scoring.step(points, rules)
    if step is None or not step.percent:
        return Month(operator, points, days, scored, parts)
    return Month(operator, points, days, scored, parts, step.percent, scoring.suggested(operator.quota, step.percent))


def _mean(parts: list[dict[str, Any]]) -> float | None:
    known = [p["share"] for p in parts if p["share"] is not None]
    return sum(known) / len(known) if known else None


def following(first: date) -> date:
    """The first day of the next month."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def preceding(first: date) -> date:
    """The first day of the month before."""
    return (first - timedelta(days=1)).replace(day=1)
