"""Kept fixes to stretches of carriageway: candidates by grid, a hidden Markov model, and how sure its answer is.

State: a carriageway and the metres along it, or off the roads. A fix costs its distance from the carriageway's own lane (a
Gaussian that turns linear beyond three sigma) and the turn between headings; a step costs what the way along the
network differs from the way on the map (Newson & Krumm 2009, doi:10.1145/1653771.1653818). GNSS errors last for a while, so a
fix weighs only as much of an observation as time has passed (`memory_s`): the sums are then honest log likelihoods.

Sure or not: the cheapest path through every other candidate is known from one run forwards and one backwards (max-marginals).
Where another carriageway costs less than ``margin`` more, the stretch is unsure, and so is the other's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import bare, compiled, inlined

Floats = NDArray[np.float64]

MOST = 8  # candidates of a fix
OFF = -1
BROKEN = 8.0  # cost of a step for which there is no way; after a silence that is nothing strange, and costs as much as `SWITCH`
SWITCH = 3.0  # cost of leaving the roads, or coming back
OFF_COST = 6.0  # cost of a fix off the roads: 3.5 sigma
HOPELESS = 9.0  # a candidate that costs so much more than the best is none
TURN_BACK = 4.0  # cost of a U-turn
STAYED_M = 50.0  # a vehicle that is silent and then no further away has gone nowhere
IN_TOWN = 20.0  # m/s at most
STOP_M = 40.0  # metres of slow driving before and after a red light
MOST_EDGES = 1000  # of one way between two fixes
ROOM = 5 * MOST_EDGES  # stretches that one step may add

IDLE, POSSIBLE, LIKELY, SURE, TOO_FAST, LOST = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0
"""Levels of a stretch: seen without work; possibly worked; most likely worked, not sure; worked; working but too fast to count;
lost (or found again) here, with no way to tell where it went in between."""

VEHICLE, EDGE, FROM, TO, START, END, LEVEL = range(7)  # columns of the stretches


class Model(NamedTuple):
    """Parameters, SI units."""

    sigma: float
    memory_s: float
    margin: float
    turn: float
    fastest: float  # m/s at which work still counts
    suspicious: float  # m/s
    silent_s: float
    signal: bool  # False: no work signal anywhere, slow presence counts


@bare
def _candidates(G, px, py, hx, hy, w, sigma, turn, look, ce, cs, cc, row) -> Any:  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    """Fill edges, metres along and costs of one fix; returns how many. The last is always `OFF`."""
    n = 0
    least = np.inf
    known = np.sqrt(hx * hx + hy * hy)
    piece, line_of = G.piece, G.line
    col = int((px - G.corner[0]) / 25.0)
    up = int((py - G.corner[1]) / 25.0)
    if 0 <= col < G.size[0] and 0 <= up < G.size[1]:
        cell = up * G.size[0] + col
        i, stop = G.cell_first[cell], G.cell_first[cell + 1]
        while i < stop:
            line = line_of[G.cell_piece[i]]
            whole, o = G.lane[line, 0], G.lane[line, 1]
            best_f = best_b = np.inf
            s_f = s_b = c_f = c_b = 0.0
            while i < stop and line_of[G.cell_piece[i]] == line:
                p = G.cell_piece[i]
                i += 1
                dx, dy = px - piece[p, 0], py - piece[p, 1]
                ux, uy = piece[p, 2], piece[p, 3]
                along = dx * ux + dy * uy
                right = dx * uy - dy * ux
                over = 0.0
                if along < 0.0:
                    over, along = -along, 0.0
                elif along > piece[p, 4]:
                    over, along = along - piece[p, 4], piece[p, 4]
                f = (right - o) * (right - o) + over * over
                if f < best_f:
                    best_f, s_f, c_f = f, piece[p, 5] + along, hx * ux + hy * uy
                b = (right + o) * (right + o) + over * over
                if b < best_b:
                    best_b, s_b, c_b = b, whole - piece[p, 5] - along, -(hx * ux + hy * uy)
            for side in range(2):
                far, s, c, edge = (
                    (best_f, s_f, c_f, G.driven[line, 0]) if side == 0 else (best_b, s_b, c_b, G.driven[line, 1])
                )
                if edge < 0 or far > look * look:
                    continue
                z = np.sqrt(far) / sigma
                cost = 0.5 * z * z if z < 3.0 else 3.0 * z - 4.5
                cost += turn * (known - c)
                least = min(least, cost)
                if cost > least + HOPELESS:
                    continue
                k = n
                if n == MOST:
                    k = 0
                    for j in range(1, MOST):
                        if cc[row, j] > cc[row, k]:
                            k = j
                    if cc[row, k] <= cost:
                        continue
                else:
                    n += 1
                ce[row, k], cs[row, k], cc[row, k] = edge, s, cost
    m = 0
    for k in range(n):
        if cc[row, k] <= least + HOPELESS:
            ce[row, m], cs[row, m], cc[row, m] = ce[row, k], cs[row, k], cc[row, k] * w
            m += 1
    ce[row, m], cs[row, m], cc[row, m] = OFF, 0.0, OFF_COST * w
    return m + 1


@bare
def _find(W, node, edge) -> Any:  # type: ignore[no-untyped-def]
    """Entry of the reach table by which one comes from a node to an edge; -1 for none."""
    low, high = W.first[node], W.first[node + 1]
    while low < high:
        mid = (low + high) >> 1
        if W.edge[mid] < edge:
            low = mid + 1
        else:
            high = mid
    return low if low < W.first[node + 1] and W.edge[low] == edge else -1


@bare
def _way(W, e, s, e2, s2) -> Any:  # type: ignore[no-untyped-def]
    """Metres along the network from one place to another (a little backwards: negative), and whether it begins with a U-turn."""
    if e == e2 and s2 - s > -25.0:
        return s2 - s, False
    i = _find(W, W.head[e], e2)
    if i < 0:
        return np.inf, False
    return W.metres[e] - s + W.gap[i] + s2, W.via[i] == W.twin[e]


@inlined
def _step_cost(W, e, s, e2, s2, d, soft, broken, enough) -> Any:  # type: ignore[no-untyped-def]
    """Cost of a step, ``d`` metres on the map; where it is at least ``enough`` anything that is will do: most need no search."""
    if e < 0 or e2 < 0:
        return 0.0 if e == e2 else SWITCH
    if e == e2 and s2 - s > -25.0:
        return min(abs(s2 - s - d) * soft, broken)
    least = (
        W.metres[e] - s + s2 - d
    ) * soft  # no way is shorter than to the end of this edge and from the start of that
    if least >= enough or least >= broken:
        return min(least, broken)
    r, back = _way(W, e, s, e2, s2)
    cost = abs(r - d) * soft
    if back:
        cost += TURN_BACK
    return min(cost, broken)


@bare
def _follows(W, e, s, e2, s2) -> Any:  # type: ignore[no-untyped-def]
    """Whether two places are one: the end of an edge and the beginning of the next."""
    left = W.metres[e] - s
    if left + s2 >= 25.0 or W.twin[e] == e2:
        return False
    i = _find(W, W.head[e], e2)
    return i >= 0 and W.gap[i] == 0.0


@bare
def _forwards(G, W, kept, low, high, look, P, ce, cs, cc, count, F) -> None:  # type: ignore[no-untyped-def]
    """Candidates of the fixes of one trip, and ``F``: the cheapest way that ends in each."""
    t, x, y, silent = kept.t, kept.x, kept.y, kept.silent
    east, north = kept.east, kept.north
    for k in range(high - low):
        i = low + k
        dt = 1e9 if k == 0 else t[i] - t[i - 1]
        w = min(1.0, dt / P.memory_s)
        count[k] = _candidates(G, x[i], y[i], east[i], north[i], w, P.sigma, P.turn, look, ce, cs, cc, k)
        if k == 0:
            for c in range(count[0]):
                F[0, c] = cc[0, c]
            continue
        d, soft = _moved(x, y, i)
        broken = SWITCH if silent[i] > P.silent_s else BROKEN
        for c in range(count[k]):
            e2, s2 = ce[k, c], cs[k, c]
            best = np.inf
            for b in range(count[k - 1]):
                if F[k - 1, b] < best:
                    cost = _step_cost(W, ce[k - 1, b], cs[k - 1, b], e2, s2, d, soft, broken, best - F[k - 1, b])
                    best = min(best, F[k - 1, b] + cost)
            F[k, c] = best + cc[k, c]


@inlined
def _moved(x, y, i) -> Any:  # type: ignore[no-untyped-def]
    """Metres on the map since the kept fix before, and what a metre of difference to the way driven costs."""
    dx, dy = x[i] - x[i - 1], y[i] - y[i - 1]
    d = np.sqrt(dx * dx + dy * dy)
    return d, 1.0 / (6.0 + 0.15 * d)


@bare
def _backwards(W, kept, low, high, P, ce, cs, cc, count, F, behind, before, path, sure, alt) -> None:  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """The best path of one trip; by fix whether it is sure, and the candidate that might be it instead (-1: none).

    ``behind`` (and ``before``, the same a fix earlier): the cheapest rest of the way after each candidate. Only candidates
    through which a path within the margin of the best leads are followed: the others decide nothing.
    """
    x, y, silent = kept.x, kept.y, kept.silent
    at = 0
    for c in range(count[high - low - 1]):
        behind[c] = 0.0
        if F[high - low - 1, c] < F[high - low - 1, at]:
            at = c
    limit = F[high - low - 1, at] + P.margin + 1e-9
    for k in range(high - low - 1, -1, -1):
        path[k] = at
        total = F[k, at] + behind[at]
        e, s = ce[k, at], cs[k, at]
        second, other = np.inf, -1
        for c in range(count[k]):
            e2, s2 = ce[k, c], cs[k, c]
            if c == at or F[k, c] + behind[c] >= second:
                continue
            if e >= 0 and e2 >= 0 and (_follows(W, e, s, e2, s2) or _follows(W, e2, s2, e, s)):
                continue
            second, other = F[k, c] + behind[c], c
        sure[k] = second - total >= P.margin
        alt[k] = -1 if sure[k] else other
        if k == 0:
            break
        d, soft = _moved(x, y, low + k)
        broken = SWITCH if silent[low + k] > P.silent_s else BROKEN
        least, chosen = np.inf, 0
        for b in range(count[k - 1]):
            before[b] = np.inf
        for c in range(count[k]):
            rest = cc[k, c] + behind[c]
            if F[k, c] + behind[c] >= limit:
                continue
            for b in range(count[k - 1]):
                f = F[k - 1, b]
                if f + rest >= limit or (c != at and rest >= before[b]):
                    continue
                cost = _step_cost(W, ce[k - 1, b], cs[k - 1, b], ce[k, c], cs[k, c], d, soft, broken, limit - rest - f)
                before[b] = min(before[b], cost + rest)
                if c == at and f + cost < least:
                    least, chosen = f + cost, b
        for b in range(count[k - 1]):
            behind[b] = before[b]
        at = chosen


@bare
def _put(out, n, vehicle, edge, a, b, t0, t1, level) -> Any:  # type: ignore[no-untyped-def]
    """Append one stretch, or lengthen the last one; returns how many there are."""
    same = n > 0 and out[n - 1, VEHICLE] == vehicle and out[n - 1, EDGE] == edge and out[n - 1, LEVEL] == level
    if same and abs(out[n - 1, TO] - a) < 0.01 and t0 - out[n - 1, END] < 60.0:
        out[n - 1, TO], out[n - 1, END] = b, t1
        return n
    out[n, VEHICLE], out[n, EDGE], out[n, FROM], out[n, TO] = vehicle, edge, a, b
    out[n, START], out[n, END], out[n, LEVEL] = t0, t1, level
    return n + 1


@bare
def _lay(W, out, n, vehicle, e, s, e2, s2, r, low, high, t0, t1, level) -> Any:  # type: ignore[no-untyped-def]
    """Put the part [low, high] (metres from the start) of the way from (e, s) to (e2, s2), ``r`` metres long."""
    done = 0.0
    edge, a = e, s
    for _ in range(MOST_EDGES):
        last = edge == e2 and (done > 0.0 or e != e2 or s2 >= s)
        b = s2 if last else W.metres[edge]
        x, y = max(low, done), min(high, done + b - a)
        if y > x:
            g = (t1 - t0) / r
            n = _put(out, n, vehicle, edge, a + x - done, a + y - done, t0 + g * x, t0 + g * y, level)
        done += b - a
        if last or done >= high:
            break
        i = _find(W, W.head[edge], e2)
        if i < 0:
            break
        edge, a = W.via[i], 0.0
        if done == 0.0:
            done = 1e-9
    return n


@bare
def _states(trip, flag, speed, x, y, fastest, signal, state) -> None:  # type: ignore[no-untyped-def]
    """By fix: 0 no work, 1 work, 2 working but too fast. Without a signal a stop between fast driving is no work."""
    for which in range(trip.size - 1):
        begin, fast = -1, False  # of the slow run, and whether it followed fast driving
        for i in range(trip[which], trip[which + 1]):
            slow = not speed[i] > fastest
            state[i] = 0
            if flag[i] == 1:
                state[i] = 1 if slow else 2
            elif flag[i] < 0 and not signal and slow:
                state[i] = 1
                begin = i if begin < 0 else begin
            elif begin >= 0:
                if fast and np.hypot(x[i - 1] - x[begin], y[i - 1] - y[begin]) < STOP_M:
                    state[begin:i] = 0
                begin = -1
            if begin < 0:
                fast = not slow


@bare
def _turned(r, dt, v1, v2) -> Any:  # type: ignore[no-untyped-def]
    """Metres after which work began or ended between two fixes: when speed tells, where one speed gave way to the other."""
    if not (v1 >= 0.0 and v2 >= 0.0 and v1 + v2 > 0.5):
        return r / 2
    if abs(v2 - v1) < 1.5:
        return r * v1 / (v1 + v2)
    when = min(max((v2 * dt - r) / (v2 - v1), 0.0), dt)
    far = v1 * when + v2 * (dt - when)
    return r * v1 * when / far if far > 0.0 else r / 2


@bare
def _led(W, x, y, i, e, s, e2, s2) -> Any:  # type: ignore[no-untyped-def]
    """Metres of the way that led to fix i from the one before; 0 where there is none that is likely."""
    if e < 0 or e2 < 0:
        return 0.0
    r, _ = _way(W, e, s, e2, s2)
    d, soft = _moved(x, y, i)
    return r if 0.0 < r < np.inf and abs(r - d) * soft < BROKEN else 0.0


@bare
def _unseen(W, out, n, vehicle, e, s, e2, s2, t0, t1) -> Any:  # type: ignore[no-untyped-def]
    """Where a vehicle was lost and where it came back after nobody knows what."""
    if e >= 0:
        n = _put(out, n, vehicle, e, max(s - 0.02, 0.0), max(s - 0.01, 0.01), t0, t0, LOST)
    if e2 >= 0:
        s2 = min(s2, W.metres[e2] - 0.02)
        n = _put(out, n, vehicle, e2, s2, s2 + 0.01, t1, t1, LOST)
    return n


@bare
def _worked(W, P, out, n, vehicle, e, s, e2, s2, r, t0, t1, v, states, certain, silent, dropped) -> Any:  # type: ignore[no-untyped-def]
    """Lay what lies between two fixes, ``r`` metres, by their ``states``: half belongs to each, or where work began or ended."""
    one, two = states
    mean = r / (t1 - t0)
    vague = one != two and r > 12.0 and silent > 5.0
    cut = r / 2
    if one != two and silent > 5.0:
        cut = _turned(r, t1 - t0, v[0], v[1])
        if e != e2:  # crews switch at junctions: a tie-break inside what is unsure anyway
            leave, arrive = W.metres[e] - s, r - s2
            cut = leave if abs(leave - cut) < abs(arrive - cut) else arrive
    if dropped and mean > P.fastest:  # it hurried, but may have worked for a while before or after that
        slow = min(max((IN_TOWN * (t1 - t0) - r) / (IN_TOWN / P.fastest - 1.0), 0.0), r)
        a = slow if one == 1 else 0.0
        b = max(a, r - slow if two == 1 else r)
        n = _lay(W, out, n, vehicle, e, s, e2, s2, r, 0.0, a, t0, t1, POSSIBLE)
        n = _lay(W, out, n, vehicle, e, s, e2, s2, r, a, b, t0, t1, IDLE)
        n = _lay(W, out, n, vehicle, e, s, e2, s2, r, b, r, t0, t1, POSSIBLE)
        return n
    for half in range(2):
        mine, other = (one, two) if half == 0 else (two, one)
        level = IDLE
        if mine == 1:
            level = SURE if certain and not vague else LIKELY
        elif mine == 2:
            level = TOO_FAST
        elif other == 1 and (vague or dropped) and mean <= P.fastest:
            level = POSSIBLE
        a, b = (0.0, cut) if half == 0 else (cut, r)
        n = _lay(W, out, n, vehicle, e, s, e2, s2, r, a, b, t0, t1, level)
    return n


@bare
def _stretches(W, kept, low, high, quiet, P, state, ce, cs, path, sure, alt, out, n, begin) -> Any:  # type: ignore[no-untyped-def]
    """Project what lies between the fixes of one trip from the one numbered ``begin``; returns where it stopped for want of room."""
    x, y, t, v = kept.x, kept.y, kept.t, kept.speed
    for k in range(begin, high - low - 1):
        if n + ROOM > out.shape[0]:
            return k, n
        i = low + k + 1
        e, s = ce[k, path[k]], cs[k, path[k]]
        e2, s2 = ce[k + 1, path[k + 1]], cs[k + 1, path[k + 1]]
        t0, t1, vehicle = t[i - 1], t[i], kept.vehicle[i]
        one, two = state[i - 1], state[i]
        silent = kept.silent[i]
        dropped = silent > quiet
        r = _led(W, x, y, i, e, s, e2, s2)
        if r > 0.0:
            certain = sure[k] and sure[k + 1] and not dropped
            n = _worked(
                *(W, P, out, n, vehicle, e, s, e2, s2, r, t0, t1),
                *((v[i - 1], v[i]), (one, two), certain, silent, dropped),
            )
        if not (one == 1 or two == 1):
            continue
        if r == 0.0 and dropped and _moved(x, y, i)[0] > STAYED_M:
            n = _unseen(W, out, n, vehicle, e, s, e2, s2, t0, t1)
        if alt[k] >= 0 and alt[k + 1] >= 0:
            e, s = ce[k, alt[k]], cs[k, alt[k]]
            e2, s2 = ce[k + 1, alt[k + 1]], cs[k + 1, alt[k + 1]]
            r = _led(W, x, y, i, e, s, e2, s2)
            if r > 0.0:
                a, b = (0.0 if one == 1 else r / 2), (r if two == 1 else r / 2)
                n = _lay(W, out, n, vehicle, e, s, e2, s2, r, a, b, t0, t1, POSSIBLE)
    return high - low, n


@compiled
def match(G, W, kept, look, P, where, metres) -> Any:  # type: ignore[no-untyped-def]
    """All trips. Fills the edge (`OFF` for none) of every kept fix, and metres along it; returns the stretches (m, 7)."""
    longest = 0
    for i in range(kept.trip.size - 1):
        longest = max(longest, kept.trip[i + 1] - kept.trip[i])
    ce = np.empty((longest, MOST + 1), np.int32)
    cs, cc, best = np.empty((longest, MOST + 1)), np.empty((longest, MOST + 1)), np.empty((longest, MOST + 1))
    count = np.empty(longest, np.int64)
    behind, before = np.empty(MOST + 1), np.empty(MOST + 1)
    path = np.empty(longest, np.int64)
    alt = np.empty(longest, np.int64)
    sure = np.empty(longest, np.bool_)
    out = np.empty((2 * ROOM, 7))
    state = np.empty(kept.t.size, np.int8)
    _states(kept.trip, kept.flag, kept.speed, kept.x, kept.y, P.fastest, P.signal, state)
    n = np.int64(0)  # not a literal, for which Numba would compile all that is called once more
    last, e, s = np.int64(-1), np.int32(OFF), 0.0  # the vehicle's last fix in the trip before
    for i in range(kept.trip.size - 1):
        low, high = kept.trip[i], kept.trip[i + 1]
        if high == low:
            continue
        _forwards(G, W, kept, low, high, look, P, ce, cs, cc, count, best)
        _backwards(W, kept, low, high, P, ce, cs, cc, count, best, behind, before, path, sure, alt)
        if n + ROOM > out.shape[0]:
            out = np.concatenate((out, np.empty_like(out)))
        e2, s2 = ce[0, path[0]], cs[0, path[0]]
        known = last >= 0 and kept.vehicle[last] == kept.vehicle[low]
        moved = known and np.hypot(kept.x[low] - kept.x[last], kept.y[low] - kept.y[last]) > STAYED_M
        if moved and (state[last] == 1 or state[low] == 1):
            n = _unseen(W, out, n, kept.vehicle[low], e, s, e2, s2, kept.t[last], kept.t[low])
        quiet = max(P.silent_s, 2.5 * kept.pace[i])
        k: Any = np.int64(0)
        while k < high - low:
            if n + ROOM > out.shape[0]:
                out = np.concatenate((out, np.empty_like(out)))
            k, n = _stretches(W, kept, low, high, quiet, P, state, ce, cs, path, sure, alt, out, n, k)
        last, e, s = high - 1, ce[high - low - 1, path[high - low - 1]], cs[high - low - 1, path[high - low - 1]]
        for k in range(high - low):
            where[low + k] = ce[k, path[k]]
            metres[low + k] = cs[k, path[k]]
    return out[:n]
