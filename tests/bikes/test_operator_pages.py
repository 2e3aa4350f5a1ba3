"""The pages of operators: who sees what, every form by hand, files, tokens, and a constant number of queries."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.models import Operator, OperatorPaper, Vehicle
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from shaodao.organisations import tokens
from shaodao.organisations.models import ApiToken
from tests.bikes.office import APPLICATION, PDF, file, png, table

pytestmark = pytest.mark.django_db
HOME = "/bikes/operators/BIKE-A/"


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    return response.content.decode()


def send(client, path, status=302, **given):
    """Open a form and send it with the version that stands in it."""
    version = re.search(r'name="version" value="(\d+)"', page(client, path)).group(1)
    response = client.post(path, {"version": version} | given)
    assert response.status_code == status, errors(response)
    return response


def errors(response):
    return re.findall(r'<p class="field-error".*?<span>(.*?)</span>', response.content.decode(), re.S)


def test_from_the_application_to_the_fleet_by_hand(office, browse):
    hq = browse("hq")
    assert "还没有单车企业" in page(hq, "/bikes/")
    made = hq.post("/bikes/new/", {"code": "BIKE-A", "name": "甲单车", "name_en": "A Bikes"})
    assert made.status_code == 302 and made["Location"] == HOME
    operator = Operator.objects.get()
    own = browse("owner", operator)
    assert own.get("/bikes/")["Location"] == HOME
    text = page(own, HOME)
    assert "还没有提交" in text and "/do/apply/" not in text.split("refused-list")[0].split("action-list")[-1]
    send(own, f"{HOME}do/save/", staff="40", legal_name="甲单车有限公司")
    for item in ("licence", "insurance"):
        send(own, f"{HOME}do/hand_in/?item={item}", item=item, file=file(), valid_until="")
    wrong = send(own, f"{HOME}do/apply/", 422, **(APPLICATION | {"staff": "很多"}))
    assert len(errors(wrong)) == 1 and "甲单车有限公司" in wrong.content.decode()
    send(own, f"{HOME}do/apply/", **APPLICATION)
    for paper in OperatorPaper.objects.all():
        send(hq, f"{HOME}do/review_paper/{paper.pk}/", accepted="1")
    today = clock.local(clock.now()).date()
    term = {"term_from": today.isoformat(), "term_until": (today + timedelta(days=99)).isoformat()}
    too_many = send(hq, f"{HOME}do/admit/", 422, quota="12001", **term)
    assert "12000" in errors(too_many)[0]
    send(hq, f"{HOME}do/admit/", quota="5,000", **term)
    done = send(own, f"{HOME}do/import_vehicles/", file=table(("A1", "a-1", "bicycle", "active")))
    assert done["Location"] == f"{HOME}vehicles/"
    assert "新增 1" in page(own, done["Location"])
    operator.refresh_from_db()
    assert (operator.state, operator.quota) == ("admitted", 5000) and Vehicle.objects.count() == 1
    listed = page(hq, "/bikes/")
    assert "7000" in listed and "甲单车" in listed


def test_a_faulty_table_is_shown_by_row_and_column(office, browse):
    operator = office.brought_to("admitted")
    own = browse("owner", operator)
    found = send(own, f"{HOME}do/import_vehicles/", 422, file=table(("A 1", "x", "bicycle", "active"))).content.decode()
    assert "<td>plate</td>" in found and "共 1 处不对" in found and not Vehicle.objects.exists()


def test_who_may_see_what(office, browse, town):
    mine, other = office.brought_to("admitted"), office.brought_to("asked", "BIKE-B")
    there = "/bikes/operators/BIKE-B/"
    for who in ("hq", "department"):
        for path in ("/bikes/", HOME, there, f"{HOME}vehicles/", f"{HOME}reconcile/", "/bikes/vehicles/"):
            text = page(browse(who), path)
        assert "张三" in page(browse(who), HOME)
    for who in ("street", "street_leader", "community", "inspector", "duty_leader", "admin"):
        text = page(browse(who), HOME)
        assert "1000" in text and "张三" not in text and "licence.pdf" not in text and "经过" not in text
        page(browse(who), f"{HOME}do/warn/", 403), page(browse(who), "/bikes/new/", 403)
    own = browse("owner", mine)
    assert "张三" in page(own, HOME)
    for path in ("", "vehicles/", "reconcile/", "do/save/", f"papers/{other.papers.first().pk}/"):
        page(own, there + path, 403)
    assert "BIKE-B" not in page(own, "/bikes/vehicles/")
    for who in ("hotline", "department_elsewhere"):
        client = Client()
        client.force_login(town.person("department") if who != "hotline" else town.person("hotline"))
        for path in ("/bikes/", HOME, "/bikes/vehicles/"):
            page(client, path, 403)
    assert Client().get(HOME)["Location"].startswith("/login/")
    page(browse("hq"), "/bikes/operators/NONE/", 404)
    page(browse("hq"), f"{HOME}do/expire/", 404), page(browse("hq"), f"{HOME}do/nothing/", 404)
    page(browse("hq"), f"{HOME}do/review_paper/99999/", 404), page(browse("hq"), f"{HOME}do/warn/1/", 404)


def test_the_entry_in_the_navigation_is_for_those_who_may(office, browse, town):
    operator = office.brought_to("admitted")
    entry, file = 'href="/bikes/now/"', 'href="/bikes/"'
    for client in (browse("hq"), browse("street"), browse("department")):
        assert entry in page(client, "/work/")
    assert file in page(browse("owner", operator), "/work/")
    client = Client()
    client.force_login(town.person("department"))
    assert "/bikes/" not in page(client, "/work/")
    own = page(browse("owner", operator), "/work/")
    assert 'href="/command/"' not in own and "待签收" in own
    page(browse("owner", operator), "/command/", 403)


def test_an_operator_is_lead_of_its_cases_and_sees_no_others(office, browse, town):
    operator = office.brought_to("admitted")
    case = town.handling(lead=operator.organisation, name="王", phone="13800000000")
    foreign = town.handling(lon=113.2025)
    own = browse("owner", operator)
    assert case.number in page(own, "/work/sign/") and foreign.number not in page(own, "/work/all/")
    page(own, f"/work/cases/{foreign.number}/", 403)
    on = case.assignments.get()
    reported = case.reports.get()
    assert own.post(f"/work/cases/{case.number}/contact/{reported.pk}/", {"reason": "联系"}).status_code == 403
    key = tokens.issue(office.clerk(operator), "test", ("act",), clock.now())[1]
    api = Client(headers={"Authorization": f"Bearer {key}"})
    body = {"data": {"reason": "联系"}, "content_type": "application/json"}
    assert api.post(f"/api/v1/reports/{reported.pk}/contact", **body).status_code == 403
    town.act("sign", case, "operator", operator.organisation, on=on.pk)
    town.act("report_in", case, "operator", operator.organisation, on=on.pk)
    done = town.act("finish", case, "operator", operator.organisation, on=on.pk, result="已清运")
    assert done.case.state == "verifying" and done.event.role == "operator"


def test_papers_are_read_by_both_parties_and_each_reading_is_logged(office, browse):
    operator = office.brought_to("submitted")
    paper = operator.papers.order_by("pk").first()
    path = f"{HOME}papers/{paper.pk}/"
    for who in ("hq", "owner", "department"):
        answer = browse(who, operator).get(path)
        assert b"".join(answer.streaming_content) == PDF and answer["Content-Type"] == "application/pdf"
        assert "attachment" in answer["Content-Disposition"] and "no-store" in answer["Cache-Control"]
        assert answer["X-Content-Type-Options"] == "nosniff"
    lines = LogEntry.objects.filter(action="operator.paper", subject="operator:BIKE-A")
    assert lines.count() == 3 and lines.first().data == {"paper": paper.pk, "item": "licence"}
    page(browse("street"), path, 403), page(browse("duty_leader"), path, 403)
    for kind in ("original", "public", "thumbnail"):
        assert browse("duty_leader").get(f"/media/{kind}/{paper.upload_id}/").status_code in (403, 404)
        assert browse("hq").get(f"/media/{kind}/{paper.upload_id}/").status_code in (403, 404)
    assert lines.count() == 3


def test_a_nul_in_the_address_is_no_error(office, browse):
    operator = office.brought_to("submitted")
    hq, paper = browse("hq"), operator.papers.first()
    for path in ("", "vehicles/", "vehicles/?format=csv", "reconcile/", "do/warn/", f"papers/{paper.pk}/"):
        assert hq.get(f"/bikes/operators/BIKE-A%00/{path}").status_code == 200
    assert hq.get("/bikes/?q=%00&state=%00&page=%00").status_code == 200


def test_a_token_is_shown_once_and_can_be_revoked(office, browse):
    operator = office.brought_to("admitted")
    own, hq = browse("owner", operator), browse("hq")
    name = office.clerk(operator).username
    for client in (own, hq):
        shown = send(client, f"{HOME}do/issue_token/", 200, name="推送", person=name, expires_on="").content.decode()
        plain = re.search(r"sd_[\w-]+", shown).group(0)
        assert plain not in page(client, HOME)
    assert {t.person.username for t in ApiToken.objects.all()} == {name}
    assert list(ApiToken.objects.values_list("scopes", flat=True)) == [["bikes"], ["bikes"]]
    token = ApiToken.objects.latest("pk")
    assert own.post(f"{HOME}do/revoke_token/", {"token": token.pk}).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at and "已吊销" in page(own, HOME)
    first = LogEntry.objects.filter(action="token.issue").order_by("-pk").first()
    assert first.actor == office.hq.person
    reader = Client(headers={"Authorization": f"Bearer {plain}"})
    assert reader.get("/api/v1/bikes/operators").status_code == 401


def test_who_was_slower_sees_what_happened_and_can_go_on(office, browse):
    operator = office.brought_to("admitted")
    hq, path = browse("hq"), f"{HOME}do/warn/"
    seen = operator.version
    office.act(operator, "warn", reason="第一次")
    late = hq.post(path, {"version": seen, "reason": "第二次"})
    assert late.status_code == 409 and "第一次" in late.content.decode() and "第二次" in late.content.decode()
    version = re.search(r'name="version" value="(\d+)"', late.content.decode()).group(1)
    assert hq.post(path, {"version": version, "reason": "第二次"}).status_code == 302
    operator.refresh_from_db()
    assert operator.warnings == 2


def test_what_is_not_possible_is_greyed_with_its_reason(office, browse):
    office.brought_to("submitted")
    hq = browse("hq")
    text = page(hq, HOME)
    assert "还没有通过审查：营业执照、保险" in text
    form = page(hq, f"{HOME}do/admit/")
    assert "disabled aria-describedby" in form
    refused = hq.post(f"{HOME}do/admit/", {"quota": "1", "term_from": "2021-05-24", "term_until": "2021-06-24"})
    assert refused.status_code == 302 and "还没有通过审查" in page(hq, HOME)


def test_search_paging_and_export_of_vehicles(office, browse):
    operator = office.brought_to("admitted", quota=500)
    rows = [(f"A{n:04d}", f"v-{n}", "ebike" if n % 10 == 0 else "bicycle", "active") for n in range(250)]
    office.act(operator, "import_vehicles", "owner", file=table(*rows))
    hq = browse("hq")
    first = page(hq, f"{HOME}vehicles/")
    assert first.count("<tr><td") == 100 and "page=2" in first
    assert page(hq, f"{HOME}vehicles/?page=3").count("<tr><td") == 50
    assert page(hq, f"{HOME}vehicles/?q=A000&kind=ebike").count("<tr><td") == 1
    assert page(hq, "/bikes/vehicles/?q=v-249").count("<tr><td") == 1
    assert "没有这样的车辆" in page(hq, f"{HOME}vehicles/?q=zzz%00&state=nonsense&seen=7")
    text = b"".join(hq.get(f"{HOME}vehicles/?format=csv&kind=ebike").streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0].startswith("车牌或编码,") and len(text.splitlines()) == 26
    assert hq.get(f"{HOME}vehicles/?format=xlsx").content[:2] == b"PK"
    assert LogEntry.objects.filter(action="vehicles.export").count() == 2
    assert "250" in page(hq, f"{HOME}reconcile/")


def test_pages_in_english_have_no_chinese_but_names(office, browse):
    operator = office.brought_to("admitted")
    other = office.brought_to("asked", "BIKE-B")
    office.act(operator, "import_vehicles", "owner", file=table(("A1", "a", "ebike", "active")))
    hq = browse("hq", language="en")
    own = browse("owner", other, language="en")
    paths = ["/bikes/", "/bikes/new/", f"{HOME}vehicles/", f"{HOME}reconcile/", "/bikes/vehicles/", f"{HOME}do/warn/"]
    found = {p: page(hq, p) for p in paths} | {"own": page(own, "/bikes/operators/BIKE-B/do/answer/")}
    for path, text in found.items():
        body = re.sub(r"<(script|nav|header|footer)\b.*?</\1>", "", text, flags=re.S)
        body = re.sub(r"<[^>]+>", "", body[body.index("<h1") :])
        left = re.findall(r"[\u4e00-\u9fff]+", body)
        assert set(left) <= {"甲单车有限公司", "张三", "应急预案"}, (path, left)


def test_a_constant_number_of_queries(office, browse):
    def count(client, path):
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    operator = office.brought_to("admitted", quota=50)
    hq, own = browse("hq"), browse("owner", operator)
    paths = [
        (hq, "/bikes/"),
        (hq, HOME),
        (own, HOME),
        (hq, f"{HOME}vehicles/"),
        (hq, f"{HOME}reconcile/"),
        (own, "/work/"),
    ]
    before = [count(client, path) for client, path in paths]
    for n in range(4):
        office.brought_to("admitted", f"BIKE-{n}", quota=10)
        office.act(operator, "hand_in", "owner", item="plan", file=file(png(), "p.png"))
        office.act(operator, "issue_token", name=str(n), person=office.clerk(operator).username)
    rows = [(f"A{n}", f"v{n}", "bicycle", "active") for n in range(60)]
    office.act(operator, "import_vehicles", "owner", file=table(*rows))
    after = [count(client, path) for client, path in paths]
    assert all(b <= a + 1 for a, b in zip(before, after, strict=True)), (before, after)
    assert max(after) <= 22, after
