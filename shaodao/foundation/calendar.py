"""The working calendar of the district: from the exceptions table to the kernel's arrays, cached per process."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from shaodao.foundation import clock, district
from shaodao.foundation.models import CalendarDay
from shaodao.kernel import worktime

FIRST = date(2009, 1, 1)
LAST = date(2045, 12, 31)
SECONDS = 30.0
_cached: tuple[float, worktime.Calendar] | None = None


class Due(NamedTuple):
    due_at: datetime
    yellow_at: datetime
    provisional: bool


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def working() -> worktime.Calendar:
    """Weekdays, less holidays, plus working weekends, from 2009 to 2045, with the district's windows."""
    global _cached  # noqa: PLW0603
    if _cached and time.monotonic() - _cached[0] < SECONDS:
        return _cached[1]
    days = np.arange(np.datetime64(FIRST), np.datetime64(LAST) + 1)
    workday = np.is_busday(days)
    for day, kind in CalendarDay.objects.filter(date__range=(FIRST, LAST)).values_list("date", "kind"):
        workday[(day - FIRST).days] = kind == CalendarDay.Kind.WORKDAY
    windows = tuple((_minutes(a), _minutes(b)) for a, b in district.current().settings.windows)
    calendar = worktime.Calendar(first=days[0], workday=workday, windows=windows)
    _cached = (time.monotonic(), calendar)
    return calendar


def forget() -> None:
    """Drop the cached calendar (after a load, and between tests)."""
    global _cached  # noqa: PLW0603
    _cached = None


def _naive(at: datetime) -> np.datetime64:
    return np.datetime64(clock.local(at).replace(tzinfo=None), "s")


def _aware(at: np.datetime64) -> datetime:
    return clock.from_local(at.astype("datetime64[s]").item())


def due(
    started_at: datetime,
    value: float,
    unit: str,
    *,
    yellow_share: float = 0.8,
    extensions: int = 0,
    pauses: list[list[str | None]] | None = None,
) -> Due:
    """Due and yellow times of a limit that started at `started_at` and stood still during `pauses`.

    `pauses` are [from, to] pairs as ISO 8601 text, closed, in order; each extension adds one original limit.
    Provisional when the span touches a working-time year that has no State Council notice yet.
    """
    calendar, code = working(), worktime.Unit.parse(unit)
    total = value * (1 + extensions)
    seconds = np.array([total, total * yellow_share]) * _seconds_per_unit(calendar, code)
    start = _naive(started_at)
    result: dict[int, datetime] = {}
    spans: list[list[str | None]] = [*(pauses or []), [None, None]]
    for begin, end in spans:
        for i in {0, 1} - result.keys():
            used = float(worktime.elapsed(calendar, start, _naive(_parse(begin)), code)) if begin else np.inf
            if used >= seconds[i]:
                due = worktime.add(calendar, start, seconds[i] / _seconds_per_unit(calendar, code), code)
                result[i] = clock.from_local(due.astype(datetime).item())
            else:
                seconds[i] -= max(used, 0.0)
        if end:
            start = _naive(_parse(end))
    due_at, yellow_at = result[0], result[1]
    first, last = district.current().settings.notice_years
    provisional = unit.startswith("work") and not (
        first <= clock.local(started_at).year and clock.local(due_at).year <= last
    )
    return Due(due_at, yellow_at, provisional)


def elapsed(start: datetime, end: datetime, unit: str) -> float:
    """Seconds of the clock `unit` between two times (running seconds for hour and day, working seconds else)."""
    return float(worktime.elapsed(working(), _naive(start), _naive(end), worktime.Unit.parse(unit)))


def _seconds_per_unit(calendar: worktime.Calendar, code: worktime.Unit) -> float:
    return float(worktime.limit_seconds(calendar, 1.0, code))


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def add_days(at: datetime, days: float) -> datetime:
    """`at` plus running days."""
    return at + timedelta(days=days)
