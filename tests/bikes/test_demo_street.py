"""The demonstration's bikes: they come in through the ingest, a restart goes on, real operators are left alone."""

from datetime import timedelta

import pytest

from shaodao.bikes import demo_street
from shaodao.bikes.models import FeedQuality, Operator, Vehicle, VehicleStatus
from shaodao.foundation import clock
from tests.bikes.street import LAT, LON, bay


@pytest.fixture
def operators(office):
    """An illustrative one and a real one, with 300 vehicles each, and six bays."""
    for n in range(6):
        bay(f"B{n}", LON + n * 0.0008, LAT, capacity=10)
    now = clock.now()
    for code in ("BIKE-A", "BIKE-B"):
        operator = office.brought_to("admitted", code)
        Vehicle.objects.bulk_create(
            Vehicle(
                operator=operator, plate=f"{code}{n}", vehicle_id=f"{code}-{n:03d}", registered_at=now, updated_at=now
            )
            for n in range(300)
        )
    a, b = Operator.objects.select_related("organisation").order_by("organisation__code")
    a.organisation.illustrative = True
    a.organisation.save()
    return a, b


def test_most_stand_right_some_do_not_and_only_illustrative_ones_send(operators):
    assert demo_street.send(clock.now()) > 290
    rows = VehicleStatus.objects.all()
    assert {row.operator_id for row in rows} == {operators[0].pk}
    parked = [row.parked for row in rows]
    assert parked.count(1) + parked.count(2) > 150 and parked.count(0) > 10
    assert 0 < sum(row.state == "on_trip" for row in rows) < 100
    assert FeedQuality.objects.get().rejected == 0


def test_where_a_bike_is_follows_from_the_time(operators):
    demo_street.send(clock.now())
    first = dict(VehicleStatus.objects.values_list("vehicle_id", "lon_e6"))
    with clock.freeze(clock.now() + timedelta(minutes=5)):
        assert demo_street.send(clock.now()) == len(first)
        later = dict(VehicleStatus.objects.values_list("vehicle_id", "lon_e6"))
    near = sum(abs(first[v] - later[v]) < 150 for v in first)
    assert 0.8 * len(first) < near < len(first)  # most still stand, GPS shakes; some were ridden on


def test_in_parts_all_of_them_send_once(operators):
    assert sum(demo_street.send(clock.now(), part) for part in range(demo_street.PARTS)) > 290
    assert VehicleStatus.objects.count() > 290


def test_the_start_looks_back_once(operators):
    first = demo_street.start(clock.now())
    assert first > 1_500 and demo_street.start(clock.now()) == 0
    with clock.freeze(clock.now() + timedelta(hours=1)):
        assert demo_street.start(clock.now()) > 0


def test_without_bays_nothing_is_sent(office):
    assert demo_street.send(clock.now()) == 0
