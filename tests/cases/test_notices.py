"""Inbox items keep what happened; the words are made for whoever reads them, in their language."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from shaodao.cases import notices, tasks
from shaodao.cases.actions import Actor, perform
from shaodao.cases.models import Circular, CircularReading, Notice
from shaodao.cases.views import timeline
from shaodao.foundation import clock, uploads
from shaodao.foundation.models import LogEntry
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place
from tests.cases.desk import Desk
from tests.portal.conftest import photo
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")
CHINESE = re.compile(r"[\u3400-\u9fff，。：（）]+")


def everything(town):
    """One item of every kind, and more."""
    Organisation.objects.update(name_en=Concat(Value("Unit "), F("code")))
    Place.objects.update(name_en=Concat(Value("Place "), F("code")))
    for name in ("office", "urban", "sanitation", "water", "gardens"):
        getattr(town, name).refresh_from_db()
    whistled(town)
    withdrawn(town)
    asked(town)
    ruled(town)
    closed_and_back(town)
    case = town.handling(lat=40.0012)
    town.act("sign", case, "department", on=case.assignments.get().pk)
    for span in ({"hours": 5.5}, {"days": 3}):  # 80 % of four working hours, then far over
        with later(**span):
            tasks.tick(train=False, send=False)


def whistled(town):
    case = town.report(text="litter")
    mine = case.reports.get()
    for text, photos in (("more", []), ("", [uploads.store(photo()).pk])):
        given = {"text": text, "photos": photos}
        perform("add_to_report", case.pk, Actor.public(), data=given, extra={"report": mine})
    for act in ("whistle_reject", "whistle_confirm"):
        town.act(
            "whistle_draft", case, "street", kind="emergency", lead="URBAN", supports=["SANI"], reason="many units"
        )
        reason = {"reason": "not yet"} if act == "whistle_reject" else {}
        town.act(act, case, "street_leader", on=case.whistles.last().pk, **reason)
    town.report(join=case.pk)
    for action in ("urge", "supervise"):
        town.act(action, case, "headquarters", reason="hurry up")
    town.act("circulate", case, "headquarters", title="Litter week", text="x", organisations=["URBAN"])


def withdrawn(town):
    case = town.handling(lon=113.2025)
    town.act("locate", case, "intake", position="113.2046,40.0018")
    town.act("withdraw", case, "dispatcher", on=case.assignments.get().pk, reason="mistake")


def asked(town):
    case = town.handling(lon=113.2035)
    on = case.assignments.get().pk
    town.act("sign", case, "department", on=on)
    for answer in ("refuse", "grant"):
        until = (clock.now() + timedelta(days=3)).isoformat()
        town.act("request_suspension", case, "department", on=on, reason="parts", until=until)
        town.act(answer, case, "dispatcher", on=case.time_requests.last().pk, reason="because")
    town.act("resume", case, "department", on=on)


def ruled(town):
    case = town.handling(lead=town.water, lon=113.2015)
    town.act("dispute", case, "department", town.water, on=case.assignments.get().pk, reason="not ours")
    town.act("rule_dispute", case, "headquarters", on=case.disputes.get().pk, lead="GARD", ruling="Gardens")


def closed_and_back(town):
    case = town.verifying(lat=40.0018)
    town.act("verify", case, "inspector", passed=False, remark="still there")
    town.act("finish", case, "department", on=case.assignments.get().pk, result="done")
    town.act("verify", case, "inspector", passed=True)
    town.act("close", case, "duty_leader")
    town.act("evaluate", case, "street", on=case.assignments.get().pk, efficiency=5, effect=4)
    town.act("comment_evaluation", case, "headquarters", on=case.evaluations.get().pk, text="fine")
    part = case.assignments.get().pk
    appeal = town.act("appeal", case, "department", on=part, reason="not fair", grounds=["evaluation"]).result
    for role in ("duty_leader", "headquarters"):
        town.act("review_appeal", case, role, on=appeal.pk, reason="looked", upheld=True)
    data = {"responded": True, "resolved": False, "satisfied": False}
    other = town.closed(lon=113.2045)
    perform("callback", other.pk, Actor.public(), data=data, extra={"callback": other.callbacks.get()})
    town.act("reopen", other, "duty_leader", reason="still there")
    drawn = town.handling(lon=113.2055)
    perform("spot_check", drawn.pk, Actor.system(), extra={"since": clock.now()})
    with later(days=8):
        tasks.tick(train=False, send=False)
        town.act("rebound", case, "street", reason="again")


def test_every_kind_reads_in_both_languages(town):
    everything(town)
    rows = list(Notice.objects.select_related("case"))
    assert {r.kind for r in rows} == set(notices.SAYS) | {"remind"}
    assert not any(r.text for r in rows)
    for language, foreign in (("en", CHINESE), ("zh-hans", re.compile(r"\b(?:Unit|Litter|Reminder)\b(?! week)"))):
        with translation.override(language):
            for row in rows:
                said = notices.words(row)
                assert said and not foreign.search(said), (row.kind, row.data, said)
                assert row.kind in ("circular", "evaluation") or row.case.number in said
    with translation.override("en"):
        said = {notices.words(r) for r in rows}
    assert any("Unit SANI" in text for text in said) and any(text.startswith("Reminder ") for text in said)


def test_free_text_stays_as_it_was_written(town):
    case = town.handling()
    town.act("urge", case, "dispatcher", reason="100% 抓紧 %(n)s")
    row = Notice.objects.get(kind="urge")
    with translation.override("en"):
        assert notices.words(row).endswith("100% 抓紧 %(n)s") and "催办" not in notices.words(row)


def test_items_from_before_keep_their_sentence_where_the_kind_says_too_little(town):
    case = town.report()
    make = {"organisation": town.office, "case": case, "created_at": clock.now()}
    old = Notice.objects.create(kind="supervise", text="督办 1：抓紧", **make)
    plain = Notice.objects.create(kind="rework", text="核查不合格，请返工：1", **make)
    strange = Notice.objects.create(kind="third-warning", **make)
    with translation.override("en"):
        assert notices.words(old) == "督办 1：抓紧"
        assert case.number in notices.words(plain) and not CHINESE.search(notices.words(plain))
        assert notices.words(strange) == f"third-warning {case.number}"


def test_the_page_and_the_interface_speak_the_readers_language(town, client):
    case = town.handling()
    desk = Desk(town, "department")
    assert "新任务待签收" in desk.open("/work/notices/")
    for item in (
        desk.client.get("/api/v1/notices", headers={"accept-language": lang}).json()["items"][0]
        for lang in ("en", "zh-hans")
    ):
        assert item["data"] == {"via": "dispatch", "category": {"name": "暴露垃圾", "name_en": "Litter"}}
        assert item["text"] in (f"New task to sign for: {case.number} Litter", f"新任务待签收 {case.number} 暴露垃圾")
    desk.client.cookies["django_language"] = "en"
    page = re.search(r'<ul class="notice-list">.*?</ul>', desk.open("/work/notices/"), re.S).group()
    assert "New task to sign for" in page and "Litter" in page and "新任务" not in page


def test_many_items_cost_no_more_queries(town):
    desk = Desk(town, "department")
    town.handling()
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as found:
            desk.open("/work/notices/")
        counts.append(len(found))
        for i in range(5):
            town.handling(lat=40.0008 + i / 10_000)
    assert counts[0] == counts[1]


def test_a_circular_is_opened_from_its_notice_and_stands_on_the_case(town):
    case = town.handling()
    town.act("circulate", case, "headquarters", title="迟缓", text="三天没有到场", organisations=["SANI", "URBAN"])
    row = Circular.objects.get()
    path = f"/work/circulars/{row.pk}/"
    urban = Desk(town, "department", town.urban)  # the circular went to it, the case is not its own
    assert f'href="{path}"' in urban.open("/work/notices/")
    page = urban.open(path)
    assert "三天没有到场" in page and "还没有单位签阅" in page and f"/work/cases/{case.number}/" not in page
    assert not CircularReading.objects.exists()  # to look is not to sign
    assert urban.post(path).status_code == 302 == urban.post(path).status_code
    reading = CircularReading.objects.get()
    assert (reading.organisation, reading.person) == (town.urban, urban.person)
    assert Notice.objects.get(kind="circular", organisation=town.urban).seen_by == urban.person
    assert Notice.objects.get(kind="circular", organisation=town.sanitation).seen_at is None
    assert LogEntry.objects.filter(action="circular.read").count() == 1
    lead = Desk(town, "department").case(case)
    assert "三天没有到场" in lead and f'href="{path}"' in lead and "已签阅" in lead
    Desk(town, "department", town.water).open(path, 403)
    Desk(town, "department").open("/work/circulars/999/", 404)


def test_the_history_names_rungs_units_and_categories_in_english(town):
    everything(town)
    with translation.override("en"):
        for case in {n.case for n in Notice.objects.select_related("case")}:
            for entry in timeline.events(case):
                left = CHINESE.findall(" ".join([entry.what, *entry.details]).replace("已清理", ""))  # a result
                assert not left, (entry.what, entry.details)


def test_events_from_before_take_the_english_names_of_today(town):
    Organisation.objects.filter(pk=town.sanitation.pk).update(name_en="Sanitation Centre")
    case = town.handling()
    event = case.events.get(action="dispatch")
    event.data["lead"].pop("name_en")
    event.save()
    with translation.override("en"), CaptureQueriesContext(connection) as found:
        assert timeline.events(case)[-1].details == ["Lead: Sanitation Centre"]
    assert len(found) <= 5


def test_what_the_program_wrote_itself_is_read_in_english(town):
    case = town.closed()
    again = town.report()
    assert again.pk == case.pk
    desk = Desk(town, "duty_leader")
    assert "观察期内同一地点再次上报同类问题" in desk.case(case)
    desk.client.cookies["django_language"] = "en"
    page = desk.case(case)
    assert "观察期内" not in page and "已反弹" not in page
