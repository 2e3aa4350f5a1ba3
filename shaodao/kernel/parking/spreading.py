"""The loops that spread bays over the grid: see `cells`, and `loops` for the words.

Distances here only decide which cells a bay is listed in, always with a little to spare; `loops` measures again.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Tiling = tuple[float, float, float, int, int]
"""West, south, size of a cell, cells in a row, rows."""

DIAGONAL: Final = 0.7072
"""From the centre of a cell to its corner, in sizes; rounded up."""
PARTS: Final = 2
"""See `needed`. More parts drop more bays and take longer."""
SMALL: Final = -(2**30)  # as in `cells`
FULL: Final = -(2**30) - 1


@compiled
def from_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Squared distance from an edge, both ends included."""
    ex, ey, rx, ry = bx - ax, by - ay, px - ax, py - ay
    along = min(max((ex * rx + ey * ry) / (ex * ex + ey * ey), 0.0), 1.0)
    return (rx - along * ex) ** 2 + (ry - along * ey) ** 2


@compiled
def from_bay(px: float, py: float, edges: Floats, first: int, last: int) -> float:
    """Squared distance from a bay given by all its edges, 0 inside."""
    best, odd = np.inf, False
    for e in range(first, last):
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        best = min(best, from_segment(px, py, ax, ay, bx, by))
        left = (bx - ax) * (py - ay) > (by - ay) * (px - ax)
        odd ^= ((ay > py) != (by > py)) and (left == (by > ay))
    return 0.0 if odd else best


@compiled
def cell_of(row: int, column: int, grid: Tiling, tiles: Ints) -> int:
    """Where a cell stands in ``start``."""
    tile = (row >> 3) * ((grid[3] + 7) // 8) + (column >> 3) + 1
    return int(tiles[tile]) + ((row & 7) << 3) + (column & 7)


@compiled
def box(own: Floats, reach: float, grid: Tiling) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the cells within ``reach`` of the rectangle around some edges."""
    x0, y0, size, nx, ny = grid
    left, right, bottom, top = np.inf, -np.inf, np.inf, -np.inf
    for e in range(own.shape[0]):
        left, right = min(left, own[e, 0]), max(right, own[e, 0])
        bottom, top = min(bottom, own[e, 1]), max(top, own[e, 1])
    return (
        max(int((bottom - reach - y0) / size), 0),
        min(int((top + reach - y0) / size), ny - 1),
        max(int((left - reach - x0) / size), 0),
        min(int((right + reach - x0) / size), nx - 1),
    )


@compiled
def tile_up(
    edges: Floats, first: Ints, given: NDArray[np.bool_], reach: Floats, rows: Ints, columns: Ints, grid: Tiling
) -> tuple[Ints, int]:
    """Number the tiles that bays reach: for each tile, and for "none" before the first, its first cell, and how many cells.

    Bays that are ``given`` reach exactly the cells in ``rows`` and ``columns``; the others, a rectangle.
    """
    across = (grid[3] + 7) // 8
    tiles = np.zeros(across * ((grid[4] + 7) // 8) + 1, np.int32)
    for b in range(given.size):
        if not given[b]:
            bottom, top, left, right = box(edges[first[b] : first[b + 1]], reach[b], grid)
            for row in range(bottom >> 3, (top >> 3) + 1):
                for column in range(left >> 3, (right >> 3) + 1):
                    tiles[row * across + column + 1] = 1
    for c in range(rows.size):
        tiles[(rows[c] >> 3) * across + (columns[c] >> 3) + 1] = 1
    cells = 64
    for t in range(tiles.size):
        if tiles[t]:
            tiles[t] = cells
            cells += 64
    return tiles, cells


@compiled
def spread(
    edges: Floats,
    first: Ints,
    codes: Ints,
    given: NDArray[np.bool_],
    reach: Floats,
    rows: Ints,
    columns: Ints,
    extra: Ints,
    grid: Tiling,
    tiles: Ints,
    cells: int,
) -> tuple[Ints, Ints]:
    """Entries of all cells, ``start[c]`` to ``start[c + 1]`` those of cell c.

    A bay's entry is its code, in all cells within its reach; for bays that are ``given``, the entries ``extra`` in the
    cells ``rows``, ``columns``.
    """
    x0, y0, size, _, _ = grid
    start = np.zeros(cells + 1, np.int32)
    cursor = start
    entries = np.empty(0, np.int32)
    centre = size * DIAGONAL
    for filling in (False, True):
        if filling:
            total = 0
            for c in range(start.size):
                here = start[c]
                start[c] = total
                total += here
            cursor, entries = start.copy(), np.empty(total, np.int32)
        for b in range(codes.size):
            if given[b]:
                continue
            low, high, limit = first[b], first[b + 1], (reach[b] + centre) ** 2
            bottom, top, left, right = box(edges[low:high], reach[b], grid)
            for row in range(bottom, top + 1):
                for column in range(left, right + 1):
                    if from_bay(x0 + (column + 0.5) * size, y0 + (row + 0.5) * size, edges, low, high) <= limit:
                        c = cell_of(row, column, grid, tiles)
                        if filling:
                            entries[cursor[c]] = codes[b]
                        cursor[c] += 1
        for o in range(extra.size):
            c = cell_of(rows[o], columns[o], grid, tiles)
            if filling:
                entries[cursor[c]] = extra[o]
            cursor[c] += 1
    return start, entries


@compiled
def needed(
    own: Ints,
    corner: tuple[float, float],
    size: float,
    records: Ints,
    edges: Floats,
    first: Ints,
    limits: Floats,
    bays: Ints,
    away: Floats,
    kept: NDArray[np.bool_],
) -> None:
    """Which of a cell's ``own`` entries are the answer somewhere in it: marks them in ``kept`` (the rest is scratch).

    Within a part of the cell a distance differs from that at the part's centre by half its diagonal at most. Of bays with
    different tolerances only one of the most tolerant can push out others. Bays of many edges stay; where the cell lies
    inside one, others that are farther go.
    """
    half, tolerant = size * DIAGONAL / PARTS, -1.0
    for e in range(own.size):
        rows = SMALL if own[e] >= 0 else records[-1 - own[e], 3]
        bays[e] = own[e] if own[e] >= 0 else records[-1 - own[e], 0]
        kept[e] = rows != SMALL
        away[e] = 0.0 if rows == FULL else np.inf
        if rows in (SMALL, FULL):
            tolerant = max(tolerant, limits[bays[e], 2])
    for part in range(PARTS * PARTS):
        x, y = corner[0] + (part % PARTS + 0.5) * size / PARTS, corner[1] + (part // PARTS + 0.5) * size / PARTS
        nearest = np.inf
        for e in range(own.size):
            b = bays[e]
            if own[e] >= 0 or records[-1 - own[e], 3] == SMALL:
                away[e] = np.sqrt(from_bay(x, y, edges, first[b], first[b + 1]))
            if limits[b, 2] == tolerant:
                nearest = min(nearest, away[e])
        for e in range(own.size):
            kept[e] |= away[e] - half <= min(nearest + half, np.sqrt(limits[bays[e], 0]))


@compiled
def thin(
    start: Ints, entries: Ints, tiles: Ints, records: Ints, edges: Floats, first: Ints, limits: Floats, grid: Tiling
) -> tuple[Ints, Ints]:
    """Drop from each cell the bays that are the answer nowhere in it: too far, or some other is always nearer."""
    x0, y0, size, nx, _ = grid
    across = (nx + 7) // 8
    new_start, new_entries = np.zeros(start.size, np.int32), np.empty(entries.size, np.int32)
    longest, found = 0, 0
    for c in range(start.size - 1):
        longest = max(longest, start[c + 1] - start[c])
    bays, away, kept = np.empty(longest, np.int32), np.empty(longest), np.empty(longest, np.bool_)
    for t in range(1, tiles.size):
        for within in range(64 if tiles[t] else 0):
            c = tiles[t] + within
            new_start[c] = found
            own = entries[start[c] : start[c + 1]]
            column, row = (t - 1) % across * 8 + (within & 7), (t - 1) // across * 8 + (within >> 3)
            corner = (x0 + column * size, y0 + row * size)
            needed(own, corner, size, records, edges, first, limits, bays, away, kept)
            for e in range(own.size):
                if kept[e]:
                    new_entries[found] = own[e]
                    found += 1
    new_start[-1] = found
    return new_start, new_entries[:found].copy()


@compiled
def touched(edges: Floats, which: Ints, reach: Floats, grid: Tiling) -> tuple[Ints, Ints, Ints]:
    """All cells within ``reach`` of each of the edges ``which``: rows, columns, places in ``which``."""
    x0, y0, size, nx, ny = grid
    rows, columns, places = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32)
    for filling in (False, True):
        found = 0
        for w in range(which.size):
            ax, ay, bx, by = (
                edges[which[w], 0] - x0,
                edges[which[w], 1] - y0,
                edges[which[w], 2] - x0,
                edges[which[w], 3] - y0,
            )
            far = reach[w] + size * DIAGONAL
            for row in range(max(int((min(ay, by) - far) / size), 0), min(int((max(ay, by) + far) / size), ny - 1) + 1):
                # The part of the edge within reach of this row of cells.
                begin, end = 0.0, 1.0
                if ay != by:
                    s, t = (row * size - far - ay) / (by - ay), ((row + 1) * size + far - ay) / (by - ay)
                    begin, end = max(min(s, t), 0.0), min(max(s, t), 1.0)
                west, east = ax + begin * (bx - ax), ax + end * (bx - ax)
                left, right = min(west, east) - far, max(west, east) + far
                for column in range(max(int(left / size), 0), min(int(right / size), nx - 1) + 1):
                    px, py = (column + 0.5) * size, (row + 0.5) * size
                    if from_segment(px, py, ax, ay, bx, by) <= far * far:
                        if filling:
                            rows[found], columns[found], places[found] = row, column, w
                        found += 1
        if not filling:
            rows, columns, places = np.empty(found, np.int32), np.empty(found, np.int32), np.empty(found, np.int32)
    return rows, columns, places


@compiled
def filled(
    edges: Floats, first: Ints, bays: Ints, known: Ints, rows: Ints, columns: Ints, grid: Tiling
) -> tuple[Ints, Ints, Ints]:
    """Cells wholly inside each of the ``bays``: rows, columns, places in ``bays``.

    ``known[w]`` to ``known[w + 1]`` are the cells, row by row, that bay w's edges come near and which are left out.
    """
    x0, y0, size, nx, _ = grid
    inner_rows, inner_columns, places = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32)
    turns = np.zeros(nx + 1, np.int8)
    for filling in (False, True):
        found = 0
        for w in range(bays.size):
            low, high = first[bays[w]], first[bays[w] + 1]
            bottom, top, left, right = box(edges[low:high], 0.0, grid)
            t, end = known[w], known[w + 1]
            for row in range(bottom, top + 1):
                # Walk along the centres of the row's cells; the outline turns outside into inside and back.
                turns[left : right + 2] = 0
                y = y0 + (row + 0.5) * size
                for e in range(low, high):
                    ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
                    if (ay > y) != (by > y):
                        cut = ax + (y - ay) / (by - ay) * (bx - ax)
                        turns[min(max(int((cut - x0) / size + 0.5), left), right + 1)] ^= 1
                while t < end and rows[t] < row:
                    t += 1
                inside = 0
                for column in range(left, right + 1):
                    inside ^= turns[column]
                    while t < end and rows[t] == row and columns[t] < column:
                        t += 1
                    near = t < end and rows[t] == row and columns[t] == column
                    if inside and not near:
                        if filling:
                            inner_rows[found], inner_columns[found], places[found] = row, column, w
                        found += 1
        if not filling:
            inner_rows, inner_columns = np.empty(found, np.int32), np.empty(found, np.int32)
            places = np.empty(found, np.int32)
    return inner_rows, inner_columns, places
