"""From the headquarters to the departments: dispatch, more support, withdrawal, rulings on disputes, more time."""

from django.utils.translation import gettext as _

from shaodao.cases.actions import parts
from shaodao.cases.actions.step import Step, action, street_organisation
from shaodao.cases.models import Assignment, Dispute, TimeRequest
from shaodao.cases.words import AssignmentState, CaseState, ClockKind
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.models import Organisation

LEAD, SUPPORT = Assignment.Role.LEAD, Assignment.Role.SUPPORT


@action("dispatch")
def dispatch(s: Step, *, lead: Organisation, supports: list[Organisation], given: parts.Given | None = None) -> None:
    """`given`: an observer's own limits for everybody whom it calls."""
    parts.handling_now(s)
    parts.assign(s, lead, LEAD, Assignment.Via.DISPATCH, given=given)
    for organisation in supports:
        parts.assign(s, organisation, SUPPORT, Assignment.Via.DISPATCH, given=given)
    s.data = {"lead": parts.refs([lead])[0], "supports": parts.refs(supports)}


@action("add_support")
def add_support(s: Step, *, supports: list[Organisation]) -> None:
    busy = {a.organisation_id for a in parts.open_assignments(s)}
    if twice := [o.name for o in supports if o.pk in busy]:
        raise Invalid({"supports": _("已在承办：%(names)s") % {"names": "、".join(twice)}})
    for organisation in supports:
        parts.assign(s, organisation, SUPPORT, Assignment.Via.DISPATCH)
    s.data = {"supports": parts.refs(supports)}


@action("withdraw")
def withdraw(s: Step, *, on: Assignment) -> None:
    parts.close_assignment(s, on, AssignmentState.CANCELLED)
    s.tell(on.organisation_id, "withdrawn")
    s.data = {"organisation": on.organisation.name}
    after_leaving(s, on)


@action("self_handle")
def self_handle(s: Step) -> None:
    street = street_organisation(s.case.street_id)
    if street is None:
        raise Refused(_("该案件没有对应的街道办事处"))
    parts.file_now(s)
    parts.handling_now(s)
    parts.assign(s, street, LEAD, Assignment.Via.SELF)
    s.data = {"lead": parts.refs([street])[0]}


def all_done(s: Step) -> None:
    """Every organisation has handed back: somebody else goes and looks."""
    s.case.state, s.case.handled_at = CaseState.VERIFYING, s.now
    s.clocks.start(ClockKind.VERIFY)


def after_leaving(s: Step, left: Assignment) -> None:
    """What follows when an assignment ends undone: a lost lead sends the case back, the last part leads to checking."""
    if left.role == LEAD:
        parts.back_to_dispatch(s)
    elif not parts.open_assignments(s):
        all_done(s)


@action("rule_dispute")
def rule_dispute(s: Step, *, on: Dispute, lead: Organisation, supports: list[Organisation], ruling: str) -> None:
    """The ruling names lead and support anew; who stays keeps the clock, who leaves is called off."""
    on.ruling, on.lead, on.support_ids = ruling, lead, [o.pk for o in supports]
    on.ruled_by, on.ruled_at = s.actor.person, s.now
    wanted = {lead.pk: LEAD, **{o.pk: SUPPORT for o in supports}}
    present = {a.organisation_id: a for a in parts.open_assignments(s)}
    for organisation_id, assignment in present.items():
        s.touch(assignment)
        if organisation_id not in wanted:
            parts.close_assignment(s, assignment, AssignmentState.CANCELLED)
            s.tell(organisation_id, "ruling")
        else:
            assignment.role = wanted[organisation_id]
    round = s.case.round
    done = {
        a.organisation_id
        for a in s.loaded.assignments
        if a.state == AssignmentState.DONE and a.role == LEAD and a.round == round
    }
    for organisation in [lead, *supports]:
        if organisation.pk not in present and organisation.pk not in done:
            parts.assign(s, organisation, wanted[organisation.pk], Assignment.Via.DISPATCH)
    s.case.lead, s.case.state = lead, CaseState.HANDLING
    s.data = {"lead": parts.refs([lead])[0], "supports": parts.refs(supports), "ruling": ruling}
    if not parts.open_assignments(s):  # the lead had handed back already, and nobody else is wanted
        all_done(s)


@action("grant")
def grant(s: Step, *, on: TimeRequest) -> None:
    assignment = next(a for a in s.loaded.assignments if a.pk == on.assignment_id)
    s.touch(assignment)
    on.state, on.decided_by, on.decided_at = TimeRequest.State.GRANTED, s.actor.person, s.now
    on.decision = s.reason[:500]
    if on.kind == TimeRequest.Kind.EXTEND:
        assignment.extensions += 1
        s.clocks.extend(assignment)
    else:
        if on.until is None or on.until <= s.now:
            raise Refused(_("挂账的截止时间已过，请让部门重新申请"))
        assignment.suspensions += 1
        assignment.state, assignment.suspended_until = AssignmentState.SUSPENDED, on.until
        s.clocks.pause(assignment)
    s.tell(on.asked_by and assignment.organisation_id, "granted")
    s.data = {"kind": on.kind}


@action("refuse")
def refuse(s: Step, *, on: TimeRequest) -> None:
    on.state, on.decided_by, on.decided_at = TimeRequest.State.REFUSED, s.actor.person, s.now
    on.decision = s.reason[:500]
    assignment = next(a for a in s.loaded.assignments if a.pk == on.assignment_id)
    s.tell(assignment.organisation_id, "refused")
    s.data = {"kind": on.kind}
