"""Groups of bays: the same as joining every pair by hand."""

import numpy as np
import pytest
import shapely
from pyproj import Geod

from shaodao.kernel.parking.groups import grouped

E, N = 1 / 85_270, 1 / 111_030  # degrees of a metre at 40° N


def box(east, north, wide=10.0, high=2.0):
    return shapely.box(113.2 + east * E, 40 + north * N, 113.2 + (east + wide) * E, 40 + (north + high) * N)


def test_a_chain_is_one_group_and_its_first_bay_names_it():
    bays = [box(0, 0), box(500, 0), box(30, 0), box(520, 0), box(15, 0)]  # 5 m apart: 0, 4, 2 and 10 m: 1, 3
    assert grouped(bays, 6).tolist() == [0, 1, 0, 3, 0]
    assert grouped(bays, 11).tolist() == [0, 1, 0, 1, 0]
    assert grouped(bays, 4).tolist() == [0, 1, 2, 3, 4]


def test_metres_are_those_of_the_ellipsoid():
    geod = Geod(ellps="WGS84")
    for lon, lat in ((113.3, 40.1), (118.1, 24.5)):
        east = geod.fwd(lon, lat, 90, 25)[0]
        pair = [shapely.box(lon - 1e-4, lat, lon, lat + 1e-5), shapely.box(east, lat, east + 1e-4, lat + 1e-5)]
        assert grouped(pair, 25.001).tolist() == [0, 0] and grouped(pair, 24.999).tolist() == [0, 1]


def test_equal_to_joining_every_pair():
    rng = np.random.default_rng(3)
    for metres in (0.0, 5.0, 20.0):
        at = rng.random((60, 2)) * 250
        bays = [box(x, y) for x, y in at]
        flat = [shapely.box(x, y, x + 10, y + 2) for x, y in at]
        first = list(range(60))
        for _round in range(60):
            for i in range(60):
                for j in range(60):
                    if flat[i].distance(flat[j]) <= metres:
                        first[i] = first[j] = min(first[i], first[j])
        assert grouped(bays, metres).tolist() == first


def test_none_one_and_nonsense():
    assert grouped([], 25).tolist() == [] and grouped([box(0, 0)], 25).tolist() == [0]
    assert grouped([box(0, 0), box(0, 0)], 0).tolist() == [0, 0]
    with pytest.raises(ValueError, match="bay 1"):
        grouped([box(0, 0), None], 25)
    with pytest.raises(ValueError, match="metres"):
        grouped([box(0, 0), box(0, 0)], float("nan"))
