"""The four clocks, against a version that walks minute by minute, and against real days of 2021 and 2026."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cache

import holidays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.worktime import DEFAULT_WINDOWS, Calendar, Unit, add, elapsed, limit_seconds

FIRST = np.datetime64("2026-03-02", "D")
MINUTE = np.timedelta64(60, "s")
DAYS = 12


# --- the slow, obvious version -----------------------------------------------------------------------------------------


def running_minutes(calendar: Calendar) -> list[bool]:
    """For every minute of the calendar: does the working clock run in it?"""
    return [
        bool(works) and any(start <= minute < end for start, end in calendar.windows)
        for works in calendar.workday
        for minute in range(1440)
    ]


def slow_add(calendar: Calendar, start: int, minutes: int) -> int | None:
    """The first minute mark, from `start` on, before which `minutes` minutes were worked; None past the calendar."""
    runs = running_minutes(calendar)
    now = start
    while minutes > 0:
        if now >= len(runs):
            return None
        minutes -= runs[now]
        now += 1
    return now


def slow_elapsed(calendar: Calendar, start: int, end: int) -> int:
    runs = running_minutes(calendar)
    return sum(runs[start:end]) if end >= start else -sum(runs[end:start])


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    workday = draw(st.lists(st.booleans(), min_size=1, max_size=DAYS).filter(any))
    marks = draw(st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True).filter(lambda m: len(m) % 2 == 0))
    marks.sort()
    windows = tuple(zip(marks[::2], marks[1::2], strict=True))
    touching = draw(st.booleans()) and len(windows) > 1
    if touching:  # two windows that meet are legal
        windows = ((windows[0][0], windows[1][0]), *windows[1:])
    return Calendar(FIRST, np.array(workday), draw(st.sampled_from([windows, DEFAULT_WINDOWS])))


def instant(minute: int) -> np.datetime64:
    return FIRST.astype("datetime64[s]") + minute * MINUTE


@settings(max_examples=150, deadline=None)
@given(calendar=calendars(), data=st.data())
def test_add_agrees_with_walking_minute_by_minute(calendar: Calendar, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, calendar.workday.size * 1440), "start")
    minutes = data.draw(st.integers(0, 5000), "minutes")
    expected = slow_add(calendar, start, minutes)
    if expected is None:
        with pytest.raises(ValueError, match=str(calendar.last)):
            add(calendar, instant(start), minutes / 60, Unit.WORK_HOUR)
    else:
        assert add(calendar, instant(start), minutes / 60, Unit.WORK_HOUR) == instant(expected)


@settings(max_examples=150, deadline=None)
@given(calendar=calendars(), data=st.data())
def test_elapsed_agrees_with_walking_minute_by_minute(calendar: Calendar, data: st.DataObject) -> None:
    mark = st.integers(0, calendar.workday.size * 1440)
    start, end = data.draw(mark, "start"), data.draw(mark, "end")
    expected = 60 * slow_elapsed(calendar, start, end)
    assert elapsed(calendar, instant(start), instant(end), Unit.WORK_HOUR) == expected
    assert elapsed(calendar, instant(start), instant(end), Unit.WORK_DAY) == expected
    assert elapsed(calendar, instant(start), instant(end), Unit.DAY) == (end - start) * 60


@settings(max_examples=150, deadline=None)
@given(
    seconds=st.integers(0, 40 * 86_400), value=st.floats(0, 12), unit=st.sampled_from(Unit), share=st.floats(0.01, 1)
)
def test_the_due_time_is_the_earliest_at_which_the_limit_is_used_up(
    seconds: int, value: float, unit: Unit, share: float
) -> None:
    calendar = china(2026)
    start = np.datetime64("2026-01-20", "s") + np.timedelta64(seconds, "s")
    due = add(calendar, start, value, unit)
    limit = limit_seconds(calendar, value, unit)
    assert elapsed(calendar, start, due, unit) == limit
    if limit > 0:
        assert elapsed(calendar, start, due - np.timedelta64(1, "s"), unit) == limit - 1
    assert elapsed(calendar, due, start, unit) == -limit
    assert start <= add(calendar, start, value * share, unit) <= due


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 300 * 86_400), st.floats(0, 20), st.sampled_from(Unit)), min_size=0, max_size=20
    )
)
def test_an_array_is_its_elements(rows: list[tuple[int, float, Unit]]) -> None:
    calendar = china(2026)
    starts = np.datetime64("2026-01-01", "s") + np.array([row[0] for row in rows], dtype="timedelta64[s]")
    values, units = np.array([row[1] for row in rows]), np.array([row[2] for row in rows], dtype=np.int8)
    due = add(calendar, starts, values, units)
    assert due.dtype == np.dtype("datetime64[s]")
    one_by_one = [add(calendar, s, v, u) for s, v, u in zip(starts, values, units, strict=True)]
    assert due.tolist() == [one.item() for one in one_by_one]


# --- real days ---------------------------------------------------------------------------------------------------------


@cache
def china(*years: int) -> Calendar:
    """The State Council's arrangement of these years, and January of the next, from the package `holidays`."""
    table = holidays.country_holidays("CN", years=[*years, years[-1] + 1])
    first, last = date(years[0], 1, 1), date(years[-1] + 1, 1, 31)
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    return Calendar(np.datetime64(first, "D"), np.array([table.is_working_day(day) for day in days]))


# Counted by hand on the State Council's notices for 2021 and 2026.
REAL = [
    # 2021: Spring Festival 11-17 February, Sunday 7 and Saturday 20 February worked.
    ("2021-02-05T17:00", 2, "work_hour", "2021-02-07T09:00"),  # Friday evening into the worked Sunday
    ("2021-02-10T17:30", 1, "work_hour", "2021-02-18T08:30"),  # over the whole Spring Festival
    ("2021-02-10T09:00", 1, "work_day", "2021-02-18T09:00"),
    ("2021-02-13T10:00", 4, "work_hour", "2021-02-18T12:00"),  # starts on a holiday, ends at the window's end
    ("2021-02-19T16:00", 1, "work_day", "2021-02-20T16:00"),  # into the worked Saturday
    ("2021-02-20T17:00", 2, "work_hour", "2021-02-22T09:00"),  # and the Sunday after it is free
    # 2021: 1-5 May free, Sunday 25 April and Saturday 8 May worked.
    ("2021-04-23T18:00", 1, "work_day", "2021-04-25T18:00"),  # starts at the end of a day
    ("2021-04-30T17:59", 1 / 30, "work_hour", "2021-05-06T08:01"),  # two minutes around the holiday
    ("2021-05-07T14:00", 2, "work_day", "2021-05-10T12:00"),  # Friday afternoon, Saturday, Monday morning
    # 2021: Golden Week 1-7 October, Sunday 26 September and Saturday 9 October worked.
    ("2021-09-30T10:00", 3, "work_day", "2021-10-11T10:00"),  # 30 Sep, 8 Oct, 9 Oct, 11 Oct
    ("2021-09-24T12:30", 5, "work_hour", "2021-09-26T09:00"),  # from lunch into the worked Sunday
    ("2021-10-03T03:00", 1, "work_hour", "2021-10-08T09:00"),
    # 2026: New Year 1-3 January, Sunday 4 January worked.
    ("2026-01-01T00:00", 8, "work_hour", "2026-01-04T18:00"),
    # 2026: Spring Festival 15-23 February (nine days), Saturdays 14 and 28 February worked.
    ("2026-02-13T23:00", 1, "work_day", "2026-02-14T18:00"),  # starts at night before the worked Saturday
    ("2026-02-14T15:00", 1, "work_day", "2026-02-24T15:00"),
    ("2026-02-27T09:00", 2, "work_day", "2026-03-02T09:00"),
    # 2026: Labour Day 1-5 May, Saturday 9 May worked.
    ("2026-04-30T16:00", 5, "work_day", "2026-05-11T16:00"),  # 30 Apr | 6, 7, 8, 9 | 11
    # 2026: National Day 1-7 October, Sunday 20 September and Saturday 10 October worked.
    ("2026-09-18T18:30", 0.5, "work_day", "2026-09-20T12:00"),
    ("2026-09-30T11:00", 5, "work_hour", "2026-09-30T18:00"),  # over lunch, just used up before the holiday
    ("2026-09-30T11:00", 5.5, "work_hour", "2026-10-08T08:30"),
    ("2026-10-09T17:45", 0.5, "work_hour", "2026-10-10T08:15"),
    # The lunch break, nights and weekends of an ordinary week (6-11 July 2026).
    ("2026-07-06T11:45", 0.5, "work_hour", "2026-07-06T14:15"),
    ("2026-07-06T12:00", 0.25, "work_hour", "2026-07-06T14:15"),
    ("2026-07-06T12:59", 1, "work_hour", "2026-07-06T15:00"),
    ("2026-07-06T02:00", 4, "work_hour", "2026-07-06T12:00"),  # not 14:00
    ("2026-07-06T08:00", 8, "work_hour", "2026-07-06T18:00"),  # not Tuesday 08:00
    ("2026-07-06T08:00", 1, "work_day", "2026-07-06T18:00"),
    ("2026-07-10T19:00", 0.25, "work_hour", "2026-07-13T08:15"),
    ("2026-07-11T09:00", 0, "work_hour", "2026-07-11T09:00"),  # no time at all: due at once
    # Running clocks know neither nights nor holidays.
    ("2026-02-14T23:30", 3, "hour", "2026-02-15T02:30"),
    ("2026-09-30T11:00", 7, "day", "2026-10-07T11:00"),
    ("2026-07-06T08:00", 0.8, "hour", "2026-07-06T08:48"),
]


@pytest.mark.parametrize(("start", "value", "unit", "due"), REAL)
def test_real_days(start: str, value: float, unit: str, due: str) -> None:
    calendar = china(int(start[:4]))
    assert add(calendar, datetime.fromisoformat(start), value, Unit.parse(unit)).item() == datetime.fromisoformat(due)


def test_working_days_of_real_years() -> None:
    for year, days in ((2021, 250), (2026, 248)):
        calendar = china(year)
        assert calendar.workday[: 366 if year % 4 == 0 else 365].sum() == days


def test_eighty_per_cent_of_a_limit() -> None:
    calendar = china(2026)
    start = np.datetime64("2026-07-06T08:00")
    dues = add(calendar, start, np.array([0.8, 1.0]) * 5, Unit.WORK_DAY)
    assert dues.astype(str).tolist() == ["2026-07-09T18:00:00", "2026-07-10T18:00:00"]
    assert limit_seconds(calendar, [30 / 60, 1, 2], [Unit.HOUR, Unit.WORK_DAY, Unit.DAY]).tolist() == [
        1800,
        28_800,
        172_800,
    ]


def test_weekly_builds_the_same_calendar_from_exceptions() -> None:
    real = china(2026)
    days = [date(2026, 1, 1) + timedelta(n) for n in range(real.workday.size)]
    pairs = list(zip(days, real.workday.tolist(), strict=True))
    off = [day for day, works in pairs if not works and day.weekday() < 5]
    on = [day for day, works in pairs if works and day.weekday() >= 5]
    made = Calendar.weekly(days[0], days[-1], off=[*off, date(2030, 1, 1)], on=on)
    assert off
    assert on
    assert (made.workday == real.workday).all()
    assert made.last == real.last


# --- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "word"),
    [
        ((), "at least one"),
        (((480, 480),), "start < end"),
        (((720, 480),), "start < end"),
        (((480, 1441),), "1440"),
        (((-1, 480),), "0 <="),
        (((840, 1080), (480, 720)), "order"),
        (((480, 720), (700, 1080)), "overlaps"),
    ],
)
def test_windows_are_checked(windows: tuple[tuple[int, int], ...], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Calendar(FIRST, np.array([True]), windows)


def test_calendars_are_checked() -> None:
    with pytest.raises(ValueError, match="not one working day"):
        Calendar(FIRST, np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match="one-dimensional"):
        Calendar(FIRST, np.ones((2, 2), dtype=bool))
    with pytest.raises(ValueError, match="NaT"):
        Calendar(np.datetime64("NaT", "D"), np.array([True]))
    with pytest.raises(ValueError, match="before"):
        Calendar.weekly(date(2026, 1, 2), date(2026, 1, 1))
    with pytest.raises(ValueError, match="2026-01-01"):
        Calendar.weekly(date(2026, 1, 1), date(2026, 1, 9), off=[date(2026, 1, 1)], on=[date(2026, 1, 1)])


def test_a_calendar_does_not_follow_changes_of_the_array_it_was_made_from() -> None:
    days = np.array([True, True])
    calendar = Calendar(FIRST, days)
    days[:] = False
    assert calendar.workday.all()
    with pytest.raises(ValueError, match="read-only"):
        calendar.workday[0] = False


def test_out_of_range_names_the_date() -> None:
    calendar = china(2026)
    with pytest.raises(ValueError, match=r"start 2025-12-31T17:00:00 .* 2026-01-01 to 2027-01-31"):
        add(calendar, np.datetime64("2025-12-31T17:00"), 1, Unit.WORK_HOUR)
    with pytest.raises(ValueError, match=r"2027-01-29T17:00:00 .* after 2027-01-31"):
        add(calendar, np.datetime64("2027-01-29T17:00"), 3, Unit.WORK_DAY)
    with pytest.raises(ValueError, match="end 2027-02-01T00:00:01"):
        elapsed(calendar, np.datetime64("2026-07-01"), np.datetime64("2027-02-01T00:00:01"), Unit.WORK_DAY)
    with pytest.raises(ValueError, match="2026-01-01"):
        add(calendar, np.datetime64("2026-01-01"), 2.92e6, Unit.DAY)
    # Running clocks need no calendar.
    assert add(calendar, np.datetime64("2025-12-31T17:00"), 1, Unit.HOUR) == np.datetime64("2025-12-31T18:00")


@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("inf")])
@pytest.mark.parametrize("unit", list(Unit))
def test_wrong_limits_are_refused(value: float, unit: Unit) -> None:
    with pytest.raises(ValueError, match="time limit"):
        add(china(2026), np.datetime64("2026-07-06"), [1.0, value], unit)
    with pytest.raises(ValueError, match="time limit"):
        limit_seconds(china(2026), value, unit)


def test_wrong_instants_and_units_are_refused() -> None:
    calendar, start = china(2026), np.datetime64("2026-07-06")
    with pytest.raises(ValueError, match=r"start.*NaT"):
        add(calendar, np.datetime64("NaT"), 1, Unit.HOUR)
    with pytest.raises(ValueError, match=r"end.*NaT"):
        elapsed(calendar, start, np.array(["2026-07-07", "NaT"], dtype="datetime64[s]"), Unit.HOUR)
    with pytest.raises(ValueError, match="time zone"):
        add(calendar, datetime(2026, 7, 6, tzinfo=timezone(timedelta(hours=8))), 1, Unit.HOUR)
    with pytest.raises(ValueError, match="datetime"):
        add(calendar, "2026-07-06", 1, Unit.HOUR)
    with pytest.raises(ValueError, match="unknown time unit 4"):
        add(calendar, start, 1, 4)
    with pytest.raises(ValueError, match="members of Unit"):
        add(calendar, start, 1, 1.5)
    with pytest.raises(ValueError, match=r"'week'.*work_day"):
        Unit.parse("week")


def test_unit_names() -> None:
    assert [Unit.parse(name) for name in ("hour", "day", "work_hour", "work_day")] == [0, 1, 2, 3]
    assert [unit.is_working for unit in Unit] == [False, False, True, True]
