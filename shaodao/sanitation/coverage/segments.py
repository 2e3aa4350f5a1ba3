"""Roads of a file as a network for the coverage kernel: cut where they meet, put together again for the answer.

Verdicts here are over the file's own segments, a direction each, however the kernel's network cuts them.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.foundation.maps import Unreadable
from shaodao.kernel.coverage import Network
from shaodao.kernel.coverage.units import Units
from shaodao.sanitation.coverage.tracks import Faults
from shaodao.sanitation.roads import files, network
from shaodao.sanitation.roads.network import Line, Point

IDS: Final = (
    *files.IDS,
    "segment",
    "segment_id",
    "seg_id",
    "segmentid",
    "link_id",
    "way_id",
    "edge_id",
    "路段",
    "路段编号",
)
NAMES: Final = ("name", "road_name", "名称", "道路名称", "路名", "road", "road_id", "road_code")
WIDTHS: Final = ("width_m", "width", "road_width", "carriageway_width", "宽度", "路宽")
ALONG: Final = {"true", "yes", "1", "1.0", "t", "y", "forward", "ft", "f", "单向", "是"}
AGAINST: Final = {"-1", "-1.0", "reverse", "backward", "tf"}
BOTH: Final = {"false", "no", "0", "0.0", "n", "both", "b", "two-way", "twoway", "双向", "否"}
LANE_M: Final = 3.5
TOUCH_M: Final = 0.5
TINY: Final = 3e-7  # degrees: a few centimetres, which the kernel takes for no line
ABOVE: Final = ("bridge", "tunnel", "layer", "level")


@dataclass(frozen=True)
class Segment:
    """One direction of a feature of the file; ``ways`` are lines of the network and whether they are driven against."""

    id: str
    row: int
    name: str
    direction: str
    ways: list[tuple[int, bool]]


@dataclass(eq=False)
class Roads:
    """``network`` has the segments as its units: unit i is ``segments[i]``. ``lines`` are its lines, in WGS-84 degrees."""

    network: Network
    segments: list[Segment]
    lines: list[NDArray[np.float64]]
    oneway: list[bool]
    offset: list[float]
    read: int
    faults: Faults
    warnings: list[dict[str, Any]]

    def place(self, unit: int, metres: float) -> tuple[float, float]:
        """Longitude and latitude so many metres from the start of a segment, on the line that was drawn."""
        units, edges = self.network.units, self.network.tables.edges
        parts = slice(units.first[unit], units.first[unit + 1])
        n = int(np.clip(np.searchsorted(units.part_at[parts], metres, side="right") - 1, 0, None)) + int(
            units.first[unit]
        )
        edge = int(units.part_edge[n])
        line = self.lines[int(edges.line[edge])][:: -1 if edges.against[edge] else 1]
        x, y = self.network.metres(line[:, 0], line[:, 1])
        along = np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
        at = metres - float(units.part_at[n])
        return round(float(np.interp(at, along, line[:, 0])), 7), round(float(np.interp(at, along, line[:, 1])), 7)


@dataclass(frozen=True)
class _Road:
    """A feature that can be used: its lines, and in which directions they are driven."""

    feature: files.Feature
    lines: list[Line]
    directions: tuple[bool, ...]  # against
    half: float  # metres from the line to the middle of a carriageway of a road in both directions


def read(path: Path, *, datum: str = "WGS-84", oneway: str = "file") -> Roads:
    """The segments of a file of roads. Raises Unreadable where none can be used.

    oneway: "file" takes what the file says, and both directions where it says nothing; "yes" and "no" are for all.
    """
    features = files.read(path, datum, IDS)
    faults, warnings = Faults(), []  # type: Faults, list[dict[str, Any]]
    usable = []
    for feature in features:
        feature = _lines_only(feature)  # noqa: PLW2901
        why = feature.why or network.fault(feature.shape)
        if why:
            kind = "no_geometry" if feature.shape is None or feature.shape.is_empty else "geometry"
            faults.add(kind, f"{feature.id}: {why}" if feature.id else why, [feature.row])
        else:
            usable.append((feature, network.parts(feature.shape)))
    if not usable:
        first = faults.listed[0]["what"] if faults.listed else _("没有要素")
        raise Unreadable(_("路网文件没有可用的路：%(why)s") % {"why": first})
    drawn = network.directed([lines for _feature, lines in usable])
    roads, silent = [], 0
    twice: set[tuple[Point, ...]] = set()
    for feature, lines in usable:
        directions, said = _directions(feature, oneway, drawn, tuple(lines[0]) in twice)
        twice.add(tuple(lines[0]))
        silent += not said
        roads.append(_Road(feature, lines, directions, _half(feature.values)))
    if drawn:
        warnings.append({"kind": "directed", "what": _("每个方向各画一条线：按单向读")})
    elif silent:
        warnings.append(
            {
                "kind": "twoway",
                "what": _("%(n)d 条路没有写是否单向，按双向计，每个方向各一行（单向请用 --oneway yes）")
                % {"n": silent},
            }
        )
    try:
        return _built(roads, len(features), faults, warnings)
    except ValueError as error:
        raise Unreadable(_("路网用不了：%(why)s") % {"why": error}) from None


def _lines_only(feature: files.Feature) -> files.Feature:
    """Of a collection, its lines."""
    if feature.shape is None or feature.shape.geom_type != "GeometryCollection":
        return feature
    lines = [part for part in _flat(feature.shape) if part.geom_type == "LineString"]
    return replace(feature, shape=shapely.MultiLineString(lines)) if lines else feature


def _flat(shape: Any) -> list[Any]:
    return [leaf for part in shape.geoms for leaf in _flat(part)] if hasattr(shape, "geoms") else [shape]


def _directions(feature: files.Feature, oneway: str, drawn: bool, again: bool) -> tuple[tuple[bool, ...], bool]:
    """In which directions (against drawing?) a feature is driven, and whether the file said so."""
    if oneway != "file":
        return ((False,) if oneway == "yes" else (False, True)), True
    for name in ("oneway", "one_way", "单向", "direction", "dir", "方向"):
        said = str(feature.values.get(name) if feature.values.get(name) is not None else "").strip().lower()
        if said in BOTH:
            return (False, True), True
        if name in (
            "direction",
            "dir",
            "方向",
        ):  # a row for each direction: the line is drawn as it is driven, unless drawn twice alike
            if said:
                return (again and said not in ALONG,), True
        elif said in ALONG:
            return (False,), True
        elif said in AGAINST:
            return (True,), True
    return ((False,) if drawn else (False, True)), drawn


def _half(values: dict[str, Any]) -> float:
    """From the road's width, else its lanes, else a lane."""
    width = next((found for name in WIDTHS if (found := _number(values.get(name)))), None)
    lanes = _number(values.get("lanes"))
    return float(np.clip(width / 4 if width else lanes * LANE_M / 4 if lanes else LANE_M, 1.5, 15.0))


def _number(value: Any) -> float | None:
    try:
        found = float(str(value).strip().rstrip("mM米 ").strip())
    except ValueError:
        return None
    return found if 0 < found < 1000 else None


def _built(roads: list[_Road], read: int, faults: Faults, warnings: list[dict[str, Any]]) -> Roads:
    unique: dict[tuple[Point, ...], int] = {}
    raised: list[bool] = []
    for road in roads:
        for line in road.lines:
            if (tuple(line) not in unique) and (tuple(line[::-1]) not in unique):
                unique[tuple(line)] = len(raised)
                raised.append(
                    any(str(road.feature.values.get(n) or "").lower() not in ("", "no", "0", "f") for n in ABOVE)
                )
    lines, added = joined([list(line) for line in unique], raised)
    if added:
        warnings.append(
            {"kind": "joined", "what": _("%(n)d 处相交或相接而没有共同的点，按路口计（桥梁、隧道除外）") % {"n": added}}
        )
    at = network.junctions(lines)
    pieces: list[Line] = []
    of: list[list[int]] = []
    for line in lines:
        cut = [part for part in network.split(line, at) if len(part) > 2 or math.dist(*part) > TINY]
        of.append(list(range(len(pieces), len(pieces) + len(cut))))
        pieces += cut
    segments, half = [], np.zeros(len(pieces))
    for road in roads:
        ways: list[tuple[int, bool]] = []
        for line in road.lines:
            with_it = tuple(line) in unique
            mine = of[unique[tuple(line) if with_it else tuple(line[::-1])]]
            ways += [(piece, not with_it) for piece in (mine if with_it else mine[::-1])]
        half[[piece for piece, _back in ways]] = road.half
        for back in road.directions:
            driven = [(piece, against ^ back) for piece, against in (ways[::-1] if back else ways)]
            name = next((str(v) for n in NAMES if (v := road.feature.values.get(n)) not in (None, "")), "")
            id = road.feature.id or files.shown(name) or f"{road.feature.row}"
            segments.append(Segment(id, road.feature.row, files.shown(name), "backward" if back else "forward", driven))
    return _network(segments, pieces, half, read, faults, warnings)


def _network(
    segments: list[Segment],
    pieces: list[Line],
    half: NDArray[np.float64],
    read: int,
    faults: Faults,
    warnings: list[dict[str, Any]],
) -> Roads:
    many = Counter(way for segment in segments for way in segment.ways)
    used = set(many)
    if twice := [segment for segment in segments if all(many[way] > 1 for way in segment.ways)]:
        what = _("%(n)d 行画的是同一条线、同一方向，各计一次：%(ids)s")
        ids = ", ".join(dict.fromkeys(segment.id for segment in twice[:10]))
        warnings.append({"kind": "drawn_twice", "what": what % {"n": len(twice), "ids": ids}})
    turned = [(n, False) not in used for n in range(len(pieces))]  # only driven against: drawn the other way round
    oneway = [not ((n, False) in used and (n, True) in used) for n in range(len(pieces))]
    lines = [np.array(piece[::-1] if turn else piece) for piece, turn in zip(pieces, turned, strict=True)]
    offset = [0.0 if one else float(far) for one, far in zip(oneway, half, strict=True)]
    net = Network.build(lines, oneway, offset, merge=False)
    edges = [[net.edge_of(line, against ^ turned[line]) for line, against in segment.ways] for segment in segments]
    return Roads(
        replace(net, units=_units(edges, net.tables.ways.metres)),
        segments,
        lines,
        oneway,
        offset,
        read,
        faults,
        warnings,
    )


def _units(edges: Sequence[Sequence[int]], metres: NDArray[np.float64]) -> Units:
    """Each list of edges as one unit."""
    many = np.array([len(row) for row in edges])
    on = np.array(list(itertools.chain.from_iterable(edges)), np.int32)
    long = metres[on]
    first = np.r_[0, np.cumsum(many)].astype(np.int64)
    begins = np.r_[0.0, np.cumsum(long)]
    of = np.repeat(np.arange(len(edges), dtype=np.int32), many)
    order = np.argsort(on, kind="stable").astype(np.int64)
    return Units(
        *(
            begins[first[1:]] - begins[first[:-1]],
            first,
            on,
            np.zeros(on.size),
            long,
            begins[:-1] - begins[first[:-1]][of],
            of,
        ),
        *(np.searchsorted(on[order], np.arange(metres.size + 1)).astype(np.int64), order),
    )


# ── lines that meet where they have no common point ──────────────────────────────────────────────────────────────


def joined(lines: list[Line], raised: Sequence[bool]) -> tuple[list[Line], int]:
    """Lines with a common point wherever one ends on another, or two cross and neither is ``raised`` on a bridge or in a tunnel.

    Returns them and how many places that were. Where most roads do share points, those that only cross are a bridge that
    the file does not name, and stay apart; a file that is drawn with common points so comes back as it is.
    """
    shapes = np.array([shapely.LineString(line) for line in lines], dtype=object)
    tree = shapely.STRtree(shapes)
    middle = np.radians(float(np.mean([line[0][1] for line in lines])))
    near = TOUCH_M / 111_320 / max(float(np.cos(middle)), 0.1)
    vertices = [set(line) for line in lines]
    added: list[list[Point]] = [[] for _line in lines]
    moved: dict[Point, Point] = {}

    def close(line: int, point: Point) -> Point | None:
        """The line's own point there, if it has one."""
        if point in vertices[line]:
            return point
        own = [*lines[line], *added[line]]
        xy = np.array(own)
        d = np.hypot(xy[:, 0] - point[0], xy[:, 1] - point[1])
        return own[int(d.argmin())] if d.min() <= near else None

    ends = [(n, point) for n, line in enumerate(lines) for point in (line[0], line[-1])]
    found = tree.query(shapely.points([p for _n, p in ends]), predicate="dwithin", distance=near)
    for end, line in found.T.tolist():
        owner, point = ends[end]
        if owner == line or point in vertices[line] or point in moved:
            continue
        there = close(line, point)
        if there is None:
            added[line].append(point)
        elif there not in moved:
            moved[point] = there
    a, b = tree.query(shapes, predicate="crosses")
    pairs = [(i, j) for i, j in zip(a.tolist(), b.tolist(), strict=True) if i < j and not raised[i] and not raised[j]]
    users = Counter(point for row in vertices for point in row)
    if len(pairs) * 4 < sum(many > 1 for many in users.values()):
        pairs = []
    where = shapely.intersection(shapes[[i for i, _j in pairs]], shapes[[j for _i, j in pairs]])
    for (i, j), shape in zip(pairs, where, strict=True):
        for x, y in shapely.get_coordinates(shape):
            point = (round(x, network.DIGITS), round(y, network.DIGITS))
            one, other = close(i, point), close(j, point)
            if one is not None and other is not None:
                continue  # they meet there already, or their ends do
            for line, own in ((i, one), (j, other)):
                if own is None:
                    added[line].append(one or other or point)
    if not moved and not any(added):
        return lines, 0
    places = {point for row in added for point in row} | set(moved)
    return [_with(line, shapes[n], added[n], moved) for n, line in enumerate(lines)], len(places)


def _with(line: Line, shape: Any, points: list[Point], moved: dict[Point, Point]) -> Line:
    if points:
        at = shapely.line_locate_point(shape, shapely.points([*line, *points]))
        at[: len(line)] = np.r_[
            0.0, np.cumsum([np.hypot(q[0] - p[0], q[1] - p[1]) for p, q in itertools.pairwise(line)])
        ]
        every = [*line, *points]
        line = [every[n] for n in np.argsort(at, kind="stable")]
    there = [moved.get(point, point) for point in line]
    kept = [p for n, p in enumerate(there) if n == 0 or p != there[n - 1]]
    return kept if len(kept) > 1 else line
