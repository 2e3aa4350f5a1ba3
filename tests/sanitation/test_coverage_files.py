"""Coverage from files alone: what is read however it is spelt, what is refused and why, and the proof computed again."""

import gzip
import json
import math
import shutil
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from click.testing import CliRunner

from shaodao.kernel import datum
from shaodao.sanitation.cli import sanitation
from shaodao.sanitation.coverage import files, segments
from shaodao.sanitation.coverage.files import Given, prove
from shaodao.sanitation.coverage.tracks import Unreadable
from tests.real import DATA

pytestmark = [pytest.mark.nodb, pytest.mark.once]

LON, LAT, START = 113.3, 40.09, 1790812800  # 2026-10-01 08:00 in Shanghai
CN = timezone(timedelta(hours=8))
HEAD = ("vehicle_id", "timestamp", "lon", "lat", "speed_kmh", "heading", "working")


def at(x, y):
    return [round(LON + x / (111_320 * math.cos(math.radians(LAT))), 7), round(LAT + y / 111_132, 7)]


def feature(id, *points, kind="LineString", **values):
    coordinates = [at(*p) for p in points]
    return {
        "type": "Feature",
        "properties": {"id": id, **values},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def roads(folder, *features, name="roads.geojson"):
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def drive():
    """1,000 m east, the first 600 at work, then 800 m north at work; 4 m/s, a fix a second, 2 m of noise."""
    noise, rows, t = np.random.default_rng(1), [], START
    for (a, b), (c, d), on in (((0, 0), (600, 0), 1), ((600, 0), (1000, 0), 0), ((1003, 0), (1003, 800), 1)):
        far = math.hypot(c - a, d - b)
        for s in np.arange(0, far, 4.0):
            x, y = noise.normal((a + (c - a) * s / far, b + (d - b) * s / far), 2)
            rows.append(("K1", t, *at(x, y), 14.4, round(math.degrees(math.atan2(c - a, d - b)) % 360), on))
            t += 1
    return rows


ROWS = drive()


def table(path, head, rows, encoding="utf-8", delimiter=","):
    text = "\r\n".join(delimiter.join(map(str, row)) for row in [head, *rows])
    raw = text.encode(encoding)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Roads that cross without a common point, two of them of no use, and a drive."""
    folder = tmp_path_factory.mktemp("coverage")
    roads(
        folder,
        feature("A", (0, 0), (1000, 0), oneway="yes"),
        feature("B", (1000, 0), (1000, 800), oneway="no", width=14),
        feature("C", (500, -300), (500, 300)),
        {"type": "Feature", "properties": {"id": "D"}, "geometry": None},
        feature("E", (0, 0), (0, 0)),
    )
    table(folder / "tracks.csv", HEAD, ROWS)
    return folder


def ask(*args):
    return CliRunner().invoke(sanitation, [str(a) for a in args])


def told(here, name="tracks.csv", **given):
    return prove(Given(here / "roads.geojson", here / name, "flush", **given)).answer


def test_the_command_says_of_each_segment_and_direction_what_was_serviced(here):
    command = ("coverage", "--roads", here / "roads.geojson", "--tracks", here / "tracks.csv", "--service", "flush")
    result = ask(*command, "--json", "--certificate", here / "proof.json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout.splitlines()[-1])
    rows = {(row["id"], row["direction"]): row for row in answer["segments"]}
    assert list(rows) == [("A", "forward"), ("B", "forward"), ("B", "backward"), ("C", "forward"), ("C", "backward")]
    half, whole = rows["A", "forward"], rows["B", "forward"]
    assert half["length_m"] == pytest.approx(1000, abs=3) and half["serviced_m"] == pytest.approx(600, abs=8)
    assert (half["verdict"], whole["verdict"], rows["B", "backward"]["verdict"]) == ("short", "done", "none")
    [made], gap = half["passes"], half["gaps"][-1]
    assert (made["vehicle"], made["start"][:16]) == ("K1", "2026-10-01T08:00")
    assert gap["from_m"] == pytest.approx(600, abs=8) and gap["from"] == pytest.approx(at(gap["from_m"], 0), abs=3e-5)
    assert answer["totals"]["serviced_m"] == pytest.approx(
        sum(row["serviced_m"] for row in answer["segments"]), abs=0.2
    )
    assert answer["features"] == {"read": 5, "used": 3, "rejected": 2}
    assert [(f["row"], f["kind"]) for f in answer["faults"]] == [(4, "no_geometry"), (5, "geometry")]
    assert {"twoway", "joined"} == {w["kind"] for w in answer["warnings"]}
    fixes = answer["fixes"]
    assert (
        fixes["read"]
        == len(ROWS)
        == sum(fixes[k] for k in ("used", "double", "conflict", "jump", "away", "unreadable"))
    )


SPELLINGS = {
    "gbk.csv": (
        ("车牌号", "定位时间", "经度", "纬度", "速度(km/h)", "方向角", "作业状态"),
        lambda v, t, x, y, s, h, on: ("鲁A12345", f"{datetime.fromtimestamp(t, CN):%Y/%-m/%-d %-H:%M:%S}", x, y, s, h, "开" if on else "关"),
        ("gb18030", ";"),
        "鲁A12345",
    ),
    "mps.tsv.gz": (
        ("Device ID", "time", "lng", "lat", "speed", "bearing", "pump"),
        lambda v, t, x, y, s, h, on: (v, datetime.fromtimestamp(t, UTC).isoformat(), x, y, s / 3.6, h, "on" if on else "off"),
        ("utf-8-sig", "\t"),
        "K1",
    ),
    "clock.csv": (
        ("plate", "日期", "时间", "x", "y", "speed_mps", "course", "brush"),
        lambda v, t, x, y, s, h, on: (v, f"{datetime.fromtimestamp(t, CN):%Y年%m月%d日}", f"{datetime.fromtimestamp(t, CN):%H:%M:%S}", x, y, s / 3.6, h, bool(on)),
        ("utf-8", ","),
        "K1",
    ),
    "ms.csv": (HEAD, lambda v, t, *rest: (v, t * 1000, *rest), ("utf-8", "|"), "K1"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_one_day_in_many_spellings_is_one_answer(here, name):
    head, spelt, how, vehicle = SPELLINGS[name]
    table(here / name, head, [spelt(*row) for row in ROWS[::-1]], *how)  # the order of rows is of no consequence either
    [plain], [other] = told(here)["segments"][0]["passes"], told(here, name)["segments"][0]["passes"]
    assert other == plain | {"vehicle": vehicle}


def test_lines_of_json_without_vehicles_and_signal_are_read_and_said(here):
    lines = [json.dumps({"ts": t, "lon": x, "lat": y}) for _v, t, x, y, *_rest in ROWS]
    (here / "lines.ndjson").write_text("\n".join([*lines, "{broken"]), "utf-8")
    answer = told(here, "lines.ndjson")
    assert {"one_vehicle", "no_signal"} <= {w["kind"] for w in answer["warnings"]}
    assert answer["segments"][0]["rate"] > 0.99  # slow presence counts where there is no signal
    assert (answer["fixes"]["read"], answer["fixes"]["unreadable"]) == (len(ROWS) + 1, 1)
    assert answer["fault_counts"]["tracks"] == {"row": 1}


def test_bad_cells_cost_their_row_and_are_listed_with_it(here):
    rows = [list(row) for row in ROWS]
    rows[3][1], rows[4][2], rows[5][4], rows[6][2], rows[8][5] = "gestern", "nan", -5, 500, 999
    rows[7] = ["K1"]
    rows.insert(20, rows[19])
    table(here / "bad.csv", HEAD, rows)
    answer = told(here, "bad.csv")
    listed = {(f["kind"], f["row"]) for f in answer["faults"] if f["file"] == "tracks"}
    assert listed == {("time", 5), ("position", 6), ("speed", 7), ("position", 8), ("row", 9), ("heading", 10)}
    fixes = answer["fixes"]
    assert (fixes["unreadable"], fixes["away"], fixes["double"], fixes["read"]) == (2, 2, 1, len(ROWS) + 1)
    assert answer["segments"][0]["serviced_m"] == pytest.approx(told(here)["segments"][0]["serviced_m"], abs=5)


def test_what_cannot_be_used_is_refused_with_its_reason(here):
    table(here / "swapped.csv", HEAD, [(v, t, y, x, *rest) for v, t, x, y, *rest in ROWS])
    table(here / "lacks.csv", HEAD[1:], [row[1:] for row in ROWS] and [], delimiter=",")
    table(here / "nolat.csv", ("time", "lon"), [(1, 2)])
    table(here / "clockonly.csv", HEAD, [(v, "08:00:01", *rest) for v, _t, *rest in ROWS[:9]])
    (here / "empty.csv").write_bytes(b"")
    for name, hint in (
        ("swapped.csv", "--swap"), ("lacks.csv", "没有一行"), ("nolat.csv", "lat"), ("clockonly.csv", "--date"), ("empty.csv", "空"), ("roads.gpkg", ""),
    ):  # fmt: skip
        if name == "roads.gpkg":
            (here / name).write_bytes(b"SQLite format 3\0")
            result = ask("coverage", "--roads", here / name, "--tracks", here / "tracks.csv", "--service", "flush")
        else:
            result = ask("coverage", "--roads", here / "roads.geojson", "--tracks", here / name, "--service", "flush")
        assert result.exit_code == 2 and hint in result.output and "Traceback" not in result.output, (
            name,
            result.output,
        )
    assert told(here, "swapped.csv", swap=True)["segments"] == told(here)["segments"]


def test_another_datum_a_long_day_and_a_wrong_clock_are_said(here):
    x, y = datum.from_wgs84(np.array([r[2] for r in ROWS]), np.array([r[3] for r in ROWS]), "GCJ-02")
    table(
        here / "mars.csv", HEAD, [(v, t, a, b, *rest) for (v, t, _x, _y, *rest), a, b in zip(ROWS, x, y, strict=True)]
    )
    assert "datum" in {w["kind"] for w in told(here, "mars.csv")["warnings"]}
    meant = told(here, "mars.csv", tracks_datum="GCJ-02")
    assert meant["totals"]["serviced_m"] == pytest.approx(told(here)["totals"]["serviced_m"], abs=3)
    table(here / "long.csv", HEAD, [*ROWS, *((v, t + 90_000, *rest) for v, t, *rest in ROWS)])
    long = told(here, "long.csv", now=START)
    assert {"span", "future"} <= {w["kind"] for w in long["warnings"]} and long["totals"]["passes"]["total"] == 4
    day = told(here, "long.csv", day=datetime(2026, 10, 1).date())
    assert day["segments"] == told(here)["segments"] and day["fixes"]["other_day"] == len(ROWS)
    table(here / "old.csv", HEAD, [(v, t - START, *rest) for v, t, *rest in ROWS])
    assert "old" in {w["kind"] for w in told(here, "old.csv")["warnings"]}


def test_a_certificate_is_computed_again_or_says_what_differs(here, tmp_path):
    for name in ("roads.geojson", "tracks.csv"):
        shutil.copy(here / name, tmp_path)
    proof = tmp_path / "proof.json"
    known = prove(Given(tmp_path / "roads.geojson", tmp_path / "tracks.csv", "flush")).certificate
    proof.write_text(json.dumps(known), "utf-8")
    result = ask("recompute", proof, "--json")
    assert (result.exit_code, json.loads(result.stdout)["same"]) == (0, True), result.output

    def differs(**changed):
        proof.write_text(json.dumps(known | changed), "utf-8")
        result = ask("recompute", proof, "--json")
        assert result.exit_code == 1, result.output
        return {row["what"]: row for row in json.loads(result.stdout)["differences"]}

    assert set(differs(algorithm="older/0")) == {"algorithm"}
    rows = [list(row) for row in known["verdicts"]["rows"]]
    rows[0][-1] = "done"
    assert set(differs(verdicts=known["verdicts"] | {"rows": rows})) == {"certificate", "verdicts"}
    table(tmp_path / "tracks.csv", HEAD, ROWS[:100])
    found = differs()
    assert set(found) == {"file.tracks", "fixes", "verdicts"}
    assert found["verdicts"]["segments"] == ["A#1 forward", "B#2 forward"]
    for content in ("[]", "{", json.dumps(known | {"sources": {}}), json.dumps(known | {"kind": "paint"})):
        proof.write_text(content, "utf-8")
        result = ask("recompute", proof)
        assert result.exit_code == 2 and "Traceback" not in result.output


def test_roads_keep_their_ids_however_they_are_cut(tmp_path):
    """Lines drawn once for each direction, of several parts, touching in the middle, in a collection."""
    path = roads(
        tmp_path,
        feature("there", (0, 0), (400, 0), (900, 0)),
        feature("back", (900, 0), (400, 0), (0, 0)),
        feature("side", (400, 300), (400, 0.2), oneway="-1"),
        {"type": "Feature", "id": "f4", "properties": {"name": "Ring"}, "geometry": {"type": "GeometryCollection", "geometries": [
            {"type": "MultiLineString", "coordinates": [[at(0, 300), at(200, 300)], [at(200, 300), at(400, 300)]]}]}},
    )  # fmt: skip
    found = segments.read(path)
    named = {
        segment.id: (segment, float(long))
        for segment, long in zip(found.segments, found.network.units.length, strict=True)
    }
    assert list(named) == ["there", "back", "side", "f4"] and len(found.lines) == 4  # both ways of a line are one line
    assert [round(long) for _segment, long in named.values()] == pytest.approx([900, 900, 300, 400], abs=2)
    assert len(named["there"][0].ways) == 2 and named["side"][0].direction == "backward"
    assert found.place(1, 100.0) == pytest.approx(at(800, 0), abs=1e-5)  # from where "back" begins


def test_no_road_at_all_is_said(tmp_path):
    path = roads(tmp_path, {"type": "Feature", "properties": {"id": "D"}, "geometry": None})
    with pytest.raises(Unreadable, match="D: 没有几何"):
        segments.read(path)


@pytest.mark.parametrize("name", ["chicago_plows.csv", "toronto_plows.csv.gz"])
def test_real_municipal_vehicles_elsewhere_are_all_accounted_for(here, name):
    path = DATA / "tracks" / name
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    answer = prove(Given(here / "roads.geojson", path, "sweep")).answer
    assert answer["fixes"]["away"] == answer["fixes"]["read"] > 1000 and "elsewhere" in {
        w["kind"] for w in answer["warnings"]
    }


def test_a_real_track_with_a_known_route(tmp_path):
    """Kubicka et al. 2015: by length, what was driven is found, and nothing else."""
    if not (folder := DATA / "tracks" / "kubicka").exists():
        pytest.skip("tracks/kubicka is not here")
    nodes, arcs, track, route = (np.loadtxt(folder / f"00000046.{k}.gz") for k in ("nodes", "arcs", "track", "route"))
    lines = [{"type": "LineString", "coordinates": nodes[arc].tolist()} for arc in arcs.astype(int)]
    drawn = [{"type": "Feature", "properties": {"id": n}, "geometry": line} for n, line in enumerate(lines)]
    np.savetxt(tmp_path / "t.csv", track, delimiter=",", header="lon,lat,t", comments="", fmt="%.7f")
    rows = prove(Given(roads(tmp_path, *drawn), tmp_path / "t.csv", "flush", working_kmh=200.0, oneway="yes")).answer[
        "segments"
    ]
    true = {str(int(arc)) for arc in route}
    hit = sum(row["serviced_m"] for row in rows if row["id"] in true)
    assert hit / sum(row["length_m"] for row in rows if row["id"] in true) > 0.93  # recall
    assert hit / sum(row["serviced_m"] for row in rows) > 0.99  # precision


def test_every_kind_of_the_command_has_a_speed():
    from shaodao.sanitation.coverage.cli import KINDS
    from shaodao.sanitation.words import ServiceKind

    assert set(KINDS) == set(ServiceKind.values) == set(files.WORKING_KMH)
