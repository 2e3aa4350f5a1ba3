"""The pages of these lists, each also as Excel."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases.models import Assignment
from shaodao.cases.words import Outcome
from shaodao.command import pages
from shaodao.command.access import page, scope_of
from shaodao.command.lists import queries
from shaodao.command.lists.queries import Wanted
from shaodao.foundation import clock
from shaodao.foundation.naming import named


@require_safe
@page()
def cases(request: HttpRequest) -> HttpResponse:
    """Cases filed or closed within days: ?closed_since=&closed_until= or ?filed_since=&filed_until=."""
    filters = pages.Filters(request)
    by = "filed" if "filed_since" in request.GET or "filed_until" in request.GET else "closed"
    wanted = Wanted(
        street=filters.street(),
        unit=filters.unit("lead"),
        since=filters.day(f"{by}_since"),
        until=filters.day(f"{by}_until"),
        outcome=filters.choice("outcome", Outcome.values),
        late=filters.flag("late"),
        rebounded=filters.flag("rebound"),
        whistled=filters.flag("whistled"),
    )
    rows = queries.settled(scope_of(request), by, wanted)
    title = _("立案案件") if by == "filed" else _("结案案件")
    if pages.wants_file(request):
        return pages.file_of(by, title, _case_columns(by), rows)
    return pages.show(
        request,
        "command/cases.html",
        "today",
        title=title,
        by=by,
        wanted=wanted,
        rows=pages.paged(request, rows),
        controls=[
            pages.street_select(request),
            pages.unit_select(request, "lead", _("主办单位")),
            pages.select(request, "late", _("按期"), [("0", _("按期")), ("1", _("逾期"))]),
            *([pages.select(request, "outcome", _("结果"), Outcome.choices)] if by == "closed" else []),
            pages.select(request, "whistled", _("吹哨"), [("1", _("吹过哨")), ("0", _("没有吹哨"))]),
            *pages.days(request, f"{by}_since", f"{by}_until"),
        ],
        faults=filters.faults,
    )


def _case_columns(by: str) -> dict[str, Any]:
    return {
        _("编号"): lambda c: c.number,
        _("类别"): lambda c: named(c.category),
        _("街道"): lambda c: named(c.street),
        _("主办单位"): lambda c: named(c.lead),
        _("状态"): lambda c: c.get_state_display(),
        _("结果"): lambda c: c.get_outcome_display(),
        _("接报时间"): lambda c: c.created_at,
        _("立案时间"): lambda c: c.filed_at,
        _("结案时间"): lambda c: c.closed_at,
        _("返工"): lambda c: c.rework_count,
        _("退回"): lambda c: c.return_count,
        _("反弹"): lambda c: c.rebound_count,
    }


@require_safe
@page()
def tasks(request: HttpRequest) -> HttpResponse:
    """The parts of single organisations with their times against the limits."""
    filters, now = pages.Filters(request), clock.now()
    shows = {
        "open": _("在办"),
        "overdue": _("超期"),
        "done": _("已交回"),
        "late": _("逾期交回"),
        "all": _("全部"),
    }
    wanted = Wanted(
        street=filters.street(),
        unit=filters.unit(),
        since=filters.day("since"),
        until=filters.day("until"),
        show=filters.choice("show", shows, "open"),
    )
    rows = queries.tasks(scope_of(request), wanted, now)
    if pages.wants_file(request):
        return pages.file_of("tasks", _("单位任务"), _task_columns(now), rows)
    shown = pages.paged(request, rows)
    for row in shown:
        row.limits = queries.limits(row, now)
    return pages.show(
        request,
        "command/tasks.html",
        "tasks",
        wanted=wanted,
        rows=shown,
        now=now,
        controls=[
            pages.select(request, "show", _("查看"), shows.items(), "open"),
            pages.unit_select(request),
            pages.street_select(request),
            *(pages.days(request) if wanted.show in ("done", "late") else []),
        ],
        faults=filters.faults,
    )


def _task_columns(now: Any) -> dict[str, Any]:
    def limit(kind: str, key: str) -> Any:
        return lambda a: queries.limits(a, now).get(kind, {}).get(key)

    return {
        _("案件"): lambda a: a.case.number,
        _("类别"): lambda a: named(a.case.category),
        _("街道"): lambda a: named(a.case.street),
        _("单位"): lambda a: named(a.organisation),
        _("角色"): lambda a: a.get_role_display(),
        _("来由"): lambda a: a.get_via_display(),
        _("状态"): lambda a: a.get_state_display(),
        _("派出"): lambda a: a.sent_at,
        _("签收"): lambda a: a.signed_at,
        _("报到"): lambda a: a.arrived_at,
        _("离现场（米）"): lambda a: a.arrived_distance_m,
        _("交回"): lambda a: a.finished_at,
        _("处置时限"): limit("handle", "due_at"),
        _("逾期"): lambda a: _("是") if queries.limits(a, now).get("handle", {}).get("late") else _("否"),
        _("申诉不计"): lambda a: _("是") if queries.limits(a, now).get("handle", {}).get("exempt") else "",
        _("延期"): lambda a: a.extensions,
        _("返工"): lambda a: a.rework_count,
        _("效率"): lambda a: _rated(a, "efficiency"),
        _("效果"): lambda a: _rated(a, "effect"),
    }


def _rated(assignment: Assignment, what: str) -> int | None:
    evaluation = getattr(assignment, "evaluation", None)
    return getattr(evaluation, what, None)
