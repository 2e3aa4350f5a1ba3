"""Advice on moving bikes fits on desk and phone, and a bay is one step away."""

import os
from pathlib import Path

import pytest

from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.rebalancing import flows
from shaodao.foundation import clock
from tests.bikes.office import Office
from tests.bikes.street import LON, bay, fix, sent
from tests.bikes.test_rebalancing import past
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401


@pytest.fixture
def office(town):
    return Office(town)


def test_moves_are_read_and_lead_to_their_bays(sit, office, tmp_path):  # noqa: F811
    operator = office.brought_to("admitted")
    bay("B1", name="一号点位", capacity=30), bay("B2", LON + 0.003, name="二号点位"), bay("B3", LON + 0.001)
    coming = [(clock.local(clock.now()).hour + n) % 24 for n in range(4)]
    for back in range(1, 8):
        rides = [(f"{code}{hour}{n}", hour, code) for code in ("B2", "B3") for hour in coming for n in range(5)]
        past(operator, back, rides)
    ingest(operator, sent(*(fix(f"v{n}") for n in range(24))), "mds", clock.now())
    flows.make(clock.now())
    shots = Path(os.environ.get("SHAODAO_SHOTS") or tmp_path)
    for name, size in (("desk", DESK), ("phone", PHONE)):
        hq = sit("headquarters", viewport=size)
        hq.goto("/bikes/rebalancing/")
        assert hq.locator("[data-move]").count() == 2
        assert hq.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        hq.screenshot(path=shots / f"rebalancing-{name}.png", full_page=True)
    hq.fill("#id_loads", "1")
    hq.get_by_role("button", name="计算").click()
    hq.wait_for_url("**loads=1")
    assert hq.locator("[data-move]").count() == 1, "a vanload has one way"
    hq.fill("#id_loads", "0")
    hq.get_by_role("button", name="计算").click()
    hq.get_by_text("没有运输车").wait_for()
    hq.go_back()
    hq.get_by_role("link", name="B1").click()
    hq.wait_for_url("**/bikes/bays/*/")
