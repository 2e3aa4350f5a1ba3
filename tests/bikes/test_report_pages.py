"""The pages of daily supervision: who sees whose days, the same tables as files, a suggestion that a person decides on."""

import io
import re
from datetime import date, timedelta

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import DayReport
from shaodao.bikes.reports import daily
from shaodao.foundation import clock, district, documents
from shaodao.foundation.models import LogEntry
from tests.bikes.street import LON, bay, fix, sent, zone
from tests.bikes.test_scores import reported
from tests.town import later

DAY = "2021-05-24"
PAGE = f"/bikes/reports/{DAY}/"


def browse(office, who, operator=None, language="zh-hans"):
    client = Client(headers={"Accept-Language": language})
    client.force_login(office.actor(who, operator).person)
    return client


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    return response.content.decode()


def take(operator, *fixes):
    assert ingest(operator, sent(*fixes), "mds", clock.now()).kept == len(fixes)


@pytest.fixture
def two(office):
    """Two operators on a day with bikes in and out of order, counted."""
    bay(name="一号点位", capacity=1), zone("Z1", LON + 0.0004)
    a, b = office.brought_to("admitted"), office.brought_to("admitted", "BIKE-B")
    take(a, fix("a1"), fix("a2"), fix("a3", 7200, 50), fix("a4", lon=LON + 0.0004))
    take(b, fix("b1", north_m=7))
    daily.build(date(2021, 5, 24), clock.now())
    return a, b


def test_the_day_by_operator_street_and_hour(office, two):
    hq = browse(office, "hq")
    listed = page(hq, "/bikes/reports/")
    assert f'href="{PAGE}"' in listed and "60.0%" in listed and "未完" in listed
    text = page(hq, PAGE)
    assert "单车BIKE-A" in text and f"{PAGE}?operator=BIKE-B" in text and "永泰街道" in text and "07:00" in text
    assert 'data-number="rate">60.0%' in text and "1 个超过容量" in text
    own = page(hq, f"{PAGE}?operator=BIKE-A")
    assert 'data-number="rate">50.0%' in own and 'id="score"' in own and "有效车时 4，不足 100" in own
    assert "数据质量" in own and "派给企业的案件" in own
    english = page(browse(office, "hq", language="en"), f"{PAGE}?operator=BIKE-A")
    assert not re.search(
        r"[\u4e00-\u9fff]", re.sub(r"(?s)<head>.*?</head>|中文|永泰街道|测试区|哨到", "", english.split("<main")[1])
    )


def test_who_sees_whose(office, two):
    a, _b = two
    own = browse(office, "owner", a)
    text = page(own, PAGE)
    assert (
        "BIKE-A" in text
        and "BIKE-B" not in text
        and 'id="operators"' not in text
        and 'data-number="rate">50.0%' in text
    )
    for path in ("/bikes/reports/", PAGE, "/bikes/scores/"):
        assert "BIKE-B" not in page(own, path)
        page(own, f"{path}?operator=BIKE-B", 403)
        page(own, f"{path}?operator=NOBODY", 404)
        page(browse(office, "street"), path), page(browse(office, "department"), path)
        page(browse(office, "hotline"), path, 403)
        assert Client().get(path).status_code == 302
    page(own, f"{PAGE}?operator=BIKE-B&format=pdf", 403), page(own, f"{PAGE}?operator=BIKE-B&format=xlsx", 403)


@pytest.mark.parametrize(
    "path", ["2021-05-01", "2021-13-01", "x", "2021-05-24%00", "20210524", "２０２１-05-24", "2021-W21-1"]
)
def test_days_that_are_none(office, two, path):
    page(browse(office, "hq"), f"/bikes/reports/{path}/", 404)
    page(browse(office, "hq"), f"{PAGE}?version=99", 404)
    assert "60.0%" in page(browse(office, "hq"), f"{PAGE}?version=%00&operator=")


def test_an_excel_file_holds_the_tables(office, two):
    response = browse(office, "hq").get(f"{PAGE}?format=xlsx")
    assert 'filename="bikes-2021-05-24.xlsx"' in response["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    assert book.sheetnames == ["各企业", "分时段", "分街道", "点位超容"]
    rows = list(book["各企业"].iter_rows(values_only=True))
    assert rows[2][:3] == ("企业", "得分", "有序率") and rows[3][0] == "单车BIKE-A" and rows[3][2] == 0.5
    assert book["各企业"]["C4"].number_format == "0.0%"
    assert LogEntry.objects.get(action="bikes.report").data["file"] == "bikes-2021-05-24.xlsx"


def test_a_pdf_is_set_in_our_own_chinese_type(office, two):
    try:
        documents.type_folder()
    except documents.NoType as why:
        pytest.skip(f"the front end is not built: {why}")
    response = browse(office, "owner", two[0]).get(f"{PAGE}?format=pdf")
    assert response["Content-Type"] == "application/pdf" and response.content.startswith(b"%PDF-1.")
    assert b"NotoSansSC-Regular" in response.content and b"NotoSansSC-Bold" in response.content
    assert 'filename="bikes-2021-05-24-BIKE-A.pdf"' in response["Content-Disposition"]


def test_what_a_name_says_is_not_run(office, two):
    a = two[0].organisation
    a.name = '#panic("x") $ * _ <a> "'
    a.save()
    assert browse(office, "hq").get(f"{PAGE}?format=xlsx").status_code == 200
    assert "<a> " not in page(browse(office, "hq"), PAGE)
    if (documents.Path(documents.settings.STATICFILES_DIRS[0]) / "build" / "type").exists():
        assert browse(office, "hq").get(f"{PAGE}?format=pdf").status_code == 200


def test_without_the_type_it_says_so(office, two, monkeypatch, settings, tmp_path):
    documents.type_folder.cache_clear()
    settings.STATICFILES_DIRS = [tmp_path]
    response = browse(office, "hq").get(f"{PAGE}?format=pdf")
    documents.type_folder.cache_clear()
    assert response.status_code == 503 and "字体" in response.content.decode()


def test_an_earlier_version_can_still_be_read(office, two):
    with later(days=1):
        daily.build(date(2021, 5, 24), clock.now())
        take(two[0], fix("late", 24 * 3600 + 60))
        daily.build(date(2021, 5, 24), clock.now())
    hq = browse(office, "hq")
    text = page(hq, f"{PAGE}?operator=BIKE-A")
    assert "第 2 版" in text and 'data-number="rate">60.0%' in text and "version=1" in text
    before = page(hq, f"{PAGE}?operator=BIKE-A&version=1")
    assert 'data-number="rate">50.0%' in before and "先前的一版" in before
    assert "单车BIKE-B" in page(hq, f"{PAGE}?version=1")


def test_a_suggestion_leads_to_the_action_and_changes_nothing(office, two):
    office.settle(score={"least_days": 2})
    for n, points in enumerate((50.0, 58.0)):
        reported(two[0], date(2021, 5, 1) + timedelta(days=n), points)
    hq = browse(office, "hq")
    text = page(hq, "/bikes/scores/")
    assert 'data-points="BIKE-A">54.0' in text and 'data-suggestion="800"' in text and "不会自动执行" in text
    (address,) = re.findall(r'href="(/bikes/operators/BIKE-A/do/change_quota/[^"]+)"', text)
    form = page(hq, address.replace("&amp;", "&"))
    assert 'value="800"' in form and "2021-05 考核平均 54.0 分" in form
    two[0].refresh_from_db()
    assert two[0].quota == 1000
    for who in (browse(office, "owner", two[0]), browse(office, "street")):
        seen = page(who, "/bikes/scores/")
        assert 'data-suggestion="800"' in seen and "do/change_quota" not in seen
    assert 'data-points="BIKE-A">—' in page(hq, "/bikes/scores/?month=2021-04")
    for odd in ("2021-13", "x", "2099-01", "%00", "２０２１-05"):
        assert "54.0" in page(hq, f"/bikes/scores/?month={odd}")


def test_a_rise_says_what_is_left_of_the_ceiling(office, two):
    office.settle(score={"least_days": 1, "quota": [{"below": 101, "percent": 50}]}, fleet_ceiling=2100)
    reported(two[0], date(2021, 5, 1), 95.0)
    assert "只剩 100 辆可分配" in page(browse(office, "hq"), "/bikes/scores/")


def queries(client, path):
    district.forget()
    page(client, path)  # the settings are kept for five seconds from here on
    with CaptureQueriesContext(connection) as found:
        page(client, path)
    return len(found)


def test_pages_ask_a_constant_number_of_questions(office, two):
    paths = ("/bikes/reports/", PAGE, f"{PAGE}?operator=BIKE-A", "/bikes/scores/", "/bikes/scores/?operator=BIKE-A")
    hq = browse(office, "hq")
    before = [queries(hq, path) for path in paths]
    for n in range(6):
        other = office.brought_to("admitted", f"BIKE-{n}", quota=10)
        take(other, fix(f"x{n}", lon=LON + 0.0002 * n))
        for day in range(3):
            reported(other, date(2021, 5, 1 + day), 70.0)
    daily.build(date(2021, 5, 24), clock.now())
    assert DayReport.objects.count() > 20
    assert [queries(hq, path) for path in paths] == before and max(before) < 25
