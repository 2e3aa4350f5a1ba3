"""Fixes put right before they are matched: order, doubles, jumps, drift at standstill, noise, a flickering work signal."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import bare, compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

USED, DOUBLE, CONFLICT, JUMP, AWAY = range(5)
"""What became of a fix. DOUBLE: the same once more; CONFLICT: another place at the same second; JUMP: no vehicle gets
there in time; AWAY: no degree, or far outside the roads."""

TRIP_S: Final = 900.0
"""Silence after which a vehicle's fixes are another trip."""
FASTEST: Final = 45.0
"""Metres a second; what would need more is a jump."""


class Kept(NamedTuple):
    """Fixes that say something new, at least about `step` metres apart; k of them. Trip i is ``[trip[i], trip[i + 1])``."""

    trip: NDArray[np.int64]
    vehicle: Ints
    t: Floats
    x: Floats
    y: Floats
    east: Floats  # heading: a unit vector where reported, shorter where only seen from places, 0 where unknown
    north: Floats
    speed: Floats  # m/s, NaN where unknown
    flag: NDArray[np.int8]  # 1 working, 0 not, -1 no signal
    silent: Floats  # the longest time between raw fixes since the kept fix before
    pace: Floats  # by trip: the median time between raw fixes


CHORD: Final = 0.6
"""Weight of a heading that is only the line between fixes, beside one that the receiver measured."""


def order_of(vehicle: Ints, t: Floats, x: Floats, y: Floats, *rest: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """The order in which fixes are read, by vehicle, time and all else, so that the order of upload never matters; None if sorted."""
    same = vehicle[1:] == vehicle[:-1]
    if bool(((vehicle[1:] > vehicle[:-1]) | (same & (t[1:] > t[:-1]))).all()):
        return None
    return np.lexsort((*rest[::-1], y, x, t, vehicle)).astype(np.int64)


@bare
def _fate(vehicle, t, x, y, flag, fate) -> None:  # type: ignore[no-untyped-def]
    """Fill ``fate``. After a jump the old place counts on, until three fixes agree on the new one."""
    last, ahead, agree = -1, -1, 0
    for i in range(t.size):
        fate[i] = USED
        if not (np.isfinite(x[i]) and np.isfinite(y[i]) and np.isfinite(t[i])):
            fate[i] = AWAY
            continue
        if last >= 0 and vehicle[last] != vehicle[i]:
            last, ahead, agree = -1, -1, 0
        if last < 0:
            last = i
            continue
        dt = t[i] - t[last]
        far = np.hypot(x[i] - x[last], y[i] - y[last])
        if dt <= 0.0:
            fate[i] = DOUBLE if far < 0.01 and flag[i] == flag[last] else CONFLICT
            continue
        if far > 30.0 + FASTEST * dt:
            since = t[i] - t[ahead] if ahead >= 0 else 0.0
            if ahead >= 0 and since > 0 and np.hypot(x[i] - x[ahead], y[i] - y[ahead]) <= 30.0 + FASTEST * since:
                agree += 1
            else:
                agree = 1
            ahead = i
            fate[i] = JUMP
            if agree < 3:
                continue
            fate[i] = USED
        last, ahead, agree = i, -1, 0


@bare
def _smooth(t, x, y, first, last, half, sx, sy) -> None:  # type: ignore[no-untyped-def]
    """Mean of as many fixes before as after within ``half`` seconds: white noise shrinks, a steady course stays where it is."""
    for i in range(first, last):
        wide = 0
        while (
            i - wide - 1 >= first
            and i + wide + 1 < last
            and t[i] - t[i - wide - 1] <= half
            and t[i + wide + 1] - t[i] <= half
        ):
            wide += 1
        ax = ay = 0.0
        for j in range(i - wide, i + wide + 1):
            ax += x[j]
            ay += y[j]
        sx[i], sy[i] = ax / (2 * wide + 1), ay / (2 * wide + 1)


@bare
def _debounce(t, flag, first, last, half, out) -> None:  # type: ignore[no-untyped-def]
    """Majority within ``half`` seconds on both sides, a tie keeps the fix's own; -1 (no signal) has no vote."""
    low = high = first
    on = off = 0
    for i in range(first, last):
        while high < last and t[high] <= t[i] + half:
            on += flag[high] == 1
            off += flag[high] == 0
            high += 1
        while t[low] < t[i] - half:
            on -= flag[low] == 1
            off -= flag[low] == 0
            low += 1
        out[i] = flag[i] if on == off else (1 if on > off else 0)


@bare
def _speeds(t, x, y, given, flag, first, last, out) -> None:  # type: ignore[no-untyped-def]
    """The reported speed, or what the fixes some seconds (at least one fix) before and after say: those with the same signal, so
    that work is not taken for fast because the vehicle hurried on afterwards."""
    for i in range(first, last):
        if given[i] == given[i]:
            out[i] = given[i]
            continue
        low = high = i
        half = 5.0 if flag[i] < 0 else 8.0  # without a signal a stop must not make the way to it slow
        while low > first and flag[low - 1] == flag[i] and (low == i or t[low - 1] >= t[i] - half):
            low -= 1
        while high + 1 < last and flag[high + 1] == flag[i] and (high == i or t[high + 1] <= t[i] + half):
            high += 1
        if low == high:
            low, high = max(first, i - 1), min(last - 1, i + 1)
        dt = t[high] - t[low]
        out[i] = np.hypot(x[high] - x[low], y[high] - y[low]) / dt if dt > 0 else np.nan


@bare
def _decimate(t, x, y, speed, reported, flag, first, last, step, quiet, keep) -> None:  # type: ignore[no-untyped-def]
    """Mark the fixes of one trip that are kept. Standing still (by the receiver's own speed, else by going nowhere) none is."""
    here = first
    keep[first] = True
    ahead = first
    for i in range(first + 1, last):
        far = np.hypot(x[i] - x[here], y[i] - y[here])
        gap = t[i] - t[i - 1] > quiet or (i + 1 < last and t[i + 1] - t[i] > quiet)
        still = speed[i] < 0.6
        if not still and reported[i] != reported[i] and far < 25.0:
            ahead = max(ahead, i)
            while ahead + 1 < last and t[ahead] < t[i] + 10.0:
                ahead += 1
            back = i
            while back > first and t[back] > t[i] - 10.0:
                back -= 1
            still = np.hypot(x[ahead] - x[back], y[ahead] - y[back]) < 0.45 * (t[ahead] - t[back])
        if i == last - 1 or gap:
            take = far > 1.0
        elif still:
            take = far >= 25.0 or (far >= 1.5 and flag[i] != flag[i - 1])
        else:
            take = far >= step or (far >= 1.5 and flag[i] != flag[i - 1])
        if take:
            keep[i] = True
            here = i


@bare
def _headings(trip, heading, t, x, y, speed, east, north) -> None:  # type: ignore[no-untyped-def]
    """The reported heading of a moving vehicle, else the line between the fixes around, two on each side at most."""
    for which in range(trip.size - 1):
        low, high = trip[which], trip[which + 1]
        for k in range(low, high):
            if not np.isnan(heading[k]) and speed[k] > 1.2:
                east[k], north[k] = np.sin(np.radians(heading[k])), np.cos(np.radians(heading[k]))
                continue
            a, b = k, k
            while a > low and k - a < 2 and t[k] - t[a - 1] < 90.0 and np.hypot(x[k] - x[a], y[k] - y[a]) < 20.0:
                a -= 1
            while b + 1 < high and b - k < 2 and t[b + 1] - t[k] < 90.0 and np.hypot(x[k] - x[b], y[k] - y[b]) < 20.0:
                b += 1
            dx, dy = x[b] - x[a], y[b] - y[a]
            far = np.hypot(dx, dy)
            if far > 10.0:
                east[k], north[k] = CHORD * dx / far, CHORD * dy / far


@compiled
def _clean(vehicle, t, x, y, speed, heading, flag, good, step, half, bounce, quiet) -> Any:  # type: ignore[no-untyped-def]
    """From sorted fixes and the rows that are good to the arrays of `Kept`."""
    n = good.size
    gt, gx, gy = t[good], x[good], y[good]
    given = speed[good]
    signal = flag[good]
    sx, sy, v = np.empty(n), np.empty(n), np.empty(n)
    steady = np.empty(n, np.int8)
    keep = np.zeros(n, np.bool_)
    trips = np.empty(n + 1, np.int64)
    many = 0
    first: Any = np.int64(0)
    for i in range(1, n + 1):
        if i < n and vehicle[good[i]] == vehicle[good[first]] and gt[i] - gt[i - 1] <= TRIP_S:
            continue
        _smooth(gt, gx, gy, first, i, half, sx, sy)
        _debounce(gt, signal, first, i, bounce, steady)
        _speeds(gt, sx, sy, given, steady, first, i, v)
        _decimate(gt, sx, sy, v, given, steady, first, i, step, quiet, keep)
        trips[many] = first
        many += 1
        first = i
    trips[many] = n
    total = 0
    for i in range(n):
        total += keep[i]
    at = np.empty(total, np.int64)
    silent = np.zeros(total)
    trip = np.empty(many + 1, np.int64)
    k, which = 0, 0
    longest = 0.0
    for i in range(n):
        if which < many and i == trips[which]:
            trip[which] = k
            which += 1
            longest = 0.0
        else:
            longest = max(longest, gt[i] - gt[i - 1])
        if keep[i]:
            at[k] = i
            silent[k] = longest
            longest = 0.0
            k += 1
    trip[many] = total
    rows = good[at]
    kx, ky, kt, kv = sx[at], sy[at], gt[at], v[at]
    east, north = np.zeros(total), np.zeros(total)
    _headings(trip, heading[rows], kt, kx, ky, kv, east, north)
    return trip, vehicle[rows], kt, kx, ky, east, north, kv, steady[at], silent, trips[: many + 1]


def clean(
    vehicle: Ints,
    t: Floats,
    x: Floats,
    y: Floats,
    speed: Floats,
    heading: Floats,
    flag: NDArray[np.int8],
    step: float = 6.0,
    bounce: float = 4.0,
) -> tuple[Kept, NDArray[np.int8]]:
    """Clean fixes that are sorted (`order_of`).

    (n,) vehicle numbers, seconds, metres, m/s (NaN: not reported), degrees from north (NaN), 1/0/-1 working. Returns what
    is kept and (n,) what became of each fix (`USED` and so on).
    """
    fate = np.empty(t.size, np.int8)
    _fate(vehicle, t, x, y, flag, fate)
    good = np.flatnonzero(fate == USED)
    *columns, trips = _clean(vehicle, t, x, y, speed, heading, flag, good, step, 3.0, bounce, 10.0)
    # The first hours tell the pace: a median of all would cost as much as the rest of the cleaning.
    firsts = [t[good[low : min(high, low + 4000)]] for low, high in pairwise(trips)]
    pace = [float(np.median(np.diff(times))) if times.size > 1 else 0.0 for times in firsts]
    return Kept._make((*columns, np.array(pace))), fate
