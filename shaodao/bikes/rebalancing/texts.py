"""Advice in words."""

from typing import Any

from django.utils.translation import gettext as _

from shaodao.bikes import settings
from shaodao.bikes.rebalancing.advice import Advice, Move
from shaodao.foundation import clock

STILL = 0.0005  # a share that is shown as 0.0 %


def line(move: Move) -> str:
    """A move in one line."""
    said = {"a": move.origin.code, "b": move.target.code, "n": move.bikes, "loads": move.loads, "m": move.metres}
    return _("%(a)s → %(b)s：%(n)d 辆，%(loads)d 车次，%(m)d 米") % said


def missing(found: Advice) -> tuple[str, str]:
    """(title, hint): why there is no advice at all."""
    given = settings.current().rebalancing
    if found.missing == "vans":
        return _("没有运输车"), _("车次为 0，没有可以搬运的车。改一改车次，或者在数据包 bikes.rebalancing 里写明。")
    if found.missing == "history":
        said = {"n": found.days, "least": given.least_days}
        return _("历史还不够"), _("最近只有 %(n)d 天的取还数据，至少要 %(least)d 天；每天的位置在次日算入。") % said
    return _("没有收到过位置"), _("这家企业还没有报来过车辆位置，不知道车在哪里。")


def nothing() -> tuple[str, str]:
    """(title, hint): there is no move that is worth its way."""
    return _("不建议搬运"), _("按预计的取还，没有哪次搬运值得跑这一趟。")


def gap(share: float | None) -> str:
    """How near to the best the plan is."""
    if share is None:
        return _("没有找到能省的方案。")
    if share < STILL:
        return _("这已是所考虑的搬运里最好的方案。")
    return _("在所考虑的搬运里，至多还能再多省 %(share)s%%。") % {"share": f"{share * 100:.1f}"}


def basis(found: Advice) -> list[str]:
    """What it was reckoned from."""
    if found.weekend is None:
        said = [_("取还：最近 %(n)d 天有数据，取各小时的平均。") % {"n": found.days}]
    else:
        kind = _("周末") if found.weekend else _("工作日")
        numbers = {"n": found.days, "alike": found.alike, "kind": kind}
        said = [_("取还：最近 %(n)d 天有数据，只取其中 %(alike)d 天%(kind)s各小时的平均。") % numbers]
    if found.positions:
        at = clock.local(found.positions.newest).strftime("%Y-%m-%d %H:%M")
        said.append(_("位置：最新的是 %(at)s。") % {"at": at})
        if found.positions.silent:
            said.append(_("数据已中断，现在的车可能已经不在那里。"))
    return said


def gains(found: Advice) -> str:
    """What is expected, before and by the moves."""
    said: dict[str, Any] = {"hours": found.hours}
    for name in ("short", "over", "riders", "bikes"):
        said[name] = f"{round(getattr(found, name), 1) + 0.0:.1f}"  # + 0.0: no minus before nothing
    return (
        _(
            "今后 %(hours)d 小时若不搬，预计 %(short)s 人次找不到车、%(over)s 辆车停不下；照此搬，多 %(riders)s 人次有车骑，多 %(bikes)s 辆停得下。"
        )
        % said
    )


def summary(found: Advice) -> list[str]:
    """All of it, for a terminal or a file."""
    if found.missing:
        return list(missing(found))
    ending = [gap(found.gap)] if found.moves else list(nothing())
    advice_only = _("只是建议，系统不会派车。")
    return [gains(found), *ending, *basis(found), advice_only]
