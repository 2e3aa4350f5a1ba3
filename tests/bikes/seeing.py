"""Bays, zones and bikes in the test town: made by the models and by the ingest itself."""

from datetime import datetime, timedelta
from typing import Any

from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.receive import Received, ingest
from shaodao.bikes.models import Bay, Operator, Zone
from shaodao.foundation import clock
from tests.town import SOUTH, STEP, WEST

E, N = 1 / 85_270, 1 / 111_030  # degrees of a metre at 40° N


def spot(column: float, row: float = 0.5) -> tuple[float, float]:
    """Degrees of a place in the town's grid, in cells from its south-western corner."""
    return (WEST + column * STEP) / 1e6, (SOUTH + row * STEP) / 1e6


def square(lon: float, lat: float, east: float, north: float) -> dict[str, Any]:
    """A rectangle whose south-western corner stands at a point, metres wide and high."""
    x, y = lon + east * E, lat + north * N
    return {"type": "Polygon", "coordinates": [[[lon, lat], [x, lat], [x, y], [lon, y], [lon, lat]]]}


def bay(code: str, column: float, row: float = 0.5, capacity: int = 10, **given: Any) -> Bay:
    """A bay of 12 by 2 metres that begins at a place of the grid."""
    lon, lat = spot(column, row)
    values = {"geometry": square(lon, lat, 12, 2), "length_m": 12.0, "area_m2": 24.0, "valid_from": clock.now()}
    return Bay.objects.create(code=code, lon=lon, lat=lat, capacity=capacity, **(values | given))


def zone(code: str, column: float, row: float = 0.5, **given: Any) -> Zone:
    """A no-parking zone of 20 by 20 metres."""
    values = {"geometry": square(*spot(column, row), 20, 20), "valid_from": clock.now(), "kind": "no_parking"}
    return Zone.objects.create(code=code, **(values | given))


def bike(name: str, column: float, row: float = 0.5, east: float = 0, north: float = 0, **given: Any) -> dict[str, Any]:
    """A position so many metres from a place of the grid, now unless `ago` (seconds) says otherwise."""
    lon, lat = spot(column, row)
    at = clock.now() - timedelta(seconds=given.pop("ago", 0))
    values = {"vehicle_id": name, "at_ms": int(at.timestamp() * 1000), "state": "available"}
    return values | {"lon": lon + east * E, "lat": lat + north * N} | given


def feed(operator: Operator, *bikes: dict[str, Any], now: datetime | None = None, **given: Any) -> Received:
    return ingest(operator, Positions.of(list(bikes)), "mds", now or clock.now(), **given)
