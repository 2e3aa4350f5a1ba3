"""GBFS feeds that are fetched: whole lists, lists that are not, feeds that fail alone; a wrong datum, a wrong clock."""

import json
import threading
from datetime import timedelta

import numpy as np
import pytest

from shaodao.bikes.gbfs import fetching
from shaodao.bikes.ingest import plausible
from shaodao.bikes.ingest.sources import gbfs
from shaodao.bikes.models import Bay, FeedQuality, OperatorFeed, VehicleStatus
from shaodao.cases import tasks
from shaodao.foundation import clock, guarding
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import LogEntry
from shaodao.kernel import datum
from tests.bikes.pulling import offer, pulled, put, states, vehicle
from tests.bikes.street import LAT, LON, METRE, bay
from tests.bikes.test_http import Server

# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", ["2.1", "2.3", "3.0"])
def test_vehicles_of_every_version_come_in(office, operator, server, version):
    bay()
    key = "vehicle_id" if version == "3.0" else "bike_id"
    offer(
        server, vehicle("a", key=key), vehicle("b", key=key, is_reserved=True),
        vehicle("c", key=key, is_disabled=True, is_reserved=True), version=version,
    )  # fmt: skip
    put(office, operator, server)
    done = pulled(office, operator)
    assert done.ok and done.whole and done.fault == "" and done.received.kept == 3
    assert states(operator) == {"a": "available", "b": "reserved", "c": "non_operational"}
    row = OperatorFeed.objects.get()
    assert (row.version, row.listed, row.failures) == (version, 3, 0)
    assert row.next_at == clock.now() + timedelta(seconds=60)
    quality = FeedQuality.objects.get()
    assert (quality.source, quality.kept, quality.failures) == ("gbfs", 3, 0)


def test_the_address_may_be_that_of_the_vehicles_themselves(office, operator, server):
    offer(server, vehicle("a"))
    put(office, operator, server, "/vehicle_status.json")
    assert pulled(office, operator).whole and states(operator) == {"a": "available"}


def test_who_is_not_listed_any_more_is_gone(office, operator, server):
    put(office, operator, server)
    offer(server, vehicle("a"), vehicle("b"))
    pulled(office, operator)
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        offer(server, vehicle("a"))
        assert pulled(office, operator).whole
    assert states(operator) == {"a": "available", "b": "gone"}


def test_a_vehicle_that_says_no_time_was_seen_when_the_file_was_made(office, operator, server):
    put(office, operator, server)
    offer(server, {k: v for k, v in vehicle("a").items() if k != "last_reported"})
    pulled(office, operator)
    assert VehicleStatus.objects.get().at_ms == int(clock.now().timestamp() * 1000)


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_what_stations_count_is_held_against_the_list(office, operator, server, version):
    """Bikes that are only counted at a station, and listed nowhere, are said; a count a moment old is not."""
    key, word = ("vehicle_id", "vehicles") if version == "3.0" else ("bike_id", "bikes")
    docked = [vehicle(f"d{n}", key=key, station_id="s1") for n in range(30)]
    taken = vehicle("taken", key=key, station_id="s1", is_reserved=True)

    def told(available, disabled=0, statuses=True):
        offer(server, *docked, taken, vehicle("free", key=key), version=version)
        index = json.loads(server.answers["/gbfs.json"])
        feeds = index["data"]["feeds"] if version == "3.0" else index["data"]["zh"]["feeds"]
        feeds.append({"name": "station_status", "url": f"{server.url}/status.json"})
        counts = {f"num_{word}_available": available, f"num_{word}_disabled": disabled}
        stations = [7, {"station_id": "s1", **counts}, {"station_id": "s2", f"num_{word}_available": "x"}]
        body = {"version": version, "data": {"stations": stations if statuses else "x"}}
        server.offer({"gbfs": index, "status": body})
        done = pulled(office, operator)
        row = OperatorFeed.objects.get()
        assert done.stations == (None if row.stations_say is None else (row.stations_say, row.stations_listed))
        assert done.received is not None and done.whole
        return done.stations, plausible.said("", 0, "WGS-84", done.stations)

    offer(server, *docked, version=version)
    put(office, operator, server)
    assert pulled(office, operator).stations is None
    assert told(28, 2) == ((30, 30), [])
    assert told(32) == ((32, 30), [])
    numbers, (text,) = told(40, 5)
    assert numbers == (45, 30) and "45" in text and "15" in text
    assert told(1, statuses=False) == (None, [])


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_a_vehicle_without_a_position_is_at_its_station(office, operator, server, version):
    """station_information is fetched only when somebody needs it; without it the vehicle stays listed, and is not gone."""
    key = "vehicle_id" if version == "3.0" else "bike_id"
    docked = {k: v for k, v in vehicle("docked", key=key, station_id="s1").items() if k not in ("lon", "lat")}
    put(office, operator, server)
    offer(server, vehicle("free", key=key, station_id="s1", north_m=500), docked, version=version)
    done = pulled(office, operator)
    assert done.whole and dict(done.received.reasons) == {"no_position": 1} and set(states(operator)) == {"free"}
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        offer(server, vehicle("free", key=key, station_id="s1", north_m=500), docked, version=version)
        index = json.loads(server.answers["/gbfs.json"])
        feeds = index["data"]["feeds"] if version == "3.0" else index["data"]["zh"]["feeds"]
        feeds.append({"name": "station_information", "url": f"{server.url}/stations.json"})
        stations = [7, {"station_id": "s1", "lon": LON, "lat": LAT}, {"station_id": "s2"}, {"lon": 1, "lat": 2}]
        server.offer({"gbfs": index, "stations": {"version": version, "data": {"stations": stations}}})
        assert pulled(office, operator).whole
    assert VehicleStatus.objects.get(vehicle_id="docked").lat_e6 == round(LAT * 1e6)
    assert VehicleStatus.objects.get(vehicle_id="free").lat_e6 == round((LAT + 500 * METRE) * 1e6)


def test_a_half_list_lets_nobody_leave_until_it_stays_so(office, operator, server):
    put(office, operator, server)
    offer(server, *[vehicle(f"v{n}") for n in range(40)])
    pulled(office, operator)
    for n, (whole, gone) in enumerate(((False, 0), (False, 0), (True, 37)), 1):
        with clock.freeze(clock.now() + timedelta(minutes=n)):
            offer(server, *[vehicle(f"v{n}") for n in range(3)])
            done = pulled(office, operator)
            assert done.ok and done.whole == whole
            assert list(states(operator).values()).count("gone") == gone
        assert whole or "只列出 3 辆，上次 40 辆" in done.fault
    assert OperatorFeed.objects.get().doubted == 0


def test_an_empty_list_is_doubted_too_and_an_older_copy(office, operator, server):
    put(office, operator, server)
    offer(server, vehicle("a"))
    pulled(office, operator)
    offer(server)
    assert not pulled(office, operator).whole and states(operator) == {"a": "available"}
    offer(server, vehicle("b"), updated=clock.now() - timedelta(minutes=5))
    done = pulled(office, operator)
    assert (
        not done.whole and "比上次读到的旧" in done.fault and states(operator) == {"a": "available", "b": "available"}
    )


@pytest.mark.parametrize(
    "odd", [7, None, {"lon": LON, "lat": LAT}, vehicle("x", vehicle_id=9), vehicle("", vehicle_id="")]
)
def test_a_list_with_an_entry_that_is_no_vehicle_is_not_whole(office, operator, server, odd):
    put(office, operator, server)
    offer(server, vehicle("a"), vehicle("b"))
    pulled(office, operator)
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        offer(server, vehicle("a"), odd)
        done = pulled(office, operator)
    assert done.ok and not done.whole and done.fault and states(operator) == {"a": "available", "b": "available"}


@pytest.mark.parametrize("junk", [
    {"last_reported": "soon"}, {"last_reported": 1e300}, {"last_reported": True}, {"lat": "north"}, {"lon": 1e308},
    {"lat": None}, {"vehicle_id": "x" * 10_000}, {"vehicle_id": "a\x00b"}, {"is_reserved": "yes"}, {"last_reported": -1},
])  # fmt: skip
def test_whatever_a_vehicle_says_the_others_come_in(office, operator, server, junk):
    put(office, operator, server)
    offer(server, vehicle("good"), vehicle("odd") | junk, vehicle("last"))
    assert pulled(office, operator).ok
    assert {"good", "last"} <= set(states(operator))


# ── 304 ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_that_did_not_change_is_not_sent_again(office, operator, server):
    """ETag of the file of vehicles only: gbfs.json, which never changes, is asked for as it is."""
    put(office, operator, server)
    offer(server, vehicle("a"), vehicle("b"))
    body, asked = server.answers["/vehicle_status.json"], []

    def answer(handler):
        asked.append(handler.headers.get("If-None-Match"))
        handler.reply(304 if asked[-1] == '"one"' else 200, b"" if asked[-1] == '"one"' else body, ETag='"one"')

    index = server.answers["/gbfs.json"]

    def never_changes(handler):
        known = handler.headers.get("If-None-Match") or handler.headers.get("If-Modified-Since")
        handler.reply(304 if known else 200, b"" if known else index, Last_Modified="Mon, 24 May 2021 01:00:00 GMT")

    server.answers |= {"/vehicle_status.json": answer, "/gbfs.json": never_changes}
    assert pulled(office, operator).whole
    later = clock.now() + timedelta(minutes=1)
    with clock.freeze(later):
        done = pulled(office, operator)
    assert done.ok and done.unchanged and asked == [None, '"one"']
    seen = set(VehicleStatus.objects.values_list("state", "received_ms"))
    assert seen == {("available", int(later.timestamp() * 1000))}, "what was listed is still there, and not silent"
    assert FeedQuality.objects.get().failures == 0


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────


FAILURES = [
    ("/vehicle_status.json", lambda h: h.reply(500, b"{}"), "HTTP 500"),
    ("/vehicle_status.json", lambda h: h.reply(200, b"<html>down</html>"), "网页"),
    ("/vehicle_status.json", lambda h: h.reply(200, b'{"data": {"vehicles": [{"vehicle_id": "a"'), "没有写完"),
    ("/vehicle_status.json", lambda h: h.reply(200, b""), "空"),
    ("/vehicle_status.json", lambda h: h.reply(200, b'{"data": {"vehicles": {}}}'), "没有车辆名单"),
    ("/vehicle_status.json", lambda h: h.reply(200, b'{"data": 7}'), "没有车辆名单"),
    ("/vehicle_status.json", lambda h: h.reply(200, b"[]"), "JSON 对象"),
    ("/vehicle_status.json", lambda h: h.reply(200, b"{}", Content_Length="100"), "不完整"),
    ("/gbfs.json", lambda h: h.reply(404, b""), "HTTP 404"),
    ("/gbfs.json", lambda h: h.reply(200, b'{"data": {"feeds": []}}'), "没有列出"),
    ("/gbfs.json", lambda h: h.reply(302, b"", Location="/gbfs.json"), "重定向"),
    ("/gbfs.json", lambda h: h.reply(200, b'{"data": {"feeds": [{"name": "vehicle_status", "url": "file:///etc/passwd"}]}}'),
     "http://"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "answer", "what"), FAILURES)
def test_a_feed_that_fails_says_why_and_changes_no_vehicle(office, operator, server, path, answer, what):
    put(office, operator, server)
    offer(server, vehicle("a"))
    pulled(office, operator)
    before = list(VehicleStatus.objects.values())
    server.answers[path] = answer
    done = pulled(office, operator)
    assert not done.ok and what in done.fault, done.fault
    assert list(VehicleStatus.objects.values()) == before
    row, quality = OperatorFeed.objects.get(), FeedQuality.objects.get()
    assert row.failures == quality.failures == 1 and what in quality.last_failure
    assert row.next_at == clock.now() + timedelta(seconds=120)


def test_pauses_grow_up_to_an_hour_and_end_with_success(office, operator, server):
    row = put(office, operator, server)
    server.answers["/gbfs.json"] = lambda h: h.reply(503, b"")
    pauses = []
    for _n in range(9):
        pulled(office, operator)
        row.refresh_from_db()
        pauses.append((row.next_at - clock.now()).total_seconds())
    assert pauses == [120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert gbfs.pause(3600, 50) == timedelta(hours=1)
    offer(server, vehicle("a"))
    pulled(office, operator)
    row.refresh_from_db()
    assert row.failures == 0 and row.fault == "" and row.next_at == clock.now() + timedelta(seconds=60)


def test_too_large_and_too_slow(office, operator, server, monkeypatch):
    put(office, operator, server)
    offer(server, *[vehicle(f"v{n}") for n in range(100)])
    monkeypatch.setattr(gbfs, "MOST_BYTES", 5000)
    assert "超过" in pulled(office, operator).fault
    monkeypatch.setattr(gbfs, "TIMEOUT_S", 0.2)
    server.answers["/gbfs.json"] = lambda h: server.stopping.wait(1.0)
    assert "没有答复" in pulled(office, operator).fault


def test_a_server_that_drips_its_headers_holds_up_nobody(office, operator, server, monkeypatch):
    monkeypatch.setattr(gbfs, "TOTAL_S", 0.5)

    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.stopping.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                break

    other = office.brought_to("admitted", "BIKE-B", quota=10)
    put(office, operator, server)
    put(office, other, server, path="/vehicle_status.json")
    offer(server, vehicle("a"))
    server.answers["/gbfs.json"] = drip
    assert tasks.tick(train=False, send=False)["pulled"] == 1 and states(other) == {"a": "available"}
    assert "没有传完" in OperatorFeed.objects.get(operator=operator).fault
    server.stopping.set()


# ── where it may fetch, and with what ────────────────────────────────────────────────────────────────────────────


def test_nothing_inside_our_own_network_is_fetched(office, operator, server, monkeypatch):
    offer(server, vehicle("a"))
    put(office, operator, server)
    monkeypatch.delenv("SHAODAO_WEBHOOK_PRIVATE")
    assert "内部地址" in pulled(office, operator).fault and not VehicleStatus.objects.exists()
    for url in (
        "http://127.0.0.1/gbfs.json",
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/",
        "http://10.1.2.3/",
    ):
        with pytest.raises(ValueError, match="内部地址"):
            guarding.check_url(url)


@pytest.mark.nodb
def test_a_name_and_a_redirect_are_judged_where_they_lead(server, monkeypatch):
    """The first address is taken for public, what it redirects to is not."""
    monkeypatch.setattr(guarding.hooks, "private_allowed", lambda: False)
    monkeypatch.setattr(guarding.hooks, "is_public", lambda address: address == "127.0.0.1")
    server.answers["/gbfs.json"] = lambda h: h.reply(
        302, b"", Location=f"http://127.0.0.2:{server.server_address[1]}/x"
    )
    server.answers["/x"] = b"secret"
    with fetching.client(2.0, guarding.transport(server.url)) as http:
        answer = fetching.fetch(http, f"{server.url}/gbfs.json", "gbfs.json", 2.0)
    assert answer.content is None and "指向内部地址" in answer.findings[0].what
    monkeypatch.setattr(guarding.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", ("10.0.0.1", 80))])
    with fetching.client(2.0, guarding.transport("http://feed.example")) as http:
        answer = fetching.fetch(http, "http://feed.example/gbfs.json", "gbfs.json", 2.0)
    assert "feed.example 指向内部地址" in answer.findings[0].what


def test_the_secret_goes_to_its_own_server_only_and_lies_sealed(office, operator, server):
    """gbfs.json names a file on another port."""
    other, heard = Server(), []
    thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        body = {"last_updated": clock.now().isoformat(), "version": "3.0", "data": {"vehicles": [vehicle("a")]}}

        def listen(handler):
            heard.append(("vehicles", handler.headers.get("X-Key")))
            handler.reply(200, json.dumps(body).encode())

        def index(handler):
            heard.append(("index", handler.headers.get("X-Key")))
            feeds = [{"name": "vehicle_status", "url": f"{other.url}/v.json"}]
            handler.reply(200, json.dumps({"version": "3.0", "data": {"feeds": feeds}}).encode())

        other.answers["/v.json"], server.answers["/gbfs.json"] = listen, index
        row = put(office, operator, server, header="X-Key", secret="s3cret")
        assert "s3cret" not in row.secret
        assert pulled(office, operator).ok and heard == [("index", "s3cret"), ("vehicles", None)]
    finally:
        other.shutdown()
        other.server_close()
        thread.join()


def test_a_secret_is_not_sent_to_another_server(office, operator, server):
    put(office, operator, server, header="X-Key", secret="s3cret")
    kept = OperatorFeed.objects.get().secret
    put(office, operator, server, path="/other.json", header="X-Key")
    assert OperatorFeed.objects.get().secret == kept
    with pytest.raises(Invalid) as fault:
        put(office, operator, server, header="X-Key", url="http://198.51.100.7/gbfs.json")
    assert set(fault.value.errors) == {"secret"}
    put(office, operator, server)
    assert OperatorFeed.objects.get().secret == "", "without a header there is no secret"


@pytest.mark.parametrize(("given", "field"), [
    ({"url": "ftp://feed.example/"}, "url"), ({"url": "http://a:b@feed.example/"}, "url"), ({"url": ""}, "url"),
    ({"url": "http://[bad"}, "url"), ({"url": "http://feed.example/" + "x" * 500}, "url"), ({"header": "Host", "secret": "x"}, "header"),
    ({"header": "a b", "secret": "x"}, "header"), ({"secret": "x"}, "header"), ({"header": "X-Key", "secret": "a\r\nb: c"}, "secret"),
    ({"header": "X-Key"}, "secret"), ({"datum": "NAD27"}, "datum"), ({"interval_s": 5}, "interval_s"),
])  # fmt: skip
def test_a_setting_that_cannot_be_right_is_refused_by_field(office, operator, server, given, field):
    with pytest.raises(Invalid) as fault:
        put(office, operator, server, **given)
    assert set(fault.value.errors) == {field} and not OperatorFeed.objects.exists()


def test_another_address_forgets_what_was_found_out(office, operator, server):
    offer(server, *[vehicle(f"v{n}") for n in range(30)])
    put(office, operator, server)
    pulled(office, operator)
    row = put(office, operator, server, path="/vehicle_status.json")
    assert (row.listed, row.updated_ms, row.etag, row.last_ok_at, row.whole_ms) == (0, None, "", None, None)
    assert LogEntry.objects.filter(action="feed.set").count() == 2
    assert all("gbfs.json" not in json.dumps(line.data) for line in LogEntry.objects.filter(action="feed.set"))


# ── what the positions look like ─────────────────────────────────────────────────────────────────────────────────


def street_of_bays(n=80):
    """Bays some hundred metres apart, and a bike two to nine metres from each."""
    rng = np.random.default_rng(5)
    lon, lat = LON + rng.uniform(0, 0.02, n), LAT + rng.uniform(0, 0.02, n)
    for k in range(n):
        bay(f"B{k}", float(lon[k]), float(lat[k]))
    return lon + rng.uniform(-6, 6, n) * METRE, lat + rng.uniform(-6, 6, n) * METRE


@pytest.mark.parametrize("name", ["WGS-84", "GCJ-02", "BD-09"])
def test_a_feed_in_another_datum_is_found_out_and_not_mended(office, operator, server, name):
    lon, lat = datum.from_wgs84(*street_of_bays(), name)
    offer(
        server, *[vehicle(f"v{k}", lon=float(x), lat=float(y)) for k, (x, y) in enumerate(zip(lon, lat, strict=True))]
    )
    put(office, operator, server)
    done = pulled(office, operator)
    assert done.looks == OperatorFeed.objects.get().looks == ("" if name == "WGS-84" else name)
    assert VehicleStatus.objects.get(vehicle_id="v0").lon_e6 == round(float(lon[0]) * 1e6)
    if name != "WGS-84":
        assert name in plausible.said(done.looks, 0)[0]
        put(office, operator, server, datum=name)
        with clock.freeze(clock.now() + timedelta(minutes=1)):
            assert pulled(office, operator).looks == "", "declared, it is right"


def test_bikes_that_say_nothing_about_their_datum(office, operator):
    lon, lat = street_of_bays()
    shifted = datum.from_wgs84(lon, lat, "GCJ-02")
    rng = np.random.default_rng(6)
    spread = LON + rng.uniform(0, 0.02, 400), LAT + rng.uniform(0, 0.02, 400)
    heap = np.full(500, shifted[0][0]), np.full(500, shifted[1][0])
    few = shifted[0][:10], shifted[1][:10]
    none = np.full(100, np.nan), np.full(100, 999.0)
    for given in (spread, heap, few, none, (np.zeros(0), np.zeros(0))):
        assert plausible.datum_of(*given, "WGS-84") == ""
    Bay.objects.update(active=False)
    Bay.objects.filter(code="B0").update(version=2)
    assert plausible.datum_of(*shifted, "WGS-84") == "", "without bays nothing can be said"


@pytest.mark.nodb
def test_a_clock_that_is_hours_off():
    rng = np.random.default_rng(7)
    fresh = rng.integers(1_000, 90_000, 200)
    hour = 3_600_000
    for ages, hours in (
        (fresh, 0), (fresh + hour, 1), (fresh - hour, -1), (fresh - 8 * hour, -8), (fresh + 8 * hour, 8),
        (rng.integers(0, 3 * hour, 500), 0), (rng.integers(0, 2 * hour, 500), 0), (fresh + hour // 2, 0),
        (fresh[:5] + hour, 0), (fresh + 30 * hour, 0),
    ):  # fmt: skip
        assert plausible.clock_hours(ages.astype(np.int64)) == hours
    assert "慢了整 1 小时" in plausible.said("", 1)[0] and "快了整 8 小时" in plausible.said("", -8)[0]


def test_the_clock_of_a_feed_is_judged_by_lists_that_move_on(office, operator, server):
    put(office, operator, server)
    offer(server, *[vehicle(f"v{n}", ago_s=3_610 + n) for n in range(30)])
    assert pulled(office, operator).clock_hours == 1
    offer(server, *[vehicle(f"v{n}", ago_s=10) for n in range(30)], updated=clock.now() + timedelta(seconds=1))
    assert pulled(office, operator).clock_hours == 0
    with clock.freeze(clock.now() + timedelta(hours=1)):
        assert pulled(office, operator).clock_hours == 0, "a feed that stands still is late, not wrong"
