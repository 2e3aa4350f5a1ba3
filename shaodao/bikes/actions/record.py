"""How something happens to an operator: lock, check, change, append the event; all in one transaction.

    perform("admit", operator_id, actor, version=seen, data={"quota": 4000, …})

Permission, state and guard come from the table in `admission.py`; the functions under `@body` only change rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from shaodao.bikes import inputs, queries, rules
from shaodao.bikes.admission import BY_ACTION, OWNER, REVIEWER, Transition
from shaodao.bikes.models import Operator, OperatorEvent
from shaodao.cases.actions import Actor
from shaodao.cases.lifecycle import SYSTEM
from shaodao.cases.models import Notice
from shaodao.foundation import chain, clock, outbox
from shaodao.foundation.chain import event_digest, tracked
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.organisations.models import Organisation

NOTICE = "operator"  # the kind of inbox items of this room
TOLD_REVIEWERS = {"apply", "answer", "withdraw"}
TOLD_OPERATOR = {
    "request_more", "admit", "refuse", "change_quota", "warn", "suspend", "resume", "withdraw", "expire",
}  # fmt: skip


@dataclass
class Done:
    """What came of an action: the operator as it stands, its event, and what the body answered."""

    operator: Operator
    event: OperatorEvent
    result: Any = None


@dataclass
class Step:
    """The open transaction of one action on one operator."""

    action: str
    operator: Operator
    actor: Actor
    now: datetime
    loaded: queries.Loaded
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    before: chain.Before = field(default_factory=dict)
    added: list[models.Model] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.touch(self.operator)

    def touch(self, *rows: models.Model) -> None:
        """Remember rows as they were, so that the event carries before and after of what changes."""
        for row in rows:
            self.before.setdefault(id(row), (row, tracked(row)))

    def add(self, row: models.Model) -> None:
        """Insert a row that belongs to this operator; its first values are part of the event."""
        row.save(force_insert=True)
        self.added.append(row)
        self.before[id(row)] = (row, tracked(row))

    def commit(self, role: str) -> OperatorEvent:
        """Write what changed, append the event to the chain, and put a message into the outbox."""
        changes, altered = chain.changes(self.before, self.added)
        for row, _fields in altered:
            if row is not self.operator:
                row.save()
        event = self._append(changes, role)
        outbox.publish(
            f"operator.{self.action}",
            self.operator.organisation.code,
            {"operator": self.operator.pk, "version": event.seq, "state": self.operator.state, "action": self.action},
            self.now,
        )
        return event

    def _append(self, changes: dict[str, Any], role: str) -> OperatorEvent:
        event = OperatorEvent(
            operator=self.operator,
            seq=self.operator.version + 1,
            at=self.now,
            actor=self.actor.person,
            actor_label=self.actor.label,
            role=role,
            action=self.action,
            reason=self.reason,
            data=self.data,
            changes=changes,
            previous=self.operator.head,
        )
        event.hash = event_digest(event.previous, content_of(event))
        event.save(force_insert=True)
        self.operator.version, self.operator.head = event.seq, event.hash
        self.operator.save()
        return event


def content_of(event: OperatorEvent) -> dict[str, Any]:
    """What the hash of an event covers: everything in it but the hash itself."""
    return {
        "operator": event.operator_id,
        "seq": event.seq,
        "at": event.at.isoformat(),
        "actor": event.actor_id,
        "actor_label": event.actor_label,
        "role": event.role,
        "action": event.action,
        "reason": event.reason,
        "data": event.data,
        "changes": event.changes,
    }


Body = Callable[..., Any]
BODIES: dict[str, Body] = {}


def body(name: str) -> Callable[[Body], Body]:
    """Register the body of an action of the table under its name."""

    def register(function: Body) -> Body:
        BODIES[name] = function
        return function

    return register


def perform(
    name: str,
    operator_id: int,
    actor: Actor,
    *,
    on: int | None = None,
    version: int | None = None,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> Done:
    """Do one action of the table on an operator.

    `on`: id of the paper it acts on; `version`: the operator's version that the actor saw, None to act on whatever
    stands; `data`: raw input by field name. Raises Invalid (fields), Refused (state or right), Conflict (somebody was
    faster), Operator.DoesNotExist.
    """
    t = BY_ACTION[name]
    with transaction.atomic():
        operator = Operator.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=operator_id)
        if version is not None and operator.version != version:
            raise Conflict(operator, operator.version, version)
        now = clock.now()
        loaded = queries.load(operator, now)
        why, forbidden = rules.refusal(t, loaded.facts, loaded.facts.paper(on), actor.facts)
        if why is not None:
            raise Refused(why, forbidden=forbidden)
        values = inputs.clean(t, data or {}, loaded)
        step = Step(name, operator, actor, now, loaded, _reason(t, reason))
        if t.on and (paper := loaded.paper(on)) is not None:
            step.touch(paper)
            values["on"] = paper
        result = BODIES[name](step, **values)
        if t.target:
            operator.state = t.target
        event = step.commit(_role(t, loaded.facts, actor))
        _tell(step, t)
        return Done(operator, event, result)


def _reason(t: Transition, text: str) -> str:
    try:
        found = inputs.text_of(text, 1000)
    except inputs.Fault as fault:
        raise Invalid({"reason": str(fault)}) from None
    if t.reason == "required" and not found:
        raise Invalid({"reason": _("请写明理由")})
    return found if t.reason else ""


def _role(t: Transition, facts: Any, actor: Actor) -> str:
    """The post that the action was done with: the operator's own, or one of those that review."""
    if OWNER in t.roles and facts.organisation_id in rules.owned(actor.facts):
        return "operator"
    fitting = rules.reviewing_roles(actor.facts, facts.reviewer_id)
    return fitting[0] if fitting else actor.facts.kind


def _tell(s: Step, t: Transition) -> None:
    """Inbox items: the reviewers hear what an operator did, the operator what was decided."""
    facts, company = s.loaded.facts, s.operator.organisation
    rows: list[tuple[int, str]] = []
    if OWNER in rules.parties(facts, s.actor.facts):
        if s.action in TOLD_REVIEWERS:
            offices = Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True)
            rows += [(pk, "headquarters") for pk in offices.values_list("pk", flat=True)]
            rows += [(facts.reviewer_id, "department")] if facts.reviewer_id else []
    elif s.action in TOLD_OPERATOR and t.roles & {REVIEWER, SYSTEM}:
        rows.append((s.operator.organisation_id, "operator"))
    said = {"action": s.action, "code": company.code, "unit": {"name": company.name, "name_en": company.name_en}}
    Notice.objects.bulk_create(
        Notice(organisation_id=pk, role=role, kind=NOTICE, data={**said, "why": s.reason}, created_at=s.now)
        for pk, role in rows
    )
