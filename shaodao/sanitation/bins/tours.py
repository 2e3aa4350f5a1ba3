"""Tours of a bin round: in which order its bins are visited, and how many carts its windows need.

A visit does all that is due then: a round with two wipes, two emptyings and one disinfection is visited twice. Ways are
straight × detour; a tour begins and ends at the depot that is nearest to the bins (without one, at a bin).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from shaodao.foundation.errors import Invalid
from shaodao.kernel.geodesy import distance_m
from shaodao.kernel.touring import pieces, tour
from shaodao.sanitation import settings
from shaodao.sanitation.hours import DAY, said
from shaodao.sanitation.models import Bin, BinRound, Depot

MOST = 5000  # bins of a round: a sweep of the search looks at every pair


def tours(code: str, *, kmh: float = 10.0, stop_s: float = 60.0) -> dict[str, Any]:
    """{round, bins, visits, depot, windows: [{window, minutes, carts, metres, tours: [{bins, metres, minutes}]}]} of a round.

    Raises Invalid for a round that is not there, has no bins or too many of them.
    """
    found = BinRound.objects.filter(code=code, active=True).first()
    if found is None:
        raise Invalid({"round": _("没有编码为“%(c)s”的一行") % {"c": code[:60]}})
    bins = list(Bin.objects.filter(round=found, active=True).order_by("code").values_list("code", "lon", "lat"))
    if not 0 < len(bins) <= MOST:
        raise Invalid({"round": _("一条线路要有 1 到 %(n)d 个果皮箱") % {"n": MOST}})
    lon, lat = np.array([b[1] for b in bins]), np.array([b[2] for b in bins])
    depot = _depot(float(lon.mean()), float(lat.mean()))
    detour = settings.current().detour
    order = tour(_plane(lon, lat, lon, lat), _plane(*depot[1:], lon, lat)[0] if depot else None)
    names = [bins[n][0] for n in order.tolist()]
    x, y = lon[order], lat[order]
    home = distance_m(x, y, *depot[1:]) * detour if depot else np.zeros(len(x))
    step = distance_m(x[:-1], y[:-1], x[1:], y[1:]) * detour
    pace = 3.6 / kmh
    windows = found.windows or [[0, DAY]]
    visits = max(found.wipes, found.empties, found.disinfections)
    return {
        "round": code,
        "bins": len(bins),
        "visits": visits,
        "depot": depot[0] if depot else None,
        "windows": [
            _window(names, step, home, pace, stop_s, span, visits, len(windows), n) for n, span in enumerate(windows)
        ],
    }


def _depot(lon: float, lat: float) -> tuple[str, float, float] | None:
    rows = list(Depot.objects.filter(active=True).order_by("code").values_list("code", "lon", "lat"))
    return min(rows, key=lambda r: float(distance_m(r[1], r[2], lon, lat)), default=None)


def _plane(lon: Any, lat: Any, of_lon: Any, of_lat: Any) -> Any:
    """Metres on a plane at the middle of some points: for the order only."""
    east = 111_320.0 * np.cos(np.radians(of_lat.mean()))
    return np.column_stack(
        [(np.atleast_1d(lon) - of_lon.mean()) * east, (np.atleast_1d(lat) - of_lat.mean()) * 110_950]
    )


def _window(
    names: Sequence[str],
    step: Any,
    home: Any,
    pace: float,
    stop_s: float,
    span: Sequence[int],
    visits: int,
    n: int,
    k: int,
) -> dict[str, Any]:
    """The tours of one window; `visits` of the day are spread over the windows, the first ones get what is over."""
    minutes = (span[1] - span[0]) % DAY or DAY
    here = visits // n + (k < visits % n)
    row: dict[str, Any] = {"window": said([span[:2]]), "minutes": minutes, "visits": here, "why": ""}
    cuts = pieces(home * pace, step * pace, home * pace, stop_s, minutes * 60 / here) if here else []
    if cuts is None:
        return row | {"carts": None, "metres": 0, "tours": [], "why": _("时段太短")}
    metres = [round(float(home[a] + step[a : b - 1].sum() + home[b - 1])) for a, b in cuts]
    made = [
        {"bins": list(names[a:b]), "metres": m, "minutes": round((m * pace + stop_s * (b - a)) / 60, 1)}
        for (a, b), m in zip(cuts, metres, strict=True)
    ]
    return row | {"carts": len(made), "metres": sum(metres), "tours": made}
