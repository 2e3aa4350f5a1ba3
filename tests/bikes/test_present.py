"""What is seen now: classes, counts that equal their lists, who sees what, bays and groups."""

import io
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from shaodao.bikes.models import Bay, Vehicle
from shaodao.bikes.seen import filling, present
from shaodao.bikes.seen.scope import Scope, scope_of
from shaodao.foundation import clock, district
from shaodao.foundation.models import LogEntry
from tests.bikes.office import table
from tests.bikes.seeing import bay, bike, feed, zone
from tests.town import later

pytestmark = pytest.mark.django_db
NOW, LIST, BAYS = "/bikes/now/", "/bikes/now/list/", "/bikes/now/bays/"


@pytest.fixture
def street(office):
    """Two operators, three bays, a zone, and a bike of every class, two of one class."""
    first, second = office.brought_to("admitted", quota=6), office.brought_to("admitted", "BIKE-B", quota=500)
    town = office.town
    bay("P1", 0.2, capacity=2, street=town.street, community=town.communities[0])
    bay("P2", 0.4, capacity=4, street=town.street, community=town.communities[0])
    bay("P3", 4.2, capacity=0, street=town.other_street, community=town.communities[2])
    zone("Z1", 2.2)
    old = clock.now() - timedelta(days=8)
    with clock.freeze(old):
        feed(first, bike("idle", 0.2, east=3, north=1))
    for minutes in (30, 20, 10):
        with later(minutes=-minutes):
            feed(first, bike("out", 1.5), bike("zone", 2.2, east=5, north=5))
    feed(
        first,
        bike("idle", 0.2, east=3, north=1),
        bike("in", 0.2, east=6, north=1),
        bike("near", 0.2, east=6, north=8),
        bike("out", 1.5),
        bike("zone", 2.2, east=5, north=5),
        bike("once", 1.5, east=30),
        bike("ridden", 1.2, state="on_trip"),
        bike("silent", 0.4, east=3, north=1, ago=5 * 3600),
        bike("dead", 0.4, east=5, north=1, state="non_contactable"),
        bike("away", 20),
        bike("lost", 0.4, state="missing"),
        bike("elsewhere", 0.4, state="elsewhere"),
    )
    feed(second, bike("in", 4.2, east=3, north=1), bike("unsure", 4.2, east=3, north=11, accuracy_m=5))
    return first, second


def everything(office):
    return scope_of(office.hq.facts).statuses()


def classes(office, operator):
    rows = present.classed(everything(office).filter(operator=operator), clock.now())
    return dict(rows.values_list("vehicle_id", "seen"))


def text(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    return response.content.decode()


def listed(client, path):
    """(count in the heading, ids in the table) of a list."""
    page = text(client, path)
    ids = re.findall(r'<tr><td class="text-break text-number">([^<]+)', page)
    return int(re.search(r"data-count>([\d,]+)", page)[1].replace(",", "")), ids


def numbers(page):
    """Every number of the page with the address of its list."""
    found = re.findall(r'data-number="(\w+)" href="([^"]+)">([\d,]+)<', page)
    found += [
        (n, u, v)
        for u, n, v in re.findall(r'href="([^"]+)"><span class="tile-number" data-number="(\w+)">([\d,]+)', page)
    ]
    return [(name, url.replace("&amp;", "&"), int(n.replace(",", ""))) for name, url, n in found]


def test_every_vehicle_is_one_class(office, street):
    first, second = street
    assert classes(office, first) == {
        "idle": "in_bay", "in": "in_bay", "near": "near_bay", "out": "outside", "zone": "zone", "once": "outside",
        "ridden": "in_use", "silent": "silent", "dead": "silent", "away": "away", "lost": "gone", "elsewhere": "away",
    }  # fmt: skip
    assert classes(office, second) == {"in": "in_bay", "unsure": "uncertain"}


def test_a_violation_is_wrong_several_times_in_a_row(office, street):
    rows = present.classed(everything(office), clock.now())
    found = rows.filter(present.marked("violation", clock.now())).values_list("vehicle_id", flat=True)
    assert set(found) == {"out", "zone"}
    office.settle(parking={"fixes": 5})
    assert not rows.filter(present.marked("violation", clock.now())).exists()


def test_idle_is_not_said_over_a_gap(office, street):
    rows = everything(office)
    idle = present.classed(rows, clock.now()).filter(present.marked("idle", clock.now()))
    assert [r.vehicle_id for r in idle] == ["idle"]
    with later(hours=5):  # nothing came since: nobody knows
        idle = present.classed(rows, clock.now()).filter(present.marked("idle", clock.now()))
        assert not idle.exists()
        assert present.count(present.classed(rows, clock.now()), clock.now()).total().share is None


def test_counts_add_up(office, street):
    counts = present.count(present.classed(everything(office), clock.now()), clock.now())
    total = counts.total()
    assert (total.here, total.judged, total.order) == (11, 7, 4) and total.share == 4 / 7
    assert sum(t.here for t in counts.by_operator().values()) == sum(t.here for t in counts.by_street().values()) == 11
    assert sum(total.by.values()) == 14


@pytest.mark.parametrize(
    "path",
    [
        NOW,
        f"{NOW}?operator=BIKE-A",
        f"{NOW}?street=140213050",
        f"{NOW}?class=outside",
        f"{NOW}?class=judged&operator=BIKE-A",
    ],
)
def test_each_number_equals_the_list_behind_it(street, browse, path):
    hq = browse("hq")
    found = numbers(text(hq, path))
    assert len(found) > 3
    for name, url, n in found:
        assert urlsplit(url).path == LIST
        assert listed(hq, url)[0] == n, (name, url)


def test_the_page_says_quota_share_and_silence(office, street, browse):
    page = text(browse("hq"), NOW)
    assert "有序 4 / 能判定 7" in page and "57.1%" in page
    line = page.split('data-table="operators"')[1].split('data-code="BIKE-A"')[1].split("</tr>")[0]
    assert "超额" in line  # 9 in the district, 6 allowed
    assert "数据中断" not in page
    with later(minutes=11):
        feed(street[1], bike("in", 4.2, east=3, north=1))
        page = text(browse("hq"), NOW)
        assert page.count("数据中断") == 1 and "中断" in page.split('data-code="BIKE-A"')[1].split("</tr>")[0]
    english = text(browse("hq", language="en"), NOW)
    assert "Share in order" in english and not re.search(r"<(?:h2|th|dt|summary)[^>]*>[^<]*[\u4e00-\u9fff]", english)


def test_who_sees_what(office, street, browse):
    _first, second = street
    own = browse("owner", second)
    assert listed(own, LIST) == (2, ["in", "unsure"])
    assert listed(own, f"{LIST}?operator=BIKE-A")[0] == 0
    page = text(own, NOW)
    assert 'data-code="BIKE-B"' in page and "BIKE-A" not in page
    assert 'data-sum="n">2<' in text(own, BAYS) and 'data-code="P1"' in text(own, BAYS)
    assert ">0<" in text(own, BAYS).split('data-code="P1"')[1].split("</tr>")[0]
    keeper = browse("street")
    assert set(listed(keeper, LIST)[1]) & {"unsure", "away"} == set()
    assert listed(keeper, LIST)[0] == 11
    line = text(keeper, NOW).split('data-code="BIKE-A"')[1].split("</tr>")[0]
    assert "超额" not in line  # a street does not see all of an operator's vehicles
    assert 'data-code="P3"' not in text(keeper, BAYS)
    assert listed(browse("community"), f"{LIST}?class=order")[1] == ["idle", "in", "near"]
    assert listed(browse("department"), LIST)[0] == listed(browse("inspector"), LIST)[0] == 14
    assert Client().get(NOW).status_code == 302
    for path in (NOW, LIST, BAYS):
        text(browse("hotline"), path, 403)


def test_tabs_lead_from_page_to_page(office, street, browse):
    own = browse("owner", street[0])
    for path, active in (
        ("/bikes/operators/BIKE-A/", "/bikes/"),
        (LIST, NOW),
        (BAYS, NOW),
        ("/bikes/map/", "/bikes/map/"),
    ):
        tabs = re.search(r'<nav[^>]*aria-label="共享单车页面".*?</nav>', text(own, path), re.S)[0]
        assert re.findall(r'active" href="([^"]+)" aria-current="page"', tabs) == [active]
        assert NOW in tabs and "/bikes/parameters/" in tabs
    place = re.search(r'href="(/bikes/map/\?at=[^"]+)"', text(own, f"{LIST}?q=near"))[1]
    assert 'data-zoom="18"' in text(own, place)
    assert "?at=" not in text(own, f"{LIST}?class=in_use")
    assert "/bikes/map/?at=113.200200,40.000500" in text(own, f"{BAYS}?q=P1")


def test_the_list_is_searched_sorted_paged_and_exported(office, street, browse):
    first, _second = street
    office.act(first, "import_vehicles", "owner", file=table(("晋B777", "near", "bicycle", "active")))
    assert Vehicle.objects.count() == 1
    hq = browse("hq")
    assert listed(hq, f"{LIST}?q=B777")[1] == ["near"] and "晋B777" in text(hq, f"{LIST}?q=B777")
    assert listed(hq, f"{LIST}?sort=-fixes")[1][0] in {"out", "zone"}
    assert listed(hq, f"{LIST}?sort=vehicle&operator=BIKE-A")[1][:2] == ["away", "dead"]
    assert listed(hq, f"{LIST}?zone=Z1")[1] == ["zone"]
    for nonsense in ("?class=x", "?page=-4", "?page=x", "?per=9999", "?sort=%00", "?mark=x", "?q=%00", "?bay=%00P1"):
        text(hq, LIST + nonsense)
        text(hq, BAYS + nonsense)
        text(hq, NOW + nonsense)
    assert listed(hq, f"{LIST}?street=nobody")[0] == 0
    answer = hq.get(f"{LIST}?class=in_use&format=xlsx")
    head, row = load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
    assert row[1] == "ridden" and row[head.index("经度")] is None and row[head.index("停放起")] is None
    assert LogEntry.objects.filter(action="vehicles.seen.export").count() == 1
    everything = load_workbook(io.BytesIO(hq.get(f"{LIST}?format=xlsx").content)).active
    assert everything.max_row == 15


def test_bays_are_over_full_or_empty(office, street, browse):
    hq = browse("hq")
    page = text(hq, f"{BAYS}?sort=code")
    rows = dict(re.findall(r'data-code="(\w+)".*?data-number="n"[^>]*>(\d+)<', page, re.S))
    assert rows == {"P1": "3", "P2": "2", "P3": "2"}
    for code, n in rows.items():
        assert listed(hq, f"{LIST}?class=here&bay={code}")[0] == int(n)
    over = text(hq, f"{BAYS}?fill=over")
    assert 'data-code="P1"' in over and 'data-code="P3"' in over and 'data-code="P2"' not in over
    sheet = load_workbook(io.BytesIO(hq.get(f"{BAYS}?format=xlsx&sort=code").content)).active
    assert [[r[0], r[3], r[5], r[7]] for r in sheet.iter_rows(min_row=2, values_only=True)] == [
        ["P1", 3, 2, 1], ["P2", 2, 4, 0], ["P3", 2, 0, 2],
    ]  # fmt: skip
    assert filling.FillState.EMPTY in {f.state for f in filling.fills(office_bays(), everything_none(office))}


def office_bays():
    return Scope(True).bays()


def everything_none(office):
    return present.classed(everything(office).none(), clock.now())


def test_near_bays_are_one_group_with_one_capacity(office, street, browse):
    hq = browse("hq")
    page = text(hq, f"{BAYS}?by=group&sort=code")
    rows = dict(re.findall(r'data-code="(\w+)".*?data-number="n"[^>]*>(\d+)<', page, re.S))
    assert rows == {"P1": "5", "P3": "2"}  # P1 and P2 are 5 m apart
    group = filling.in_groups(filling.fills(office_bays(), present.classed(everything(office), clock.now())))[0]
    assert (group.members, group.capacity, group.state) == (("P1", "P2"), 6, "tight")
    assert listed(hq, f"{LIST}?class=here&group=P1")[0] == 5
    assert listed(hq, f"{LIST}?class=here&group=nothing")[0] == 0
    office.settle(parking={"group_m": 2})
    assert len(filling.in_groups(filling.fills(office_bays(), everything_none(office)))) == 3


def test_a_constant_number_of_queries(office, street, browse, monkeypatch):
    monkeypatch.setattr(district, "SECONDS", 3600)  # settings are read again every few seconds
    hq = browse("hq")

    def asked():
        counts = []
        for path in (NOW, f"{NOW}?street=140213050", LIST, f"{LIST}?group=P1", BAYS, f"{BAYS}?by=group"):
            text(hq, path)
            with CaptureQueriesContext(connection) as queries:
                text(hq, path)
            counts.append(len(queries))
        return counts

    before = asked()
    town = office.town
    for n in range(20):
        bay(f"Q{n}", 4.0 + n / 30, 1.5, street=town.other_street, community=town.communities[2])
    third = office.brought_to("admitted", "BIKE-C", quota=50)
    feed(third, *(bike(f"c{n}", 4 + n / 30, 1.5, east=3, north=1) for n in range(40)))
    assert asked() == before
    assert max(before) < 25


def test_a_bay_of_another_country_stops_no_page(office, street, browse):
    """A slip of the keyboard in a file: the bay is kept with a remark, and everybody goes on working."""
    client = browse("hq")
    before = client.get(NOW).context["total"].order
    bay("FAR", 0, geometry={"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]})
    row = Bay.objects.get(code="FAR")
    row.lon, row.lat = 0.5, 0.5
    row.save()
    for page in (NOW, LIST, BAYS, BAYS + "?by=group", "/bikes/parameters/", "/bikes/map/"):
        assert client.get(page).status_code == 200, page
    assert client.get(NOW).context["total"].order == before
    assert filling.members("FAR") == () and filling.members("P1") == ("P1", "P2")
