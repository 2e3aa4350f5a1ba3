"""A report as tables of words and numbers: what the page shows, the Excel file holds and the PDF prints."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from shaodao.bikes.models import DayReport
from shaodao.bikes.reports.figures import rate
from shaodao.bikes.words import Reason, flag_labels
from shaodao.foundation import clock
from shaodao.foundation.documents import NONE, Percent, Table, words
from shaodao.foundation.naming import named


def tables(
    row: DayReport, others: Iterable[DayReport], streets: Mapping[str, str], links: Mapping[int, str]
) -> list[Table]:
    """The tables of a day's report: of one operator, or of all with `others` (its operators' reports of that day)."""
    f = row.figures
    made = [] if row.operator_id else [_operators(list(others), links)]
    if row.operator_id:
        made.append(_score(row))
    made += [
        _groups("hours", _("分时段"), pgettext("report", "时段"), {f"{hour}:00": g for hour, g in f["hours"].items()}),
        _groups("streets", _("分街道"), _("街道"), {streets.get(code, code) or _("没有归属街道"): g for code, g in f["streets"].items()}),
    ]  # fmt: skip
    made += [_bays(f["bays"])] if not row.operator_id and f["bays"] else []
    return made + ([_feed(f["quality"]), _fleet(f["fleet"]), _cases(f["cases"])] if row.operator_id else [])


def _operators(rows: list[DayReport], links: Mapping[int, str]) -> Table:
    head = [
        _("企业"), _("得分"), _("有序率"), _("有效车时"), _("位置数"), _("在街车辆"), pgettext("report", "配额"), _("按时到场"), _("按时解决"),
        _("数据拒收率"),
    ]  # fmt: skip
    cells = []
    for row in rows:
        assert row.operator is not None
        f = row.figures
        cells.append(
            [
                named(row.operator.organisation), row.score, Percent(f["in_order_rate"]), f["bike_hours_certain"],
                f["positions"], f["vehicles"], f["fleet"]["quota"], _met(f["cases"]["arrive"]), _met(f["cases"]["solve"]),
                Percent(f["quality"]["rejected_rate"]),
            ]
        )  # fmt: skip
    note = _("得分满分 100，数据太少的一天不评分。有效车时：每辆车每小时按最后一次能确定的判断计一次，是有序率的分母。")
    return Table("operators", _("各企业"), head, cells, note, [links.get(row.operator_id or 0, "") for row in rows])


def _met(limit: dict[str, Any]) -> str:
    ended = limit["met"] + limit["missed"]
    return f"{limit['met']}/{ended}" if ended else NONE


def _groups(key: str, title: str, first: str, groups: Mapping[str, dict[str, Any]]) -> Table:
    head = [
        first, _("有序率"), _("有效车时"), _("其中有序"), _("车辆"), _("位置数"), _("点位内"), _("点位旁"), _("点位外"),
        _("不能确定"), _("禁停区内"),
    ]  # fmt: skip
    rows = [
        [
            name, Percent(g["in_order_rate"]), g["bike_hours_certain"], g["bike_hours_in_order"], g["vehicles"], g["positions"],
            g["in_bay"], g["near_bay"], g["outside"], g["uncertain"], g["in_zone"],
        ]
        for name, g in groups.items()
    ]  # fmt: skip
    return Table(key, title, head, rows)


def _bays(bays: dict[str, Any]) -> Table:
    head = [_("点位"), _("超容小时数"), _("最多车辆"), _("容量")]
    rows = [[b["bay"], b["hours"], b["most"], b["capacity"]] for b in bays["worst"]]
    said = {"n": bays["over"], "of": bays["bay_hours"], "bays": bays["bays_over"]}
    note = (
        _(
            "有车的 %(of)d 个点位小时里，%(n)d 个超过容量，涉及 %(bays)d 个点位；列出最多的。按车辆在该小时最后的位置计。"
        )
        % said
    )
    return Table("bays", _("点位超容"), head, rows, note)


def _pairs(key: str, title: str, rows: list[list[Any]], note: str = "") -> Table:
    return Table(key, title, [_("项目"), _("数值")], rows, note)


def _feed(q: dict[str, Any]) -> Table:
    rows: list[list[Any]] = [
        [_("收到"), q["received"]], [_("收下"), q["kept"]], [_("未收"), q["rejected"]],
        [_("未收比例（不计重复）"), Percent(q["rejected_rate"])],
        [_("95% 的位置在多少秒内到达"), q["p95_s"] if q["kept"] and q["p95_s"] else (_("超过 1 小时") if q["kept"] else None)],
        [_("迟于 5 分钟的比例"), Percent(q["late_rate"])],
        [_("中断次数"), q["gaps"]], [_("最长中断（分钟）"), q["longest_gap_s"] // 60],
        [_("调用次数"), q["calls"]], [_("失败次数"), q["failures"]],
    ]  # fmt: skip
    known = {str(reason.value): str(reason.label) for reason in Reason}
    rows += [[_("未收：%(why)s") % {"why": known.get(code, code)}, n] for code, n in sorted(q["reasons"].items())]
    rows += [
        [_("标记：%(what)s") % {"what": flag_labels().get(code, code)}, n] for code, n in sorted(q["marked"].items())
    ]
    return _pairs("feed", _("数据质量"), rows, _("按收到的日期计"))


def _fleet(fleet: dict[str, Any]) -> Table:
    labels = {
        "seen": _("在街车辆"), "quota": pgettext("report", "配额"), "over": _("超出配额"), "registered": _("台账在册"),
        "seen_registered": _("在街且在册"), "seen_unregistered": _("在街但不在册"),
    }  # fmt: skip
    return _pairs("fleet", _("车辆规模"), [[label, fleet[name]] for name, label in labels.items()])


def _cases(cases: dict[str, Any]) -> Table:
    rows: list[list[Any]] = [[_("派给企业的案件"), cases["sent"]], [_("已办结"), cases["finished"]]]
    for name, label in (("arrive", _("到场")), ("solve", _("解决"))):
        c = cases[name]
        said = {"what": label}
        rows += [
            [_("%(what)s：按时") % said, c["met"]], [_("%(what)s：超时") % said, c["missed"]],
            [_("%(what)s：期限未到") % said, c["open"]], [_("%(what)s：中位用时（分钟）") % said, c["median_min"]],
        ]  # fmt: skip
    return _pairs("cases", pgettext("report", "案件"), rows, _("当天派出的；申诉成立的不计"))


# ── the score ────────────────────────────────────────────────────────────────────────────────────────────────────


def part_labels() -> dict[str, str]:
    """Words for each part of the score, in the order of scoring.PARTS."""
    return {
        "order": _("停放秩序"), "response": _("响应时限"), "fleet": _("规模与台账"), "data": _("数据质量"), "warnings": _("警告与暂停"),
        "spot_checks": _("巡查清点"),
    }  # fmt: skip


def _score(row: DayReport) -> Table:
    labels = part_labels()
    rows = [
        [labels.get(p["part"], p["part"]), p["weight"], p["points"], Percent(p["share"]), explained(p)]
        for p in row.parts
    ]
    head = [pgettext("score", "项目"), _("权重"), _("得分"), _("得分率"), _("依据")]
    if row.score is None:
        note = _("这一天的数据不够，不评分。")
    else:
        note = _("总分 %(n)s：各项得分之和除以有依据的各项权重之和，折算为百分。没有依据的项不计。") % {
            "n": words(row.score)
        }
    return Table("score", _("考核得分"), head, rows, note)


def explained(part: dict[str, Any]) -> str:
    """What a part of the score was made of, in words."""
    n = part["numbers"]
    said = {"order": _order, "response": _response, "fleet": _fleet_said, "data": _data, "warnings": _warnings}
    make = (said | {"spot_checks": _spot_checks}).get(part["part"])
    return make(n) if make else NONE


def _order(n: dict[str, Any]) -> str:
    if "least" in n:
        return _("有效车时 %(of)d，不足 %(least)d") % n
    said = {**n, "rate": Percent(rate(n["in_order"], n["of"])), "zero": Percent(n["zero"]), "full": Percent(n["full"])}
    return _("有序车时 %(in_order)d / %(of)d = %(rate)s；%(zero)s 得零分，%(full)s 得满分") % said


def _response(n: dict[str, Any]) -> str:
    labels = {"arrive": _("按时到场"), "solve": _("按时解决")}
    found = [f"{labels[name]} {c['met']}/{c['of']}" for name, c in n.items() if c["of"]]
    return "；".join(found) if found else _("没有到期的案件")


def _fleet_said(n: dict[str, Any]) -> str:
    return _("在街 %(seen)d 辆，配额 %(quota)d，超出 %(over)d；在册 %(seen_registered)d") % n


def _data(n: dict[str, Any]) -> str:
    if not n["calls"]:
        return _("当天没有数据")
    said = {**n, "rejected": Percent(n["rejected_rate"]), "late": Percent(n["late_rate"])}
    return _("未收 %(rejected)s，迟到 %(late)s，调用 %(calls)d 次，失败 %(failures)d 次") % said


def _warnings(n: dict[str, Any]) -> str:
    return _("警告 %(warn)d 次，暂停 %(suspend)d 次") % n


def _spot_checks(n: dict[str, Any]) -> str:
    span = _("%(since)s 起 %(days)d 天") % n
    if "least" in n and n["n"] >= n["least"]:
        return _("%(span)s清点 %(n)d 次，目测和数据都没有车，这一项不计") % {**n, "span": span}
    if "least" in n:
        return _("%(span)s清点 %(n)d 次，不足 %(least)d 次，这一项不计") % {**n, "span": span}
    said = {**n, "span": span, "rate": Percent(rate(n["off"], n["larger"])),
            "full": Percent(n["full"]), "zero": Percent(n["zero"])}  # fmt: skip
    text = _("%(span)s清点 %(n)d 次，目测 %(by_eye)d 辆、数据 %(by_feed)d 辆，相差合计 %(off)d / %(larger)d = %(rate)s")
    return (text + _("；%(full)s 以内得满分，%(zero)s 得零分")) % said


def basis(row: DayReport) -> str:
    """When and by what the report was counted."""
    said = {
        "at": clock.local(row.computed_at).strftime("%Y-%m-%d %H:%M"),
        "v": row.version,
        "rules": row.rules.get("figures", "?"),
    }
    text = _("第 %(v)d 版，计算于 %(at)s，口径 %(rules)s") % said
    return text if row.final else text + _("（当天未完，随时更新）")
