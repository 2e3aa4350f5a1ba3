"""What a whole feed gives away about itself: another datum, a clock that is hours off, bikes it does not list. Nothing is mended.

Arrays in, an answer out; only the middles of the bays are read from the database, once for each change of them.
"""

import threading
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.bikes.ground import ground
from shaodao.bikes.models import Bay
from shaodao.kernel import datum as datums

Floats = NDArray[np.float64]
CANDIDATES = ("WGS-84", "GCJ-02", "BD-09")
PLACES = 20  # cells of a thousandth of a degree with bikes, at least: a heap of bikes at one spot says nothing
MOST_PLACES = 2_000
BETTER = 2.0  # times nearer to the bays
MARGIN_M, NEAR_M = 15.0, 60.0
HOUR_MS, AROUND_MS = 3_600_000, 300_000
FEW, UNLISTED = 5, 0.05  # vehicles, and share of them: two files made a moment apart differ by less
_METRES = 111_320.0  # in a degree of latitude


def datum_of(lon: Floats, lat: Floats, declared: str) -> str:
    """The datum that (n,) positions look like if it is not `declared`, else "".

    Parked bikes stand at bays. If the median distance to the nearest bay is at least halved, by 15 m or more and to less
    than 60 m, when the positions are read in another datum, that is said. One bike of each cell of 100 m counts.
    """
    bays = _bays()
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    lon, lat = lon[good], lat[good]
    cell = np.unique(np.rint(np.stack([lon, lat]) * 1000), axis=1, return_index=True)[1]
    if bays is None or cell.size < PLACES:
        return ""
    cell = np.sort(cell)[:MOST_PLACES]
    away = {name: bays.median_m(*datums.to_wgs84(lon[cell], lat[cell], name)) for name in CANDIDATES}
    given = away[declared if declared in CANDIDATES else "WGS-84"]
    best = min(CANDIDATES, key=lambda name: away[name])
    clear = away[best] * BETTER <= given and given - away[best] >= MARGIN_M and away[best] <= NEAR_M
    return best if clear and best != declared else ""


def clock_hours(age_ms: NDArray[np.int64]) -> int:
    """How many whole hours the clock of (n,) fixes is behind ours (negative: ahead); 0 if it is not by whole hours.

    Their median age is some whole hours and at most five minutes, and four of five are within ten minutes of it: ages of
    bikes that just stand there are spread over hours.
    """
    if age_ms.size < PLACES:
        return 0
    middle = int(np.median(age_ms))
    hours = round(middle / HOUR_MS)
    near = np.mean(np.abs(age_ms - middle) <= 2 * AROUND_MS)
    return hours if 0 < abs(hours) <= 14 and abs(middle - hours * HOUR_MS) <= AROUND_MS and near >= 0.8 else 0


def said(looks: str, hours: int, declared: str = "WGS-84", stations: tuple[int, int] | None = None) -> list[str]:
    """The findings in words. `stations`: vehicles by the counts of stations, and of the list how many may be those."""
    found = []
    if looks:
        words = {"looks": looks, "declared": declared}
        found.append(
            _(
                "位置像是 %(looks)s 坐标，却当作 %(declared)s 发来：全部车辆偏离点位数百米。请企业更正；系统不会自行换算。"
            )
            % words
        )
    if hours > 0:
        found.append(_("时间比实际慢了整 %(n)d 小时：企业的时钟或时区设置不对。") % {"n": hours})
    elif hours < 0:
        found.append(_("时间比实际快了整 %(n)d 小时：企业的时钟或时区设置不对。") % {"n": -hours})
    if stations and stations[0] - stations[1] >= max(FEW, UNLISTED * stations[0]):
        counts = {"say": stations[0], "listed": stations[1], "n": stations[0] - stations[1]}
        found.append(
            _(
                "站点计数说站内有 %(say)d 辆，名单里至多 %(listed)d 辆：有 %(n)d 辆没有逐辆报来，看不见。请企业补全名单。"
            )
            % counts
        )
    return found


class _Bays:
    """The middles of the bays in metres around the first of them."""

    def __init__(self, lon: Floats, lat: Floats) -> None:
        self.at, self.east = (float(lon[0]), float(lat[0])), _METRES * float(np.cos(np.radians(lat[0])))
        self.tree = shapely.STRtree(self._points(lon, lat))

    def _points(self, lon: Floats, lat: Floats) -> Any:
        return shapely.points((lon - self.at[0]) * self.east, (lat - self.at[1]) * _METRES)

    def median_m(self, lon: Floats, lat: Floats) -> float:
        """Of the distances from (n,) positions to the nearest bay."""
        _which, away = self.tree.query_nearest(self._points(lon, lat), return_distance=True, all_matches=False)
        return float(np.median(away))


_lock = threading.Lock()
_kept: tuple[Any, _Bays | None] | None = None


def _bays() -> _Bays | None:
    """None while there are too few to say anything."""
    global _kept  # noqa: PLW0603
    here = ground()
    kept = _kept
    if kept is None or kept[0] is not here:
        with _lock:
            rows = Bay.objects.filter(active=True).order_by("code").values_list("lon", "lat")
            places = np.array(list(rows), np.float64).reshape(-1, 2)
            kept = _kept = (here, _Bays(places[:, 0], places[:, 1]) if len(places) >= PLACES else None)
    return kept[1]
