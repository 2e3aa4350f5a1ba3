"""Deadlines on the four clocks: a million at once, on one core, over the real Chinese calendar of 2021 to 2026."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import holidays
import numpy as np
from _bench import Result, benchmark, main

from shaodao.kernel.worktime import Calendar, Unit, add, elapsed

ROWS = 1_000_000
SAMPLE = 2_000
PEER = f"pandas CustomBusinessHour on {SAMPLE:,} rows of whole working hours, scaled by rows"
FIRST, LAST = date(2021, 1, 1), date(2027, 12, 31)


@cache
def calendar() -> Calendar:
    table = holidays.country_holidays("CN", years=range(FIRST.year, LAST.year + 1))
    days = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    return Calendar(np.datetime64(FIRST, "D"), np.array([table.is_working_day(day) for day in days]))


@cache
def limits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts at any second of 2021 to 2026, values 0 to 40, all four units alike."""
    random = np.random.default_rng(2021)
    starts = np.datetime64("2021-01-01", "s") + random.integers(0, 6 * 365 * 86_400, ROWS).astype("timedelta64[s]")
    return starts, random.uniform(0, 40, ROWS), random.integers(0, 4, ROWS).astype(np.int8)


def cpu_seconds(call: Callable[[], object], times: int = 5) -> float:
    """The median of some runs, after one that warms up."""
    call()
    spent = []
    for _ in range(times):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return float(np.median(spent))


@benchmark("worktime.1m.cpu_s", "s", PEER)
def million_deadlines() -> Result:
    starts, values, units = limits()
    return Result(cpu_seconds(lambda: add(calendar(), starts, values, units)), peer_seconds() * ROWS / SAMPLE)


@benchmark("worktime.1m.work_hour.cpu_s", "s", PEER)
def million_working_hours() -> Result:
    """The peer's own work, like for like: whole working hours only."""
    starts, values, _ = limits()
    hours = np.ceil(values).clip(1)
    return Result(cpu_seconds(lambda: add(calendar(), starts, hours, Unit.WORK_HOUR)), peer_seconds() * ROWS / SAMPLE)


@benchmark("worktime.1m.elapsed.cpu_s", "s")
def million_elapsed() -> float:
    starts, values, units = limits()
    ends = add(calendar(), starts, values, units)
    return cpu_seconds(lambda: elapsed(calendar(), starts, ends, units))


@benchmark("worktime.one.cpu_us", "µs")
def one_deadline() -> float:
    start = limits()[0][0]
    return cpu_seconds(lambda: [add(calendar(), start, 3.0, Unit.WORK_DAY) for _ in range(500)]) / 500 * 1e6


@cache
def peer_seconds() -> float:
    """CPU of the peer on its sample, in whole hours (it has no fractions). Both must agree, or the figure means nothing."""
    import pandas as pd

    days = np.datetime64(FIRST, "D") + np.arange(calendar().workday.size)
    # A make-up weekend can only be told to pandas as: every day of the week is worked, all free days are holidays.
    week = np.busdaycalendar(weekmask="1111111", holidays=days[~calendar().workday])
    windows = {"start": ["08:00", "14:00"], "end": ["12:00", "18:00"]}
    offsets = [pd.offsets.CustomBusinessHour(hours, calendar=week, **windows) for hours in range(1, 41)]
    starts = limits()[0][:SAMPLE]
    hours = np.ceil(limits()[1][:SAMPLE]).astype(int).clip(1)
    stamps = [pd.Timestamp(start) for start in starts]
    begin = time.process_time()
    dues = [stamp + offsets[count - 1] for stamp, count in zip(stamps, hours, strict=True)]
    spent = time.process_time() - begin
    own = add(calendar(), starts, hours, Unit.WORK_HOUR)
    # A limit used up at a window's end is due there for us and, from some starts, at the next window's start for pandas:
    # no working second lies between the two.
    if elapsed(calendar(), np.array(dues, dtype="datetime64[s]"), own, Unit.WORK_HOUR).any():
        raise AssertionError("pandas and the kernel disagree on a due time")
    return spent


if __name__ == "__main__":
    raise SystemExit(main(__doc__))
