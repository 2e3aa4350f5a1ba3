"""Positions assigned to bays: N against M on one core, side by side with spatial engines on the same exact question.

The question: for each position the nearest bay within 10 m, distance to the polygon itself in metres, and how many positions
each bay has. The peers work on coordinates that are in metres already; ours starts from degrees, projection included. All
values are CPU seconds of the process (for PostGIS: of its server process), the best of a few runs, indexes built before;
``ratio`` compares rows per CPU second with the fastest peer. Each peer's answer is compared with ours before it counts.
Bays look like real ones (6 m by 1.7 m, in rows along streets, a tenth of them bent), positions lie about them as real locks
do (half within 10 m) in random order.

Missing peers are said on stderr. ``pip install '.[bench]'`` brings them, PostGIS excepted (``POSTGIS_URL`` names a server).
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from _bench import ROOT, Line, Skip, benchmark, data_path, line, main
from pyproj import Transformer

from shaodao.kernel.parking import BayIndex

TOLERANCE = 10.0
POSITIONS = {"12k": 12_000, "120k": 120_000, "1.2M": 1_200_000}
BAYS = {"2k": 2_000, "20k": 20_000}
Answer = tuple[np.ndarray, np.ndarray]
"""Bay of each position (-1: none), and metres."""


class Missing(Exception):
    """A peer that is not installed, or not reachable."""


@dataclass(frozen=True)
class Ready:
    """A peer with its index built: what is timed, by which clock, and how its answer is read afterwards."""

    run: Callable[[], Any]
    read: Callable[[Any], Answer] = lambda found: found
    clock: Callable[[], float] = time.process_time


# --- the city ----------------------------------------------------------------------------------------------------------


@cache
def plane(lon: float, lat: float) -> Transformer:
    return Transformer.from_crs("EPSG:4326", f"+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +ellps=WGS84", always_xy=True)


class City:
    """Bays and positions, in metres for the peers and in degrees for us."""

    def __init__(self, bays: np.ndarray, xy: np.ndarray, lon: float, lat: float) -> None:
        self.bays, self.xy = bays, xy
        turn = plane(lon, lat)
        self.lon, self.lat = turn.transform(xy[:, 0], xy[:, 1], direction="INVERSE")
        self.degrees = shapely.transform(
            bays, lambda c: np.stack(turn.transform(c[:, 0], c[:, 1], direction="INVERSE"), axis=1)
        )

    @property
    def points(self) -> np.ndarray:
        return shapely.points(self.xy)


@cache
def bays_of(many: int, spread: float = 7000.0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of twelve along streets; and their centres."""
    random = np.random.default_rng(many)
    street = np.arange(many) // 12
    start = random.uniform(-spread, spread, (street[-1] + 1, 2))[street]
    angle = random.uniform(0, np.pi, street[-1] + 1)[street]
    long = 6.1 * np.exp(random.normal(0, 0.25, many))
    along = np.arange(many) % 12 * 9.0
    bend = np.where(random.random(many) < 0.1, random.uniform(1, 4, many), 0)
    x = np.stack([0 * long, long / 2, long, long, long / 2, 0 * long], axis=1) + along[:, None]
    y = np.stack([0 * long, bend, 0 * long, 0 * long + 1.66, bend + 1.66, 0 * long + 1.66], axis=1)
    east = start[:, :1] + x * np.cos(angle)[:, None] - y * np.sin(angle)[:, None]
    north = start[:, 1:] + x * np.sin(angle)[:, None] + y * np.cos(angle)[:, None]
    corners = np.stack([east, north], axis=2)
    straight = bend == 0
    bays = np.empty(many, dtype=object)
    bays[straight] = shapely.polygons(corners[straight][:, [0, 2, 3, 5]])
    bays[~straight] = shapely.polygons(corners[~straight])
    return bays, corners.mean(axis=1)


@cache
def city(positions: int, many: int) -> City:
    bays, centres = bays_of(many)
    random = np.random.default_rng(positions)
    off = np.exp(random.normal(np.log(10), 1.1, positions))
    angle = random.uniform(0, 2 * np.pi, positions)
    xy = centres[random.integers(0, many, positions)] + np.stack([off * np.cos(angle), off * np.sin(angle)], axis=1)
    return City(bays, xy, 113.298, 40.076)


@cache
def xiamen() -> City:
    try:
        import pyarrow.parquet as parquet
    except ImportError as problem:
        raise Skip("pyarrow is not installed") from problem
    with data_path("bikes", "xiamen_bays.csv").open(encoding="utf-8") as file:
        bays = shapely.polygons([json.loads(f"[{row['corners_lon_lat']}]") for row in csv.DictReader(file)])
    table = parquet.read_table(data_path("bikes", "xiamen_lock_events.parquet"), columns=["lon", "lat"])
    lon, lat = (table[name].to_numpy() for name in ("lon", "lat"))
    turn = plane(float(lon.mean()), float(lat.mean()))
    flat = shapely.transform(bays, lambda c: np.stack(turn.transform(c[:, 0], c[:, 1]), axis=1))
    made = City(flat, np.stack(turn.transform(lon, lat), axis=1), float(lon.mean()), float(lat.mean()))
    made.lon, made.lat, made.degrees = lon, lat, bays
    return made


# --- peers: each prepares its index and its points, and returns the call that is timed ---------------------------------


def nearest(row: np.ndarray, bay: np.ndarray, metres: np.ndarray, many: int) -> Answer:
    """The nearest of all pairs within tolerance, ties by bay order; the pairs of a position stand together."""
    best, far = np.full(many, -1), np.full(many, np.nan)
    if row.size:
        start = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
        least = np.minimum.reduceat(metres, start)
        is_least = metres == np.repeat(least, np.diff(np.append(start, row.size)))
        best[row[start]] = np.minimum.reduceat(np.where(is_least, bay, np.iinfo(bay.dtype).max), start)
        far[row[start]] = least
    return best, far


def counted(answer: Answer, bays: int) -> Answer:
    np.bincount(answer[0] + 1, minlength=bays + 1)
    return answer


def shapely_dwithin(town: City) -> Ready:
    tree, points, bays = shapely.STRtree(town.bays), town.points, town.bays

    def run() -> Answer:
        row, bay = tree.query(points, predicate="dwithin", distance=TOLERANCE)
        return counted(nearest(row, bay, shapely.distance(points[row], bays[bay]), points.size), bays.size)

    return Ready(run)


def shapely_nearest(town: City) -> Ready:
    tree, points = shapely.STRtree(town.bays), town.points

    def run() -> Answer:
        (row, bay), metres = tree.query_nearest(points, max_distance=TOLERANCE, return_distance=True)
        return counted(nearest(row, bay, metres, points.size), town.bays.size)

    return Ready(run)


def _arrow(**columns: Any) -> Any:
    try:
        import pyarrow
    except ImportError as problem:
        raise Missing("pyarrow is not installed") from problem
    return pyarrow.table(columns)


def _frames(town: City) -> tuple[Any, Any]:
    try:
        import geopandas
    except ImportError as problem:
        raise Missing("geopandas is not installed") from problem
    bays = geopandas.GeoDataFrame({"bay": np.arange(town.bays.size)}, geometry=town.bays)
    return geopandas.GeoDataFrame({"row": np.arange(len(town.xy))}, geometry=town.points), bays


def geopandas_dwithin(town: City) -> Ready:
    points, bays = _frames(town)
    bays.sindex  # noqa: B018  builds it

    def run() -> Answer:
        pairs = points.sjoin(bays, predicate="dwithin", distance=TOLERANCE)
        row, bay = pairs["row"].to_numpy(), pairs["bay"].to_numpy()
        metres = pairs.geometry.distance(bays.geometry.iloc[bay], align=False).to_numpy()
        return counted(nearest(row, bay, metres, len(points)), len(bays))

    return Ready(run)


def geopandas_nearest(town: City) -> Ready:
    points, bays = _frames(town)
    bays.sindex  # noqa: B018  builds it

    def run() -> Answer:
        pairs = points.sjoin_nearest(bays, max_distance=TOLERANCE, distance_col="metres")
        found = nearest(*(pairs[name].to_numpy() for name in ("row", "bay", "metres")), len(points))
        return counted(found, len(bays))

    return Ready(run)


JOIN = """select p.row as row, b.bay as bay, ST_Distance(p.geometry, b.geometry) as metres
          from positions p join bays b on ST_DWithin(p.geometry, b.geometry, 10.0)"""


def duckdb_spatial(town: City) -> Ready:
    try:
        import duckdb
        import duckdb_extensions
    except ImportError as problem:
        raise Missing("duckdb and its spatial extension are not installed") from problem
    base = duckdb.connect(config={"threads": 1})
    try:
        duckdb_extensions.import_extension("spatial", con=base)
        base.execute("load spatial")
    except duckdb.Error as problem:
        raise Missing(f"DuckDB spatial does not load: {str(problem).splitlines()[0]}") from problem
    positions = {"row": np.arange(len(town.xy)), "x": town.xy[:, 0].copy(), "y": town.xy[:, 1].copy()}
    bays = _arrow(bay=np.arange(town.bays.size), wkb=shapely.to_wkb(town.bays).tolist())
    base.register("given_positions", _arrow(**positions))
    base.register("given_bays", bays)
    base.execute("create table positions as select row, ST_Point(x, y) as geometry from given_positions")
    base.execute("create table bays as select bay, ST_GeomFromWKB(wkb) as geometry from given_bays")

    def run() -> Answer:
        found = base.execute(f"select * from ({JOIN}) order by row").fetchnumpy()
        return counted(nearest(found["row"], found["bay"], found["metres"], len(town.xy)), town.bays.size)

    return Ready(run)


def sedona(town: City) -> Ready:
    try:
        import geoarrow.pyarrow  # noqa: F401
        import sedonadb
    except ImportError as problem:
        raise Missing("sedonadb is not installed") from problem
    base = sedonadb.connect()
    for name, frame in zip(("positions", "bays"), _frames(town), strict=True):
        base.create_data_frame(frame).to_memtable().to_view(name, overwrite=True)

    def run() -> Answer:
        found = base.sql(JOIN).to_arrow_table().sort_by("row")
        row, bay, metres = (found[name].to_numpy() for name in ("row", "bay", "metres"))
        return counted(nearest(row, bay, metres, len(town.xy)), town.bays.size)

    return Ready(run)


def postgis(town: City) -> Ready:
    """Timed by the CPU clock of the server's own process, so the server has to be on this machine."""
    import psycopg

    if not (url := os.environ.get("POSTGIS_URL")):
        raise Missing("no PostGIS (set POSTGIS_URL to a scratch database on this machine)")
    try:
        base = psycopg.connect(url, autocommit=True)
        base.execute("create extension if not exists postgis")
    except psycopg.Error as problem:
        raise Missing(f"PostGIS: {str(problem).splitlines()[0]}") from problem
    base.execute("set max_parallel_workers_per_gather = 0")
    base.execute("set work_mem = '256MB'")
    base.execute("create temp table positions (row int, geometry geometry)")
    base.execute("create temp table bays (bay int, geometry geometry)")
    for table, shapes in (("positions", town.points), ("bays", town.bays)):
        with base.cursor().copy(f"copy {table} from stdin") as copy:
            for number, wkb in enumerate(shapely.to_wkb(shapes, hex=True)):
                copy.write_row((number, wkb))
    base.execute("create index on bays using gist (geometry)")
    base.execute("analyze positions")
    base.execute("analyze bays")

    process = f"/proc/{base.info.backend_pid}/stat"
    ticks = os.sysconf("SC_CLK_TCK")

    def clock() -> float:
        with open(process, encoding="ascii") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / ticks

    def run() -> None:
        # The answer stays on the server: its transfer would not be PostGIS's work.
        base.execute("drop table if exists found")
        base.execute(f"""create temp table found as
                         select distinct on (row) row, bay, metres from ({JOIN}) pairs order by row, metres, bay""")

    def read(_: None) -> Answer:
        found = np.array(base.execute("select row, bay, metres from found order by row").fetchall())
        return nearest(found[:, 0].astype(int), found[:, 1].astype(int), found[:, 2], len(town.xy))

    return Ready(run, read, clock)


PEERS: dict[str, Callable[[City], Ready]] = {
    "Shapely STRtree dwithin": shapely_dwithin,
    "Shapely STRtree nearest": shapely_nearest,
    "GeoPandas sjoin dwithin": geopandas_dwithin,
    "GeoPandas sjoin_nearest": geopandas_nearest,
    "DuckDB spatial": duckdb_spatial,
    "SedonaDB": sedona,
    "PostGIS": postgis,
}


# --- measuring ---------------------------------------------------------------------------------------------------------


def best_of(times: int, run: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> tuple[float, Any]:
    least, found = float("inf"), None
    for _ in range(times):
        start = clock()
        found = run()
        least = min(least, clock() - start)
    return least, found


def same(ours: Answer, theirs: Answer) -> bool:
    """The same bay for each position; where two are equally near, or the rim is within a micrometre, either will do."""
    differ = np.flatnonzero(ours[0] != theirs[0])
    rim = np.fmax(ours[1], theirs[1])[differ]
    both = (ours[0] >= 0) & (theirs[0] >= 0)
    far = np.abs(ours[1] - theirs[1])[both].max(initial=0)
    return bool((both[differ] | (np.abs(rim - TOLERANCE) < 1e-6)).all()) and far < 1e-3


@cache
def peer_times(town: City) -> dict[str, float]:
    """CPU seconds of each peer that is here; the rest are said aloud."""
    index = BayIndex.build(town.degrees, TOLERANCE)
    answer = index.assign(town.lon, town.lat)
    spent: dict[str, float] = {}
    for name, prepare in PEERS.items():
        try:
            ready = prepare(town)
        except Missing as reason:
            print(f"peer left out: {name}: {reason}", file=sys.stderr)
            continue
        spent[name], found = best_of(2 if len(town.xy) > 500_000 else 5, ready.run, ready.clock)
        if not same((answer.bay, answer.distance), ready.read(found)):
            raise AssertionError(f"{name} and the kernel disagree")
        print(f"  {name}: {spent[name]:.4g} s", file=sys.stderr)
    return spent


def side_by_side(name: str, town: City) -> Line:
    index = BayIndex.build(town.degrees, TOLERANCE)
    index.warm()
    before, _ = best_of(5, lambda: index.assign(town.lon, town.lat))
    print(f"{name}:", file=sys.stderr)
    spent = peer_times(town)
    after, _ = best_of(5, lambda: index.assign(town.lon, town.lat))
    fastest = min(spent, key=lambda peer: spent[peer])
    return line(name, min(before, after), "s", peer=fastest, peer_value=spent[fastest])


def _register(positions: str, bays: str) -> None:
    name = f"parking.{positions}x{bays}.cpu_s"

    @benchmark(name, "s")
    def measured() -> Iterator[Line]:
        yield side_by_side(name, city(POSITIONS[positions], BAYS[bays]))


for _positions in POSITIONS:
    for _bays in BAYS:
        _register(_positions, _bays)


@benchmark("parking.xiamen")
def real_bays() -> Iterator[Line]:
    """Real bays and real locks: the answer itself (1: Shapely's, exactly), and the time."""
    town = xiamen()
    answer = BayIndex.build(town.degrees, TOLERANCE).assign(town.lon, town.lat)
    bay, metres = shapely_dwithin(town).run()
    off = np.nanmax(np.abs(answer.distance - metres))
    print(
        f"parking.xiamen: {np.sum(bay >= 0)} of {bay.size} near a bay, distances differ by {off:.2g} m", file=sys.stderr
    )
    yield line("parking.xiamen.equal", float(np.array_equal(answer.bay, bay) and off < 1e-3), "")
    yield side_by_side("parking.xiamen.cpu_s", town)


@benchmark("parking.accuracy.1.2Mx2k.cpu_s", "s")
def with_accuracy() -> float:
    """The same with margins and the class uncertain, for an accuracy of 5 m."""
    town = city(1_200_000, 2_000)
    index = BayIndex.build(town.degrees, TOLERANCE)
    index.warm()
    return best_of(5, lambda: index.assign(town.lon, town.lat, 5.0))[0]


@benchmark("parking.build.20k.cpu_s", "s")
def build() -> float:
    """20,000 bays checked, projected and spread over the grid."""
    town = city(12_000, 20_000)
    BayIndex.build(town.degrees[:10], TOLERANCE).warm()
    return best_of(5, lambda: BayIndex.build(town.degrees, TOLERANCE).assign([113.3], [40.1]))[0]


@benchmark("parking.compile.cpu_s", "s")
def first_call() -> float:
    """What the very first use costs, before anything is in Numba's cache (later processes: a tenth of a second)."""
    code = (
        "import time; from shaodao.kernel.parking import BayIndex; start = time.process_time();"
        "BayIndex.build([[[(113, 40), (113.001, 40), (113, 40.001)]]], 10).warm(); print(time.process_time() - start)"
    )
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NUMBA_CACHE_DIR": empty, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    raise SystemExit(main(__doc__))
