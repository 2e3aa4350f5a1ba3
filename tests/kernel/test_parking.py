"""Bays against Shapely on random shapes, on hard cases made by hand, and on the real bays of Xiamen."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from pyproj import Transformer

from shaodao.kernel import compiled
from shaodao.kernel.geodesy import distance_m
from shaodao.kernel.parking import MOST_TOLERANCE, WORST_ACCURACY, Assignment, BayIndex, Parked, faults
from shaodao.kernel.parking.outlines import WIDEST
from shaodao.kernel.parking.plane import Plane
from tests import real

LON, LAT = 113.298, 40.076
SAME = 1e-6  # metres that two projections of the same city may differ


# --- the slow, obvious version -----------------------------------------------------------------------------------------


@cache
def around(lon: float, lat: float) -> Transformer:
    """Degrees to metres around a point, independent of the kernel's own plane."""
    return Transformer.from_crs("EPSG:4326", f"+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +ellps=WGS84", always_xy=True)


def flat(shapes: list[shapely.Geometry], lon: float, lat: float) -> np.ndarray:
    turn = around(lon, lat)
    return shapely.transform(np.array(shapes), lambda xy: np.stack(turn.transform(xy[:, 0], xy[:, 1]), axis=1))


def degrees(shapes: list[shapely.Geometry], lon: float, lat: float) -> list[shapely.Geometry]:
    turn = around(lon, lat)
    back = shapely.transform(
        np.array(shapes, dtype=object),
        lambda xy: np.stack(turn.transform(xy[:, 0], xy[:, 1], direction="INVERSE"), axis=1),
    )
    return list(back)


def distances(shapes: list[shapely.Geometry], x: np.ndarray, y: np.ndarray, lon: float, lat: float) -> np.ndarray:
    """(n, m) metres from each position to each bay."""
    points = shapely.points(*around(lon, lat).transform(x, y))
    return shapely.distance(points[:, None], flat(shapes, lon, lat)[None, :])


def agree(
    answer: Assignment,
    metres: np.ndarray,
    tolerance: np.ndarray,
    depth: np.ndarray | None = None,
    same: float = SAME,
) -> None:
    """The kernel's answer is Shapely's; only what lies within a micrometre of a decision may go either way."""
    rows = np.arange(len(metres))
    within = metres <= tolerance + same
    surely = metres <= tolerance - same
    has = answer.bay >= 0
    assert not surely[~has].any()
    assert within[rows, answer.bay][has].all()
    mine = metres[rows, answer.bay]
    assert np.abs(answer.distance - mine)[has].max(initial=0) < same
    assert np.isnan(answer.distance[~has]).all()
    nearest = np.where(surely, metres, np.inf).min(axis=1, initial=np.inf)
    assert (mine <= nearest + same)[has].all()
    # Exactly as near and earlier in order: that bay should have won. (Both on a boundary is within rounding.)
    earlier = surely & (metres == mine[:, None]) & (np.arange(metres.shape[1]) < answer.bay[:, None])
    if depth is not None:
        earlier &= (metres > same) | (depth > same)
    assert not earlier[has].any()
    inside = answer.distance == 0
    assert np.array_equal(answer.parked, np.select([~has, inside], [Parked.OUTSIDE, Parked.IN_BAY], Parked.NEAR_BAY))
    assert np.array_equal(answer.counts, np.bincount(answer.bay[has], minlength=metres.shape[1]))


# --- random bays -------------------------------------------------------------------------------------------------------


def rectangle(wide: float, tall: float) -> shapely.Polygon:
    return shapely.box(0, 0, wide, tall)


SHAPES: dict[str, Callable[[float], shapely.Geometry]] = {
    "bay": lambda size: rectangle(6.1 * size, 1.66),
    "square": lambda size: rectangle(4 * size, 4 * size),
    "tiny": lambda size: shapely.Polygon([(0, 0), (0.02 * size, 0), (0, 0.03 * size)]),
    "kite": lambda size: shapely.Polygon([(0, 0), (5 * size, -1), (6 * size, 0), (5 * size, 1)]),
    "dart": lambda size: shapely.Polygon([(0, 0), (6 * size, -3), (2 * size, 0), (6 * size, 3)]),
    "bent": lambda size: shapely.LineString([(0, 0), (7 * size, 0), (7 * size, 5)]).buffer(0.83, cap_style="flat"),
    "ring": lambda size: rectangle(9 * size, 8).difference(shapely.box(2, 2, 9 * size - 2, 6)),
    "two": lambda size: shapely.MultiPolygon([rectangle(3 * size, 2), shapely.box(3 * size + 4, 0, 3 * size + 8, 2)]),
    "round": lambda size: shapely.Point(0, 0).buffer(8 * size),
    "star": lambda size: shapely.Polygon(
        [
            (size * (20 if i % 2 else 9) * np.cos(i / 30 * np.pi), size * (20 if i % 2 else 9) * np.sin(i / 30 * np.pi))
            for i in range(60)
        ]
    ),
}
PLACES = [(113.298, 40.076), (118.12, 24.48), (0.0, 0.0), (-70.9, -53.2), (25.7, 66.5), (15.6, 78.2)]


@st.composite
def cities(draw: st.DrawFn) -> tuple[list[shapely.Geometry], np.ndarray, float, float]:
    """Bays in degrees around a place, with neighbours that share an edge and exact copies; positions in degrees."""
    lon, lat = draw(st.sampled_from(PLACES))
    spot = st.floats(-60, 60).map(lambda value: round(value, 2))
    shapes: list[shapely.Geometry] = []
    for _ in range(draw(st.integers(1, 12))):
        shape = SHAPES[draw(st.sampled_from(sorted(SHAPES)))](draw(st.sampled_from([0.7, 1.0, 1.3])))
        turned = shapely.affinity.rotate(shape, draw(st.sampled_from([0, 30, 90, 137])), origin=(0, 0))
        placed = shapely.affinity.translate(turned, draw(spot), draw(spot))
        shapes.append(placed)
        more = draw(st.sampled_from(["no", "no", "copy", "turned copy", "neighbour"]))
        if more == "copy":
            shapes.append(placed)
        elif more == "turned copy":
            shapes.append(placed.reverse())
        elif more == "neighbour":
            low_x, _, high_x, _ = placed.bounds
            shapes.append(shapely.affinity.translate(placed, high_x - low_x, 0))
    positions = draw(st.lists(st.tuples(spot, spot), min_size=0, max_size=25))
    corners = shapely.get_coordinates(shapes)
    picked = draw(st.lists(st.integers(0, len(corners) - 1), max_size=6))
    xy = np.array(
        [*positions, *corners[picked].tolist(), *(((corners[i] + corners[i - 1]) / 2).tolist() for i in picked)]
    )
    x, y = around(lon, lat).transform(*xy.reshape(-1, 2).T, direction="INVERSE")
    return degrees(shapes, lon, lat), np.stack([x, y]), lon, lat


@settings(max_examples=150, deadline=None)
@given(city=cities(), data=st.data())
def test_agrees_with_shapely_on_random_bays(city: tuple, data: st.DataObject) -> None:
    shapes, (x, y), lon, lat = city
    tolerance = np.array(
        data.draw(
            st.one_of(
                st.sampled_from([0.0, 3.0, 10.0, 37.5, 200.0]).map(lambda t: [t] * len(shapes)),
                st.lists(st.sampled_from([0.0, 2.5, 10.0, 40.0]), min_size=len(shapes), max_size=len(shapes)),
            )
        )
    )
    index = BayIndex.build(shapes, tolerance)
    answer = index.assign(x, y)
    metres = distances(shapes, x, y, lon, lat)
    outlines = [shape.boundary for shape in shapes]
    agree(answer, metres, tolerance, distances(outlines, x, y, lon, lat))
    # The careful loop, asked without an error, says the same to the last bit.
    careful = index.assign(x, y, 0.0)
    for name in ("bay", "distance", "parked", "counts", "certain"):
        assert np.array_equal(getattr(answer, name), getattr(careful, name), equal_nan=name == "distance")
    # So does each position alone.
    for i in range(min(3, x.size)):
        one = index.assign(x[i : i + 1], y[i : i + 1])
        assert one.bay[0] == answer.bay[i]
        assert np.array_equal(one.distance, answer.distance[i : i + 1], equal_nan=True)


@settings(max_examples=80, deadline=None)
@given(city=cities(), data=st.data())
def test_a_move_of_less_than_the_margin_changes_nothing(city: tuple, data: st.DataObject) -> None:
    shapes, (x, y), lon, lat = city
    tolerance = data.draw(st.lists(st.sampled_from([0.0, 2.5, 10.0]), min_size=len(shapes), max_size=len(shapes)))
    accuracy = data.draw(st.sampled_from([0.5, 5.0, 20.0, 100.0]))
    index = BayIndex.build(shapes, tolerance)
    answer = index.assign(x, y, accuracy)
    assert answer.margin is not None
    assert (answer.margin <= accuracy).all()
    assert np.array_equal(answer.parked == Parked.UNCERTAIN, answer.margin < accuracy)
    certain = (answer.parked != Parked.UNCERTAIN) & (answer.bay >= 0)
    assert np.array_equal(answer.certain, np.bincount(answer.bay[certain], minlength=len(shapes)))
    for angle in np.arange(0, 2 * np.pi, np.pi / 7):
        east, north = around(lon, lat).transform(x, y)
        step = np.maximum(answer.margin - 1e-5, 0)
        moved = around(lon, lat).transform(
            east + step * np.cos(angle), north + step * np.sin(angle), direction="INVERSE"
        )
        after = index.assign(*moved)
        stays = answer.margin > 1e-5
        assert np.array_equal(after.bay[stays], answer.bay[stays])


@settings(max_examples=60, deadline=None)
@given(angle=st.floats(0, 2 * np.pi), share=st.floats(0.999, 1.001), tolerance=st.sampled_from([0.5, 10.0, 200.0]))
def test_the_rim_of_the_tolerance(angle: float, share: float, tolerance: float) -> None:
    (bay,) = degrees([rectangle(6.1, 1.66)], LON, LAT)
    far = tolerance * share
    corner = np.array([6.1 if np.cos(angle) > 0 else 0, 1.66 if np.sin(angle) > 0 else 0])
    x, y = around(LON, LAT).transform(*(corner + far * np.array([np.cos(angle), np.sin(angle)])), direction="INVERSE")
    answer = BayIndex.build([bay], tolerance).assign([x], [y])
    if abs(far - tolerance) > SAME:
        assert (answer.bay[0] == 0) == (far < tolerance)
    if answer.bay[0] == 0:
        assert answer.distance[0] == pytest.approx(far, abs=SAME)


# --- cases made by hand ------------------------------------------------------------------------------------------------


def row_of_bays(many: int) -> list[shapely.Geometry]:
    """Bays of 6 m by 2 m end to end, each sharing an edge with the next."""
    return degrees([shapely.box(6 * i, 0, 6 * i + 6, 2) for i in range(many)], LON, LAT)


def at(*metres: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    return around(LON, LAT).transform(*np.array(metres, dtype=float).T, direction="INVERSE")


def test_of_equally_near_bays_the_first_wins_whatever_the_order() -> None:
    # Two bays that meet in one corner, seen from beyond the corner: as far from both, to the last bit.
    left, right = shapely.Polygon([(0, 0), (-5, -3), (-2, -6)]), shapely.Polygon([(0, 0), (2, -6), (5, -3)])
    pair = degrees([left, right], LON, LAT)
    x, y = at((0, 7), (1, 4.2), (-1.5, 8.5), (0, 0))
    for shapes in (pair, pair[::-1], [pair[1], pair[0], pair[1]]):
        answer = BayIndex.build(shapes, 10).assign(x, y)
        assert answer.bay.tolist() == [0, 0, 0, 0]
        assert answer.counts.tolist() == [4] + [0] * (len(shapes) - 1)


def test_overlapping_zones_the_first_wins_inside() -> None:
    zones = degrees([shapely.box(0, 0, 10, 10), shapely.box(5, 0, 15, 10), shapely.box(-100, -100, 100, 100)], LON, LAT)
    x, y = at((2, 5), (7, 5), (12, 5), (50, 50), (150, 0))
    answer = BayIndex.build(zones).assign(x, y)
    assert answer.bay.tolist() == [0, 0, 1, 2, -1]
    assert answer.parked.tolist() == [Parked.IN_BAY] * 4 + [Parked.OUTSIDE]
    assert answer.inside.tolist() == [True, True, True, True, False]
    assert BayIndex.build(zones[::-1]).assign(x, y).bay.tolist() == [0, 0, 0, 0, -1]


def test_tolerances_of_their_own() -> None:
    strict_and_lenient = degrees([shapely.box(0, 0, 6, 2), shapely.box(20, 0, 26, 2)], LON, LAT)
    answer = BayIndex.build(strict_and_lenient, [2, 15]).assign(*at((9, 1), (12, 1), (30, 1)))
    assert answer.bay.tolist() == [1, 1, 1]
    assert answer.distance == pytest.approx([11, 8, 4], abs=SAME)


def test_margin_and_uncertainty() -> None:
    bays = row_of_bays(2)
    positions = at((1, 1), (5.9, 1), (3, 4), (6.5, 6), (3, 11), (3, 14), (3, 40))
    answer = BayIndex.build(bays, 10).assign(*positions, 3.0)
    #             deep in one | by the other | before it | between both | near the rim | just out | far out
    assert answer.bay.tolist() == [0, 0, 0, 1, 0, -1, -1]
    assert answer.margin is not None
    assert answer.margin[[1, 4, 5, 6]] == pytest.approx([0.1, (np.hypot(3, 9) - 9) / 2, 2, 3], abs=SAME)
    assert answer.parked.tolist() == [
        *(Parked.UNCERTAIN, Parked.UNCERTAIN, Parked.UNCERTAIN, Parked.UNCERTAIN),
        *(Parked.UNCERTAIN, Parked.UNCERTAIN, Parked.OUTSIDE),
    ]
    precise = BayIndex.build(bays, 10).assign(*positions, [0.5, 0.05, 0.5, 0.01, 0.2, 1.9, 0.1])
    assert precise.parked.tolist() == [
        *(Parked.IN_BAY, Parked.IN_BAY, Parked.NEAR_BAY, Parked.NEAR_BAY),
        *(Parked.NEAR_BAY, Parked.OUTSIDE, Parked.OUTSIDE),
    ]
    assert precise.counts.tolist() == precise.certain.tolist() == [4, 1]
    assert answer.certain.tolist() == [0, 0]


def test_a_position_known_to_nothing_is_uncertain_everywhere() -> None:
    answer = BayIndex.build(row_of_bays(1), 10).assign(*at((3, 1), (3000, 1)), WORST_ACCURACY + 1)
    assert answer.parked.tolist() == [Parked.UNCERTAIN, Parked.UNCERTAIN]
    assert answer.margin is not None
    assert answer.margin.max() <= WORST_ACCURACY


def test_broken_positions_are_answered_not_raised() -> None:
    index = BayIndex.build(row_of_bays(1), 10)
    lon = np.array([np.nan, LON, np.inf, 181, LON, -LON, LON, -180, 1e300])
    lat = np.array([LAT, -np.inf, LAT, LAT, 90.01, LAT, LAT, 90, LAT])
    for answer in (index.assign(lon, lat), index.assign(lon, lat, 5.0)):
        invalid, outside = int(Parked.INVALID), int(Parked.OUTSIDE)
        assert answer.parked[[0, 1, 2, 3, 4, 5, 7, 8]].tolist() == [invalid] * 5 + [outside, outside, invalid]
        assert answer.bay.tolist() == [-1] * 6 + [0, -1, -1]
        assert answer.counts.tolist() == [1]
        assert np.isnan(answer.distance[answer.bay < 0]).all()


def test_nothing_to_do() -> None:
    nothing = BayIndex.build([], 10)
    assert len(nothing) == 0
    for accuracy in (None, 5.0):
        answer = nothing.assign([LON, np.nan], [LAT, LAT], accuracy)
        assert answer.bay.tolist() == [-1, -1]
        assert answer.parked.tolist() == [Parked.OUTSIDE, Parked.INVALID]
        assert answer.counts.size == 0
        empty = BayIndex.build(row_of_bays(3), 10).assign([], [], accuracy)
        assert empty.bay.size == 0
        assert empty.counts.tolist() == [0, 0, 0]


def test_more_bays_in_one_cell_than_are_measured_at_once() -> None:
    bays = row_of_bays(1) * 3000
    x, y = at(*((i / 10, 3.0) for i in range(60)))
    answer = BayIndex.build(bays, 10).assign(x, y)
    assert answer.counts[0] == 60
    assert BayIndex.build([*row_of_bays(3)[2:], *bays], 10).assign(x, y).counts[:2].tolist() == [0, 60]


def test_rings_are_as_good_as_shapes() -> None:
    outline = shapely.get_coordinates(shapely.box(LON, LAT, LON + 1e-3, LAT + 1e-3)).tolist()[:-1]
    hole = shapely.get_coordinates(shapely.box(LON + 4e-4, LAT + 4e-4, LON + 6e-4, LAT + 6e-4))
    index = BayIndex.build([[outline, hole], [np.array([*outline[::-1], outline[-1]])]], 0)
    assert index.assign([LON + 1e-4, LON + 5e-4], [LAT + 1e-4, LAT + 5e-4]).bay.tolist() == [0, 1]


# --- large and wide ----------------------------------------------------------------------------------------------------


def test_zones_of_many_edges_with_holes() -> None:
    random = np.random.default_rng(3)
    turn = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    wobble = 2500 + 300 * np.sin(7 * turn) + random.uniform(-15, 15, turn.size)
    lake = shapely.Point(400, -300).buffer(350, quad_segs=90)
    district = shapely.Polygon(np.stack([wobble * np.cos(turn), wobble * np.sin(turn)], axis=1)).difference(lake)
    park = shapely.Point(-900, 500).buffer(200, quad_segs=40)
    frame = shapely.box(-3000, -40, 3000, 40).difference(shapely.box(-2990, -30, 2990, 30)).segmentize(40)
    shapes = degrees([district, park, frame, rectangle(6, 2)], LON, LAT)
    assert shapely.is_valid(shapes).all()
    spread = random.uniform(-3200, 3200, (20_000, 2))
    edge = shapely.get_coordinates(district)[random.integers(0, 4000, 3000)] + random.normal(0, 15, (3000, 2))
    x, y = at(*np.concatenate([spread, edge, random.uniform(-60, 60, (500, 2))]))
    metres = distances(shapes, x, y, LON, LAT)
    # Three kilometres from its middle the test's plane stretches 200 m by 0.02 mm; the kernel takes that out.
    for tolerance in (np.zeros(4), np.full(4, 30.0), np.array([0.0, 60.0, 5.0, 200.0])):
        for order in (slice(None), slice(None, None, -1)):
            index = BayIndex.build(shapes[order], tolerance[order])
            agree(index.assign(x, y), metres[:, order], tolerance[order], same=5e-5)
            careful = index.assign(x, y, 20.0)
            assert np.array_equal(careful.bay, index.assign(x, y).bay)
    # How deep a position lies in a zone is what keeps it certain.
    inside = BayIndex.build([shapes[0]]).assign(x, y, 20.0)
    depth = np.minimum(distances([shapes[0].boundary], x, y, LON, LAT)[:, 0], 20)
    assert inside.margin == pytest.approx(depth, abs=5e-5)


@pytest.mark.parametrize("half", [0.2, 1.0, WIDEST - 0.1])
def test_metres_are_metres_on_the_ground_in_every_corner(half: float) -> None:
    """Also where the polynomial gives up and every position goes through PROJ."""
    assert (Plane(LON, LAT, half, half).coefficients is None) == (half > 2)
    bays, positions, expected = [], [], []
    for lon in (-half, -half / 2, 0, half):
        for lat in (-half, 0, half / 2, half):
            corner = (LON + lon * 0.999, LAT + lat * 0.999)
            bays.append(shapely.box(corner[0] - 5e-5, corner[1] - 5e-5, *corner))
            positions.append((corner[0] + 7e-4, corner[1] + 9e-4))
            expected.append(float(distance_m(*corner, *positions[-1])))
    answer = BayIndex.build(bays, 150).assign(*np.array(positions).T)
    assert answer.bay.tolist() == list(range(len(bays)))
    assert answer.distance == pytest.approx(expected, abs=1e-4)
    inside = BayIndex.build(bays, 150).assign(*np.array(positions).T - 7e-4 - 3e-5, 1.0)
    assert (inside.bay >= 0).all()


def test_the_polynomial_is_the_projection() -> None:
    for lon, lat in PLACES:
        plane = Plane(lon, lat, 0.2, 0.2)
        random = np.random.default_rng(1)
        x, y = lon + random.uniform(-0.2, 0.2, 1000), lat + random.uniform(-0.2, 0.2, 1000)
        assert plane.coefficients is not None
        assert np.hypot(*np.subtract(plane.metres(x, y), around(lon, lat).transform(x, y))).max() < 1e-7


def test_twenty_thousand_bays_against_shapely() -> None:
    random = np.random.default_rng(20)
    corner = random.uniform(-6000, 6000, (20_000, 2))
    angle = random.integers(0, 8, 20_000) * np.pi / 8
    sides = np.array([[0, 0], [6.1, 0], [6.1, 1.66], [0, 1.66]])
    turn = np.stack([np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2)
    bays = degrees(list(shapely.polygons(corner[:, None, :] + sides @ turn.swapaxes(-1, -2))), LON, LAT)
    spots = corner[random.integers(0, 20_000, 30_000)] + random.normal(0, 9, (30_000, 2))
    x, y = at(*spots)
    answer = BayIndex.build(bays, 10).assign(x, y)
    tree = shapely.STRtree(flat(bays, LON, LAT))
    points = shapely.points(*around(LON, LAT).transform(x, y))
    row, bay = tree.query(points, predicate="dwithin", distance=10.0)
    metres = shapely.distance(points[row], tree.geometries[bay])
    order = np.lexsort((bay, metres, row))
    first = np.unique(row[order], return_index=True)[1]
    expected = np.full(len(x), -1)
    expected[row[order][first]] = bay[order][first]
    assert np.array_equal(answer.bay, expected)


# --- bad input ---------------------------------------------------------------------------------------------------------


def test_unusable_bays_are_named_with_their_rows() -> None:
    good = shapely.box(LON, LAT, LON + 1e-4, LAT + 1e-4)
    bow_tie = shapely.Polygon([(LON, LAT), (LON + 1e-4, LAT + 1e-4), (LON + 1e-4, LAT), (LON, LAT + 1e-4)])
    bays = [good, bow_tie, None, shapely.LineString([(LON, LAT), (LON, LAT + 1)]), shapely.Polygon(), good]
    bays += [shapely.box(LAT, LON, LAT + 1e-4, LON + 1e-4), [[(LON, LAT), (LON + 1, LAT)]], shapely.Point(LON, LAT)]
    found = dict(faults(bays))
    assert sorted(found) == [1, 2, 3, 4, 6, 7, 8]
    assert found[1].startswith("Self-intersection")
    assert "buffer" in found[3]
    assert found[4] == "empty"
    assert "±90" in found[6]
    with pytest.raises(ValueError, match=r"bay 1: Self-intersection.*bay 2: .*bay 6: .*and 2 more"):
        BayIndex.build(bays, 10)
    assert faults([good, good]) == []


def test_a_bay_in_another_province_is_named() -> None:
    bays = [*row_of_bays(5), shapely.box(106.5, 29.5, 106.6, 29.6), *row_of_bays(2)]
    with pytest.raises(ValueError, match=r"6 degrees: bay 5 at longitude 106\.55"):
        BayIndex.build(bays, 10)


@pytest.mark.parametrize(
    ("tolerance", "message"),
    [
        (-1, r"tolerance must be 0 to 200 metres, not -1.0$"),
        ([1, float("nan"), 3], r"not nan in row 1"),
        ([1, 2, MOST_TOLERANCE + 1], r"not 201.0 in row 2"),
        ([1, 2], r"expected one value or 3"),
        ([[1, 2, 3]], r"shape \(1, 3\)"),
    ],
)
def test_wrong_tolerances(tolerance: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BayIndex.build(row_of_bays(3), tolerance)


def test_wrong_positions_and_accuracies() -> None:
    index = BayIndex.build(row_of_bays(1), 10)
    with pytest.raises(ValueError, match="2 longitudes but 1 latitudes"):
        index.assign([LON, LON], [LAT])
    with pytest.raises(ValueError, match=r"longitude: .* shape \(1, 2\)"):
        index.assign([[LON, LON]], [[LAT, LAT]])
    with pytest.raises(ValueError, match=r"accuracy must be 0 metres or more, not nan in row 1"):
        index.assign([LON, LON], [LAT, LAT], [1, np.nan])
    with pytest.raises(ValueError, match=r"not -3.0$"):
        index.assign([LON], [LAT], -3)


# --- callers ---------------------------------------------------------------------------------------------------------


def test_arguments_are_left_alone_and_may_be_read_only_or_strided() -> None:
    x, y = at(*((i, i) for i in range(40)))
    table = np.stack([x, y], axis=1)
    table.setflags(write=False)
    index = BayIndex.build(row_of_bays(3), 10)
    assert np.array_equal(index.assign(table[:, 0], table[:, 1]).bay, index.assign(x.tolist(), y.tolist()).bay)


def test_threads_may_share_an_index_and_processes_a_copy() -> None:
    x, y = at(*np.random.default_rng(9).uniform(-20, 200, (50_000, 2)))
    fresh = BayIndex.build(row_of_bays(30), 10)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda error: fresh.assign(x, y, error), [None, 5.0] * 6))
    answers.append(pickle.loads(pickle.dumps(fresh)).assign(x, y))
    assert all(np.array_equal(answer.bay, answers[0].bay) for answer in answers)


def test_without_any_folder_for_the_cache_it_still_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(**how: object) -> object:
        if how.get("cache"):
            raise RuntimeError("cannot cache function: no locator available for file")
        return njit(**how)

    monkeypatch.setattr(compiled, "njit", nowhere)
    assert compiled.compiled(lambda a: a + 1)(1) == 2


# --- real bays ---------------------------------------------------------------------------------------------------------


@pytest.mark.data
def test_xiamen_is_shapelys_answer() -> None:
    data = real.BIKES
    if not data.exists():
        pytest.skip(f"no {data}")
    with (data / "xiamen_bays.csv").open(encoding="utf-8") as file:
        bays = [shapely.Polygon(json.loads(f"[{row['corners_lon_lat']}]")) for row in csv.DictReader(file)]
    events = pytest.importorskip("pyarrow.parquet").read_table(data / "xiamen_lock_events.parquet")
    lon, lat = events["lon"].to_numpy(), events["lat"].to_numpy()
    answer = BayIndex.build(bays, 10).assign(lon, lat)
    middle = (float(np.mean(lon)), float(np.mean(lat)))
    points, plain = shapely.points(*around(*middle).transform(lon, lat)), flat(bays, *middle)
    row, bay = shapely.STRtree(plain).query(points, predicate="dwithin", distance=10.0)
    metres = shapely.distance(points[row], plain[bay])
    order = np.lexsort((bay, metres, row))
    rows, first = np.unique(row[order], return_index=True)
    assert np.array_equal(np.flatnonzero(answer.bay >= 0), rows)
    assert np.array_equal(answer.bay[rows], bay[order][first])
    assert np.abs(answer.distance[rows] - metres[order][first]).max() < 1e-3
