"""The current filter as Excel: written row by row, without personal data."""

import re
import tempfile
from collections.abc import Iterator
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from shaodao.cases.choices import named
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.cases.views.desk import inbox_of
from shaodao.cases.views.gate import staff
from shaodao.cases.views.listing import light_of, listing
from shaodao.foundation import clock, log

MOST = 50_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PERSONAL = (
    re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?!\d)"),  # identity card
    re.compile(r"(?<!\d)(1\d{2})\d{4}(\d{4})(?!\d)"),  # mobile telephone
    re.compile(r"(?<!\d)(0\d{2,3}-?\d)\d{4}(\d{2,3})(?!\d)"),  # fixed line
    re.compile(r"()[\w.+-]+(@[\w-]+\.[\w.]+)"),  # e-mail
)


def mask_text(text: str) -> str:
    """Free text with what looks like identity numbers, telephone numbers and e-mail addresses masked."""
    for pattern in PERSONAL:
        text = pattern.sub(r"\1****\2", text)
    return text


@staff
@require_safe
def export(request: HttpRequest, key: str) -> HttpResponse:
    box = inbox_of(request, key)
    found = listing(request, box)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(str(box.label)[:31])
    sheet.freeze_panes = "B2"
    for letter, width in zip("ABCDEFGHIJKLMNOP", (14, 48, 20, 14, 16, 22, 10, 10, 17, 8, 17, 17, 17, 8, 8, 8), strict=True):
        sheet.column_dimensions[letter].width = width
    heads = [_cell(sheet, text) for text in heading()]
    for cell in heads:
        cell.font = Font(bold=True)
    sheet.append(heads)
    total = 0
    for case in found.rows[:MOST].iterator(chunk_size=500):
        sheet.append([_cell(sheet, value) for value in line(case, found.now)])
        total += 1
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    query = request.GET.urlencode()
    log.write("cases.export", f"inbox:{box.key}", actor=actor_of(request).person, data={"rows": total, "query": query})
    name = f"shaodao-{slugify(box.key)}-{clock.local(found.now):%Y%m%d-%H%M}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)


def heading() -> list[str]:
    return [
        _("编号"), _("内容"), _("类别"), _("街道"), _("社区"), _("主办单位"), _("状态"), _("时限灯"), _("截止时间"),
        _("紧急"), _("上报时间"), _("立案时间"), _("结案时间"), _("上报数"), _("返工"), _("反弹"),
    ]  # fmt: skip


def line(case: Case, now: Any) -> Iterator[Any]:
    """The values of one case; no reporter, no contact, and free text masked."""
    yield case.number
    yield mask_text(case.summary)
    yield named(case.category)
    yield named(case.street)
    yield named(case.community)
    yield named(case.lead)
    yield str(case.get_state_display())
    yield str(light_of(case, now).label)
    yield _wall(getattr(case, "limit_at", case.due_at))
    yield _("是") if case.urgent else ""
    yield _wall(case.created_at)
    yield _wall(case.filed_at)
    yield _wall(case.closed_at)
    yield case.report_count
    yield case.rework_count
    yield case.rebound_count


def _wall(at: Any) -> Any:
    """Wall-clock time of the district: Excel knows no zones."""
    return clock.local(at).replace(tzinfo=None, microsecond=0) if at else None


def _cell(sheet: Any, value: Any) -> Any:
    """A cell whose text stays text: a leading = must not become a formula in somebody's spreadsheet."""
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"
    elif value is not None and not isinstance(value, int):
        cell.number_format = "yyyy-mm-dd hh:mm"
    return cell
