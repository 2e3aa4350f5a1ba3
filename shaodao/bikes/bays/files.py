"""Bays and zones as people keep them: CSV of corners, GeoJSON, GeoPackage, zipped Shapefile; every row is accounted for.

What comes out is in WGS-84. A row that cannot be a bay is left out and named; the others are not held up by it.
"""

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.foundation.tables import decode
from shaodao.kernel import datum as datums
from shaodao.kernel import parking

CORNERS = ("corners_lon_lat", "corners", "ring", "polygon", "boundary", "角点", "边界")
WKT = ("wkt", "geometry", "geom", "the_geom")
IDS = ("bay_id", "id", "code", "fid", "name", "编号", "编码")
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PAIR = re.compile(rf"({NUMBER})\s*[,\s]\s*({NUMBER})")
SUFFIXES = (".csv", ".geojson", ".json", ".gpkg", ".zip", ".shp")
LARGEST_BYTES = 1024**3


class Unreadable(Exception):
    """The file as a whole cannot be read, and why."""


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
    if datum not in datums.DATUMS:
        raise Unreadable(_("坐标系应为 %(names)s 之一") % {"names": ", ".join(datums.DATUMS)})
    if path.stat().st_size > LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})
    if suffix == ".csv":
        found = list(_csv(path))
    elif suffix in (".geojson", ".json"):
        found = list(_geojson(path))
    elif suffix in (".gpkg", ".zip", ".shp"):
        found = list(_gdal(path))
    else:
        raise Unreadable(_("不认识的文件：应为 %(kinds)s 之一") % {"kinds": " ".join(SUFFIXES)})
    return _judged(found, datum)


Row = tuple[str, Any, str, dict[str, Any]]  # id, shape or None, why there is none, other columns


def _judged(found: Sequence[Row], datum: str) -> BayFile:
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = [shapely.force_2d(shape) if shape is not None else None for _id, shape, *_x in found]
    wrong = {row: in_words(why) for row, why in parking.faults(shapes)}
    wrong |= {row: why for row, (_id, _shape, why, _v) in enumerate(found) if why}
    kept = np.array([row for row in range(len(found)) if row not in wrong], dtype=np.int64)
    ids = [found[row][0] or f"{row + 1}" for row in kept]
    faults = [Fault(row + 1, shown(found[row][0]), str(why)) for row, why in sorted(wrong.items())]
    good = shapes[kept]
    if datum not in ("WGS-84", "CGCS2000") and good.size:
        good = shapely.transform(good, lambda xy: np.column_stack(datums.to_wgs84(xy[:, 0], xy[:, 1], datum)))
    unnamed = frozenset(n for n, row in enumerate(kept) if not found[row][0])
    return BayFile(ids, good, kept, len(found), faults, [found[row][3] for row in kept], unnamed)


def shown(text: str) -> str:
    """A text of a file as it may be printed, sent and stored: a line without what cannot be seen."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:80]


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
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        yield from _csv_rows(rows)
    except csv.Error as error:
        raise Unreadable(_("第 %(n)d 行读不出来：%(e)s") % {"n": rows.line_num, "e": str(error)[:200]}) from None


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
        yield (row.get(key) or "").strip() if key else "", *(_ring(text) if corners else _wkt(text)), others


def _ring(text: str) -> tuple[Any, str]:
    """Corners as `[lon,lat],[lon,lat],…`, `lon lat;lon lat` or the like; closed or not."""
    pairs = [(float(x), float(y)) for x, y in PAIR.findall(text)]
    if re.sub(NUMBER, "", text).strip("[](){},; \t\"'") or len(re.findall(NUMBER, text)) != 2 * len(pairs):
        return None, _("角点写作 [经度,纬度],[经度,纬度],…")
    if len(set(pairs)) < 3:
        return None, _("不到三个角点")
    return shapely.Polygon(pairs), ""


def _wkt(text: str) -> tuple[Any, str]:
    try:
        return shapely.from_wkt(text), "" if text else _("没有边界")
    except shapely.errors.GEOSException:
        return None, _("边界不是有效的 WKT")


def _geojson(path: Path) -> Iterator[Row]:
    try:
        data = json.loads(path.read_bytes())
        inner = data.get("data")
        if isinstance(inner, dict) and "geofencing_zones" in inner:  # a file of GBFS
            data = inner["geofencing_zones"]
        features = data["features"]
        assert isinstance(features, list)
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError, RecursionError) as error:
        raise Unreadable(_("不是有效的 GeoJSON FeatureCollection：%(e)s") % {"e": str(error)[:200]}) from None
    for feature in features:
        if not isinstance(feature, dict):
            yield "", None, _("不是要素"), {}
            continue
        given = feature.get("properties")
        properties: dict[str, Any] = given if isinstance(given, dict) else {}
        names = {str(name).lower(): name for name in properties}
        key = next((properties[names[n]] for n in IDS if n in names), feature.get("id"))
        try:
            shape, why = shapely.from_geojson(json.dumps(feature.get("geometry"))), ""
        except (shapely.errors.GEOSException, ValueError):
            shape, why = None, _("几何无法读取")
        others = {str(name).strip().lower(): value for name, value in properties.items()}
        yield "" if key is None else str(key), shape, why or ("" if shape is not None else _("没有边界")), others


def _gdal(path: Path) -> Iterator[Row]:
    import pyogrio
    from pyproj import CRS, Transformer

    _check_unpacked(path)
    try:
        meta, fids, shapes, columns = pyogrio.raw.read(path, return_fids=True)
    except (RuntimeError, OSError, ValueError) as error:  # pyogrio's own are RuntimeErrors
        raise Unreadable(_("文件打不开：%(e)s") % {"e": str(error)[:200]}) from None
    if shapes is None:
        raise Unreadable(_("文件里没有几何"))
    geometries = shapely.from_wkb(shapes, on_invalid="ignore")
    if meta["crs"] and not CRS(meta["crs"]).is_geographic:
        across = Transformer.from_crs(meta["crs"], 4326, always_xy=True)
        geometries = shapely.transform(geometries, lambda xy: np.column_stack(across.transform(xy[:, 0], xy[:, 1])))
    names = {str(name).lower(): i for i, name in enumerate(meta["fields"])}
    key = next((names[n] for n in IDS if n in names), None)
    for i, shape in enumerate(geometries):
        yield (
            _plain(columns[key][i]) if key is not None else str(fids[i]),
            shape,
            "" if shape is not None else _("没有边界"),
            {name: _plain(columns[n][i]) for name, n in names.items()},
        )


def _plain(value: Any) -> str:
    """A cell as text: empty for what is missing, and a whole number without its decimals."""
    if value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT")):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _check_unpacked(path: Path) -> None:
    """A small archive may unpack to more than a machine has."""
    if path.suffix.lower() != ".zip":
        return
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable(_("文件打不开：%(e)s") % {"e": str(error)[:200]}) from None
    if size > LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})
