"""A crew's phone checks in beside bins, loses the network, and what it noted arrives when the network is back."""

from shaodao.cases.actions import Actor
from shaodao.sanitation.bins import keys
from shaodao.sanitation.models import BinVisit, Crew
from tests.browser.test_work import PHONE, browser, pytestmark, sit  # noqa: F401
from tests.sanitation.book import book, put


def test_a_phone_without_a_network_loses_nothing(sit, town):  # noqa: F811
    book()
    put("round", R={"wipes": 2, "empties": 2, "disinfections": 1, "windows": []})
    put("bin", **{c: {"lon": 113.2, "lat": 40.0, "type": "litter", "round": "R", "road": "R1"} for c in ("B1", "B2")})
    key = keys.issue(Actor.of(town.person("headquarters")), Crew.objects.get(), "小王")

    page = sit("street", viewport=PHONE)
    page.context.clear_cookies()  # crews have no accounts
    page.goto(f"/sanitation/crew/{keys.token_of(key)}/")
    page.evaluate("navigator.serviceWorker.ready.then(() => caches.match('/sanitation/bins/at/offline/'))")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.goto("/sanitation/bins/at/B1/")
    page.get_by_role("button", name="记下").click()
    page.wait_for_url("**/sanitation/crew/**")
    assert BinVisit.objects.filter(bin__code="B1").count() == 2

    page.context.set_offline(True)
    page.goto("/sanitation/bins/at/B2/")  # never open before: the form of any bin
    assert page.get_by_role("heading", name="果皮箱 B2").is_visible()
    page.get_by_label("消毒").check()
    page.get_by_role("button", name="记下").click()
    page.get_by_text("1 条还没有发出").wait_for()
    assert BinVisit.objects.filter(bin__code="B2").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.context.set_offline(False)
    page.goto("/sanitation/bins/at/B1/")
    page.wait_for_function("!localStorage.getItem('shaodao:queue') || localStorage.getItem('shaodao:queue') === '[]'")
    (row,) = BinVisit.objects.filter(bin__code="B2")
    assert row.task == "disinfect" and row.at < row.received_at
