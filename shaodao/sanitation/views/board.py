"""The day board: roads by passes, each cell with the evidence behind it; who may has the day proven."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.sanitation import queries
from shaodao.sanitation.models import DayPlan, DayProof, Road, ServiceFinding, ServiceMode, TrackDay
from shaodao.sanitation.proof import queries as proofs
from shaodao.sanitation.proof import tracks
from shaodao.sanitation.requests import enter
from shaodao.sanitation.words import PlanState

AROUND_S = 600
"""A track is drawn from so long before a pass to so long after it."""
MOST_TRACKS = 12


def day_of(text: str) -> date:
    """A day of an address; 404 for what is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text or not 2000 <= found.year < 2100:
        raise Http404(_("没有这一天"))
    return found


@staff
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """A day: what is proven of each pass on each road, or before that what is planned."""
    enter(request)
    given = request.GET.get("day", "")
    day = day_of(given) if given else proofs.latest_day() or clock.local(clock.now()).date()
    proof = proofs.proof_of(day)
    context: dict[str, Any] = {
        "day": day,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "proof": proof,
        "plan": proof.plan if proof else DayPlan.objects.filter(day=day, state=PlanState.PUBLISHED).first(),
        "tracks": TrackDay.objects.filter(day=day).first(),
        "sums": queries.sums(),
        "may_prove": queries.may_edit(actor_of(request)),
        "findings": ServiceFinding.objects.filter(day=day).count(),
        **proofs.board(day, proof),
    }
    if proof:
        figures = proof.figures
        context |= {
            "all": proofs.shown(figures["all"]),
            "lacking": proofs.lacking(proof),
            "unasked": sum(extra["n"] for extra in figures["unasked"].values()),
            "left_out": figures["left_out"],
            "late": bool(context["tracks"] and proof.tracks_at and context["tracks"].changed_at > proof.tracks_at),
        }
    return render(request, "sanitation/board.html", context)


@staff
@require_POST
def prove(request: HttpRequest, day: str) -> HttpResponse:
    """Have a day proven now; what is stored is taken as it is."""
    enter(request)
    found = day_of(day)
    try:
        proof = tracks.prove_stored(found, actor=actor_of(request))
        messages.success(request, _("已核验，第 %(n)d 版") % {"n": proof.number})
    except Refused as refused:
        if refused.forbidden:
            raise PermissionDenied(str(refused.reason)) from None
        messages.error(request, str(refused.reason))
    return redirect(f"{reverse('sanitation')}?day={found.isoformat()}")


@staff
@require_safe
def evidence(request: HttpRequest, day: str, road: str, mode: str, number: int) -> HttpResponse:
    """What stands behind a cell: segments with their gaps, who was there when, the tracks on the map."""
    enter(request)
    proof = get_object_or_404(DayProof.objects.select_related("plan"), day=day_of(day), current=True)
    where, what = get_object_or_404(Road, code=road), get_object_or_404(ServiceMode, code=mode)
    rows = proofs.passes(proof, where, what, number)
    if not rows:
        raise Http404(_("这一天没有这一遍"))
    group = proof.figures["cells"].get(f"{road}|{mode}|{number}")
    lines = tracks.drawn(proof.day, _spans(rows))
    context = {
        "proof": proof, "road": where, "mode": what, "number": number, "rows": rows, "map": proofs.drawn(rows, lines),
        "all": proofs.shown(group), "tracks": len(lines), "illustrative": where.illustrative,
        "unasked": bool(number) and proof.passes.filter(segment__road=where, mode=what, pass_no=0).exists(),
        "finding": ServiceFinding.objects.filter(day=proof.day, road=where, mode=what).first(),
    }  # fmt: skip
    return render(request, "sanitation/evidence.html", context)


def _spans(rows: list[Any]) -> dict[str, tuple[float, float]]:
    """By vehicle the time around its visits; of a vehicle that was not there, the time when it should have been."""
    found: dict[str, tuple[float, float]] = {}
    for row in rows:
        spans = [(code, begin, end) for code, begin, end, *_rest in row.evidence]
        if not spans and row.vehicle and row.begin_s is not None:
            spans = [(row.vehicle.code, row.begin_s, row.end_s or row.begin_s)]
        for code, begin, end in spans:
            was = found.get(code, (begin, end))
            found[code] = (min(was[0], begin - AROUND_S), max(was[1], end + AROUND_S))
    return dict(sorted(found.items())[:MOST_TRACKS])
