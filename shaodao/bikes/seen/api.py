"""What is seen now, as JSON: the counts of the page, the fill of bays, the vehicles; by the same rules as the pages."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from shaodao.bikes import queries
from shaodao.bikes.models import VehicleStatus
from shaodao.bikes.seen import asking, filling, mapping, present
from shaodao.bikes.seen.filling import Fill, FillState
from shaodao.bikes.seen.present import Counts, Tally, Wanted
from shaodao.bikes.seen.scope import Scope, scope_of
from shaodao.bikes.seen.words import GROUPS, Mark, SeenAs
from shaodao.bikes.words import IN_FORCE, FeedState
from shaodao.cases.api.paging import Page, PageHead, PageSize, links, page_of
from shaodao.cases.api.schemas import Named
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.foundation.wire import answer, coded
from shaodao.organisations.auth import SIGNED_IN, need

router = Router(tags=["bikes"], auth=SIGNED_IN)
ClassName = Literal[*SeenAs.values]  # type: ignore[valid-type]
AnyClass = Literal[*SeenAs.values, *GROUPS]  # type: ignore[valid-type]
MarkName = Literal[*Mark.values]  # type: ignore[valid-type]
FillName = Literal[*FillState.values]  # type: ignore[valid-type]
_SORTS = ("", *present.SORTS, *(f"-{name}" for name in present.SORTS))
SortName = Literal[*_SORTS]  # type: ignore[valid-type]
FeedName = Literal[*FeedState.values]  # type: ignore[valid-type]


class Numbers(Schema):
    here: int = Field(description="In the district: all classes but away and gone.")
    judged: int = Field(description="Parked and known for certain how: in_bay, near_bay, outside, zone.")
    in_order: int = Field(description="in_bay and near_bay.")
    share_in_order: float | None = Field(description="in_order out of judged; null where none is judged.")
    classes: dict[str, int]
    violation: int
    idle: int


class OperatorNumbers(Numbers):
    code: str
    name: str
    quota: int | None = Field(description="null where not all of its vehicles are seen, or it holds none.")
    received_at: datetime | None = Field(description="When its data last came in; null: never.")
    silent: bool = Field(description="Nothing came in for longer than the pack allows.")


class StreetNumbers(Numbers):
    code: str
    name: str
    bays: int
    capacity: int
    in_bays: int = Field(description="Vehicles that stand in or near one of its bays.")


class Present(Schema):
    at: datetime
    total: Numbers
    operators: list[OperatorNumbers]
    streets: list[StreetNumbers]


class BayLine(Schema):
    code: str
    name: str
    street: str
    capacity: int
    vehicles: int
    silent: int
    over: int
    state: FillName
    illustrative: bool
    members: list[str] = Field(description="Codes of the bays of a group; a bay's own code.")


class BayList(PageHead):
    items: list[BayLine]


class SeenLine(Schema):
    model_config = ConfigDict(populate_by_name=True)

    operator: Named
    vehicle_id: str
    plate: str | None
    seen: ClassName = Field(alias="class")
    state: FeedName = Field(description="As the operator's feed says.")
    street: Named | None
    community: Named | None
    bay: str | None
    distance_m: float | None
    confidence: float | None = Field(
        description="0 to 1: the probability that its bay, or none, is right under the position's error; null: not parked."
    )
    zone: str | None
    wrong_fixes: int
    at: datetime
    received_at: datetime
    stood_since: datetime | None
    lon: float | None = Field(description="null for a vehicle in use, or gone.")
    lat: float | None


class SeenList(PageHead):
    items: list[SeenLine]


class Where(Schema):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    operator: str = Field("", max_length=20, description="Code of the operator.")
    street: str = Field("", max_length=20, description="Code of the street.")
    community: str = Field("", max_length=20, description="Code of the community.")


class SeenFilter(Where):
    bay: str = Field("", max_length=40)
    zone: str = Field("", max_length=40)
    seen: AnyClass | None = Field(None, alias="class")
    mark: MarkName | None = None
    q: str = Field("", max_length=100, description="Part of the feed's id or of the plate.")


def seeing(request: HttpRequest) -> Scope:
    """What the caller sees. Raises Refused (403) where there can be nothing."""
    need(request, "read")
    facts = actor_of(request).facts
    if not queries.may_enter(facts):
        raise Refused(_("您的岗位看不到单车企业"), forbidden=True)
    return scope_of(facts)


def _wanted(given: Where) -> Wanted:
    """A filter without what no code can be."""
    return asking.wanted({name: str(value or "") for name, value in given.dict(by_alias=True).items()})


@router.get("/bikes/present", response=Present, summary="Vehicles in the district now, by operator and street")
def counts(request: HttpRequest, where: Query[Where]) -> HttpResponse:
    """The numbers of the page 当前. An operator's account counts its own vehicles, a street or community its place."""
    scope, wanted, now = seeing(request), _wanted(where), clock.now()
    found = present.count(present.narrow(scope.statuses(), wanted, now), now)
    fills = _fills(scope, wanted, now)
    whole = not (wanted.street or wanted.community or scope.places)
    return answer(
        {
            "at": now,
            "total": _numbers(found.total()),
            "operators": _operators(scope, wanted, found, whole, now),
            "streets": _streets(scope, wanted, found, fills),
        }
    )


def _operators(scope: Scope, wanted: Wanted, found: Counts, whole: bool, now: datetime) -> list[dict[str, Any]]:
    tallies, feeds, lines = found.by_operator(), present.feeds(scope.operators(), now), []
    for row in scope.operators():
        feed, code = feeds.get(row.pk), row.organisation.code
        if wanted.operator not in ("", code) or not (feed or row.state in IN_FORCE):
            continue
        lines.append(
            {
                **(coded(row.organisation) or {}),
                **_numbers(tallies.get(row.pk, Tally())),
                "quota": row.quota if whole and row.state in IN_FORCE else None,
                "received_at": feed.received if feed else None,
                "silent": feed is None or feed.silent,
            }
        )
    return lines


def _streets(scope: Scope, wanted: Wanted, found: Counts, fills: list[Fill]) -> list[dict[str, Any]]:
    tallies, lines = found.by_street(), []
    for row in scope.streets_seen():
        if wanted.street in ("", row.code):
            sums = filling.sums(f for f in fills if f.street_code == row.code)
            bays = {"bays": sums["all"], "capacity": sums["capacity"], "in_bays": sums["n"]}
            lines.append({**(coded(row) or {}), **_numbers(tallies.get(row.pk, Tally())), **bays})
    return lines


def _numbers(tally: Tally) -> dict[str, Any]:
    return {
        "here": tally.here,
        "judged": tally.judged,
        "in_order": tally.order,
        "share_in_order": tally.share,
        "classes": {name: tally.by[name] for name in SeenAs.values},
        "violation": tally.marks[Mark.VIOLATION.value],
        "idle": tally.marks[Mark.IDLE.value],
    }


def _fills(scope: Scope, wanted: Wanted, now: datetime) -> list[Fill]:
    of_operator = present.narrow(scope.statuses(), Wanted(operator=wanted.operator), now)
    return filling.fills(scope.bays_in(wanted.street, wanted.community), of_operator)


@router.get("/bikes/present/bays", response=BayList, summary="Bays, or groups of bays, with how full they are")
def bays(
    request: HttpRequest,
    where: Query[Where],
    by: Literal["bay", "group"] = "bay",
    fill: FillName | None = None,
    page: Page = 1,
    page_size: PageSize = 50,
) -> HttpResponse:
    """The fullest first. Vehicles are those that the caller sees; with `operator`, those of that operator."""
    scope, now = seeing(request), clock.now()
    rows = _fills(scope, _wanted(where), now)
    rows = filling.in_groups(rows) if by == "group" else rows
    rows = filling.ordered([row for row in rows if fill is None or row.state == fill], "-ratio")
    start = (page - 1) * page_size
    head = {"total": len(rows), "page": page, "pages": max(1, -(-len(rows) // page_size)), "page_size": page_size}
    items = [_bay(row) for row in rows[start : start + page_size]]
    return answer({**head, "items": items}, Link=links(request, head))


def _bay(row: Fill) -> dict[str, Any]:
    same = ("code", "name", "street", "capacity", "silent", "over", "illustrative")
    more = {"vehicles": row.n, "state": row.state.value, "members": list(row.members)}
    return {**{name: getattr(row, name) for name in same}, **more}


@router.get("/bikes/present/vehicles", response=SeenList, by_alias=True, summary="Vehicles as they were last seen")
def vehicles(
    request: HttpRequest,
    wanted: Query[SeenFilter],
    sort: Annotated[SortName, Query(description="A column, with - before it descending.")] = "",
    page: Page = 1,
    page_size: PageSize = 50,
) -> HttpResponse:
    """By operator and id unless `sort` says otherwise."""
    scope, now = seeing(request), clock.now()
    rows = present.listed(present.narrow(scope.statuses(), _wanted(wanted), now))
    head, found = page_of(present.ordered(rows, sort), page, page_size)
    return answer({**head, "items": [_vehicle(row) for row in found]}, Link=links(request, head))


def _vehicle(row: VehicleStatus) -> dict[str, Any]:
    seen = SeenAs(getattr(row, "seen"))  # noqa: B009 - annotated
    placed = seen in mapping.DRAWN
    return {
        "operator": coded(row.operator.organisation),
        "vehicle_id": row.vehicle_id,
        "plate": getattr(row, "plate", None),
        "class": seen.value,
        "state": row.state,
        "street": coded(row.street),
        "community": coded(row.community),
        "bay": row.bay.code if row.bay else None,
        "distance_m": None if row.distance_mm is None else row.distance_mm / 1000,
        "confidence": row.confidence / 100 if placed and row.confidence is not None else None,
        "zone": row.zone.code if row.zone else None,
        "wrong_fixes": row.wrong_fixes,
        "at": present.at(row.at_ms),
        "received_at": present.at(row.received_ms),
        "stood_since": present.at(row.stood_since_ms) if placed else None,
        "lon": row.lon_e6 / 1e6 if placed else None,
        "lat": row.lat_e6 / 1e6 if placed else None,
    }
