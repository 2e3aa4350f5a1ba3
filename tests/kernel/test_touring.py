"""Tours over points against all orders, and their cutting against all cuts."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.touring import pieces, tour

POINTS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=6)


def length(points):
    ends = [*points, points[0]]
    return sum(float(np.hypot(a[0] - b[0], a[1] - b[1])) for a, b in itertools.pairwise(ends))


@settings(max_examples=25, deadline=None)
@given(POINTS)
def test_a_tour_visits_each_point_once_and_no_exchange_shortens_it(points):
    order = tour(points, (0, 0)).tolist()
    assert sorted(order) == list(range(len(points)))
    path = [(0, 0), *(points[n] for n in order)]
    best = min(length([(0, 0), *p]) for p in itertools.permutations(points))
    assert length(path) <= best * 1.3 + 1e-6
    for i, j in itertools.combinations(range(1, len(path) + 1), 2):
        assert length([*path[:i], *path[i:j][::-1], *path[j:]]) >= length(path) - 1e-6


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 5), st.integers(5, 40))
def test_pieces_are_the_fewest_and_of_those_the_shortest(home, stop, budget):
    n = len(home)
    step = [abs(a - b) + 1 for a, b in itertools.pairwise(home)]

    def takes(a, b):
        return home[a] + sum(step[a : b - 1]) + stop * (b - a) + home[b - 1]

    ways = []
    for cuts in itertools.product([False, True], repeat=n - 1):
        edges = [0, *(k + 1 for k, cut in enumerate(cuts) if cut), n]
        times = [takes(a, b) for a, b in itertools.pairwise(edges)]
        if max(times) <= budget:
            ways.append((len(times), sum(times)))
    found = pieces(home, step, home, stop, budget)
    if found is None:
        assert not ways
    else:
        assert [a for a, _b in found] == [0, *(b for _a, b in found[:-1])] and found[-1][1] == n
        assert (len(found), sum(takes(a, b) for a, b in found)) == min(ways)


def test_nothing_and_what_is_no_number():
    assert tour([]).size == 0 and pieces([], [], [], 1.0, 1.0) == []
    assert tour([[0, 0]]).tolist() == [0]
    with pytest.raises(ValueError, match="finite"):
        tour([[np.nan, 0]])
