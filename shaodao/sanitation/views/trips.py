"""A trip on the crew's phone, without login and without a network; and its sheet on paper, with the code that opens it."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.account.qr import svg
from shaodao.sanitation import queries as book
from shaodao.sanitation.models import Trip
from shaodao.sanitation.plan import road
from shaodao.sanitation.requests import enter
from shaodao.sanitation.views.plans import plan_of
from shaodao.sanitation.words import PlanState, SkipReason

QUEUE = 200  # reports that a phone sends at once


def _trip(token: str) -> Trip:
    found = road.trip_of(token)
    if found is None:
        raise Http404(_("这个链接不对，请向班组要新的"))
    return found


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def trip(request: HttpRequest, token: str) -> HttpResponse:
    """What is next, large, then the rest; POST says what became of a leg."""
    found = _trip(token)
    if request.method != "POST":
        return _page(request, token, found)
    said = road.Said.of(request.POST)
    try:
        road.report(found, said)
    except Invalid as error:
        return _page(request, token, found, 422, said=said, fault="；".join(map(str, error.errors.values())))
    except Refused as error:
        return _page(request, token, found, 409, fault=str(error.reason))
    return redirect("sanitation_trip", token=token)


def _page(request: HttpRequest, token: str, found: Trip, status: int = 200, **more: Any) -> HttpResponse:
    if found.plan.state in (PlanState.DRAFT, PlanState.WITHDRAWN):
        raise Http404(_("计划没有发布，或已撤回"))
    steps = road.steps(found)
    services = [s for s in steps if s.leg.mode_id]
    context = {
        "trip": found,
        "token": token,
        "steps": road.ahead_first(steps),
        "current": next((s for s in steps if s.current), None),
        "total": len(services),
        "said": sum(1 for s in services if s.said),
        "reasons": SkipReason.choices,
        "replaced": found.plan.state == PlanState.REPLACED,
        "illustrative": found.plan.figures.get("illustrative"),
        **more,
    }
    return render(request, "sanitation/trip.html", context, status=status)


@never_cache
@require_POST
def queue(request: HttpRequest, token: str) -> JsonResponse:
    """What a phone noted without a network: [{leg, key, do, why, note, at}, …], at most 200.

    Answers {key: "ok" or {field: fault}}: one bad report loses none of the others.
    """
    found = _trip(token)
    try:
        sent = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, list) or len(sent) > QUEUE or not all(isinstance(one, Mapping) for one in sent):
        return JsonResponse({"detail": _("应是不超过 %(n)d 条的列表") % {"n": QUEUE}}, status=400)
    answer: dict[str, Any] = {}
    for one in sent:
        said = road.Said.of(one)
        try:
            road.report(found, said)
            answer[said.key[:40]] = "ok"
        except Invalid as error:
            answer[said.key[:40]] = {name: str(text) for name, text in error.errors.items()}
        except Refused as error:
            answer[said.key[:40]] = {"leg": str(error.reason)}
    return JsonResponse(answer)


@staff
@require_safe
def sheet(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """A vehicle's day on paper, and what its crew said of it so far; the code of the phone page is for who keeps the book."""
    enter(request)
    plan = plan_of(pk)
    rows = list(
        Trip.objects.filter(plan=plan, vehicle__code=code.replace("\x00", "")).select_related("plan", "vehicle", "crew")
    )
    if not rows:
        raise Http404
    open_ = plan.state == PlanState.PUBLISHED and book.may_edit(actor_of(request))
    trips = []
    for row in rows:
        link = request.build_absolute_uri(reverse("sanitation_trip", args=[road.token_of(row)])) if open_ else ""
        trips.append({"trip": row, "steps": road.steps(row), "link": link, "code": svg(link) if link else ""})
    context = {
        "plan": plan,
        "vehicle": rows[0].vehicle,
        "trips": trips,
        "illustrative": plan.figures.get("illustrative"),
    }
    return render(request, "sanitation/trip_sheet.html", context)
