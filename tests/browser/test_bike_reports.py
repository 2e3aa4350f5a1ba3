"""A day's report is drawn and fits; a month's score leads to the quota, which a person changes."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from shaodao.bikes.ingest.receive import ingest
from shaodao.bikes.models import Operator
from shaodao.bikes.reports import daily, months
from shaodao.foundation import clock
from tests.bikes.office import Office
from tests.bikes.street import bay, fix, sent
from tests.bikes.test_scores import reported
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401


@pytest.fixture
def office(town):
    return Office(town)


def test_a_report_is_drawn_and_a_suggestion_is_decided_on(sit, office, tmp_path):  # noqa: F811
    operator = office.brought_to("admitted")
    bay(capacity=3)
    at = clock.local(clock.now())
    fixes = [fix(f"v{n}", (n % 5) * 60, n * 2.5) for n in range(12)]
    ingest(operator, sent(*fixes), "mds", clock.now())
    daily.build(at.date(), clock.now())
    month = months.preceding(at.date().replace(day=1))
    office.settle(score={"least_days": 2})
    for n, points in enumerate((64.0, 62.0, None)):
        reported(operator, month + timedelta(days=n), points)
    shots = Path(os.environ.get("SHAODAO_SHOTS") or tmp_path)
    for name, size in (("desk", DESK), ("phone", PHONE)):
        hq = sit("headquarters", viewport=size)
        for path in ("", f"{at.date().isoformat()}/", f"{at.date().isoformat()}/?operator=BIKE-A"):
            hq.goto(f"/bikes/reports/{path}")
            hq.wait_for_selector('[data-chart][data-ready="1"]', timeout=60_000)
            assert hq.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            hq.screenshot(path=shots / f"report-{name}-{len(path)}.png", full_page=True)
        hq.goto(f"/bikes/scores/?month={month:%Y-%m}")
        hq.get_by_text("每天的得分和依据").click()
        assert hq.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        hq.screenshot(path=shots / f"scores-{name}.png", full_page=True)
    hq.get_by_role("link", name="去调整配额").click()
    assert hq.input_value("#id_quota") == "900" and "63.0" in hq.input_value("#id_reason")
    hq.fill("#id_quota", "950")
    hq.get_by_role("button", name="调整配额").click()
    hq.wait_for_url("**/bikes/operators/BIKE-A/")
    assert Operator.objects.get(pk=operator.pk).quota == 950
