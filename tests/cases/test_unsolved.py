"""The last word is the reporter's: a reply goes with the closing, and "not solved" is somebody's work until it is answered."""

import pytest
from django.db import IntegrityError

from shaodao.cases import history, inboxes, notices
from shaodao.cases.actions import Actor, perform
from shaodao.cases.models import Callback, Note, Notice
from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.foundation.models import Delivery
from shaodao.portal import queries as portal
from tests.cases.desk import Desk
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")


def closing(town, **given):
    case = town.verifying(**({"name": "王某", "phone": "13800000000"} | given))
    return town.act("verify", case, "inspector", passed=True).case


def say(case, *, resolved: bool, satisfied: bool = False, remark: str = ""):
    row = Callback.objects.filter(case=case, answered_at=None).latest("pk")
    data = {"responded": True, "resolved": resolved, "satisfied": satisfied, "remark": remark}
    return perform("callback", case.pk, Actor.public(), data=data, extra={"callback": row}).case


def waiting(town, role, key="unsolved"):
    return inboxes.counts(town.actor(role).facts, clock.now())[key].total


# ── the reply ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_reply_goes_out_with_the_closing_and_stands_on_the_reporters_page(town):
    case = closing(town)
    town.act("close", case, "duty_leader", reply="垃圾已全部清运，并加设了桶。")
    body = Delivery.objects.filter(subject__contains="已办结").get().body
    assert "垃圾已全部清运，并加设了桶。" in body and "/callback/" in body
    note = Note.objects.get()
    assert (note.kind, note.told, note.public) == ("reply", True, False)
    shown = portal.followed(case.reports.get())
    assert any("答复" in str(e.text) and "垃圾已全部清运" in e.detail for e in shown.entries)
    town.act("publish", case, "duty_leader", published=True, public_text="垃圾")
    assert not any("垃圾已全部清运" in e.detail for e in portal.public_case(case.number).entries)
    assert history.verify()["broken"] == []


def test_the_form_begins_with_what_the_unit_wrote_and_a_public_reply_is_looked_at_twice(town):
    case = closing(town)
    desk = Desk(town, "duty_leader")
    page = desk.open(f"/work/cases/{case.number}/do/close/")
    assert "已清理</textarea>" in page
    url = f"/work/cases/{case.number}/do/close/"
    sent = {"reply": "请电 13912345678", "public": "1", "version": case.version}
    first = desk.client.post(url, sent).content.decode()
    case.refresh_from_db()
    assert case.state == "closing" and "139****5678" in first
    seal = first.split('name="previewed" value="')[1].split('"')[0]
    desk.client.post(url, sent | {"previewed": seal})
    case.refresh_from_db()
    assert case.state == "closed" and Note.objects.get().public


def test_without_a_reply_it_closes_as_before(town):
    case = closing(town)
    town.act("close", case, "duty_leader")
    assert not Note.objects.exists()
    assert "您反映的问题已办结。请评价" in Delivery.objects.filter(subject__contains="已办结").get().body


# ── not solved ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_not_solved_waits_on_two_desks_until_it_is_answered(town):
    case = town.closed(name="王某", phone="13800000000")
    assert waiting(town, "duty_leader") == waiting(town, "street") == 0
    say(case, resolved=False, remark="还在")
    case.refresh_from_db()
    assert case.unsolved and case.state == "closed"
    assert (waiting(town, "duty_leader"), waiting(town, "street")) == (1, 1)
    told = {n.organisation_id: notices.words(n) for n in Notice.objects.filter(kind="unsolved")}
    assert told.keys() == {town.office.pk, town.headquarters.pk} and case.number in told[town.office.pk]
    town.act("settle_callback", case, "duty_leader", reply="已核对，现场干净")
    case.refresh_from_db()
    assert not case.unsolved and waiting(town, "street") == 0
    assert "已核对，现场干净" in Delivery.objects.filter(subject__contains="回访答复").get().body
    with pytest.raises(Refused):
        town.act("settle_callback", case, "duty_leader", reply="再说一次")
    assert history.verify()["broken"] == []


def test_it_is_done_again_by_the_same_lead_and_is_no_rebound(town):
    case = town.closed(name="王某", phone="13800000000")
    with pytest.raises(Refused):
        town.act("reopen", case, "street", reason="没有人说过没解决")
    say(case, resolved=False)
    case = town.act("reopen", case, "street", reason="现场确实还有").case
    assert (case.state, case.rebound_count, case.reopen_count, case.unsolved) == ("handling", 0, 1, False)
    on = case.assignments.get(state="sent")
    assert (on.organisation, on.via, on.round) == (town.sanitation, "reopened", 2)
    with pytest.raises(Refused):
        town.act("send_back", case, "department", on=on.pk, reason="不是我的")
    with later(hours=1):
        town.act("sign", case, "department", on=on.pk)
        town.act("finish", case, "department", on=on.pk, result="这次清干净了")
        town.act("verify", case, "inspector", passed=True)
        case = town.act("close", case, "duty_leader").case
        assert Callback.objects.filter(case=case).values_list("round", flat=True).distinct().count() == 2
        assert not say(case, resolved=True, satisfied=True).unsolved
    assert history.verify()["broken"] == []


def test_who_may_answer(town):
    case = town.closed(name="王某", phone="13800000000")
    say(case, resolved=False)
    for role, organisation in (("department", None), ("intake", None), ("street", town.other_office)):
        with pytest.raises(Refused):
            town.act("reopen", case, role, organisation, reason="x")


def test_one_answer_for_a_report_and_round(town):
    case = town.closed(name="王某", phone="13800000000")
    row = Callback.objects.get(case=case)
    with pytest.raises(IntegrityError):
        Callback.objects.create(case=case, report=row.report, round=1, token="x", created_at=clock.now())


# ── what the headquarters and the public see ─────────────────────────────────────────────────────────────────────


def test_the_public_is_not_told_that_it_is_solved_while_that_is_open(town, client):
    case = town.closed(name="王某", phone="13800000000")
    town.act("publish", case, "duty_leader", published=True, public_text="垃圾")
    url = f"/cases/{case.number}/"
    assert "已结案，待核对" not in client.get(url).content.decode()
    say(case, resolved=False, remark="王某 13800000000 说还在")
    page = client.get(url).content.decode()
    assert "已结案，待核对" in page and "王某" not in page and "13800000000" not in page


def test_the_rates_count_answers_and_open_the_cases_behind_them(town):
    good, bad = town.closed(name="甲", phone="1380"), town.closed(name="乙", phone="1390", lat=40.0015)
    town.closed(name="丙", phone="1370", lon=113.2045)  # does not answer
    say(good, resolved=True, satisfied=True)
    say(bad, resolved=False, remark="电话 13812345678")
    desk = Desk(town, "headquarters")
    page = desk.open("/command/callbacks/")
    assert "13812345678" not in page and "138****5678" in page
    total = desk.client.get("/command/callbacks/").context["total"]
    assert (total.asked, total.answered.part, total.resolved.percent, total.satisfied.percent) == (3, 2, 50, 50)
    [unit] = desk.client.get("/command/callbacks/").context["units"]
    assert unit.name == "环卫中心" and (unit.resolved.part, unit.resolved.n) == (1, 2)
    assert len(desk.client.get(unit.url).context["rows"]) == unit.answered.part
    only = desk.open("/command/callbacks/?resolved=0")
    assert bad.number in only and good.number not in only
    assert desk.client.get("/command/callbacks/?format=xlsx").status_code == 200
    mine = Desk(town, "street", town.other_office).open("/command/callbacks/")
    assert bad.number not in mine
