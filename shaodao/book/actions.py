"""Every write to a book: many rows at once (a pack, a file), or one by one on a page.

    bring_in(VEHICLE, [Draft("V-1", {"type": "washer", …})], actor, reason="…")

Each row that changes gets one event with who, when, why and before and after of every field, chained to the row's event
before; a row that is the same already is left alone, and nothing is deleted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import TextField
from django.utils.translation import gettext as _

from shaodao.book.kinds import Kind, code_of
from shaodao.book.models import RowEvent
from shaodao.cases.actions import Actor
from shaodao.cases.inputs import Fault, text_of
from shaodao.foundation import clock, log
from shaodao.foundation.chain import event_digest, tracked
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.tables import Bad

BATCH = 500
LONGEST_REASON = 300
NOTHING: tuple[Any, ...] = ("", None, [], False, {})


@dataclass(frozen=True)
class Draft:
    """A row as somebody wants it: typed values by column (a reference by its code)."""

    code: str
    values: dict[str, Any]
    illustrative: bool | None = None  # None: as it is
    source: str = ""


@dataclass
class Counts:
    new: int = 0
    changed: int = 0
    restored: int = 0
    unchanged: int = 0

    def as_dict(self) -> dict[str, int]:
        return dict(vars(self))


@dataclass
class _Work:
    """Rows that are about to be written: how each was before."""

    added: list[Any] = field(default_factory=list)
    moved: list[tuple[Any, dict[str, Any], str]] = field(default_factory=list)  # row, before, action


def reasoned(may: bool, reason: str, *, required: bool = False) -> str:
    """The reason, cleaned. Raises Refused for who may not write, Invalid for a reason that cannot be."""
    if not may:
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)
    try:
        found = text_of(reason, LONGEST_REASON)
    except Fault as fault:
        raise Invalid({"reason": str(fault)}) from None
    if required and not found:
        raise Invalid({"reason": _("请写明理由")})
    return found


def check(kind: Kind, actor: Actor, reason: str, *, required: bool = False) -> str:
    """The same for who writes rows of a kind."""
    return reasoned(kind.room.edits(kind, actor), reason, required=required)


def content_of(event: RowEvent) -> dict[str, Any]:
    """What the hash of an event covers: everything in it but the hash itself."""
    return {
        "subject": event.subject,
        "seq": event.seq,
        "at": event.at.isoformat(),
        "actor": event.actor_id,  # type: ignore[attr-defined]
        "actor_label": event.actor_label,
        "action": event.action,
        "reason": event.reason,
        "changes": event.changes,
    }


# ── many at once ─────────────────────────────────────────────────────────────────────────────────────────────────


def bring_in(
    kind: Kind, drafts: Sequence[Draft], actor: Actor, *, reason: str = "", source: str = "", logged: bool = True
) -> Counts:
    """Add and update by code, put back what was taken away; rows that are not named stay. One transaction.

    `logged`: with a line in the log of its own; a pack's load has one for all its tables. Raises Refused; Invalid (reason, or the column of a reference that is not there).
    """
    reason = check(kind, actor, reason)
    with transaction.atomic():
        rows = _standing(kind, [draft.code for draft in drafts])
        work, counts = _compare(kind, drafts, rows, source)
        _write(kind, work, actor, reason)
        if logged:
            said = counts.as_dict()
            log.write(f"{kind.room.name}.{kind.name}.import", kind.name, actor=actor.person, reason=reason, data=said)
    return counts


def preview(kind: Kind, drafts: Sequence[Draft], source: str = "") -> Counts:
    """What `bring_in` would do, without doing it; rows it refers to need not be there yet."""
    return _compare(kind, drafts, _standing(kind, [d.code for d in drafts], lock=False), source, strict=False)[1]


def differences(kind: Kind, drafts: Sequence[Draft]) -> tuple[Counts, list[tuple[Any, str, dict[str, list[Any]]]]]:
    """The same in detail: (counts, for each row that would change (row, action, {field: [before, after]}))."""
    rows = _standing(kind, [d.code for d in drafts], lock=False)
    work, counts = _compare(kind, drafts, rows, "", strict=False)
    found: list[tuple[Any, str, dict[str, list[Any]]]] = [(row, "add", {}) for row in work.added]
    for row, before, action in work.moved:
        after = tracked(row)
        found.append((row, action, {k: [before[k], v] for k, v in after.items() if v != before[k]}))
    return counts, found


def retire(kind: Kind, rows: Iterable[Any], actor: Actor, reason: str) -> int:
    """Take many away at once: what a pack does not name any more."""
    work = _Work()
    for row in rows:
        before = tracked(row)
        row.active = False
        work.moved.append((row, before, "remove"))
    with transaction.atomic():
        _write(kind, work, actor, reason)
    return len(work.moved)


def _standing(kind: Kind, codes: Sequence[str], *, lock: bool = True) -> dict[str, Any]:
    rows = kind.model.objects.order_by("pk")
    rows = rows.select_for_update() if lock else rows
    if len(codes) <= BATCH:
        return {row.code: row for row in rows.filter(code__in=codes)}
    wanted = set(codes)  # databases bound the number of parameters, and a book is small: one look at all of it
    return {row.code: row for row in rows if row.code in wanted}


def _compare(
    kind: Kind, drafts: Sequence[Draft], rows: dict[str, Any], source: str, *, strict: bool = True
) -> tuple[_Work, Counts]:
    work, counts = _Work(), Counts()
    keys = {name: dict(kind.target(name).model.objects.values_list("code", "pk")) for name in kind.all_refs}
    for draft in drafts:
        values = _typed(kind, draft, keys, strict)
        values["source"] = (draft.source or source)[:300]
        row = rows.get(draft.code)
        if row is None:
            row = kind.model(code=draft.code, illustrative=bool(draft.illustrative), **values)
            rows[draft.code] = row
            work.added.append(row)
            counts.new += 1
            continue
        before, was = tracked(row), row.active
        values["source"] = values["source"] or row.source
        for name, value in values.items():
            setattr(row, name, value)
        row.active = True
        row.illustrative = row.illustrative if draft.illustrative is None else draft.illustrative
        after = tracked(row)
        # Where only the name of the file differs, nothing has changed.
        if all(after[name] == before[name] for name in after if name != "source"):
            row.source = before["source"]
            counts.unchanged += 1
        else:
            work.moved.append((row, before, "change" if was else "restore"))
            counts.changed, counts.restored = counts.changed + was, counts.restored + (not was)
    return work, counts


def _typed(kind: Kind, draft: Draft, keys: Mapping[str, Mapping[str, int]], strict: bool) -> dict[str, Any]:
    """Values as the model has them: references as keys."""
    values = dict(draft.values)
    for name in kind.all_refs:
        if name not in values:
            continue
        code = values.pop(name)
        if code and code not in keys[name] and strict:
            raise Invalid({name: _("没有编码为“%(c)s”的一行") % {"c": str(code)[:60]}})
        values[f"{name}_id"] = keys[name].get(code) if code else None
    return values


def _write(kind: Kind, work: _Work, actor: Actor, reason: str) -> None:
    """Insert, update, and append the events."""
    now = clock.now()
    events = []
    for row in work.added:
        row.valid_from, row.version = now, 0
        events.append(_event(kind, row, {}, "add", actor, reason, now))
    for row, before, action in work.moved:
        row.valid_from = max(now, row.valid_from)
        events.append(_event(kind, row, before, action, actor, reason, now))
    columns = [f for f in kind.model._meta.concrete_fields if not f.primary_key]
    names = [f.name for f in columns if f.name != "code"]
    again = [kind.model(**{f.attname: getattr(row, f.attname) for f in columns}) for row, _b, _a in work.moved]
    kind.model.objects.bulk_create(work.added, batch_size=BATCH)
    kind.model.objects.bulk_create(
        again, batch_size=BATCH, update_conflicts=True, unique_fields=["code"], update_fields=names
    )
    kind.room.events.objects.bulk_create(events, batch_size=BATCH)


def _event(kind: Kind, row: Any, before: dict[str, Any], action: str, actor: Actor, reason: str, now: datetime) -> Any:
    """The next event of a row; sets its version and head."""
    after = tracked(row)
    changes = (
        {k: [before[k], v] for k, v in after.items() if v != before[k]}
        if before
        else {k: [None, v] for k, v in after.items() if v not in NOTHING or k == "code"}
    )
    event = kind.room.events(
        subject=row.subject,
        seq=row.version + 1,
        at=now,
        actor=actor.person,
        actor_label=actor.label,
        action=action,
        reason=reason,
        changes=changes,
        previous=row.head,
    )
    event.hash = event_digest(event.previous, content_of(event))
    row.version, row.head = event.seq, event.hash
    return event


# ── one by one ───────────────────────────────────────────────────────────────────────────────────────────────────


def parsed(kind: Kind, raw: Mapping[str, str], row: Any = None) -> tuple[dict[str, Any], dict[str, str]]:
    """(typed values, errors by column) of raw text; a column that is not named stays as it is in `row`."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for column in kind.everything:
        name = column.name
        if name not in raw and row is not None:
            values[name] = referred(row, kind, name)
            continue
        said = cleaned(kind, name, raw.get(name))
        if not said:
            values[name] = column.default
            if column.required:
                errors[name] = _("必填")
            continue
        try:
            values[name] = column.parse(said)
        except Bad as bad:
            errors[name] = f"{bad.what}（{bad.hint}）" if bad.hint else bad.what
    if not errors:
        errors = kind.check(values)
    return values, errors


def cleaned(kind: Kind, name: str, raw: Any) -> str:
    """Text without what cannot be printed; lines stay lines where the column has room for several."""
    several = isinstance(kind.model._meta.get_field(name), TextField)
    lines = str(raw or "").splitlines() if several else [str(raw or "")]
    return "\n".join("".join(c for c in line if c.isprintable()).rstrip() for line in lines).strip()


def referred(row: Any, kind: Kind, name: str) -> Any:
    """The value of a column as a form shows it: of a reference the other row's code."""
    value = getattr(row, name)
    return (value.code if value else "") if name in kind.refs else value


def add(kind: Kind, actor: Actor, code: str, raw: Mapping[str, str], reason: str = "") -> Any:
    """A new row from raw text. Raises Refused, Invalid (by column)."""
    reason = check(kind, actor, reason)
    values, errors = parsed(kind, raw)
    if kind.code_from and not errors:
        code = kind.code_from(values)
    try:
        code = code_of(str(code).strip())
        if not code:
            errors["code"] = _("必填")
    except Bad as bad:
        errors["code"] = bad.what
    if errors:
        raise Invalid(errors)
    taken = Invalid({kind.key[0]: _("已有这一行，也包括已撤销的：改它或恢复它")})
    try:
        with transaction.atomic():
            if _standing(kind, [code]):
                raise taken
            return _one(kind, Draft(code, values, illustrative=False), {}, actor, reason)
    except IntegrityError:  # somebody else was faster
        raise taken from None


def change(
    kind: Kind, actor: Actor, pk: int, raw: Mapping[str, str], *, version: int | None = None, reason: str = ""
) -> Any:
    """Change what `raw` names; the same again changes nothing.

    Raises Refused (right, taken away), Invalid (by column; a reason is needed), Conflict (another version), DoesNotExist.
    """
    reason = check(kind, actor, reason, required=True)
    with transaction.atomic():
        row = _locked(kind, pk, version)
        if not row.active:
            raise Refused(_("已撤销：先恢复再改"))
        values, errors = parsed(kind, raw, row)
        if errors:
            raise Invalid(errors)
        return _one(kind, Draft(row.code, values), {row.code: row}, actor, reason)


def _one(kind: Kind, draft: Draft, rows: dict[str, Any], actor: Actor, reason: str) -> Any:
    work, _counts = _compare(kind, [draft], rows, "")
    _write(kind, work, actor, reason)
    return kind.model.objects.get(code=draft.code)


def remove(kind: Kind, actor: Actor, pk: int, *, version: int | None = None, reason: str = "") -> Any:
    """Take a row away; refused while others in use refer to it. Raises Refused, Invalid, Conflict, DoesNotExist."""
    reason = check(kind, actor, reason, required=True)
    with transaction.atomic():
        row = _locked(kind, pk, version)
        if not row.active:
            raise Refused(_("已经撤销"))
        for other, name in _referring(kind):
            if n := other.model.objects.filter(**{f"{name}_id": pk}, active=True).count():
                raise Refused(_("还有 %(n)d 个“%(k)s”用到它，先改那些") % {"n": n, "k": other.label})
        retire(kind, [row], actor, reason)
    return row


def _referring(kind: Kind) -> Iterator[tuple[Kind, str]]:
    for other in kind.room.kinds:
        yield from ((other, name) for name, to in other.all_refs.items() if to == kind.name)


def restore(kind: Kind, actor: Actor, pk: int, *, version: int | None = None, reason: str = "") -> Any:
    """Put back what was taken away, as it was. Raises Refused, Invalid, Conflict, DoesNotExist."""
    reason = check(kind, actor, reason)
    with transaction.atomic():
        row = _locked(kind, pk, version)
        if row.active:
            raise Refused(_("没有撤销，不用恢复"))
        before = tracked(row)
        row.active = True
        _write(kind, _Work(moved=[(row, before, "restore")]), actor, reason)
    return row


def _locked(kind: Kind, pk: int, version: int | None) -> Any:
    row = kind.model.objects.select_for_update().get(pk=pk)
    if version is not None and row.version != version:
        raise Conflict(row, row.version, version)
    return row
