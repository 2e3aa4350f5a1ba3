"""Carriageways made ready for matching: directed edges on a flat map, a grid to find them by, and who reaches whom.

A *line* is what a map draws. Driven along and, unless it is one-way, against: each direction is a carriageway (*edge*) of
its own that runs ``offset`` metres to the right of the line. Positions along an edge are metres on the line, from the
edge's start. Edges of one road are merged and split into *work units* of 150-400 m (`units`), over which verdicts are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.coverage import reach
from shaodao.kernel.coverage.units import Units, work_units
from shaodao.kernel.geodesy import degrees
from shaodao.kernel.parking.plane import Plane

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

CELL: Final = 25.0
"""Metres, the side of a grid cell."""
LOOK: Final = 32.0
"""Metres from a line within which a fix may belong to it."""
REACH: Final = 600.0
"""Metres of other edges that a vehicle may have driven unseen between two fixes."""
WIDEST: Final = 2.0
"""Degrees: a network wider than this is no district."""


class Grid(NamedTuple):
    """What candidates are found by. ``piece`` (p, 6): first point, unit vector, metres, metres along its line; sorted by line.

    ``driven`` (m, 2) the forward and the backward edge of each line, or -1; ``lane`` (m, 2) metres and offset to the right.
    """

    corner: Floats
    size: NDArray[np.int64]
    cell_first: NDArray[np.int64]
    cell_piece: Ints
    piece: Floats
    line: Ints
    driven: Ints
    lane: Floats


class Ways(NamedTuple):
    """What ways are found by: by edge its metres, last node and other direction (or -1); by node the edges within `REACH`."""

    metres: Floats
    head: Ints
    twin: Ints
    first: NDArray[np.int64]
    edge: Ints
    gap: Floats
    via: Ints


class Edges(NamedTuple):
    """By edge: the line it is on, whether it runs against the drawing direction, its first node."""

    line: Ints
    against: NDArray[np.bool_]
    tail: Ints


class Tables(NamedTuple):
    grid: Grid
    ways: Ways
    edges: Edges


@dataclass(frozen=True, eq=False)
class Network:
    """Make one with `build`; threads may share it."""

    plane: Plane
    tables: Tables
    units: Units

    @classmethod
    def build(
        cls,
        lines: Sequence[NDArray[np.float64]],
        oneway: Sequence[bool],
        offset: Sequence[float],
        road: Sequence[str] | None = None,
        merge: bool = True,
    ) -> Network:
        """Make lines ready.

        Parameters
        ----------
        lines
            m arrays (n, 2) of WGS-84 degrees, longitude first, at least two different points each; lines that meet do so
            at ends that are equal to a tenth of a metre.
        oneway
            (m,) whether only the drawing direction is driven.
        offset
            (m,) metres by which the carriageways run to the right of the line (0 for a line that is the carriageway itself).
        road
            (m,) the road each line belongs to; lines of one road that follow each other may become one work unit. Without
            it, and with ``merge`` off, each carriageway is cut but never merged.

        Raises ValueError that names the row of a line with no length or no degrees, or a network too wide.
        """
        if not len(lines):
            raise ValueError("no roads: nothing can be covered")
        every = np.concatenate([np.asarray(line, dtype=np.float64) for line in lines])
        degrees(every[:, 0], every[:, 1])
        low, high = every.min(axis=0), every.max(axis=0)
        half = (high - low) / 2 + 0.01
        if half.max() > WIDEST:
            raise ValueError(f"the roads spread over {2 * half.max():.1f} degrees: more than a district")
        plane = Plane(float((low + high)[0] / 2), float((low + high)[1] / 2), float(half[0]), float(half[1]))
        shapes = []
        for row, line in enumerate(lines):
            x, y = plane.metres(np.ascontiguousarray(line[:, 0], float), np.ascontiguousarray(line[:, 1], float))
            keep = np.r_[True, np.hypot(np.diff(x), np.diff(y)) > 0.01]
            if keep.sum() < 2:
                raise ValueError(f"row {row}: a line of zero length")
            shapes.append(np.stack([x[keep], y[keep]], axis=1))
        tables = _tables(shapes, np.asarray(oneway, bool), np.asarray(offset, np.float64))
        keys = list(road) if road is not None and merge else [f"#{row}" for row in range(len(lines))]
        return cls(plane, tables, work_units(tables.edges.line, tables.grid.lane[:, 0], _ends(tables, shapes), keys))

    @cached_property
    def unit_length(self) -> Floats:
        return self.units.length

    def edge_of(self, line: int, against: bool = False) -> int:
        """The number of a line's carriageway; -1 where that direction is not driven."""
        return int(self.tables.grid.driven[line, int(against)])

    def metres(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Local metres east and north; NaN for what is no degree or far outside the network."""
        lon, lat = np.ascontiguousarray(lon, float), np.ascontiguousarray(lat, float)
        x, y = self.plane.metres(lon, lat)
        near = (np.abs(lon - self.plane.lon) <= self.plane.half_lon) & (
            np.abs(lat - self.plane.lat) <= self.plane.half_lat
        )
        if not near.all():
            x[~near], y[~near] = np.nan, np.nan
        return x, y


def _ends(tables: Tables, shapes: list[Floats]) -> tuple[Ints, Ints, Floats, Floats]:
    """Of each edge: first and last node, and the unit vectors in which it leaves and arrives."""
    edges = tables.edges
    leave, arrive = np.empty((edges.line.size, 2)), np.empty((edges.line.size, 2))
    for edge, (line, against) in enumerate(zip(edges.line, edges.against, strict=True)):
        way = shapes[line][::-1] if against else shapes[line]
        for out, step in ((leave, way[1] - way[0]), (arrive, way[-1] - way[-2])):
            out[edge] = step / np.hypot(*step)
    return edges.tail, tables.ways.head, leave, arrive


def _tables(shapes: list[Floats], oneway: NDArray[np.bool_], offset: Floats) -> Tables:
    many = len(shapes)
    steps = [np.diff(shape, axis=0) for shape in shapes]
    long = [np.hypot(step[:, 0], step[:, 1]) for step in steps]
    metres = np.array([part.sum() for part in long])
    line = np.repeat(np.arange(many, dtype=np.int32), [part.size for part in long])
    start = np.concatenate([shape[:-1] for shape in shapes])
    flat, step = np.concatenate(long), np.concatenate(steps)
    along = np.concatenate([np.r_[0.0, np.cumsum(part)[:-1]] for part in long])
    ends = np.array([[shape[0], shape[-1]] for shape in shapes])
    node = np.unique(np.round(ends.reshape(-1, 2) * 5).astype(np.int64), axis=0, return_inverse=True)[1].reshape(
        many, 2
    )

    back = np.flatnonzero(~oneway)
    edge_line = np.r_[np.arange(many), back].astype(np.int32)
    against = np.r_[np.zeros(many, bool), np.ones(back.size, bool)]
    backward = np.full(many, -1, np.int32)
    backward[back] = many + np.arange(back.size)
    tail = np.where(against, node[edge_line, 1], node[edge_line, 0]).astype(np.int32)
    head = np.where(against, node[edge_line, 0], node[edge_line, 1]).astype(np.int32)
    twin = np.r_[backward, back].astype(np.int32)
    corner, size, cell_first, cell_piece = _grid(start, step, offset[line])
    ways = Ways(
        metres[edge_line], head, twin, *reach.within(tail, head, metres[edge_line], twin, int(node.max()) + 1, REACH)
    )
    piece = np.ascontiguousarray(np.column_stack([start, step / flat[:, None], flat, along]))
    driven = np.stack([np.arange(many, dtype=np.int32), backward], axis=1)
    lane = np.stack([metres, offset], axis=1)
    grid = Grid(corner, size, cell_first, cell_piece, piece, line, driven, lane)
    return Tables(grid, ways, Edges(edge_line, against, tail))


def _grid(start: Floats, step: Floats, offset: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64], Ints]:
    """Every straight piece in every cell that it comes within `LOOK` (and its offset) of; sorted by cell, then piece."""
    corner = np.minimum(start, start + step).min(axis=0) - LOOK - 2 * CELL - offset.max()
    high = np.maximum(start, start + step).max(axis=0) + LOOK + 2 * CELL + offset.max()
    size = np.ceil((high - corner) / CELL).astype(np.int64) + 1
    cells, pieces = [], []
    # Walk each piece in steps of half a cell and take the cells around: simple, and done once for a network.
    many = np.ceil(np.hypot(step[:, 0], step[:, 1]) / (CELL / 2)).astype(int) + 1
    piece = np.repeat(np.arange(len(start)), many)
    share = np.concatenate([np.linspace(0, 1, n) for n in many])
    at = start[piece] + step[piece] * share[:, None]
    far = int(np.ceil((LOOK + offset.max() + CELL / 4) / CELL))
    centre = np.floor((at - corner) / CELL).astype(np.int64)
    for i in range(-far, far + 1):
        for j in range(-far, far + 1):
            cell = centre + np.array([i, j])
            middle = corner + (cell + 0.5) * CELL
            near = np.abs(at - middle).max(axis=1) <= LOOK + offset[piece] + CELL * 0.75
            cells.append(cell[near, 1] * size[0] + cell[near, 0])
            pieces.append(piece[near])
    pair = np.unique(np.stack([np.concatenate(cells), np.concatenate(pieces)], axis=1), axis=0)
    first = np.searchsorted(pair[:, 0], np.arange(size[0] * size[1] + 1)).astype(np.int64)
    return corner, size, first, pair[:, 1].astype(np.int32)
