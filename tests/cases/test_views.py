"""The case page and what is done on it: every action through its form, refusals, conflicts, privacy, hostile text."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from shaodao.cases import history, lifecycle
from shaodao.cases.actions import Actor, perform
from shaodao.cases.models import Case, CaseEvent, Circular, Contact, Note
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from tests.cases.desk import Desk, errors, key
from tests.town import later

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
TRIED: set[str] = set()


@pytest.fixture
def desks(town):
    """One desk for each post of the district."""
    made = {
        role: Desk(town, role)
        for role in (
            "intake", "duty_leader", "dispatcher", "inspector", "hotline", "headquarters", "street", "street_leader",
            "community", "department",
        )
    }  # fmt: skip
    made |= {"urban": Desk(town, "department", town.urban), "water": Desk(town, "department", town.water)}
    return made


def test_every_action_through_its_page(town, desks):
    """One long day: whatever the table of the life cycle lists for people is done once by clicking."""
    done: set[str] = set()

    def do(who, action, case, on=None, **given):
        done.add(action)
        return desks[who].do(action, case, on, **given)

    # intake: pre-check, category, file, publish; wrong ones are declined, voided, merged, split, un-merged
    case = town.report(category=None)
    do("intake", "request_precheck", case)
    do("inspector", "precheck", case, passed="1", position="113.2005,40.0005")
    do("duty_leader", "categorise", case, category=town.litter.pk, condition=town.condition.pk, urgent="1")
    assert case.urgent and case.condition == town.condition
    do("duty_leader", "publish", case, published="1", public_text="路边有垃圾")
    do("duty_leader", "file", case)
    do("duty_leader", "decline", town.report(), reason="不属实")
    do("duty_leader", "void", town.filed(), reason="误立")
    twin = town.report(text="同一堆")
    do("intake", "merge", twin, target=case.number)
    assert twin.state == "merged"
    do("intake", "unmerge", twin, reason="不是同一处")
    do("intake", "merge", twin, target=case.number)
    do("intake", "locate", case, position="113.2005,40.0005")
    do("intake", "split", case, report=twin.first_reports.get().pk, reason="另一件事")

    # the street handles one itself, whistles on another, its leader refuses once
    own = town.report()
    do("street", "self_handle", own)
    other = town.report()
    for answer in ("whistle_reject", "whistle_confirm"):
        draft = {"kind": "emergency", "lead": town.water.pk, "supports": [town.urban.pk], "reason": "请到场"}
        do("street", "whistle_draft", other, **draft)
        on = other.whistles.get(state="draft").pk
        do("street_leader", answer, other, on, **({"reason": "再看看"} if answer == "whistle_reject" else {}))
    called = other.assignments.get(organisation=town.water)
    do("water", "report_in", other, called.pk, position="113.2005,40.0006", remark="到了")

    # dispatch, return, again, dispute and ruling, more time, support and withdrawal
    do("dispatcher", "dispatch", case, lead=town.water.pk, supports=[])
    do("water", "send_back", case, case.assignments.get(state="sent").pk, reason="不是供水的事")
    do("dispatcher", "dispatch", case, lead=town.sanitation.pk, supports=[town.urban.pk])
    lead, support = case.assignments.filter(state="sent").order_by("id")
    do("urban", "dispute", case, support.pk, reason="不是我们的")
    ruling = {"lead": town.sanitation.pk, "supports": [], "ruling": "环卫主办"}
    do("headquarters", "rule_dispute", case, case.disputes.get().pk, **ruling)
    do("dispatcher", "add_support", case, supports=[town.gardens.pk])
    extra = case.assignments.get(organisation=town.gardens)
    do("dispatcher", "withdraw", case, extra.pk, reason="不用了")
    do("department", "sign", case, lead.pk)
    do("department", "note", case, text="已派车", told="1")
    do("department", "request_extension", case, lead.pk, reason="车坏了")
    do("dispatcher", "refuse", case, case.time_requests.get().pk, reason="今天要办完")
    until = clock.local(clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    do("department", "request_suspension", case, lead.pk, reason="等材料", until=until)
    do("dispatcher", "grant", case, case.time_requests.get(state="pending").pk)
    do("department", "resume", case, lead.pk)
    do("dispatcher", "urge", case, reason="请抓紧")
    do("headquarters", "supervise", case, reason="挂牌督办")

    # stages, finish, rework, verification, closing, evaluation, comment, circular, re-check, rebound
    pipe = town.handling(lead=town.water, category=town.pipe, lon=113.2015)
    town.act("categorise", town.report(category=town.pipe, lon=113.2025), "intake", category=town.pipe.key)
    on = pipe.assignments.get().pk
    if pipe.assignments.get().stages:
        desks["water"].do("sign", pipe, on)
    do("department", "finish", case, lead.pk, result="清完了")
    do("inspector", "verify", case, passed="0", remark="还有残留")
    do("department", "finish", case, lead.pk, result="又清了")
    do("inspector", "verify", case, passed="1")
    do("duty_leader", "close", case)
    do("street", "evaluate", case, lead.pk, efficiency="2", effect="5", comment="来得慢")
    do("headquarters", "comment_evaluation", case, case.evaluations.get().pk, text="请改进")
    do("headquarters", "circulate", case, title="通报", text="请各单位注意", organisations=[town.urban.pk])
    assert Circular.objects.get().organisations.get() == town.urban
    rated = {"grounds": ["evaluation"], "reason": "当天就到了"}
    do("department", "appeal", case, lead.pk, **rated)
    do("headquarters", "review_appeal", case, lead.appeal.pk, upheld="1", reason="属实")
    do("department", "withdraw_appeal", case, lead.appeal.pk)
    with later(days=7):
        do("community", "recheck", case, case.rechecks.first().pk, rebounded="0")
        do("street", "rebound", case, reason="又堆上了")
    assert case.state == "handling" and case.rebound_count == 1
    do("duty_leader", "close_not_fixed", town.filed(), reason="权属不明")

    # its reporter says that it is not solved: explained once, then done again
    values = {"responded": True, "resolved": False, "satisfied": False}
    for lat, action, given in (
        (40.0011, "settle_callback", {"reply": "已核对，现场干净"}),
        (40.0018, "reopen", {"reason": "确实还有"}),
    ):
        said = town.closed(lon=113.2032, lat=lat)
        perform("callback", said.pk, Actor.public(), data=values, extra={"callback": said.callbacks.get()})
        do("street", action, said, **given)
    assert said.state == "handling" and said.reopen_count == 1

    staged = town.report(category=town.pipe, lon=113.2035)
    desks["intake"].do("categorise", staged, category=town.pipe.pk, condition=town.staged.pk)
    desks["duty_leader"].do("file", staged)
    desks["dispatcher"].do("dispatch", staged, lead=town.water.pk)
    on = staged.assignments.get().pk
    desks["water"].do("sign", staged, on)
    do("water", "stage_done", staged, on, stage="围护")

    people = {t.action for t in lifecycle.TRANSITIONS if not t.roles <= {"public", "system"}} - {"me_too"}
    assert done == people
    for row in Case.objects.all():
        page = desks["duty_leader"].case(row)
        assert row.number in page
    assert history.verify()["broken"] == []


def test_every_page_says_what_may_be_done_and_why_not(town, desks):
    case = town.report(category=None)
    page = desks["duty_leader"].case(case)
    assert re.search(r'btn-next" type="submit">归类<', page)  # without a category the first step is to find one
    refused = re.search(r'disabled aria-describedby="(why-file-0)">立案<', page)
    assert refused and f'id="{refused.group(1)}">请先归类' in page
    assert "/do/dispatch/" not in page  # the dispatcher's, not the duty leader's
    town.act("categorise", case, "intake", category=town.litter.key)
    assert re.search(r'btn-next" type="submit">立案<', desks["duty_leader"].case(case))
    assert "现在没有等您做的事" in desks["dispatcher"].case(case)


def test_the_primary_button_works_as_it_stands(town, desks):
    """What a tired officer does: open the case, press the one button. Dispatch has its units filled in already."""
    case = town.filed()
    page = desks["dispatcher"].case(case)
    form = re.search(r'<form method="post" action="([^"]+/do/dispatch/)".*?</form>', page, re.S)
    hidden = dict(re.findall(r'name="(version|key)" value="([^"]*)"', form.group(0)))
    assert f'<option value="{town.sanitation.pk}" selected>' in form.group(0)
    response = desks["dispatcher"].post(form.group(1), **hidden, lead=town.sanitation.pk)
    assert response.status_code == 302 and response["Location"] == f"/work/cases/{case.number}/"
    case.refresh_from_db()
    assert case.lead == town.sanitation
    assert "“派遣”已完成" in desks["dispatcher"].case(case)


def test_faults_stand_beside_their_field_and_nothing_typed_is_lost(town, desks):
    case = town.report()
    response = desks["street"].send("whistle_draft", case, kind="no", lead="999999", reason="")
    page = response.content.decode()
    assert response.status_code == 422
    assert "哨种应为其中之一" in page and "没有这个承办单位" in page and "id_lead_error" in page
    response = desks["street"].send(
        "whistle_draft", case, kind="emergency", lead=town.water.pk, supports=[town.water.pk], reason="快"
    )
    page = response.content.decode()
    assert response.status_code == 422 and f"{town.water.name} 已是主办单位，不用再列为协办" in page
    assert re.search(r'value="emergency"[^>]* checked', page) and ">\n快</textarea>" in page
    assert f'<option value="{town.water.pk}" selected>' in page
    assert not case.whistles.exists()


def errors_and_labels(response):
    return re.findall(r"<legend[^>]*>\s*([^<]*?)\s*<", response.content.decode())


def test_questions_with_two_answers_are_called_by_what_is_asked(town, desks):
    case = town.handling()
    on = case.assignments.get().pk
    town.act("sign", case, "department", on=on)
    town.act("finish", case, "department", on=on, result="已清")
    response = desks["inspector"].send("verify", case)
    assert response.status_code == 422 and "核查结果" in errors_and_labels(response)
    town.act("verify", case, "inspector", passed=True)
    town.act("close", case, "headquarters")
    recheck = case.rechecks.filter(done_at=None).first()
    assert "复查结果" in errors_and_labels(desks["inspector"].send("recheck", case, recheck.pk))


def test_a_conflict_with_oneself_blames_nobody_else(town, desks):
    case = town.handling()
    seen = case.version
    desks["department"].do("sign", case, case.assignments.get().pk)
    path = f"/work/cases/{case.number}/do/finish/{case.assignments.get().pk}/"
    response = desks["department"].post(path, version=seen, key=key(), result="已清")
    page = response.content.decode()
    assert response.status_code == 409 and "别人" not in page and "另一个窗口" in page


def test_a_whistle_whose_units_are_gone_says_so(town, desks):
    case = town.report()
    town.act("whistle_draft", case, "street", kind="emergency", lead="WATER", supports=[], reason="水管爆裂")
    town.act("whistle_confirm", case, "street_leader", on=case.whistles.get().pk)
    card = re.compile(r'aria-labelledby="whistles".*?</section>', re.S)
    assert "已吹哨" in card.search(desks["street"].case(case)).group()
    town.act("send_back", case, "department", town.water, on=case.assignments.get().pk, reason="不归我们")
    shown = card.search(desks["street"].case(case)).group()
    assert "已退回" in shown and "已吹哨" not in shown
    assert "已退回" in desks["headquarters"].open("/command/whistles/")


def test_a_missing_reason_is_asked_for(town, desks):
    response = desks["duty_leader"].send("decline", town.report(), reason="  ")
    assert response.status_code == 422 and "请写明理由" in errors(response)
    response = desks["duty_leader"].send("decline", town.report(), reason="长" * 3000)
    assert response.status_code == 422 and "最多" in errors(response)


def test_somebody_was_faster_409_and_what_changed(town, desks):
    case = town.handling()
    on = case.assignments.get().pk
    seen = case.version
    town.act("sign", case, "department", on=on)
    town.act("note", case, "dispatcher", text="内部备注")
    path = reverse("case_do", args=[case.number, "send_back", on])
    response = desks["department"].post(path, version=seen, key=key(), reason="不是我们的事情")
    page = response.content.decode()
    assert response.status_code == 409
    assert "签收" in page and "department-SANI" in page and "不是我们的事情" in page and case.number in page
    case.refresh_from_db()
    assert case.return_count == 0


def test_sent_twice_is_done_once(town, desks):
    case = town.report()
    path, same = reverse("case_do", args=[case.number, "note"]), key()
    for _again in range(2):
        assert desks["intake"].post(path, key=same, version=case.version, text="一次").status_code == 302
    assert Note.objects.count() == 1
    taken = desks["intake"].post(reverse("case_do", args=[case.number, "file"]), key=same)
    assert taken.status_code == 422 and "此键已用于另一项操作" in taken.content.decode()


def test_what_is_not_possible_now_is_said_not_done(town, desks):
    case = town.filed()
    page = desks["duty_leader"].open(f"/work/cases/{case.number}/do/file/")
    assert "不能立案" in page and "disabled" in page
    response = desks["duty_leader"].post(f"/work/cases/{case.number}/do/file/", key=key())
    assert response.status_code == 302
    assert "没有执行“立案”" in desks["duty_leader"].case(case)


def test_forbidden_is_403_unknown_is_404(town, desks):
    case = town.handling()
    on = case.assignments.get().pk
    stranger, other_street = desks["urban"], Desk(town, "street", town.other_office)
    for desk in (stranger, other_street):
        desk.case(case, 403)
        desk.open(f"/work/cases/{case.number}/do/note/", 403)
        assert desk.post(f"/work/cases/{case.number}/do/sign/{on}/", key=key()).status_code == 403
    desks["street"].open(f"/work/cases/{case.number}/do/dispatch/", 403)  # sees the case, holds another post
    assert desks["street"].post(f"/work/cases/{case.number}/do/dispatch/", lead=1).status_code == 403
    for number in ("2020-000001", "x", "2021-999999", "2021-" + "9" * 30, "２０２１-０００００１", "2021-٠٠٠٠٠١"):
        assert desks["intake"].client.get(f"/work/cases/{number}/").status_code == 404, number
    for path in (
        "do/me_too/",
        "do/escalate/",
        "do/callback/",
        "do/nothing/",
        f"do/sign/{on}999/",
        "do/sign/",
        "contact/1/",
    ):
        assert desks["department"].client.get(f"/work/cases/{case.number}/{path}").status_code in (404, 405), path
    assert CaseEvent.objects.filter(action="sign").count() == 0


def test_after_returning_a_case_the_department_is_back_at_its_desk(town, desks):
    case = town.handling()
    response = desks["department"].send("send_back", case, case.assignments.get().pk, reason="不属于环卫")
    assert response.status_code == 302
    assert desks["department"].client.get(response["Location"]).status_code == 200


def test_contact_is_masked_and_each_reading_is_logged(town, desks):
    case = town.handling(name="王小明", phone="13812345678", email="wang@example.org")
    report = case.reports.get()
    Contact.objects.get(report=report)
    path = f"/work/cases/{case.number}/contact/{report.pk}/"
    for desk in desks.values():
        page = desk.client.get(f"/work/cases/{case.number}/").content.decode()
        assert "王小明" not in page and "13812345678" not in page and "wang@" not in page
    page = desks["duty_leader"].case(case)
    assert "王*" in page and "138****5678" in page and "w***@example.org" in page
    assert desks["duty_leader"].post(path, reason=" ").status_code == 422
    assert not LogEntry.objects.filter(action="contact.read").exists()
    response = desks["duty_leader"].post(path, reason="问清地点")
    assert "13812345678" in response.content.decode() and "no-store" in response["Cache-Control"]
    entry = LogEntry.objects.get(action="contact.read")
    assert (entry.actor, entry.reason, entry.subject) == (
        desks["duty_leader"].person,
        "问清地点",
        f"report:{report.pk}",
    )
    for allowed in ("street", "community", "department", "hotline"):
        assert desks[allowed].post(path, reason="x").status_code == 200, allowed
    for denied in ("inspector", "urban"):
        assert desks[denied].post(path, reason="x").status_code == 403, denied
    assert LogEntry.objects.filter(action="contact.read").count() == 5
    assert desks["duty_leader"].client.get(path).status_code == 405


class Guard(HTMLParser):
    """What a browser would see: no element that runs, no handler, no inline style, no foreign address."""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert not [name for name in given if name.startswith("on") or name == "style"], (tag, attrs)
        assert tag != "script" or "src" in given or given.get("type") == "application/json", attrs
        assert not (given.get("src") or "").startswith(("x", "http", "javascript")), attrs
        assert not (given.get("href") or "").startswith("javascript"), attrs


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}{% now "Y" %}</textarea>'


def test_hostile_text_stays_text_everywhere(town, desks):
    case = town.report(text=HOSTILE, address=HOSTILE, name=HOSTILE[:60])
    other = town.report(text=HOSTILE)
    on_page = [("intake", "/work/intake/"), ("intake", "/work/"), ("intake", f"/work/intake/?q={HOSTILE}")]
    town.act("note", case, "intake", text=HOSTILE)
    town.act("whistle_draft", case, "street", kind="emergency", lead="WATER", supports=[], reason=HOSTILE)
    desks["intake"].post("/work/views/", do="save", inbox="intake", name=HOSTILE[:40], query=f"q={HOSTILE}")
    desks["intake"].send("decline", other, reason="", evil=HOSTILE)
    pages = [desks[who].open(path) for who, path in on_page]
    pages += [desk.case(case) for name, desk in desks.items() if name not in ("department", "urban", "water")]
    pages.append(desks["duty_leader"].open(f"/work/cases/{case.number}/do/publish/"))
    town.act("whistle_confirm", case, "street_leader", on=case.whistles.get().pk)
    on = case.assignments.get().pk
    pages.append(desks["water"].send("finish", case, on, result=HOSTILE).content.decode())
    town.act("send_back", case, "department", town.water, on=on, reason=HOSTILE)
    pages += [desks["dispatcher"].case(case), desks["dispatcher"].open("/work/dispatch/")]
    for page in pages:
        Guard().feed(page)


def test_pages_carry_no_inline_script_or_style(town, desks):
    case = town.closed(name="王", phone="13800000000")
    for desk in desks.values():
        for path in ("/work/", "/work/all/", f"/work/cases/{case.number}/", "/work/notices/"):
            response = desk.client.get(path)
            page = response.content.decode()
            if response.status_code == 200:
                Guard().feed(page)


def test_the_case_page_takes_as_many_queries_for_a_long_history(town, desks, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    case = town.handling(name="王", phone="1")
    town.act("note", case, "dispatcher", text="一")
    desks["dispatcher"].case(case)
    with CaptureQueriesContext(connection) as short:
        desks["dispatcher"].case(case)
    for n in range(20):
        town.act("note", case, "dispatcher", text=str(n))
        town.report(text=str(n), name="李", phone="2", category=None)
    for row in Case.objects.filter(state="received"):
        town.act("merge", row, "dispatcher", target=case.number)
    case.refresh_from_db()
    assert case.report_count == 21
    with CaptureQueriesContext(connection) as long:
        desks["dispatcher"].case(case)
    assert len(long) <= len(short) <= 26


def test_conditions_follow_the_category(town, desks):
    page = desks["intake"].open("/work/conditions/", category=town.pipe.pk)
    assert "喷水" in page and "8 紧急工作时" in page
    for nothing in ("", "x", "-1", "9" * 30, "１"):
        assert desks["intake"].open("/work/conditions/", category=nothing).count("<option") == 1


NASTY = [
    "",
    "x",
    "-1",
    "0",
    "9" * 40,
    "1e9",
    "１",
    "²",
    "\x00",
    "null",
    "[]",
    "{}",
    "<b>",
    "2021-13-45T99:99",
    "nan,nan",
    "181,91",
    ",",
]
FORMS = [
    ("intake", "categorise", ("category", "condition", "urgent")), ("intake", "merge", ("target",)),
    ("dispatcher", "dispatch", ("lead", "supports")), ("street", "whistle_draft", ("kind", "lead", "supports")),
    ("intake", "split", ("report",)), ("headquarters", "circulate", ("title", "text", "organisations")),
    ("inspector", "precheck", ("passed", "position", "remark")), ("duty_leader", "publish", ("published", "public_text", "public_photos")),
]  # fmt: skip


@pytest.mark.parametrize(("who", "action", "names"), FORMS, ids=lambda v: v if isinstance(v, str) else "")
def test_no_input_breaks_a_form(town, desks, who, action, names):
    case = town.report() if action != "dispatch" else town.filed()
    if action == "precheck":
        town.act("request_precheck", case, "intake")
    for text in NASTY:
        for extra in ({"version": text}, {"key": text[:5]}, {"reason": text}, {"kept_photos": text}, {}):
            response = desks[who].post(f"/work/cases/{case.number}/do/{action}/", **dict.fromkeys(names, text), **extra)
            assert response.status_code in (302, 403, 409, 422), (action, text, extra, response.status_code)


def test_english_pages_say_nothing_in_chinese(town, desks):
    """Everything of the interface is translated; what is left in Chinese is data."""
    case = town.closed(text="litter", name="Wang", phone="13800000000")
    town.act("evaluate", case, "street", on=case.assignments.get().pk, efficiency=5, effect=5)
    open_case = town.handling(text="litter", lon=113.2025)
    town.act("request_extension", open_case, "department", on=_signed(town, open_case), reason="late")
    data = data_words(town)
    for who, desk in desks.items():
        desk.client.cookies["django_language"] = "en"
        paths = [
            "/work/",
            "/work/notices/",
            "/work/all/",
            f"/work/cases/{case.number}/",
            f"/work/cases/{open_case.number}/",
        ]
        paths += [f"/work/{box}/" for box in ("intake", "close", "evaluate", "sign", "verify")]
        pages = [desk.client.get(path) for path in paths]
        for response in pages:
            if response.status_code == 200:
                links = re.findall(r'href="(/work/cases/[^"]+/do/[^"]+)"', response.content.decode())
                for text in [response.content.decode(), *(desk.client.get(link).content.decode() for link in links)]:
                    left = chinese(text, data)
                    assert not left, (who, response.request["PATH_INFO"], left)


def _signed(town, case):
    on = case.assignments.get(state="sent").pk
    town.act("sign", case, "department", on=on)
    return on


def data_words(town):
    """Names and texts that the test district itself is made of."""
    from shaodao.catalogue.models import Category, Condition
    from shaodao.organisations.models import Organisation
    from shaodao.places.models import Place

    words = {o.name for o in Organisation.objects.all()} | {p.name for p in Place.objects.all()}
    words |= {c.name for c in Category.objects.all()} | {c.major_name for c in Category.objects.all()}
    words |= {t for c in Condition.objects.all() for t in (c.filing, c.closing)}
    return words | {"测试区", "已清理", "简体中文"}


def chinese(page, data):
    """Runs of Chinese in a page's text and spoken attributes, without the district's own data."""
    page = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    for word in sorted(data, key=len, reverse=True):
        page = page.replace(word, "")
    return sorted(set(re.findall(r"[\u3400-\u9fff]+", page)))
