"""Before dispatch: merge and split, categorise, pre-check, file or decline, decide what the public may see."""

from typing import Any

from django.utils.translation import gettext as _

from shaodao.cases.actions import parts
from shaodao.cases.actions.reporting import join_report
from shaodao.cases.actions.step import Step, action, street_organisation_id
from shaodao.cases.models import Addition, Case, Photo, Report, Verification
from shaodao.cases.notices import name_of
from shaodao.cases.words import OPEN_STATES, CaseState, ClockKind, WhistleState
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.models import Organisation
from shaodao.places import queries as places
from shaodao.places.models import Place


@action("me_too")
def me_too(s: Step, *, submission) -> Report:
    return join_report(s, submission, s.actor)


@action("add_to_report")
def add_to_report(s: Step, *, report: Report, text: str, photos: list[int]) -> Addition:
    """The number and code are the right to add: the page hands over the report that they name."""
    if not text and not photos:
        raise Invalid({"text": _("请写几句话，或附一张照片")})
    if report.case_id != s.case.pk:  # it was merged or split off while the page stood open
        raise Refused(_("这条上报已转到另一件案件，请刷新页面再补充"))
    row = Addition(case=s.case, report=report, text=text, photos=len(photos), created_at=s.now)
    s.add(row)
    parts.add_photos(s, photos, Photo.Purpose.REPORT, report=report)
    _tell_who_has_it(s, photos=len(photos))
    s.data = {"report": report.pk, "addition": row.pk, "photos": len(photos)}
    return row


DESKS = {CaseState.RECEIVED: "intake", CaseState.FILED: "dispatcher"}  # beside the lead, while there is none


def _tell_who_has_it(s: Step, **data: Any) -> None:
    """An item for the lead while it handles, else for the post of the headquarters whose turn it is."""
    if s.case.state == CaseState.HANDLING and s.case.lead_id:
        s.tell(s.case.lead_id, "added", **data)
        return
    role = DESKS.get(CaseState(s.case.state), "duty_leader")
    for office in Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True):
        s.tell(office.pk, "added", role, **data)


@action("categorise")
def categorise(s: Step, *, category: Category, condition: Condition | None, urgent: bool) -> None:
    if condition and condition.category_id != category.pk:
        raise Invalid({"condition": _("该立案条件不属于所选类别")})
    s.case.category, s.case.condition, s.case.urgent = category, condition, urgent or category.urgent
    if s.case.filed_at:
        parts.choose_condition(s.case)
    s.data = {"category": category.key, "name": category.name, "name_en": category.name_en}


@action("locate")
def locate(s: Step, *, position: dict[str, Any] | None, place: Place | None) -> None:
    """Where it really is: a position decides by itself, else a street or community that somebody chose.

    A position that lies in the chosen place stays; another one was wrong and goes. The reports keep what they said.
    """
    if position is None and place is None:
        raise Invalid({"position": _("请填位置，或选择街道、社区")})
    case, before = s.case, (s.case.street, s.case.community)
    if position is not None:
        where = places.locate(position["lon"], position["lat"])
        if where.cell is None:
            raise Invalid({"position": _("这个位置不在本区范围内，请核对")})
        case.lon, case.lat, case.cell, case.community = where.lon, where.lat, where.cell, where.cell.community
        case.street = where.cell.community.parent
    elif place is not None and case.cell and place.pk in (case.cell.community_id, case.cell.community.parent_id):
        case.community, case.street = case.cell.community, case.cell.community.parent
    elif place is not None:
        case.lon = case.lat = case.cell = None
        case.street, case.community = (place, None) if place.level == Place.Level.STREET else (place.parent, place)
    case.place_guessed = False
    s.data = {
        "before": [name_of(p) for p in before if p],
        "after": [name_of(p) for p in (case.street, case.community) if p],
    }
    if case.street != before[0]:
        if any(w.state == WhistleState.DRAFT for w in s.loaded.whistles):
            raise Refused(_("有待确认的吹哨，请街道负责人先确认或退回，再改到别的街道"))
        s.tell(street_organisation_id(case.street_id), "located", "street")


@action("merge")
def merge(s: Step, *, target: Case) -> None:
    """Reports move to the target; both cases carry the event, so both histories tell it."""
    target = Case.objects.select_for_update().get(pk=target.pk)
    if target.state not in OPEN_STATES:
        raise Refused(_("目标案件已不在办理中，不能并入"))
    other = parts.beside("merge_in", target, s.actor, s.now)
    moved = list(s.case.reports.all())
    for report in moved:
        other.touch(report)
        report.case = target
    target.report_count += len(moved)
    s.case.report_count = 0
    s.clocks.stop_all()
    s.data = {"target": target.number, "state": s.case.state, "reports": [r.pk for r in moved]}
    s.case.state, s.case.merged_into = CaseState.MERGED, target
    other.data = {"from": s.case.number, "reports": [r.pk for r in moved]}
    other.reason = s.reason
    other.commit(None)


@action("unmerge")
def unmerge(s: Step) -> None:
    """The reports that came in with this case return to it, and it stands where it stood before."""
    merged = s.case.events.filter(action="merge").order_by("-seq").first()
    target = Case.objects.select_for_update().get(merged_cases=s.case.pk)
    other = parts.beside("merge_out", target, s.actor, s.now)
    ids = merged.data.get("reports", []) if merged else []
    moved = list(target.reports.filter(pk__in=ids))
    if len(moved) == target.report_count:
        raise Refused(_("目标案件会没有上报，不能撤销"))
    for report in moved:
        other.touch(report)
        report.case = s.case
    target.report_count -= len(moved)
    s.case.report_count = len(moved)
    s.case.merged_into = None
    s.case.state = merged.data.get("state", CaseState.RECEIVED) if merged else CaseState.RECEIVED
    s.clocks.go_on(ClockKind.INTAKE if s.case.state == CaseState.RECEIVED else ClockKind.DISPATCH)
    s.data = {"target": target.number, "reports": ids}
    other.data, other.reason = {"to": s.case.number, "reports": ids}, s.reason
    other.commit(None)


@action("split")
def split(s: Step, *, report: Report) -> Case:
    """One report becomes a case of its own; the new case's first event says where it came from."""
    case = Case(
        channel=report.channel,
        category=report.category or s.case.category,
        summary=(" ".join(report.text.split()) or s.case.summary)[:120],
        lon=report.lon if report.lon is not None else s.case.lon,
        lat=report.lat if report.lat is not None else s.case.lat,
        address=report.address or s.case.address,
        cell=s.case.cell,
        community=s.case.community,
        street=s.case.street,
        place_guessed=s.case.place_guessed,
        created_at=s.now,
        report_count=1,
        sample=s.case.sample,
    )
    case.save(force_insert=True)
    new = parts.opening("split_off", case, s.actor, s.now)
    moved: list[Any] = [report, *Photo.objects.filter(report=report)]
    for row in moved:
        s.touch(row)
        new.touch(row)  # both histories tell where it went and where it came from
        row.case = case
    s.case.report_count -= 1
    new.clocks.start(ClockKind.INTAKE)
    new.data, new.reason = {"from": s.case.number, "report": report.pk}, s.reason
    new.commit(None)
    s.data = {"to": case.number, "report": report.pk}
    return case


@action("request_precheck")
def request_precheck(s: Step) -> None:
    s.add(Verification(case=s.case, kind=Verification.Kind.PRECHECK, asked_at=s.now))
    s.clocks.start(ClockKind.PRECHECK)


@action("precheck")
def precheck(s: Step, *, passed: bool, remark: str, position, photos: list[int]) -> None:
    check = next(v for v in s.loaded.verifications if v.kind == "precheck" and v.done_at is None)
    s.touch(check)
    check.passed, check.remark, check.person, check.done_at = passed, remark, s.actor.person, s.now
    if position:
        check.lon, check.lat = position["lon"], position["lat"]
    s.clocks.stop(ClockKind.PRECHECK)
    parts.add_photos(s, photos, Photo.Purpose.VERIFY)
    s.data = {"passed": passed, "remark": remark}


@action("file")
def file(s: Step) -> None:
    parts.file_now(s)
    s.case.state = CaseState.FILED
    s.clocks.start(ClockKind.DISPATCH)


@action("decline")
def decline(s: Step) -> None:
    s.case.state = CaseState.DECLINED
    s.clocks.stop(ClockKind.INTAKE)
    s.clocks.stop_all()


@action("void")
def void(s: Step) -> None:
    s.case.state = CaseState.VOIDED
    s.clocks.stop_all()


@action("publish")
def publish(s: Step, *, published: bool, public_text: str, public_photos: list[int]) -> None:
    """The public sees exactly this text and these photos, or nothing."""
    if published and not public_text:
        raise Invalid({"public_text": _("公开前请写好公开文字")})
    s.case.published, s.case.public_text = published, public_text
    for photo in s.case.photos.all():
        s.touch(photo)
        photo.published = published and photo.upload_id in public_photos
    s.data = {"published": published}
