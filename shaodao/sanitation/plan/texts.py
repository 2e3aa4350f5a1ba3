"""A plan in words: for a terminal, a page and an Excel file."""

from typing import Any

from django.utils.translation import gettext as _

from shaodao.foundation.naming import named
from shaodao.sanitation.feasibility.texts import n, percent
from shaodao.sanitation.plan import reasons


def why(code: str) -> str:
    """A reason for leaving something out."""
    return {
        reasons.NO_VEHICLE: _("没有这种车"), reasons.NO_SHIFT: _("时段里没有车当班"), reasons.WEATHER: _("因天气停止"),
        reasons.WINDOW: _("时段太短"), reasons.SPACING: _("两遍间隔不够"), reasons.NO_WATER: _("没有取水点"),
        reasons.TANK: _("水箱不够一趟用水"), reasons.CAPACITY: _("车和时间不够"), reasons.SEASON: _("不在季节"),
        reasons.BY_HAND: _("人工去掉"),
    }.get(code, code)  # fmt: skip


def note(what: str, code: str) -> str:
    """What had to be put right in the book before a plan could be made."""
    return {
        "shifts_overlap": _("%(c)s 的班次重叠，按一个班计"),
        "no_crew": _("%(c)s 没有班组，不排"),
    }.get(what, what) % {"c": code}  # fmt: skip


def headline(found: dict[str, Any]) -> str:
    """How much is planned, and how much is possible at most."""
    if found["planned_share"] is None:
        return _("这一天没有要做的作业")
    said = {"p": n(percent(found["planned_share"]), 1), "f": n(percent(found["feasible_share"]), 1)}
    return _("排入 %(p)s%%（按机时和用水算，最多 %(f)s%%）") % said


def head() -> list[str]:
    return [_("作业"), _("排入"), _("应做"), _("占比"), _("未排原因"), _("作业公里"), _("空驶公里"), _("用水（立方米）"), _("加水次数"), _("车辆")]  # fmt: skip


def lines(found: dict[str, Any]) -> list[list[Any]]:
    """A row for each service, under `head`."""
    return [
        [
            named(s), s["done"], s["planned"], None if s["share"] is None else round(100 * s["share"], 1),
            "; ".join(f"{why(code)} {count}" if count else why(code) for code, count in s["left_out"].items()),
            s["work_km"], s["move_km"], s["water_m3"], s["refills"], s["vehicles"],
        ]
        for s in found["services"]
    ]  # fmt: skip
