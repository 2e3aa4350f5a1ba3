"""Intervals of rates and ranks: against numbers worked out by hand, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shaodao.kernel.scoring import rank_interval, wilson


def test_by_hand():
    # n = 10, k = 8, z = 1.95996: middle (8 + 1.92073) / 13.84146 = 0.716740; half 1.95996 / 13.84146 * sqrt(1.6 + 0.96036) = 0.226576
    low, high = wilson(8, 10)
    assert (float(low), float(high)) == pytest.approx((0.490164, 0.943316), abs=2e-6)
    # k = 0 of 20: upper end z2 / (n + z2) = 3.84146 / 23.84146
    low, high = wilson(0, 20)
    assert (float(low), float(high)) == pytest.approx((0, 0.161125), abs=2e-6)
    # the margin that the field quotes: 94 % of 400 is 2.3 points
    low, high = wilson(376, 400)
    assert float(high - low) / 2 == pytest.approx(0.0235, abs=0.0005)
    assert [float(end) for end in wilson(0, 0)] == [0, 1]


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.5, 0.999))
def test_it_holds_the_share_and_is_symmetric(k, n, level):
    k = min(k, n)
    low, high = wilson(k, n, level)
    assert 0 <= low <= k / n + 1e-12 and k / n - 1e-12 <= high <= 1
    other = wilson(n - k, n, level)
    assert (1 - float(other[1]), 1 - float(other[0])) == pytest.approx((float(low), float(high)), abs=1e-9)


def test_the_sixth_of_117():
    """The field's example: 400 asked, true scores 3 or 1.5 points apart."""
    assert rank_interval(n=400, units=117, sd=3, rank=6, seed=1) == (1, 12)
    assert rank_interval(n=400, units=117, sd=1.5, rank=6, seed=1) == (1, 43)
    assert rank_interval(n=400, units=117, sd=3, rank=6, seed=1) == rank_interval(
        n=400, units=117, sd=3, rank=6, seed=1
    )


def test_two_units_by_hand():
    # Two units, one person each, shares 0.5: the second is second when it fails and the first succeeds, 1 in 4
    assert rank_interval(n=1, units=2, sd=0, rank=2, mean=50, level=0.4) == (1, 1)
    assert rank_interval(n=1, units=2, sd=0, rank=2, mean=50, level=0.6) == (1, 2)
    assert rank_interval(n=10**6, units=5, sd=10, rank=3, mean=50) == (3, 3)  # so many people leave no doubt
    assert rank_interval(n=1, units=1, sd=3, rank=1) == (1, 1)


def test_more_people_never_widen_it():
    wide = [rank_interval(n=n, units=50, sd=2, rank=20, mean=80, draws=4000) for n in (100, 1000, 10_000)]
    assert np.all(np.diff([high - low for low, high in wide]) <= 0)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"n": 0}, "n"), ({"units": 0}, "units"), ({"rank": 0}, "rank"), ({"rank": 9}, "rank"), ({"sd": -1}, "sd"),
     ({"sd": float("nan")}, "sd"), ({"mean": 101}, "mean"), ({"level": 1}, "level"), ({"draws": 0}, "draws")],
)  # fmt: skip
def test_what_cannot_be_is_named(change, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        rank_interval(**{"n": 10, "units": 5, "sd": 1, "rank": 2, **change})
    with pytest.raises(ValueError):
        wilson(3, 2)
