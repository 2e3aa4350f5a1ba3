"""Bring a table to the state that a pack or a workbook describes, in a number of queries that does not grow by row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

BATCH = 500


@dataclass
class Synced:
    """What happened: `ids` maps each key to its row's primary key; `gone` are rows that were not described."""

    created: int = 0
    updated: int = 0
    ids: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    gone: list[models.Model] = field(default_factory=list)


def sync(
    model: type[models.Model],
    rows: Iterable[dict[str, Any]],
    key: Sequence[str],
    *,
    within: models.QuerySet[Any] | None = None,
    reason: str = "",
) -> Synced:
    """Create and update rows of `model` so that they agree with `rows` (dictionaries of attribute names).

    Rows are matched by `key` among those of `within` (default: all). Unchanged rows are not written, so the same
    input again writes nothing. History is kept where the model tracks it, with `reason`.
    """
    manager = model._default_manager
    existing = {_key(o, key): o for o in (manager.all() if within is None else within)}
    result, new, changed, names = Synced(), [], [], set()
    wanted = set()
    for row in rows:
        at = tuple(row[k] for k in key)
        wanted.add(at)
        obj = existing.get(at)
        if obj is None:
            new.append(model(**row))
            continue
        different = [n for n, value in row.items() if getattr(obj, n) != value]
        for name in different:
            setattr(obj, name, row[name])
        if different:
            changed.append(obj)
            names.update(different)
    _write(model, new, changed, sorted(_field_names(model, names)), reason)
    result.created, result.updated = len(new), len(changed)
    result.ids = {at: obj.pk for at, obj in existing.items()}
    result.ids.update((_key(o, key), o.pk) for o in new)
    result.gone = [obj for at, obj in existing.items() if at not in wanted]
    return result


def _key(obj: models.Model, key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(obj, k) for k in key)


def _field_names(model: type[models.Model], attributes: Iterable[str]) -> set[str]:
    """Field names of attribute names: `parent_id` is the attribute of the field `parent`."""
    by_attribute = {f.attname: f.name for f in model._meta.concrete_fields}
    return {by_attribute.get(a, a) for a in attributes}


def _write(model: type[models.Model], new: list[Any], changed: list[Any], fields: list[str], reason: str) -> None:
    tracked = hasattr(model, "history")
    if new and tracked:
        bulk_create_with_history(new, model, batch_size=BATCH, default_change_reason=reason)
    elif new:
        model._default_manager.bulk_create(new, batch_size=BATCH * 4)
    if changed and tracked:
        bulk_update_with_history(changed, model, fields, batch_size=BATCH, default_change_reason=reason)
    elif changed:
        model._default_manager.bulk_update(changed, fields, batch_size=BATCH)


def retire(rows: Iterable[Any], reason: str = "") -> int:
    """Make rows inactive that the pack no longer names; they stay, because cases may point at them."""
    changed = [row for row in rows if row.active]
    for row in changed:
        row.active = False
    if changed:
        _write(type(changed[0]), [], changed, ["active"], reason)
    return len(changed)


def remove_unreferenced(rows: Sequence[models.Model]) -> int:
    """Delete those of `rows` (of one model) that nothing points at; returns how many stay because something does."""
    if not rows:
        return 0
    model, keys = type(rows[0]), [row.pk for row in rows]
    used: set[Any] = set()
    for chunk in _chunks(keys):
        for relation in model._meta.related_objects:
            other = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": chunk})
            used.update(other.values_list(relation.field.name, flat=True))
        free = [k for k in chunk if k not in used]
        model._base_manager.filter(pk__in=free).delete()
    return len(used & set(keys))


def sync_links(
    through: type[models.Model], source: str, target: str, wanted: set[tuple[int, int]], sources: set[int]
) -> None:
    """Bring a many-to-many table to exactly the `wanted` pairs of ids, looking only at rows of `sources`."""
    rows = through._base_manager.values_list("pk", source, target)
    kept: dict[tuple[int, int], int] = {(a, b): pk for pk, a, b in rows if a in sources}
    extra = [pk for pair, pk in kept.items() if pair not in wanted]
    for chunk in _chunks(extra):
        through._base_manager.filter(pk__in=chunk).delete()
    new = [through(**{source: a, target: b}) for a, b in sorted(wanted - kept.keys())]
    through._base_manager.bulk_create(new, batch_size=BATCH * 4)


def _chunks(keys: list[Any]) -> Iterable[list[Any]]:
    return (keys[i : i + BATCH] for i in range(0, len(keys), BATCH))
