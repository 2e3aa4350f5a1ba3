"""The inboxes: who finds what where, counts, filters, order, views, export, bulk; and how many queries it takes."""

import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from shaodao.cases import inboxes
from shaodao.cases.actions import Actor
from shaodao.cases.models import Case, Notice, SavedView
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from tests.cases.desk import Desk, key
from tests.town import later

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]


def waiting(town, role, organisation=None):
    """Inbox → number of cases, without the empty ones."""
    actor = Actor.of(town.person(role, organisation)).facts
    found = inboxes.counts(actor)
    for box in inboxes.of(actor):
        rows = box.cases(actor, clock.now())
        if box.counted:
            assert rows.count() == found[box.key].total, box.key
    return {name: c.total for name, c in found.items() if c.total and name not in ("overdue", "notices")}


def test_a_case_moves_from_desk_to_desk(town):
    case = town.report()
    assert waiting(town, "intake") == {"intake": 1} == waiting(town, "duty_leader")
    assert waiting(town, "dispatcher") == {} == waiting(town, "department")
    town.act("request_precheck", case, "intake")
    assert waiting(town, "intake") == {}
    assert waiting(town, "inspector") == {"precheck": 1} == waiting(town, "community")
    assert waiting(town, "street", town.other_office) == {}
    town.act("precheck", case, "inspector", passed=True)
    town.act("file", case, "intake")
    assert waiting(town, "dispatcher") == {"dispatch": 1}
    town.act("dispatch", case, "dispatcher", lead="SANI", supports=["URBAN"])
    assert waiting(town, "department") == {"sign": 1} == waiting(town, "department", town.urban)
    lead, support = case.assignments.order_by("id")
    town.act("sign", case, "department", on=lead.pk)
    assert waiting(town, "department") == {"handling": 1}
    town.act("request_extension", case, "department", on=lead.pk, reason="设备坏了")
    assert waiting(town, "dispatcher") == {"requests": 1}
    town.act("dispute", case, "department", town.urban, on=support.pk, reason="不是我们的路")
    assert waiting(town, "headquarters") == {"disputes": 1}
    town.act("rule_dispute", case, "headquarters", on=case.disputes.get().pk, lead="SANI", ruling="环卫主办")
    town.act("finish", case, "department", on=lead.pk, result="已清")
    assert waiting(town, "inspector") == {"verify": 1} == waiting(town, "street")
    town.act("verify", case, "inspector", passed=True)
    assert waiting(town, "headquarters") == {"close": 1}
    town.act("close", case, "headquarters")
    assert waiting(town, "street") == {"evaluate": 1}
    assert waiting(town, "street", town.other_office) == {}
    town.act("evaluate", case, "street", on=lead.pk, efficiency=5, effect=5)
    assert waiting(town, "street") == {}
    with later(days=5):
        assert waiting(town, "street") == {"rechecks": 1} == waiting(town, "inspector")
    with later(days=31):  # what fell due and was not done stays on the list after the watch
        assert waiting(town, "street") == {"rechecks": 1}


def test_a_whistle_waits_for_the_leader_then_for_those_it_calls(town):
    case = town.report()
    town.act("whistle_draft", case, "street", kind="emergency", lead="WATER", supports=[], reason="水管爆裂")
    assert waiting(town, "street_leader") == {"whistles": 1}
    assert waiting(town, "street_leader", town.other_office) == {}
    town.act("whistle_confirm", case, "street_leader", on=case.whistles.get().pk)
    on = case.assignments.get()
    town.act("sign", case, "department", town.water, on=on.pk)
    assert waiting(town, "department", town.water) == {"report-in": 1}
    town.act("report_in", case, "department", town.water, on=on.pk)
    assert waiting(town, "department", town.water) == {"handling": 1}


def test_who_handled_does_not_find_it_among_what_to_verify(town):
    case = town.report()
    town.act("self_handle", case, "street")
    town.act("finish", case, "street", on=case.assignments.get().pk, result="已清")
    assert waiting(town, "inspector") == {"verify": 1} == waiting(town, "community")
    assert "verify" not in waiting(town, "street")


def test_everybody_sees_only_their_own_inboxes(town):
    town.handling()
    desk = Desk(town, "department")
    page = desk.open("/work/")
    assert "/work/sign/" in page and "/work/intake/" not in page and "/work/close/" not in page
    desk.open("/work/intake/", 404)
    desk.open("/work/intake/export.xlsx", 404)
    assert desk.rows("sign") == desk.rows("all") == [Case.objects.get().number]
    other = Desk(town, "department", town.urban)
    assert other.rows("sign") == other.rows("all") == []


def test_a_person_without_a_post_has_an_empty_desk(town):
    town.report()
    desk = Desk(town, "intake")
    desk.person.posts.update(active=False)
    assert "您还没有岗位" in desk.open("/work/")
    desk.open("/work/all/", 404)


def test_the_public_is_sent_to_sign_in(client, town):
    for path in ("/work/", "/work/all/", "/work/all/export.xlsx", f"/work/cases/{town.report().number}/"):
        response = client.get(path)
        assert response.status_code == 302 and response["Location"].startswith("/login/")


def make(town, count):
    """Cases of several streets, states and leads, with photos of nothing: what a list has to join."""
    for n in range(count):
        town.report(lon=113.2001 + 0.001 * (n % 6), lat=40.0001 + 0.00001 * n, text=f"第 {n} 件", category=town.litter)
    cases = list(Case.objects.all())
    for case in cases[::2]:
        Case.objects.filter(pk=case.pk).update(state="filed", lead=town.sanitation, due_at=clock.now())


def queries_of(desk, path):
    desk.open(path)  # settings and calendar are read once a process
    with CaptureQueriesContext(connection) as caught:
        desk.open(path)
    return len(caught)


@pytest.mark.parametrize("role", ["duty_leader", "dispatcher", "street", "department"])
def test_a_list_of_100_takes_as_many_queries_as_one_of_10(town, role):
    desk = Desk(town, role)
    make(town, 10)
    few = queries_of(desk, "/work/all/?per=100")
    desk_few = queries_of(desk, "/work/")
    make(town, 90)
    assert queries_of(desk, "/work/all/?per=100") == few <= 12
    assert queries_of(desk, "/work/") == desk_few <= 12
    assert len(desk.rows("all", per=100)) == (
        0 if role == "department" else 100 if role != "street" else pytest.approx(67, abs=3)
    )


def test_the_first_list_of_a_fresh_process_stays_within_twelve(town, django_assert_max_num_queries):
    from shaodao.foundation import district

    make(town, 12)
    desk = Desk(town, "duty_leader")
    district.forget()
    with django_assert_max_num_queries(12):
        desk.open("/work/intake/?per=100")


def test_counts_are_one_query(town, django_assert_num_queries):
    town.handling()
    facts = Actor.of(town.person("street")).facts
    with django_assert_num_queries(1):
        inboxes.counts(facts)


def test_filters(town):
    a = town.report(text="井盖翘起", address="迎宾路 8 号")
    b = town.report(text="树枝断了", lon=113.2045, category=town.pipe)
    c = town.handling(text="垃圾成堆")
    desk = Desk(town, "duty_leader")
    numbers = {x.number for x in (a, b, c)}
    assert set(desk.rows("all")) == numbers
    assert desk.rows("all", q="井盖") == desk.rows("all", q="迎宾路") == [a.number]
    assert desk.rows("all", q=b.number) == desk.rows("all", q=str(b.pk)) == [b.number]
    assert desk.rows("all", category=town.pipe.pk) == [b.number] == desk.rows("all", urgent="on")
    assert desk.rows("all", street=town.other_street.pk) == [b.number]
    assert desk.rows("all", lead=town.sanitation.pk) == [c.number] == desk.rows("all", state="handling")
    assert set(desk.rows("all", channel="public")) == numbers and desk.rows("all", channel="hotline") == []
    assert set(desk.rows("all", since="2021-05-24", until="2021-05-24")) == numbers
    assert desk.rows("all", since="2021-05-25") == desk.rows("all", until="2021-05-23") == []
    assert set(desk.rows("all", light="green")) == numbers and desk.rows("all", light="red") == []
    with later(minutes=13):
        assert set(desk.rows("all", light="yellow")) == {a.number, b.number}
    with later(minutes=40):
        assert set(desk.rows("all", light="red")) == set(desk.rows("overdue")) == numbers


def test_a_suspended_case_is_paused_in_the_list(town):
    case = town.handling()
    on = case.assignments.get().pk
    town.act("sign", case, "department", on=on)
    town.act("request_suspension", case, "department", on=on, reason="等材料", until="2021-06-24T08:00")
    town.act("grant", case, "dispatcher", on=case.time_requests.get().pk)
    desk = Desk(town, "department")
    assert desk.rows("handling", light="paused") == [case.number]
    assert "light-paused" in desk.open("/work/handling/")


def test_order_and_pages(town):
    make(town, 60)
    desk = Desk(town, "duty_leader")
    numbers = desk.rows("all", sort="number", per=25)
    assert len(numbers) == 25 and numbers == sorted(numbers)
    assert desk.rows("all", sort="-number", per=25)[0] == Case.objects.order_by("-pk").first().number
    assert set(desk.rows("all", sort="number", per=25, page=3)) == set(desk.rows("all", sort="-number", per=25)[:10])
    assert len(desk.rows("all", per=25, page=999)) == 10  # beyond the end: the last page
    assert len(desk.rows("all", print=1, per=25)) == 60
    for column in ("summary", "category", "street", "lead", "state", "limit", "reports", "created", "channel"):
        assert set(desk.rows("all", sort=column, per=100)) == set(desk.rows("all", sort=f"-{column}", per=100))


def test_urgent_first_then_what_ends_first(town):
    late = town.report(text="后到")
    urgent = town.report(text="水管爆裂", category=town.pipe)
    Case.objects.filter(pk=late.pk).update(due_at=clock.now())
    third = town.report(text="第三")
    assert Desk(town, "intake").rows("intake") == [urgent.number, late.number, third.number]


def closed(town, **report):
    case = town.handling(**report)
    on = case.assignments.get().pk
    town.act("sign", case, "department", on=on)
    town.act("finish", case, "department", on=on, result="已清")
    town.act("verify", case, "inspector", passed=True)
    town.act("close", case, "headquarters")
    return case


def todos(page):
    """The cells that say what is to be done, as plain text."""
    cells = re.findall(r'<td class="cell-todo".*?</td>', page, re.S)
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in cells]


def test_the_desk_says_what_is_to_be_done_and_by_when(town):
    urgent = closed(town, text="以前的急件")
    Case.objects.filter(pk=urgent.pk).update(urgent=True)
    urgent.rechecks.filter(done_at=None).update(due_at=clock.now() + timedelta(days=6))
    mine = town.report(text="街道自己办的", lon=113.2025)
    town.act("self_handle", mine, "street")
    desk = Desk(town, "street")
    with later(days=5):
        page = desk.open("/work/")
        shown = re.findall(r'data-href="/work/cases/([^/]+)/"', page)
        assert shown == [mine.number, urgent.number]  # closed after open, though it is marked urgent
        assert todos(page) == ["办理", "复查 评价 剩 2 天"]  # to look again is due first and stands in the first column
        assert todos(desk.open("/work/all/")) == ["办理", "复查 剩 1 天 评价 剩 2 天"]
        assert desk.rows("all")[-1] == urgent.number
    with later(days=8):
        assert inboxes.counts(Actor.of(desk.person).facts, clock.now())["evaluate"].overdue == 1


def test_rechecks_stand_by_their_own_due_date(town):
    first, second = closed(town, text="先结案"), closed(town, text="后结案", lon=113.2025)
    second.rechecks.filter(done_at=None).update(due_at=clock.now() + timedelta(days=6))
    desk = Desk(town, "inspector")
    with later(days=5):
        assert desk.rows("rechecks") == [second.number, first.number]
        page = desk.open("/work/rechecks/")
        assert "剩 1 天" in page and "剩 2 天" in page and "—" not in page
        assert desk.rows("rechecks", sort="-limit") == [first.number, second.number]


NASTY = [
    {"q": "\x00"}, {"q": "%' OR 1=1 --"}, {"q": "9" * 300}, {"q": "２０２６-０００００１"}, {"category": "x"}, {"category": "-1"},
    {"category": "9" * 40}, {"street": "999999"}, {"light": "purple"}, {"state": "DROP"}, {"since": "2021-02-31"},
    {"until": "9999-12-31"}, {"since": "0001-01-01"}, {"page": "-1"}, {"page": "x"}, {"page": "9" * 30}, {"per": "1000000"},
    {"sort": "password"}, {"sort": "--limit"}, {"sort": "limit_at__year"}, {"print": "yes"}, {"q": "¹²³"}, {"q": "1e400"},
]  # fmt: skip


@pytest.mark.parametrize("query", NASTY, ids=str)
def test_a_bad_filter_is_answered_not_broken(town, query):
    town.report()
    desk = Desk(town, "intake")
    desk.open("/work/intake/", **query)
    assert desk.client.get("/work/intake/export.xlsx", query).status_code == 200


def test_saved_views(town):
    desk, other = Desk(town, "intake"), Desk(town, "duty_leader")
    sent = {"do": "save", "inbox": "intake", "name": "今天的垃圾", "query": "q=垃圾&sort=-created&evil=1"}
    desk.post("/work/views/", **sent)
    row = SavedView.objects.get()
    assert row.query == "intake?q=%E5%9E%83%E5%9C%BE&sort=-created"
    assert "今天的垃圾" in desk.open("/work/intake/") and "今天的垃圾" not in other.open("/work/intake/")
    other.post("/work/views/", do="delete", inbox="intake", view=row.pk)
    other.post("/work/views/", do="rename", inbox="intake", view=row.pk, name="我的")
    assert SavedView.objects.get().name == "今天的垃圾"  # not theirs
    desk.post("/work/views/", do="rename", inbox="intake", view=row.pk, name="垃圾")
    assert SavedView.objects.get().name == "垃圾"
    desk.post("/work/views/", do="save", inbox="intake", name="", query="")
    desk.post("/work/views/", do="rename", inbox="intake", view="x", name="y")
    desk.post("/work/views/", do="nonsense", inbox="intake")
    assert SavedView.objects.count() == 1
    desk.post("/work/views/", do="delete", inbox="intake", view=row.pk)
    assert not SavedView.objects.exists()
    assert desk.post("/work/views/", do="save", inbox="close", name="x").status_code == 404


def test_export_is_the_filter_without_personal_data(town):
    town.report(text="王小明 13812345678 说井盖坏了", name="王小明", phone="13812345678", address="王小明家门口")
    shown = town.report(text="=HYPERLINK(1)", category=town.pipe)
    Case.objects.filter(pk=shown.pk).update(published=True, public_text="=1+1")
    desk = Desk(town, "intake")
    response = desk.client.get("/work/intake/export.xlsx", {"sort": "number"})
    content = b"".join(response.streaming_content)
    sheet = load_workbook(io.BytesIO(content)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 3 and rows[1][0] == Case.objects.order_by("pk").first().number
    text = str(rows)
    assert "王小明" not in text and "1381234" not in text and "5678" not in text
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    only = desk.client.get("/work/intake/export.xlsx", {"category": town.pipe.pk})
    assert load_workbook(io.BytesIO(b"".join(only.streaming_content))).active.max_row == 2
    assert LogEntry.objects.filter(action="cases.export", actor=desk.person).count() == 2


def test_bulk_dispatch_names_what_failed_and_why(town):
    good = [town.filed(text=f"{n}") for n in range(3)]
    stale, gone = town.filed(text="有变化"), town.filed(text="已派遣")
    chosen = [f"{c.pk}:{c.version}" for c in [*good, stale, gone]]
    town.act("categorise", stale, "dispatcher", category=town.litter.key)
    town.act("dispatch", gone, "dispatcher", lead="URBAN")
    chosen[-1] = f"{gone.pk}:{Case.objects.get(pk=gone.pk).version}"
    desk = Desk(town, "dispatcher")
    sent = {"do": "dispatch", "case": chosen, "lead": town.sanitation.pk, "supports": [town.water.pk], "key": key()}
    page = desk.post("/work/bulk/", back="/work/dispatch/", **sent).content.decode()
    assert "完成 3 件，没有执行 2 件" in page and "案件刚刚有变化" in page and "不能派遣" in page
    assert all(number in page for number in (c.number for c in [*good, stale, gone]))
    for case in good:
        case.refresh_from_db()
        assert case.state == "handling" and case.assignments.count() == 2
    desk.post("/work/bulk/", back="/work/dispatch/", **sent)  # sent twice
    assert good[0].assignments.count() == 2


def test_bulk_without_a_lead_says_what_is_missing(town):
    case = town.filed()
    desk = Desk(town, "dispatcher")
    response = desk.post("/work/bulk/", do="dispatch", case=[f"{case.pk}:{case.version}"])
    assert response.status_code == 409 and "主办单位：必填" in response.content.decode()
    assert "没有选中案件" in desk.post("/work/bulk/", do="dispatch", case=["x", "1:2:3", "-1:0", ":"]).content.decode()
    assert desk.post("/work/bulk/", do="void", case=["1:1"]).status_code == 302
    assert desk.post("/work/bulk/", do="nonsense", back="https://evil.example/")["Location"] == "/work/"


def test_bulk_urge_only_where_it_may(town):
    own, other = town.handling(), town.handling(lon=113.2045)
    desk = Desk(town, "street")
    chosen = [f"{c.pk}:{c.version}" for c in (own, other)]
    page = desk.post("/work/bulk/", do="urge", case=chosen, reason="请尽快", back="/work/all/").content.decode()
    assert "完成 1 件" in page and other.number not in page  # the other street's case is not this person's to see
    assert Notice.objects.filter(kind="urge", organisation=town.sanitation).count() == 1


def test_bulk_urge_without_words_keeps_what_was_ticked(town):
    first, second = town.handling(), town.handling(lon=113.2025)
    desk = Desk(town, "dispatcher")
    chosen = [f"{c.pk}:{c.version}" for c in (first, second)]
    answer = desk.post("/work/bulk/", do="urge", case=chosen, reason="", back="/work/all/?q=x", key=key())
    page = answer.content.decode()
    assert answer.status_code == 409 and 'name="reason"' in page
    again = re.findall(r'name="case" value="([^"]*)" checked', page)
    assert again == chosen
    hidden = dict(re.findall(r'<input type="hidden" name="(back|key)" value="([^"]*)"', page))
    page = desk.post("/work/bulk/", do="urge", case=again, reason="请尽快", **hidden).content.decode()
    assert "完成 2 件" in page and Notice.objects.filter(kind="urge").count() == 2
    wrong = desk.post("/work/bulk/", do="urge", case=chosen, reason="写好的话" + "长" * 3000, back="/work/all/")
    assert wrong.status_code == 409


def test_what_cannot_be_urged_cannot_be_ticked(town):
    held, waiting = town.handling(), town.report(lon=113.2025)
    page = Desk(town, "dispatcher").open("/work/all/")
    boxes = dict(re.findall(r'name="case" value="(\d+):\d+" data-bulk-item( disabled title="[^"]+")?', page))
    assert not boxes[str(held.pk)] and "没有在办的单位可催" in boxes[str(waiting.pk)]
    assert "本页 1 件没有在办的单位可催" in page


def test_notices_are_one_line_a_case_with_the_highest_rung(town):
    case, other = town.handling(), town.handling(lon=113.2025)
    for action in ("urge", "supervise", "urge"):
        town.act(action, case, "headquarters", reason="请尽快")
    town.act("circulate", case, "headquarters", title="迟缓", text="三天没有到场", organisations=["SANI"])
    desk = Desk(town, "department")
    page = desk.open("/work/notices/")
    lines = re.findall(r'<li class="">.*?</li>', page, re.S)
    assert len(lines) == 3  # the circular, the case, the other case
    assert "通报：迟缓" in lines[0] and f"督办 {case.number}" in lines[1] and "共 4 条" in lines[1]
    assert other.number in lines[2] and "共" not in lines[2]
    assert desk.open("/work/notices/", kind="urge").count('<li class="">') == 1
    assert "共 2 条" in desk.open("/work/notices/", kind="urge")
    assert desk.open("/work/notices/", kind="other").count('<li class="">') == 2
    desk.open("/work/notices/", kind="x\x00")
    desk.post("/work/notices/?kind=urge", do="all")  # only what the filter shows
    assert Notice.objects.exclude(seen_at=None).count() == 2
    desk.post("/work/notices/", notice=re.findall(r'name="notice" value="(\d+)"', lines[1]))
    assert desk.open("/work/notices/").count('<li class="">') == 2
    assert "is-seen" in desk.open("/work/notices/", seen=1)


def test_notices_stay_until_seen(town):
    case = town.handling()
    desk, colleague = Desk(town, "department"), Desk(town, "department", town.urban)
    assert case.number in desk.open("/work/notices/") and case.number not in colleague.open("/work/notices/")
    notice = Notice.objects.get(kind="assigned")
    colleague.post("/work/notices/", notice=notice.pk)
    notice.refresh_from_db()
    assert notice.seen_at is None
    desk.post("/work/notices/", notice=[notice.pk, "x", "9" * 40])
    notice.refresh_from_db()
    assert notice.seen_at and notice.seen_by == desk.person
    assert case.number not in desk.open("/work/notices/") and case.number in desk.open("/work/notices/", seen=1)
    town.act("urge", case, "dispatcher", reason="快")
    desk.post("/work/notices/", do="all")
    assert not Notice.objects.filter(organisation=town.sanitation, seen_at=None).exists()
