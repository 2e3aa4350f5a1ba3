"""Positions as people send them to `judge`: what cannot be read costs its own row and no other."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from shaodao.bikes import pointfiles
from shaodao.foundation.maps import Unreadable

pytestmark = pytest.mark.nodb
ROW = "113.3,40.07"
NAN = (None, None)


def rows(path) -> list[tuple]:
    found = [batch.select(["lon", "lat"]).to_pydict() for batch in pointfiles.batches(path, 1000)]
    return [pair for part in found for pair in zip(part["lon"], part["lat"], strict=True)]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("p.csv", f"lon,lat\n{ROW}\n".encode()),
        ("p.CSV", f"lon,lat\r\n{ROW}\r\n\r\n".encode()),
        ("p.csv", f"\ufefflng,latitude\n{ROW}\n".encode()),
        ("p.csv", f"编号,经度,纬度,名称\n1,{ROW},大同\n".encode("gbk")),
        ("p.csv", b"lon;lat\n113.3;40.07\n"),
        ("p.tsv", b"lon\tlat\n113.3\t40.07\n"),
        ("p.csv", f'\nname,lon,lat,lon\n"a\nb",{ROW},7\n'.encode()),
        ("p.csv.gz", gzip.compress(f"lon,lat\n{ROW}\n".encode(), mtime=0)),
        ("p.geojson", json.dumps({"type": "FeatureCollection", "features": [
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.3, 40.07, 5]}}]}).encode()),
    ],
)  # fmt: skip
def test_one_position_in_each_spelling(tmp_path, name, raw):
    (tmp_path / name).write_bytes(raw)
    assert rows(tmp_path / name) == [(113.3, 40.07)]


def test_a_cell_that_is_no_number_costs_its_row_alone(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(f'lon,lat\nabc,40\n,\n{ROW}\n 113.3 , "40.07"\n"113.3","40.07"\n-,-\n1e2,4_0\n', "utf-8")
    found = rows(path)
    assert [found[i] for i in (1, 2, 4, 5)] == [NAN, (113.3, 40.07), (113.3, 40.07), NAN]
    assert (found[0][0], found[6]) == (None, (100.0, None)) and len(found) == 7


def test_numbers_of_parquet_in_each_of_their_types(tmp_path):
    from decimal import Decimal

    path = tmp_path / "p.parquet"
    for lon in (pa.array(["113.5", "x"]), pa.array([113.5, None], pa.float32()), pa.array([Decimal("113.5"), None])):
        parquet.write_table(pa.table({"lon": lon, "lat": [40.07, 40.07]}), path)
        assert rows(path) == [(113.5, 40.07), (None, 40.07)]


def test_features_that_are_no_points_keep_their_row(tmp_path):
    path = tmp_path / "p.json"
    points = [{"type": "Point", "coordinates": [113.3, 40.07]}, None, {"type": "LineString", "coordinates": []}]
    features = [{"type": "Feature", "geometry": point, "properties": {"accuracy": 4}} for point in points]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [*features, 7]}), "utf-8")
    assert rows(path) == [(113.3, 40.07), NAN, NAN, NAN]
    [batch] = pointfiles.batches(path, 10)
    assert np.array_equal(batch["accuracy"].to_pylist(), [4.0, 4.0, 4.0, None])


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("p.csv", b"", "空"),
        ("p.csv", b"\n\n", "空"),
        ("p.csv", b"a,b\n1,2\n", "lon"),
        ("p.csv", b"lon,lat\nx,y\n", "不是数字"),
        ("p.csv", b"lon,lat,z\n1,2,3\n1\n", "读不出来"),
        ("p.csv", "lon,lat\n1,2\n".encode("utf-16"), "UTF-8"),
        ("p.csv.gz", b"xx", "读不出来"),
        ("p.csv.gz", gzip.compress(b"lon,lat\n" + b"1,2\n" * 9000, mtime=0)[:-20], "读不出来"),
        ("p.geojson", b"[1]", "GeoJSON"),
        ("p.gpkg", b"x", ".parquet"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, raw, said):
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(Unreadable, match=said):
        rows(tmp_path / name)
