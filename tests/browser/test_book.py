"""The book on a phone: a vehicle is found, changed with a reason, and its history says so."""

from shaodao.sanitation.models import Vehicle
from tests.browser.test_work import PHONE, browser, pytestmark, sit  # noqa: F401
from tests.sanitation.book import book


def test_a_vehicle_is_changed_on_a_phone(sit):  # noqa: F811
    book()
    page = sit("headquarters", viewport=PHONE)
    page.goto("/sanitation/book/vehicle/")
    page.get_by_role("link", name="V", exact=True).click()
    page.get_by_role("link", name="修改").click()
    page.get_by_label("水箱（立方米）").fill("十")
    page.get_by_label("理由").fill("换了水箱")
    page.get_by_role("button", name="保存").click()
    assert "不是数字" in page.locator("#id_tank_m3_error").inner_text()
    page.get_by_label("水箱（立方米）").fill("12")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已改为第 2 版").wait_for()
    assert page.get_by_text("换了水箱").is_visible() and Vehicle.objects.get().tank_m3 == 12
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
