"""How an action happens: lock, check, change, append the event, tell the world; all in one transaction.

    @action("sign")
    def sign(s: Step, on: Assignment) -> None: ...

    perform("sign", case_id, actor, on=assignment_id, version=seen, key=client_key)

The function under `@action` only changes rows through the step; permission, state, required input, the optimistic
version, idempotence by client key, before/after, the hash chain and the outbox are the step's business, once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.db import IntegrityError, OperationalError, models, transaction
from django.utils.translation import gettext_lazy as _

from shaodao.cases import inputs, notify, queries, rules
from shaodao.cases.actions.clocks import Clocks
from shaodao.cases.facts import ActorFacts, CaseFacts, PostFacts
from shaodao.cases.lifecycle import BY_ACTION, PUBLIC, SYSTEM, Transition
from shaodao.cases.models import Case, CaseEvent, Notice
from shaodao.foundation import chain, clock, outbox, prepared
from shaodao.foundation.chain import event_digest, tracked
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.prepared import Prepared
from shaodao.organisations.models import Organisation, Person, Post

POSTS = Prepared(
    lambda person: (
        Post.objects.filter(person=person, active=True, organisation__active=True)
        .select_related("organisation")
        .order_by("pk")
    )
)
LOCKED = Prepared(lambda pk: Case.objects.select_for_update().filter(pk=pk).order_by())
STREET_OFFICES = Prepared(
    lambda place: Organisation.objects.filter(place=place, kind=Organisation.Kind.STREET, active=True).order_by("code")[
        :1
    ]
)


def active_posts(person: Person) -> list[Post]:
    """The posts that somebody holds now, with their organisations (one query)."""
    return POSTS.all(person.pk)


@dataclass(frozen=True)
class Actor:
    """Who acts, as the rules see them, with the row for the log."""

    facts: ActorFacts
    label: str
    person: Person | None = None

    @classmethod
    def of(cls, person: Person) -> "Actor":
        """A signed-in person with their active posts (one query)."""
        return cls.holding(person, active_posts(person))

    @classmethod
    def holding(cls, person: Person, rows: Iterable[Post]) -> "Actor":
        """A person with posts that the caller has read already, organisations included."""
        posts = tuple(PostFacts(p.role, p.organisation_id, p.place_id or p.organisation.place_id) for p in rows)
        return cls(ActorFacts("person", person.pk, posts), person.name or person.username, person)

    @classmethod
    def public(cls) -> "Actor":
        return cls(ActorFacts(PUBLIC), PUBLIC)

    @classmethod
    def system(cls) -> "Actor":
        return cls(ActorFacts(SYSTEM), SYSTEM)

    @property
    def organisation_id(self) -> int | None:
        return self.facts.posts[0].organisation_id if self.facts.posts else None

    def role_for(self, roles: frozenset[str] | None) -> str:
        """The post that an action was done with (None: any)."""
        posts = self.facts.posts if roles is None else self.facts.with_role(roles)
        return posts[0].role if posts else self.facts.kind


@dataclass
class Done:
    """What came of an action: the case as it stands, its event, and whether an earlier sending did it already."""

    case: Case
    event: CaseEvent
    replayed: bool = False
    result: Any = None


@dataclass
class Step:
    """The open transaction of one action on one case."""

    action: str
    case: Case
    facts: CaseFacts
    actor: Actor
    now: datetime
    loaded: "queries.Loaded"
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    before: chain.Before = field(default_factory=dict)
    added: list[models.Model] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)  # tracked fields of the case

    def __post_init__(self) -> None:
        self.touch(self.case)
        self.clocks = Clocks(self)

    def touch(self, *rows: models.Model) -> None:
        """Remember rows as they were, so that the event carries before and after of what changes."""
        for row in rows:
            self.before.setdefault(id(row), (row, tracked(row)))

    def add(self, row: models.Model) -> models.Model:
        """Insert a row that belongs to this case; its first values are part of the event."""
        prepared.insert(row)
        self.case.parts |= queries.PARTS.get(type(row), 0)
        self.added.append(row)
        self.before[id(row)] = (row, tracked(row))
        return row

    def tell(self, organisation_id: int | None, kind: str, role: str = "", **data: Any) -> None:
        """Put an item into an organisation's inbox; `data` is what `notices.SAYS` needs for this kind's sentence."""
        if organisation_id:
            self.notices.append(
                Notice(
                    organisation_id=organisation_id,
                    role=role,
                    case=self.case,
                    kind=kind,
                    data=data,
                    created_at=self.now,
                )
            )

    def commit(self, key: str | None) -> CaseEvent:
        """Write what changed and append the event to the chain."""
        self.clocks.project()
        changes, altered = chain.changes(self.before, self.added)
        for row, fields in altered:
            stored = [k for k in fields if k in columns(type(row))]
            if row is self.case:
                self.changed = stored
            elif stored:
                prepared.update(row, stored)
        event = self._append(changes, key)
        if self.notices:
            Notice.objects.bulk_create(self.notices)
        message = outbox.publish(
            f"case.{self.action}",
            self.case.number,
            {"case": self.case.pk, "version": self.case.version, "state": self.case.state, "action": self.action},
            self.now,
        )
        notify.reporters(self, message)
        return event

    def _append(self, changes: dict[str, Any], key: str | None) -> CaseEvent:
        event = CaseEvent(
            case=self.case,
            seq=self.case.version + 1,
            at=self.now,
            actor=self.actor.person,
            actor_label=self.actor.label,
            role=self.actor.role_for(BY_ACTION[self.action].roles if self.action in BY_ACTION else None),
            action=self.action,
            reason=self.reason,
            data=self.data,
            changes=changes,
            client_key=key or None,
            previous=self.case.head,
        )
        event.hash = event_digest(event.previous, content_of(event))
        prepared.insert(event)
        self.case.version, self.case.head = event.seq, event.hash
        prepared.update(self.case, [*self.changed, "version", "head", "summary", "public_text"])
        return event


Body = Callable[..., Any]
ACTIONS: dict[str, Body] = {}


def action(name: str) -> Callable[[Body], Body]:
    """Register the body of an action of the life cycle under its name."""

    def register(body: Body) -> Body:
        ACTIONS[name] = body
        return body

    return register


def perform(
    name: str,
    case_id: int,
    actor: Actor,
    *,
    on: int | None = None,
    version: int | None = None,
    key: str | None = None,
    reason: str = "",
    data: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
) -> Done:
    """Do one action of the life cycle on a case.

    `on`: id of the part it acts on (assignment, whistle …); `version`: the case's version that the actor saw, None
    to act on whatever stands; `key`: the client's key, the same key never acts twice; `data`: raw input by field name;
    `extra`: typed values from inside the program that no form may give.
    Raises Invalid (fields), Refused (state or right), Conflict (somebody was faster), Case.DoesNotExist.
    """
    key = inputs.client_key(key)
    for attempt in range(3):
        try:
            return _perform(BY_ACTION[name], case_id, actor, on, version, key, reason, data, extra)
        except IntegrityError:
            if key and (earlier := queries.event_by_key(key)):  # the same key raced us and won
                return _replay(earlier, name, case_id)
            raise
        except OperationalError:  # two merges that lock two cases crosswise: the loser of the deadlock tries again
            if attempt == 2 or transaction.get_connection().in_atomic_block:
                raise
    raise AssertionError("unreachable")


def _perform(
    t: Transition,
    case_id: int,
    actor: Actor,
    on: int | None,
    version: int | None,
    key: str | None,
    reason: str,
    data: dict[str, Any] | None,
    extra: dict[str, Any] | None,
) -> Done:
    with transaction.atomic():
        case = LOCKED.first(case_id)
        if case is None:
            raise Case.DoesNotExist(f"case {case_id}")
        if key and (earlier := queries.event_by_key(key)):  # asked under the lock: the same sender may have just won
            return _replay(earlier, t.action, case_id)
        if version is not None and case.version != version:
            raise Conflict(case, case.version, version)
        now = clock.now()
        loaded = queries.load(case, now)
        why, forbidden = rules.refusal(t, loaded.facts, loaded.subject(t.on, on), actor.facts, now)
        if why is not None:
            raise Refused(why, forbidden=forbidden)
        values = inputs.clean(t, data or {}, loaded) | (extra or {})
        try:
            reason = inputs.text_of(reason, 2000)
        except inputs.Fault as fault:
            raise Invalid({"reason": str(fault)}) from None
        if t.reason == "required" and not reason:
            raise Invalid({"reason": _("请写明理由")})
        step = Step(t.action, case, loaded.facts, actor, now, loaded, reason)
        row = loaded.row(t.on, on)
        if row is not None:
            step.touch(row)
            values["on"] = row
        wording = values.pop("wording", None) or None
        result = ACTIONS[t.action](step, **values)
        if wording:  # by its code the reasons can be counted, whatever words they were sent with
            step.data = {
                **step.data,
                "wording": {"code": wording.code, "name": wording.title, "name_en": wording.title_en},
            }
        return Done(case, step.commit(key), result=result)


def _replay(event: CaseEvent, name: str, case_id: int) -> Done:
    if event.action != name or event.case_id != case_id:
        raise Invalid({"client_key": _("此键已用于另一项操作，请换一个")})
    return Done(event.case, event, replayed=True)


def content_of(event: CaseEvent) -> dict[str, Any]:
    """What the hash of an event covers: everything in it but the hash itself."""
    return {
        "case": event.case_id,
        "seq": event.seq,
        "at": event.at.isoformat(),
        "actor": event.actor_id,
        "actor_label": event.actor_label,
        "role": event.role,
        "action": event.action,
        "reason": event.reason,
        "data": event.data,
        "changes": event.changes,
        "client_key": event.client_key,
    }


@cache
def columns(model: type[models.Model]) -> frozenset[str]:
    """The attributes of a model that are stored; tracked digests of texts are not."""
    return frozenset(f.attname for f in model._meta.concrete_fields)


def street_organisation(street_id: int | None) -> Organisation | None:
    """The office of the street whose place this is."""
    if street_id is None:
        return None
    return STREET_OFFICES.first(street_id)


def street_organisation_id(street_id: int | None) -> int | None:
    """The id of the office of the street whose place this is."""
    found = street_organisation(street_id)
    return found.pk if found else None
