"""Bays and zones as files: GeoJSON that comes back unchanged by an import, and Excel for people."""

import io
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from typing import Any

import orjson
from openpyxl import Workbook

from shaodao.bikes.bays.queries import BAYS, Kind
from shaodao.foundation import sheets

TITLES = {
    "code": "编码", "name": "名称", "street": "街道", "community": "社区", "capacity": "容量", "capacity_by": "容量来源",
    "length_m": "长度（米）", "area_m2": "面积（平方米）", "tolerance_m": "容差（米）", "kind": "类型", "quota": "限量",
    "begins_at": "开始时间", "ends_at": "结束时间", "daily_from": "每天从", "daily_until": "每天到", "weekdays": "星期",
    "lon": "经度", "lat": "纬度", "valid_from": "生效时间", "version": "版本", "active": "在用", "illustrative": "示例",
    "source": "来源",
}  # fmt: skip
BAY = ("code", "name", "street", "community", "capacity", "capacity_by", "length_m", "area_m2", "tolerance_m", "lon",
       "lat")  # fmt: skip
ZONE = ("code", "name", "kind", "quota", "begins_at", "ends_at", "daily_from", "daily_until", "weekdays")
LAST = ("valid_from", "version", "active", "illustrative", "source")


def properties(kind: Kind, row: Any) -> dict[str, Any]:
    """What a feature says: what was given under the names that an import reads, what follows under others."""
    found = {"code": row.code, **{name: _plain(getattr(row, name)) for name in kind.columns}}
    if kind is BAYS:
        found |= {"capacity": row.capacity if row.capacity_given else None, "places": row.capacity}
        found |= {"length_m": row.length_m, "area_m2": row.area_m2}
    found |= {"version": row.version, "valid_from": row.valid_from.isoformat(), "active": row.active}
    return found | {"illustrative": row.illustrative, "source": row.source}


def feature(kind: Kind, row: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": row.code, "geometry": row.geometry, "properties": properties(kind, row)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.strftime("%H:%M") if isinstance(value, time) else value


def write_geojson(kind: Kind, rows: Iterable[Any]) -> Iterator[bytes]:
    """A FeatureCollection piece by piece."""
    yield b'{"type":"FeatureCollection","features":['
    for n, row in enumerate(rows):
        yield (b"," if n else b"") + orjson.dumps(feature(kind, row))
    yield b"]}"


def write_xlsx(kind: Kind, rows: Iterable[Any]) -> bytes:
    """A sheet with a row each, without outlines."""
    names = (*(BAY if kind is BAYS else ZONE), *LAST)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("停放点位" if kind is BAYS else "电子围栏")
    sheet.freeze_panes = "A2"
    sheet.append([sheets.bold(sheet, TITLES[name]) for name in names])
    for row in rows:
        sheet.append([sheets.cell(sheet, _cell(row, name)) for name in names])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(row: Any, name: str) -> Any:
    if name in ("street", "community"):
        place = getattr(row, name)
        return place.name if place else ""
    if name == "capacity_by":
        return "给定" if row.capacity_given else "按长度"
    if name == "kind":
        return row.get_kind_display()
    value = getattr(row, name)
    return ("是" if value else "否") if isinstance(value, bool) else _time(value)


def _time(value: Any) -> Any:
    return value.strftime("%H:%M") if isinstance(value, time) else value
