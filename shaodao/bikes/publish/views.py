"""The public's addresses of shared bikes. Each is made once for everybody and kept until what it says has changed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings as django
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from shaodao.bikes import settings
from shaodao.bikes.publish import bays, facts, gbfs, wire

JSON = "application/json; charset=utf-8"
GEOJSON = "application/geo+json"
TILE = "application/vnd.mapbox-vector-tile"
MOST_TILES = 1_000
"""Kept of one moment; whoever asks for more than a district has gets them made."""


def _kept(made: dict[str, Any], name: str, content_type: str, max_age: int, make: Callable[[], Any]) -> wire.Body:
    """The body `name` of what is kept, made when it is first asked for."""
    body = made.get(name)
    if body is None:
        body = made[name] = wire.Body.of(make(), content_type, max_age)
    return body  # type: ignore[no-any-return]


@wire.public()
def gbfs_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A file of the GBFS feed."""
    if name != "gbfs" and name not in gbfs.files():
        return wire.problem(404, _("没有这个文件"))
    if name in gbfs.OF_MOMENT:
        now, ttl = facts.moment(), settings.current().publish.ttl_s
        return wire.send(request, _kept(now.made, name, JSON, ttl, lambda: gbfs.OF_MOMENT[name](now)))
    here = facts.ground()
    make = (lambda: gbfs.gbfs(here, gbfs.files())) if name == "gbfs" else (lambda: gbfs.OF_GROUND[name](here))
    return wire.send(request, _kept(here.made, name, JSON, gbfs.STATIC_TTL, make))


@wire.public()
def bays_geojson(request: HttpRequest) -> HttpResponseBase:
    """All bays with how full they are."""
    now, ttl = facts.moment(), settings.current().publish.ttl_s
    return wire.send(request, _kept(now.made, "geojson", GEOJSON, ttl, lambda: bays.geojson(now)))


@wire.public()
def bays_tile(request: HttpRequest, z: int, x: int, y: int) -> HttpResponseBase:
    """A vector tile of bays; 204 where there is none, 404 where there is no such tile."""
    if not bays.exists(z, x, y):
        return wire.problem(404, _("没有这个瓦片：z 最大 %(z)d，x、y 小于 2 的 z 次方") % {"z": bays.DEEPEST})
    now, ttl = facts.moment(), settings.current().publish.ttl_s
    kept = now.made.setdefault("tiles", {})
    name = f"{z}/{x}/{y}"
    body = kept.get(name) or wire.Body.of(bays.tile(now, z, x, y), TILE, ttl)
    if len(kept) < MOST_TILES:
        kept[name] = body
    if body.content:
        return wire.send(request, body)
    return HttpResponse(status=204, headers={"Cache-Control": f"public, max-age={ttl}"})


@wire.public()
def value(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """The count that a policy of MDS limits (`value_url` of its rule)."""
    found = bays.value(facts.moment(), key)
    if found is None:
        return wire.problem(404, _("没有按此计数的政策"))
    return wire.send(request, wire.Body.of(found, JSON, settings.current().publish.ttl_s))


@require_safe
@cache_control(max_age=60)
def page(request: HttpRequest) -> HttpResponse:
    """What is published, where, how current, under which licence."""
    if not wire.is_open():
        raise Http404
    now, publish = facts.moment(), settings.current().publish
    context = {
        "publish": publish,
        "contact": publish.contact,
        "origin": django.ORIGIN,
        "files": [{"name": name, "url": gbfs.address(name)} for name in gbfs.files()],
        "bays": len(now.ground.bays),
        "zones": len(now.ground.zones),
        "capacity": sum(bay.capacity for bay in now.ground.bays),
        "vehicles": int(now.vehicles.sum()),
        "full": sum(n >= bay.capacity for n, bay in zip(now.vehicles.tolist(), now.ground.bays, strict=True)),
        "illustrative": any(bay.illustrative for bay in now.ground.bays),
        "updated": now.updated,
        "ground_updated": now.ground.updated,
        "deepest": bays.DEEPEST,
        "shapes_from": bays.SHAPES_FROM,
    }
    return render(request, "bikes/open.html", context)
