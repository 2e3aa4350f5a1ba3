"""Bays come in from a file that is looked at first; one is drawn on the map, changed, and a step is taken back."""

import json

import pytest
import shapely

from shaodao.bikes import ground
from shaodao.bikes.actions import bays
from shaodao.bikes.bays.queries import BAYS
from shaodao.bikes.models import Bay
from tests.bikes.office import Office
from tests.bikes.outlines import as_csv, geometry, square
from tests.browser.test_work import DESK, PHONE, browser, pytestmark, sit  # noqa: F401


@pytest.fixture
def office(town):
    ground.forget()  # kept by the process, and each test has a grid of its own
    return Office(town)


def outline(page):
    return page.input_value("#id_outline")


def ready(page):
    page.wait_for_selector("[data-map-shape][data-ready]")
    box = page.locator("[data-map-shape] canvas").bounding_box()
    return lambda x, y: (box["x"] + box["width"] * x, box["y"] + box["height"] * y)


def test_a_file_is_looked_at_and_confirmed(sit, office, tmp_path):  # noqa: F811
    path = as_csv(tmp_path / "bays.csv", {"A": square(), "B": square(3, 0)}, capacity=["", "x"])
    hq = sit("headquarters", viewport=PHONE)
    hq.goto("/bikes/bays/")
    hq.get_by_role("link", name="导入").click()
    hq.set_input_files("#id_file", path)
    hq.get_by_role("button", name="看看会怎样").click()
    hq.wait_for_selector("[data-count=new]")
    assert (hq.inner_text("[data-count=new]"), hq.inner_text("[data-count=rejected]")) == ("1", "1")
    assert hq.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not Bay.objects.exists()
    hq.get_by_role("button", name="确认导入").click()
    hq.wait_for_url("**/bikes/bays/")
    assert Bay.objects.get().code == "A"
    hq.get_by_role("link", name="A", exact=True).click()
    hq.wait_for_selector("[data-map-shape][data-ready]")


def test_a_bay_is_drawn_and_changed_with_undo(sit, office):  # noqa: F811
    hq = sit("headquarters", viewport=DESK)
    hq.goto("/bikes/bays/new/")
    at = ready(hq)
    hq.get_by_role("button", name="画多边形").click()
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)):
        hq.mouse.move(*at(x, y))
        hq.mouse.click(*at(x, y))
        hq.wait_for_timeout(350)  # two clicks at once would be a double click
    hq.mouse.click(*at(0.4, 0.6))
    hq.wait_for_function("document.querySelector('#id_outline').value !== ''")
    drawn = outline(hq)
    assert shapely.from_geojson(drawn).is_valid and len(json.loads(drawn)["coordinates"][0]) == 5
    hq.get_by_role("button", name="撤销一步").click()
    assert outline(hq) == ""
    hq.get_by_role("button", name="重做一步").click()
    assert outline(hq) == drawn
    hq.fill("#id_code", "NEW-1")
    hq.get_by_role("button", name="保存").click()
    hq.wait_for_url("**/bikes/bays/*/")
    made = Bay.objects.get()
    assert (made.code, made.version) == ("NEW-1", 1)

    hq.goto(f"/bikes/bays/{made.pk}/change/")
    at = ready(hq)
    before = outline(hq)
    hq.mouse.move(*at(0.5, 0.5))
    hq.mouse.down()
    hq.mouse.move(*at(0.52, 0.5), steps=6)
    hq.mouse.up()
    hq.wait_for_function("before => document.querySelector('#id_outline').value !== before", arg=before)
    moved = outline(hq)
    hq.get_by_role("button", name="撤销一步").click()
    assert outline(hq) == before
    hq.get_by_role("button", name="重做一步").click()
    assert outline(hq) == moved
    hq.get_by_role("button", name="保存").click()
    hq.wait_for_url(f"**/bikes/bays/{made.pk}/")
    made.refresh_from_db()
    assert made.version == 2 and json.loads(moved)["coordinates"] == made.geometry["coordinates"]


def test_what_was_not_touched_stays_as_it_was(sit, office):  # noqa: F811
    """More decimals than the drawing takes, and two areas: opening and saving the form changes neither."""
    both = shapely.MultiPolygon([square(), square(20)])
    row = bays.add(BAYS, office.hq, "M", geometry(both), {})
    hq = sit("headquarters", viewport=DESK)
    hq.goto(f"/bikes/bays/{row.pk}/change/")
    ready(hq)
    hq.get_by_role("button", name="保存").click()
    hq.wait_for_url(f"**/bikes/bays/{row.pk}/")
    after = Bay.objects.get()
    assert (after.version, after.geometry) == (1, row.geometry)
