"""The pages of whistles, disputes and requests for time."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases.choices import named, whistle_kinds
from shaodao.cases.models import TimeRequest
from shaodao.cases.words import WhistleState, own_words
from shaodao.command import links, pages
from shaodao.command.access import page, scope_of
from shaodao.command.rules import band
from shaodao.command.today.queries import whistle_share
from shaodao.command.whistles import queries
from shaodao.foundation import clock, district


def kinds() -> dict[str, str]:
    """The district's kinds of whistles by code, in the page's language."""
    return dict(whistle_kinds())


@require_safe
@page()
def whistles(request: HttpRequest) -> HttpResponse:
    """All whistles with whom they called and who came, over the rate of each street between its two bounds."""
    filters, scope, now = pages.Filters(request), scope_of(request), clock.now()
    names = kinds()
    state = filters.choice("state", ("waiting", *WhistleState.values))
    rows = queries.whistles(
        scope, state, filters.choice("kind", names), filters.street(), filters.day("since"), filters.day("until")
    )
    if pages.wants_file(request):
        return pages.file_of("whistles", _("吹哨"), _whistle_columns(names), rows)
    shown = pages.paged(request, rows)
    for row in shown:
        row.kind_name = names.get(row.kind, row.kind)
        row.arrivals = [queries.arrival(a, now) for a in row.called]
    support = queries.supports(shown)
    for row in shown:
        row.supports = [support[pk] for pk in row.support_ids if pk in support]
    bounds = district.current().settings.whistle_rate_bounds
    whole = whistle_share(scope, now)
    return pages.show(
        request,
        "command/whistles.html",
        "whistles",
        rows=shown,
        rates=queries.rates(scope, now),
        whole=whole,
        whole_band=band(whole, bounds),
        bounds=[100 * b for b in bounds],
        period=links.PERIOD,
        now=now,
        controls=[
            pages.select(request, "state", _("状态"), [("waiting", _("待报到")), *WhistleState.choices]),
            pages.select(request, "kind", _("哨种"), names.items()),
            pages.street_select(request),
            *pages.days(request),
        ],
        faults=filters.faults,
    )


def _whistle_columns(names: dict[str, str]) -> dict[str, Any]:
    return {
        _("案件"): lambda w: w.case.number,
        _("类别"): lambda w: named(w.case.category),
        _("街道"): lambda w: named(w.street),
        _("哨种"): lambda w: names.get(w.kind, w.kind),
        _("状态"): lambda w: w.get_state_display(),
        _("主办单位"): lambda w: named(w.lead),
        _("事由"): lambda w: w.reason,
        _("拟哨"): lambda w: w.drafted_at,
        _("确认"): lambda w: w.confirmed_at,
        _("召集单位数"): lambda w: len(w.called),
        _("已报到单位数"): lambda w: sum(1 for a in w.called if a.arrived_at),
    }


@require_safe
@page()
def disputes(request: HttpRequest) -> HttpResponse:
    """Open disputes, and rulings as precedents that can be found again."""
    filters = pages.Filters(request)
    key = filters.text("category")
    found = {c.key: c for c in queries.disputed_categories()}
    if key and key not in found:
        filters.faults.append(_("没有争议涉及这个类别：%(value)s") % {"value": key})
    rows = queries.disputes(
        scope_of(request), filters.text("q"), filters.choice("state", ("open", "ruled")), found.get(key), filters.unit()
    )
    if pages.wants_file(request):
        return pages.file_of("disputes", _("争议与先例"), _dispute_columns(), rows)
    shown = pages.paged(request, rows)
    support = queries.supports(shown)
    for row in shown:
        row.supports = [support[pk] for pk in row.support_ids if pk in support]
    return pages.show(
        request,
        "command/disputes.html",
        "disputes",
        rows=shown,
        controls=[
            pages.field(request, "q", _("理由、意见、单位"), "search"),
            pages.select(request, "state", _("状态"), [("open", _("待裁定")), ("ruled", _("已裁定"))]),
            pages.select(request, "category", _("类别"), [(c.key, named(c)) for c in found.values()]),
            pages.unit_select(request),
        ],
        faults=filters.faults,
    )


def _dispute_columns() -> dict[str, Any]:
    return {
        _("案件"): lambda d: d.case.number,
        _("类别"): lambda d: named(d.category),
        _("提出单位"): lambda d: named(d.assignment.organisation),
        _("理由"): lambda d: d.reason,
        _("提出时间"): lambda d: d.raised_at,
        _("裁定主办"): lambda d: named(d.lead),
        _("裁定意见"): lambda d: d.ruling,
        _("裁定人"): lambda d: str(d.ruled_by or ""),
        _("裁定时间"): lambda d: d.ruled_at,
    }


@require_safe
@page()
def requests(request: HttpRequest) -> HttpResponse:
    """Requests for extension and suspension; they are decided on the case's page."""
    filters = pages.Filters(request)
    state = filters.choice("state", TimeRequest.State.values)
    rows = queries.requests(scope_of(request), state, filters.choice("kind", TimeRequest.Kind.values), filters.unit())
    if pages.wants_file(request):
        return pages.file_of("requests", _("延期挂账"), _request_columns(), rows)
    return pages.show(
        request,
        "command/requests.html",
        "requests",
        rows=pages.paged(request, rows),
        controls=[
            pages.select(request, "state", _("状态"), TimeRequest.State.choices),
            pages.select(request, "kind", _("申请"), TimeRequest.Kind.choices),
            pages.unit_select(request),
        ],
        faults=filters.faults,
    )


def _request_columns() -> dict[str, Any]:
    return {
        _("案件"): lambda r: r.case.number,
        _("单位"): lambda r: named(r.assignment.organisation),
        _("申请"): lambda r: r.get_kind_display(),
        _("状态"): lambda r: r.get_state_display(),
        _("理由"): lambda r: r.reason,
        _("申请人"): lambda r: str(r.asked_by or ""),
        _("申请时间"): lambda r: r.asked_at,
        _("挂账至"): lambda r: r.until,
        _("审批人"): lambda r: str(r.decided_by or ""),
        _("审批时间"): lambda r: r.decided_at,
        _("审批意见"): lambda r: own_words(r.decision),
    }
