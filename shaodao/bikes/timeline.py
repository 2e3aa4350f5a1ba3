"""An operator's events in plain words: who, when, what, why, and what changed from what to what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.bikes.admission import APPLICATION, BY_ACTION
from shaodao.bikes.models import Operator, OperatorEvent
from shaodao.bikes.words import OperatorState
from shaodao.foundation.naming import named
from shaodao.organisations.models import Post

OTHER = {"enrol": gettext_lazy("建档")}
BAD = {"refuse", "warn", "suspend", "withdraw", "expire", "request_more"}
SHOWN: dict[str, Any] = {  # tracked fields that are told, in this order
    "state": gettext_lazy("状态"),
    "quota": gettext_lazy("配额（辆）"),
    "term_from": gettext_lazy("准入自"),
    "term_until": gettext_lazy("准入至"),
    **{f.name: f.label for f in APPLICATION if not f.name.startswith("contact")},
    "contact_sha256": gettext_lazy("联系方式"),
}


@dataclass
class Entry:
    """One event as the page tells it."""

    seq: int
    at: datetime
    who: str
    role: str
    what: str
    why: str
    tone: str  # "" or is-red
    details: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)  # what, before, after


def events(operator: Operator, since: int = 0) -> list[Entry]:
    """The events after `since`, newest first. One query."""
    rows = OperatorEvent.objects.filter(operator=operator, seq__gt=since).select_related("actor").order_by("-seq")
    return [_entry(row, f"operator:{operator.pk}") for row in rows]


def _entry(row: OperatorEvent, name: str) -> Entry:
    t = BY_ACTION.get(row.action)
    bad = row.action in BAD or row.data.get("accepted") is False
    return Entry(
        seq=row.seq,
        at=row.at,
        who=_who(row),
        role=str(dict(Post.Role.choices).get(row.role, "")),
        what=str(t.label if t else OTHER.get(row.action, row.action)),
        why=row.reason,
        tone="is-red" if bad else "",
        details=list(_details(row)),
        changes=list(_changes(row.changes.get(name, {}))),
    )


def _who(row: OperatorEvent) -> str:
    if row.actor_label == "system":
        return _("系统")
    if row.actor is not None and row.actor.name == row.actor_label:
        return named(row.actor)
    return row.actor_label


def _details(row: OperatorEvent) -> Iterator[str]:
    data = row.data
    if "item" in data:
        yield named(data)
    if "accepted" in data:
        yield _("通过") if data["accepted"] else _("不通过，需补充")
    if "token" in data:
        yield data["name"]
    if "read" in data:
        yield _("读入 %(read)d 行：新增 %(created)d，更新 %(updated)d，未变 %(unchanged)d。") % data
    if "tokens_revoked" in data:
        yield _("令牌失效 %(n)d 个") % {"n": data["tokens_revoked"]}


def _changes(fields: dict[str, list[Any]]) -> Iterator[tuple[str, str, str]]:
    for name, label in SHOWN.items():
        if name not in fields:
            continue
        before, after = fields[name]
        if name == "contact_sha256":
            if after:
                yield str(label), "", _("已更新")
        elif before not in (None, "", 0) or after not in (None, "", 0):
            yield str(label), _value(name, before), _value(name, after)


def _value(name: str, value: Any) -> str:
    if value in (None, ""):
        return ""
    if name == "state":
        return str(dict(OperatorState.choices).get(value, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return number_format(value, force_grouping=True)
    return f"{value:g}" if isinstance(value, float) else str(value)
