"""Tracks: what each door takes and leaves out, that nothing is kept twice or lost on the way, that a day reads back the same."""

import csv
import gzip
import random
import threading
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from shaodao.book import actions
from shaodao.cases import tasks
from shaodao.cli import main
from shaodao.foundation import clock, district, jobs
from shaodao.foundation.listen import Message, Subscriber
from shaodao.foundation.models import District, Job, LogEntry
from shaodao.kernel import datum
from shaodao.organisations import tokens
from shaodao.sanitation.kinds import KINDS
from shaodao.sanitation.models import Box, TrackBatch, TrackCount, TrackDay
from shaodao.sanitation.tracks import columns, files, keep, keys, mqtt, receive, store, summary
from shaodao.sanitation.tracks.sent import of_items
from tests.broker import Publisher, on_broker, own_url, until
from tests.sanitation.book import SYSTEM, book, put

DAY = date(2021, 5, 24)
NOW = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)  # 09:00 in Datong
AT = int(NOW.timestamp() * 1000)
URL = "/api/v1/sanitation/tracks"
url = pytest.fixture(own_url)


@pytest.fixture
def fleet(monday, town):
    book()
    put("vehicle", V2={"type": "washer", "crew": "C", "tank_m3": 8.0, "working_kmh": 5.0, "transfer_kmh": 30.0})
    put("box", B1={"vehicle": "V"}, B2={"vehicle": "V2", "datum": "GCJ-02"})
    settle(department="SANI")
    return town


def settle(**block):
    District.objects.update(settings={"sanitation": block})
    district.forget()


def fix(seconds=-60, **more):
    return {"vehicle": "V", "time": AT + seconds * 1000, "lon": 113.2005, "lat": 40.0005, **more}


def taken(*items, door="http", now=NOW, owners=None):
    return receive.take(of_items(list(items), owners=owners), door, now)


def why(found):
    return [(fault["row"], fault["why"]) for fault in found.faults]


# ── what is taken ────────────────────────────────────────────────────────────────────────────────────────────────


def test_right_rows_are_kept_and_each_wrong_one_is_named(fleet):
    bad = {
        "no_object": [1, None, "x", []], "no_name": [{}, fix(vehicle=None)], "unknown": [fix(vehicle="X"), fix(vehicle=[1])],
        "no_time": [fix(time="yesterday"), fix(time=True), fix(time="2021-05-24 24:30:00"), fix(time="9" * 5000)],
        "future": [fix(301)], "oldest": [fix(-31 * 86_400)], "swapped": [fix(lon=40.0005, lat=113.2005)],
        "no_position": [fix(lon="east"), fix(lat=None), fix(lon=0, lat=0), fix(lon=181), fix(lon=1e999)],
        "datum": [fix(datum="X")], "two_vehicles": [fix(box="B2")],
    }  # fmt: skip
    rows = [(why_, item) for why_, items in bad.items() for item in items]
    random.Random(1).shuffle(rows)
    found = taken(
        *(item for _why, item in rows),
        fix(box="B1", speed_kmh=-1, heading=400, working="?"),
        fix(-59, lon=116.4, lat=39.9),
    )
    marks = [(len(rows), mark) for mark in ("speed", "heading", "working")]
    assert sorted(why(found)) == sorted([(n, reason) for n, (reason, _item) in enumerate(rows)] + marks)
    assert (found.kept, found.rejected, found.reasons) == (2, len(rows), {k: len(v) for k, v in bad.items()})
    read, codes = store.of_day(DAY)
    assert codes == ["V"] and np.isnan(read.speed).all() and read.working.tolist() == [-1, -1]
    sums = summary.doors(DAY)[0]
    assert (sums.received, sums.kept, sums.rejected) == (len(rows) + 2, 2, len(rows)) and sums.examples[0]["what"]


def test_a_fix_reads_back_as_it_was_sent_and_the_same_again_is_known(fleet):
    lon, lat = datum.from_wgs84([113.2005], [40.0005], "GCJ-02")
    items = [
        fix(-3, speed_kmh=9.5, heading=360, working=True), fix(-2, working="关"), fix(-2, working="关"),
        fix(-1, vehicle=None, box=" B2 ", lon=float(lon[0]), lat=str(float(lat[0])), speed_kmh="18"),
        fix(time="2021-05-24T08:59:50+08:00"), fix(time="2021-05-24 08:59:51"), fix(time=(AT - 4000) / 1000),
    ]  # fmt: skip
    found = taken(*items)
    assert (found.kept, found.known, found.rejected, found.days) == (6, 1, 0, {"2021-05-24": 6})
    read, codes = store.of_day(DAY)
    assert codes == ["V", "V2"] and read.vehicle.tolist() == [0] * 5 + [1]
    assert (read.t * 1000 - AT).tolist() == [-10_000, -9_000, -4_000, -3_000, -2_000, -1_000]
    assert np.allclose(read.lon, 113.2005, atol=1e-7) and np.allclose(read.lat, 40.0005, atol=1e-7)
    assert read.speed[3] == pytest.approx(9.5 / 3.6) and read.speed[5] == pytest.approx(5.0) and read.heading[3] == 0
    assert read.working.tolist() == [-1, -1, -1, 1, 0, -1]
    changed = TrackDay.objects.get().changed_at
    again = taken(*items, fix(-3, speed_kmh=9.5, heading=360, working=True), now=NOW + timedelta(hours=1), door="file")
    assert (again.kept, again.known) == (0, 8) and TrackDay.objects.get().changed_at == changed
    assert store.of_day(DAY, ["V2"])[1] == ["V2"] and store.of_day(date(2021, 5, 1))[1] == []


def test_a_box_speaks_for_itself_and_late_fixes_are_of_the_vehicle_it_sat_in(fleet):
    found = taken(fix(vehicle=None), fix(-50, box="B2", vehicle=None), fix(-40, vehicle="V2"), owners=["B1"] * 3)
    assert why(found) == [(1, "foreign"), (2, "two_vehicles")] and found.kept == 1
    box = Box.objects.get(code="B1")
    assert box.heard_at == NOW
    later = NOW + timedelta(days=1)
    with clock.freeze(later):
        actions.change(KINDS["box"], SYSTEM, box.pk, {"vehicle": "V2"}, reason="换车")
        rows = [fix(-30, vehicle=None, box="B1"), fix(2 * 86_400, vehicle=None, box="B1")]
        assert taken(*rows, now=NOW + timedelta(days=3)).kept == 2
    assert store.of_day(DAY)[1] == ["V"] and store.of_day(date(2021, 5, 26))[1] == ["V2"]
    assert Box.objects.get(code="B1").version == 2
    late = TrackDay.objects.get(day=DAY)
    assert (late.fixes, late.vehicles, late.changed_at) == (2, 1, NOW + timedelta(days=3))


@pytest.mark.once
def test_a_day_of_twenty_five_hours_is_two_days(fleet):
    start = int(datetime(2021, 5, 22, 16, 0, tzinfo=UTC).timestamp())  # midnight in Datong
    found = taken(*(fix(time=start + 60 * minute) for minute in range(25 * 60)))
    assert found.days == {"2021-05-23": 1440, "2021-05-24": 60} and TrackDay.objects.count() == 2


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("AB"), st.integers(0, 2)), max_size=30), st.randoms())
@hypothesis(max_examples=20, deadline=None)
@pytest.mark.nodb
def test_what_is_known_is_found_whatever_the_order(rows, rng):
    """Without a database: cutting fixes into batches in any order loses none and keeps none twice."""

    def made(some):
        t, lon = np.array([r[0] for r in some], np.int64), np.array([r[2] for r in some], np.int32)
        return columns.Rows(t, lon, lon, lon.astype(np.int16), lon.astype(np.int16), lon.astype(np.int8))

    there = columns.together([])
    mixed = rows + rows[:3]
    rng.shuffle(mixed)
    for start in range(0, len(mixed), 4):
        part = made(mixed[start : start + 4]).ordered()
        there = columns.together([there, part.part(~columns.known(part, there))])
    assert (
        len(there) == len({(t, lon) for t, _v, lon in rows})
        and there.ordered().digest() == made(rows).ordered().digest()
    )
    assert columns.from_stream(columns.to_stream(there)).digest() == there.digest()


def test_queries_do_not_grow_with_fixes(fleet):
    def count(n):
        with CaptureQueriesContext(connection) as captured:
            taken(*(fix(-n * 10 - i, vehicle=("V", "V2")[i % 2]) for i in range(n)))
        return len(captured)

    count(2)
    assert count(4) == count(200) <= 24


# ── kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_clock_packs_a_day_into_one_file_and_changes_nothing_in_it(fleet):
    for n in range(4):
        taken(fix(-n), fix(-n, vehicle="V2"), fix(-86_400 - n))
    before = store.digest(*store.of_day(DAY))
    assert keep.pack(NOW + timedelta(minutes=5)) == 0 and TrackBatch.objects.filter(file="").count() == 12
    round = tasks.Round(NOW + timedelta(minutes=40))
    round.part("tracks", tasks.OTHERS["tracks"])
    assert round.counts["tracks"] == 3 and round.counts["failed"] == 0
    assert TrackBatch.objects.count() == len(list(store.root().rglob("*.parquet"))) == 3
    assert store.digest(*store.of_day(DAY)) == before
    assert taken(fix(-2), fix(-9)).known == 1  # known from the file too
    assert keep.pack(NOW, all_of_it=True) == 1 and len(store.of_day(DAY)[0].t) == 9
    assert TrackDay.objects.get(day=DAY).fixes == 9


def test_old_days_go_unless_a_proof_holds_them(fleet, monkeypatch, django_capture_on_commit_callbacks):
    taken(fix(), fix(-86_400))
    keep.pack(NOW, all_of_it=True)
    settle(keep_tracks_days=31)
    monkeypatch.setattr(keep, "_holders", [lambda day: day == DAY])
    with django_capture_on_commit_callbacks(execute=True):
        assert keep.end_retention(NOW + timedelta(days=40)) == 1
    assert [row.day for row in TrackDay.objects.all()] == [DAY] and len(store.of_day(DAY)[0].t) == 1
    assert [path.parent.name for path in store.root().rglob("*.parquet")] == ["day=2021-05-24"]
    assert LogEntry.objects.get(action="sanitation.tracks.ended").data == {"fixes": 1, "vehicles": 1}


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def post(client, token, body):
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post(URL, raw, "application/json", headers={"Authorization": f"Bearer {token}"})


def test_the_api_takes_tokens_of_boxes_and_of_the_fleet(fleet, client):
    plain = keys.issue(Box.objects.get(code="B1"), SYSTEM)
    done = post(client, plain, [fix(-1, vehicle=None), fix(-2, box="B2")])
    assert (
        done.status_code == 201
        and done.json()["kept"] == 1
        and done.json()["faults"][0]["what"] == "令牌属于另一个终端"
    )
    assert post(client, plain, [fix(-1, vehicle=None)]).status_code == 200
    assert set(post(client, plain, {"fixes": [fix(lat=95), 7]}).json()["errors"]) == {"fixes.0.lon", "fixes.1"}
    for body, status in ((b"{", 400), ({"a": 1}, 422), ([{}] * 5001, 413), (b" " * 2_100_000, 413)):
        assert post(client, plain, body).status_code == status, body[:9]
    assert summary.doors(DAY)[0].failures == 4
    _row, whole = tokens.issue(fleet.person("department", fleet.sanitation), "车队", ["tracks"], NOW)
    assert post(client, whole, [fix(-5), fix(-5, vehicle="V2")]).json()["kept"] == 2
    _row, other = tokens.issue(fleet.person("department", fleet.water), "x", ["tracks"], NOW)
    _row, narrow = tokens.issue(fleet.person("headquarters"), "x", ["read"], NOW)
    assert [post(client, t, [fix()]).status_code for t in (other, narrow, "sb_none", "x")] == [403, 403, 401, 401]
    assert client.post(URL, b"[]", "application/json").status_code == 401
    keys.revoke(Box.objects.get(code="B1"), SYSTEM)
    assert post(client, plain, [fix()]).status_code == 401


def test_too_many_calls_are_429(fleet, client):
    settle(tracks={"calls_per_minute": 2})
    plain = keys.issue(Box.objects.get(code="B1"), SYSTEM)
    assert [post(client, plain, []).status_code for _ in range(3)] in ([200, 200, 429], [200, 200, 200])


# ── MQTT ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_is_of_the_box_in_its_topic(fleet):
    bodies = [("B1", fix(vehicle=None)), ("B1", [fix(-5, vehicle=None, box="B2")]), ("NONE", fix()), ("B1", b"\xff")]
    mqtt.take([Message(code, b if isinstance(b, bytes) else orjson.dumps(b)) for code, b in bodies], NOW)
    row = TrackCount.objects.get(door="mqtt", vehicle="")
    assert (row.failures, row.faults, row.examples[0]["row"]) == (2, {"foreign": 1}, 1)
    assert TrackCount.objects.get(door="mqtt", vehicle="V").kept == 1
    found = mqtt.broker("mqtt://h/city?client_id=x")
    assert (found.topic, found.client_id) == ("city/+/tracks", "x-tracks")


@on_broker
@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_from_the_broker_to_the_database(town, url):
    book()
    put("box", B1={"vehicle": "V"})
    subscriber = Subscriber(mqtt.broker(url), mqtt.take)
    publisher = Publisher(subscriber.broker.topic_of("B1"))
    at = int(clock.now().timestamp() * 1000)

    def play():
        until(lambda: subscriber.connections, 10)
        time.sleep(0.3)
        for n in range(5):
            publisher.send([{"time": at - n * 1000, "lon": 113.2, "lat": 40.0, "working": 1}] * 2)
        until(lambda: sum(TrackDay.objects.values_list("fixes", flat=True)) == 5, 20)
        connection.close()  # of this thread
        subscriber.stop()

    thread = threading.Thread(target=play)
    thread.start()
    subscriber.run()
    thread.join()
    publisher.close()
    counts = TrackCount.objects.filter(vehicle="V")
    assert (sum(row.kept for row in counts), sum(row.known for row in counts)) == (5, 5)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def table(path, rows, titles=("vehicle", "time", "lon", "lat", "speed_kmh", "heading", "working")):
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as out:
        csv.writer(out).writerows([titles, *rows])
    return path


def ran(*arguments):
    done = CliRunner().invoke(main, ["sanitation", *map(str, arguments)])
    assert "Traceback" not in done.output
    return done


@pytest.mark.once
def test_a_file_at_the_command_line(fleet, tmp_path):
    good = [["V", "2021-05-24 08:00:00", 113.2, 40.0, 9, 90, 1], ["V", "2021-05-24 08:00:01", 113.2, 40.0, "", "", ""]]
    path = table(tmp_path / "t.csv.gz", [*good, ["V9", "2021-05-24 08:00:02", 113.2, 40.0, 9, 90, 1]])
    done = ran("ingest", path, "--json", "--lang", "en")
    found = orjson.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 1 and (found["kept"], found["rejected"], found["faults"][0]["row"]) == (2, 1, 2)
    assert ran("ingest", path).exit_code == 1 and "line 4 'V9'" in ran("ingest", path).output
    day = orjson.loads(ran("tracks", "2021-05-24", "--json").stdout.splitlines()[-1])
    assert (day["fixes"], day["vehicles_heard"], day["vehicles"][0]["working"]) == (2, 1, 1.0)
    assert (
        day["doors"][0]["known"] == 4
        and ran("tracks", "2021-05-24").exit_code == 0
        and ran("tracks", "2021-05-01").exit_code == 1
    )
    bad = {
        "cut.csv": "vehicle,time,lon,lat\nV,2021-05-24 08:00:05,113.2,40.0\nV,2021", "none.csv": "vehicle,time,lon,lat\n",
        "nothing.csv": "", "titles.csv": "vehicle,when,lon,lat\nV,1,2,3\n", "no.parquet": "PAR1", "a.txt": "x",
    }  # fmt: skip
    for name, text in bad.items():
        (tmp_path / name).write_text(text, "utf-8")
        done = ran("ingest", tmp_path / name)
        assert done.exit_code == 2 and name in done.output, name
    assert TrackDay.objects.get().fixes == 2
    assert ran("box-token", "B1").stdout.startswith("sb_") and ran("box-token", "NONE").exit_code == 2


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────


def send(client, path, name="t.csv"):
    return client.post("/sanitation/tracks/", {"file": SimpleUploadedFile(name, path.read_bytes()), "datum": "WGS-84"})


@pytest.mark.once
def test_the_page_shows_the_day_and_takes_a_file(fleet, client, tmp_path, monkeypatch):
    for role, status in (("inspector", 403), ("department", 200), ("headquarters", 200)):
        client.force_login(fleet.person(role))
        assert client.get("/sanitation/tracks/").status_code == status, role
    taken(fix(-600), fix(-300, speed_kmh=-4), fix(vehicle="NO", box="<b>"))
    path = table(tmp_path / "t.csv", [["V2", f"2021-05-24 08:00:{n:02}", 113.2, 40.0, 9, 90, n % 2] for n in range(60)])
    page = send(client, path).content.decode()
    for text in ("新收下 60", "1 次，最长 300 秒", "50.0%", "速度不对", "台账里没有", "&lt;b&gt;"):
        assert text in page, text
    with CaptureQueriesContext(connection) as few:
        client.get("/sanitation/tracks/?day=2021-05-24")
    put(
        "vehicle",
        **{f"W{n}": {"type": "washer", "crew": "C", "working_kmh": 5.0, "transfer_kmh": 30.0} for n in range(9)},
    )
    taken(*(fix(-n, vehicle=f"W{n}") for n in range(9)))
    with CaptureQueriesContext(connection) as many:
        client.get("/sanitation/tracks/?day=2021-05-24")
    assert len(few) == len(many)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", "utf-8")
    assert send(client, tmp_path / "bad.csv").status_code == 422
    monkeypatch.setattr(files, "AT_ONCE", 50)
    monkeypatch.setattr(files, "ROWS", 25)
    page = send(
        client,
        table(tmp_path / "u.csv", [["V2", f"2021-05-24 07:00:{n:02}", 113.2, 40.0, 9, 90, 1] for n in range(60)]),
    )
    job = Job.objects.get()
    assert page.url == f"/sanitation/tracks/{job.pk}/" and "0 / 60" in client.get(page.url).content.decode()
    assert jobs.work() == 4 and "新收下 60" in client.get(page.url).content.decode()
    assert client.post(f"/sanitation/tracks/{job.pk}/cancel/").status_code == 302
    client.force_login(fleet.person("inspector"))
    assert {client.get(page.url).status_code, client.post(f"{page.url}cancel/").status_code} == {403}
