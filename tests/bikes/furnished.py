"""The office with bays, a zone of each kind and bikes, as everybody may see them."""

from datetime import datetime
from typing import Any

from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import Bay, Operator, Zone
from tests.bikes.office import Office

LON, LAT, METRE = 113.2005, 40.0005, 1e-5  # in the first cell of the town; degrees, about a metre


def ring(east: float, north: float, width: float, height: float) -> list[list[float]]:
    """Clockwise, as people draw them: what is published has to turn it."""
    west, south = LON + east * METRE, LAT + north * METRE
    right, top = west + width * METRE, south + height * METRE
    return [[west, south], [west, top], [right, top], [right, south], [west, south]]


def bay(code: str, now: datetime, n: int = 0, **given: Any) -> Bay:
    """The n-th of a row of bays of 10 by 2 m, 60 m from one to the next."""
    shape = {"type": "Polygon", "coordinates": [ring(60 * n, 0, 10, 2)]}
    values: dict[str, Any] = {
        "name": f"{code} 停放点", "geometry": shape, "lon": LON + (60 * n + 5) * METRE, "lat": LAT + METRE,
        "length_m": 10.0, "area_m2": 20.0, "capacity": 16, "valid_from": now,
    }  # fmt: skip
    return Bay.objects.create(code=code, **(values | given))


def zone(code: str, now: datetime, kind: str = "no_parking", east: float = 0, **given: Any) -> Zone:
    shape = {"type": "Polygon", "coordinates": [ring(east, 100, 40, 40)]}
    return Zone.objects.create(code=code, kind=kind, name=f"区域{code}", geometry=shape, valid_from=now, **given)


def send(operator: Operator, now: datetime, *rows: tuple[str, float, float, str], ago_s: float = 60) -> None:
    """Positions by (vehicle, metres east, metres north, state)."""
    at = int(now.timestamp() * 1000 - ago_s * 1000)
    found = ingest(
        operator,
        Positions.of(
            [
                {"vehicle_id": v, "at_ms": at, "lon": LON + e * METRE, "lat": LAT + n * METRE, "state": s}
                for v, e, n, s in rows
            ]
        ),
        "mds",
        now,
    )
    assert found.kept == len(rows), found


def furnished(office: Office, now: datetime) -> Operator:
    """Two bays, three zones, and an admitted operator with a bike of every kind of standing."""
    office.settle(publish={"contact": "bikes@district.example"})
    bay("B-1", now), bay("B-2", now, 1), bay("点位 三", now, 2, name="")
    zone("Z-1", now), zone("Z-2", now, "no_riding", 60), zone("Z-3", now, "quota", 120, quota=40)
    operator = office.brought_to("admitted")
    send(
        operator, now,
        ("free-1", 2, 1, "available"), ("free-2", 4, 1, "available"), ("kept", 6, 1, "reserved"),
        ("flat", 62, 1, "non_operational"), ("silent-words", 64, 1, "unknown"), ("stray", 30, 30, "available"),
        ("ridden", 3, 1, "on_trip"), ("gone", 5, 1, "removed"),
    )  # fmt: skip
    return operator
