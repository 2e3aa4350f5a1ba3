"""Pages of plans: made in the background, drawn, compared, edited by hand, published, taken back; who may, what is stale."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.foundation import jobs
from shaodao.foundation.models import Job
from shaodao.sanitation.models import DayPlan, Leg, Trip
from shaodao.sanitation.plan import actions, background, comparing, facts, gantt, stored
from tests.sanitation.book import SYSTEM, put
from tests.sanitation.test_plan_actions import DAY, _made, made  # noqa: F401 - fixtures

pytestmark = pytest.mark.once
HOME = "/sanitation/plans/"


def client(town, role="headquarters", language="zh-hans"):
    found = Client(headers={"Accept-Language": language})
    found.force_login(town.person(role))
    return found


def test_made_by_the_clock_with_progress_and_cancelled(made):  # noqa: F811
    town, _plan = made
    hq = client(town)
    for wrong, field in (({"day": "x"}, "日期看不懂"), ({"seconds": "0"}, "秒之间"), ({"seconds": "1e9"}, "整数"), ({"seed": "-1"}, "整数")):  # fmt: skip
        answer = hq.post(HOME, {"day": "2021-05-24", "seconds": "1", "seed": "0", **wrong})
        assert answer.status_code == 422 and field in answer.content.decode()
    page = hq.post(HOME, {"day": "2021-05-24", "seconds": "1", "seed": "3"}).url
    assert "data-job-state" in hq.get(page).content.decode()
    assert jobs.work(5) == 2
    plan = DayPlan.objects.get(pk=Job.objects.get().result["plan"])
    assert (plan.seed, plan.state) == (3, "draft") and hq.get(page).url == f"{HOME}{plan.pk}/"
    again = hq.post(HOME, {"day": "2021-05-25", "seconds": "1", "seed": "3"}).url
    assert hq.post(f"{again}cancel/").status_code == 302 and jobs.work(5) == 0
    assert not DayPlan.objects.filter(day="2021-05-25").exists()
    street = client(town, "street")
    assert street.post(HOME, {"day": "2021-05-24", "seconds": "1", "seed": "0"}).status_code == 403


def test_the_page_draws_it_in_few_queries(made):  # noqa: F811
    town, plan = made
    hq, page = client(town), f"{HOME}{plan.pk}/"
    html = hq.get(page).content.decode()
    assert 'class="gantt"' in html and "bar-flush" in html and "bar-fill" in html and "100.0%" in html
    with CaptureQueriesContext(connection) as few:
        hq.get(page)
    trip = Trip.objects.filter(plan=plan).first()
    last = trip.legs.last()
    Leg.objects.bulk_create(
        Leg(trip=trip, seq=last.seq + 1 + n, kind="wait", begin_s=last.end_s, end_s=last.end_s) for n in range(300)
    )
    with CaptureQueriesContext(connection) as many:
        hq.get(page)
    assert len(many) == len(few) <= 36
    assert "Flushing pass 1" in client(town, language="en").get(page).content.decode()
    for query, n in (("", 2), ("?mode=FLUSH", 2), ("?vehicle=V", 4), ("?vehicle=none", 0), ("?mode=none", 0)):
        assert len(hq.get(f"{page}map.geojson{query}").json()["features"]) >= n
    assert hq.get(f"{page}?format=xlsx").content[:2] == b"PK"
    assert client(town, "street").get(page).status_code == 200
    assert client(town, "operator").get(page).status_code == 403
    assert hq.get(f"{HOME}999999/").status_code == 404


def test_a_day_is_edited_by_hand_and_published(made):  # noqa: F811
    town, plan = made
    hq, page = client(town), f"{HOME}{plan.pk}/vehicles/V/"
    html = hq.get(page).content.decode()
    lines = re.findall(r'data-leg="(\d+)"', html)
    first = re.search(r'name="first" value="(\d+)"><input type="hidden" name="last" value="(\d+)"', html).groups()
    assert lines and "加水" in html
    form = {"version": plan.version, "trip": 0, "first": first[0], "last": first[1]}
    for wrong in ({"do": "give", "to": ""}, {"do": "give", "to": "nobody"}, {"do": "burn"}, {"do": "out", "first": "99999"}):  # fmt: skip
        assert hq.post(page, {**form, **wrong}).status_code == 422
    assert hq.post(page, {**form, "do": "out", "version": plan.version + 1}).status_code == 409
    gone = hq.post(page, {**form, "do": "out"})
    new = DayPlan.objects.get(pk=re.search(r"/plans/(\d+)/", gone.url)[1])
    assert new.parent_id == plan.pk and new.figures["planned_share"] < 1
    assert f"#{plan.pk}" in hq.get(gone.url).content.decode()
    compare = hq.get(f"{HOME}{plan.pk}/compare/{new.pk}/").content.decode()
    assert "不排了" in compare and "清洗 第 1 遍" in compare
    publish = f"{HOME}{new.pk}/publish/"
    refused = hq.post(publish, {"version": new.version})
    if refused.status_code == 409:  # what was taken out leaves a pass with runs missing
        assert "写明理由" in refused.content.decode()
        assert hq.post(publish, {"version": new.version, "reason": "先发，下午补"}).status_code == 302
    new.refresh_from_db()
    assert new.state == "published"
    assert hq.post(publish, {"version": 1, "reason": "x"}).status_code == 409
    assert hq.post(f"{HOME}{new.pk}/withdraw/", {"version": new.version, "reason": ""}).status_code == 422
    assert hq.post(f"{HOME}{new.pk}/withdraw/", {"version": new.version, "reason": "下雨"}).status_code == 302
    street = client(town, "street")
    assert street.post(page, {**form, "do": "out"}).status_code == 403
    for act in ("publish", "withdraw", "replan"):
        assert street.post(f"{HOME}{plan.pk}/{act}/", {"version": 1}).status_code == 403


def test_the_rest_of_the_day(made):  # noqa: F811
    town, plan = made
    hq, page = client(town), f"{HOME}{plan.pk}/replan/"
    form = {"at": "09:15", "broken": ["V"], "mode": "FLUSH", "closed": "10:00-11:00", "seconds": "1", "reason": "坏了"}
    assert hq.get(page).status_code == 200
    for wrong, said in (
        ({"at": "25:00"}, "10:00"),
        ({"closed": "x"}, "不是时段"),
        ({"broken": ["nobody"]}, "没有编码"),
    ):
        answer = hq.post(page, {**form, **wrong})
        assert answer.status_code == 422 and said in answer.content.decode()
    assert hq.post(page, form).status_code == 302
    jobs.work(5)
    new = DayPlan.objects.get(parent=plan)
    assert new.changes["broken"] == {"V": 33_300} and new.from_s == 33_300 and new.reason == "坏了"


def test_bars_and_changes_of_plain_trips(made):  # noqa: F811
    _town, plan = made
    day, trips = facts.read(DAY), stored.trips_of(plan)
    (row,) = gantt.rows(day, trips, {})
    assert all(a.end_s <= b.begin_s + 1 for a, b in zip(row.bars, row.bars[1:], strict=False))
    assert sum(bar.segments for bar in row.bars) == sum(len(t.services) for t in trips)
    assert gantt.closed(day) == [(0.0, 32400.0), (46800.0, 86400.0)]
    assert comparing.changes(day, trips, trips) == []
    assert sum(c.gone for c in comparing.changes(day, trips, [])) == 2


def test_who_lost_the_post_gets_no_plan(made):  # noqa: F811
    town, _plan = made
    from shaodao.cases.actions import Actor

    person = town.person("headquarters", username="leaver")
    background.hand_in(DAY, {"seconds": 1, "seed": 9, "reason": ""}, Actor.of(person))
    person.posts.update(active=False)
    jobs.work(5)
    assert Job.objects.get().state == "failed" and not DayPlan.objects.filter(seed=9).exists()
    put("vehicle", W={"type": "washer", "crew": "C", "tank_m3": 1.0, "working_kmh": 15.0, "transfer_kmh": 30.0})
    assert actions.make(DAY, SYSTEM, rounds=2).figures["vehicles"][1]["vehicle"] == "W"
