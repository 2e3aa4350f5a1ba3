"""From a file of bays to a closed case: an operator's system pushes its bikes, a cluster lasts, its people report in,
the bikes are gone; each step in the browser of whoever takes it, each position by the operator's own call."""

import json
import urllib.request
from datetime import timedelta

import pytest

from shaodao.bikes import ground
from shaodao.bikes.models import Bay
from shaodao.cases import history
from shaodao.cases.tasks import tick
from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.bikes.office import Office, table
from tests.bikes.outlines import METRE, as_csv, square
from tests.bikes.streets import LAT, LON, SETTINGS, only
from tests.bikes.test_mds import HEAD, TYPE, device
from tests.browser.test_work import DESK, PHONE, browser, picture, press_next, pytestmark, sit  # noqa: F401

CLUSTER, IN_BAY = range(7), range(7, 10)


class Day:
    """The clock of the test and of the server's threads, and the operator's system with its ten bikes: seven stand 40
    metres from the bay, three in it. `go` lets time pass; at each step the feed comes in and the district's clock looks."""

    def __init__(self, url: str, key: str, monkeypatch) -> None:
        self.at, self.url, self.key = clock.now() - timedelta(minutes=50), url, key
        self.places = {n: (LON, LAT + (40 + n % 3 * 0.5) * METRE) for n in CLUSTER}
        self.places |= {n: (LON + n * 1e-6, LAT) for n in IN_BAY}
        monkeypatch.setattr(clock, "now", lambda: self.at)

    def push(self) -> None:
        at = int(self.at.timestamp() * 1000)
        rows = [
            {
                "device_id": device(n), "telemetry_id": device(f"t{n}.{at}"), "timestamp": at, "trip_ids": None,
                "journey_id": None, "location": {"lng": lon, "lat": lat, "horizontal_accuracy": 3.0},
            }
            for n, (lon, lat) in self.places.items()
        ]  # fmt: skip
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": TYPE, "Accept": TYPE}
        call = urllib.request.Request(f"{self.url}/mds/v2/telemetry", json.dumps(rows).encode(), headers)
        with urllib.request.urlopen(call, timeout=20) as answer:
            assert (answer.status, json.load(answer)["success"]) == (201, len(rows))

    def go(self, minutes: int, step: int = 5) -> None:
        for _ in range(0, minutes, step):
            self.at += timedelta(minutes=step)
            self.push()
            assert not tick(self.at, train=False, send=False)["failed"]

    def take_away(self) -> None:
        """The cluster's bikes are brought to the other bay."""
        middle = square(100, -3).centroid
        self.places |= dict.fromkeys(CLUSTER, (middle.x, middle.y))


@pytest.fixture
def office(town):
    ground.forget()  # kept by the process, and each test has a grid of its own
    made = Office(town)
    made.settle(findings={name: SETTINGS[name] for name in ("spot_check_share", "cluster")})
    yield made
    ground.forget()


@pytest.fixture
def operator(office):
    made = office.brought_to("admitted")
    rows = [(f"晋B{n:05}", device(n)) for n in (*CLUSTER, *IN_BAY)]
    office.act(made, "import_vehicles", "owner", file=table(*rows, head=HEAD))
    return made


@pytest.fixture
def day(office, operator, live_server, monkeypatch):
    person = office.actor("owner", operator).person
    return Day(live_server.url, tokens.issue(person, "push", ("bikes",), clock.now())[1], monkeypatch)


def number(page, name: str) -> str:
    return page.locator(f".tile [data-number={name}]").inner_text()


def test_from_a_file_of_bays_to_a_closed_case(sit, operator, day, tmp_path):  # noqa: F811
    hq = sit("headquarters", viewport=DESK)
    hq.goto("/bikes/bays/")
    hq.get_by_role("link", name="导入").click()
    hq.set_input_files("#id_file", as_csv(tmp_path / "bays.csv", {"P1": square(-3, -3), "P2": square(100, -3)}))
    hq.get_by_role("button", name="看看会怎样").click()
    assert hq.inner_text("[data-count=new]") == "2" and not Bay.objects.exists()
    hq.get_by_role("button", name="确认导入").click()
    hq.wait_for_url("**/bikes/bays/")
    assert set(Bay.objects.values_list("code", flat=True)) == {"P1", "P2"}

    day.go(5)  # the first positions
    hq.goto("/bikes/now/")
    assert (number(hq, "here"), number(hq, "outside")) == ("10", "7")
    seen = sit("headquarters", viewport=DESK)  # stays open till the end
    seen.goto("/bikes/map/")
    seen.wait_for_selector('[data-bike-map][data-ready="1"][data-shown="10"]', timeout=60_000)
    assert seen.locator("[data-class-count=outside]").inner_text() == "7"
    own = sit("operator", operator.organisation, viewport=PHONE)
    own.goto("/work/sign/")
    assert own.locator(".case-link").count() == 0

    day.go(15)
    hq.goto("/bikes/findings/")
    assert hq.locator("[data-finding]").count() == 1 and only().case is None  # it has not lasted yet
    day.go(5)
    case = only(rule="cluster").case
    assert case is not None and case.lead == operator.organisation
    hq.goto("/bikes/findings/")
    hq.get_by_role("link", name=case.number).click()
    assert "点位之外聚集 7 辆" in hq.inner_text("main")

    own.goto("/work/sign/")
    own.locator(".case-link").click()
    press_next(own, "签收")
    own.get_by_role("button", name="使用我的位置").click()
    own.locator("#toasts .notice").wait_for()
    press_next(own, "报到")
    own.fill("#id_result", "已全部挪回点位")
    own.set_input_files("#id_photos", picture(tmp_path / "after.jpg"))
    press_next(own, "办结交回")
    day.go(15)  # what the operator says is not enough: the feed says that they still stand there
    case.refresh_from_db()
    assert case.state == "verifying"

    day.take_away()
    day.go(5)
    case.refresh_from_db()
    assert case.state == "verifying"  # gone, but not for long
    day.go(10)
    case.refresh_from_db()
    assert (case.state, case.outcome, only().state) == ("closed", "fixed", "cleared")

    hq.goto("/bikes/findings/?state=cleared")
    assert "已消除" in hq.inner_text("[data-finding]")
    hq.get_by_role("link", name=case.number).click()
    told = hq.locator(".timeline-plain .event-head strong").all_inner_texts()  # the latest first
    steps = [what for what in told if what != "逐级提醒"]  # of the inspector, whose look takes longer than asked
    assert steps == ["消除结案", "办结交回", "报到", "签收", "派遣", "立案", "归类", "上报"]
    seen.get_by_text("0", exact=True).and_(seen.locator("[data-class-count=outside]")).wait_for(timeout=20_000)
    hq.goto("/bikes/now/")
    assert (number(hq, "here"), number(hq, "outside")) == ("10", "0")
    assert own.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert history.verify()["broken"] == []
