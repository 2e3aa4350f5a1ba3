"""From a number to the cases behind it: the inbox of all cases with its filters, or the headquarters' own lists."""

from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from shaodao.foundation import clock

PERIOD = 30  # days that rates and trends look back


def cases(**filters: Any) -> str:
    """The inbox of all cases, filtered."""
    return _with(reverse("inbox", args=["all"]), filters)


def settled(**filters: Any) -> str:
    """Cases by what became of them: filed, closed, late, not fixed, rebounded, within days."""
    return _with(reverse("command_cases"), filters)


def tasks(**filters: Any) -> str:
    """The parts of single organisations."""
    return _with(reverse("command_tasks"), filters)


def to(name: str, **filters: Any) -> str:
    """Another page of this room, filtered."""
    return _with(reverse(name), filters)


def case(number: str) -> str:
    return reverse("case", args=[number])


def _with(url: str, filters: dict[str, Any]) -> str:
    given = {k: v for k, v in filters.items() if v not in (None, "")}
    return f"{url}?{urlencode(given)}" if given else url


def day_start(day: date) -> datetime:
    """Midnight of the district's day."""
    return clock.from_local(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - a wall clock on purpose


def today(now: datetime) -> date:
    return clock.local(now).date()


def since(now: datetime) -> date:
    """First day of the period that rates look at; today counts as its last."""
    return today(now) - timedelta(days=PERIOD - 1)
