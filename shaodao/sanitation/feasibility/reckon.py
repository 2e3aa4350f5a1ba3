"""The decision: what each service needs in each of its windows, what it can get, which road is cut first, what would help.

Vehicles of a type and the water of all fill points are shared: by priority of the service, then by window. What can be
granted is the exact maximum over the minutes of the day (kernel/sweeping.granted); turning and queueing are in the
productive share of a shift, the way to the fill point is reckoned from positions. Transfers between segments are not
reckoned, so a "no" is certain and a "yes" still needs a plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.sweeping import MINUTES, Effort, effort, granted, open_minutes
from shaodao.sanitation.feasibility.facts import Day, Fleet, Hour
from shaodao.sanitation.hours import DAY

Mask = NDArray[np.bool_]
STANDARD_TANK_M3, STANDARD_KMH = 8.0, 30.0  # for a type of which no vehicle is there: what it would need all the same
ENOUGH = 0.9995  # of what is needed: whole minutes are granted


@dataclass(frozen=True)
class Fix:
    """One thing that would help: `gain_h` machine-hours more, or less needed; does it alone suffice?"""

    kind: str  # vehicles, carriageway, night, water
    amount: float  # vehicles; square metres that are left; minutes of the night; m3
    gain_h: float
    suffices: bool


@dataclass
class Window:
    """A service in one window. Hours are machine-hours, `missing_h` what cannot be had."""

    spans: list[int]
    passes: int
    minutes: int  # open: without peaks and without weather stops
    needed_h: float
    refill_h: float
    alone_h: float  # what the fleet could give this window if nothing else used it
    granted_h: float
    water_m3: float
    water_granted_m3: float
    passes_fit: int  # by spacing
    share: float = 1.0  # of the passes that can be done
    first_road: Any = None  # that is cut
    short_km: float = 0.0
    fixes: list[Fix] = field(default_factory=list)
    mask: Any = None

    @property
    def missing_h(self) -> float:
        return max(0.0, self.needed_h - self.granted_h)

    @property
    def ok(self) -> bool:
        return self.share >= ENOUGH


@dataclass
class Service:
    """A service mode on the day. state: ok, short, stopped (weather), out_of_season, empty (nothing to do)."""

    mode: Any
    state: str
    area_m2: float = 0.0
    run_km: float = 0.0  # of one pass
    pass_h: float = 0.0  # at work, one pass
    refill_h: float = 0.0
    pass_water_m3: float = 0.0
    pass_refills: float = 0.0
    tank_m3: float = 0.0
    vehicles: int = 0
    away: int = 0
    stopped_min: int = 0  # of its windows, by weather
    why: str = ""  # cold, wind
    windows: list[Window] = field(default_factory=list)

    @property
    def needed_h(self) -> float:
        return sum(w.needed_h for w in self.windows)

    @property
    def granted_h(self) -> float:
        return sum(min(w.granted_h, w.needed_h) for w in self.windows)

    @property
    def share(self) -> float:
        """Of the passes of the day that can be done."""
        total = sum(w.passes for w in self.windows)
        return sum(w.passes * w.share for w in self.windows) / total if total else 0.0


@dataclass
class Verdict:
    day: Day
    services: list[Service]

    @property
    def due(self) -> list[Service]:
        """Services that should run on the day: in season, with something to do."""
        return [s for s in self.services if s.state in ("ok", "short")]

    @property
    def share(self) -> float | None:
        """Of the passes due on the day that can be done, weighed by machine-hours; None: nothing is due."""
        needed = sum(w.needed_h for s in self.due for w in s.windows)
        return sum(w.needed_h * w.share for s in self.due for w in s.windows) / needed if needed else None

    @property
    def feasible(self) -> bool | None:
        return all(s.state == "ok" for s in self.due) if self.due else None

    @property
    def water_m3(self) -> float:
        return sum(w.water_m3 for s in self.due for w in s.windows)


def reckon(day: Day) -> Verdict:
    """The verdict on a day."""
    services = [_service(day, mode) for mode in day.modes]
    for name in dict.fromkeys(s.mode.vehicle_type for s in services):
        _grant_hours(day, name, [s for s in services if s.mode.vehicle_type == name and s.windows])
    _grant_water(day, services)
    for service in services:
        for window in service.windows:
            _judge(day, service, window)
        if service.state == "ok" and not all(w.ok for w in service.windows):
            service.state = "short"
    return Verdict(day, services)


def fleet_of(day: Day, name: str) -> Fleet:
    return day.fleets.get(name) or Fleet(0, np.zeros(MINUTES), 0.0, 0.0, 0.0)


def one_pass(day: Day, mode: Any, scope: str = "") -> Effort:
    """One pass of a mode over every segment; `scope` other than the mode's own asks what if."""
    fleet = fleet_of(day, mode.vehicle_type)
    kmh = fleet.transfer_kmh or STANDARD_KMH
    tank = fleet.tank_m3 or STANDARD_TANK_M3
    away = np.nan_to_num(day.water_away_m) * day.settings.detour
    filling = np.divide(tank, day.water_flow, out=np.zeros_like(away), where=day.water_flow > 0)
    return effort(
        day.length_m,
        day.areas[scope or mode.scope],
        speed_kmh=mode.speed_kmh,
        swath_m=mode.swath_m,
        runs=mode.runs,
        traverses=mode.traverses,
        water_l_m2=mode.water_l_m2,
        tank_m3=tank,
        fill_min=filling + 2 * away / 1000 / kmh * 60,
    )


def _service(day: Day, mode: Any) -> Service:
    found = one_pass(day, mode)
    fleet = fleet_of(day, mode.vehicle_type)
    service = Service(
        mode, "ok", float(day.areas[mode.scope].sum()), float(found.run_m.sum()) / 1000, float(found.work_h.sum()),
        float(found.refill_h.sum()), float(found.water_m3.sum()), float(found.refills.sum()),
        fleet.tank_m3 or STANDARD_TANK_M3, fleet.n, fleet.away,
    )  # fmt: skip
    if mode.months and day.date.month not in mode.months:
        service.state = "out_of_season"
    elif not service.run_km:
        service.state = "empty"
    else:
        service.windows = list(_windows(day, mode, service, fleet))
        if not any(w.minutes for w in service.windows) and service.stopped_min:
            service.state, service.windows = "stopped", []
    return service


def _windows(day: Day, mode: Any, service: Service, fleet: Fleet) -> Iterator[Window]:
    peaks = open_minutes(mode.peaks)
    stopped, service.why = stops(day, mode)
    for spans in mode.windows or [[0, DAY, mode.passes]]:
        planned = open_minutes([spans]) & ~peaks
        mask = planned & ~stopped
        service.stopped_min += int((planned & stopped).sum())
        passes, minutes = spans[2], int(mask.sum())
        fit = passes if not mode.spacing_min else min(passes, 1 + minutes // mode.spacing_min if minutes else 0)
        yield Window(
            spans, passes, minutes,
            needed_h=passes * (service.pass_h + service.refill_h), refill_h=passes * service.refill_h,
            alone_h=float(fleet.supply[mask].sum()) / 60 * day.settings.productive, granted_h=0.0,
            water_m3=passes * service.pass_water_m3, water_granted_m3=0.0, passes_fit=fit, mask=mask,
        )  # fmt: skip


def stops(day: Day, mode: Any) -> tuple[Mask, str]:
    """The minutes in which the weather stops a mode, and why. An hour without an observation stops nothing."""
    found, why = np.zeros(MINUTES, dtype=np.bool_), ""
    for hour, seen in day.weather.items():
        if stop := stop_of(mode, seen):
            found[hour * 60 : hour * 60 + 60] = True
            why = "cold" if "cold" in (stop, why) else "wind"
    return found, why


def stop_of(mode: Any, seen: Hour) -> str:
    """Why the weather of an hour stops a mode: cold, wind, or nothing."""
    if mode.cold_c is not None and felt(mode, seen)[1] < mode.cold_c:
        return "cold"
    windy = mode.wind_level is not None and seen.wind_level is not None and seen.wind_level >= mode.wind_level
    return "wind" if windy else ""


def felt(mode: Any, seen: Hour) -> tuple[str, float]:
    """The temperature that counts for a mode: of the ground where the mode says so and there is one, else of the air."""
    if mode.cold_basis == "ground" and seen.ground_c is not None:
        return "ground", seen.ground_c
    return "air", seen.air_c


def _grant_hours(day: Day, name: str, services: list[Service]) -> None:
    windows = [w for s in services for w in s.windows]
    supply = fleet_of(day, name).supply * day.settings.productive
    found = granted([w.needed_h * 60 for w in windows], [w.mask for w in windows], supply)
    for window, minutes in zip(windows, found, strict=True):
        window.granted_h = float(minutes) / 60


def _grant_water(day: Day, services: list[Service]) -> None:
    windows = [w for s in services for w in s.windows if w.water_m3]
    found = granted([w.water_m3 * 1000 for w in windows], [w.mask for w in windows], day.water_supply)
    for window, litres in zip(windows, found, strict=True):
        window.water_granted_m3 = float(litres) / 1000


def _judge(day: Day, service: Service, window: Window) -> None:
    """Share, the road that is cut first, and what would help."""
    shares = [1.0, window.granted_h / window.needed_h, window.passes_fit / window.passes]
    if window.water_m3:
        shares.append(window.water_granted_m3 / window.water_m3)
    window.share = min(shares)
    if window.ok:
        return
    found = one_pass(day, service.mode)
    hours = np.bincount(day.road_of, weights=found.work_h + found.refill_h, minlength=len(day.roads))
    reach = np.cumsum(hours) > window.share * hours.sum() * ENOUGH
    window.first_road = day.roads[int(np.argmax(reach))] if reach.any() else None
    window.short_km = (1 - window.share) * window.passes * service.run_km
    window.fixes = list(_fixes(day, service, window))


def _fixes(day: Day, service: Service, window: Window) -> Iterator[Fix]:
    mode, fleet, productive = service.mode, fleet_of(day, service.mode.vehicle_type), day.settings.productive
    dry = not window.water_m3 or window.water_granted_m3 >= window.water_m3 * ENOUGH
    fits = window.passes_fit >= window.passes
    if missing := window.missing_h:
        each = window.alone_h / fleet.n if fleet.n and window.alone_h else window.minutes / 60 * productive
        if each:
            more = int(np.ceil(missing / each - 1e-9))
            yield Fix("vehicles", more, more * each, dry and fits)
        if not mode.runs and mode.scope == "total":
            less = one_pass(day, mode, "carriageway")
            needs = window.passes * float((less.work_h + less.refill_h).sum())
            wet = window.passes * float(less.water_m3.sum()) <= window.water_granted_m3 + 1e-3
            area = float(day.areas["carriageway"].sum())
            if area and needs < window.needed_h:
                yield Fix(
                    "carriageway", area, window.needed_h - needs, needs <= window.granted_h / ENOUGH and wet and fits
                )
        night = open_minutes([day.night]) & ~open_minutes(mode.peaks) & ~window.mask & ~stops(day, mode)[0]
        idle = np.maximum(0.0, fleet.n - fleet.supply)[night] if fleet.n else np.zeros(0)
        gain = float(idle.sum()) / 60 * productive
        if gain:
            yield Fix("night", float(night.sum()), gain, gain >= missing * ENOUGH and dry and fits)
    if not dry:
        yield Fix("water", window.water_m3 - window.water_granted_m3, 0.0, not window.missing_h and fits)
