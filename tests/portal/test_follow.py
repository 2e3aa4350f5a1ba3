"""Following a report by number and code, and the three questions after closing."""

import pytest
from django.urls import reverse

from shaodao.cases import history
from shaodao.cases.models import Callback, Case
from shaodao.foundation.models import Upload
from tests.portal.conftest import NAME, PHONE, SAID, last, photo
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday", "town")


def look(client, number: str, code: str):
    return client.post(reverse("follow"), {"number": number, "code": code})


def own(client, report=None) -> str:
    report = report or last()
    response = look(client, report.first_case.number, report.follow_code)
    assert response.status_code == 302, response.content.decode()
    return client.get(response["Location"]).content.decode()


def test_the_reporter_sees_their_own_report_and_its_state(client, town, send):
    send(photos=[photo()])
    html = own(client)
    assert SAID in html and "已收到" in html and NAME not in html and PHONE not in html
    ticket = html.split(f"/media/thumbnail/{Upload.objects.get().pk}/?ticket=")[1].split('"')[0]
    assert client.get(f"/media/thumbnail/{Upload.objects.get().pk}/?ticket={ticket}").status_code == 200
    case = Case.objects.get()
    town.act("file", case, "duty_leader")
    town.act("dispatch", case, "dispatcher", lead="SANI")
    town.act("note", case, "department", text="下午来人 0352-1234567", told=True)
    town.act("note", case, "department", text="先清东边", public=True)
    town.act("note", case, "department", text="内部话")
    html = own(client)
    assert "环卫中心" in html and "下午来人 0352-1234567" in html and "先清东边" in html and "内部话" not in html


def test_code_as_people_type_it(client, town):
    town.report()
    report = last()
    code = report.follow_code
    for typed in (code.lower(), f" {code[:4]}-{code[4:]} ", f"{code[:4]} {code[4:]}"):
        assert look(client, report.case.number, typed).status_code == 302


def test_a_declined_reporter_gets_the_reason_and_the_public_does_not(client, town):
    case = town.report()
    town.act("decline", case, "intake", reason="不属于本区管理，已转交公路段")
    town.act("publish", case, "intake", published=True, public_text="文字")
    assert "已转交公路段" in own(client)
    assert "公路段" not in client.get(reverse("public_case", args=[case.number])).content.decode()


def test_a_merged_reporter_follows_the_case_that_goes_on(client, town):
    first = town.report()
    second = town.report(lat=40.0015, text="同一堆")
    report = last()
    town.act("merge", second, "intake", target=first.number)
    town.act("file", first, "duty_leader")
    html = own(client, report)
    assert first.number in html and second.number in html and "已立案" in html and "同一堆" in html


def test_one_reporter_does_not_see_another_s_report(client, town):
    case = town.report(text="甲的话")
    town.report(text="乙的话", join=case.pk)
    html = own(client, last())
    assert "乙的话" in html and "甲的话" not in html


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("2021-000001", "AAAAAAAA"), ("", ""), ("x", "y"), ("2021-9999999999999999", "AAAAAAAA"), ("\x00", "\x00"),
        ("' or 1=1", "' or 1=1"), ("2021-000001", ""), ("9" * 300, "9" * 300), ("２０２１-1", "ＡＡ"),
    ],
)  # fmt: skip
def test_wrong_input_is_answered_in_words(client, town, number, code):
    town.report()
    assert look(client, number, code).status_code == 422


def test_five_wrong_codes_and_it_rests(client, town):
    town.report()
    report = last()
    for _i in range(5):
        assert look(client, report.case.number, "WRONG222").status_code == 422
    assert look(client, report.case.number, "WRONG222").status_code == 429
    assert look(client, report.case.number, report.follow_code).status_code == 429  # even the right one waits
    client.cookies.clear()
    assert look(client, report.case.number, report.follow_code).status_code == 429  # another browser, same address
    town.report(lon=113.2045, category=town.pipe)
    assert look(client, last().case.number, last().follow_code).status_code == 302  # another case does not suffer


def test_trying_many_numbers_ends_too(client, town):
    town.report()
    answers = [look(client, f"2021-{i:06d}", "WRONG222").status_code for i in range(100, 165)]
    assert answers[0] == 422 and answers[-1] == 429


def test_the_page_s_address_is_signed(client, town):
    town.report()
    url = look(client, last().case.number, last().follow_code)["Location"]
    assert client.get(url).status_code == 200
    assert client.get(url[:-3] + "xx/").status_code == 404
    assert client.get(reverse("followed", args=[str(last().pk)])).status_code == 404


def test_the_number_can_be_given_in_a_link(client):
    html = client.get(reverse("follow"), {"number": "2021-000007"}).content.decode()
    assert 'value="2021-000007"' in html


# ── callback ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked(town):
    town.closed(name=NAME, phone=PHONE)
    return Callback.objects.get()


ANSWERS = {"responded": "yes", "resolved": "no", "satisfied": "no", "remark": "又堆上了"}


def url_of(row: Callback) -> str:
    return reverse("callback", args=[row.token])


def test_three_questions_once(client, asked):
    html = client.get(url_of(asked)).content.decode()
    assert "问题解决了吗" in html and NAME not in html and PHONE not in html
    response = client.post(url_of(asked), ANSWERS)
    assert response.status_code == 302
    assert "谢谢" in client.get(response["Location"]).content.decode()
    asked.refresh_from_db()
    assert (asked.responded, asked.resolved, asked.satisfied, asked.remark) == (True, False, False, "又堆上了")
    again = client.post(url_of(asked), ANSWERS | {"resolved": "yes"})
    assert again.status_code == 200 and "已经用过" in again.content.decode()
    asked.refresh_from_db()
    assert asked.resolved is False and history.verify()["broken"] == []


def test_every_question_is_asked(client, asked):
    for missing in ("responded", "resolved", "satisfied"):
        given = {k: v for k, v in ANSWERS.items() if k != missing}
        response = client.post(url_of(asked), given)
        assert response.status_code == 422 and "必填" in response.content.decode()
    for bad in ({"resolved": "maybe"}, {"remark": "长" * 600}, {"remark": "\x00"}):
        assert client.post(url_of(asked), ANSWERS | bad).status_code in (302, 422)


@pytest.mark.parametrize("token", ["x", "A" * 43, "../../etc", "%00", "é"])
def test_only_the_token_opens_it(client, asked, token):
    assert client.get(f"/callback/{token}/").status_code == 404
    assert client.post(f"/callback/{token}/", ANSWERS).status_code == 404
    assert client.get(f"/callback/{token}/thanks/").status_code == 404


def test_a_case_that_came_back_can_still_be_rated(client, town, asked):
    with later(days=3):
        town.report(lat=40.0006)
        asked.case.refresh_from_db()
        assert asked.case.state == "handling"
        assert client.post(url_of(asked), ANSWERS).status_code == 302


def test_the_reporter_s_page_leads_to_the_questions(client, town, asked):
    report = asked.report
    html = client.get(look(client, report.case.number, report.follow_code)["Location"]).content.decode()
    assert url_of(asked) in html
    client.post(url_of(asked), ANSWERS)
    html = client.get(look(client, report.case.number, report.follow_code)["Location"]).content.decode()
    assert url_of(asked) not in html


def test_few_queries(client, town, asked, django_assert_max_num_queries):
    url = look(client, asked.report.case.number, asked.report.follow_code)["Location"]
    with django_assert_max_num_queries(12):
        client.get(url)
