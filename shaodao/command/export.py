"""A table of a page as an Excel file: the same rows, all of them, with what was filtered said above."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from shaodao.foundation import sheets

MOST = 50_000  # rows of one file


def workbook(name: str, title: str, head: list[Any], rows: Iterable[Iterable[Any]], note: str = "") -> HttpResponse:
    """`name`.xlsx as a download: a title line, a note, the head, the rows. Text stays text, also when it begins with =."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A4"
    for column in range(1, len(head) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 18
    sheet.append([sheets.bold(sheet, title)])
    sheet.append([sheets.cell(sheet, note)])
    sheet.append([sheets.bold(sheet, str(text)) for text in head])
    for row in rows:
        sheet.append([sheets.cell(sheet, value) for value in row])
    file = BytesIO()
    book.save(file)
    answer = HttpResponse(file.getvalue(), content_type=sheets.XLSX)
    answer["Content-Disposition"] = content_disposition_header(True, f"{name}.xlsx") or ""
    return answer


def _sheet_name(title: str) -> str:
    return "".join(c for c in title if c not in "[]:*?/\\")[:31] or "1"
