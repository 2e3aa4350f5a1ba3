"""Reporting without scripts: photos, questions, duplicates, what goes wrong, and that nothing typed is lost."""

import io
import re
import uuid
from html import unescape

import pytest
from django.urls import reverse
from PIL import Image

from shaodao.cases.models import Case, Contact, Photo, Report
from shaodao.catalogue.models import Attribute
from shaodao.foundation import clock
from shaodao.foundation.models import Upload
from shaodao.kernel import datum
from tests.portal.conftest import MAIL, NAME, PHONE, SAID, last, photo
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday", "town")


def hidden(html: str) -> dict[str, list[str]]:
    """The hidden fields of a page, as a browser would send them back."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)"(?: id="[^"]*")? value="([^"]*)"', html):
        found.setdefault(name, []).append(unescape(value))
    return found


def kept(html: str) -> list[str]:
    return [unescape(v) for v in re.findall(r'name="keep" value="([^"]+)"', html)]


def page(response) -> str:
    return response.content.decode()


def test_from_the_form_to_the_number_and_code(client, send):
    assert client.get(reverse("report")).status_code == 200
    response = send(photos=[photo(), photo("b.heic")])
    assert response.status_code == 302 and response["Location"].startswith("/report/thanks/")
    report = last()
    html = page(client.get(response["Location"]))
    assert report.case.number in html and report.follow_code in html
    assert "15 分钟" in html and "4 个工作小时" in html  # the district's limits, the category's limit
    assert (report.text, report.category.code, report.channel) == (SAID, "0110", "public")
    assert (report.contact.name, report.contact.phone, report.contact.email) == (NAME, PHONE, MAIL)
    assert report.photos.count() == 2


def test_the_public_copy_of_a_reported_photo_knows_no_place(client, town, send):
    send(photos=[photo()])
    case, upload = Case.objects.get(), Upload.objects.get()
    town.act("publish", case, "duty_leader", published=True, public_text="垃圾", public_photos=[upload.pk])
    for kind in ("public", "thumbnail"):
        raw = b"".join(client.get(reverse("media", args=[kind, upload.pk])).streaming_content)
        image = Image.open(io.BytesIO(raw))
        assert not image.getexif() and b"Exif" not in raw and "张三".encode() not in raw
    assert client.get(reverse("media", args=["original", upload.pk])).status_code == 404


def test_text_or_photo_and_a_place_are_all_that_is_needed(send):
    assert send(category=None, name=None, phone=None, email=None).status_code == 302
    assert not Contact.objects.exists()
    assert send(text="", photos=[photo()], lat="40.0015").status_code == 302
    assert send(lon=None, lat=None, address="迎宾街公交站").status_code == 302
    assert (last().case.lon, last().address) == (None, "迎宾街公交站")
    assert send(lon=None, lat=None, category=None, cell="140213050001001").status_code == 302
    assert last().case.cell.code == "140213050001001"


def test_nothing_at_all_is_answered_beside_the_field(send):
    html = page(send(text=""))
    assert "请写下看到了什么" in html
    response = send(lon=None, lat=None)
    assert response.status_code == 422 and "请在地图上点选位置" in page(response)
    assert not Case.objects.exists()


def test_datum_of_a_map_service_is_converted(send):
    lon, lat = (float(v) for v in datum.from_wgs84(113.2005, 40.0005, "GCJ-02"))
    send(lon=str(lon), lat=str(lat), datum="gcj02")
    report = last()
    assert (report.datum, report.source_lon) == ("GCJ-02", lon) and abs(lon - 113.2005) > 0.004
    assert (round(report.lon, 7), round(report.lat, 7)) == (113.2005, 40.0005)


def test_outside_the_district_everything_stays(client, send):
    response = send(lon="116.4", lat="39.9", photos=[photo()])
    html = page(response)
    assert response.status_code == 422 and "不在本区范围内" in html and not Case.objects.exists()
    for typed in (SAID, NAME, PHONE, MAIL, "116.4", "39.9"):
        assert typed in html
    assert '<option value="event-0110" selected>' in html
    tickets = kept(html)
    assert len(tickets) == 1 and Upload.objects.count() == 1
    thumbnail = re.search(r'src="(/media/thumbnail/[^"]+)"', html)[1]
    assert client.get(unescape(thumbnail)).status_code == 200
    assert send(keep=tickets).status_code == 302
    assert last().photos.get().upload == Upload.objects.get()


def test_a_photo_can_be_left_out_the_second_time(send):
    tickets = kept(page(send(lon="116.4", lat="39.9", photos=[photo(), photo("b.jpg")])))
    assert len(tickets) == 2
    send(keep=tickets[1:])
    assert Photo.objects.count() == 1


def test_a_bad_photo_is_named_and_the_good_one_kept(send):
    response = send(photos=[photo(), photo("坏.jpg", b"\xff\xd8\xff\xe0 no"), photo("空.jpg", b"")])
    html = page(response)
    assert response.status_code == 422 and "坏.jpg" in html and "空.jpg" in html
    assert len(kept(html)) == 1 and not Report.objects.exists()


def test_too_many_photos(send, settings):
    response = send(photos=[photo(f"{i}.jpg") for i in range(settings.PHOTO_MAX_COUNT + 2)])
    assert response.status_code == 422 and f"最多 {settings.PHOTO_MAX_COUNT} 张" in page(response)
    assert len(kept(page(response))) == settings.PHOTO_MAX_COUNT


def test_forged_or_expired_tickets_are_worth_nothing(send):
    assert send(keep=["1", "1:abc:def", "x" * 500]).status_code == 302
    assert not Photo.objects.exists()


def test_the_same_form_sent_twice_is_one_report(client, fields):
    data = fields()
    first = client.post(reverse("report"), data | {"photos": [photo()]})
    again = client.post(reverse("report"), data | {"photos": [photo()]})
    assert first.status_code == again.status_code == 302
    assert Report.objects.count() == Case.objects.count() == 1 and Upload.objects.count() == 1
    assert last().follow_code in page(client.get(again["Location"]))


def test_a_key_that_is_no_uuid_is_replaced(send):
    assert send(key="abc").status_code == 302 and send(key="abc", lat="40.0015").status_code == 302
    assert Report.objects.count() == 2
    assert all(uuid.UUID(key) for key in Report.objects.values_list("client_key", flat=True))


# ── the same problem again ───────────────────────────────────────────────────────────────────────────────────────


def test_an_open_case_nearby_is_offered_and_joined(client, town, send):
    case = town.report(text="别人写的私话")
    response = send(lat="40.0006", photos=[photo()])
    html = page(response)
    assert response.status_code == 200 and "是同一个问题吗" in html
    assert "暴露垃圾" in html and "相距约 11 米" in html
    assert "别人写的私话" not in html and Report.objects.count() == 1
    carried = hidden(html)
    assert carried["phone"] == [PHONE] and carried["text"] == [SAID] and len(carried["keep"]) == 1
    joined = client.post(reverse("report"), carried | {"same": str(case.pk)})
    assert joined.status_code == 302
    report = last()
    assert report.me_too and report.case == case and report.photos.count() == 1 and report.contact.phone == PHONE
    case.refresh_from_db()
    assert (case.report_count, Case.objects.count()) == (2, 1)
    thanks = page(client.get(joined["Location"]))
    assert case.number in thanks and report.follow_code in thanks and "已并入" in thanks


def test_mine_is_new(client, town, send):
    town.report()
    carried = hidden(page(send(lat="40.0006")))
    assert client.post(reverse("report"), carried | {"same": "new"}).status_code == 302
    assert Case.objects.count() == 2 and not last().me_too


def test_a_published_neighbour_shows_its_public_text_and_photo_only(client, town, send):
    send(photos=[photo()])
    case = Case.objects.get()
    town.act(
        "publish", case, "duty_leader", published=True, public_text="已审核的文字",
        public_photos=[Upload.objects.get().pk],
    )  # fmt: skip
    html = page(send(lat="40.0006", text="另一段"))
    assert "已审核的文字" in html and f"/media/thumbnail/{Upload.objects.get().pk}/" in html
    assert SAID not in html


def test_no_one_joins_a_case_that_is_not_near(client, town, send):
    far = town.report(lon=113.2035, category=town.pipe)
    assert send(same=str(far.pk)).status_code == 302
    assert last().case != far
    town.report()
    response = send(lat="40.0006", same=str(far.pk))
    assert response.status_code == 200 and "是同一个问题吗" in page(response)


def test_a_neighbour_that_closed_meanwhile_is_no_choice(client, town, send):
    case = town.report()
    carried = hidden(page(send(lat="40.0006")))
    town.act("decline", case, "intake", reason="重复")
    assert client.post(reverse("report"), carried | {"same": str(case.pk)}).status_code == 302
    assert last().case != case


def test_a_problem_that_came_back_says_so(client, town, send):
    case = town.closed()
    with later(days=3):
        response = send()
        assert last().case == case
        assert "反弹" in page(client.get(response["Location"]))


# ── questions of a category ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asking(town):
    make = Attribute.objects.create
    make(category=town.litter, code="size", datatype="singlevaluelist", required=True, description="有多少",
         values=[{"key": "few", "name": "几袋"}, {"key": "many", "name": "一大堆"}])  # fmt: skip
    make(category=town.litter, code="since", datatype="datetime", order=2, description="什么时候开始")
    make(category=town.litter, code="bags", datatype="number", order=3, description="几袋")
    make(category=town.litter, code="kinds", datatype="multivaluelist", order=4, description="有什么",
         values=[{"key": "a", "name": "纸"}, {"key": "b", "name": "砖"}])  # fmt: skip


def test_questions_are_asked_on_the_way_without_scripts(client, asking, send):
    html = page(send())
    assert "还要请您回答" in html and "有多少" in html and not Report.objects.exists()
    response = send(attributes_for="event-0110")
    assert response.status_code == 422 and not Report.objects.exists()
    answers = {
        "attribute-size": "many", "attribute-since": "2021-05-20T08:30", "attribute-bags": "12",
        "attribute-kinds": ["a", "b"],
    }  # fmt: skip
    assert send(attributes_for="event-0110", **answers).status_code == 302
    assert last().attributes == {
        "size": "many", "since": "2021-05-20T00:30:00+00:00", "bags": 12.0, "kinds": ["a", "b"],
    }  # fmt: skip


def test_the_scripts_parts(client, asking, town):
    html = page(client.get(reverse("report_questions"), {"category": "event-0110"}))
    assert "有多少" in html and 'value="event-0110"' in html
    assert page(client.get(reverse("report_questions"), {"category": "nope"})).strip() == ""
    html = page(client.get(reverse("report_categories"), {"category_search": "垃圾"}))
    assert "event-0110" in html and "component-0101" not in html
    assert "找到 0 类" in page(client.get(reverse("report_categories"), {"category_search": "飞船"}))
    where = reverse("report_place")
    assert "永泰街道 · 社区001" in page(client.get(where, {"lon": "113.2005", "lat": "40.0005", "datum": "wgs84"}))
    assert "不在本区范围内" in page(client.get(where, {"lon": "116", "lat": "39"}))
    assert "数字" in page(client.get(where, {"lon": "x", "lat": ""}))


def test_a_category_that_is_not_public_is_not_offered(client, town, send):
    town.pipe.public = False
    town.pipe.save()
    assert "供水管道破裂" not in page(client.get(reverse("report")))
    response = send(category="component-0101")
    assert response.status_code == 422 and not Report.objects.exists()


# ── abuse, and what is not right ─────────────────────────────────────────────────────────────────────────────────


def test_machines_that_fill_everything_are_told(send):
    response = send(homepage="http://spam.example")
    assert response.status_code == 422 and "请留空" in page(response) and SAID in page(response)
    assert not Report.objects.exists()


def test_ten_reports_in_an_hour_then_a_word(client, send, settings):
    settings.REPORTS_PER_HOUR = 3
    client.get(reverse("report"))  # the browser has its cookie
    for _i in range(3):
        assert send(category=None).status_code == 302
    response = send(category=None)
    assert response.status_code == 429 and "太多" in page(response) and SAID in page(response)
    client.cookies.clear()
    assert send(category=None).status_code == 302  # another browser behind the same address
    for _i in range(3 * 6):
        client.cookies.clear()
        response = send(category=None)
    assert response.status_code == 429


def test_a_network_address_is_not_kept_readable(client, send, settings):
    from django.core.cache import caches

    send()
    assert not any("127.0.0.1" in str(key) for key in caches["limits"]._cache)


NASTY = {
    "text": ["\x00", "x" * 5000, "😀" * 10, "\u202e反", "<script>alert(1)</script>", "{{7*7}}", " \n "],
    "category": ["event-9999", "-1", "'; drop table", "event-", "\x00"],
    "lon": ["NaN", "inf", "1e999", "一百", "113,2", "181", "-0", "", " 113.2005 ", "0x10", "9" * 400],
    "lat": ["113.2", "nan", "91", "..", "１１"],
    "datum": ["", "WGS-84", "mars", "\x00"],
    "cell": ["1", "140213050001999", "x" * 25, "\x00", "１４０２１３０５０００１００１"],
    "address": ["a" * 300, "\x00\x01", "\n"],
    "phone": ["abc", "1" * 40, "<b>", "+86 138-0000-0000", "\x00"],
    "email": ["no", "a@b", "a@b.c" + "d" * 300, "\x00@x.org"],
    "name": ["n" * 100, "\x00"],
    "key": ["", "x" * 500, "\x00", "00000000-0000-0000-0000-000000000000", "{}"],
    "same": ["new", "-1", "0", "99999999999999999999999", "x", "\x00"],
    "keep": ["\x00", "a:b:c", "9" * 1000],
    "attributes_for": ["event-0110", "\x00", "nope"],
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_input_is_answered_and_never_an_error(send, settings, name):
    settings.REPORTS_PER_HOUR = 0
    for value in NASTY[name]:
        response = send(**{name: value})
        assert response.status_code in (200, 302, 422), (name, value, response.status_code)
    assert "<script>alert" not in page(send(text="<script>alert(1)</script>", lon="116"))


@pytest.mark.parametrize("values", [{"name": "a\x00"}, {"text": "ok\x01ay"}])
def test_control_characters_never_reach_the_database(send, values):
    send(**values)
    assert not any(chr(c) in (r.text + getattr(getattr(r, "contact", None), "name", ""))
                   for r in Report.objects.all() for c in (0, 1))  # fmt: skip


def test_a_full_report_within_25_queries(client, town, fields, django_assert_max_num_queries):
    client.get(reverse("report"))
    for _warm in range(2):
        client.post(reverse("report"), fields(lat="40.0015", category=None))
    with django_assert_max_num_queries(25):
        assert client.post(reverse("report"), fields()).status_code == 302
    with django_assert_max_num_queries(25):
        assert client.post(reverse("report"), fields(lat="40.0017", photos=[photo()])).status_code == 302


def test_the_thanks_page_is_for_its_reporter_and_for_a_day(client, send, monkeypatch):
    url = send()["Location"]
    assert client.get(url).status_code == 200
    assert client.get(url[:-4] + "abc/").status_code == 404
    import time

    at = time.time()
    monkeypatch.setattr(time, "time", lambda: at + 90_000)
    assert client.get(url).status_code == 404


def test_limits_start_anew_after_an_hour(client, send, settings, monkeypatch):
    settings.REPORTS_PER_HOUR = 1
    client.get(reverse("report"))
    send(category=None)
    assert send(category=None).status_code == 429
    import time

    at = time.time()
    monkeypatch.setattr(time, "time", lambda: at + 3700)
    assert send(category=None).status_code == 302
    assert clock.now()
