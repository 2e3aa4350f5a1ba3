"""`shaodao analyse coverage`: two nights of six vehicles against single calls of the kernel, layout against layout, engine against engine."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from shaodao.cli import main
from shaodao.kernel.coverage import Fixes, Service, cover
from shaodao.kernel.coverage import passes as kernel
from shaodao.sanitation.coverage import segments, simulated
from shaodao.sanitation.coverage.month import embedded

pytestmark = [pytest.mark.nodb, pytest.mark.once]

ROOT = Path(__file__).resolve().parents[2]
SIZE = replace(simulated.HARD, vehicles=6, hours=0.5, grid=(4, 4), every=2)
LATER = 16.75 * 3600  # from seven in the morning to a quarter to midnight
VERDICTS = {kernel.DONE: "done", kernel.SHORT: "short", kernel.CANNOT_TELL: "cannot_tell"}


def drawn(roads):
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"id": f"S{n}", "oneway": "yes" if one else "no"}, "geometry": {"type": "LineString", "coordinates": line.tolist()}}
            for n, (line, one) in enumerate(zip(roads.lines, roads.oneway, strict=True))
        ],
    }  # fmt: skip


def rows(fixes, night):
    t = fixes.t + LATER + 86_400 * night
    return pa.table(
        {
            "车辆": pa.array([f"晋B{v:02d}" for v in fixes.vehicle]).dictionary_encode(),
            "time": pa.array((t * 1e6).astype(np.int64), pa.timestamp("us", "UTC")),
            "lon": fixes.lon, "lat": fixes.lat, "speed_ms": fixes.speed, "heading": fixes.heading, "working": fixes.working,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A month in two layouts: a folder for each day with local times; one file, shuffled, in milliseconds, some rows of no use."""
    folder = tmp_path_factory.mktemp("month")
    first = simulated.day(5, SIZE)
    nights = [rows(first.fixes, 0), rows(simulated.day(6, SIZE, first.roads).fixes, 1)]
    (folder / "roads.geojson").write_text(json.dumps(drawn(first.roads)), "utf-8")
    every = pa.concat_tables(nights)
    local = every.set_column(1, "time", every["time"].cast(pa.timestamp("ns", "Asia/Shanghai")))
    odd = pa.compute.add(
        pa.compute.local_timestamp(local["time"]).cast(pa.int64()), 123
    )  # nanoseconds that count for nothing
    bare = odd.cast(pa.timestamp("ns"))
    for n, day in enumerate(
        np.unique(days := pa.compute.cast(bare, pa.date32(), safe=False).cast(pa.int32()).to_numpy())
    ):
        part = local.set_column(1, "time", bare).filter(pa.array(days == day))
        (folder / "days" / f"day={n}").mkdir(parents=True)
        parquet.write_table(part, folder / "days" / f"day={n}" / "p.parquet", row_group_size=500)
    mixed = every.take(np.random.default_rng(1).permutation(len(every)))
    stamps = mixed["time"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    mixed = mixed.set_column(1, "定位时间", stamps).set_column(0, "plate", mixed["车辆"].cast(pa.string()))
    useless = mixed.slice(0, 3)
    for n, value in ((1, [None] * 3), (0, ["", None, "晋B01"])):
        useless = useless.set_column(n, mixed.field(n), pa.array(value, mixed.field(n).type))
    (folder / "one").mkdir()
    parquet.write_table(pa.concat_tables([mixed, useless]), folder / "one" / "all.parquet")
    return folder, every


def run(folder, tracks, *more):
    asked = ["--roads", folder / "roads.geojson", "--tracks", folder / tracks, "--service", "flush", "--json", *more]
    return CliRunner().invoke(main, ["analyse", "coverage", *map(str, asked)])


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def by_day(here):
    folder, _every = here
    out = folder / "by-day.parquet", folder / "by-day-days.parquet"
    return answer(run(folder, "days", "--out", out[0], "--days", out[1])), *map(parquet.read_table, out)


def test_passes_are_those_of_the_kernel_for_each_vehicle_and_night(here, by_day):
    (folder, every), (said, table, days) = here, by_day
    roads = segments.read(folder / "roads.geojson")
    names = every["车辆"].combine_chunks().dictionary.to_pylist()
    t = every["time"].cast(pa.int64()).to_numpy() / 1e6
    columns = [every[name].to_numpy() for name in every.column_names[2:]]
    vehicle = np.array([names.index(name) for name in every["车辆"].to_pylist()])
    expected = set()
    for code in range(6):
        for night in (0, 1):
            mine = (vehicle == code) & ((t - t.min() > 40_000) == night)
            found = cover(roads.network, Fixes.of(vehicle[mine], t[mine], *(c[mine] for c in columns)), Service())
            for n, p in enumerate(found.passes):
                gaps = tuple(map(tuple, found.gaps[found.gaps[:, 0] == n, 1:].tolist()))
                segment = roads.segments[int(p[kernel.P_UNIT])]
                measures = p[kernel.P_SERVICED : kernel.P_VERDICT].tolist()
                verdict = VERDICTS[int(p[kernel.P_VERDICT])]
                expected.add(
                    (segment.row, segment.direction, names[code], round(p[kernel.P_START], 3), *measures, verdict, gaps)
                )
    got = {
        (r["row"], r["direction"], r["vehicle"], round(r["start"].timestamp(), 3), r["serviced_m"], r["sure_m"], r["possible_m"],
         r["too_fast_m"], r["verdict"], tuple((g["from_m"], g["to_m"]) for g in r["gaps"]))
        for r in table.to_pylist()
    }  # fmt: skip
    assert got == expected and len(got) == len(table) == said["totals"]["passes"]["total"] > 100
    midnight = pa.scalar(date(2025, 12, 2)), pa.scalar(date(2025, 12, 1))
    assert {str(day["day"]) for day in said["days"]} == {"2025-12-01", "2025-12-02", "2025-12-03"}
    over = [r for r in table.to_pylist() if r["day"] == midnight[1].as_py() and r["end"].timestamp() > 1_764_604_800]
    assert over  # 2 December, 00:00 in Shanghai: a pass that went on belongs to the day before
    whole = cover(roads.network, Fixes.of(vehicle, t, *columns), Service())
    assert [row["serviced_m"] for row in said["segments"]] == [round(float(m), 1) for m in whole.serviced]
    assert {k: v for k, v in said["fixes"].items() if k in whole.fates} == whole.fates
    assert said["fixes"]["read"] == t.size and said["fixes"]["vehicles"] == 6
    assert days["done"].to_numpy().sum() == said["totals"]["passes"]["done"]
    assert np.all(days["serviced_m"].to_numpy() <= days["length_m"].to_numpy())


def test_layout_and_order_are_of_no_consequence_and_useless_rows_are_counted(here, by_day, monkeypatch):
    (folder, _every), (said, table, days) = here, by_day
    monkeypatch.setattr(embedded, "ROWS", 700)
    monkeypatch.setattr(embedded, "BUCKET", 900)
    out = folder / "one.parquet", folder / "one-days.parquet"
    other = answer(run(folder, "one/*.parquet", "--out", out[0], "--days", out[1]))
    assert parquet.read_table(out[0]).equals(table) and parquet.read_table(out[1]).equals(days)
    for name in ("totals", "days", "segments"):
        assert other[name] == said[name]
    fixes = said["fixes"]
    assert other["fixes"] == fixes | {"read": fixes["read"] + 3, "unreadable": 3, "vehicles": 7}
    assert {row["kind"] for row in other["warnings"]} - {row["kind"] for row in said["warnings"]} == {"vehicle"}


def test_what_cannot_be_analysed_is_named(here, tmp_path):
    folder, every = here
    good = every.slice(0, 50).set_column(0, "vehicle", every["车辆"].slice(0, 50).cast(pa.string()))

    def refused(table, *words, code=2):
        parquet.write_table(table, tmp_path / "d7.parquet")
        result = run(folder, tmp_path, "--out", tmp_path / "out.parquet", "--lang", "en")
        assert result.exit_code == code and "Traceback" not in result.output, result.output
        assert all(word in result.output for word in words), result.output

    refused(good.drop_columns(["vehicle"]), "vehicle", "d7.parquet")
    refused(good.drop_columns(["lon"]), "lon", "d7.parquet")
    refused(good.rename_columns(["vehicle", "time", "lon", "lat", "speed", "heading", "working"]), "--speed-unit")
    refused(good.set_column(2, "lon", pa.array([[1.0]] * 50)), "lon", "list")
    refused(good.rename_columns(["vehicle", "time", "lat", "lon", "speed_ms", "heading", "working"]), "--swap")
    refused(good.set_column(1, "time", pa.array(["soon"] * 50)), "time")
    refused(good.slice(0, 0), "row")
    (tmp_path / "d8.parquet").write_bytes(b"PAR1 half of a file")
    refused(good, "d8.parquet", code=1)
    assert run(folder, "nowhere*").exit_code == 2 and not (tmp_path / "out.parquet").exists()


@pytest.mark.slow
def test_spark_gives_the_same_rows(here, by_day):
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install '.[spark]'")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    (folder, _every), (said, table, days) = here, by_day
    out = folder / "spark.parquet", folder / "spark-days.parquet"
    words = ["--roads", folder / "roads.geojson", "--tracks", folder / "days", "--service", "flush", "--json", "--out", out[0],
             "--days", out[1], "--engine", "spark", "--master", "local[2]"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "shaodao.cli", "analyse", "coverage", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    other = json.loads(done.stdout.splitlines()[-1])
    assert parquet.read_table(out[0]).equals(table) and parquet.read_table(out[1]).equals(days)
    differ = {"engine", "seconds", "peak_memory_mb"}
    assert {k: v for k, v in other.items() if k not in differ} == {k: v for k, v in said.items() if k not in differ}
