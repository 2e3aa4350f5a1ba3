"""What everybody may read, and what nobody may: list, map, case, feed, home; personal data nowhere."""

import uuid

import pytest
from django.urls import reverse

from shaodao.cases.actions import Actor, Submission, report
from shaodao.cases.actions.step import ACTIONS
from shaodao.cases.models import Case, Report
from shaodao.foundation import clock, uploads
from shaodao.foundation.models import Upload
from shaodao.portal import timeline, words
from tests.pictures import gps_jpeg
from tests.portal.conftest import MAIL, NAME, PHONE, SAID, last, photo

pytestmark = pytest.mark.usefixtures("monday", "town")


def page(client, url: str, **query) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, url
    return response.content.decode()


def case_page(client, case: Case) -> str:
    return page(client, reverse("public_case", args=[case.number]))


def publish(town, case: Case, text: str = "审核过的文字", photos: tuple[int, ...] = ()) -> None:
    town.act("publish", case, "duty_leader", published=True, public_text=text, public_photos=list(photos))


@pytest.fixture
def private(town, client, send):
    """Cases in every state, none of them published, each with a contact, a photo, a note and reasons."""
    send(photos=[photo()])
    given = {"text": SAID, "name": NAME, "phone": PHONE, "email": MAIL}
    closed = town.closed(lat=40.0015, **given)
    town.act("note", town.handling(lon=113.2025, **given), "department", text=f"已联系{NAME}{PHONE}", public=True)
    town.act("decline", town.report(lon=113.2035, **given), "intake", reason=f"{NAME}说已解决")
    town.act("void", town.filed(lon=113.2045, **given), "duty_leader", reason=f"{PHONE}误报")
    town.act("close_not_fixed", town.filed(lon=113.2055, **given), "duty_leader", reason=f"{NAME}不同意")
    town.act("merge", town.report(category=town.pipe, **given), "intake", target=closed_target(town, given).number)
    return closed


def closed_target(town, given: dict) -> Case:
    return town.report(category=town.pipe, lat=40.0012, **given)


SECRETS = (NAME, PHONE, PHONE[3:], MAIL, SAID, "三单元")


def everything(client) -> dict[str, str]:
    """Every public address that shows cases, by address."""
    urls = [reverse(name) for name in ("home", "public_cases", "public_feed", "public_cases_geojson")]
    urls += [f"{reverse('public_cases')}?{query}" for query in ("q=三单元", "q=王小明", "per=100", "view=map")]
    urls += [reverse("public_case", args=[case.number]) for case in Case.objects.all()]
    found = {}
    for url in urls:
        body = client.get(url).content.decode()
        found[url] = body.replace('value="三单元"', "").replace('value="王小明"', "")  # the search field says it back
    return found


def test_nothing_personal_is_public_before_publishing(client, private):
    for url, body in everything(client).items():
        for secret in SECRETS:
            assert secret not in body, (url, secret)
        assert "/media/" not in body, url


def test_nothing_personal_is_public_after_publishing_either(client, town, private):
    for case in Case.objects.all():
        publish(town, case, photos=tuple(Upload.objects.values_list("pk", flat=True)))
    pages = everything(client)
    for url, body in pages.items():
        for secret in SECRETS:
            if not (secret == NAME and "已联系" in body):  # staff wrote it into a note for the public
                assert secret not in body, (url, secret)
        assert "误报" not in body and "不同意" not in body and "/original/" not in body
    shown = case_page(client, Case.objects.get(state="handling"))
    assert "138****5678" in shown and PHONE not in shown  # figures are masked even there


def test_an_unpublished_case_is_number_category_street_and_state(client, town):
    case = town.handling(text=SAID)
    html = case_page(client, case)
    for told in (case.number, "暴露垃圾", "永泰街道", "处置中", "noindex"):
        assert told in html
    for kept in (SAID, "环卫中心", "社区001", "113.2005", "我也遇到", "timeline"):
        assert kept not in html


def test_a_published_case_tells_its_story(client, town, send):
    send(photos=[photo()])
    case = Case.objects.get()
    town.act("file", case, "duty_leader")
    town.act("dispatch", case, "dispatcher", lead="SANI", supports=["URBAN"])
    on = case.assignments.get(organisation=town.sanitation)
    town.act("sign", case, "department", on=on.pk)
    town.act("report_in", case, "department", on=on.pk, position="113.2005,40.0006", remark="看到垃圾")
    town.act("note", case, "department", text="明天清完", public=True)
    town.act("note", case, "department", text="内部话", public=False)
    town.act("note", case, "department", text="只告诉上报人", told=True)
    publish(town, case, "垃圾成堆\n<b>很臭</b>", (Upload.objects.get().pk,))
    html = case_page(client, case)
    for told in ("垃圾成堆<br>&lt;b&gt;很臭", "环卫中心", "城市管理局", "已到现场", "明天清完", "派给", "我也遇到",
                 f"/media/public/{Upload.objects.get().pk}/", "113.2005"):  # fmt: skip
        assert told in html
    for kept in ("内部话", "只告诉上报人", "看到垃圾", SAID, "department-SANI"):
        assert kept not in html
    assert client.get(f"/media/thumbnail/{Upload.objects.get().pk}/").status_code == 200


def test_not_fixed_is_never_called_fixed(client, town):
    case = town.filed()
    town.act("close_not_fixed", case, "duty_leader", reason="权属不明")
    publish(town, case)
    html = case_page(client, case)
    assert "未能解决" in html and "已解决" not in html.replace("不算已解决", "")


def test_every_action_is_told_or_kept_on_purpose():
    known = set(ACTIONS) | {"report", "split_off", "merge_in", "merge_out"}
    assert set(timeline.SAYS) | timeline.HIDDEN == known
    assert not set(timeline.SAYS) & timeline.HIDDEN


def test_numbers_that_are_none(client, town):
    case = town.report()
    assert client.get("/cases/2021-999999/").status_code == 404
    assert client.get("/cases/1999-000001/").status_code == 404
    assert client.get("/cases/2021-99999999999999999999/").status_code == 404
    short = client.get(f"/cases/2021-{case.pk}/")
    assert short.status_code in (301, 404) and (short.status_code == 404 or case.number in short["Location"])


# ── me too ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_me_too_from_the_page_of_a_case(client, town):
    case = town.report()
    publish(town, case)
    url = reverse("public_case", args=[case.number])
    key = str(uuid.uuid4())
    first = client.post(url, {"key": key, "phone": PHONE})
    assert first.status_code == 302
    assert client.post(url, {"key": key}).status_code == 302
    joined = last()
    assert Report.objects.count() == 2 and joined.me_too and joined.case == case and joined.contact.phone == PHONE
    assert joined.follow_code in client.get(first["Location"]).content.decode()


def test_me_too_is_for_published_open_cases(client, town):
    hidden = town.report()
    closed = town.closed(lat=40.0015)
    publish(town, closed)
    for case in (hidden, closed):
        response = client.post(reverse("public_case", args=[case.number]), {"key": str(uuid.uuid4())})
        assert response.status_code == 422 and "已不在办理中" in response.content.decode()
    assert Report.objects.count() == 2


def test_me_too_input_is_checked(client, town, settings):
    case = town.report()
    publish(town, case)
    url = reverse("public_case", args=[case.number])
    for bad in ({"email": "x"}, {"phone": "abc"}, {"homepage": "x"}, {"text": "长" * 3000}):
        assert client.post(url, bad).status_code == 422, bad
    settings.REPORTS_PER_HOUR = 1
    assert client.post(url, {}).status_code == 302
    assert Report.objects.count() == 2
    response = client.post(url, {})
    assert response.status_code == 422 and "太多" in response.content.decode()


# ── list, filters, twins ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three(town):
    """An open published one, a closed one, one of another street and category."""
    opened = town.report(lat=40.0015)
    publish(town, opened, "路灯下面有垃圾")
    closed = town.closed(lon=113.2015)
    other = town.report(lon=113.2045, category=town.pipe)
    return opened, closed, other


FILTERS = [
    ("", {0, 1, 2}),
    ("state=open", {0, 2}),
    ("state=closed", {1}),
    ("state=declined", set()),
    ("category=component-0101", {2}),
    ("street=140213051", {2}),
    ("q=路灯", {0}),
    ("q=供水", {2}),
    ("q=burst", {2}),
    ("q=路边有一堆", set()),
    ("q=永泰 垃圾", {0, 1}),
    ("since=2021-05-24&until=2021-05-24", {0, 1, 2}),
    ("until=2021-05-23", set()),
    ("since=2021-05-25", set()),
    ("state=nope", {0, 1, 2}),
    ("page=999", {0, 1, 2}),
    ("page=x&per=7", {0, 1, 2}),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_filters(client, three, query, expected):
    response = client.get(f"{reverse('public_cases')}?{query}&show=all")
    assert {c.pk for c in response.context["page"]} == {three[i].pk for i in expected}


def test_the_list_opens_with_what_was_published_and_leads_to_all(client, three):
    """Page after page of "not public yet" told nobody anything (475 cards on a day of use)."""
    three[1].refresh_from_db()
    response = client.get(reverse("public_cases"))
    shown = {c.pk for c in response.context["page"]}
    assert shown == set(Case.objects.filter(published=True).values_list("pk", flat=True)) and len(shown) == 1
    page = response.content.decode()
    assert "文字和照片尚未公开" not in page and 'href="?show=all"' in page
    page = client.get(reverse("public_cases"), {"show": "all"}).content.decode()
    assert "文字和照片尚未公开" in page and page.count("<article") == 3


def test_home_has_the_map_of_cases(client, three):
    page = client.get(reverse("home")).content.decode()
    assert "data-map" in page and reverse("public_cases_geojson") in page
    assert f"{reverse('public_cases')}?state=open&amp;show=all" in page  # the number and the list behind it agree


def test_a_number_finds_its_case(client, three):
    response = client.get(reverse("public_cases"), {"q": three[1].number})
    assert [c.pk for c in response.context["page"]] == [three[1].pk]


def test_voided_and_merged_cases_are_not_listed(client, town, private):
    response = client.get(reverse("public_cases"), {"per": "100", "show": "all"})
    states = {c.state for c in response.context["page"]}
    assert "voided" not in states and "merged" not in states and {"closed", "declined", "handling"} <= states


NASTY = [
    "q=%00", "q=" + "x" * 5000, "q=%27%3B--", "q=2021-99999999999999999999", "q=%25_%5C", "since=0001-01-01",
    "until=9999-12-31", "since=2021-13-45", "since=2021-05-25&until=2021-05-20", "category=%00", "street=%F0%9F%98%80",
    "page=-1", "page=1e9", "view=%00", "per=100000", "state=open&state=closed", "since=%00",
]  # fmt: skip


@pytest.mark.parametrize("query", NASTY)
def test_nasty_filters_never_fail(client, three, query):
    for view in ("", "&view=map"):
        assert client.get(f"{reverse('public_cases')}?{query}{view}").status_code == 200
    assert client.get(f"{reverse('public_cases_geojson')}?{query}").status_code in (200, 400)


def test_a_faulty_date_is_named(client, three):
    html = page(client, reverse("public_cases"), since="2021-05-25", until="2021-05-20")
    assert "结束日期早于开始日期" in html
    answer = client.get(reverse("public_cases_geojson"), {"since": "gestern"})
    assert answer.status_code == 400 and "since" in answer.json()["errors"]


def test_geojson_holds_published_cases_with_a_place_only(client, town, three):
    response = client.get(reverse("public_cases_geojson"))
    assert response["Content-Type"] == "application/geo+json" and "public" in response["Cache-Control"]
    (feature,) = response.json()["features"]
    assert feature["geometry"]["coordinates"] == [113.2005, 40.0015]
    properties = feature["properties"]
    assert properties["number"] == three[0].number and properties["text"] == "路灯下面有垃圾"
    assert properties["light"] == "yellow" and properties["light_words"] == "办理中"
    assert client.get(reverse("public_cases_geojson"), {"state": "closed"}).json()["features"] == []
    publish(town, three[1], photos=())
    assert len(client.get(reverse("public_cases_geojson")).json()["features"]) == 2


def test_the_feed_is_atom_of_published_cases(client, three):
    response = client.get(reverse("public_feed"))
    body = response.content.decode()
    assert "atom+xml" in response["Content-Type"] and body.count("<entry>") == 1 and three[0].number in body


def test_home_counts(client, town, three):
    figures = client.get(reverse("home")).context["figures"]
    assert (figures.open, figures.closed, figures.finished, figures.in_time, figures.share) == (2, 1, 1, 1, 100)
    publish(town, three[1])
    assert three[1].number in page(client, reverse("home"))


def test_home_without_anything(client):
    html = page(client, reverse("home"))
    assert "还没有公开的办结案件" in html and "—" in html


def test_overdue_work_is_not_in_time(client, town):
    case = town.handling()
    on = case.assignments.get()
    with clock.freeze(clock.now().replace(day=28)):
        town.act("sign", case, "department", on=on.pk)
        town.act("finish", case, "department", on=on.pk, result="迟了")
        assert client.get(reverse("home")).context["figures"].share == 0


# ── the number of queries does not grow ──────────────────────────────────────────────────────────────────────────


def many(town, start: int, n: int) -> None:
    upload = uploads.store(photo(content=gps_jpeg()))
    for i in range(start, start + n):
        case = report(
            Submission(text="x", lon=113.2001 + i * 0.00004, lat=40.0005, category=town.litter, photos=[upload]),
            Actor.system(),
        ).case
        case.published, case.public_text = True, "文字"
        case.save()
        case.photos.update(published=True)


@pytest.mark.parametrize(("name", "most"), [("public_cases", 12), ("home", 10), ("public_cases_geojson", 8)])
def test_constant_queries(client, town, django_assert_max_num_queries, name, most):
    many(town, 0, 3)
    url = reverse(name) + "?per=100"
    client.get(url)
    with django_assert_max_num_queries(most) as few:
        client.get(url)
    many(town, 3, 100)
    with django_assert_max_num_queries(most) as lots:
        response = client.get(url)
    assert len(lots) == len(few) and response.status_code == 200


def test_constant_queries_of_one_case(client, town, send, django_assert_max_num_queries):
    send(photos=[photo()])
    case = Case.objects.get()
    publish(town, case, photos=(Upload.objects.get().pk,))
    url = reverse("public_case", args=[case.number])
    with django_assert_max_num_queries(10):
        client.get(url)
    for _i in range(20):
        client.post(url, {"key": str(uuid.uuid4())})
    with django_assert_max_num_queries(10):
        client.get(url)


# ── standing pages ───────────────────────────────────────────────────────────────────────────────────────────────


def test_standing_pages(client):
    for name in ("about", "privacy", "accessibility", "follow", "report"):
        html = page(client, reverse(name))
        assert html.count("<h1>") == 1 and "<h1></h1>" not in html
        for forbidden in (" style=", " onclick=", "javascript:"):
            assert forbidden not in html
    robots = client.get("/robots.txt")
    assert robots["Content-Type"].startswith("text/plain") and b"Disallow: /work/" in robots.content
    assert client.post("/robots.txt").status_code == 405


def test_pages_speak_english(client, town, three):
    client.cookies["django_language"] = "en"
    for name in ("home", "report", "public_cases", "follow", "about", "privacy", "accessibility"):
        html = page(client, reverse(name))
        assert 'lang="en"' in html
        visible = html.split("<main", 1)[1].split("</main>")[0]
        for chinese in ("首页", "我要上报", "街道和状态", "隐私说明", "不用注册"):
            assert chinese not in visible, (name, chinese)
    assert "Burst pipe" in page(client, reverse("public_cases"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("电话13812345678找我", "电话138****5678找我"),
        ("138 1234 5678", "138****5678"),
        ("138-1234-5678", "138****5678"),
        ("身份证140202199001011234", "身份证140****1234"),
        ("14020219900101123X", "140****123X"),
        ("a.b@example.org", "a***@example.org"),
        ("2021-000001，三天 12 次，面积 1200 平方米", "2021-000001，三天 12 次，面积 1200 平方米"),
    ],
)
def test_numbers_are_masked(text, expected):
    assert words.masked(text) == expected
