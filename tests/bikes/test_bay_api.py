"""Bays and zones as JSON: now and at a time, who may, filters and pages, few queries."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.actions import bays
from shaodao.bikes.bays import imports as bayimport
from shaodao.bikes.bays.queries import BAYS, ZONES
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.api.conftest import Caller
from tests.bikes.outlines import as_csv, geometry, square
from tests.town import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def bay(office):
    return bays.add(BAYS, office.hq, "P-1", geometry(square()), {"name": "永泰路口"})


def test_now_and_at_a_time(office, call, bay):
    start = clock.now()
    with later(days=2):
        bays.change(BAYS, office.hq, bay.pk, {"capacity": "4"})
        hq = call("hq")
        [now] = hq.get("/bikes/bays").data["items"]
        assert (now["code"], now["version"], now["capacity"], now["capacity_given"]) == ("P-1", 2, 4, True)
        assert now["geometry"] == bay.geometry and now["street"]["code"] == "140213050"
        local = clock.local(start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        for at in (local, quote((start + timedelta(days=1)).isoformat())):
            [then] = hq.get(f"/bikes/bays?at={at}").data["items"]
            assert (then["version"], then["capacity"], then["valid_until"]) == (1, 10, now["valid_from"])
        before = quote((start - timedelta(seconds=1)).isoformat())
        assert hq.get(f"/bikes/bays?at={before}").data["total"] == 0
        for wrong in ("yesterday", "0001-01-01T00:00:00%2B08:00", "9999-12-31T23:59:59Z"):
            assert hq.get(f"/bikes/bays?at={wrong}").status_code == 422


def test_filters_pages_and_what_was_taken_away(office, call, bay, tmp_path):
    path = as_csv(tmp_path / "b.csv", {f"A{n}": square(n * 10 + 10) for n in range(5)})
    bayimport.carry_out(bayimport.plan(path, BAYS), Actor.system())
    bays.remove(BAYS, office.hq, bays.add(BAYS, office.hq, "GONE", geometry(square(0, 50)), {}).pk, reason="x")
    bays.add(BAYS, office.hq, "FAR", geometry(square(0, 9000)), {})
    hq = call("hq")
    found = hq.get("/bikes/bays?page_size=4&page=2")
    assert (found.data["total"], found.data["pages"]) == (7, 2) and 'rel="prev"' in found["Link"]
    assert [b["code"] for b in hq.get("/bikes/bays?q=永泰").data["items"]] == ["P-1"]
    assert hq.get("/bikes/bays?street=140213050").data["total"] == 6
    assert hq.get("/bikes/bays?q=%00").status_code == 200
    costs = []
    for size in (1, 7):
        with CaptureQueriesContext(connection) as queries:
            hq.get(f"/bikes/bays?page_size={size}")
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 10


def test_zones(office, call):
    values = {"kind": "no_parking", "daily_from": "07:00", "weekdays": "12345"}
    bays.add(ZONES, office.hq, "Z-1", geometry(square()), values)
    bays.add(ZONES, office.hq, "Z-2", geometry(square()), {"kind": "quota", "quota": 9, "ends_at": "2021-06-01"})
    hq = call("hq")
    one, two = hq.get("/bikes/zones").data["items"]
    assert (one["kind"], one["daily_from"], one["daily_until"], one["weekdays"]) == (
        "no_parking",
        "07:00",
        None,
        "12345",
    )
    assert (two["quota"], two["ends_at"][:19]) == (9, "2021-05-31T16:00:00")
    assert [z["code"] for z in hq.get("/bikes/zones?kind=quota").data["items"]] == ["Z-2"]
    assert hq.get("/bikes/zones?kind=odd").status_code == 422


def test_who_may(office, call, bay):
    operator = office.company()
    for who in ("hq", "department", "street", "owner"):
        assert call(who, operator).get("/bikes/bays").data["total"] == 1
    assert call("hq", scopes=("report",)).get("/bikes/bays").status_code == 403
    other = tokens.issue(office.town.person("hotline"), "t", ["read"], clock.now())[1]
    for path in ("/bikes/bays", "/bikes/zones"):
        assert Caller(other).get(path).status_code == 403
        assert Caller().get(path).status_code == 401
