"""A day from end to end: planned, driven with noise, proven; what failed becomes a case, a make-up pass closes it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO

import numpy as np
import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from shaodao.cases.models import Case
from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from shaodao.sanitation.models import (
    DayPlan,
    DayProof,
    Leg,
    ProvenPass,
    Segment,
    ServiceFinding,
    ServiceMode,
    Trip,
    Vehicle,
)
from shaodao.sanitation.proof import actions, figures, findings, reckon
from shaodao.sanitation.proof.figures import rate, unsure
from shaodao.sanitation.proof.spans import total
from tests.sanitation.book import put
from tests.sanitation.driven import Driver, seconds

DAY = date(2021, 5, 24)
NEXT = clock.from_local(datetime(2021, 5, 25, 7, 0))
SETTINGS = {"department": "SANI", "findings": {"category": "event-0110", "least_m": 100, "wait_h": 1}}


def roads() -> None:
    """Three roads of two carriageways of 298 m, 11 m apart, each going on at both ends as R9, which nobody plans for; a
    flush of two passes, a peak from 7 to 9."""
    put("road", R9={"name": "支线"})
    for n in (1, 2, 3):
        put("road", **{f"R{n}": {"name": f"{n}路"}})
        y = 40.0 + 0.0007 * n - 0.0005
        sides = {"E": [[113.2005, y], [113.2040, y]], "W": [[113.2040, y + 1e-4], [113.2005, y + 1e-4]]}
        for side, line in sides.items():
            step = 0.0014 if side == "E" else -0.0014
            for end, (x, lat) in enumerate((line[0], line[1])):
                begin, last = ([x - step, lat], [x, lat]) if end == 0 else ([x, lat], [x + step, lat])
                put("segment", **{f"R9{n}{side}{end}": {"road": "R9", "length_m": 119.0, "geometry": {
                    "type": "LineString", "coordinates": [begin, last]}}})  # fmt: skip
        put("segment", **{
            f"R{n}{side}": {"road": f"R{n}", "geometry": {"type": "LineString", "coordinates": line}, "length_m": 298.0,
                            "total_m2": 1000.0, "carriageway_m2": 1000.0}
            for side, line in sides.items()
        })  # fmt: skip
    put("crew", C1={"unit": "URBAN"}, C2={})
    truck = {"type": "washer", "tank_m3": 10.0, "working_kmh": 12.0, "transfer_kmh": 30.0}
    put("vehicle", V1=truck | {"crew": "C1"}, V2=truck | {"crew": "C1"}, V3=truck | {"crew": "C2"})
    mode = {
        "name": "清洗",
        "name_en": "Flushing",
        "kind": "flush",
        "passes": 2,
        "vehicle_type": "washer",
        "swath_m": 3.5,
    }
    mode |= {"windows": [[300, 420, 1], [540, 780, 1]], "peaks": [[420, 540]], "speed_kmh": 15.0}
    put("mode", FLUSH=mode)


PLAN = [  # vehicle, segment, pass, at
    ("V1", "R1E", 1, "5:00"), ("V1", "R1W", 1, "5:10"), ("V1", "R1E", 2, "10:00"), ("V1", "R1W", 2, "10:10"),
    ("V2", "R2E", 1, "5:00"), ("V2", "R2W", 1, "5:10"), ("V3", "R2E", 2, "10:00"), ("V3", "R2W", 2, "10:10"),
    ("V3", "R3E", 1, "5:00"), ("V3", "R3W", 1, "5:10"), ("V3", "R3E", 2, "10:40"), ("V3", "R3W", 2, "10:50"),
]  # fmt: skip


def plan() -> DayPlan:
    made = DayPlan.objects.create(day=DAY, state="published", made_at=clock.now())
    mode, segments = ServiceMode.objects.get(), {s.code: s for s in Segment.objects.all()}
    for vehicle in Vehicle.objects.all():
        trip = Trip.objects.create(plan=made, vehicle=vehicle, crew=vehicle.crew, begin_s=18_000, end_s=46_000)
        legs = [leg for leg in PLAN if leg[0] == vehicle.code]
        Leg.objects.bulk_create(
            Leg(trip=trip, seq=n, kind="service", begin_s=seconds(at), end_s=seconds(at) + 110, segment=segments[code],
                mode=mode, pass_no=no, runs=1)
            for n, (_v, code, no, at) in enumerate(legs)
        )  # fmt: skip
    return made


def driven(*, leave: tuple[tuple[str, int], ...] = (), **changed: str) -> Driver:
    """The plan as it was driven, but for what is left out, and what was done at another time."""
    driver = Driver(DAY)
    for vehicle, code, no, at in PLAN:
        if (code, no) not in leave:
            driver.work(vehicle, code, changed.get(f"{code}_{no}", at))
    return driver


@pytest.fixture
def book(monday, town):
    District.objects.update(settings={"sanitation": SETTINGS})
    district.forget()
    roads()
    return town


def broken_day() -> Driver:
    driver = driven(leave=(("R2W", 1), ("R3E", 2), ("R3W", 2)), R1E_2="8:00", R1W_2="8:10")
    driver.stand("V2", "R2W", "5:05", "9:00")
    driver.stand("V3", "R3E", "10:30", "11:30")
    return driver


def test_a_day_from_plan_to_closed_case(book):
    plan()
    day = broken_day()
    proof = actions.prove(DAY, day.fixes, day.codes, NEXT)
    wrong = {(p.segment.code, p.pass_no): p.wrong.strip(",") for p in proof.passes.select_related("segment") if p.wrong}
    assert wrong == {
        ("R2W", 1): "missed",
        ("R3E", 2): "missed",
        ("R3W", 2): "missed",
        ("R1E", 2): "peak",
        ("R1W", 2): "peak",
    }
    assert proof.figures["all"]["done"] == 9 and rate(proof.figures["all"]) == pytest.approx(9 / 12)
    assert unsure(proof.figures["all"]) == 0 and proof.figures["cells"]["R3|FLUSH|2"]["missing"] == 2
    # three findings, three cases, each with the unit of the crew
    later = NEXT + timedelta(hours=1)
    with clock.freeze(later):
        assert all(findings.file(pk, later) for pk in findings.due(later))
    cases = {f.road.code: f.case for f in ServiceFinding.objects.select_related("road", "case__lead", "case__street")}
    assert {code: case.lead.code for code, case in cases.items()} == {"R1": "URBAN", "R2": "URBAN", "R3": "SANI"}
    assert all(case.state == "handling" and case.street for case in cases.values())
    assert findings.standing_on(DAY)  # its tracks are evidence
    text = cases["R3"].reports.get().text
    assert "3路" in text and "漏做 第 2 遍" in text and "/sanitation/findings/" in text
    assert cases["R3"].photos.count() == 1
    unit = Client()
    unit.force_login(book.person("department", book.urban))
    pages = {f.road.code: f"/sanitation/findings/{f.pk}/" for f in ServiceFinding.objects.select_related("road")}
    assert [unit.get(pages[code]).status_code for code in ("R1", "R2", "R3")] == [200, 200, 403]
    # the next morning R3 is made up for; late data of the day itself prove R2
    DayPlan.objects.create(day=DAY + timedelta(days=1), state="published", made_at=clock.now())
    morning = Driver(DAY + timedelta(days=1))
    morning.work("V3", "R3E", "8:00")
    morning.work("V3", "R3W", "8:10")
    noon = NEXT + timedelta(hours=6)
    actions.prove(morning.day, morning.fixes, morning.codes, noon)
    day.work("V1", "R2W", "12:00")
    again = actions.prove(DAY, day.fixes, day.codes, noon)
    assert again.number == 2 and not DayProof.objects.get(day=DAY, number=1).current
    late = ProvenPass.objects.get(proof=again, segment__code="R2W", pass_no=1)
    assert (late.state, late.wrong, late.evidence[0][0]) == ("done", ",late,", "V1")
    with clock.freeze(noon):
        assert [findings.clear(pk, noon) for pk in findings.gone()] == [True, True]
    states = dict(ServiceFinding.objects.filter(day=DAY).values_list("road__code", "state"))
    assert states == {"R1": "filed", "R2": "cleared", "R3": "cleared"}
    assert set(Case.objects.filter(state="closed").values_list("outcome", flat=True)) == {"fixed"}


@pytest.mark.once
def test_the_pages_show_it_and_the_files_hold_it(book, django_assert_max_num_queries, monkeypatch):
    from shaodao.sanitation.proof import tracks

    plan()
    day = broken_day()
    monkeypatch.setattr(tracks, "of_day", lambda *_given: (day.fixes, day.codes))
    client = Client()
    client.force_login(book.person("headquarters"))
    before = client.get("/sanitation/?day=2021-05-24").content.decode()
    assert "还没有核验" in before and "05:00–05:11" in before
    with clock.freeze(NEXT):
        assert client.post("/sanitation/proof/2021-05-24/prove/").status_code == 302
    row = ServiceFinding.objects.get(road__code="R3")
    cell = "/sanitation/proof/2021-05-24/R3/FLUSH/2/"
    for path, said in {
        "/sanitation/": "75.0%", cell: "缺口", f"/sanitation/findings/{row.pk}/": "第 2 遍的全部证据", "/sanitation/review/": "都判断得出",
        "/sanitation/findings/?kind=missed&state=open&road=R3&day=2021-05-24": "漏做 第 2 遍", "/sanitation/reports/": "2021-05",
        "/sanitation/reports/2021-05/": "分道路", "/sanitation/reports/2021-05-24/": "分车辆",
    }.items():  # fmt: skip
        with django_assert_max_num_queries(40):
            found = client.get(path)
        assert found.status_code == 200 and said in found.content.decode(), path
    assert "Missed" in client.get(cell, headers={"Accept-Language": "en"}).content.decode()
    assert cell in client.get("/sanitation/").content.decode()
    assert (
        load_workbook(BytesIO(client.get("/sanitation/reports/2021-05/?format=xlsx").content)).sheetnames[0] == "分日"
    )
    for wrong in (
        "/sanitation/?day=x",
        cell.replace("R3", "R99"),
        "/sanitation/reports/2021-13/",
        "/sanitation/findings/9999/",
    ):
        assert client.get(wrong).status_code == 404, wrong
    client.force_login(book.person("street"))
    assert client.get("/sanitation/").status_code == 200
    assert client.post("/sanitation/proof/2021-05-24/prove/").status_code == 403
    client.force_login(book.person("department", book.water))
    assert client.get("/sanitation/").status_code == 403


def test_what_nobody_can_tell_is_no_finding_and_why_a_pass_falls_short_is_said(book):
    """V1 goes silent, V2 drives without water and then too fast, V3 stops half way."""
    plan()
    day = Driver(DAY)
    for _vehicle, code, no, at in PLAN:
        who = {"R1": "V1", "R2": "V2", "R3": "V3"}[code[:2]]
        if who == "V1":
            continue
        how = {("R2E", 1): {"on": 0}, ("R2W", 1): {"kmh": 30.0}, ("R3E", 1): {"part": (0.0, 0.5)}}.get((code, no), {})
        day.work("V3" if code in ("R2E", "R2W") and no == 2 else who, code, at, **how)
    proof = actions.prove(DAY, day.fixes, day.codes, NEXT)
    found = {
        (p.segment.code, p.pass_no): (p.state, p.wrong, p.why)
        for p in proof.passes.select_related("segment")
        if p.pass_no
    }
    assert all(found[f"R1{side}", no] == ("unsure", "", "silent") for side in "EW" for no in (1, 2))
    assert found["R2E", 1] == ("missing", ",dry,", "") and found["R2W", 1] == ("short", ",too_fast,", "")
    assert found["R3E", 1] == ("short", ",short,", "")
    assert set(ServiceFinding.objects.values_list("road__code", flat=True)) == {"R2", "R3"}
    assert figures.percent(unsure(proof.figures["all"])) == pytest.approx(33.3)
    # the same again is the same proof, and the raw fixes give the same certificate in any order of upload
    assert actions.prove(DAY, day.fixes, day.codes, NEXT).pk == proof.pk
    assert (
        actions.again(proof, day.fixes.sorted(np.random.default_rng(1).permutation(day.fixes.t.size)), day.codes) == []
    )
    moved = replace(day.fixes, lat=day.fixes.lat + 1e-3)
    found = {part["what"]: part for part in actions.again(proof, moved, day.codes)}
    assert (
        list(found) == ["fixes", "verdicts"] and ("R3E", ServiceMode.objects.get().pk, 1) in found["verdicts"]["passes"]
    )


@pytest.mark.once
def test_without_a_plan_the_modes_ask_and_the_present_day_is_not_over(book):
    day = Driver(DAY)
    day.work("V2", "R1E", "5:00")
    noon = clock.from_local(datetime(2021, 5, 24, 9, 0))
    proof = actions.prove(DAY, day.fixes, day.codes, noon)
    found = proof.figures["all"]
    assert proof.plan is None and not proof.closed and found["planned"] == 12
    assert (found["done"], found["pending"], found["missing"]) == (1, 6, 5)
    assert findings.due(NEXT) == []  # nothing of a day that is not over becomes a case


@pytest.mark.nodb
@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300)).map(lambda p: (min(p), max(p))), max_size=8),
    st.integers(1, 3),
)
@settings(max_examples=20, deadline=None)
def test_a_pass_is_never_more_than_its_segment(spans, runs):
    visits = [reckon.Visit(0, 0, 0.0, 60.0, {1: [s], 2: [s], 3: [s]}) for s in spans]
    found = reckon.judged(reckon.Outcome(None, 0, 1, ""), visits, 300.0, runs, reckon.Rules())
    assert found.sure <= found.serviced <= found.possible <= 300 and found.runs <= len(visits)
    assert found.serviced + total(found.gaps) <= 300 + 1e-6
    more = reckon.judged(
        reckon.Outcome(None, 0, 1, ""), [*visits, visits[0]] if visits else [], 300.0, runs, reckon.Rules()
    )
    assert more.sure >= found.sure and (found.state != "done" or more.state == "done")


@pytest.mark.nodb
def test_runs_over_the_width_are_counted_and_turns_at_the_ends_are_believed_twice():
    def visit(low, high, sure):
        return reckon.Visit(0, 0, 0.0, 60.0, {1: [(low, high)], 2: [(low, high)], 3: [sure]})

    def state(runs, *visits):
        return reckon.judged(reckon.Outcome(None, 0, 1, ""), list(visits), 300.0, runs, reckon.Rules()).state

    whole, clear = visit(5, 295, (45, 260)), visit(0, 300, (0, 300))
    assert state(1, whole) == "unsure" and state(2, whole, whole) == "done"
    assert state(2, clear) == "short" and state(3, whole, whole) == "short"
    middle = visit(0, 300, (0, 100))  # vague in between: as a parallel road would make it, however often
    assert state(2, middle, middle) == "unsure"
