"""Map layers as GeoJSON (WGS-84): outline, streets, communities, and unit cells by bounding box.

Public: they are the district's geography. `properties.layer` says how the map draws a feature (docs/frontend.md).
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import etag, require_safe

from shaodao.foundation.models import District
from shaodao.foundation.naming import named
from shaodao.places.models import Cell, Place

MOST_CELLS = 4_000
WIDEST = 0.2  # degrees: a box beyond street level would draw more cells than anybody can read
Feature = dict[str, Any]
Layer = Callable[..., HttpResponse]


def _tag(request: HttpRequest, *args: Any, **kwargs: Any) -> str:
    """Changes with the pack, the language and the question; nothing else can change what a layer answers."""
    row = District.objects.order_by("id").values_list("pk", "loaded_at", "pack_digest").first()
    text = f"{row}|{get_language()}|{request.get_full_path()}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def layer(view: Layer) -> Layer:
    """A layer answers GET and HEAD, with an ETag, and may be kept for ten minutes."""
    kept = cache_control(public=True, max_age=600)(etag(_tag)(view))
    return wraps(view)(require_safe(kept))


def _collection(features: Iterable[Feature]) -> HttpResponse:
    body = orjson.dumps({"type": "FeatureCollection", "features": list(features)})
    response = HttpResponse(body, content_type="application/geo+json")
    response["Vary"] = "Accept-Language, Cookie"
    return response


def _feature(name: str, geometry: dict[str, Any] | None, **properties: Any) -> Feature:
    return {"type": "Feature", "geometry": geometry, "properties": {"layer": name, **properties}}


@layer
def district_layer(request: HttpRequest) -> HttpResponse:
    """The outline of the district, where the pack has one; `illustrative` when it is coarse."""
    rows = District.objects.exclude(outline=None).order_by("id")[:1]
    return _collection(
        _feature("district", d.outline, label=named(d), code=d.code, illustrative=d.outline_coarse) for d in rows
    )


@layer
def streets_layer(request: HttpRequest) -> HttpResponse:
    return _collection(_places("street", Place.objects.filter(level=Place.Level.STREET)))


@layer
def communities_layer(request: HttpRequest) -> HttpResponse:
    """Communities and villages; `?street=140213050` gives those of one street."""
    rows = Place.objects.filter(level__in=[Place.Level.COMMUNITY, Place.Level.VILLAGE])
    street = request.GET.get("street", "")
    if street:
        if not (street.isascii() and street.isdigit()):
            return _fault("street", _("街道编码应为数字，例如 140213050"))
        rows = rows.filter(parent__code=street)
    return _collection(_places("community", rows))


def _places(name: str, rows: QuerySet[Place]) -> Iterable[Feature]:
    for place in rows.filter(active=True).exclude(geometry=None):
        yield _feature(
            name, place.geometry or {}, label=named(place), code=place.code, illustrative=place.geometry_illustrative
        )


@layer
def cells_layer(request: HttpRequest) -> HttpResponse:
    """Unit grid cells that touch `?bbox=west,south,east,north` (degrees), 4,000 at most."""
    try:
        west, south, east, north = (float(part) for part in request.GET.get("bbox", "").split(","))
    except ValueError:
        return _fault("bbox", _("范围写作 西,南,东,北，例如 113.28,40.06,113.30,40.08"))
    if not all(map(math.isfinite, (west, south, east, north))) or west > east or south > north:
        return _fault("bbox", _("范围写作 西,南,东,北，例如 113.28,40.06,113.30,40.08"))
    if east - west > WIDEST or north - south > WIDEST:
        return _collection(())
    x0, y0, x1, y1 = (round(max(-180.0, min(180.0, v)) * 1e6) for v in (west, south, east, north))
    rows = Cell.objects.filter(west__lt=x1, east__gt=x0, south__lt=y1, south__gt=y0 - 50_000, north__gt=y0)
    return _collection(
        _feature(
            "cell", cell.geometry or _box(cell), label=cell.code[-6:], code=cell.code, illustrative=cell.illustrative
        )
        for cell in rows[:MOST_CELLS]
    )


def _box(cell: Cell) -> dict[str, Any]:
    west, south, east, north = cell.west / 1e6, cell.south / 1e6, cell.east / 1e6, cell.north / 1e6
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _fault(field: str, text: str) -> HttpResponse:
    problem = {"type": "about:blank", "title": text, "status": 400, "errors": {field: text}}
    return JsonResponse(problem, status=400, content_type="application/problem+json")
