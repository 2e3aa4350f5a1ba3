"""The quality of an operator's data: thirty days by day and door, as a page, CSV or Excel."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from openpyxl import Workbook

from shaodao.bikes import feed_quality, queries, rules, settings
from shaodao.bikes.feed_quality import DAYS, Line
from shaodao.bikes.requests import operator_of
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, log, sheets


@staff
@require_safe
def quality(request: HttpRequest, code: str) -> HttpResponse:
    """For all who may look at the operator; `?format=csv|xlsx` gives the table as a file."""
    row, now = operator_of(request, code), clock.now()
    code = row.organisation.code
    kind = request.GET.get("format", "")
    if kind in ("csv", "xlsx"):
        log.write("quality.export", f"operator:{code}", now=now, actor=actor_of(request).person)
        return _file(kind, code, feed_quality.lines_of(row, feed_quality.first_day(now, DAYS)))
    facts = actor_of(request).facts
    context: dict[str, Any] = {
        "operator": row,
        "report": feed_quality.report(row, DAYS, now),
        "days": DAYS,
        "limits": settings.current().ingest,
        "party": row.organisation_id in rules.owned(facts) or rules.reviews(facts, queries.reviewer_id()),
    }
    return render(request, "bikes/quality.html", context)


def _titles() -> list[str]:
    return [
        _("日期"), _("来源"), _("次数"), _("收到"), _("收下"), _("重复"), _("不合格"), _("不合格原因"), _("标记"),
        _("延迟中位数"), _("延迟，95% 以内"), _("中断次数"), _("最长中断（秒）"), _("失败次数"), _("最近一次失败"),
    ]  # fmt: skip


def _values(line: Line) -> list[Any]:
    row = line.row
    return [
        row.day.isoformat(), line.label, row.calls, row.received, row.kept, line.repeated, line.bad,
        _counted(line.reasons), _counted(line.marked), line.median, line.p95,
        row.gaps if line.watched else "", line.gap_s if line.watched else "", row.failures, row.last_failure,
    ]  # fmt: skip


def _counted(rows: list[tuple[str, str, int]]) -> str:
    return "；".join(f"{text} {n}" for _code, text, n in rows)


def _file(kind: str, code: str, lines: list[Line]) -> HttpResponse:
    """Text that begins like a formula stays text: what a feed answered stands in the last column."""
    if kind == "csv":
        body: Any = "".join(_csv(lines))
        response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    else:
        book, out = Workbook(write_only=True), io.BytesIO()
        sheet = book.create_sheet(_("数据质量"))
        sheet.freeze_panes = "A2"
        sheet.append([sheets.bold(sheet, title) for title in _titles()])
        for line in lines:
            sheet.append([sheets.cell(sheet, value) for value in _values(line)])
        book.save(out)
        response = HttpResponse(out.getvalue(), content_type=sheets.XLSX)
    response["Content-Disposition"] = content_disposition_header(True, f"quality-{code}.{kind}") or ""
    return response


def _csv(lines: list[Line]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_titles())
    for line in lines:
        writer.writerow([f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t\r" and v else v for v in _values(line)])
    yield "\ufeff"
    yield out.getvalue()
