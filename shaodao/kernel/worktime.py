"""The four clocks of case work: running hours, running days, working hours, working days.

Everything here is in *local naive* time as ``datetime64[s]``. China has one fixed offset and no summer time, so local
arithmetic is exact; turning aware UTC into local time and back is the caller's work.

The working clock runs only inside the calendar's windows on its working days. Two numbers make every question O(1):

* the *position* of an instant: working seconds since the calendar's first midnight, one table look-up for the day and
  one clip for each window;
* its inverse: the earliest instant at a position, one look-up in the list of working days.

So ``elapsed`` is a difference of two positions and ``add`` is an addition between a position and its inverse.

Source of the clock kinds and of the default windows: time limits in Chinese digital city management (GB/T 30428 series),
where one working day counts as eight working hours, 08:00-12:00 and 14:00-18:00.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Instants = NDArray[np.datetime64]
Windows = tuple[tuple[int, int], ...]

DEFAULT_WINDOWS: Final[Windows] = ((8 * 60, 12 * 60), (14 * 60, 18 * 60))
"""08:00-12:00 and 14:00-18:00, in minutes of the day."""

_DAY: Final = 86_400
_HOUR: Final = 3_600
_LAST: Final = int(np.datetime64("9999-12-31T23:59:59", "s").astype(np.int64))


class Unit(IntEnum):
    """Which clock a time limit runs on. The numbers are stored in int8 arrays and must not change."""

    HOUR = 0
    DAY = 1
    WORK_HOUR = 2
    WORK_DAY = 3

    @classmethod
    def parse(cls, name: str) -> Unit:
        """Return the unit with this lower-case name: ``hour``, ``day``, ``work_hour`` or ``work_day``.

        Raises ValueError that lists the four names otherwise.
        """
        for unit in cls:
            if name == unit.name.lower():
                return unit
        names = ", ".join(unit.name.lower() for unit in cls)
        raise ValueError(f"unknown time unit {name!r}: use one of {names}")

    @property
    def is_working(self) -> bool:
        """True where the clock stands still outside working windows."""
        return self >= Unit.WORK_HOUR


@dataclass(frozen=True, eq=False)
class Calendar:
    """Which days are working days, and which minutes of them are worked.

    Parameters
    ----------
    first
        The day of ``workday[0]``, as ``datetime64[D]``.
    workday
        (n,) bool, one for each day from ``first`` on; make-up weekends are True, public holidays False.
    windows
        Minutes of the day, ``(start, end)``, sorted, disjoint and not empty, within 0..1440.

    Raises ValueError where one of these does not hold or no day is a working day.
    """

    first: np.datetime64
    workday: NDArray[np.bool_]
    windows: Windows = DEFAULT_WINDOWS

    def __post_init__(self) -> None:
        first: np.datetime64 = self.first.astype("datetime64[D]")
        if np.isnat(first):
            raise ValueError("calendar: first day is missing (NaT)")
        workday = np.array(self.workday, dtype=np.bool_)
        if workday.ndim != 1 or workday.size == 0:
            raise ValueError("calendar: workday must be a one-dimensional array with at least one day")
        if not workday.any():
            raise ValueError("calendar: not one working day")
        workday.setflags(write=False)
        windows = tuple((int(start), int(end)) for start, end in self.windows)
        _check_windows(windows)
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "workday", workday)
        object.__setattr__(self, "windows", windows)

    @classmethod
    def weekly(
        cls,
        first: date,
        last: date,
        *,
        off: Iterable[date] = (),
        on: Iterable[date] = (),
        windows: Windows = DEFAULT_WINDOWS,
    ) -> Calendar:
        """Monday to Friday from ``first`` to ``last`` (both included), less the days ``off``, plus the days ``on``.

        ``off`` are public holidays, ``on`` make-up working weekends; days outside the range are left out of account.
        Raises ValueError where ``last`` is before ``first`` or a day is both off and on.
        """
        if last < first:
            raise ValueError(f"calendar: last day {last} is before first day {first}")
        off, on = set(off), set(on)
        if both := off & on:
            raise ValueError(f"calendar: {min(both)} is both a day off and a make-up working day")
        start = np.datetime64(first, "D")
        days = np.arange(start, np.datetime64(last, "D") + 1)
        workday = np.is_busday(days)
        for exceptions, works in ((off, False), (on, True)):
            for day in exceptions:
                if first <= day <= last:
                    workday[(day - first).days] = works
        return cls(start, workday, windows)

    @property
    def last(self) -> np.datetime64:
        """The last day that the calendar knows, ``datetime64[D]``."""
        return self.first + np.timedelta64(self.workday.size - 1, "D")

    @cached_property
    def work_day_seconds(self) -> int:
        """Working seconds in one working day: the length of all windows together."""
        return 60 * sum(end - start for start, end in self.windows)

    @cached_property
    def _origin(self) -> int:
        """Seconds from 1970-01-01 to the first midnight."""
        return int(self.first.astype(np.int64)) * _DAY

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """(n + 1,) working seconds before each day's midnight."""
        counts = np.concatenate(([0], np.cumsum(self.workday, dtype=np.int64)))
        return counts * self.work_day_seconds

    @cached_property
    def _worked(self) -> NDArray[np.bool_]:
        """(n + 1,) workday, and False for the midnight that ends the last day."""
        return np.append(self.workday, False)

    @cached_property
    def _midnights(self) -> NDArray[np.int64]:
        """(working days,) seconds from 1970-01-01 to the midnight that begins each working day."""
        return np.flatnonzero(self.workday).astype(np.int64) * _DAY + self._origin

    def _position(self, seconds: NDArray[np.int64], what: str) -> NDArray[np.int64]:
        """Working seconds before each instant; ValueError names the first instant outside the calendar."""
        since = seconds - self._origin
        outside = (since < 0) | (since > self.workday.size * _DAY)
        if outside.any():
            instant = np.datetime64(int(seconds[outside].flat[0]), "s")
            raise ValueError(f"{what} {instant} lies outside the working calendar, {self.first} to {self.last}")
        day, second = np.divmod(since, _DAY)
        worked = np.zeros_like(second)
        for start, end in self.windows:
            worked += np.clip(second - start * 60, 0, (end - start) * 60)
        worked *= self._worked[day]
        worked += self._before[day]
        return worked

    def _instant(self, position: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.int64]:
        """The earliest instant at each position (> 0): the inverse of `_position`. ``start`` serves the message only."""
        nth, rest = np.divmod(position - 1, self.work_day_seconds)
        beyond = nth >= self._midnights.size
        if beyond.any():
            instant = np.datetime64(int(start[beyond].flat[0]), "s")
            raise ValueError(
                f"a working limit that starts at {instant} falls due after {self.last}, "
                f"the last day of the working calendar"
            )
        rest += 1
        due = self._midnights[nth]
        # The k-th window adds its own offset to what is left after the windows before it.
        gaps, sums, total, previous = [], [], 0, 0
        for window_start, window_end in self.windows:
            gaps.append((window_start - previous) * 60)
            sums.append(total)
            total += (window_end - window_start) * 60
            previous = window_end
        for gap, reached in zip(gaps, sums, strict=True):
            due += np.where(rest > reached, gap, 0)
        due += rest
        return due


def add(calendar: Calendar, start: ArrayLike, value: ArrayLike, unit: ArrayLike) -> Instants:
    """Return when limits fall due: the earliest instant, not before the start, at which the clock has run ``value``.

    It follows that a working clock which is started outside working windows begins to run at the next window's start;
    that a limit which is used up exactly at a window's end is due at that end and not at the next window's start; and
    that a limit of zero is due at its start.

    Parameters
    ----------
    start
        Local naive instants: ``datetime64`` of any unit (cut to whole seconds) or naive ``datetime``.
    value
        float, not negative; fractions are allowed (80 % of a limit). Rounded to whole seconds of the clock.
    unit
        int8, members of `Unit`.

    The three broadcast against each other. Returns ``datetime64[s]`` of the common shape (0-d for scalars: ``.item()``
    gives a ``datetime``). Running units do not look at the calendar.

    Raises ValueError for NaT, NaN, infinite or negative values, unknown units, and for a working limit that starts
    outside the calendar or falls due after its end; the message names the date.
    """
    begin = _seconds(start, "start")
    length, units = _limits(calendar, value, unit)
    begin, length, units = np.broadcast_arrays(begin, length, units)
    due = np.asarray(begin + length)  # adding 0-d arrays gives a scalar, which could not be filled below
    if due.size and int(due.max()) > _LAST:
        late = np.datetime64(int(begin[due > _LAST].flat[0]), "s")
        raise ValueError(f"a limit that starts at {late} falls due after the year 9999")
    # A limit of zero is due where it starts, so it needs no window.
    working = (units >= Unit.WORK_HOUR) & (length > 0)
    if working.any():
        from_ = begin[working]
        due[working] = calendar._instant(calendar._position(from_, "start") + length[working], from_)
    return np.asarray(due.astype("datetime64[s]"))


def elapsed(calendar: Calendar, start: ArrayLike, end: ArrayLike, unit: ArrayLike) -> NDArray[np.float64]:
    """Return how many seconds of its clock lie between ``start`` and ``end``.

    Running seconds for ``HOUR`` and ``DAY``, working seconds for ``WORK_HOUR`` and ``WORK_DAY``; negative where the end
    is before the start. Compare with `limit_seconds`. Arguments as for `add`, broadcast; returns float64.

    Raises ValueError for NaT, unknown units, and working instants outside the calendar; the message names the date.
    """
    begin, finish, units = np.broadcast_arrays(_seconds(start, "start"), _seconds(end, "end"), _units(unit))
    result = np.asarray(finish - begin)
    working = units >= Unit.WORK_HOUR
    if working.any():
        result[working] = calendar._position(finish[working], "end") - calendar._position(begin[working], "start")
    return np.asarray(result, dtype=np.float64)


def limit_seconds(calendar: Calendar, value: ArrayLike, unit: ArrayLike) -> NDArray[np.float64]:
    """Return limits as whole seconds of their own clock, float64, broadcast; a working day is all windows of one day.

    Rounded like `add` does, so that ``elapsed(c, s, add(c, s, v, u), u) == limit_seconds(c, v, u)`` exactly.
    Raises ValueError for NaN, infinite or negative values and unknown units.
    """
    return np.asarray(_limits(calendar, value, unit)[0], dtype=np.float64)


def _limits(calendar: Calendar, value: ArrayLike, unit: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Limits in whole seconds (int64) and their units (int8), of the common shape."""
    amount = np.asarray(value, dtype=np.float64)
    wrong = ~(np.isfinite(amount) & (amount >= 0))
    if wrong.any():
        raise ValueError(f"a time limit must be a number that is not negative, not {amount[wrong].flat[0]}")
    units = _units(unit)
    scale = np.array([_HOUR, _DAY, _HOUR, calendar.work_day_seconds], dtype=np.float64)
    seconds = np.rint(amount * scale[units])
    if (seconds > _LAST).any():
        raise ValueError(f"a time limit is too long: {amount.max()}")
    whole, units = np.broadcast_arrays(seconds.astype(np.int64), units)
    return whole, units


def _units(unit: ArrayLike) -> NDArray[np.int8]:
    units = np.asarray(unit)
    if units.dtype.kind not in "iu":
        raise ValueError(f"time units must be members of Unit, not {units.dtype}")
    wrong = (units < Unit.HOUR) | (units > Unit.WORK_DAY)
    if wrong.any():
        raise ValueError(f"unknown time unit {units[wrong].flat[0]}")
    return units.astype(np.int8)


def _seconds(instants: ArrayLike, what: str) -> NDArray[np.int64]:
    """Instants as whole seconds from 1970-01-01, int64; refuses NaT, aware datetimes and whatever is not an instant."""
    array = np.asarray(instants)
    if array.dtype.kind == "O":
        array = np.array([_naive(item, what) for item in array.flat], dtype="datetime64[s]").reshape(array.shape)
    if array.dtype.kind != "M":
        raise ValueError(f"{what}: expected datetime64 or naive datetime, not {array.dtype}")
    if np.isnat(array).any():
        raise ValueError(f"{what}: a time is missing (NaT)")
    return array.astype("datetime64[s]").astype(np.int64)


def _naive(item: Any, what: str) -> np.datetime64:
    if isinstance(item, np.datetime64):
        return item
    if not isinstance(item, datetime):
        raise ValueError(f"{what}: expected a datetime, not {item!r}")
    if item.tzinfo is not None:
        raise ValueError(f"{what}: {item.isoformat()} has a time zone; convert it to local naive time first")
    return np.datetime64(item, "s")


def _check_windows(windows: Windows) -> None:
    if not windows:
        raise ValueError("calendar: at least one working window is needed")
    previous = 0
    for start, end in windows:
        if not 0 <= start < end <= 1440:
            raise ValueError(f"calendar: working window ({start}, {end}) must satisfy 0 <= start < end <= 1440 minutes")
        if start < previous:
            raise ValueError(f"calendar: working window ({start}, {end}) overlaps the one before it or is out of order")
        previous = end
