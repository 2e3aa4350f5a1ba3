"""What positions are held against: the grid answers as places do, zones hold when they say, changes are seen."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from shaodao.bikes import rules
from shaodao.bikes.ground import NONE, ground
from shaodao.bikes.models import Bay, Zone
from shaodao.foundation import clock
from shaodao.foundation.models import District
from shaodao.kernel.parking import Parked
from shaodao.places.models import Cell
from shaodao.places.queries import locate
from tests.bikes.street import LAT, LON, METRE, bay, square, zone
from tests.town import SOUTH, STEP, WEST


def judge(lon=LON, lat=LAT, accuracy=None):
    lon, lat = np.atleast_1d(np.float64(lon)), np.atleast_1d(np.float64(lat))
    error = None if accuracy is None else np.full(lon.size, accuracy)
    return ground().judge(lon, lat, error, clock.now())


def test_the_grid_answers_as_places_do(office):
    """Edges and corners of cells included, whole microdegrees all around."""
    x = np.array(
        [WEST - 1, WEST, WEST + 1, WEST + STEP - 1, WEST + STEP, WEST + 4 * STEP, WEST + 6 * STEP - 1, WEST + 6 * STEP]
    )
    y = np.array([SOUTH - 1, SOUTH, SOUTH + STEP - 1, SOUTH + STEP, SOUTH + 2 * STEP - 1, SOUTH + 2 * STEP])
    lon, lat = (a.ravel() / 1e6 for a in np.meshgrid(x, y))
    streets, communities = ground().grid.places(lon, lat)
    for n in range(lon.size):
        found = locate(lon[n], lat[n])
        assert (found.street_id or NONE, found.community_id or NONE) == (streets[n], communities[n])


def test_a_cell_with_a_shape_of_its_own(office):
    cell = Cell.objects.order_by("code").first()
    cell.geometry = square(LON, LAT, 20)
    cell.save()
    _, communities = ground().grid.places(np.array([LON, LON + 0.0004]), np.array([LAT, LAT]))
    assert communities.tolist() == [cell.community_id, NONE]


def test_in_a_bay_near_it_and_outside(office):
    one = bay()
    north = np.array([0.0, 9.0, 20.0, 26.0]) * METRE
    found = judge(np.full(4, LON), LAT + north)
    assert found.parked.tolist() == [Parked.IN_BAY, Parked.NEAR_BAY, Parked.OUTSIDE, Parked.OUTSIDE]
    assert ground().bay_pk[found.bay[0]] == one.pk and found.bay[2] == NONE
    assert found.metres[1] == pytest.approx(4.0, abs=0.05)


def test_a_bay_may_have_its_own_tolerance(office):
    bay(tolerance_m=30.0)
    assert judge(LON, LAT + 26 * METRE).parked.tolist() == [Parked.NEAR_BAY]


def test_accuracy_makes_the_rim_uncertain_also_where_only_the_pack_knows_it(office):
    bay()
    assert judge(LON, LAT + 13 * METRE, 5.0).parked.tolist() == [Parked.UNCERTAIN]
    assert judge(LON, LAT + 13 * METRE).parked.tolist() == [Parked.NEAR_BAY]
    office.settle(parking={"accuracy_m": 5.0})
    assert judge(LON, LAT + 13 * METRE, np.nan).parked.tolist() == [Parked.UNCERTAIN]


def test_changes_are_seen_at_the_next_call(office, django_assert_num_queries):
    assert judge().parked.tolist() == [Parked.OUTSIDE]
    one = bay()
    assert judge().parked.tolist() == [Parked.IN_BAY]
    first = ground()
    with django_assert_num_queries(1):
        assert ground() is first
    bay("B2", LON + 0.001)
    assert ground().revision[2:] == (("bay", 2), ("zone", 0))  # one row for all bays, not one for each
    Bay.objects.filter(pk=one.pk).update(active=False, version=2)
    assert judge().parked.tolist() == [Parked.OUTSIDE]
    office.settle(parking={"tolerance_m": 3.0})
    District.objects.update(loaded_at=clock.now())
    assert ground() is not first


def test_bays_of_another_city_do_not_stop_the_ingest(office):
    bay()
    bay("XM", 118.1, 24.5)
    assert judge().parked.tolist() == [Parked.IN_BAY] and len(ground().index) == 1


def test_a_no_parking_zone_holds_when_it_says(office):
    one = zone(daily_from=time(7), daily_until=time(9, 30))  # it is nine o'clock
    assert judge().zone.tolist() == [one.pk]
    with clock.freeze(clock.now() + timedelta(minutes=31)):
        assert judge().zone.tolist() == [NONE]
    Zone.objects.update(kind="no_riding", version=2)
    assert judge().zone.tolist() == [NONE]


def test_only_what_surely_stands_in_a_zone_is_in_it(office):
    one = zone()
    assert judge(LON, LAT + 15 * METRE, 10.0).zone.tolist() == [NONE]
    assert judge(LON, LAT + 5 * METRE, 10.0).zone.tolist() == [one.pk]


def _zone(**given):
    empty = dict.fromkeys(("begins_at", "ends_at", "daily_from", "daily_until"))
    return SimpleNamespace(**(empty | {"weekdays": ""} | given))


MONDAY = datetime(2021, 5, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "day", "hour", "holds"),
    [
        ({}, 0, 12, True),
        ({"daily_from": time(7), "daily_until": time(9)}, 0, 7, True),
        ({"daily_from": time(7), "daily_until": time(9)}, 0, 9, False),
        ({"daily_from": time(22)}, 0, 23, True),
        ({"daily_from": time(22)}, 0, 21, False),
        ({"daily_until": time(6)}, 0, 5, True),
        ({"daily_until": time(6)}, 0, 6, False),
        ({"daily_from": time(22), "daily_until": time(6)}, 0, 23, True),
        ({"daily_from": time(22), "daily_until": time(6)}, 0, 12, False),
        ({"daily_from": time(22), "daily_until": time(6), "weekdays": "1"}, 0, 23, True),
        ({"daily_from": time(22), "daily_until": time(6), "weekdays": "1"}, 1, 3, True),  # Monday's night goes on
        ({"daily_from": time(22), "daily_until": time(6), "weekdays": "1"}, 0, 3, False),  # that was Sunday's
        ({"daily_from": time(22), "daily_until": time(6), "weekdays": "1"}, 1, 23, False),
        ({"weekdays": "67"}, 5, 12, True),
        ({"weekdays": "67"}, 4, 12, False),
        ({"begins_at": MONDAY + timedelta(hours=8)}, 0, 8, True),
        ({"begins_at": MONDAY + timedelta(hours=8)}, 0, 7, False),
        ({"ends_at": MONDAY + timedelta(hours=8)}, 0, 8, False),
    ],
)
def test_when_a_zone_is_in_force(given, day, hour, holds):
    at = MONDAY + timedelta(days=day, hours=hour)
    assert rules.zone_in_force(_zone(**given), at, at) is holds
