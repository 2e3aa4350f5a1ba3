"""After handling: verification on site by somebody else, rework, closing, and the start of the watch."""

import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from shaodao.cases import rules
from shaodao.cases.actions import parts
from shaodao.cases.actions.dispatching import all_done
from shaodao.cases.actions.step import Step, action, street_organisation_id
from shaodao.cases.models import Assignment, Callback, Photo, Recheck, Verification
from shaodao.cases.words import AssignmentState, CaseState, Channel, ClockKind, Outcome
from shaodao.foundation import district
from shaodao.foundation.errors import Invalid


@action("verify")
def verify(s: Step, *, passed: bool, remark: str, position, photos: list[int]) -> None:
    if not passed and not remark:
        raise Invalid({"remark": _("不合格请写明哪里不合格")})
    row = Verification(
        case=s.case,
        kind=Verification.Kind.VERIFY,
        passed=passed,
        remark=remark,
        asked_at=s.case.handled_at or s.now,
        person=s.actor.person,
        done_at=s.now,
        lon=position["lon"] if position else None,
        lat=position["lat"] if position else None,
    )
    s.add(row)
    parts.add_photos(s, photos, Photo.Purpose.VERIFY)
    s.clocks.stop(ClockKind.VERIFY)
    s.data = {"passed": passed, "remark": remark}
    if passed:
        s.case.state = CaseState.CLOSING
        s.clocks.start(ClockKind.CLOSE)
    else:
        rework(s)


def rework(s: Step) -> None:
    """返工: the lead's part opens again and its clock goes on; supporting parts stay done."""
    s.case.state = CaseState.HANDLING
    s.case.rework_count += 1
    lead = s.loaded.lead()
    if lead is None:
        parts.back_to_dispatch(s)
        return
    s.touch(lead)
    lead.state = AssignmentState.ARRIVED if lead.arrived_at else AssignmentState.SIGNED
    lead.finished_at = lead.finished_by = None
    lead.rework_count += 1
    s.clocks.reopen(lead)
    s.tell(lead.organisation_id, "rework")


@action("close")
def close(s: Step, *, reply: str, public: bool) -> None:
    parts.reply(s, reply, public=public)
    _close(s, Outcome.FIXED)


@action("close_not_fixed")
def close_not_fixed(s: Step, *, reply: str, public: bool) -> None:
    parts.reply(s, reply, public=public)
    _close(s, Outcome.NOT_FIXED)


@action("clear")
def clear(s: Step, *, since: datetime) -> None:
    """What an observer reported is gone since `since`: no person is needed to say so."""
    _gone(s, since)
    s.clocks.stop(ClockKind.VERIFY, cancelled=True)
    _close(s, Outcome.FIXED, look_again=False)
    s.data = {**s.data, "since": since.isoformat()}


@action("spot_check")
def spot_check(s: Step, *, since: datetime) -> None:
    """The same, of a case that was drawn: a person looks before it closes."""
    _gone(s, since)
    s.clocks.stop(ClockKind.DISPATCH, cancelled=True)
    all_done(s)
    s.tell(street_organisation_id(s.case.street_id), "spot_check")
    s.data = {"since": since.isoformat()}


def _gone(s: Step, since: datetime) -> None:
    """Whether or not anybody handed them back, the parts are done, and judged by when the cause was gone."""
    for row in parts.open_assignments(s):
        s.touch(row)
        at = s.now if row.state == AssignmentState.SUSPENDED else max(since, row.sent_at)
        row.state, row.finished_at = AssignmentState.DONE, at
        for kind in (ClockKind.SIGN, ClockKind.ARRIVE):
            running = s.clocks.running(kind, row)  # nobody came and nobody had to: neither met nor missed
            s.clocks.stop(kind, row, cancelled=running is not None and at <= running.due_at, at=at)
        s.clocks.stop(ClockKind.HANDLE, row, at=at)
        parts.end_requests(s, row)


@action("answer")
def answer(s: Step) -> None:
    """A written reply closes a letter: no limit of the loop is judged, nothing is watched, it is not called fixed."""
    s.clocks.stop_all()
    s.case.state, s.case.outcome, s.case.closed_at = CaseState.CLOSED, Outcome.ANSWERED, s.now
    s.data = {"outcome": str(Outcome.ANSWERED)}


def _close(s: Step, outcome: str, *, look_again: bool = True) -> None:
    """The case closes; a fixed one is watched, its street evaluates who handed back, its reporters are asked.

    `look_again`: people look during the watch; without it an observer does.
    """
    settings = district.current().settings
    s.clocks.stop(ClockKind.CLOSE)
    s.clocks.stop_all()
    s.case.state, s.case.outcome, s.case.closed_at = CaseState.CLOSED, outcome, s.now
    street = street_organisation_id(s.case.street_id)
    if outcome == Outcome.FIXED:
        category = s.case.category
        days = category.watch_days if category and category.watch_days is not None else settings.watch_days
        radius = category.watch_radius_m if category and category.watch_radius_m is not None else None
        s.case.watch_until = s.now + timedelta(days=days) if days else None
        s.case.watch_radius_m = settings.watch_radius_m if radius is None else radius
        for at in rules.recheck_times(s.now, settings.recheck_after_days, days if look_again else 0):
            s.add(Recheck(case=s.case, due_at=at))
    if street and any(
        a.state == AssignmentState.DONE and a.via != Assignment.Via.SELF and a.finished_by_id
        for a in s.loaded.assignments
    ):
        s.tell(street, "evaluate", "street")
    round = s.case.round
    for report in s.case.reports.filter(Q(contact__isnull=False) | Q(channel=Channel.PUBLIC)):
        s.add(Callback(case=s.case, report=report, round=round, token=secrets.token_urlsafe(32), created_at=s.now))
    s.data = {"outcome": str(outcome)}
