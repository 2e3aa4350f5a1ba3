"""Advice on moving bikes: what riders took and left is counted as a person would, the plan says what it rests on."""

import itertools
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from shaodao.bikes import tasks
from shaodao.bikes.cli import bikes
from shaodao.bikes.ingest import keep
from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.rebalancing import flows
from shaodao.bikes.rebalancing.advice import advice
from shaodao.bikes.rebalancing.settings import RebalancingSettings
from shaodao.cases import tasks as clockwork
from shaodao.foundation import clock
from tests.bikes.street import LAT, LON, METRE, bay, fix, sent

DAY = date(2021, 5, 23)
BEGIN = int(datetime.combine(DAY, time(), clock.LOCAL).timestamp() * 1000)
MS = 60_000
PLACES = {"B1": 0, "B2": 200, None: 400, "near": 20}
"""Metres north of B1; `near` is in no bay, and a bike that goes there from B1 has not moved."""
KEPT = {
    "vehicle_id": pa.string(), "time": pa.timestamp("ms", "UTC"), "received": pa.timestamp("ms", "UTC"), "lon": pa.float64(),
    "lat": pa.float64(), "parked": pa.int8(), "bay": pa.string(), "flags": pa.int16(),
}  # fmt: skip


def row(vehicle, minute, place, parked=2, flags=0):
    at = BEGIN + minute * MS
    code = place if place not in ("near", None) and parked is not None else None
    return {
        "vehicle_id": vehicle, "time": at, "received": at, "lon": LON, "lat": LAT + PLACES.get(place, 0) * METRE, "parked": parked,
        "bay": code, "flags": flags,
    }  # fmt: skip


def counted(rows, parts=1):
    """{(bay, hour): (taken, left)} as flows.py counts them."""
    with TemporaryDirectory() as room:
        paths = [Path(room) / f"{n}.parquet" for n in range(parts)]
        for n, path in enumerate(paths):
            parquet.write_table(pa.Table.from_pylist(rows[n::parts], pa.schema(list(KEPT.items()))), path)
        table = flows.count(paths, DAY, 30.0).to_pylist()
    return {(r["bay"], r["hour"]): (r["taken"], r["left"]) for r in table}


def by_hand(rows):
    taken, left = Counter(), Counter()
    for vehicle in {r["vehicle_id"] for r in rows}:
        own = sorted((r for r in rows if r["vehicle_id"] == vehicle and not r["flags"]), key=lambda r: r["time"])
        for was, now in itertools.pairwise(own):
            here = was["parked"] is not None and now["parked"] is not None
            if here and abs(now["lat"] - was["lat"]) > 30 * METRE:
                at = max(was["time"], now["time"] - 30 * MS)
                taken[was["bay"], (at - BEGIN) // 3_600_000] += 1
                left[now["bay"], (now["time"] - BEGIN) // 3_600_000] += 1
    keys = {key for key in [*taken, *left] if key[0] is not None}
    return {key: (taken[key], left[key]) for key in keys}


FIXES = st.lists(
    st.builds(
        row,
        st.sampled_from(["a", "b"]),
        st.integers(0, 1439),
        st.sampled_from(list(PLACES)),
        st.sampled_from([2, 2, 2, None]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    max_size=40,
    unique_by=lambda r: (r["vehicle_id"], r["time"]),
)


@given(FIXES)
@settings(max_examples=40, deadline=None)
def test_flows_are_what_a_person_counts(rows):
    assert counted(rows) == by_hand(rows)


def test_a_ride_is_taken_here_and_left_there():
    rows = [row("a", 478, "B1"), row("a", 479, "near"), row("a", 485, "B2"), row("a", 700, "B2"), row("a", 905, "B1")]
    assert counted(rows) == {("B2", 8): (0, 1), ("B2", 14): (1, 0), ("B1", 15): (0, 1)}, "from `near` nobody took one"
    assert counted([row("a", 478, "B1"), row("a", 485, "B2")]) == {("B1", 7): (1, 0), ("B2", 8): (0, 1)}


def test_what_its_operator_did_or_gps_does_not_count():
    assert counted([row("a", 60, "B1"), row("a", 120, "B1", None), row("a", 180, "B2")]) == {}
    assert counted([row("a", 60, "B1"), row("a", 61, "B2", flags=1), row("a", 62, "B1")]) == {}
    one = row("a", 60, "B1")
    assert counted([one, one, row("a", 70, "B2"), row("a", 70, "B2")], parts=2) == {
        ("B1", 1): (1, 0), ("B2", 1): (0, 1),
    }  # fmt: skip


# ── a town with two bays ─────────────────────────────────────────────────────────────────────────────────────────

FULL, EMPTY = LON, LON + 0.004  # 341 metres, both in the district


@pytest.fixture
def operator(office):
    """Ten bikes at B1, where nobody rides; B2 is empty, and in each of four nights riders took six there at nine."""
    tasks._done.clear()
    bay("B1", lon=FULL, name="一号点位"), bay("B2", lon=EMPTY)
    made = office.brought_to("admitted")
    for back in range(1, 5):
        past(made, back, [(f"x{n}", 9, "B2") for n in range(6)])
    take(made, *(fix(f"b{n}", lon=FULL) for n in range(10)))
    return made


def take(operator, *fixes):
    assert ingest(operator, sent(*fixes), "mds", clock.now()).kept == len(fixes)


def past(operator, back, rides):
    """Bikes that stand at a bay until an hour of that day and are ridden out of all bays; as keep.py leaves a day."""
    day = clock.local(clock.now()).date() - timedelta(days=back)
    begin = int(datetime.combine(day, time(), clock.LOCAL).timestamp() * 1000)
    rows = []
    for vehicle, hour, code in rides:
        for minute, place in ((0, code), (hour * 60 + 20, code), (hour * 60 + 40, None)):
            rows.append(row(vehicle, minute, place) | {"time": begin + minute * MS, "received": begin + minute * MS})
    path = keep.positions() / f"day={day}" / f"operator={operator.organisation.code}" / keep.WHOLE
    keep.write(pa.Table.from_pylist(rows, pa.schema(list(KEPT.items()))), path)


def advised(operator, hours=2, loads=3):
    flows.make(clock.now())
    return advice(operator, clock.now(), hours, loads)


def test_bikes_go_where_riders_will_come(operator):
    found = advised(operator)
    (move,) = found.moves
    assert (move.origin.code, move.target.code, move.loads, move.metres) == ("B1", "B2", 1, 341)
    assert 6 <= move.bikes <= 10 and move.target.taken == pytest.approx(6)
    assert 0.9 * found.short < found.riders <= found.short and found.bikes == pytest.approx(0, abs=1e-6)
    assert found.gain == pytest.approx(found.riders, abs=1e-6) and found.gap == pytest.approx(0, abs=1e-3)
    assert (found.days, found.alike, found.weekend, found.stock, found.missing) == (4, 4, None, 10, "")


def test_never_more_than_fits_and_only_what_can_be_ridden(operator, office):
    other = office.brought_to("admitted", "BIKE-B")
    take(other, *(fix(f"o{n}", lon=EMPTY) for n in range(13)))
    (move,) = advised(operator).moves
    assert move.bikes == 3, "B2 holds 16, and 13 of another operator stand there"
    assert advised(other).missing == "history"
    take(operator, *(fix(f"b{n}", 0.5, lon=FULL, state="non_operational") for n in range(9)))
    (move,) = advised(operator).moves
    assert move.bikes == 1


@pytest.mark.parametrize(("hours", "loads", "missing"), [(2, 0, "vans"), (2, 3, "history")])
def test_what_is_missing_is_said(operator, office, hours, loads, missing):
    office.settle(rebalancing={"least_days": 5})
    found = advised(operator, hours, loads)
    assert found.missing == missing and not found.moves and found.days == 4


def test_no_positions(office):
    office.settle(rebalancing={"least_days": 1})
    silent = office.brought_to("admitted")
    past(silent, 1, [("x", 9, "B2")])
    assert advised(silent).missing == "positions"
    take(silent, fix("a"))
    assert advised(silent).moves == () and advised(silent).bays == 0


def test_workdays_and_weekends_apart_where_there_are_enough(office):
    made = office.brought_to("admitted")
    for back in range(1, 8):  # from Monday: Sunday, Saturday, then five workdays
        past(made, back, [("x", 9, "B2")] * (back > 2) + [("y", 9, "B1")])
    flows.make(clock.now())
    found = flows.history(made.organisation.code, clock.now())
    noon = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)  # eight in Shanghai
    assert found.expected(["B2", "B9"], noon, 2)[0].tolist() == [1.0, 0.0]
    assert found.expected(["B2"], noon, 1.5)[0].tolist() == [0.5]
    saturday = noon + timedelta(days=5)
    assert found.expected(["B2"], saturday, 2)[0] == pytest.approx([5 / 7]), "two days of a weekend are too few"
    assert len(found.alike(noon.date())) == 5 and len(found.alike(saturday.date())) == 7


def test_the_clock_counts_each_day_once_and_again_for_late_ones(operator):
    def tick(**later):
        with clock.freeze(clock.now() + timedelta(**later)):
            return clockwork.tick(train=False, send=False)

    counts = tick()
    assert counts["flows"] == 4 and counts["failed"] == 0
    assert tick(minutes=11)["flows"] == 0
    past(operator, 2, [("x", 9, "B2")])
    assert tick(minutes=22)["flows"] == 1
    path = flows.root() / "day=2021-05-22" / "operator=BIKE-A.parquet"
    assert parquet.read_table(path, partitioning=None).to_pylist() == [{"bay": "B2", "hour": 9, "taken": 1, "left": 0}]
    assert tick(days=40)["failed"] == 0 and not path.exists(), "older than the pack asks for"


def test_a_broken_file_stops_nothing(operator):
    (keep.positions() / "day=2021-05-22" / "operator=BIKE-A" / keep.WHOLE).write_bytes(b"PAR1 half")
    assert flows.make(clock.now()) == 3
    (flows.root() / "day=2021-05-23" / "operator=BIKE-A.parquet").write_bytes(b"PAR1 half")
    assert len(flows.history("BIKE-A", clock.now()).days) == 2


def command(*words, code=0):
    done = CliRunner().invoke(bikes, ["rebalance", *words])
    assert done.exit_code == code and "Traceback" not in done.output, done.output
    return done.output


def test_the_command(operator):
    found = orjson.loads(command("--operator", "BIKE-A", "--json").splitlines()[-1])
    (move,) = found["moves"]
    assert (move["from"], move["to"], found["days"], found["missing"]) == ("B1", "B2", 4, "")
    assert found["positions"].startswith("2021-05-24T") and found["riders"] > 0
    said = command("--operator", "BIKE-A")
    assert "B1 → B2" in said and "只是建议，系统不会派车" in said and "最近 4 天有数据" in said
    assert "advice only" in command("--operator", "BIKE-A", "--lang", "en")
    assert "没有运输车" in command("--operator", "BIKE-A", "--loads", "0")
    assert "no operator" in command("--operator", "NOBODY", code=2)


def test_numbers_that_make_no_sense_are_refused():
    for wrong in ({"van": 0}, {"loads": -1}, {"farthest_m": 0}, {"least_days": 30, "days": 28}, {"seconds": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            RebalancingSettings(**wrong)


def test_a_plane_keeps_metres():
    from shaodao.bikes.rebalancing.advice import _plane

    x, y = _plane(np.array([LON, LON + 0.01]), np.array([LAT, LAT + 0.01]))
    assert np.diff(y)[0] == pytest.approx(1113.2, rel=1e-3) and np.diff(x)[0] == pytest.approx(853, rel=2e-3)
