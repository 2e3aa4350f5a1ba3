"""Which of an operator's bikes to carry from which bay to which: what is known, put before kernel/rebalancing.py.

Only bikes that can be ridden and stand in or near a bay are carried: those elsewhere are a matter of order (findings/). A
bay holds what its capacity leaves beside the bikes of others and those that cannot be ridden; more is never brought to it.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Q
from numpy.typing import NDArray

from shaodao.bikes import settings
from shaodao.bikes.models import Bay, Operator, VehicleStatus
from shaodao.bikes.rebalancing import flows
from shaodao.bikes.rebalancing.settings import RebalancingSettings
from shaodao.bikes.seen import present
from shaodao.bikes.seen.words import ORDER, PARKED, SeenAs
from shaodao.bikes.words import FeedState
from shaodao.foundation import clock
from shaodao.kernel.rebalancing import Moves, advise, expected_cost

NEVER = 1000.0  # riders: what a bike brought to a bay without room would cost
MOST_LOADS = 4  # to one bay
FREE = (FeedState.AVAILABLE, FeedState.UNKNOWN)  # can be ridden; many feeds do not say
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Spot:
    """A bay: the operator's bikes there that can be ridden, what it can hold of them, what riders will do there."""

    pk: int
    code: str
    name: str
    illustrative: bool
    stock: int
    room: int
    taken: float
    left: float


@dataclass(frozen=True)
class Move:
    origin: Spot
    target: Spot
    bikes: int
    loads: int
    metres: int


@dataclass(frozen=True)
class Advice:
    """`missing`: why there is no plan at all ("vans", "history", "positions", ""). `riders`: more riders who find a bike;
    `bikes`: more bikes that find room; `gain`: both, with the pack's weight; `gap`: how much better than this plan another
    could be at most, as a share of it, None where it saves nothing. `short`, `over`: expected without any move."""

    at: datetime
    hours: int
    loads: int
    missing: str
    days: int  # of history with data,
    alike: int  # of which so many tell of today,
    weekend: bool | None  # because they are weekends or workdays as today; None: all of them
    positions: present.Feed | None
    stock: int = 0
    bays: int = 0
    short: float = 0.0
    over: float = 0.0
    moves: tuple[Move, ...] = ()
    riders: float = 0.0
    bikes: float = 0.0
    gain: float = 0.0
    gap: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {n: v for n, v in asdict(self).items() if n not in ("at", "positions", "moves")}
        moves = [
            {"from": m.origin.code, "to": m.target.code, "bikes": m.bikes, "loads": m.loads, "metres": m.metres}
            for m in self.moves
        ]
        newest = clock.local(self.positions.newest).isoformat() if self.positions else None
        return {"at": clock.local(self.at).isoformat(), "positions": newest, **plain, "moves": moves}


def advice(operator: Operator, now: datetime, hours: int, loads: int) -> Advice:
    """The advice for an operator (with its organisation) as of now. Three queries; as long as the pack's `seconds`."""
    given = settings.current().rebalancing
    past = flows.history(operator.organisation.code, now)
    today = clock.local(now).date()
    alike = past.alike(today)
    kind = flows.weekend(today) if len(alike) < len(past.days) else None
    feed = present.feeds(Operator.objects.filter(pk=operator.pk), now).get(operator.pk)
    missing = "vans" if not loads else "history" if len(past.days) < given.least_days else "" if feed else "positions"
    found = Advice(now, hours, loads, missing, len(past.days), len(alike), kind, feed)
    return found if missing else _planned(found, given, *_spots(operator, past, now, hours))


def _planned(basis: Advice, given: RebalancingSettings, spots: list[Spot], lon: Floats, lat: Floats) -> Advice:
    if not spots:
        return basis
    stock = np.array([s.stock for s in spots], np.int64)
    short, over, cost = _costs(spots, stock, given, basis.loads)
    found = advise(
        *_plane(lon, lat), stock, cost,
        van=given.van, loads=basis.loads, farthest=given.farthest_m, per_km=given.per_km, seconds=given.seconds,
    )  # fmt: skip
    each, after = np.arange(stock.size), _after(stock, found)
    return replace(
        basis,
        stock=int(stock.sum()),
        bays=len(spots),
        short=float(short[each, stock].sum()),
        over=float(over[each, stock].sum()),
        moves=_moves(spots, found),
        riders=float((short[each, stock] - short[each, after]).sum()),
        bikes=float((over[each, stock] - over[each, after]).sum()),
        gain=found.gain,
        gap=found.gap / (1 - found.gap) if found.worth > 0 and found.gap < 1 else None,
    )


def _spots(operator: Operator, past: flows.History, now: datetime, hours: int) -> tuple[list[Spot], Floats, Floats]:
    rows = list(
        Bay.objects.filter(active=True)
        .order_by("code")
        .values_list("pk", "code", "name", "illustrative", "capacity", "lon", "lat")
    )
    standing = _standing(operator, now)
    taken, left = past.expected([row[1] for row in rows], now, hours)
    spots = []
    for n, (pk, code, name, illustrative, capacity, _lon, _lat) in enumerate(rows):
        own, everybody = standing.get(pk, (0, 0))
        room = max(0, capacity - (everybody - own))
        spots.append(Spot(pk, code, name, illustrative, own, room, float(taken[n]), float(left[n])))
    return spots, np.array([row[5] for row in rows], np.float64), np.array([row[6] for row in rows], np.float64)


def _standing(operator: Operator, now: datetime) -> dict[int, tuple[int, int]]:
    """By bay: (bikes of the operator that can be carried, all that take up room)."""
    mine = Q(operator=operator, state__in=FREE, seen__in=ORDER)
    rows = present.classed(VehicleStatus.objects.all(), now).filter(
        Q(seen__in=(*PARKED, SeenAs.SILENT)), bay__isnull=False
    )
    counted = rows.order_by().values_list("bay_id").annotate(own=Count("pk", filter=mine), n=Count("pk"))
    return {bay: (own, n) for bay, own, n in counted}


def _costs(spots: list[Spot], stock: Longs, given: RebalancingSettings, loads: int) -> tuple[Floats, Floats, Floats]:
    """(b, levels) each: riders without a bike, bikes without room, and what the optimiser makes less of."""
    room = np.array([s.room for s in spots], np.int64)
    most = int(stock.max()) + given.van * min(loads, MOST_LOADS)
    taken, left = np.array([s.taken for s in spots]), np.array([s.left for s in spots])
    short = expected_cost(stock, taken, left, room, 0.0, most)
    over = expected_cost(stock, taken, left, room, 1.0, most) - short
    too_many = np.maximum(0, np.arange(most + 1)[None, :] - np.maximum(room, stock)[:, None])
    return short, over, short + given.weight * over + NEVER * too_many


def _plane(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Metres east and north in a plane that is true where most bays are."""
    x = (lon - np.median(lon)) * 111_320 * np.cos(np.radians(np.median(lat)))
    return x, (lat - np.median(lat)) * 111_320


def _after(stock: Longs, found: Moves) -> Longs:
    after = stock.copy()
    np.subtract.at(after, found.origin, found.bikes)
    np.add.at(after, found.target, found.bikes)
    return after


def _moves(spots: list[Spot], found: Moves) -> tuple[Move, ...]:
    """The largest first."""
    rows = zip(found.origin, found.target, found.bikes, found.loads, found.metres, strict=True)
    made = [Move(spots[o], spots[t], int(n), int(loads), round(float(m))) for o, t, n, loads, m in rows]
    return tuple(sorted(made, key=lambda m: (-m.bikes, m.origin.code, m.target.code)))
