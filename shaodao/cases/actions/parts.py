"""What several actions do alike: open a case's first step, add photos, send an organisation its assignment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shaodao.cases import queries
from shaodao.cases.actions.clocks import limit_of
from shaodao.cases.actions.step import Actor, Step
from shaodao.cases.models import Assignment, Case, Note, Photo, Report, TimeRequest, Whistle
from shaodao.cases.notices import name_of
from shaodao.cases.words import REQUEST_ENDED, AssignmentState, CaseState, ClockKind
from shaodao.foundation import district
from shaodao.foundation.district import Limit
from shaodao.organisations.models import Organisation


@dataclass(frozen=True)
class Given:
    """Limits of a lead that come with its case instead of from the catalogue: to be on the spot, and to have handled it."""

    arrive: Limit
    handle: Limit


def opening(action: str, case: Case, actor: Actor, now: datetime) -> Step:
    """The first step of a case that was just inserted: everything on it counts as added."""
    step = beside(action, case, actor, now)
    step.added.append(case)
    return step


def beside(action: str, case: Case, actor: Actor, now: datetime) -> Step:
    """A step on a second case (locked by the caller) which another action has a part in: merging, splitting."""
    loaded = queries.load(case, now)
    return Step(action, case, loaded.facts, actor, now, loaded)


def add_photos(
    step: Step,
    uploads: list[int],
    purpose: str,
    *,
    report: Report | None = None,
    assignment: Assignment | None = None,
) -> None:
    for upload_id in uploads:
        step.add(
            Photo(
                case=step.case,
                report=report,
                assignment=assignment,
                upload_id=upload_id,
                purpose=purpose,
                created_at=step.now,
            )
        )


def assign(
    step: Step,
    organisation: Organisation,
    role: str,
    via: str,
    *,
    whistle: Whistle | None = None,
    round: int | None = None,
    given: Given | None = None,
) -> Assignment:
    """Send one organisation its part, with its own limits: sign, report in (after a whistle, or where given), handle."""
    condition = step.case.condition
    assignment = Assignment(
        case=step.case,
        organisation=organisation,
        role=role,
        via=via,
        whistle=whistle,
        round=round or step.case.round,
        sent_at=step.now,
        stages=[
            {"name": s["name"], "value": s["value"], "unit": s["unit"]} for s in (condition.stages if condition else [])
        ]
        if role == Assignment.Role.LEAD
        else [],
    )
    if via == Assignment.Via.SELF:
        assignment.state, assignment.signed_at = AssignmentState.SIGNED, step.now
    step.add(assignment)
    if via != Assignment.Via.SELF:
        step.clocks.start(ClockKind.SIGN, assignment=assignment)
        step.tell(organisation.pk, "assigned", via=str(via), category=name_of(step.case.category))
    if via == Assignment.Via.WHISTLE or given:
        step.clocks.start(ClockKind.ARRIVE, given.arrive if given else None, assignment)
    step.clocks.start(ClockKind.HANDLE, given.handle if given else handle_limit(step.case), assignment)
    if role == Assignment.Role.LEAD:
        step.case.lead = organisation
    return assignment


def handle_limit(case: Case) -> Limit:
    """The limit of the case's condition; without one chosen, of its category's first condition; else the district's."""
    if case.condition:
        return limit_of(case.condition)
    first = case.category.conditions.filter(active=True).first() if case.category_id else None
    return limit_of(first, district.current().settings.limits.handle)


def file_now(step: Step) -> None:
    """What filing means for times and clocks, whether the headquarters files or a whistle does it on the way."""
    step.case.filed_at = step.case.filed_at or step.now
    choose_condition(step.case)
    step.clocks.stop(ClockKind.INTAKE)
    step.clocks.stop(ClockKind.PRECHECK, cancelled=True)


def reply(s: Step, text: str, *, public: bool) -> None:
    """What the reporters are told of the outcome, in words that were written for them; "" writes nothing."""
    if text:
        s.add(
            Note(
                case=s.case,
                person=s.actor.person,
                organisation_id=s.actor.organisation_id,
                kind=Note.Kind.REPLY,
                text=text,
                told=True,
                public=public,
                created_at=s.now,
            )
        )


def choose_condition(case: Case) -> None:
    """Without one chosen, the catalogue's first condition holds: it says the limit, and what has to be true at the end."""
    if case.condition_id is None and case.category_id:
        case.condition = case.category.conditions.filter(active=True).select_related("lead").first()


def handling_now(step: Step) -> None:
    """The case is with those who handle it."""
    step.clocks.stop(ClockKind.DISPATCH)
    step.case.state = CaseState.HANDLING
    step.case.dispatched_at = step.case.dispatched_at or step.now


def back_to_dispatch(step: Step, *, keep: Assignment | None = None) -> None:
    """No lead is left: the case waits for the dispatcher again; supporting units are called off with it."""
    for other in open_assignments(step):
        if other is not keep:
            close_assignment(step, other, AssignmentState.CANCELLED)
    step.case.state, step.case.lead = CaseState.FILED, None
    step.clocks.start(ClockKind.DISPATCH)


def close_assignment(step: Step, assignment: Assignment, state: str) -> None:
    """End an assignment without its being done; its clocks stop without judgement."""
    step.touch(assignment)
    assignment.state = state
    step.clocks.stop_all(assignment)


def end_requests(step: Step, assignment: Assignment) -> None:
    """More time is asked for no more: the part is done."""
    for request in step.loaded.requests:
        if request.assignment_id == assignment.pk and request.state == TimeRequest.State.PENDING:
            step.touch(request)
            request.state, request.decided_at = TimeRequest.State.REFUSED, step.now
            request.decision = REQUEST_ENDED


def open_assignments(step: Step) -> list[Assignment]:
    """Open assignments as they stand within this step, including those it has just made."""
    rows = {a.pk: a for a in step.loaded.assignments}
    rows.update({row.pk: row for row in step.added if isinstance(row, Assignment)})
    rows.update({row.pk: row for row, _old in step.before.values() if isinstance(row, Assignment)})
    return [a for a in rows.values() if a.state in ("sent", "signed", "arrived", "suspended")]


def refs(organisations: list[Organisation]) -> list[dict[str, Any]]:
    """Organisations as an event names them."""
    return [{"id": o.pk, "name": o.name, "name_en": o.name_en} for o in organisations]
