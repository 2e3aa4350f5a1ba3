"""Thanks say what was received; a reporter adds words and photos; the public timeline keeps inner matters in."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from shaodao.cases import history, notices
from shaodao.cases.actions import Actor, perform
from shaodao.cases.models import Addition, Notice
from shaodao.foundation.models import Delivery
from shaodao.portal.views.following import follow_token
from tests.cases.desk import Desk
from tests.portal.conftest import MAIL, PHONE, SAID, last, photo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
OTHER = "13912341111"


def own_page(report):
    return reverse("followed", args=[follow_token(report)])


def add(client, report, **given):
    page = client.get(own_page(report)).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    return client.post(own_page(report), {"key": key.group(1) if key else "", **given})


def text_of(response):
    return re.sub(r"<[^>]+>", " ", response.content.decode())


# ── thanks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_thanks_say_what_was_received(client, town, send):
    page = client.get(send(photos=[photo("一.jpg"), photo("二.jpg")], address="公交站牌旁")["Location"])
    html, text = page.content.decode(), text_of(page)
    assert SAID in text and "永泰街道" in text and "公交站牌旁" in text and "暴露垃圾" in text and "收到 2 张" in text
    assert html.count("/media/thumbnail/") == 2 and PHONE not in html and MAIL not in html
    for address in re.findall(r'src="(/media/thumbnail/[^"]+)"', html):
        assert client.get(address.replace("&amp;", "&")).status_code == 200  # by the ticket of the page
    assert "没有照片" in text_of(client.get(send(lat="40.0015")["Location"]))


def test_photos_that_were_too_many_are_named(client, town, send, settings):
    settings.PHOTO_MAX_COUNT = 1
    page = send(photos=[photo("一.jpg"), photo("二.jpg"), photo("三.jpg")]).content.decode()
    assert "没有保存：二.jpg、三.jpg" in page


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reporter_adds_words_and_photos_and_staff_see_it(client, town, send):
    send()
    report = last()
    case = town.act("file", report.case, "duty_leader").case
    town.act("dispatch", case, "dispatcher", lead="SANI", supports=[])
    Notice.objects.all().delete()
    response = add(client, report, text=f"又多了一堆，电话 {OTHER}", photos=[photo("新.jpg")])
    assert response.status_code == 302 and response["Location"].endswith("?added=1")
    row = Addition.objects.get()
    assert (row.report, row.photos, report.photos.count()) == (report, 1, 1)
    page = client.get(response["Location"]).content.decode()
    assert "已补充" in page and OTHER in page  # their own words, whole
    assert (report.case.events.last().action, report.case.reports.count()) == ("add_to_report", 1)
    notice = Notice.objects.get()
    assert notice.organisation == town.sanitation and "上报人补充了案件" in notices.words(notice)
    page = Desk(town, "department").case(report.case)
    assert "又多了一堆" in page and "补充上报" in page and "上报人补充" in page
    public = client.get(reverse("public_case", args=[report.case.number])).content.decode()
    assert "又多了一堆" not in public
    assert history.verify()["broken"] == []
    Addition.objects.update(text="改过")
    assert any("addition" in b["detail"] for b in history.verify()["broken"])


@pytest.mark.parametrize(
    ("stand", "role"), [("report", "intake"), ("filed", "dispatcher"), ("verifying", "duty_leader")]
)
def test_whose_turn_it_is_hears_of_it(client, town, stand, role):
    case = getattr(town, stand)()
    Notice.objects.all().delete()
    assert add(client, case.reports.get(), text="补一句").status_code == 302
    assert [(n.organisation, n.role) for n in Notice.objects.all()] == [(town.headquarters, role)]


def test_a_double_click_adds_once_and_nothing_is_nothing(client, town):
    report = town.report().reports.get()
    page = client.get(own_page(report)).content.decode()
    given = {"key": re.search(r'name="key" value="([^"]+)"', page).group(1), "text": "补一句"}
    assert [client.post(own_page(report), given).status_code for _time in range(2)] == [302, 302]
    assert Addition.objects.count() == 1
    response = add(client, report, text="  ")
    assert response.status_code == 422 and "请写几句话" in response.content.decode()
    for key in ("", "x", "\x00", "add:1:1"):
        assert client.post(own_page(report), {"key": key, "text": "\x00再补"}).status_code == 302


def test_a_bad_photo_is_named_and_the_good_one_kept(client, town):
    report = town.report().reports.get()
    bad = SimpleUploadedFile("坏.jpg", b"no picture", "image/jpeg")
    response = add(client, report, text="两张", photos=[photo("好.jpg"), bad])
    page = response.content.decode()
    assert response.status_code == 422 and "坏.jpg" in page and ">\n两张</textarea>" in page
    kept = re.findall(r'name="keep" value="([^"]+)"', page)
    assert len(kept) == 1 and not Addition.objects.exists()
    assert add(client, report, text="一张", keep=kept).status_code == 302
    assert report.photos.count() == 1


def test_only_while_the_case_is_open(client, town):
    report = town.closed().reports.get()
    assert "补充文字或照片" not in client.get(own_page(report)).content.decode()
    assert client.post(own_page(report), {"text": "还有"}).status_code == 422
    assert not Addition.objects.exists()
    declined = town.report(lat=40.0015)
    town.act("decline", declined, "intake", reason="不归本区")
    assert client.post(own_page(declined.reports.get()), {"text": "还有"}).status_code == 422


def test_additions_are_limited(client, town, settings):
    settings.REPORTS_PER_HOUR = 2
    report = town.report().reports.get()
    answers = [add(client, report, text=f"第 {n} 次").status_code for n in range(15)]
    assert 422 in answers and Addition.objects.count() <= 12
    page = add(client, report, text="再来").content.decode()
    assert "补充得太多了" in page and ">\n再来</textarea>" in page


def test_after_a_merge_the_addition_goes_to_the_case_at_work(client, town):
    target, case = town.report(), town.report(lat=40.0015, text="第二条")
    report = case.reports.get()
    town.act("merge", case, "intake", target=target.number)
    assert add(client, report, text="补给合并后的").status_code == 302
    assert Addition.objects.get().case == target
    town.act("unmerge", case, "intake", reason="不是同一处")
    assert history.verify()["broken"] == []
    assert "补给合并后的" in client.get(own_page(report)).content.decode()


def test_pages_need_no_script_and_few_queries(client, town, django_assert_max_num_queries):
    report = town.report().reports.get()
    for n in range(5):
        add(client, report, text=f"第 {n} 句", photos=[photo()])
    with django_assert_max_num_queries(14):
        page = client.get(own_page(report)).content.decode()
    assert 'enctype="multipart/form-data"' in page and page.count('class="said"') == 5


# ── what the public's timeline tells ─────────────────────────────────────────────────────────────────────────────

INNER = ("并", "拆", "争议", "会商", "申诉", "分开")


def test_inner_matters_stay_inside(client, town):
    case = town.handling(lead=town.water)
    other = town.report(lat=40.0002, text="又一条")
    town.act("merge", other, "intake", target=case.number)
    town.act("unmerge", other, "intake", reason="不是")
    town.report(join=case.pk)
    town.act("split", case, "intake", report=case.reports.last().pk, reason="另一处")
    split = town.report().__class__.objects.latest("id")
    town.act("dispute", case, "department", town.water, on=case.assignments.get().pk, reason="不归我")
    town.act("rule_dispute", case, "headquarters", on=case.disputes.get().pk, lead="GARD", ruling="园林")
    town.act("publish", case, "intake", published=True, public_text="垃圾")
    public = client.get(reverse("public_case", args=[case.number]))
    mine = client.get(own_page(case.reports.first()))
    for page in (public, mine):
        said = [entry.text for entry in page.context["shown"].entries]
        assert not [text for text in said if any(word in text for word in INNER)], said
        assert "派给 园林中心 主办" in said
    assert "收到上报" in client.get(own_page(split.reports.get())).content.decode()


def test_numbers_are_masked_for_every_reporter(client, town):
    """The note that one reporter's number slipped into went whole to everybody who had said "me too"."""
    case = town.handling(text=f"垃圾，找我 {PHONE}", email="first@example.org")
    town.report(join=case.pk, text="我也遇到", email="second@example.org")
    town.act("note", case, "headquarters", text=f"请联系 {OTHER}", told=True, public=True)
    first, second = case.reports.all()
    for report in (first, second):
        page = client.get(own_page(report)).content.decode()
        assert "139****1111" in page and OTHER not in page
    assert PHONE in client.get(own_page(first)).content.decode()  # what somebody wrote is shown whole to that person
    assert PHONE not in client.get(own_page(second)).content.decode()
    assert Delivery.objects.exists() and OTHER not in "".join(Delivery.objects.values_list("body", flat=True))


def test_a_decline_reason_is_masked_as_well(client, town):
    case = town.report(email="a@example.org")
    town.act("decline", case, "intake", reason=f"请找 {OTHER}")
    page = client.get(own_page(case.reports.get())).content.decode()
    assert "139****1111" in page and OTHER not in page


def test_the_action_takes_only_the_report_that_it_was_given(town):
    case, other = town.report(), town.report(lat=40.0015)
    from shaodao.foundation.errors import Refused

    with pytest.raises(Refused):
        perform("add_to_report", case.pk, Actor.public(), data={"text": "x"}, extra={"report": other.reports.get()})
    assert not Addition.objects.exists()
