"""Pure decisions: who may do what now and why not, lights, ladders, ratings. `now` is an argument; no database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from shaodao.cases.facts import BOUND, ActorFacts, AppealFacts, AssignmentFacts, CaseFacts, Subject
from shaodao.cases.lifecycle import BY_ACTION, HEADQUARTERS, PUBLIC, SYSTEM, TRANSITIONS, Text, Transition
from shaodao.cases.words import OPEN_ASSIGNMENT_STATES, CaseState, Light


@dataclass(frozen=True)
class Offer:
    """An action on a case (or on one part of it) for one actor: allowed now, or refused with the reason."""

    transition: Transition
    on: Subject | None
    reason: Text | None

    @property
    def allowed(self) -> bool:
        return self.reason is None


def in_role(t: Transition, actor: ActorFacts) -> bool:
    """Does the actor hold a post that this action belongs to, wherever it is?"""
    if actor.kind in (PUBLIC, SYSTEM):
        return actor.kind in t.roles
    return any(p.role in t.roles for p in actor.posts)


def in_scope(t: Transition, case: CaseFacts, on: Subject | None, actor: ActorFacts) -> bool:
    """Is one of the actor's fitting posts in charge of this case: own street, own community, own assignment?"""
    if actor.kind in (PUBLIC, SYSTEM):
        return True
    posts = actor.with_role(t.roles)
    if t.scope == "anywhere":
        return bool(posts)
    return any(_covers(t, post.role, post.organisation_id, post.place_id, case, on) for post in posts)


def _covers(
    t: Transition, role: str, organisation: int, place: int | None, case: CaseFacts, on: Subject | None
) -> bool:
    if role not in BOUND:
        return True  # posts of the headquarters and the inspectors cover the district
    if t.scope == "assignee":
        return isinstance(on, AssignmentFacts | AppealFacts) and on.organisation_id == organisation
    if role == "community":
        return place is not None and place == case.community_id
    if role in {"street", "street_leader"} and place is not None and place == case.street_id:
        return True
    return t.scope == "involved" and any(a.organisation_id == organisation for a in case.assignments)


def refusal(
    t: Transition, case: CaseFacts, on: Subject | None, actor: ActorFacts, now: datetime
) -> tuple[Text | None, bool]:
    """(reason, forbidden): why the action is not possible; reason None when it is. `forbidden`: it is about who."""
    if not in_role(t, actor):
        return _("您的岗位没有此项权限"), True
    if not in_scope(t, case, on, actor):
        return _("该案件不在您的管辖范围或不由您的单位承办"), True
    if case.state not in t.sources:
        return _("案件当前为“%(state)s”，不能%(action)s") % {
            "state": CaseState(case.state).label,
            "action": t.label,
        }, False
    if t.on != "case" and on is None:
        return _("没有可操作的对象"), False
    if t.on_states and getattr(on, "state", None) not in t.on_states:
        return _("该项当前状态不能%(action)s") % {"action": t.label}, False
    return (t.guard(case, on, actor, now) if t.guard else None), False


def subjects(t: Transition, case: CaseFacts) -> Iterable[Subject | None]:
    """The parts of a case that a transition can act on."""
    return {
        "case": (None,),
        "assignment": case.assignments,
        "whistle": case.whistles,
        "request": case.requests,
        "dispute": case.disputes,
        "recheck": case.rechecks,
        "evaluation": case.evaluations,
        "appeal": case.appeals,
    }[t.on]


def offers(case: CaseFacts, actor: ActorFacts, now: datetime) -> Iterator[Offer]:
    """What this actor sees as buttons: each action of their posts in their scope; refused ones with the reason.

    Of an action on parts, only parts in a fitting state are offered, so that finished assignments make no clutter.
    """
    for t in TRANSITIONS:
        if not in_role(t, actor):
            continue
        for on in subjects(t, case):
            if t.on != "case" and (t.on_states and getattr(on, "state", None) not in t.on_states):
                continue
            if in_scope(t, case, on, actor):
                yield Offer(t, on, refusal(t, case, on, actor, now)[0])


def transition(action: str) -> Transition:
    """The row of the life cycle for an action; KeyError names an unknown one."""
    return BY_ACTION[action]


def may_read_contact(
    actor: ActorFacts, street_id: int | None, community_id: int | None, assignments: Iterable[Any]
) -> bool:
    """May somebody read who reported: the headquarters and the hotline; the case's street and community; the department
    that has it in hand. Not inspectors, not operators (companies), not others. `assignments`: rows or facts of the case.
    """
    if actor.with_role(HEADQUARTERS | {"hotline"}):
        return True
    places = {("street", street_id), ("street_leader", street_id), ("community", community_id)}
    if any(p.place_id and (p.role, p.place_id) in places for p in actor.posts):
        return True
    mine = {p.organisation_id for p in actor.posts if p.role != "operator"}
    return any(a.organisation_id in mine and a.state in OPEN_ASSIGNMENT_STATES for a in assignments)


def light(due_at: datetime | None, yellow_at: datetime | None, now: datetime, *, paused: bool = False) -> Light:
    """Green to the yellow share of the limit, yellow to the limit, red after it; paused while the clock stands."""
    if paused:
        return Light.PAUSED
    if due_at is None or yellow_at is None:
        return Light.DONE
    if now > due_at:
        return Light.RED
    return Light.YELLOW if now >= yellow_at else Light.GREEN


def rung_due(used_s: float, limit_s: float, shares: Iterable[float]) -> int:
    """The highest rung of the ladder that is due, counted from 1; 0: none. Rung i is due when share i of the limit,
    to the whole second, is used; both in seconds of the limit's own clock."""
    return max((i for i, share in enumerate(shares, 1) if used_s >= round(share * limit_s)), default=0)


def rating_needs_reason(efficiency: int, effect: int, below: int) -> bool:
    """A street says why when it rates below the district's threshold."""
    return min(efficiency, effect) < below


def appeal_outcome(voices: Sequence[bool]) -> bool | None:
    """Two voices that agree decide an appeal (True: upheld); one alone, or two that differ, leave it open (None)."""
    return next((said for said in (True, False) if list(voices).count(said) >= 2), None)


def recheck_times(closed_at: datetime, after_days: Iterable[int], watch_days: int) -> list[datetime]:
    """When to look again during the watch: the district's days, as far as the watch of this category lasts."""
    days = sorted({min(d, watch_days) for d in after_days}) if watch_days else []
    return [closed_at + timedelta(days=d) for d in days]
