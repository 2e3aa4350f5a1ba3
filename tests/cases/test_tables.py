"""Cases as Excel and CSV."""

import csv

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.cases import tables
from shaodao.cases.models import Case

pytestmark = pytest.mark.usefixtures("monday")


def test_excel_and_csv_hold_every_case_and_no_contact(town, tmp_path):
    closed = town.closed(name="王小明", phone="13912345678")
    town.report(text="=HYPERLINK(1)", lat=40.0015)
    assert tables.write(Case.objects.order_by("id"), tmp_path / "a.xlsx") == 2
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    values = list(sheet.values)
    assert list(values[0]) == tables.header() and len(values) == 3
    assert values[1][0] == closed.number and values[1][2] == "已解决"
    assert tables.write(Case.objects.order_by("id"), tmp_path / "a.csv") == 2
    text = (tmp_path / "a.csv").read_text("utf-8-sig")
    assert "13912345678" not in text and "王小明" not in text
    assert [row[0] for row in csv.reader(text.splitlines())][1:] == [v[0] for v in values[1:]]


def test_one_query_whatever_the_number(town, tmp_path):
    for _i in range(3):
        town.report()
    with CaptureQueriesContext(connection) as few:
        list(tables.rows(Case.objects.all()))
    assert len(few) == 1


def test_another_ending_is_refused(town, tmp_path):
    with pytest.raises(ValueError, match=r"\.xlsx"):
        tables.write(Case.objects.all(), tmp_path / "a.txt")


def test_csv_leaves_empty_cells_empty_and_disarms_formulas(town, tmp_path):
    town.report(text="=HYPERLINK(1)")
    tables.write(Case.objects.all(), tmp_path / "a.csv")
    row = list(csv.reader((tmp_path / "a.csv").read_text("utf-8-sig").splitlines()))[1]
    assert "" in row and "'" not in row
    assert not any("." in cell and ":" in cell for cell in row)  # no fraction of a second
    assert tables.plain("-1+1") == "'-1+1" and tables.plain("") == ""
