"""Lists, one case, actions, and every form of error."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.cases.models import Case, CaseEvent, Notice, Wording
from shaodao.foundation.models import LogEntry
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")


def numbers(answer) -> list[str]:
    assert answer.status_code == 200, answer.data
    return [c["number"] for c in answer.data["items"]]


def test_a_list_is_limited_by_who_asks(town, caller):
    mine, other = town.report(), town.report(lon=113.2045)
    assert other.street == town.other_street
    assert set(numbers(caller("headquarters").get("/cases"))) == {mine.number, other.number}
    assert numbers(caller("street").get("/cases")) == [mine.number]
    assert numbers(caller("department").get("/cases")) == []
    town.act("file", other, "duty_leader")
    town.act("dispatch", other, "dispatcher", lead="SANI")
    assert numbers(caller("department").get("/cases")) == [other.number]
    assert caller("department").get(f"/cases/{mine.number}").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=filed", {"pipe"}),
        ("state=filed&state=received", {"litter", "pipe", "far"}),
        ("state=closed", set()),
        ("category=component-0101", {"pipe"}),
        ("street=140213051", {"far"}),
        ("street=nothing", set()),
        ("community=140213050001", {"litter", "pipe"}),
        ("lead=SANI", set()),
        ("channel=public", {"litter", "far"}),
        ("channel=hotline", {"pipe"}),
        ("urgent=true", {"pipe"}),
        ("light=green", {"litter", "pipe", "far"}),
        ("light=red", set()),
        ("light=paused", set()),
        ("since=2021-05-24T09:00:00%2B08:00", {"litter", "pipe", "far"}),
        ("since=2021-05-24T09:00:01", set()),
        ("until=2021-05-24T01:00:00Z", set()),
        ("q=喷水", {"pipe"}),
        ("q=%00", set()),
        ("q=100%25", set()),
    ],
)
def test_filters(town, caller, query, found):
    cases = {
        "litter": town.report(),
        "pipe": town.act(
            "file",
            town.report(town.actor("hotline"), channel="hotline", category=town.pipe, text="水管喷水", lat=40.0006),
            "duty_leader",
        ).case,
        "far": town.report(lon=113.2045),
    }
    names = {c.number: name for name, c in cases.items()}
    assert {names[n] for n in numbers(caller("headquarters").get(f"/cases?{query}"))} == found


def test_lights_in_the_list_and_as_a_filter_agree(town, caller):
    office = caller("headquarters")
    town.report()
    for minutes, light in ((0, "green"), (12, "yellow"), (15, "yellow"), (16, "red")):
        with later(minutes=minutes):
            assert [c["light"] for c in office.get("/cases").data["items"]] == [light]
            for other in ("green", "yellow", "red", "paused", "done"):
                assert len(numbers(office.get(f"/cases?light={other}"))) == (other == light)
    town.closed(lat=40.0012)
    assert len(numbers(office.get("/cases?light=done"))) == 1


def test_number_as_words_and_sorting_and_paging(town, caller):
    office = caller("headquarters")
    made = [town.report(lat=40.0001 + i / 10000) for i in range(5)]
    assert numbers(office.get(f"/cases?q={made[2].number}")) == [made[2].number]
    first = office.get("/cases?page_size=2&sort=number&state=received")
    assert numbers(first) == [made[0].number, made[1].number]
    assert (first.data["total"], first.data["pages"]) == (5, 3)
    assert 'rel="next"' in first["Link"] and 'rel="prev"' not in first["Link"] and "state=received" in first["Link"]
    last = office.get("/cases?page_size=2&sort=number&page=3")
    assert numbers(last) == [made[4].number] and 'rel="next"' not in last["Link"] and 'rel="prev"' in last["Link"]
    assert numbers(office.get("/cases?page=1000000")) == []


@pytest.mark.parametrize(
    "query",
    ["state=open", "page=0", "page=x", "page_size=101", "sort=color", "since=yesterday", "category=event-9999",
     "since=0001-01-01T00:00:00%2B08:00", "urgent=maybe", "light=blue", "q=" + "x" * 101],
)  # fmt: skip
def test_a_faulty_filter_names_its_field(town, caller, query):
    answer = caller("headquarters").get(f"/cases?{query}")
    assert answer.status_code == 422 and answer["Content-Type"] == "application/problem+json"
    assert query.split("=")[0] in str(list(answer.data["errors"]))


def test_detail_with_etag_offers_and_no_private_data(town, caller):
    case = town.report(name="王小明", phone="13812345678", email="wang@example.com")
    office = caller("duty_leader")
    answer = office.get(f"/cases/{case.number}")
    assert answer["ETag"] == '"1"' and answer.data["version"] == 1
    text = answer.content.decode()
    assert "王小明" not in text and "13812345678" not in text and "wang@example" not in text
    assert answer.data["reports"][0]["has_contact"] is True
    offers = {o["action"]: o for o in answer.data["offers"]}
    assert offers["file"]["allowed"] and offers["decline"]["allowed"]
    assert not offers["void"]["allowed"] and "待立案" in offers["void"]["reason"]
    assert "me_too" not in offers
    assert office.get(f"/cases/{case.number}", If_None_Match='"1"').status_code == 304
    assert office.get(f"/cases/{case.number}", If_None_Match='W/"0", "3"').status_code == 200
    assert office.get("/cases/2020-000001").status_code == 404
    assert office.get(f"/cases/{case.number[:5]}999999999999999").status_code == 404
    assert office.get("/cases/abc").status_code == 422


def test_the_whole_loop_over_the_api(town, caller, anyone):
    made = anyone.post("/reports", {"text": "垃圾", "category": "event-0110", "lon": 113.2005, "lat": 40.0005,
                                    "contact": {"phone": "13800000000"}}).data  # fmt: skip
    case = Case.objects.get()
    assert made["case"] == case.number and made["street"]["code"] == "140213050"
    assert caller("duty_leader").act(case, "file").data["state"] == "filed"
    dispatched = caller("dispatcher").act(case, "dispatch", data={"lead": "SANI", "supports": []})
    assert dispatched.data["case"]["lead"]["code"] == "SANI"
    part = case.assignments.get().pk
    assert caller("department").act(case, "sign", on=part).status_code == 200
    finished = caller("department").act(case, "finish", on=part, data={"result": "已清"})
    assert finished.data["state"] == "verifying" and finished["ETag"] == f'"{finished.data["version"]}"'
    assert caller("inspector").act(case, "verify", data={"passed": True}).data["state"] == "closing"
    assert caller("duty_leader").act(case, "close").data["case"]["outcome"] == "fixed"
    rated = caller("street").act(case, "evaluate", on=part, data={"efficiency": 5, "effect": 4})
    assert rated.status_code == 200
    detail = caller("headquarters").get(f"/cases/{case.number}").data
    assert [e["action"] for e in detail["events"]] == [
        "report", "file", "dispatch", "sign", "finish", "verify", "close", "evaluate"]  # fmt: skip
    assert detail["evaluations"][0]["efficiency"] == 5 and detail["clocks"]


def test_a_stale_version_is_409_with_what_happened_since(town, caller):
    case = town.report()
    town.act("categorise", case, "intake", category="event-0110")
    answer = caller("duty_leader").post(f"/cases/{case.number}/actions/file", {}, If_Match='"1"')
    assert answer.status_code == 409 and answer.data["type"] == "conflict"
    assert (answer.data["version"], answer.data["seen"]) == (2, 1) and answer["ETag"] == '"2"'
    assert [e["action"] for e in answer.data["events"]] == ["categorise"]
    again = caller("duty_leader").post(f"/cases/{case.number}/actions/file", {}, If_Match=answer["ETag"])
    assert again.status_code == 200


def test_if_match_is_asked_for_unless_the_key_repeats(town, caller):
    case, leader = town.report(), caller("duty_leader")
    path = f"/cases/{case.number}/actions/file"
    missing = leader.post(path, {"client_key": "k1"})
    assert missing.status_code == 428 and missing["ETag"] == '"1"'
    assert leader.post(path, {}, If_Match="seven").status_code == 400
    assert leader.post(path, {"client_key": "k1"}, If_Match='"1"').data["replayed"] is False
    again = leader.post(path, {"client_key": "k1"})
    assert again.status_code == 200 and again.data["replayed"] is True and again.data["version"] == 2
    assert CaseEvent.objects.filter(action="file").count() == 1
    used = leader.post(f"/cases/{case.number}/actions/void", {"client_key": "k1", "reason": "x"}, If_Match="*")
    assert used.status_code == 422 and "client_key" in used.data["errors"]


def test_refusals_and_field_errors(town, caller):
    case = town.report()
    forbidden = caller("department").act(case, "file")
    assert forbidden.status_code == 404  # a department does not even see it
    forbidden = caller("street").act(case, "file")
    assert forbidden.status_code == 403 and forbidden.data["type"] == "forbidden"
    refused = caller("duty_leader").act(case, "void", reason="x")
    assert refused.status_code == 409 and refused.data["type"] == "refused" and "待立案" in refused.data["detail"]
    missing = caller("duty_leader").act(case, "decline")
    assert missing.status_code == 422 and list(missing.data["errors"]) == ["reason"]
    town.act("file", case, "duty_leader")
    unknown = caller("dispatcher").act(case, "dispatch", data={"lead": "NOBODY", "who": 1})
    assert unknown.status_code == 422 and set(unknown.data["errors"]) == {"lead", "who"}
    nul = caller("dispatcher").act(case, "dispatch", data={"lead": "a\x00b"})
    assert nul.status_code == 422 and list(nul.data["errors"]) == ["lead"]
    for action in ("fly", "me_too", "callback", "escalate"):
        lost = caller("duty_leader").act(case, action)
        assert lost.status_code == 422 and lost.data["errors"].keys() == {"action"}


def test_english_on_demand(town, caller):
    case = town.report()
    answer = caller("headquarters").get(f"/cases/{case.number}", Accept_Language="en")
    assert answer.data["category"]["name"] == "Litter"


def test_errors_of_the_protocol_are_problems_too(town, caller, anyone):
    office = caller("duty_leader")
    wrong = office.send("put", "/cases", {})
    assert wrong.status_code == 405 and wrong["Allow"] == "GET"
    lost = office.get("/nothing/here")
    assert lost.status_code == 404 and lost["Content-Type"] == "application/problem+json"
    media = office.client.post("/api/v1/reports", {"text": "x"}, headers=office.headers)
    assert media.status_code == 415 and media["Content-Type"] == "application/problem+json"
    broken = office.client.post("/api/v1/reports", "{", content_type="application/json", headers=office.headers)
    assert broken.status_code == 400
    huge = '{"text": "' + "x" * 3_000_000 + '"}'
    assert office.client.post("/api/v1/reports", huge, content_type="application/json").status_code == 413
    extra = office.post("/reports", {"text": "x", "colour": "red"})
    assert extra.status_code == 422 and extra.data["errors"]


def test_what_nobody_expected_is_a_problem_without_details(town, caller, monkeypatch):
    from shaodao.cases.api import office

    monkeypatch.setattr(office.show, "district_line", lambda: 1 / 0)
    client = caller("headquarters")
    client.client.raise_request_exception = False
    answer = client.get("/district")
    assert answer.status_code == 500 and answer["Content-Type"] == "application/problem+json"
    assert "ZeroDivision" not in answer.content.decode()


def test_contact_is_read_with_a_reason_and_leaves_a_trace(town, caller):
    case = town.report(name="王小明", phone="13812345678")
    report = case.reports.get()
    path = f"/reports/{report.pk}/contact"
    assert caller("intake").post(path, {"reason": ""}).status_code == 422
    answer = caller("intake").post(path, {"reason": "核实地址"})
    assert answer.data["phone"] == "13812345678" and answer["Cache-Control"] == "no-store"
    entry = LogEntry.objects.get(action="contact.read")
    assert (entry.subject, entry.reason) == (f"report:{report.pk}", "核实地址")
    assert caller("department").post(path, {"reason": "看看"}).status_code == 404
    assert caller("intake", scopes=("read",)).post(path, {"reason": "看看"}).status_code == 403


def test_inspectors_see_the_case_and_not_who_reported_it(town, caller):
    case = town.report(name="王某", phone="13800000000")
    inspector = caller("inspector")
    assert inspector.get(f"/cases/{case.number}").status_code == 200
    answer = inspector.post(f"/reports/{case.reports.get().pk}/contact", {"reason": "好奇"})
    assert answer.status_code == 403 and "13800000000" not in answer.content.decode()


def test_notices_of_a_post(town, caller):
    town.handling()
    department = caller("department")
    listed = department.get("/notices?unseen=true").data
    assert listed["total"] == 1 and listed["items"][0]["kind"] == "assigned" and listed["items"][0]["case"]
    seen = department.post(f"/notices/{listed['items'][0]['id']}/seen")
    assert seen.status_code == 200 and seen.data["seen_at"]
    assert department.get("/notices?unseen=true").data["total"] == 0
    assert caller("department", town.urban).post(f"/notices/{Notice.objects.get().pk}/seen").status_code == 404


def test_the_table_as_data(anyone):
    table = anyone.get("/lifecycle").data
    by_action = {t["action"]: t for t in table["transitions"]}
    assert by_action["dispatch"]["fields"][0]["takes"]["type"] == ["string", "integer"]
    assert by_action["whistle_draft"]["fields"][0]["takes"]["enum"]
    assert by_action["file"]["via_api"] and not by_action["callback"]["via_api"]
    assert table["states"]["received"] == "待立案"


def count(caller_, call) -> int:
    call()  # caches of settings and calendar are warm, as in a running process
    with CaptureQueriesContext(connection) as found:
        answer = call()
    assert answer.status_code in (200, 201), answer.data
    return len([q for q in found if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])


def test_a_constant_number_of_queries(town, caller, anyone, capsys):
    office = caller("headquarters")
    for i in range(3):
        town.handling(lat=40.0001 + i / 2000)
    few = count(office, lambda: office.get("/cases?page_size=100"))
    for i in range(100):
        town.report(lat=40.0001 + i / 100_000, text=f"{i}", key=f"r{i}", join=None)
    many = count(office, lambda: office.get("/cases?page_size=100"))
    case = Case.objects.filter(state="handling").first()
    detail = count(office, lambda: office.get(f"/cases/{case.number}"))
    body = {"text": "垃圾", "category": "event-0110", "lon": 113.2005, "lat": 40.0005, "contact": {"phone": "1380"}}
    post = count(anyone, lambda: anyone.post("/reports", body))
    leader, dispatcher = caller("duty_leader"), caller("dispatcher")
    waiting = iter(Case.objects.filter(state="received"))
    filing = count(leader, lambda: leader.act(next(waiting), "file"))
    filed = iter(Case.objects.filter(state="filed"))
    dispatching = count(dispatcher, lambda: dispatcher.act(next(filed), "dispatch", data={"lead": "SANI"}))
    with capsys.disabled():
        print(f"\nqueries: list of 100 {many}, detail {detail}, report {post}, file {filing}, dispatch {dispatching}")
    assert few == many <= 12
    assert post <= 25 and filing <= 25 and dispatching <= 25 and detail <= 25


def test_faults_of_the_api_speak_with_the_voice_of_the_forms(town, caller):
    office = caller("intake")
    faults = office.get("/cases?state=zzz&since=x&urgent=maybe&page=0&lead=" + "9" * 30).data["errors"]
    assert set(faults) == {"state.0", "since", "urgent", "page", "lead"}  # no name of a parameter of ours before them
    assert faults["since"] == "日期时间写作 2026-05-21 08:30" and faults["page"] == "不能小于 1"
    assert faults["lead"] == "最多 20 字" and faults["state.0"].startswith("应为其中之一：'received'")
    assert not re.search(r"Input|should|valid", json.dumps(faults))
    english = office.get("/cases?since=x&state=zzz", Accept_Language="en").data["errors"]
    assert set(english) == {"since", "state.0"} and not re.search("[\u4e00-\u9fff]", str(english))
    answer = office.client.post(
        "/api/v1/reports", data="{not json", content_type="application/json", headers=office.headers
    )
    assert answer.status_code == 400 and answer.json()["detail"] == "请求的内容不是有效的 JSON"
    assert office.post("/reports", {"more": 1}).data["errors"]["more"] == "没有这一项"


def test_texts_of_the_pack_over_the_api(town, caller, anyone):
    Wording.objects.create(action="decline", code="not_ours", title="不属于本区", text="不归本区管。")
    table = {t["action"]: t for t in anyone.get("/lifecycle").data["transitions"]}
    taken = {f["name"]: f["takes"] for f in table["decline"]["fields"]}
    assert taken["wording"]["enum"] == ["", "not_ours"] and not table["add_to_report"]["via_api"]
    case, office = town.report(), caller("intake")
    wrong = office.act(case, "decline", reason="因为", data={"wording": "zzz"})
    assert wrong.status_code == 422 and set(wrong.data["errors"]) == {"wording"}
    done = office.act(case, "decline", reason="因为", data={"wording": "not_ours"})
    assert done.status_code == 200 and done.data["event"]["data"]["wording"]["code"] == "not_ours"
