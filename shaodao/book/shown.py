"""Values of a book as people read them: of a row, and before and after in its history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.book import queries
from shaodao.book.kinds import Kind
from shaodao.foundation.naming import named

NOTHING = "—"
LABELS = {
    "code": gettext_lazy("编码"), "active": gettext_lazy("在用"), "illustrative": gettext_lazy("示例"),
    "source": gettext_lazy("来源"),
}  # fmt: skip
ACTIONS = {
    "add": gettext_lazy("新增"), "change": gettext_lazy("修改"), "remove": gettext_lazy("撤销"),
    "restore": gettext_lazy("恢复"),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    label: str
    text: str
    number: bool = False
    url: str = ""


def label(kind: Kind, name: str) -> str:
    """What a field is called."""
    column = kind.column(name)
    if column is not None and column.label:
        return str(column.label)
    return str(kind.labels.get(name) or LABELS.get(name, name))


def fields(kind: Kind) -> tuple[str, ...]:
    """What a row's own page shows, besides code and name."""
    return (*kind.by_file, *(column.name for column in kind.columns))


def say(kind: Kind, name: str, value: Any) -> str:
    """A value that is no reference, in words."""
    if value is None or value in ("", []):
        return NOTHING
    if isinstance(value, bool):
        text = _("是") if value else _("否")
    elif name in kind.options:
        text = str(dict(kind.options[name]).get(value, value))
    elif isinstance(value, dict) and "coordinates" in value:
        text = _("%(n)d 个点") % {"n": len(value["coordinates"])}
    elif isinstance(value, int | float):
        text = number(value, 6 if name in ("lon", "lat") else 3)
    elif isinstance(value, list):
        text = next((str(c.show(value)) for c in kind.columns if c.name == name), str(value))
    else:
        text = value.isoformat() if isinstance(value, date) else str(value)
    return text


def number(value: float, digits: int = 3) -> str:
    """A number with as many decimals as it has, at most `digits`."""
    text = f"{value:.{digits}f}"
    decimals = len(text.rstrip("0").partition(".")[2])
    return number_format(round(value, decimals), decimals, force_grouping=True)


def cell(kind: Kind, row: Any, name: str) -> Cell:
    """A field of a row; a reference with a link."""
    value = getattr(row, name)
    if name in kind.all_refs:
        if value is None:
            return Cell(label(kind, name), NOTHING)
        text, to = f"{value.code} {named(value)}".strip(), kind.target(name)
        url = reverse(f"{kind.room.name}_row", args=[to.name, value.pk]) if isinstance(to, Kind) else ""
        return Cell(label(kind, name), text, url=url)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(label(kind, name), say(kind, name, value), is_number)


def changes(kind: Kind, told: dict[str, list[Any]], names: dict[tuple[str, Any], str]) -> list[tuple[str, str, str]]:
    """(label, before, after) of what an event says; `names`: codes of references by (kind, key)."""
    refs = kind.all_refs
    found = []
    for field, (before, after) in told.items():
        name = field.removesuffix("_id") if field.removesuffix("_id") in refs else field
        if name in refs:
            texts = [NOTHING if v is None else names.get((refs[name], v), f"#{v}") for v in (before, after)]
        else:
            texts = [say(kind, name, v) for v in (before, after)]
        found.append((label(kind, name), *texts))
    return found  # type: ignore[return-value]


def referred(kind: Kind, told: Iterable[dict[str, list[Any]]]) -> dict[tuple[str, Any], str]:
    """Codes of all rows that changes refer to: one query for each kind of reference."""
    found: dict[tuple[str, Any], str] = {}
    told = list(told)
    for name, other in kind.all_refs.items():
        keys = {v for one in told for v in one.get(f"{name}_id", ()) if v is not None}
        if keys:
            rows = kind.target(name).model.objects.filter(pk__in=keys).values_list("pk", "code")
            found |= {(other, pk): code for pk, code in rows}
    return found


def history(kind: Kind, row: Any) -> list[Any]:
    """The events of a row, newest first, each with `what`, `why` and `lines`: (label, before, after)."""
    events = queries.history(kind, row)
    names = referred(kind, (e.changes for e in events))
    for event in events:
        event.what = ACTIONS[event.action]
        event.why = _("数据包") if event.reason == queries.PACK and event.actor is None else event.reason
        told = {} if event.action == "add" else event.changes
        event.lines = changes(kind, told, names)
    return events
