"""Can the day be done? The verdict of `feasibility/` as a page, for print and as a workbook."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import log, sheets
from shaodao.foundation.naming import named
from shaodao.sanitation.feasibility import texts
from shaodao.sanitation.feasibility.facts import read
from shaodao.sanitation.feasibility.reckon import Verdict, reckon
from shaodao.sanitation.hours import said
from shaodao.sanitation.requests import enter
from shaodao.sanitation.views.weather import day_of
from shaodao.sanitation.weather import stops
from shaodao.sanitation.words import VehicleType

LIGHTS = {"ok": "green", "short": "red", "stopped": "paused", "out_of_season": "paused", "empty": "paused"}


@staff
@require_safe
def feasibility(request: HttpRequest) -> HttpResponse:
    """`?day=`; `?format=xlsx` gives the same figures as a workbook."""
    enter(request)
    day = day_of(request)
    verdict = reckon(read(day))
    if request.GET.get("format") == "xlsx":
        log.write("sanitation.feasibility.export", day.isoformat(), actor=actor_of(request).person)
        response = HttpResponse(_workbook(verdict), content_type=sheets.XLSX)
        response["Content-Disposition"] = content_disposition_header(True, f"feasibility-{day}.xlsx") or ""
        return response
    context = {
        "day": day, "before": day - timedelta(days=1), "after": day + timedelta(days=1),
        "verdict": verdict, "headline": texts.headline(verdict), "services": _services(verdict),
        "light": {True: "green", False: "red", None: "paused"}[verdict.feasible],
        "water_possible": float(verdict.day.water_supply.sum()) / 1000,
        "areas": [(label, float(verdict.day.areas[name].sum())) for name, label in _areas()],
        "km": float(verdict.day.length_m.sum()) / 1000,
        "fleets": [(label, verdict.day.fleets[name]) for name, label in VehicleType.choices if name in verdict.day.fleets],
        "stops": stops.of(day, verdict.day.modes),
    }  # fmt: skip
    return render(request, "sanitation/feasibility.html", context)


def _areas() -> list[tuple[str, str]]:
    return [("total", _("总面积")), ("carriageway", _("车行道")), ("pavement", _("人行道"))]


def _services(verdict: Verdict) -> list[dict[str, Any]]:
    """Each service with its windows and what would help, in words."""
    return [
        {
            "row": service.mode, "state": texts.state(service), "light": LIGHTS[service.state], "s": service,
            "windows": [
                {
                    "w": window, "hours": said([window.spans]), "share": window.share,
                    "fixes": [(texts.fix(service, fix), fix.suffices) for fix in window.fixes],
                }
                for window in service.windows
            ],
        }
        for service in verdict.services
    ]  # fmt: skip


def _workbook(verdict: Verdict) -> bytes:
    day: date = verdict.day.date
    titles = [
        _("作业"), _("结论"), _("时段"), _("遍数"), _("做得到的份额"), _("需台时"), _("得台时"), _("缺台时"),
        _("需水（立方米）"), _("得水（立方米）"), _("先断的路"), _("怎样才够"),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for service in verdict.services:
        first = [named(service.mode), texts.state(service)]
        if not service.windows:
            rows.append([*first, *[""] * (len(titles) - 2)])
        for w in service.windows:
            figures = [round(w.share, 4), round(w.needed_h, 2), round(w.granted_h, 2), round(w.missing_h, 2)]
            water = [round(w.water_m3, 1), round(w.water_granted_m3, 1)]
            helps = "；".join(texts.fix(service, fix) for fix in w.fixes)
            rows.append([*first, said([w.spans]), w.passes, *figures, *water, named(w.first_road), helps])
    mark = [_("含示例数据")] if verdict.day.illustrative else []
    return sheets.workbook(
        {
            day.isoformat(): [titles, *rows],
            _("说明"): [[texts.headline(verdict)], [_("“做不完”是确定的；“做得完”还要看计划能否排开。")], mark],
        }
    )
