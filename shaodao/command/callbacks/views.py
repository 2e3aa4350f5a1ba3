"""The page of the reporters' answers. Remarks are shown to those who may see the case, masked like all public words."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases.masking import masked
from shaodao.command import links, pages
from shaodao.command.access import page, scope_of
from shaodao.command.callbacks import queries
from shaodao.foundation import clock
from shaodao.foundation.naming import named


@require_safe
@page()
def callbacks(request: HttpRequest) -> HttpResponse:
    """Every answer with its case, and the rates of all and of each lead unit; also as Excel."""
    filters, scope = pages.Filters(request), scope_of(request)
    said = {name: filters.flag(name) for name in queries.ASKED}
    rows = queries.answers(scope, filters.street(), filters.unit(), said, filters.day("since"), filters.day("until"))
    if pages.wants_file(request):
        return pages.file_of("callbacks", _("回访结果"), _columns(), rows)
    total, units = queries.rates(scope, clock.now())
    shown = pages.paged(request, rows)
    for row in shown:
        row.said = masked(row.remark)
    yes_no = [("1", _("是")), ("0", _("否"))]
    return pages.show(
        request,
        "command/callbacks.html",
        "callbacks",
        rows=shown,
        total=total,
        units=units,
        period=links.PERIOD,
        controls=[
            pages.select(request, "resolved", _("解决了吗"), yes_no),
            pages.select(request, "satisfied", _("满意吗"), yes_no),
            pages.select(request, "responded", _("联系过吗"), yes_no),
            pages.unit_select(request, label=_("主办单位")),
            pages.street_select(request),
            *pages.days(request),
        ],
        faults=filters.faults,
    )


def _columns() -> dict[str, Any]:
    def word(name: str) -> Any:
        return lambda c: _("是") if getattr(c, name) else _("否")

    return {
        _("案件"): lambda c: c.case.number,
        _("类别"): lambda c: named(c.case.category),
        _("街道"): lambda c: named(c.case.street),
        _("主办单位"): lambda c: named(c.case.lead),
        _("联系过吗"): word("responded"),
        _("解决了吗"): word("resolved"),
        _("满意吗"): word("satisfied"),
        _("上报人的话"): lambda c: masked(c.remark),
        _("回答时间"): lambda c: c.answered_at,
    }
