"""Bays and zones as people keep them: CSV of corners, GeoJSON, GeoPackage, zipped Shapefile; every row is accounted for.

What comes out is in WGS-84. A row that cannot be a bay is left out and named; the others are not held up by it.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.foundation import maps
from shaodao.foundation.maps import Row, Unreadable, shown
from shaodao.foundation.shapes import to_wgs84
from shaodao.foundation.tables import decode
from shaodao.kernel import parking

CORNERS = ("corners_lon_lat", "corners", "ring", "polygon", "boundary", "角点", "边界")
WKT = ("wkt", "geometry", "geom", "the_geom")
IDS = ("bay_id", "id", "code", "fid", "name", "编号", "编码")
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PAIR = re.compile(rf"({NUMBER})\s*[,\s]\s*({NUMBER})")
FULL_WIDTH = str.maketrans("，；（）【】［］", ",;()[][]")
NO_AREAS = ("Point", "MultiPoint", "LineString", "MultiLineString")
SUFFIXES = (".csv", *maps.SUFFIXES)
WIDEST = 6.0  # degrees over which the bays of one index may spread


@dataclass(frozen=True)
class Fault:
    """A row (from 1, without the header) that is no bay, and why."""

    row: int
    id: str
    what: str

    def as_dict(self) -> dict[str, Any]:
        return {"row": self.row, "id": self.id, "what": self.what}

    def __str__(self) -> str:
        return f"{self.id}: {self.what}"


@dataclass(frozen=True)
class BayFile:
    """What a file holds: `ids` and `shapes` (Shapely areas in WGS-84) of the usable rows, `faults` of the others.

    `rows` are the usable rows' numbers in the file, from 0; `read` counts all rows. `values` are the other columns of
    the usable rows by name in small letters, as the file has them; `unnamed` are positions in `ids` of rows that have
    no id of their own and are called by their number.
    """

    ids: list[str]
    shapes: NDArray[np.object_]
    rows: NDArray[np.int64]
    read: int
    faults: list[Fault] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=list)
    unnamed: frozenset[int] = frozenset()


def read(path: Path, datum: str = "WGS-84") -> BayFile:
    """Read bays or zones. `datum` is what plain degrees mean; a file with a coordinate system of its own is transformed.

    Raises Unreadable: no such kind of file, no areas column, not the text it claims to be.
    """
    suffix = path.suffix.lower()
    maps.check(path, datum)
    if suffix == ".csv":
        found = list(_csv(path))
    elif suffix in maps.SUFFIXES:
        found = list(maps.rows(path, IDS, avoid=NO_AREAS, unwrap=_zones_of_gbfs))
    else:
        raise Unreadable(_("不认识的文件：应为 %(kinds)s 之一") % {"kinds": " ".join(SUFFIXES)})
    return _judged(found, datum)


def _judged(found: Sequence[Row], datum: str) -> BayFile:
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = [shapely.force_2d(shape) if shape is not None else None for _id, shape, *_x in found]
    wrong = {row: in_words(why) for row, why in parking.faults(shapes)}
    wrong |= {row: why for row, (_id, _shape, why, _v) in enumerate(found) if why}
    kept = np.array([row for row in range(len(found)) if row not in wrong], dtype=np.int64)
    ids = [found[row][0] or f"{row + 1}" for row in kept]
    faults = [Fault(row + 1, shown(found[row][0]), str(why)) for row, why in sorted(wrong.items())]
    good = to_wgs84(shapes[kept], datum)
    unnamed = frozenset(n for n, row in enumerate(kept) if not found[row][0])
    return BayFile(ids, good, kept, len(found), faults, [found[row][3] for row in kept], unnamed)


def together(file: BayFile) -> BayFile:
    """The file without the bays that lie more than half of `WIDEST` degrees from the middle one, which are named as faults.

    The kernel's plane is no wider than that, and a bay at 0,0 must not hold up the others.
    """
    bounds = shapely.bounds(file.shapes) if file.shapes.size else np.zeros((1, 4))
    if (bounds[:, 2:].max(axis=0) - bounds[:, :2].min(axis=0) <= WIDEST).all():
        return file
    middles = np.sort((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)[(len(bounds) - 1) // 2]
    away = np.maximum(np.abs(bounds[:, :2] - middles), np.abs(bounds[:, 2:] - middles)).max(axis=1)
    good = np.flatnonzero(away < WIDEST / 2)
    what = _("离其他点位超过 %(n)g 度，像是坐标有误") % {"n": WIDEST / 2}
    strays = [Fault(int(file.rows[n]) + 1, shown(file.ids[n]), what) for n in np.flatnonzero(away >= WIDEST / 2)]
    return BayFile(
        [file.ids[n] for n in good],
        file.shapes[good],
        file.rows[good],
        file.read,
        sorted([*file.faults, *strays], key=lambda fault: fault.row),
        [file.values[n] for n in good],
        frozenset(i for i, n in enumerate(good) if int(n) in file.unnamed),
    )


def in_words(reason: str) -> str:
    """The kernel's and GEOS's reason why a shape cannot be used, in the words of the page."""
    where = reason[reason.find("[") :] if "[" in reason else ""
    for begins, words in (
        ("Self-intersection", _("边界自相交（像蝴蝶结）")),
        ("Ring Self-intersection", _("边界自相交（像蝴蝶结）")),
        ("Hole lies outside", _("洞在边界之外")),
        ("Holes are nested", _("洞套着洞")),
        ("Interior is disconnected", _("洞把面切成了几块")),
        ("Nested shells", _("几个面互相重叠")),
        ("Duplicate Rings", _("同一个环写了两遍")),
        ("Too few points", _("不到三个角点")),
        ("no area", _("不到三个角点")),
        ("empty", _("没有边界")),
        ("corners must be", _("经纬度超出范围：应是经度在前、纬度在后的度数，可能写反了或是投影坐标")),
    ):
        if reason.startswith(begins):
            return f"{words} {where}".strip()
    return _("不是面，点和线要先做缓冲区：%(e)s") % {"e": reason} if reason.startswith("a ") else reason


# ── one kind of file each ────────────────────────────────────────────────────────────────────────────────────────


def _csv(path: Path) -> Iterator[Row]:
    text, problems = decode(path.read_bytes(), path.name)
    if problems:
        raise Unreadable(str(replace(problems[0], file="")).strip())  # whoever sent it knows which file
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a district's border has more than the usual 131,072 characters
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        yield from _csv_rows(rows)
    except csv.Error as error:
        raise Unreadable(_("第 %(n)d 行读不出来：%(e)s") % {"n": rows.line_num, "e": str(error)[:200]}) from None


def _delimiter(text: str) -> str:
    """The comma, unless only another usual delimiter makes the first line name a column of outlines."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    for delimiter in ",;\t":
        names = {name.strip(' "').lower() for name in header.split(delimiter)}
        if names & {*CORNERS, *WKT}:
            return delimiter
    return ","


def _csv_rows(rows: "csv.DictReader[str]") -> Iterator[Row]:
    names = {name.strip().lower(): name for name in rows.fieldnames or ()}
    corners = next((names[n] for n in CORNERS if n in names), None)
    wkt = next((names[n] for n in WKT if n in names), None)
    if corners is None and wkt is None:
        raise Unreadable(_("没有边界这一列：应有 %(names)s 之一") % {"names": ", ".join((*CORNERS[:2], *WKT[:2]))})
    key = next((names[n] for n in IDS if n in names), None)
    shape = corners or wkt
    for row in rows:
        text = (row.get(shape) or "").strip()
        others = {str(n).strip().lower(): v for n, v in row.items() if n not in (None, shape)}
        yield Row((row.get(key) or "").strip() if key else "", *_outline(text), others)


def _outline(text: str) -> tuple[Any, str]:
    """The outline in a cell, and why there is none: corners, WKT, GeoJSON, or WKB in hexadecimal, whatever the column is called."""
    if not text:
        return None, _("没有边界")
    if text[0] == "{":
        try:
            return shapely.from_geojson(text), ""
        except (shapely.errors.GEOSException, ValueError):
            return None, _("几何无法读取")
    if re.match("[A-Za-z]", text) or re.fullmatch("[0-9A-Fa-f]{42,}", text):
        return _wkt(text)
    return _ring(text.translate(FULL_WIDTH))


def _ring(text: str) -> tuple[Any, str]:
    """Corners as `[lon,lat],[lon,lat],…`, `lon lat;lon lat` or the like; closed or not."""
    pairs = [(float(x), float(y)) for x, y in PAIR.findall(text)]
    if re.sub(NUMBER, "", text).strip("[](){},;| \t\"'") or len(re.findall(NUMBER, text)) != 2 * len(pairs):
        return None, _("角点写作 [经度,纬度],[经度,纬度],…")
    if len(set(pairs)) < 3:
        return None, _("不到三个角点")
    return shapely.Polygon(pairs), ""


def _wkt(text: str) -> tuple[Any, str]:
    try:
        if text[0] == "0":
            return shapely.from_wkb(text), ""
        return shapely.from_wkt(re.sub(r"^SRID=\d+;", "", text, flags=re.IGNORECASE)), ""
    except (shapely.errors.GEOSException, ValueError):
        return None, _("边界不是有效的 WKT")


def _zones_of_gbfs(data: Any) -> Any:
    """The zones of a GBFS file are GeoJSON inside it."""
    inner = data.get("data")
    return inner["geofencing_zones"] if isinstance(inner, dict) and "geofencing_zones" in inner else data
