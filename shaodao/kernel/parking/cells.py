"""A grid of square cells, and for each cell the bays that a position in it may be near.

Small bays (all real ones) are kept whole: a convex one of four corners as a *quad*, which needs no loop and no branch; any
other as a *record* that lists all its edges. A bay of many edges (a zone, a whole district) gets a record in each cell that
its outline comes near, with only the edges near that cell, a list of its edges in each row of cells for telling inside from
outside, and a record without edges in each cell that lies wholly inside. So a position costs the same whatever the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

SIZE: Final = 5.0
"""Metres, for tolerances about 10 m: most cells near a row of bays then have one or two bays that can be the nearest."""
MOST_ENTRIES: Final = 1 << 22
MOST_TILES: Final = 1 << 22
"""16 MB each. Where a wide reach, large zones or a wide area would need more, cells are larger."""
BIG: Final = 16
"""A bay of more edges is not kept whole."""

SMALL, FULL = -(2**30), -(2**30) - 1  # as in `loops`


@dataclass(frozen=True, eq=False)
class Bays:
    """All bays in metres: edges in order of bays, ``first[b]`` to ``first[b + 1]`` those of bay b."""

    edges: Floats
    first: Ints
    quads: Floats
    is_quad: NDArray[np.bool_]

    @classmethod
    def of(cls, edges: Floats, bay: NDArray[np.intp], begins: NDArray[np.bool_], many: int) -> Bays:
        """Sort out the quads; ``begins`` marks the edges that begin a ring."""
        first = np.searchsorted(bay, np.arange(many + 1)).astype(np.int32)
        rings = np.bincount(bay[begins], minlength=many)
        four = np.flatnonzero((np.diff(first) == 4) & (rings == 1))
        corners = edges[first[four][:, None] + np.arange(4), :2]
        along = np.roll(corners, -1, axis=1) - corners
        after = np.roll(along, -1, axis=1)
        convex = (along[:, :, 0] * after[:, :, 1] - along[:, :, 1] * after[:, :, 0] > 0).all(axis=1)
        quads = np.zeros((many, 8))
        quads[four] = corners.reshape(-1, 8)
        is_quad = np.zeros(many, dtype=np.bool_)
        is_quad[four[convex]] = True
        return cls(edges, first, quads, is_quad)


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of ``size`` metres from the south-west corner (``west``, ``south``), ``nx`` in a row, ``ny`` rows."""

    west: float
    south: float
    size: float
    nx: int
    ny: int

    @classmethod
    def over(cls, bays: Bays, reach: Floats) -> Grid:
        """The grid that holds all bays and what lies within their reach, its cells as small as is worth the memory."""
        if not reach.size:
            return cls(0.0, 0.0, SIZE, 1, 1)
        ends = bays.edges.reshape(-1, 2)
        starts = bays.first[:-1] * 2
        low = np.minimum.reduceat(ends, starts) - reach[:, None] - 1
        high = np.maximum.reduceat(ends, starts) + reach[:, None] + 1
        (west, south), (east, north) = low.min(axis=0), high.max(axis=0)
        size = SIZE
        while ((high - low) / size + 1).prod(axis=1).sum() > MOST_ENTRIES + 64 * reach.size or (east - west) * (
            north - south
        ) > MOST_TILES * 64 * size**2:
            size *= 2
        return cls(float(west), float(south), size, int((east - west) / size) + 1, int((north - south) / size) + 1)

    @property
    def tiling(self) -> tuple[float, float, float, int, int]:
        """As the loops take it."""
        return self.west, self.south, self.size, self.nx, self.ny


@dataclass(frozen=True, eq=False)
class Table:
    """The bays that a position in a cell may be near, as `loops.assign` reads them.

    ``tiles`` leads from a tile to its 64 cells, ``start`` from a cell to its entries. An entry is a quad's number, or
    ``-1 - r`` for the record r: (bay, first edge in ``near``, last, base of its rows in ``row_first``).
    """

    grid: Grid
    tiles: Ints
    start: Ints
    entries: Ints
    records: Ints
    near: Floats
    row_first: Ints
    row_edges: Floats

    @property
    def candidates(self) -> tuple[Ints, Ints, Ints, Ints, Floats, Ints, Floats]:
        """As the loops take it."""
        return self.tiles, self.start, self.entries, self.records, self.near, self.row_first, self.row_edges

    @property
    def longest(self) -> int:
        """The most entries of a cell."""
        return int(np.diff(self.start).max())


def table(bays: Bays, reach: Floats, limits: Floats | None) -> Table:
    """Spread the bays over the cells within ``reach`` (metres in the plane, one for each bay).

    With the ``limits`` that the loops judge by, bays that cannot be the nearest are left out of a cell; for margins they
    are needed.
    """
    from shaodao.kernel.parking import spreading

    grid = Grid.over(bays, reach)
    many = np.diff(bays.first)
    whole = np.flatnonzero(~bays.is_quad & (many <= BIG)).astype(np.int32)
    big = np.flatnonzero(~bays.is_quad & (many > BIG)).astype(np.int32)
    codes = np.arange(many.size, dtype=np.int32)
    codes[whole] = -1 - np.arange(whole.size)
    given = np.zeros(many.size, dtype=np.bool_)
    given[big] = True

    taken, bounds = _ranges(bays.first[whole], many[whole])
    near = [bays.edges[taken]]
    records = [_records(whole, bounds, np.full(whole.size, SMALL))]

    which, _ = _ranges(bays.first[big], many[big])
    of = np.repeat(np.arange(big.size), many[big])
    rows, columns, edge = spreading.touched(bays.edges, which.astype(np.int32), reach[big][of], grid.tiling)
    order = np.lexsort((edge, columns, rows, of[edge]))
    rows, columns, edge = rows[order], columns[order], edge[order]
    begins = np.ones(edge.size, dtype=np.bool_)
    begins[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0) | (np.diff(of[edge]) != 0)
    at = np.flatnonzero(begins)
    owner, bounds = of[edge[at]], taken.size + np.append(at, edge.size)
    near.append(bays.edges[which[edge]])
    rows, columns = rows[at], columns[at]
    known = np.searchsorted(owner, np.arange(big.size + 1)).astype(np.int32)
    base, row_first, row_edges = _rows(bays.edges[which], of, rows, known, grid)
    records.append(_records(big[owner], bounds, base[owner]))

    # One record without edges for each big bay serves all cells inside it.
    inner_rows, inner_columns, places = spreading.filled(bays.edges, bays.first, big, known, rows, columns, grid.tiling)
    records.append(_records(big, np.zeros(big.size + 1, dtype=np.int32), np.full(big.size, FULL)))
    extra = -1 - np.concatenate([np.arange(at.size), at.size + places]).astype(np.int32) - np.int32(whole.size)
    rows, columns = np.concatenate([rows, inner_rows]), np.concatenate([columns, inner_columns])
    tiles, cells = spreading.tile_up(bays.edges, bays.first, given, reach, rows, columns, grid.tiling)
    start, entries = spreading.spread(
        bays.edges, bays.first, codes, given, reach, rows, columns, extra, grid.tiling, tiles, cells
    )
    all_records = np.concatenate(records)
    if limits is not None:
        start, entries = spreading.thin(start, entries, tiles, all_records, bays.edges, bays.first, limits, grid.tiling)
    return Table(grid, tiles, start, entries, all_records, np.concatenate(near), row_first, row_edges)


def _records(bay: NDArray[np.integer], bounds: NDArray[np.integer], rows: NDArray[np.integer]) -> Ints:
    return np.stack([bay, bounds[:-1], bounds[1:], rows], axis=1).astype(np.int32)


def _ranges(first: Ints, many: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The numbers from each ``first`` on, ``many`` of each, in one array; and where each run begins in it, and the end."""
    bounds = np.concatenate([[0], np.cumsum(many)]).astype(np.intp)
    return np.repeat(first - bounds[:-1], many) + np.arange(bounds[-1]), bounds


def _rows(
    edges: Floats, of: NDArray[np.intp], row: NDArray[np.integer], given: Ints, grid: Grid
) -> tuple[NDArray[np.intp], Ints, Floats]:
    """Per big bay and row of cells, the edges that reach into the row: each bay's base, then bounds and edges.

    ``row`` are the rows of all records (``given[w]`` to ``given[w + 1]`` those of bay w): only these are asked for, and
    they hold all edges. Bounds of row r of bay w: ``base[w] + r`` and the next.
    """
    if not edges.size:
        return np.empty(0, dtype=np.intp), np.zeros(1, dtype=np.int32), edges
    lowest, highest = np.minimum.reduceat(row, given[:-1]), np.maximum.reduceat(row, given[:-1])
    offset = np.concatenate([[0], np.cumsum(highest - lowest + 1)])
    base = offset[:-1] - lowest
    slack = 1e-6  # a rounding error must not lose an edge; one too many does no harm
    low = (np.minimum(edges[:, 1], edges[:, 3]) - grid.south - slack) // grid.size
    high = (np.maximum(edges[:, 1], edges[:, 3]) - grid.south + slack) // grid.size
    taken, bounds = _ranges(low.astype(np.int32), (high - low + 1).astype(np.intp))
    edge = np.repeat(np.arange(of.size), np.diff(bounds))
    key = base[of[edge]] + taken
    order = np.argsort(key, kind="stable")
    row_first = np.searchsorted(key[order], np.arange(offset[-1] + 1)).astype(np.int32)
    return base, row_first, cast(Floats, edges[edge[order]])
