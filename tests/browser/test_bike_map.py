"""The live map with a whole fleet: clusters, filters, details by keyboard, and what comes in meanwhile."""

import numpy as np
import pytest

from shaodao.bikes import ground
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.receive import ingest
from shaodao.foundation import clock
from tests.bikes.office import Office
from tests.bikes.seeing import bay, bike, feed
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401
from tests.town import SOUTH, STEP, WEST

FLEET = 12_000


@pytest.fixture
def office(town):
    ground.forget()
    yield Office(town)
    ground.forget()


def fleet(operator, n=FLEET):
    """Bikes all over the town's twelve cells."""
    rng = np.random.default_rng(1)
    at, names = np.full(n, int(clock.now().timestamp() * 1000)), np.empty(n, dtype=object)
    names[:] = [f"b{i}" for i in range(n)]
    lon, lat = (WEST + rng.random(n) * 6 * STEP) / 1e6, (SOUTH + rng.random(n) * 2 * STEP) / 1e6
    state = np.full(n, "available", dtype=object)
    return ingest(operator, Positions(names, at, lon, lat, state, np.full(n, np.nan), np.arange(n)), "mds", clock.now())


def test_the_map_of_twelve_thousand_follows_the_ingest(sit, office):  # noqa: F811
    operator, other = office.brought_to("admitted"), office.brought_to("admitted", "BIKE-B")
    for n in range(10):
        bay(f"P{n}", n / 2, street=office.town.street, community=office.town.communities[0])
    assert fleet(operator).kept == FLEET
    hq = sit("headquarters", viewport=DESK)
    hq.goto("/bikes/map/")
    board = hq.locator("[data-bike-map]")
    hq.wait_for_selector('[data-bike-map][data-ready="1"]', timeout=60_000)
    assert board.get_attribute("data-shown") == str(FLEET) and int(board.get_attribute("data-clusters")) > 3
    outside = int(hq.locator("[data-class-count=outside]").inner_text())
    assert outside > 1000

    hq.uncheck("input[name=class][value=outside]")
    assert int(board.get_attribute("data-shown")) == FLEET - outside
    hq.check("input[name=class][value=outside]")
    hq.select_option("#filter-operator", "BIKE-B")
    assert board.get_attribute("data-shown") == "0"

    feed(other, *(bike(f"new{n}", 1 + n / 100) for n in range(30)), bike("ridden", 1, state="on_trip"))
    hq.wait_for_selector('[data-bike-map][data-shown="30"]', timeout=20_000)  # nobody reloaded the page
    assert hq.locator("[data-class-count=in_use]").inner_text() == "1"
    hq.select_option("#filter-operator", "")
    assert board.get_attribute("data-shown") == str(FLEET + 30) and "12030" in hq.inner_text("#bike-map-status")


def test_on_a_phone_and_without_a_mouse(sit, office):  # noqa: F811
    operator = office.brought_to("admitted")
    feed(operator, bike("one", 2.5))
    own = sit("operator", operator.organisation, viewport=PHONE)
    own.goto("/bikes/map/?at=113.2025,40.0005")
    own.wait_for_selector('[data-bike-map][data-ready="1"]', timeout=60_000)
    assert own.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    own.locator(".maplibregl-canvas").focus()
    own.keyboard.press("Enter")
    own.wait_for_selector(".map-popup-title")
    assert own.locator(".map-popup-title").inner_text() == "one" and own.get_by_text("连续不合格次数").is_visible()
    own.locator(".map-popup-title").click()
    own.wait_for_url("**/bikes/now/list/?q=one")
    assert own.locator("[data-count]").inner_text() == "1"
