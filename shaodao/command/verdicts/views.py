"""Pages over what was said of the work; comments and circulars are written through the loop's own actions."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.cases import letters as letters_room
from shaodao.cases import queries as case_queries
from shaodao.cases.actions import perform
from shaodao.cases.choices import limit_text
from shaodao.cases.models import Case, Evaluation
from shaodao.cases.requests import actor_of
from shaodao.cases.words import own_words
from shaodao.command import links, pages
from shaodao.command.access import OFFICE, RULING, Scope, holds, page, scope_of
from shaodao.command.verdicts import queries
from shaodao.command.verdicts.forms import CircularForm
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.naming import named


@require_safe
@page()
def evaluations(request: HttpRequest) -> HttpResponse:
    """All ratings with the case's own numbers beside them."""
    filters, scope, now = pages.Filters(request), scope_of(request), clock.now()
    rows = queries.evaluations(
        scope,
        filters.street(),
        filters.unit(),
        filters.flag("below"),
        filters.flag("commented"),
        filters.day("since"),
        filters.day("until"),
        filters.flag("counted"),
    )
    if pages.wants_file(request):
        return pages.file_of("evaluations", _("评价"), _evaluation_columns(), rows)
    shown = pages.paged(request, rows)
    for row in shown:
        row.beside = [fact | {"limit": limit_text(fact["value"], fact["unit"])} for fact in queries.beside(row)]
    return pages.show(
        request,
        "command/evaluations.html",
        "evaluations",
        rows=shown,
        ratings=queries.ratings(scope, now),
        threshold=district.current().settings.evaluation_reason_below,
        period=links.PERIOD,
        controls=[
            pages.unit_select(request),
            pages.street_select(request),
            pages.select(request, "below", _("评分"), [("1", _("偏低")), ("0", _("不低"))]),
            pages.select(request, "commented", _("总指挥部意见"), [("0", _("还没有")), ("1", _("已批注"))]),
            pages.select(request, "counted", _("计入得分"), [("1", _("计入")), ("0", _("申诉不计"))]),
            *pages.days(request),
        ],
        may_comment=holds(scope.actor, RULING),
        faults=filters.faults,
    )


def _evaluation_columns() -> dict[str, Any]:
    def used(kind: str) -> Any:
        return lambda e: round(e.facts[kind]["used_s"] / 3600, 2) if e.facts.get(kind) else None

    return {
        _("案件"): lambda e: e.case.number,
        _("类别"): lambda e: named(e.case.category),
        _("街道"): lambda e: named(e.street),
        _("单位"): lambda e: named(e.organisation),
        _("效率"): lambda e: e.efficiency,
        _("效果"): lambda e: e.effect,
        _("评价理由"): lambda e: e.reason,
        _("评价时间"): lambda e: e.created_at,
        _("签收用时（小时）"): used("sign"),
        _("报到用时（小时）"): used("arrive"),
        _("处置用时（小时）"): used("handle"),
        _("处置按期"): lambda e: {True: _("是"), False: _("否")}.get(e.facts.get("handle", {}).get("in_time"), ""),
        _("返工"): lambda e: e.facts.get("rework"),
        _("退回"): lambda e: e.facts.get("returns"),
        _("申诉不计"): lambda e: _("是") if e.exempt else "",
        _("总指挥部意见"): lambda e: e.comment,
    }


@require_POST
@page(RULING)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the headquarters' comment on one evaluation, then go back to the list one came from."""
    row = get_object_or_404(Evaluation.objects.select_related("case"), pk=pk)
    try:
        perform(
            "comment_evaluation", row.case_id, actor_of(request), on=row.pk, data={"text": request.POST.get("text", "")}
        )
    except Invalid as error:
        messages.error(request, _("；").join(str(v) for v in error.errors.values()))
    except Refused as error:
        messages.error(request, str(error.reason))
    else:
        messages.success(request, _("已批注，街道会收到"))
    return redirect(f"{_back(request, 'command_evaluations')}#e{row.pk}")


def _back(request: HttpRequest, name: str) -> str:
    wanted = request.POST.get("next", "")
    return (
        wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()) else reverse(name)
    )


@require_safe
@page()
def rebounds(request: HttpRequest) -> HttpResponse:
    """Cases that came back while watched, and how often by the organisation that had finished them."""
    filters, scope = pages.Filters(request), scope_of(request)
    rows = queries.rebounds(scope, filters.street(), filters.unit(), filters.choice("show", ("open", "closed")))
    if pages.wants_file(request):
        return pages.file_of("rebounds", _("反弹案件"), _rebound_columns(), rows)
    return pages.show(
        request,
        "command/rebounds.html",
        "rebounds",
        rows=pages.paged(request, rows),
        shares=queries.rebound_shares(scope),
        controls=[
            pages.select(request, "show", _("进展"), [("open", _("重办中")), ("closed", _("已再次结案"))]),
            pages.unit_select(request),
            pages.street_select(request),
        ],
        faults=filters.faults,
    )


def _rebound_columns() -> dict[str, Any]:
    return {
        _("编号"): lambda c: c.number,
        _("类别"): lambda c: named(c.category),
        _("街道"): lambda c: named(c.street),
        _("主办单位"): lambda c: named(c.lead),
        _("状态"): lambda c: c.get_state_display(),
        _("反弹次数"): lambda c: c.rebound_count,
        _("最近反弹"): lambda c: c.returns[0].at if c.returns else None,
        _("理由"): lambda c: c.returns[0].why if c.returns else "",
    }


@require_safe
@page()
def watch(request: HttpRequest) -> HttpResponse:
    """Looks back during the watch: due, coming, missed, done."""
    filters, scope, now = pages.Filters(request), scope_of(request), clock.now()
    show = filters.choice("show", ("due", "coming", "missed", "done"), "due")
    rows = queries.rechecks(scope, filters.street(), show, now)
    if pages.wants_file(request):
        return pages.file_of("watch", _("回头看"), _recheck_columns(), rows)
    counts = queries.recheck_counts(scope, now)
    labels = {"due": _("到期待复查"), "coming": _("未到期"), "missed": _("观察期已过未复查"), "done": _("已复查")}
    return pages.show(
        request,
        "command/watch.html",
        "watch",
        rows=pages.paged(request, rows),
        show=show,
        counts=[(key, label, counts[key]) for key, label in labels.items()],
        controls=[pages.select(request, "show", _("查看"), labels.items(), "due"), pages.street_select(request)],
        faults=filters.faults,
    )


def _recheck_columns() -> dict[str, Any]:
    return {
        _("案件"): lambda r: r.case.number,
        _("类别"): lambda r: named(r.case.category),
        _("街道"): lambda r: named(r.case.street),
        _("到期"): lambda r: r.due_at,
        _("观察至"): lambda r: r.case.watch_until,
        _("复查时间"): lambda r: r.done_at,
        _("又出现了"): lambda r: {True: _("是"), False: _("否")}.get(r.rebounded, ""),
        _("说明"): lambda r: own_words(r.remark),
    }


@require_safe
@page()
def circulars(request: HttpRequest) -> HttpResponse:
    filters, scope = pages.Filters(request), scope_of(request)
    rows = queries.circulars(scope, filters.text("q"), filters.unit())
    return pages.show(
        request,
        "command/circulars.html",
        "circulars",
        rows=pages.paged(request, rows),
        controls=[pages.field(request, "q", _("标题、正文"), "search"), pages.unit_select(request)],
        may_send=holds(scope.actor, RULING),
        faults=filters.faults,
    )


@require_safe
@page()
def circular(request: HttpRequest, pk: int) -> HttpResponse:
    """One circular, laid out to be printed."""
    row = queries.circulars(scope_of(request)).filter(pk=pk).first()
    if row is None:
        raise Http404(_("没有这份通报，或它没有发给您的单位"))
    return pages.show(request, "command/circular.html", "circulars", row=row)


@require_http_methods(["GET", "HEAD", "POST"])
@page(RULING)
def new_circular(request: HttpRequest) -> HttpResponse:
    """Write a circular about one case; ?evaluation= fills in whom it is about."""
    scope = scope_of(request)
    form = CircularForm(request.POST or None, initial=_initial(request, scope))
    if request.method == "POST" and form.is_valid():
        case = case_queries.by_number(form.cleaned_data["case"])
        if case is None or not scope.cases().filter(pk=case.pk).exists():
            form.add_error("case", _("没有这个案件"))
        else:
            sent = _send(request, form, case)
            if sent is not None:
                messages.success(request, _("通报已发出，各单位的收件箱里会有"))
                return redirect("command_circular", pk=sent.pk)
    return pages.show(
        request, "command/circular_new.html", "circulars", status=422 if form.errors else 200, form=form,
    )  # fmt: skip


def _send(request: HttpRequest, form: CircularForm, case: Case) -> Any:
    data = {k: form.cleaned_data[k] for k in ("title", "text", "organisations")}
    try:
        return perform("circulate", case.pk, actor_of(request), data=data).result
    except Invalid as error:
        form.add_errors(error.errors)
    except Refused as error:
        form.add_error(None, str(error.reason))
    except Conflict:
        form.add_error(None, _("案件刚刚有变化，请再试一次"))
    return None


def _initial(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    first: dict[str, Any] = {"case": request.GET.get("case", "")[:20]}
    key = request.GET.get("evaluation", "")
    if key.isascii() and key.isdigit() and len(key) < 16:
        rated = (
            Evaluation.objects.filter(scope.q(), pk=int(key)).select_related("case__category", "organisation").first()
        )
        if rated is None:
            raise PermissionDenied(_("没有这条评价"))
        first = {
            "case": rated.case.number,
            "organisations": [rated.organisation.code],
            "title": _("关于案件 %(number)s 评价情况的通报") % {"number": rated.case.number},
            "text": _("街道对%(unit)s的评价：效率 %(a)d 分，效果 %(b)d 分。%(reason)s")
            % {
                "unit": named(rated.organisation),
                "a": rated.efficiency,
                "b": rated.effect,
                "reason": _("理由：%(why)s") % {"why": rated.reason} if rated.reason else "",
            },
        }
    return first


@require_safe
@page(OFFICE)
def letters(request: HttpRequest) -> HttpResponse:
    """Letters through the net and when they were answered, in working days of the true calendar."""
    filters = pages.Filters(request)
    states = {
        "answered": _("已答复"),
        "open": _("未答复"),
        "within_15": _("15 个工作日内答复"),
        "within_30": _("30 个工作日内答复"),
        "after_15": _("16–30 个工作日答复"),
        "late": _("超过 30 个工作日才答复"),
    }
    state, year = filters.choice("state", states), _year(filters)
    rows = queries.letter_reports(state, year)
    if pages.wants_file(request):
        return pages.file_of("letters", _("来信答复"), _letter_columns(), rows)
    shown = pages.paged(request, rows)
    summary = letters_room.letters_summary()
    summary["late"] = summary["answered"] - summary["within_30"]
    summary["after_15"] = summary["within_30"] - summary["within_15"]
    for row in shown:
        row.answered_at = row.case.closed_at if row.case.outcome == "answered" else None
    return pages.show(
        request,
        "command/letters.html",
        "letters",
        rows=shown,
        summary=summary,
        chart=_letter_chart(summary["years"]),
        tiles=[(key, label, summary[key]) for key, label in states.items()],
        controls=[
            pages.select(request, "state", _("答复"), states.items()),
            pages.select(request, "year", _("来信年份"), [(y["year"], y["year"]) for y in summary["years"]]),
        ],
        faults=filters.faults,
    )


def _year(filters: pages.Filters) -> int | None:
    text = filters.text("year")
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1990 <= int(text[:4]) <= 2100 and len(text) == 4:
        return int(text)
    filters.faults.append(_("年份写作四位数字，例如 2019"))
    return None


def _letter_columns() -> dict[str, Any]:
    def answered(report: Any) -> Any:
        return report.case.closed_at if report.case.outcome == "answered" else None

    return {
        _("案件"): lambda r: r.case.number,
        _("主题"): lambda r: r.attributes.get("subject", ""),
        _("来信分类"): lambda r: r.topic,
        _("类别"): lambda r: named(r.case.category),
        _("来信时间"): lambda r: r.created_at,
        _("答复时间"): answered,
    }


def _letter_chart(years: list[dict[str, Any]]) -> dict[str, Any]:
    def data(read: Any, state: str) -> list[dict[str, Any]]:
        return [{"value": read(y), "url": links.to("command_letters", year=y["year"], state=state)} for y in years]

    series = [
        (_("15 个工作日内"), "green", data(lambda y: y["within_15"], "within_15")),
        (_("16–30 个工作日"), "yellow", data(lambda y: y["within_30"] - y["within_15"], "after_15")),
        (_("30 个工作日以后"), "red", data(lambda y: y["answered"] - y["within_30"], "late")),
    ]
    return {
        "xAxis": {"type": "category", "data": [str(y["year"]) for y in years]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"name": name, "type": "bar", "stack": "a", "barMaxWidth": 40, "itemStyle": {"color": colour}, "data": rows}
            for name, colour, rows in series
        ],
    }
