"""The catalogue goes out as Excel and comes in again without loss; a fault names sheet, row and column."""

import io

import pytest
from openpyxl import load_workbook

from shaodao.catalogue import excel
from shaodao.catalogue.models import Attribute, Category, Condition
from shaodao.foundation.models import LogEntry
from shaodao.foundation.pack import PackError, load_pack
from tests.packs.test_load import snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(example):
    load_pack(example)
    return load_workbook(io.BytesIO(excel.workbook_bytes()))


def saved(book):
    out = io.BytesIO()
    book.save(out)
    return out


def column(sheet, label):
    return next(c.column for c in sheet[1] if c.value == label)


def find(sheet, label, value):
    return next(row[0].row for row in sheet.iter_rows(min_row=2) if row[column(sheet, label) - 1].value == value)


def problems_of(file):
    with pytest.raises(PackError) as caught:
        excel.import_catalogue(file)
    return caught.value.problems


def test_an_unchanged_round_trip_changes_nothing(book):
    before = snapshot()
    done = excel.import_catalogue(saved(book))
    assert (done["created"], done["updated"], done["retired"]) == (0, 0, 0)
    assert snapshot() == before


@pytest.mark.slow
def test_pingcheng_round_trip(pingcheng, tmp_path):
    load_pack(pingcheng)
    before = snapshot()
    path = tmp_path / "catalogue.xlsx"
    counts = excel.export_catalogue(path)
    assert counts["conditions"] > 500
    done = excel.import_catalogue(path)
    assert (done["created"], done["updated"], done["retired"]) == (0, 0, 0)
    assert snapshot() == before


def test_headers_are_chinese_and_codes_are_text(book):
    sheet = book["立案结案条件"]
    headers = [c.value for c in sheet[1]]
    assert headers[:6] == ["目录版本", "类型", "编码", "序号", "立案条件", "结案条件"]
    code = sheet.cell(2, column(sheet, "编码"))
    assert (code.value, code.number_format) == ("0101", "@")
    assert sheet.cell(2, column(sheet, "时限单位")).value == "紧急工作时"
    assert sheet.cell(2, column(sheet, "主办单位")).value == "SUPPLY 供水公司"


def test_a_changed_limit_and_a_new_condition_come_in(book):
    sheet = book["立案结案条件"]
    sheet.cell(2, column(sheet, "时限")).value = 3
    sheet.append(["EXAMPLE", "事件", "0110", 2, "垃圾成堆", "已清除", 1, "工作日", "", "SANITATION", "ENFORCE；@"])
    sheet.cell(sheet.max_row, column(sheet, "协办单位")).value = "ENFORCE；MUNICIPAL 市政"
    done = excel.import_catalogue(saved(book))
    assert (done["created"], done["updated"]) == (1, 1)
    assert Condition.objects.get(category__code="0101", seq=1).limit_value == 3
    new = Condition.objects.get(category__code="0110", category__scheme__code="EXAMPLE", seq=2)
    assert {o.code for o in new.supports.all()} == {"ENFORCE", "MUNICIPAL"}
    assert LogEntry.objects.filter(action="catalogue.import").count() == 1


def test_a_row_taken_out_becomes_inactive(book):
    sheet = book["立案结案条件"]
    sheet.delete_rows(find(sheet, "序号", 2))
    done = excel.import_catalogue(saved(book))
    assert done["retired"] == 1
    assert not Condition.objects.get(category__code="0101", seq=2).active


@pytest.mark.parametrize(
    ("sheet", "label", "value", "reported"),
    [
        ("立案结案条件", "时限", -1, "时限"),
        ("立案结案条件", "时限", "两小时", "时限"),
        ("立案结案条件", "时限单位", "分钟", "时限单位"),
        ("立案结案条件", "主办单位", "NOBODY 某单位", "主办单位"),
        ("立案结案条件", "编码", 101, "编码"),
        ("立案结案条件", "立案条件", None, "立案条件"),
        ("类别", "编码", 137, "编码"),
        ("类别", "公众可报", "也许", "公众可报"),
        ("附加问题", "选项", "yes:是", "选项"),
        ("新旧对应", "对应关系", "差不多", "对应关系"),
    ],
)
def test_a_fault_names_sheet_row_and_column_and_changes_nothing(book, sheet, label, value, reported):
    before = snapshot()
    book["立案结案条件"].cell(4, column(book["立案结案条件"], "结案条件")).value = "改过的结案条件"
    book[sheet].cell(2, column(book[sheet], label)).value = value
    problems = problems_of(saved(book))
    assert (sheet, 2, reported) in {(p.file, p.row, p.column) for p in problems}, [str(p) for p in problems]
    assert snapshot() == before


def test_excel_s_own_number_for_a_code_gets_a_hint(book):
    book["类别"].cell(2, column(book["类别"], "编码")).value = 101
    problem = next(p for p in problems_of(saved(book)) if p.file == "类别")
    assert "0101" in problem.hint


def test_missing_sheet_and_missing_column(book):
    del book["附加问题"]
    book["类别"].cell(1, column(book["类别"], "名称")).value = "名字"
    found = {(p.file, p.row, p.column) for p in problems_of(saved(book))}
    assert ("附加问题", 0, "") in found
    assert ("类别", 1, "名称") in found
    assert ("类别", 1, "名字") in found


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04broken"])
def test_something_else_than_a_workbook(content):
    problem = problems_of(io.BytesIO(content))[0]
    assert "Excel" in problem.what


def test_text_that_looks_like_a_formula_stays_text(book):
    category = Category.objects.get(code="0137")
    category.keywords = "=1+1"
    category.save()
    sheet = load_workbook(io.BytesIO(excel.workbook_bytes()))["类别"]
    cell = sheet.cell(find(sheet, "编码", "0137"), column(sheet, "关键词"))
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_attributes_survive(book):
    excel.import_catalogue(saved(book))
    assert Attribute.objects.get().values == [
        {"key": "yes", "name": "是", "name_en": "Yes"},
        {"key": "no", "name": "否", "name_en": "No"},
    ]
