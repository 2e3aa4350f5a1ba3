"""The ground that positions are held against: bays, no-parking zones, streets and communities, ready for the kernel.

Made once for each process and again when a bay, a zone or the grid changed; `ground()` costs one small query a call.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from django.db.models import QuerySet, Sum, Value
from numpy.typing import NDArray

from shaodao.bikes import rules, settings
from shaodao.bikes.models import Bay, Zone
from shaodao.bikes.words import ZoneKind
from shaodao.foundation import clock, district
from shaodao.kernel.parking import SIGMA_95, BayIndex, Parked
from shaodao.places.models import Cell

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
NONE = -1
"""In arrays of keys: no such thing."""
REACH = 2.0
"""Degrees from the district's centre: bays farther away are kept, and nothing is judged by them."""
_HALF = 0.5e-6  # degrees


@dataclass(frozen=True, eq=False)
class Judged:
    """What n positions are on this ground: keys of rows, `NONE` for none.

    `parked` (members of Parked), `metres` (NaN for no bay) and `confidence` (0 to 1) as the kernel says; `bay` (n,) int32 numbers into the
    ground's bays; `zone`, `street`, `community` (n,) int64 primary keys.
    """

    bay: NDArray[np.int32]
    metres: Floats
    parked: NDArray[np.int8]
    zone: Longs
    street: Longs
    community: Longs
    confidence: Floats


@dataclass(frozen=True, eq=False)
class Grid:
    """The unit grid: cells in the order of their codes, and the keys of each one's community and street."""

    cells: BayIndex
    communities: Longs
    streets: Longs

    @classmethod
    def read(cls) -> "Grid":
        rows = list(Cell.objects.order_by("code").values_list(
            "west", "south", "east", "north", "community_id", "community__parent_id", "geometry"))  # fmt: skip
        edges = np.array([row[:4] for row in rows], np.float64).reshape(-1, 4) / 1e6
        areas = np.asarray(shapely.box(edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3]), dtype=object)
        own = [n for n, row in enumerate(rows) if row[6] is not None]
        if own:
            areas[own] = shapes([rows[n][6] for n in own])
        keys = [np.array([NONE if row[k] is None else row[k] for row in rows], np.int64) for k in (4, 5)]
        return cls(BayIndex.build(areas, 0.0), keys[0], keys[1])

    def places(self, lon: Floats, lat: Floats) -> tuple[Longs, Longs]:
        """Keys of street and community of (n,) positions in WGS-84 degrees; as `places.queries.locate` answers.

        A cell reaches from its southern and western edge up to, not including, the others, in whole microdegrees; half
        of one further to the north-east no position lies on an edge.
        """
        if not len(self.cells):
            return np.full(lon.size, NONE), np.full(lon.size, NONE)
        cell = self.cells.assign(lon + _HALF, lat + _HALF).bay
        none = cell < 0
        return np.where(none, NONE, self.streets[cell]), np.where(none, NONE, self.communities[cell])


@dataclass(frozen=True, eq=False)
class Ground:
    """Everything at one revision. `bay_pk`, `codes`, `capacity` are in the order of the index."""

    revision: tuple[Any, ...]
    index: BayIndex
    bay_pk: Longs
    codes: pa.Array
    capacity: Longs
    zones: list[Zone]
    _zone_shapes: NDArray[np.object_]
    grid: Grid
    _forbidden: dict[tuple[int, ...], BayIndex] = field(default_factory=dict)

    def in_force(self, now: datetime) -> tuple[int, ...]:
        """Which of `zones` hold at `now`."""
        local = clock.local(now)
        return tuple(n for n, zone in enumerate(self.zones) if rules.zone_in_force(zone, now, local))

    def zone_at(self, lon: Floats, lat: Floats, accuracy: Floats | None, now: datetime) -> Longs:
        """Keys of the no-parking zone in force at `now` that each position surely stands in."""
        chosen = self.in_force(now)
        if not chosen:
            return np.full(lon.size, NONE)
        index = self._forbidden.get(chosen)
        if index is None:
            index = self._forbidden[chosen] = BayIndex.build(self._zone_shapes[list(chosen)], 0.0)
        found = index.assign(lon, lat, accuracy)
        keys = np.array([self.zones[n].pk for n in chosen], np.int64)
        return np.where(found.parked == Parked.IN_BAY, keys[found.bay], NONE)

    def judge(self, lon: Floats, lat: Floats, accuracy: Floats | None, now: datetime) -> Judged:
        """Hold (n,) positions against everything; `accuracy` in metres, NaN where unknown, None for all unknown."""
        error = _error(accuracy)
        answer = self.index.assign(lon, lat, error, _sigma(lon.size, accuracy))
        assert answer.confidence is not None  # a sigma was given
        street, community = self.grid.places(lon, lat)
        zone = self.zone_at(lon, lat, error, now)
        return Judged(answer.bay, answer.distance, answer.parked, zone, street, community, answer.confidence)


def _error(accuracy: Floats | None) -> Floats | None:
    """Metres for the kernel: the pack's where a feed does not say; None where nobody does, so that nothing is unsure."""
    usual = settings.current().parking.accuracy_m
    if accuracy is None:
        return None
    known = np.isfinite(accuracy) & (accuracy >= 0)
    if not usual and not known.any():
        return None
    return np.where(known, accuracy, usual)


def _sigma(many: int, accuracy: Floats | None) -> Floats:
    """(many,) metres, the error's standard deviation along each axis. What a feed calls accuracy is taken as the radius that
    holds 95 % of positions (as W3C's Geolocation defines it); nobody's positions are true to 0 metres."""
    parking = settings.current().parking
    usual = parking.accuracy_m or parking.error_m
    if accuracy is None:
        return np.full(many, usual * SIGMA_95)
    return np.where(np.isfinite(accuracy) & (accuracy > 0), accuracy, usual) * SIGMA_95


_lock = threading.Lock()
_kept: Ground | None = None
_grid_kept: tuple[Any, Grid] | None = None


def ground() -> Ground:
    """The present ground. One query; some more and up to a second of work where something changed."""
    global _kept  # noqa: PLW0603
    kept, revision = _kept, _revision()
    if kept is not None and kept.revision == revision:
        return kept
    with _lock:
        if _kept is None or _kept.revision != revision:
            _kept = _make(revision)
        return _kept


def grid() -> Grid:
    """The unit grid of the district as it is loaded now; empty before a pack is."""
    return _grid(district.current().digest)


def forget() -> None:
    """Drop what is kept (between tests, whose databases are not the same)."""
    global _kept, _grid_kept  # noqa: PLW0603
    _kept = _grid_kept = None


def _revision() -> tuple[Any, ...]:
    """Changes with every change of a bay or a zone (each raises one version), of the grid, and of the tolerance."""
    bays, zones = (
        model.objects.order_by().values_list(Value(name)).annotate(sum=Sum("version", default=0))
        for model, name in ((Bay, "bay"), (Zone, "zone"))
    )
    sums = bays.union(zones, all=True)
    current = district.current()
    return (current.digest, settings.current().parking.tolerance_m, *sorted(sums))


def _make(revision: tuple[Any, ...]) -> Ground:
    usual = settings.current().parking.tolerance_m
    rows = Bay.objects.filter(active=True).order_by("code")
    bays = list(near(rows).values_list("pk", "code", "capacity", "tolerance_m", "geometry"))
    tolerance = np.array([usual if own is None else own for *_x, own, _g in bays], np.float64)
    zones = list(Zone.objects.filter(active=True, kind=ZoneKind.NO_PARKING).order_by("code"))
    areas = shapes([zone.geometry for zone in zones])
    close = _close_to(_centre(rows), areas)
    zones, areas = [zones[n] for n in close], areas[close]
    return Ground(
        revision,
        BayIndex.build(shapes([geometry for *_x, geometry in bays]), tolerance),
        np.array([row[0] for row in bays], np.int64),
        pa.array([row[1] for row in bays], pa.string()),
        np.array([row[2] for row in bays], np.int64),
        zones,
        areas,
        _grid(revision[0]),
    )


def near(bays: QuerySet[Bay]) -> QuerySet[Bay]:
    """Those that one plane can hold with the district: a file of another city's bays must not stop the ingest."""
    lon, lat = _centre(bays) or (0.0, 0.0)
    return bays.filter(lon__range=(lon - REACH, lon + REACH), lat__range=(lat - REACH, lat + REACH))


def _centre(bays: QuerySet[Bay]) -> tuple[float, float] | None:
    """Of the district, in degrees; where no pack is loaded, the first bay; None without one."""
    centre = district.current().centre
    return centre if any(centre) else bays.order_by("code").values_list("lon", "lat").first()


def _close_to(centre: tuple[float, float] | None, areas: NDArray[np.object_]) -> Longs:
    """Numbers of the areas that lie within reach of the centre (without one: of the first area)."""
    if not areas.size:
        return np.zeros(0, np.int64)
    west, south, east, north = shapely.bounds(areas).T
    middle = np.stack([west + east, south + north], axis=1) / 2
    return np.flatnonzero((np.abs(middle - (middle[0] if centre is None else centre)) <= REACH).all(axis=1))


def shapes(geometries: list[Any]) -> NDArray[np.object_]:
    """Shapely areas of GeoJSON geometries, (n,) object."""
    import orjson

    made = np.empty(len(geometries), dtype=object)
    made[:] = shapely.from_geojson([orjson.dumps(geometry).decode() for geometry in geometries]) if geometries else []
    return made


def _grid(digest: str) -> "Grid":
    """The unit grid of this load of the pack: 23,000 cells take a second, so bays that change do not make it anew."""
    global _grid_kept  # noqa: PLW0603
    if _grid_kept is None or _grid_kept[0] != digest:
        _grid_kept = (digest, Grid.read())
    return _grid_kept[1]
