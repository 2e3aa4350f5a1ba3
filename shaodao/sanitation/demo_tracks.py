"""What the boxes of a day would have sent, had its plan been driven: along its legs, with noise, and with a few faults.

Three things go wrong, so that a demonstration has something to find: one vehicle breaks down in the middle of its trip and its
box goes on sending; one road is passed over; the work on one road is done at eight in the morning instead of its time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.sanitation.models import DayPlan, Leg, Trip
from shaodao.sanitation.proof.actions import midnight
from shaodao.sanitation.words import LegKind

EVERY_S = 5.0
NOISE_M = 2.0
ROLLING = 0.85
"""Of a leg's time at work, the rest is spent on the way to the next one: a plan's times have turning in them."""
TURN_M = 25.0
"""A vehicle goes so far beyond a segment's end, with the brush or pump off, to turn."""
EIGHT_S, UNTIL_S = 8 * 3600.0, 9 * 3600.0
DEGREE_M = 111_320.0
Knot = tuple[float, float, float, float]
"""Second of the day, lon, lat, whether the brush or pump is on from here to the next knot."""


@dataclass(frozen=True, eq=False)
class Day:
    """(n,) fixes: code of the vehicle, seconds since 1970, WGS-84, km/h, degrees, 0 or 1."""

    vehicle: NDArray[np.object_]
    t: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    kmh: NDArray[np.float64]
    heading: NDArray[np.float64]
    working: NDArray[np.int8]


def drive(plan: DayPlan, seed: int = 1) -> Day:
    """The fixes of a plan's trips."""
    trips = list(plan.trips.select_related("vehicle").order_by("vehicle__code", "begin_s"))
    legs: dict[int, list[Leg]] = {trip.pk: [] for trip in trips}
    rows = Leg.objects.filter(trip__plan=plan, kind=LegKind.SERVICE).select_related("segment__road")
    for leg in rows.order_by("trip", "seq"):
        legs[leg.trip_id].append(leg)
    busy = [trip for trip in trips if len(legs[trip.pk]) > 3]
    broken, skips = busy[len(busy) // 2 :][:1], busy[:1]
    moved = next((t for t in busy if t not in [*broken, *skips] and _free_at_eight(t, legs[t.pk])), None)
    parts = [
        _sent(trip.vehicle.code, knots, midnight(plan.day), np.random.default_rng([seed, n]))
        for n, trip in enumerate(trips)
        if len(knots := list(_knots(trip, legs[trip.pk], trip in broken, trip in skips, trip is moved))) > 1
    ]
    if not parts:
        return Day(*(np.empty(0) for _field in fields(Day)))  # type: ignore[arg-type]
    return Day(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Day)))


def _free_at_eight(trip: Trip, legs: list[Leg]) -> bool:
    """Is its vehicle on shift and without work from eight to nine?"""
    return trip.begin_s <= EIGHT_S and trip.end_s >= UNTIL_S and all(
        leg.end_s <= EIGHT_S or leg.begin_s >= UNTIL_S for leg in legs
    ) and any(leg.begin_s >= UNTIL_S for leg in legs)  # fmt: skip


def _knots(trip: Trip, legs: list[Leg], breaks: bool, skips: bool, moved: bool) -> Iterator[Knot]:
    """A trip with what goes wrong on it."""
    begins = {leg.pk: leg.begin_s for leg in legs}
    until = float("inf")
    if skips:  # the road of the leg in the middle
        road = legs[len(legs) // 2].segment.road_id
        legs = [leg for leg in legs if leg.segment.road_id != road]
    if breaks:
        until = legs[len(legs) // 2].begin_s
    if moved:
        first = next(leg for leg in legs if leg.begin_s >= UNTIL_S)
        shift = first.begin_s - EIGHT_S
        for leg in legs:
            if leg.segment.road_id == first.segment.road_id and UNTIL_S <= leg.begin_s < UNTIL_S + shift:
                begins[leg.pk] = leg.begin_s - shift if leg.end_s - shift < UNTIL_S else leg.begin_s
        legs = sorted(legs, key=lambda leg: begins[leg.pk])
    lines = [np.array(leg.segment.geometry["coordinates"], float) for leg in legs]
    for n, (leg, line) in enumerate(zip(legs, lines, strict=True)):
        if leg.begin_s >= until:
            yield until, *line[0], 0.0
            yield float(trip.end_s), *line[0], 0.0
            return
        from_before = n > 0 and bool((lines[n - 1][-1] == line[0]).all())
        goes_on = n + 1 < len(legs) and bool((lines[n + 1][0] == line[-1]).all())
        yield from _along(line, begins[leg.pk], leg.end_s - leg.begin_s, from_before, goes_on)


def _along(line: NDArray[np.float64], begin: float, long: float, from_before: bool, goes_on: bool) -> Iterator[Knot]:
    """The corners of a segment at an even speed; where the vehicle turns, a little of the road before and after it too."""
    wide = np.array([np.cos(np.radians(line[0, 1])), 1.0]) * DEGREE_M
    steps = np.hypot(*((line[1:] - line[:-1]) * wide).T)
    share = np.r_[0.0, np.cumsum(steps)] / max(steps.sum(), 1e-9)
    if not from_before:
        yield begin + 0.02 * long, *(line[0] - (line[1] - line[0]) / max(steps[0], 1e-9) * TURN_M), 0.0
    for part, (lon, lat) in zip(share, line, strict=True):
        yield begin + (0.5 - ROLLING / 2 + ROLLING * part) * long, lon, lat, float(part < 1.0)
    if not goes_on:
        yield begin + 0.98 * long, *(line[-1] + (line[-1] - line[-2]) / max(steps[-1], 1e-9) * TURN_M), 0.0


def _sent(code: str, knots: list[Knot], start: float, random: Any) -> Day:
    """A fix every EVERY_S between the first knot and the last."""
    t, lon, lat, on = np.array(knots).T
    at = np.arange(t[0], t[-1], EVERY_S)
    x, y = np.interp(at, t, lon), np.interp(at, t, lat)
    wide = DEGREE_M * np.cos(np.radians(y))
    ahead = np.clip(at + 1.0, t[0], t[-1])
    back = ahead - 1.0
    east = (np.interp(ahead, t, lon) - np.interp(back, t, lon)) * wide
    north = (np.interp(ahead, t, lat) - np.interp(back, t, lat)) * DEGREE_M
    noise = random.normal(0.0, NOISE_M, (2, at.size))
    working = on[np.searchsorted(t, at, side="right") - 1].astype(np.int8)
    return Day(
        np.full(at.size, code, object),
        start + at,
        x + noise[0] / wide,
        y + noise[1] / DEGREE_M,
        np.minimum(np.hypot(east, north) * 3.6, 60.0),
        np.degrees(np.arctan2(east, north)) % 360,
        working,
    )
