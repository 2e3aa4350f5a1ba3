"""Findings as JSON: what the page says, to the same people."""

import pytest

from shaodao.bikes.models import Finding
from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db
LIST = "/bikes/findings"


@pytest.fixture
def street(two_findings):
    return two_findings


def call(street, role, organisation=None, scopes=("read",)):
    person = street.town.person(role, organisation)
    return Caller(tokens.issue(person, "test", scopes, clock.now())[1])


def test_the_list_and_its_filters(street):
    hq = call(street, "headquarters")
    found = hq.get(LIST).data
    assert (found["total"], found["page"], [f["kind"] for f in found["items"]]) == (2, 1, ["cluster", "over_capacity"])
    one = found["items"][1]
    assert (one["state"], one["bay"], one["count"], one["limit"]) == ("filed", "P1", 8, 4)
    assert one["case"] == Finding.objects.get(rule="over_capacity").case.number
    assert [(s["operator"]["code"], s["bikes"], s["too_many"]) for s in one["shares"]] == [
        ("BIKE-A", 6, 3), ("BIKE-B", 2, 1),
    ]  # fmt: skip
    for query, kinds in {
        "kind=cluster": ["cluster"],
        "operator=BIKE-A": ["over_capacity"],
        "street=140213051": ["cluster"],
        "state=open": [],
        "state=all": ["cluster", "over_capacity"],
        "since=2021-05-24T09:20": ["cluster", "over_capacity"],
        "since=2021-05-24T09:21": [],
        "since=2021-05-24T01:20:00Z": ["cluster", "over_capacity"],
        "operator=x": [],
    }.items():
        assert [f["kind"] for f in hq.get(f"{LIST}?{query}").data["items"]] == kinds, query
    page = hq.get(f"{LIST}?page_size=1&page=2")
    assert page.data["pages"] == 2 and len(page.data["items"]) == 1 and 'rel="prev"' in page["Link"]
    for wrong in ("kind=x", "state=x", "since=x", "since=1970-01-01", "page=0"):
        assert hq.get(f"{LIST}?{wrong}").status_code == 422, wrong


def test_one_with_its_evidence(street):
    row = Finding.objects.get(rule="over_capacity")
    found = call(street, "headquarters").get(f"{LIST}/{row.pk}").data
    assert (found["case"], found["case_state"], found["problem"]) == (row.case.number, "handling", "")
    assert found["asked"]["bays"] == ["P1"] and found["asked"]["minutes"] == 20 and "持续 20 分钟" in found["why"]
    assert len(found["shares"][0]["vehicles"]) == 6 and found["filed_at"]
    for wrong, status in (("0", 422), ("x", 422), ("999999", 404), (str(2**63), 422)):
        assert call(street, "headquarters").get(f"{LIST}/{wrong}").status_code == status, wrong


def test_who_sees_what(street):
    case, cluster = Finding.objects.get(rule="over_capacity"), Finding.objects.get(rule="cluster")
    own = call(street, "operator", street.b.organisation)
    assert own.get(LIST).data["total"] == 2
    found = own.get(f"{LIST}/{case.pk}").data
    assert found["operator"] is None and [s["operator"]["code"] for s in found["shares"]] == ["BIKE-B"]
    assert all(v.startswith("v0-") for v in found["shares"][0]["vehicles"]) and len(found["shares"][0]["vehicles"]) == 2
    assert call(street, "operator", street.a.organisation).get(f"{LIST}/{cluster.pk}").status_code == 404
    keeper = call(street, "street")
    assert keeper.get(LIST).data["total"] == 1 and keeper.get(f"{LIST}/{cluster.pk}").status_code == 404
    assert call(street, "hotline").get(LIST).status_code == 403
    assert call(street, "headquarters", scopes=("report",)).get(LIST).status_code == 403
    assert Caller().get(LIST).status_code == 401 and Caller().get(f"{LIST}/{case.pk}").status_code == 401
