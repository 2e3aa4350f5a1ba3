"""The book in a glance: roads with their areas, services as sentences, the fleet of a day, water, bins."""

from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from shaodao.book import shown
from shaodao.foundation.naming import named
from shaodao.sanitation import queries
from shaodao.sanitation.hours import said
from shaodao.sanitation.kinds import MODE
from shaodao.sanitation.models import Bin, BinRound, Crew, FillPoint, Maintenance, Road, Vehicle
from shaodao.sanitation.words import BinType, VehicleType


def roads() -> QuerySet[Road]:
    """Roads in force with the sums of their segments: n, length, each area (one query)."""
    own = Q(segments__active=True)
    wanted: dict[str, Any] = {
        f"sum_{name}": Sum(f"segments__{name}", filter=own, default=0.0) for name in queries.AREAS
    }
    wanted["sum_length_m"] = Sum("segments__length_m", filter=own, default=0.0)
    return Road.objects.filter(active=True).annotate(n=Count("segments", filter=own), **wanted).order_by("code")


def fleet(day: date) -> list[dict[str, Any]]:
    """By type of vehicle: label, how many, how many in the workshop on the day, the rest, tanks in m3 (two queries)."""
    away = Maintenance.objects.filter(active=True, first_day__lte=day, last_day__gte=day).values("vehicle_id")
    rows = Vehicle.objects.filter(active=True).order_by()
    found = rows.values("type").annotate(
        n=Count("pk"),
        tank=Sum("tank_m3"),
        away=Count("pk", filter=Q(pk__in=away)),
        crewless=Count("pk", filter=Q(crew=None)),
    )
    labels = dict(VehicleType.choices)
    by_type = {row["type"]: row for row in found}
    return [
        {**row, "label": label, "there": row["n"] - row["away"]}
        for name, label in labels.items()
        if (row := by_type.get(name))
    ]


def water() -> dict[str, Any]:
    """Fill points: how many, bays, m3 a minute of all bays together."""
    points = list(FillPoint.objects.filter(active=True))
    flow = sum(p.flow_m3_min * p.bays for p in points)
    return {"n": len(points), "bays": sum(p.bays for p in points), "flow": flow}


def bins() -> list[tuple[str, int]]:
    """How many bins of each type."""
    found = dict(Bin.objects.filter(active=True).order_by().values_list("type").annotate(n=Count("pk")))
    return [(str(label), found[name]) for name, label in BinType.choices if name in found]


def rounds() -> QuerySet[BinRound]:
    return BinRound.objects.filter(active=True).annotate(n=Count("bins", filter=Q(bins__active=True))).order_by("code")


def crews() -> QuerySet[Crew]:
    return (
        Crew.objects.filter(active=True).annotate(n=Count("vehicles", filter=Q(vehicles__active=True))).order_by("code")
    )


def sentence(mode: Any) -> str:
    """A service as a duty officer says it: 清洗 每天 3 遍（22:00-05:00*2; …），避开 …；清洗车，…"""
    parts = [_("%(m)s：每天 %(n)d 遍") % {"m": named(mode) or mode.get_kind_display(), "n": mode.passes}]
    parts[0] += f" {said(mode.windows)}" if mode.windows else _("，全天")
    if mode.peaks:
        parts.append(_("避开 %(h)s") % {"h": said(mode.peaks)})
    if mode.spacing_min:
        parts.append(_("两遍至少隔 %(n)d 分钟") % {"n": mode.spacing_min})
    told = {"v": mode.get_vehicle_type_display(), "a": mode.get_scope_display(), "s": shown.number(mode.speed_kmh, 1)}
    parts.append(_("%(v)s，%(a)s，%(s)s 公里/小时") % told)
    parts.append(_("用水 %(w)s 升/平方米") % {"w": shown.number(mode.water_l_m2)} if mode.water_l_m2 else _("不用水"))
    if mode.months:
        parts.append(_("月份 %(m)s") % {"m": _months(mode.months)})
    if mode.cold_c is not None:
        words = {"b": mode.get_cold_basis_display(), "c": shown.number(mode.cold_c, 1)}
        parts.append(_("%(b)s低于 %(c)s℃ 停") % words)
    if mode.wind_level is not None:
        parts.append(_("风力到 %(n)d 级停") % {"n": mode.wind_level})
    return _("；").join(parts)


def _months(months: list[int]) -> str:
    """1-3, 11-12."""
    runs: list[list[int]] = []
    for month in sorted(months):
        if runs and month == runs[-1][-1] + 1:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def services(day: date) -> list[dict[str, Any]]:
    """Modes in force in their order: the row, its sentence, whether it is in season on the day (one query)."""
    rows = MODE.model.objects.filter(active=True).order_by("priority", "code")
    return [{"row": row, "text": sentence(row), "in_season": not row.months or day.month in row.months} for row in rows]
