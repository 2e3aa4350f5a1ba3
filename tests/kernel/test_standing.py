"""The walk over fixes: against a plain one, and fed in any portions it ends at the same state."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel import standing
from shaodao.kernel.standing import MOVING, RIGHT, UNSURE, WRONG, State, walk

STILL, FASTEST = 30.0, 40.0
LON, LAT = 113_200_000, 40_000_000


def run(fixes, state=None, vehicles=None):
    """Fixes as (vehicle, at, lon, lat, found)."""
    v, at, lon, lat, found = (np.array(column) for column in zip(*fixes, strict=True))
    state = state or State.nothing(vehicles or int(v.max()) + 1)
    marks, last = walk(
        state, v.astype(np.int64), at.astype(np.int64), lon.astype(np.int32), lat.astype(np.int32),
        found.astype(np.int8), STILL, FASTEST,
    )  # fmt: skip
    return state, marks.tolist(), last.tolist()


def naive(fixes):
    """The same in plain words, one vehicle at a time."""
    out, marks, last = {}, [], {}

    def apart(a, b):
        north = (a[1] - b[1]) * 0.11132
        east = (a[0] - b[0]) * 0.11132 * math.cos(math.radians(a[1] * 1e-6))
        return math.hypot(north, east)

    for row, (v, at, lon, lat, found) in enumerate(fixes):
        here, known, mark = (lon, lat), out.get(v), 0
        if known and at <= known["at"]:
            marks.append(standing.LATE)
            continue
        if known and apart(here, known["here"]) - STILL > FASTEST * (at - known["at"]) / 1000:
            mark = standing.TELEPORT
        if known is None or found == MOVING or apart(here, known["from"]) > STILL:
            known = {"since": at, "from": here, "wrong": 0}
        known = known | {"at": at, "here": here}
        known["wrong"] = {WRONG: known["wrong"] + 1, RIGHT: 0}.get(found, known["wrong"])
        out[v], last[v] = known, row
        marks.append(mark)
    return out, marks, last


fixes = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 400_000), st.integers(LON - 3000, LON + 3000),
        st.integers(LAT - 3000, LAT + 3000), st.sampled_from([RIGHT, WRONG, UNSURE, MOVING]),
    ),
    min_size=1, max_size=60,
)  # fmt: skip


@given(fixes)
@settings(max_examples=200, deadline=None)
def test_as_in_plain_words(given_fixes):
    expected, marks, last = naive(given_fixes)
    state, got, rows = run(given_fixes, vehicles=4)
    assert got == marks
    for v in range(4):
        if v not in expected:
            assert rows[v] == -1 and state.at[v] == standing.NEVER
            continue
        e = expected[v]
        assert rows[v] == last[v]
        assert (state.at[v], state.since[v], state.wrong[v]) == (e["at"], e["since"], e["wrong"])
        assert ((state.lon[v], state.lat[v]), (state.from_lon[v], state.from_lat[v])) == (e["here"], e["from"])


@given(fixes, st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=100, deadline=None)
def test_in_portions_it_ends_alike(given_fixes, cuts):
    whole, marks, _ = run(given_fixes, vehicles=4)
    state, got = State.nothing(4), []
    edges = [0, *sorted(min(c, len(given_fixes)) for c in cuts), len(given_fixes)]
    for a, b in itertools.pairwise(edges):
        if b > a:
            got += run(given_fixes[a:b], state)[1]
    assert got == marks
    for name in ("at", "lon", "lat", "since", "from_lon", "from_lat", "wrong"):
        assert getattr(state, name).tolist() == getattr(whole, name).tolist()


def test_small_jumps_do_not_move_it():
    """±20 m of GPS noise over an hour: it stands since the first fix, though two fixes may be 40 m apart."""
    noise = [0, 180, -180, 170, -170]
    state, marks, _ = run([(0, 60_000 * n, LON + noise[n % 5], LAT, WRONG) for n in range(60)])
    assert state.since[0] == 0 and state.wrong[0] == 60 and not any(marks)


def test_unsure_neither_adds_nor_ends_a_run():
    state, _, _ = run([(0, n, LON, LAT, found) for n, found in enumerate([WRONG, UNSURE, WRONG, UNSURE])])
    assert state.wrong[0] == 2
    state, _, _ = run([(0, n, LON, LAT, found) for n, found in enumerate([WRONG, WRONG, RIGHT, UNSURE])])
    assert state.wrong[0] == 0


@pytest.mark.parametrize(("seconds", "teleport"), [(20, True), (30, False)])
def test_a_kilometre_takes_its_time(seconds, teleport):
    """1,000 m less the 30 m of drift at 40 m/s are 24.25 s."""
    north = round(1000 / 0.11132)
    _, marks, _ = run([(0, 0, LON, LAT, RIGHT), (0, seconds * 1000, LON, LAT + north, RIGHT)])
    assert marks[1] == (standing.TELEPORT if teleport else 0)
