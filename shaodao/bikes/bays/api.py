"""Bays and zones as JSON, as they stand or as they stood at a time; errors and pages as everywhere in the API."""

from datetime import UTC, datetime
from typing import Any, Literal

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from shaodao.bikes import queries
from shaodao.bikes.bays import queries as bayqueries
from shaodao.bikes.bays.queries import BAYS, ZONES, Kind
from shaodao.bikes.words import ZoneKind
from shaodao.cases.api.paging import Page, PageHead, PageSize, links, page_of
from shaodao.cases.api.schemas import Named
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.wire import answer, coded
from shaodao.organisations.auth import SIGNED_IN, need

router = Router(tags=["bikes"], auth=SIGNED_IN)
ZoneKindName = Literal[*ZoneKind.values]  # type: ignore[valid-type]
SHAPE = ("name", "geometry", "illustrative", "source", "version", "valid_from")
BAY = ("length_m", "area_m2", "capacity", "capacity_given", "tolerance_m")
ZONE = ("kind", "quota", "begins_at", "ends_at", "daily_from", "daily_until", "weekdays")


class ShapeLine(Schema):
    code: str
    name: str
    geometry: dict[str, Any] = Field(description="GeoJSON Polygon or MultiPolygon, WGS-84.")
    illustrative: bool
    source: str
    version: int
    valid_from: datetime
    valid_until: datetime | None = Field(None, description="Not included; null: still.")


class BayLine(ShapeLine):
    length_m: float
    area_m2: float
    capacity: int
    capacity_given: bool = Field(description="By a person or a file; else from the length.")
    tolerance_m: float | None = Field(description="null: the district's.")
    street: Named | None = Field(description="As of now, also with `at`.")
    community: Named | None


class ZoneLine(ShapeLine):
    kind: ZoneKindName
    quota: int | None
    begins_at: datetime | None
    ends_at: datetime | None
    daily_from: str | None = Field(description="HH:MM of the district's wall clock.")
    daily_until: str | None
    weekdays: str = Field(description="Of 1 (Monday) to 7; empty: all.")


class BayList(PageHead):
    items: list[BayLine]


class ZoneList(PageHead):
    items: list[ZoneLine]


class ShapeFilter(Schema):
    model_config = ConfigDict(extra="ignore")

    at: datetime | None = Field(None, description="As it was then (without an offset: local time); default: now.")
    q: str | None = Field(None, max_length=100, description="Part of the code or the name.")


class BayFilter(ShapeFilter):
    street: str | None = Field(None, max_length=20, description="Code of the street.")


class ZoneFilter(ShapeFilter):
    kind: ZoneKindName | None = None


@router.get("/bikes/bays", response=BayList, summary="Parking bays, now or at a time")
def bays(request: HttpRequest, wanted: Query[BayFilter], page: Page = 1, page_size: PageSize = 50) -> HttpResponse:
    """By code. With `at` the versions that held then, by which that day is judged."""
    among = Q(bay__street__code=wanted.street) if wanted.street else Q()
    head, found = page_of(_versions(request, BAYS, wanted).filter(among), page, page_size)
    items = [
        {**_line(v, v.bay, BAY), "street": coded(v.bay.street), "community": coded(v.bay.community)} for v in found
    ]
    return answer({**head, "items": items}, Link=links(request, head))


@router.get("/bikes/zones", response=ZoneList, summary="Zones, now or at a time")
def zones(request: HttpRequest, wanted: Query[ZoneFilter], page: Page = 1, page_size: PageSize = 50) -> HttpResponse:
    """By code. Whether a temporary zone holds at a moment is for its times to say."""
    among = Q(kind=wanted.kind) if wanted.kind else Q()
    head, found = page_of(_versions(request, ZONES, wanted).filter(among), page, page_size)
    items = [_line(v, v.zone, ZONE) for v in found]
    for item in items:
        for name in ("daily_from", "daily_until"):
            item[name] = item[name].strftime("%H:%M") if item[name] else None
    return answer({**head, "items": items}, Link=links(request, head))


def _versions(request: HttpRequest, kind: Kind, wanted: ShapeFilter) -> QuerySet[Any]:
    """Raises Refused (403) for posts that have nothing to look at here, Invalid (422) for a time that cannot be."""
    need(request, "read")
    if not queries.may_enter(actor_of(request).facts):
        raise Refused(_("您的岗位看不到单车企业"), forbidden=True)
    rows = bayqueries.at(kind, _moment(wanted.at))
    if kind is BAYS:
        rows = rows.select_related("bay__street", "bay__community")
    text = (wanted.q or "").replace("\x00", "")
    if text:
        rows = rows.filter(Q(**{f"{kind.name}__code__icontains": text}) | Q(name__icontains=text))
    return rows


def _moment(at: datetime | None) -> datetime:
    if at is None:
        return clock.now()
    if not 2000 <= at.year < 2100:
        raise Invalid({"at": _("年份应在 2000 与 2099 之间")})
    return at.astimezone(UTC) if at.tzinfo else clock.from_local(at)


def _line(version: Any, row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    found = {"code": row.code, **{name: getattr(version, name) for name in (*SHAPE, *names)}}
    return {**found, "valid_until": version.valid_until}
