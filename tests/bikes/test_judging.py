"""`shaodao bikes judge`: every kind of file, every row accounted for, the same answer as Shapely, nothing half-written."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from pyproj import Transformer

from shaodao.bikes import judging
from shaodao.bikes.bays import files as bayfiles
from shaodao.cli import main
from shaodao.foundation import maps
from shaodao.kernel import datum

pytestmark = pytest.mark.nodb
LON, LAT = 113.3, 40.07
METRE = 1 / 111_000


def square(east: float, north: float, side: float = 6.0) -> shapely.Polygon:
    """A bay of `side` metres whose south-west corner lies so many metres from the middle of the town."""
    lon, lat = LON + east * METRE / np.cos(np.radians(LAT)), LAT + north * METRE
    return shapely.box(lon, lat, lon + side * METRE / np.cos(np.radians(LAT)), lat + side * METRE)


BAYS = {"A": square(0, 0), "B": square(30, 0), "C": square(60, 10)}


def corners(shape: shapely.Polygon) -> str:
    return ",".join(f"[{x},{y}]" for x, y in shape.exterior.coords)


def as_csv(path, rows=BAYS):
    lines = ["bay_id,corners_lon_lat"] + [f'{key},"{corners(shape)}"' for key, shape in rows.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def as_geojson(path, rows=BAYS, key="bay_id"):
    features = [
        {"type": "Feature", "properties": {key: k}, "geometry": json.loads(shapely.to_geojson(s))}
        for k, s in rows.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def as_map(path, crs="EPSG:4326", rows=BAYS):
    shapes = np.array(list(rows.values()))
    if crs != "EPSG:4326":
        across = Transformer.from_crs(4326, crs, always_xy=True)
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(across.transform(xy[:, 0], xy[:, 1])))
    names = np.array(list(rows), dtype=object)
    pyogrio.raw.write(path, shapely.to_wkb(shapes), [names], ["bay_id"], geometry_type="Polygon", crs=crs)
    return path


@pytest.mark.parametrize("kind", ["csv", "wkt", "geojson", "gpkg", "gpkg-metres", "zip"])
def test_each_kind_of_file_gives_the_same_bays(tmp_path, kind):
    if kind == "csv":
        path = as_csv(tmp_path / "b.csv")
    elif kind == "wkt":
        path = tmp_path / "b.csv"
        path.write_text("id;x".replace(";x", ",wkt") + "".join(f'\n{k},"{s.wkt}"' for k, s in BAYS.items()), "utf-8")
    elif kind == "geojson":
        path = as_geojson(tmp_path / "b.geojson")
    elif kind == "zip":
        as_map(tmp_path / "b.shz")
        path = (tmp_path / "b.shz").rename(tmp_path / "b.zip")
    else:
        path = as_map(tmp_path / "b.gpkg", "EPSG:4549" if kind == "gpkg-metres" else "EPSG:4326")
    found = bayfiles.read(path)
    assert (found.ids, found.read, found.faults, found.rows.tolist()) == (["A", "B", "C"], 3, [], [0, 1, 2])
    for shape, wanted in zip(found.shapes, BAYS.values(), strict=True):
        assert shapely.hausdorff_distance(shape, wanted) < 1e-8  # a millimetre


def test_the_datum_is_converted(tmp_path):
    lon, lat = LON, LAT
    there = dict.fromkeys("A")
    there["A"] = shapely.transform(
        BAYS["A"], lambda xy: np.column_stack(datum.from_wgs84(xy[:, 0], xy[:, 1], "GCJ-02"))
    )
    found = bayfiles.read(as_csv(tmp_path / "b.csv", there), "GCJ-02")
    assert shapely.hausdorff_distance(found.shapes[0], BAYS["A"]) < 1e-9
    assert there["A"].distance(shapely.Point(lon, lat)) > 400 * METRE


def test_rows_that_are_no_bays_are_named_and_hold_up_nobody(tmp_path):
    bow_tie = "[113.3,40.07],[113.3001,40.0701],[113.3001,40.07],[113.3,40.0701]"
    rows = {"good": corners(BAYS["A"]), "tie": bow_tie, "two": "[113.3,40.07],[113.31,40.07]", "words": "门口", "": "",
            "far": "[513.3,40.07],[513.4,40.07],[513.4,40.08]", "odd": "[113.3,40.07],[113.4,40.07],[113.4]"}  # fmt: skip
    path = tmp_path / "b.csv"
    path.write_text("bay_id,corners_lon_lat\n" + "\n".join(f'{k},"{v}"' for k, v in rows.items()), "utf-8")
    found = bayfiles.read(path)
    assert found.ids == ["good"] and found.read == 7
    assert [(f.row, f.id) for f in found.faults] == [
        (2, "tie"),
        (3, "two"),
        (4, "words"),
        (5, ""),
        (6, "far"),
        (7, "odd"),
    ]
    assert all(f.what for f in found.faults)


def test_a_hole_is_no_part_of_the_bay(tmp_path):
    ring = shapely.Polygon(square(0, 0, 30).exterior, [square(10, 10, 10).exterior.coords])
    path = as_geojson(tmp_path / "b.json", {"A": ring})
    positions = table(
        tmp_path, [shapely.Point(p.x, p.y) for p in (square(15, 15, 0.1).centroid, square(2, 2, 0.1).centroid)]
    )
    found = judging.judge(bayfiles.read(path), positions, tmp_path / "o.parquet", tolerance=2)
    assert (found.counts["in_bay"], found.counts["outside"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("b.csv", "a,b\n1,2\n", "corners_lon_lat"),
        ("b.csv", "", "空"),
        ("b.geojson", "{", "GeoJSON"),
        ("b.gpkg", "not a database", "打不开"),
        ("b.zip", "not a zip", "打不开"),
        ("b.txt", "x", ".gpkg"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(maps.Unreadable, match=said):
        bayfiles.read(path)


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────────


def table(tmp_path, points, **more):
    path = tmp_path / "p.parquet"
    columns = {"lon": [p.x for p in points], "lat": [p.y for p in points], **more}
    parquet.write_table(pa.table(columns), path)
    return path


def scattered(n: int, seed: int = 1) -> list[shapely.Point]:
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(-15, 85, n), rng.uniform(-15, 35, n)
    return [square(e, s, 0.001).centroid for e, s in zip(east, north, strict=True)]


def test_the_answer_is_shapelys(tmp_path, monkeypatch):
    """Nearest within 10 m in a plane of metres, row by row, over several batches."""
    monkeypatch.setattr(judging, "ROWS", 300)
    points = scattered(2_000)
    out = tmp_path / "o.parquet"
    found = judging.judge(bayfiles.read(as_csv(tmp_path / "b.csv")), table(tmp_path, points), out)
    plane = Transformer.from_crs(4326, f"+proj=tmerc +lat_0={LAT} +lon_0={LON} +k=1 +ellps=WGS84", always_xy=True)

    def flat(shapes):
        return shapely.transform(np.array(shapes), lambda xy: np.column_stack(plane.transform(xy[:, 0], xy[:, 1])))

    away = np.array([shapely.distance(flat(points), bay) for bay in flat(list(BAYS.values()))])
    near, metres = away.argmin(axis=0), away.min(axis=0)
    rows = parquet.read_table(out).to_pylist()
    assert [r["row"] for r in rows] == list(range(2_000)) and found.rows == 2_000
    for row, bay, distance in zip(rows, near, metres, strict=True):
        if distance > 10:
            assert (row["bay"], row["bay_row"], row["distance_m"], row["class"]) == (None, None, None, "outside")
        else:
            assert (row["bay"], row["bay_row"]) == ("ABC"[bay], bay)
            assert row["distance_m"] == pytest.approx(distance, abs=1e-3)
            assert row["class"] == ("in_bay" if distance == 0 else "near_bay")
    sure = np.array([row["confidence"] for row in rows])
    assert ((sure >= 0) & (sure <= 1)).all() and sure[metres == 0].min() > 0.4
    assert sure[metres < 3].mean() > sure[(metres > 5) & (metres < 10)].mean()
    assert found.counts["in_bay"] == int((metres == 0).sum()) and sum(found.counts.values()) == 2_000


def test_what_has_no_position_is_invalid_and_the_others_are_judged(tmp_path):
    path = tmp_path / "p.csv"
    inside = BAYS["A"].centroid
    path.write_text(f"id,lat,lng\n1,{inside.y},{inside.x}\n2,,\n3,95,113.3\n4,nan,113\n", "utf-8")
    found = judging.judge(bayfiles.read(as_csv(tmp_path / "b.csv")), path, tmp_path / "o.parquet")
    assert (found.rows, found.counts["in_bay"], found.counts["invalid"]) == (4, 1, 3)
    confidence = parquet.read_table(tmp_path / "o.parquet")["confidence"].to_pylist()
    assert confidence[1:] == [None] * 3 and 0 < confidence[0] < 1


def test_an_error_of_the_position_makes_a_class_of_its_own(tmp_path):
    points = [square(15.2, 3, 0.001).centroid, square(3, 3, 0.001).centroid]  # 0.8 m short of the rim, and inside
    bays = bayfiles.read(as_csv(tmp_path / "b.csv"))
    plain = judging.judge(bays, table(tmp_path, points), tmp_path / "o.parquet", accuracy=2)
    assert plain.counts["uncertain"] == 1 and plain.counts["in_bay"] == 1
    column = judging.judge(bays, table(tmp_path, points, accuracy=[0.1, None]), tmp_path / "o.parquet", accuracy=2)
    assert column.counts["uncertain"] == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: parquet.write_table(pa.table({"a": [1]}), p), "lon"),
        (lambda p: parquet.write_table(pa.table({"lon": ["x"], "lat": ["y"]}), p), "不是数字"),
        (lambda p: p.write_bytes(b"PAR1 broken PAR1"), "读不出来"),
        (lambda p: p.write_bytes(b""), "读不出来"),
    ],
)
def test_positions_that_cannot_be_read_leave_no_file_behind(tmp_path, make, said):
    path, out = tmp_path / "p.parquet", tmp_path / "o.parquet"
    make(path)
    with pytest.raises(maps.Unreadable, match=said):
        judging.judge(bayfiles.read(as_csv(tmp_path / "b.csv")), path, out)
    assert not out.exists() and not list(tmp_path.glob("*.part"))


def test_no_positions_and_no_bays(tmp_path):
    empty = bayfiles.read(as_csv(tmp_path / "b.csv", {}))
    assert judging.judge(empty, table(tmp_path, scattered(5)), tmp_path / "o.parquet").counts["outside"] == 5
    some = bayfiles.read(as_csv(tmp_path / "b.csv"))
    assert judging.judge(some, table(tmp_path, []), tmp_path / "o.parquet").rows == 0


def test_the_command_and_its_exit_codes(tmp_path):
    bays, positions, out = as_csv(tmp_path / "b.csv"), table(tmp_path, scattered(50)), tmp_path / "o.parquet"
    words = ["bikes", "judge", "--bays", str(bays), "--positions", str(positions), "--out", str(out)]
    done = CliRunner().invoke(main, [*words, "--tolerance", "10", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output.splitlines()[-1])["rows"] == 50 == parquet.read_table(out).num_rows
    bays.write_text(bays.read_text("utf-8") + "\nbad,xx", "utf-8")
    done = CliRunner().invoke(main, [*words, "--json"])
    assert (
        done.exit_code == 1
        and json.loads(done.stdout.splitlines()[-1])["rejected_bays"] == 1
        and "row 4 bad" in done.stderr
    )
    assert CliRunner().invoke(main, [*words, "--tolerance", "900"]).exit_code == 2
    bays.write_text("x", "utf-8")
    assert CliRunner().invoke(main, words).exit_code == 2
