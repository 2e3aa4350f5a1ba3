"""The advice as an Excel file."""

from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from shaodao.bikes.rebalancing import texts
from shaodao.bikes.rebalancing.advice import Advice
from shaodao.foundation import sheets


def head() -> list[str]:
    return [_("从点位"), _("名称"), _("现有"), _("到点位"), _("名称"), _("现有"), _("搬几辆"), _("车次"), _("直线距离（米）")]  # fmt: skip


def workbook(title: str, mark: str, found: Advice) -> bytes:
    """A row for each move, under what it rests on. `mark`: "" unless sample data is in it."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_("调度建议"))
    for column in range(1, len(head()) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 16
    sheet.append([sheets.bold(sheet, title)])
    for text in [mark, *texts.summary(found)]:
        if text:
            sheet.append([sheets.cell(sheet, text)])
    sheet.append([sheets.bold(sheet, text) for text in head()])
    for m in found.moves:
        ends = [value for s in (m.origin, m.target) for value in (s.code, s.name, s.stock)]
        sheet.append([sheets.cell(sheet, value) for value in (*ends, m.bikes, m.loads, m.metres)])
    file = BytesIO()
    book.save(file)
    return file.getvalue()
