"""The book on a map: GeoJSON features with the words of their popups."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.book import shown
from shaodao.book.kinds import Kind
from shaodao.book.queries import listed
from shaodao.foundation.naming import named
from shaodao.sanitation import queries
from shaodao.sanitation.kinds import BIN, DEPOT, FILL, ROAD, SEGMENT
from shaodao.sanitation.models import Segment

LAYERS = {"road": SEGMENT, "depot": DEPOT, "fill": FILL, "bin": BIN}
PLACES = (DEPOT, FILL, BIN)


def collection(features: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def everything(wanted: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The features in force of some layers: one query for each."""
    for name in wanted:
        kind = LAYERS[name]
        rows = listed(kind)
        if kind is SEGMENT:
            rows = rows.filter(road__active=True)
        yield from (feature(kind, row) for row in rows)


def feature(kind: Kind, row: Any) -> dict[str, Any]:
    """A row with what its popup says; a segment's areas are said one by one."""
    url = reverse("sanitation_row", args=[kind.name, row.pk])
    if kind is SEGMENT:
        areas = " · ".join(
            f"{shown.label(SEGMENT, name)} {shown.number(getattr(row, name), 0)}"
            for name in ("length_m", *queries.AREAS)
        )
        said = {"layer": "road", "label": row.code, "title": named(row.road) or row.road.code, "number": row.code}
        return _feature(row.geometry, url, row, said | {"text": areas})
    said = {"layer": kind.name, "label": row.code, "title": f"{kind.label} {named(row) or row.code}", "light": "done"}
    if kind is FILL:
        cells = [shown.cell(kind, row, name) for name in ("flow_m3_min", "bays", "hours")]
        said["text"] = " · ".join(f"{c.label} {c.text}" for c in cells)
    said["light_words"] = _("车场、取水点、果皮箱")
    return _feature({"type": "Point", "coordinates": [row.lon, row.lat]}, url, row, said)


def _feature(geometry: Any, url: str, row: Any, said: dict[str, Any]) -> dict[str, Any]:
    said |= {"url": url, "illustrative": row.illustrative}
    return {"type": "Feature", "geometry": geometry, "properties": said}


def around(kind: Kind, row: Any) -> dict[str, Any] | None:
    """The map of one row: a road's segments, a segment among those of its road, a point by itself; None: it has no place."""
    if kind is ROAD:
        found = [feature(SEGMENT, s) for s in listed(SEGMENT, road=row)]
        return collection(found) if found else None
    if kind is SEGMENT:
        others = Segment.objects.filter(road=row.road, active=True).exclude(pk=row.pk).select_related("road")
        own = feature(SEGMENT, row)
        own["properties"]["width"] = 6
        return collection([*(feature(SEGMENT, s) for s in others), own])
    if kind not in PLACES:
        return None
    own = feature(kind, row)
    own["properties"]["layer"] = "mark"  # what the map shows first
    return collection([own])
