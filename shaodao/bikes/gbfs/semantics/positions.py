"""Positions that cannot be, or that are somebody else's: "WGS84 latitude/longitude in decimal degrees" (Field Types)."""

from collections.abc import Iterator

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from scipy.spatial import KDTree

from shaodao.bikes.gbfs.feed import Feed, Floats, Table
from shaodao.bikes.gbfs.findings import Finding, error, warning
from shaodao.bikes.gbfs.semantics.ground import NEAR_M, away, plane
from shaodao.kernel import datum

NULL_ISLAND = 1e-3
"""Degrees around 0,0, a hundred metres of open sea."""
FAR_M = 10_000.0
"""From the hull of the stations: further than a rider goes to leave a bicycle."""
OFF_STATION_M = 500.0
COARSE = 3
"""Decimals: 100 metres, useless for parking. The specification advises six."""

MANY = 20
"""Vehicles from which the datum of the lot can be judged."""
SHIFTED_M, FITS_M, RATIO = 100.0, 120.0, 3.0
"""A lot is in another datum if it lies this far from the stations, and comes this near, and so many times nearer, when it
is converted. The shift of GCJ-02 is 100 to 800 metres; of positions at a bay most lie within 100 metres of it."""


def at_null_island(table: Table) -> NDArray[np.bool_]:
    """Which rows lie at 0,0."""
    lon, lat = table.place
    return (np.abs(lon) < NULL_ISLAND) & (np.abs(lat) < NULL_ISLAND)


def are_swapped(table: Table, centre: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Which rows lie far from `centre`, and near it with latitude and longitude exchanged."""
    if centre is None:
        return np.zeros(len(table), dtype=bool)
    lon, lat = table.numbers("lon"), table.numbers("lat")
    return (away(lon, lat, centre) > NEAR_M) & (away(lat, lon, centre) < NEAR_M)


def null_island(feed: Feed) -> Iterator[Finding]:
    """0,0 is what a missing position becomes. A latitude and longitude "MUST be" WGS84 (Field Types), which this is not a
    fix in, however well it parses.
    """
    for table in (feed.vehicles, feed.stations):
        for row in np.flatnonzero(at_null_island(table)):
            yield error("null-island", table.label, table.path(row, "lat"), _("位置是 0,0，没有定位"))


def swapped(feed: Feed) -> Iterator[Finding]:
    """Latitude and longitude exchanged (Field Types, Latitude and Longitude): found by where the other positions are."""
    for table in (feed.vehicles, feed.stations):
        for row in np.flatnonzero(are_swapped(table, feed.centre)):
            yield error("swapped", table.label, table.path(row, "lat"), _("经纬度写反了：对调后才落在本系统范围内"))


def hull(feed: Feed) -> shapely.Geometry | None:
    """The convex hull of the stations in metres around `feed.centre`; None with fewer than three of them."""
    lon, lat = feed.stations.place
    centre = feed.centre
    good = ~np.isnan(lon) & ~at_null_island(feed.stations) & ~are_swapped(feed.stations, centre)
    if centre is None or good.sum() < 3:
        return None
    points = plane(lon[good], lat[good], centre)
    near = np.hypot(*points.T) < NEAR_M * 4  # a stray station must not stretch the hull over half a country
    return shapely.convex_hull(shapely.multipoints(points[near]))


def far_away(feed: Feed) -> Iterator[Finding]:
    """Vehicles far outside the stations' hull, or far from all the others where there are no stations: they MUST be "in the
    field and accessible to users" (vehicle_status.json). A warning: a system may be larger than its stations.
    """
    known, centre = hull(feed), feed.centre
    lon, lat = feed.vehicles.place
    wrong = np.isnan(lon) | at_null_island(feed.vehicles) | are_swapped(feed.vehicles, centre)
    rows = np.flatnonzero(~wrong)
    if centre is None or not len(rows):
        return
    if known is not None:
        gaps, limit = shapely.distance(known, shapely.points(plane(lon[rows], lat[rows], centre))), FAR_M
    else:
        gaps, limit = away(lon[rows], lat[rows], centre), NEAR_M * 2
    for row, gap in zip(rows, gaps, strict=True):
        if gap > limit:
            what = _("车辆离本系统 %(n).0f 公里") % {"n": gap / 1000}
            yield warning("far-away", feed.vehicles.label, feed.vehicles.path(row, "lat"), what)


def wrong_datum(feed: Feed) -> Iterator[Finding]:
    """Vehicles and stations in different datums: one of them is GCJ-02 or BD-09 where the specification wants WGS84 (Field
    Types). Found where conversion brings the vehicles, as a lot, onto the stations. If both are shifted nothing shows.
    """
    centre = feed.centre
    lon, lat = feed.vehicles.place
    good = ~np.isnan(lon) & ~at_null_island(feed.vehicles) & ~are_swapped(feed.vehicles, centre)
    if centre is None or np.isfinite(feed.stations.place[0]).sum() < 3:
        return
    good &= away(lon, lat, centre) < NEAR_M
    if good.sum() < MANY:
        return
    fleet = lon[good], lat[good]
    own = [row for row in range(len(feed.vehicles)) if good[row]]
    posts = [feed.station_rows.get(s, -1) if s is not None else -1 for s in feed.vehicles.texts("station_id")]
    measure = _Fit(feed, np.array([posts[row] for row in own]), centre)
    raw = measure(fleet, feed.stations.place)
    if raw < SHIFTED_M:
        return
    guesses = [
        (measure(_back(fleet, name) if side == "vehicles" else fleet, _stations(feed, side, name)), side, name)
        for side in ("vehicles", "stations")
        for name in ("GCJ-02", "BD-09")
    ]
    best, side, name = min(guesses)
    if best > FITS_M or best * RATIO > raw:
        return
    table = feed.vehicles if side == "vehicles" else feed.stations
    words = {"name": name, "raw": raw, "best": best}
    what = _("坐标像是 %(name)s 而不是 WGS84：车辆与站点相距 %(raw).0f 米（中位数），换算后 %(best).0f 米") % words
    yield error("wrong-datum", table.label, f"/data/{table.array}", what)


class _Fit:
    """Median distance in metres between vehicles and their stations: the one they name, else the nearest."""

    def __init__(self, feed: Feed, posts: NDArray[np.int_], centre: tuple[float, float]) -> None:
        self.posts, self.centre = posts, centre
        self.named = posts >= 0

    def __call__(self, fleet: tuple[Floats, Floats], stations: tuple[Floats, Floats]) -> float:
        vehicles, places = plane(*fleet, self.centre), plane(*stations, self.centre)
        if self.named.sum() >= MANY:
            gaps = np.hypot(*(vehicles[self.named] - places[self.posts[self.named]]).T)
        else:
            gaps = KDTree(places[~np.isnan(places).any(axis=1)]).query(vehicles)[0]
        gaps = gaps[~np.isnan(gaps)]
        return float(np.median(gaps)) if len(gaps) else np.inf


def _back(place: tuple[Floats, Floats], name: str) -> tuple[Floats, Floats]:
    """Positions that were given in the datum `name`, in WGS84; NaN stays."""
    lon, lat = place
    good = ~np.isnan(lon)
    x, y = lon.copy(), lat.copy()
    x[good], y[good] = datum.to_wgs84(lon[good], lat[good], name)
    return x, y


def _stations(feed: Feed, side: str, name: str) -> tuple[Floats, Floats]:
    return _back(feed.stations.place, name) if side == "stations" else feed.stations.place


def off_station(feed: Feed) -> Iterator[Finding]:
    """A vehicle "currently at a station" (`station_id`, vehicle_status.json) that reports a position elsewhere."""
    lon, lat = feed.vehicles.place
    posts = [feed.station_rows.get(s, -1) if s is not None else -1 for s in feed.vehicles.texts("station_id")]
    rows = np.flatnonzero((np.array(posts, dtype=int) >= 0) & ~np.isnan(lon)) if posts else np.array([], dtype=int)
    if not len(rows) or feed.centre is None:
        return
    there = [posts[row] for row in rows]
    places = plane(*feed.stations.place, feed.centre)[there]
    gaps = np.hypot(*(plane(lon, lat, feed.centre)[rows] - places).T)
    wrong = at_null_island(feed.vehicles) | are_swapped(feed.vehicles, feed.centre)
    for row, gap in zip(rows, gaps, strict=True):
        if gap > OFF_STATION_M and not wrong[row]:
            what = _("车辆自报在站点，位置却离站点 %(n).0f 米") % {"n": gap}
            yield warning("off-station", feed.vehicles.label, feed.vehicles.path(row, "station_id"), what)


def coarse(feed: Feed) -> Iterator[Finding]:
    """ "Feeds SHOULD provide 6 digits (0.000001) of precision for decimal degrees" (Coordinate Precision)."""
    for table in (feed.vehicles, feed.stations):
        lon, lat = table.place
        lon, lat = lon[~np.isnan(lon)], lat[~np.isnan(lat)]
        if len(lon) >= 5 and np.array_equal(lon, lon.round(COARSE)) and np.array_equal(lat, lat.round(COARSE)):
            what = _("坐标都只有 %(n)d 位小数，精度约 100 米，规范建议 6 位") % {"n": COARSE}
            yield warning("coarse", table.label, f"/data/{table.array}", what)
