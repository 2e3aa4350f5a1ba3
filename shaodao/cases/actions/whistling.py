"""街道吹哨: drafted by the street, confirmed by its leader, heard by the departments that it names."""

from django.utils.translation import gettext as _

from shaodao.cases.actions import parts
from shaodao.cases.actions.step import Step, action, street_organisation_id
from shaodao.cases.models import Assignment, Whistle
from shaodao.cases.notices import name_of
from shaodao.cases.words import AssignmentState, WhistleState
from shaodao.foundation.errors import Refused
from shaodao.organisations.models import Organisation


@action("whistle_draft")
def whistle_draft(s: Step, *, kind: str, lead: Organisation, supports: list[Organisation]) -> Whistle:
    street = street_organisation_id(s.case.street_id)
    if street is None:
        raise Refused(_("该案件没有对应的街道办事处"))
    whistle = Whistle(
        case=s.case,
        kind=kind,
        street_id=street,
        reason=s.reason[:500],
        lead=lead,
        support_ids=[o.pk for o in supports],
        drafted_by=s.actor.person,
        drafted_at=s.now,
    )
    s.add(whistle)
    s.tell(street, "whistle_draft", "street_leader")
    s.data = {"kind": kind, "lead": parts.refs([lead])[0], "supports": parts.refs(supports)}
    return whistle


@action("whistle_confirm")
def whistle_confirm(s: Step, *, on: Whistle) -> None:
    """The whistle files and dispatches on its way; whoever is at work already keeps the work and is called too."""
    on.state, on.confirmed_by, on.confirmed_at = WhistleState.SENT, s.actor.person, s.now
    parts.file_now(s)
    present = {a.organisation_id: a for a in parts.open_assignments(s)}
    called = {o.pk: o for o in Organisation.objects.filter(pk__in=[on.lead_id, *on.support_ids])}
    for assignment in present.values():  # one lead: the whistle's
        if assignment.role == Assignment.Role.LEAD and assignment.organisation_id != on.lead_id:
            s.touch(assignment)
            assignment.role = Assignment.Role.SUPPORT
    parts.handling_now(s)
    for organisation_id in [on.lead_id, *on.support_ids]:
        role = Assignment.Role.LEAD if organisation_id == on.lead_id else Assignment.Role.SUPPORT
        if organisation_id in present:
            _call(s, present[organisation_id], on, role)
        else:
            parts.assign(s, called[organisation_id], role, Assignment.Via.WHISTLE, whistle=on)
    s.case.lead = called[on.lead_id]
    s.data = {"kind": on.kind, "lead": parts.refs([called[on.lead_id]])[0]}


def _call(s: Step, assignment: Assignment, whistle: Whistle, role: str) -> None:
    """A unit that already has the case is called to the spot: it must report in, its handling clock stays."""
    s.touch(assignment)
    assignment.role, assignment.via, assignment.whistle = role, Assignment.Via.WHISTLE, whistle
    if assignment.arrived_at is None and assignment.state != AssignmentState.SUSPENDED:
        s.clocks.start("arrive", assignment=assignment)
    s.tell(assignment.organisation_id, "assigned", via=str(assignment.via), category=name_of(s.case.category))


@action("whistle_reject")
def whistle_reject(s: Step, *, on: Whistle) -> None:
    on.state, on.confirmed_by, on.confirmed_at = WhistleState.REJECTED, s.actor.person, s.now
    s.tell(on.street_id, "whistle_rejected", "street")
