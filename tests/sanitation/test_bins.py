"""Work at litter bins: a phone says it, once, beside the bin; what that makes of the promise; what nobody can fake by asking twice."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.sanitation.bins import day, keys, visits
from shaodao.sanitation.bins.rules import Said, drawn, proven
from shaodao.sanitation.bins.visits import Sent
from shaodao.sanitation.models import Bin, BinVisit, Crew
from tests.sanitation.book import book, put

NOW = datetime(2026, 6, 15, 1, 0, tzinfo=UTC)
HERE = "113.2,40.0"


@pytest.fixture
def key(town):
    with clock.freeze(NOW):
        book()
        put("round", R={"wipes": 2, "empties": 2, "disinfections": 1, "windows": []})
        put(
            "bin",
            **{f"B{n}": {"lon": 113.2, "lat": 40.0, "type": "litter", "round": "R", "road": "R1"} for n in (1, 2)},
        )
        yield keys.issue(Actor.of(town.person("headquarters")), Crew.objects.get(), "小王")


def unphotographed(prefix="v"):
    return next(f"{prefix}{n}" for n in range(999) if not drawn(f"{prefix}{n}", 0.05))


def visit(key, code="B1", tasks=("empty",), **given):
    given.setdefault("visit", unphotographed())
    return visits.record(key, Bin.objects.get(code=code), Sent(tasks=tasks, **given))


def test_a_day_against_the_promise(key):
    visit(key, tasks=("wipe", "empty"), position=HERE)
    visit(key, tasks=("empty",), position=HERE, visit=unphotographed("again"))  # within half an hour: the same
    with clock.freeze(NOW + timedelta(hours=2)):
        visit(key, tasks=("empty",), visit=unphotographed("later"))
        visit(key, "B2", tasks=("empty", "look"), position="113.21,40.0", visit=unphotographed("far"), trouble="full")
        (line,) = day.of(NOW.date()).lines
    assert vars(line.rates["empty"]) == {"planned": 4, "done": 2, "unsure": 1}
    assert vars(line.rates["wipe"]) == {"planned": 4, "done": 1, "unsure": 0}
    assert line.rates["disinfect"].share == 0 and (line.collected, line.bins) == (1, 2)
    assert [(b.code, m) for b, m in line.short] == [
        ("B1", {"wipe": 1, "disinfect": 1}), ("B2", {"wipe": 2, "empty": 2, "disinfect": 1})
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 300), st.sampled_from([None, 5.0, 500.0])), max_size=12),
    st.randoms(),
)
def test_order_and_repetition_prove_nothing(rows, random):
    said = [Said(b, "empty", NOW + timedelta(minutes=m), far) for b, m, far in rows]
    shuffled = [*said, *said]
    random.shuffle(shuffled)
    times = {k: d.times for k, d in proven(said, 30, 100).items()}
    assert times == {k: d.times for k, d in proven(shuffled, 30, 100).items()}
    assert all((b - a).total_seconds() >= 1800 for t in times.values() for a, b in pairwise(t))


def test_the_same_visit_twice_is_one_and_another_phone_s_is_refused(key, town):
    first = visit(key)
    assert [v.pk for v in visit(key)] == [v.pk for v in first] and BinVisit.objects.count() == 1
    other = keys.issue(Actor.of(town.person("headquarters")), key.crew, "小李")
    with pytest.raises(Invalid):
        visit(other)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tasks": ()}, "tasks"), ({"tasks": ("burn",)}, "tasks"), ({"at": "gestern"}, "at"),
        ({"at": "2026-06-15T09:00:00"}, "at"), ({"at": "2026-06-15T03:00:00+00:00"}, "at"),
        ({"at": "2026-06-01T03:00:00+00:00"}, "at"), ({"position": "113.2"}, "position"), ({"trouble": "?"}, "trouble"),
        ({"note": "x" * 301}, "note"), ({"visit": ""}, "visit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(key, given, field):
    with pytest.raises(Invalid) as error:
        visit(key, **given)
    assert list(error.value.errors) == [field] and not BinVisit.objects.exists()


def test_the_sample_is_asked_for_a_photo(key):
    mine = next(f"p{n}" for n in range(999) if drawn(f"p{n}", 0.05))
    with pytest.raises(Invalid) as error:
        visit(key, visit=mine)
    assert list(error.value.errors) == ["photos"]
    (row,) = visit(key, visit=mine, at=NOW.isoformat())  # noted without a network: kept, and proves nothing
    assert row.photo_asked and day.of(NOW.date()).lines[0].rates["empty"].unsure == 1
    assert 0.03 < sum(drawn(str(n), 0.05) for n in range(2000)) / 2000 < 0.07


def test_beside_the_bin(key, town):
    phone = Client()
    assert "告诉我们" in phone.get("/sanitation/bins/at/B1/").content.decode()  # anybody
    assert phone.post("/sanitation/bins/at/B1/", {"tasks": ["empty"], "visit": "x"}).status_code == 403
    link = f"/sanitation/crew/{keys.token_of(key)}/"
    with clock.freeze(NOW + timedelta(days=1)):
        assert link == f"/sanitation/crew/{keys.token_of(key)}/"  # a phone keeps pages by their address
    assert phone.get(link).status_code == 200
    assert "记下" in phone.get("/sanitation/bins/at/B1/").content.decode()
    sent = phone.post("/sanitation/bins/at/B1/", {"tasks": [], "visit": unphotographed()})
    assert sent.status_code == 422 and "只查看" in sent.content.decode()
    assert phone.post("/sanitation/bins/at/B1/", {"tasks": ["empty"], "visit": unphotographed()}).status_code == 302
    body = [
        {"bin": "B2", "visit": unphotographed("q"), "tasks": ["wipe"], "at": NOW.isoformat()},
        {"bin": "gone", "visit": "g", "tasks": ["wipe"], "at": NOW.isoformat()},
    ]
    answer = phone.post("/sanitation/bins/queue/", json.dumps(body), content_type="application/json").json()
    assert answer[body[0]["visit"]] == "ok" and list(answer["g"]) == ["bin"]
    for bad in ("[", "{}", "[1]"):
        assert phone.post("/sanitation/bins/queue/", bad, content_type="application/json").status_code == 400
    keys.withdraw(Actor.of(town.person("headquarters")), key.pk)
    assert phone.get(link).status_code == 404
    assert phone.post("/sanitation/bins/queue/", "[]", content_type="application/json").status_code == 403
    assert Client().get("/sanitation/crew/forged/").status_code == 404


def test_pages_of_the_office(key, town):
    visit(key, trouble="damaged")
    office = Client()
    office.force_login(town.person("headquarters"))
    with CaptureQueriesContext(connection) as few:
        page = office.get("/sanitation/bins/?day=2026-06-15").content.decode()
    assert "破损" in page and 'data-bin="B2"' in page
    more = {f"C{n}": {"lon": 113.2, "lat": 40.0, "type": "litter", "round": "R", "road": "R1"} for n in range(30)}
    put("bin", **more)
    with CaptureQueriesContext(connection) as many:
        office.get("/sanitation/bins/?day=2026-06-15")
    assert len(many) == len(few)
    assert office.get("/sanitation/bins/sheet/?road=R1").content.decode().count("<svg") >= 24
    tours = office.get("/sanitation/bins/tours/R/").content.decode()
    assert (
        "32 个果皮箱" in tours and "辆收运车" in tours and office.get("/sanitation/bins/tours/none/").status_code == 404
    )
    assert office.post("/sanitation/bins/phones/", {"crew": "C", "label": ""}).status_code == 422
    made = office.post("/sanitation/bins/phones/", {"crew": "C", "label": "小赵"})
    assert "/sanitation/crew/" in office.get(made.url).content.decode()
    assert office.post(made.url).status_code == 302
    street = Client()
    street.force_login(town.person("street"))
    assert street.get("/sanitation/bins/").status_code == 200
    assert street.get("/sanitation/bins/phones/").status_code == 403 and street.post(made.url).status_code == 403
    with pytest.raises(Refused):
        keys.issue(Actor.of(town.person("street")), key.crew, "x")
