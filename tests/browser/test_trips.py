"""A crew's phone goes down its trip without a network: step after step, and all of it arrives."""

from shaodao.foundation import clock
from shaodao.sanitation.models import LegReport
from tests.browser.test_work import PHONE, browser, pytestmark, sit  # noqa: F401
from tests.sanitation.book import book
from tests.sanitation.test_trips import published, trip_of, url

CONTROLLED = """new Promise((done) => navigator.serviceWorker.controller ? done()
    : navigator.serviceWorker.addEventListener("controllerchange", () => done()))"""


def test_a_trip_without_a_network(sit, town):  # noqa: F811
    book()
    trip = trip_of(published(clock.local(clock.now()).date()))
    page = sit("street", viewport=PHONE)
    page.context.clear_cookies()  # crews have no accounts
    page.goto(url(trip))
    page.evaluate(CONTROLLED)
    page.reload()  # kept by the worker
    page.context.set_offline(True)
    page.reload()
    page.locator(".is-next").get_by_role("button", name="做完了").click()
    page.get_by_text("1 条还没有发出").wait_for()
    following = page.locator(".is-next")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    following.get_by_label("没做的原因").select_option("parked")
    following.get_by_role("button", name="没做").click()
    page.get_by_text("2 条还没有发出").wait_for()
    page.reload()  # what was noted is still marked
    assert page.locator(".is-said").count() == 2 and page.locator(".is-next").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert LegReport.objects.count() == 0

    with page.expect_response("**/queue/"):
        page.context.set_offline(False)
    rows = LegReport.objects.order_by("leg__seq")
    assert [(r.leg.seq, r.kind, r.why) for r in rows] == [(0, "done", ""), (2, "skipped", "parked")]
