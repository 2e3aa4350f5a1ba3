"""Pure decisions about operators: who may do what now and why not, and how many bikes a quota may have."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from shaodao.bikes.admission import OWNER, REVIEWER, TRANSITIONS, OperatorFacts, PaperFacts, Transition
from shaodao.bikes.words import IN_FORCE, OperatorState
from shaodao.cases.facts import ActorFacts
from shaodao.cases.lifecycle import SYSTEM, Text

# Who may look at all operators; the responsible department too, and an operator at itself.
READERS = frozenset(
    {
        "headquarters", "duty_leader", "dispatcher", "intake", "admin", "inspector",
        "street", "street_leader", "community",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """An action on an operator for one actor: allowed now, or refused with the reason."""

    transition: Transition
    reason: Text | None

    @property
    def allowed(self) -> bool:
        return self.reason is None


def reviewing_roles(actor: ActorFacts, reviewer_id: int | None) -> list[str]:
    """The posts with which the actor reviews: of the headquarters, or of the department that the pack names."""
    return [
        p.role
        for p in actor.posts
        if p.role == "headquarters" or (p.role == "department" and p.organisation_id == reviewer_id)
    ]


def reviews(actor: ActorFacts, reviewer_id: int | None) -> bool:
    """Does the actor review operators?"""
    return bool(reviewing_roles(actor, reviewer_id))


def owned(actor: ActorFacts) -> frozenset[int]:
    """The organisations that the actor stands for as an operator."""
    return frozenset(p.organisation_id for p in actor.posts if p.role == "operator")


def reads_all(actor: ActorFacts, reviewer_id: int | None) -> bool:
    """May the actor look at every operator?"""
    return any(p.role in READERS for p in actor.posts) or reviews(actor, reviewer_id)


def parties(f: OperatorFacts, actor: ActorFacts) -> frozenset[str]:
    """As what the actor stands to this operator: OWNER, REVIEWER, SYSTEM, or nothing."""
    if actor.kind == SYSTEM:
        return frozenset({SYSTEM})
    found = {OWNER} if f.organisation_id in owned(actor) else set()
    return frozenset(found | {REVIEWER}) if reviews(actor, f.reviewer_id) else frozenset(found)


def refusal(t: Transition, f: OperatorFacts, on: PaperFacts | None, actor: ActorFacts) -> tuple[Text | None, bool]:
    """(reason, forbidden): why the action is not possible; reason None when it is. `forbidden`: it is about who."""
    if not parties(f, actor) & t.roles:
        return _("您的岗位没有此项权限"), True
    if f.state not in t.sources:
        said = {"state": OperatorState(f.state).label, "action": t.label}
        return _now("企业当前为“%(state)s”，不能%(action)s") % said, False
    if t.on and on is None:
        return _("没有可操作的对象"), False
    if t.on and on is not None and on.state not in t.on_states:
        return _now("该项当前状态不能%(action)s") % {"action": t.label}, False
    return (t.guard(f) if t.guard else None), False


def offers(f: OperatorFacts, actor: ActorFacts) -> Iterator[Offer]:
    """What this actor sees as buttons on an operator's page; refused ones with the reason."""
    for t in TRANSITIONS:
        if t.shown and parties(f, actor) & t.roles - {SYSTEM}:
            yield Offer(t, refusal(t, f, None, actor)[0])


def feeding_refusal(f: OperatorFacts, actor: ActorFacts) -> tuple[Text | None, bool]:
    """(reason, forbidden): why positions of this operator cannot be handed in by the actor, as `refusal` answers."""
    if not parties(f, actor):
        return _("您的岗位没有此项权限"), True
    if f.state not in IN_FORCE:
        return _now("企业当前为“%(state)s”，准入之后才接收车辆位置") % {"state": OperatorState(f.state).label}, False
    return None, False


def quota_fault(wanted: int, f: OperatorFacts) -> str | None:
    """Why an operator cannot be given a quota of `wanted` bikes, or None. Less than it holds is always possible."""
    if wanted < 1:
        return _now("至少 1 辆")
    if wanted <= f.quota:
        return None
    if wanted > f.open_share:
        return _now("最多还能给 %(open)d 辆：全区上限 %(ceiling)d 辆，其他企业已分配 %(taken)d 辆") % {
            "open": f.open_share,
            "ceiling": f.ceiling,
            "taken": f.taken,
        }
    needed = math.ceil(f.staff_per_1000 * wanted / 1000 - 1e-9)
    if (f.staff or 0) < needed:
        return _now("%(wanted)d 辆至少要 %(needed)d 名调度人员，申报 %(staff)d 名") % {
            "wanted": wanted,
            "needed": needed,
            "staff": f.staff or 0,
        }
    return None


def term_fault(begins: date | None, until: date, today: date) -> str | None:
    """Why a term cannot end on that day, or None."""
    if begins and until < begins:
        return _now("应不早于起始日")
    if until < today:
        return _now("应不早于今天")
    return None


# ── zones ────────────────────────────────────────────────────────────────────────────────────────────────────────


def zone_in_force(zone: Any, now: datetime, local: datetime) -> bool:
    """Does a zone (Zone or ZoneVersion) hold at `now`, which is `local` on the district's wall clock?

    From `begins_at` until, not including, `ends_at`; within them daily from `daily_from` until `daily_until`, which may
    be past midnight and then belongs to the day on which it began, on the days of `weekdays` (1 is Monday; empty: all).
    """
    if (zone.begins_at and now < zone.begins_at) or (zone.ends_at and now >= zone.ends_at):
        return False
    begins, until, at = zone.daily_from or time.min, zone.daily_until or time.max, local.time()
    day = local.isoweekday()
    if begins > until:  # over midnight
        if at < until:
            day = (day - 2) % 7 + 1
        elif at < begins:
            return False
    elif not begins <= at < until and not (zone.daily_until is None and at >= begins):
        return False
    return not zone.weekdays or str(day) in zone.weekdays
