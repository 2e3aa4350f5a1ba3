"""This room's part of a pack, the settings block, and the demonstration's operators, played by the real actions."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shaodao.bikes import demo, queries, settings
from shaodao.bikes.actions import enrol
from shaodao.bikes.models import ChecklistItem, Operator, Vehicle
from shaodao.cases import history
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.pack import check_pack, load_pack
from shaodao.organisations.models import Organisation, Person, Post
from tests.packs.conftest import edit, example  # noqa: F401

pytestmark = pytest.mark.django_db
PINGCHENG = Path(__file__).resolve().parents[2] / "districts" / "pingcheng"


def test_the_checklist_and_the_numbers_arrive(example):  # noqa: F811
    counts = load_pack(example)
    assert counts["bike_checklist"] == ChecklistItem.objects.filter(active=True).count() == 3
    assert settings.current() == settings.BikeSettings(fleet_ceiling=500, department="ENFORCE")
    assert queries.reviewer_id() == Organisation.objects.get(code="ENFORCE").pk
    item = ChecklistItem.objects.get(code="insurance")
    path = example / "bikes" / "checklist.csv"
    path.write_text("\n".join(path.read_text("utf-8").splitlines()[:2]), "utf-8")
    load_pack(example)
    item.refresh_from_db()
    assert not item.active and ChecklistItem.objects.filter(active=True).count() == 1


def test_without_a_block_the_defaults_hold(example, edit):  # noqa: F811
    edit("district.yaml", "  bikes: {fleet_ceiling: 500, department: ENFORCE}", "")
    load_pack(example)
    assert settings.current() == settings.BikeSettings() and queries.reviewer_id() is None


@pytest.mark.parametrize(
    ("block", "column"),
    [
        ("{fleet_ceiling: many}", "settings.bikes.fleet_ceiling"),
        ("{fleet_ceiling: -1}", "settings.bikes"),
        ("{ceiling: 5}", "settings.bikes.ceiling"),
        ("{department: NONE}", "settings.bikes.department"),
        ("{department: HQ}", "settings.bikes.department"),
        ("{findings: {cluster: {category: event-9999}}}", "settings.bikes.findings.cluster.category"),
        ("{findings: {cluster: {category: event-0110, condition: 9}}}", "settings.bikes.findings.cluster.condition"),
        ("{findings: {cluster: {bikes: 0}}}", "settings.bikes.findings.cluster"),
        ("{findings: {peak: {hours: [[morning, noon]]}}}", "settings.bikes.findings.peak"),
        ("{findings: {clusters: {bikes: 1}}}", "settings.bikes.findings.clusters"),
        ("{findings: 5}", "settings.bikes.findings"),
        ("[1, 2]", "settings.bikes"),
        ("12000", "settings.bikes"),
    ],
)
def test_faults_of_the_block_are_named(example, edit, block, column):  # noqa: F811
    edit("district.yaml", "{fleet_ceiling: 500, department: ENFORCE}", block)
    problems = check_pack(example)[1]
    assert column in {p.column for p in problems} and {p.file for p in problems} == {"district.yaml"}


HEAD = (
    "code,name,name_en,username,person,person_en,requested_quota,fleet,staff,vans,intact_percent,quota,outcome,source\n"
)


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        (["B-1,甲,,clerk,甲,,9,9,9,9,99,501,admitted,"], "quota"),
        (["ENFORCE,甲,,clerk,甲,,9,9,9,9,99,5,admitted,"], "code"),
        (["B-1,甲,,clerk,甲,,9,9,9,9,99,5,admitted,", "B-2,乙,,clerk,乙,,9,9,9,9,99,5,asked,"], "username"),
        (["B-1,甲,,clerk,甲,,9,9,9,9,99,5,closed,"], "outcome"),
        (["B-1,甲,,clerk,甲,,x,9,9,9,99,5,asked,"], "requested_quota"),
    ],
)
def test_faults_of_the_operators_are_named(example, rows, column):  # noqa: F811
    (example / "bikes" / "operators.csv").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    problems = check_pack(example)[1]
    assert [(p.file, p.column) for p in problems] == [("bikes/operators.csv", column)]


def test_the_demonstration_plays_its_operators_once(tmp_path):
    with clock.freeze(datetime(2026, 6, 1, 4, tzinfo=UTC)):
        load_pack(PINGCHENG)
        assert not Organisation.objects.filter(kind="operator").exists() and demo.play(PINGCHENG)["operators"] == 0
        load_pack(PINGCHENG, demo=True, demo_password="one-Password-9")
        assert demo.play(PINGCHENG) == {"operators": 3, "vehicles": 8920}
        states = dict(Operator.objects.values_list("organisation__code", "state"))
        assert states == {"BIKE-A": "admitted", "BIKE-B": "admitted", "BIKE-C": "asked"}
        assert queries.taken() == 9000 <= settings.current().fleet_ceiling == 12_000
        assert all(o.illustrative for o in Organisation.objects.filter(kind="operator"))
        assert Person.objects.get(username="bike-a").check_password("one-Password-9")
        assert Operator.objects.get(organisation__code="BIKE-B").warnings == 1
        assert history.verify()["broken"] == []
        held = snapshot()
        load_pack(PINGCHENG, demo=True, demo_password="one-Password-9")
        assert demo.play(PINGCHENG) == {"operators": 0, "vehicles": 0}
        assert snapshot() == held


def snapshot():
    return (
        Vehicle.objects.count(),
        list(Operator.objects.order_by("pk").values()),
        list(Organisation.objects.filter(kind="operator").order_by("pk").values()),
        list(Post.objects.filter(role="operator").order_by("pk").values()),
        [Organisation.history.count(), Post.history.count()],
    )


def test_a_company_made_in_the_program_survives_the_next_load(example):  # noqa: F811
    """What an older pack named and this one does not is retired; what a person entered stays."""
    load_pack(example)
    clerk = Person.objects.create(username="somebody")
    Post.objects.create(person=clerk, role=Post.Role.HEADQUARTERS, organisation=Organisation.objects.get(code="HQ"))
    enrol(Actor.of(clerk), "BIKE-Z", "单车")
    Organisation.objects.create(code="OLD", name="旧单位", kind="operator", source="a pack")
    load_pack(example)
    assert dict(Organisation.objects.filter(kind="operator").values_list("code", "active")) == {
        "BIKE-Z": True,
        "OLD": False,
    }
