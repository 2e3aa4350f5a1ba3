"""What a finding says in words: its sentence, the report that opens its case."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shaodao.foundation.naming import named
from shaodao.sanitation.models import ServiceFinding
from shaodao.sanitation.proof.words import Kind


def hhmm(seconds: float) -> str:
    """Seconds from midnight as 06:05."""
    minutes = int(seconds // 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def grouped(row: ServiceFinding) -> list[dict[str, Any]]:
    """The items of a finding by kind and pass: {kind, label, pass, n, metres, segments, at, vehicles, made_up}."""
    found: dict[tuple[str, int, bool], dict[str, Any]] = {}
    for item in row.items:
        made_up = bool(item.get("made_up"))
        key = (item["kind"], item["pass"], made_up)
        group = found.setdefault(key, {
            "kind": item["kind"], "label": Kind(item["kind"]).label, "pass": item["pass"], "n": 0, "metres": 0.0,
            "segments": [], "at": item["at"], "vehicles": [], "made_up": made_up,
        })  # fmt: skip
        group["n"] += 1
        group["metres"] += item["metres"]
        group["at"] = min(group["at"], item["at"])
        group["segments"].append(item["segment"])
        if item["vehicle"] and item["vehicle"] not in group["vehicles"]:
            group["vehicles"].append(item["vehicle"])
    order = list(Kind.values)
    return sorted(found.values(), key=lambda g: (g["made_up"], order.index(g["kind"]), g["pass"]))


def sentence(group: dict[str, Any]) -> str:
    """漏做 第 2 遍：3 个路段，900 米（07:10 起）"""
    which = _("第 %(n)d 遍") % {"n": group["pass"]} if group["pass"] else _("计划之外")
    many = ngettext("%(n)d 个路段", "%(n)d 个路段", group["n"]) % {"n": group["n"]}
    said = {"kind": group["label"], "which": which, "many": many, "m": number_format(group["metres"], 0, force_grouping=True),
            "at": hhmm(group["at"])}  # fmt: skip
    return _("%(kind)s %(which)s：%(many)s，%(m)s 米（%(at)s 起）") % said


def title(row: ServiceFinding) -> str:
    said = {"day": row.day.isoformat(), "road": named(row.road), "mode": named(row.mode)}
    return _("环卫作业 %(day)s %(road)s %(mode)s") % said


def what(row: ServiceFinding) -> str:
    return _("；").join(sentence(group) for group in grouped(row) if not group["made_up"])


def report(row: ServiceFinding, url: str) -> str:
    """The text of the report. It names segments and vehicles, and where the evidence is."""
    left = [group for group in grouped(row) if not group["made_up"]]
    segments = sorted({code for group in left for code in group["segments"]})
    vehicles = sorted({code for group in left for code in group["vehicles"]})
    parts = [f"{title(row)}：{what(row)}", _("路段 %(codes)s") % {"codes": _("、").join(segments[:20])}]
    if len(segments) > 20:
        parts[-1] += _("等 %(n)d 个") % {"n": len(segments)}
    if vehicles:
        parts.append(_("车辆 %(codes)s") % {"codes": _("、").join(vehicles)})
    parts.append(_("证据（轨迹、路段、缺口）见 %(url)s") % {"url": url})
    return _("。").join(parts) + _("。")


def address(row: ServiceFinding) -> str:
    return named(row.road)[:200]
