"""An operator applies from a phone, the headquarters admit it at a desk, its fleet comes in as a file."""

import pytest

from shaodao.bikes.models import Operator, Vehicle
from shaodao.cases import history
from tests.bikes.office import PDF, Office
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401

HOME = "/bikes/operators/BIKE-A/"


@pytest.fixture
def office(town):
    return Office(town)


def test_an_operator_is_admitted_by_clicking(sit, office, tmp_path):  # noqa: F811
    operator = office.company()
    paper, fleet = tmp_path / "licence.pdf", tmp_path / "fleet.csv"
    paper.write_bytes(PDF)
    fleet.write_text("车牌或编码,数据接口编号\n晋B00001,a-1\n晋B00002,a-2\n", "utf-8")

    own = sit("operator", operator.organisation, viewport=PHONE)
    own.goto("/bikes/")
    for item in ("licence", "insurance"):
        own.goto(HOME)
        own.locator(f"#item-{item}").get_by_role("link", name="提交").click()
        own.set_input_files("#id_file", paper)
        own.get_by_role("button", name="提交材料").click()
        own.wait_for_url(f"**{HOME}")
    own.get_by_role("link", name="提交申请").click()
    for name, value in {
        "legal_name": "甲单车有限公司", "contact_name": "张三", "contact_phone": "0352-1234567", "requested_quota": "6000",
        "fleet": "7000", "staff": "40", "vans": "10", "intact_percent": "97",
    }.items():  # fmt: skip
        own.fill(f"#id_{name}", value)
    own.get_by_role("button", name="提交申请").click()
    own.wait_for_url(f"**{HOME}")
    assert own.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    hq = sit("headquarters", viewport=DESK)
    for item in ("licence", "insurance"):
        hq.goto(HOME)
        hq.locator(f"#item-{item}").get_by_role("link", name="审查").click()
        hq.locator("input[name=accepted][value='1']").check()
        hq.get_by_role("button", name="审查材料").click()
        hq.wait_for_url(f"**{HOME}")
    hq.get_by_role("link", name="准入", exact=True).click()
    hq.fill("#id_quota", "5000")
    hq.get_by_role("button", name="准入", exact=True).click()
    hq.wait_for_url(f"**{HOME}")

    own.goto(f"{HOME}vehicles/")
    own.get_by_role("link", name="导入").click()
    own.set_input_files("#id_file", fleet)
    own.get_by_role("button", name="导入车辆").click()
    own.wait_for_url(f"**{HOME}vehicles/")
    assert own.get_by_text("晋B00002").is_visible()
    operator = Operator.objects.get(pk=operator.pk)
    assert (operator.state, operator.quota, Vehicle.objects.count()) == ("admitted", 5000, 2)
    assert history.verify()["broken"] == []
