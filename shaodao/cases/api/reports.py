"""Reports come in: photos first (POST /uploads), then the words (POST /reports). With or without an account."""

from typing import Annotated

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import File, Header, Path, Router
from ninja.files import UploadedFile

from shaodao.cases import inputs, queries, rules
from shaodao.cases.actions import Actor, Submission, report
from shaodao.cases.api import show
from shaodao.cases.api.cases import upload_ids
from shaodao.cases.api.schemas import ContactOut, Id, Key, ReasonIn, ReportIn, ReportOut, UploadOut
from shaodao.cases.models import Report
from shaodao.cases.requests import actor_of
from shaodao.catalogue import answers
from shaodao.foundation import clock, uploads
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.wire import answer
from shaodao.organisations.auth import OPEN, SIGNED_IN, Unknown, need

router = Router(tags=["reports"])
THROTTLED = {"x-problems": {"429": "Too many requests", "413": "Too large", "415": "Wrong media type"}, "x-open": True}


@router.post(
    "/uploads",
    response={201: UploadOut},
    auth=OPEN,
    throttle=Unknown("uploads", 60),
    url_name="upload",
    openapi_extra=THROTTLED,
)
def upload(request: HttpRequest, file: File[UploadedFile]) -> HttpResponse:
    """One photo (JPEG, PNG, WebP, HEIC), checked by its content. Its id is good for two hours."""
    need(request, "report")
    person = request.user if request.user.is_authenticated else None
    row = uploads.store(file, person)
    body = {"id": uploads.ticket(row), **{k: getattr(row, k) for k in ("width", "height", "size", "sha256")}}
    return answer(body, 201)


@router.post(
    "/reports",
    response={200: ReportOut, 201: ReportOut},
    auth=OPEN,
    throttle=Unknown("reports", 6),
    openapi_extra=THROTTLED,
)
def create(
    request: HttpRequest,
    payload: ReportIn,
    idempotency_key: Annotated[Key | None, Header(alias="Idempotency-Key")] = None,
) -> HttpResponse:
    """Take a report in: 201 and the case's number; 200 when the same key was sent before (`replayed`).

    The key is `Idempotency-Key` or `client_key`. A position outside the district is a 422 on `position`.
    """
    need(request, "report")
    actor = actor_of(request)
    received = report(submission(payload, actor, key_of(payload, idempotency_key, actor)), actor)
    case = queries.whole(received.case.pk) or received.case
    body = {
        "id": received.report.pk,
        "case": case.number,
        "state": case.state,
        "follow_code": received.report.follow_code,
        "replayed": received.replayed,
        "joined": received.joined,
        "rebounded": received.rebounded,
        "street": show.coded(case.street),
        "community": show.coded(case.community),
    }
    return answer(body, 200 if received.replayed else 201)


def key_of(payload: ReportIn, header: str | None, actor: Actor) -> str | None:
    """The client's key, apart for each caller, so that nobody is answered with another's report."""
    if header and payload.client_key and header != payload.client_key:
        raise Invalid({"client_key": _("与 Idempotency-Key 请求头不一致")})
    key = header or payload.client_key
    return f"{actor.facts.person_id or 'public'}:{key}" if key else None


def submission(payload: ReportIn, actor: Actor, key: str | None) -> Submission:
    """The typed submission behind a JSON body. Raises Invalid with every faulty field."""
    errors: dict[str, str] = {}
    category = None
    try:
        category = inputs.find_category(payload.category)
    except inputs.Fault as fault:
        errors["category"] = str(fault)
    attributes = answers.check(category, payload.attributes, errors)
    contact = payload.contact
    if contact and contact.email and not is_email(contact.email):
        errors["contact.email"] = str(_("邮箱地址不对，例如 name@example.com"))
    join = queries.by_number(payload.join) if payload.join else None
    if payload.join and join is None:
        errors["join"] = _("没有这个案件：%(number)s") % {"number": payload.join}
    if errors:
        raise Invalid(errors)
    ids = upload_ids(list(payload.uploads), "uploads", None, actor.facts.person_id)
    rows = uploads.Upload.objects.in_bulk(ids) if ids else {}
    return Submission(
        text=plain(payload.text, 4000),
        channel=payload.channel,
        category=category,
        lon=payload.lon,
        lat=payload.lat,
        datum=payload.datum,
        cell=plain(payload.cell, 15),
        address=plain(payload.address, 200),
        attributes=attributes,
        topic=plain(payload.topic, 120),
        name=plain(contact.name, 60) if contact else "",
        phone=plain(contact.phone, 30) if contact else "",
        email=contact.email if contact else "",
        language=contact.language if contact else "zh-hans",
        photos=[rows[i] for i in dict.fromkeys(ids) if i in rows],
        external_id=plain(payload.external_id, 80),
        key=key,
        join=join.pk if join else None,
    )


def plain(text: str, limit: int) -> str:
    """Text as it may be stored: no control characters."""
    return inputs.text_of(text, limit)


def is_email(text: str) -> bool:
    try:
        validate_email(text)
    except DjangoValidationError:
        return False
    return True


@router.post(
    "/reports/{report_id}/contact", response=ContactOut, auth=SIGNED_IN, summary="Read a reporter's private contact"
)
def contact(request: HttpRequest, report_id: Annotated[Id, Path()], payload: ReasonIn) -> HttpResponse:
    """Staff who may see the case give a reason; who read it, when and why is logged. A POST, because it leaves a trace."""
    need(request, "act")
    actor = actor_of(request)
    row = Report.objects.filter(pk=report_id, case__in=queries.visible_to(actor.facts)).select_related("case").first()
    if row and not rules.may_read_contact(
        actor.facts, row.case.street_id, row.case.community_id, row.case.assignments.all()
    ):
        raise Refused(_("您的岗位不能查看上报人的联系方式"), forbidden=True)
    found = queries.read_contact(row.pk, request.user, plain(payload.reason, 500), clock.now()) if row else None
    if found is None:
        raise Http404
    return answer(
        {"name": found.name, "phone": found.phone, "email": found.email, "language": found.language},
        Cache_Control="no-store",
    )
