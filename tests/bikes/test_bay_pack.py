"""Bays and zones of a pack: made by a rule or surveyed, loaded once, marked, and a person's changes are left alone."""

import json
import shutil
from pathlib import Path

import pytest
import shapely

from shaodao.bikes import settings
from shaodao.bikes.actions import bays
from shaodao.bikes.bays import siting
from shaodao.bikes.bays.queries import BAYS
from shaodao.bikes.models import Bay, BayVersion, Zone, ZoneVersion
from shaodao.cases.actions import Actor
from shaodao.foundation import district
from shaodao.foundation import pack as packs
from shaodao.organisations.models import Organisation, Person, Post
from shaodao.places.models import Cell
from tests.bikes.outlines import as_geojson, square

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
RULE = "illustrative: true\nbays: 30\nwithin_m: 3000\nsource: made up\n"
CENTRE = {"lon": 113.306, "lat": 40.004}


@pytest.fixture
def example(tmp_path):
    copy = Path(shutil.copytree(ROOT / "districts" / "example", tmp_path / "copy"))
    (copy / "bikes" / "bays.yaml").write_text(RULE, "utf-8")
    zones = {"Z1": square(0, 0, 30, **CENTRE), "Z2": square(60, 0, 30, **CENTRE)}
    as_geojson(copy / "bikes" / "zones.geojson", zones, kind=["no_parking", "no_riding"], illustrative=[True, False])
    return copy


def headquarters():
    person = Person.objects.create(username="hq", name="hq")
    unit = Organisation.objects.filter(kind="headquarters").first()
    Post.objects.create(person=person, role="headquarters", organisation=unit)
    return Actor.of(person)


def test_made_by_the_rule_once_and_for_all(example):
    counts = packs.load_pack(example)
    assert (counts["bike_bays"], counts["bike_zones"]) == (30, 2)
    rows = list(Bay.objects.select_related("community"))
    assert len(rows) == 30 and all(row.illustrative and row.source == "made up" for row in rows)
    assert dict(Zone.objects.values_list("code", "illustrative")) == {"Z1": True, "Z2": False}
    shapes = shapely.from_geojson([json.dumps(row.geometry) for row in rows])
    for row, shape in zip(rows, shapes, strict=True):  # whole in its own cell, so that none meets another
        cell = Cell.objects.get(code=row.code[1:])
        assert row.community_id == cell.community_id and row.street_id == cell.community.parent_id
        assert shapely.box(cell.west / 1e6, cell.south / 1e6, cell.east / 1e6, cell.north / 1e6).contains(shape)
        assert 3.5 < row.length_m < 12.1 and row.capacity == int(row.length_m / 0.6 + 1e-9)
    before = [(row.code, row.geometry) for row in rows]
    assert packs.load_pack(example) == counts
    assert BayVersion.objects.count() == 30 and ZoneVersion.objects.count() == 2
    assert [(row.code, row.geometry) for row in Bay.objects.all()] == before


def test_what_a_person_changed_or_took_away_stays(example):
    packs.load_pack(example)
    hq, (one, two, three) = headquarters(), Bay.objects.all()[:3]
    bays.change(BAYS, hq, one.pk, {"capacity": "3"})
    bays.remove(BAYS, hq, two.pk, reason="没有这个点位")
    (example / "bikes" / "bays.yaml").write_text(RULE + "width_m: 2.5\n", "utf-8")
    packs.load_pack(example)
    for row, version in ((one, 2), (two, 2), (three, 2)):
        row.refresh_from_db()
        assert row.version == version
    assert (one.capacity, one.active, two.active, three.active) == (3, True, False, True)
    (example / "bikes" / "bays.yaml").write_text(RULE.replace("30", "10"), "utf-8")
    packs.load_pack(example)
    left = set(Bay.objects.filter(active=True).values_list("code", flat=True))
    assert 10 <= len(left) <= 11 and one.code in left and two.code not in left
    (example / "bikes" / "bays.yaml").unlink()
    packs.load_pack(example)
    assert Bay.objects.get(active=True) == one
    assert BayVersion.objects.filter(bay=three, valid_until=None).count() == 0 and Bay.objects.count() == 30


def test_surveyed_bays_replace_the_rule(example):
    as_geojson(example / "bikes" / "bays.geojson", {"S1": square(**CENTRE)}, capacity=[8], name=["门口"])
    problems = packs.check_pack(example)[1]
    assert [(p.file, p.row) for p in problems] == [("bikes/bays.yaml", 0)]
    (example / "bikes" / "bays.yaml").unlink()
    assert packs.load_pack(example)["bike_bays"] == 1
    row = Bay.objects.get()
    assert (row.code, row.capacity, row.name, row.illustrative, row.source) == (
        "S1", 8, "门口", False, "bikes/bays.geojson",
    )  # fmt: skip


def test_bays_that_were_there_before_the_pack_find_their_place(example):
    system = Actor.system()
    row = bays.add(BAYS, system, "EARLY", json.loads(shapely.to_geojson(square(**CENTRE))), {})
    assert row.community is None
    packs.load_pack(example)
    row.refresh_from_db()
    assert row.community is not None and row.street == row.community.parent
    assert (row.version, row.active, row.illustrative) == (1, True, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("illustrative: false\nbays: 3", "illustrative"),
        ("bays: 3", "illustrative"),
        ("illustrative: true\nbays: -1", "bays"),
        ("illustrative: true\nbays: many", "bays"),
        ("illustrative: true\nbays: 3\nbay: 4", "bay"),
        ("illustrative: true\nbays: 3\nlengths_m: [0.1]", "lengths_m"),
        ("illustrative: true\nbays: 3\nwithin_m: 0", "within_m"),
        ("- 1", "键"),
        ("a: [", "YAML"),
    ],
)
def test_a_faulty_rule_is_named(example, text, said):
    (example / "bikes" / "bays.yaml").write_text(text, "utf-8")
    [problem] = packs.check_pack(example)[1]
    assert problem.file == "bikes/bays.yaml" and said in str(problem)
    with pytest.raises(packs.PackError):
        packs.load_pack(example)
    assert not Bay.objects.exists()


def test_more_bays_than_cells_load_nothing(example):
    (example / "bikes" / "bays.yaml").write_text(RULE.replace("30", "99999"), "utf-8")
    with pytest.raises(packs.PackError, match="within_m"):
        packs.load_pack(example)
    assert not Cell.objects.exists() and district.current() == district.EMPTY


def test_faults_of_the_files_are_named_by_row(example):
    path = example / "bikes" / "zones.geojson"
    data = json.loads(path.read_text("utf-8"))
    data["features"][1]["properties"]["kind"] = "odd"
    data["features"].append(
        {"type": "Feature", "properties": {"kind": "quota"}, "geometry": data["features"][0]["geometry"]}
    )
    path.write_text(json.dumps(data), "utf-8")
    problems = packs.check_pack(example)[1]
    assert [(p.file, p.row) for p in problems] == [("bikes/zones.geojson", 2), ("bikes/zones.geojson", 3)]
    path.write_text("{", "utf-8")
    assert [p.row for p in packs.check_pack(example)[1]] == [0]


def test_points_of_the_settings(example):
    path = example / "district.yaml"
    text = path.read_text("utf-8")
    rest = "bikes: {fleet_ceiling: 500, department: ENFORCE"
    ours = rest + ', siting: {points: [[113.306, 40.004, "A 口"]], clear_m: 25}'
    assert rest in text
    path.write_text(text.replace(rest, ours), "utf-8")
    packs.load_pack(example)
    rules = settings.current().siting
    assert rules.clear_m == 25 and siting.Points.of(rules.points).names == ("A 口",)
    path.write_text(text.replace(rest, ours.replace("40.004", "140")), "utf-8")
    [problem] = packs.check_pack(example)[1]
    assert "points" in str(problem)


def test_pingcheng_has_its_two_thousand():
    counts, problems = packs.check_pack(ROOT / "districts" / "pingcheng")
    assert not problems and (counts["bike_bays"], counts["bike_zones"]) == (2000, 5)
