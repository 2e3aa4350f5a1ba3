"""The day's figures: the same from the program's files, from files alone and by hand; final once, again for late ones."""

import csv
import json
import random
from collections import defaultdict
from datetime import date, datetime, time, timedelta

import openpyxl
import orjson
import pyarrow as pa
import pytest
import shapely
from click.testing import CliRunner
from pyarrow import parquet

from shaodao.bikes import tasks
from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.cli import bikes
from shaodao.bikes.ingest import keep
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.receive import failed, ingest
from shaodao.bikes.ingest.sources import files
from shaodao.bikes.models import Bay, BayVersion, DayReport, PositionBatch, SpotCheck
from shaodao.bikes.reports import daily, figures, sections
from shaodao.cases import tasks as clockwork
from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from shaodao.kernel.parking import Parked
from tests import real
from tests.bikes.office import table
from tests.bikes.street import LAT, LON, METRE, bay, fix, sent, square, zone
from tests.town import later

DAY = date(2021, 5, 24)
MIDNIGHT_MS = 1621785600000  # of DAY in Datong


@pytest.fixture
def operator(office):
    tasks._done.clear()
    return office.brought_to("admitted")


def take(operator, *fixes):
    return ingest(operator, sent(*fixes), "mds", clock.now())


def latest(operator=None, day=DAY):
    return DayReport.objects.get(day=day, operator=operator, latest=True)


# ── the arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────


def some_rows(seed, n=400):
    """Fixes as keep.py has them, some of them twice."""
    rng = random.Random(seed)
    rows = []
    for k in range(n):
        absent = rng.random() < 0.1
        rows.append(
            {
                "operator": rng.choice("AB"), "vehicle_id": f"v{rng.randrange(12)}",
                "ms": MIDNIGHT_MS + rng.randrange(-2, 26) * 1_800_000 + rng.randrange(3), "received": k,
                "parked": None if absent else rng.randrange(4), "bay": rng.choice([None, "B1", "B2"]),
                "street": rng.choice([None, "S1", "S2"]), "zone": rng.choice([None, None, "Z"]), "flags": rng.choice([0, 0, 2, 5]),
            }
        )  # fmt: skip
    return rows + [{**row, "received": n + k, "parked": 0} for k, row in enumerate(rows[::5])]


def as_table(rows):
    kinds = {"parked": pa.int8(), "flags": pa.int16(), "received": pa.int64()}
    columns = {
        name: pa.array([row[name] for row in rows], kinds.get(name, pa.string())) for name in rows[0] if name != "ms"
    }
    times = pa.array([row["ms"] for row in rows], pa.int64()).cast(pa.timestamp("ms", "UTC"))
    return pa.table({**columns, "time": times})


def by_hand(rows, capacity):
    """The same figures, a row at a time."""
    once = {}
    for row in sorted(rows, key=lambda r: r["received"]):
        if MIDNIGHT_MS <= row["ms"] < MIDNIGHT_MS + 86_400_000:
            once.setdefault((row["operator"], row["vehicle_id"], row["ms"]), dict(row))
    groups = defaultdict(lambda: dict.fromkeys((*figures.COUNTS, "vehicles", *figures.HOURS), 0))
    bikes, last = defaultdict(set), {}
    for row in sorted(once.values(), key=lambda r: r["ms"]):
        absent, away = row["parked"] is None, row["parked"] is not None and row["flags"] & 2
        judged = not absent and not away
        row["certain"] = judged and (row["parked"] != Parked.UNCERTAIN or row["zone"] is not None)
        row["right"] = judged and row["parked"] in (Parked.IN_BAY, Parked.NEAR_BAY) and row["zone"] is None
        row["hour"] = f"{(row['ms'] - MIDNIGHT_MS) // 3_600_000:02d}"
        for key in keys(row):
            g = groups[key]
            g["positions"] += 1
            g["absent"] += absent
            g["elsewhere"] += bool(away)
            for name, parked in (("in_bay", 2), ("near_bay", 1), ("outside", 0), ("uncertain", 3)):
                g[name] += judged and row["parked"] == parked
            g["in_zone"] += judged and row["zone"] is not None
            g["certain"] += row["certain"]
            g["in_order"] += row["right"]
            if judged:
                bikes[key].add((row["operator"], row["vehicle_id"]))
        if judged:
            last[row["operator"], row["vehicle_id"], row["hour"]] = row
    in_bay = defaultdict(int)
    for row in last.values():
        for key in keys(row):
            groups[key]["bike_hours"] += 1
            groups[key]["bike_hours_certain"] += row["certain"]
            groups[key]["bike_hours_in_order"] += row["right"]
        in_bay[row["bay"], row["hour"]] += row["bay"] in capacity
    over = [(b, n) for (b, _h), n in in_bay.items() if b in capacity and n > capacity[b]]
    return groups, bikes, (sum(n > 0 for n in in_bay.values()), len(over))


def keys(row):
    for operator in (None, row["operator"]):
        yield from ((operator, None, None), (operator, row["hour"], None), (operator, None, row["street"] or ""))


@pytest.mark.parametrize("seed", range(8))
def test_it_counts_as_a_person_would(seed):
    rows, capacity = some_rows(seed), {"B1": 1, "B2": 2}
    want, bikes, bay_hours = by_hand(rows, capacity)
    found = figures.compute(as_table(rows), DAY, capacity=capacity)
    got = {}
    for name, whole in ((None, found["all"]), *found["operators"].items()):
        got[name, None, None] = whole
        got |= {(name, hour, None): group for hour, group in whole["hours"].items()}
        got |= {(name, None, street): group for street, group in whole["streets"].items()}
    assert got.keys() == want.keys()
    for key, group in got.items():
        expected = want[key] | {"vehicles": len(bikes[key])}
        assert {name: group[name] for name in expected} == expected, key
        rate = group["bike_hours_in_order"] / group["bike_hours_certain"] if group["bike_hours_certain"] else None
        assert group["in_order_rate"] == (None if rate is None else round(rate, 4))
    assert (found["bays"]["bay_hours"], found["bays"]["over"]) == bay_hours


def test_who_reports_often_gains_nothing_by_the_hour():
    rows = [
        {"operator": "A", "vehicle_id": "good", "ms": MIDNIGHT_MS + n * 1000, "received": n, "parked": 2}
        for n in range(99)
    ] + [{"operator": "A", "vehicle_id": "bad", "ms": MIDNIGHT_MS, "received": 0, "parked": 0}]
    found = figures.compute(as_table(rows), DAY)["all"]
    assert (found["position_rate"], found["in_order_rate"]) == (0.99, 0.5)


def test_everywhere_judges_bikes_outside_of_the_district_too():
    rows = some_rows(3)
    usual, everywhere = (figures.compute(as_table(rows), DAY, everywhere=e)["all"] for e in (False, True))
    assert usual["elsewhere"] > 0 == everywhere["elsewhere"]
    assert (
        sum(everywhere[c] for c in ("in_bay", "near_bay", "outside", "uncertain"))
        == usual["positions"] - usual["absent"]
    )


def test_nothing_at_all():
    found = figures.compute(as_table(some_rows(1)), date(1999, 1, 1))
    assert found == {"all": figures.nothing(), "operators": {}, "bays": None}


# ── the same from the original file ──────────────────────────────────────────────────────────────────────────────


def a_small_day(operator, path):
    """A CSV of a day with all that can be odd about it, taken in through the ingest in pieces."""
    rng = random.Random(5)
    rows = []
    for minute in range(0, 12 * 60, 7):
        at = MIDNIGHT_MS // 1000 + minute * 60 - 4 * 3600
        for v in range(9):
            state = rng.choice(["available"] * 6 + ["on_trip", "removed", "reserved"])
            rows.append(
                [
                    f"v{v}",
                    at,
                    LON + v * 30 * METRE,
                    LAT + rng.randrange(-30, 30) * METRE,
                    rng.choice(["", 3, 12]),
                    state,
                ]
            )
    rows += [
        ["", at, LON, LAT, "", "available"],
        ["v1", at, 0, 0, "", "available"],
        ["v2", at, 500, LAT, "", ""],
        rows[40],
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["vehicle_id", "time", "lon", "lat", "accuracy", "state"], *rows])
    items = [
        {"vehicle_id": v, "at_ms": at * 1000, "lon": lon, "lat": lat, "accuracy_m": a or None, "state": s}
        for v, at, lon, lat, a, s in rows
    ]
    for start in range(0, len(items), 100):
        ingest(operator, Positions.of(items[start : start + 100]), "mds", clock.now() + timedelta(hours=start / 100))


def geojson(path, *shapes):
    features = [{"type": "Feature", "properties": {"id": code}, "geometry": g} for code, g in shapes]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def without_streets(found):
    return {name: {k: v for k, v in group.items() if k != "streets"} for name, group in found["operators"].items()}


def command(*words):
    done = CliRunner().invoke(bikes, ["day-report", *map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return orjson.loads(done.stdout.splitlines()[-1])


def test_offline_from_the_original_file_is_the_same(operator, tmp_path):
    bay(geometry=square(half_m=6))
    bay("B2", LON + 60 * METRE, geometry=square(LON + 60 * METRE, LAT, 4))
    zone("Z9", LON + 90 * METRE, half_m=8)
    a_small_day(operator, tmp_path / "day.csv")
    shapes = geojson(tmp_path / "bays.json", ("B2", square(LON + 60 * METRE, LAT, 4)), ("B1", square(half_m=6)))
    zones = geojson(tmp_path / "zones.json", ("Z9", square(LON + 90 * METRE, LAT, 8)))
    own = daily.count(DAY).figures
    assert not PositionBatch.objects.exists()
    group = own["operators"]["BIKE-A"]
    assert all(group[name] for name in figures.COUNTS if name != "elsewhere") and group["bike_hours"], group
    kept = command("--positions", keep.positions(), "--day", DAY)
    raw = command(
        "--positions", tmp_path / "day.csv", "--bays", shapes, "--zones", zones, "--operator", "BIKE-A", "--day", DAY
    )
    assert kept["operators"] == own["operators"] and kept["all"] == own["all"]
    assert without_streets(raw) == without_streets(own)
    keep.close_days(clock.now() + timedelta(days=2))
    assert command("--positions", keep.positions(), "--day", DAY) == kept


def test_files_that_cannot_be_reported(operator, tmp_path):
    def refused(*words):
        done = CliRunner().invoke(bikes, ["day-report", *map(str, words)])
        assert done.exit_code == 2 and "Traceback" not in done.output, done.output
        return done.output

    path = tmp_path / "raw.csv"
    path.write_text("vehicle_id,time,lon,lat\nv,2021-05-24 09:00:00,113.2,40.0\nv,2021-05-25 09:00:00,113.2,40.0\n")
    shapes = geojson(tmp_path / "bays.json", ("B1", square()))
    assert "--bays" in refused("--positions", path)
    assert "2021-05-24" in refused("--positions", path, "--bays", shapes)
    (tmp_path / "nothing").mkdir()
    assert "nothing" in refused("--positions", tmp_path / "nothing")
    (tmp_path / "half.parquet").write_bytes(b"PAR1 cut off")
    assert "half.parquet" in refused("--positions", tmp_path / "half.parquet")
    assert "2021-05-20" in refused("--day", "2021-05-20")
    refused("--day", "2021-05-25"), refused("--operator", "NOBODY", "--day", DAY)


# ── written, and final ───────────────────────────────────────────────────────────────────────────────────────────


def tick():
    tasks._done.clear()
    counts = clockwork.tick(train=False, send=False)
    assert counts["failed"] == 0
    return counts["reported"]


def test_open_while_the_day_lasts_final_after_it_again_for_late_ones(operator):
    bay()
    take(operator, fix("a"), fix("b", north_m=50))
    assert tick() == 2  # today, and yesterday, of which there is nothing
    first = latest(operator)
    assert (first.version, first.final, first.figures["vehicles"], first.figures["in_order_rate"]) == (1, False, 2, 0.5)
    assert latest(operator, date(2021, 5, 23)).final and tick() == 0
    with later(hours=2):
        take(operator, fix("c"))
        assert tick() == 1
        assert latest(operator).pk == first.pk and latest(operator).figures["vehicles"] == 3
    with later(hours=15, minutes=30):  # 00:30
        take(operator, fix("d", ago_s=3600))
        tick()
        assert not latest(operator).final
    with later(hours=16, minutes=5):  # 01:05
        assert tick() >= 1
        final = latest(operator)
        assert (final.version, final.final, final.figures["vehicles"]) == (1, True, 4)
    with later(hours=18):
        keep.close_days(clock.now())
        tick()
        assert DayReport.objects.filter(day=DAY, version=2).count() == 0
        take(operator, fix("late", ago_s=12 * 3600))
        keep.keep(clock.now(), all_of_it=True)
        assert tick() >= 1
        again = latest(operator)
        assert (again.version, again.final, again.figures["vehicles"]) == (2, True, 5)
        final.refresh_from_db()
        assert not final.latest and final.figures["vehicles"] == 4
        assert latest().version == 2 and latest().figures["vehicles"] == 5
    with later(days=2):
        tick()
        assert latest(operator).pk == again.pk


def test_what_is_kept_no_longer_leaves_the_report(operator, office):
    office.settle(ingest={"raw_days": 1})
    take(operator, fix("a"))
    with later(days=1):
        tick()
    with later(days=4):
        assert keep.end_retention(clock.now()) == 1
        tick()
        assert latest(operator).figures["vehicles"] == 1 and latest(operator).version == 1


def test_no_operators_no_reports(office):
    assert tick() == 0 and not DayReport.objects.exists()


def test_it_says_what_it_was_counted_by(operator):
    one = bay(version=3)
    take(operator, fix())
    daily.build(DAY, clock.now())
    rules = latest().rules
    assert (
        rules["figures"] == figures.VERSION and ["bay", one.version] in rules["versions"] and rules["tolerance_m"] == 10
    )


def test_bays_are_those_of_the_day(operator):
    one = bay(capacity=5)
    begin = clock.from_local(datetime(2021, 5, 1))
    values = {"bay": one, "geometry": one.geometry, "length_m": 1, "area_m2": 1}
    BayVersion.objects.create(
        version=1, capacity=1, valid_from=begin, valid_until=clock.now() + timedelta(days=1), **values
    )
    BayVersion.objects.create(version=2, capacity=5, valid_from=clock.now() + timedelta(days=1), **values)
    take(operator, fix("a"), fix("b"))
    daily.build(DAY, clock.now())
    assert latest().figures["bays"]["worst"] == [{"bay": "B1", "hours": 1, "most": 2, "capacity": 1}]
    assert daily.capacities(DAY + timedelta(days=3)) == {"B1": 5}


# ── what else is known of the day ────────────────────────────────────────────────────────────────────────────────


def test_the_feed_and_the_fleet(operator, office):
    office.act(operator, "import_vehicles", "owner", file=table(("P1", "a", "", ""), ("P2", "z", "", "")))
    office.act(operator, "warn", reason="秩序差")
    take(operator, fix("a", 3), fix("b", 400), fix("b", 400), fix(None))
    failed(operator, "gbfs", "down", clock.now())
    daily.build(DAY, clock.now())
    found = latest(operator).figures
    assert found["fleet"] == {
        "seen": 2, "seen_registered": 1, "seen_unregistered": 1, "registered": 2, "quota": 1000, "over": 0
    }  # fmt: skip
    feed = found["quality"]
    assert (feed["received"], feed["kept"], feed["rejected"], feed["failures"], feed["calls"]) == (4, 2, 2, 1, 2)
    assert feed["rejected_rate"] == round(1 / 3, 4) and feed["p95_s"] == 900 and feed["late_rate"] == 0.5
    assert found["notes"] == {"warn": 1, "suspend": 0}


def test_counts_by_eye_of_the_packs_days(operator, office):
    person, one = office.town.person("inspector"), bay()
    for n, (ago, counted, fed, silent) in enumerate(
        [(0, 5, 4, False), (6, 0, 3, False), (1, 9, 0, True), (7, 9, 0, False)]
    ):
        SpotCheck.objects.create(
            visit=str(n), bay=one, operator=operator, counted=counted, fed=fed, difference=counted - fed, silent=silent,
            person=person, at=clock.now() - timedelta(days=ago),
        )  # fmt: skip
    SpotCheck.objects.create(visit="all", bay=one, counted=9, fed=1, difference=8, person=person, at=clock.now())
    take(operator, fix("a", 3))
    daily.build(DAY, clock.now())
    row = latest(operator)
    assert row.figures["spot_checks"] == {
        "n": 2, "silent": 1, "by_eye": 5, "by_feed": 7, "off": 4, "larger": 8, "days": 7, "since": "2021-05-18"
    }  # fmt: skip
    assert next(p for p in row.parts if p["part"] == "spot_checks")["points"] is None  # fewer than three


@pytest.mark.parametrize(
    ("classes", "edge"), [([0] * 10, None), ([95, 5] + [0] * 8, 1), ([94, 6] + [0] * 8, 2), ([0] * 9 + [1], None)]
)
def test_percentiles_of_classes(classes, edge):
    assert sections.percentile(classes, 0.95) == edge


def test_cases_of_the_day_and_their_limits(operator, town, office):
    company = operator.organisation
    case = town.handling(lead=company)
    other = town.handling(lead=company, lon=113.2015)
    with later(minutes=20):
        for one in (case, other):
            on = one.assignments.get(state="sent")
            town.act("sign", one, "operator", company, on=on.pk)
        on = case.assignments.get(state="signed")
        town.act("finish", case, "operator", company, on=on.pk, result="已清理")
    daily.build(DAY, clock.now() + timedelta(hours=1))
    found = latest(operator).figures["cases"]
    assert (found["sent"], found["finished"]) == (2, 1)
    assert found["solve"] == {"met": 1, "missed": 0, "open": 1, "median_min": 20.0}
    daily.build(DAY, clock.now() + timedelta(days=2))
    assert latest(operator).figures["cases"]["solve"] == {"met": 1, "missed": 1, "open": 0, "median_min": 20.0}


def test_the_command_makes_the_report(operator):
    bay()
    take(operator, fix("a"), fix("b", north_m=50))
    found = command("--day", DAY)
    assert (found["version"], found["final"]) == (1, False)
    assert found["operators"]["BIKE-A"]["in_order_rate"] == 0.5 and found["bays"]["bay_hours"] == 1
    assert command("--day", DAY, "--operator", "BIKE-A")["all"] is None
    everywhere = command("--day", DAY, "--everywhere")
    assert everywhere["all"]["positions"] == 2
    done = CliRunner().invoke(bikes, ["day-report", "--day", str(DAY)])
    assert "BIKE-A: positions 2" in done.stdout


def test_the_command_writes_files(operator, tmp_path):
    take(operator, fix("a"))
    command("--day", DAY, "--out", tmp_path / "day.xlsx")
    assert openpyxl.load_workbook(tmp_path / "day.xlsx").sheetnames[0] == "各企业"
    command("--day", DAY, "--operator", "BIKE-A", "--lang", "en", "--out", tmp_path / "own.xlsx")
    assert openpyxl.load_workbook(tmp_path / "own.xlsx").sheetnames[0] == "Score"
    for wrong in (("--out", tmp_path / "day.doc"), ("--out", tmp_path / "nowhere" / "day.xlsx")):
        done = CliRunner().invoke(bikes, ["day-report", "--day", str(DAY), *map(str, wrong)])
        assert done.exit_code == 2 and "Traceback" not in done.output
    assert sorted(p.name for p in tmp_path.glob("*.*")) == ["day.xlsx", "own.xlsx"]


@pytest.mark.data
def test_a_real_morning_is_the_same_from_the_file(operator, tmp_path):
    data = real.BIKES
    if not data.exists():
        pytest.skip(f"no {data}")
    events = parquet.read_table(data / "xiamen_lock_events.parquet")
    ids = events["bike"].cast(pa.string())
    local = events["time"].cast(pa.timestamp("ms"))
    raw = pa.table({"vehicle_id": ids, "time": local, "lon": events["lon"], "lat": events["lat"]})
    parquet.write_table(raw, tmp_path / "morning.parquet")
    District.objects.update(centre_lon=118.1, centre_lat=24.5)
    district.forget()
    shapes = bayfiles.read(data / "xiamen_bays.csv")
    places = shapely.centroid(shapes.shapes)
    Bay.objects.bulk_create(
        Bay(
            code=code, geometry=json.loads(shapely.to_geojson(shape)), lon=at.x, lat=at.y, length_m=6, area_m2=10,
            capacity=10, valid_from=clock.now(),
        )
        for code, shape, at in zip(shapes.ids, shapes.shapes, places, strict=True)
    )  # fmt: skip
    day = local[0].as_py().date()
    with clock.freeze(clock.from_local(datetime.combine(day, time(20)))):
        found = files.take_in(operator, files.open_file(tmp_path / "morning.parquet"), "WGS-84", clock.now())
        own = daily.count(day, everywhere=True).figures
    assert found.counts["received"] == raw.num_rows and own["all"]["positions"] == found.counts["kept"]
    assert own["bays"]["over"] > 0 and own["all"]["bike_hours"] > 10_000
    offline = command(
        *("--positions", tmp_path / "morning.parquet", "--bays", data / "xiamen_bays.csv"),
        *("--operator", "BIKE-A", "--day", day, "--everywhere"),
    )
    assert offline["operators"] == own["operators"]
