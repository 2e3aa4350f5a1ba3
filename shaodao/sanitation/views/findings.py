"""What is not in order with services, the review list of what nobody can tell, and one finding with its evidence."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases import queries as cases
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.sanitation import settings
from shaodao.sanitation.models import ProvenPass, Road, ServiceFinding
from shaodao.sanitation.proof import findings as filing
from shaodao.sanitation.proof import queries as proofs
from shaodao.sanitation.proof.words import FindingState, Kind
from shaodao.sanitation.requests import enter
from shaodao.sanitation.views.board import day_of

PER_PAGE = 50


@staff
@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    """Findings by day, newest first, with filters."""
    enter(request)
    given = {name: request.GET.get(name, "").replace("\x00", "")[:60] for name in ("kind", "state", "road", "day")}
    if given["day"]:
        day_of(given["day"])
    page = Paginator(proofs.listed(**given), PER_PAGE).get_page(request.GET.get("page"))
    rows = list(page.object_list)
    rules = settings.current().findings
    context = {
        "page": page, "lines": proofs.lines(rows), "given": given, "kinds": Kind.choices, "states": FindingState.choices,
        "roads": Road.objects.filter(active=True).order_by("code"), "cases": _open_to_me(request, rows), "rules": rules,
        "filing": _("、").join(str(Kind(kind).label) for kind in rules.kinds),
    }  # fmt: skip
    return render(request, "sanitation/findings.html", context)


def _open_to_me(request: HttpRequest, rows: list[ServiceFinding]) -> set[int]:
    """Keys of the cases that the caller may open."""
    mine = Case.objects.filter(pk__in=[row.case_id for row in rows if row.case_id])
    return set(cases.visible_to(actor_of(request).facts, mine).values_list("pk", flat=True))


@staff
@require_safe
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    """One finding: what is not in order, which passes, the map, its case. A unit that has the case sees what it is about."""
    row = ServiceFinding.objects.select_related("road", "mode", "crew", "case").filter(pk=pk).first()
    mine = _open_to_me(request, [row] if row else [])
    if not mine:
        enter(request)
    if row is None:
        raise Http404
    rows = list(
        ProvenPass.objects.filter(proof__day=row.day, proof__current=True, segment__road=row.road_id, mode=row.mode_id)
        .exclude(wrong="").select_related("segment", "vehicle", "crew").order_by("pass_no", "segment__code", "pk")
    )  # fmt: skip
    numbers = sorted({r.pass_no for r in rows if r.pass_no})
    links: list[dict[str, Any]] = [
        {"n": n, "url": reverse("sanitation_evidence", args=[row.day.isoformat(), row.road.code, row.mode.code, n])}
        for n in numbers
    ]
    context = {
        "row": row, "line": proofs.lines([row])[0], "rows": rows, "links": links, "map": proofs.drawn(rows),
        "cases": mine, "illustrative": row.road.illustrative,
        "files": any(map(filing.files, row.kinds.split(","))),
    }  # fmt: skip
    return render(request, "sanitation/finding.html", context)


@staff
@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """What nobody can tell of a day: never a case, a person has to look."""
    enter(request)
    given = request.GET.get("day", "")
    day = day_of(given) if given else proofs.latest_proof() or proofs.latest_day()
    rows = proofs.review(day) if day else []
    return render(request, "sanitation/review.html", {"day": day, "rows": rows, "proof": day and proofs.proof_of(day)})
