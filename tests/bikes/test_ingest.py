"""What comes in through any door: taken once, refused with a reason, marked where it is odd, judged, kept, counted."""

import io
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shaodao.bikes.ingest import receive
from shaodao.bikes.ingest.positions import NO_TIME, Positions
from shaodao.bikes.ingest.receive import failed, ingest
from shaodao.bikes.models import FeedQuality, PositionBatch, VehicleStatus
from shaodao.bikes.words import Flag, Reason
from shaodao.foundation import clock
from shaodao.kernel import datum
from shaodao.kernel.parking import Parked
from tests.bikes.street import LAT, LON, METRE, bay, fix, sent, zone


@pytest.fixture
def operator(office):
    return office.brought_to("admitted")


def take(operator, *fixes, source="mds", datum="WGS-84", **given):
    return ingest(operator, sent(*fixes, datum=datum), source, clock.now(), **given)


def status(vehicle="a"):
    return VehicleStatus.objects.get(vehicle_id=vehicle)


def spooled():
    """All rows of the spool, in the order in which they came."""
    bodies = PositionBatch.objects.order_by("pk").values_list("body", flat=True)
    tables = [pa.ipc.open_stream(io.BytesIO(bytes(body))).read_all() for body in bodies]
    return pa.concat_tables(tables).to_pylist() if tables else []


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"vehicle_id": None}, Reason.NO_ID),
        ({"vehicle_id": 17}, Reason.NO_ID),
        ({"vehicle_id": "  "}, Reason.NO_ID),
        ({"vehicle_id": "a\x00b"}, Reason.NO_ID),
        ({"vehicle_id": "a\ud800"}, Reason.NO_ID),
        ({"vehicle_id": "x" * 10_000}, Reason.LONG_ID),
        ({"at_ms": NO_TIME}, Reason.NO_TIME),
        ({"ago_s": -3600}, Reason.FUTURE),
        ({"ago_s": 31 * 86_400}, Reason.OLDEST),
        ({"lon": float("nan")}, Reason.NO_POSITION),
        ({"lat": 91.0}, Reason.NO_POSITION),
        ({"lon": float("inf")}, Reason.NO_POSITION),
        ({"lon": 0.0, "lat": 0.0}, Reason.NULL_ISLAND),
    ],
)
def test_a_row_that_cannot_be_taken_names_its_reason_and_the_others_are_kept(operator, wrong, reason):
    found = take(operator, fix("good"), fix(**({"vehicle": "bad"} | wrong)))
    assert (found.received, found.kept, found.rejected) == (2, 1, 1)
    assert dict(found.reasons) == {reason: 1} and found.why.tolist()[0] == 0
    assert found.examples[0]["row"] == 1 and found.examples[0]["why"] == reason
    assert [row["vehicle_id"] for row in spooled()] == ["good"]
    assert FeedQuality.objects.get().reasons == {reason: 1}


def test_the_same_call_again_is_refused_as_copies(operator):
    fixes = [fix(v, ago) for v in "abc" for ago in (30, 20, 10)]
    assert take(operator, *fixes).kept == 9
    again = take(operator, *fixes, source="mqtt")
    assert (again.kept, dict(again.reasons)) == (0, {Reason.DUPLICATE: 9})
    assert len(spooled()) == 9


def test_of_copies_in_one_call_the_first_is_taken(operator):
    found = take(operator, fix(north_m=1), fix(north_m=9), fix(ago_s=2))
    assert (found.kept, found.why.tolist()) == (2, [0, 1 + receive.checks.REASONS.index(Reason.DUPLICATE), 0])
    assert status().lat_e6 == round((LAT + METRE) * 1e6)


def test_a_copy_of_a_late_fix_is_one_too(operator):
    take(operator, fix(ago_s=5))
    late = take(operator, fix(ago_s=60))
    assert late.kept == 1 and dict(late.marked) == {"late": 1}
    assert dict(take(operator, fix(ago_s=60)).reasons) == {Reason.DUPLICATE: 1}


def test_an_unknown_datum_is_an_error_and_nothing_is_taken(operator):
    with pytest.raises(ValueError, match="MARS"):
        take(operator, fix(), datum="MARS")
    assert not VehicleStatus.objects.exists() and not FeedQuality.objects.exists()


# ── what is marked ───────────────────────────────────────────────────────────────────────────────────────────────


def test_odd_ones_are_kept_and_marked(operator):
    take(operator, fix("jumps", 60), fix("late", 10))
    found = take(
        operator, fix("jumps", 30, 5_000), fix("late", 20), fix("stale", 1000), fix("far", lat=LAT + 1), fix("fine")
    )
    assert found.kept == 5
    assert dict(found.marked) == {"teleport": 1, "outside": 2, "late": 1, "stale": 1}
    assert status("jumps").flags == Flag.TELEPORT | Flag.OUTSIDE and status("stale").flags == Flag.STALE
    assert status("far").community_id is None and status("fine").flags == 0


def test_a_late_one_changes_no_status(operator):
    take(operator, fix(ago_s=10))
    before = status().at_ms
    take(operator, fix(ago_s=50, north_m=100))
    after = status()
    assert (after.at_ms, after.lat_e6) == (before, round(LAT * 1e6))
    assert [row["flags"] for row in spooled()] == [0, Flag.LATE]


# ── what is judged ───────────────────────────────────────────────────────────────────────────────────────────────


def test_bay_zone_place_and_distance(operator):
    one, forbidden = bay(), zone(lon=LON + 0.001, half_m=5)
    take(operator, fix("in"), fix("near", north_m=9), fix("out", north_m=30), fix("zone", lon=LON + 0.001))
    rows = {row.vehicle_id: row for row in VehicleStatus.objects.all()}
    assert {name: row.parked for name, row in rows.items()} == {
        "in": Parked.IN_BAY, "near": Parked.NEAR_BAY, "out": Parked.OUTSIDE, "zone": Parked.OUTSIDE,
    }  # fmt: skip
    assert (rows["in"].bay_id, rows["in"].distance_mm, rows["out"].bay_id) == (one.pk, 0, None)
    assert rows["near"].distance_mm == pytest.approx(4_000, abs=50)
    # 15 metres hold 95 % where the feed does not say; "near": Phi(6 / 6.13) and a little less.
    assert {name: rows[name].confidence for name in ("in", "near", "out")} == {"in": 97, "near": 83, "out": 99}
    assert {row["vehicle_id"]: round(row["confidence"], 2) for row in spooled()}["near"] == 0.83
    assert rows["zone"].zone_id == forbidden.pk and rows["in"].zone_id is None
    assert (rows["in"].street_id, rows["in"].community_id) == (one.street_id, one.community_id)
    assert {row["vehicle_id"]: row["bay"] for row in spooled()} == {"in": "B1", "near": "B1", "out": None, "zone": None}


def test_who_says_how_good_a_position_is_has_more_or_less_confidence(operator):
    bay()
    take(operator, *(fix(f"{n}", 10 + n, north_m=9, accuracy_m=n) for n in (0, 3, 15, 40)))
    found = dict(VehicleStatus.objects.values_list("vehicle_id", "confidence"))
    assert found["0"] == found["15"] == 83  # nobody's positions are true to 0 metres
    assert found["3"] == 100 and found["40"] < 60
    take(operator, fix("3", state="removed"))
    assert status("3").confidence is None


def test_a_run_of_wrong_fixes_ends_in_a_bay_and_with_a_move(operator):
    bay()
    for n, ago in enumerate((60, 50, 40), 1):
        take(operator, fix(ago_s=ago, north_m=25))
        assert status().wrong_fixes == n
    since = status().stood_since_ms
    take(operator, fix(ago_s=30, north_m=70))
    assert status().wrong_fixes == 1 and status().stood_since_ms == since + 30_000
    take(operator, fix(ago_s=20, north_m=0))
    assert status().wrong_fixes == 0


def test_in_portions_it_is_judged_as_at_once(operator, office):
    bay()
    other = office.brought_to("admitted", "BIKE-B")
    fixes = [
        fix("v", ago, north) for ago, north in zip(range(90, 0, -10), (0, 25, 26, 80, 81, 79, 80, 3, 40), strict=True)
    ]
    take(operator, *fixes)
    for one in fixes:
        take(other, one)
    fields = [f.name for f in VehicleStatus._meta.fields if f.name not in ("id", "operator")]
    a, b = (VehicleStatus.objects.filter(operator=o).values_list(*fields).get() for o in (operator, other))
    assert tuple(map(_plain, a)) == tuple(map(_plain, b))


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


def test_a_ridden_bike_is_coarse_and_judged_by_nothing(operator):
    bay()
    zone()
    take(operator, fix(state="on_trip", lon=LON + 0.0000123))
    row = status()
    assert (row.parked, row.bay_id, row.zone_id, row.distance_mm, row.confidence) == (None,) * 5
    assert row.lon_e6 % 1000 == 0 and row.lat_e6 % 1000 == 0
    kept = spooled()[0]
    assert (
        round(kept["lon"], 3) == kept["lon"]
        and kept["parked"] is None
        and kept["confidence"] is None
        and kept["state"] == "on_trip"
    )


def test_gcj02_is_brought_to_where_it_is(operator):
    bay()
    x, y = datum.from_wgs84(np.array([LON]), np.array([LAT]), "GCJ-02")
    take(operator, fix(lon=float(x[0]), lat=float(y[0])), datum="GCJ-02")
    assert status().parked == Parked.IN_BAY


def test_an_unknown_word_for_the_state_is_unknown(operator):
    take(operator, fix("a", state="fliegt"), fix("b", state=["x"]), fix("c", state="reserved"))
    assert [status(v).state for v in "abc"] == ["unknown", "unknown", "reserved"]


# ── a feed that lists all its vehicles ───────────────────────────────────────────────────────────────────────────


def test_what_a_snapshot_does_not_list_is_gone(operator, office):
    other = office.brought_to("admitted", "BIKE-B")
    take(other, fix("x"))
    bay()
    take(operator, fix("a", 20), fix("b", 20), snapshot=True)
    with clock.freeze(clock.now() + timedelta(seconds=60)):
        take(operator, fix("a", 80 - 0.001), fix("c"), snapshot=True)
        assert (status("a").state, status("b").state, status("b").bay_id) == ("unknown", "gone", None)
        assert status("x").state == "unknown"
        take(operator, fix("b"), fix("c", 0.5), snapshot=True)
        assert (status("b").state, status("b").parked) == ("unknown", Parked.IN_BAY)


def test_one_that_the_list_repeats_unchanged_is_not_gone(operator):
    same = fix("a", 20)
    take(operator, same, snapshot=True)
    with clock.freeze(clock.now() + timedelta(seconds=60)):
        found = take(operator, same, snapshot=True)
        assert found.kept == 0 and status().state == "unknown"
        assert status().received_ms == int(clock.now().timestamp() * 1000)


# ── large, odd, often ────────────────────────────────────────────────────────────────────────────────────────────


def test_more_than_a_chunk_in_one_call(operator, monkeypatch):
    monkeypatch.setattr(receive, "CHUNK", 10)
    found = take(operator, *[fix(f"v{n % 7}", 60 - n) for n in range(35)], fix("", 1), fix("v0", 60), snapshot=True)
    assert (found.received, found.kept, found.rejected) == (37, 35, 2)
    assert [e["row"] for e in found.examples] == [35, 36]
    assert VehicleStatus.objects.exclude(state="gone").count() == 7 and found.why.size == 37


def test_queries_do_not_grow(operator, django_assert_max_num_queries):
    take(operator, fix("warm"))
    with django_assert_max_num_queries(14) as few:
        take(operator, fix("a"))
    with django_assert_max_num_queries(len(few.captured_queries)):
        take(operator, *[fix(f"v{n}") for n in range(500)])


def test_nothing_sent_is_a_call_all_the_same(operator):
    found = take(operator)
    assert (found.received, found.kept) == (0, 0)
    assert FeedQuality.objects.get().calls == 1 and not PositionBatch.objects.exists()


rows = st.fixed_dictionaries(
    {
        "vehicle_id": st.one_of(st.sampled_from(["a", "b"]), st.text(max_size=5), st.none(), st.integers()),
        "at_ms": st.integers(1_621_818_000_000 - 90_000, 1_621_818_000_000 + 200_000),
        "lon": st.one_of(st.floats(113.19, 113.22), st.floats()),
        "lat": st.one_of(st.floats(39.99, 40.01), st.floats()),
        "state": st.sampled_from(["available", "on_trip", "missing", "", None, "no"]),
        "accuracy_m": st.floats(),
    }
)


@given(calls=st.lists(st.lists(rows, max_size=6), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_every_row_is_kept_or_named(operator, calls):
    PositionBatch.objects.all().delete()
    VehicleStatus.objects.all().delete()
    kept = 0
    for call in calls:
        found = ingest(operator, Positions.of(call), "mqtt", clock.now())
        assert found.received == len(call) == found.kept + found.rejected == found.kept + sum(found.reasons.values())
        assert (found.why == 0).sum() == found.kept
        kept += found.kept
    stored = spooled()
    assert len(stored) == kept == len({(row["vehicle_id"], row["time"]) for row in stored})
    newest = {}
    for row in stored:
        newest[row["vehicle_id"]] = max(row["time"], newest.get(row["vehicle_id"], row["time"]))
    assert {r.vehicle_id: r.at_ms for r in VehicleStatus.objects.all()} == {
        v: round(t.timestamp() * 1000) for v, t in newest.items()
    }


# ── how good the feed is ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_quality_adds_up(operator):
    take(operator, fix("a", 1.5), fix("b", 40), fix("c", -5), fix("", 1))
    with clock.freeze(clock.now() + timedelta(seconds=700)):
        take(operator, fix("a", 4000))
        failed(operator, "mds", "断开\x00了", clock.now())
    row = FeedQuality.objects.get()
    assert (row.calls, row.failures, row.received, row.kept, row.rejected) == (3, 1, 5, 4, 1)
    assert row.latency == [1, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert (row.gaps, row.longest_gap_ms, row.last_failure) == (1, 700_000, "断开 了")
    assert row.marked == {"late": 1, "stale": 1} and len(row.examples) == 1


def test_a_gap_over_midnight_is_one(operator):
    take(operator, fix())
    with clock.freeze(clock.now() + timedelta(hours=20)):
        take(operator, fix("a", 0.5))
    assert [(row.day.day, row.gaps) for row in FeedQuality.objects.order_by("day")] == [(24, 0), (25, 1)]


def test_each_door_counts_for_itself(operator):
    take(operator, fix("a"), source="mds")
    take(operator, fix("b"), source="mqtt")
    assert set(FeedQuality.objects.values_list("source", "kept")) == {("mds", 1), ("mqtt", 1)}
