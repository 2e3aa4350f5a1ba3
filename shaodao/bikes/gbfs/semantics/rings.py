"""Polygons: of bays (`station_area`) and of geofencing zones, GeoJSON MultiPolygons by RFC 7946."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.feed import Feed, Floats, listing, mapping, number
from shaodao.bikes.gbfs.findings import Finding, error, warning
from shaodao.bikes.gbfs.semantics.ground import METRES_PER_DEGREE, NEAR_M, away

OUTSIDE_M = 200.0
"""A bay's point this far from its own area is another bay's."""


class Ring(NamedTuple):
    """One ring: which file, where, its positions (n, 2) in degrees, whether it is a hole, of a zone or a bay."""

    label: str
    path: str
    points: Floats
    hole: bool
    zone: bool

    @property
    def closed(self) -> bool:
        """Does the ring end where it began?"""
        return len(self.points) > 0 and bool((self.points[0] == self.points[-1]).all())

    @property
    def sound(self) -> bool:
        """Can a polygon be made of it?"""
        return self.closed and len(self.points) >= 4 and bool(np.isfinite(self.points).all())


def rings_of(geometry: Any, label: str, path: str, *, zone: bool) -> Iterator[Ring]:
    """The rings of a MultiPolygon, as far as it is one; a position that is none is NaN."""
    coordinates = mapping(geometry).get("coordinates")
    if mapping(geometry).get("type") != "MultiPolygon":
        return
    for p, polygon in enumerate(listing(coordinates)):
        for r, ring in enumerate(listing(polygon)):
            pairs = [[number(v) for v in (*listing(place)[:2], None, None)[:2]] for place in listing(ring)]
            if pairs:
                points = np.array(pairs, dtype=np.float64)
                yield Ring(label, f"{path}/coordinates/{p}/{r}", points, r > 0, zone)


def zone_features(feed: Feed) -> list[Any]:
    """The features of geofencing_zones."""
    file = feed.files.get("geofencing_zones")
    return listing(mapping(file.data.get("geofencing_zones")).get("features")) if file else []


def rings(feed: Feed) -> Iterator[Ring]:
    """All rings of a feed."""
    for row, station in enumerate(feed.stations.rows):
        path = feed.stations.path(row, "station_area")
        yield from rings_of(station.get("station_area"), feed.stations.label, path, zone=False)
    for n, feature in enumerate(zone_features(feed)):
        path = f"/data/geofencing_zones/features/{n}/geometry"
        label = feed.files["geofencing_zones"].label
        yield from rings_of(mapping(feature).get("geometry"), label, path, zone=True)


def open_rings(feed: Feed) -> Iterator[Finding]:
    """ "The first and last positions are equivalent, and they MUST contain identical values" (RFC 7946, 3.1.6)."""
    for ring in rings(feed):
        if not ring.closed:
            yield error("ring-open", ring.label, ring.path, _("多边形的环没有闭合：首尾两点不同"))


def ring_positions(feed: Feed) -> Iterator[Finding]:
    """A position is longitude, latitude, in this order, in WGS84 degrees (RFC 7946, 3.1.1 and 4)."""
    for ring in rings(feed):
        lon, lat = ring.points.T
        if (np.abs(lon) > 180).any() or (np.abs(lat) > 90).any():
            what = _("多边形的坐标超出范围；GeoJSON 的次序是先经度后纬度")
            yield error("ring-positions", ring.label, ring.path, what)
        elif feed.centre and np.isfinite(ring.points).all():
            here = away(lon, lat, feed.centre).min()
            exchanged = away(lat, lon, feed.centre).min()
            if here > NEAR_M and exchanged < NEAR_M:
                what = _("多边形的经纬度写反了；GeoJSON 的次序是先经度后纬度")
                yield error("ring-positions", ring.label, ring.path, what)


def ring_orientation(feed: Feed) -> Iterator[Finding]:
    """ "Exterior rings are counterclockwise, and holes are clockwise" (RFC 7946, 3.1.6, the right-hand rule). Zones before 3.0
    are the other way round: "a clockwise arrangement of points defines the area enclosed by the polygon, while a
    counterclockwise order defines the area outside" (geofencing_zones.json, 2.1 to 2.3). RFC 7946 tells readers to accept
    both, hence a warning.
    """
    for ring in rings(feed):
        if not ring.sound:
            continue
        old_zone = ring.zone and feed.major < 3
        if bool(shapely.is_ccw(shapely.linearrings(ring.points))) == (ring.hole if old_zone else not ring.hole):
            continue
        if old_zone and not ring.hole:
            what = _("区域的外环是逆时针：按 3.0 以前的规范，这表示环外的区域")
        else:
            what = _("环的方向不合右手规则：外环逆时针，内环顺时针")
        yield warning("ring-orientation", ring.label, ring.path, what)


def crossing_rings(feed: Feed) -> Iterator[Finding]:
    """A ring that crosses itself, or has no area: RFC 7946 does not forbid it in words, yet inside and outside are undefined."""
    for ring in rings(feed):
        if not ring.sound:
            continue
        polygon = shapely.polygons(ring.points)
        if shapely.area(polygon) == 0:
            yield warning("ring-crosses", ring.label, ring.path, _("多边形没有面积"))
        elif not shapely.is_valid(polygon):
            yield warning("ring-crosses", ring.label, ring.path, _("多边形的边自相交"))


def multipolygon(geometry: Any) -> shapely.Geometry | None:
    """The MultiPolygon that a GeoJSON object describes; None if it is not a valid one."""
    parts: dict[str, list[Ring]] = {}
    for ring in rings_of(geometry, "", "", zone=True):
        if not ring.sound:
            return None
        parts.setdefault(ring.path.rpartition("/")[0], []).append(ring)
    polygons = [shapely.polygons(own[0].points, [r.points for r in own[1:]] or None) for own in parts.values()]
    shape = shapely.multipolygons(polygons) if polygons else None
    return shape if shape is not None and shapely.is_valid(shape) else None


def point_outside_area(feed: Feed) -> Iterator[Finding]:
    """A virtual station has `lat`, `lon` and, "if station_area is defined", an area (station_information.json): of one place."""
    lon, lat = feed.stations.place
    for row, station in enumerate(feed.stations.rows):
        if "station_area" not in station or np.isnan(lon[row]):
            continue
        area = multipolygon(station["station_area"])
        if area is None:
            continue
        shrink = float(np.cos(np.radians(lat[row])))
        flat = shapely.transform(area, lambda xy, k=shrink: xy * [k, 1.0])
        gap = shapely.distance(flat, shapely.points(lon[row] * shrink, lat[row])) * METRES_PER_DEGREE
        if gap > OUTSIDE_M:
            what = _("站点的位置离它自己的范围 %(n).0f 米") % {"n": gap}
            yield warning("outside-area", feed.stations.label, feed.stations.path(row, "station_area"), what)
