"""What is around the cases: the life cycle as data, the district, who is calling, inbox notices, machine tokens."""

from typing import Annotated, Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Path, Router

from shaodao.cases import lifecycle
from shaodao.cases.api import show
from shaodao.cases.api.cases import POSSIBLE
from shaodao.cases.api.paging import Page, PageSize, links, page_of
from shaodao.cases.api.schemas import (
    DistrictLine,
    Id,
    Lifecycle,
    Me,
    NoticeLine,
    NoticeList,
    TokenIn,
    TokenLine,
    TokenOut,
)
from shaodao.cases.models import Notice, Wording
from shaodao.cases.notices import words
from shaodao.cases.requests import actor_of
from shaodao.cases.words import AppealGround, CaseState
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Refused
from shaodao.foundation.wire import answer
from shaodao.organisations import tokens
from shaodao.organisations.auth import OPEN, SIGNED_IN, SessionAuth, need
from shaodao.organisations.models import ApiToken

router = Router(tags=["office"], auth=SIGNED_IN)
PUBLIC = {"x-open": True}
TEXT: dict[str, Any] = {"type": "string"}
IDS: dict[str, Any] = {"type": "array", "items": {"type": ["string", "integer"]}}
KINDS: dict[str, dict[str, Any]] = {  # what a field of this kind takes in JSON; `inputs.CHECKS` checks it
    "text": {**TEXT, "maxLength": 120},
    "longtext": {**TEXT, "maxLength": 4000},
    "bool": {"type": "boolean"},
    "rating": {"type": "integer", "minimum": 1, "maximum": 5},
    "organisation": {"type": ["string", "integer"], "description": "code or id"},
    "organisations": {**IDS, "description": "codes or ids"},
    "category": {"type": ["string", "integer"], "description": "key or id"},
    "condition": {"type": "integer"},
    "whistle_kind": TEXT,
    "datetime": {**TEXT, "format": "date-time"},
    "position": {
        "type": "object",
        "properties": {"lon": {"type": "number"}, "lat": {"type": "number"}, "datum": TEXT},
        "required": ["lon", "lat"],
    },
    "place": {"type": ["string", "integer"], "description": "code or id of a street, community or village"},
    "case": {**TEXT, "description": "number"},
    "report": {"type": "integer"},
    "stage": TEXT,
    "photos": {**IDS, "description": "ids that POST /uploads gave, or uploads of this case"},
    "outcome": TEXT,
    "wording": {**TEXT, "description": "code of one of the district's texts for this action"},
    "grounds": {"type": "array", "items": {**TEXT, "enum": AppealGround.values}},
}


@router.get("/lifecycle", response=Lifecycle, auth=OPEN, openapi_extra=PUBLIC, summary="The table of transitions")
def life(request: HttpRequest) -> HttpResponse:
    """Every action: who, from which states, on what, with which fields (`takes` is a JSON schema), and what it is for."""
    texts: dict[str, list[str]] = {}
    for action, code in Wording.objects.filter(active=True).values_list("action", "code"):
        texts.setdefault(action, []).append(code)
    return answer(
        {
            "states": {str(s.value): str(s.label) for s in CaseState},
            "transitions": [_transition(t, texts) for t in lifecycle.TRANSITIONS],
        }
    )


def _transition(t: lifecycle.Transition, texts: dict[str, list[str]]) -> dict[str, Any]:
    fields = [
        {
            "name": f.name,
            "kind": f.kind,
            "label": str(f.label),
            "required": f.required,
            "help": str(f.help),
            "takes": _schema(t, f, texts),
        }
        for f in t.fields
    ]
    return {
        "action": t.action,
        "label": str(t.label),
        "why": str(t.why),
        "roles": sorted(t.roles),
        "scope": t.scope,
        "sources": [str(s) for s in t.sources],
        "target": str(t.target),
        "on": t.on,
        "on_states": list(t.on_states),
        "reason": t.reason,
        "danger": t.danger,
        "via_api": t.action in POSSIBLE,
        "fields": fields,
    }


def _schema(t: lifecycle.Transition, field: lifecycle.Field, texts: dict[str, list[str]]) -> dict[str, Any]:
    if field.kind == "wording":
        return {**KINDS["wording"], "enum": ["", *texts.get(t.action, [])]}
    if field.kind == "whistle_kind":
        return {**TEXT, "enum": [k.code for k in district.current().settings.whistle_kinds]}
    return KINDS[field.kind]


@router.get("/district", response=DistrictLine, auth=OPEN, openapi_extra=PUBLIC, summary="The district")
def here(request: HttpRequest) -> HttpResponse:
    return answer(show.district_line())


@router.get("/me", response=Me, summary="Who is calling, with posts and scopes")
def me(request: HttpRequest) -> HttpResponse:
    person: Any = request.user
    rows = person.posts.filter(active=True, organisation__active=True).select_related("organisation")
    posts = [{"role": p.role, "label": p.get_role_display(), "organisation": show.coded(p.organisation)} for p in rows]
    scopes = sorted(getattr(request, "scopes", ()))
    return answer({"username": person.username, "name": person.name, "posts": posts, "scopes": scopes})


def notices_for(request: HttpRequest) -> Any:
    """The inbox items of the caller's posts: those of the whole organisation and those of the post's role."""
    wanted = Q(pk__in=[])
    for post in actor_of(request).facts.posts:
        wanted |= Q(organisation_id=post.organisation_id, role__in=["", post.role])
    return Notice.objects.filter(wanted).select_related("organisation", "case").order_by("-id")


@router.get("/notices", response=NoticeList, summary="Inbox items of the caller's posts")
def notices(request: HttpRequest, unseen: bool = False, page: Page = 1, page_size: PageSize = 50) -> HttpResponse:
    """`text` is the sentence in the language of Accept-Language, made from `kind` and `data`."""
    need(request, "read")
    rows = notices_for(request)
    head, found = page_of(rows.filter(seen_at=None) if unseen else rows, page, page_size)
    return answer({**head, "items": [_notice(n) for n in found]}, Link=links(request, head))


def _notice(row: Notice) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "text": words(row),
        "data": row.data,
        "case": row.case.number if row.case else None,
        "role": row.role,
        "organisation": show.coded(row.organisation),
        "created_at": row.created_at,
        "seen_at": row.seen_at,
    }


@router.post("/notices/{notice_id}/seen", response=NoticeLine, summary="Mark an inbox item as seen")
def seen(request: HttpRequest, notice_id: Annotated[Id, Path()]) -> HttpResponse:
    need(request, "act")
    row = notices_for(request).filter(pk=notice_id).first()
    if row is None:
        raise Http404
    if row.seen_at is None:
        row.seen_at, row.seen_by = clock.now(), request.user
        row.save(update_fields=["seen_at", "seen_by"])
    return answer(_notice(row))


def tokens_of(request: HttpRequest) -> Any:
    person: Any = request.user
    return ApiToken.objects.filter(person=person)


@router.get("/tokens", response=list[TokenLine], auth=SessionAuth(), summary="The caller's machine tokens")
def own_tokens(request: HttpRequest) -> HttpResponse:
    return answer([_token(t) for t in tokens_of(request).order_by("-id")])


@router.post("/tokens", response={201: TokenOut}, auth=SessionAuth(), summary="Issue a token; it is shown this once")
def issue(request: HttpRequest, payload: TokenIn) -> HttpResponse:
    """Only from a session: a token cannot make another. It acts with the posts of its person, within its scopes."""
    person: Any = request.user
    if not actor_of(request).facts.posts:
        raise Refused(_("没有岗位的账号不能签发令牌"), forbidden=True)
    until = payload.expires_at
    until = clock.from_local(until) if until is not None and until.tzinfo is None else until
    row, plain = tokens.issue(person, payload.name, payload.scopes, clock.now(), expires_at=until)
    return answer({**_token(row), "token": plain}, 201, Cache_Control="no-store")


@router.delete("/tokens/{token_id}", response={204: None}, auth=SessionAuth(), summary="Revoke a token")
def revoke(request: HttpRequest, token_id: Annotated[Id, Path()]) -> HttpResponse:
    row = tokens_of(request).filter(pk=token_id).first()
    if row is None:
        raise Http404
    person: Any = request.user
    tokens.revoke(row, person, clock.now())
    return HttpResponse(status=204)


def _token(row: ApiToken) -> dict[str, Any]:
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return {"id": row.pk, "name": row.name, "scopes": row.scopes, **{k: getattr(row, k) for k in times}}
