"""Plans of days: the list, making one, the page of one with map and bars, comparing two."""

from datetime import date
from typing import Any

import orjson
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.cases.forms import RawText, add_errors
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, jobs, sheets
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Job
from shaodao.foundation.naming import named
from shaodao.sanitation import queries as book
from shaodao.sanitation.models import DayPlan
from shaodao.sanitation.plan import background, comparing, gantt, mapping, sheet, stored, texts
from shaodao.sanitation.plan.checking import Violation, violations
from shaodao.sanitation.plan.checking import clock as at
from shaodao.sanitation.plan.plain import Facts, PlainTrip
from shaodao.sanitation.requests import enter
from shaodao.sanitation.words import LegKind, VehicleType

PER_PAGE = 31
NUMBER = {"inputmode": "numeric", "maxlength": "9", "autocomplete": "off"}
LABELS = {
    "planned_share": gettext_lazy("排入"), "feasible_share": gettext_lazy("最多能排"),
    "work_km": gettext_lazy("作业公里"), "move_km": gettext_lazy("空驶公里"),
    "water_m3": gettext_lazy("用水（立方米）"), "refills": gettext_lazy("加水次数"),
}  # fmt: skip


class MakeForm(forms.Form):
    day = RawText(label=gettext_lazy("日期"), widget=forms.DateInput({"type": "date"}))
    seconds = RawText(label=gettext_lazy("算几秒"), widget=forms.TextInput(NUMBER))
    seed = RawText(label=gettext_lazy("随机种子"), widget=forms.TextInput(NUMBER))


def number(text: str, name: str, most: int = 2**31 - 1) -> int:
    """A whole number of a form. Raises Invalid(name)."""
    said = str(text).strip()
    if not (said.isascii() and said.isdigit() and len(said) <= 10 and int(said) <= most):
        raise Invalid({name: _("填 0 到 %(n)d 的整数") % {"n": most}})
    return int(said)


def keeper(request: HttpRequest) -> Any:
    """The actor, who keeps the book; 403 for others."""
    actor = actor_of(request)
    if not book.may_edit(actor):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    return actor


def plan_of(pk: int) -> DayPlan:
    return get_object_or_404(DayPlan.objects.select_related("made_by", "parent"), pk=pk)


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def plans(request: HttpRequest) -> HttpResponse:
    """Plans by day, the newest first; POST has one made."""
    enter(request)
    today = clock.local(clock.now()).date()
    form = MakeForm(
        data=request.POST or None, label_suffix="", initial={"day": today.isoformat(), "seconds": 20, "seed": 0}
    )
    status = 200
    if request.method == "POST":
        try:
            return redirect("sanitation_plan_job", pk=_made(request).pk)
        except Invalid as error:
            add_errors(form, error.errors)
        except Refused as error:
            form.full_clean()
            form.add_error(None, str(error.reason))
        status = 422
    rows = DayPlan.objects.select_related("made_by").defer("left_out")
    context = {
        "page": Paginator(rows.order_by("-day", "-pk"), PER_PAGE).get_page(request.GET.get("page")),
        "form": form,
        "may": book.may_edit(actor_of(request)),
        "waiting": background.all_jobs().filter(state__in=jobs.OPEN),
    }
    return render(request, "sanitation/plans.html", context, status=status)


def _made(request: HttpRequest) -> Job:
    actor = keeper(request)
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise Invalid({"day": _("日期看不懂")}) from None
    seconds = number(request.POST.get("seconds", ""), "seconds", int(background.LONGEST_S))
    seed = number(request.POST.get("seed", ""), "seed")
    return background.hand_in(day, {"seconds": seconds, "seed": seed, "reason": ""}, actor)


@staff
@require_safe
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the making is; when it is done, on to the plan."""
    enter(request)
    found = background.all_jobs().filter(pk=pk).first()
    if found is None:
        raise Http404
    if found.state == Job.State.DONE and not request.headers.get("HX-Request"):
        return redirect("sanitation_plan", pk=found.result["plan"])
    context = {"job": found, "ahead": jobs.ahead(found), "may": book.may_edit(actor_of(request))}
    return render(request, "sanitation/plan_job.html", context)


@staff
@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    keeper(request)
    if not background.all_jobs().filter(pk=pk).exists():
        raise Http404
    try:
        jobs.cancel(pk)
    except Refused as error:
        messages.error(request, str(error.reason))
    return redirect("sanitation_plans")


# ── one plan ─────────────────────────────────────────────────────────────────────────────────────────────────────


def wrong_by_leg(found: list[Violation]) -> dict[tuple[int, int], list[str]]:
    wrong: dict[tuple[int, int], list[str]] = {}
    for v in found:
        wrong.setdefault((v.trip, v.leg), []).append(v.words)
    return wrong


def page_of(request: HttpRequest, found: DayPlan, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a plan: the same queries however many legs it has."""
    facts, trips = stored.facts_of(found), stored.trips_of(found)
    bad = violations(facts, trips)
    vehicles = {v.key: v for v in facts.vehicles}
    context = {
        "plan": found,
        "facts": facts,
        "figures": found.figures,
        "headline": texts.headline(found.figures),
        "head": texts.head(),
        "lines": texts.lines(found.figures),
        "notes": [texts.note(what, code) for what, code in found.figures.get("notes", [])],
        "violations": [(v, vehicles.get(v.vehicle or 0)) for v in bad[:100]],
        "n_violations": len(bad),
        "rows": _drawn(facts, trips, wrong_by_leg(bad)),
        "closed": [(a / 60, (b - a) / 60) for a, b in gantt.closed(facts)],
        "hours": [(h, h * 60) for h in range(0, 25, 2)],
        "legend": legend(facts),
        "vehicles": (all_vehicles := _vehicles(found)),
        "idle": [v for v in all_vehicles if not v["trips"]],
        "chosen": request.GET.get("vehicle", "")[:60],
        "mode": request.GET.get("mode", "")[:60],
        "others": DayPlan.objects.filter(day=found.day).exclude(pk=found.pk).defer("left_out", "figures")[:20],
        "may": book.may_edit(actor_of(request)),
        **more,
    }
    return render(request, "sanitation/plan.html", context, status=status)


@staff
@require_safe
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    enter(request)
    found = plan_of(pk)
    if request.GET.get("format") == "xlsx":
        body = sheet.workbook(stored.facts_of(found), stored.trips_of(found), found.figures, found.left_out)
        name = content_disposition_header(True, f"plan-{found.day}-{found.pk}.xlsx") or ""
        return HttpResponse(body, sheets.XLSX, headers={"Content-Disposition": name})
    return page_of(request, found)


def legend(facts: Facts) -> list[tuple[str, str]]:
    """(class of the bar, words)."""
    kinds = [(f"bar-{m.kind}", named(m)) for m in facts.modes if m.due]
    return [
        *kinds,
        ("bar-fill", str(LegKind.FILL.label)),
        ("bar-break", str(LegKind.BREAK.label)),
        ("bar-move", str(LegKind.MOVE.label)),
    ]


def _drawn(facts: Facts, trips: list[PlainTrip], wrong: dict[tuple[int, int], list[str]]) -> list[dict[str, Any]]:
    """Rows of bars in minutes, with their words."""
    modes = {m.key: m for m in facts.modes}
    rows: list[dict[str, Any]] = []
    for row in gantt.rows(facts, trips, wrong):
        bars = [_bar(bar, modes) for bar in row.bars if bar.what != LegKind.WAIT]
        shifts = [(a / 60, (b - a) / 60) for a, b in row.shifts]
        rows.append({"vehicle": row.vehicle, "shifts": shifts, "bars": bars, "y": 28 + 22 * len(rows)})
    return rows


def _bar(bar: gantt.Bar, modes: dict[int, Any]) -> dict[str, Any]:
    mode = modes.get(bar.mode or 0)
    span = f"{at(bar.begin_s)}–{at(bar.end_s)}"
    if mode is not None:
        said = _("%(m)s 第 %(p)d 遍，%(n)d 段，%(r)s") % {
            "m": named(mode), "p": bar.pass_no, "n": bar.segments, "r": "、".join(dict.fromkeys(bar.roads)),
        }  # fmt: skip
    else:
        said = str(LegKind(bar.what).label)
    words = " · ".join([span, said, *bar.wrong[:3]])
    return {
        "x": round(bar.begin_s / 60, 1), "w": max(1.0, round((bar.end_s - bar.begin_s) / 60, 1)), "words": words,
        "kind": mode.kind if mode else bar.what, "label": str(bar.pass_no) if mode and bar.end_s - bar.begin_s > 1200 else "",
        "wrong": bool(bar.wrong),
    }  # fmt: skip


def _vehicles(found: DayPlan) -> list[dict[str, Any]]:
    kinds = dict(VehicleType.choices)
    return [row | {"type_label": kinds.get(row["type"], row["type"])} for row in found.figures.get("vehicles", [])]


@staff
@require_safe
def geojson(request: HttpRequest, pk: int) -> HttpResponse:
    """What the map draws: of `?vehicle=` its way, else how much of each segment is planned; `?mode=` of one service."""
    enter(request)
    found = plan_of(pk)
    facts, trips = stored.facts_of(found), stored.trips_of(found)
    vehicle, mode = request.GET.get("vehicle", ""), request.GET.get("mode", "")
    features = mapping.route(facts, trips, vehicle, mode) if vehicle else mapping.shares(facts, trips, mode)
    body = orjson.dumps(mapping.collection(features), default=str)
    return HttpResponse(body, content_type="application/geo+json", headers={"Cache-Control": "private, no-cache"})


@staff
@require_safe
def compare(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """Two plans of a day side by side."""
    enter(request)
    one, two = plan_of(pk), plan_of(other)
    if one.day != two.day:
        raise Http404(_("两个计划不是同一天的"))
    facts = stored.facts_of(one)
    changes = comparing.changes(facts, stored.trips_of(one), stored.trips_of(two))
    modes = {m.code: named(m) for m in facts.modes}
    roads = {s.road: named({"name": s.road_name, "name_en": s.road_name_en}) or s.road for s in facts.segments}
    context = {
        "one": one,
        "two": two,
        "sums": [
            (LABELS[name], name.endswith("_share"), a, b) for name, a, b in comparing.sums(one.figures, two.figures)
        ],
        "changes": [(modes[c.mode], roads.get(c.road, c.road), c) for c in changes],
        "illustrative": facts.illustrative,
    }
    return render(request, "sanitation/plan_compare.html", context)
