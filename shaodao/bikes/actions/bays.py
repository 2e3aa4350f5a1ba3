"""Every write to bays and zones: imported as a lot, or added, changed, taken away, put back one by one.

A change raises the row's version, closes the version that held so far and opens the next, with who and why; taking away
closes it and leaves one more that never held. Nothing is deleted, and what is the same already is left as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.bikes import ground, queries, rules, settings
from shaodao.bikes.bays import measures
from shaodao.bikes.bays import rows as bayrows
from shaodao.bikes.bays.queries import BATCH, BAYS, Kind, by_code, chunks
from shaodao.bikes.bays.rows import Draft
from shaodao.cases.actions import Actor
from shaodao.cases.inputs import Fault, text_of
from shaodao.cases.lifecycle import SYSTEM
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Conflict, Invalid, Refused

Move = Callable[..., None]
LONGEST_REASON = 300


@dataclass(frozen=True, eq=False)
class Changes:
    """What rows are compared with what stands: lists of (row as it will be, draft); `same` are left alone."""

    new: list[Any] = field(default_factory=list)
    changed: list[Any] = field(default_factory=list)
    restored: list[Any] = field(default_factory=list)
    same: int = 0

    def counts(self) -> dict[str, int]:
        names = ("new", "changed", "restored")
        return {**{name: len(getattr(self, name)) for name in names}, "unchanged": self.same}


def may_edit(actor: Actor) -> bool:
    """Headquarters, the department that the pack names, and the program itself."""
    return actor.facts.kind == SYSTEM or rules.reviews(actor.facts, queries.reviewer_id())


def _check(actor: Actor, reason: str) -> str:
    if not may_edit(actor):
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)
    try:
        return text_of(reason, LONGEST_REASON)
    except Fault as fault:
        raise Invalid({"reason": str(fault)}) from None


# ── many at once ─────────────────────────────────────────────────────────────────────────────────────────────────


def bring_in(
    kind: Kind,
    drafts: Sequence[Draft],
    actor: Actor,
    *,
    source: str = "",
    reason: str = "",
    illustrative: bool | None = False,
    since: datetime | None = None,
    derived: Sequence[dict[str, Any]] | None = None,
    progress: Move | None = None,
) -> Changes:
    """Add and update by code, put back what was taken away; rows that are not named stay. One transaction.

    `illustrative`: None leaves it as it is. `since`: new rows hold from then on (not after now), changed ones too where
    their last version is older. `derived`: what `derive` says of the drafts, where the caller knows it. Raises Refused, Invalid (reason, since).
    """
    reason, now = _check(actor, reason), clock.now()
    if since is not None and since > now:
        raise Invalid({"since": _("起始时间不能在将来")})
    follows = derive(kind, drafts) if derived is None else derived

    def once() -> Changes:
        with transaction.atomic():
            rows = by_code(kind, [draft.code for draft in drafts], lock=True)
            found = compare(kind, drafts, follows, rows, source=source[:300], illustrative=illustrative)
            _write(kind, found, actor, reason, since or now, progress)
            data = {**found.counts(), "source": source[:300]}
            log.write(f"{kind.name}s.import", f"{kind.name}s", now=now, actor=actor.person, reason=reason, data=data)
            return found

    try:
        return once()
    except IntegrityError:  # somebody else brought the same codes in meanwhile: now they are there
        return once()


def derive(kind: Kind, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """What follows from the outline of each draft: GeoJSON; of a bay also its size, its capacity by the pack's rule, and
    where it lies."""
    shapes = np.empty(len(drafts), dtype=object)
    shapes[:] = [draft.shape for draft in drafts]
    found: list[dict[str, Any]] = [{"geometry": geometry} for geometry in measures.geometries(shapes)]
    if kind is not BAYS:
        return found
    lon, lat = measures.points(shapes)
    columns = {"length_m": measures.lengths(shapes), "area_m2": measures.areas(shapes), "lon": lon, "lat": lat}
    for name, values in columns.items():
        for row, value in zip(found, values, strict=True):
            row[name] = float(value)
    by_rule = settings.current().parking.metres_per_bike
    for row, (street, community) in zip(found, placed(lon, lat), strict=True):
        row |= {"street_id": street, "community_id": community, "capacity": measures.capacity(row["length_m"], by_rule)}
    return found


def placed(lon: Any, lat: Any) -> list[tuple[int | None, int | None]]:
    """Street and community of each point; None outside the district, or where no grid is loaded."""
    places = ground.grid().places(lon, lat)
    streets, communities = ([None if key == ground.NONE else int(key) for key in keys] for keys in places)
    return list(zip(streets, communities, strict=True))


def compare(
    kind: Kind,
    drafts: Sequence[Draft],
    derived: Sequence[dict[str, Any]],
    rows: Mapping[str, Any],
    *,
    source: str = "",
    illustrative: bool | None = False,
) -> Changes:
    """What would become of the rows: the drafts' values laid over those that stand. Writes nothing but to `rows`."""
    found = Changes()
    same = 0
    for draft, follows in zip(drafts, derived, strict=True):
        row = rows.get(draft.code)
        fresh = {**follows, **_values(kind, draft, follows, row)}
        fresh["illustrative"] = illustrative if illustrative is not None else bool(row and row.illustrative)
        fresh["source"] = source or (row.source if row else "")
        if row is None:
            found.new.append(kind.model(code=draft.code, version=0, **fresh))
        elif row.active and all(getattr(row, name) == fresh[name] for name in kind.said):
            same += 1
        else:
            (found.changed if row.active else found.restored).append(row)
            for name, value in fresh.items():
                setattr(row, name, value)
    return Changes(found.new, found.changed, found.restored, same)


def _values(kind: Kind, draft: Draft, follows: dict[str, Any], row: Any) -> dict[str, Any]:
    """What the draft says, and where it says nothing what stands."""
    given = dict(draft.given)
    for name in kind.columns:
        if name not in given and name != "capacity":
            given[name] = getattr(row, name) if row else kind.model._meta.get_field(name).get_default()
    if kind is BAYS:
        known = given.pop("capacity", row.capacity if row and row.capacity_given else None)
        given |= {"capacity": known or follows["capacity"], "capacity_given": known is not None}
    return given


def _write(kind: Kind, found: Changes, actor: Actor, reason: str, since: datetime, progress: Move | None) -> None:
    moved = [*found.changed, *found.restored]
    for row in (*found.new, *moved):
        row.version, row.active = row.version + 1, True
        row.valid_from = max(since, row.valid_from) if row.valid_from else since
    fields = [f.name for f in kind.model._meta.concrete_fields if not f.primary_key]
    for part in chunks(found.new):
        kind.model.objects.bulk_create(part)
        _tell(progress, len(part))
    for part in chunks(moved):
        again = [kind.model(**{f.attname: getattr(row, f.attname) for f in _columns(kind)}) for row in part]
        kind.model.objects.bulk_create(
            again,
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=[name for name in fields if name != "code"],
        )
        _close(kind, part)
        _tell(progress, len(part))
    rows = (_version(kind, row, actor, reason) for row in (*found.new, *moved))
    kind.versions.objects.bulk_create(rows, batch_size=BATCH)
    _tell(progress, found.same)


def _columns(kind: Kind) -> list[Any]:
    return [f for f in kind.model._meta.concrete_fields if not f.primary_key]


def _tell(progress: Move | None, n: int) -> None:
    if progress and n:
        progress(n)


def _close(kind: Kind, rows: Sequence[Any]) -> None:
    """The versions that hold so far end where the rows' next ones begin."""
    ends: dict[datetime, list[int]] = {}
    for row in rows:
        ends.setdefault(row.valid_from, []).append(row.pk)
    for end, keys in ends.items():
        kind.versions.objects.filter(**{f"{kind.name}__in": keys}, valid_until=None).update(valid_until=end)


def _version(kind: Kind, row: Any, actor: Actor, reason: str, until: datetime | None = None) -> Any:
    """The row as it stands, as a version of its own."""
    said = {name: getattr(row, name) for name in (*kind.said, "source")}
    return kind.versions(
        **{f"{kind.name}_id": row.pk},
        version=row.version,
        valid_from=row.valid_from,
        valid_until=until,
        changed_by=actor.person,
        reason=reason,
        **said,
    )


# ── one by one ───────────────────────────────────────────────────────────────────────────────────────────────────


def add(kind: Kind, actor: Actor, code: str, outline: Any, values: Mapping[str, Any], reason: str = "") -> Any:
    """A new row from raw values; `outline` as bayrows.outline takes it. Raises Refused, Invalid (by field)."""
    reason = _check(actor, reason)
    errors: dict[str, str] = {}
    shape = None
    try:
        code = bayrows.code_of(code)
    except bayrows.Bad as error:
        errors["code"] = str(error)
    try:
        shape = bayrows.outline(outline)
    except bayrows.Bad as error:
        errors["outline"] = str(error)
    given, wrong = bayrows.checked(values, kind.columns)
    errors |= wrong or (bayrows.zone_errors(given) if kind is not BAYS else {})
    if kind is not BAYS and not given.get("kind") and "kind" not in errors:
        errors["kind"] = _("必填")
    if errors:
        raise Invalid(errors)
    taken = Invalid({"code": _("编码已有，也包括已撤销的：改它或恢复它")})
    try:
        with transaction.atomic():
            if by_code(kind, [code]):
                raise taken
            return _one(kind, Draft(code, shape, given), {}, actor, reason)
    except IntegrityError:  # somebody else was faster, or it is something else
        if by_code(kind, [code]):
            raise taken from None
        raise


def change(
    kind: Kind,
    actor: Actor,
    pk: int,
    values: Mapping[str, Any],
    *,
    outline: Any = None,
    version: int | None = None,
    reason: str = "",
) -> Any:
    """Change what `values` names (raw), and the outline where one is given; the same again changes nothing.

    Raises Refused (right, taken away), Invalid (by field), Conflict (another version), DoesNotExist.
    """
    reason = _check(actor, reason)
    with transaction.atomic():
        row = _locked(kind, pk, version)
        if not row.active:
            raise Refused(_("已撤销：先恢复再改"))
        errors: dict[str, str] = {}
        shape = ground.shapes([row.geometry])[0]
        try:
            shape = bayrows.outline(outline) if outline else shape
        except bayrows.Bad as error:
            errors["outline"] = str(error)
        given, wrong = bayrows.checked(values, kind.columns)
        whole = {name: given.get(name, getattr(row, name)) for name in kind.columns}
        errors |= wrong or (bayrows.zone_errors(whole) if kind is not BAYS else {})
        if errors:
            raise Invalid(errors)
        return _one(kind, Draft(row.code, shape, given), {row.code: row}, actor, reason)


def _one(kind: Kind, draft: Draft, rows: dict[str, Any], actor: Actor, reason: str) -> Any:
    found = compare(kind, [draft], derive(kind, [draft]), rows, illustrative=None)
    _write(kind, found, actor, reason, clock.now(), None)
    row = by_code(kind, [draft.code])[draft.code]
    if not found.same:
        log.write(f"{kind.name}.change", f"{kind.name}:{row.code}", actor=actor.person, reason=reason)
    return row


def remove(kind: Kind, actor: Actor, pk: int, *, version: int | None = None, reason: str = "") -> Any:
    """Take a bay or zone away: from now on nothing is judged by it. Raises Refused, Invalid, Conflict, DoesNotExist."""
    reason = _check(actor, reason)
    if not reason:
        raise Invalid({"reason": _("请写明理由")})
    with transaction.atomic():
        row = _locked(kind, pk, version)
        if not row.active:
            raise Refused(_("已经撤销"))
        row.version, row.active, row.valid_from = row.version + 1, False, max(clock.now(), row.valid_from)
        row.save()
        _close(kind, [row])
        _version(kind, row, actor, reason, until=row.valid_from).save()
        log.write(f"{kind.name}.remove", f"{kind.name}:{row.code}", actor=actor.person, reason=reason)
        return row


def restore(kind: Kind, actor: Actor, pk: int, *, version: int | None = None, reason: str = "") -> Any:
    """Put back what was taken away, as it was. Raises Refused, Invalid, Conflict, DoesNotExist."""
    reason = _check(actor, reason)
    with transaction.atomic():
        row = _locked(kind, pk, version)
        if row.active:
            raise Refused(_("没有撤销，不用恢复"))
        draft = Draft(row.code, ground.shapes([row.geometry])[0])
        return _one(kind, draft, {row.code: row}, actor, reason)


def take_away(kind: Kind, rows: Sequence[Any], actor: Actor, reason: str) -> None:
    """Take many away at once: what a pack does not name any more."""
    now = clock.now()
    for part in chunks(rows):
        for row in part:
            row.version, row.active, row.valid_from = row.version + 1, False, max(now, row.valid_from)
        kind.model.objects.bulk_update(part, ["version", "active", "valid_from"], batch_size=500)
        _close(kind, part)
        kind.versions.objects.bulk_create(_version(kind, row, actor, reason, until=row.valid_from) for row in part)


def _locked(kind: Kind, pk: int, version: int | None) -> Any:
    row = kind.model.objects.select_for_update().get(pk=pk)
    if version is not None and row.version != version:
        raise Conflict(row, row.version, version)
    return row
