"""The table of vehicles, in CSV and Excel: what its columns are called, how a file becomes typed rows, how rows go out.

A file comes in with the names of the columns or with the Chinese titles of an export, in any order.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook

from shaodao.bikes.models import Vehicle
from shaodao.bikes.words import VehicleKind, VehicleState
from shaodao.foundation import clock, sheets
from shaodao.foundation.tables import Bad, Column, Problem, Row, TableSpec, choice, day, decode, parse

MOST_ROWS = 100_000
LARGEST_BYTES = 20 * 1024 * 1024
LARGEST_UNPACKED = 300 * 1024 * 1024
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
    name = "".join(c for c in str(getattr(file, "name", "") or "")[:80] if c.isprintable()) or "vehicles"
    file.seek(0)
    content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        return [], set(), [Problem(name, 0, "", _("文件太大"), _("最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})]
    try:
        lines = list(_sheet(content) if content[:2] == b"PK" else _text(content, name))
    except _Unreadable as fault:
        return [], set(), [fault.problem(name)]
    if len(lines) > MOST_ROWS + 1:
        return [], set(), [Problem(name, 0, "", _("行数太多"), _("最多 %(n)d 行，请分几个文件") % {"n": MOST_ROWS})]
    if not lines:
        return [], set(), [Problem(name, 1, "", _("文件是空的"), _("第一行是表头"))]
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


class _Unreadable(Exception):
    def __init__(self, what: str, hint: str = "", row: int = 0) -> None:
        super().__init__(what)
        self.what, self.hint, self.row = what, hint, row

    def problem(self, file: str) -> Problem:
        return Problem(file, self.row, "", self.what, self.hint)


def _text(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    text, problems = decode(content, name)
    for problem in problems:
        raise _Unreadable(problem.what, problem.hint, problem.row)
    reader = csv.reader(io.StringIO(text.replace("\x00", "\ufffd"), newline=""), strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
            if start > MOST_ROWS * 2:
                return
    except csv.Error as error:
        raise _Unreadable(_("这一行读不出来：%(e)s") % {"e": error}, _("检查双引号是否成对"), start) from None


def _sheet(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet as text."""
    wrong = _Unreadable(_("不是能读的 Excel 文件"), _("另存为 .xlsx（不是 .xls）"))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > LARGEST_UNPACKED:
                raise _Unreadable(_("文件太大"))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        if not book.worksheets:
            raise wrong
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True, max_row=MOST_ROWS + 2), 1):
            values = [_cell(v) for v in cells]
            if number == 1 or any(values):
                yield number, values
    except _Unreadable:
        raise
    except Exception:  # a zip that is no workbook fails in many ways
        raise wrong from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\x00", "\ufffd").strip()


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
