"""What reporters are told: the right people, once, in their language, with the link, and never an address in the outbox."""

import re

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.cases.models import Callback, Contact
from shaodao.foundation import clock, delivery
from shaodao.foundation.models import Delivery

pytestmark = pytest.mark.usefixtures("monday")
EMAIL = {"name": "王", "email": "wang@example.com"}


def told() -> list[tuple[str, str]]:
    """(channel, first sentence) of what is queued since the last call."""
    rows = list(Delivery.objects.exclude(channel="webhook").order_by("id"))
    found = [(r.channel, r.body) for r in rows]
    Delivery.objects.filter(pk__in=[r.pk for r in rows]).delete()
    return found


def test_the_whole_way_of_a_reporter(town):
    case = town.report(**EMAIL)
    assert told() == []  # the page that took the report has said so already
    town.act("file", case, "duty_leader")
    ((channel, body),) = told()
    assert channel == "email" and "受理" in body and case.number in body and case.reports.get().follow_code in body
    town.act("dispatch", case, "dispatcher", lead="SANI")
    assert "环卫中心" in told()[0][1]
    part = case.assignments.get().pk
    town.act("sign", case, "department", on=part)
    town.act("note", case, "department", text="内部的话", public=True)
    assert told() == []
    town.act("note", case, "department", text="明天上午清运", told=True)
    assert "明天上午清运" in told()[0][1]
    town.act("finish", case, "department", on=part, result="清")
    town.act("verify", case, "inspector", passed=True)
    assert told() == []
    town.act("close", case, "duty_leader")
    ((_channel, body),) = told()
    assert f"/callback/{Callback.objects.get().token}/" in body
    town.act("rebound", case, "street", reason="又有了")
    assert "再次出现" in told()[0][1]


def test_declined_with_the_reason_and_not_fixed_is_not_called_fixed(town):
    town.act("decline", town.report(**EMAIL), "intake", reason="属于相邻区")
    assert "属于相邻区" in told()[0][1]
    case = town.filed(lat=40.0012, **EMAIL)
    told()
    town.act("close_not_fixed", case, "duty_leader", reason="列入改造计划")
    body = told()[0][1]
    assert "列入改造计划" in body and "暂未能解决" in body and "/callback/" in body


def test_sms_without_an_email_english_for_who_reported_in_english(town):
    case = town.report(phone="13812345678", language="en")
    town.act("file", case, "duty_leader")
    ((channel, body),) = told()
    assert channel == "sms" and not re.search(r"[\u4e00-\u9fff]", body), body


def test_merged_reporters_hear_of_it_and_of_what_follows(town):
    first, second = town.report(**EMAIL), town.report(name="李", phone="13900000000")
    town.act("merge", second, "intake", target=first.number)
    ((channel, body),) = told()
    assert channel == "sms" and first.number in body
    town.act("file", first, "duty_leader")
    assert sorted(c for c, _b in told()) == ["email", "sms"]


def test_one_text_for_one_address_however_often_it_reported(town):
    case = town.report(**EMAIL)
    town.report(join=case.pk, **EMAIL)
    town.act("file", case, "duty_leader")
    assert len(told()) == 1


def test_samples_and_nameless_reports_write_to_nobody(town):
    town.act("file", town.report(sample=True, **EMAIL), "duty_leader")
    town.act("file", town.report(lat=40.0012), "duty_leader")
    assert told() == []


def test_the_outbox_holds_no_address_and_an_erased_contact_is_never_written_to(town):
    kept, erased = town.report(**EMAIL), town.report(lat=40.0012, name="李", email="li@example.com")
    for case in (kept, erased):
        town.act("file", case, "duty_leader")
    assert "@" not in "".join(Delivery.objects.values_list("recipient", flat=True))
    Contact.objects.filter(name="李").delete()
    assert delivery.deliver_due(clock.now()) == 1
    assert [m.to for m in mail.outbox] == [["wang@example.com"]]
    assert Delivery.objects.get(state="failed").last_error


def test_many_reporters_cost_no_more_queries(town):
    few, many = town.report(**EMAIL), town.report(lat=40.0012, **EMAIL)
    for i in range(20):
        town.report(join=many.pk, name=f"{i}", email=f"p{i}@example.com")
    town.act("file", town.report(lat=40.0018), "duty_leader")  # the post's person is made, the caches are warm
    counts = []
    for case in (few, many):
        with CaptureQueriesContext(connection) as found:
            town.act("file", case, "duty_leader")
        counts.append(len(found))
    assert counts[0] == counts[1] and len(told()) == 22
