"""What the rules found as JSON: the findings of the page, to the same people, each with what it stands on and its case."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from shaodao.bikes import queries as operators
from shaodao.bikes.findings import queries
from shaodao.bikes.findings.words import FindingState, PlaceKind, Rule
from shaodao.bikes.models import Finding
from shaodao.cases.api.paging import Page, PageSize, links, page_of
from shaodao.cases.api.schemas import Named
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.wire import answer, coded
from shaodao.organisations.auth import SIGNED_IN, need

router = Router(tags=["bikes"], auth=SIGNED_IN)
RuleName = Literal[*Rule.values]  # type: ignore[valid-type]
PlaceName = Literal[*PlaceKind.values]  # type: ignore[valid-type]
StateName = Literal[*FindingState.values]  # type: ignore[valid-type]
AnyState = Literal[*FindingState.values, "all"]  # type: ignore[valid-type]


class ShareLine(Schema):
    operator: Named
    bikes: int
    too_many: int = Field(description="That it has to take away.")


class FindingFacts(Schema):
    id: int
    kind: RuleName = Field(description="The rule that found it.")
    state: StateName
    what: str
    where: str
    place: PlaceName
    operator: Named | None = Field(description="That answers for it; null: another one than the caller's.")
    bay: str | None = Field(description="Of a group of bays, the first.")
    zone: str | None
    street: Named | None
    community: Named | None
    lon: float | None = Field(description="WGS-84; null: the whole district.")
    lat: float | None
    count: int = Field(description="Bikes, or days that one has stood.")
    limit: int
    first_seen_at: datetime
    last_seen_at: datetime
    absent_since: datetime | None = Field(description="Not seen any more, with all feeds that matter alive.")
    cleared_at: datetime | None
    case: str | None = Field(description="Number of its case.")
    illustrative: bool


class FindingLine(FindingFacts):
    shares: list[ShareLine] = Field(description="For an operator's account its own only.")


class FindingList(Schema):
    total: int
    page: int
    pages: int
    page_size: int
    items: list[FindingLine]


class ShareEvidence(ShareLine):
    vehicles: list[str] = Field(description="Some of its vehicles, by the feed's id.")


class FindingDetail(FindingFacts):
    shares: list[ShareEvidence]
    why: str
    asked: dict[str, Any] = Field(description="The rule's parameters when it was first seen; `bays` of a group.")
    filed_at: datetime | None
    case_state: str | None
    spot_check: bool = Field(description="Drawn: a person looks before the case closes.")
    problem: str = Field(description="Why it could not be filed.")


class FindingFilter(Schema):
    model_config = ConfigDict(extra="ignore")

    kind: RuleName | None = None
    operator: str = Field("", max_length=20, description="Code of the operator that answers for it.")
    street: str = Field("", max_length=20, description="Code of the street.")
    state: AnyState | None = Field(None, description="Default: what stands now (open and filed).")
    since: datetime | None = Field(None, description="Seen at that time or later (without an offset: local time).")


def seeing(request: HttpRequest) -> tuple[QuerySet[Finding], list[int] | None]:
    """As the page: the findings that the caller sees, and the operators to whose shares they are confined. Raises Refused."""
    need(request, "read")
    facts = actor_of(request).facts
    if not operators.may_enter(facts):
        raise Refused(_("您的岗位看不到这个页面"), forbidden=True)
    return queries.visible(facts)


@router.get("/bikes/findings", response=FindingList, summary="What is not in order, by rule and place")
def findings(
    request: HttpRequest, wanted: Query[FindingFilter], page: Page = 1, page_size: PageSize = 50
) -> HttpResponse:
    """The newest first. A street or community sees its own, an operator's account those with bikes of its own."""
    rows, mine = seeing(request)
    operator, street = (text.replace("\x00", "") for text in (wanted.operator, wanted.street))
    rows = queries.listed(rows, rule=wanted.kind or "", state=wanted.state or "", operator=operator)
    if street:
        rows = rows.filter(street__code=street)
    if wanted.since is not None:
        rows = rows.filter(last_seen_at__gte=_moment(wanted.since))
    head, found = page_of(rows, page, page_size)
    items = [_line(line, mine) for line in queries.lines(found, mine)]
    return answer({**head, "items": items}, Link=links(request, head))


@router.get("/bikes/findings/{finding}", response=FindingDetail, summary="One finding with what it stands on")
def finding(request: HttpRequest, finding: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> HttpResponse:
    """404 for what the caller does not see."""
    rows, mine = seeing(request)
    row = rows.filter(pk=finding).select_related(*queries.JOINED).first()
    if row is None:
        raise Http404
    (line,) = queries.lines([row], mine)
    found = _line(line, mine)
    for share, said in zip(found["shares"], line["shares"], strict=True):
        share["vehicles"] = said["ids"]
    more = {name: getattr(row, name) for name in ("asked", "filed_at", "spot_check", "problem")}
    return answer({**found, **more, "why": line["asked"], "case_state": row.case.state if row.case else None})


def _moment(at: datetime) -> datetime:
    if not 2000 <= at.year < 2100:
        raise Invalid({"since": _("年份应在 2000 与 2099 之间")})
    return at.astimezone(UTC) if at.tzinfo else clock.from_local(at)


def _line(line: dict[str, Any], mine: list[int] | None) -> dict[str, Any]:
    """What the page says of a finding. Another operator is not named to one that sees its own share."""
    row: Finding = line["row"]
    named = mine is None or row.operator_id in mine
    same = ("place", "state", "count", "limit", "first_seen_at", "last_seen_at", "absent_since", "cleared_at")
    units = [share["unit"] for share in line["shares"]]
    return {
        "id": row.pk,
        "kind": row.rule,
        "what": line["what"],
        "where": line["where"],
        **{name: getattr(row, name) for name in same},
        "operator": coded(row.operator.organisation) if named else None,
        "bay": row.bay.code if row.bay else None,
        "zone": row.zone.code if row.zone else None,
        "street": coded(row.street),
        "community": coded(row.community),
        "lon": None if row.lon_e6 is None else row.lon_e6 / 1e6,
        "lat": None if row.lat_e6 is None else row.lat_e6 / 1e6,
        "case": row.case.number if row.case else None,
        "illustrative": any(u.illustrative for u in units)
        or bool((row.bay and row.bay.illustrative) or (row.zone and row.zone.illustrative)),
        "shares": [{"operator": coded(s["unit"]), "bikes": s["n"], "too_many": s["over"]} for s in line["shares"]],
    }
