"""The catalogue as JSON: schemes, categories with their conditions and limits, attributes. Open to everybody."""

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from shaodao.catalogue.models import Category, CategoryMap, Scheme
from shaodao.foundation.naming import named
from shaodao.foundation.wire import answer, coded
from shaodao.organisations.auth import OPEN

router = Router(tags=["catalogue"], auth=OPEN)
PUBLIC = {"x-open": True}


class SchemeLine(Schema):
    code: str
    name: str
    active: bool
    source: str


class CategoryLine(Schema):
    key: str
    scheme: str
    kind: Literal["component", "event"]
    code: str
    major_code: str
    major_name: str
    name: str
    public: bool
    urgent: bool


class ConditionLine(Schema):
    id: int
    seq: int
    filing: str
    closing: str
    limit_value: float
    limit_unit: Literal["hour", "day", "work_hour", "work_day"]
    stages: list[dict[str, Any]]
    lead: dict[str, str] | None
    supports: list[dict[str, str]]


class AttributeLine(Schema):
    code: str
    datatype: str
    required: bool
    order: int
    description: str
    values: list[dict[str, str]]


class CategoryDetail(CategoryLine):
    keywords: str
    watch_days: int | None
    watch_radius_m: int | None
    duplicate_radius_m: int | None
    conditions: list[ConditionLine]
    attributes: list[AttributeLine]
    elsewhere: list[dict[str, Any]] = Field(description="What this category is called in other schemes.")


@router.get("/schemes", response=list[SchemeLine], openapi_extra=PUBLIC)
def schemes(request: HttpRequest) -> HttpResponse:
    """Versions of the catalogue; keys in other calls mean the active one."""
    rows = Scheme.objects.order_by("-active", "code")
    return answer([{"code": s.code, "name": named(s), "active": s.active, "source": s.source} for s in rows])


@router.get("/categories", response=list[CategoryLine], openapi_extra=PUBLIC)
def categories(
    request: HttpRequest,
    scheme: Annotated[str | None, Query(max_length=30, description="Code; the active scheme unless given.")] = None,
    kind: Literal["component", "event"] | None = None,
    public: Annotated[bool | None, Query(description="Only what is offered to the public.")] = None,
    q: Annotated[str | None, Query(max_length=60, description="Part of the name.")] = None,
) -> HttpResponse:
    rows = Category.objects.filter(active=True).select_related("scheme")
    rows = rows.filter(scheme__code=scheme) if scheme else rows.filter(scheme__active=True)
    if kind:
        rows = rows.filter(kind=kind)
    if public is not None:
        rows = rows.filter(public=public)
    if q:
        rows = rows.filter(name__icontains=q) | rows.filter(name_en__icontains=q)
    return answer([line(c) for c in rows.order_by("kind", "code")])


@router.get("/categories/{key}", response=CategoryDetail, openapi_extra=PUBLIC)
def category(
    request: HttpRequest,
    key: Annotated[str, Path(max_length=40, pattern=r"^(component|event)-[0-9A-Za-z]+$", examples=["event-0110"])],
    scheme: Annotated[str | None, Query(max_length=30)] = None,
) -> HttpResponse:
    """One category with its filing and closing conditions, limits, and the questions that a report answers."""
    kind, _dash, code = key.partition("-")
    rows = Category.objects.filter(kind=kind, code=code).select_related("scheme")
    found = (rows.filter(scheme__code=scheme) if scheme else rows.filter(scheme__active=True)).first()
    if found is None:
        raise Http404
    extra = ("keywords", "watch_days", "watch_radius_m", "duplicate_radius_m")
    conditions = found.conditions.filter(active=True).select_related("lead").prefetch_related("supports")
    body = {
        **line(found),
        **{k: getattr(found, k) for k in extra},
        "conditions": [_condition(c) for c in conditions],
        "attributes": [attribute_line(a) for a in found.attributes.all()],
        "elsewhere": [
            {
                "scheme": m.target_scheme.code,
                "match": m.match,
                "key": m.target_category.key if m.target_category else None,
            }
            for m in CategoryMap.objects.filter(source_category=found).select_related(
                "target_scheme", "target_category"
            )
        ],
    }
    return answer(body)


def line(row: Category) -> dict[str, Any]:
    return {
        "key": row.key,
        "scheme": row.scheme.code,
        "kind": row.kind,
        "code": row.code,
        "major_code": row.major_code,
        "major_name": named(row, "major_name"),
        "name": named(row),
        "public": row.public,
        "urgent": row.urgent,
    }


def _condition(row: Any) -> dict[str, Any]:
    same = ("id", "seq", "filing", "closing", "limit_value", "limit_unit", "stages")
    return {
        **{k: getattr(row, k) for k in same},
        "lead": coded(row.lead),
        "supports": [coded(o) for o in row.supports.all()],
    }


def attribute_line(row: Any) -> dict[str, Any]:
    """An attribute with its values named in the language of the request."""
    return {
        "code": row.code,
        "datatype": row.datatype,
        "required": row.required,
        "order": row.order,
        "description": named(row, "description"),
        "values": [{"key": str(v["key"]), "name": value_name(v)} for v in row.values],
    }


def value_name(value: dict[str, Any]) -> str:
    """The name of one choice of a list attribute."""
    return named(value) or str(value["key"])
