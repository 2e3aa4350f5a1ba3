"""What a day of use asked of the staff's forms: merging with open eyes, the category's questions, urgency, whistles, texts."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shaodao.cases import choices, history
from shaodao.cases.models import Case, Report, Wording
from shaodao.catalogue.models import Attribute, Condition
from shaodao.foundation import district, uploads
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import District
from tests.cases.desk import Desk, errors, key
from tests.pictures import picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
HERE = {"lon": "113.2005", "lat": "40.0005", "datum": "WGS-84"}


def upload(colour="red"):
    return uploads.store(SimpleUploadedFile("a.jpg", picture("JPEG", (200, 100), "RGB", colour), "image/jpeg"))


def merge_path(case):
    return f"/work/cases/{case.number}/do/merge/"


# ── merging ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_merging_offers_what_lies_near_and_says_what_differs(town):
    case = town.report()
    near = town.report(text="同一堆垃圾", lon=113.2006, photos=[upload()])
    pipe = town.report(text="水管漏水", lon=113.2007, category=town.pipe)
    far = town.report(text="很远的垃圾", lon=113.2055)
    closed = town.closed(text="早就办完", lat=40.0007)
    District.objects.update(settings={"merge_radius_m": 100})
    district.forget()
    page = Desk(town, "intake").open(merge_path(case))
    found = re.findall(r'href="\?target=([^"]+)"', page)
    assert found == [near.number, pipe.number]  # nearest first, of any category; neither the far one nor a closed one
    assert far.number not in page and closed.number not in page
    assert "相距 9 米" in page and "同一堆垃圾" in page and f"clear-thumbnail/{near.photos.get().upload_id}" in page
    assert page.count("类别不同") == 1 and "供水管道破裂" in page


def test_without_a_position_the_newest_of_the_street_are_offered(town):
    case = town.report(lon=None, lat=None, address="永泰街道")
    assert case.street == town.street and case.lon is None
    other, elsewhere = town.report(), town.report(lon=113.2045)
    page = Desk(town, "dispatcher").open(merge_path(case))
    assert re.findall(r'href="\?target=([^"]+)"', page) == [other.number]
    assert elsewhere.number not in page


def test_the_target_is_looked_at_before_the_button(town):
    case, target = town.report(), town.report(text="路灯不亮", lon=113.2007, category=town.pipe, photos=[upload()])
    desk = Desk(town, "intake")
    page = desk.open(merge_path(case))
    assert "先看一看" in page and "将并入这一件" not in page
    hidden = dict(re.findall(r'name="(version|key)" value="([^"]*)"', page))
    response = desk.post(merge_path(case), target=target.number, **hidden)  # typed and sent at once
    page = response.content.decode()
    case.refresh_from_db()
    assert response.status_code == 200 and case.state == "received"
    assert "将并入这一件" in page and "路灯不亮" in page and "相距 17 米" in page
    assert "类别不同：本案是“暴露垃圾”，那一件是“供水管道破裂”" in page
    assert f"clear-thumbnail/{target.photos.get().upload_id}" in page and f"并入 {target.number}" in page
    seal = re.search(r'name="previewed" value="([^"]+)"', page).group(1)
    other = town.report(lon=113.2009)
    again = desk.post(merge_path(case), target=other.number, previewed=seal, **hidden)  # another number: another look
    assert again.status_code == 200 and other.number in again.content.decode()
    assert desk.post(merge_path(case), target=target.number, previewed=seal, **hidden).status_code == 302
    case.refresh_from_db()
    assert case.merged_into == target


@pytest.mark.parametrize("number", ["", "2021-999999", "x", "9" * 40, "\x00"])
def test_a_target_that_is_none(town, number):
    case, desk = town.report(), Desk(town, "intake")
    response = desk.post(merge_path(case), target=number, version=str(case.version), key=key())
    assert response.status_code == 422 and errors(response)
    desk.open(merge_path(case), target=number)
    own = desk.post(merge_path(case), target=case.number, version=str(case.version), key=key())
    assert own.status_code == 422 and "不能并入自己" in own.content.decode()


def test_a_closed_target_is_shown_as_closed(town):
    case, closed = town.report(lon=113.2045), town.closed()
    page = Desk(town, "intake").open(merge_path(case), target=closed.number)
    assert "已不在办理中" in page and 'name="previewed"' not in page


def test_a_merged_case_shows_the_reports_that_went_with_it(town):
    target = town.handling()
    case = town.report(text="又一堆垃圾", photos=[upload()], phone="13812345678")
    town.act("merge", case, "intake", target=target.number)
    desk = Desk(town, "intake")
    page = desk.case(case)
    assert "又一堆垃圾" in page and f"clear-thumbnail/{case.photos.get().upload_id}" in page
    assert f"已随并案转到 {target.number}" in page and "显示联系方式" not in page
    department = Desk(town, "department")  # holds the target; the photo came with the merged report
    assert "又一堆垃圾" in department.case(target)
    assert department.client.get(f"/media/clear/{case.photos.get().upload_id}/").status_code == 200
    assert (
        Desk(town, "department", town.water).client.get(f"/media/clear/{case.photos.get().upload_id}/").status_code
        > 400
    )


def test_the_form_of_merging_takes_few_queries(town, django_assert_max_num_queries):
    case, desk = town.report(), Desk(town, "intake")
    for step in range(1, 12):
        town.report(lat=40.0005 + step / 1e5, photos=[upload()] if step % 2 else [])
    target = Case.objects.last()
    desk.open(merge_path(case))
    with django_assert_max_num_queries(26):
        desk.open(merge_path(case), target=target.number)


# ── the staff's report ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked(town):
    Attribute.objects.create(
        category=town.litter, code="lane", datatype="singlevaluelist", required=True, description="是否在车道上",
        values=[{"key": "yes", "name": "是", "name_en": "Yes"}, {"key": "no", "name": "否", "name_en": "No"}],
    )  # fmt: skip
    Attribute.objects.create(category=town.litter, code="width", datatype="number", description="宽度（米）")


def take(desk, **given):
    return desk.post("/work/report/", **({"text": "井盖坏了", "channel": "hotline", "key": key()} | HERE | given))


def test_the_categorys_questions_are_asked_of_the_hotline_too(town, asked):
    desk = Desk(town, "hotline")
    part = desk.open("/work/report/questions/", category=str(town.litter.pk))
    assert "是否在车道上" in part and "宽度（米）" in part
    response = take(desk, category=town.litter.pk)  # without scripts the page has not shown them yet
    page = response.content.decode()
    assert response.status_code == 200 and "是否在车道上" in page and "还要回答" in page and not Case.objects.exists()
    shown = {"attributes_for": str(town.litter.pk)}
    response = take(desk, category=town.litter.pk, **shown, **{"attribute-width": "x"})
    assert response.status_code == 422 and "必填" in errors(response) and "应为数字" in errors(response)
    response = take(desk, category=town.litter.pk, text="", **shown, **{"attribute-lane": "no"})
    assert response.status_code == 422 and re.search(r'value="no"[^>]* checked', response.content.decode())  # kept
    assert take(desk, category=town.litter.pk, **shown, **{"attribute-lane": "yes"}).status_code == 302
    report = Report.objects.get()
    assert report.attributes == {"lane": "yes"}
    page = Desk(town, "intake").case(report.case)
    assert re.search(r"<dt>是否在车道上</dt><dd>是</dd>", page)


@pytest.mark.parametrize("category", ["", "999999", "x", "event-9999", "%00"])
def test_questions_of_nothing_are_nothing(town, asked, category):
    assert "attribute-" not in Desk(town, "hotline").open("/work/report/questions/", category=category)


def test_what_is_required_is_marked(town):
    page = Desk(town, "hotline").open("/work/report/")
    assert re.search(r'看到了什么<span class="field-needed">必填', page)
    assert re.search(r'地点<span class="field-needed">必填', page)
    for name in ("地址", "经度", "纬度", "网格编码"):  # one of them is needed: none of them is simply optional
        assert not re.search(rf"{name}<span class=\"field-optional\">", page)


def test_urgent_by_those_whose_post_may_say_so(town):
    assert 'name="urgent"' in Desk(town, "hotline").open("/work/report/")
    assert 'name="urgent"' not in Desk(town, "street").open("/work/report/")
    assert take(Desk(town, "hotline"), urgent="on").status_code == 302
    assert Case.objects.latest("id").urgent
    assert take(Desk(town, "street"), channel="street", urgent="on").status_code == 302  # a field the page never had
    assert not Case.objects.latest("id").urgent
    with pytest.raises(Refused):
        town.report(town.actor("street"), channel="street", urgent=True)
    case = town.report()
    town.report(town.actor("hotline"), channel="hotline", urgent=True, join=case.pk)
    case.refresh_from_db()
    assert case.urgent and history.verify()["broken"] == []


# ── who leads ────────────────────────────────────────────────────────────────────────────────────────────────────


def selected(page, name):
    select = re.search(rf'<select name="{name}".*?</select>', page, re.S).group(0)
    return re.findall(r'value="(\d+)" selected', select)


def test_a_whistle_begins_with_the_natural_lead(town):
    """私搭乱建: the street leads by the catalogue; what it whistles for is the first support, which leads then."""
    Condition.objects.filter(pk=town.condition.pk).update(lead=None)
    town.condition.supports.set([town.urban, town.sanitation])
    case = town.report()
    page = Desk(town, "street").open(f"/work/cases/{case.number}/do/whistle_draft/")
    first, second = sorted([town.urban, town.sanitation], key=lambda o: choices.usual_units(case)[1].index(o.pk))
    assert selected(page, "lead") == [str(first.pk)] and selected(page, "supports") == [str(second.pk)]
    page = Desk(town, "dispatcher").open(f"/work/cases/{town.filed(lat=40.0015).number}/do/dispatch/")
    assert selected(page, "lead") == [str(town.office.pk)]
    assert 'data-not-in="supports"' in page


def test_the_fault_of_a_lead_that_also_supports_is_in_plain_words(town):
    desk, case = Desk(town, "street"), town.report()
    response = desk.send(
        "whistle_draft", case, kind="emergency", lead=town.water.pk, supports=[town.water.pk], reason="快"
    )
    assert "供水公司 已是主办单位" in errors(response) and "请从协办单位里去掉" in errors(response)


# ── the pack's texts ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def texts(town):
    make = Wording.objects.create
    make(
        action="decline",
        code="not_ours",
        title="不属于本区",
        title_en="Not ours",
        text="不归本区管。",
        text_en="Not here.",
    )
    make(action="decline", code="old", title="旧的", text="旧", active=False)
    make(action="note", code="arrived", title="已到现场", text="已到现场查看。")
    make(action="send_back", code="other_owner", title="另有权属", text="权属不是本单位。")
    district.forget()


def test_texts_are_offered_where_they_belong_and_their_code_stays(town, texts):
    desk, case = Desk(town, "intake"), town.report()
    page = desk.open(f"/work/cases/{case.number}/do/decline/")
    assert re.findall(r'<option value="([a-z_]+)" data-text="([^"]+)"', page) == [("not_ours", "不归本区管。")]
    assert 'data-wording="reason"' in page
    desk.do("decline", case, wording="not_ours", reason="不归本区管，请找邻区。")
    event = case.events.last()
    assert event.reason == "不归本区管，请找邻区。"
    assert event.data["wording"] == {"code": "not_ours", "name": "不属于本区", "name_en": "Not ours"}
    assert "不属于本区" in desk.case(case) and history.verify()["broken"] == []
    assert Case.objects.filter(events__action="decline", events__data__wording__code="not_ours").count() == 1


def test_a_chosen_text_alone_is_enough_without_scripts(town, texts):
    case, desk = town.report(), Desk(town, "intake")
    desk.do("decline", case, wording="not_ours", reason="")
    assert case.events.last().reason == "不归本区管。"
    handling = town.handling(lat=40.0015)
    crew = Desk(town, "department")
    crew.do("note", handling, wording="arrived", text="")
    assert handling.notes.get().text == "已到现场查看。"
    looked = crew.send(
        "note", handling, wording="arrived", text="", public="1"
    )  # for the public: it is looked at first
    assert looked.status_code == 200 and "已到现场查看。" in looked.content.decode() and handling.notes.count() == 1


def test_codes_are_those_of_the_action(town, texts):
    case = town.report()
    for code in ("arrived", "old", "x" * 99, ["a"]):
        with pytest.raises(Invalid) as fault:
            town.act("decline", case, "intake", reason="因为", wording=code)
        assert "wording" in fault.value.errors
    page = Desk(town, "duty_leader").open(f"/work/cases/{town.filed(lat=40.0015).number}/do/close_not_fixed/")
    assert "data-wording" not in page  # the pack has none for it: no empty list is shown


# ── photos ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_photos_are_numbered_with_what_they_are_for(town):
    case = town.handling(photos=[upload("red"), upload("blue")])
    on = case.assignments.get()
    town.act("sign", case, "department", on=on.pk)
    town.act("note", case, "department", text="到了", photos=[upload("green").pk])
    page = Desk(town, "intake").open(f"/work/cases/{case.number}/do/publish/")
    labels = re.findall(r'form-check-label">(照片[^<]+)<', page)
    assert labels == ["照片 1 · 上报照片", "照片 2 · 上报照片", "照片 3 · 处置前 · 环卫中心"]
    third = case.photos.last().upload_id
    response = Desk(town, "intake").send(
        "publish", case, published="1", public_text="垃圾", public_photos=[third], **{f"boxes-{third}": "1,2"}
    )
    assert "照片 3 · 处置前 · 环卫中心：第 1 行" in response.content.decode()
