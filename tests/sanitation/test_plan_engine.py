"""The engine of a day's plan on small days, and the checker that it is held to."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shaodao.foundation.errors import Invalid
from shaodao.sanitation.plan.checking import violations
from shaodao.sanitation.plan.editing import edited, parsed, retimed
from shaodao.sanitation.plan.facts import changed, joined
from shaodao.sanitation.plan.figures import figures
from shaodao.sanitation.plan.making import make
from shaodao.sanitation.plan.plain import FILL, MOVE, SERVICE, PlainTrip
from shaodao.sanitation.plan.reasons import runs_done
from tests.sanitation.streets import H, facts, mode, point, segments, vehicle

pytestmark = pytest.mark.nodb


def codes(day, trips):
    return {v.code for v in violations(day, trips)}


@st.composite
def days(draw):
    """Streets, services, fleets, water and hours of all kinds, also such that little can be done."""
    of = segments(draw(st.integers(1, 5)), draw(st.booleans()))
    kinds = []
    for key in range(1, draw(st.integers(1, 2)) + 1):
        spans = draw(
            st.sampled_from(
                [
                    (((6 * H, 7 * H), (8 * H, 11 * H)),) * 2, (((0.0, 5 * H), (22 * H, 24 * H)),), ((),),
                    (((6 * H, 7 * H),), ((9 * H, 11 * H),)), (((10 * H, 10.2 * H),),),
                ]
            )
        )  # fmt: skip
        litres, runs = draw(st.sampled_from([0.0, 600.0, 2500.0, 9000.0])), draw(st.integers(1, 3))
        kinds.append(
            mode(of, key, spans=spans, litres=litres, runs=runs, spacing_s=draw(st.sampled_from([0.0, 3600.0])))
        )
    fleet = []
    for key in range(1, draw(st.integers(0, 3)) + 1):
        made = vehicle(key, tank_l=draw(st.sampled_from([0.0, 1000.0, 5000.0])), away=draw(st.integers(0, 5)) == 0)
        fleet.append(replace(made, depot=None) if draw(st.booleans()) else made)
    water = draw(st.sampled_from([(), (point(),), (point(bays=2), point(key=2, code="W2", hours=((9 * H, 10 * H),)))]))
    return replace(facts(), segments=of, modes=tuple(kinds), vehicles=tuple(fleet), points=water)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(days(), st.integers(0, 3))
def test_a_plan_holds_and_says_what_it_leaves_out(day, seed):
    made = make(day, rounds=6, seed=seed)
    assert violations(day, made.trips) == []
    assert all(leg.water_l > 0 for trip in made.trips for leg in trip.legs if leg.kind == FILL)
    assert make(day, rounds=6, seed=seed).trips == made.trips
    done = runs_done(made.trips)
    left = {(row["mode"], row["pass"], code) for row in made.left_out for code in row["segments"]}
    for kind in day.modes:
        for one in kind.passes:
            for n, segment in enumerate(day.segments):
                whole = done[kind.key, one.no, segment.key] == kind.runs[n]
                assert whole is ((kind.code, one.no, segment.code) not in left)
    at_s = 9.5 * H
    again = changed(day, {"broken": {"V1": at_s}, "closed": [["M1", at_s, 10.5 * H]]})
    rest = make(again, rounds=3, seed=seed, kept=made.trips, at_s=at_s)
    wrong = violations(again, rest.trips)
    assert {v.code for v in wrong} <= {"missing"}  # a pass that broke off cannot always be ended


def test_a_small_day_is_done_whole_and_better_with_more_rounds():
    day = facts(4, 2)
    first, later = make(day, rounds=0), make(day, rounds=60)
    assert not first.left_out and not later.left_out
    km = [figures(day, m.trips, m.left_out)["move_km"] for m in (first, later)]
    assert km[1] <= km[0]
    found = figures(day, later.trips, later.left_out)
    assert found["planned_share"] == 1 and found["services"][0]["done"] == 16
    assert found["services"][0]["water_m3"] == pytest.approx(16 * 0.6)
    assert sum(v["work_km"] for v in found["vehicles"]) == pytest.approx(16 * 2 * 0.3)


def without_points(day):
    return replace(day, points=())


def with_mode(day, **given):
    return replace(day, modes=(mode(day.segments, **given),))


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (facts(2, 0), "no_vehicle"),
        (replace(facts(2, 1), vehicles=(vehicle(1, away=True),)), "no_vehicle"),
        (replace(facts(2, 1), vehicles=(vehicle(1, shifts=()),)), "no_shift"),
        (replace(without_points(facts(2, 1)), tank_start=0.0), "no_water"),
        (with_mode(facts(2, 1), litres=12_000.0), "tank"),
        (with_mode(facts(2, 1), spans=((),)), "weather"),
        (with_mode(facts(2, 1), spans=(((6 * H, 6.02 * H),),)), "window"),
        (with_mode(facts(2, 1), spans=(((6 * H, 7 * H),),) * 3, spacing_s=5000.0), "spacing"),
    ],
)
def test_what_cannot_be_done_is_left_out_with_its_reason(day, why):
    made = make(day, rounds=2)
    assert why in {row["why"] for row in made.left_out}
    assert violations(day, made.trips) == []


def test_two_shifts_at_once_are_one():
    class Shift:
        def __init__(self, hours, breaks=()):
            self.hours, self.breaks = hours, breaks

    found, overlap = joined([Shift([[300, 780]], [[450, 480]]), Shift([[720, 1260]])])
    assert overlap and [(s.begin_s, s.end_s, s.breaks) for s in found] == [(18_000, 75_600, ((27_000, 28_800),))]
    night, overlap = joined([Shift([[1260, 300]])])
    assert not overlap and [(s.begin_s, s.end_s, s.out, s.home) for s in night] == [
        (0, 18_000, False, True), (75_600, 86_400, True, False),
    ]  # fmt: skip


# ── the checker ──────────────────────────────────────────────────────────────────────────────────────────────────

DAY = facts(3, 2)
PLAN = make(DAY, rounds=10).trips


def spoilt(change, kind=SERVICE, n=0, trip=0):
    """The plan with the n-th leg of a kind changed."""
    legs = list(PLAN[trip].legs)
    i = [k for k, leg in enumerate(legs) if leg.kind == kind][n]
    legs[i : i + 1] = change(legs[i])
    return [replace(t, legs=tuple(legs)) if k == trip else t for k, t in enumerate(PLAN)]


def shifted(leg, seconds):
    return replace(leg, begin_s=leg.begin_s + seconds, end_s=leg.end_s + seconds)


@pytest.mark.parametrize(
    ("code", "day", "trips"),
    [
        ("type", replace(DAY, vehicles=tuple(replace(v, type="mister") for v in DAY.vehicles)), PLAN),
        ("workshop", replace(DAY, vehicles=tuple(replace(v, away=True) for v in DAY.vehicles)), PLAN),
        ("shift", replace(DAY, vehicles=tuple(vehicle(n, shifts=()) for n in (1, 2))), PLAN),
        ("unknown", replace(DAY, segments=DAY.segments[:-1]), PLAN),
        ("unknown", replace(DAY, vehicles=()), PLAN),
        ("season", replace(DAY, modes=(replace(DAY.modes[0], state="out_of_season"),)), PLAN),
        ("twice", DAY, [*PLAN, PlainTrip(PLAN[0].vehicle, 6 * H, 7 * H)]),
        ("order", DAY, spoilt(lambda leg: [leg, shifted(leg, 10)])),
        ("doubled", DAY, spoilt(lambda leg: [leg, shifted(leg, 600)])),
        ("missing", DAY, spoilt(lambda leg: [])),
        ("drive", DAY, spoilt(lambda leg: [shifted(leg, -1700)], n=0)),
        ("drive", DAY, spoilt(lambda leg: [replace(leg, end_s=leg.begin_s + 5)], kind=MOVE)),
        ("work", DAY, spoilt(lambda leg: [replace(leg, end_s=leg.begin_s + 60)])),
        ("short", DAY, spoilt(lambda leg: [replace(leg, metres=100.0)])),
        ("dry", DAY, spoilt(lambda leg: [replace(leg, water_l=0.0)])),
        ("tank", replace(DAY, tank_start=0.0), PLAN),
        ("flow", replace(DAY, points=(point(flow_l_s=1.0),)), PLAN),
        ("hours", replace(DAY, points=(point(hours=((0.0, 5 * H),)),)), PLAN),
        ("bays", replace(DAY, points=(point(bays=0),)), PLAN),
        ("break", DAY, spoilt(lambda leg: [shifted(leg, 8.6 * H - leg.begin_s)])),
        ("window", DAY, spoilt(lambda leg: [shifted(leg, 6.99 * H - leg.begin_s)])),
        ("spacing", replace(DAY, modes=(replace(DAY.modes[0], spacing_s=5 * H),)), PLAN),
        ("shift", DAY, spoilt(lambda leg: [shifted(leg, 11.48 * H - leg.begin_s)])),
    ],
)  # fmt: skip
def test_the_checker_finds_what_is_wrong(code, day, trips):
    assert violations(DAY, PLAN) == []
    assert any(leg.kind == FILL for t in PLAN for leg in t.legs)
    assert code in codes(day, trips)
    assert all(v.words for v in violations(day, trips))


# ── by hand, and in the middle of the day ────────────────────────────────────────────────────────────────────────


def test_a_trip_reckoned_anew_holds_and_legs_can_go_to_another_vehicle():
    for trip in PLAN:
        assert codes(DAY, [retimed(DAY, trip, PLAN), *(t for t in PLAN if t is not trip)]) == set()
    first, last = (next(k for k, leg in it if leg.kind == SERVICE) for it in (
        enumerate(PLAN[0].legs), reversed(list(enumerate(PLAN[0].legs)))
    ))  # fmt: skip
    moves = parsed([{"do": "move", "trip": 0, "first": first, "last": last, "to": PLAN_OTHER}])
    made = edited(DAY, PLAN, moves)
    assert not any(t.vehicle == PLAN[0].vehicle and t.services for t in made)
    assert runs_done(made) == runs_done(PLAN)
    assert codes(DAY, made) <= {"window", "spacing", "shift", "break"}  # late at most, and never without water
    out = edited(DAY, PLAN, parsed([{"do": "out", "trip": 0, "first": first, "last": first}]))
    assert codes(DAY, out) == {"missing"}
    late = edited(DAY, PLAN, parsed([{"do": "time", "trip": 0, "at_s": 40_000}]))
    assert "window" in codes(DAY, late)


PLAN_OTHER = next(v.code for v in DAY.vehicles if v.key != PLAN[0].vehicle)


@pytest.mark.parametrize(
    "raw",
    [
        [], [{}], [{"do": "fly", "trip": 0}], [{"do": "out"}], [{"do": "out", "trip": 99}],
        [{"do": "move", "trip": 0, "first": 3, "last": 1}], [{"do": "move", "trip": 0, "to": "nobody"}],
        [{"do": "out", "trip": True}], ["x"], [{"do": "out", "trip": 0, "first": -1}],
    ],
)  # fmt: skip
def test_edits_that_mean_nothing_are_refused(raw):
    with pytest.raises(Invalid):
        edited(DAY, PLAN, parsed(raw))


def test_a_new_plan_keeps_what_was_done_and_gives_the_rest_to_others():
    at_s = 8.25 * H
    day = changed(DAY, {"broken": {"V1": at_s}})
    made = make(day, rounds=20, kept=PLAN, at_s=at_s)
    assert violations(day, made.trips) == []
    for old in PLAN:
        kept = [leg for leg in old.services if leg.end_s <= at_s]
        [new] = [t for t in made.trips if (t.vehicle, t.begin_s) == (old.vehicle, old.begin_s)]
        assert new.services[: len(kept)] == kept
        assert old.vehicle != 1 or len(new.services) == len(kept)
