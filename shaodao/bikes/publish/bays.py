"""Bays and how full they are, for maps: one GeoJSON of all, vector tiles of any part, and counts that rules refer to."""

import math
from typing import Any
from uuid import UUID

import mapbox_vector_tile
import numpy as np
import shapely
from numpy.typing import NDArray

from shaodao.bikes.ground import shapes
from shaodao.bikes.publish import mds
from shaodao.bikes.publish.facts import Ground, Moment, PublicZone, moment_of
from shaodao.bikes.publish.gbfs import stamp
from shaodao.bikes.publish.mds_places import ms, zone_key
from shaodao.bikes.words import ZoneKind

EXTENT = 4096
BUFFER = 64 / EXTENT
"""Of a tile's width: so far beyond its edge a bay is drawn, so that nothing is cut."""
DEEPEST = 20
SHAPES_FROM = 15
"""Zoom from which a bay is drawn as it is; before, it is a point."""
_HALF = math.pi * 6_378_137.0  # metres of Web Mercator from the middle to the edge of the world
Document = dict[str, Any]


def properties(now: Moment) -> list[Document]:
    """What is said of each bay, in the ground's order. `fill` is vehicles by capacity, null for a bay without places."""
    last = stamp(now.updated)
    rows = zip(now.ground.bays, now.vehicles.tolist(), now.reported_ms.tolist(), strict=True)
    return [
        {
            "code": bay.code,
            "name": bay.name,
            "capacity": bay.capacity,
            "vehicles": vehicles,
            "fill": round(vehicles / bay.capacity, 3) if bay.capacity else None,
            "updated": stamp(moment_of(reported)) if reported else last,
            "illustrative": bay.illustrative,
        }
        for bay, vehicles, reported in rows
    ]


def geojson(now: Moment) -> Document:
    """All bays as they are (WGS-84)."""
    features = [
        {
            "type": "Feature",
            "id": bay.id,
            "geometry": {"type": "MultiPolygon", "coordinates": bay.coordinates},
            "properties": said,
        }
        for bay, said in zip(now.ground.bays, properties(now), strict=True)
    ]
    return {"type": "FeatureCollection", "updated": stamp(now.updated), "features": features}


# Tiles


class Plane:
    """The bays in Web Mercator metres: their shapes, points in them, and a tree to find them by."""

    def __init__(self, here: Ground) -> None:
        self.shapes = np.asarray(shapely.transform(here.shapes, _mercator), dtype=object)
        at = _mercator(np.array([(bay.lon, bay.lat) for bay in here.bays], np.float64).reshape(-1, 2))
        self.points = np.asarray(shapely.points(at), dtype=object)
        self.tree = shapely.STRtree(self.shapes)

    @classmethod
    def of(cls, here: Ground) -> "Plane":
        if "plane" not in here.made:
            here.made["plane"] = cls(here)
        found: Plane = here.made["plane"]
        return found


def _mercator(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) degrees as (n, 2) metres."""
    lon, lat = degrees.T
    north = np.log(np.tan(np.pi / 4 + np.radians(np.clip(lat, -85, 85)) / 2))
    return np.column_stack([lon / 180, north / np.pi]) * _HALF


def exists(z: int, x: int, y: int) -> bool:
    """Is there such a tile?"""
    return 0 <= z <= DEEPEST and 0 <= x < 2**z and 0 <= y < 2**z


def tile(now: Moment, z: int, x: int, y: int) -> bytes:
    """A Mapbox vector tile with the layer `bays`; empty where there is none."""
    width = 2 * _HALF / 2**z
    west, south, more = x * width - _HALF, _HALF - (y + 1) * width, width * BUFFER
    plane = Plane.of(now.ground)
    window = shapely.box(west - more, south - more, west + width + more, south + width + more)
    found = np.sort(plane.tree.query(window, predicate="intersects"))
    if not found.size:
        return b""
    if "properties" not in now.made:
        now.made["properties"] = properties(now)
    said = now.made["properties"]
    drawn = (plane.shapes if z >= SHAPES_FROM else plane.points)[found]
    local = shapely.transform(drawn, lambda xy: np.rint((xy - (west, south)) / width * EXTENT))
    features = [
        {"geometry": shape, "properties": {k: v for k, v in said[n].items() if v is not None}}
        for n, shape in zip(found.tolist(), local, strict=True)
    ]
    made: bytes = mapbox_vector_tile.encode({"name": "bays", "features": features}, default_options={"extents": EXTENT})
    return made


# Counts


def value(now: Moment, key: UUID) -> Document | None:
    """How many bikes there are of what a policy of MDS limits; None where no such policy counts."""
    if str(key) == mds.ceiling_key():
        return _value(now, key, now.fleet)
    for zone in now.ground.zones:
        if zone.row.kind == ZoneKind.QUOTA and zone_key("policy", zone.row.code, zone.row.version) == str(key):
            return _value(now, key, _within(now, zone))
    return None


def _within(now: Moment, zone: PublicZone) -> int:
    (area,) = shapes([zone.row.geometry])
    return int(np.count_nonzero(shapely.contains_xy(area, now.lon, now.lat)))


def _value(now: Moment, key: UUID, count: int) -> Document:
    return {"value": count, "timestamp": ms(now.updated), "policy_id": str(key)}
