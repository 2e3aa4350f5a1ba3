"""When a zone holds: its hours within the days ahead, for standards that know only a beginning and an end."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from shaodao.foundation import clock

DAYS = 7
"""Ahead: a reader that comes once a day has a week."""


def spans(zone: Any, today: date) -> Iterator[tuple[datetime | None, datetime | None]]:
    """(begins, ends) of each time that a zone holds from `today` (of the district's clock) on; None: open.

    One span for a zone without hours of its own, one for each day in the next week otherwise; as rules.zone_in_force says.
    """
    if zone.ends_at is not None and zone.ends_at <= _at(today, time.min):
        return
    if zone.daily_from is None and zone.daily_until is None and not zone.weekdays:
        yield zone.begins_at, zone.ends_at
        return
    begins, until = zone.daily_from or time.min, zone.daily_until
    for n in range(-1, DAYS):
        day = today + timedelta(days=n)
        if zone.weekdays and str(day.isoweekday()) not in zone.weekdays:
            continue
        first = _at(day, begins)
        over = until is None or begins > until
        last = _at(day + timedelta(days=1), time.min if until is None else until) if over else _at(day, until)
        if zone.begins_at is not None:
            first = max(first, zone.begins_at)
        if zone.ends_at is not None:
            last = min(last, zone.ends_at)
        if first < last and last > _at(today, time.min):
            yield first, last


def _at(day: date, at: time) -> datetime:
    return clock.from_local(datetime.combine(day, at))
