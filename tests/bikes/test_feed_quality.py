"""The quality of an operator's data, to be read: numbers of the page, its files and the API are the ingest's."""

import csv
import io
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from shaodao.bikes import feed_quality
from shaodao.bikes.ingest.receive import failed, ingest
from shaodao.bikes.models import FeedQuality
from shaodao.bikes.words import LATENCY
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from shaodao.kernel import datum
from shaodao.organisations import tokens
from tests.bikes.street import LAT, LON, METRE, bay, fix, sent

PAGE = "/bikes/operators/BIKE-A/quality/"


@pytest.fixture
def operator(office):
    return office.brought_to("admitted")


def take(operator, *fixes, source="mds", **given):
    return ingest(operator, sent(*fixes), source, clock.now(), **given)


def report(operator, days=30):
    return feed_quality.report(operator, days, clock.now())


def a_bad_day(operator):
    """Three kept (one late on its way, one outside), a duplicate, three rejected, two failures."""
    take(operator, fix("a", ago_s=1), fix("b", ago_s=1000), fix("c", ago_s=8, lon=113.5))
    take(operator, fix("a", ago_s=1), fix(None), fix("x" * 200), fix("d", ago_s=-4000), source="mds")
    failed(operator, "gbfs", "gbfs.json: 服务器答复 HTTP 500", clock.now())
    failed(operator, "gbfs", "=HYPERLINK(1)", clock.now())


def test_the_sums_of_days_and_doors(operator):
    a_bad_day(operator)
    found = report(operator)
    assert [(line.source, line.row.kept, line.repeated, line.bad) for line in found.lines] == [
        ("gbfs", 0, 0, 0),
        ("mds", 3, 1, 3),
    ]
    assert found.totals == {"received": 7, "kept": 3, "repeated": 1, "bad": 3, "calls": 4, "failures": 2, "gaps": 0}
    assert {code: n for code, _text, n in found.reasons} == {"no_id": 1, "long_id": 1, "future": 1}
    assert {code: n for code, _text, n in found.marked} == {"outside": 1, "stale": 1}
    assert [c["n"] for c in found.latency] == [1, 0, 0, 1, 0, 0, 0, 0, 1, 0] and sum(
        c["percent"] for c in found.latency
    ) == pytest.approx(100, abs=0.2)
    assert (found.median, found.p95) == ("≤ 10 秒", "≤ 1 小时")
    assert [(row["n"], row["why"]) for row in found.examples] == [(2, "no_id"), (3, "long_id"), (4, "future")]


def test_only_the_last_thirty_days_of_the_districts_calendar(operator):
    for days in (0, 29, 30, 45):
        with clock.freeze(clock.now() - timedelta(days=days)):
            take(operator, fix(f"v{days}"))
    assert [line.day.isoformat() for line in report(operator).lines] == ["2021-05-24", "2021-04-25"]
    assert len(report(operator, 46).lines) == 4


@pytest.mark.nodb
def test_quantiles_are_edges_of_classes():
    counts = [0] * (len(LATENCY) + 1)
    assert feed_quality.quantile(counts, 0.5) is None and feed_quality.within(None) == "—"
    counts[0], counts[4] = 50, 50
    assert (
        feed_quality.quantile(counts, 0.5),
        feed_quality.quantile(counts, 0.51),
        feed_quality.quantile([], 0.5),
    ) == (0, 4, None)
    counts[-1] = 10_000
    assert feed_quality.within(feed_quality.quantile(counts, 0.95)) == "超过 1 小时"
    assert [feed_quality.span(s) for s in (59, 60, 3599, 7200)] == ["59 秒", "1 分", "59 分", "2 小时"]


def test_gaps_are_those_of_feeds_not_of_files(operator):
    for minutes in (0, 20):
        with clock.freeze(clock.now() + timedelta(minutes=minutes)):
            take(operator, fix("a"))
            take(operator, fix("b"), source="file")
    by_door = {line.source: line.as_dict() for line in report(operator).lines}
    assert (by_door["mds"]["gaps"], by_door["mds"]["longest_gap_s"]) == (1, 1200)
    assert by_door["file"]["gaps"] is None and report(operator).totals["gaps"] == 1


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_datum_is_said_whatever_the_door(operator):
    rng = np.random.default_rng(5)
    lon, lat = LON + rng.uniform(0, 0.02, 60), LAT + rng.uniform(0, 0.02, 60)
    for k in range(60):
        bay(f"B{k}", float(lon[k]), float(lat[k]))
    wrong = datum.from_wgs84(lon + 3 * METRE, lat, "GCJ-02")
    take(operator, *[fix(f"v{k}", lon=float(wrong[0][k]), lat=float(wrong[1][k])) for k in range(60)])
    (said,) = report(operator).findings
    assert "GCJ-02" in said
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        take(operator, *[fix(f"v{k}", lon=float(lon[k]), lat=float(lat[k])) for k in range(60)])
        assert report(operator).findings == []


@pytest.mark.parametrize(
    ("ago", "what"),
    [(3_610, "慢了整 1 小时"), (8 * 3600 + 30, "慢了整 8 小时"), (-3_600, "在将来"), (60, ""), (5_400, "")],
)
def test_a_clock_that_is_off(operator, ago, what):
    take(operator, *[fix(f"v{n}", ago_s=ago + n % 20) for n in range(40)])
    found = report(operator).findings
    assert (what in found[0] and len(found) == 1) if what else found == []


def test_what_happened_days_ago_is_not_said_any_more(operator):
    with clock.freeze(clock.now() - timedelta(days=3)):
        take(operator, *[fix(f"v{n}", ago_s=3_610) for n in range(40)])
        assert len(report(operator).findings) == 1
    assert report(operator).findings == []


# ── page, files, API ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_it_in_both_languages(operator, browse):
    own = browse("owner", operator)
    assert "还没有收到位置" in own.get(PAGE).content.decode()
    a_bad_day(operator)
    text = own.get(PAGE).content.decode()
    for part in ('data-total="received">7<', 'data-total="bad">3<', 'data-reason="long_id">1<', 'data-marked="outside">1<',
                 "HYPERLINK", "≤ 10 秒 / ≤ 1 小时"):  # fmt: skip
        assert part in text, part
    assert PAGE in own.get("/bikes/operators/BIKE-A/").content.decode()
    english = browse("hq", language="en").get(PAGE).content.decode()
    assert "From fix to receipt" in english and "≤ 10 s" in english


def test_the_files_hold_the_same_rows_and_no_formula(operator, browse):
    a_bad_day(operator)
    own = browse("owner", operator)
    answer = own.get(PAGE + "?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert "quality-BIKE-A.csv" in answer["Content-Disposition"]
    assert [(r["来源"], r["收到"], r["收下"], r["重复"], r["不合格"]) for r in rows] == [
        ("GBFS", "0", "0", "0", "0"),
        ("MDS", "7", "3", "1", "3"),
    ]
    assert rows[0]["最近一次失败"] == "'=HYPERLINK(1)" and "时间在将来 1" in rows[1]["不合格原因"]
    sheet = load_workbook(io.BytesIO(own.get(PAGE + "?format=xlsx").content)).worksheets[0]
    cells = list(sheet.iter_rows(values_only=True))
    assert len(cells) == 3 and cells[2][3] == 7 and sheet.cell(2, 15).data_type == "s"
    assert LogEntry.objects.filter(action="quality.export", subject="operator:BIKE-A").count() == 2


def test_the_api_gives_the_numbers(office, operator):
    a_bad_day(operator)
    _row, plain = tokens.issue(office.clerk(operator), "reader", ["read"], clock.now())
    client = Client(headers={"Authorization": f"Bearer {plain}"})
    said = client.get("/api/v1/bikes/operators/BIKE-A/quality").json()
    mds = said["items"][1]
    assert said["days"] == 30 and mds["source"] == "mds" and mds["repeated"] == 1
    assert mds["reasons"] == {"duplicate": 1, "no_id": 1, "long_id": 1, "future": 1}
    assert mds["latency"]["counts"] == [1, 0, 0, 1, 0, 0, 0, 0, 1, 0] and mds["latency"]["median_at_most_s"] == 10
    assert said["items"][0]["failures"] == 2 and said["items"][0]["latency"]["mean_s"] is None
    assert client.get("/api/v1/bikes/operators/BIKE-A/quality?days=0").status_code == 422
    office.brought_to("admitted", "BIKE-B")
    assert client.get("/api/v1/bikes/operators/BIKE-B/quality").status_code == 404


def test_an_operator_sees_only_its_own(office, operator, browse):
    other = office.brought_to("admitted", "BIKE-B")
    assert browse("owner", other).get(PAGE).status_code == 403
    assert browse("owner", other).get(PAGE + "?format=csv").status_code == 403
    assert browse("duty_leader").get(PAGE).status_code == 200
    assert "数据接入" not in browse("duty_leader").get(PAGE).content.decode()
    assert browse("hq").get("/bikes/operators/NOBODY/quality/").status_code == 404


def test_as_many_queries_for_a_month_as_for_a_day(operator, browse):
    own, counts = browse("owner", operator), []
    a_bad_day(operator)
    own.get(PAGE)
    for _again in range(2):
        with CaptureQueriesContext(connection) as asked:
            own.get(PAGE)
        counts.append(len(asked))
        for day in range(1, 25):
            with clock.freeze(clock.now() - timedelta(days=day)):
                take(operator, fix(f"v{day}"), fix(None))
    assert FeedQuality.objects.count() == 26 and counts[0] == counts[1] <= 14, counts
