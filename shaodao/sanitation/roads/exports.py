"""Segments as GeoJSON, which an import takes back unchanged and `shaodao sanitation coverage --roads` reads; and as Excel."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from openpyxl import Workbook

from shaodao.foundation import sheets

TITLES = {
    "id": "路段", "road": "道路", "name": "道路名称", "class": "等级", "length_m": "长度（米）", "width_m": "车行道宽（米）",
    "lanes": "车道数", "total_m2": "总面积（平方米）", "carriageway_m2": "车行道（平方米）", "pavement_m2": "人行道（平方米）",
    "verge_m2": "绿化带（平方米）", "version": "版本", "valid_from": "生效时间", "illustrative": "示例", "source": "来源",
}  # fmt: skip


def properties(row: Any) -> dict[str, Any]:
    """What a feature says. A segment is one carriageway: always `oneway`, in the direction in which it is drawn."""
    return {
        "id": row.code,
        "road": row.road.code,
        "name": row.road.name,
        "name_en": row.road.name_en,
        "oneway": True,
        "class": row.road.road_class,
        "lanes": row.lanes,
        "width_m": round(row.carriageway_m2 / row.length_m, 3) if row.length_m else 0.0,
        "length_m": row.length_m,
        "total_m2": row.total_m2,
        "carriageway_m2": row.carriageway_m2,
        "pavement_m2": row.pavement_m2,
        "verge_m2": row.verge_m2,
        "illustrative": row.illustrative,
        "source": row.source,
        "version": row.version,
        "valid_from": row.valid_from.isoformat(),
    }


def write_geojson(rows: Iterable[Any]) -> Iterator[bytes]:
    """A FeatureCollection piece by piece."""
    yield b'{"type":"FeatureCollection","features":['
    for n, row in enumerate(rows):
        made = {"type": "Feature", "id": row.code, "geometry": row.geometry, "properties": properties(row)}
        yield (b"," if n else b"") + orjson.dumps(made)
    yield b"]}"


def write_xlsx(rows: Iterable[Any]) -> bytes:
    """A sheet with a row for each segment."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("路段")
    sheet.freeze_panes = "A2"
    sheet.append([sheets.bold(sheet, title) for title in TITLES.values()])
    for row in rows:
        said = properties(row) | {"class": row.road.get_road_class_display(), "valid_from": row.valid_from}
        said["illustrative"] = "是" if row.illustrative else "否"
        sheet.append([sheets.cell(sheet, said[name]) for name in TITLES])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
