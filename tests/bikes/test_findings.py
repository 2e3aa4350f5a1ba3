"""What the rules find, and when it becomes a case."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.findings import filing, observe
from shaodao.bikes.findings.detect import detect, split
from shaodao.bikes.findings.settings import TimedLimits
from shaodao.bikes.models import Finding, Observation, Operator
from shaodao.cases.models import Case, CaseEvent, Clock
from shaodao.cases.tasks import tick
from tests.bikes.streets import LAT, LON, broken, only, states

# ── the rules at their thresholds ────────────────────────────────────────────────────────────────────────────────


def test_over_capacity_begins_with_the_first_bike_too_many(street):
    bay = street.bay(capacity=5)
    street.put(street.a, 5)
    street.go()
    assert states() == []
    street.put(street.b, 1)
    street.later(1)
    street.go()
    row = only(rule="over_capacity")
    assert (row.bay, row.count, row.limit, row.operator) == (bay, 6, 5, street.a)
    assert row.shares[str(street.a.pk)]["over"] == 1 and row.shares[str(street.b.pk)]["over"] == 0
    assert (row.street, row.community) == (street.town.street, street.town.communities[0])


def test_bays_that_gps_cannot_tell_apart_are_over_capacity_together(street):
    """P1 and P2 are 14 metres apart, one group of 25 metres; P3 is far from both."""
    one, _two, far = street.bay("P1", 4), street.bay("P2", 4, metres=20), street.bay("P3", 4, metres=90)
    street.put(street.a, 8)
    street.put(street.a, 4, metres=90)
    street.go()
    assert states() == []  # P1 alone has twice its capacity, P2 beside it is empty
    street.put(street.b, 1, metres=20)
    street.put(street.b, 2, metres=90)
    street.later(1)
    street.go(20)
    rows = {row.bay: row for row in Finding.objects.all()}
    assert {bay: (row.count, row.limit) for bay, row in rows.items()} == {one: (9, 8), far: (6, 4)}
    assert rows[one].asked["bays"] == ["P1", "P2"] and rows[far].asked["bays"] == ["P3"]
    said = rows[one].case.reports.get().text
    assert "停放点位 点位P1 及相邻 1 个" in said and "容量 8 辆，现有 9 辆，超出 1 辆" in said
    # A new first bay of the group: the finding goes on, with what the group holds now.
    street.bay("P0", 0, metres=-20)
    street.later(1)
    street.go()
    assert Finding.objects.get(bay=one).limit == 8 and Finding.objects.count() == 2
    assert Finding.objects.get(bay=one).last_seen_at == street.at
    street.bay("P00", 5, metres=-40)
    street.later(1)
    street.go(15)
    assert Finding.objects.get(bay=one).state == "cleared" and Finding.objects.get(bay=far).state == "filed"


@pytest.mark.parametrize(("over", "bikes", "takes"), [
    (1, [(1, 5), (2, 1)], {1: 1, 2: 0}),
    (3, [(1, 2), (2, 2), (3, 2)], {1: 1, 2: 1, 3: 1}),
    (2, [(1, 2), (2, 2), (3, 2)], {1: 1, 2: 1, 3: 0}),
    (7, [(1, 10), (2, 5)], {1: 5, 2: 2}),
])  # fmt: skip
def test_what_is_too_much_is_divided_by_the_numbers_of_bikes(over, bikes, takes):
    assert split(over, bikes) == takes and sum(takes.values()) == over


def test_a_cluster_needs_its_bikes_near_each_other_and_outside_of_bays(street):
    street.bay(capacity=50)
    street.put(street.a, 8)  # in the bay
    street.put(street.a, 4, metres=40)
    street.go()
    assert states() == []
    street.put(street.b, 1, metres=44)
    street.later(1)
    street.go()
    row = only(rule="cluster")
    assert (row.count, row.operator, row.lon_e6) == (5, street.a, pytest.approx(LON * 1e6, abs=2))
    assert row.lat_e6 / 1e6 == pytest.approx(LAT + 40 / 111_320, abs=2e-5)


def test_a_cluster_that_drifts_stays_the_same_one_and_another_is_another(street):
    street.put(street.a, 6, metres=40)
    street.go()
    first = only(rule="cluster")
    street.bikes[street.a].clear()
    street.put(street.b, 6, metres=50, prefix="w")  # ten metres on: less than eps
    for name in [f"v40-{i}" for i in range(6)]:
        street.bikes[street.a][name] = {"lon": 113.2055, "lat": 40.0015 - int(name[-1]) * 0.0002, "state": "available"}
    street.put(street.b, 6, metres=100, prefix="x")
    street.later(1)
    street.go()
    rows = list(Finding.objects.filter(rule="cluster").order_by("pk"))
    assert len(rows) == 2 and rows[0].pk == first.pk and rows[0].operator == street.b
    assert rows[0].absent_since is None and rows[0].first_seen_at == first.first_seen_at


def test_no_parking_needs_the_packs_fixes_and_a_zone_in_force(street):
    zone = street.zone(daily_from="08:00", daily_until="09:30")  # it is 09:00
    street.put(street.a, 3, metres=60)
    for _ in range(2):
        street.go()
        street.later(1)
    assert not Finding.objects.filter(rule="no_parking").exists()
    street.go()  # the third fix in a row
    row = only(rule="no_parking")
    assert (row.zone, row.operator, row.count) == (zone, street.a, 3)
    street.later(40)  # 09:42: the zone is open again
    street.go(25)
    assert not Finding.objects.filter(rule="no_parking", state="filed").exists()


def test_idle_counts_days_of_fixes_and_not_of_silence(street):
    street.put(street.a, 1, metres=40)
    street.go()
    street.later(6.9 * 1440)
    street.go()
    assert states() == []
    street.silent.add(street.a)
    street.later(3 * 1440)
    street.look()
    assert states() == []  # nobody knows whether it still stands there
    street.silent.clear()
    street.later(1)
    street.go()
    assert only(rule="idle").vehicle_id == "v40-0" and only(rule="idle").count == 9


def test_over_quota_counts_what_is_in_the_district_and_zones_with_a_quota(street):
    street.settle(over_quota={"enabled": True}, cluster={"enabled": False})
    Operator.objects.filter(pk=street.a.pk).update(quota=4)
    zone = street.zone("Q1", "quota", metres=0, quota=2)
    street.put(street.a, 3)
    street.put(street.a, 1, metres=60)
    street.go()
    assert [(f.key, f.count, f.limit) for f in Finding.objects.all()] == [(f"zone:{zone.pk}", 3, 2)]
    street.put(street.a, 1, metres=61, state="on_trip")  # counts, as MDS counts it
    street.later(1)
    street.go()
    assert Finding.objects.get(key=f"district:{street.a.pk}").count == 5


def test_a_rule_that_is_off_finds_nothing(street):
    street.settle(**{name: {"enabled": False} for name in ("over_capacity", "cluster", "no_parking", "idle")})
    street.bay(capacity=1)
    street.put(street.a, 9)
    street.go(30)
    assert not Finding.objects.exists() and not Observation.objects.exists()


# ── from a finding to a case ─────────────────────────────────────────────────────────────────────────────────────


def test_it_has_to_last(street):
    street.bay(capacity=5)
    street.put(street.a, 9)
    street.go(15)
    assert states() == [("over_capacity", "open")] and not Case.objects.exists()
    street.later(5)
    street.go()
    assert states() == [("over_capacity", "filed")]


def test_a_case_is_opened_by_the_real_actions(street, filed):
    case = filed.case
    assert (case.state, case.channel, case.lead, case.category) == (
        "handling", "sensor", street.a.organisation, street.town.litter,
    )  # fmt: skip
    assert [e.action for e in case.events.order_by("seq")] == ["report", "categorise", "file", "dispatch"]
    assert {e.role for e in case.events.all()} == {"system"}
    said = case.reports.get()
    assert "容量 5 辆，现有 9 辆，超出 4 辆" in said.text and "单车BIKE-A 6 辆，应清走 3 辆" in said.text
    assert "v0-0" not in said.text  # no vehicle by name
    assert {(a.role, a.organisation.code) for a in case.assignments.all()} == {
        ("lead", "BIKE-A"),
        ("support", "BIKE-B"),
    }
    lead = case.assignments.get(role="lead")
    limits = {c.kind: c.due_at - c.started_at for c in Clock.objects.filter(assignment=lead)}
    assert limits["arrive"] == timedelta(minutes=15) and limits["handle"] == timedelta(hours=1)
    assert not broken()


def test_peak_and_night_have_their_own_limits(street):
    hours = {"peak": {"hours": [["09:00", "10:00"]], "solve": {"value": 0.5, "unit": "hour"}}}
    street.settle(**hours)
    street.put(street.a, 6, metres=40)
    street.go(20)
    clock_row = Clock.objects.get(kind="handle")
    assert clock_row.due_at - clock_row.started_at == timedelta(minutes=30)
    night = TimedLimits(hours=(("22:00", "06:00"),))
    asked = [datetime(2021, 5, 24, h, m).time() for h, m in [(21, 59), (22, 0), (3, 0), (5, 59), (6, 0)]]
    assert [night.holds(t) for t in asked] == [False, True, True, True, False]


def test_a_rules_own_limits_come_first(street):
    street.settle(cluster={"solve": {"value": 24, "unit": "hour"}})
    street.put(street.a, 6, metres=40)
    street.go(20)
    row = Clock.objects.get(kind="handle")
    assert row.due_at - row.started_at == timedelta(hours=24)


def test_one_case_while_it_is_open(street, filed):
    street.put(street.b, 9)
    street.later(5)
    street.go(120)
    assert Case.objects.count() == 1 and Finding.objects.count() == 1
    filed.refresh_from_db()
    assert filed.count == 15 and filed.operator == street.a  # the case is with the one that it was given to


def test_a_second_round_at_once_does_nothing(street, filed):
    events, row = CaseEvent.objects.count(), Observation.objects.get()
    counts = street.look(feed=False)
    assert counts["findings"] == 0 and CaseEvent.objects.count() == events
    assert Observation.objects.get().at == row.at
    assert not filing.file(filed.pk, street.at) and Case.objects.count() == 1


def test_of_two_looks_at_once_one_writes(street, monkeypatch):
    street.put(street.a, 6, metres=40)
    with street.now():
        street.feed(street.at)

        def somebody_is_faster(*given):
            monkeypatch.setattr(observe, "detect", detect)
            assert observe.look(street.at) == 1
            return detect(*given)

        monkeypatch.setattr(observe, "detect", somebody_is_faster)
        assert observe.look(street.at) == 0
    assert Finding.objects.count() == 1


def test_the_rounds_of_the_house_look(street):
    street.put(street.a, 6, metres=40)
    with street.now():
        street.feed(street.at)
        assert tick(street.at, train=False, send=False)["findings"] == 1


@pytest.mark.parametrize("cap", [{"cases_an_hour": 2}, {"cases_a_day": 2}])
def test_no_storm(street, cap):
    street.settle(over_capacity=cap)
    street.office.settle(parking={"group_m": 0})  # each bay for itself
    for n in range(5):
        street.bay(f"P{n}", capacity=1, metres=n * 20 - 40)
        street.put(street.a, 3 + n, metres=n * 20 - 40)
    street.go(25)
    assert Case.objects.count() == 2
    assert set(Finding.objects.filter(state="filed").values_list("count", flat=True)) == {6, 7}  # the worst
    assert Finding.objects.filter(state="open").count() == 3
    street.later(5)
    street.go(60)
    assert Case.objects.count() == (4 if "cases_an_hour" in cap else 2)


def test_what_cannot_be_filed_says_why(street):
    street.settle(cluster={"category": "event-9999"})
    street.put(street.a, 6, metres=40)
    street.go(20)
    row = only(state="open")
    assert "event-9999" in row.problem and not Case.objects.exists()
    street.settle(cluster={"condition": 7})
    street.later(5)
    street.go()
    assert "7" in only(state="open").problem
    street.settle()
    street.later(5)
    street.go()
    assert only().problem == "" and only().state == "filed"


def test_without_a_category_it_stays_a_finding(street):
    street.settle(cluster={"category": ""})
    street.put(street.a, 6, metres=40)
    street.go(60)
    assert only().state == "open" and not only().problem


def test_a_flicker_leaves_nothing_and_what_lasted_stays_as_cleared(street):
    street.settle(cluster={"cases_an_hour": 0})
    street.put(street.a, 6, metres=40)
    street.go(5)
    street.take(street.a, 3, metres=40)
    street.later(5)
    street.go(10)
    assert not Finding.objects.exists()
    street.put(street.a, 6, metres=40)
    street.later(5)
    street.go(30)
    gone_at = street.at + timedelta(minutes=5)
    street.take(street.a, 3, metres=40)
    street.later(5)
    street.go(10)
    assert only().state == "cleared" and only().cleared_at == gone_at


def test_after_a_gap_nobody_knows_whether_it_lasted(street):
    street.put(street.a, 6, metres=40)
    street.go(10)
    street.later(60)  # the server was down
    street.go(5)
    row = only()
    assert row.state == "open" and row.first_seen_at == street.at - timedelta(minutes=5)
    street.later(5)
    street.go(15)
    assert only().state == "filed"


def test_the_number_of_queries_does_not_grow_with_bikes(street):
    street.bay(capacity=3)
    street.zone()

    def looked() -> int:
        street.later(1)
        with street.now():
            street.feed(street.at)
            with CaptureQueriesContext(connection) as caught:
                street.look(feed=False)
        return len(caught)

    street.put(street.a, 6)
    looked()
    few = min(looked(), looked())  # the district's settings are read again every few seconds
    street.put(street.a, 300)
    looked()
    assert min(looked(), looked()) == few
