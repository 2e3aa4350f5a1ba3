"""A month of positions against bays from Parquet, by the embedded engine, in a process of its own: seconds and memory.

2,000 bays like real ones, half of the positions within 10 m of one, thirty daily files of three operators each. Everything
is made in a temporary folder and removed. ``--only analyse.5M`` for a tenth.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from _bench import ROOT, Line, Skip, benchmark, line, main
from pyarrow import parquet

FREE = 20e9
LON, LAT, EAST, NORTH = 113.298, 40.076, 1.17e-5, 9.01e-6  # Datong, and degrees in a metre there
START = 1_793_462_400_000  # 2026-11-01 00:00 in Datong
OPERATORS = ("alpha", "beta", "gamma")


def make(folder: Path, many: int) -> tuple[Path, Path]:
    """The bays' file and the folder of positions."""
    random = np.random.default_rng(7)
    centres = random.uniform(-6000, 6000, (2000, 2))
    corners = np.array([[-3, -0.85], [3, -0.85], [3, 0.85], [-3, 0.85]])
    bays = folder / "bays.csv"
    with bays.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["bay_id", "corners_lon_lat"])
        for b, centre in enumerate(centres):
            ring = ",".join(f"[{LON + x * EAST:.7f},{LAT + y * NORTH:.7f}]" for x, y in corners + centre)
            rows.writerow([f"B{b}", ring])
    place = folder / "positions"
    for day in range(30):
        inner = place / f"date=2026-11-{day + 1:02d}"
        inner.mkdir(parents=True)
        n = many // 30 + (day < many % 30)
        xy = centres[random.integers(0, 2000, n)] + random.normal(0, 1, (n, 2)) * random.choice([4.0, 40.0], n)[:, None]
        time = np.sort(START + day * 86_400_000 + random.integers(0, 86_400_000, n))
        operator = pa.DictionaryArray.from_arrays(pa.array(random.integers(0, 3, n), pa.int32()), pa.array(OPERATORS))
        table = pa.table(
            {
                "lon": LON + xy[:, 0] * EAST,
                "lat": LAT + xy[:, 1] * NORTH,
                "time": pa.array(time, pa.timestamp("ms", "UTC")),
                "operator": operator.cast(pa.string()),
            }
        )
        parquet.write_table(table, inner / "part-0.parquet", compression="zstd")
    return bays, place


def measure(name: str, many: int) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="shaodao-analyse-") as folder:
        if (free := shutil.disk_usage(folder).free) < FREE:
            raise Skip(f"{free / 1e9:.0f} GB free where temporary files lie, {FREE / 1e9:.0f} GB are wanted")
        bays, place = make(Path(folder), many)
        words = ["analyse", "parking", "--positions", str(place), "--bays", str(bays), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "shaodao.cli", *words], cwd=ROOT, capture_output=True, text=True, check=True
        )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["rows"] == many
    print(f"{name}: {said['groups']} groups", file=sys.stderr)
    yield line(f"{name}.seconds", said["seconds"], "s")
    yield line(f"{name}.peak_mb", said["peak_memory_mb"], "MB")


@benchmark("analyse.5M")
def five() -> Iterator[Line]:
    return measure("analyse.5M", 5_000_000)


@benchmark("analyse.50M")
def fifty() -> Iterator[Line]:
    return measure("analyse.50M", 50_000_000)


if __name__ == "__main__":
    raise SystemExit(main(__doc__))
