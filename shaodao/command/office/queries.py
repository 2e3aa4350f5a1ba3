"""Reads for the record, the log and the settings."""

from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet

from shaodao.cases.models import Anchor, Case, CaseEvent, Clock
from shaodao.command.lists.queries import between
from shaodao.foundation.models import CalendarDay, LogEntry

ON_DEMAND = 200_000  # events that a web request may check; beyond it the command line does (shaodao audit verify)
VERIFIED = "audit.verify"


def record() -> dict[str, Any]:
    """How large the record is, its last anchor, and what the last check found."""
    return {
        "cases": Case.objects.count(),
        "events": CaseEvent.objects.count(),
        "anchor": Anchor.objects.order_by("-date").first(),
        "anchors": Anchor.objects.count(),
        "last": LogEntry.objects.filter(action=VERIFIED).select_related("actor").first(),
    }


def log(action: str, text: str, since: date | None, until: date | None) -> QuerySet[LogEntry]:
    """Lines of the general log, the latest first; `text` looks into who, what and why."""
    rows = LogEntry.objects.filter(between("at", since, until))
    if action:
        rows = rows.filter(action=action)
    for word in text.split():
        rows = rows.filter(Q(actor_label__icontains=word) | Q(subject__icontains=word) | Q(reason__icontains=word))
    return rows.select_related("actor").order_by("-pk")


def log_actions() -> list[str]:
    return list(LogEntry.objects.order_by("action").values_list("action", flat=True).distinct())


def calendar_days() -> dict[int, list[CalendarDay]]:
    """Days that differ from their weekday, by year, the latest year first."""
    years: dict[int, list[CalendarDay]] = {}
    for day in CalendarDay.objects.order_by("date"):
        years.setdefault(day.date.year, []).append(day)
    return dict(sorted(years.items(), reverse=True))


def provisional() -> dict[str, int]:
    """Running limits that touch a year whose holiday notice is not out yet."""
    return Clock.objects.filter(provisional=True, stopped_at=None).aggregate(
        clocks=Count("pk"), cases=Count("case", distinct=True)
    )
