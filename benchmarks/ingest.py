"""Positions a second, end to end: from the bytes that a broker delivers until they are judged, committed and to be read.

12,000 bikes of three operators, 2,000 bays, the grid and a no-parking zone of Pingcheng; each bike sends a fix a round, as
messages of 50 positions. A process of its own takes them in as `shaodao bikes mqtt` does (parse, check, judge, write, log,
count, commit), moves them into Parquet as the clock does, and reads after each round how the bikes stand; all of it is
timed. `peer` is what the product is built for: 5,000 a second on SQLite, 10,000 on PostgreSQL (a fix of each bike in 30 s
is 400). `memory` is the growth of the process from the second quarter to the end: flat memory is about none.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import orjson
from _bench import ROOT, Line, Skip, benchmark, line, main
from _database import database

BIKES, BAYS, ROUNDS, MESSAGE = 12_000, 2_000, 20, 50
BARS = {"sqlite": 5_000, "postgresql": 10_000}
PREPARE = """
import os, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from datetime import timedelta
from pathlib import Path
from shaodao.bikes.actions import enrol
from shaodao.bikes.models import Bay, Operator, Zone
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, district, pack
from shaodao.organisations import actions
from shaodao.places.models import Cell
pack.load_pack(Path(sys.argv[1]))
district.forget()
person = actions.create_person("bench", "bench", None)
actions.set_post(person, "headquarters", "HQ")
for code in ("BENCH-A", "BENCH-B", "BENCH-C"):
    operator = enrol(Actor.of(person), code, code, code).operator
    Operator.objects.filter(pk=operator.pk).update(
        state="admitted", quota=4000, term_from=clock.now().date(), term_until=clock.now().date() + timedelta(days=30))
have = Bay.objects.filter(active=True).count()
cells = list(Cell.objects.order_by("code"))
chosen = cells[:: max(1, len(cells) // int(sys.argv[2]))][: max(0, int(sys.argv[2]) - have)]
def box(lon, lat, x, y):
    ring = [[lon - x, lat - y], [lon + x, lat - y], [lon + x, lat + y], [lon - x, lat + y], [lon - x, lat - y]]
    return {"type": "Polygon", "coordinates": [ring]}
now = clock.now()
Bay.objects.bulk_create(
    [Bay(code=f"BENCH-{i}", lon=(c.west + c.east) / 2e6, lat=(c.south + c.north) / 2e6, length_m=10, area_m2=20, capacity=16,
         geometry=box((c.west + c.east) / 2e6, (c.south + c.north) / 2e6, 6e-5, 1e-5), valid_from=now)
     for i, c in enumerate(chosen)], batch_size=500)
c = cells[len(cells) // 2]
Zone.objects.create(code="BENCH", kind="no_parking", geometry=box(c.west / 1e6, c.south / 1e6, 1e-3, 1e-3), valid_from=now)
"""
TAKE = """
import os, resource, sys, time
import django
django.setup()
import numpy as np, orjson
from django.db.models import Count
from shaodao.bikes.ingest import keep
from shaodao.bikes.ingest.sources import mqtt
from shaodao.foundation.listen import Message, take_in
from shaodao.bikes.models import Bay, PositionBatch, VehicleStatus
from shaodao.foundation import clock
bikes, rounds, size = (int(a) for a in sys.argv[1:4])
rng = np.random.default_rng(1)
spots = np.array(list(Bay.objects.order_by("code").values_list("lon", "lat")))
home = spots[rng.integers(0, len(spots), bikes)] + rng.normal(0, 1.5e-4, (bikes, 2))
def messages(n):
    # A tenth of the bikes has been ridden to another place since the round before.
    moved = np.flatnonzero(rng.random(bikes) < 0.1)
    home[moved] = spots[rng.integers(0, len(spots), moved.size)] + rng.normal(0, 1.5e-4, (moved.size, 2))
    at = int(time.time() * 1000) - 1000 + n
    here = np.round(home + rng.normal(0, 4e-5, home.shape), 6)
    for first in range(0, bikes, size):
        body = [{"vehicle_id": f"86520{i:07d}", "time": at, "lon": here[i, 0], "lat": here[i, 1], "accuracy": 8, "state": "available"}
                for i in range(first, min(bikes, first + size))]
        yield Message(("BENCH-A", "BENCH-B", "BENCH-C")[first * 3 // bikes], orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY))
def memory():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() / 1e6
def round_of(found):
    for first in range(0, len(found), 40):  # what comes within 0.2 s at this rate
        take_in(found[first : first + 40], mqtt.take)
    seen = sum(n for _parked, n in VehicleStatus.objects.values_list("parked").annotate(n=Count("pk")))
    assert seen == bikes, seen
round_of(list(messages(0)))
spent, before = 0.0, 0.0
for n in range(1, rounds + 1):
    found = list(messages(n))
    begin = time.perf_counter()
    round_of(found)
    if n % 5 == 0:
        keep.keep(clock.now(), all_of_it=True)
    spent += time.perf_counter() - begin
    if n == max(1, rounds // 4):
        before = memory()
from pyarrow import dataset
stored = dataset.dataset(keep.positions(), format="parquet").count_rows() + sum(PositionBatch.objects.values_list("rows", flat=True))
assert stored == bikes * (rounds + 1), (stored, bikes * (rounds + 1))
print(orjson.dumps({"per_s": bikes * rounds / spent, "growth_mb": memory() - before, "mb": memory()}).decode())
"""


@contextmanager
def prepared(kind: str) -> Iterator[dict[str, str]]:
    """The environment of a program with a database of its own in which everything is ready."""
    with tempfile.TemporaryDirectory() as var, database(kind) as url:
        if url is None:
            raise Skip("no PostgreSQL server answers (set SHAODAO_TEST_POSTGRESQL)")
        environment = {**os.environ, "SHAODAO_VAR": var, "DATABASE_URL": url or f"sqlite:///{var}/bench.sqlite3",
                       "DJANGO_SETTINGS_MODULE": "shaodao.config.settings"}  # fmt: skip
        python(environment, PREPARE, str(ROOT / "districts" / "pingcheng"), str(BAYS))
        yield environment


def python(environment: dict[str, str], script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


@cache
def taken(kind: str) -> dict[str, float]:
    with prepared(kind) as environment:
        found: dict[str, float] = orjson.loads(python(environment, TAKE, str(BIKES), str(ROUNDS), str(MESSAGE)))
        return found


def register(kind: str) -> None:
    @benchmark(f"ingest.{kind}", "1/s", "bar", "higher")
    def one() -> Iterator[Line]:
        found = taken(kind)
        name = f"ingest.{kind}"
        yield line(f"{name}.positions_per_s", found["per_s"], "1/s", peer="bar", peer_value=BARS[kind], better="higher")
        yield line(f"{name}.memory", found["growth_mb"], "MB")


for _kind in BARS:
    register(_kind)

if __name__ == "__main__":
    raise SystemExit(main(__doc__))
