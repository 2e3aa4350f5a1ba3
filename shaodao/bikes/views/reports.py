"""Daily supervision on pages: the days, the report of one with its files, the scores of a month."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.bikes import queries, rules, settings
from shaodao.bikes.models import DayReport, Operator
from shaodao.bikes.reports import months, tables
from shaodao.bikes.reports.document import KINDS, Document, document
from shaodao.bikes.requests import enter, operator_of
from shaodao.bikes.words import IN_FORCE
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, documents, log

PER_PAGE = 31


def _scope(request: HttpRequest) -> tuple[list[Operator], Operator | None, bool]:
    """(the operators that may be chosen, the chosen one or None for all, may all of them be looked at).

    Who may not look at all of them has one chosen, the first unless the address names another of its own.
    """
    enter(request)
    facts = actor_of(request).facts
    whole = rules.reads_all(facts, queries.reviewer_id())
    rows = list(queries.visible(facts).order_by("organisation__code"))
    code = request.GET.get("operator", "")
    chosen = next((o for o in rows if o.organisation.code == code), None)
    if code and chosen is None:
        operator_of(request, code)
    if chosen is None and not whole:
        if not rows:
            raise PermissionDenied(_("您的岗位看不到这个页面"))
        chosen = rows[0]
    return rows, chosen, whole


def _day(text: str) -> date:
    """A day of an address; 404 for what is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:  # other forms of ISO 8601 are no addresses of ours
        raise Http404(_("没有这一天的日报"))
    return found


@staff
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The days with their figures, newest first, of all operators together or of one."""
    operators, chosen, whole = _scope(request)
    rows = (
        DayReport.objects.filter(latest=True, operator=chosen).select_related("operator__organisation").order_by("-day")
    )
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page, "operators": operators, "chosen": chosen, "whole": whole, "chart": _days_chart(list(page)),
        "query": f"?{urlencode({'operator': chosen.organisation.code})}" if chosen else "",
    }  # fmt: skip
    return render(request, "bikes/reports.html", context)


@staff
@require_safe
def report(request: HttpRequest, day: str) -> HttpResponse:
    """A day, of all operators or of one; `?version=` an earlier one; `?format=xlsx|pdf` the same tables as a file."""
    operators, chosen, whole = _scope(request)
    versions = DayReport.objects.filter(day=_day(day), operator=chosen).order_by("-version")
    row = _version(versions.select_related("operator__organisation"), request.GET.get("version", ""))
    here = reverse("bikes_report", args=[day])
    made = document(row, lambda code: f"{here}?{urlencode({'operator': code})}")
    kind, problem = request.GET.get("format", ""), ""
    if kind in KINDS:
        try:
            return _file(request, kind, made)
        except documents.NoType as why:
            problem = str(why)
    context = {
        "row": row, "document": made, "operators": operators, "chosen": chosen, "whole": whole,
        "chart": _hours_chart(row), "problem": problem, "rate": documents.Percent(row.figures["in_order_rate"]),
        "earlier": [v for v in versions.values_list("version", flat=True) if v != row.version],
    }  # fmt: skip
    return render(request, "bikes/report.html", context, status=503 if problem else 200)


def _version(versions: QuerySet[DayReport], wanted: str) -> DayReport:
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 6 else None
    row = versions.filter(**({"latest": True} if number is None else {"version": number})).first()
    if row is None:
        raise Http404(_("没有这一天的日报"))
    return row


def _file(request: HttpRequest, kind: str, made: Document) -> HttpResponse:
    response = HttpResponse(made.file(kind), content_type=KINDS[kind])
    name = f"{made.name}.{kind}"
    data = {"file": name, "version": made.row.version}
    log.write("bikes.report", f"day:{made.row.day.isoformat()}", actor=actor_of(request).person, data=data)
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


def _days_chart(rows: list[DayReport]) -> dict[str, Any] | None:
    """ECharts: the in-order rate of each day as a line; a click leads to the day. None if no day has a rate."""
    if all(r.figures["in_order_rate"] is None for r in rows):
        return None
    data = [
        {"value": None if r.figures["in_order_rate"] is None else round(100 * r.figures["in_order_rate"], 1),
         "url": reverse("bikes_report", args=[r.day.isoformat()]) + (f"?{urlencode({'operator': r.operator.organisation.code})}" if r.operator else "")}
        for r in reversed(rows)
    ]  # fmt: skip
    return _line([f"{r.day.month}-{r.day.day}" for r in reversed(rows)], data)


def _hours_chart(row: DayReport) -> dict[str, Any]:
    hours = row.figures["hours"]
    shares = {hour: group["in_order_rate"] for hour, group in hours.items()}
    data = [{"value": None if shares[h] is None else round(100 * shares[h], 1)} for h in shares]
    return _line([f"{h}:00" for h in shares], data)


def _line(names: list[str], data: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value", "min": 0, "max": 100},
        "series": [{"name": _("有序率（%）"), "type": "line", "data": data, "symbolSize": 7}],
        "legend": {"bottom": 0},
    }


# ── a month ──────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_safe
def scores(request: HttpRequest) -> HttpResponse:
    """The scores of a month, each with its days and parts, and what they suggest; who decides is a person."""
    operators, chosen, whole = _scope(request)
    this = clock.local(clock.now()).date().replace(day=1)
    first = _month(request.GET.get("month", ""), this)
    given = settings.current().score
    found = months.months([chosen] if chosen else operators, first, given)
    reviews = rules.reviews(actor_of(request).facts, queries.reviewer_id())
    room = queries.overview(operators)["open"] if whole else None
    context = {
        "first": first, "before": months.preceding(first), "after": months.following(first) if first < this else None,
        "rows": [_row(m, first, reviews, room) for m in found], "rules": given, "operators": operators, "chosen": chosen,
        "whole": whole, "reviews": reviews, "labels": tables.part_labels(),
    }  # fmt: skip
    return render(request, "bikes/scores.html", context)


def _month(text: str, this: date) -> date:
    """The first day of `2026-11`; that of the present month for anything else, and for what is to come."""
    try:
        first = date.fromisoformat(f"{text}-01") if len(text) == 7 and text.isascii() else this
    except ValueError:
        return this
    return min(first, this)


def _row(month: months.Month, first: date, reviews: bool, room: int | None) -> dict[str, Any]:
    labels, o = tables.part_labels(), month.operator
    row: dict[str, Any] = {
        "month": month, "operator": o,
        "parts": [(labels[name], documents.Percent(share)) for name, share in month.parts.items()],
        "days": [{"day": d.day, "points": d.score, "parts": [(labels.get(p["part"], p["part"]), p["points"], p["weight"], tables.explained(p)) for p in d.parts]}
                 for d in month.days],
    }  # fmt: skip
    if month.quota is not None and month.percent is not None:
        reason = _("%(month)s 考核平均 %(points)s 分（%(n)d 天），按规则建议 %(percent)s") % {
            "month": first.strftime("%Y-%m"), "points": month.points, "n": month.scored, "percent": f"{month.percent:+g}%",
        }  # fmt: skip
        row |= {"percent": f"{month.percent:+g}%", "more": month.quota - o.quota, "room": room}
        row["short"] = room is not None and month.quota - o.quota > room
        if reviews and o.state in IN_FORCE:
            address = reverse("bikes_do", args=[o.organisation.code, "change_quota"])
            row["decide"] = f"{address}?{urlencode({'quota': month.quota, 'reason': reason})}"
    return row
