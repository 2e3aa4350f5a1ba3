"""What other parameters would say: at the present ones exactly what the page of the present counts."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.models import VehicleStatus
from shaodao.bikes.seen import effect, present
from shaodao.foundation import clock, district
from tests.bikes.seeing import bay, bike, feed, zone

pytestmark = pytest.mark.django_db
PAGE = "/bikes/parameters/"


@pytest.fixture
def street(office):
    """Bikes 0, 1, 4, 9, 14, 19, 29 and 60 m north of a bay, one in a zone, one with an accuracy, one in use."""
    operator = office.brought_to("admitted")
    bay("P1", 0.2)
    zone("Z1", 2.2)
    north = {"m0": 1, "m1": 3, "m4": 6, "m9": 11, "m14": 16, "m19": 21, "m29": 31, "m60": 62}
    bikes = [bike(name, 0.2, east=6, north=metres) for name, metres in north.items()]
    more = [bike("zone", 2.2, east=5, north=5), bike("ride", 0.2, state="on_trip"), bike("sure", 4.0, accuracy_m=3)]
    feed(operator, *bikes, *more)
    return operator


def fleet():
    return effect.Fleet.read(VehicleStatus.objects.all(), clock.now())


def test_each_tolerance(office, street):
    found = {
        e.value: (e.in_bay, e.near_bay, e.outside, e.zone, e.uncertain)
        for e in effect.by_tolerance(fleet(), clock.now())
    }
    assert found == {
        0: (1, 0, 8, 1, 0), 2: (1, 1, 7, 1, 0), 5: (1, 2, 6, 1, 0), 10: (1, 3, 5, 1, 0), 15: (1, 4, 4, 1, 0),
        20: (1, 5, 3, 1, 0), 30: (1, 6, 2, 1, 0),
    }  # fmt: skip


def test_the_present_one_is_what_the_page_counts(office, street):
    bay("OWN", 4.05, 1.5, tolerance_m=15)
    feed(street, *(bike(f"x{n}", 4, 1.5, north=-10 - n, accuracy_m=n) for n in range(6)))
    tally = present.count(present.classed(VehicleStatus.objects.all(), clock.now()), clock.now()).total()
    for rows in (effect.by_tolerance(fleet(), clock.now()), effect.by_accuracy(fleet(), clock.now())):
        (own,) = [e for e in rows if e.present]
        for name in ("in_bay", "near_bay", "outside", "zone", "uncertain"):
            assert getattr(own, name) == tally.by[name], name
        assert own.share == tally.share and tally.by["uncertain"] > 0


def test_a_bay_of_its_own_tolerance_keeps_it(office):
    operator = office.brought_to("admitted")
    bay("OWN", 0.2, tolerance_m=3)
    feed(operator, bike("a", 0.2, east=6, north=4), bike("b", 0.2, east=6, north=9))
    assert {(e.order, e.outside) for e in effect.by_tolerance(fleet(), clock.now())} == {(1, 1)}


def test_more_error_is_more_uncertain(office, street):
    found = {e.value: e.uncertain for e in effect.by_accuracy(fleet(), clock.now())}
    assert found[0] == 0 and list(found.values()) == sorted(found.values()) and found[20] >= 4
    office.settle(parking={"accuracy_m": 7})
    assert [e.value for e in effect.by_accuracy(fleet(), clock.now()) if e.present] == [7]


def test_thresholds(office, street):
    marks = present.count(present.classed(VehicleStatus.objects.all(), clock.now()), clock.now()).total().marks
    found = {n.value: n.n for n in effect.by_fixes(fleet())}
    assert found[1] == 6 and found[3] == marks["violation"] == 0
    assert {n.value: n.n for n in effect.by_idle(fleet(), clock.now())}[7] == marks["idle"] == 0
    assert [n.value for n in effect.by_silence(fleet(), clock.now()) if n.present] == [4]


def test_the_page(office, street, monkeypatch):
    monkeypatch.setattr(district, "SECONDS", 3600)
    client = Client()
    client.force_login(office.hq.person)
    text = client.get(PAGE).content.decode()
    table = text.split('data-table="tolerance"')[1].split("</table>")[0]
    (line,) = re.findall(r'<tr data-value="(\d+)" class="fw-bold"', table)
    assert line == "10" and "40.0%" in table and "settings.bikes.parking.fixes" in text
    with CaptureQueriesContext(connection) as before:
        client.get(PAGE)
    feed(street, *(bike(f"n{n}", 1 + n / 100) for n in range(50)))
    with CaptureQueriesContext(connection) as after:
        client.get(PAGE)
    assert len(before) == len(after) < 14


def test_an_empty_district_and_a_stranger(office):
    client = Client()
    client.force_login(office.hq.person)
    assert "现在没有停着的车" in client.get(PAGE).content.decode()
    client.force_login(office.town.person("hotline"))
    assert client.get(PAGE).status_code == 403
