"""How sure a match of a position with a bay is: a probability, against plain cases and against errors thrown at random."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.parking import BayIndex
from tests.kernel.test_parking import LAT, LON, at, cities, degrees, rectangle, row_of_bays


@settings(max_examples=40, deadline=None)
@given(city=cities(), data=st.data())
def test_confidence_is_a_probability_and_changes_no_answer(city: tuple, data: st.DataObject) -> None:
    shapes, (x, y), _lon, _lat = city
    tolerance = data.draw(st.lists(st.sampled_from([0.0, 2.5, 10.0]), min_size=len(shapes), max_size=len(shapes)))
    accuracy = data.draw(st.sampled_from([None, 0.0, 5.0, 100.0]))
    sigma = data.draw(st.sampled_from([0.0, 0.5, 3.0, 12.0, 90.0]))
    index = BayIndex.build(shapes, tolerance)
    plain, answer = index.assign(x, y, accuracy), index.assign(x, y, accuracy, sigma)
    for name in ("bay", "distance", "parked", "counts", "certain"):
        assert np.array_equal(getattr(answer, name), getattr(plain, name), equal_nan=name == "distance")
    assert plain.confidence is None and answer.confidence is not None
    assert ((answer.confidence >= 0) & (answer.confidence <= 1)).all()
    # Each alone says the same as among others whose errors are larger.
    mixed = index.assign(np.tile(x, 2), np.tile(y, 2), accuracy, np.repeat([sigma, 100.0], x.size)).confidence
    assert mixed is not None and np.array_equal(mixed[: x.size], answer.confidence)


@settings(max_examples=40, deadline=None)
@given(
    sigma=st.floats(0.2, 15),
    tolerance=st.sampled_from([3.0, 10.0, 30.0]),
    steps=st.lists(st.floats(0, 1), min_size=2, max_size=12),
)
def test_confidence_falls_with_distance(sigma: float, tolerance: float, steps: list[float]) -> None:
    index = BayIndex.build(degrees([rectangle(6.1, 1.66)], LON, LAT), tolerance)
    away = np.sort(np.array(steps)) * (tolerance - 1e-6)
    inner = index.assign(*at(*[(3, 1.66 + d) for d in away]), None, sigma).confidence
    outer = index.assign(*at(*[(3, 1.66 + tolerance + 1e-6 + d) for d in away]), None, sigma).confidence
    assert inner is not None and outer is not None
    assert (np.diff(inner) <= 1e-9).all() and (np.diff(outer) >= -1e-9).all()
    apart = (np.diff(away) > 0.01 * sigma) & (inner[1:] < 0.99)
    assert (np.diff(inner)[apart] < 0).all()


def confidence(
    bays: list[shapely.Geometry], tolerance: float, sigma: float, *where: tuple[float, float]
) -> list[float]:
    found = BayIndex.build(bays, tolerance).assign(*at(*where), None, sigma).confidence
    assert found is not None
    return list(found)


def test_confidence_of_the_plain_cases() -> None:
    lone, pair = row_of_bays(1), degrees([shapely.box(0, 0, 6, 2), shapely.box(0, 12, 6, 14)], LON, LAT)
    assert min(confidence(lone, 10, 2, (3, 1), (3, 2))) > 0.995  # in a lone bay and before it
    assert confidence(lone, 10, 2, (3, 12 - 1e-7), (3, 12 + 1e-7)) == pytest.approx([0.5, 0.5], abs=1e-3)  # on the rim
    assert confidence(lone, 10, 2, (3, 14), (3, 10)) == pytest.approx([0.8413, 0.8413], abs=2e-3)  # a sigma from it
    assert confidence(pair, 30, 3, (3, 7 - 1e-7), (3, 7 + 1e-7)) == pytest.approx([0.5, 0.5], abs=1e-3)  # between two
    assert confidence(row_of_bays(2), 5, 2, (6, 7 - 1e-7)) == pytest.approx([0.25], abs=1e-3)  # and on the rim of both
    assert confidence(lone, 10, 0, (3, 1), (3, 11.9), (3, 12.1)) == [1, 1, 1]  # no error at all
    # A strip of 1.66 m without a tolerance: an error of 6 m hardly ever lies in it.
    strip = degrees([rectangle(300, 1.66)], LON, LAT)
    assert confidence(strip, 0, 6, (150, 0.83)) == pytest.approx([0.110], abs=2e-3)
    outside = BayIndex.build(lone, 10).assign([np.nan, 500.0], [LAT, LAT], None, 2.0).confidence
    assert outside is not None and np.isnan(outside).all()
    with pytest.raises(ValueError, match=r"sigma must be 0 metres or more, not -1\.0 in row 1"):
        BayIndex.build(lone, 10).assign([LON, LON], [LAT, LAT], None, [1, -1])


def test_confidence_agrees_with_thrown_errors() -> None:
    """Errors thrown at random from normal distributions: how often does the answer stay?"""
    random = np.random.default_rng(7)
    boxes = [
        shapely.box(40 * i + dx, 30 * j, 40 * i + dx + 6.1, 30 * j + 1.66)
        for i in range(5)
        for j in range(5)
        for dx in (0, 14)
    ]
    index = BayIndex.build(degrees(boxes, LON, LAT), 10)
    where = random.uniform([-15, -15], [190, 140], (400, 2))
    for sigma in (1.0, 3.3, 6.1):
        answer = index.assign(*at(*where), None, sigma)
        stays = np.zeros(len(where))
        for _throw in range(200):
            stays += index.assign(*at(*(where + random.normal(0, sigma, where.shape)))).bay == answer.bay
        assert answer.confidence is not None
        off = answer.confidence - stays / 200
        assert np.abs(off).mean() < 0.07 and abs(off.mean()) < 0.04
