"""The page of advice: who sees whose, what it says and from what, a file of the same."""

import io
import re

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.rebalancing import flows
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from tests.bikes.street import bay, fix
from tests.bikes.test_rebalancing import EMPTY, FULL, past, take
from tests.bikes.test_report_pages import browse, page

PAGE = "/bikes/rebalancing/"


@pytest.fixture
def operator(office):
    """Ten bikes at B1, where nobody rides; B2 is empty, and riders take six there each morning at nine."""
    bay("B1", lon=FULL, name="一号点位"), bay("B2", lon=EMPTY, illustrative=True)
    made = office.brought_to("admitted")
    for back in range(1, 5):
        past(made, back, [(f"x{n}", 9, "B2") for n in range(6)])
    take(made, *(fix(f"b{n}", lon=FULL) for n in range(10)))
    flows.make(clock.now())
    return made


def test_the_moves_with_what_they_bring_and_rest_on(office, operator):
    text = page(browse(office, "hq"), PAGE)
    first = operator.statuses.values_list("bay_id", flat=True)[0]
    assert 'data-move="B1 B2"' in text and f"/bikes/bays/{first}/" in text and "341 米" in text
    assert "只是建议，系统不会派车" in text and "这已是所考虑的搬运里最好的方案" in text
    assert "最近 4 天有数据" in text and "最新的是 2021-05-24 08:59" in text
    assert 'data-number="bikes">10<' in text and 'data-number="riders">5.9<' in text
    assert "预计借 6.0、还 0.0" in text and "含示例数据" in text and "数据已中断" not in text
    english = page(browse(office, "hq", language="en"), PAGE).split("<main")[1]
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"(?s)中文|一号点位|测试区|哨到", "", english))
    assert "nothing is ordered by it" in english


def test_a_gap_that_is_left_is_said(office, operator, monkeypatch):
    from dataclasses import replace

    from shaodao.bikes.rebalancing import advice

    real = advice.advise
    monkeypatch.setattr(advice, "advise", lambda *a, **given: replace(real(*a, **given), gap=0.2))
    assert "至多还能再多省 25.0%。" in page(browse(office, "hq"), PAGE), "0.2 of the best is a quarter of this one"


def test_who_sees_whose(office, operator):
    other = office.brought_to("admitted", "BIKE-B")
    own = browse(office, "owner", operator)
    text = page(own, PAGE)
    assert 'data-move="B1 B2"' in text and "BIKE-B" not in text and "调度建议" in page(own, "/bikes/reports/")
    page(own, f"{PAGE}?operator=BIKE-B", 403), page(own, f"{PAGE}?operator=BIKE-B&format=xlsx", 403)
    page(own, f"{PAGE}?operator=NOBODY", 404), page(own, f"{PAGE}?operator=%00X", 404)
    assert "历史还不够" in page(browse(office, "owner", other), PAGE)
    for who in ("hq", "department"):
        text = page(browse(office, who), PAGE)
        assert "data-move" not in text and "请选择企业" in text and "BIKE-B" in text
        assert 'data-move="B1 B2"' in page(browse(office, who), f"{PAGE}?operator=BIKE-A")
    for who in ("street", "inspector", "dispatcher", "hotline"):
        page(browse(office, who), PAGE, 403)
        page(browse(office, who), f"{PAGE}?operator=BIKE-A&format=xlsx", 403)
    assert PAGE not in page(browse(office, "street"), "/bikes/reports/"), "a tab that does not open is none"
    assert Client().get(PAGE).status_code == 302 and own.post(PAGE).status_code == 405


def test_why_there_is_none(office, operator):
    text = page(browse(office, "hq"), f"{PAGE}?loads=0")
    assert (
        'data-missing="vans"' in text and "没有运输车" in text and "data-move" not in text and "format=xlsx" not in text
    )
    office.brought_to("admitted", "BIKE-B")
    text = page(browse(office, "hq"), f"{PAGE}?operator=BIKE-B")
    assert 'data-missing="history"' in text and "最近只有 0 天的取还数据，至少要 3 天" in text
    assert page(browse(office, "hq"), f"{PAGE}?operator=BIKE-B&format=xlsx") and not LogEntry.objects.filter(
        action="bikes.rebalancing"
    )


def test_no_move_is_worth_its_way(office, operator):
    office.settle(rebalancing={"per_km": 100.0})
    text = page(browse(office, "hq"), PAGE)
    assert 'data-missing="moves"' in text and "没有哪次搬运值得跑这一趟" in text and "预计 6.0 人次找不到车" in text


def test_a_number_that_is_none(office, operator):
    for query in ("hours=0", "hours=x", "loads=1e9", "hours=99999999999999999999", "loads=%00-1"):
        text = page(browse(office, "hq"), f"{PAGE}?{query}", 422)
        assert 'class="field-error' in text and "data-move" not in text, query
    assert "今后 4 小时" in page(browse(office, "hq"), f"{PAGE}?hours=4&loads=")


def test_no_operators(office):
    assert "还没有企业" in page(browse(office, "hq"), PAGE)


def test_queries_do_not_grow(office, operator):
    hq = browse(office, "hq")
    page(hq, PAGE)
    with CaptureQueriesContext(connection) as few:
        page(hq, PAGE)
    for n in range(5):
        bay(f"C{n}", lon=EMPTY - 0.0003 * (n + 1))
    past(operator, 2, [(f"x{n}", 9, "B2") for n in range(6)] + [(f"y{n}", 9, f"C{n}") for n in range(5)])
    take(operator, *(fix(f"c{n}", lon=FULL) for n in range(5)))
    flows.make(clock.now())
    page(hq, PAGE)
    with CaptureQueriesContext(connection) as many:
        page(hq, PAGE)
    assert len(many) == len(few) <= 14


def test_an_excel_file(office, operator):
    response = browse(office, "hq").get(f"{PAGE}?format=xlsx&hours=2")
    assert 'filename="rebalancing-BIKE-A-20210524-0900.xlsx"' in response["Content-Disposition"]
    rows = list(openpyxl.load_workbook(io.BytesIO(response.content)).active.values)
    assert rows[-1][:9] == ("B1", "一号点位", 10, "B2", None, 0, 10, 1, 341) and rows[1][0] == "含示例数据"
    assert any(row[0] == "只是建议，系统不会派车。" for row in rows)
    assert LogEntry.objects.filter(action="bikes.rebalancing", subject="operator:BIKE-A").exists()
