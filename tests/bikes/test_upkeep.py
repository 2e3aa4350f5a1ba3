"""What the clock does with statuses: judged anew when the ground changes, the registry learns, the gone are forgotten."""

from datetime import time, timedelta

import pytest

from shaodao.bikes import tasks
from shaodao.bikes.ingest import upkeep
from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import Bay, UnknownVehicle, Vehicle, VehicleStatus
from shaodao.cases import tasks as clockwork
from shaodao.foundation import clock
from shaodao.kernel.parking import Parked
from tests.bikes.street import LON, bay, fix, sent, zone


@pytest.fixture
def operator(office):
    tasks._done.clear()
    return office.brought_to("admitted")


def take(operator, *fixes, **given):
    return ingest(operator, sent(*fixes), "mds", clock.now(), **given)


def status(vehicle="a"):
    return VehicleStatus.objects.get(vehicle_id=vehicle)


def tick():
    counts = clockwork.tick(train=False, send=False)
    assert counts["failed"] == 0
    return counts


def test_a_new_bay_and_one_taken_away(operator):
    take(operator, fix("a"), fix("rides", state="on_trip"), fix("far", lon=LON + 0.001))
    assert tick()["rejudged"] == 0
    one = bay()
    assert tick()["rejudged"] == 1
    assert (status().parked, status().bay_id, status().distance_mm) == (Parked.IN_BAY, one.pk, 0)
    assert status("rides").parked is None and status("far").parked == Parked.OUTSIDE
    assert tick()["rejudged"] == 0
    Bay.objects.update(active=False, version=2)
    assert tick()["rejudged"] == 1 and status().bay_id is None


def test_it_judges_as_the_ingest_does(operator, office):
    bay(), bay("B2", LON + 0.0003), zone(lon=LON + 0.001, half_m=30)
    fixes = [fix(f"v{n}", 1, n % 7 * 6 - 10, lon=LON + n * 0.00009, accuracy_m=n % 5) for n in range(60)]
    take(operator, *fixes)
    assert upkeep.rejudge(clock.now()) == 0


def test_a_zone_begins_and_ends_without_any_position(operator):
    one = zone(daily_from=time(10), daily_until=time(11))
    take(operator, fix())
    tick()
    assert status().zone_id is None
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert tick()["rejudged"] == 1 and status().zone_id == one.pk
    with clock.freeze(clock.now() + timedelta(minutes=121)):
        assert tick()["rejudged"] == 1 and status().zone_id is None


def test_the_registry_learns_what_was_seen_and_what_it_lacks(operator):
    now = clock.now()
    Vehicle.objects.create(operator=operator, plate="P1", vehicle_id="a", registered_at=now, updated_at=now)
    Vehicle.objects.create(operator=operator, plate="P2", registered_at=now, updated_at=now)
    take(operator, fix("a", 5), fix("stranger", 5))
    assert tick()["seen"] == 2
    assert Vehicle.objects.get(plate="P1").last_seen_at == now - timedelta(seconds=5)
    assert list(UnknownVehicle.objects.values_list("vehicle_id", "times")) == [("stranger", 1)]
    with clock.freeze(now + timedelta(minutes=9)):
        assert tick()["seen"] == 0
    with clock.freeze(now + timedelta(minutes=11)):
        take(operator, fix("a", 5), fix("stranger", 5))
        assert tick()["seen"] == 2
    assert UnknownVehicle.objects.get().times == 2


def test_what_the_feed_dropped_a_day_ago_is_forgotten(operator):
    take(operator, fix("a", 20), fix("b", 20), snapshot=True)
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        take(operator, fix("a"), snapshot=True)
    with clock.freeze(clock.now() + timedelta(hours=24)):
        assert upkeep.forget(clock.now()) == 0
    with clock.freeze(clock.now() + timedelta(hours=25)):
        assert upkeep.forget(clock.now()) == 1
        assert list(VehicleStatus.objects.values_list("vehicle_id", flat=True)) == ["a"]


def test_ticks_move_positions_into_files(operator):
    take(operator, fix())
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        assert tick()["kept"] == 1 and tick()["kept"] == 0


def test_a_round_with_many_bikes_asks_little(operator, django_assert_max_num_queries):
    bay()
    take(operator, *[fix(f"v{n}", 1) for n in range(300)])
    tick()
    with django_assert_max_num_queries(12):
        tasks.follow(clockwork.Round(clock.now()))
        tasks.move(clockwork.Round(clock.now()))
        tasks.see(clockwork.Round(clock.now()))
