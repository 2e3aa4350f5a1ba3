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

EVERY_S = 10.0
NOISE_M = 2.0
ROLLING = 0.85
"""Of a leg's time at work, the rest is spent on the way to the next one: a plan's times have turning in them."""
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
    if skips:  # the road that comes first in the second half of the trip
        road = legs[len(legs) // 2].segment.road_id
        legs = [leg for leg in legs if leg.segment.road_id != road]
    early: set[int] = set()
    if moved:
        later = [leg for leg in legs if leg.begin_s >= UNTIL_S]
        shift = later[0].begin_s - EIGHT_S
        road = later[0].segment.road_id
        first = [leg for leg in later if leg.segment.road_id == road and leg.end_s - shift < UNTIL_S]
        early = {leg.pk for leg in first}
        before = [leg for leg in legs if leg.begin_s < UNTIL_S]
        for leg in before:
            yield from _along(leg, 0.0)
        for leg in first:
            yield from _along(leg, shift)
        legs = later
    for n, leg in enumerate(legs):
        if breaks and n == len(legs) // 2:
            lon, lat = leg.segment.geometry["coordinates"][0]
            yield leg.begin_s, lon, lat, 0.0
            yield float(trip.end_s), lon, lat, 0.0
            return
        if leg.pk not in early:
            yield from _along(leg, 0.0)


def _along(leg: Leg, shift: float) -> Iterator[Knot]:
    """The corners of a leg's segment, at an even speed."""
    line = np.array(leg.segment.geometry["coordinates"], float)
    steps = np.hypot(np.diff(line[:, 0]) * np.cos(np.radians(line[0, 1])), np.diff(line[:, 1]))
    share = np.r_[0.0, np.cumsum(steps)] / max(steps.sum(), 1e-12)
    begin, long = leg.begin_s - shift, (leg.end_s - leg.begin_s) * ROLLING
    for part, (lon, lat) in zip(share, line, strict=True):
        yield begin + part * long, lon, lat, float(part < 1.0)


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
