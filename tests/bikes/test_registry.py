"""The registry of vehicles: files good and bad, all or nothing; export and back; what does not agree with the street."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from shaodao.bikes import queries, tables
from shaodao.bikes.actions.registry import BadTable
from shaodao.bikes.models import UnknownVehicle, Vehicle
from shaodao.cases import history
from shaodao.foundation import clock, sheets
from tests.bikes.office import table

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(office):
    return office.brought_to("admitted", quota=3)


@pytest.fixture
def bring(office, operator):
    """bring(file): import it as the operator; the counts."""
    return lambda content: office.act(operator, "import_vehicles", "owner", file=content).result


def named(content: bytes, name: str = "fleet.csv") -> ContentFile:
    return ContentFile(content, name=name)


def workbook(*rows) -> ContentFile:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return named(out.getvalue(), "fleet.xlsx")


def test_added_updated_unchanged(operator, bring, office):
    counts = bring(table(("晋B00001", "a-1", "bicycle", "active"), ("晋B00002", "a-2", "ebike", "maintenance")))
    assert counts == {"read": 2, "created": 2, "updated": 0, "unchanged": 0, "found": 0, "over": 0}
    first = Vehicle.objects.get(plate="晋B00001")
    assert first.registered_at == clock.now() and (first.kind, first.state) == ("bicycle", "active")
    with clock.freeze(clock.now() + timedelta(days=1)):
        counts = bring(
            table(
                ("晋B00001", "scrapped"), ("晋B00002", "maintenance"), ("晋B00003", "active"), head=("plate", "state")
            )
        )
    assert (counts["created"], counts["updated"], counts["unchanged"]) == (1, 1, 1)
    again = Vehicle.objects.get(plate="晋B00001")
    assert (again.pk, again.vehicle_id, again.state, again.registered_at) == (
        first.pk,
        "a-1",
        "scrapped",
        first.registered_at,
    )
    assert queries.tally(operator) | {"all": 3, "counted": 2, "maintenance": 1, "scrapped": 1} == queries.tally(
        operator
    )
    event = operator.events.latest("seq")
    assert event.data["created"] == 1 and len(event.data["sha256"]) == 64 and event.role == "operator"
    assert history.verify()["broken"] == []


def test_excel_with_chinese_titles_dates_and_numbers(operator, bring):
    counts = bring(workbook(
        ["状态", "车牌或编码", "登记日期", "车型", "数据接口编号"],
        ["投放中", 8610001, datetime(2021, 3, 1), "电动自行车", "x-1"],
        [None, None, None, None, None],
        ["已丢失", "=1+1".replace("=", "Q"), "2021/3/2", None, None],
    ))  # fmt: skip
    assert counts["created"] == 2
    row = Vehicle.objects.get(plate="8610001")
    assert (row.kind, row.vehicle_id, clock.local(row.registered_at).date().isoformat()) == (
        "ebike",
        "x-1",
        "2021-03-01",
    )


def test_an_export_comes_back_unchanged(operator, bring):
    bring(
        table(
            ("A1", "a-1", "bicycle", "active"),
            ("A2", "", "ebike", "lost"),
            ("https://b.example/q?b=1", "b", "ebike", "active"),
        )
    )
    rows = Vehicle.objects.select_related("operator__organisation").order_by("plate")
    text = "".join(tables.write_csv(rows))
    for content in (named(text.encode()), named(tables.write_xlsx(rows), "fleet.xlsx")):
        assert bring(content)["unchanged"] == 3
    assert Vehicle.objects.count() == 3


def test_vehicles_may_exchange_their_ids(operator, bring):
    bring(table(("A1", "x", "bicycle", "active"), ("A2", "y", "bicycle", "active")))
    assert bring(table(("A1", "y", "bicycle", "active"), ("A2", "x", "bicycle", "active")))["updated"] == 2
    assert dict(Vehicle.objects.values_list("plate", "vehicle_id")) == {"A1": "y", "A2": "x"}


def test_two_operators_may_have_the_same_plate_and_the_district_sees_it(office, operator, bring):
    other = office.brought_to("admitted", "BIKE-B", quota=5)
    bring(table(("A1", "x", "bicycle", "active")))
    office.act(
        other, "import_vehicles", "hq", file=table(("A1", "x", "bicycle", "active"), ("B1", "z", "bicycle", "active"))
    )
    assert [v.plate for v in queries.doubled(operator)] == ["A1"] == [v.plate for v in queries.doubled(other)]
    Vehicle.objects.filter(operator=other, plate="A1").update(state="scrapped")
    assert not queries.doubled(operator).exists()


BAD = [
    (b"", 0, "", "空"),
    (b"plate\n", 0, "", "没有数据行"),
    ("车牌或编码\n甲乙\n".encode("gbk"), 1, "", "UTF-8"),
    (b"kind\nbicycle\n", 1, "plate", "缺少"),
    (b"plate,colour\nA1,red\n", 1, "colour", "没有名叫"),
    (b"plate\nA1\nA1\n", 3, "plate", "重复"),
    (b"plate\nA 1\n", 2, "plate", "不能"),
    (b"plate\n=HYPERLINK(1)\n", 2, "plate", "不能"),
    (b"plate\n" + b"x" * 10_000 + b"\n", 2, "plate", "不能"),
    (b"plate\nA\x001\n", 2, "plate", "不能"),
    (b"plate,vehicle_id\nA1," + b"v" * 10_000 + b"\n", 2, "vehicle_id", "不能"),
    ("plate,vehicle_id\nA1,编号\n".encode(), 2, "vehicle_id", "不能"),
    (b"plate,vehicle_id\nA1,x\nA2,x\n", 3, "vehicle_id", "A1"),
    (b"plate,vehicle_id\nA9,k-1\n", 2, "vehicle_id", "K1"),
    (b"plate,kind\nA1,scooter\n", 2, "kind", "可选值"),
    (b"plate,state\nA1,gone\n", 2, "state", "可选值"),
    (b"plate,registered_at\nA1,2021-02-30\n", 2, "registered_at", "日期"),
    (b'plate\n"A1\n', 2, "", "读不出来"),
    (b"plate\nA1,more\n", 2, "", "多"),
    (b"PK\x03\x04" + b"\0" * 100, 0, "", "Excel"),
]


@pytest.mark.parametrize(("content", "row", "column", "what"), BAD)
def test_a_faulty_file_is_refused_as_a_whole_and_says_where(operator, bring, content, row, column, what):
    bring(table(("K1", "k-1", "bicycle", "active")))
    before = list(Vehicle.objects.values())
    version = operator.events.count()
    with pytest.raises(BadTable) as fault:
        bring(named(content, "fleet.xlsx" if content[:2] == b"PK" else "fleet.csv"))
    first = fault.value.problems[0]
    assert (first.row, first.column) == (row, column) and what in f"{first.what}{first.hint}", str(first)
    assert list(Vehicle.objects.values()) == before and operator.events.count() == version


def test_one_faulty_row_among_good_ones_takes_nothing(operator, bring):
    rows = [(f"A{n}", f"v{n}", "bicycle", "active") for n in range(50)]
    with pytest.raises(BadTable) as fault:
        bring(table(*rows, ("", "z", "bicycle", "active"), ("B1", "v7", "unicycle", "active")))
    assert [(p.row, p.column) for p in fault.value.problems] == [(52, "plate"), (53, "kind")]
    assert not Vehicle.objects.exists()


def test_too_many_rows_and_too_large_a_file(operator, bring, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 3)
    with pytest.raises(BadTable) as fault:
        bring(table(*[(f"A{n}", "", "bicycle", "active") for n in range(4)]))
    assert "3" in fault.value.problems[0].hint
    with pytest.raises(BadTable):
        bring(workbook(["plate"], *[[f"A{n}"] for n in range(9)]))
    monkeypatch.setattr(sheets, "LARGEST_BYTES", 20)
    with pytest.raises(BadTable) as fault:
        bring(table(("A1", "a-1", "bicycle", "active")))
    assert "太大" in fault.value.problems[0].what


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(operator, bring, monkeypatch):
    monkeypatch.setattr(sheets, "LARGEST_UNPACKED", 100)
    with pytest.raises(BadTable) as fault:
        bring(workbook(["plate"], ["A1"]))
    assert "太大" in fault.value.problems[0].what


def test_twelve_thousand_rows_in_few_statements(office):
    operator = office.brought_to("admitted", quota=12_000)
    rows = [(f"晋B{n:06d}", f"v-{n}", "bicycle", "active") for n in range(12_000)]
    with CaptureQueriesContext(connection) as new:
        assert office.act(operator, "import_vehicles", "owner", file=table(*rows)).result["created"] == 12_000
    moved = [(plate, f"w-{n}", "ebike", "active") for n, (plate, *_rest) in enumerate(rows)]
    with CaptureQueriesContext(connection) as changed:
        assert office.act(operator, "import_vehicles", "owner", file=table(*moved)).result["updated"] == 12_000
    assert len(new) < 130 and len(changed) < 150, (len(new), len(changed))
    assert Vehicle.objects.filter(kind="ebike", vehicle_id="w-11999").exists()


def test_registering_ends_being_unknown(operator, bring):
    at = datetime(2021, 5, 23, 4, tzinfo=UTC)
    for name in ("feed-1", "A2", "feed-9"):
        UnknownVehicle.objects.create(operator=operator, vehicle_id=name, first_seen_at=at, last_seen_at=at)
    assert queries.not_registered(operator).count() == 3
    counts = bring(
        table(("A1", "feed-1", "bicycle", "active"), ("A2", "", "bicycle", "active"), ("A3", "c", "bicycle", "active"))
    )
    assert counts["found"] == 2
    assert [u.vehicle_id for u in queries.not_registered(operator)] == ["feed-9"]
    seen = dict(Vehicle.objects.values_list("plate", "last_seen_at"))
    assert seen == {"A1": at, "A2": at, "A3": None}
    assert [v.plate for v in queries.never_seen(operator)] == ["A3"]


def test_what_was_written_off_and_is_seen_again(operator, bring):
    bring(table(("A1", "x", "bicycle", "scrapped"), ("A2", "y", "bicycle", "active")))
    Vehicle.objects.update(last_seen_at=clock.now() + timedelta(hours=1))
    assert [v.plate for v in queries.ought_not(operator)] == ["A1"]


def test_more_than_the_quota_is_said_not_hidden(operator, bring):
    assert bring(table(*[(f"A{n}", "", "bicycle", "active") for n in range(5)]))["over"] == 2
    assert queries.tally(operator)["over"] == 2
