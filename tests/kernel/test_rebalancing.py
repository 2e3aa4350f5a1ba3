"""Moves of bikes: the cost is the newsvendor's, the plan is the best one, vans and ways count."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.rebalancing import advise, expected_cost

MOST = 12


def cost_of(stock, taken, left, capacity, weight=0.5, most=MOST):
    return expected_cost(
        np.array(stock), np.array(taken, float), np.array(left, float), np.array(capacity), weight, most
    )


def test_the_cost_is_what_a_simulation_says():
    rng = np.random.default_rng(7)
    taken, left, capacity, weight = 4.0, 2.5, 6, 0.5
    x = rng.poisson(taken, 400_000) - rng.poisson(left, 400_000)
    cost = cost_of([3], [taken], [left], [capacity], weight)[0]
    for stock in (0, 3, 9):
        said = (np.maximum(0, x - stock) + weight * np.maximum(0, stock - x - capacity)).mean()
        assert cost[stock] == pytest.approx(said, rel=0.01)


def test_a_place_without_riders_costs_only_what_has_no_room():
    assert cost_of([0], [0], [0], [5])[0].tolist() == pytest.approx([0] * 6 + [0.5 * n for n in range(1, 8)], abs=1e-6)


@given(st.floats(0, 20), st.floats(0, 20), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_it_is_convex(taken, left, capacity):
    cost = cost_of([0], [taken], [left], [capacity])[0]
    assert (np.diff(cost, 2) >= -1e-9).all()


def test_more_than_the_table_holds_is_named():
    with pytest.raises(ValueError, match="13 is more than 12"):
        cost_of([13], [1], [1], [5])


def brute(x, y, stock, cost, van, loads, farthest, per_km):
    """The best worth of all plans, by trying each."""
    b = len(stock)
    pairs = [(i, j) for i in range(b) for j in range(b) if i != j]
    metres = {p: float(np.hypot(x[p[0]] - x[p[1]], y[p[0]] - y[p[1]])) for p in pairs}
    pairs = [p for p in pairs if metres[p] <= farthest]
    best = 0.0
    for bikes in itertools.product(range(van * loads + 1), repeat=len(pairs)):
        if sum(-(-n // van) for n in bikes) > loads:
            continue
        driven = [-(-n // van) for n in bikes]
        after = list(stock)
        for (i, j), n in zip(pairs, bikes, strict=True):
            after[i] -= n
            after[j] += n
        if sum(driven) > loads or min(after) < 0 or max(after) > MOST:
            continue
        if {i for (i, _j), n in zip(pairs, bikes, strict=True) if n} & {
            j for (_i, j), n in zip(pairs, bikes, strict=True) if n
        }:
            continue  # no bike is carried on through a third place
        gain = sum(cost[i][stock[i]] - cost[i][after[i]] for i in range(b))
        way = sum(metres[p] / 1000 * d for p, d in zip(pairs, driven, strict=True)) * per_km
        best = max(best, gain - way)
    return best


@given(
    stock=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    taken=st.lists(st.floats(0, 4), min_size=3, max_size=3),
    left=st.lists(st.floats(0, 4), min_size=3, max_size=3),
    van=st.integers(1, 2),
    per_km=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=30, deadline=None)
def test_as_good_as_trying_every_plan(stock, taken, left, van, per_km):
    x, y = np.array([0.0, 300, 0]), np.array([0.0, 0, 800])
    cost = cost_of(stock, taken, left, [2, 3, 4])
    found = advise(x, y, np.array(stock), cost, van=van, loads=2, farthest=900, per_km=per_km)
    assert found.worth >= brute(x, y, stock, cost, van, 2, 900, per_km) - 2e-4 * max(1, found.worth)
    after = np.array(stock) - np.bincount(found.origin, found.bikes, 3) + np.bincount(found.target, found.bikes, 3)
    saved = sum(cost[i][stock[i]] - cost[i][int(after[i])] for i in range(3))
    assert found.gain == pytest.approx(saved) and (after >= 0).all()
    assert found.loads.sum() <= 2 and (found.bikes <= found.loads * van).all() and (found.metres <= 900).all()


def test_from_the_full_to_the_empty():
    x, y = np.array([0.0, 500, 5_000]), np.zeros(3)
    cost = cost_of([20, 0, 0], [1, 8, 8], [1, 0, 0], [10, 10, 10], most=30)
    found = advise(x, y, np.array([20, 0, 0]), cost, van=10, loads=5, farthest=2_000, per_km=0.1)
    assert (found.origin.tolist(), found.target.tolist()) == ([0], [1])
    assert found.bikes[0] >= 8 and found.gain > 10 and found.gap < 1e-3


def test_no_vans_no_moves_and_one_load_is_the_best_one():
    x, y = np.array([0.0, 500, 600]), np.zeros(3)
    cost = cost_of([20, 0, 0], [1, 8, 3], [1, 0, 0], [10, 10, 10], most=30)
    stock = np.array([20, 0, 0])
    assert advise(x, y, stock, cost, van=5, loads=0, farthest=2_000, per_km=0).bikes.size == 0
    found = advise(x, y, stock, cost, van=5, loads=1, farthest=2_000, per_km=0)
    assert (found.target.tolist(), found.bikes.tolist()) == ([1], [5])


def test_a_district_of_many_places():
    rng = np.random.default_rng(3)
    b = 600
    x, y = rng.uniform(0, 7_000, (2, b))
    stock, capacity = rng.poisson(6, b), np.full(b, 15)
    taken, left = rng.gamma(1.0, 4.0, (2, b))
    cost = expected_cost(stock, taken, left, capacity, 0.5, 40)
    found = advise(x, y, stock, cost, van=20, loads=20, farthest=3_000, per_km=0.2, seconds=5)
    assert found.loads.sum() <= 20 and 0 < found.worth <= found.gain and 0 <= found.gap < 1
    assert (stock - np.bincount(found.origin, found.bikes, b) >= 0).all()
    assert not set(found.origin) & set(found.target)
