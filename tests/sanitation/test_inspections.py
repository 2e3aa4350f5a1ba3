"""Inspections: chance that can be drawn again, a card that is written once, photos, who may, what stands beside it."""

import json
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.cases.actions import Actor
from shaodao.cli import main
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.sanitation.inspections import actions, queries
from shaodao.sanitation.inspections.actions import Found
from shaodao.sanitation.inspections.drawing import Candidate, draw, frame_of
from shaodao.sanitation.models import DayProof, Inspection, InspectionRound, ProvenPass, ServiceMode
from tests.bikes.office import png
from tests.sanitation.book import book

NOW = datetime(2026, 6, 15, 1, 0, tzinfo=UTC)
DAY = date(2026, 6, 15)
FULL = {"carriageway": "30", "kerb": "20", "litter": "20", "stains": "15", "fittings": "0"}
LISTS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 900)), max_size=30).map(
    lambda rows: [Candidate(str(n), road, float(metres)) for n, (road, metres) in enumerate(rows)]
)


@pytest.fixture
def office(town):
    with clock.freeze(NOW):
        book()
        yield town


def draws(town, n=2, **given):
    return actions.sample(Actor.of(town.person("inspector")), DAY, n, **given)


def photo(name="a.png"):
    return SimpleUploadedFile(name, png(), "image/png")


@settings(max_examples=40)
@given(LISTS, st.integers(1, 50), st.integers(0, 9).map(str))
def test_a_sample_is_chance_without_choice(rows, n, seed):
    found = draw(rows, n, seed)
    assert found == draw(rows[::-1], n, seed) and frame_of(rows) == frame_of(rows[::-1])  # the order proves nothing
    assert len(found) == len(set(found)) == min(n, len(rows))
    assert found[: max(0, n - 1)] == draw(rows, n - 1, seed)  # a larger sample goes on where a smaller one ended
    if n >= len({r.road for r in rows}):
        assert {r.road for r in rows if r.code in found} == {r.road for r in rows}


def test_long_segments_come_more_often():
    rows = [Candidate("long", "a", 300.0), Candidate("short", "a", 100.0)]
    hits = sum(draw(rows, 1, str(seed)) == ["long"] for seed in range(800)) / 800
    assert hits == pytest.approx(0.75, abs=0.05)


def test_a_second_sample_needs_a_reason_and_both_stay(office):
    first = draws(office)
    with pytest.raises(Invalid) as error:
        draws(office)
    assert list(error.value.errors) == ["reason"]
    assert draws(office, reason="雨后复查").number == 2 and InspectionRound.objects.count() == 2
    for wrong in (0, "", "x", 501, "1.5"):
        with pytest.raises(Invalid):
            draws(office, n=wrong, reason="r")
    with pytest.raises(Refused):
        actions.sample(Actor.of(office.person("street")), DAY, 2)
    ran = CliRunner().invoke(main, ["sanitation", "redraw", str(first), "--json"])
    assert ran.exit_code == 0 and json.loads(ran.output)["same"]
    assert CliRunner().invoke(main, ["sanitation", "redraw", "2026-06-15-9"]).exit_code == 2
    assert CliRunner().invoke(main, ["sanitation", "redraw", "x"]).exit_code == 2


def test_the_card_is_written_once(office):
    row = draws(office).inspections.first()
    person = office.person("inspector")
    client = Client()
    client.force_login(person)
    page = f"/sanitation/inspections/at/{row.pk}/"
    form = {f"points_{code}": value for code, value in FULL.items()}
    for change, field in (
        ({"points_kerb": "21"}, "0 到 20"), ({"points_kerb": ""}, "0 到 20"), ({"points_kerb": "nan"}, "0 到 20"),
        ({"dust": "-1"}, "0 到 1000"), ({"position": "1"}, "经纬度"), ({"photos": []}, "至少一张照片"),
    ):  # fmt: skip
        answer = client.post(page, {**form, "photos": [photo()], **change})
        assert answer.status_code == 422 and field in answer.content.decode()
    sent = {**form, "dust": "7.5", "position": "113.205,40.0002", "photos": [photo(), photo("b.png")]}
    assert client.post(page, sent).status_code == 302
    row.refresh_from_db()
    assert (row.score, row.dust_g_m2, row.person_id) == (85.0, 7.5, person.pk)
    assert row.distance_m == pytest.approx(22.2, abs=0.3) and row.photos.count() == 2
    late = client.post(page, {**sent, "photos": [photo()]})
    assert late.status_code == 409 and "已经查过" in late.content.decode()
    with pytest.raises(Conflict):
        actions.record(Actor.of(person), row.pk, Found(FULL))
    other = row.round.inspections.exclude(pk=row.pk).get()
    assert client.post(f"/sanitation/inspections/at/{other.pk}/", {"impossible": "封路"}).status_code == 302
    other.refresh_from_db()
    assert other.score is None and other.impossible == "封路"
    html = client.get(f"/sanitation/inspections/{row.round_id}/").content.decode()
    assert "85.0" in html and "合格" in html and "封路" in html and row.round.seed in html
    assert client.get(f"/sanitation/inspections/{row.round_id}/?format=xlsx").content[:2] == b"PK"


def test_who_may_look_and_who_may_not(office):
    row = draws(office).inspections.first()
    street, department = Client(), Client()
    street.force_login(office.person("street"))
    department.force_login(office.person("department"))
    assert street.get(f"/sanitation/inspections/{row.round_id}/").status_code == 200
    assert street.get(f"/sanitation/inspections/at/{row.pk}/").status_code == 403
    assert street.post("/sanitation/inspections/", {"day": "2026-06-15", "n": "3", "reason": "x"}).status_code == 403
    assert department.get("/sanitation/inspections/").status_code == 403
    hq = Client()
    hq.force_login(office.person("headquarters"))
    for day in ("", "yesterday", "2031-01-01"):
        assert hq.post("/sanitation/inspections/", {"day": day, "n": "3", "reason": "x"}).status_code == 422


def test_means_and_cases_beside(office):
    found = draws(office)
    with CaptureQueriesContext(connection) as queries_:
        rows = queries.of_round(found)
    assert len(queries_) == 4 and [r.cases for r in rows] == [0, 0] and [r.proven for r in rows] == [None, None]
    proof = DayProof.objects.create(day=DAY, made_at=NOW)
    states = ("done", "short", "unsure", "missing", "pending")
    ProvenPass.objects.bulk_create(
        ProvenPass(proof=proof, segment=rows[0].segment, mode=ServiceMode.objects.get(), pass_no=n, state=s, length_m=1)
        for n, s in enumerate(states, 1)
    )
    assert [r.proven for r in queries.of_round(found)] == [(1, 3, 1), None]
    office.report(lon=113.205, lat=40.0001)
    assert all(r.cases == 1 for r in queries.of_round(found))
    assert queries.Mean.of([90.0, 80.0]) == queries.Mean(2, 85.0, 9.8) and queries.Mean.of([]).value is None
    assert Inspection.objects.count() == 2
