"""`shaodao bikes import-bays`: each row accounted for, the same again changes nothing, bad files are named, none breaks it."""

import json
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from pyproj import Transformer

from shaodao.bikes.actions import bays
from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.bays import imports as bayimport
from shaodao.bikes.bays import queries as bayqueries
from shaodao.bikes.bays import siting
from shaodao.bikes.bays.queries import BAYS, ZONES
from shaodao.bikes.models import Bay, BayVersion, Zone
from shaodao.cases.actions import Actor
from shaodao.cli import main
from shaodao.foundation import clock, maps
from shaodao.foundation.models import LogEntry
from shaodao.kernel import datum
from tests import real
from tests.bikes.outlines import as_csv, as_geojson, geometry, square
from tests.town import later

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
XIAMEN = real.BIKES / "xiamen_bays.csv"
THREE = {"A": square(), "B": square(20, 0), "C": square(40, 10)}


def run(path, *words, code=0):
    """The answer of the command, whose exit code has to be `code`."""
    done = CliRunner().invoke(main, ["bikes", "import-bays", str(path), "--json", *words])
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["read"] == found["imported"] + found["rejected"]
    assert found["imported"] == sum(found[k] for k in ("new", "changed", "restored", "unchanged"))
    return found


def test_new_unchanged_changed_restored(office, tmp_path):
    path = as_csv(tmp_path / "b.csv", THREE)
    found = run(path)
    assert (found["read"], found["imported"], found["rejected"], found["new"]) == (3, 3, 0, 3)
    assert dict(Bay.objects.values_list("code", "source")) == dict.fromkeys("ABC", "b.csv")
    assert [b.street.code for b in Bay.objects.all()] == ["140213050"] * 3
    entries = LogEntry.objects.filter(action="bays.import")
    assert entries.get().data == {"new": 3, "changed": 0, "restored": 0, "unchanged": 0, "source": "b.csv"}
    with later(days=1):
        assert run(path, "--source", "other")["unchanged"] == 3
    assert BayVersion.objects.count() == 3 and set(Bay.objects.values_list("version", flat=True)) == {1}
    bays.remove(BAYS, office.hq, Bay.objects.get(code="B").pk, reason="x")
    moved = as_csv(tmp_path / "b2.csv", THREE | {"A": square(5, 5), "D": square(60)})
    with later(days=2):
        found = run(moved)
    assert {k: found[k] for k in ("new", "changed", "restored", "unchanged")} == {
        "new": 1, "changed": 1, "restored": 1, "unchanged": 1,
    }  # fmt: skip
    assert dict(Bay.objects.values_list("code", "version")) == {"A": 2, "B": 3, "C": 1, "D": 1}
    open_ones = BayVersion.objects.filter(valid_until=None).values_list("bay__code", "version")
    assert sorted(open_ones) == [("A", 2), ("B", 3), ("C", 1), ("D", 1)]
    old = bayqueries.at(BAYS, clock.now() + timedelta(days=1)).get(bay__code="A")
    assert shapely.equals_exact(shapely.from_geojson(json.dumps(old.geometry)), square(), 1e-9)


def test_a_column_that_is_not_there_leaves_what_was_said(office, tmp_path):
    path = as_csv(
        tmp_path / "b.csv", THREE, capacity=["7", "", "12.0"], name=["东", "西", ""], tolerance=["15", "", ""]
    )
    run(path)
    rows = Bay.objects.order_by("code").values_list("capacity", "capacity_given", "name", "tolerance_m")
    given = [(7, True, "东", 15.0), (10, False, "西", None), (12, True, "", None)]
    assert list(rows) == given
    assert run(as_csv(tmp_path / "plain.csv", THREE))["unchanged"] == 3 and list(rows.all()) == given
    assert run(as_csv(tmp_path / "e.csv", THREE, capacity=["", "", ""]))["changed"] == 2
    assert [row[:2] for row in rows.all()] == [(10, False)] * 3


def test_dry_run_says_and_writes_nothing(office, tmp_path):
    found = run(as_csv(tmp_path / "b.csv", THREE), "--dry-run")
    assert (found["new"], found["dry_run"]) == (3, True)
    assert not Bay.objects.exists() and not LogEntry.objects.filter(action="bays.import").exists()


def test_they_may_have_stood_for_long(office, tmp_path):
    path = as_csv(tmp_path / "b.csv", THREE)
    run(path, "--since", "2020-12-01")
    assert bayqueries.at(BAYS, datetime(2020, 12, 1, tzinfo=UTC)).count() == 3
    assert not bayqueries.at(BAYS, datetime(2020, 11, 30, tzinfo=UTC)).exists()
    done = CliRunner().invoke(main, ["bikes", "import-bays", str(path), "--since", "2031-01-01"])
    assert done.exit_code == 2 and "将来" in done.output


def test_rows_that_are_no_bays_are_named_and_hold_up_nobody(office, tmp_path):
    hole = shapely.Polygon(square(0, 50, 30).exterior, [square(10, 60, 10).exterior.coords])
    outside = shapely.Polygon(square(0, 90, 8).exterior, [square(100, 60, 10).exterior.coords])
    tie = shapely.Polygon([(113.2, 40), (113.2001, 40.0001), (113.2001, 40), (113.2, 40.0001)])
    swapped = shapely.transform(square(), lambda xy: xy[:, ::-1])
    rows = {"hole": hole, "outside": outside, "tie": tie, "swapped": swapped, "point": shapely.Point(113.2, 40.0),
            "wide": shapely.box(112, 39, 114, 41), "x" * 41: square(70, 0), "n\x00ul": square(90, 0)}  # fmt: skip
    path = as_geojson(tmp_path / "b.json", rows)
    data = json.loads(path.read_text("utf-8"))
    data["features"] += [
        {"type": "Feature", "properties": {"code": "hole"}, "geometry": geometry(square(200))},
        {"type": "Feature", "properties": {"code": "cap", "capacity": "x"}, "geometry": geometry(square(210))},
        {"type": "Feature", "properties": None, "geometry": geometry(square(220))},
        {"type": "Feature", "properties": {"code": {"a": 1}}, "geometry": None},
        "no feature",
    ]
    path.write_text(json.dumps(data), "utf-8")
    found = run(path, code=1)
    assert (found["read"], found["imported"], found["rejected"]) == (13, 2, 11)
    said = {(r["row"], r["id"]): r["what"] for r in found["rejections"]}
    assert [row for row, _id in said] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13]
    for (row, _id), what in said.items():
        assert {2: "洞", 3: "自相交", 4: "写反", 5: "Point", 6: "1 度", 7: "40", 8: "看不见", 9: "第 1 行"}.get(
            row, ""
        ) in what
        assert what
    made = Bay.objects.exclude(code="hole").get()
    assert made.code.startswith("#") and found["warned"]["unnamed"] == 1
    assert Bay.objects.get(code="hole").area_m2 == pytest.approx(
        800, abs=8
    )  # what is within the hole is not part of it
    assert run(path, code=1)["unchanged"] == 2


def test_what_cannot_be_written_down_is_not_echoed(office, tmp_path):
    """Half a surrogate pair is a string in JSON, and no text on any screen or in any database."""
    path = as_geojson(tmp_path / "b.json", {"A": square(), "B": square(20), "C": shapely.Point(113, 40)})
    data = json.loads(path.read_text("utf-8"))
    data["features"][0]["properties"] |= {"name": "a\ud800b\u0000c"}
    for n in (1, 2):
        data["features"][n]["properties"]["code"] = "\ud800"
    path.write_text(json.dumps(data), "utf-8")
    found = run(path, "--source", "x\udc80y", code=1)
    assert found["imported"] == 1 and {r["id"] for r in found["rejections"]} == {"\ufffd"}
    assert Bay.objects.values_list("name", "source").get() == ("a b c", "xy")


def squeezed(path):
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("readme.txt", "no shapes here")


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("b.csv", lambda p: p.write_text("a,b\n1,2\n"), "corners_lon_lat"),
        ("b.csv", lambda p: p.write_bytes(b""), "空"),
        ("b.csv", lambda p: p.write_bytes(b"\x00\x00\x00"), "边界"),
        ("b.csv", lambda p: p.write_bytes("bay_id,corners\n点,x".encode("gbk")), "UTF-8"),
        ("b.geojson", lambda p: p.write_text('{"type": "FeatureCollection", "features": ['), "GeoJSON"),
        ("b.geojson", lambda p: p.write_text("[" * 100_000), "GeoJSON"),
        ("b.json", lambda p: p.write_bytes(b"\xff\xfe\x00"), "GeoJSON"),
        ("b.gpkg", lambda p: p.write_text("not a database"), "打不开"),
        ("b.zip", lambda p: p.write_text("not a zip"), "打不开"),
        ("b.zip", squeezed, "打不开"),
        ("b.shp", lambda p: p.write_bytes(b"\x00" * 200), "打不开"),
        ("b.txt", lambda p: p.write_text("x"), ".gpkg"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_exit_code_two(office, tmp_path, name, make, said):
    make(tmp_path / name)
    done = CliRunner().invoke(main, ["bikes", "import-bays", str(tmp_path / name), "--json"])
    assert done.exit_code == 2 and said in done.output, done.output
    assert "Traceback" not in done.output and not Bay.objects.exists()


def test_a_file_that_is_too_large_or_unpacks_to_too_much(office, tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "LARGEST_BYTES", 1000)
    path = as_csv(tmp_path / "b.csv", {f"A{n}": square(n * 10) for n in range(20)})
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("b.shp", b"\x00" * 100_000)
    for name in (path.name, "b.zip"):
        done = CliRunner().invoke(main, ["bikes", "import-bays", str(tmp_path / name)])
        assert done.exit_code == 2 and "太大" in done.output, done.output
    monkeypatch.setattr(maps, "LARGEST_BYTES", 10**9)
    with pytest.raises(maps.Unreadable, match="行数"):
        bayimport.plan(path, BAYS, most_rows=19)


def test_nothing_there_and_no_such_file(office, tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("bay_id,corners_lon_lat\n", "utf-8")
    assert run(path)["read"] == 0
    assert CliRunner().invoke(main, ["bikes", "import-bays", str(tmp_path / "none.csv")]).exit_code == 2
    assert CliRunner().invoke(main, ["bikes", "import-bays", str(path), "--datum", "GCJ-03"]).exit_code == 2


@pytest.mark.parametrize("name", ["GCJ-02", "BD-09", "CGCS2000"])
def test_the_datum_is_converted_and_stays_the_same_again(office, tmp_path, name):
    there = {
        code: shapely.transform(shape, lambda xy: np.column_stack(datum.from_wgs84(xy[:, 0], xy[:, 1], name)))
        for code, shape in THREE.items()
    }
    path = as_csv(tmp_path / "b.csv", there)
    assert run(path, "--datum", name)["new"] == 3
    kept = shapely.from_geojson(json.dumps(Bay.objects.get(code="A").geometry))
    assert shapely.hausdorff_distance(kept, THREE["A"]) < 2e-9
    assert run(path, "--datum", name)["unchanged"] == 3
    wrong = run(path, "--dry-run")["warned"].get("outside", 0)
    assert wrong == (0 if name == "CGCS2000" else 3)  # some hundred metres off: out of the town's few cells


@pytest.mark.parametrize("suffix", ["gpkg", "zip"])
def test_columns_of_a_map_file_count(office, tmp_path, suffix):
    path = tmp_path / ("b.gpkg" if suffix == "gpkg" else "b.shz")
    columns = [np.array(["A", "B", "C"], object), np.array([4.0, np.nan, 9.0]), np.array(["东", None, "西"], object)]
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(list(THREE.values()))), columns, ["code", "capacity", "name"],
        geometry_type="Polygon", crs="EPSG:4326", encoding="UTF-8",
    )  # fmt: skip
    found = run(path if suffix == "gpkg" else path.rename(tmp_path / "b.zip"))
    assert found["new"] == 3
    rows = Bay.objects.order_by("code").values_list("capacity", "capacity_given", "name")
    assert list(rows) == [(4, True, "东"), (10, False, ""), (9, True, "西")]


# ── remarks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_worth_a_look_is_said_and_comes_in(office, tmp_path):
    bays.add(BAYS, office.hq, "OLD", geometry(square(3, 30)), {})
    bays.remove(BAYS, office.hq, bays.add(BAYS, office.hq, "GONE", geometry(square(20)), {}).pk, reason="x")
    rows = {
        "over-1": square(0, 0), "over-2": square(3, 0), "touching": square(9, 0), "on-old": square(0, 30),
        "small": square(30, 0, 0.5), "large": square(60, 0, 25), "alone": square(0, -400), "outside": square(0, 5000),
    }  # fmt: skip
    near = tmp_path / "near.csv"
    exit_b = square(37, 4, 0.01).centroid
    near.write_text(f"name,lon,lat\n地铁 1 号线 B 口,{exit_b.x},{exit_b.y}\n", "utf-8")
    path = as_csv(tmp_path / "b.csv", rows)
    found = bayimport.plan(path, BAYS, points=siting.read_points(near))
    said = {}
    for remark in found.remarks:
        said.setdefault(remark.code, {})[remark.kind] = remark.what
    assert {code: sorted(kinds) for code, kinds in said.items()} == {
        "over-2": ["overlap"], "on-old": ["overlap"], "small": ["near", "small"], "large": ["large"],
        "alone": ["alone", "outside"], "outside": ["alone", "outside"],
    } | ({"large": ["large", "near"]} if "near" in said["large"] else {}) | ({"touching": ["near"]} if "touching" in said else {})  # fmt: skip
    assert "over-1" in said["over-2"]["overlap"] and "18" in said["over-2"]["overlap"]
    assert "OLD" in said["on-old"]["overlap"] and "地铁 1 号线 B 口" in said["small"]["near"]
    assert run(path, "--near", str(near))["imported"] == 8
    office.settle(siting={"nearest_m": 10_000, "overlap_m2": 20, "largest_m2": 1000, "clear_m": 0})
    kinds = {remark.kind for remark in bayimport.plan(path, BAYS).remarks}
    assert kinds == {"small", "outside"}


def test_a_file_of_another_place_is_said_once(office, tmp_path):
    """Also what a wrong datum looks like: it is not said thousand times, and first of all."""
    path = as_csv(tmp_path / "b.csv", {f"A{n}": square(n * 10, 9000) for n in range(21)})
    [remark] = bayimport.plan(path, BAYS).remarks
    assert (remark.row, remark.kind) == (0, "outside") and "21" in remark.what
    done = CliRunner().invoke(main, ["bikes", "import-bays", str(path), "--dry-run"])
    assert done.exit_code == 0 and "坐标系" in done.output and "row 0" not in done.output
    inside = {f"B{n}": square(n * 10) for n in range(22)}
    found = bayimport.plan(
        as_csv(tmp_path / "c.csv", {f"A{n}": square(n * 10, 9000) for n in range(21)} | inside), BAYS
    )
    assert sum(remark.kind == "outside" for remark in found.remarks) == 21


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n.csv", "a,b\n1,2"),
        ("n.csv", "lon,lat\nx,40"),
        ("n.csv", "lon,lat\n113,91"),
        ("n.json", "{}"),
        ("n.json", '{"features": [{"geometry": null}]}'),
    ],
)
def test_points_that_cannot_be_read(office, tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    words = ["bikes", "import-bays", str(as_csv(tmp_path / "b.csv", THREE)), "--near", str(tmp_path / name)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2 and name in done.output, done.output


# ── zones ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_zones(office, tmp_path):
    rows = {"Z1": square(0, 0, 50), "Z2": square(60, 0, 50), "Z3": square(120, 0, 50), "Z4": square(180, 0, 50)}
    given = {
        "kind": ["no_parking", "限量区", "", "quota"], "quota": ["", "40", "", ""], "weekdays": ["12345", "", "", ""],
        "daily_from": ["07:00", "", "", ""], "daily_until": ["09:00", "", "", ""],
        "begins_at": ["", "2021-06-01 08:00", "", ""],
    }  # fmt: skip
    path = as_csv(tmp_path / "z.csv", rows, **given)
    found = run(path, "--zones", code=1)
    assert [(r["row"], r["id"]) for r in found["rejections"]] == [(3, "Z3"), (4, "Z4")]
    assert "类型" in found["rejections"][0]["what"] and "限量" in found["rejections"][1]["what"]
    assert run(path, "--zones", "--kind", "no_riding", code=1)["new"] == 1
    assert list(Zone.objects.values_list("code", "kind", "quota", "weekdays")) == [
        ("Z1", "no_parking", None, "12345"), ("Z2", "quota", 40, ""), ("Z3", "no_riding", None, ""),
    ]  # fmt: skip
    assert Zone.objects.get(code="Z2").begins_at == datetime(2021, 6, 1, tzinfo=UTC)
    assert run(path, "--zones", "--kind", "no_riding", code=1)["unchanged"] == 3
    assert run(as_csv(tmp_path / "y.csv", {"Z1": rows["Z1"]}, kind=["no_parking"]), "--zones")["unchanged"] == 1
    assert not Bay.objects.exists() and bayqueries.at(ZONES, clock.now()).count() == 3


def test_what_is_worth_a_look_about_zones(office, tmp_path):
    bays.add(BAYS, office.hq, "P1", geometry(square(3, 3, 1)), {})
    bays.add(BAYS, office.hq, "P2", geometry(square(18, 0)), {})  # half in, half out of the forbidden zone
    bays.add(ZONES, office.hq, "OLD", geometry(square(60, 0, 10)), {"kind": "no_riding"})
    rows = {
        "none": square(0, 0, 10), "some": square(5, 0, 10), "again": square(6, 0, 10), "old": square(60, 5, 10),
        "later": square(2, 0, 10), "far": square(0, 5000, 10), "dot": square(40, 40, 1), "vast": square(0, 0, 1200),
    }  # fmt: skip
    path = as_csv(
        tmp_path / "z.csv", rows,
        kind=["no_parking", "quota", "quota", "quota", "quota", "no_parking", "no_parking", "no_riding"],
        quota=["", 5, 5, 5, 5, "", "", ""], begins_at=["2021-06-01", "", "", "", "", "", "", ""],
        ends_at=["", "", "", "", "2021-06-01", "", "", ""],
    )  # fmt: skip
    said = {}
    for remark in bayimport.plan(path, ZONES).remarks:
        said.setdefault(remark.code, {}).setdefault(remark.kind, []).append(remark.what)
    kinds = {code: sorted(found) for code, found in said.items()}
    assert kinds == {
        "none": ["bays"], "some": ["contrary"], "again": ["contrary"], "old": ["contrary"], "far": ["outside"],
        "dot": ["small"], "vast": ["bays", "contrary", "large"],
    }  # fmt: skip
    assert "P1" in said["none"]["bays"][0] and "P2" not in said["none"]["bays"][0]
    assert len(said["some"]["contrary"]) == 1 and "none" in said["some"]["contrary"][0]
    assert "OLD" in said["old"]["contrary"][0] and len(said["vast"]["contrary"]) == 4
    done = run(path, "--zones")
    assert (done["imported"], done["rejected"], done["warned"]["contrary"]) == (8, 0, 7)
    again = {remark.kind for remark in bayimport.plan(path, ZONES).remarks}
    assert again == {"bays", "contrary", "outside", "small", "large"}  # nothing is held against itself


def test_zones_of_a_gbfs_feed(office, tmp_path):
    """2.x and 3.x name the same in different words; what forbids nothing has no kind."""
    rules = {
        "park3": [{"ride_start_allowed": False, "ride_end_allowed": False, "ride_through_allowed": True}],
        "ride": [{"ride_allowed": False, "ride_through_allowed": False}],
        "park2": [{"ride_allowed": False, "ride_through_allowed": True}],
        "free": [{"ride_allowed": True, "ride_through_allowed": True}],
        "odd": ["x"],
    }
    path = as_geojson(
        tmp_path / "g.json", {code: square(n * 60, 0, 50) for n, code in enumerate(rules)}, rules=list(rules.values()),
        name=[[{"text": "广场", "language": "zh"}], *"bcde"], start=[1621555200, "2021-05-21T00:00:00Z", "", "", ""],
    )  # fmt: skip
    whole = {"version": "3.0", "data": {"geofencing_zones": json.loads(path.read_text("utf-8"))}}
    path.write_text(json.dumps(whole), "utf-8")
    found = run(path, "--zones", code=1)
    assert [r["id"] for r in found["rejections"]] == ["free", "odd"]
    assert dict(Zone.objects.values_list("code", "kind")) == {
        "park3": "no_parking", "ride": "no_riding", "park2": "no_parking",
    }  # fmt: skip
    row = Zone.objects.get(code="park3")
    assert (row.name, row.begins_at) == ("广场", datetime(2021, 5, 21, tzinfo=UTC))
    assert row.begins_at == Zone.objects.get(code="ride").begins_at
    path.write_text('{"data": {"geofencing_zones": null}}', "utf-8")
    assert CliRunner().invoke(main, ["bikes", "import-bays", str(path), "--zones"]).exit_code == 2
    path.write_text("[1]", "utf-8")
    assert CliRunner().invoke(main, ["bikes", "import-bays", str(path), "--zones"]).exit_code == 2


# ── as a whole ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.once  # a SQLite file of its own, whatever the others run on
def test_a_new_database_needs_no_pack(tmp_path):
    """As somebody runs it who has nothing but the program and a file."""
    path = as_csv(tmp_path / "b.csv", THREE)
    for counted in ("new", "unchanged"):
        done = subprocess.run(
            [sys.executable, "-m", "shaodao.cli", "bikes", "import-bays", str(path), "--json"],
            cwd=ROOT, env={"SHAODAO_VAR": str(tmp_path / "var"), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])[counted] == 3


def test_many_bays_in_few_queries(office, tmp_path, django_assert_max_num_queries):
    path = as_csv(tmp_path / "b.csv", {f"A{n}": square(n % 50 * 10, n // 50 * 10) for n in range(1000)})
    found = bayimport.plan(path, BAYS)
    with django_assert_max_num_queries(120):
        bayimport.carry_out(found, Actor.system())
    again = bayimport.plan(path, BAYS)
    with django_assert_max_num_queries(12):
        bayimport.carry_out(again, Actor.system())
    assert again.counts["unchanged"] == 1000 and found.counts["new"] == 1000


def test_two_imports_of_the_same_at_once(office, tmp_path, monkeypatch):
    """The second had looked before the first wrote: it finds the rows when it comes to write."""
    path = as_csv(tmp_path / "b.csv", THREE)
    late = bayimport.plan(path, BAYS)
    real, calls = bays.by_code, []

    def blind(kind, codes, *, lock=False):
        calls.append(lock)
        return {} if len(calls) == 1 else real(kind, codes, lock=lock)

    bayimport.carry_out(bayimport.plan(path, BAYS), Actor.system())
    monkeypatch.setattr(bays, "by_code", blind)
    assert bayimport.carry_out(late, Actor.system()).counts["unchanged"] == 3
    assert calls == [True, True] and BayVersion.objects.count() == 3


@pytest.mark.once  # of geometry; what many rows ask of a database is asked above on both
@pytest.mark.data
@pytest.mark.skipif(not XIAMEN.exists(), reason="the real bays of Xiamen are not on this machine")
def test_the_real_bays_of_xiamen_come_in_without_loss(office, tmp_path):
    path = shutil.copy(XIAMEN, tmp_path)
    found = run(path)
    assert (found["read"], found["imported"], found["rejected"], found["new"]) == (8301, 8301, 0, 8301)
    assert Bay.objects.count() == 8301 == BayVersion.objects.count()
    again = run(path)
    assert (again["imported"], again["unchanged"]) == (8301, 8301) and BayVersion.objects.count() == 8301
    wanted = bayfiles.read(XIAMEN)
    kept = dict(Bay.objects.values_list("code", "geometry"))
    stored = shapely.from_geojson([json.dumps(kept[code]) for code in wanted.ids])
    assert shapely.equals_exact(stored, wanted.shapes).all()  # to the last digit
    plane = Transformer.from_crs(4326, "+proj=tmerc +lat_0=24.5 +lon_0=118.1 +ellps=WGS84", always_xy=True)
    boxes = shapely.oriented_envelope(
        shapely.transform(wanted.shapes, lambda xy: np.column_stack(plane.transform(xy[:, 0], xy[:, 1])))
    )
    sides = np.array([np.hypot(*np.diff(shapely.get_coordinates(box)[:3], axis=0).T).max() for box in boxes])
    lengths = dict(Bay.objects.values_list("code", "length_m"))
    off = np.abs(sides - [lengths[code] for code in wanted.ids])  # of two almost least boxes either may win
    assert np.quantile(off, 0.99) < 0.02 and off.max() < 0.1
