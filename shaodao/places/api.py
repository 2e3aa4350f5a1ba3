"""Where is where, as JSON: the tree of places, and the place of a point."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from shaodao.foundation.errors import Invalid
from shaodao.foundation.naming import named
from shaodao.foundation.wire import answer, coded
from shaodao.places import queries
from shaodao.places.models import Place

router = Router(tags=["places"])
PUBLIC = {"x-open": True}
LevelName = Literal[*Place.Level.values]  # type: ignore[valid-type]


class PlaceLine(Schema):
    code: str
    name: str
    level: LevelName
    parent: str | None


class PlaceName(Schema):
    code: str
    name: str


class Located(Schema):
    lon: float
    lat: float
    datum: str
    source_lon: float
    source_lat: float
    inside: bool
    cell: str | None
    community: PlaceName | None
    street: PlaceName | None


@router.get("/places", response=list[PlaceLine], openapi_extra=PUBLIC)
def places(
    request: HttpRequest,
    level: LevelName | None = None,
    parent: Annotated[str | None, Query(max_length=20, description="Code of the place above.")] = None,
) -> HttpResponse:
    """All places, by code; `parent` makes the tree."""
    rows = Place.objects.filter(active=True).select_related("parent").defer("geometry", "parent__geometry")
    if level:
        rows = rows.filter(level=level)
    if parent:
        rows = rows.filter(parent__code=parent)
    return answer([line(p) for p in rows.order_by("code")])


def line(row: Place) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": named(row),
        "level": row.level,
        "parent": row.parent.code if row.parent else None,
    }


@router.get("/places/locate", response=Located, openapi_extra=PUBLIC)
def locate(
    request: HttpRequest,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)],
    datum: Literal["WGS-84", "GCJ-02", "BD-09", "CGCS2000"] = "WGS-84",
) -> HttpResponse:
    """The WGS-84 position, cell, community and street of a point; `inside` false outside of the district."""
    try:
        source = queries.point(lon, lat, datum)
    except ValueError as error:
        raise Invalid({"position": str(error)}) from None
    where = queries.locate(source["lon"], source["lat"])
    street = Place.objects.filter(pk=where.street_id).first() if where.street_id else None
    body = {
        **source,
        "inside": where.inside,
        "cell": where.cell.code if where.cell else None,
        "community": coded(where.cell.community) if where.cell else None,
        "street": coded(street),
    }
    return answer(body)
