"""Road lines as people keep them: GeoJSON, GeoPackage, an extract of OpenStreetMap; every feature is accounted for."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.kernel import datum as datums

SUFFIXES = (".geojson", ".json", ".gpkg")
IDS = ("id", "code", "eid", "osm_id", "@id", "fid", "编码", "编号")
LARGEST_BYTES = 1024**3


class Unreadable(Exception):
    """The file as a whole cannot be read, and why."""


@dataclass(frozen=True)
class Feature:
    """`row` counts from 1; `shape` is None where `why` says what is wrong. Properties by name in small letters."""

    row: int
    id: str
    shape: Any
    why: str
    values: dict[str, Any] = field(default_factory=dict)


def shown(text: Any) -> str:
    """A text of a file as it may be printed and stored."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))[:60]


def read(path: Path, datum: str = "WGS-84") -> list[Feature]:
    """The features of a file, in WGS-84. Raises Unreadable."""
    if datum not in datums.DATUMS:
        raise Unreadable(_("坐标系应为 %(names)s 之一") % {"names": ", ".join(datums.DATUMS)})
    if path.stat().st_size > LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})
    suffix = path.suffix.lower()
    if suffix in (".geojson", ".json"):
        found = list(_geojson(path))
    elif suffix == ".gpkg":
        found = list(_geopackage(path))
    else:
        raise Unreadable(_("不认识的文件：应为 %(kinds)s 之一") % {"kinds": " ".join(SUFFIXES)})
    if datum in ("WGS-84", "CGCS2000"):
        return found
    return [f if f.shape is None else Feature(f.row, f.id, _to_wgs84(f.shape, datum), f.why, f.values) for f in found]


def _to_wgs84(shape: Any, datum: str) -> Any:
    return shapely.transform(shape, lambda xy: np.column_stack(datums.to_wgs84(xy[:, 0], xy[:, 1], datum)))


def _geojson(path: Path) -> Iterator[Feature]:
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
        features = data["features"]
        assert isinstance(features, list)
    except (ValueError, TypeError, KeyError, AssertionError, RecursionError) as error:
        raise Unreadable(_("不是有效的 GeoJSON FeatureCollection：%(e)s") % {"e": shown(error)}) from None
    for row, raw in enumerate(features, 1):
        if not isinstance(raw, dict):
            yield Feature(row, "", None, _("不是要素"))
            continue
        given = raw.get("properties")
        values = {str(k).strip().lower(): v for k, v in given.items()} if isinstance(given, dict) else {}
        if raw.get("geometry") is None:
            yield Feature(row, _id(values, raw.get("id")), None, _("没有几何"), values)
            continue
        try:
            shape, why = shapely.force_2d(shapely.from_geojson(json.dumps(raw.get("geometry")))), ""
        except (shapely.errors.GEOSException, ValueError, TypeError):
            shape, why = None, _("几何无法读取")
        if shape is None and not why:
            why = _("没有几何")
        yield Feature(row, _id(values, raw.get("id")), shape, why, values)


def _id(values: dict[str, Any], own: Any) -> str:
    found = next((values[n] for n in IDS if values.get(n) not in (None, "")), own)
    return "" if found is None else shown(found).strip().replace("/", "-")


def _geopackage(path: Path) -> Iterator[Feature]:
    import pyogrio
    from pyproj import CRS, Transformer

    try:
        meta, fids, shapes, columns = pyogrio.raw.read(path, return_fids=True)
    except (RuntimeError, OSError, ValueError) as error:  # pyogrio's own are RuntimeErrors
        raise Unreadable(_("文件打不开：%(e)s") % {"e": shown(error)}) from None
    if shapes is None:
        raise Unreadable(_("文件里没有几何"))
    lines = shapely.force_2d(shapely.from_wkb(shapes, on_invalid="ignore"))
    if meta["crs"] and not CRS(meta["crs"]).is_geographic:
        across = Transformer.from_crs(meta["crs"], 4326, always_xy=True)
        lines = shapely.transform(lines, lambda xy: np.column_stack(across.transform(xy[:, 0], xy[:, 1])))
    for n, shape in enumerate(lines):
        values = {str(name).lower(): _plain(columns[i][n]) for i, name in enumerate(meta["fields"])}
        yield Feature(n + 1, _id(values, fids[n]), shape, "" if shape is not None else _("没有几何"), values)


def _plain(value: Any) -> Any:
    """A cell as JSON has it; None for what is missing."""
    value = value.item() if hasattr(value, "item") else value
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value
