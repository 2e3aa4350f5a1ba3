"""Cases: the list that somebody may see, one case with everything on it, and every action of the life cycle."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from ninja import Path, Query, Router

from shaodao.cases import lifecycle, queries
from shaodao.cases.actions import perform
from shaodao.cases.api import show
from shaodao.cases.api.filters import CaseFilter, apply
from shaodao.cases.api.paging import Page, PageSize, links, page_of
from shaodao.cases.api.problems import Problem
from shaodao.cases.api.schemas import ActionIn, ActionOut, CaseDetail, CaseList, ReportLine
from shaodao.cases.models import Callback, Case, CaseEvent, Contact, Note, Photo, Report
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock, uploads
from shaodao.foundation.errors import Invalid
from shaodao.foundation.prepared import Prepared
from shaodao.foundation.wire import answer
from shaodao.organisations.auth import SIGNED_IN, need

router = Router(tags=["cases"], auth=SIGNED_IN)
REPORTS = Prepared(
    lambda case: (
        Report.objects.filter(case=case)
        .select_related("category", "organisation")
        .annotate(known=Exists(Contact.objects.filter(report_id=OuterRef("pk"))))
    )
)
PHOTOS = Prepared(lambda case: Photo.objects.filter(case=case))
NOTES = Prepared(lambda case: Note.objects.filter(case=case).select_related("organisation"))
ANSWERS = Prepared(lambda case: Callback.objects.filter(case=case, answered_at__isnull=False))
EVENTS = Prepared(lambda case: CaseEvent.objects.filter(case=case).order_by("seq"))
Number = Annotated[str, Path(max_length=30, pattern=r"^[0-9]{4}-[0-9]{6,15}$", examples=["2026-000123"])]
POSSIBLE = [
    t.action
    for t in lifecycle.TRANSITIONS
    if t.action not in show.ELSEWHERE and t.roles - {lifecycle.PUBLIC, lifecycle.SYSTEM}
]
ActionName = Literal[*POSSIBLE]  # type: ignore[valid-type]
IF_MATCH = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": 'The ETag that was seen, e.g. "7". Needed unless client_key repeats an earlier call.',
        }
    ],
    "x-problems": {"428": "If-Match missing"},
}
IF_NONE_MATCH = {
    "parameters": [{"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}],
}


@router.get("/cases", response=CaseList, summary="Cases that the caller may see")
def cases(request: HttpRequest, wanted: Query[CaseFilter], page: Page = 1, page_size: PageSize = 50) -> HttpResponse:
    """Newest first unless sorted otherwise. Link header: first, prev, next, last."""
    need(request, "read")
    now = clock.now()
    rows = apply(queries.visible_to(actor_of(request).facts), wanted, now).select_related(*queries.WHOLE)
    head, found = page_of(rows, page, page_size)
    return answer({**head, "items": [show.case_line(c, now) for c in found]}, Link=links(request, head))


@router.get(
    "/cases/{number}",
    response={200: CaseDetail, 304: None},
    summary="One case with its parts, events and offers",
    openapi_extra=IF_NONE_MATCH,
)
def case(request: HttpRequest, number: Number) -> HttpResponse:
    """The ETag is the version. `offers` are the caller's actions: allowed now, or refused with the reason."""
    need(request, "read")
    found, now = visible(request, number), clock.now()
    etag = f'"{found.version}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers={"ETag": etag})
    return answer(detail(request, found, now), ETag=etag)


def visible(request: HttpRequest, number: str) -> Case:
    """The case of this number; 404 also when the caller may not see it. One query."""
    figure = number.partition("-")[2]
    found = queries.whole(int(figure), actor_of(request).facts) if figure.isdigit() else None
    if found is None or found.number != number:
        raise Http404
    return found


def detail(request: HttpRequest, row: Case, now: datetime) -> dict[str, Any]:
    loaded = queries.load(row, now)
    return {
        **show.case_line(row, now),
        "public_text": row.public_text,
        "condition": row.condition_id,
        "watch_radius_m": row.watch_radius_m,
        "reports": reports_of(row),
        "photos": [show.photo_line(p) for p in PHOTOS.all(row.pk)],
        **show.parts(loaded, now),
        "notes": [
            {
                "id": n.pk,
                "kind": n.kind,
                "text": n.text,
                "told": n.told,
                "public": n.public,
                "organisation": show.coded(n.organisation),
                "assignment": n.assignment_id,
                "created_at": n.created_at,
            }
            for n in NOTES.all(row.pk)
        ],
        "callbacks": [
            {
                "report": c.report_id,
                "round": c.round,
                "responded": c.responded,
                "resolved": c.resolved,
                "satisfied": c.satisfied,
                "remark": c.remark,
                "answered_at": c.answered_at,
            }
            for c in ANSWERS.all(row.pk)
        ],
        "events": [show.event_line(e) for e in EVENTS.all(row.pk)],
        "offers": show.offers(loaded, actor_of(request), now),
    }


def reports_of(row: Case) -> list[dict[str, Any]]:
    return [show.report_line(r, r.known) for r in REPORTS.all(row.pk)]  # type: ignore[attr-defined]


@router.get("/cases/{number}/reports", response=list[ReportLine], summary="The reports of one case")
def case_reports(request: HttpRequest, number: Number) -> HttpResponse:
    need(request, "read")
    return answer(reports_of(visible(request, number)))


@router.post(
    "/cases/{number}/actions/{action}",
    response=ActionOut,
    summary="Do one action of the life cycle",
    openapi_extra=IF_MATCH,
)
def act(request: HttpRequest, number: Number, action: ActionName, payload: ActionIn) -> HttpResponse:
    """If-Match carries the version that was seen; without it 428, unless `client_key` repeats a call that was done.

    409 when somebody was faster (`type: conflict`, with `version` and the `events` since), or when the action is not
    possible now (`type: refused`, `detail` says why); 403 when it is not this person's; 422 names the fields.
    """
    need(request, "act")
    row, actor = visible(request, number), actor_of(request)
    done = perform(
        action,
        row.pk,
        actor,
        on=payload.on,
        version=seen(request, row, payload.client_key),
        key=payload.client_key,
        reason=payload.reason,
        data=resolved(lifecycle.BY_ACTION[action], payload.data, row, actor.facts.person_id),
    )
    fresh = queries.whole(row.pk) or done.case
    body = {
        "number": fresh.number,
        "version": fresh.version,
        "state": fresh.state,
        "replayed": done.replayed,
        "event": show.event_line(done.event),
        "case": show.case_line(fresh, clock.now()),
    }
    return answer(body, ETag=f'"{fresh.version}"')


def seen(request: HttpRequest, row: Case, key: str | None) -> int | None:
    """The version that the caller saw, from If-Match; None for `*` and for a repeated call."""
    header = request.headers.get("If-Match", "").strip()
    if not header:
        if key and queries.event_by_key(key):
            return None
        raise Problem(428, _("请带上 If-Match：您看到的版本号"), headers={"ETag": f'"{row.version}"'})
    if header == "*":
        return None
    tags = [t.strip('"') for t in parse_etags(header)]
    if not tags or not all(t.isascii() and t.isdigit() and len(t) <= 15 for t in tags):
        raise Problem(400, _('If-Match 应为带引号的版本号，例如 "7"'))
    numbers = [int(t) for t in tags]
    return row.version if row.version in numbers else numbers[0]


def resolved(t: lifecycle.Transition, data: dict[str, Any], row: Case, person: int | None) -> dict[str, Any]:
    """`data` with photos as upload ids: tickets of POST /uploads, own uploads, or photos that the case has already.

    Raises Invalid for a photo that is somebody else's: a number alone gives nobody a sight of another case's photo.
    """
    names = [f.name for f in t.fields if f.kind == "photos" and data.get(f.name)]
    if not names:
        return data
    data = dict(data)
    for name in names:
        given = data[name] if isinstance(data[name], list) else [data[name]]
        data[name] = upload_ids(given, name, row, person)
    return data


def upload_ids(given: list[Any], field: str, row: Case | None, person: int | None) -> list[int]:
    """Ids behind tickets and numbers. Raises Invalid on `field` for what the caller may not use."""
    ids: list[int] = []
    bare: set[int] = set()
    for raw in given:
        number = raw if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 2**53 else None
        found = uploads.from_ticket(raw) if isinstance(raw, str) else number
        if found is None:
            raise Invalid({field: _("没有这张照片，或上传已过期")})
        if number is not None:
            bare.add(number)
        ids.append(found)
    if bare:
        known = set(uploads.Upload.objects.filter(pk__in=bare, uploaded_by=person).values_list("pk", flat=True))
        known |= set(row.photos.filter(upload_id__in=bare).values_list("upload_id", flat=True)) if row else set()
        if bare - known:
            raise Invalid({field: _("没有这张照片，或上传已过期")})
    return ids
