"""Every write to plans: make, publish, withdraw, a new plan in the middle of the day, edits by hand.

    plan = make(date(2026, 6, 10), actor, seconds=10, seed=0)       # a draft
    publish(plan.pk, actor, version=plan.version)                   # what was published for the day is replaced
    replan(plan.pk, actor, 10 * 3600, broken=["X03"], closed=[("SPRINKLE", 36000, 57600)])

The search runs outside of the transaction; a plan is stored whole or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.book.actions import reasoned
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.sanitation import queries
from shaodao.sanitation.models import DayPlan
from shaodao.sanitation.plan import facts as reading
from shaodao.sanitation.plan import reasons, stored
from shaodao.sanitation.plan.checking import Violation, violations
from shaodao.sanitation.plan.editing import edited, parsed
from shaodao.sanitation.plan.figures import figures
from shaodao.sanitation.plan.making import Made, Tell
from shaodao.sanitation.plan.making import make as search
from shaodao.sanitation.plan.plain import Facts
from shaodao.sanitation.words import PlanState

LONGEST_S = 3600.0
DAY_S = 86_400


def make(
    day: date,
    actor: Actor,
    *,
    seconds: float = 10.0,
    seed: int = 0,
    rounds: int | None = None,
    reason: str = "",
    tell: Tell | None = None,
) -> DayPlan:
    """A draft for a day. Raises Refused (right), Invalid (reason, seconds)."""
    reason = reasoned(queries.may_edit(actor), reason)
    _budget(seconds)
    facts = reading.read(day)
    made = search(facts, seconds=seconds, seed=seed, rounds=rounds, tell=tell)
    return _store(DayPlan(day=day, reason=reason, seed=seed), facts, made, actor, "make")


def replan(
    pk: int,
    actor: Actor,
    at_s: int,
    *,
    broken: Iterable[str] = (),
    closed: Iterable[Sequence[Any]] = (),
    seconds: float = 10.0,
    seed: int = 0,
    rounds: int | None = None,
    version: int | None = None,
    reason: str = "",
    tell: Tell | None = None,
) -> DayPlan:
    """A new draft out of a plan from a second of the day on: what begins before stays, the rest is made anew from where the
    vehicles are then.

    broken: codes of vehicles that stand from then on. closed: (code of a mode or "" for all, first second, last second) in
    which it may not run, as rain. Both are kept with the plan, and add to what its parent had.
    Raises Refused, Invalid (at_s, broken, closed, seconds), Conflict, DayPlan.DoesNotExist.
    """
    reason = reasoned(queries.may_edit(actor), reason)
    _budget(seconds)
    parent = DayPlan.objects.get(pk=pk)
    if version is not None and parent.version != version:
        raise Conflict(parent, parent.version, version)
    if not 0 <= at_s < DAY_S:
        raise Invalid({"at_s": _("要在一天之内")})
    facts = reading.read(parent.day)
    changes = _changes(facts, parent.changes, at_s, list(broken), list(closed))
    now = reading.changed(facts, changes)
    made = search(
        now, seconds=seconds, seed=seed, rounds=rounds, kept=stored.trips_of(parent), at_s=float(at_s), tell=tell
    )
    plan = DayPlan(day=parent.day, parent=parent, from_s=at_s, reason=reason, seed=seed, changes=changes)
    return _store(plan, now, made, actor, "replan")


def checked(pk: int, at_s: int, broken: Iterable[str], closed: Iterable[Sequence[Any]]) -> DayPlan:
    """The plan that `replan` would start from. Raises what it would raise about these values, without searching."""
    parent = DayPlan.objects.get(pk=pk)
    if not 0 <= at_s < DAY_S:
        raise Invalid({"at_s": _("要在一天之内")})
    _changes(reading.read(parent.day), parent.changes, at_s, list(broken), list(closed))
    return parent


def edit(
    pk: int, actor: Actor, moves: Iterable[Mapping[str, Any]], *, version: int | None = None, reason: str = ""
) -> tuple[DayPlan, list[Violation]]:
    """A new draft with edits by hand (`editing.Edit`), and what is wrong with it now: that is shown, not refused.

    Raises Refused (right, withdrawn), Invalid (moves, reason), Conflict, DayPlan.DoesNotExist.
    """
    reason = reasoned(queries.may_edit(actor), reason)
    wanted = parsed(moves)
    parent = DayPlan.objects.get(pk=pk)
    if version is not None and parent.version != version:
        raise Conflict(parent, parent.version, version)
    if parent.state == PlanState.WITHDRAWN:
        raise Refused(_("计划已撤回"))
    facts = stored.facts_of(parent)
    trips = edited(facts, stored.trips_of(parent), wanted)
    left = reasons.left_out(facts, trips, reasons.known(facts, parent.left_out))
    plan = DayPlan(day=parent.day, parent=parent, from_s=parent.from_s, reason=reason, changes=parent.changes)
    return _store(plan, facts, Made(trips, left, 0, 0.0), actor, "edit"), violations(facts, trips)


def publish(pk: int, actor: Actor, *, version: int | None = None, force: bool = False, reason: str = "") -> DayPlan:
    """Give a draft to the crews; the plan that was published for the day is replaced. With violations, against the book as
    it is now, only by `force` and a reason.

    Raises Refused (right, state, violations), Invalid (reason), Conflict, DayPlan.DoesNotExist.
    """
    reason = reasoned(queries.may_edit(actor), reason, required=force)
    with transaction.atomic():
        plan = _locked(pk, version)
        if plan.state != PlanState.DRAFT:
            raise Refused(_("只能发布草稿"))
        found = violations(stored.facts_of(plan), stored.trips_of(plan))
        if found and not force:
            said = {"n": len(found), "w": "；".join(v.words for v in found[:3])}
            raise Refused(_("计划有 %(n)d 处不成立：%(w)s。要照样发布，请写明理由") % said)
        for old in DayPlan.objects.select_for_update().filter(day=plan.day, state=PlanState.PUBLISHED):
            old.state, old.version = PlanState.REPLACED, old.version + 1
            old.save(update_fields=["state", "version"])
        plan.state, plan.published_at = PlanState.PUBLISHED, clock.now()
        try:
            with transaction.atomic():
                return _changed(plan, actor, "publish", reason, {"violations": len(found)})
        except IntegrityError:  # somebody else published another plan of the day in this moment
            raise Conflict(plan, plan.version, plan.version - 1) from None


def withdraw(pk: int, actor: Actor, *, version: int | None = None, reason: str = "") -> DayPlan:
    """Take a draft or a published plan back. Raises Refused, Invalid (reason), Conflict, DayPlan.DoesNotExist."""
    reason = reasoned(queries.may_edit(actor), reason, required=True)
    with transaction.atomic():
        plan = _locked(pk, version)
        if plan.state not in (PlanState.DRAFT, PlanState.PUBLISHED):
            raise Refused(_("计划已撤回或已被替换"))
        plan.state, plan.reason = PlanState.WITHDRAWN, reason
        return _changed(plan, actor, "withdraw", reason, {})


def _budget(seconds: float) -> None:
    if not 0 < seconds <= LONGEST_S:
        raise Invalid({"seconds": _("要在 0 到 %(n)d 秒之间") % {"n": LONGEST_S}})


def _changes(
    facts: Facts, before: Mapping[str, Any], at_s: int, broken: Sequence[str], closed: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """What happened on the day, with what the parent had. Raises Invalid that names the value."""
    vehicles, modes = {v.code for v in facts.vehicles}, {m.code for m in facts.modes} | {""}
    for code in broken:
        if code not in vehicles:
            raise Invalid({"broken": _("没有编码为“%(c)s”的一行") % {"c": str(code)[:60]}})
    for row in closed:
        if len(row) != 3 or row[0] not in modes:
            raise Invalid({"closed": _("没有编码为“%(c)s”的一行") % {"c": str(row[0] if row else "")[:60]}})
        if not all(isinstance(s, int | float) for s in row[1:]) or not 0 <= row[1] < row[2] <= DAY_S:
            raise Invalid({"closed": _("起止时间不对")})
    stands = {**dict.fromkeys(broken, at_s), **before.get("broken", {})}
    return {"broken": stands, "closed": [*before.get("closed", []), *(list(row) for row in closed)]}


def _store(plan: DayPlan, facts: Facts, made: Made, actor: Actor, action: str) -> DayPlan:
    plan.made_at, plan.made_by = clock.now(), actor.person
    plan.seconds, plan.facts = round(made.seconds, 2), reading.digest(facts)
    plan.left_out = made.left_out
    plan.figures = figures(facts, made.trips, made.left_out) | {"rounds": made.rounds}
    with transaction.atomic():
        stored.save(plan, facts, made.trips)
        data = {"day": plan.day.isoformat(), "share": plan.figures["planned_share"], "parent": plan.parent_id}
        log.write(f"sanitation.plan.{action}", f"plan:{plan.pk}", actor=actor.person, reason=plan.reason, data=data)
    return plan


def _locked(pk: int, version: int | None) -> DayPlan:
    plan = DayPlan.objects.select_for_update().get(pk=pk)
    if version is not None and plan.version != version:
        raise Conflict(plan, plan.version, version)
    return plan


def _changed(plan: DayPlan, actor: Actor, action: str, reason: str, data: dict[str, Any]) -> DayPlan:
    plan.version += 1
    plan.save(update_fields=["state", "reason", "published_at", "version"])
    log.write(f"sanitation.plan.{action}", f"plan:{plan.pk}", actor=actor.person, reason=reason, data=data)
    return plan
