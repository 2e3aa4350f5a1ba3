"""What is done to a plan: publish, take back, make the rest of the day anew, edit a vehicle's day by hand."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from shaodao.cases.forms import RawChoice, RawChoices, RawText, add_errors
from shaodao.cases.views.gate import staff
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.naming import named
from shaodao.sanitation import queries as book
from shaodao.sanitation.hours import Bad, span
from shaodao.sanitation.models import DayPlan
from shaodao.sanitation.plan import actions, background, gantt, stored
from shaodao.sanitation.plan.checking import violations
from shaodao.sanitation.plan.plain import FILL, SERVICE, Facts, PlainTrip, VehicleFacts
from shaodao.sanitation.views.plans import actor_of, enter, keeper, number, page_of, plan_of, wrong_by_leg
from shaodao.sanitation.words import PlanState

STALE = gettext_lazy("这个计划刚刚有人改过状态，您的操作没有执行。下面是它现在的样子。")


def _version(request: HttpRequest) -> int:
    return number(request.POST.get("version", ""), "version")


@staff
@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish; with violations only with a reason, which stands in the log."""
    actor, found = keeper(request), plan_of(pk)
    reason = request.POST.get("reason", "")
    try:
        actions.publish(pk, actor, version=_version(request), force=bool(reason.strip()), reason=reason)
    except Conflict:
        return page_of(request, plan_of(pk), status=409, stale=STALE)
    except Invalid as error:
        return page_of(request, found, status=422, fault="；".join(map(str, error.errors.values())))
    except Refused as error:
        return page_of(request, found, status=409, fault=str(error.reason))
    messages.success(request, _("已发布"))
    return redirect("sanitation_plan", pk=pk)


@staff
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    actor, found = keeper(request), plan_of(pk)
    try:
        actions.withdraw(pk, actor, version=_version(request), reason=request.POST.get("reason", ""))
    except Conflict:
        return page_of(request, plan_of(pk), status=409, stale=STALE)
    except Invalid as error:
        return page_of(request, found, status=422, fault="；".join(map(str, error.errors.values())))
    except Refused as error:
        return page_of(request, found, status=409, fault=str(error.reason))
    messages.success(request, _("已撤回"))
    return redirect("sanitation_plan", pk=pk)


# ── the rest of the day ──────────────────────────────────────────────────────────────────────────────────────────


class ReplanForm(forms.Form):
    at = RawText(label=gettext_lazy("从几点起重排"), widget=forms.TimeInput({"type": "time"}))
    broken = RawChoices(label=gettext_lazy("哪些车不能用了"), required=False, widget=forms.SelectMultiple({"size": 6}))
    mode = RawChoice(label=gettext_lazy("哪项作业停"), required=False)
    closed = RawText(
        label=gettext_lazy("停在哪段时间（如 10:00-16:00）"), required=False, widget=forms.TextInput({"maxlength": 20})
    )
    seconds = RawText(label=gettext_lazy("算几秒"), widget=forms.TextInput({"inputmode": "numeric", "maxlength": 3}))
    reason = RawText(label=gettext_lazy("理由"), required=False, widget=forms.TextInput({"maxlength": 300}))

    def __init__(self, facts: Facts, **given: Any) -> None:
        super().__init__(**given, label_suffix="")
        vehicles = [(v.code, f"{v.code} {named(v)}") for v in facts.vehicles if not v.away]
        modes = [(m.code, named(m)) for m in facts.modes if m.due]
        self.fields["broken"].choices = vehicles  # type: ignore[attr-defined]
        self.fields["mode"].choices = [("", _("不停")), ("*", _("全部（如暴雨）")), *modes]  # type: ignore[attr-defined]


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def replan(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the rest of the day anew: from when, without which vehicles, with what stopped."""
    actor, found = keeper(request), plan_of(pk)
    form = ReplanForm(stored.facts_of(found), data=request.POST or None, initial={"seconds": 20})
    status = 200
    if request.method == "POST":
        try:
            job = background.hand_in(found.day, {"parent": pk, **_wanted(request)}, actor)
            return redirect("sanitation_plan_job", pk=job.pk)
        except Invalid as error:
            add_errors(form, {"at" if name == "at_s" else name: text for name, text in error.errors.items()})
        except Refused as error:
            form.full_clean()
            form.add_error(None, str(error.reason))
        status = 422
    return render(request, "sanitation/plan_replan.html", {"plan": found, "form": form}, status=status)


def _wanted(request: HttpRequest) -> dict[str, Any]:
    hours, minutes = _time(request.POST.get("at", ""))
    closed: list[list[Any]] = []
    mode = request.POST.get("mode", "")
    if mode:
        try:
            first, last, _passes = span(request.POST.get("closed", ""))
        except Bad as bad:
            raise Invalid({"closed": bad.what}) from None
        closed = [["" if mode == "*" else mode, first * 60, last * 60]]
    return {
        "at_s": hours * 3600 + minutes * 60, "broken": request.POST.getlist("broken"), "closed": closed,
        "seconds": number(request.POST.get("seconds", ""), "seconds", int(background.LONGEST_S)), "seed": 0,
        "reason": request.POST.get("reason", ""),
    }  # fmt: skip


def _time(text: str) -> tuple[int, int]:
    hours, colon, minutes = text.strip()[:8].partition(":")
    minutes = minutes[:2]
    if colon and hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60:
        return int(hours), int(minutes)
    raise Invalid({"at": _("写作 10:00")})


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def vehicle(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """A vehicle's day as a list. Each change makes a new draft; going back is going to the plan it came from."""
    enter(request)
    found = plan_of(pk)
    facts, trips = stored.facts_of(found), stored.trips_of(found)
    this = next((v for v in facts.vehicles if v.code == code), None)
    if this is None:
        raise Http404(_("没有这辆车"))
    status, fault = 200, ""
    if request.method == "POST":
        try:
            return _edited(request, found, code)
        except Conflict:
            found, status, fault = plan_of(pk), 409, str(STALE)
        except Invalid as error:
            status, fault = 422, "；".join(map(str, error.errors.values()))
        except Refused as error:
            if error.forbidden:
                raise PermissionDenied(str(error.reason)) from None
            status, fault = 409, str(error.reason)
    bad = violations(facts, trips)
    context = {
        "plan": found,
        "vehicle": this,
        "groups": groups(facts, trips, this, wrong_by_leg(bad)),
        "violations": [v for v in bad if v.vehicle == this.key and v.leg < 0],
        "targets": [v for v in facts.vehicles if v.type == this.type and v.key != this.key and not v.away],
        "fault": fault,
        "illustrative": facts.illustrative,
        "may": book.may_edit(actor_of(request)) and found.state != PlanState.WITHDRAWN,
    }
    return render(request, "sanitation/plan_vehicle.html", context, status=status)


def _edited(request: HttpRequest, found: DayPlan, code: str) -> HttpResponse:
    names = ("trip", "first", "last")
    move: dict[str, Any] = {name: number(request.POST.get(name, ""), name) for name in names}
    do = request.POST.get("do", "")
    if do == "out":
        move["do"] = "out"
    elif do in ("up", "down"):
        move |= {"do": "move", "to": move["trip"]}  # the place stands in the button's address: one form has all buttons
        if request.GET.get(do):
            move["before"] = number(request.GET[do], "before")
    elif do == "give":
        move |= {"do": "move", "to": request.POST.get("to", "").replace("\x00", "")[:60]}
        if not move["to"]:
            raise Invalid({"to": _("选一辆车")})
    else:
        raise Invalid({"do": _("没有这种修改")})
    version = number(request.POST.get("version", ""), "version")
    made, bad = actions.edit(found.pk, keeper(request), [move], version=version, reason=request.POST.get("reason", ""))
    if bad:
        messages.warning(request, _("已另存为新草稿，现在有 %(n)d 处不成立") % {"n": len(bad)})
    else:
        messages.success(request, _("已另存为新草稿，没有不成立的地方"))
    return redirect("sanitation_plan_vehicle", pk=made.pk, code=code)


def groups(
    facts: Facts, trips: list[PlainTrip], this: VehicleFacts, wrong: dict[tuple[int, int], list[str]]
) -> list[dict[str, Any]]:
    """A vehicle's day: what it does in a row on one road is one line. `up` and `down`: before which leg it goes."""
    modes, points = {m.key: m for m in facts.modes}, {p.key: p for p in facts.points}
    segments = {s.key: s for s in facts.segments}
    found: list[dict[str, Any]] = []
    for n, trip in enumerate(trips):
        if trip.vehicle != this.key:
            continue
        mine: list[dict[str, Any]] = []
        for bar in gantt.merged(n, trip, {k: s.road for k, s in segments.items()}, by_road=True):
            legs = trip.legs[bar.first : bar.last + 1]
            first = next((leg for leg in legs if leg.segment), None)
            segment = segments.get(first.segment or 0) if first else None
            point = points.get(legs[0].point or 0)
            mine.append(
                {
                    "bar": bar, "mode": modes.get(bar.mode or 0), "movable": bar.what in (SERVICE, FILL),
                    "road": named({"name": segment.road_name, "name_en": segment.road_name_en}) or segment.road if segment else "",
                    "point": (point.name or point.code) if point else "",
                    "metres": sum(leg.metres for leg in legs if leg.kind == SERVICE),
                    "water": sum(leg.water_l for leg in legs),
                    "codes": list(dict.fromkeys(segments[leg.segment].code for leg in legs if leg.segment in segments)),
                    "runs": sum(leg.runs for leg in legs if leg.kind == SERVICE),
                    "wrong": [w for i in range(bar.first, bar.last + 1) for w in wrong.get((n, i), ())],
                }
            )  # fmt: skip
        movable = [g for g in mine if g["movable"]]
        for k, group in enumerate(movable):
            group["up"] = movable[k - 1]["bar"].first if k else None
            group["down"] = k + 1 < len(movable)
            group["before"] = movable[k + 2]["bar"].first if k + 2 < len(movable) else ""
        found.append({"trip": n, "begin_s": trip.begin_s, "end_s": trip.end_s, "lines": mine})
    return found
