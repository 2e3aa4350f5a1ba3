"""Lines become segments: checked one by one, split where roads meet, one for each direction.

Roads meet where lines share a vertex (as in every routable network); lines that only cross on the map are a bridge or an
error of drawing, and are left as they are.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.kernel.geodesy import distance_m

Point = tuple[float, float]
Line = list[Point]
DIGITS = 7  # of degrees: a centimetre
SHORTEST_M = 0.1


def length_of(line: Sequence[Point]) -> float:
    """Metres along a line on the ellipsoid."""
    xy = np.asarray(line, dtype=np.float64)
    return float(distance_m(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1]).sum())


def fault(shape: Any) -> str:
    """Why a geometry cannot be a road, or nothing."""
    if shape is None or shape.is_empty:
        return _("没有几何")
    if shape.geom_type not in ("LineString", "MultiLineString"):
        return _("不是线：%(t)s") % {"t": shape.geom_type}
    xy = shapely.get_coordinates(shape)
    if not np.isfinite(xy).all() or (np.abs(xy[:, 0]) > 180).any() or (np.abs(xy[:, 1]) > 90).any():
        return _("经纬度超出范围：应是经度在前、纬度在后的度数，可能写反了或是投影坐标")
    lines = parts(shape)
    if not lines or sum(map(length_of, lines)) < SHORTEST_M:
        return _("长度为零")
    steps = Counter(frozenset(pair) for line in lines for pair in itertools.pairwise(line))
    if any(n > 1 for n in steps.values()):
        return _("与自身重叠：同一段走了两遍，请拆成两条")
    return ""


def parts(shape: Any) -> list[Line]:
    """The lines of a (multi-)line, joined where they can be, rounded, without repeated points."""
    joined = shapely.line_merge(shape, directed=True) if shape.geom_type == "MultiLineString" else shape
    found = []
    for line in getattr(joined, "geoms", [joined]):
        points = [(round(x, DIGITS), round(y, DIGITS)) for x, y in line.coords]
        kept = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
        if len(kept) > 1:
            found.append(kept)
    return found


def junctions(lines: Sequence[Line]) -> set[Point]:
    """Points where lines end, or which two lines share (a line and its way back are one)."""
    ends = {p for line in lines for p in (line[0], line[-1])}
    users: dict[Point, set[int]] = defaultdict(set)
    names: dict[tuple[Point, ...], int] = {}
    for line in lines:
        key = min(tuple(line), tuple(reversed(line)))
        name = names.setdefault(key, len(names))
        for point in line[1:-1]:
            users[point].add(name)
    return ends | {point for point, who in users.items() if len(who) > 1}


def split(line: Line, at: set[Point]) -> Iterator[Line]:
    """A line cut at its inner points that are junctions."""
    start = 0
    for i in range(1, len(line)):
        if i == len(line) - 1 or line[i] in at:
            yield line[start : i + 1]
            start = i


@dataclass(frozen=True)
class Piece:
    """One directed segment: `number` of the part of its feature, `back` against the direction of drawing."""

    line: Line
    length_m: float
    number: int
    of: int
    back: bool


def pieces(lines: Sequence[Line], at: set[Point], oneway: bool) -> list[Piece]:
    """The segments of one feature, in both directions where it is no one-way."""
    cut = [part for line in lines for part in split(line, at)]
    ways = [(n, part, back) for n, part in enumerate(cut, 1) for back in ((False,) if oneway else (False, True))]
    return [Piece(part[::-1] if back else part, length_of(part), n, len(cut), back) for n, part, back in ways]


def directed(lines: Sequence[Sequence[Line]]) -> bool:
    """Does a file draw each direction as a line of its own? It does where a third of its lines have their way back."""
    drawn = {tuple(line) for parts_ in lines for line in parts_}
    there_and_back = sum(1 for line in drawn if line[::-1] in drawn)
    return len(drawn) > 1 and there_and_back * 3 >= len(drawn)
