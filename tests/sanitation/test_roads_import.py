"""Roads from files: junctions, directions, what is refused and what is remarked on; a real extract without loss."""

import json

import pytest
from click.testing import CliRunner

from shaodao.cli import main
from shaodao.sanitation.models import Road, Segment
from shaodao.sanitation.roads import imports
from tests.real import DATA
from tests.sanitation.book import SYSTEM

JINAN = DATA / "roads" / "jinan_central_8x9km.geojson"
A, B, C, D = [113.20, 40.0], [113.21, 40.0], [113.22, 40.0], [113.21, 40.01]


def line(*points, id=None, **values):
    shape = {"type": "LineString", "coordinates": list(points)}
    return {"type": "Feature", "properties": {**({"id": id} if id else {}), **values}, "geometry": shape}


def file(tmp_path, *features):
    path = tmp_path / "roads.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), "utf-8")
    return path


@pytest.mark.nodb
def test_roads_are_split_where_they_meet_and_have_two_directions(tmp_path):
    path = file(
        tmp_path, line(A, B, C, id="main", width_m=20, oneway=False), line(B, D, id="side", oneway=True, width_m=7)
    )
    found = imports.drafts(path)
    assert (found.read, found.imported, found.rejected) == (2, 2, [])
    assert [s.code for s in found.segments] == ["main.1-1", "main.1-2", "main.2-1", "main.2-2", "side"]
    one, back = found.segments[0].values, found.segments[1].values
    assert one["geometry"]["coordinates"] == back["geometry"]["coordinates"][::-1] == [A, B]
    assert one["carriageway_m2"] == pytest.approx(one["length_m"] * 10, rel=1e-5)  # half of both directions' width
    assert found.segments[4].values["carriageway_m2"] == pytest.approx(
        found.segments[4].values["length_m"] * 7, rel=1e-5
    )


@pytest.mark.nodb
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"type": "Feature", "properties": {"id": "x"}, "geometry": None}, "没有几何"),
        (line(A, A, id="x"), "长度为零"),
        (line(A, B, id="ok"), "重复"),
        (line(A, B, A, id="x"), "与自身重叠"),
        (line([40.0, 113.2], [40.0, 113.21], id="x"), "写反"),
        ({"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": A}}, "不是线"),
        ("nonsense", "不是要素"),
    ],
)
def test_what_cannot_be_a_road_is_named_and_the_rest_is_kept(tmp_path, wrong, said):
    found = imports.drafts(file(tmp_path, line(A, B, id="ok"), wrong))
    assert found.imported == 1 and found.rejected[0].row == 2 and said in found.rejected[0].what


@pytest.mark.nodb
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"features": 1}', b"\xff\xfe"])
def test_what_is_no_file_of_roads_is_said(tmp_path, content):
    path = tmp_path / "r.geojson"
    path.write_bytes(content)
    with pytest.raises(imports.Unreadable, match="GeoJSON"):
        imports.drafts(path)


def test_an_export_comes_back_unchanged(monday, town, tmp_path):
    path = file(tmp_path, line(A, B, C, id="main", width_m=20, oneway=False, name="大街"), line(B, D, id="side"))
    first = imports.carry_out(imports.plan(path), SYSTEM)
    assert first.counts["new"] == Segment.objects.count() == 6 and Road.objects.count() == 2
    out = tmp_path / "out.geojson"
    assert CliRunner().invoke(main, ["sanitation", "export-roads", "-o", str(out)]).exit_code == 0
    again = imports.plan(out)
    assert again.counts == {"new": 0, "changed": 0, "restored": 0, "unchanged": 6} and not again.rejected
    said = json.loads(out.read_text("utf-8"))["features"][0]["properties"]
    assert said["oneway"] is True and said["name"] == "大街" and said["road"] == "main"


@pytest.mark.nodb
@pytest.mark.data
@pytest.mark.skipif(not JINAN.is_file(), reason="no ../shared/data/roads")
def test_a_real_extract_comes_in_without_loss():
    found = imports.drafts(JINAN)
    assert (found.read, found.imported, len(found.rejected)) == (8178, 8178, 0)
    assert (
        found.directed and len(found.segments) >= 8178 and len({s.code for s in found.segments}) == len(found.segments)
    )
    drawn = sum(f["properties"]["len_m"] for f in json.loads(JINAN.read_bytes())["features"])
    assert found.length_m == pytest.approx(drawn, rel=0.005)
