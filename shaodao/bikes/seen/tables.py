"""The lists of the present as Excel files."""

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from openpyxl import Workbook

from shaodao.bikes.models import VehicleStatus
from shaodao.bikes.seen import present
from shaodao.bikes.seen.filling import Fill
from shaodao.bikes.seen.words import SeenAs
from shaodao.bikes.words import FeedState
from shaodao.foundation import sheets
from shaodao.foundation.naming import named

MOST = 100_000
"""Rows of one file."""


def vehicles(rows: QuerySet[VehicleStatus], now: datetime) -> bytes:
    """Listed statuses. Where a bike in use is, is nobody's business: it has no position here either."""
    head = [
        _("企业"), _("接口编号"), _("车牌或编码"), _("类别"), _("企业报的状态"), _("街道"), _("社区"), _("点位"), _("距点位（米）"), _("把握 %"),
        _("禁停区"), _("连续不合格次数"), _("位置时间"), _("停放起"), _("收到"), _("经度"), _("纬度"),
    ]  # fmt: skip
    return _book(_("当前车辆"), head, (_vehicle(row) for row in rows[:MOST].iterator(2000)))


def _vehicle(row: VehicleStatus) -> list[Any]:
    seen: str = getattr(row, "seen")  # noqa: B009 - annotated
    placed = seen not in (SeenAs.IN_USE, SeenAs.GONE)
    return [
        named(row.operator.organisation),
        row.vehicle_id,
        getattr(row, "plate", None) or "",
        str(SeenAs(seen).label),
        str(FeedState(row.state).label),
        named(row.street),
        named(row.community),
        row.bay.code if row.bay else "",
        None if row.distance_mm is None else row.distance_mm / 1000,
        row.confidence if placed else None,
        row.zone.code if row.zone else "",
        row.wrong_fixes,
        present.at(row.at_ms),
        present.at(row.stood_since_ms) if placed else None,
        present.at(row.received_ms),
        row.lon_e6 / 1e6 if placed else None,
        row.lat_e6 / 1e6 if placed else None,
    ]


def bays(rows: Iterable[Fill]) -> bytes:
    head = [
        _("点位"), _("名称"), _("街道"), _("停着（辆）"), _("其中失联"), _("容量（辆）"), _("占用率 %"), _("超出（辆）"), _("状态"), _("组内点位"),
    ]  # fmt: skip
    return _book(
        _("点位占用"),
        head,
        (
            [
                f.code,
                f.name,
                f.street,
                f.n,
                f.silent,
                f.capacity,
                f.percent,
                f.over,
                str(f.state.label),
                ", ".join(f.members),
            ]
            for f in rows
        ),
    )


def _book(title: str, head: list[Any], rows: Iterable[list[Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.append([sheets.bold(sheet, text) for text in head])
    for row in rows:
        sheet.append([sheets.cell(sheet, value) for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
