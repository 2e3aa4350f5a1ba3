"""A case's events as the public may read them: what happened and which unit did it; never who, never free text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shaodao.cases import queries
from shaodao.cases.models import CaseEvent, Note
from shaodao.cases.words import Channel
from shaodao.foundation.naming import named
from shaodao.portal.words import masked


@dataclass
class Entry:
    at: datetime
    text: str
    detail: str = ""  # a note that was written for the public, or a reason that its reporter may read
    quiet: bool = False


Data = dict[str, Any]


def _unit(data: Data) -> str:
    return str(data.get("organisation") or "")


def _lead(data: Data) -> str:
    return named(data.get("lead"))


def _supports(data: Data) -> str:
    return str(_("、")).join(named(o) for o in data.get("supports") or [])


def _translated(data: Data, english: dict[str, str]) -> Data:
    """An event's data with the English names of its units, where `queries.english_names` found any."""
    if not english:
        return data
    known = {**data, "organisation": english.get(_unit(data), _unit(data))}
    if data.get("lead"):
        known["lead"] = {"name": english.get(data["lead"]["name"], data["lead"]["name"])}
    known["supports"] = [{"name": english.get(o["name"], o["name"])} for o in data.get("supports") or []]
    return known


def _channel(data: Data) -> str:
    return str(Channel(data["channel"]).label) if data.get("channel") in Channel.values else ""


def _assigned(data: Data, sentence: Any) -> str:
    supports = _supports(data)
    return str(sentence) % {"lead": _lead(data)} + (_("，协办：%(units)s") % {"units": supports} if supports else "")


SAYS: dict[str, Promise | Callable[[Data], Any]] = {
    "report": lambda d: _("收到上报（%(channel)s）") % {"channel": _channel(d)},
    "split_off": _("收到上报"),
    "request_precheck": _("派人到现场核实"),
    "precheck": lambda d: _("现场核实：属实") if d.get("passed") else _("现场核实：与上报不符"),
    "locate": _("核对了地点"),
    "file": _("立案"),
    "decline": _("决定不予立案"),
    "void": _("案件作废"),
    "dispatch": lambda d: _assigned(d, _("派给 %(lead)s 主办")),
    "add_support": lambda d: _("增派协办：%(units)s") % {"units": _supports(d)},
    "withdraw": lambda d: _("撤回给 %(unit)s 的任务") % {"unit": _unit(d)},
    "self_handle": lambda d: _("由 %(lead)s 自行处置") % {"lead": _lead(d)},
    "whistle_confirm": lambda d: _assigned(d, _("街道吹哨，召集 %(lead)s 到现场")),
    "sign": lambda d: _("%(unit)s 已签收") % {"unit": _unit(d)},
    "report_in": lambda d: _("%(unit)s 已到现场") % {"unit": _unit(d)},
    "send_back": lambda d: _("%(unit)s 退回，重新派遣") % {"unit": _unit(d)},
    "rule_dispute": lambda d: _assigned(d, _("派给 %(lead)s 主办")),
    "stage_done": lambda d: _("%(unit)s 完成阶段“%(stage)s”") % {"unit": _unit(d), "stage": d.get("stage", "")},
    "grant": lambda d: _("同意挂账：暂时无法处置，计时暂停") if d.get("kind") == "suspend" else _("同意延期"),
    "resume": _("结束挂账，继续处置"),
    "finish": lambda d: _("%(unit)s 办完交回") % {"unit": _unit(d)},
    "verify": lambda d: _("现场核查合格") if d.get("passed") else _("现场核查不合格，返工"),
    "close": _("结案：已解决"),
    "close_not_fixed": _("结案：未能解决"),
    "answer": _("书面答复并结案"),
    "clear": _("结案：问题已消除"),
    "spot_check": _("数据显示已消除，到现场抽查"),
    "recheck": lambda d: _("回头看：又出现了") if d.get("rebounded") else _("回头看：没有反弹"),
    "rebound": _("问题又出现，重新交办"),
    "reopen": _("上报人说没有解决，重新交办"),
    "end_watch": _("观察期满，没有反弹"),
}
HIDDEN = frozenset(  # the office's own business, or told otherwise (me_too is counted, notes are shown as notes)
    {
        "merge", "merge_in", "merge_out", "unmerge", "split", "dispute", "add_to_report",
        "me_too", "categorise", "publish", "whistle_draft", "whistle_reject", "note", "request_extension",
        "request_suspension", "refuse", "evaluate", "comment_evaluation", "circulate", "callback", "urge", "settle_callback",
        "supervise", "escalate", "recompute", "appeal", "review_appeal", "withdraw_appeal",
    }
)  # fmt: skip
REASONS = frozenset({"decline", "close_not_fixed", "answer"})  # written for the reporter, shown to the reporter only


def entries(events: Iterable[CaseEvent], notes: Iterable[Note], *, reasons: bool = False) -> list[Entry]:
    """The public steps of a case, newest first; `reasons` only for somebody who reported it.

    Numbers are masked for everybody: a case can have many reporters, and none of them is who a number belongs to.
    """
    found: list[Entry] = []
    events = list(events)
    english = queries.english_names(events)
    more = 0
    last = None
    for event in events:
        if event.action == "me_too":
            more, last = more + 1, event.at
        says = SAYS.get(event.action)
        if says is not None:
            entry = Entry(event.at, str(says(_translated(event.data, english)) if callable(says) else says))
            if reasons and event.action in REASONS:
                entry.detail = masked(event.reason)
            found.append(entry)
    if last:
        found.append(Entry(last, _("又有 %(n)d 条上报反映同一问题") % {"n": more}, quiet=True))
    for note in notes:
        unit = named(note.organisation) or _("总指挥部")
        said = _("%(unit)s 的答复") if note.kind == Note.Kind.REPLY else _("%(unit)s 的进展")
        found.append(Entry(note.created_at, said % {"unit": unit}, masked(note.text)))
    found.reverse()  # of two at the same moment the later one comes first
    return sorted(found, key=lambda entry: entry.at, reverse=True)
