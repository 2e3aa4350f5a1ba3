"""Who is who, as JSON: offices, streets, communities, departments. Names of units, never of persons."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from shaodao.foundation.naming import named
from shaodao.foundation.wire import answer
from shaodao.organisations.auth import OPEN
from shaodao.organisations.models import Organisation

router = Router(tags=["organisations"], auth=OPEN)
KindName = Literal[*Organisation.Kind.values]  # type: ignore[valid-type]


class OrganisationLine(Schema):
    id: int
    code: str
    name: str
    kind: KindName
    parent: str | None
    place: str | None
    illustrative: bool


@router.get("/organisations", response=list[OrganisationLine], openapi_extra={"x-open": True})
def organisations(
    request: HttpRequest,
    kind: KindName | None = None,
    q: Annotated[str | None, Query(max_length=60, description="Part of the name or the code.")] = None,
) -> HttpResponse:
    """Active organisations, by code."""
    rows = Organisation.objects.filter(active=True).select_related("parent", "place")
    if kind:
        rows = rows.filter(kind=kind)
    if q:
        rows = rows.filter(name__icontains=q) | rows.filter(name_en__icontains=q) | rows.filter(code=q)
    return answer([line(o) for o in rows.order_by("code")])


def line(row: Organisation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "code": row.code,
        "name": named(row),
        "kind": row.kind,
        "parent": row.parent.code if row.parent else None,
        "place": row.place.code if row.place else None,
        "illustrative": row.illustrative,
    }
