"""Scores: each part from its numbers, what is not known left out, a month's mean and what it suggests."""

from datetime import date, timedelta

import msgspec
import pytest

from shaodao.bikes.models import DayReport
from shaodao.bikes.reports import figures, months, scoring
from shaodao.bikes.reports.settings import QuotaStep, ScoreSettings
from shaodao.bikes.reports.tables import explained

RULES = ScoreSettings()


def limit(met=0, missed=0):
    return {"met": met, "missed": missed, "open": 0, "median_min": None}


def counted(n, off=0, larger=100, silent=0):
    eye = (
        {"by_eye": larger, "by_feed": larger - off, "off": off, "larger": larger}
        if n
        else dict.fromkeys(("by_eye", "by_feed", "off", "larger"), 0)
    )
    return {"n": n, "silent": silent, **eye, "days": 7, "since": "2021-05-18"}


def of_a_day(certain=1000, right=950, **given):
    found = figures.nothing() | {"bike_hours_certain": certain, "bike_hours_in_order": right}
    found |= {
        "cases": {"sent": 4, "finished": 4, "rework": 0, "arrive": limit(4), "solve": limit(4)},
        "fleet": {
            "seen": 90,
            "seen_registered": 90,
            "seen_unregistered": 0,
            "registered": 100,
            "quota": 100,
            "over": 0,
        },
        "quality": {"calls": 10, "failures": 0, "rejected_rate": 0.0, "late_rate": 0.0},
        "notes": {"warn": 0, "suspend": 0},
        "spot_checks": counted(0),
    }
    return found | given


def part(found, name):
    return next(p for p in found.parts if p["part"] == name)


def test_the_best_day_has_a_hundred_points():
    found = scoring.score(of_a_day(), RULES)
    assert found.points == 100.0 and [p["points"] for p in found.parts] == [53, 20, 10, 9, 3, None]
    with_counts = scoring.score(of_a_day(spot_checks=counted(3)), RULES)
    assert with_counts.points == 100.0 and sum(p["points"] for p in with_counts.parts) == 100


@pytest.mark.parametrize(("right", "share"), [(500, 0.0), (725, 0.5), (950, 1.0), (1000, 1.0), (0, 0.0)])
def test_order_is_in_proportion_between_two_rates(right, share):
    found = part(scoring.score(of_a_day(right=right), RULES), "order")
    assert found["share"] == share and found["points"] == 53 * share


@pytest.mark.parametrize(
    ("name", "given", "share"),
    [
        ("response", {"cases": {"arrive": limit(1, 3), "solve": limit(3, 1)}}, 0.5),
        ("response", {"cases": {"arrive": limit(), "solve": limit(1, 1)}}, 0.5),
        ("fleet", {"fleet": {"seen": 105, "seen_registered": 105, "quota": 100, "over": 5}}, 0.75),
        ("fleet", {"fleet": {"seen": 200, "seen_registered": 0, "quota": 100, "over": 100}}, 0.0),
        ("fleet", {"fleet": {"seen": 5, "seen_registered": 5, "quota": 0, "over": 5}}, 0.5),
        ("data", {"quality": {"calls": 4, "failures": 2, "rejected_rate": 0.5, "late_rate": 0.2}}, (0.5 + 0.8 + 0.5) / 3),
        ("data", {"quality": {"calls": 2, "failures": 2, "rejected_rate": None, "late_rate": None}}, 0.0),
        ("data", {"quality": {"calls": 0, "failures": 0, "rejected_rate": None, "late_rate": None}}, 0.0),
        ("warnings", {"notes": {"warn": 1, "suspend": 0}}, 0.0),
    ],
)  # fmt: skip
def test_the_other_parts(name, given, share):
    found = scoring.score(of_a_day(**given), RULES)
    assert part(found, name)["share"] == pytest.approx(share, abs=1e-4)
    assert found.points == round(sum(100 * p["points"] for p in found.parts if p["points"] is not None) / 95, 1)


@pytest.mark.parametrize(("off", "share"), [(0, 1.0), (5, 1.0), (10, 0.8), (30, 0.0), (100, 0.0)])
def test_counts_by_eye_weigh_by_how_far_the_feed_is_off(off, share):
    found = scoring.score(of_a_day(spot_checks=counted(4, off)), RULES)
    assert part(found, "spot_checks")["share"] == share and found.points == 95 + 5 * share
    assert f"{off} / 100" in explained(part(found, "spot_checks"))


@pytest.mark.parametrize("few", [counted(0), counted(2), counted(0, silent=9), counted(5, 0, 0)])
def test_without_counts_the_part_is_left_out_and_says_so(few):
    found = scoring.score(of_a_day(right=725, spot_checks=few), RULES)
    assert part(found, "spot_checks")["points"] is None
    assert found.points == round(100 * (26.5 + 20 + 10 + 9 + 3) / 95, 1)
    assert "这一项不计" in explained(part(found, "spot_checks"))


def test_what_is_not_known_is_left_out_and_the_rest_weighs_all():
    found = scoring.score(of_a_day(right=725, cases={"arrive": limit(), "solve": limit()}), RULES)
    assert part(found, "response")["points"] is None
    assert found.points == round(100 * (26.5 + 10 + 9 + 3) / 75, 1)


def test_too_little_to_say():
    assert scoring.score(of_a_day(certain=99, right=99), RULES).points is None
    most = msgspec.structs.replace(RULES, least_weight=80.0)
    assert scoring.score(of_a_day(cases={"arrive": limit(), "solve": limit()}), most).points is None
    assert scoring.score(of_a_day(), most).points == 100


def test_every_part_is_explained_in_words():
    for found in (scoring.score(of_a_day(), RULES), scoring.score(of_a_day(certain=1, right=1), RULES)):
        assert all(len(explained(p)) > 5 and "%(" not in explained(p) for p in found.parts)
    assert "950 / 1000 = 95.0%" in explained(part(scoring.score(of_a_day(), RULES), "order"))


@pytest.mark.parametrize(
    ("points", "percent"), [(0, -20), (59.9, -20), (60, -10), (69.9, -10), (70, 0), (90, 5), (100, 5)]
)
def test_the_pack_says_what_a_score_suggests(points, percent):
    assert scoring.step(points, RULES).percent == percent


def test_a_month_needs_its_days():
    assert scoring.month([80.0] * 19 + [None] * 12, RULES) is None
    assert scoring.month([80.0] * 10 + [60.0] * 10 + [None], RULES) == 70.0
    assert (scoring.suggested(1000, -20), scoring.suggested(999, 5), scoring.suggested(1, -99)) == (800, 1049, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_zero": 0.9, "order_full": 0.5}, {"over_zero": 0}, {"least_days": 0}, {"least_weight": 101},
        {"weights": {"order": -1}}, {"quota": [{"below": 60, "percent": -100}]},
        {"quota": [{"below": 60, "percent": -5}, {"below": 50, "percent": -10}]},
    ],
)  # fmt: skip
def test_numbers_of_the_pack_that_cannot_be(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, ScoreSettings)


def reported(operator, day, points, *, final=True, latest=True, version=1):
    found = scoring.score(of_a_day(), RULES)
    return DayReport.objects.create(
        day=day, operator=operator, final=final, latest=latest, version=version, source="", score=points,
        computed_at=operator.created_at, figures=of_a_day() | {"hours": {}, "streets": {}}, parts=found.parts,
    )  # fmt: skip


def test_a_month_is_made_of_final_reports_in_their_newest_version(office):
    operator, other = office.brought_to("admitted"), office.brought_to("refused", "BIKE-B")
    first, rules = date(2021, 5, 1), msgspec.structs.replace(RULES, least_days=2)
    for n, points in enumerate((50.0, 60.0, None)):
        reported(operator, first + timedelta(days=n), points)
    reported(operator, first + timedelta(days=9), 1.0, final=False)
    reported(operator, first + timedelta(days=8), 2.0, latest=False)
    reported(operator, date(2021, 4, 30), 3.0)
    reported(operator, date(2021, 6, 1), 4.0)
    (found,) = months.months([operator, other], first, rules)
    assert (found.points, found.scored, len(found.days), found.percent, found.quota) == (55.0, 2, 3, -20, 800)
    assert found.parts["order"] == 1.0
    calm = msgspec.structs.replace(rules, quota=(QuotaStep(101, 0),))
    assert months.months([operator], first, calm)[0].quota is None
    assert months.months([operator], first, RULES)[0].points is None
    operator.refresh_from_db()
    assert operator.quota == 1000


def test_months_follow_each_other():
    assert months.following(date(2024, 1, 1)) == date(2024, 2, 1) and months.following(date(2024, 12, 1)) == date(
        2025, 1, 1
    )
    assert months.preceding(date(2024, 3, 1)) == date(2024, 2, 1) and months.preceding(date(2024, 1, 1)) == date(
        2023, 12, 1
    )
