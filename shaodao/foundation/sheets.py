"""Tables of Excel and CSV, out and in: text stays text, times are those of the district's wall clock."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from shaodao.foundation import clock
from shaodao.foundation.tables import Problem, decode

MOST_ROWS = 100_000
LARGEST_BYTES = 20 * 1024 * 1024
LARGEST_UNPACKED = 300 * 1024 * 1024
Line = tuple[int, list[str]]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def cell(sheet: Any, value: Any) -> WriteOnlyCell:
    """A value as a cell; text that begins with = is no formula, control characters that Excel refuses are left out."""
    if isinstance(value, datetime):  # Excel knows no time zones
        value = (clock.local(value) if value.tzinfo else value).replace(tzinfo=None, microsecond=0)
    elif value is not None and not isinstance(value, int | float | bool):
        value = ILLEGAL_CHARACTERS_RE.sub("", str(value))
    made = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        made.data_type = "s"
    elif isinstance(value, datetime):
        made.number_format = "yyyy-mm-dd hh:mm"
    return made


def bold(sheet: Any, text: Any) -> WriteOnlyCell:
    """A title."""
    made = cell(sheet, str(text))
    made.font = Font(bold=True)
    return made


def workbook(parts: dict[str, list[list[Any]]]) -> bytes:
    """An Excel file: name of a sheet → its rows, the first of them titles that stay in sight."""
    book = Workbook(write_only=True)
    for name, rows in parts.items():
        sheet = book.create_sheet(name[:31])
        sheet.freeze_panes = "A2"
        for n, row in enumerate(rows):
            sheet.append([bold(sheet, v) if n == 0 else cell(sheet, v) for v in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(file: Any, fallback: str = "file") -> tuple[str, list[Line], list[Problem]]:
    """(its name, lines with their numbers from 1, problems) of an uploaded CSV or the first sheet of an .xlsx file.

    Every cell is text. Without problems there is at least one line, the header.
    """
    name = "".join(c for c in str(getattr(file, "name", "") or "")[:80] if c.isprintable()) or fallback
    file.seek(0)
    content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        return name, [], [Problem(name, 0, "", _("文件太大"), _("最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})]
    try:
        lines = list(_sheet(content) if content[:2] == b"PK" else _text(content, name))
    except _Unreadable as fault:
        return name, [], [fault.problem(name)]
    if len(lines) > MOST_ROWS + 1:
        return name, [], [Problem(name, 0, "", _("行数太多"), _("最多 %(n)d 行，请分几个文件") % {"n": MOST_ROWS})]
    if not lines:
        return name, [], [Problem(name, 1, "", _("文件是空的"), _("第一行是表头"))]
    return name, lines, []


class _Unreadable(Exception):
    def __init__(self, what: str, hint: str = "", row: int = 0) -> None:
        super().__init__(what)
        self.what, self.hint, self.row = what, hint, row

    def problem(self, file: str) -> Problem:
        return Problem(file, self.row, "", self.what, self.hint)


def _text(content: bytes, name: str) -> Iterator[Line]:
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


def _sheet(content: bytes) -> Iterator[Line]:
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
