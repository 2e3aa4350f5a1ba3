"""The first page of the book, and its map."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock
from shaodao.sanitation import bookmap, overview, queries
from shaodao.sanitation.kinds import KINDS
from shaodao.sanitation.requests import enter
from shaodao.sanitation.weather import stops

MOST_ROADS = 60


@staff
@require_safe
def book(request: HttpRequest) -> HttpResponse:
    """What there is to clean, what is promised, what it is done with, and what stops it today."""
    enter(request)
    today = clock.local(clock.now()).date()
    services = overview.services(today)
    fleet = overview.fleet(today)
    context: dict[str, Any] = {
        "today": today,
        "sums": queries.sums(),
        "roads": list(overview.roads()[:MOST_ROADS]),
        "services": services,
        "stops": stops.of(today, [s["row"] for s in services]),
        "fleet": fleet,
        "vehicles": sum(row["n"] for row in fleet),
        "away": sum(row["away"] for row in fleet),
        "crews": overview.crews(),
        "water": overview.water(),
        "bins": overview.bins(),
        "rounds": overview.rounds(),
        "kinds": [(name, kind.label) for name, kind in KINDS.items()],
        "edits": queries.may_edit(actor_of(request)),
    }
    return render(request, "sanitation/book.html", context)


def _wanted(request: HttpRequest) -> list[str]:
    """The layers that are asked for; all of them where none is."""
    return [name for name in request.GET.getlist("show") if name in bookmap.LAYERS] or list(bookmap.LAYERS)


@staff
@require_safe
def map(request: HttpRequest) -> HttpResponse:
    """Roads, depots, fill points and bins."""
    enter(request)
    wanted = _wanted(request)
    context = {
        "layers": [(name, kind.label, name in wanted) for name, kind in bookmap.LAYERS.items()],
        "query": "&".join(f"show={name}" for name in wanted),
        "sums": queries.sums(),
    }
    return render(request, "sanitation/book_map.html", context)


@staff
@require_safe
def geojson(request: HttpRequest) -> HttpResponse:
    """What the map draws."""
    enter(request)
    body = orjson.dumps(bookmap.collection(bookmap.everything(_wanted(request))), default=str)
    return HttpResponse(body, content_type="application/geo+json", headers={"Cache-Control": "private, no-cache"})
