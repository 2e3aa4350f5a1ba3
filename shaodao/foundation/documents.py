"""A report as tables of words and numbers, and as a file: an Excel workbook with a sheet for each table, a PDF for the archive."""

import json
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from shaodao.foundation import sheets

NONE = "—"
TEMPLATE = Path(__file__).with_name("document.typ")
KINDS = {"xlsx": sheets.XLSX, "pdf": "application/pdf"}
FACES = ("NotoSansSC_400Regular.ttf", "NotoSansSC_700Bold.ttf")
"""Put into the build of the front end by frontend/build/type.js."""


@dataclass(frozen=True)
class Percent:
    """A share, shown as a percentage; None where it is a share of nothing."""

    share: float | None

    def __str__(self) -> str:
        return NONE if self.share is None else f"{100 * self.share:.1f}%"


@dataclass(frozen=True)
class Table:
    """`rows` of as many cells as `head`: text, numbers, Percent, None. `links`: an address for the first cell of each row."""

    key: str
    title: str
    head: list[str]
    rows: list[list[Any]]
    note: str = ""
    links: list[str] = field(default_factory=list)

    def shown(self) -> list[dict[str, Any]]:
        """Rows for a page: {"first", "url", "cells": [{"text", "label", "number"}]}."""
        links = self.links or [""] * len(self.rows)
        return [
            {
                "first": words(row[0]),
                "url": url,
                "cells": [
                    {"text": words(value), "label": label, "number": not isinstance(value, str)}
                    for label, value in zip(self.head[1:], row[1:], strict=True)
                ],
            }
            for row, url in zip(self.rows, links, strict=True)
        ]


def words(value: Any) -> str:
    """A cell as text."""
    if value is None:
        return NONE
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_format(value, 0 if isinstance(value, int) else 1, use_l10n=True, force_grouping=True)
    return str(value)


class NoType(Exception):
    """The Chinese type for PDF is not there: the front end was not built."""


def workbook(title: str, note: str, tables: list[Table]) -> bytes:
    """An .xlsx file; shares are numbers with the format of a percentage."""
    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.title[:31])
        for column in range(1, len(table.head) + 1):
            sheet.column_dimensions[get_column_letter(column)].width = 24 if column == 1 else 16
        sheet.append([sheets.bold(sheet, f"{title} · {table.title}")])
        sheet.append([sheets.cell(sheet, " ".join(text for text in (note, table.note) if text))])
        sheet.append([sheets.bold(sheet, text) for text in table.head])
        for row in table.rows:
            sheet.append([_cell(sheet, value) for value in row])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, Percent):
        return sheets.cell(sheet, value)
    made = sheets.cell(sheet, value.share)
    made.number_format = "0.0%"
    return made


@cache
def type_folder() -> Path:
    """Where the type lies. Raises NoType where it does not."""
    folder = Path(settings.STATICFILES_DIRS[0]) / "build" / "type"
    if not all((folder / face).exists() for face in FACES):
        raise NoType(_("PDF 用的中文字体还没有准备好（运行 make 构建前端），可先用打印或 Excel"))
    return folder


def pdf(title: str, note: str, tables: list[Table], *, mark: str = "") -> bytes:
    """A PDF, A4 across, set in our own type whatever the machine has. `mark` stands on every page (sample data)."""
    import typst

    data = {
        "title": title,
        "note": note,
        "mark": mark,
        "lang": (get_language() or "zh")[:2],
        "tables": [
            {
                "title": t.title,
                "note": t.note,
                "head": t.head,
                "rows": [[{"text": words(v), "number": not isinstance(v, str)} for v in row] for row in t.rows],
            }
            for t in tables
            if t.rows
        ],
    }
    made: bytes = typst.compile(
        str(TEMPLATE),
        font_paths=[str(type_folder())],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    return made
