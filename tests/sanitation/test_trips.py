"""A trip on the crew's phone: what is next, done or not with a reason, once, by whoever holds its address; its sheet."""

import copy
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.sanitation.bins import keys
from shaodao.sanitation.models import Crew, DayPlan, FillPoint, Leg, LegReport, Segment, ServiceMode, Trip, Vehicle
from shaodao.sanitation.plan import road
from tests.sanitation.book import book
from tests.town import Town

DAY, NOW = date(2021, 5, 24), datetime(2021, 5, 24, 1, 0, tzinfo=UTC)


def trip_of(plan, services=3):
    """Services on the small book's road with a filling between them."""
    vehicle, crew = Vehicle.objects.get(code="V"), Crew.objects.get()
    trip = Trip.objects.create(plan=plan, vehicle=vehicle, crew=crew, begin_s=32_400, end_s=46_800)
    segments, mode = list(Segment.objects.order_by("code")), ServiceMode.objects.get()
    for n in range(services):
        at = {"begin_s": 32_400 + 600 * n, "end_s": 33_000 + 600 * n, "trip": trip}
        Leg.objects.create(
            **at, seq=2 * n, kind="service", segment=segments[n % 2], mode=mode, pass_no=1, runs=1, metres=1000
        )
        Leg.objects.create(**at, seq=2 * n + 1, kind="fill", fill_point=FillPoint.objects.get(), water_l=900)
    return trip


def published(day=DAY):
    return DayPlan.objects.create(day=day, state="published", made_at=NOW, figures={"illustrative": True})


@pytest.fixture(scope="module")
def _made(shared):
    with clock.freeze(NOW):
        town = Town()
        book()
        return town, trip_of(published()).pk


@pytest.fixture
def made(_made, db):
    with clock.freeze(NOW):
        yield copy.deepcopy(_made[0]), Trip.objects.get(pk=_made[1])


def office_of(town, role):
    client = Client()
    client.force_login(town.person(role))
    return client


def url(trip):
    return f"/sanitation/trips/{road.token_of(trip)}/"


def test_the_next_step_goes_on_as_the_crew_reports(made):
    _town, trip = made
    phone, legs = Client(), list(trip.legs.filter(kind="service"))
    said = phone.get(url(trip)).context
    assert (said["current"].leg, said["said"], said["total"]) == (legs[0], 0, 3)
    assert phone.post(url(trip), {"leg": legs[0].pk, "key": "a", "do": "done"}).status_code == 302
    for wrong in ({"do": "skipped"}, {"do": "skipped", "why": "other"}, {"do": "x"}, {"key": ""}, {"leg": "x\x00"},
                  {"leg": trip.legs.get(seq=1).pk}, {"leg": 10**30}, {"note": "x" * 301}, {"at": "gestern"}):  # fmt: skip
        sent = {"leg": legs[1].pk, "key": "b", "do": "done", "at": ""} | wrong
        assert phone.post(url(trip), sent).status_code == 422, wrong
    sent = {"leg": legs[1].pk, "key": "b", "do": "skipped", "why": "parked"}
    phone.post(url(trip), sent)
    phone.post(url(trip), sent)
    answer = phone.get(url(trip))
    assert [s.leg.seq for s in answer.context["steps"]] == [3, 4, 5, 0, 1, 2]  # fill, go on; what is over below
    assert answer.context["current"].leg == legs[2] and "路边停满车" in answer.content.decode()
    assert LegReport.objects.count() == 2
    phone.post(url(trip), {"leg": legs[1].pk, "key": "c", "do": "done"})  # a correction
    assert road.steps(trip)[2].said.kind == "done" and LegReport.objects.count() == 3


def test_what_was_noted_without_a_network_arrives_once_in_any_order(made):
    _town, trip = made
    one, two, _three = trip.legs.filter(kind="service")
    early, late = (NOW - timedelta(minutes=m) for m in (50, 5))
    notes = [
        {"leg": str(one.pk), "key": "2", "do": "done", "at": late.isoformat()},
        {"leg": str(one.pk), "key": "1", "do": "skipped", "why": "water", "at": early.isoformat()},
        {"leg": "999999", "key": "3", "do": "done"},
        {"leg": str(two.pk), "key": "4", "do": "done", "at": (NOW + timedelta(days=1)).isoformat()},
    ]

    def send(body):
        return Client().post(url(trip) + "queue/", body, content_type="application/json")

    for _again in range(2):
        answer = send(json.dumps(notes)).json()
        assert (answer["1"], answer["2"]) == ("ok", "ok") and "leg" in answer["3"] and "at" in answer["4"]
    assert LegReport.objects.count() == 2 and road.steps(trip)[0].said.kind == "done"
    assert [send(bad).status_code for bad in ("{", "{}", "[1]", json.dumps([{}] * 201))] == [400] * 4


def test_an_address_opens_its_trip_while_its_plan_is_in_force(made):
    _town, trip = made
    other = trip_of(published(DAY + timedelta(days=1)))
    mine, leg = trip.legs.first(), other.legs.first()
    assert Client().post(url(trip), {"leg": leg.pk, "key": "x", "do": "done"}).status_code == 422
    assert Client().get(url(trip).replace("trips/", "trips/x")).status_code == 404
    DayPlan.objects.filter(pk=trip.plan_id).update(state="replaced")
    assert "已经换了" in Client().get(url(trip)).content.decode()
    assert Client().post(url(trip), {"leg": mine.pk, "key": "y", "do": "done"}).status_code == 302
    DayPlan.objects.filter(pk=trip.plan_id).update(state="withdrawn")
    assert Client().get(url(trip)).status_code == 404
    sent = json.dumps([{"leg": str(mine.pk), "key": "z", "do": "done"}])
    answer = Client().post(url(trip) + "queue/", sent, content_type="application/json").json()
    assert "撤回" in answer["z"]["leg"] and LegReport.objects.count() == 1


def test_the_page_and_the_sheet_take_the_same_queries_however_long_the_trip_is(made):
    town, trip = made
    office, sheet = office_of(town, "headquarters"), f"/sanitation/plans/{trip.plan_id}/vehicles/V/sheet/"
    counts = []
    for more in (0, 40):
        segment, mode = Segment.objects.first(), ServiceMode.objects.get()
        Leg.objects.bulk_create(
            Leg(trip=trip, seq=100 + n, kind="service", begin_s=0, end_s=1, segment=segment, mode=mode)
            for n in range(more)
        )
        for client, address in ((Client(), url(trip)), (office, sheet)):
            client.get(address)
            with CaptureQueriesContext(connection) as asked:
                assert client.get(address).status_code == 200
            counts.append(len(asked))
    assert counts[:2] == counts[2:]


def test_who_gets_the_address(made):
    town, trip = made
    sheet = f"/sanitation/plans/{trip.plan_id}/vehicles/V/sheet/"
    assert url(trip) in office_of(town, "headquarters").get(sheet).content.decode()
    looked = office_of(town, "inspector").get(sheet)
    assert looked.status_code == 200 and "/trips/" not in looked.content.decode()
    assert office_of(town, "unit").get(sheet).status_code == 403 and Client().get(sheet).status_code == 302
    assert office_of(town, "headquarters").get(sheet.replace("/V/", "/X/")).status_code == 404
    key = keys.issue(Actor.of(town.person("headquarters")), Crew.objects.get(), "小王")
    assert url(trip) in Client().get(f"/sanitation/crew/{keys.token_of(key)}/").content.decode()
