"""What is seen now: counts, the vehicles behind each number, the fill of bays."""

from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from shaodao.bikes import settings
from shaodao.bikes.requests import enter
from shaodao.bikes.seen import asking, filling, lines, present, tables
from shaodao.bikes.seen.present import Wanted
from shaodao.bikes.seen.scope import Scope, scope_of
from shaodao.bikes.seen.words import Mark
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, log, sheets
from shaodao.foundation.naming import named
from shaodao.places.models import Place

SIZES = (50, 100, 200)
TILES = ("here", "violation", "outside", "zone", "uncertain", "idle", "silent", "in_use")


def seeing(request: HttpRequest) -> Scope:
    """What the caller sees. 403 for posts that have nothing to look at here."""
    enter(request)
    return scope_of(actor_of(request).facts)


@staff
@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """Counts of the district by operator, street and community, against quota and capacity."""
    scope, at = seeing(request), clock.now()
    asked = asking.wanted({n: request.GET.get(n, "") for n in ("operator", "street", "community", "class")})
    counts = present.count(present.narrow(scope.statuses(), asked, at), at)
    operators, streets = list(scope.operators()), list(scope.streets_seen())
    feeds = present.feeds(scope.operators(), at)
    fills = _fills(scope, asked)
    total, quotas = counts.total(), not (asked.street or asked.community) and not scope.places
    shown = [o for o in operators if asked.operator in ("", o.organisation.code)]
    street = next((s for s in streets if s.code == asked.street), None)
    communities = _communities(scope, street)
    by_operator = lines.operators(shown, counts.by_operator(), feeds, asked, quotas)
    where = {"operator": asked.operator, "street": asked.street, "community": asked.community}
    context = {
        **_page(scope, asked),
        "at": at,
        "total": total,
        "numbers": lines.numbers(total, lines.columns(asked), **where),
        "tiles": lines.numbers(total, lines.columns(asked, TILES), **where),
        "columns": lines.columns(asked),
        "place_columns": lines.columns(asked, lines.IN_A_PLACE),
        "operators": by_operator,
        "streets": lines.places("street", [s for s in streets if asked.street in ("", s.code)],
                                counts.by_street(), fills, asked),
        "communities": lines.places("community", communities, counts.by_community(), fills, asked),
        "quota": sum(line.quota or 0 for line in by_operator) if quotas else 0,
        "silent": [line for line in by_operator if line.feed and line.feed.silent],
        "bays": filling.sums(fills),
        "groups": filling.sums(filling.in_groups(fills)),
        "bays_query": asking.query(**where),
        "list_query": asking.query(**where, class_=asked.seen),
        "order_query": asking.number_query("order", **where),
        "illustrative": any(line.illustrative for line in by_operator) or any(f.illustrative for f in fills),
        "operator_choices": [(o.organisation.code, named(o.organisation)) for o in operators],
        "street_choices": [(s.code, named(s)) for s in streets],
        "street": street,
    }  # fmt: skip
    return render(request, "bikes/now.html", context)


def _page(scope: Scope, asked: Wanted) -> dict[str, Any]:
    """What all pages of the present have in common."""
    return {
        "scope": scope,
        "asked": asked,
        "parking": settings.current().parking,
        "class_choices": asking.class_choices(),
        "class_label": asking.label_of(asked.seen),
        "marks": Mark.choices,
    }


def _fills(scope: Scope, asked: Wanted) -> list[filling.Fill]:
    """The bays of the place that is asked for, with the vehicles of the operator that is asked for."""
    of_operator = present.narrow(scope.statuses(), Wanted(operator=asked.operator), clock.now())
    return filling.fills(scope.bays_in(asked.street, asked.community), of_operator)


def _communities(scope: Scope, street: Place | None) -> list[Place]:
    """Communities with a line of their own: of the chosen street, or those of somebody's post."""
    rows = Place.objects.filter(active=True, level__in=[Place.Level.COMMUNITY, Place.Level.VILLAGE])
    if scope.places and not scope.streets:
        rows = rows.filter(pk__in=scope.communities)
    else:
        chosen = {street.pk} if street else set(scope.streets)
        rows = rows.filter(parent__in=chosen)
    return list(rows.order_by("code"))


@staff
@require_safe
def vehicles(request: HttpRequest) -> HttpResponse:
    """The vehicles behind a number; `?format=xlsx` gives the same rows."""
    scope, asked, at = seeing(request), asking.wanted(request.GET), clock.now()
    sort = request.GET.get("sort", "")
    rows = present.ordered(present.listed(present.narrow(scope.statuses(), asked, at)), sort)
    if request.GET.get("format") == "xlsx":
        log.write("vehicles.seen.export", "vehicles", actor=actor_of(request).person)
        return _file("vehicles-now", tables.vehicles(rows, at))
    context = {
        **_page(scope, asked),
        "page": Paginator(rows, _size(request)).get_page(request.GET.get("page")),
        "sizes": SIZES,
        "per": _size(request),
        "at": at,
        "narrowed": [(name, value) for name, value in _narrowed(request)],
        "operator_choices": [(o.organisation.code, named(o.organisation)) for o in scope.operators()],
        "street_choices": [(s.code, named(s)) for s in scope.streets_seen()],
    }
    return render(request, "bikes/seen.html", context)


def _narrowed(request: HttpRequest) -> Iterable[tuple[str, str]]:
    """Filters that have no control in the form, and stay as hidden values."""
    for name in ("community", "bay", "group", "zone"):
        if value := asking.text(request.GET, name):
            yield name, value


def _size(request: HttpRequest) -> int:
    given = request.GET.get("per", "")
    return int(given) if given in map(str, SIZES) else SIZES[0]


@staff
@require_safe
def bays(request: HttpRequest) -> HttpResponse:
    """Bays, or groups of bays (`?by=group`), with how full they are; `?format=xlsx` gives the same rows."""
    scope, asked = seeing(request), asking.wanted(request.GET)
    by_group = request.GET.get("by") == "group"
    found = _fills(scope, asked)
    found = filling.in_groups(found) if by_group else found
    if asked.text:
        found = [f for f in found if asked.text.lower() in f"{f.code} {f.name} {' '.join(f.members)}".lower()]
    sums, state = filling.sums(found), request.GET.get("fill", "")
    if state in filling.FillState.values:
        found = [f for f in found if f.state == state]
    found = filling.ordered(found, request.GET.get("sort", ""))
    if request.GET.get("format") == "xlsx":
        return _file("bays-now", tables.bays(found))
    context = {
        **_page(scope, asked),
        "page": Paginator(found, _size(request)).get_page(request.GET.get("page")),
        "sums": sums,
        "states": [(value, label, sums[value]) for value, label in filling.FillState.choices],
        "state": state if state in filling.FillState.values else "",
        "by_group": by_group,
        "operator_choices": [(o.organisation.code, named(o.organisation)) for o in scope.operators()],
        "street_choices": [(s.code, named(s)) for s in scope.streets_seen()],
        "illustrative": any(f.illustrative for f in found),
        "hidden": [("community", asked.community)] if asked.community else [],
    }
    return render(request, "bikes/bays_now.html", context)


def _file(name: str, body: bytes) -> HttpResponse:
    response = HttpResponse(body, content_type=sheets.XLSX)
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.xlsx") or ""
    return response
