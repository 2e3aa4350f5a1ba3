"""The words of inbox items. A notice keeps what happened (its kind and a few values); the sentence is made on read, in
the reader's language. Free text in it (a reason, a circular's title) stays as it was written.
"""

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.cases.models import Notice
from shaodao.foundation.naming import named

Data = dict[str, Any]


def name_of(row: Any) -> dict[str, str] | None:
    """A row of master data as a notice or an event names it: {"name", "name_en"}, so that both languages stay."""
    return None if row is None else {"name": row.name, "name_en": getattr(row, "name_en", "")}


def _added(d: Data) -> str:
    return _("上报人补充了案件 %(n)s：%(photos)d 张照片") % d if d["photos"] else _("上报人补充了案件 %(n)s") % d


def _assigned(d: Data) -> str:
    said = _("吹哨：请到现场报到 %(n)s") if d["via"] == "whistle" else _("新任务待签收 %(n)s")
    return " ".join(part for part in (said % d, named(d.get("category"))) if part)


def _evaluation(d: Data) -> str:
    if "unit" in d:
        return _("%(unit)s 获评 效率 %(a)d 效果 %(b)d") % {**d, "unit": named(d["unit"])}
    return _("街道评价：效率 %(a)d 效果 %(b)d（%(n)s）") % d


def _rebound(d: Data) -> str:
    return (_("反弹重办：%(n)s") if d["again"] else _("案件反弹：%(n)s")) % d


def _reopened(d: Data) -> str:
    return (_("回访未解决，请重办：%(n)s") if d["again"] else _("回访未解决，已交原单位重办：%(n)s")) % d


def _appeal(d: Data) -> str:
    said = {
        "asked": _("%(unit)s 申诉，待复核：%(n)s"),
        "second": _("申诉还须另一人复核：%(n)s"),
        "third": _("申诉复核意见不一，请第三人定：%(n)s"),
        "withdrawn": _("%(unit)s 撤回申诉：%(n)s"),
        "upheld": _("申诉成立，不计入统计：%(n)s"),
        "rejected": _("申诉未获支持，维持原记录：%(n)s"),
        "evaluation": _("对评价的申诉成立，该评价不计入得分：%(n)s"),
    }[d["said"]]
    return said % {**d, "unit": named(d.get("unit"))}


def _rung(d: Data) -> str:
    return f"{named(d['rung'])} {d['n']}"


# By kind: a sentence, or what makes it. `n` is the number of the case, the rest is what `Step.tell` was given.
SAYS: dict[str, Promise | Callable[[Data], str]] = {
    "added": _added,
    "appeal": _appeal,
    "appeal_decided": _appeal,
    "assigned": _assigned,
    "evaluation": _evaluation,
    "rebound": _rebound,
    "circular": gettext_lazy("通报：%(title)s"),
    "comment": gettext_lazy("总指挥部批注了评价：%(n)s"),
    "evaluate": gettext_lazy("请评价承办部门：%(n)s"),
    "granted": gettext_lazy("申请已同意：%(n)s"),
    "located": gettext_lazy("案件 %(n)s 的地点已更正，归本街道"),
    "me_too": gettext_lazy("案件 %(n)s 又有人上报"),
    "recheck": gettext_lazy("请到现场复查，防止反弹：%(n)s"),
    "refused": gettext_lazy("申请未同意：%(n)s"),
    "resumed": gettext_lazy("挂账结束，恢复计时：%(n)s"),
    "rework": gettext_lazy("核查不合格，请返工：%(n)s"),
    "reopened": _reopened,
    "unsolved": gettext_lazy("上报人说没有解决，请核对：%(n)s"),
    "ruling": gettext_lazy("争议已裁定，任务撤回：%(n)s"),
    "spot_check": gettext_lazy("数据显示已消除，请到现场抽查：%(n)s"),
    "supervise": gettext_lazy("督办 %(n)s：%(why)s"),
    "urge": gettext_lazy("催办 %(n)s：%(why)s"),
    "whistle_draft": gettext_lazy("待确认吹哨：%(n)s"),
    "whistle_rejected": gettext_lazy("吹哨未同意：%(n)s"),
    "withdrawn": gettext_lazy("任务已撤回：%(n)s"),
}

# Kinds of other rooms, about no case: the sentence, and the page that it leads to. A room registers its own.
OTHERS: dict[str, tuple[Callable[[Data], str], Callable[[Data], str]]] = {}


def address(notice: Notice) -> str:
    """The page that an item of another room leads to; "" for items about cases."""
    return OTHERS[notice.kind][1](notice.data) if notice.kind in OTHERS else ""


def words(notice: Notice) -> str:
    """What an inbox item says, in the language of whoever reads it (no query where its case is joined).

    A rung of the ladder is called as the pack calls it. An item from before its values were kept has its sentence in
    `text`, which is shown where the kind alone does not say enough.
    """
    if notice.kind in OTHERS:
        return OTHERS[notice.kind][0](notice.data)
    data = {**notice.data, "n": notice.case.number if notice.case else ""}
    says = _rung if "rung" in data else SAYS.get(notice.kind, _rung)
    try:
        return says(data) if callable(says) else str(says) % data
    except KeyError:
        return notice.text or f"{notice.kind} {data['n']}".strip()
