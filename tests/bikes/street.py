"""Bays and zones in the test town, and positions as a door hands them over."""

from datetime import timedelta
from typing import Any

import shapely

from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.models import Bay, Zone
from shaodao.foundation import clock
from shaodao.places.queries import locate

LON, LAT = 113.2005, 40.0005
"""The middle of the first cell."""
METRE = 1 / 111_320  # degrees of latitude


def square(lon: float = LON, lat: float = LAT, half_m: float = 5.0) -> dict[str, Any]:
    """A GeoJSON square of 2 × `half_m` metres north to south around a point."""
    half = half_m * METRE
    return dict(shapely.geometry.mapping(shapely.box(lon - half, lat - half, lon + half, lat + half)))


def bay(code: str = "B1", lon: float = LON, lat: float = LAT, **given: Any) -> Bay:
    place = locate(lon, lat)
    values = {
        "geometry": square(lon, lat), "lon": lon, "lat": lat, "length_m": 10.0, "area_m2": 80.0, "capacity": 16,
        "street_id": place.street_id, "community_id": place.community_id, "valid_from": clock.now(),
    }  # fmt: skip
    return Bay.objects.create(code=code, **(values | given))


def zone(code: str = "Z1", lon: float = LON, lat: float = LAT, half_m: float = 20.0, **given: Any) -> Zone:
    values = {"kind": "no_parking", "geometry": square(lon, lat, half_m), "valid_from": clock.now()}
    return Zone.objects.create(code=code, **(values | given))


def fix(vehicle: Any = "a", ago_s: float = 1.0, north_m: float = 0.0, **given: Any) -> dict[str, Any]:
    """A position so many seconds ago, so many metres north of the middle of the first cell."""
    at = clock.now() - timedelta(seconds=ago_s)
    values = {"vehicle_id": vehicle, "at_ms": round(at.timestamp() * 1000), "lon": LON, "lat": LAT + north_m * METRE}
    return values | given


def sent(*fixes: dict[str, Any], datum: str = "WGS-84") -> Positions:
    return Positions.of(list(fixes), datum)
