"""An operator sets its feed and sends a file from a phone; the headquarters see at a desk how good its data is."""

import json
import threading
from datetime import timedelta

import pytest

from shaodao.bikes.models import VehicleStatus
from shaodao.foundation import clock
from tests.bikes.office import Office
from tests.bikes.street import LAT, LON
from tests.bikes.test_http import Server
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401

HOME = "/bikes/operators/BIKE-A/"


@pytest.fixture
def feed(monkeypatch):
    """A feed with one bike, another with half a file."""
    monkeypatch.setenv("SHAODAO_WEBHOOK_PRIVATE", "1")
    made = Server()
    at = clock.now().isoformat()
    bike = {"vehicle_id": "a", "lon": LON, "lat": LAT, "is_reserved": False, "is_disabled": False, "last_reported": at}
    whole = json.dumps({"last_updated": at, "ttl": 0, "version": "3.0", "data": {"vehicles": [bike]}}).encode()
    made.answers |= {"/vehicle_status.json": whole, "/half.json": whole[:60]}
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made.url
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_feed_a_file_and_their_quality_by_clicking(sit, town, feed, tmp_path):  # noqa: F811
    operator = Office(town).brought_to("admitted")
    own = sit("operator", operator.organisation, viewport=PHONE)
    own.goto(HOME)
    own.get_by_role("link", name="数据接入").click()
    for file, said in (("half.json", "没有写完"), ("vehicle_status.json", "读到 1 辆：收下 1，未收 0")):
        own.get_by_role("link", name="设置").first.click()
        own.fill("#id_url", f"{feed}/{file}")
        own.get_by_role("button", name="保存").click()
        own.wait_for_url(f"**{HOME}feed/")
        own.get_by_role("button", name="立即读取").click()
        own.get_by_text(said).first.wait_for()
        assert own.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    table = tmp_path / "p.csv"
    seen = clock.local(clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    table.write_text(f"车辆编号,时间,经度,纬度\nb,{seen},{LON},{LAT}\n{'x' * 200},{seen},{LON},{LAT}\n", "utf-8")
    own.get_by_role("link", name="上传位置").click()
    own.set_input_files("#id_file", table)
    own.get_by_role("button", name="上传").click()
    own.get_by_text("收下 1，未收 1").wait_for()
    assert own.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert set(VehicleStatus.objects.values_list("vehicle_id", flat=True)) == {"a", "b"}

    for page in (own, sit("headquarters", viewport=DESK)):
        page.goto(HOME)
        page.get_by_role("link", name="数据质量").click()
        page.wait_for_url(f"**{HOME}quality/")
        assert page.locator("[data-total=kept]").inner_text() == "2"
        assert page.locator("[data-reason=long_id]").inner_text() == "1" and page.get_by_text("没有写完").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
