"""What the book says of a day, as plain values: read once, reckoned with by `reckon.py`."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from shaodao.kernel.geodesy import distance_m
from shaodao.kernel.sweeping import MINUTES, open_minutes
from shaodao.sanitation import settings
from shaodao.sanitation.hours import span
from shaodao.sanitation.models import FillPoint, Maintenance, Road, Segment, ServiceMode, Vehicle, Weather
from shaodao.sanitation.settings import SanitationSettings
from shaodao.sanitation.words import RoadClass

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fleet:
    """The vehicles of one type on the day. `supply`: how many of them are on shift in each minute (breaks left out)."""

    n: int
    supply: Floats
    tank_m3: float
    swath_m: float
    transfer_kmh: float
    away: int = 0  # in the workshop


@dataclass(frozen=True)
class Hour:
    air_c: float
    ground_c: float | None
    wind_level: int | None


@dataclass(frozen=True, eq=False)
class Day:
    """Segments are arrays in the order in which roads are served (class, then code); `road_of` points into `roads`."""

    date: date
    roads: list[Road]
    road_of: NDArray[np.int64]
    length_m: Floats
    areas: dict[str, Floats]  # total, carriageway, pavement
    water_away_m: Floats  # to the nearest fill point in a straight line; nan: there is none
    water_flow: Floats  # m3 a minute of that point
    modes: list[ServiceMode]
    fleets: dict[str, Fleet]
    water_supply: Floats  # litres in each minute, of all fill points
    fill_points: int
    weather: dict[int, Hour]  # by hour
    settings: SanitationSettings
    illustrative: bool = False
    crewless: int = 0  # vehicles that nobody drives
    night: list[int] = field(default_factory=list)


def read(day: date) -> Day:
    """Everything that feasibility needs of a day: seven queries."""
    roads, road_of, columns, middle = _segments()
    points = list(FillPoint.objects.filter(active=True).order_by("code"))
    away, flow = _nearest(middle, points)
    fleets, crewless = _fleets(day)
    numbers = settings.current()
    return Day(
        date=day,
        roads=roads,
        road_of=road_of,
        length_m=columns[:, 0],
        areas={"total": columns[:, 1], "carriageway": columns[:, 2], "pavement": columns[:, 3]},
        water_away_m=away,
        water_flow=flow,
        modes=list(ServiceMode.objects.filter(active=True).order_by("priority", "code")),
        fleets=fleets,
        water_supply=_water(points),
        fill_points=len(points),
        weather={w.hour: Hour(w.air_c, w.ground_c, w.wind_level) for w in Weather.objects.filter(day=day, active=True)},
        settings=numbers,
        illustrative=any(r.illustrative for r in roads),
        crewless=crewless,
        night=span(numbers.night),
    )


def _segments() -> tuple[list[Road], NDArray[np.int64], Floats, Floats]:
    order = {name: n for n, name in enumerate(RoadClass.values)}
    roads = sorted(Road.objects.filter(active=True), key=lambda r: (order.get(r.road_class, 9), r.code))
    place = {road.pk: n for n, road in enumerate(roads)}
    wanted = ("road_id", "length_m", "total_m2", "carriageway_m2", "pavement_m2", "geometry")
    rows = Segment.objects.filter(active=True, road__active=True).order_by("code").values_list(*wanted)
    found = sorted(rows, key=lambda r: place[r[0]])
    middle = [r[5]["coordinates"][len(r[5]["coordinates"]) // 2][:2] for r in found]
    return (
        roads,
        np.array([place[r[0]] for r in found], dtype=np.int64),
        np.array([r[1:5] for r in found], dtype=np.float64).reshape(-1, 4),
        np.array(middle, dtype=np.float64).reshape(-1, 2),
    )


def _nearest(middle: Floats, points: list[FillPoint]) -> tuple[Floats, Floats]:
    """Distance to the nearest fill point, and its flow."""
    if not points:
        return np.full(len(middle), np.nan), np.full(len(middle), np.nan)
    lon, lat = np.array([p.lon for p in points]), np.array([p.lat for p in points])
    metres = distance_m(middle[:, :1], middle[:, 1:], lon, lat).reshape(len(middle), len(points))
    best = metres.argmin(axis=1) if len(middle) else np.zeros(0, dtype=np.int64)
    return metres[np.arange(len(middle)), best], np.array([p.flow_m3_min for p in points])[best]


def _water(points: list[FillPoint]) -> Floats:
    total = np.zeros(MINUTES)
    for point in points:
        flows = point.flow_m3_min * point.bays * 1000
        total += flows * (open_minutes(point.hours) if point.hours else np.ones(MINUTES))
    return total


def on_shift(shifts: Any) -> NDArray[np.bool_]:
    """The minutes in which a crew works: its shifts without their breaks."""
    found = np.zeros(MINUTES, dtype=np.bool_)
    for shift in shifts:
        found |= open_minutes(shift.hours) & ~open_minutes(shift.breaks)
    return found


def _fleets(day: date) -> tuple[dict[str, Fleet], int]:
    """Fleets by type, and how many vehicles have no crew in force."""
    away = set(
        Maintenance.objects.filter(Q(first_day__lte=day) & Q(last_day__gte=day), active=True).values_list(
            "vehicle_id", flat=True
        )
    )
    rows = Vehicle.objects.filter(active=True).select_related("crew").prefetch_related("crew__shifts").order_by("code")
    minutes: dict[int, NDArray[np.bool_]] = {}
    by_type: dict[str, list[Vehicle]] = {}
    gone: dict[str, int] = {}
    supply: dict[str, Floats] = {}
    crewless = 0
    for vehicle in rows:
        crew = vehicle.crew
        if vehicle.pk in away:
            gone[vehicle.type] = gone.get(vehicle.type, 0) + 1
        elif crew is None or not crew.active:
            crewless += 1
        else:
            if crew.pk not in minutes:
                minutes[crew.pk] = on_shift(s for s in crew.shifts.all() if s.active)
            by_type.setdefault(vehicle.type, []).append(vehicle)
            supply[vehicle.type] = supply.get(vehicle.type, np.zeros(MINUTES)) + minutes[crew.pk]
    return {
        name: Fleet(
            n=len(found := by_type.get(name, [])),
            supply=supply.get(name, np.zeros(MINUTES)),
            tank_m3=float(np.mean([v.tank_m3 for v in found])) if found else 0.0,
            swath_m=float(np.mean([v.swath_m for v in found])) if found else 0.0,
            transfer_kmh=float(np.mean([v.transfer_kmh for v in found])) if found else 0.0,
            away=gone.get(name, 0),
        )
        for name in sorted(by_type.keys() | gone.keys())
    }, crewless
