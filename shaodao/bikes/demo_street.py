"""The illustrative operators' bikes stand, move and are ridden in a demonstration, and send positions through the ingest.

Where a bike is at a time follows from its number and the time alone, so a restart goes on where it was. Every two hours or
so a bike is ridden to another bay, mostly a popular one; some stand beside it, some in heaps, some where nobody may.
Nothing here touches an operator that is not illustrative.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import Bay, Operator, Vehicle, VehicleStatus
from shaodao.bikes.words import IN_FORCE, FeedState, Source, VehicleState
from shaodao.foundation import clock

STAY = 7_200  # seconds at one place, the ride included
RIDE = 600  # the last of them
PARTS = 5  # a bike sends every so many rounds
HEAPS = 12  # places where bikes are left in heaps
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Street:
    """Bays of the district to stand in: (b,) degrees, and how the choice among them adds up to 1."""

    lon: Floats
    lat: Floats
    upto: Floats

    @classmethod
    def read(cls) -> "Street":
        rows = np.array(
            list(Bay.objects.filter(active=True).exclude(community=None).order_by("code").values_list("lon", "lat"))
        )
        if not rows.size:
            return cls(*np.zeros((3, 0)))
        popular = 1 / (1 + 40 * _share(np.arange(len(rows)), 1) ** 2)
        return cls(rows[:, 0], rows[:, 1], np.cumsum(popular) / popular.sum())


def start(now: datetime) -> int:
    """The last two hours, if nothing came in them. Returns the number of positions taken in."""
    last = VehicleStatus.objects.aggregate(last=Max("received_ms"))["last"] or 0
    if last > (now - timedelta(minutes=30)).timestamp() * 1000:
        return 0
    return sum(send(now - timedelta(minutes=back)) for back in (120, 90, 60, 40, 20, 0))


def send(at: datetime, part: int | None = None) -> int:
    """Positions of all bikes at a time, or of one of the `PARTS` parts of them; they come in a second later."""
    street, kept = Street.read(), 0
    if not street.lon.size:
        return 0
    operators = Operator.objects.filter(state__in=IN_FORCE, organisation__illustrative=True).order_by("pk")
    for operator in operators.select_related("organisation"):
        ids = np.array(list(
            Vehicle.objects.filter(operator=operator, state=VehicleState.ACTIVE).exclude(vehicle_id=None)
            .order_by("vehicle_id").values_list("vehicle_id", flat=True)
        ), object)  # fmt: skip
        mine = np.arange(ids.size) if part is None else np.arange(part, ids.size, PARTS)
        received = at + timedelta(seconds=1)
        with clock.freeze(received):
            kept += ingest(operator, _positions(ids, mine, operator.pk, street, at), Source.FILE, received).kept
    return kept


def _positions(
    ids: NDArray[np.object_], n: NDArray[np.int64], operator: int, street: Street, at: datetime
) -> Positions:
    seconds = at.timestamp()
    n = n[_share(n + operator * 1_000_003, 3) > 0.01]  # one in a hundred never sends
    number = n + operator * 1_000_003
    phase = _share(number, 2) * STAY
    slot = np.floor((seconds + phase) / STAY).astype(np.int64)
    into = seconds + phase - slot * STAY
    here, there = (_place(number, slot + k, street) for k in (0, 1))
    way = np.clip((into - (STAY - RIDE)) / RIDE, 0, 1)[:, None]
    where = here * (1 - way) + there * way
    shake = np.stack([_normal(number, int(seconds) * 2 + k) for k in (0, 1)], axis=1)
    where = where + shake * np.array([1.3, 1.0]) * 1.5 / 111_320
    state = np.where(way[:, 0] > 0, FeedState.ON_TRIP.value, FeedState.AVAILABLE.value).astype(object)
    when = np.full(n.size, int(seconds * 1000)) - (_share(number, 4) * 900).astype(np.int64)
    accuracy = 3 + 6 * _share(number, 5)
    return Positions(ids[n], when, where[:, 0], where[:, 1], state, accuracy, np.arange(n.size))


def _place(number: NDArray[np.int64], slot: NDArray[np.int64], street: Street) -> Floats:
    """Degrees (n, 2) where bikes stand in a slot of time: in a bay, beside one, in a heap, anywhere near one."""
    key = number * 7_919 + slot
    bay = np.searchsorted(street.upto, _share(key, 6)).clip(0, street.lon.size - 1)
    kind = _share(key, 7)
    bay = np.where(kind > 0.97, (_hash(key, 8) % np.uint64(HEAPS)).astype(np.int64) * (street.lon.size // HEAPS), bay)
    off = np.select([kind < 0.72, kind < 0.85, kind < 0.97], [0.8, 6.0, 45.0], 4.0)
    turn = 2 * np.pi * _share(key, 9)
    away = np.where(kind > 0.97, 35.0, 0.0) + off * (0.4 + 0.6 * _share(key, 10))
    turn = np.where(kind > 0.97, 0.7 + 0.2 * _share(key, 11), turn)
    north, east = away * np.sin(turn) / 111_320, away * np.cos(turn) / 111_320
    return np.stack([street.lon[bay] + east / np.cos(np.radians(street.lat[bay])), street.lat[bay] + north], axis=1)


def _hash(key: NDArray[np.int64], salt: int) -> Hashes:
    """Splitmix64 of each key."""
    z = key.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    for shift, by in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(by)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _share(key: NDArray[np.int64], salt: int) -> Floats:
    return np.asarray((_hash(key, salt) >> np.uint64(11)) / 2.0**53)


def _normal(key: NDArray[np.int64], salt: int) -> Floats:
    radius = np.sqrt(-2 * np.log(1 - _share(key, 2 * salt + 101)))
    return np.asarray(radius * np.cos(2 * np.pi * _share(key, 2 * salt + 102)))


def go_on(seconds: int, stopped: Callable[[], bool]) -> None:
    """A part of the bikes every so many seconds, until stopped."""
    part = 0
    while not stopped():
        send(clock.now(), part)
        part = (part + 1) % PARTS
        until = time.monotonic() + seconds
        while time.monotonic() < until and not stopped():
            time.sleep(0.5)
