"""A cluster becomes a case, its operator reports in on the phone, it is gone and closes; a patrol counts a bay."""

from datetime import timedelta

import pytest

from shaodao.bikes.models import SpotCheck
from shaodao.cases.models import Case
from tests.bikes.office import Office, png
from tests.bikes.streets import LAT, LON, Street, only
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401


@pytest.fixture
def street(town):
    made = Street(Office(town))
    made.at -= timedelta(minutes=45)  # what the test plays is past when the pages are looked at
    return made


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_cluster_becomes_a_case_and_closes(sit, street):  # noqa: F811
    street.put(street.a, 7, metres=40)
    street.go(20)
    case = only().case

    hq = sit("headquarters", viewport=DESK)
    hq.goto("/bikes/findings/")
    assert hq.locator("[data-finding]").count() == 1 and fits(hq)
    hq.get_by_role("link", name=case.number).click()
    assert "点位之外聚集 7 辆" in hq.inner_text("main")

    own = sit("operator", street.a.organisation, viewport=PHONE)
    own.goto("/work/sign/")
    own.get_by_text(case.number).first.click()
    own.get_by_role("link", name="报到").first.click()
    own.fill("#id_position", f"{LON},{LAT}")
    own.get_by_role("button", name="报到").click()
    own.wait_for_url(f"**/work/cases/{case.number}/")
    assert case.assignments.get().state == "arrived"
    own.goto("/bikes/findings/")
    assert "v40-0" in own.content() and fits(own)

    street.take(street.a, 7, metres=40)
    street.later(5)
    street.go(10)
    assert Case.objects.get().state == "closed"
    hq.goto("/bikes/findings/?state=cleared")
    assert "已消除" in hq.inner_text("[data-finding]") and "已结案" in hq.inner_text("[data-finding]")
    hq.goto(f"/work/cases/{case.number}/")
    assert "消除结案" in hq.inner_text("main")


def test_a_patrol_counts_on_the_phone(sit, street, tmp_path):  # noqa: F811
    street.bay(capacity=10)
    street.put(street.a, 4)
    street.at += timedelta(minutes=45)
    with street.now():
        street.feed(street.at)
    photo = tmp_path / "bay.png"
    photo.write_bytes(png("green"))
    page = sit("street", viewport=PHONE)
    page.goto("/bikes/spot-checks/")
    assert fits(page)
    page.fill("#near", f"{LON},{LAT + 0.0001}")
    page.get_by_role("button", name="找点位").click()
    page.get_by_role("link", name="点位P1").click()
    assert fits(page)
    page.fill(f"#id_count_{street.a.pk}", "6")
    page.set_input_files("#id_photos", photo)
    page.get_by_role("button", name="提交").click()
    page.wait_for_url("**/bikes/spot-checks/")
    row = SpotCheck.objects.get()
    assert (row.counted, row.fed, row.upload is not None) == (6, 4, True)
    assert "+2" in page.inner_text("[data-check]") and fits(page)
