"""What is worth a look about bays and zones where they are put: remarks, which keep no bay out. Numbers are the pack's (`siting`).

All bays are looked at as they will stand: those that come in, and those that are there and stay.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy.typing import NDArray
from pyproj import Transformer

from shaodao.bikes.bays.rows import Draft
from shaodao.bikes.settings import SitingSettings
from shaodao.bikes.words import ZoneKind
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.tables import decode
from shaodao.kernel import datum as datums

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
LON = ("lon", "lng", "longitude", "x", "经度")
LAT = ("lat", "latitude", "y", "纬度")
MOST_OUTSIDE = 20
MANY_CORNERS = 100
STRAIGHT_M = 0.1  # what an outline of more corners is made plainer by, where its distance is said in whole metres
NAMES = ("name", "名称", "kind", "类型")


@dataclass(frozen=True)
class Remark:
    """What is worth a look about one row."""

    row: int
    code: str
    kind: str  # overlap, small, large, outside, alone, near, unnamed; of zones also contrary, bays
    what: str

    def as_dict(self) -> dict[str, Any]:
        return {"row": self.row, "code": self.code, "kind": self.kind, "what": self.what}

    def __str__(self) -> str:
        return f"{self.code}: {self.what}" if self.code else self.what


@dataclass(frozen=True, eq=False)
class Points:
    """Places that bays keep away from: exits of the metro, crossings."""

    lon: Floats = field(default_factory=lambda: np.empty(0))
    lat: Floats = field(default_factory=lambda: np.empty(0))
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[tuple[float, float, str]]) -> "Points":
        lon, lat = (np.array([row[k] for row in rows], np.float64) for k in (0, 1))
        return cls(lon, lat, tuple(row[2] for row in rows))

    def __add__(self, other: "Points") -> "Points":
        lon, lat = np.concatenate([self.lon, other.lon]), np.concatenate([self.lat, other.lat])
        return Points(lon, lat, self.names + other.names)


def remarks(
    rows: Sequence[Draft],
    area_m2: Floats,
    outside: NDArray[np.bool_],
    standing: tuple[Sequence[str], Shapes],
    points: Points,
    rules: SitingSettings,
) -> list[Remark]:
    """In the order of the rows. `standing`: codes and areas of the bays that are there and not among the rows."""
    if not rows:
        return []
    codes = [*(row.code for row in rows), *standing[0]]
    shapes = np.concatenate([np.array([row.shape for row in rows], dtype=object), standing[1]])
    plane, scale = _conformal(shapes)
    found = [
        *_about_size(rows, area_m2, rules.smallest_m2, rules.largest_m2),
        *_outside(rows, outside),
        *_overlaps(rows, codes, plane, scale, rules.overlap_m2),
        *_alone(rows, plane, scale, rules.nearest_m),
        *_near(rows, plane, scale, points, rules.clear_m),
    ]
    found += _unnamed(rows, _("没有编码，由边界生成一个：边界一变就是另一个点位"))
    return sorted(found, key=lambda remark: (remark.row, remark.kind))


def _unnamed(rows: Sequence[Draft], what: str) -> list[Remark]:
    return [Remark(row.row, row.code, "unnamed", what) for row in rows if row.unnamed]


@cache
def _mercator() -> Transformer:
    return Transformer.from_crs(4326, 3395, always_xy=True)


def _conformal(shapes: Shapes) -> tuple[Shapes, Floats]:
    """The areas on the Mercator map of the ellipsoid, where each small one keeps its form; and its metres of ground for
    one of the map."""
    bounds = shapely.bounds(shapes)
    sine = np.sin(np.radians((bounds[:, 1] + bounds[:, 3]) / 2))
    scale = np.sqrt(1 - sine**2) / np.sqrt(1 - 0.006_694_379_990_141_3 * sine**2)
    moved = shapely.transform(shapes, lambda xy: np.column_stack(_mercator().transform(xy[:, 0], xy[:, 1])))
    return np.asarray(moved, dtype=object), scale


def _about_size(rows: Sequence[Draft], area_m2: Floats, least: float, most: float) -> Iterator[Remark]:
    for row, area in zip(rows, area_m2, strict=True):
        if area < least:
            said = {"area": f"{area:g}", "least": f"{least:g}"}
            yield Remark(row.row, row.code, "small", _("只有 %(area)s 平方米，不到 %(least)s") % said)
        elif area > most:
            said = {"area": f"{area:.0f}", "most": f"{most:.0f}"}
            yield Remark(row.row, row.code, "large", _("有 %(area)s 平方米，超过 %(most)s") % said)


def _outside(rows: Sequence[Draft], outside: NDArray[np.bool_]) -> Iterator[Remark]:
    """One by one; where most of a file lies outside, that is one remark about the file."""
    many = int(outside.sum())
    if many > MOST_OUTSIDE and many * 2 > len(rows):
        said = {"n": many, "all": len(rows)}
        what = _("%(all)d 个里有 %(n)d 个不在本区网格内：坐标系不对，或不是本区的文件") % said
        yield Remark(0, "", "outside", what)
        return
    for n in np.flatnonzero(outside).tolist():
        yield Remark(rows[n].row, rows[n].code, "outside", _("不在本区网格内：核对坐标系和位置"))


def _overlaps(
    rows: Sequence[Draft], codes: Sequence[str], plane: Shapes, scale: Floats, least_m2: float
) -> Iterator[Remark]:
    """Each pair once, named at the later row."""
    one, other = shapely.STRtree(plane).query(plane[: len(rows)], predicate="intersects")
    pairs = (other < one) | (other >= len(rows))
    one, other = one[pairs], other[pairs]
    shared = shapely.area(shapely.intersection(plane[one], plane[other])) * scale[one] ** 2
    for n in np.flatnonzero(shared > least_m2):
        row = rows[one[n]]
        said = {"code": codes[other[n]], "area": f"{shared[n]:.1f}"}
        yield Remark(row.row, row.code, "overlap", _("与点位 %(code)s 重叠 %(area)s 平方米") % said)


def _alone(rows: Sequence[Draft], plane: Shapes, scale: Floats, most_m: float) -> Iterator[Remark]:
    if len(plane) < 2 or not most_m:
        return
    # The distance of two outlines costs the product of their corners: 11 of 15,000 each took three minutes.
    long = shapely.get_num_coordinates(plane) > MANY_CORNERS
    plane = np.where(long, shapely.simplify(plane, STRAIGHT_M), plane)
    (at, _tree), metres = shapely.STRtree(plane).query_nearest(
        plane[: len(rows)], exclusive=True, return_distance=True, all_matches=False
    )
    for n, away in zip(at, metres * scale[at], strict=True):
        if away > most_m:
            said = {"away": f"{away:.0f}", "most": f"{most_m:g}"}
            yield Remark(rows[n].row, rows[n].code, "alone", _("最近的点位在 %(away)s 米外，超过 %(most)s 米") % said)


def _near(rows: Sequence[Draft], plane: Shapes, scale: Floats, points: Points, least_m: float) -> Iterator[Remark]:
    if not points.lon.size or not least_m:
        return
    there = shapely.points(*_mercator().transform(points.lon, points.lat))
    mine = plane[: len(rows)]
    (at, to), metres = shapely.STRtree(there).query_nearest(mine, return_distance=True, all_matches=False)
    for n, point, away in zip(at, to, metres * scale[at], strict=True):
        if away < least_m:
            said = {"name": points.names[point], "away": f"{away:.0f}", "least": f"{least_m:g}"}
            yield Remark(rows[n].row, rows[n].code, "near", _("离“%(name)s”只有 %(away)s 米，不到 %(least)s 米") % said)


# ── zones ────────────────────────────────────────────────────────────────────────────────────────────────────────

NOBODY_STANDS = (ZoneKind.NO_PARKING, ZoneKind.NO_RIDING)
"""Kinds of zones in which no bike may be left; in a zone with a quota some may."""
NAMED = 5


@dataclass(frozen=True, eq=False)
class Standing:
    """A zone that is in force, or a row that will be: what contradicts another zone, and from when to when."""

    code: str
    shape: Any
    kind: str
    begins_at: datetime | None = None
    ends_at: datetime | None = None

    @classmethod
    def of(cls, row: Draft) -> "Standing":
        said = row.given
        return cls(row.code, row.shape, str(said.get("kind", "")), said.get("begins_at"), said.get("ends_at"))

    def contradicts(self, other: "Standing") -> bool:
        """Does one forbid what the other counts, at some time? Hours of the day are not looked at."""
        if (self.kind in NOBODY_STANDS) == (other.kind in NOBODY_STANDS):
            return False
        return not any(
            a.ends_at and b.begins_at and a.ends_at <= b.begins_at for a, b in ((self, other), (other, self))
        )


def zone_remarks(
    rows: Sequence[Draft],
    area_m2: Floats,
    outside: NDArray[np.bool_],
    standing: Sequence[Standing],
    bays: tuple[Sequence[str], Shapes],
    rules: SitingSettings,
) -> list[Remark]:
    """In the order of the rows. `standing`: the zones that are there and not among the rows; `bays`: codes and areas."""
    if not rows:
        return []
    zones = [*(Standing.of(row) for row in rows), *standing]
    shapes = np.empty(len(zones), dtype=object)
    shapes[:] = [zone.shape for zone in zones]
    plane, scale = _conformal(shapes)
    found = [
        *_about_size(rows, area_m2, rules.zone_smallest_m2, rules.zone_largest_m2),
        *_outside(rows, outside),
        *_contrary(rows, zones, plane, scale, rules.overlap_m2),
        *_swallowed(rows, shapes, bays),
        *_unnamed(rows, _("没有编码，由边界生成一个：边界一变就是另一个围栏")),
    ]
    return sorted(found, key=lambda remark: (remark.row, remark.kind))


def _contrary(
    rows: Sequence[Draft], zones: Sequence[Standing], plane: Shapes, scale: Floats, least_m2: float
) -> Iterator[Remark]:
    """Each pair once, named at the later row."""
    one, other = shapely.STRtree(plane).query(plane[: len(rows)], predicate="intersects")
    pairs = [
        (a, b)
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
        if (b < a or b >= len(rows)) and zones[a].contradicts(zones[b])
    ]
    for a, b in pairs:
        shared = float(shapely.area(shapely.intersection(plane[a], plane[b])) * scale[a] ** 2)
        if shared > least_m2:
            said = {"code": zones[b].code, "area": f"{shared:.0f}", "kind": ZoneKind(zones[b].kind).label}
            what = _("与%(kind)s %(code)s 重叠 %(area)s 平方米：一个不许停，一个许停若干辆") % said
            yield Remark(rows[a].row, rows[a].code, "contrary", what)


def _swallowed(rows: Sequence[Draft], shapes: Shapes, bays: tuple[Sequence[str], Shapes]) -> Iterator[Remark]:
    """Bays that lie wholly in a zone where no bike may be left: whoever parks there as he should would be wrong."""
    codes, areas = bays
    if not len(codes):
        return
    tree = shapely.STRtree(areas)
    for row, shape in zip(rows, shapes, strict=False):
        if row.given.get("kind") in NOBODY_STANDS:
            inside = sorted(codes[n] for n in tree.query(shape, predicate="covers"))
            if inside:
                said = {"n": len(inside), "codes": _("、").join(inside[:NAMED])}
                what = ngettext(
                    "有 %(n)d 个停放点位整个在里面（%(codes)s）：停得对的车也会算违停",
                    "有 %(n)d 个停放点位整个在里面（%(codes)s）：停得对的车也会算违停",
                    len(inside),
                )
                yield Remark(row.row, row.code, "bays", what % said)


# ── points of a file ─────────────────────────────────────────────────────────────────────────────────────────────


def read_points(path: Path, datum: str = "WGS-84") -> Points:
    """CSV with lon, lat and a name, or GeoJSON points. Raises Unreadable."""
    found = Points.of(list(_csv(path) if path.suffix.lower() == ".csv" else _geojson(path)))
    try:
        return Points(*datums.to_wgs84(found.lon, found.lat, datum), found.names)
    except ValueError as error:
        raise Unreadable(f"{path.name}: {error}") from None


def _csv(path: Path) -> Iterator[tuple[float, float, str]]:
    text, problems = decode(path.read_bytes(), path.name)
    if problems:
        raise Unreadable(str(problems[0]))
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names = {name.strip().lower(): name for name in rows.fieldnames or ()}
        lon, lat, called = (next((names[n] for n in among if n in names), None) for among in (LON, LAT, NAMES))
        if lon is None or lat is None:
            raise Unreadable(_("%(file)s 没有经纬度这两列：lon, lat") % {"file": path.name})
        for row in rows:
            yield float(row[lon] or "nan"), float(row[lat] or "nan"), _called(row[called] if called else "")
    except (ValueError, TypeError, csv.Error):
        said = {"file": path.name, "n": rows.line_num}
        raise Unreadable(_("%(file)s 第 %(n)d 行的经纬度不是数字") % said) from None


def _geojson(path: Path) -> Iterator[tuple[float, float, str]]:
    try:
        for feature in json.loads(path.read_bytes())["features"]:
            lon, lat = feature["geometry"]["coordinates"][:2]
            values = feature.get("properties") or {}
            yield float(lon), float(lat), _called(next((values[n] for n in NAMES if values.get(n)), ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        said = {"file": path.name, "e": str(error)[:200]}
        raise Unreadable(_("%(file)s 不是有效的点 GeoJSON：%(e)s") % said) from None


def _called(raw: Any) -> str:
    text = "".join(c if c.isprintable() else " " for c in str(raw)).strip()[:60]
    return text or _("地铁口或路口")
