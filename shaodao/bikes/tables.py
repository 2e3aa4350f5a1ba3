"""The table of vehicles, in CSV and Excel: what its columns are called, how a file becomes typed rows, how rows go out.

A file comes in with the names of the columns or with the Chinese titles of an export, in any order.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook

from shaodao.bikes.models import Vehicle
from shaodao.bikes.words import VehicleKind, VehicleState
from shaodao.foundation import clock, sheets
from shaodao.foundation.tables import Bad, Column, Problem, Row, TableSpec, choice, day, parse

KINDS = {"bicycle": "自行车", "ebike": "电动自行车"}  # words of the file's format, whatever the language of the page
STATES = {"active": "投放中", "maintenance": "维修中", "scrapped": "已报废", "lost": "已丢失"}


def plate(value: str) -> str:
    """A plate (晋B12345) or the content of a QR code (an address, a number): no blanks, nothing that starts a formula."""
    if (
        len(value) > 60
        or not re.fullmatch(r"[0-9A-Za-z\u4e00-\u9fff][^\s\x00-\x1f\x7f\ufffd]*", value)
        or not value.isprintable()
    ):
        raise Bad(_("“%(v)s”不能作车牌或编码") % {"v": value[:40]}, _("以字母、数字或汉字开头，不含空格，最多 60 个字"))
    return value


def _feed_id(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,100}", value):
        raise Bad(_("“%(v)s”不能作数据接口编号") % {"v": value[:40]}, _("最多 100 个英文字母、数字或符号，不含空格"))
    return value


VEHICLES = TableSpec(
    "vehicles",
    (
        Column("plate", plate, label="车牌或编码"),
        Column("vehicle_id", _feed_id, required=False, default=None, label="数据接口编号"),
        Column("kind", choice(VehicleKind.values, KINDS), required=False, default="bicycle", label="车型"),
        Column("state", choice(VehicleState.values, STATES), required=False, default="active", label="状态"),
        Column("registered_at", day, required=False, default=None, label="登记日期"),
    ),
    key=("plate",),
    required=True,
)
LABELS = {c.label: c.name for c in VEHICLES.columns}
IGNORED = {"最后出现", "last_seen_at", "企业", "operator"}  # columns of an export that say nothing new


def described() -> list[tuple[str, str, str]]:
    """(title, name, what belongs into it) of each column, for the page of the import."""
    help = {
        "plate": _("必填；同一企业内不重复"),
        "vehicle_id": _("企业推送位置时用的编号，不随行程改变"),
        "kind": " / ".join(f"{code} {word}" for code, word in KINDS.items()),
        "state": " / ".join(f"{code} {word}" for code, word in STATES.items()),
        "registered_at": "2026-05-21",
    }
    return [(c.label, c.name, help[c.name]) for c in VEHICLES.columns]


def read(file: Any) -> tuple[list[Row], set[str], list[Problem]]:
    """(typed rows, names of the columns that the file has, problems) of an uploaded CSV or .xlsx file."""
    name, lines, problems = sheets.read(file, "vehicles")
    if problems:
        return [], set(), problems
    titles = lines[0][1]
    header, keep = _header(titles)
    body = [
        (number, [*(cells[i] if i < len(cells) else "" for i in keep), *cells[len(titles) :]])
        for number, cells in lines[1:]
    ]
    rows, problems = parse(VEHICLES, name, header, body)
    if not problems and not rows:
        problems = [Problem(name, 0, "", _("没有数据行"), _("第一行是表头，从第二行起每行一辆车"))]
    return rows, set(header), problems


def _header(cells: Sequence[str]) -> tuple[list[str], list[int]]:
    """Names of the columns, and where those stand that count."""
    titles = [c.strip() for c in cells]
    keep = [i for i, title in enumerate(titles) if title and title not in IGNORED]
    return [LABELS.get(titles[i], titles[i]) for i in keep], keep


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TITLES = [c.label for c in VEHICLES.columns] + ["最后出现", "企业"]


def _values(row: Vehicle) -> list[Any]:
    seen = clock.local(row.last_seen_at).strftime("%Y-%m-%d %H:%M") if row.last_seen_at else ""
    return [
        row.plate,
        row.vehicle_id or "",
        KINDS[row.kind],
        STATES[row.state],
        clock.local(row.registered_at).strftime("%Y-%m-%d"),
        seen,
        row.operator.organisation.name,
    ]


def write_csv(rows: Iterable[Vehicle]) -> Iterator[str]:
    """A CSV file (UTF-8 with byte order mark, so that Excel reads it) piece by piece."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    yield "\ufeff"
    writer.writerow(TITLES)
    for number, row in enumerate(rows, 1):
        writer.writerow(_values(row))
        if number % 500 == 0:
            yield out.getvalue()
            out.seek(0), out.truncate()
    yield out.getvalue()


def write_xlsx(rows: Iterable[Vehicle]) -> bytes:
    """An .xlsx file; every cell is text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("车辆台账")
    sheet.freeze_panes = "A2"
    sheet.append([sheets.bold(sheet, title) for title in TITLES])
    for row in rows:
        sheet.append([sheets.cell(sheet, value) for value in _values(row)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
