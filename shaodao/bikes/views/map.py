"""The live map: its page, and what it draws as JSON."""

import gzip
import math
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.bikes.seen import asking, live, mapping, present
from shaodao.bikes.seen.filling import TIGHT, FillState
from shaodao.bikes.seen.words import SeenAs, classes_of
from shaodao.bikes.templatetags.bikes import FILLS, SEEN
from shaodao.bikes.views.now import seeing
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock
from shaodao.foundation.naming import named

WORTH_PACKING = 1_000  # bytes


@staff
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The map; everything on it is asked for by its script. Without one: the lists."""
    scope, asked = seeing(request), asking.wanted(request.GET)
    operators = list(scope.operators())
    context = {
        "scope": scope,
        "asked": asked,
        "at": _place(request.GET.get("at", "")),
        "classes": [(c.value, c.label, SEEN[c], c in mapping.DRAWN) for c in SeenAs if c != SeenAs.GONE],
        "fills": [(f.value, f.label, FILLS[f]) for f in FillState],
        "operator_choices": [(o.organisation.code, named(o.organisation)) for o in operators],
        "illustrative": any(o.organisation.illustrative for o in operators)
        or scope.bays().filter(illustrative=True).exists(),
        "chosen": classes_of(asked.seen),
        "words": _words(),
    }
    return render(request, "bikes/map.html", context)


def _place(text: str) -> str:
    """ "lon,lat" if it is a place on earth, else nothing."""
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        return ""
    return f"{lon:.6f},{lat:.6f}" if math.isfinite(lon + lat) and abs(lon) <= 180 and abs(lat) <= 90 else ""


def _words() -> dict[str, Any]:
    """What the script needs to know and to say."""
    return {
        "classes": [{"name": c.value, "label": str(c.label), "light": SEEN[c]} for c in mapping.CLASSES],
        "fills": {f.value: {"label": str(f.label), "light": FILLS[f]} for f in FillState},
        "tight": TIGHT,
        "list": reverse("bikes_seen"),
        "wrong": _("无序 "),
        "live": _("实时"),
        "polling": _("每 5 秒更新"),
        "offline": _("暂时取不到新数据，显示的是 {time} 的"),
        "updated": _("更新于 {time}"),
        "shown": _("显示 {n} 辆"),
        "parked": _("{n} / {capacity} 辆"),
        "vehicles": _("查看车辆"),
        "failed": _("没有取到，请再点一次。"),
        "sample": _("示例"),
        "more": _("查看"),
        "nothing": _("地图中间附近没有车辆"),
    }


@staff
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Vehicles as columns: all, or with `?since=` (the `cursor` of the last answer) those that came in since then.

    304 where nothing came in since the ETag that the caller has; classes change with time, too, so it lasts for minutes.
    """
    scope, now = seeing(request), clock.now()
    since = request.GET.get("since", "")
    tag = f'"{live.pulse()}.{int(now.timestamp()) // 300}.{get_language()}"'
    if since and request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    wanted = int(since) if since.isascii() and since.isdigit() and len(since) <= 15 else None
    data = mapping.vehicles(scope.statuses(), scope.operators(), now, wanted)
    return _packed(request, data, tag)


@staff
@require_safe
def grounds(request: HttpRequest) -> HttpResponse:
    """Bays and the zones in force, as two collections of GeoJSON."""
    scope = seeing(request)
    return _packed(
        request, {"bays": _collection(mapping.bays(scope.bays())), "zones": _collection(mapping.zones(clock.now()))}
    )


@staff
@require_safe
def vehicle(request: HttpRequest, pk: int) -> HttpResponse:
    """What is known of one vehicle. 404 for what the caller does not see, and for one in use."""
    scope, now = seeing(request), clock.now()
    rows = present.listed(present.classed(scope.statuses(), now)).filter(pk=pk)
    row = rows.first() if pk < 2**63 else None
    if row is None or getattr(row, "seen") not in mapping.DRAWN:  # noqa: B009 - annotated
        raise Http404
    return _packed(request, mapping.details(row))


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _packed(request: HttpRequest, data: Any, tag: str = "") -> HttpResponse:
    """JSON, packed where that is worth it and the caller can unpack it."""
    body = orjson.dumps(data)
    response = HttpResponse(content_type="application/json")
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 4)
        response["Content-Encoding"] = "gzip"
    response.content = body
    patch_vary_headers(response, ["Accept-Encoding", "Accept-Language", "Cookie"])
    if tag:
        response["ETag"] = tag
    return response
