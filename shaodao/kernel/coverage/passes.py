"""Stretches to passes over work units, their verdicts, and what each unit has of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import bare, compiled
from shaodao.kernel.coverage.units import Units

Floats = NDArray[np.float64]

PASS_GAP_S: Final = 600.0
"""A vehicle that is away from a unit for longer begins another pass."""
REFILL_S: Final = 2700.0
"""... unless it goes on where it stopped within this time: a refill."""
AGAIN_M: Final = 60.0
"""Metres back towards the unit's start that make another pass."""
LEAST_M: Final = 10.0
"""A vehicle that may have worked on less than this has made no pass."""

CANNOT_TELL, SHORT, DONE = range(3)

VEHICLE, UNIT, FROM, TO, START, END, LEVEL = range(7)
P_VEHICLE, P_UNIT, P_START, P_END, P_SERVICED, P_SURE, P_POSSIBLE, P_FAST, P_VERDICT, P_GAPS = range(10)
_POSSIBLE, _LIKELY, _SURE, _FAST, _LOST = 1.0, 2.0, 3.0, 4.0, 5.0  # as in `matching`


@compiled
def _on_units(stretch, edge_first, edge_part, part_from, part_to, part_at, part_unit) -> Any:  # type: ignore[no-untyped-def]
    """Stretches along edges cut into stretches along work units; times in proportion."""
    out = np.empty((2 * stretch.shape[0] + 64, 7))
    n = 0
    for i in range(stretch.shape[0]):
        edge = int(stretch[i, UNIT])
        a, b = stretch[i, FROM], stretch[i, TO]
        for j in range(edge_first[edge], edge_first[edge + 1]):
            part = edge_part[j]
            x, y = max(a, part_from[part]), min(b, part_to[part])
            if y <= x:
                continue
            if n == out.shape[0]:
                out = np.concatenate((out, np.empty_like(out)))
            pace = (stretch[i, END] - stretch[i, START]) / (b - a)
            out[n, VEHICLE], out[n, UNIT], out[n, LEVEL] = stretch[i, VEHICLE], part_unit[part], stretch[i, LEVEL]
            out[n, FROM], out[n, TO] = part_at[part] + x - part_from[part], part_at[part] + y - part_from[part]
            out[n, START], out[n, END] = stretch[i, START] + pace * (x - a), stretch[i, START] + pace * (y - a)
            n += 1
    return out[:n]


@bare
def _add(spans, n, a, b) -> Any:  # type: ignore[no-untyped-def]
    """Put a span among n sorted by their beginnings; returns how many there are."""
    if b <= a:
        return n
    j = n
    while j and spans[j - 1, 0] > a:
        spans[j, 0], spans[j, 1] = spans[j - 1, 0], spans[j - 1, 1]
        j -= 1
    spans[j, 0], spans[j, 1] = a, b
    return n + 1


@bare
def _union(s, low, high, least, most, spans) -> Any:  # type: ignore[no-untyped-def]
    """Sorted, disjoint spans of the stretches with a level in [least, most]; returns how many and their total."""
    n = np.int64(0)
    for i in range(low, high):
        if least <= s[i, LEVEL] <= most:
            n = _add(spans, n, s[i, FROM], s[i, TO])
    m = 0
    total = 0.0
    for i in range(n):
        if m and spans[i, 0] <= spans[m - 1, 1] + 1.0:
            spans[m - 1, 1] = max(spans[m - 1, 1], spans[i, 1])
        else:
            spans[m, 0], spans[m, 1] = spans[i, 0], spans[i, 1]
            m += 1
    for i in range(m):
        total += spans[i, 1] - spans[i, 0]
    return m, total


@bare
def _extent(s, low, high) -> Any:  # type: ignore[no-untyped-def]
    least, most = np.inf, -np.inf
    for i in range(low, high):
        if _LIKELY <= s[i, LEVEL] <= _SURE:
            least, most = min(least, s[i, FROM]), max(most, s[i, TO])
    return least, most


@bare
def _ends(s, first) -> Any:  # type: ignore[no-untyped-def]
    """Where the pass that begins at row ``first`` ends: time, ground gone over again, a refill in between."""
    n = s.shape[0]
    i = first
    begin = first  # of the present visit
    least, most = np.inf, -np.inf  # of the visits before
    while True:
        ahead = until = -np.inf
        i = begin
        while i < n and s[i, VEHICLE] == s[first, VEHICLE] and s[i, UNIT] == s[first, UNIT]:
            if i > begin and (s[i, START] - until > PASS_GAP_S or s[i, FROM] < ahead - AGAIN_M):
                break
            ahead, until = max(ahead, s[i, TO]), max(until, s[i, END])
            i += 1
        now, then = _extent(s, begin, i)
        if begin > first:
            shared = min(most, then) - max(least, now)
            apart = shared < 0.2 * min(most - least, then - now)
            if not apart or max(now, least) == np.inf or s[begin, START] - s[begin - 1, END] > REFILL_S:
                return begin
        least, most = min(least, now), max(most, then)
        if i >= n or s[i, VEHICLE] != s[first, VEHICLE] or s[i, UNIT] != s[first, UNIT]:
            return i
        begin = i


@bare
def _safe(s, first, stop, whole, edge_m, spans, m, sures) -> Any:  # type: ignore[no-untyped-def]
    """Of m possible spans: how many ends lie inside the unit, and the sure metres less ``edge_m`` for each of them.

    A span has no less than none, so that more of them are never less.
    """
    many, _ = _union(s, first, stop, _SURE, _SURE, sures)
    ends = j = 0
    safe = 0.0
    for i in range(m):
        mine = (spans[i, 0] > 2.0) + (spans[i, 1] < whole - 2.0)
        inside = 0.0
        while j < many and sures[j, 0] < spans[i, 1]:
            inside += sures[j, 1] - sures[j, 0]
            j += 1
        ends += mine
        safe += max(0.0, inside - mine * edge_m)
    return ends, safe


@compiled
def _passes(s, length, asked, edge_m) -> Any:  # type: ignore[no-untyped-def]
    """From stretches sorted by vehicle, unit and time: passes (p, 10) and their gaps (g, 3: pass, from, to)."""
    out = np.empty((s.shape[0] + 1, 10))
    gaps = np.empty((s.shape[0] * 2 + 1, 3))
    spans, sures = np.empty((s.shape[0] + 1, 2)), np.empty((s.shape[0] + 1, 2))
    n = g = 0
    first = np.int64(0)
    while first < s.shape[0]:
        stop = _ends(s, first)
        unit = int(s[first, UNIT])
        whole = length[unit]
        m, possible = _union(s, first, stop, _POSSIBLE, _SURE, spans)
        if possible >= min(LEAST_M, 0.5 * whole):
            ends, safe = _safe(s, first, stop, whole, edge_m, spans, m, sures)
            _, fast = _union(s, first, stop, _FAST, _FAST, sures)
            begin = np.inf
            end = -np.inf
            for i in range(first, stop):
                if _POSSIBLE <= s[i, LEVEL] <= _SURE:
                    begin, end = min(begin, s[i, START]), max(end, s[i, END])
            begins = g
            at = 0.0
            serviced = whole
            m, _ = _union(s, first, stop, _LIKELY, _SURE, spans)
            for i in range(m + 1):
                a = spans[i, 0] if i < m else whole
                # That a pass ends so near to the end of the unit is less likely than that the fixes are off.
                if a - at > (min(LEAST_M, 0.2 * whole) if m and i in (0, m) else 1.0):
                    gaps[g, 0], gaps[g, 1], gaps[g, 2] = n, at, a
                    g += 1
                    serviced -= a - at
                at = spans[i, 1] if i < m else whole
            possible = min(whole, possible + ends * edge_m)
            sure = min(safe, whole)
            lost = False
            for i in range(first, stop):
                lost |= s[i, LEVEL] == _LOST
            possible = whole if lost else possible
            verdict = CANNOT_TELL
            if sure >= asked * whole:
                verdict = DONE
            elif possible < asked * whole:
                verdict = SHORT
            out[n, P_VEHICLE], out[n, P_UNIT], out[n, P_START], out[n, P_END] = s[first, VEHICLE], unit, begin, end
            out[n, P_SERVICED], out[n, P_SURE], out[n, P_POSSIBLE] = serviced, sure, possible
            out[n, P_FAST], out[n, P_VERDICT], out[n, P_GAPS] = fast, verdict, begins
            n += 1
        first = stop
    return out[:n], gaps[:g]


@compiled
def _covered(found, gaps, order, serviced, first, left) -> None:  # type: ignore[no-untyped-def]
    """From passes in the ``order`` of their units: what none of them serviced, and by unit how much they did.

    ``serviced`` comes with the length of each unit; ``first`` and ``left`` are filled.
    """
    spans = np.empty((gaps.shape[0] + found.shape[0] + 1, 2))
    low = g = 0
    for unit in range(serviced.size):
        n = np.int64(0)
        whole = serviced[unit]
        while low < order.size and found[order[low], P_UNIT] == unit:
            which = order[low]
            at, i = 0.0, int(found[which, P_GAPS])
            while i < gaps.shape[0] and gaps[i, 0] == which:
                n = _add(spans, n, at, gaps[i, 1])
                at = gaps[i, 2]
                i += 1
            n = _add(spans, n, at, whole)
            low += 1
        first[unit] = g
        at = 0.0
        for i in range(n + 1):
            a = spans[i, 0] if i < n else whole
            if a > at:
                left[g, 0], left[g, 1] = at, a
                g += 1
                serviced[unit] -= a - at
            at = max(at, spans[i, 1]) if i < n else whole
    first[serviced.size] = g


def on_units(stretches: Floats, units: Units) -> Floats:
    """Stretches (m, 7: vehicle, edge, from, to, start, end, level) as stretches along work units, sorted by vehicle, unit, time."""
    s = _on_units(
        *(stretches, units.edge_first, units.edge_part, units.part_from, units.part_to, units.part_at, units.part_unit)
    )
    return np.ascontiguousarray(
        s[np.lexsort((s[:, LEVEL], s[:, TO], s[:, FROM], s[:, START], s[:, UNIT], s[:, VEHICLE]))]
    )


def passes(stretches: Floats, units: Units, asked: float, edge_m: float) -> tuple[Floats, Floats]:
    """Passes (p, 10: see ``P_*``) and the gaps in them (g, 3: pass, from, to); ``stretches`` from `on_units`.

    A pass is done when what is sure reaches ``asked`` (a share) of the unit, short when even what is possible does not,
    else one cannot tell. ``edge_m``: metres by which each end inside a unit may be off.
    """
    found: tuple[Floats, Floats] = _passes(stretches, units.length, asked, edge_m)
    return found


def covered(found: Floats, gaps: Floats, units: Units) -> tuple[Floats, list[Any]]:
    """From `passes`: metres of each unit (u,) that any pass serviced, and of each unit the (n, 2) spans that none did."""
    serviced = units.length.copy()
    order = np.argsort(found[:, P_UNIT], kind="stable")
    first, left = np.empty(serviced.size + 1, np.int64), np.empty((gaps.shape[0] + serviced.size + 1, 2))
    _covered(found, gaps, order, serviced, first, left)
    return serviced, [left[first[i] : first[i + 1]] for i in range(serviced.size)]
