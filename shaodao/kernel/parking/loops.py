"""The loops over positions. What they compute is written in `index`; how bays come to their cells, in `cells`.

Words: an *edge* is a row (ax, ay, bx, by) in metres, the bay on its left. A *quad* is a convex bay of four corners, a row
of eight numbers. A *cell* is a square of the grid; eight by eight of them make a *tile*, and only tiles that some bay
reaches have their cells listed: ``tiles`` says where (0: nowhere, an empty tile). An *entry* is a bay which may matter in a
cell: a quad by its number, any other bay as ``-1 - r`` by a *record* r.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import compiled, inlined

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.int8]
Whole = int | np.int64 | np.int32
Point = tuple[float, float]
Frame = tuple[float, float, float, float, float, float, tuple[float, ...]]
"""Greatest valid longitude and latitude, the middle, the distances from it to the rim, the polynomial of `plane`."""
Tiling = tuple[float, float, float, int, int]
"""West, south, size of a cell, cells in a row, rows."""
Candidates = tuple[Ints, Ints, Ints, Ints, Floats, Ints, Floats]
"""tiles, start, entries, records, near, row_first, row_edges: see `cells.Table`."""

BLOCK: Final = 1024
"""Positions taken together: the arithmetic of all, then the look-ups of all, then their bays. Their arrays stay in L1 and L2."""
PAIRS: Final = 4 * BLOCK
"""Pairs of a position and a quad that are measured together."""

CHUNK: Final = 256
"""Pairs whose eleven numbers are gathered side by side, so that eight at a time are measured; 22 KB stay in the L1 cache."""

MOST_BAYS: Final = 1 << 21
MASK: Final = -MOST_BAYS
"""A *key* is a squared distance (its bits, which as integers have the same order) with the bay's number in the last 21
bits: the least key is the nearest bay and, of equally near ones, the first. Two bays whose common corner is nearest are
equal to the last bit; the cut makes distances within 3 nm of each other at 10 m equal, too."""
NONE: Final = 0x7FF0000000000000
"""The key of no bay at all: an infinite distance, so no less than that of any bay beyond its tolerance."""

SMALL: Final = -(2**30)
FULL: Final = -(2**30) - 1
"""In a record's ``rows``: all edges of a small bay are at hand; the whole cell lies inside the bay, far from its edges."""

OUTSIDE, NEAR, INSIDE, UNCERTAIN, INVALID = 0, 1, 2, 3, 4  # as in `index.Parked`


# --- geometry -----------------------------------------------------------------------------------------------------------


@compiled
def project(u: float, v: float, k: tuple[float, ...]) -> Point:
    """Metres east and north, from differences of longitude and latitude: see `plane`."""
    w = u * u
    x = u * ((k[0] + v * (k[1] + v * (k[2] + v * (k[3] + v * k[4])))) + w * ((k[5] + v * (k[6] + v * k[7])) + w * k[8]))
    y = (
        (k[9] + v * (k[10] + v * (k[11] + v * (k[12] + v * (k[13] + v * k[14])))))
        + w * (k[15] + v * (k[16] + v * (k[17] + v * k[18])))
        + w * w * (k[19] + v * k[20])
    )
    return x, y


@compiled
def project_all(lon: Floats, lat: Floats, middle: Point, k: tuple[float, ...], x: Floats, y: Floats) -> None:
    for i in range(lon.size):
        x[i], y[i] = project(lon[i] - middle[0], lat[i] - middle[1], k)


@inlined
def least(a: float, b: float) -> float:
    """One instruction; the built-in minds NaN and takes three."""
    return a if a < b else b


@inlined
def from_edge(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> Point:
    """Squared distance from an edge, and the side (positive on the left). No branch: the processor would guess wrong.

    Infinite beyond the far end, which is the near end of the next edge; so each corner is measured once, by itself, and
    comes out the same from every bay that has it.
    """
    ex, ey = bx - ax, by - ay
    rx, ry = px - ax, py - ay
    side = ex * ry - ey * rx
    along = ex * rx + ey * ry
    length2 = ex * ex + ey * ey
    d2 = side * side / length2
    d2 = d2 if along < length2 else np.inf
    d2 = rx * rx + ry * ry if along <= 0 else d2
    return d2, side


@inlined
def from_quad(
    px: float, py: float, ax: float, ay: float, bx: float, by: float, cx: float, cy: float, dx: float, dy: float
) -> Point:
    """Squared distance from a quad's boundary, and the least side: not negative where the point is inside."""
    first, left1 = from_edge(px, py, ax, ay, bx, by)
    second, left2 = from_edge(px, py, bx, by, cx, cy)
    third, left3 = from_edge(px, py, cx, cy, dx, dy)
    fourth, left4 = from_edge(px, py, dx, dy, ax, ay)
    return least(least(first, second), least(third, fourth)), least(least(left1, left2), least(left3, left4))


@compiled
def from_edges(px: float, py: float, edges: Floats, first: int, last: int) -> tuple[float, bool]:
    """Squared distance from the nearest of some edges, and whether a ray to the east crosses an odd number of them.

    An edge owns its lower end only, so that a ray through a corner counts rightly.
    """
    best, odd = np.inf, False
    for e in range(first, last):
        ay, by = edges[e, 1], edges[e, 3]
        d2, side = from_edge(px, py, edges[e, 0], ay, edges[e, 2], by)
        best = least(best, d2)
        odd ^= ((ay > py) != (by > py)) & ((side > 0) == (by > ay))
    return best, odd


@compiled
def from_record(
    px: float, py: float, grid: Tiling, r: int, records: Ints, near: Floats, row_first: Ints, row_edges: Floats
) -> tuple[float, bool]:
    """Squared distance from the boundary of a record's bay (infinite where it is far), and whether the point is inside."""
    rows = records[r, 3]
    if rows == FULL:
        return np.inf, True
    d2, odd = from_edges(px, py, near, records[r, 1], records[r, 2])
    if rows != SMALL:
        row = int((py - grid[1]) * (1 / grid[2]))  # as in `locate`
        _, odd = from_edges(px, py, row_edges, row_first[rows + row], row_first[rows + row + 1])
    return d2, odd


# --- positions ----------------------------------------------------------------------------------------------------------


@compiled
def locate(
    base: int,
    many: int,
    lon: Floats,
    lat: Floats,
    frame: Frame,
    grid: Tiling,
    xs: Floats,
    ys: Floats,
    tile: Ints,
    within: Ints,
    kind: Bytes,
) -> None:
    """Metres, tile, cell in the tile, and validity of some positions: plain arithmetic, which becomes vector instructions."""
    most_lon, most_lat, lon0, lat0, half_lon, half_lat, k = frame
    x0, y0, size, nx, ny = grid
    per_metre = 1 / size
    across = np.int32((nx + 7) // 8)
    for i in range(many):
        a, b = lon[base + i], lat[base + i]
        u, v = a - lon0, b - lat0
        x, y = project(u, v, k)
        gx, gy = (x - x0) * per_metre, (y - y0) * per_metre
        # All comparisons are false for NaN.
        known = (abs(u) <= half_lon) & (abs(v) <= half_lat) & (gx >= 0) & (gy >= 0) & (gx < nx) & (gy < ny)
        column, row = np.int32(gx), np.int32(gy)
        tile[i] = (row >> 3) * across + (column >> 3) + 1 if known else 0
        within[i] = ((row & 7) << 3) + (column & 7) if known else 0
        xs[i], ys[i] = x, y
        kind[base + i] = OUTSIDE if (abs(a) <= most_lon) & (abs(b) <= most_lat) else INVALID


@compiled
def measure(
    pairs: Whole,
    of: Ints,
    with_: Ints,
    xs: Floats,
    ys: Floats,
    quads: Floats,
    limits: Floats,
    work: Floats,
    d2s: Floats,
    best: Longs,
) -> None:
    """Measure pairs of a position and a quad, and keep for each position the least key within tolerance."""
    keys = d2s.view(np.int64)
    for base in range(0, pairs, CHUNK):
        many = min(CHUNK, pairs - base)
        for p in range(many):
            i, b = np.uint32(of[base + p]), np.uint32(with_[base + p])
            work[0, p], work[1, p], work[2, p] = xs[i], ys[i], limits[b, 0]
            work[3, p], work[4, p], work[5, p], work[6, p] = quads[b, 0], quads[b, 1], quads[b, 2], quads[b, 3]
            work[7, p], work[8, p], work[9, p], work[10, p] = quads[b, 4], quads[b, 5], quads[b, 6], quads[b, 7]
        for p in range(many):
            ax, ay, bx, by = work[3, p], work[4, p], work[5, p], work[6, p]
            cx, cy, dx, dy = work[7, p], work[8, p], work[9, p], work[10, p]
            d2, left = from_quad(work[0, p], work[1, p], ax, ay, bx, by, cx, cy, dx, dy)
            d2 = 0.0 if left >= 0 else d2
            d2s[p] = d2 if d2 <= work[2, p] else np.inf
        for p in range(many):
            i = np.uint32(of[base + p])
            key = (keys[p] & MASK) | np.int64(with_[base + p])
            best[i] = key if key < best[i] else best[i]


@compiled
def weigh(items: Whole, work: Floats, whose: Ints, parity: Bytes, d2s: Floats, nearest: Floats, odd: Bytes) -> None:
    """Measure single edges and add what they say to their pairs: the least distance, and whether a ray crosses."""
    for q in range(items):
        px, py, ay, by = work[0, q], work[1, q], work[4, q], work[6, q]
        d2, side = from_edge(px, py, work[3, q], ay, work[5, q], by)
        d2s[q] = d2 + work[2, q]
        parity[q] &= ((ay > py) != (by > py)) & ((side > 0) == (by > ay))
    for q in range(items):
        p = np.uint32(whose[q])
        nearest[p] = least(nearest[p], d2s[q])
        odd[p] ^= parity[q]


@compiled
def measure_records(
    pairs: Whole,
    of: Ints,
    with_: Ints,
    xs: Floats,
    ys: Floats,
    grid: Tiling,
    records: Ints,
    near: Floats,
    row_first: Ints,
    row_edges: Floats,
    limits: Floats,
    work: Floats,
    d2s: Floats,
    best: Longs,
) -> None:
    """As `measure`, for pairs of a position and a record, edge by edge: what `from_record` says, many at a time."""
    nearest, odd = np.full(pairs, np.inf), np.zeros(pairs, np.int8)
    whose, parity = np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int8)
    items = np.int64(0)
    for p in range(pairs):
        i, r = of[p], with_[p]
        rows = records[r, 3]
        odd[p] = rows == FULL
        for part in range(1 if rows in (SMALL, FULL) else 2):
            edges, low, high, ignored = near, records[r, 1], records[r, 2], 0.0
            if part == 1:
                row = rows + int((ys[i] - grid[1]) * (1 / grid[2]))  # as in `locate`
                edges, low, high, ignored = row_edges, row_first[row], row_first[row + 1], np.inf
            for e in range(low, high):
                work[0, items], work[1, items], work[2, items] = xs[i], ys[i], ignored
                work[3, items], work[4, items] = edges[e, 0], edges[e, 1]
                work[5, items], work[6, items] = edges[e, 2], edges[e, 3]
                whose[items], parity[items] = p, (rows == SMALL) | (part == 1)
                items += 1
                if items == CHUNK:
                    weigh(items, work, whose, parity, d2s, nearest, odd)
                    items = np.int64(0)
    weigh(items, work, whose, parity, d2s, nearest, odd)
    keys = nearest.view(np.int64)
    for p in range(pairs):
        i, b = of[p], records[with_[p], 0]
        nearest[p] = 0.0 if odd[p] else nearest[p]
        key = (keys[p] & MASK) | b
        best[i] = key if (nearest[p] <= limits[b, 0]) & (key < best[i]) else best[i]


@compiled
def assign(
    lon: Floats,
    lat: Floats,
    frame: Frame,
    grid: Tiling,
    table: Candidates,
    quads: Floats,
    limits: Floats,
    bay: Ints,
    metres: Floats,
    kind: Bytes,
    counts: Longs,
) -> None:
    """Fill ``bay``, ``metres``, ``kind`` and ``counts`` (one longer than the bays: the last counts who has none)."""
    tiles, start, entries, records, near, row_first, row_edges = table
    rest = (records, near, row_first, row_edges)
    nobody = np.int32(counts.size - 1)
    xs, ys, best = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK, np.int64)
    tile, within, hit = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    lows, highs = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    of, with_ = np.empty(PAIRS, np.int32), np.empty(PAIRS, np.int32)
    other_of, other_with = np.empty(PAIRS, np.int32), np.empty(PAIRS, np.int32)
    work, d2s = np.empty((11, CHUNK)), np.empty(CHUNK)
    squares = best.view(np.float64)
    for base in range(0, lon.size, BLOCK):
        many = min(BLOCK, lon.size - base)
        locate(base, many, lon, lat, frame, grid, xs, ys, tile, within, kind)
        hits = 0
        for i in range(many):
            cell = np.uint32(tiles[np.uint32(tile[i])] + within[i])
            low, high = start[cell], start[cell + np.uint32(1)]
            hit[hits], lows[hits], highs[hits] = i, low, high
            hits += high > low
            best[i] = NONE
        pairs, others = np.int64(0), np.int64(0)  # a literal 0 would compile `measure` twice
        for h in range(hits):
            for e in range(lows[h], highs[h]):
                entry = entries[e]
                if entry < 0:
                    other_of[others], other_with[others] = hit[h], -1 - entry
                    others += 1
                else:
                    of[pairs], with_[pairs] = hit[h], entry
                    pairs += 1
                if pairs == PAIRS:
                    measure(pairs, of, with_, xs, ys, quads, limits, work, d2s, best)
                    pairs = np.int64(0)
                if others == PAIRS:
                    measure_records(others, other_of, other_with, xs, ys, grid, *rest, limits, work, d2s, best)
                    others = np.int64(0)
        measure(pairs, of, with_, xs, ys, quads, limits, work, d2s, best)
        measure_records(others, other_of, other_with, xs, ys, grid, *rest, limits, work, d2s, best)
        for i in range(many):
            found = best[i] != NONE
            b = np.int32(best[i] & ~MASK) if found else nobody
            best[i] &= MASK
            bay[base + i] = b if found else -1
            metres[base + i] = np.sqrt(squares[i]) * limits[np.uint32(b), 1]  # NaN for nobody
            kind[base + i] += (INSIDE if best[i] == 0 else NEAR) if found else OUTSIDE
            counts[np.uint32(b)] += 1


@compiled
def assign_with_accuracy(
    lon: Floats,
    lat: Floats,
    accuracy: Floats,
    look: float,
    frame: Frame,
    grid: Tiling,
    table: Candidates,
    longest: int,
    quads: Floats,
    limits: Floats,
    bay: Ints,
    metres: Floats,
    kind: Bytes,
    margin: Floats,
    counts: Longs,
    certain: Longs,
    sigma: Floats,
    sure: Floats,
    wide: Floats,
) -> None:
    """As `assign`, with margins (up to ``look``) and the class *uncertain*; ``longest`` is the most entries of a cell.

    ``sure`` is filled with the confidence of each answer under ``sigma`` (both empty where nobody asks for it); ``wide`` has
    the width of each bay, infinite for nobody.
    """
    tiles, start, entries, records, near, row_first, row_edges = table
    nobody = np.int32(counts.size - 1)
    xs, ys = np.empty(BLOCK), np.empty(BLOCK)
    tile, within = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    away, deep, bays = np.empty(longest), np.empty(longest), np.empty(longest, np.int32)
    square = np.empty(1)
    key = square.view(np.int64)
    for base in range(0, lon.size, BLOCK):
        many = min(BLOCK, lon.size - base)
        locate(base, many, lon, lat, frame, grid, xs, ys, tile, within, kind)
        for i in range(many):
            px, py = xs[i], ys[i]
            cell = tiles[tile[i]] + within[i]
            low, high = start[cell], start[cell + 1]
            best = NONE
            for e in range(low, high):
                b = entries[e]
                if b < 0:
                    r = -1 - b
                    b = records[r, 0]
                    d2, inside = from_record(px, py, grid, r, records, near, row_first, row_edges)
                else:
                    ax, ay, bx, by = quads[b, 0], quads[b, 1], quads[b, 2], quads[b, 3]
                    cx, cy, dx, dy = quads[b, 4], quads[b, 5], quads[b, 6], quads[b, 7]
                    d2, left = from_quad(px, py, ax, ay, bx, by, cx, cy, dx, dy)
                    inside = left >= 0
                edge = np.sqrt(d2) * limits[b, 1]
                bays[e - low], away[e - low], deep[e - low] = b, 0.0 if inside else edge, edge if inside else 0.0
                square[0] = 0.0 if inside else d2
                if square[0] <= limits[b, 0]:
                    best = min(best, (key[0] & MASK) | b)
            who = np.int32(best & ~MASK) if best != NONE else nobody
            key[0] = best & MASK
            own, rival = gaps_of(high - low, who, bays, away, deep, limits)
            safe = max(min(own, rival), 0.0)
            where = base + i
            bay[where] = who if who < nobody else -1
            metres[where] = np.sqrt(square[0]) * limits[who, 1]
            counts[who] += 1
            if kind[where] == INVALID:
                margin[where] = np.nan
                if sure.size:
                    sure[where] = np.nan
                continue
            if sure.size:
                sure[where] = confidence_of(own, rival, limits[who, 2], wide[who], sigma[where], look)
            margin[where] = min(safe, accuracy[where], look)
            if margin[where] < accuracy[where]:
                kind[where] = UNCERTAIN
            else:
                kind[where] = OUTSIDE if who == nobody else (INSIDE if square[0] == 0 else NEAR)
                certain[who] += 1


@compiled
def gaps_of(many: int, who: Whole, bays: Ints, away: Floats, deep: Floats, limits: Floats) -> Point:
    """How far a position may move before its bay is lost to its own tolerance, and before another bay could win it.

    From its bays' distances in metres. A move of m changes each distance by m at most. So another bay cannot win before
    half the difference, nor before the position reaches its tolerance; and the bay itself holds as long as its own
    tolerance, from its edge on, allows. The first is infinite where there is no bay, the second where no other is known.
    """
    own, rival, mine = np.inf, np.inf, 0.0
    for e in range(many):
        if bays[e] == who:
            mine = away[e] - deep[e]
            own = limits[who, 2] - mine
    for e in range(many):
        if bays[e] != who:
            enter = away[e] - limits[bays[e], 2]
            if who < limits.shape[0] - 1:
                enter = max(enter, min((away[e] - mine) / 2, away[e]))
            rival = min(rival, enter)
    return own, rival


@compiled
def confidence_of(own: float, rival: float, tolerance: float, wide: float, sigma: float, look: float) -> float:
    """The probability that an error of ``sigma`` crosses none of the boundaries: see `index.Assignment.confidence`.

    A rival farther than three sigma is taken to be just there: so far, at least, each table knows its bays.
    """
    holds = below(own, sigma)
    if wide < np.inf:
        mine = tolerance - own
        holds -= 1 - below(tolerance + max(wide + mine, -mine), sigma)
    far = min(3 * sigma, look) if sigma > 0 else look
    return max(holds, 0.0) * below(min(rival, far), sigma)


@compiled
def below(gap: float, sigma: float) -> float:
    """The normal distribution function of gap / sigma; without an error 1, and a half on the boundary itself."""
    if sigma <= 0:
        return 1.0 if gap > 0 else 0.5
    return 0.5 * math.erfc(-max(gap, 0.0) / (sigma * math.sqrt(2.0)))
