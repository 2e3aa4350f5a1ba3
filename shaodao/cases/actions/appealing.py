"""申诉: a department contests what was counted against it; the headquarters review; the facts themselves never change."""

from typing import Any

from django.utils.translation import gettext as _

from shaodao.cases import rules
from shaodao.cases.actions import parts
from shaodao.cases.actions.step import Step, action
from shaodao.cases.lifecycle import OFFICE
from shaodao.cases.models import Appeal, Assignment, Photo
from shaodao.cases.notices import name_of
from shaodao.cases.words import AppealGround
from shaodao.foundation.errors import Invalid
from shaodao.organisations.models import Organisation


@action("appeal")
def appeal(s: Step, *, on: Assignment, grounds: list[str], photos: list[int]) -> Appeal:
    facts = s.facts.assignment(on.pk)
    there = facts.contestable if facts else ()
    if unknown := [str(AppealGround(g).label) for g in grounds if g not in there]:
        raise Invalid({"grounds": _("这个任务没有这一项：%(names)s") % {"names": "、".join(unknown)}})
    row = Appeal(case=s.case, assignment=on, grounds=grounds, reason=s.reason, asked_by=s.actor.person, asked_at=s.now)
    s.add(row)
    parts.add_photos(s, photos, Photo.Purpose.APPEAL, assignment=on)
    _tell_office(s, "appeal", said="asked", unit=name_of(on.organisation))
    s.data = {"organisation": on.organisation.name, "grounds": grounds}
    return row


@action("review_appeal")
def review_appeal(s: Step, *, on: Appeal, upheld: bool) -> None:
    """One more voice; with two that agree the appeal is decided."""
    place = next(p for p in Appeal.PLACES if getattr(on, f"{p}_at") is None)
    values = {"by": s.actor.person, "upheld": upheld, "opinion": s.reason, "at": s.now}
    for name, value in values.items():
        setattr(on, f"{place}_{name}", value)
    assignment = _assignment(s, on)
    s.data = {"organisation": assignment.organisation.name, "upheld": upheld}
    outcome = rules.appeal_outcome([voice["upheld"] for voice in on.voices])
    if outcome is None:
        _tell_office(s, "appeal", said="second" if place == "first" else "third")
        return
    on.state, on.decided_at = (Appeal.State.UPHELD if outcome else Appeal.State.REJECTED), s.now
    s.data["decision"] = str(on.state)
    if outcome:
        _exempt(s, on, assignment)
    s.tell(assignment.organisation_id, "appeal_decided", said=str(on.state))
    _tell_office(s, "appeal_decided", said=str(on.state))


@action("withdraw_appeal")
def withdraw_appeal(s: Step, *, on: Appeal) -> None:
    on.state, on.decided_at = Appeal.State.WITHDRAWN, s.now
    unit = _assignment(s, on).organisation
    _tell_office(s, "appeal", said="withdrawn", unit=name_of(unit))
    s.data = {"organisation": unit.name}


def _exempt(s: Step, appeal: Appeal, assignment: Assignment) -> None:
    """Mark what was contested; due and stopping times, and the rating, stay what they were."""
    for clock in s.loaded.clocks:
        if clock.missed and clock.assignment_id == assignment.pk and clock.kind in appeal.grounds:
            s.touch(assignment, clock)
            assignment.exempt = clock.exempt = True
    if AppealGround.EVALUATION in appeal.grounds:
        for evaluation in s.loaded.evaluations:
            if evaluation.assignment_id == assignment.pk:
                s.touch(evaluation)
                evaluation.exempt = True
                s.tell(evaluation.street_id, "appeal_decided", said="evaluation")


def _assignment(s: Step, appeal: Appeal) -> Assignment:
    return next(a for a in s.loaded.assignments if a.pk == appeal.assignment_id)


def _tell_office(s: Step, kind: str, **data: Any) -> None:
    """An item for those posts of the headquarters that review appeals."""
    for office in Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True):
        for role in sorted(OFFICE):
            s.tell(office.pk, kind, role, **data)
