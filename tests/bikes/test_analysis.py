"""`shaodao analyse parking`: a small month against a slow count, engine against engine, and what cannot be analysed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from shaodao.cli import main
from shaodao.kernel.parking import BayIndex, Parked

pytestmark = pytest.mark.nodb

LON, LAT = 113.298, 40.076
MONTH = pd.Timestamp("2026-11-01", tz="UTC")
ROOT = Path(__file__).resolve().parents[2]


def rings() -> list[np.ndarray]:
    """Three hundred bays of about 6 m by 2 m, in rows."""
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(20), np.arange(15)))
    corners = np.array([[0, 0], [7e-5, 0], [7e-5, 2e-5], [0, 2e-5]])
    return [np.array([LON + i * 1.2e-4, LAT + j * 2e-4]) + corners for i, j in zip(x, y, strict=True)]


def write_bays(folder: Path) -> Path:
    file = folder / "bays.csv"
    corners = ["".join(f"[{x:.7f},{y:.7f}]," for x, y in ring).rstrip(",") for ring in rings()]
    pd.DataFrame({"bay_id": [f"B{i:03d}" for i in range(len(corners))], "corners_lon_lat": corners}).to_csv(
        file, index=False
    )
    return file


def positions(many: int = 20_000) -> pd.DataFrame:
    """A month of one operator's or another's bikes, some without a place, some without a time."""
    random = np.random.default_rng(3)
    lon, lat = LON + random.uniform(-3e-4, 2.7e-3, many), LAT + random.uniform(-3e-4, 3.1e-3, many)
    lon[random.random(many) < 0.01] = np.nan
    lat[random.random(many) < 0.005] = 95.0
    time = MONTH + pd.to_timedelta(random.integers(0, 30 * 86_400_000, many), unit="ms")
    frame = pd.DataFrame({"lon": lon, "lat": lat, "time": time.as_unit("ms")})
    frame["operator"] = random.choice(["美团", "哈啰", "007"], many)
    frame.loc[random.random(many) < 0.01, "time"] = pd.NaT
    return frame


def write_month(folder: Path, frame: pd.DataFrame) -> Path:
    """The same month in every form that is understood, each ten days in another one."""
    tens = (frame["time"].dt.day.fillna(1).astype(int) - 1) // 10
    place = folder / "month"
    for (operator, day), rows in frame[tens == 0].groupby(
        ["operator", frame["time"].dt.strftime("%Y-%m-%d").fillna("none")]
    ):
        inner = place / f"date={day}" / f"operator={operator}"
        inner.mkdir(parents=True)
        parquet.write_table(
            pa.Table.from_pandas(rows[["lon", "lat", "time"]], preserve_index=False), inner / "part-0.parquet"
        )
    second = pa.Table.from_pandas(frame[tens == 1], preserve_index=False).rename_columns(
        ["lng", "latitude", "time", "operator"]
    )
    seconds = second["time"].cast(pa.int64())  # milliseconds
    parquet.write_table(second.set_column(2, "time", seconds), place / "ms [1].parquet", row_group_size=1000)
    third = pa.Table.from_pandas(frame[tens >= 2], preserve_index=False)
    half = len(third) // 2
    (place / "deep" / "er").mkdir(parents=True)
    bare = third["time"].cast(pa.timestamp("ns"))
    parquet.write_table(third.set_column(2, "time", bare)[:half], place / "deep" / "ns.parquet", version="2.6")
    parquet.write_table(
        third.set_column(2, "time", third["time"].cast(pa.timestamp("us", "Asia/Shanghai")))[half:],
        place / "deep" / "er" / "us.pq",
    )
    (place / "_temporary").mkdir()
    (place / "_temporary" / "half.parquet").write_bytes(b"PAR1")
    return place


def slowly(frame: pd.DataFrame, accuracy: float | None = None) -> pd.DataFrame:
    """The same count by pandas, from the answers of `BayIndex.assign` one by one."""
    found = BayIndex.build([[ring.round(7)] for ring in rings()], 10.0).assign(frame["lon"], frame["lat"], accuracy)
    rows = frame[["operator"]].copy()
    local = frame["time"].dt.tz_convert("Asia/Shanghai")
    none = local.isna()
    rows["bay"] = pd.Series(found.bay, rows.index).mask(none | (found.bay < 0), -1)
    rows["day"], rows["hour"] = local.dt.date, local.dt.hour.astype("Int64")
    parked = pd.Series(found.parked, rows.index).mask(none, int(Parked.INVALID))
    rows["positions"] = 1
    for kind in Parked:
        rows[kind.name.lower()] = (parked == kind).astype(int)
    rows["mm"] = np.where(rows["bay"] >= 0, np.rint(np.nan_to_num(found.distance) * 1000), 0).astype(int)
    names = ["positions", *(kind.name.lower() for kind in Parked)]
    grouped = rows.groupby(["bay", "day", "hour", "operator"], dropna=False)
    table = grouped[names].sum()
    for name in ("sum", "min", "max"):
        table[f"distance_{name}_mm"] = grouped["mm"].agg(name)
    table = table.reset_index()
    return table.sort_values(["bay", "day", "hour", "operator"], na_position="first").reset_index(drop=True)


def run(*arguments: object):
    return CliRunner().invoke(main, ["analyse", "parking", *map(str, arguments)])


def answer(result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis")
    return write_month(folder, positions()), write_bays(folder), folder


@pytest.mark.parametrize("accuracy", [None, 3.0])
def test_a_month_is_counted_as_pandas_counts_it(month, accuracy):
    place, bays, folder = month
    out = folder / f"out-{accuracy}.parquet"
    more = [] if accuracy is None else ["--accuracy", accuracy]
    said = answer(run("--positions", place, "--bays", bays, "--out", out, "--json", *more))
    expected, table = slowly(positions(), accuracy), parquet.read_table(out).to_pandas()
    assert said["rows"] == 20_000 == table["positions"].sum()
    assert said["groups"] == len(expected) == len(table)
    assert (table["bay_row"].fillna(-1).astype(int) == expected["bay"]).all()
    assert (table["bay_id"].dropna() == [f"B{b:03d}" for b in expected["bay"] if b >= 0]).all()
    assert [d for d in table["day"] if d is not None] == [d for d in expected["day"] if not pd.isna(d)]
    assert (table["hour"].fillna(-1).astype(int) == expected["hour"].fillna(-1).astype(int)).all()
    assert (table["operator"] == expected["operator"]).all()
    for name in ("positions", "in_bay", "near_bay", "outside", "uncertain", "invalid"):
        assert (table[name] == expected[name]).all(), name
        assert said.get(name, 20_000) == expected[name].sum()
    assert (said["uncertain"] > 0) == (accuracy is not None)
    for name in ("distance_sum_mm", "distance_min_mm", "distance_max_mm"):
        assert (table[name].isna() == (expected["bay"] < 0)).all()
        assert (table[name].fillna(0).astype(int) == expected[name].where(expected["bay"] >= 0, 0)).all()
    hours = expected.groupby("hour")[["in_bay", "near_bay", "outside"]].sum()
    rates = (hours["in_bay"] + hours["near_bay"]) / hours.sum(axis=1)
    assert said["in_order_rate_by_hour"] == {f"{h:02d}": round(r, 6) for h, r in rates.items()}
    assert said["seconds"] > 0 and said["peak_memory_mb"] > 50


def test_coarser_groups_add_up(month):
    place, bays, folder = month
    out = folder / "coarse.parquet"
    said = answer(run("--positions", place, "--bays", bays, "--by", "operator", "--out", out, "--json"))
    table, expected = parquet.read_table(out).to_pandas(), slowly(positions())
    assert list(table.columns[:3]) == ["bay_row", "bay_id", "operator"]
    sums = expected.groupby(["bay", "operator"])["positions"].sum()
    assert said["groups"] == len(table) == len(sums) and (table["positions"].to_numpy() == sums.to_numpy()).all()
    assert said == said | {
        "groups": answer(run("--positions", place, "--bays", bays, "--by", "operator", "--json"))["groups"]
    }
    assert run("--positions", place, "--bays", bays, "--by", "colour").exit_code == 2


@pytest.mark.slow
def test_spark_gives_the_same_rows(month):
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install '.[spark]'")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    place, bays, folder = month
    said, tables = [], []
    for engine in ("duckdb", "spark"):
        out = folder / f"{engine}.parquet"
        words = ["--positions", place, "--bays", bays, "--engine", engine, "--master", "local[2]", "--out", out]
        done = subprocess.run(
            [sys.executable, "-m", "shaodao.cli", "analyse", "parking", *map(str, words), "--accuracy", "2", "--json"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        said.append(json.loads(done.stdout.splitlines()[-1]))
        tables.append(parquet.read_table(out))
    assert tables[0].equals(tables[1]) and len(tables[0]) > 5000
    differ = {"engine", "seconds", "peak_memory_mb"}
    assert {k: v for k, v in said[0].items() if k not in differ} == {
        k: v for k, v in said[1].items() if k not in differ
    }
    assert said[1]["engine"] == "spark"


def good() -> pa.Table:
    return pa.table({"lon": [LON], "lat": [LAT], "time": pa.array([1_793_000_000])})


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (good().drop_columns(["lon"]), "lon"),
        (good().drop_columns(["lat"]), "lat"),
        (good().drop_columns(["time"]), "time"),
        (good().set_column(0, "lon", [["113"]]), "lon"),
        (good().set_column(2, "time", [["today"]]), "time"),
        (good().append_column("operator", [[1.5]]), "operator"),
    ],
)
def test_a_column_that_is_missing_or_of_another_kind_is_named(tmp_path, columns, named):
    (tmp_path / "in").mkdir()
    parquet.write_table(columns, tmp_path / "in" / "day7.parquet")
    result = run("--positions", tmp_path / "in", "--bays", write_bays(tmp_path))
    assert result.exit_code == 2 and f"“{named}”" in result.output and "day7.parquet" in result.output
    english = run("--positions", tmp_path / "in", "--bays", write_bays(tmp_path), "--lang", "en")
    assert english.exit_code == 2 and f'"{named}"' in english.output


def test_an_empty_folder_and_wrong_calls(tmp_path):
    (tmp_path / "in").mkdir()
    bays = write_bays(tmp_path)
    result = run("--positions", tmp_path / "in", "--bays", bays)
    assert result.exit_code == 2 and "Parquet" in result.output
    parquet.write_table(good()[:0], tmp_path / "in" / "none.parquet")
    said = answer(run("--positions", tmp_path / "in", "--bays", bays, "--json"))
    assert (said["rows"], said["groups"], said["in_bay"], said["in_order_rate_by_hour"]) == (0, 0, 0, {})
    assert run("--positions", tmp_path / "in", "--bays", bays, "--out", tmp_path / "no" / "x.parquet").exit_code == 2
    assert run("--positions", tmp_path / "nowhere", "--bays", bays).exit_code == 2
    assert run("--positions", tmp_path / "in", "--bays", bays, "--engine", "abacus").exit_code == 2


def test_a_broken_file_is_named_and_nothing_is_written(tmp_path):
    place, bays, out = tmp_path / "in", write_bays(tmp_path), tmp_path / "out.parquet"
    place.mkdir()
    parquet.write_table(good(), place / "a.parquet")
    (place / "b.parquet").write_bytes(b"PAR1 half of a file")
    result = run("--positions", place, "--bays", bays, "--out", out)
    assert result.exit_code == 1 and "b.parquet" in result.output and not out.exists()
    # A good footer over pages that were lost: found only when they are read.
    parquet.write_table(pa.Table.from_pandas(positions(5000), preserve_index=False), place / "b.parquet")
    data = bytearray((place / "b.parquet").read_bytes())
    data[4:3000] = bytes(2996)
    (place / "b.parquet").write_bytes(data)
    result = run("--positions", place, "--bays", bays, "--out", out)
    assert result.exit_code == 1 and "b.parquet" in result.output and not out.exists()


def test_what_spark_lacks_is_said(tmp_path, monkeypatch):
    place, bays = tmp_path / "in", write_bays(tmp_path)
    place.mkdir()
    parquet.write_table(good(), place / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyspark", None)
    result = run("--positions", place, "--bays", bays, "--engine", "spark")
    assert result.exit_code == 2 and "shaodao[spark]" in result.output
    monkeypatch.setitem(sys.modules, "pyspark", json)  # any module will do: Java is looked for next
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    result = run("--positions", place, "--bays", bays, "--engine", "spark")
    assert result.exit_code == 2 and "Java 17" in result.output
