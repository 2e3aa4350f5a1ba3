"""What the rules found, for whoever it concerns, with the rules beside it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.bikes.findings import queries
from shaodao.bikes.findings.words import FindingState, Rule
from shaodao.bikes.models import Observation
from shaodao.bikes.queries import may_enter
from shaodao.cases import queries as cases
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock

PER_PAGE = 50


@staff
@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    """What is not in order: those of the whole district, of one's street or community, or of one's own bikes."""
    facts = actor_of(request).facts
    if not may_enter(facts):
        raise PermissionDenied(_("您的岗位看不到这个页面"))
    rows, mine = queries.visible(facts)
    given = {name: request.GET.get(name, "").replace("\x00", "")[:40] for name in ("rule", "state", "operator")}
    page = Paginator(queries.listed(rows, **given), PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    open_to_me = cases.visible_to(facts, Case.objects.filter(pk__in=[r.case_id for r in shown if r.case_id]))
    context: dict[str, Any] = {
        "page": page,
        "lines": queries.lines(shown, mine),
        "tallies": _tallies(queries.tallies(rows)),
        "cases": set(open_to_me.values_list("pk", flat=True)),
        "rules": queries.described(clock.now()),
        "observation": Observation.objects.first(),
        "given": given,
        "states": [*FindingState.choices, ("all", _("全部"))],
        "kinds": Rule.choices,
        "mine": mine is not None,
    }
    return render(request, "bikes/findings.html", context)


def _tallies(found: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    return [
        {
            "rule": name,
            "label": Rule(name).label,
            "open": found[name].get("open", 0),
            "filed": found[name].get("filed", 0),
        }
        for name in Rule.values
    ]
