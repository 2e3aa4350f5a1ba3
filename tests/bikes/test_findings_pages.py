"""The page of findings: who sees which, what it says, what the operator does with its case."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.models import Finding
from tests.bikes.streets import only

PAGE = "/bikes/findings/"


@pytest.fixture
def street(two_findings):
    return two_findings


def browse(street, role, organisation=None, language="zh-hans"):
    client = Client(headers={"Accept-Language": language})
    client.force_login(street.town.person(role, organisation))
    return client


def text(client, path=PAGE, status=200):
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def test_the_headquarters_see_everything(street):
    said = text(browse(street, "headquarters"))
    assert "点位超容" in said and "点位外聚集" in said and "v0-0" in said and "far-0" in said
    assert "单车BIKE-A 6 辆，应清走 3 辆" in said.replace("\n", "") or "6 辆，应清走 3 辆" in said
    for finding in Finding.objects.all():
        assert finding.case.number in said
    assert "持续 20 分钟立案" in said
    english = text(browse(street, "headquarters", language="en"))
    assert "over capacity" in english.lower() and "点位" not in english.replace("点位P1", "")


def test_a_street_sees_its_own(street):
    here, there = text(browse(street, "street")), text(browse(street, "street", street.town.other_office))
    assert 'data-finding="' in here and "点位P1" in here and "far-0" not in here
    assert "far-0" in there and "点位P1" not in there
    community = text(browse(street, "community"))
    assert "点位P1" in community and "far-0" not in community


def test_an_operator_sees_its_own_bikes_only(street):
    own = text(browse(street, "operator", street.a.organisation))
    assert "v0-0" in own and "far-0" not in own and "单车BIKE-B" not in own
    other = text(browse(street, "operator", street.b.organisation))
    assert "far-0" in other and "单车BIKE-A" not in other
    assert other.count("v0-") == 2  # its two bikes in the full bay
    case = Finding.objects.get(rule="over_capacity").case
    assert f"/work/cases/{case.number}/" in own or case.number in own


def test_a_department_that_has_nothing_to_do_with_bikes_sees_nothing(street):
    text(browse(street, "department"), status=403)
    assert 'data-finding="' in text(browse(street, "department", street.town.urban))
    assert Client().get(PAGE).status_code == 302


@pytest.mark.parametrize(("query", "seen"), [
    ("rule=cluster", 1), ("rule=idle", 0), ("state=cleared", 0), ("state=filed", 2), ("state=all", 2), ("state=x%00y", 2),
    ("operator=BIKE-B", 1), ("operator=%00", 2), ("rule=nonsense", 2), ("page=99", 2),
])  # fmt: skip
def test_filters(street, query, seen):
    assert text(browse(street, "headquarters"), f"{PAGE}?{query}").count('data-finding="') == seen


def test_a_rule_that_is_off_says_so(street):
    street.settle(idle={"enabled": False}, cluster={"category": ""}, no_parking={"category": "event-9"})
    said = text(browse(street, "headquarters"))
    assert said.count("规则已关闭") == 2  # over_quota is off in this town
    assert "只列出，不立案" in said and "目录里没有 event-9" in said


def test_a_constant_number_of_queries(street):
    client = browse(street, "headquarters")

    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            text(client)
        return len(caught)

    few = min(asked(), asked())  # the district's settings are read again every few seconds
    street.office.settle(parking={"group_m": 0})  # each bay for itself
    for n in range(12):
        street.bay(f"M{n}", capacity=1, metres=n * 12 - 40)
        street.put(street.a, 3, metres=n * 12 - 40)
    street.later(1)
    street.go()
    assert Finding.objects.count() > 8
    assert min(asked(), asked()) == few


def test_the_operator_answers_at_its_desk(street):
    row = only(rule="over_capacity")
    on = row.case.assignments.get(organisation=street.a.organisation)
    client = browse(street, "operator", street.a.organisation)
    with street.now():
        assert row.case.number in text(client, "/work/sign/")
        response = client.post(
            f"/work/cases/{row.case.number}/do/report_in/{on.pk}/",
            {"version": row.case.version, "position": "113.2005,40.0005"},
        )
        assert response.status_code in (302, 303), response.content.decode()[:500]
    on.refresh_from_db()
    assert on.state == "arrived"
    other = browse(street, "operator", street.b.organisation)
    row.case.refresh_from_db()
    with street.now():
        given = {"result": "x", "version": row.case.version}
        denied = other.post(f"/work/cases/{row.case.number}/do/finish/{on.pk}/", given)
    assert denied.status_code == 403
