"""The generated unit grid: 15 digits, about 10,000 m2, whole communities, serials in reading order, repeatable."""

from collections import defaultdict

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from shaodao.foundation.pack import Pack, parts
from shaodao.places import grid
from shaodao.places.pack import PLACES, built

GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def made():
    from tests.packs.conftest import DISTRICTS

    parts()
    pack = Pack(DISTRICTS / "pingcheng")
    return pack, built(pack)


def test_codes_have_15_digits_and_are_unique(made):
    pack, cells = made
    known = {row["code"] for row in pack.table(PLACES) if row["level"] in {"community", "village"}}
    assert all(len(c) == 15 and c.isdigit() for c in cells.code)
    assert len(set(cells.code)) == len(cells.code)
    assert all(c.startswith(o) for c, o in zip(cells.code, cells.community, strict=True))
    assert set(cells.community) == known  # every community and village has cells


def test_area_is_about_10_000_square_metres(made):
    _pack, cells = made
    for i in range(0, len(cells.code), 997):
        box = shapely.box(*(v[i] / 1e6 for v in (cells.west, cells.south, cells.east, cells.north)))
        area = abs(GEOD.geometry_area_perimeter(box)[0])
        assert area == pytest.approx(10_000, rel=0.01)


def test_no_community_has_more_than_999(made):
    _pack, cells = made
    count = defaultdict(int)
    for community in cells.community:
        count[community] += 1
    assert max(count.values()) <= grid.MOST_CELLS
    assert min(count.values()) >= 10


def test_serials_run_north_to_south_and_west_to_east(made):
    _pack, cells = made
    by_community = defaultdict(list)
    for i, community in enumerate(cells.community):
        by_community[community].append((int(cells.code[i][12:]), -int(cells.north[i]), int(cells.west[i])))
    for entries in by_community.values():
        entries.sort()
        assert [serial for serial, *_ in entries] == list(range(1, len(entries) + 1))
        assert [(n, w) for _, n, w in entries] == sorted((n, w) for _, n, w in entries)


def test_cells_do_not_overlap_and_lie_in_the_outline(made):
    pack, cells = made
    assert len(set(zip(cells.west.tolist(), cells.south.tolist(), strict=True))) == len(cells.code)
    assert len(set((cells.east - cells.west).tolist())) == 1
    outline = pack.features("outline.geojson")[0].shape
    inside = shapely.contains_xy(outline, (cells.west + cells.east) / 2e6, (cells.south + cells.north) / 2e6)
    assert inside.all()


def test_streets_and_communities_are_in_one_piece(made):
    _pack, cells = made
    for digits, wanted in ((9, 18), (12, 202)):
        shapes = cells.shapes(digits)
        assert len(shapes) == wanted
        assert all(s.is_valid for s in shapes.values())
        # Cells that touch at a corner only would split a polygon: mend() joins by edges.
        assert [k for k, s in shapes.items() if s.geom_type != "Polygon"] == []


def test_old_town_has_about_seven_square_kilometres_near_the_centre(made):
    _pack, cells = made
    old_town = cells.shapes(9)["140213051"]
    area = abs(GEOD.geometry_area_perimeter(old_town)[0]) / 1e6
    assert area == pytest.approx(7, abs=0.5)
    assert old_town.centroid.distance(shapely.Point(113.291, 40.0745)) < 0.04


def test_the_same_pack_gives_the_same_grid(made):
    pack, cells = made
    again = built(Pack(pack.root))
    assert again.code == cells.code
    assert np.array_equal(again.west, cells.west)
    assert np.array_equal(again.north, cells.north)


@settings(max_examples=60, deadline=None)
@given(
    corners=st.lists(st.tuples(st.floats(0, 0.02), st.floats(0, 0.02)), min_size=3, max_size=9),
    weights=st.lists(st.floats(0.5, 5), min_size=1, max_size=8),
)
def test_any_outline_is_shared_completely_and_fairly(corners, weights):
    """Every cell has one owner; nobody goes without while there are cells enough; shares follow the weights."""
    shape = shapely.MultiPoint([(113 + x, 40 + y) for x, y in corners]).convex_hull
    if shape.geom_type != "Polygon" or shape.area < 2e-5:
        return
    cells = grid.lattice(shape, 100)
    units = [grid.Unit(f"{i:012d}", w) for i, w in enumerate(weights)]
    owner = grid.bisect(cells, np.arange(len(cells.col)), units)
    assert (owner >= 0).all()
    if len(cells.col) < 4 * len(units):
        return
    count = np.bincount(owner, minlength=len(units))
    assert (count > 0).all()
    share = len(cells.col) * np.array(weights) / sum(weights)
    assert np.abs(count - share).max() <= len(units) + 1


def test_splinters_are_given_to_a_neighbour():
    """A U of owner 0 with a stray cell of owner 1 inside owner 0's ground."""
    shape = shapely.box(113.0, 40.0, 113.01, 40.01)
    cells = grid.lattice(shape, 100)
    owner = (cells.col >= 5).astype(np.int64)
    stray = np.flatnonzero((cells.col == 1) & (cells.row == 3))
    owner[stray] = 1
    assert grid.pieces(cells, owner) == 3
    mended = grid.mend(cells, owner)
    assert grid.pieces(cells, mended) == 2
    assert mended[stray] == 0
    kept = grid.mend(cells, owner, fixed=np.isin(np.arange(len(owner)), stray))
    assert kept[stray] == 1  # a surveyed boundary is not touched
