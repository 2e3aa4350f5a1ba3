"""Plans in the database: made, published, replaced, edited, made anew in the middle of the day; the commands."""

import copy
import json
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from shaodao.cli import main
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.models import LogEntry
from shaodao.sanitation.models import DayPlan, Vehicle
from shaodao.sanitation.plan import actions, facts, stored
from shaodao.sanitation.plan.checking import violations
from tests.sanitation.book import SYSTEM, book, put
from tests.town import Town

DAY, NOW = date(2021, 5, 24), datetime(2021, 5, 24, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def _made(shared):
    """The small book with a faster service, and a plan of it."""
    with clock.freeze(NOW):
        town = Town()
        book()
        mode = {"windows": [[540, 780, 1]], "speed_kmh": 15.0, "swath_m": 3.5, "water_l_m2": 0.14, "kind": "flush"}
        put("mode", FLUSH=mode | {"vehicle_type": "washer", "passes": 1, "scope": "carriageway"})
        put("vehicle", V={"type": "washer", "crew": "C", "tank_m3": 1.0, "working_kmh": 15.0, "transfer_kmh": 30.0})
        plan = actions.make(DAY, SYSTEM, rounds=5)
    return town, plan.pk


@pytest.fixture
def made(_made, db):
    with clock.freeze(NOW):
        yield copy.deepcopy(_made[0]), DayPlan.objects.get(pk=_made[1])


def test_a_plan_is_stored_as_it_was_made(made):
    _town, plan = made
    day, trips = facts.read(DAY), stored.trips_of(plan)
    assert plan.facts == facts.digest(day) and violations(day, trips) == []
    assert plan.figures["planned_share"] == 1 and plan.left_out == []
    assert plan.figures["services"][0]["refills"] >= 1  # 1,120 litres out of a tank of 1,000
    [row] = stored.rows_of(plan)
    assert row.vehicle.code == "V" and row.crew.code == "C"
    assert row.work_m == pytest.approx(8000 / 3.5, abs=1) and row.water_l == pytest.approx(1120, abs=1)
    assert LogEntry.objects.filter(action="sanitation.plan.make", subject=f"plan:{plan.pk}").count() == 1


def test_reading_takes_the_same_queries_however_large_the_book_is(made):
    facts.read(DAY)  # the settings are read once
    with CaptureQueriesContext(connection) as few:
        facts.read(DAY)
    line = {"type": "LineString", "coordinates": [[113.3, 40.0], [113.31, 40.0]]}
    put("road", R2={"road_class": "lane"})
    put("segment", **{f"R2-{n}": {"road": "R2", "geometry": line, "length_m": 9.0, "total_m2": 9.0} for n in range(9)})
    put("vehicle", V2={"type": "mister", "crew": "C", "tank_m3": 1.0, "working_kmh": 15.0, "transfer_kmh": 30.0})
    with CaptureQueriesContext(connection) as many:
        facts.read(DAY)
    assert len(few) == len(many) < 18


def test_one_plan_a_day_is_published_and_who_comes_late_is_told(made):
    town, plan = made
    with pytest.raises(Refused):
        actions.publish(plan.pk, town.actor("inspector"))
    with pytest.raises(Refused):
        actions.make(DAY, town.actor("street"), rounds=0)
    hq = town.actor("headquarters")
    done = actions.publish(plan.pk, hq, version=plan.version)
    assert (done.state, done.version) == ("published", 2)
    with pytest.raises(Conflict):
        actions.withdraw(plan.pk, hq, version=1, reason="旧的")
    other = actions.make(DAY, hq, rounds=0)
    actions.publish(other.pk, hq)
    assert DayPlan.objects.get(pk=plan.pk).state == "replaced"
    with pytest.raises(Refused):
        actions.publish(plan.pk, hq)
    with pytest.raises(Invalid):
        actions.withdraw(other.pk, hq)
    assert actions.withdraw(other.pk, hq, reason="下雨").state == "withdrawn"


def test_an_edit_is_a_new_plan_and_what_is_wrong_with_it_is_said(made):
    town, plan = made
    hq = town.actor("headquarters")
    [trip] = stored.trips_of(plan)
    first = next(n for n, leg in enumerate(trip.legs) if leg.kind == "service")
    edit = [{"do": "out", "trip": 0, "first": first, "last": first}]
    with pytest.raises(Conflict):
        actions.edit(plan.pk, hq, edit, version=9)
    new, wrong = actions.edit(plan.pk, hq, edit, version=1, reason="去掉一趟")
    assert new.parent_id == plan.pk and {v.code for v in wrong} == {"missing"}
    assert new.left_out[0]["why"] == "by_hand" and new.figures["planned_share"] == pytest.approx(0.5, abs=0.05)
    with pytest.raises(Refused, match="趟"):
        actions.publish(new.pk, hq)
    with pytest.raises(Invalid):
        actions.publish(new.pk, hq, force=True)
    assert actions.publish(new.pk, hq, force=True, reason="路面塌陷").state == "published"


def test_what_changed_in_the_book_is_seen_before_publishing(made):
    _town, plan = made
    Vehicle.objects.update(tank_m3=0.3)
    with pytest.raises(Refused, match="水箱"):
        actions.publish(plan.pk, SYSTEM)


def test_the_rest_of_a_day_is_planned_anew(made):
    _town, plan = made
    for wrong in ({"broken": ["nobody"]}, {"closed": [("NONE", 0, 60)]}, {"closed": [("", 60, 0)]}, {"at_s": -1}):
        with pytest.raises(Invalid):
            actions.replan(plan.pk, SYSTEM, **{"at_s": 36_000, "rounds": 0} | wrong)
    new = actions.replan(plan.pk, SYSTEM, 33_300, broken=["V"], rounds=0)
    assert new.changes["broken"] == {"V": 33_300} and new.figures["planned_share"] < 1
    again = actions.replan(new.pk, SYSTEM, 34_000, closed=[("FLUSH", 34_000, 40_000)], rounds=0)
    assert again.changes == {"broken": {"V": 33_300}, "closed": [["FLUSH", 34_000, 40_000]]}
    assert {v.code for v in violations(stored.facts_of(again), stored.trips_of(again))} <= {"missing"}


def test_the_commands(made, tmp_path):
    out = tmp_path / "plan.xlsx"
    run = CliRunner().invoke
    found = run(main, ["sanitation", "plan", "2021-05-24", "--rounds", "2", "--json", "--publish", "-o", str(out)])
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout.splitlines()[-1])
    assert said["day"] == "2021-05-24" and said["planned_share"] == 1 and said["violations"] == []
    assert said["state"] == "published" and said["services"][0]["done"] == 2
    assert load_workbook(out).sheetnames == ["汇总", "V", "未排"]
    args = ["sanitation", "replan", "2021-05-24", "--at", "09:10", "--closed", "FLUSH@09:10-13:00", "--rounds", "0"]
    found = run(main, [*args, "--lang", "en"])
    assert found.exit_code == 1 and "weather" in found.output
    assert run(main, ["sanitation", "plan", "2021-12-01", "--rounds", "0"]).exit_code == 0
    for wrong in (["plan", "x"], ["replan", "2020-01-01", "--at", "09:00"], [*args[1:], "--broken", "nobody"],
                  [*args[1:5], "--closed", "FLUSH"], ["plan", "2021-05-24", "-o", "x.doc"]):  # fmt: skip
        answer = run(main, ["sanitation", *wrong])
        assert answer.exit_code == 2 and "Traceback" not in answer.output, wrong


def test_a_bin_round_is_toured(made):
    run = CliRunner().invoke
    put("round", B={"wipes": 2, "empties": 2, "disinfections": 1, "windows": [[300, 330, 1], [600, 601, 1]]})
    put("bin", **{f"B{n}": {"lon": 113.2 + n / 1000, "lat": 40.0, "type": "litter", "round": "B"} for n in range(12)})
    found = run(main, ["sanitation", "bin-tours", "B", "--json", "--stop", "120"])
    assert found.exit_code == 1, found.output  # nobody does anything within a minute
    first, second = json.loads(found.output.splitlines()[-1])["windows"]
    assert sorted(b for t in first["tours"] for b in t["bins"]) == sorted(f"B{n}" for n in range(12))
    assert first["carts"] == 2 and all(t["minutes"] <= 30 for t in first["tours"]) and second["carts"] is None
    assert run(main, ["sanitation", "bin-tours", "nobody"]).exit_code == 2
