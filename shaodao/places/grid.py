"""The unit grid that is generated where a district has no surveyed one: always the same cells for the same pack.

Square cells on a lattice of whole micro-degrees, kept where their centre lies inside the outline, split by k-d
bisection first among streets and then among each street's communities, mended so that every part is in one piece.
Pure arithmetic on arrays: no database, no files.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

MICRO = 1_000_000
MOST_CELLS = 999  # of one community: the serial has three digits
NOBODY = -1
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Unit:
    """Somebody who gets a share of cells: a code, a weight, and (optionally) roughly where (lon, lat)."""

    code: str
    weight: float
    seed: tuple[float, float] | None = None


@dataclass(frozen=True)
class Lattice:
    """Cells in reading order (north to south, west to east). `col`, `row`: int arrays of one length; row 0 is the
    northernmost; `west`, `north`: the lattice's corner; `dx`, `dy`: a cell's size; all in micro-degrees."""

    west: int
    north: int
    dx: int
    dy: int
    col: Ints
    row: Ints

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes of the cells' centres, degrees."""
        lon = (self.west + (self.col + 0.5) * self.dx) / MICRO
        lat = (self.north - (self.row + 0.5) * self.dy) / MICRO
        return lon, lat


@dataclass(frozen=True)
class Grid:
    """The unit grid: parallel arrays of 15-digit codes, 12-digit community codes and bounds in micro-degrees."""

    code: list[str]
    community: list[str]
    west: Ints
    south: Ints
    east: Ints
    north: Ints

    def shapes(self, digits: int) -> dict[str, BaseGeometry]:
        """Union of the cells by the first `digits` digits of their community (9: streets, 12: communities), degrees."""
        boxes = shapely.box(self.west, self.south, self.east, self.north)
        keys = np.array([c[:digits] for c in self.community])
        found = {}
        for key in np.unique(keys):
            union = shapely.coverage_union_all(boxes[keys == key])
            found[str(key)] = shapely.transform(shapely.simplify(union, 0), lambda points: points / MICRO)
        return found


def lattice(outline: BaseGeometry, cell_m: float) -> Lattice:
    """Cells of about `cell_m` x `cell_m` metres whose centre lies inside `outline` (WGS-84 degrees)."""
    west, south, east, north = outline.bounds
    middle = math.radians((south + north) / 2)
    per_lat = 111_132.954 - 559.822 * math.cos(2 * middle) + 1.175 * math.cos(4 * middle)  # metres a degree, WGS-84
    per_lon = 111_412.84 * math.cos(middle) - 93.5 * math.cos(3 * middle)
    dx, dy = round(cell_m / per_lon * MICRO), round(cell_m / per_lat * MICRO)
    corner_west, corner_north = math.floor(west * MICRO), math.ceil(north * MICRO)
    cols = math.ceil((east * MICRO - corner_west) / dx)
    rows = math.ceil((corner_north - south * MICRO) / dy)
    row, col = np.divmod(np.arange(cols * rows, dtype=np.int64), cols)
    whole = Lattice(corner_west, corner_north, dx, dy, col, row)
    inside = within(whole, outline)
    return Lattice(corner_west, corner_north, dx, dy, col[inside], row[inside])


def within(cells: Lattice, shape: BaseGeometry) -> NDArray[np.bool_]:
    """Which cells have their centre inside `shape`."""
    shapely.prepare(shape)
    inside: NDArray[np.bool_] = shapely.contains_xy(shape, *cells.centres())
    return inside


def bisect(cells: Lattice, chosen: Ints, units: Sequence[Unit]) -> Ints:
    """Share the `chosen` cells (indices) among `units` by k-d bisection.

    Returns an int array as long as `chosen`: the index of each cell's unit. The longer side is cut; units stand along
    it by their seeds (or as given where a unit has none), and the cut gives each side its weight's share.
    """
    owner = np.full(len(chosen), NOBODY, dtype=np.int64)
    seeded = all(u.seed for u in units)
    work = [(np.arange(len(chosen)), list(range(len(units))))]
    while work:
        here, members = work.pop()
        if len(members) == 1 or not len(here):
            owner[here] = members[0]
            continue
        col, row = cells.col[chosen[here]], cells.row[chosen[here]]
        across = int(np.ptp(col)) >= int(np.ptp(row))
        if seeded:
            members = sorted(members, key=lambda m: (units[m].seed or (0, 0))[0] if across else -units[m].seed[1])  # type: ignore[index]
        order = np.lexsort((row, col) if across else (col, row))
        weights = np.cumsum([units[m].weight for m in members])
        first = int(np.argmin(np.abs(weights[:-1] - weights[-1] / 2))) + 1
        cut = round(len(here) * weights[first - 1] / weights[-1])
        cut = min(max(cut, first), max(len(here) - (len(members) - first), 0))
        work.append((here[order[:cut]], members[:first]))
        work.append((here[order[cut:]], members[first:]))
    return owner


def mend(cells: Lattice, owner: Ints, fixed: NDArray[np.bool_] | None = None, group: Ints | None = None) -> Ints:
    """Give splinters to the neighbour with whom they share most border, until every owner's cells hang together.

    Cells of NOBODY and `fixed` cells (a real boundary says so) stay; a splinter only goes to an owner of its `group`.
    """
    owner = owner.copy()
    one, other = _borders(cells)
    group = np.zeros_like(owner) if group is None else group
    keep = np.zeros(len(owner), dtype=bool) if fixed is None else fixed
    allowed = (group[one] == group[other]) & (owner[one] >= 0) & (owner[other] >= 0)
    one, other = one[allowed], other[allowed]
    for _round in range(len(owner)):
        piece = _pieces(one, other, owner)
        size = np.bincount(piece)
        largest = np.zeros(len(size), dtype=bool)
        by_size = np.lexsort((np.arange(len(size)), -size))
        piece_owner = np.empty(len(size), dtype=np.int64)
        piece_owner[piece] = owner
        _values, first = np.unique(piece_owner[by_size], return_index=True)
        largest[by_size[first]] = True
        stray = ~largest[piece] & ~keep & (owner >= 0)
        moved = _move_smallest(one, other, owner, piece, size, stray)
        if not moved:
            break
    return owner


def _move_smallest(one: Ints, other: Ints, owner: Ints, piece: Ints, size: Ints, stray: NDArray[np.bool_]) -> bool:
    """Hand the smallest splinter that has a neighbour to that neighbour; says whether there was one."""
    strays = np.unique(piece[stray])
    for number in strays[np.argsort(size[strays], kind="stable")]:
        mine = piece == number
        touching = np.concatenate([owner[other[mine[one] & ~mine[other]]], owner[one[mine[other] & ~mine[one]]]])
        if len(touching):
            owner[mine] = np.argmax(np.bincount(touching))
            return True
    return False


def _borders(cells: Lattice) -> tuple[Ints, Ints]:
    """Pairs of cells that share an edge."""
    width = int(cells.col.max()) + 2 if len(cells.col) else 1
    place = cells.row * width + cells.col  # ascending, because cells stand in reading order
    pairs = []
    for step in (1, width):
        at = np.searchsorted(place, place + step)
        found = (at < len(place)) & (place[np.minimum(at, len(place) - 1)] == place + step)
        pairs.append((np.flatnonzero(found), at[found]))
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _pieces(one: Ints, other: Ints, owner: Ints) -> Ints:
    """Number of the connected piece that each cell belongs to."""
    same = owner[one] == owner[other]
    ones = np.ones(int(same.sum()), dtype=np.int8)
    graph = coo_array((ones, (one[same], other[same])), shape=(len(owner), len(owner)))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def pieces(cells: Lattice, owner: Ints) -> int:
    """How many connected pieces the owners' areas have in all (equal to the number of owners when all is whole)."""
    return len(np.unique(_pieces(*_borders(cells), owner)[owner >= 0]))


def share(
    cells: Lattice, streets: Sequence[Unit], communities: Mapping[str, Sequence[Unit]], real: Mapping[str, BaseGeometry]
) -> list[str]:
    """The community code of each cell, "" where nobody has it.

    `real` holds surveyed polygons by code: a cell inside a real community belongs to it; inside a real street it is
    shared among that street's communities without polygon; the rest is shared by weight among streets without one.
    """
    everyone = [u for s in streets for u in communities.get(s.code, ())]
    number = {u.code: i for i, u in enumerate(everyone)}
    street_of = _owners(cells, streets, real)
    owner = np.full(len(cells.col), NOBODY, dtype=np.int64)
    for unit in everyone:
        if unit.code in real:
            owner[(owner == NOBODY) & within(cells, real[unit.code])] = number[unit.code]
    fixed = owner >= 0
    for index, street in enumerate(streets):
        open_units = [u for u in communities.get(street.code, ()) if u.code not in real]
        chosen = np.flatnonzero((street_of == index) & ~fixed)
        if open_units and len(chosen):
            local = np.array([number[u.code] for u in open_units])
            owner[chosen] = local[bisect(cells, chosen, open_units)]
    owner = mend(cells, owner, fixed, street_of)
    return [everyone[i].code if i >= 0 else "" for i in owner]


def _owners(cells: Lattice, streets: Sequence[Unit], real: Mapping[str, BaseGeometry]) -> Ints:
    """The street of each cell: inside a real polygon that street, else by weight among the streets without one."""
    owner = np.full(len(cells.col), NOBODY, dtype=np.int64)
    for index, street in enumerate(streets):
        if street.code in real:
            owner[(owner == NOBODY) & within(cells, real[street.code])] = index
    fixed = owner >= 0
    left = [i for i, s in enumerate(streets) if s.code not in real]
    chosen = np.flatnonzero(~fixed)
    if left and len(chosen):
        owner[chosen] = np.array(left)[bisect(cells, chosen, [streets[i] for i in left])]
        owner = mend(cells, owner, fixed)
    return owner


def number_cells(cells: Lattice, community: Sequence[str]) -> Grid:
    """Codes of the cells: community 12 digits + serial 3, counted from north to south and west to east."""
    kept = np.array([i for i, c in enumerate(community) if c], dtype=np.int64)
    counter: dict[str, int] = {}
    codes, owners = [], []
    for i in kept:
        name = community[i]
        counter[name] = counter.get(name, 0) + 1
        codes.append(f"{name}{counter[name]:03d}")
        owners.append(name)
    west = cells.west + cells.col[kept] * cells.dx
    north = cells.north - cells.row[kept] * cells.dy
    return Grid(codes, owners, west, north - cells.dy, west + cells.dx, north)
