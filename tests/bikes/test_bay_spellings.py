"""The many ways in which people send bays: each reads as the same outlines, and none loses a row silently."""

import json
import time
import zipfile

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import Transformer

from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.bays import siting
from shaodao.bikes.bays.rows import Draft
from shaodao.bikes.settings import SitingSettings
from shaodao.foundation import maps
from tests.bikes.outlines import square

pytestmark = pytest.mark.nodb
BAY = square()
CORNERS = list(BAY.exterior.coords)
GEOMETRY = json.loads(shapely.to_geojson(BAY))


def same(found: bayfiles.BayFile, n: int = 1) -> None:
    assert (found.read, len(found.ids), found.faults) == (n, n, [])
    assert shapely.hausdorff_distance(found.shapes[0], BAY) < 1e-9


def projected(crs: str):
    across = Transformer.from_crs(4326, crs, always_xy=True)
    return shapely.transform(BAY, lambda xy: np.column_stack(across.transform(xy[:, 0], xy[:, 1])))


@pytest.mark.parametrize(
    "data",
    [
        {"type": "Feature", "properties": None, "geometry": GEOMETRY},
        GEOMETRY,
        {"type": "GeometryCollection", "geometries": [GEOMETRY]},
        {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}},
            "features": [{"type": "Feature", "geometry": json.loads(shapely.to_geojson(projected("EPSG:4547")))}],
        },
        {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "ours"}},
            "features": [{"type": "Feature", "geometry": GEOMETRY}],
        },
    ],
)
def test_geojson_in_each_of_its_forms(tmp_path, data):
    path = tmp_path / "b.geojson"
    path.write_text(json.dumps(data), "utf-8")
    same(bayfiles.read(path))


def test_no_geometry_is_said_as_such(tmp_path):
    path = tmp_path / "b.geojson"
    path.write_text(json.dumps({"type": "Feature", "properties": {"id": "A"}, "geometry": None}), "utf-8")
    [fault] = bayfiles.read(path).faults
    assert (fault.id, fault.what) == ("A", "没有几何")


@pytest.mark.parametrize(
    "text",
    [
        f"id,polygon\nA,{json.dumps(BAY.wkt)}",
        "id,geometry\nA,\"" + ",".join(f"[{x},{y}]" for x, y in CORNERS) + '"',
        "id,geom\nA,\"" + json.dumps(GEOMETRY).replace('"', '""') + '"',
        f'id,wkt\nA,"SRID=4326;{BAY.wkt}"',
        f"id,geom\nA,{shapely.to_wkb(BAY, hex=True)}",
        f"id;wkt\nA;{BAY.wkt}",
        f"id\twkt\nA\t{BAY.wkt}",
        "编号,边界\nA,\"" + "；".join(f"{x}，{y}" for x, y in CORNERS) + '"',
        "id,corners\nA,\"" + "|".join(f"{x},{y}" for x, y in CORNERS) + '"',
    ],
)  # fmt: skip
def test_a_cell_is_read_by_what_it_holds(tmp_path, text):
    path = tmp_path / "b.csv"
    path.write_text(text, "utf-8")
    same(bayfiles.read(path))


def as_map(path, names=("点位甲",), **more):
    shapes = np.array([BAY] * len(names))
    told = np.array(names, dtype=object)
    pyogrio.raw.write(path, shapely.to_wkb(shapes), [told], ["code"], geometry_type="Polygon", crs="EPSG:4326", **more)


@pytest.mark.parametrize(("encoding", "told"), [("UTF-8", True), ("UTF-8", False), ("GBK", True), ("GBK", False)])
def test_a_shapefile_in_a_folder_of_an_archive_in_its_encoding(tmp_path, encoding, told):
    as_map(tmp_path / "b.shp", encoding=encoding)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        for file in tmp_path.glob("b.*"):
            if file.suffix not in (".zip", *(() if told else (".cpg",))):
                packed.write(file, f"北城/{file.name}")
        packed.writestr("__MACOSX/._b.shp", "x")
    found = bayfiles.read(tmp_path / "b.zip")
    same(found)
    assert found.ids == ["点位甲"]


def test_all_layers_with_areas_are_read(tmp_path):
    path = tmp_path / "b.gpkg"
    as_map(path, layer="北", driver="GPKG")
    as_map(path, ("乙", "丙"), layer="南", driver="GPKG", append=True)
    point = shapely.to_wkb(np.array([shapely.Point(113.3, 40.07)]))
    pyogrio.raw.write(path, point, [np.array(["口"], dtype=object)], ["code"], geometry_type="Point", crs="EPSG:4326",
                      layer="地铁口", driver="GPKG", append=True)  # fmt: skip
    found = bayfiles.read(path)
    same(found, 3)
    assert found.ids == ["点位甲", "乙", "丙"]


def test_without_the_index_of_a_shapefile_it_is_unreadable(tmp_path):
    as_map(tmp_path / "b.shp")
    (tmp_path / "b.shx").unlink()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.write(tmp_path / "b.shp", "b.shp")
        packed.write(tmp_path / "b.dbf", "b.dbf")
    with pytest.raises(maps.Unreadable, match="shx"):
        bayfiles.read(tmp_path / "b.zip")


def test_a_bay_far_from_all_others_is_named_and_holds_up_nobody(tmp_path):
    rows = {"A": BAY, "stray": shapely.box(0, 0, 1e-4, 1e-4), "B": square(30)}
    path = tmp_path / "b.csv"
    path.write_text("id,wkt\n" + "\n".join(f'{k},"{v.wkt}"' for k, v in rows.items()), "utf-8")
    found = bayfiles.together(bayfiles.read(path))
    assert (found.ids, found.rows.tolist(), found.read) == (["A", "B"], [0, 2], 3)
    assert [(f.row, f.id) for f in found.faults] == [(2, "stray")]


def test_outlines_of_very_many_corners_are_held_against_each_other_in_no_time():
    round_bays = [shapely.Point(113.3 + n * 0.01, 40.07).buffer(4e-4, quad_segs=4000) for n in range(3)]
    drafts = [Draft(f"{n}", shape, row=n + 1) for n, shape in enumerate(round_bays)]
    rules, nothing = SitingSettings(), np.zeros(len(drafts), dtype=bool)
    begun = time.process_time()
    found = siting.remarks(drafts, np.full(3, 50.0), nothing, ([], np.empty(0, object)), siting.Points(), rules)
    assert time.process_time() - begun < 1  # 2.5 s corner by corner
    assert [(remark.row, remark.kind) for remark in found] == [(n, "alone") for n in (1, 2, 3)]
    assert "785 米" in found[0].what  # 853 from middle to middle, less twice 34
