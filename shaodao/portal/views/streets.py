"""Was my road cleaned today? The public's page, its map, and the same as open data."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.foundation.naming import named
from shaodao.portal import streets
from shaodao.sanitation.proof.queries import latest_proof

PER_PAGE = 30
MAX_AGE = "public, max-age=300"


def _open() -> None:
    if not streets.is_open():
        raise Http404


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Roads with each service: the last time that it is proven, and what was promised today."""
    _open()
    words = request.GET.get("q", "").replace("\x00", "")[:60].strip()
    pages = Paginator(streets.roads(words), PER_PAGE).get_page(request.GET.get("page"))
    today = streets.today()
    found = streets.of(pages.object_list, today)
    context = {
        "q": words,
        "page": pages,
        "today": today,
        "back": streets.BACK,
        "proven": latest_proof(),
        "illustrative": any(street.road.illustrative for street in found),
        "rows": found,
        "map": streets.on_map(found, _said) if found else None,
    }
    return render(request, "portal/streets.html", context)


def _said(street: streets.Street) -> str:
    """One line of a popup."""
    parts = []
    for s in street.services:
        if s.day is None:
            last = _("近 %(n)d 天没有证实") % {"n": streets.BACK}
        else:
            last = f"{date_format(s.day, 'Y-m-d')} {int(100 * s.share)}%"
        parts.append(f"{named(s.mode)} {last}")
    return " · ".join(parts)


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """All roads as JSON, for anybody and any site."""
    _open()
    today = streets.today()
    found: dict[str, Any] = streets.as_json(streets.of(streets.roads(), today), today)
    response = JsonResponse(found, json_dumps_params={"ensure_ascii": False})
    response["Cache-Control"] = MAX_AGE
    response["Access-Control-Allow-Origin"] = "*"
    return response
