"""Datums there and back, and distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.datum import DATUMS, from_wgs84, to_wgs84
from shaodao.kernel.geodesy import distance_m

PINGCHENG = (113.298, 40.076)
CHINA_LON = st.floats(73.4, 135.1)
CHINA_LAT = st.floats(3.8, 53.6)


@settings(max_examples=300, deadline=None)
@given(lon=CHINA_LON, lat=CHINA_LAT, datum=st.sampled_from(DATUMS))
def test_there_and_back_is_below_a_micrometre(lon: float, lat: float, datum: str) -> None:
    assert distance_m(lon, lat, *to_wgs84(*from_wgs84(lon, lat, datum), datum)) < 1e-6


@pytest.mark.parametrize("datum", DATUMS)
def test_there_and_back_on_a_grid_over_the_country(datum: str) -> None:
    lon, lat = np.meshgrid(np.arange(72.1, 137.8, 0.173), np.arange(0.9, 55.8, 0.171))
    there = from_wgs84(lon, lat, datum)
    assert there[0].shape == lon.shape
    assert distance_m(lon, lat, *to_wgs84(*there, datum)).max() < 1e-6


@pytest.mark.parametrize(("datum", "metres"), [("WGS-84", 0), ("CGCS2000", 0), ("GCJ-02", 612), ("BD-09", 1404)])
def test_shift_in_pingcheng(datum: str, metres: float) -> None:
    assert distance_m(*PINGCHENG, *from_wgs84(*PINGCHENG, datum)) == pytest.approx(metres, abs=2)


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        # Points which public implementations use as their test values.
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ],
)
def test_known_points(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert distance_m(*gcj, *from_wgs84(*wgs, "GCJ-02")) < 1e-6
    assert distance_m(*wgs, *to_wgs84(*gcj, "GCJ-02")) < 1e-6


def test_bd09_is_gcj02_moved_by_about_900_metres_north_east() -> None:
    gcj, bd = from_wgs84(*PINGCHENG, "GCJ-02"), from_wgs84(*PINGCHENG, "BD-09")
    assert bd[0] > gcj[0]
    assert bd[1] > gcj[1]
    assert 700 < distance_m(*gcj, *bd) < 1000


@pytest.mark.parametrize("datum", DATUMS)
@pytest.mark.parametrize("point", [(139.69, 35.68), (2.35, 48.86), (-0.1, 0.0), (-180.0, 90.0), (71.5, 40.0)])
def test_outside_the_rectangle_nothing_moves(datum: str, point: tuple[float, float]) -> None:
    assert from_wgs84(*point, datum) == point
    assert to_wgs84(*point, datum) == point


def test_a_point_does_not_depend_on_its_company() -> None:
    lon, lat = np.array([113.3, 75.0, 2.35]), np.array([40.1, 39.0, 48.86])
    together = to_wgs84(lon, lat, "BD-09")
    alone = [to_wgs84(x, y, "BD-09") for x, y in zip(lon, lat, strict=True)]
    assert together[0].tolist() == [float(x) for x, _ in alone]
    assert together[1].tolist() == [float(y) for _, y in alone]


def test_arguments_are_left_alone() -> None:
    lon, lat = np.array([113.3]), np.array([40.1])
    for turn in (from_wgs84, to_wgs84):
        for datum in DATUMS:
            x, _ = turn(lon, lat, datum)
            x[:] = 0
    assert (lon[0], lat[0]) == (113.3, 40.1)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'Beijing 54'.*GCJ-02"):
        to_wgs84(*PINGCHENG, "Beijing 54")
    with pytest.raises(ValueError, match=r"latitude.*113"):
        to_wgs84(PINGCHENG[1], PINGCHENG[0], "GCJ-02")
    with pytest.raises(ValueError, match=r"longitude.*nan"):
        from_wgs84([113.0, np.nan], [40.0, 40.0], "GCJ-02")
    with pytest.raises(ValueError, match=r"latitude.*inf"):
        distance_m(113.0, 40.0, 113.0, np.inf)


def test_distance_broadcasts() -> None:
    metres = distance_m(113.3, 40.0, np.array([[113.3], [113.4]]), np.array([40.0, 40.1]))
    assert metres.shape == (2, 2)
    assert metres[0, 0] == 0
    # One tenth of a degree: meridian arc and parallel arc at 40 N from published tables of WGS-84.
    assert metres[0, 1] == pytest.approx(11_103.5, abs=1.5)
    assert metres[1, 0] == pytest.approx(8_539.4, abs=1)
    assert distance_m(0, 0, 180, 0) == pytest.approx(20_003_931.46, abs=0.1)
    assert distance_m([], [], [], []).shape == (0,)
