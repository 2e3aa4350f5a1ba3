"""What a finding says in words: the title of its case, and the report that opens it."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shaodao.bikes import settings
from shaodao.bikes.findings.words import PlaceKind, Rule
from shaodao.bikes.models import Finding
from shaodao.foundation import district
from shaodao.foundation.naming import named


def where(row: Finding) -> str:
    """The place in words; `bay`, `zone`, `street`, `community` are joined by the caller."""
    if row.place == PlaceKind.BAY and row.bay:
        beside = len(row.asked.get("bays", ())) - 1
        if beside > 0:
            return ngettext("停放点位 %(name)s 及相邻 %(n)d 个", "停放点位 %(name)s 及相邻 %(n)d 个", beside) % {
                "name": row.bay, "n": beside,
            }  # fmt: skip
        return _("停放点位 %(name)s") % {"name": row.bay}
    if row.place == PlaceKind.ZONE and row.zone:
        return str(row.zone)
    if row.place == PlaceKind.DISTRICT:
        return _("全区")
    near = named(row.community or row.street) if row.community or row.street else ""
    return _("%(place)s 一处") % {"place": near} if near else _("点位外一处")


def what(row: Finding) -> str:
    """What is not in order, in one sentence."""
    said = {"n": row.count, "limit": row.limit, "over": max(0, row.count - row.limit)}
    sentence = {
        Rule.OVER_CAPACITY: _("容量 %(limit)d 辆，现有 %(n)d 辆，超出 %(over)d 辆"),
        Rule.CLUSTER: _("点位之外聚集 %(n)d 辆"),
        Rule.NO_PARKING: _("禁停区内停放 %(n)d 辆"),
        Rule.IDLE: _("一辆车已停放 %(n)d 天，超过 %(limit)d 天"),
        Rule.OVER_QUOTA: _("上限 %(limit)d 辆，现有 %(n)d 辆，超出 %(over)d 辆"),
    }[Rule(row.rule)]
    return sentence % said


def minutes(row: Finding) -> str:
    """How long it has been seen."""
    n = max(0, int((row.last_seen_at - row.first_seen_at).total_seconds() // 60))
    if n >= 120:
        return ngettext("%(n)d 小时", "%(n)d 小时", n // 60) % {"n": n // 60}
    return ngettext("%(n)d 分钟", "%(n)d 分钟", n) % {"n": n}


def shares(row: Finding, names: dict[int, Any]) -> str:
    """Which operator has how many of the bikes and has to take away how many; `names`: organisations by operator."""
    parts = []
    for pk, share in sorted(row.shares.items(), key=lambda pair: (-pair[1]["n"], int(pair[0]))):
        values = {"unit": named(names[int(pk)]), "n": share["n"], "over": share["over"]}
        parts.append(_("%(unit)s %(n)d 辆，应清走 %(over)d 辆") % values)
    return _("；").join(parts)


def title(row: Finding) -> str:
    return _("共享单车%(rule)s：%(where)s，%(what)s") % {
        "rule": Rule(row.rule).label, "where": where(row), "what": what(row),
    }  # fmt: skip


def report(row: Finding, names: dict[int, Any]) -> str:
    """The text of the report; it names no vehicle."""
    if row.rule == Rule.IDLE:
        return title(row)
    said = _("%(title)s；已持续 %(minutes)s。%(shares)s。") % {
        "title": title(row), "minutes": minutes(row), "shares": shares(row, names),
    }  # fmt: skip
    return str(said)


def address(row: Finding) -> str:
    """Where, for a case without a position."""
    return named(district.current()) if row.lon_e6 is None else where(row)[:200]


def asked(rule: str, values: dict[str, Any]) -> str:
    """A rule's parameters in words: why something is a finding, and when it is none any more."""
    sentence = {
        Rule.OVER_CAPACITY: _("超出容量 %(bikes)d 辆以上，相距 %(group_m)g 米以内的点位合计"),
        Rule.CLUSTER: _("点位之外 %(bikes)d 辆以上，相距不到 %(eps_m)g 米"),
        Rule.NO_PARKING: _("一家企业在禁停区 %(bikes)d 辆以上，连续 %(fixes)d 次定位"),
        Rule.IDLE: _("停放 %(idle_days)g 天以上没有动"),
        Rule.OVER_QUOTA: _("超出配额或限量 %(bikes)d 辆以上"),
    }[Rule(rule)]
    parking = settings.current().parking
    known = {"bikes": 1, "eps_m": 0, "fixes": parking.fixes, "idle_days": parking.idle_days}
    known |= {"group_m": parking.group_m} | values
    parts = [sentence % known]
    if len(values.get("bays", ())) > 1:
        parts.append(_("合计的点位：%(codes)s") % {"codes": _("、").join(values["bays"])})
    if values.get("minutes"):
        parts.append(_("持续 %(n)g 分钟立案") % {"n": values["minutes"]})
    if values.get("clear_minutes"):
        parts.append(_("消失 %(n)g 分钟结案") % {"n": values["clear_minutes"]})
    return _("；").join(parts)
