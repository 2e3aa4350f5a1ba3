"""Machine-hours and water against hand computation, sharing of the day, weather, and the article's promise."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from shaodao.book import actions
from shaodao.book.actions import Draft
from shaodao.cli import main
from shaodao.kernel.sweeping import effort, granted, open_minutes
from shaodao.sanitation.kinds import KINDS
from tests.sanitation.book import SYSTEM, book, verdict

KM, M2 = np.array([104_000.0]), np.array([3_120_000.0])


@pytest.mark.nodb
def test_the_article_s_promise_by_hand():
    """The figures of a pass over 52 km and 3.12 million m2, each reckoned on paper."""
    flush = effort(KM, M2, swath_m=3.5, speed_kmh=15, water_l_m2=0.14, tank_m3=10, fill_min=12)
    assert flush.run_m.sum() / 1000 == pytest.approx(891.43, abs=0.01)
    assert flush.work_h.sum() == pytest.approx(59.43, abs=0.01)
    assert flush.water_m3.sum() == pytest.approx(436.8)
    assert flush.refills.sum() == pytest.approx(43.68)
    assert flush.refill_h.sum() == pytest.approx(43.68 * 12 / 60)
    assert effort(KM, M2, swath_m=3.5, speed_kmh=8).work_h.sum() == pytest.approx(111.43, abs=0.01)
    assert effort(KM, M2, swath_m=14, speed_kmh=15).work_h.sum() == pytest.approx(14.86, abs=0.01)
    assert effort(KM, M2, runs=1, speed_kmh=10).work_h.sum() == pytest.approx(10.4)
    standard = effort(KM, M2, swath_m=3.5, speed_kmh=15, traverses=5, water_l_m2=0.14, tank_m3=10)
    assert 3 * standard.water_m3.sum() == pytest.approx(6552) and 3 * standard.work_h.sum() == pytest.approx(
        891.4, abs=0.1
    )


@pytest.mark.nodb
@pytest.mark.parametrize(
    "given", [{"speed_kmh": 0, "swath_m": 1}, {"speed_kmh": 5}, {"speed_kmh": 5, "runs": 1, "water_l_m2": 1}]
)
def test_what_cannot_be_reckoned_is_refused(given):
    with pytest.raises(ValueError, match="must be positive"):
        effort(KM, M2, **given)


@pytest.mark.nodb
def test_the_day_is_shared_exactly():
    early, late, both = open_minutes([[0, 60]]), open_minutes([[60, 120]]), open_minutes([[0, 120]])
    supply = np.zeros(1440)
    supply[:120] = 1
    # The first can wait for the second hour, so that the second need still gets the whole first hour.
    assert granted([60, 60], [both, early], supply).tolist() == [60, 60]
    assert granted([60, 60, 10], [both, early, late], supply).tolist() == [60, 60, 0]
    assert granted([200, 5], [both, late], supply).tolist() == [120, 0]
    assert granted([], [], supply).size == 0
    night = open_minutes([[22 * 60, 5 * 60]])
    assert night.sum() == 7 * 60 and night[0] and night[-1] and not night[12 * 60]
    with pytest.raises(ValueError, match="finite"):
        granted([np.nan], [both], supply)


def test_a_day_falls_short_by_what_is_missing_and_says_what_helps(monday, town):
    """1 km of two carriageways, 20 m wide in all: 20,000 m2, of which 8,000 carriageway; one truck, four hours."""
    book()
    found = verdict(date(2021, 5, 24))
    [flush] = found.services
    [window] = flush.windows
    # 20,000 / 3.5 / 1000 / 0.5 km/h = 11.43 h; 2,800 l in a tank of 10 m3; the truck: 4 h x 0.75 = 3 h
    assert flush.pass_h == pytest.approx(11.43, abs=0.01) and flush.pass_water_m3 == pytest.approx(2.8)
    assert window.granted_h == pytest.approx(3) and window.missing_h == pytest.approx(window.needed_h - 3)
    assert found.feasible is False and flush.state == "short" and window.first_road.code == "R1"
    fixes = {fix.kind: fix for fix in window.fixes}
    assert fixes["vehicles"].amount == np.ceil(window.missing_h / 3) and fixes["vehicles"].suffices
    assert fixes["carriageway"].amount == 8000 and not fixes["carriageway"].suffices
    more = [Draft(f"V{n}", fleet) for n, fleet in enumerate([VEHICLE] * int(fixes["vehicles"].amount))]
    actions.bring_in(KINDS["vehicle"], more, SYSTEM)
    assert verdict(date(2021, 5, 24)).feasible is True


VEHICLE = {"type": "washer", "crew": "C", "tank_m3": 10.0, "working_kmh": 5.0, "transfer_kmh": 30.0}


def test_cold_stops_water_and_winter_has_none(monday, town):
    book()
    for hour in range(9, 13):
        raw = {"day": "2021-05-24", "hour": str(hour), "air_c": "9", "ground_c": "2", "wind_level": "3"}
        actions.add(KINDS["weather"], SYSTEM, "", raw, "typed")
    [flush] = verdict(date(2021, 5, 24)).services
    assert (flush.state, flush.why, flush.stopped_min) == ("stopped", "cold", 240)
    assert verdict(date(2021, 5, 24)).feasible is None
    assert verdict(date(2021, 12, 1)).services[0].state == "out_of_season"
    assert verdict(date(2021, 5, 25)).services[0].state == "short"


def test_no_water_no_fleet_and_a_workshop_are_said(monday, town):
    book()
    out = {"vehicle": "V", "first_day": date(2021, 5, 24), "last_day": date(2021, 5, 24)}
    actions.bring_in(KINDS["maintenance"], [Draft("M", out)], SYSTEM)
    found = verdict(date(2021, 5, 24))
    assert found.share == 0 and found.services[0].away == 1 and found.services[0].windows[0].fixes[0].amount > 0
    actions.retire(KINDS["fill"], KINDS["fill"].model.objects.all(), SYSTEM, "dry")
    [window] = verdict(date(2021, 5, 25)).services[0].windows
    assert window.water_granted_m3 == 0 and window.share == 0 and "water" in {fix.kind for fix in window.fixes}


def test_the_command_answers_in_json(monday, town, settings):
    book()
    found = CliRunner().invoke(main, ["sanitation", "feasibility", "2021-05-24", "--json", "--lang", "en"])
    assert found.exit_code == 1, found.output
    said = json.loads(found.output.splitlines()[-1])
    assert said["feasible"] is False and said["area_m2"]["total"] == 20_000
    assert said["services"][0]["windows"][0]["fixes"][0]["text"].endswith(": enough")
    plain = CliRunner().invoke(main, ["sanitation", "feasibility", "2021-12-01"])
    assert plain.exit_code == 0 and "不在季节" in plain.output
    assert CliRunner().invoke(main, ["sanitation", "feasibility", "yesterday"]).exit_code == 2


@pytest.mark.nodb
def test_the_pack_s_roads_add_up_to_the_article():
    from shaodao.foundation.pack import Pack
    from shaodao.sanitation import packroads

    pack = Pack(Path(__file__).parents[2] / "districts" / "pingcheng")
    roads, segments = packroads.drafts(pack)
    assert len(roads) == 10 and all(draft.illustrative for draft in (*roads, *segments))
    assert sum(s.values["length_m"] for s in segments) == pytest.approx(2 * 52_000)
    assert sum(s.values["total_m2"] for s in segments) == pytest.approx(3_120_000)
    parts = sum(s.values[n] for s in segments for n in ("carriageway_m2", "pavement_m2", "verge_m2"))
    assert parts == pytest.approx(3_120_000) and len(packroads.bins(pack)) == 2080
    assert max(s.values["length_m"] for s in segments) <= 400
