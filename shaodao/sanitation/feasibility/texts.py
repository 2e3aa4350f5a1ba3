"""A verdict in words and as JSON."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shaodao.foundation.naming import named
from shaodao.sanitation.feasibility.reckon import Fix, Service, Verdict, Window
from shaodao.sanitation.hours import said


def n(value: float, digits: int = 0) -> str:
    return number_format(round(value, digits), digits, force_grouping=True)


def fix(service: Service, found: Fix) -> str:
    """What would help, with its number, and whether it alone is enough."""
    if found.kind == "vehicles":
        words = {"t": service.mode.get_vehicle_type_display(), "h": n(found.gain_h, 1), "n": n(found.amount)}
        text = ngettext("加 %(n)s 辆%(t)s（+%(h)s 台时）", "加 %(n)s 辆%(t)s（+%(h)s 台时）", int(found.amount)) % words
    elif found.kind == "carriageway":
        text = _("只做车行道 %(a)s 万平方米（少用 %(h)s 台时）") % {
            "a": n(found.amount / 1e4, 1),
            "h": n(found.gain_h, 1),
        }
    elif found.kind == "night":
        text = _("夜间加班 %(m)s 小时，用现有车辆（+%(h)s 台时）") % {
            "m": n(found.amount / 60, 1),
            "h": n(found.gain_h, 1),
        }
    else:
        text = _("多取水 %(m)s 立方米") % {"m": n(found.amount)}
    return text + (_("：够了") if found.suffices else _("：单靠它不够"))


def state(service: Service) -> str:
    return {
        "ok": _("做得完"), "short": _("做不完"), "stopped": _("因天气停止"), "out_of_season": _("不在季节"),
        "empty": _("没有可做的路段"),
    }[service.state]  # fmt: skip


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The answer of `shaodao sanitation feasibility DATE --json`."""
    day = verdict.day
    return {
        "date": day.date.isoformat(),
        "feasible": verdict.feasible,
        "share": _round(verdict.share, 4),
        "roads": len(day.roads),
        "carriageway_km": _round(day.length_m.sum() / 1000, 3),
        "area_m2": {name: _round(values.sum(), 1) for name, values in day.areas.items()},
        "water_needed_m3": _round(verdict.water_m3, 1),
        "water_possible_m3": _round(day.water_supply.sum() / 1000, 1),
        "fill_points": day.fill_points,
        "vehicles": {name: {"on_shift": f.n, "in_workshop": f.away} for name, f in day.fleets.items()},
        "vehicles_without_crew": day.crewless,
        "weather_hours": sorted(day.weather),
        "illustrative": day.illustrative,
        "assumed": {"productive": day.settings.productive, "detour": day.settings.detour, "night": day.settings.night},
        "services": [_service(s) for s in verdict.services],
    }


def _service(s: Service) -> dict[str, Any]:
    return {
        "code": s.mode.code,
        "name": named(s.mode),
        "kind": s.mode.kind,
        "state": s.state,
        "why": s.why if s.stopped_min else "",
        "passes": s.mode.passes,
        "area_m2": _round(s.area_m2, 1),
        "run_km_a_pass": _round(s.run_km, 2),
        "work_h_a_pass": _round(s.pass_h, 2),
        "refill_h_a_pass": _round(s.refill_h, 2),
        "refills_a_pass": _round(s.pass_refills, 1),
        "water_m3_a_pass": _round(s.pass_water_m3, 1),
        "tank_m3": _round(s.tank_m3, 1),
        "needed_h": _round(s.needed_h, 2),
        "granted_h": _round(s.granted_h, 2),
        "share": _round(s.share, 4),
        "windows": [_window(s, w) for w in s.windows],
    }


def _window(s: Service, w: Window) -> dict[str, Any]:
    return {
        "window": said([w.spans]),
        "passes": w.passes,
        "open_minutes": w.minutes,
        "needed_h": _round(w.needed_h, 2),
        "available_h": _round(w.alone_h, 2),
        "granted_h": _round(w.granted_h, 2),
        "missing_h": _round(w.missing_h, 2),
        "water_m3": _round(w.water_m3, 1),
        "water_granted_m3": _round(w.water_granted_m3, 1),
        "passes_by_spacing": w.passes_fit,
        "share": _round(w.share, 4),
        "first_road": w.first_road.code if w.first_road else None,
        "short_km": _round(w.short_km, 2),
        "fixes": [
            {**vars(f), "amount": _round(f.amount, 1), "gain_h": _round(f.gain_h, 2), "text": fix(s, f)}
            for f in w.fixes
        ],
    }


def _round(value: Any, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def headline(verdict: Verdict) -> str:
    """The answer in a sentence."""
    if verdict.feasible is None:
        return _("这一天没有要做的作业")
    if verdict.feasible:
        return _("按机时和用水算，全部做得完；能否排开还要看计划")
    return _("做不完：最多完成 %(p)s%%") % {"p": n(percent(verdict.share), 1)}


def percent(share: float | None) -> float:
    """A share as percent, never rounded up to all."""
    value = round(100 * (share or 0.0), 1)
    return 99.9 if value >= 100 and (share or 0.0) < 1 else value


def lines(verdict: Verdict) -> list[list[str]]:
    """A row for each service and window, for a terminal."""
    found = []
    for s in verdict.services:
        found.append([named(s.mode), state(s), "", "", ""])
        for w in s.windows:
            hours = _("需 %(a)s / 得 %(b)s 台时") % {"a": n(w.needed_h, 1), "b": n(w.granted_h, 1)}
            water = (
                _("水 %(a)s / %(b)s 立方米") % {"a": n(w.water_m3), "b": n(w.water_granted_m3)} if w.water_m3 else ""
            )
            helps = "\n".join(fix(s, f) for f in w.fixes)
            found.append([f"  {said([w.spans])}", f"{n(percent(w.share), 1)}%", hours, water, helps])
    return found
