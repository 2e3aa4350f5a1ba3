"""Operators and registered vehicles as JSON, to be read by those who may; errors and pages as everywhere in the API."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from shaodao.bikes import feed_quality, queries, rules
from shaodao.bikes.models import Operator, Vehicle
from shaodao.bikes.words import OperatorState, Source, VehicleKind, VehicleState
from shaodao.cases.api.paging import Page, PageHead, PageSize, links, page_of
from shaodao.cases.api.schemas import Named
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.foundation.wire import answer, coded
from shaodao.organisations.auth import SIGNED_IN, need

router = Router(tags=["bikes"], auth=SIGNED_IN)
StateName = Literal[*OperatorState.values]  # type: ignore[valid-type]
VehicleStateName = Literal[*VehicleState.values]  # type: ignore[valid-type]
SourceName = Literal[*Source.values]  # type: ignore[valid-type]
KindName = Literal[*VehicleKind.values]  # type: ignore[valid-type]
Code = Annotated[str, Path(max_length=20, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", examples=["BIKE-A"])]


class OperatorLine(Schema):
    code: str
    name: str
    state: StateName
    state_label: str
    illustrative: bool
    quota: int
    fleet: int = Field(description="Registered vehicles that count against the quota.")
    warnings: int
    term_from: date | None
    term_until: date | None


class OperatorList(PageHead):
    items: list[OperatorLine]


class PaperLine(Schema):
    id: int
    item: str
    name: str
    state: str
    valid_until: date | None
    sent_at: datetime


class OperatorEventLine(Schema):
    seq: int
    at: datetime
    action: str
    role: str
    reason: str
    hash: str


class OperatorDetail(OperatorLine):
    version: int
    counts: dict[str, int] = Field(description="Of the registry, by kind and state; `over`: above the quota.")
    requested_quota: int | None = Field(None, description="From here on only for the operator and its reviewers.")
    papers: list[PaperLine] | None = None
    events: list[OperatorEventLine] | None = None


class VehicleLine(Schema):
    operator: Named
    plate: str
    vehicle_id: str | None
    kind: KindName
    state: VehicleStateName
    registered_at: datetime
    last_seen_at: datetime | None


class VehicleList(PageHead):
    items: list[VehicleLine]


class VehicleFilter(Schema):
    model_config = ConfigDict(extra="ignore")

    operator: str | None = Field(None, max_length=20, description="Code of the operator.")
    state: VehicleStateName | None = None
    kind: KindName | None = None
    seen: bool | None = Field(None, description="Has a position of it ever come in?")
    q: str | None = Field(None, max_length=100, description="Part of the plate or of the feed's id.")


def visible(request: HttpRequest) -> QuerySet[Operator]:
    """The operators that the caller may see. Raises Refused (403) where there can be none."""
    need(request, "read")
    facts = actor_of(request).facts
    if not queries.may_enter(facts):
        raise Refused(_("您的岗位看不到单车企业"), forbidden=True)
    return queries.visible(facts)


@router.get("/bikes/operators", response=OperatorList, summary="Operators that the caller may see")
def operators(
    request: HttpRequest,
    state: StateName | None = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the name or the code.")] = None,
    page: Page = 1,
    page_size: PageSize = 50,
) -> HttpResponse:
    """By code. An operator's account sees itself only."""
    rows = visible(request)
    rows = rows.filter(state=state) if state else rows
    rows = queries.named_like(rows, q) if q else rows
    head, found = page_of(queries.listed(rows).order_by("organisation__code"), page, page_size)
    return answer({**head, "items": [_line(o, o.n_fleet) for o in found]}, Link=links(request, head))


def _line(row: Operator, fleet: int) -> dict[str, Any]:
    same = ("state", "quota", "warnings", "term_from", "term_until")
    return {
        **(coded(row.organisation) or {}),
        "state_label": str(OperatorState(row.state).label),
        "illustrative": row.organisation.illustrative,
        "fleet": fleet,
        **{name: getattr(row, name) for name in same},
    }


@router.get(
    "/bikes/operators/{code}",
    response=OperatorDetail,
    exclude_unset=True,
    summary="One operator with its registry's counts",
)
def operator(request: HttpRequest, code: Code) -> HttpResponse:
    """Papers (without files) and events only for the operator itself and for those who review it. Contacts are in no answer."""
    row = visible(request).filter(organisation__code=code).first()
    if row is None:
        raise Http404
    counts = queries.tally(row)
    data = {**_line(row, counts["counted"]), "version": row.version, "counts": counts}
    loaded = queries.load(row, clock.now())
    if rules.parties(loaded.facts, actor_of(request).facts):
        data |= {
            "requested_quota": row.requested_quota,
            "papers": [
                {
                    "id": p.pk,
                    "item": p.item.code,
                    "name": p.name,
                    "state": p.state,
                    "valid_until": p.valid_until,
                    "sent_at": p.sent_at,
                }
                for p in loaded.papers
            ],
            "events": [
                {name: getattr(e, name) for name in ("seq", "at", "action", "role", "reason", "hash")}
                for e in row.events.order_by("seq")
            ],
        }
    return answer(data, ETag=f'"{row.version}"')


class LatencyOut(Schema):
    edges_s: list[int] = Field(description="Upper edges in seconds; the last count holds what was longer on its way.")
    counts: list[int]
    median_at_most_s: int | None = Field(description="Upper edge of the class; null: over an hour, or nothing kept.")
    p95_at_most_s: int | None
    mean_s: float | None


class QualityDay(Schema):
    day: date
    source: SourceName
    calls: int
    received: int
    kept: int
    rejected: int
    repeated: int = Field(description="Of the rejected: duplicates, which a feed that is polled sends all day.")
    reasons: dict[str, int]
    marked: dict[str, int]
    latency: LatencyOut
    gaps: int | None = Field(description="Silences longer than the pack allows; null for files.")
    longest_gap_s: int | None
    failures: int
    last_failure: str
    examples: list[dict[str, Any]]


class Quality(Schema):
    operator: Named
    days: int
    findings: list[str] = Field(description="In words: positions in another datum, a clock that is hours off.")
    items: list[QualityDay]


@router.get("/bikes/operators/{code}/quality", response=Quality, summary="How good an operator's positions are")
def quality(
    request: HttpRequest, code: Code, days: Annotated[int, Query(ge=1, le=366)] = feed_quality.DAYS
) -> HttpResponse:
    """By day (the newest first) and door. An operator's account sees its own only."""
    row = visible(request).filter(organisation__code=code).first()
    if row is None:
        raise Http404
    now = clock.now()
    lines = feed_quality.lines_of(row, feed_quality.first_day(now, days))
    found = {"operator": coded(row.organisation), "days": days, "findings": feed_quality.findings(row, lines, now)}
    return answer({**found, "items": [line.as_dict() for line in lines]})


@router.get("/bikes/vehicles", response=VehicleList, summary="Registered vehicles that the caller may see")
def vehicles(
    request: HttpRequest, wanted: Query[VehicleFilter], page: Page = 1, page_size: PageSize = 50
) -> HttpResponse:
    """By operator and plate."""
    among = visible(request)
    if wanted.operator:
        among = among.filter(organisation__code=wanted.operator)
    rows = queries.vehicles(among, text=wanted.q, state=wanted.state, kind=wanted.kind, seen=wanted.seen)
    head, found = page_of(rows.order_by("operator__organisation__code", "plate"), page, page_size)
    return answer({**head, "items": [_vehicle(v) for v in found]}, Link=links(request, head))


def _vehicle(row: Vehicle) -> dict[str, Any]:
    same = ("plate", "vehicle_id", "kind", "state", "registered_at", "last_seen_at")
    return {"operator": coded(row.operator.organisation), **{name: getattr(row, name) for name in same}}
