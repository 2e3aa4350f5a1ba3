"""The shapes of requests and answers, as the OpenAPI description states them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from shaodao.cases.api.paging import PageHead
from shaodao.cases.models import Appeal
from shaodao.cases.words import AppealGround, AssignmentState, CaseState, Channel, Light, Outcome

State = Literal[*CaseState.values]  # type: ignore[valid-type]
LightName = Literal[*Light.values]  # type: ignore[valid-type]
ChannelName = Literal[*Channel.values]  # type: ignore[valid-type]
OutcomeName = Literal["", *Outcome.values]  # type: ignore[valid-type]
PartState = Literal[*AssignmentState.values]  # type: ignore[valid-type]
Ground = Literal[*AppealGround.values]  # type: ignore[valid-type]
AppealState = Literal[*Appeal.State.values]  # type: ignore[valid-type]
Id = Annotated[int, Field(ge=1, le=2**53)]
Key = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\x21-\x7e]+$")]
Degrees = Annotated[float, Field(ge=-180, le=180)]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class Named(Schema):
    code: str
    name: str


class CategoryName(Schema):
    key: str
    name: str


class CaseLine(Schema):
    number: str
    version: int = Field(description="Number of events; also the ETag of the case.")
    state: State
    state_label: str
    outcome: OutcomeName
    light: LightName
    channel: ChannelName
    category: CategoryName | None
    urgent: bool
    summary: str
    lon: float | None
    lat: float | None
    address: str
    cell: str | None
    community: Named | None
    street: Named | None
    unsolved: bool = Field(description="A reporter says that it is not solved, and nobody has answered that yet.")
    place_guessed: bool = Field(description="Street and community were taken from words; nobody has confirmed them.")
    lead: Named | None
    merged_into: str | None
    published: bool
    sample: bool
    due_at: datetime | None
    yellow_at: datetime | None
    created_at: datetime
    filed_at: datetime | None
    dispatched_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    watch_until: datetime | None
    report_count: int
    rework_count: int
    return_count: int
    rebound_count: int
    reopen_count: int


class CaseList(PageHead):
    items: list[CaseLine]


class Event(Schema):
    seq: int
    at: datetime
    actor: str
    role: str
    action: str
    label: str
    reason: str
    data: dict[str, Any]
    hash: str


class Offer(Schema):
    action: str
    label: str
    on: int | None
    on_kind: str
    allowed: bool
    reason: str | None


class ReportLine(Schema):
    id: int
    channel: ChannelName
    text: str
    category: CategoryName | None
    attributes: dict[str, Any]
    topic: str
    lon: float | None
    lat: float | None
    datum: str
    source_lon: float | None
    source_lat: float | None
    address: str
    organisation: Named | None
    me_too: bool
    external_id: str
    has_contact: bool = Field(description="A private contact is kept; POST /reports/{id}/contact asks for it.")
    created_at: datetime


class AssignmentLine(Schema):
    id: int
    organisation: Named
    role: Literal["lead", "support"]
    via: str
    state: PartState
    round: int
    sent_at: datetime
    signed_at: datetime | None
    arrived_at: datetime | None
    arrived_distance_m: float | None
    finished_at: datetime | None
    returned_at: datetime | None
    suspended_until: datetime | None
    extensions: int
    suspensions: int
    rework_count: int
    stages: list[dict[str, Any]]
    exempt: bool = Field(description="An upheld appeal leaves some limit of it (clocks[].exempt) out of on-time rates.")


class ClockLine(Schema):
    assignment: int | None
    kind: str
    started_at: datetime
    value: float
    unit: str
    extensions: int
    due_at: datetime
    yellow_at: datetime
    provisional: bool
    stopped_at: datetime | None
    cancelled: bool
    exempt: bool = Field(description="Missed, and left out of on-time rates by an upheld appeal.")
    light: LightName


class PhotoLine(Schema):
    upload: int
    purpose: str
    published: bool
    created_at: datetime
    report: int | None
    assignment: int | None
    urls: dict[str, str | None]


class AppealReview(Schema):
    by: str
    upheld: bool
    opinion: str
    at: datetime


class AppealLine(Schema):
    id: int
    assignment: int
    grounds: list[Ground]
    reason: str
    state: AppealState
    asked_at: datetime
    reviews: list[AppealReview] = Field(
        description="In their order; two that agree decide, a third only where they differ."
    )
    decided_at: datetime | None


class CaseDetail(CaseLine):
    public_text: str
    condition: int | None
    watch_radius_m: int
    reports: list[ReportLine]
    assignments: list[AssignmentLine]
    clocks: list[ClockLine]
    photos: list[PhotoLine]
    whistles: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    verifications: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]
    appeals: list[AppealLine]
    rechecks: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    callbacks: list[dict[str, Any]]
    events: list[Event]
    offers: list[Offer]


class ActionIn(Strict):
    on: Id | None = Field(None, description="Id of the part acted on (assignment, whistle, request …).")
    reason: str = Field("", max_length=2000)
    data: dict[str, Any] = Field(
        default_factory=dict, description="Values by field name, as GET /lifecycle lists them."
    )
    client_key: Key | None = Field(
        None, description="The same key never acts twice: a repeated call is answered as before."
    )


class ActionOut(Schema):
    number: str
    version: int
    state: State
    replayed: bool
    event: Event
    case: CaseLine


class Contact(Strict):
    name: str = Field("", max_length=60)
    phone: str = Field("", max_length=30)
    email: str = Field("", max_length=254)
    language: Literal["zh-hans", "en"] = "zh-hans"


class ReportIn(Strict):
    text: str = Field("", max_length=4000)
    channel: ChannelName = "public"
    category: str | None = Field(None, max_length=40, description="Key of the active scheme, e.g. event-0110.")
    lon: float | None = None
    lat: float | None = None
    datum: Literal["WGS-84", "GCJ-02", "BD-09", "CGCS2000"] = "WGS-84"
    cell: str = Field("", max_length=15, description="A 15-digit unit grid code, instead of a position.")
    address: str = Field("", max_length=200)
    attributes: dict[str, Any] = Field(
        default_factory=dict, description="Answers by code to the category's attributes."
    )
    contact: Contact | None = None
    uploads: list[str] = Field(default_factory=list, max_length=8, description="Ids that POST /uploads gave.")
    join: str | None = Field(None, max_length=30, description="Number of the open case that is the same problem.")
    external_id: str = Field("", max_length=80)
    topic: str = Field("", max_length=120)
    client_key: Key | None = None


class ReportOut(Schema):
    id: int
    case: str
    state: State
    follow_code: str = Field(description="With the number, this lets the reporter follow the case without an account.")
    replayed: bool
    joined: bool
    rebounded: bool
    street: Named | None
    community: Named | None


class UploadOut(Schema):
    id: str = Field(description="Signed; give it in `uploads` of a report or in a field of kind `photos`.")
    width: int
    height: int
    size: int
    sha256: str


class ReasonIn(Strict):
    reason: str = Field(min_length=2, max_length=500)


class ContactOut(Schema):
    name: str
    phone: str
    email: str
    language: str


class FieldSpec(Schema):
    name: str
    kind: str
    label: str
    required: bool
    help: str
    takes: dict[str, Any]


class TransitionSpec(Schema):
    action: str
    label: str
    why: str
    roles: list[str]
    scope: str
    sources: list[str]
    target: str
    on: str
    on_states: list[str]
    reason: Literal["", "optional", "required"]
    danger: bool
    via_api: bool = Field(description="Whether POST /cases/{number}/actions/{action} takes it.")
    fields: list[FieldSpec]


class Lifecycle(Schema):
    states: dict[str, str]
    transitions: list[TransitionSpec]


class NoticeLine(Schema):
    id: int
    kind: str
    text: str
    data: dict[str, Any]
    case: str | None
    role: str
    organisation: Named
    created_at: datetime
    seen_at: datetime | None


class NoticeList(PageHead):
    items: list[NoticeLine]


class TokenIn(Strict):
    name: str = Field(min_length=1, max_length=100)
    scopes: list[Literal["read", "report", "act", "bikes", "tracks"]] = Field(min_length=1, max_length=5)
    expires_at: datetime | None = None


class TokenLine(Schema):
    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokenOut(TokenLine):
    token: str = Field(description="Shown this once.")


class Me(Schema):
    username: str
    name: str
    posts: list[dict[str, Any]]
    scopes: list[str]


class DistrictLine(Schema):
    code: str
    name: str
    centre: list[float]
    sample: bool


class ProblemDetails(Schema):
    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, str] | None = None
