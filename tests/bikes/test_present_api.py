"""What is seen now as JSON: the same numbers as the pages, to the same people."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.foundation import district
from tests.api.conftest import Caller
from tests.bikes.office import table
from tests.bikes.seeing import bay, bike, feed
from tests.town import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def street(office):
    first, second = office.brought_to("admitted", quota=100), office.brought_to("admitted", "BIKE-B", quota=50)
    town = office.town
    bay("P1", 0.2, capacity=1, street=town.street, community=town.communities[0])
    bay("P2", 0.4, capacity=4, street=town.street, community=town.communities[0])
    bay("P3", 4.2, street=town.other_street, community=town.communities[2])
    office.act(first, "import_vehicles", "owner", file=table(("晋B777", "in", "bicycle", "active")))
    feed(first, bike("in", 0.2, east=3, north=1), bike("out", 1.5), bike("ridden", 1.2, state="on_trip"))
    feed(second, bike("in", 0.2, east=6, north=6), bike("far", 4.2, east=3, north=1))
    return first, second


def test_counts(street, call):
    found = call("hq").get("/bikes/present").data
    total = found["total"]
    assert (total["here"], total["judged"], total["in_order"], total["share_in_order"]) == (5, 4, 3, 0.75)
    assert total["classes"]["in_use"] == 1 and sum(total["classes"].values()) == 5
    first, second = found["operators"]
    assert (first["code"], first["here"], first["quota"], first["silent"]) == ("BIKE-A", 3, 100, False)
    assert first["received_at"] == "2021-05-24T01:00:00+00:00" and second["in_order"] == 2
    streets = {s["code"]: s for s in found["streets"]}
    assert (streets["140213050"]["bays"], streets["140213050"]["capacity"], streets["140213050"]["in_bays"]) == (
        2,
        5,
        2,
    )
    assert streets["140213051"]["here"] == 1
    one = call("hq").get("/bikes/present?operator=BIKE-B&street=140213051").data
    assert one["total"]["here"] == 1 and [o["code"] for o in one["operators"]] == ["BIKE-B"]
    assert one["operators"][0]["quota"] is None  # not all of its vehicles are counted here
    with later(hours=1):
        assert call("hq").get("/bikes/present").data["operators"][0]["silent"]


def test_bays_and_groups(street, call):
    found = call("hq").get("/bikes/present/bays").data
    assert [(b["code"], b["vehicles"], b["capacity"], b["state"], b["over"]) for b in found["items"]] == [
        ("P1", 2, 1, "over", 1), ("P3", 1, 10, "room", 0), ("P2", 0, 4, "empty", 0),
    ]  # fmt: skip
    group = call("hq").get("/bikes/present/bays?by=group&street=140213050").data["items"]
    assert [(b["code"], b["members"], b["vehicles"], b["capacity"]) for b in group] == [("P1", ["P1", "P2"], 2, 5)]
    assert call("hq").get("/bikes/present/bays?fill=empty").data["total"] == 1
    page = call("hq").get("/bikes/present/bays?page=2&page_size=2")
    assert len(page.data["items"]) == 1 and page.data["pages"] == 2 and 'rel="prev"' in page["Link"]
    assert call("hq").get("/bikes/present/bays?page=9").data["items"] == []
    assert call("hq").get("/bikes/present/bays?fill=x").status_code == 422


def test_vehicles(street, call):
    found = call("hq").get("/bikes/present/vehicles?sort=-fixes").data
    assert found["total"] == 5 and found["items"][0]["vehicle_id"] == "out"
    ridden = call("hq").get("/bikes/present/vehicles?class=in_use").data["items"][0]
    assert (ridden["class"], ridden["lon"], ridden["lat"], ridden["stood_since"]) == ("in_use", None, None, None)
    (named,) = call("hq").get("/bikes/present/vehicles?q=B777").data["items"]
    assert (named["plate"], named["bay"], named["distance_m"], named["class"]) == ("晋B777", "P1", 0.0, "in_bay")
    assert 0.5 < named["confidence"] <= 1 and ridden["confidence"] is None
    assert named["operator"]["code"] == "BIKE-A" and named["street"]["code"] == "140213050"
    assert call("hq").get("/bikes/present/vehicles?class=order&bay=P1").data["total"] == 2
    for wrong in ("class=x", "mark=x", "sort=x", "q=" + "x" * 101):
        assert call("hq").get(f"/bikes/present/vehicles?{wrong}").status_code == 422
    assert call("hq").get("/bikes/present/vehicles?q=%00&zone=%00").status_code == 200


def test_who_sees_what(street, call):
    _first, second = street
    own = call("owner", second)
    assert own.get("/bikes/present").data["total"]["here"] == 2
    assert [o["code"] for o in own.get("/bikes/present").data["operators"]] == ["BIKE-B"]
    assert own.get("/bikes/present/vehicles?operator=BIKE-A").data["total"] == 0
    assert {b["code"]: b["vehicles"] for b in own.get("/bikes/present/bays").data["items"]} == {
        "P1": 1,
        "P2": 0,
        "P3": 1,
    }
    keeper = call("street")
    assert keeper.get("/bikes/present").data["total"]["here"] == 4
    assert [s["code"] for s in keeper.get("/bikes/present").data["streets"]] == ["140213050"]
    assert all(o["quota"] is None for o in keeper.get("/bikes/present").data["operators"])
    assert keeper.get("/bikes/present/bays").data["total"] == 2
    for path in ("", "/bays", "/vehicles"):
        assert call("hotline").get(f"/bikes/present{path}").status_code == 403
        assert call("hq", scopes=("report",)).get(f"/bikes/present{path}").status_code == 403
        assert Caller().get(f"/bikes/present{path}").status_code == 401


def test_a_constant_number_of_queries(office, street, call, monkeypatch):
    monkeypatch.setattr(district, "SECONDS", 3600)
    hq = call("hq")

    def count(path):
        hq.get(path)
        with CaptureQueriesContext(connection) as found:
            hq.get(path)
        return len(found)

    paths = ("/bikes/present", "/bikes/present/bays", "/bikes/present/bays?by=group", "/bikes/present/vehicles")
    before = [count(path) for path in paths]
    for n in range(20):
        bay(f"Q{n}", 4 + n / 30, 1.5, street=office.town.other_street)
    feed(street[0], *(bike(f"v{n}", 1 + n / 100) for n in range(80)))
    assert [count(path) for path in paths] == before and max(before) <= 9
