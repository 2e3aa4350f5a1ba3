"""After closing: the street evaluates, the headquarters comments, the reporter answers, the watch looks again."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from shaodao.cases import rules
from shaodao.cases.actions import parts
from shaodao.cases.actions.step import Step, action, street_organisation_id
from shaodao.cases.models import Assignment, Callback, Circular, Evaluation, Photo, Recheck
from shaodao.cases.notices import name_of
from shaodao.cases.words import NO_RECHECK, AssignmentState, CaseState, Channel, ClockKind
from shaodao.foundation import calendar, district
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.models import Organisation


@action("evaluate")
def evaluate(s: Step, *, on: Assignment, efficiency: int, effect: int, comment: str) -> Evaluation:
    """The rating with the numbers that stood beside it; the headquarters is told in the same step."""
    below = district.current().settings.evaluation_reason_below
    if rules.rating_needs_reason(efficiency, effect, below) and not comment:
        raise Invalid({"comment": _("低于 %(n)d 分请写明理由") % {"n": below}})
    street = street_organisation_id(s.case.street_id)
    if street is None:
        raise Refused(_("该案件没有对应的街道办事处"))
    row = Evaluation(
        case=s.case,
        assignment=on,
        street_id=street,
        organisation=on.organisation,
        efficiency=efficiency,
        effect=effect,
        reason=comment,
        facts=facts_of(s, on),
        person=s.actor.person,
        created_at=s.now,
    )
    s.add(row)
    for office in Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True):
        s.tell(office.pk, "evaluation", "headquarters", unit=name_of(on.organisation), a=efficiency, b=effect)
    s.tell(on.organisation_id, "evaluation", a=efficiency, b=effect)
    s.data = {"organisation": on.organisation.name, "efficiency": efficiency, "effect": effect}
    return row


def facts_of(s: Step, on: Assignment) -> dict[str, Any]:
    """Sign, arrive and handle against their limits (seconds of each clock's own time), rework and returns."""
    facts: dict[str, Any] = {"rework": on.rework_count, "returns": s.case.return_count, "extensions": on.extensions}
    for clock in s.loaded.clocks:
        if clock.assignment_id == on.pk and clock.stopped_at and not clock.cancelled:
            facts[clock.kind] = {
                "used_s": round(calendar.elapsed(clock.started_at, clock.stopped_at, clock.unit)),
                "limit": [clock.value * (1 + clock.extensions), clock.unit],
                "in_time": clock.stopped_at <= clock.due_at,
            }
    return facts


@action("comment_evaluation")
def comment_evaluation(s: Step, *, on: Evaluation, text: str) -> None:
    on.comment, on.commented_by, on.commented_at = text[:500], s.actor.person, s.now
    s.tell(on.street_id, "comment", "street")
    s.data = {"organisation": on.organisation_id}


@action("circulate")
def circulate(s: Step, *, title: str, text: str, organisations: list[Organisation]) -> Circular:
    row = Circular.objects.create(case=s.case, title=title, text=text, person=s.actor.person, created_at=s.now)
    row.organisations.set(organisations)
    for organisation in organisations:
        s.tell(organisation.pk, "circular", title=title, circular=row.pk)
    s.data = {
        "circular": row.pk,
        "title": title,
        "text_sha256": row.text_sha256,
        "organisations": parts.refs(organisations),
    }
    return row


@action("callback")
def callback(s: Step, *, callback: Callback, responded: bool, resolved: bool, satisfied: bool, remark: str) -> None:
    """The one-time link is the right to answer: the page hands over the row that its token names."""
    if callback.answered_at:
        raise Refused(_("您已经评价过了，谢谢"))
    s.touch(callback)
    callback.responded, callback.resolved, callback.satisfied = responded, resolved, satisfied
    callback.remark, callback.answered_at = remark, s.now
    callback.save(update_fields=["remark"])  # free text: no tracked field, so the step does not write it
    s.data = {"responded": responded, "resolved": resolved, "satisfied": satisfied}
    if not resolved and s.case.state == CaseState.CLOSED:
        s.case.unsolved = True
        s.tell(street_organisation_id(s.case.street_id), "unsolved")
        for office in Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True):
            s.tell(office.pk, "unsolved", "duty_leader")


@action("settle_callback")
def settle_callback(s: Step, *, reply: str) -> None:
    """The answer to whoever said that it is not solved; what they said stays in the rates."""
    parts.reply(s, reply, public=False)
    s.case.unsolved = False


@action("reopen")
def reopen(s: Step) -> None:
    """The reporter was right: the same lead does it again. It is no rebound: it had not been solved to come back."""
    s.case.reopen_count += 1
    come_back(s, rebound=False)


@action("recheck")
def recheck(s: Step, *, on: Recheck, rebounded: bool, remark: str, photos: list[int]) -> None:
    """A look long after the watch is still written down, but it makes no rebound: the time to answer for it is over."""
    on.done_at, on.rebounded, on.remark, on.person = s.now, rebounded, remark, s.actor.person
    parts.add_photos(s, photos, Photo.Purpose.VERIFY)
    grace = timedelta(days=district.current().settings.recheck_grace_days)  # the last look falls due as the watch ends
    late = rebounded and (s.case.watch_until is None or s.now > s.case.watch_until + grace)
    s.data = {"rebounded": rebounded, "remark": remark, **({"late": True} if late else {})}
    if rebounded and not late:
        come_back(s)


@action("rebound")
def rebound(s: Step, *, given: parts.Given | None = None) -> None:
    """`given`: an observer's own limits."""
    come_back(s, given=given)


def come_back(s: Step, *, rebound: bool = True, given: parts.Given | None = None) -> None:
    """The same lead gets it again with its history, and the street hears; 反弹 counts against who closed it."""
    lead = s.loaded.lead()
    s.case.rebound_count += rebound
    s.case.unsolved = False
    s.case.outcome, s.case.closed_at, s.case.watch_until = "", None, None
    for row in s.loaded.rechecks:
        if row.done_at is None:
            s.touch(row)
            row.done_at, row.remark = s.now, NO_RECHECK
    kind = "rebound" if rebound else "reopened"
    s.tell(street_organisation_id(s.case.street_id), kind, again=False)
    if lead is None or lead.state != AssignmentState.DONE:
        s.case.state = CaseState.FILED
        s.clocks.start(ClockKind.DISPATCH)
        s.data = {"lead": None}
        return
    s.case.state = CaseState.HANDLING
    again = Assignment.Via.REBOUND if rebound else Assignment.Via.REOPENED
    via = Assignment.Via.SELF if lead.via == Assignment.Via.SELF else again
    parts.assign(s, lead.organisation, Assignment.Role.LEAD, via, given=given)
    s.tell(lead.organisation_id, kind, again=True)
    s.data = {"lead": parts.refs([lead.organisation])[0], "channel": str(Channel.STREET)}
