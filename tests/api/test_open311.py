"""Open311 GeoReport v2: every address, every filter, every error, in XML and JSON, and through PyPI's `georeport`."""

import re
from datetime import timedelta
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from georeport import GeoReport

from shaodao.cases.models import Case, Contact, Photo, Report
from shaodao.catalogue.models import Attribute
from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.pictures import picture
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")
BASE = "/open311/v2"
W3C = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$")
LITTER = {"service_code": "event-0110", "lat": "40.0005", "long": "113.2005", "description": "路边有一堆垃圾"}


@pytest.fixture
def gateway(town):
    """A key of an app that stands between the public and us: a person without posts."""
    person = town.person("hotline")
    return tokens.issue(person, "app", ["report"], clock.now())[1]


def get(path: str, **query):
    return Client().get(f"{BASE}/{path}", query)


def rows(path: str, **query):
    answer = get(path, **query)
    assert answer.status_code == 200, answer.content.decode()
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    return answer.json()


def post(data: dict, form: str = "json", path: str = "requests", **headers):
    return Client(enforce_csrf_checks=True).post(f"{BASE}/{path}.{form}", data, headers=headers)


def ids(**query) -> set[str]:
    return {r["service_request_id"] for r in rows("requests.json", **query)}


def publish(town, case: Case, text: str = "迎宾街垃圾", photos: tuple[int, ...] = ()) -> Case:
    return town.act("publish", case, "intake", published=True, public_text=text, public_photos=list(photos)).case


# ── what can be reported ─────────────────────────────────────────────────────────────────────────────────────────


def test_discovery(town):
    found = rows("discovery.json")["endpoints"][0]
    assert found["specification"] == "http://wiki.open311.org/GeoReport_v2" and found["url"].endswith("/open311/v2")
    root = ElementTree.fromstring(get("discovery.xml").content)
    assert root.tag == "discovery"
    assert [f.text for f in root.findall("endpoints/endpoint/formats/format")] == ["text/xml", "application/json"]


def test_services_and_their_questions_in_both_forms(town):
    values = [{"key": "a<b", "name": "很多 & 更多", "name_en": "Many"}]
    Attribute.objects.create(category=town.litter, code="HOW", datatype="singlevaluelist", required=True, order=2,
                             description="多少", description_en="How much", values=values)  # fmt: skip
    Attribute.objects.create(category=town.litter, code="SINCE", datatype="datetime", order=1, description="何时起")
    town.pipe.public = False
    town.pipe.save()
    listed = rows("services.json")
    assert [s["service_code"] for s in listed] == ["event-0110"] and listed[0]["metadata"] is True
    answer = get("services.xml")
    assert answer["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "services" and root.find("service/metadata").text == "true"
    assert [e.tag for e in root.find("service")] == [
        "service_code", "service_name", "description", "metadata", "type", "keywords", "group"]  # fmt: skip
    root = ElementTree.fromstring(get("services/event-0110.xml").content)
    assert root.tag == "service_definition"
    assert [e.text for e in root.findall("attributes/attribute/code")] == ["SINCE", "HOW"]
    value = root.find("attributes/attribute[2]/values/value")
    assert (value.find("key").text, value.find("name").text) == ("a<b", "很多 & 更多")
    assert root.find("attributes/attribute[1]/values") is None
    english = Client().get(f"{BASE}/services/event-0110.json", headers={"Accept-Language": "en"}).json()
    assert english["attributes"][1]["description"] == "How much"
    assert get("services/component-0101.json").status_code == 404


# ── requests out ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_published_is_only_service_street_and_status(town):
    case = town.report(address="迎宾街 12 号 3 单元王小明家", lon=113.20051, lat=40.00049)
    (row,) = rows("requests.json")
    assert row["service_request_id"] == case.number and row["status"] == "open"
    assert row["description"] is None and row["media_url"] is None and row["address_id"] is None
    assert (row["address"], row["lat"], row["long"]) == ("永泰街道", 40.0, 113.2)
    assert "王小明" not in str(row) and W3C.match(row["requested_datetime"])
    assert row["agency_responsible"] == "总指挥部办公室" and row["service_name"] == "暴露垃圾"
    assert ids(q="垃圾堆") == set()
    publish(town, case)
    (row,) = rows("requests.json")
    assert row["description"] == "迎宾街垃圾" and row["lat"] == 40.00049 and row["address_id"] == "140213050001001"
    assert ids(q="迎宾") == {case.number}


def test_status_and_agency_and_times(town):
    case = town.handling()
    (row,) = rows("requests.json")
    assert row["agency_responsible"] == "环卫中心"
    assert row["expected_datetime"] == "2021-05-24T15:00:00+08:00"  # four working hours from nine
    part = case.assignments.get().pk
    with later(hours=1):
        town.act("sign", case, "department", on=part)
        (row,) = rows("requests.json")
        assert row["updated_datetime"] == "2021-05-24T10:00:00+08:00"
        town.act("finish", case, "department", on=part, result="清")
        town.act("verify", case, "inspector", passed=True)
        town.act("close", case, "duty_leader")
    (row,) = rows("requests.json", extensions="true")
    assert row["status"] == "closed" and "已解决" in row["status_notes"]
    assert row["extended_attributes"]["outcome"] == "fixed"
    not_fixed = town.act("close_not_fixed", town.filed(lat=40.0015), "duty_leader", reason="x").case
    (row,) = rows("requests.json", service_request_id=not_fixed.number)
    assert "未解决" in row["status_notes"]


def test_filters(town):
    with clock.freeze(clock.now() - timedelta(days=100)):
        old = town.report(lat=40.0011)
    with clock.freeze(clock.now() - timedelta(days=10)):
        pipe = town.report(category=town.pipe, lat=40.0016)
    closed = town.act("decline", town.report(lon=113.2045), "intake", reason="不属实").case
    fresh = town.report()
    everything = {pipe.number, closed.number, fresh.number}
    assert ids() == everything  # the last 90 days
    assert ids(service_request_id=f"{old.number},{fresh.number}", status="closed") == {old.number, fresh.number}
    assert ids(service_code="component-0101") == {pipe.number}
    assert ids(service_code="component-0101,event-0110") == everything
    assert ids(status="open") == {pipe.number, fresh.number}
    assert ids(status="closed") == {closed.number}
    assert ids(status="open,closed") == everything
    assert ids(start_date="2021-05-20T00:00:00+08:00") == {closed.number, fresh.number}
    assert ids(start_date="2021-02-01T00:00:00Z") == {old.number}  # 90 days from there
    assert ids(end_date="2021-05-20T00:00:00Z") == {old.number, pipe.number} - {old.number}
    assert ids(start_date="2021-05-24T09:00:00+08:00", end_date="2021-05-24T01:00:00Z") == {closed.number, fresh.number}
    assert ids(updated_after="2021-05-24T00:00:00Z") == {closed.number, fresh.number}
    assert ids(updated_before="2021-05-20T00:00:00Z") == {old.number, pipe.number}
    assert ids(jurisdiction_id="140213") == everything
    assert ids(page=1, page_size=2) == {closed.number, fresh.number}
    assert ids(page=2, page_size=2) == {pipe.number}
    assert ids(page=9) == set()
    assert ids(lat="40.0", long="113.2", radius="100") == {pipe.number, fresh.number, closed.number}
    assert ids(lat="40.02", long="113.2", radius="500") == set()


def test_a_plus_that_became_a_space_is_mended(town):
    case = town.report()
    answer = Client().get(f"{BASE}/requests.json?start_date=2021-05-24T09:00:00+08:00")
    assert [r["service_request_id"] for r in answer.json()] == [case.number]
    answer = Client().get(f"{BASE}/requests.json?start_date={quote('2021-05-24 08:30')}")
    assert len(answer.json()) == 1


def test_radius_measures_from_what_is_shown(town):
    """Nobody finds out by a small circle where an unpublished case is."""
    case = town.report(lon=113.2035, lat=40.0015)
    exact = {"lat": "40.0015", "long": "113.2035", "radius": "50"}
    assert ids(**exact) == set()
    publish(town, case)
    assert ids(**exact) == {case.number}


def test_one_request_and_tokens(town):
    case = town.report()
    (row,) = rows(f"requests/{case.number}.json")
    assert row["service_request_id"] == case.number
    root = ElementTree.fromstring(get(f"requests/{case.number}.xml").content)
    assert root.tag == "service_requests" and root.find("request/status").text == "open"
    report = case.reports.get()
    token = f"{report.pk}-{report.follow_code}"
    assert rows(f"tokens/{token}.json") == [{"service_request_id": case.number, "token": token}]
    assert rows(f"tokens/{case.number}.json")[0]["service_request_id"] == case.number
    assert get(f"tokens/{report.pk}-WRONG.json").status_code == 404
    assert get("requests/2020-000001.xml").status_code == 404


def test_categories_that_are_not_public_stay_inside(town):
    town.pipe.public = False
    town.pipe.save()
    case = town.report(category=town.pipe)
    assert ids() == set() and get(f"requests/{case.number}.json").status_code == 404
    publish(town, case)
    assert ids() == {case.number}


def test_a_constant_number_of_queries(town):
    town.report()
    rows("requests.json")
    with CaptureQueriesContext(connection) as few:
        rows("requests.json")
    for i in range(20):
        publish(town, town.report(lat=40.0001 + i / 20000))
    with CaptureQueriesContext(connection) as many:
        assert len(rows("requests.json")) == 21
    assert len(many) == len(few) <= 5


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("requests.json?status=new", 400),
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?start_date=2021-13-01T00:00:00Z", 400),
        ("requests.json?start_date=0001-01-01T00:00:00%2B08:00", 400),
        ("requests.json?start_date=2021-01-01T00:00:00Z&end_date=2021-05-01T00:00:00Z", 400),
        ("requests.json?start_date=2021-05-02T00:00:00Z&end_date=2021-05-01T00:00:00Z", 400),
        ("requests.json?service_code=event-9999", 404),
        ("requests.json?service_request_id=2021-999999", 404),
        ("requests.json?service_request_id=" + "9" * 50, 404),
        ("requests.json?jurisdiction_id=elsewhere", 404),
        ("requests.json?page=0", 400),
        ("requests.json?page_size=1001", 400),
        ("requests.json?lat=40", 400),
        ("requests.json?lat=x&long=1", 400),
        ("requests.json?lat=nan&long=1", 400),
        ("requests.json?lat=91&long=1", 400),
        ("services/nothing.json", 404),
        ("services/event-%00.json", 404),
        ("requests/%00.json", 404),
        ("nothing.json", 404),
        ("requests.yaml", 404),
    ],
)
def test_errors_are_the_standards_list(town, path, code):
    answer = Client().get(f"{BASE}/{path}")
    assert answer.status_code == code, answer.content
    if path.endswith(("nothing.json", "yaml")) and "services" not in path:
        assert ElementTree.fromstring(answer.content).tag == "errors"
    else:
        (error,) = answer.json()
        assert error["code"] == code and error["description"]
    as_xml = Client().get(f"{BASE}/{path.replace('.json', '.xml')}")
    root = ElementTree.fromstring(as_xml.content)
    assert as_xml.status_code == code and as_xml["Content-Type"] == "text/xml; charset=utf-8"
    assert root.tag == "errors" and root.find("error/code").text == str(code)


def test_other_methods_are_405(town):
    answer = Client().delete(f"{BASE}/requests.json")
    assert answer.status_code == 405 and answer["Allow"] == "GET, POST" and answer.json()[0]["code"] == 405
    assert Client().post(f"{BASE}/services.xml").status_code == 405


# ── requests in ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_post_with_everything(town, gateway):
    Attribute.objects.create(category=town.litter, code="HOW", datatype="multivaluelist", required=True,
                             description="多少", values=[{"key": "a", "name": "甲"}, {"key": "b", "name": "乙"}])  # fmt: skip
    photo = SimpleUploadedFile("a.jpg", picture("JPEG", (120, 80)), "image/jpeg")
    sent = {**LITTER, "api_key": gateway, "jurisdiction_id": "140213", "attribute[HOW]": ["a", "b"],
            "email": "li@example.com", "first_name": "雷", "last_name": "李", "phone": "13812345678",
            "device_id": "x1", "account_id": "77", "media": photo, "media_url": "https://example.com/p.jpg",
            "address_string": "迎宾街 5 号"}  # fmt: skip
    answer = post(sent)
    assert answer.status_code == 200, answer.content
    case, report, contact = Case.objects.get(), Report.objects.get(), Contact.objects.get()
    assert answer.json() == [{"service_request_id": case.number, "service_notice": "", "account_id": "77"}]
    assert report.attributes == {"HOW": ["a", "b"], "media_url": "https://example.com/p.jpg"}
    assert (contact.name, contact.phone, contact.email) == ("李雷", "13812345678", "li@example.com")
    assert Photo.objects.get().report == report and case.street == town.street
    assert "李雷" not in get("requests.json").content.decode()


def test_post_in_xml_by_grid_code_or_by_words(town, gateway):
    by_cell = {"service_code": "event-0110", "api_key": gateway, "address_id": "140213050001001", "description": "x"}
    root = ElementTree.fromstring(post(by_cell, "xml").content)
    assert root.tag == "service_requests" and root.find("request/service_request_id").text == Case.objects.get().number
    by_words = {"service_code": "event-0110", "api_key": gateway, "address_string": "迎宾街 5 号", "description": "x"}
    assert post(by_words).status_code == 200
    assert Case.objects.latest("id").address == "迎宾街 5 号"


def test_a_token_on_demand_leads_back(town, gateway):
    (made,) = post({**LITTER, "api_key": gateway, "extensions": "true"}).json()
    assert rows(f"tokens/{made['token']}.json")[0]["service_request_id"] == made["service_request_id"]


def test_sent_twice_with_one_key_is_one_report(town, gateway):
    answers = [post({**LITTER, "api_key": gateway}, **{"Idempotency-Key": "k"}).json() for _i in range(2)]
    assert answers[0] == answers[1] and Report.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"api_key": None}, 403, "api_key"),
        ({"api_key": "sd_wrong"}, 403, "api_key"),
        ({"service_code": None}, 400, "service_code"),
        ({"service_code": "event-9999"}, 404, "event-9999"),
        ({"lat": None, "long": None}, 400, "address_id"),
        ({"lat": None}, 400, "lat"),
        ({"lat": "north"}, 400, "lat"),
        ({"lat": "39.9", "long": "116.4"}, 400, "lat/long"),
        ({"lat": None, "long": None, "address_id": "123"}, 400, "address_id"),
        ({"description": None}, 400, "description"),
        ({"description": "x" * 4001}, 400, "description"),
        ({"email": "nobody"}, 400, "email"),
        ({"media_url": "file:///etc/passwd"}, 400, "media_url"),
        ({"attribute[WHAT]": "x"}, 400, "attributes.WHAT"),
        ({"jurisdiction_id": "elsewhere"}, 404, "elsewhere"),
        ({"phone": "1" * 31}, 400, "phone"),
        ({"first_name": "x" * 61}, 400, "first_name"),
    ],
)
def test_post_errors(town, gateway, change, code, says):
    sent = {k: v for k, v in ({**LITTER, "api_key": gateway} | change).items() if v is not None}
    answer = post(sent)
    assert answer.status_code == code and says in answer.json()[0]["description"], answer.json()
    assert not Case.objects.exists()
    assert ElementTree.fromstring(post(sent, "xml").content).find("error/code").text == str(code)


def test_a_key_without_the_scope_is_no_key(town):
    plain = tokens.issue(town.person("hotline"), "r", ["read"], clock.now())[1]
    assert post({**LITTER, "api_key": plain}).status_code == 403


def test_control_characters_and_markup_survive_as_text(town, gateway):
    sent = {**LITTER, "api_key": gateway, "description": "a\x00\x08<b>&c"}
    assert post(sent).status_code == 200
    case = Case.objects.get()
    publish(town, case, "x <b> & y")
    root = ElementTree.fromstring(get("requests.xml").content)
    assert root.find("request/description").text == "x <b> & y"
    assert Report.objects.get().text == "a<b>&c"


def test_an_address_in_words_finds_its_street(town, gateway):
    sent = {"service_code": "event-0110", "api_key": gateway, "address_string": "古城街道 5 号", "description": "x"}
    assert post(sent).status_code in (200, 201)
    case = Case.objects.get()
    assert case.street == town.other_street and case.place_guessed and case.lon is None
    town.act("locate", case, "intake", position="113.2005,40.0005")
    publish(town, case)
    shown = rows(f"requests/{case.number}.json")[0]
    assert (shown["lat"], shown["long"], shown["address_id"]) == (40.0005, 113.2005, "140213050001001")


# ── updates ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_updates_out(town):
    case = publish(town, town.handling())
    town.act("note", case, "department", text="已清一半，电话 13812345678", public=True)
    for told in (True, False):
        town.act("note", case, "department", text="内部", told=told, public=False)
    quiet = town.handling(lat=40.0015)
    town.act("note", quiet, "department", text="没有公开", public=True)
    found = rows("servicerequestupdates.json")
    assert [u["description"] for u in found if u["service_request_id"] == case.number] == [
        "已立案", "已派遣承办单位", "已清一半，电话 138****5678"]  # fmt: skip
    assert [u["description"] for u in found if u["service_request_id"] == quiet.number] == ["已立案", "已派遣承办单位"]
    assert {u["status"] for u in found} == {"open"} and W3C.match(found[0]["updated_datetime"])
    only = rows("servicerequestupdates.json", service_request_id=quiet.number)
    assert {u["service_request_id"] for u in only} == {quiet.number}
    assert rows("servicerequestupdates.json", end_date="2021-05-01T00:00:00Z") == []
    assert get("servicerequestupdates.json", start_date="x").status_code == 400
    town.act("close_not_fixed", town.filed(lat=40.0009), "duty_leader", reason="x")
    assert rows("servicerequestupdates.json")[-1]["status"] == "closed"
    root = ElementTree.fromstring(get("servicerequestupdates.xml").content)
    assert root.tag == "service_request_updates" and root.find("request_update/update_id") is not None


def test_updates_in(town, gateway):
    case = town.filed()
    sent = {"api_key": gateway, "service_request_id": case.number, "update_id": "7", "description": "还在",
            "status": "OPEN", "updated_datetime": "2021-05-24T09:00:00+08:00"}  # fmt: skip
    first, again = (post(sent, path="servicerequestupdates") for _i in range(2))
    assert first.status_code == 200 and first.json() == again.json()
    assert case.notes.get().text.startswith("还在")
    for change, code in (({"api_key": "x"}, 403), ({"description": ""}, 400), ({"status": "dunno"}, 400),
                         ({"service_request_id": "2020-000001"}, 404), ({"updated_datetime": "x"}, 400)):  # fmt: skip
        assert post(sent | change, path="servicerequestupdates").status_code == code, change
    outsider = tokens.issue(town.person("department"), "d", ["report"], clock.now())[1]
    assert post(sent | {"api_key": outsider, "update_id": "8"}, path="servicerequestupdates").status_code == 403


# ── somebody else's client ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_georeport_client(live_server, form):
    from tests.town import Town

    town = Town()
    cases = [town.report(), town.report(category=town.pipe, lat=40.0011)]
    client = GeoReport(live_server.url + BASE, jurisdiction="140213", output_format=form)
    assert {s["service_code"] for s in client.get_service_list()} == {"event-0110", "component-0101"}
    assert client.get_service_definition("event-0110")["service_code"] == "event-0110"
    # the live server runs in a thread of its own, where the clock is not frozen
    start = "2021-05-01T00:00:00Z"
    found = client.get_service_requests(start_date=start, status="open")
    assert [r["service_request_id"] for r in found] == [cases[1].number, cases[0].number]
    one = client.get_service_request(cases[0].number)
    assert one["status"] == "open" and one["service_code"] == "event-0110"
