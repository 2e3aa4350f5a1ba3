"""Synthetic days with known truth: the same seed, the same day. Nothing here knows how coverage is computed.

Vehicles wander over a street grid (or roads that are given), from work unit to work unit. A visit is work (a planned pass), transit, or
work that nobody planned (a decoy, mostly on the service road beside a planned one). Of the planned passes some are cut short. What
the receiver makes of it: correlated noise with bursts, dropouts, a flickering work signal, thinned to a sampling interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from shaodao.kernel.coverage import Fixes, Network

Floats = NDArray[np.float64]
LON, LAT = 113.3, 40.08
START = 1_764_543_600.0  # 2025-12-01 07:00 +08:00


@dataclass(frozen=True)
class Conditions:
    """Of a day. ``noise`` metres a axis, correlated over ``memory`` seconds; rates by the hour."""

    vehicles: int = 6
    hours: float = 4.0
    noise: float = 4.0
    memory: float = 30.0
    every: int = 1
    bursts: float = 4.0
    dropouts: float = 3.0
    dropout_s: float = 45.0
    glitches: float = 30.0
    short: float = 0.18
    work: float = 0.55
    decoys: float = 0.15
    parallel: float = 0.42
    """Share of streets with a service road beside them."""
    apart: tuple[float, float] = (9.0, 15.0)
    """Metres between a carriageway's lane and the service road's."""
    grid: tuple[int, int] = (9, 9)
    reported: bool = True
    """Whether the receiver reports speed and heading."""


HARD = Conditions()
PLAIN = Conditions(
    noise=5.0, memory=10.0, every=10, bursts=0.0, dropouts=1.0, glitches=0.0, decoys=0.0, apart=(25.0, 25.0)
)


@dataclass(frozen=True)
class Roads:
    """Lines in degrees with what `Network.build` needs."""

    lines: list[Floats]
    oneway: list[bool]
    offset: list[float]
    road: list[str]

    def network(self) -> Network:
        return Network.build(self.lines, self.oneway, self.offset, self.road)


@dataclass(frozen=True)
class Visit:
    """A vehicle on a work unit: a planned pass, a decoy or transit, and the metres that were truly worked."""

    vehicle: int
    unit: int
    start: float
    end: float
    length: float
    worked: float
    parallel: bool
    planned: bool

    @property
    def share(self) -> float:
        return self.worked / self.length


@dataclass(frozen=True)
class Day:
    roads: Roads
    network: Network
    fixes: Fixes
    visits: list[Visit]
    conditions: Conditions

    @property
    def tasks(self) -> list[Visit]:
        """The planned passes."""
        return [visit for visit in self.visits if visit.planned]


def street_grid(random: np.random.Generator, conditions: Conditions) -> Roads:
    """Streets 90-390 m apart, two-way with lanes 3.5 m right of the line; service roads run one way beside some of them."""
    cols, rows = conditions.grid
    xs = np.cumsum(random.choice([90.0, 160.0, 220.0, 280.0, 330.0, 390.0], cols, p=[0.1, 0.1, 0.2, 0.2, 0.2, 0.2]))
    ys = np.cumsum(random.choice([90.0, 160.0, 220.0, 280.0, 330.0, 390.0], rows, p=[0.1, 0.1, 0.2, 0.2, 0.2, 0.2]))
    bend = random.normal(0, 6.0, (cols, rows, 2))
    node = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1) + bend
    streets = [
        *(((i, j), (i + 1, j), f"east {j}") for i in range(cols - 1) for j in range(rows)),
        *(((i, j), (i, j + 1), f"north {i}") for i in range(cols) for j in range(rows - 1)),
    ]
    lines, oneway, offset, road = [], [], [], []
    for a, b, name in streets:
        start, end = node[a], node[b]
        far = float(np.hypot(*(end - start)))
        along = (end - start) / far
        right = np.array([along[1], -along[0]])
        lines.append(np.array([start, start + along * far * 0.4 + right * random.normal(0, 1.0), end]))
        oneway.append(False)
        offset.append(3.5)
        road.append(name)
        if random.random() < conditions.parallel and far > 150:
            aside = 3.5 + random.uniform(*conditions.apart)
            lines.append(np.array([start, start + along * 18 + right * aside, end - along * 18 + right * aside, end]))
            oneway.append(True)
            offset.append(0.0)
            road.append(f"service of {name} {a}")
    turn = Transformer.from_crs("EPSG:4326", f"+proj=tmerc +lat_0={LAT} +lon_0={LON} +ellps=WGS84", always_xy=True)
    degrees = [np.stack(turn.transform(line[:, 0], line[:, 1], direction="INVERSE"), axis=1) for line in lines]
    return Roads(degrees, oneway, offset, road)


def day(seed: int, conditions: Conditions = HARD, roads: Roads | None = None) -> Day:
    """One day by seed: roads, fixes, and the truth about every planned pass."""
    random = np.random.default_rng(seed)
    roads = roads or street_grid(random, conditions)
    network = roads.network()
    beside = parallel_units(network)
    columns, visits = [], []
    for vehicle in range(conditions.vehicles):
        drive = _drive(random, network, conditions, beside)
        visits += [replace(visit, vehicle=vehicle) for visit in drive.visits]
        received = _received(random, network, drive, conditions)
        columns.append((np.full(received[0].size, vehicle), *received))
    stacked = [np.concatenate(column) for column in zip(*columns, strict=True)]
    return Day(roads, network, Fixes.of(*stacked), visits, conditions)


def parallel_units(network: Network, within: float = 15.0) -> NDArray[np.bool_]:
    """(u,) whether most of a unit has another line's lane of about the same direction within so many metres."""
    units, tables = network.units, network.tables
    lines = tables.edges.line
    yes, all_ = np.zeros(units.length.size), np.zeros(units.length.size)
    samples = []
    for number, metres in enumerate(tables.ways.metres):
        places = np.arange(10.0, max(metres - 9.0, 11.0), 10.0)
        samples.append((np.full(places.size, number), places))
    edge, s = (np.concatenate(column) for column in zip(*samples, strict=True))
    x, y, east, north = lane(network, edge, s)
    from scipy.spatial import cKDTree

    points = np.stack([x, y], axis=1)
    for i, near in enumerate(cKDTree(points).query_ball_point(points, within + 0.5)):
        unit = _unit_at(network, int(edge[i]), float(s[i]))[0]
        all_[unit] += 1
        yes[unit] += any(
            lines[edge[j]] != lines[edge[i]] and east[i] * east[j] + north[i] * north[j] > 0.9 for j in near
        )
    return np.asarray(yes > 0.5 * all_)


def lane(network: Network, edge: NDArray[np.int64], s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Local metres and heading of places on carriageways, in the middle of their lane."""
    tables, grid = network.tables, network.tables.grid
    line = tables.edges.line[edge]
    against = tables.edges.against[edge]
    along = np.where(against, grid.lane[line, 0] - s, s)
    piece = np.searchsorted(grid.line * 1e6 + grid.piece[:, 5], line * 1e6 + along + 1e-6, side="right") - 1
    sign = np.where(against, -1.0, 1.0)
    rest, o = along - grid.piece[piece, 5], grid.lane[line, 1]
    ax, ay, ux, uy = grid.piece[piece, :4].T
    return ax + ux * rest + sign * uy * o, ay + uy * rest - sign * ux * o, ux * sign, uy * sign


def _unit_at(network: Network, edge: int, s: float) -> tuple[int, float]:
    """The unit of a place on an edge, and metres in it."""
    units = network.units
    for part in units.edge_part[units.edge_first[edge] : units.edge_first[edge + 1]]:
        if units.part_from[part] - 1e-6 <= s <= units.part_to[part] + 1e-6:
            return int(units.part_unit[part]), float(units.part_at[part] + s - units.part_from[part])
    raise ValueError(f"edge {edge} has no unit at {s} m")


@dataclass(frozen=True)
class _Drive:
    """True places by the second, and visits (their vehicle not yet known)."""

    t: Floats
    edge: NDArray[np.int64]
    s: Floats
    speed: Floats
    working: NDArray[np.bool_]
    visits: list[Visit]


@dataclass
class _Doing:
    """What a vehicle does on a unit: work but for ``off`` (from, to), planned or not, or only pass."""

    planned: bool
    work: bool
    off: tuple[float, float]
    speed: float


def _drive(random: np.random.Generator, network: Network, conditions: Conditions, beside: NDArray[np.bool_]) -> _Drive:
    tables, units = network.tables, network.units
    out: dict[int, list[int]] = {}
    for edge, tail in enumerate(tables.edges.tail):
        out.setdefault(int(tail), []).append(edge)
    times, rows = [START + float(random.uniform(0, 600))], []  # rows: edge, from, to, speed, working
    now, end = times[0], START + conditions.hours * 3600
    edge, visit, unit = int(random.integers(tables.ways.head.size)), None, -1
    visits: list[Visit] = []
    worked = begun = 0.0
    complete = False

    def close() -> None:
        if visit is not None:
            whole, planned = float(units.length[unit]), visit.planned and complete
            visits.append(Visit(-1, unit, begun, now, whole, worked, bool(beside[unit]), planned))

    while now < end:
        if random.random() < 0.3:  # a red light at the junction
            now += float(random.uniform(5, 60))
            times.append(now)
            rows.append((edge, 0.0, 0.0, 0.0, bool(visit and visit.work)))
        for part in units.edge_part[units.edge_first[edge] : units.edge_first[edge + 1]]:
            if units.part_unit[part] != unit or units.part_at[part] == 0.0:
                close()
                unit, worked, begun = int(units.part_unit[part]), 0.0, now
                complete = float(units.part_at[part]) == 0.0
                visit = _intent(random, conditions, float(units.length[unit]), bool(beside[unit]))
            assert visit is not None
            at, long = float(units.part_at[part]), float(units.part_to[part] - units.part_from[part])
            cuts = sorted({0.0, long, *(min(max(cut - at, 0.0), long) for cut in visit.off)})
            for a, b in pairwise(cuts):
                off = visit.off[0] <= at + (a + b) / 2 <= visit.off[1]
                on = visit.work and not off
                speed = visit.speed if on or not visit.work else visit.speed * float(random.uniform(1.0, 2.5))
                now += (b - a) / speed
                times.append(now)
                rows.append((edge, float(units.part_from[part]) + a, float(units.part_from[part]) + b, speed, on))
                worked += (b - a) if on else 0.0
        edge, inside = _onwards(random, network, out, edge)
        if not inside:
            close()
            unit, visit = -1, None
    t = np.arange(np.ceil(times[0]), times[-1])
    now_in = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(rows) - 1)
    of_row: list[NDArray[Any]] = [np.array(column)[now_in] for column in zip(*rows, strict=True)]
    which, low, high, pace, on_work = of_row
    share = (t - np.array(times)[now_in]) / np.maximum(np.diff(times)[now_in], 1e-9)
    return _Drive(t, which, low + (high - low) * share, pace, on_work, visits)


def _intent(random: np.random.Generator, conditions: Conditions, length: float, beside: bool) -> _Doing:
    nowhere = (-1.0, -1.0)
    kind = random.random()
    if kind < conditions.work:
        off = nowhere
        if random.random() < conditions.short:
            long = length * float(random.uniform(0.15, 1.0))
            begin = float(random.uniform(0, length - long))
            off = (begin, begin + long)
        return _Doing(True, True, off, float(random.uniform(8, 13)) / 3.6)
    if kind < conditions.work + conditions.decoys * (2.0 if beside else 0.5):
        return _Doing(False, True, nowhere, float(random.uniform(8, 13)) / 3.6)
    return _Doing(False, False, nowhere, float(random.uniform(18, 40)) / 3.6)


def _onwards(random: np.random.Generator, network: Network, out: dict[int, list[int]], edge: int) -> tuple[int, bool]:
    """The next edge, and whether it goes on in the same unit. Units are entered at their beginning and left at their end."""
    tables, units = network.tables, network.units
    last = units.edge_part[units.edge_first[edge + 1] - 1]
    nexts = [e for e in out.get(int(tables.ways.head[edge]), []) if e != tables.ways.twin[edge]]
    firsts = {e: units.edge_part[units.edge_first[e]] for e in nexts}
    for e in nexts:
        if units.part_unit[firsts[e]] == units.part_unit[last] and units.part_at[firsts[e]] > 0:
            return e, True
    fresh = [e for e in nexts if units.part_at[firsts[e]] == 0.0]
    choice: Sequence[int] = fresh or nexts
    if not choice:
        return (
            (int(tables.ways.twin[edge]), False)
            if tables.ways.twin[edge] >= 0
            else (int(random.integers(tables.ways.head.size)), False)
        )
    return int(random.choice(choice)), False


def _received(
    random: np.random.Generator, network: Network, drive: _Drive, conditions: Conditions
) -> tuple[Floats, ...]:
    """t, longitude, latitude, speed, heading, working as the box sends them."""
    n = drive.t.size
    x, y, east, north = lane(network, drive.edge, drive.s)
    burst = np.ones(n)
    for _ in range(random.poisson(conditions.bursts * n / 3600)):
        at, long = random.integers(n), random.uniform(30, 90)
        burst[at : at + int(long)] = random.uniform(2.0, 4.0)
    x += _wander(random, n, conditions.noise, conditions.memory) * burst + random.normal(0, 0.5, n)
    y += _wander(random, n, conditions.noise, conditions.memory) * burst + random.normal(0, 0.5, n)
    working = drive.working.copy()
    for _ in range(random.poisson(conditions.glitches * n / 3600)):
        at = random.integers(n)
        working[at : at + random.integers(1, 4)] ^= True
    keep = np.arange(n) % conditions.every == int(random.integers(conditions.every))
    for _ in range(random.poisson(conditions.dropouts * n / 3600)):
        at = random.integers(n)
        keep[at : at + int(random.exponential(conditions.dropout_s)) + 5] = False
    lon, lat = _degrees(network, x[keep], y[keep])
    speed = np.maximum(drive.speed + random.normal(0, 0.25, n), 0.0)[keep]
    heading = (
        np.where(
            drive.speed > 0, np.degrees(np.arctan2(east, north)) + random.normal(0, 6.0, n), random.uniform(0, 360, n)
        )[keep]
        % 360
    )
    if not conditions.reported:
        speed, heading = np.full(speed.size, np.nan), np.full(speed.size, np.nan)
    return drive.t[keep], lon, lat, speed, heading, working[keep].astype(np.int8)


def _wander(random: np.random.Generator, n: int, sigma: float, memory: float) -> Floats:
    """A Gauss-Markov process by the second."""
    from scipy.signal import lfilter

    a = float(np.exp(-1.0 / memory))
    steps = random.normal(0, sigma * np.sqrt(1 - a * a), n)
    steps[0] = random.normal(0, sigma)
    return np.asarray(lfilter([1.0], [1.0, -a], steps), dtype=np.float64)


def _degrees(network: Network, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    turn = network.plane
    there = Transformer.from_crs(
        "EPSG:4326", f"+proj=tmerc +lat_0={turn.lat!r} +lon_0={turn.lon!r} +ellps=WGS84", always_xy=True
    )
    lon, lat = there.transform(x, y, direction="INVERSE")
    return np.asarray(lon), np.asarray(lat)
