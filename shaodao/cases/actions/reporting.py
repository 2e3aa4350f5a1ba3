"""A report comes in: it makes a case, joins an open one ("me too"), or brings a closed one back (rebound)."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.cases import inputs, queries
from shaodao.cases.actions import parts
from shaodao.cases.actions.step import Actor, Done, Step, perform
from shaodao.cases.lifecycle import BY_ACTION
from shaodao.cases.models import Case, Contact, Photo, Report
from shaodao.cases.models.fields import sha256
from shaodao.cases.words import CAME_BACK, ONLY_PHOTO, OPEN_STATES, CaseState, Channel, ClockKind
from shaodao.catalogue.models import Category
from shaodao.foundation import clock, prepared
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Upload
from shaodao.foundation.prepared import Prepared
from shaodao.organisations.models import Organisation
from shaodao.places import gazetteer
from shaodao.places import queries as places

EARLIER = Prepared(lambda key: Report.objects.select_related("case").filter(client_key=key).order_by())
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is misread on the telephone
CHANNEL_ROLES: dict[str, set[str]] = {
    Channel.COMMUNITY: {"community"},
    Channel.STREET: {"street", "street_leader"},
    Channel.HOTLINE: {"hotline"},
    Channel.DEPARTMENT: {"department"},
    Channel.INSPECTOR: {"inspector"},
    Channel.SENSOR: {"department", "admin"},
    Channel.LETTER: {"intake", "duty_leader", "hotline", "admin"},
}


@dataclass
class Submission:
    """What somebody sends in. A position (lon, lat, datum) or a 15-digit grid code or an address says where."""

    text: str
    channel: str = Channel.PUBLIC
    category: Category | None = None
    lon: float | str | None = None
    lat: float | str | None = None
    datum: str = "WGS-84"
    cell: str = ""
    address: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    topic: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    language: str = "zh-hans"
    photos: list[Upload] = field(default_factory=list)
    organisation: Organisation | None = None
    external_id: str = ""
    key: str | None = None
    urgent: bool = False  # said by somebody whose post may say so
    anew: bool = False  # an observer knows its own causes: what is watched nearby is not brought back by it
    join: int | None = None  # id of the open case that the reporter recognised as the same problem
    sample: bool = False


@dataclass
class Received:
    """What came of a report."""

    report: Report
    case: Case
    replayed: bool = False
    joined: bool = False
    rebounded: bool = False


def report(submission: Submission, actor: Actor) -> Received:
    """Take a report in. Raises Invalid (fields), Refused (channel); the same client key gives the first answer again.

    Outside the district: Invalid on `position` that says so; the caller keeps the form, so nothing typed is lost.
    """
    _permit_channel(submission, actor)
    submission.key = inputs.client_key(submission.key)
    if submission.key and (earlier := EARLIER.first(submission.key)):
        return Received(earlier, earlier.case, replayed=True)
    where, source = _checked(submission)
    try:
        with transaction.atomic():
            return _receive(submission, actor, where, source)
    except IntegrityError:
        earlier = EARLIER.first(submission.key) if submission.key else None
        if earlier:  # a phone that sent twice at once
            return Received(earlier, earlier.case, replayed=True)
        raise


def may_call_urgent(actor: Actor) -> bool:
    """Whose post may categorise may also say that a case is urgent, while reporting it."""
    return bool(actor.facts.with_role(BY_ACTION["categorise"].roles))


def _permit_channel(submission: Submission, actor: Actor) -> None:
    if submission.urgent and not (actor.facts.kind == "system" or may_call_urgent(actor)):
        raise Refused(_("您的岗位不能标为紧急"), forbidden=True)
    roles = CHANNEL_ROLES.get(submission.channel)
    if roles and actor.facts.kind != "system" and not actor.facts.with_role(frozenset(roles)):
        raise Refused(_("您的岗位不能从这个渠道上报"), forbidden=True)


def _checked(submission: Submission) -> tuple[places.Location | None, dict[str, Any]]:
    """Where it is; raises Invalid with every fault at once, so that nobody mends one to meet the next."""
    errors = {}
    if not submission.text.strip() and not submission.photos:
        errors["text"] = _("请写下看到了什么，或附一张照片")
    try:
        found = _where(submission)
    except Invalid as fault:
        raise Invalid(errors | fault.errors) from None
    if errors:
        raise Invalid(errors)
    return found


def _where(submission: Submission) -> tuple[places.Location | None, dict[str, Any]]:
    """Where it is, and the source's own pair; None when only an address in words is known."""
    nothing = {"lon": None, "lat": None, "datum": submission.datum, "source_lon": None, "source_lat": None}
    if submission.lon in (None, "") and submission.lat in (None, ""):
        if submission.cell:
            found = places.by_cell(submission.cell)
            if found is None:
                raise Invalid({"cell": _("没有这个网格编码；应为 15 位数字")})
            return found, {**nothing, "lon": found.lon, "lat": found.lat, "datum": "WGS-84"}
        if not submission.address.strip():
            raise Invalid({"address": _("请在地图上点选位置，或写下地址，或填网格编码")})
        return None, nothing
    try:
        source = places.point(submission.lon, submission.lat, submission.datum)
    except ValueError as error:
        raise Invalid({"position": str(error)}) from None
    where = places.locate(source["lon"], source["lat"])
    if not where.inside and submission.channel not in (Channel.LETTER, Channel.HOTLINE):
        raise Invalid({"position": _("这个位置不在本区范围内，请核对；本区之外的问题请向当地反映")})
    return where, source


def _receive(submission: Submission, actor: Actor, where: places.Location | None, source: dict[str, Any]) -> Received:
    now = clock.now()
    if submission.join is not None:
        return _join(submission, submission.join, actor, where, source)
    returning = (
        None
        if submission.anew
        else queries.rebounding(
            submission.category.pk if submission.category else None, source["lon"], source["lat"], now
        )
    )
    if returning:
        done = perform("rebound", returning.pk, Actor.system(), reason=CAME_BACK)
        row = _attach(submission, actor, done.case, where, source, me_too=False)
        return Received(row, done.case, rebounded=True)
    words = gazetteer.Found() if where else gazetteer.read(submission.address, submission.text)
    case = Case(
        channel=submission.channel,
        category=submission.category,
        urgent=submission.urgent or bool(submission.category and submission.category.urgent),
        summary=_summary(submission),
        lon=source["lon"],
        lat=source["lat"],
        address=submission.address.strip()[:200],
        cell=where.cell if where else None,
        place_guessed=bool(words),
        **_territory(where, words),
        created_at=now,
        report_count=1,
        sample=submission.sample,
    )
    prepared.insert(case)
    step = parts.opening("report", case, actor, now)
    row = _add_report(step, submission, actor, source, me_too=False)
    step.clocks.start(ClockKind.INTAKE)
    step.data = {"channel": str(submission.channel), "report": row.pk}
    step.commit(None)
    return Received(row, case)


def _territory(where: places.Location | None, words: gazetteer.Found) -> dict[str, Any]:
    """Community and street of a case: those of its position, else those that its words name."""
    if where and where.cell:
        return {"community": where.cell.community, "street": where.cell.community.parent}
    return {"community_id": words.community, "street_id": words.street}


def _join(
    submission: Submission, target_id: int, actor: Actor, where: places.Location | None, source: dict[str, Any]
) -> Received:
    target = Case.objects.filter(pk=target_id, state__in=OPEN_STATES).first()
    if target is None:
        raise Invalid({"join": _("该案件已不在办理中，请作为新问题上报")})
    row = _attach(submission, actor, target, where, source, me_too=True)
    return Received(row, row.case, joined=True)


def _attach(
    submission: Submission,
    actor: Actor,
    case: Case,
    where: places.Location | None,
    source: dict[str, Any],
    *,
    me_too: bool,
) -> Report:
    done: Done = perform(
        "me_too",
        case.pk,
        actor if me_too or actor.facts.kind == "person" else Actor.public(),
        extra={"submission": (submission, source, me_too)},
    )
    case.refresh_from_db()
    return done.result


def _add_report(step: Step, submission: Submission, actor: Actor, source: dict[str, Any], *, me_too: bool) -> Report:
    row = Report(
        case=step.case,
        first_case=step.case,
        channel=submission.channel,
        text=submission.text.strip(),
        text_sha256=sha256(submission.text.strip()),
        category=submission.category,
        attributes=submission.attributes,
        topic=submission.topic[:120],
        lon=source["lon"],
        lat=source["lat"],
        datum=source["datum"],
        source_lon=source["source_lon"],
        source_lat=source["source_lat"],
        address=submission.address.strip()[:200],
        reporter=actor.person,
        organisation=submission.organisation,
        organisation_id=submission.organisation.pk if submission.organisation else actor.organisation_id,
        me_too=me_too,
        external_id=submission.external_id[:80],
        client_key=submission.key or None,
        follow_code="".join(secrets.choice(CODE_ALPHABET) for _i in range(8)),
        created_at=step.now,
    )
    step.add(row)
    if submission.name or submission.phone or submission.email:
        Contact.objects.create(
            report=row,
            name=submission.name[:60],
            phone=submission.phone[:30],
            email=submission.email,
            language=submission.language,
        )
    parts.add_photos(step, [u.pk for u in submission.photos], Photo.Purpose.REPORT, report=row)
    return row


def _summary(submission: Submission) -> str:
    text = " ".join(submission.text.split())
    return (text or (submission.category.name if submission.category else ONLY_PHOTO))[:120]


def join_report(step: Step, payload: tuple[Submission, dict[str, Any], bool], actor: Actor) -> Report:
    """Body of `me_too`: one more report on a case that is open (or has just come back)."""
    submission, source, me_too = payload
    row = _add_report(step, submission, actor, source, me_too=me_too)
    step.case.report_count += 1
    step.case.urgent = step.case.urgent or submission.urgent
    step.data = {"report": row.pk, "channel": str(submission.channel)}
    if step.case.lead_id and step.case.state == CaseState.HANDLING:
        step.tell(step.case.lead_id, "me_too")
    return row
