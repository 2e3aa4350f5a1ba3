"""GeoJSON files of a pack: polygons with a code, in the pack's datum, as WGS-84 shapes, or the problems they have."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from shaodao.foundation.tables import Problem
from shaodao.kernel import datum as kernel_datum

# CGCS2000 equals WGS-84 to a centimetre or so; the others are converted by the kernel's iterated inverse.
DATUMS = kernel_datum.DATUMS
POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Feature:
    """One polygon: `row` is its place in the file, counted from 1."""

    file: str
    row: int
    code: str
    properties: dict[str, Any]
    shape: BaseGeometry


def read_geojson(path: Path, file: str, datum: str, *, required: bool) -> tuple[list[Feature], list[Problem]]:
    """The polygons of a FeatureCollection with a `code` property; every fault is named with the feature's number."""
    if not path.is_file():
        return [], [Problem(file, 0, "", _("缺少文件"), "GeoJSON FeatureCollection")] if required else []
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return [], [Problem(file, 0, "", _("文件不是 UTF-8 编码"), _("另存为 UTF-8 编码"))]
    except json.JSONDecodeError as error:
        return [], [Problem(file, error.lineno, "", _("不是有效的 JSON：%(e)s") % {"e": error.msg}, "")]
    if not isinstance(data, dict) or not isinstance(data.get("features"), list):
        return [], [Problem(file, 0, "features", _("不是 FeatureCollection"), _("从 QGIS 等软件导出为 GeoJSON"))]
    features: list[Feature] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for row, raw in enumerate(data["features"], start=1):
        feature, wrong = _feature(file, row, raw, datum)
        problems += wrong
        if feature is None:
            continue
        if feature.code in seen:
            what = _("编码 %(c)s 与第 %(n)d 个要素重复") % {"c": feature.code, "n": seen[feature.code]}
            problems.append(Problem(file, row, "code", what, _("合并为一个 MultiPolygon")))
            continue
        seen[feature.code] = row
        features.append(feature)
    return features, problems


def _feature(file: str, row: int, raw: Any, datum: str) -> tuple[Feature | None, list[Problem]]:
    properties = (raw.get("properties") if isinstance(raw, dict) else None) or {}
    code = str(properties.get("code") or "").strip()
    if not code:
        return None, [Problem(file, row, "code", _("缺少属性 code"), _("每个要素要有 properties.code"))]
    geometry = raw.get("geometry") or {}
    if not isinstance(geometry, dict) or geometry.get("type") not in POLYGONS:
        what = _("要素 %(c)s 不是面") % {"c": code}
        return None, [Problem(file, row, "geometry", what, "Polygon, MultiPolygon")]
    try:
        shape = shapely.force_2d(shapely.geometry.shape(geometry))
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, shapely.GEOSException) as error:
        return None, [Problem(file, row, "geometry", _("坐标读不出来：%(e)s") % {"e": error}, "")]
    west, south, east, north = shape.bounds or (0, 0, 0, 0)
    if shape.is_empty or not (72 < west <= east < 136 and 3 < south <= north < 54):
        hint = _("坐标是经度在前、纬度在后的度数")
        return None, [Problem(file, row, "geometry", _("坐标不在中国范围内"), hint)]
    if not shape.is_valid:
        what = _("面有自相交等错误：%(e)s") % {"e": shapely.is_valid_reason(shape)}
        return None, [Problem(file, row, "geometry", what, _("用 QGIS 的“修复几何图形”处理"))]
    return Feature(file, row, code, properties, to_wgs84(shape, datum)), []


def to_wgs84(shape: Any, datum: str) -> Any:
    """`shape`, or an array of them, in WGS-84; their coordinates are in `datum` (one of DATUMS)."""
    if datum in {"WGS-84", "CGCS2000"}:
        return shape

    def moved(points: np.ndarray) -> np.ndarray:
        return np.column_stack(kernel_datum.to_wgs84(points[:, 0], points[:, 1], datum))

    return shapely.transform(shape, moved)


def to_geojson(shape: BaseGeometry, digits: int = 6) -> dict[str, Any]:
    """A GeoJSON geometry, coordinates rounded to `digits` decimals (6 is about 0.1 m)."""
    rounded = shapely.transform(shape, lambda points: np.round(points, digits))
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return geometry
