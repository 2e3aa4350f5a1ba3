"""Pages of the record, the log, the settings. Read-only but for starting a check of the record."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.cases import history
from shaodao.command import pages
from shaodao.command.access import ADMIN, OFFICE, page, scope_of
from shaodao.command.office import queries
from shaodao.command.whistles.views import kinds
from shaodao.command.words import action_names
from shaodao.foundation import clock, district, log
from shaodao.foundation.naming import named

SHOWN_FAULTS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@page(OFFICE)
def audit(request: HttpRequest) -> HttpResponse:
    """Is the record intact? POST checks every chain and anchor, and the result is kept in the log."""
    if request.method == "POST":
        return _check(request)
    found = queries.record()
    return pages.show(
        request,
        "command/audit.html",
        "audit",
        **found,
        too_many=found["events"] > queries.ON_DEMAND,
        most=queries.ON_DEMAND,
        names=fault_names(),
    )


def _check(request: HttpRequest) -> HttpResponse:
    if queries.record()["events"] > queries.ON_DEMAND:
        messages.error(request, _("事件太多，请在服务器上运行 shaodao audit verify"))
        return redirect("command_audit")
    found = history.verify()
    kept = {"cases": found["cases"], "events": found["events"], "n": len(found["broken"])}
    log.write(
        queries.VERIFIED, "audit", actor=scope_of(request).actor.person,
        data=kept | {"broken": found["broken"][:SHOWN_FAULTS]},
    )  # fmt: skip
    if found["broken"]:
        messages.error(request, _("发现 %(n)d 处不符，见下表") % {"n": len(found["broken"])})
    else:
        messages.success(request, _("全部完好：%(n)d 条事件") % {"n": found["events"]})
    return redirect("command_audit")


def fault_names() -> dict[str, str]:
    """What each kind of fault means."""
    return {
        "hash": _("事件内容被改动"),
        "previous": _("与前一事件接不上"),
        "gap": _("缺少事件或次序颠倒"),
        "before": _("变更前的值与前文不符"),
        "head": _("链尾与案件记录不符"),
        "projection": _("当前数据与事件推算不符"),
        "text": _("文字被改动"),
        "missing": _("案件不见了"),
        "anchor": _("与每日锚点不符"),
    }


@require_safe
@page(ADMIN)
def entries(request: HttpRequest) -> HttpResponse:
    """The general log: sign-ins, readings of contacts, loads of packs, changes of master data."""
    filters = pages.Filters(request)
    actions = queries.log_actions()
    rows = queries.log(filters.choice("action", actions), filters.text("q"), filters.day("since"), filters.day("until"))
    names = action_names()
    if pages.wants_file(request):
        columns: dict[str, Any] = {
            _("时间"): lambda e: e.at,
            _("人员"): lambda e: e.actor_label,
            _("事项"): lambda e: names.get(e.action, e.action),
            _("对象"): lambda e: e.subject,
            _("事由"): lambda e: e.reason,
        }
        return pages.file_of("log", _("日志"), columns, rows)
    shown = pages.paged(request, rows)
    for row in shown:
        row.name = names.get(row.action, row.action)
    return pages.show(
        request,
        "command/log.html",
        "log",
        rows=shown,
        controls=[
            pages.select(request, "action", _("事项"), [(a, names.get(a, a)) for a in actions]),
            pages.field(request, "q", _("人员、对象、事由"), "search"),
            *pages.days(request),
        ],
        faults=filters.faults,
    )


@require_safe
@page()
def settings(request: HttpRequest) -> HttpResponse:
    """The district's numbers as the rules use them; they are changed in the district pack, not here."""
    here = district.current()
    rules = here.settings
    limits = [
        (_("受理"), rules.limits.intake),
        (_("核实"), rules.limits.precheck),
        (_("派遣"), rules.limits.dispatch),
        (_("签收"), rules.limits.sign),
        (_("报到"), rules.limits.arrive),
        (_("处置（目录没有规定时）"), rules.limits.handle),
        (_("核查"), rules.limits.verify),
        (pgettext("limit", "结案"), rules.limits.close),
        (_("退回窗口"), rules.limits.return_window),
        (_("申诉期限（结案之后）"), rules.limits.appeal_window),
    ]
    whom = {"lead": _("承办单位"), "street": _("街道"), "headquarters": _("总指挥部")}
    return pages.show(
        request,
        "command/settings.html",
        "settings",
        here=here,
        rules=rules,
        limits=[(name, district.limit_in_words(limit)) for name, limit in limits],
        ladder=[(named(rung), round(100 * rung.at), [whom.get(w, w) for w in rung.notify]) for rung in rules.ladder],
        kinds=kinds().values(),
        bounds=[100 * b for b in rules.whistle_rate_bounds],
        years=queries.calendar_days().items(),
        provisional=queries.provisional(),
        yellow=round(100 * rules.yellow_share),
        this_year=clock.local(clock.now()).year,
    )
