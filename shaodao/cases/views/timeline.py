"""A case's events in plain words: who, when, what, why, and what changed from what to what."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.cases import choices, queries
from shaodao.cases.lifecycle import BY_ACTION
from shaodao.cases.models import Appeal, Case, CaseEvent, TimeRequest
from shaodao.cases.words import AppealGround, CaseState, Outcome
from shaodao.catalogue.models import Category
from shaodao.foundation import clock
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation, Post

OTHER = {  # events beside the actions of the life cycle
    "report": gettext_lazy("上报"),
    "merge_in": gettext_lazy("并入其他案件的上报"),
    "merge_out": gettext_lazy("归还并入的上报"),
    "split_off": gettext_lazy("由其他案件拆出"),
    "recompute": gettext_lazy("重新计算时限"),
}
ICONS = {
    "report": "file-plus", "me_too": "users", "add_to_report": "message-plus", "file": "clipboard-check", "decline": "clipboard-x", "dispatch": "send",
    "whistle_draft": "speakerphone", "whistle_confirm": "speakerphone", "sign": "file-import", "report_in": "map-pin-check",
    "send_back": "corner-up-left", "dispute": "scale", "rule_dispute": "gavel", "note": "message", "finish": "tools",
    "verify": "clipboard-check", "close": "checks", "clear": "checks", "spot_check": "eye", "close_not_fixed": "circle-x", "evaluate": "star",
    "recheck": "rotate", "reopen": "rotate", "settle_callback": "message-circle", "rebound": "rotate", "appeal": "scale", "review_appeal": "gavel", "urge": "bell-ringing", "supervise": "flag-exclamation",
    "escalate": "bell", "locate": "map-pin", "merge": "arrow-merge", "unmerge": "arrows-split", "split": "arrows-split",
}  # fmt: skip
BAD = {"send_back", "rebound", "reopen", "supervise", "close_not_fixed", "decline", "void"}
QUIET = {"publish", "escalate", "recompute", "categorise"}
SHOWN = {  # tracked fields of a case that the timeline tells, in this order
    "state": gettext_lazy("状态"),
    "outcome": gettext_lazy("结果"),
    "category_id": gettext_lazy("类别"),
    "lead_id": gettext_lazy("主办单位"),
    "urgent": gettext_lazy("紧急"),
    "due_at": gettext_lazy("最近时限"),
    "published": gettext_lazy("公开"),
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
    icon: str
    tone: str  # "", is-red, is-quiet
    details: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)  # what, before, after

    def lines(self) -> list[str]:
        """Everything beside who and what, as sentences."""
        moved = [f"{what}{_('：')}{before or '—'} → {after or '—'}" for what, before, after in self.changes]
        return [*([self.why] if self.why else []), *self.details, *moved]


def events(case: Case, since: int = 0) -> list[Entry]:
    """The events of a case after `since`, oldest first: three queries at most (five in English), whatever their number."""
    rows = list(CaseEvent.objects.filter(case=case, seq__gt=since).select_related("actor").order_by("seq"))
    names, english = _names(rows, f"case:{case.pk}"), queries.english_names(rows)
    return [_entry(row, f"case:{case.pk}", names, english) for row in rows]


def _names(rows: Iterable[CaseEvent], case: str) -> dict[str, dict[int, str]]:
    """The names behind the ids in these events."""
    wanted: dict[str, set[int]] = {"category_id": set(), "lead_id": set()}
    for row in rows:
        for name, ids in wanted.items():
            ids.update(v for v in row.changes.get(case, {}).get(name, []) if isinstance(v, int))
    categories = Category.objects.in_bulk(wanted["category_id"]) if wanted["category_id"] else {}
    units = Organisation.objects.in_bulk(wanted["lead_id"]) if wanted["lead_id"] else {}
    return {
        "category_id": {pk: named(row) for pk, row in categories.items()},
        "lead_id": {pk: named(row) for pk, row in units.items()},
    }


def _entry(row: CaseEvent, case: str, names: dict[str, dict[int, str]], english: dict[str, str]) -> Entry:
    t = BY_ACTION.get(row.action)
    passed = row.data.get("passed")
    return Entry(
        seq=row.seq,
        at=row.at,
        who=_who(row),
        role=_role(row.role),
        what=str(t.label if t else OTHER.get(row.action, row.action)),
        why=row.why,
        icon=ICONS.get(row.action, "circle-dot"),
        tone="is-red" if row.action in BAD or passed is False else "is-quiet" if row.action in QUIET else "",
        details=list(_details(row, english)),
        changes=list(_changes(row.changes.get(case, {}), names)),
    )


def _who(row: CaseEvent) -> str:
    """The name that was written down; in English that of the person's account, where it has one."""
    known = {"public": _("公众"), "system": _("系统")}.get(row.actor_label)
    if known is None and row.actor is not None and row.actor.name == row.actor_label:
        return named(row.actor)
    return known or row.actor_label


def _role(role: str) -> str:
    return str(dict(Post.Role.choices).get(role, ""))


def _changes(fields: dict[str, list[Any]], names: dict[str, dict[int, str]]) -> Iterable[tuple[str, str, str]]:
    for name, label in SHOWN.items():
        if name not in fields:
            continue
        before, after = (_value(name, v, names) for v in fields[name])
        if before != after and (before or name not in {"urgent", "published"} or after != _("否")):
            yield str(label), before, after


def _value(name: str, value: Any, names: dict[str, dict[int, str]]) -> str:
    if value in (None, ""):
        return ""
    if name in names:
        return names[name].get(value, str(value))
    if name == "state":
        return str(CaseState(value).label)
    if name == "outcome":
        return str(Outcome(value).label)
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return moment(value)


def moment(text: Any) -> str:
    """A stored ISO time as wall-clock time."""
    at = parse_datetime(text) if isinstance(text, str) else text
    return date_format(clock.local(at), "SHORT_DATETIME_FORMAT") if at else str(text)


PLAIN = {  # texts in an event's data, with the sentence that each becomes
    "stage": gettext_lazy("阶段：%(v)s"),
    "title": "%(v)s",
    "target": gettext_lazy("并入 %(v)s"),
    "from": gettext_lazy("来自 %(v)s"),
    "to": gettext_lazy("去往 %(v)s"),
    "remark": "%(v)s",
    "result": "%(v)s",
    "ruling": "%(v)s",
}


def _details(row: CaseEvent, english: dict[str, str]) -> Iterable[str]:
    """What the event's data says, in words; `english`: see `queries.english_names`."""
    data = row.data
    yield from _units(data, english)
    yield from _judgements(row)
    yield from _appeal(data)
    if data.get("kind") in TimeRequest.Kind.values:
        yield str(TimeRequest.Kind(data["kind"]).label)
    elif data.get("kind") and row.action.startswith("whistle"):
        yield choices.whistle_kind(data["kind"])
    if isinstance(data.get("wording"), dict):
        yield named(data["wording"])
    if row.action == "add_to_report" and data.get("photos"):
        yield _("%(n)d 张照片") % {"n": data["photos"]}
    if isinstance(data.get("distance_m"), int | float):
        yield _("距案发点 %(m)d 米") % {"m": round(data["distance_m"])}
    if isinstance(data.get("name"), str):
        yield _master(data, english)
    if "after" in data:
        yield _("原为 %(before)s，现为 %(after)s") % {
            k: " ".join(map(named, data[k])) or "—" for k in ("before", "after")
        }
    if row.changes.get(f"case:{row.case_id}", {}).get("place_guessed") == [None, True]:
        yield _("街道和社区由地址文字推定")
    for key, text in PLAIN.items():
        if isinstance(data.get(key), str) and data[key]:
            yield str(text) % {"v": data[key]}


def _appeal(data: dict[str, Any]) -> Iterable[str]:
    if isinstance(data.get("grounds"), list):
        names = [str(AppealGround(g).label) for g in data["grounds"] if g in AppealGround.values]
        yield _("申诉事项：%(names)s") % {"names": _("、").join(names)}
    if data.get("decision") in Appeal.State.values:
        yield str(Appeal.State(data["decision"]).label)


def _master(row: dict[str, Any], english: dict[str, str]) -> str:
    """A unit, a category or a rung as the event recorded it: its Chinese name, and the English one of then or of now."""
    return named({**row, "name_en": row.get("name_en") or english.get(row["name"], "")})


def _units(data: dict[str, Any], english: dict[str, str]) -> Iterable[str]:
    if isinstance(data.get("organisation"), str):
        yield _master({"name": data["organisation"]}, english)
    if isinstance(data.get("lead"), dict):
        yield _("主办：%(name)s") % {"name": _master(data["lead"], english)}
    if data.get("supports"):
        yield _("协办：%(names)s") % {"names": _("、").join(_master(o, english) for o in data["supports"])}


def _judgements(row: CaseEvent) -> Iterable[str]:
    data, words = row.data, {True: _("是"), False: _("否")}
    for key in ("passed", "rebounded", "upheld"):
        if isinstance(data.get(key), bool):
            yes, no = choices.ANSWERS.get(row.action, (words[True], words[False]))
            yield str(yes if data[key] else no)
    if isinstance(data.get("efficiency"), int):
        yield _("效率 %(a)d 分，效果 %(b)d 分") % {"a": data["efficiency"], "b": data["effect"]}
    if isinstance(data.get("resolved"), bool):
        answers = {n: words[bool(data.get(n))] for n in ("responded", "resolved", "satisfied")}
        yield _("已联系：%(responded)s，已解决：%(resolved)s，满意：%(satisfied)s") % answers
