"""Operators and vehicles as JSON: who gets what, filters, pages, errors in the API's one form."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.api.conftest import Caller
from tests.bikes.office import table

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(office):
    first, second = office.brought_to("admitted", quota=100), office.brought_to("asked", "BIKE-B")
    rows = [(f"A{n}", f"v-{n}", "ebike" if n % 2 else "bicycle", "lost" if n > 6 else "active") for n in range(10)]
    office.act(first, "import_vehicles", "owner", file=table(*rows))
    return first, second


def test_the_list_and_its_filters(call, two):
    found = call("hq").get("/bikes/operators")
    assert found.status_code == 200 and found.data["total"] == 2
    line = found.data["items"][0]
    assert (line["code"], line["state"], line["quota"], line["fleet"]) == ("BIKE-A", "admitted", 100, 7)
    assert line["term_until"] == "2022-05-23" and 'rel="first"' in found["Link"]
    assert [o["code"] for o in call("street").get("/bikes/operators?state=asked").data["items"]] == ["BIKE-B"]
    assert call("hq").get("/bikes/operators?q=bikes%20bike-a").data["total"] == 1
    assert call("hq").get("/bikes/operators?state=nonsense").status_code == 422
    english = call("hq").get("/bikes/operators", Accept_Language="en").data["items"][0]
    assert (english["name"], english["state_label"]) == ("Bikes BIKE-A", "Admitted")


def test_an_operator_gets_itself_only(call, two):
    mine, other = two
    own = call("owner", mine)
    assert [o["code"] for o in own.get("/bikes/operators").data["items"]] == ["BIKE-A"]
    assert own.get("/bikes/operators/BIKE-B").status_code == 404
    assert {v["operator"]["code"] for v in own.get("/bikes/vehicles").data["items"]} == {"BIKE-A"}
    assert call("owner", other).get("/bikes/vehicles?operator=BIKE-A").data["total"] == 0
    assert len(own.get("/bikes/operators/BIKE-A").data["papers"]) == 2


def test_papers_and_events_are_for_both_parties(call, two):
    whole = call("department").get("/bikes/operators/BIKE-A").data
    assert whole["requested_quota"] == 6000 and whole["events"][0]["action"] == "enrol"
    assert whole["counts"]["lost"] == 3 and whole["counts"]["over"] == 0
    assert "张三" not in str(whole) and "1234567" not in str(whole)
    part = call("inspector").get("/bikes/operators/BIKE-A").data
    assert not {"papers", "events", "requested_quota"} & set(part) and part["quota"] == 100


def test_vehicles_by_filter_and_page(call, two):
    hq = call("hq")
    assert hq.get("/bikes/vehicles?kind=ebike").data["total"] == 5
    assert hq.get("/bikes/vehicles?state=lost&seen=false").data["total"] == 3
    assert hq.get("/bikes/vehicles?seen=true").data["total"] == 0
    assert [v["plate"] for v in hq.get("/bikes/vehicles?q=v-3").data["items"]] == ["A3"]
    page = hq.get("/bikes/vehicles?page=2&page_size=4").data
    assert (page["total"], page["pages"], len(page["items"]), page["items"][0]["plate"]) == (10, 3, 4, "A4")


@pytest.mark.parametrize("path", ["/bikes/operators", "/bikes/operators/BIKE-A", "/bikes/vehicles"])
def test_who_may_not_is_told_so(call, two, office, town, path):
    assert Caller().get(path).status_code == 401
    assert call("hq", scopes=("report",)).get(path).status_code == 403
    assert call("owner", two[0], scopes=("bikes",)).get(path).status_code == 403
    for role in ("department", "hotline"):
        key = tokens.issue(town.person(role), "test", ("read",), clock.now())[1]
        refused = Caller(key).get(path)
        assert refused.status_code == 403 and refused.data["type"] == "forbidden"


def test_queries_do_not_grow_with_rows(call, two, office):
    hq = call("hq")

    def count(path):
        hq.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert hq.get(path).status_code == 200
        return len(captured)

    before = [count(p) for p in ("/bikes/operators", "/bikes/vehicles")]
    for n in range(4):
        office.brought_to("admitted", f"BIKE-{n}", quota=5)
    office.act(two[0], "import_vehicles", "owner", file=table(*[(f"Z{n}", "", "bicycle", "active") for n in range(40)]))
    assert [count(p) for p in ("/bikes/operators", "/bikes/vehicles")] == before and max(before) <= 5
