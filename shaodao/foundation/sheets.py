"""Cells of an Excel sheet that is written row by row: text stays text, times are those of the district's wall clock."""

import io
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from shaodao.foundation import clock

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
