"""Cases as a table for Excel or CSV: what an office keeps, without personal data. Rows stream; memory stays flat."""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from openpyxl import Workbook

from shaodao.cases import rules
from shaodao.cases.models import Case
from shaodao.foundation import clock, sheets

BATCH = 500


def _local(at: datetime | None) -> datetime | None:
    return clock.local(at).replace(tzinfo=None) if at else None


COLUMNS: tuple[tuple[Any, Callable[[Case], Any]], ...] = (
    (gettext_lazy("案件编号"), lambda c: c.number),
    (gettext_lazy("状态"), lambda c: c.get_state_display()),
    (gettext_lazy("结果"), lambda c: c.get_outcome_display() if c.outcome else ""),
    (gettext_lazy("类别"), lambda c: str(c.category or "")),
    (gettext_lazy("公开文字"), lambda c: c.public_text if c.published else ""),
    (gettext_lazy("紧急"), lambda c: _("是") if c.urgent else ""),
    (gettext_lazy("来源"), lambda c: c.get_channel_display()),
    (gettext_lazy("街道"), lambda c: str(c.street or "")),
    (gettext_lazy("社区"), lambda c: str(c.community or "")),
    (gettext_lazy("网格"), lambda c: c.cell_id or ""),
    (gettext_lazy("经度 (WGS-84)"), lambda c: c.lon),
    (gettext_lazy("纬度 (WGS-84)"), lambda c: c.lat),
    (gettext_lazy("主办单位"), lambda c: str(c.lead or "")),
    (gettext_lazy("灯"), lambda c: str(rules.light(c.due_at, c.yellow_at, clock.now()).label)),
    (gettext_lazy("收到"), lambda c: _local(c.created_at)),
    (gettext_lazy("立案"), lambda c: _local(c.filed_at)),
    (gettext_lazy("派遣"), lambda c: _local(c.dispatched_at)),
    (gettext_lazy("办结"), lambda c: _local(c.handled_at)),
    (gettext_lazy("结案"), lambda c: _local(c.closed_at)),
    (gettext_lazy("期限"), lambda c: _local(c.due_at)),
    (gettext_lazy("上报数"), lambda c: c.report_count),
    (gettext_lazy("返工"), lambda c: c.rework_count),
    (gettext_lazy("退回"), lambda c: c.return_count),
    (gettext_lazy("反弹"), lambda c: c.rebound_count),
    (gettext_lazy("回访重办"), lambda c: c.reopen_count),
    (gettext_lazy("示例"), lambda c: _("是") if c.sample else ""),
)


def rows(cases: QuerySet[Case]) -> Iterator[list[Any]]:
    """One list of values for each case, in the order of COLUMNS; one query whatever the number of cases."""
    related = cases.select_related("category", "street", "community", "lead")
    for case in related.iterator(chunk_size=BATCH):
        yield [value(case) for _title, value in COLUMNS]


def header() -> list[str]:
    return [str(title) for title, _value in COLUMNS]


def workbook(cases: QuerySet[Case], progress: Callable[..., None] | None = None) -> tuple[Workbook, int]:
    """A write-only workbook of the cases, and how many there are. Text that Excel would run as a formula stays text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(pgettext("list", "案件"))
    sheet.freeze_panes = "B2"
    sheet.append([sheets.bold(sheet, title) for title in header()])
    n = 0
    for values in rows(cases):
        sheet.append([sheets.cell(sheet, v) for v in values])
        n += 1
        if progress:
            progress(1)
    return book, n


FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def plain(value: Any) -> Any:
    """A value as a cell of CSV: no formula, times to the second."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write(cases: QuerySet[Case], path: Path, progress: Callable[..., None] | None = None) -> int:
    """Write the cases to an .xlsx or .csv file by its ending and answer how many. Raises ValueError for another ending."""
    if progress:
        progress(total=cases.count())
    if path.suffix == ".xlsx":
        book, n = workbook(cases, progress)
        book.save(path)
        return n
    if path.suffix != ".csv":
        raise ValueError(_("文件名应以 .xlsx 或 .csv 结尾"))
    n = 0
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        out = csv.writer(file)
        out.writerow(header())
        for values in rows(cases):
            out.writerow([plain(v) for v in values])
            n += 1
            if progress:
                progress(1)
    return n
