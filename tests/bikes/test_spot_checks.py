"""Counting a bay by eye: who may, what is written down beside it, what is published."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes import spotchecks
from shaodao.bikes.actions.spotchecks import ALL, Counted, count
from shaodao.bikes.models import SpotCheck
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from tests.bikes.office import png
from tests.bikes.streets import LAT, LON, Street

PAGE = "/bikes/spot-checks/"
PUBLIC = "/bikes/spot-checks/published/"


@pytest.fixture
def street(office):
    """A bay with 4 bikes of A and 2 of B in the feeds, one ridden, one near but outside."""
    made = Street(office)
    made.home = made.bay(capacity=10)
    made.put(made.a, 4)
    made.put(made.b, 2)
    made.put(made.a, 1, metres=1, state="on_trip", prefix="r")
    made.put(made.a, 1, metres=40)
    with made.now():
        made.feed(made.at)
    return made


def browse(street, role, organisation=None, language="zh-hans"):
    client = Client(headers={"Accept-Language": language})
    client.force_login(street.town.person(role, organisation))
    return client


def page(client, path=PAGE, status=200):
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def visit(street, counts, who="inspector", key="k1", **given):
    """Counted by `who`: {"a": 5, ALL: 9}."""
    names = {"a": str(street.a.pk), "b": str(street.b.pk)}
    with street.now():
        sent = Counted({names.get(k, k): v for k, v in counts.items()}, key, **given)
        return count(Actor.of(street.town.person(who)), street.home, sent)


def test_what_the_feeds_say_is_written_beside_the_count(street):
    rows = {row.operator: row for row in visit(street, {"a": "7", "b": 2, ALL: "9"}, position=f"{LON},{LAT + 0.0001}")}
    assert (rows[street.a].counted, rows[street.a].fed, rows[street.a].difference) == (7, 4, 3)
    assert (rows[street.b].fed, rows[street.b].difference) == (2, 0)
    assert (rows[None].counted, rows[None].fed, rows[None].difference) == (9, 6, 3)
    assert rows[street.a].distance_m == pytest.approx(11.1, abs=0.2) and not rows[street.a].silent


def test_the_same_visit_twice_is_one(street):
    first = visit(street, {"a": 7})
    again = visit(street, {"a": 9})
    assert [r.pk for r in first] == [r.pk for r in again] and SpotCheck.objects.get().counted == 7
    with pytest.raises(Invalid):
        visit(street, {"a": 1}, who="street")  # another person's key
    visit(street, {"a": 9}, key="k2")
    assert SpotCheck.objects.count() == 2


def test_a_silent_feed_is_said_and_left_out_of_the_mean(street):
    street.later(60)
    assert all(row.silent for row in visit(street, {"a": 9, ALL: 9}))
    street.silent = {street.b}
    with street.now():
        street.feed(street.at)
    found = {row.operator: row.silent for row in visit(street, {"a": 6, "b": 2, ALL: 8}, key="k2")}
    assert found == {street.a: False, street.b: True, None: True}
    with street.now():
        rows = {row["unit"].code: row for row in spotchecks.summary()}
    assert (rows["BIKE-A"]["n"], rows["BIKE-A"]["n_silent"], rows["BIKE-A"]["mean"]) == (1, 1, 2.0)
    assert (rows["BIKE-B"]["n"], rows["BIKE-B"]["mean"]) == (0, None)


def test_the_mean_of_what_is_off_either_way(street):
    visit(street, {"a": 7}, key="k1")
    visit(street, {"a": 3}, key="k2")
    with street.now():
        row = spotchecks.summary()[0]
    assert (row["n"], row["by_eye"], row["by_feed"], row["mean"], row["bias"]) == (2, 10, 8, 2.0, 1.0)
    with clock.freeze(street.at + timedelta(days=31)):
        assert spotchecks.summary() == []


@pytest.mark.parametrize(("who", "may"), [
    ("inspector", True), ("street", True), ("street_leader", True), ("community", True),
    ("headquarters", False), ("duty_leader", False), ("department", False), ("admin", False),
])  # fmt: skip
def test_who_counts(street, who, may):
    if may:
        assert visit(street, {"a": 4}, who=who)
    else:
        with pytest.raises(Refused):
            visit(street, {"a": 4}, who=who)


def test_not_in_another_street_and_never_by_an_operator(street):
    with street.now():
        for organisation, role in ((street.town.other_office, "street"), (street.a.organisation, "operator")):
            with pytest.raises(Refused):
                count(street.town.actor(role, organisation), street.home, Counted({ALL: 1}, "k"))
    client = browse(street, "operator", street.a.organisation)
    assert client.get(f"{PAGE}at/P1/").status_code == 403
    assert client.post(f"{PAGE}at/P1/", {"count_all": "1", "key": "x"}).status_code == 403
    assert not SpotCheck.objects.exists()


@pytest.mark.parametrize(("counts", "given", "where"), [
    ({}, {}, "all"), ({"a": "-1"}, {}, "a"), ({"a": "x"}, {}, "a"), ({"a": "٣"}, {}, "a"), ({"a": "2001"}, {}, "a"),
    ({"a": "1" * 30}, {}, "a"), ({"a": "1\x00"}, {}, "a"), ({"a": 1}, {"position": "abc"}, "position"),
    ({"a": 1}, {"position": "300,100"}, "position"), ({"a": 1}, {"note": "长" * 301}, "note"),
    ({"a": 1}, {"key": ""}, "key"), ({"a": 1}, {"key": "k" * 41}, "key"), ({"999999": 1}, {}, "999999"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(street, counts, given, where):
    with pytest.raises(Invalid) as caught:
        visit(street, counts, **given)
    assert {str(street.a.pk): "a"}.get(next(iter(caught.value.errors)), next(iter(caught.value.errors))) == where
    assert not SpotCheck.objects.exists()


def test_by_hand_on_the_phone(street):
    client = browse(street, "street")
    with street.now():
        assert "点位P1" in page(client) and "从未" in page(client)
        form = page(client, f"{PAGE}at/P1/?near={LON},{LAT}")
        assert "单车BIKE-A" in form and f"{LON},{LAT}" in form
        key = re.search(r'name="key" value="(\w+)"', form)[1]
        photo = SimpleUploadedFile("bay.png", png("red"), "image/png")
        given = {
            "key": key,
            f"count_{street.a.pk}": "5",
            "photos": photo,
            "note": "有三辆倒地\x00",
            "position": f"{LON},{LAT}",
        }
        response = client.post(f"{PAGE}at/P1/", given)
        assert response.status_code == 302
        said = page(client)
    assert "清点 5 辆，数据 4 辆" in said and "+1" in said and "有三辆倒地" in said
    row = SpotCheck.objects.get()
    assert row.upload and row.operator == street.a and "/media/thumbnail/" in said
    assert client.get(f"/media/thumbnail/{row.upload_id}/").status_code == 200
    other = browse(street, "street", street.town.other_office)
    assert other.get(f"/media/thumbnail/{row.upload_id}/").status_code in (403, 404)
    assert Client().get(f"/media/thumbnail/{row.upload_id}/").status_code in (302, 403, 404)


def test_the_form_keeps_what_was_typed_and_does_not_say_what_the_feeds_say(street):
    client = browse(street, "inspector")
    with street.now():
        before = page(client, f"{PAGE}at/P1/")
        response = client.post(f"{PAGE}at/P1/", {"key": "x", f"count_{street.a.pk}": "five", "note": "你好"})
    said = response.content.decode()
    assert response.status_code == 422 and "five" in said and "你好" in said and "0 到 2000" in said
    assert not re.search(r"数据 \d", before)
    broken = SimpleUploadedFile("x.png", b"no picture", "image/png")
    with street.now():
        response = client.post(f"{PAGE}at/P1/", {"key": "x", "count_all": "5", "photos": broken})
    assert response.status_code == 422 and not SpotCheck.objects.exists()


def test_the_nearest_bays_and_those_that_wait_longest(street):
    far = street.bay("P2", capacity=5, metres=100)
    street.bay("P3", capacity=5, metres=50)
    with street.now():
        actor = street.town.actor("inspector").facts
        near = spotchecks.bays(actor, near=(LON, LAT + 90 / 111_320))
        assert [(b.code, b.metres) for b in near] == [("P2", 10), ("P3", 40), ("P1", 90)]
        assert [b.code for b in spotchecks.bays(actor)] == ["P1", "P2", "P3"]
        assert [b.code for b in spotchecks.bays(actor, text="P3")] == ["P3"]
    visit(street, {"a": 4})
    with street.now():
        assert [b.code for b in spotchecks.bays(actor)] == ["P2", "P3", "P1"]
        assert spotchecks.bays(street.town.actor("street", street.town.other_office).facts) == []
    far.active = False
    far.save()
    assert browse(street, "inspector").get(f"{PAGE}at/P2/").status_code == 404


def test_who_reads_what(street):
    visit(street, {"a": 7, "b": 1, ALL: 8})
    with street.now():
        assert page(browse(street, "headquarters")).count("data-check=") == 3
        assert page(browse(street, "street")).count("data-check=") == 3
        assert page(browse(street, "street", street.town.other_office)).count("data-check=") == 0
        own = page(browse(street, "operator", street.a.organisation))
        assert own.count("data-check=") == 1 and own.count("data-summary=") == 2  # the sums are everybody's
        assert "该清点的点位" not in own
        assert "counted by eye" in page(browse(street, "headquarters", language="en")).lower()
    page(browse(street, "department"), status=403)
    assert Client().get(PAGE).status_code == 302


def test_published_where_the_pack_says_so(street):
    visit(street, {"a": 7})
    assert Client().get(PUBLIC).status_code == 404
    street.office.settle(spot_checks={"published": True})
    with street.now():
        said = Client().get(PUBLIC).content.decode()
    assert "单车BIKE-A" in said and ">3.0<" in said and "点位P1" not in said and "inspector" not in said


@pytest.mark.parametrize("query", ["near=x", "near=1%00,2", "near=999,999", "q=%00", "page=x", "near=,"])
def test_odd_addresses(street, query):
    assert browse(street, "inspector").get(f"{PAGE}?{query}").status_code == 200
    assert browse(street, "inspector").get(f"{PAGE}at/a%00b/").status_code == 404


def test_a_constant_number_of_queries(street):
    client = browse(street, "inspector")

    def asked() -> int:
        with street.now(), CaptureQueriesContext(connection) as caught:
            page(client, f"{PAGE}?near={LON},{LAT}")
        return len(caught)

    visit(street, {"a": 1}, key="first")
    few = min(asked(), asked())  # the district's settings are read again every few seconds
    for n in range(10):
        street.bay(f"M{n}", capacity=1, metres=n * 12 - 40)
        visit(street, {"a": n, "b": 1, ALL: 3}, key=f"k{n}x")
    assert min(asked(), asked()) == few
