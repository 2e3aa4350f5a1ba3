"""A day of sanitation vehicles' fixes (60 vehicles, 16 hours, 1 Hz) through the doors, packed, and read back.

`SHAODAO_TRACKS_VEHICLES` sets how many vehicles. Each step is checked: every fix is kept once, and the day reads back the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache

import orjson
from _bench import ROOT, Line, Skip, benchmark, line, main
from _database import database

VEHICLES = int(os.environ.get("SHAODAO_TRACKS_VEHICLES", "60"))
RUN = """
import os, sys, time
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
import numpy as np, orjson, pyarrow as pa
from datetime import datetime, timedelta
from pathlib import Path
from pyarrow import parquet
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.listen import Message
from shaodao.book import actions
from shaodao.sanitation.kinds import KINDS
from shaodao.sanitation.tracks import files, keep, mqtt, store
vehicles, seconds, system = int(sys.argv[1]), 16 * 3600, Actor.system()
truck = {"type": "washer", "working_kmh": 10.0, "transfer_kmh": 30.0}
actions.bring_in(KINDS["vehicle"], [actions.Draft(f"V{n}", truck) for n in range(vehicles)], system)
actions.bring_in(KINDS["box"], [actions.Draft(f"B{n}", {"vehicle": f"V{n}"}) for n in range(vehicles)], system)
now = clock.now()
day = clock.local(now).date() - timedelta(days=2)
start = int(clock.from_local(datetime(day.year, day.month, day.day, 5)).timestamp())
random, path = np.random.default_rng(1), Path(os.environ["SHAODAO_VAR"]) / "day.parquet"
with parquet.ParquetWriter(path, pa.schema({"vehicle": pa.string(), "time": pa.int64(), "lon": pa.float64(),
        "lat": pa.float64(), "speed_kmh": pa.float64(), "heading": pa.float64(), "working": pa.int8()})) as out:
    for n in range(vehicles):
        t = start + np.arange(seconds)
        lon, lat = (x + np.cumsum(random.normal(0, 1e-5, seconds)) for x in (113.3, 40.08))
        out.write_table(pa.table({"vehicle": [f"V{n}"] * seconds, "time": t * 1000, "lon": lon, "lat": lat,
            "speed_kmh": random.uniform(0, 20, seconds), "heading": random.uniform(0, 360, seconds),
            "working": (t // 600 % 2).astype(np.int8)}, schema=out.schema))
n = vehicles * seconds
def timed(call):
    begin = time.perf_counter()
    found = call()
    return found, time.perf_counter() - begin
first, file_s = timed(lambda: files.take_file(path, "WGS-84", system))
again, again_s = timed(lambda: files.take_file(path, "WGS-84", system))
assert (first.kept, again.kept, again.known) == (n, 0, n)
before = store.digest(*store.of_day(day))
_packed, pack_s = timed(lambda: keep.pack(now, all_of_it=True))
(fixes, codes), read_s = timed(lambda: store.of_day(day))
assert store.digest(fixes, codes) == before and len(fixes.t) == n
at = int(now.timestamp()) - 4000
messages = [Message(f"B{b}", orjson.dumps([{"time": at + 10 * k + s, "lon": 113.3, "lat": 40.08, "speed_kmh": 9.5, "heading": 90,
    "working": True} for s in range(10)])) for k in range(100) for b in range(vehicles)]
_none, live_s = timed(lambda: [mqtt.take(messages[i : i + 500], now) for i in range(0, len(messages), 500)])
bytes_ = sum(p.stat().st_size for p in store.root().rglob("*.parquet"))
print(orjson.dumps({"file": n / file_s, "again": n / again_s, "pack": n / pack_s, "read": n / read_s,
    "messages": 10 * len(messages) / live_s, "bytes": bytes_ / n}).decode())
"""


@cache
def measured(kind: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as var, database(kind) as url:
        if url is None:
            raise Skip("no PostgreSQL server answers (set SHAODAO_TEST_POSTGRESQL)")
        environment = {**os.environ, "SHAODAO_VAR": var, "DATABASE_URL": url or f"sqlite:///{var}/bench.sqlite3",
                       "DJANGO_SETTINGS_MODULE": "shaodao.config.settings"}  # fmt: skip
        command = [sys.executable, "-c", RUN, str(VEHICLES)]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        found: dict[str, float] = orjson.loads(done.stdout.strip().splitlines()[-1])
        return found


def register(kind: str) -> None:
    @benchmark(f"tracks.{kind}", "1/s", better="higher")
    def one() -> Iterator[Line]:
        found, name = measured(kind), f"tracks.{kind}"
        for step in ("file", "again", "messages", "pack", "read"):
            yield line(f"{name}.{step}.fixes_per_s", found[step], "1/s", better="higher")
        yield line(f"{name}.bytes_per_fix", found["bytes"], "B")


for _kind in ("sqlite", "postgresql"):
    register(_kind)

if __name__ == "__main__":
    raise SystemExit(main(__doc__))
