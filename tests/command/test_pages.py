"""The headquarters' pages open, say what is true, let in whom they should, and ask the database a constant number of times."""

from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from shaodao.cases.models import Case, CaseEvent, Circular, Evaluation, Notice
from shaodao.foundation.models import LogEntry
from tests.command.conftest import Busy, recent

pytestmark = pytest.mark.django_db

PAGES = [
    "command", "command_now", "command_waiting", "command_cases", "command_tasks", "command_whistles", "command_disputes",
    "command_requests", "command_evaluations", "command_appeals", "command_callbacks", "command_rebounds", "command_watch", "command_circulars",
    "command_settings", "command_points",
]  # fmt: skip
OFFICE_ONLY = ["command_letters", "command_audit", "command_people"]
FILES = [
    "command_cases", "command_tasks", "command_whistles", "command_disputes", "command_requests",
    "command_evaluations", "command_appeals", "command_callbacks", "command_rebounds", "command_watch", "command_letters", "command_people",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES + OFFICE_ONLY)
def test_every_page_opens_filled(busy, visitor, name):
    assert visitor("headquarters").get(reverse(name)).status_code == 200


def test_others_see_their_own_cases_only(busy, visitor):
    everything = visitor("headquarters").get(reverse("command_points")).json()["features"]
    mine = visitor("department", busy.water).get(reverse("command_points")).json()["features"]
    numbers = {c.number for c in Case.objects.filter(assignments__organisation=busy.water)}
    assert {f["properties"]["number"] for f in mine} == numbers
    assert len(everything) > len(mine) > 0
    rated = Evaluation.objects.get()
    assert rated.organisation.name in visitor("street").get(reverse("command_evaluations")).content.decode()
    other = visitor("street", busy.other_office).get(reverse("command_evaluations"))
    assert other.context["rows"].paginator.count == 0


def test_the_map_shows_each_open_case_with_its_light(busy, visitor):
    points = visitor("headquarters").get(reverse("command_points")).json()["features"]
    open_cases = Case.objects.exclude(state__in=["closed", "declined", "voided", "merged"])
    assert len(points) == open_cases.filter(lon__isnull=False).count()
    lights = {p["properties"]["number"]: p["properties"]["light"] for p in points}
    paused = Case.objects.get(assignments__state="suspended")
    assert lights[paused.number] == "paused" and "red" in lights.values() and "green" in lights.values()


@pytest.fixture(autouse=True)
def _settings_stay(monkeypatch):
    """The district's settings and calendar are read once in a test, however slow the machine."""
    monkeypatch.setattr("shaodao.foundation.district.SECONDS", 3600)
    monkeypatch.setattr("shaodao.foundation.calendar.SECONDS", 3600)


def queries(client, name: str) -> int:
    """Queries of one page, with the settings read already."""
    client.get(reverse(name))
    with CaptureQueriesContext(connection) as found:
        assert client.get(reverse(name)).status_code == 200
    return len(found)


@pytest.mark.parametrize("lost", [0, 1])
def test_cases_without_a_position_are_named_only_where_there_are_any(busy, visitor, lost):
    Case.objects.filter(lon=None).update(lon=113.2, lat=40.0)
    if lost:
        Case.objects.filter(pk=Case.objects.filter(state="handling").first().pk).update(lon=None, lat=None)
    page = visitor("headquarters").get(reverse("command")).content.decode()
    assert ("件没有位置" in page) == bool(lost)


@pytest.mark.parametrize("role", ["headquarters", "street"])
def test_the_page_of_the_day_asks_a_constant_number_of_times(busy, visitor, role):
    client = visitor(role)
    few = queries(client, "command")
    for _ in range(9):
        more(busy)
    assert Case.objects.count() > 100
    assert queries(client, "command") == few <= 25
    assert queries(client, "command_now") <= 20


@pytest.mark.parametrize(
    "name", [n for n in PAGES if n not in ("command", "command_now", "command_waiting")] + OFFICE_ONLY
)
def test_no_list_asks_once_a_row(busy, visitor, name):
    client = visitor("headquarters")
    more(busy)
    few = queries(client, name)
    more(busy)
    assert queries(client, name) == few


def more(town):
    """Another dozen cases in every state, at the same places: nothing there is watched any more."""
    Case.objects.update(watch_until=None)
    Busy(town)
    Case.objects.update(watch_until=None)
    recent(town)


@pytest.mark.parametrize("name", FILES)
def test_tables_come_as_excel_with_every_row(busy, visitor, name):
    client = visitor("admin")
    page = client.get(reverse(name))
    answer = client.get(reverse(name), {"format": "xlsx"})
    assert answer["Content-Type"].endswith("sheet") and ".xlsx" in answer["Content-Disposition"]
    rows = list(load_workbook(BytesIO(answer.content)).active.iter_rows(values_only=True))
    assert len(rows) - 3 == page.context["rows"].paginator.count


@pytest.mark.parametrize("what", ["trend", "streets", "departments", "categories"])
def test_the_tables_of_the_day_come_as_excel(busy, visitor, what):
    answer = visitor("headquarters").get(reverse("command_tables", args=[what]))
    rows = list(load_workbook(BytesIO(answer.content)).active.iter_rows(min_row=4, values_only=True))
    assert rows and all(row[0] for row in rows)


def test_text_that_looks_like_a_formula_stays_text(busy, visitor):
    busy.act("evaluate", Case.objects.filter(state="closed", evaluations=None).first(), "street",
             on=Case.objects.filter(state="closed", evaluations=None).first().assignments.first().pk,
             efficiency=1, effect=1, comment='=HYPERLINK("http://x")')  # fmt: skip
    answer = visitor("headquarters").get(reverse("command_evaluations"), {"format": "xlsx"})
    sheet = load_workbook(BytesIO(answer.content)).active
    cells = [c for row in sheet.iter_rows() for c in row if isinstance(c.value, str) and c.value.startswith("=")]
    assert cells and all(c.data_type == "s" for c in cells)


def test_a_comment_goes_through_the_loop_and_back_to_the_list(busy, visitor):
    rated = Evaluation.objects.get()
    back = reverse("command_evaluations") + "?below=1"
    url = reverse("command_comment", args=[rated.pk])
    answer = visitor("headquarters").post(url, {"text": "请环卫中心整改", "next": back})
    assert answer["Location"] == f"{back}#e{rated.pk}"
    rated.refresh_from_db()
    assert rated.comment == "请环卫中心整改"
    assert CaseEvent.objects.filter(action="comment_evaluation", case=rated.case).count() == 1
    assert visitor("street").post(url, {"text": "x"}).status_code == 403
    away = visitor("headquarters").post(url, {"text": "再看", "next": "https://evil.example/"})
    assert away["Location"].startswith(reverse("command_evaluations"))


def test_an_empty_comment_is_refused_in_words(busy, visitor):
    rated = Evaluation.objects.get()
    page = visitor("headquarters").post(reverse("command_comment", args=[rated.pk]), {"text": " "}, follow=True)
    assert "必填" in page.content.decode()
    rated.refresh_from_db()
    assert rated.comment == ""


def test_a_circular_from_a_rating_reaches_the_units(busy, visitor):
    rated = Evaluation.objects.get()
    client = visitor("headquarters")
    form = client.get(reverse("command_circular_new"), {"evaluation": rated.pk}).context["form"]
    assert form["case"].value() == rated.case.number and form["organisations"].value() == ["SANI"]
    given = {"case": rated.case.number, "title": "通报一", "text": "请引以为戒", "organisations": ["SANI", "URBAN"]}
    answer = client.post(reverse("command_circular_new"), given)
    sent = Circular.objects.get()
    assert answer["Location"] == reverse("command_circular", args=[sent.pk])
    assert Notice.objects.filter(kind="circular").count() == 2
    assert "请引以为戒" in client.get(answer["Location"]).content.decode()
    assert visitor("department", busy.urban).get(answer["Location"]).status_code == 200
    assert visitor("department", busy.water).get(answer["Location"]).status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"case": "2021-999999"}, {"case": "无"}, {"title": ""}, {"organisations": ["NONE"]}, {"text": "长" * 5000}],
)
def test_a_faulty_circular_comes_back_with_its_faults(busy, visitor, change):
    case = Case.objects.first()
    given = {"case": case.number, "title": "通报", "text": "正文", "organisations": ["SANI"]} | change
    answer = visitor("headquarters").post(reverse("command_circular_new"), given)
    assert answer.status_code == 422 and answer.context["form"].errors
    assert not Circular.objects.exists()


def test_precedents_are_found_by_words(busy, visitor):
    dispute = Case.objects.get(disputes__isnull=False).disputes.get()
    busy.act("rule_dispute", dispute.case, "headquarters", on=dispute.pk, lead="GARD", supports=["SANI"],
             ruling="绿化带内的归园林")  # fmt: skip
    client = visitor("department", busy.sanitation)
    found = client.get(reverse("command_disputes"), {"q": "绿化带 园林", "state": "ruled"})
    assert [d.pk for d in found.context["rows"]] == [dispute.pk] and "协办" in found.content.decode()
    assert not client.get(reverse("command_disputes"), {"q": "水管"}).context["rows"].object_list


def test_the_record_is_checked_on_demand_and_a_change_is_found(busy, visitor):
    client = visitor("headquarters")
    page = client.post(reverse("command_audit"), follow=True).content.decode()
    assert "全部完好" in page
    event = CaseEvent.objects.filter(action="file").first()
    CaseEvent.objects.filter(pk=event.pk).update(reason="改了一个字")
    page = client.post(reverse("command_audit"), follow=True).content.decode()
    assert "事件内容被改动" in page and event.case.number in page
    assert LogEntry.objects.filter(action="audit.verify").count() == 2


@pytest.mark.parametrize(
    "query",
    ["?street=9", "?unit=NONE", "?since=2021-13-45", "?state=oops&show=oops&kind=oops", "?page=99&year=abc&category=x-1",
     "?since=今天", "?q=%00%ff", "?below=7"],
)  # fmt: skip
def test_filters_that_cannot_be_right_are_named_and_left_out(busy, visitor, query):
    client = visitor("admin")
    for name in [*PAGES, *OFFICE_ONLY, "command_log"]:
        assert client.get(reverse(name) + query).status_code == 200
    page = client.get(reverse("command_tasks") + "?unit=NONE").content.decode()
    assert "没有这个单位：NONE" in page


def test_a_day_without_refresh_stands_still(busy, visitor):
    client = visitor("headquarters")
    assert "hx-trigger" in client.get(reverse("command")).content.decode()
    assert "hx-trigger" not in client.get(reverse("command"), {"refresh": "off"}).content.decode()
