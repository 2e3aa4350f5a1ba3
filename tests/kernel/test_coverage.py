"""Coverage on simulated days with known truth: what must always hold, and how near to the truth it comes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.coverage import CANNOT_TELL, DONE, SHORT, Coverage, Fixes, Network, Service, cover
from shaodao.kernel.coverage.passes import P_POSSIBLE, P_SERVICED, P_SURE, P_UNIT, P_VERDICT
from shaodao.sanitation.coverage import simulated
from shaodao.sanitation.coverage.accuracy import judge
from shaodao.sanitation.coverage.simulated import HARD, PLAIN, Day

pytestmark = pytest.mark.nodb
COLUMNS = ("vehicle", "t", "lon", "lat", "speed", "heading", "working")


@cache
def small(seed: int) -> Day:
    return simulated.day(seed, replace(HARD, vehicles=2, hours=0.5, grid=(5, 5)))


@cache
def found(seed: int) -> Coverage:
    day = small(seed)
    return cover(day.network, day.fixes)


def rows(fixes: Fixes, which: np.ndarray) -> Fixes:
    return Fixes(*(getattr(fixes, name)[which] for name in COLUMNS))


def same(one: Coverage, other: Coverage) -> bool:
    return np.array_equal(one.passes, other.passes) and np.array_equal(one.serviced, other.serviced)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_never_more_than_the_unit_has(seed: int) -> None:
    answer, length = found(seed), small(seed).network.units.length
    whole = length[answer.passes[:, P_UNIT].astype(int)]
    assert (answer.serviced <= length).all() and answer.passes.shape[0] > 5
    for column in (P_SERVICED, P_SURE, P_POSSIBLE):
        assert (answer.passes[:, column] <= whole).all()
    left = np.array([(gap[:, 1] - gap[:, 0]).sum() for gap in answer.left])
    assert np.allclose(left + answer.serviced, length)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_upload_and_doubles_do_not_matter(seed: int) -> None:
    day, random = small(1), np.random.default_rng(seed)
    many = day.fixes.t.size
    again = np.concatenate([random.permutation(many), random.integers(0, many, 50)])
    answer = cover(day.network, rows(day.fixes, again))
    assert same(answer, found(1))
    assert answer.fates["double"] == 50


def test_another_vehicle_never_takes_anything_away() -> None:
    day = small(2)
    one = cover(day.network, rows(day.fixes, np.flatnonzero(day.fixes.vehicle == 0)))
    assert (found(2).serviced >= one.serviced - 1e-9).all()
    done = [int((answer.passes[:, P_VERDICT] == DONE).sum()) for answer in (one, found(2))]
    assert done[1] >= done[0]


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(900.5, 7200))
def test_what_a_vehicle_does_after_a_quarter_of_an_hour_of_silence_takes_nothing_away(
    share: float, quiet: float
) -> None:
    day = small(1)
    t = day.fixes.t[day.fixes.vehicle == 0]
    early = (day.fixes.vehicle == 0) & (day.fixes.t <= t[0] + share * (t[-1] - t[0]))
    later = (day.fixes.vehicle == 0) & (day.fixes.t > day.fixes.t[early].max() + quiet - 900)
    before = cover(day.network, rows(day.fixes, np.flatnonzero(early)))
    shifted = replace_column(day.fixes, "t", np.where(later, day.fixes.t + 900.0, day.fixes.t))
    after = cover(day.network, rows(shifted, np.flatnonzero(early | later)))
    assert (after.serviced >= before.serviced - 1e-9).all()
    done = [int((answer.passes[:, P_VERDICT] == DONE).sum()) for answer in (before, after)]
    assert done[1] >= done[0]


def straight() -> Network:
    """Four kilometres of one two-way road, in units of 250 m."""
    lines = [np.array([[113.3 + i * 0.01172, 40.0], [113.3 + (i + 1) * 0.01172, 40.0]]) for i in range(4)]
    return Network.build(lines, [False] * 4, [3.5] * 4, ["a"] * 4)


def driven(kmh: float, far: float, every: float = 1.0, start: float = 0.0) -> Fixes:
    """Eastwards from the road's beginning, with neither signal nor speed nor heading."""
    t = np.arange(0.0, far / (kmh / 3.6), every)
    return Fixes.of(np.zeros(t.size), start + t, 113.3 + t * kmh / 3.6 / 85_394, np.full(t.size, 40.0))


@pytest.mark.parametrize(("kmh", "far", "metres"), [(10, 1000, 1000), (10, 500, 500), (50, 1000, 0)])
def test_one_road_driven_once(kmh: float, far: float, metres: float) -> None:
    answer = cover(straight(), driven(kmh, far), Service(signal=False))
    assert answer.serviced.sum() == pytest.approx(metres, abs=12)
    assert (answer.passes[:, P_VERDICT] == DONE).all() and answer.passes.shape[0] == round(metres / 250)


@pytest.mark.parametrize(("begin", "end"), [(300, 420), (100, 900), (300, 1190), (100, 1100)])
def test_where_a_vehicle_was_lost_one_cannot_tell(begin: float, end: float) -> None:
    fixes = driven(10, 3990)
    answer = cover(
        straight(), rows(fixes, np.flatnonzero((fixes.t <= begin) | (fixes.t >= end))), Service(signal=False)
    )
    assert answer.silences.tolist() == [[0, begin, end]]
    assert SHORT not in answer.passes[:, P_VERDICT]
    lost = answer.passes[(answer.passes[:, P_UNIT] == int(begin / 3.6 * 10 / 250.4))]
    assert lost[:, P_VERDICT].tolist() == [CANNOT_TELL]


def test_jumps_and_lost_positions_are_counted_and_change_nothing() -> None:
    day = small(3)
    fixes = rows(day.fixes, np.arange(day.fixes.t.size))
    at = np.flatnonzero(np.diff(fixes.vehicle, append=0) == 0)[[100, 400, 900]]
    extra = {name: getattr(fixes, name)[at].copy() for name in COLUMNS}
    extra["t"] += 0.5
    extra["lat"][:2] += 0.01
    extra["lon"][2] = np.nan
    answer = cover(day.network, Fixes(*(np.concatenate([getattr(fixes, name), extra[name]]) for name in COLUMNS)))
    assert (answer.fates["jump"], answer.fates["away"]) == (2, 1)
    assert same(answer, found(3))


def test_work_without_the_signal_is_no_work_and_driving_fast_neither() -> None:
    day = small(1)
    off = replace_column(day.fixes, "working", np.zeros(day.fixes.t.size, np.int8))
    assert cover(day.network, off).serviced.sum() == 0
    fast = replace_column(day.fixes, "speed", np.full(day.fixes.t.size, 12.0))
    assert cover(day.network, fast).serviced.sum() == 0


def replace_column(fixes: Fixes, name: str, values: np.ndarray) -> Fixes:
    return replace(fixes, **{name: values})


def test_the_plain_day_at_5_m_and_10_s() -> None:
    errors = []
    for seed in (7, 8):
        day = simulated.day(seed, replace(PLAIN, vehicles=6, hours=8.0))
        errors.append(judge(day, cover(day.network, day.fixes)).error_points)
    assert max(map(abs, errors)) <= 1.0, errors


def test_a_hard_day() -> None:
    day = simulated.day(1, replace(HARD, vehicles=12, hours=8.0))
    accuracy = judge(day, cover(day.network, day.fixes))
    assert accuracy.parallel > 25
    assert accuracy.within5 >= 88 and accuracy.overclaim <= 0.5
    assert accuracy.short_found >= 95 and accuracy.short_true >= 90
    assert accuracy.cannot_tell < 15


def test_bad_input_is_named() -> None:
    line = np.array([[113.3, 40.0], [113.3, 40.0]])
    with pytest.raises(ValueError, match="row 0: a line of zero length"):
        Network.build([line], [False], [3.0])
    with pytest.raises(ValueError, match="no roads"):
        Network.build([], [], [])
    with pytest.raises(ValueError, match="latitude"):
        Network.build([line[:, ::-1]], [False], [3.0])
    with pytest.raises(ValueError, match="asked is a share"):
        Service(asked=1.5)
    with pytest.raises(ValueError, match="lon: expected 2 values"):
        Fixes.of([0, 0], [0.0, 1.0], [113.0], [40.0, 40.0])
