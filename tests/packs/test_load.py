"""Loading is all-or-nothing, the same again changes nothing, and what a pack drops is made inactive."""

import csv
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.cases.models import Wording
from shaodao.catalogue.models import Attribute, Category, CategoryMap, Condition, Scheme
from shaodao.foundation import district
from shaodao.foundation import pack as packs
from shaodao.foundation.models import CalendarDay, District, LogEntry
from shaodao.foundation.pack import Pack, check_pack, load_pack
from shaodao.kernel import datum as kernel_datum
from shaodao.organisations.models import Organisation, Person, Post
from shaodao.places.models import Cell, Place

pytestmark = pytest.mark.django_db
MODELS = (
    District,
    CalendarDay,
    Place,
    Cell,
    Organisation,
    Scheme,
    Category,
    Condition,
    Attribute,
    CategoryMap,
    Wording,
    Person,
    Post,
)


def snapshot():
    """Every row of every table that a pack fills, and the history of those that keep one."""
    tables = {m.__name__: list(m.objects.order_by("pk").values()) for m in MODELS}
    tables["history"] = [Organisation.history.count(), Post.history.count()]
    tables["supports"] = sorted(Condition.supports.through.objects.values_list("condition_id", "organisation_id"))
    return tables


def test_counts_are_what_the_database_holds(example):
    counts = load_pack(example)
    assert counts == check_pack(example)[0]
    assert Place.objects.filter(level="street").count() == counts["streets"]
    assert Cell.objects.count() == counts["cells"]
    assert Organisation.objects.count() == counts["organisations"]
    assert Category.objects.count() == counts["categories"]
    assert Condition.objects.count() == counts["conditions"]
    assert CategoryMap.objects.count() == counts["map"]
    assert CalendarDay.objects.count() == counts["calendar_days"]
    assert Wording.objects.count() == counts["texts"] == 4
    assert LogEntry.objects.get().data["counts"] == counts


def test_details_arrive(example):
    load_pack(example)
    burst = Condition.objects.get(category__code="0501")
    assert [(s["name"], s["value"], s["unit"]) for s in burst.stages][1] == ("修复管道", 8, "hour")
    assert burst.lead.code == "SUPPLY"
    assert {o.code for o in burst.supports.all()} == {"MUNICIPAL", "ENFORCE"}
    assert Condition.objects.get(category__code="0406").lead is None  # @street: the territory
    village = Place.objects.get(code="999901002201")
    assert (village.level, village.parent.code, village.parent.parent.code) == ("village", "999901002", "999901")
    assert village.geometry["type"] in {"Polygon", "MultiPolygon"}
    assert village.geometry_illustrative
    assert Organisation.objects.get(code="999901002").place.code == "999901002"
    assert Attribute.objects.get().values[0] == {"key": "yes", "name": "是", "name_en": "Yes"}
    assert CategoryMap.objects.get(match="exact").target_category.code == "06010"
    assert not Person.objects.exists()  # only with --demo


def test_settings_reach_the_rules(example, edit):
    edit("district.yaml", "watch_days: 30", "watch_days: 45")
    load_pack(example)
    here = district.current()
    assert (here.code, here.settings.watch_days) == ("999901", 45)
    assert here.centre == pytest.approx((113.306, 40.0045))
    assert not here.sample


def test_the_same_pack_again_changes_nothing(example):
    load_pack(example, demo=True, demo_password="one-Password-9")
    before = snapshot()
    load_pack(example, demo=True, demo_password="one-Password-9")
    assert snapshot() == before


def test_pingcheng_loads_and_loads_again(pingcheng):
    counts = load_pack(pingcheng)
    assert Cell.objects.count() == counts["cells"]
    hetai = Place.objects.get(code="140213053015")
    assert (hetai.name, hetai.parent.name, hetai.name_en) == ("和泰社区", "迎宾街道", "Hetai Community")
    several = [c for c in Category.objects.filter(scheme__active=True) if c.conditions.count() > 1]
    assert len(several) >= 120
    public = Category.objects.filter(public=True)
    assert 35 <= public.count() <= 60
    assert not public.filter(keywords="").exists()
    assert Category.objects.filter(scheme__code="GB/T 47678").count() == 403
    before = snapshot()
    with CaptureQueriesContext(connection) as captured:
        load_pack(pingcheng)
    assert snapshot() == before
    assert len(captured) < 120  # comparing 27,000 rows in thirty tables takes a handful of queries each


def test_queries_do_not_grow_with_rows(example, edit):
    with CaptureQueriesContext(connection) as few:
        load_pack(example)
    Cell.objects.all().delete()
    edit("grid.yaml", "cell_m: 100", "cell_m: 50")
    with CaptureQueriesContext(connection) as many:
        load_pack(example)
    assert Cell.objects.count() > 350
    assert len(many) <= len(few) + 6


def test_what_the_pack_drops_is_retired_not_deleted(example, edit):
    load_pack(example)
    edit("places.csv", "999901001002,钟楼社区,Zhonglou Community,community,999901001,true,invented\n", "")
    edit(
        "organisations.csv",
        "MUNICIPAL,市政设施养护中心,Municipal Works Centre,department,HQ,999901,true,invented\n",
        "",
    )
    for file in ("catalogue/conditions.csv", "demo/accounts.csv"):
        path = example / file
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [x.replace(";ENFORCE", "").replace("MUNICIPAL;", "").replace(",MUNICIPAL,", ",SUPPLY,") for x in lines]
        path.write_text(
            "\n".join(x for x in kept if "SUPPLY,SUPPLY" not in x and ",department,SUPPLY" not in x), encoding="utf-8"
        )
    load_pack(example)
    assert not Place.objects.get(code="999901001002").active
    gone = Organisation.objects.get(code="MUNICIPAL")
    assert not gone.active
    assert gone.history.count() == 2
    assert not Cell.objects.filter(code__startswith="999901001002").exists()
    assert Condition.objects.filter(active=False).exists()
    load_pack(example.parent / "example")
    assert gone.history.count() == 2


def test_a_renamed_row_is_updated_in_place(example, edit):
    load_pack(example)
    before = Organisation.objects.get(code="SUPPLY")
    edit("organisations.csv", "SUPPLY,供水公司", "SUPPLY,自来水公司")
    load_pack(example)
    after = Organisation.objects.get(code="SUPPLY")
    assert (after.pk, after.name) == (before.pk, "自来水公司")
    assert after.history.count() == 2
    assert Organisation.objects.get(code="HQ").history.count() == 1


def test_a_failure_halfway_leaves_nothing(example, monkeypatch):
    def fail(_pack):
        raise RuntimeError("power cut")

    last = packs.parts()[-1]
    broken = packs.Part(last.name, last.order, last.check, last.counts, fail)
    monkeypatch.setitem(packs._parts, last.name, broken)
    with pytest.raises(RuntimeError):
        load_pack(example)
    assert not Place.objects.exists()
    assert not District.objects.exists()


def test_demo_people_share_the_given_password(example):
    load_pack(example, demo=True, demo_password="one-Password-9")
    assert district.current().sample
    person = Person.objects.get(username="dispatcher")
    assert person.check_password("one-Password-9")
    assert person.sample
    post = person.posts.get()
    assert (post.role, post.organisation.code, post.place.code) == ("dispatcher", "HQ", "999901")
    assert not Person.objects.filter(is_staff=True).exists()
    load_pack(example, demo=True, demo_password="other-Password-8")
    assert not Person.objects.get(username="dispatcher").check_password("one-Password-9")
    assert Person.objects.get(username="street").check_password("other-Password-8")


def test_a_real_person_is_never_made_a_sample(example):
    real = Person.objects.create_user("admin", password="my-own-Password-1")
    load_pack(example, demo=True, demo_password="one-Password-9")
    real.refresh_from_db()
    assert real.check_password("my-own-Password-1")
    assert not real.sample
    assert not real.posts.exists()


def test_demo_people_without_password_cannot_sign_in(example):
    load_pack(example, demo=True)
    assert not any(p.has_usable_password() for p in Person.objects.all())


def test_calendar_of_2026_and_a_person_s_own_day(example):
    load_pack(example)
    kinds = dict(CalendarDay.objects.values_list("date", "kind"))
    by_text = {str(k): v for k, v in kinds.items()}
    assert by_text["2026-10-01"] == "holiday"
    assert by_text["2026-02-14"] == by_text["2026-10-10"] == "workday"
    assert by_text["2015-09-03"] == "holiday"
    assert by_text["2021-02-07"] == "workday"
    own = CalendarDay.objects.get(date="2026-10-10")
    own.kind, own.source = "holiday", "district notice 7"
    own.save()
    load_pack(example)
    assert CalendarDay.objects.get(date="2026-10-10").source == "district notice 7"


def test_surveyed_shapes_replace_illustrative_ones(example, edit):
    """A community polygon in GCJ-02 is converted, owns the cells inside it, and is no longer illustrative."""
    ring = [[113.3001, 40.0001], [113.3041, 40.0001], [113.3041, 40.0081], [113.3001, 40.0081], [113.3001, 40.0001]]
    west, south = (113.3001, 40.0001)
    edit("district.yaml", "datum: WGS-84", "datum: GCJ-02")
    for file in ("outline.geojson",):
        data = json.loads((example / file).read_text(encoding="utf-8"))
        data["features"][0]["geometry"]["coordinates"] = [
            [_gcj(x, y) for x, y in data["features"][0]["geometry"]["coordinates"][0]]
        ]
        (example / file).write_text(json.dumps(data), encoding="utf-8")
    feature = {
        "type": "Feature",
        "properties": {"code": "999901001002"},
        "geometry": {"type": "Polygon", "coordinates": [[_gcj(x, y) for x, y in ring]]},
    }
    collection = {"type": "FeatureCollection", "features": [feature]}
    (example / "communities.geojson").write_text(json.dumps(collection), encoding="utf-8")
    load_pack(example)
    place = Place.objects.get(code="999901001002")
    assert not place.geometry_illustrative
    lons, lats = zip(*place.geometry["coordinates"][0], strict=True)
    assert min(lons) == pytest.approx(west, abs=2e-6)
    assert min(lats) == pytest.approx(south, abs=2e-6)
    for cell in Cell.objects.all():
        lon, lat = (cell.west + cell.east) / 2e6, (cell.south + cell.north) / 2e6
        inside = 113.3001 < lon < 113.3041 and 40.0001 < lat < 40.0081
        assert inside == (cell.community_id == place.pk), cell.code


def _gcj(lon, lat):
    x, y = kernel_datum.from_wgs84(lon, lat, "GCJ-02")
    return [float(x), float(y)]


def test_surveyed_cells_replace_the_grid(example):
    def square(code, west):
        ring = [[west, 40.001], [west + 0.001, 40.001], [west + 0.001, 40.002], [west, 40.002], [west, 40.001]]
        return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}

    slanted = square("999901001001002", 113.302)
    slanted["geometry"]["coordinates"][0][2] = [113.3025, 40.002]
    data = {"type": "FeatureCollection", "features": [square("999901001001001", 113.301), slanted]}
    (example / "cells.geojson").write_text(json.dumps(data), encoding="utf-8")
    load_pack(example)
    assert list(Cell.objects.values_list("code", flat=True)) == ["999901001001001", "999901001001002"]
    box, odd = Cell.objects.all()
    assert (box.west, box.south, box.east, box.north) == (113_301_000, 40_001_000, 113_302_000, 40_002_000)
    assert box.geometry is None
    assert odd.geometry["type"] == "Polygon"
    assert not box.illustrative


def test_a_changed_file_changes_the_digest(example, edit):
    one = Pack(example).digest()
    edit("calendar.csv", "2026-10-10", "2026-10-11")
    assert Pack(example).digest() != one


def test_every_limit_of_the_handbook_is_kept_exactly(pingcheng):
    """Numbers and units are facts: the pack's spread of limits is the one of the sources plus the rows marked."""
    with (pingcheng / "catalogue" / "conditions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_key = {(r["kind"], r["code"], r["seq"]): (r["limit_value"], r["limit_unit"]) for r in rows}
    assert by_key[("component", "0101", "1")] == ("2", "hour")
    assert by_key[("component", "0101", "2")] == ("4", "work_hour")
    assert by_key[("component", "0101", "4")] == ("5", "work_day")
    assert by_key[("component", "0402", "2")] == ("15", "work_day")
    assert by_key[("event", "0101", "1")] == ("2", "day")
    assert by_key[("event", "0501", "1")] == ("1", "hour")
    assert all(r["source"] for r in rows)


def test_a_text_that_the_pack_drops_is_no_longer_offered_and_comes_back(example, edit):
    load_pack(example)
    line = "send_back,not_ours,不属于本单位职责,Not our task,该事项不属于本单位职责。,This is not a task of our unit.\n"
    edit("texts.csv", line, "")
    load_pack(example)
    row = Wording.objects.get(action="send_back")
    assert not row.active and Wording.objects.filter(active=True).count() == 3
    edit("texts.csv", "note,arrived", line.replace("该事项", "这件事") + "note,arrived")
    load_pack(example)
    row.refresh_from_db()
    assert row.active and row.text == "这件事不属于本单位职责。"
    (example / "texts.csv").unlink()  # a pack need not have any
    load_pack(example)
    assert not Wording.objects.filter(active=True).exists()
