"""The live map: what its script is given, what changed since, who sees what, and the stream that says so."""

import asyncio
import gzip
import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.models import VehicleStatus
from shaodao.bikes.seen import live, mapping
from shaodao.foundation import clock, district
from shaodao.foundation.models import OutboxMessage
from shaodao.organisations import tokens
from tests.bikes.seeing import bay, bike, feed, zone
from tests.town import later

MAP, CHANGES, GROUNDS = "/bikes/map/", "/bikes/map/changes/", "/bikes/map/grounds/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def street(office):
    first, second = office.brought_to("admitted"), office.brought_to("admitted", "BIKE-B")
    bay("P1", 0.2, capacity=2, street=office.town.street, community=office.town.communities[0])
    bay("P3", 4.2, street=office.town.other_street, community=office.town.communities[2])
    zone("Z1", 2.2)
    feed(first, bike("in", 0.2, east=3, north=1), bike("out", 1.5), bike("ridden", 1.2, state="on_trip"))
    feed(first, bike("lost", 1.2, state="missing"))
    feed(second, bike("far", 4.2, east=3, north=1))
    return first, second


@pytest.fixture
def browse(office):
    def make(who, operator=None):
        client = Client()
        client.force_login(office.actor(who, operator).person)
        return client

    return make


def asked(client, path=CHANGES, status=200, **headers):
    response = client.get(path, headers=headers)
    assert response.status_code == status, (path, response.status_code)
    return json.loads(response.content) if response.content else None


def rows(answer):
    """{vehicle: row} of columns."""
    columns = answer["columns"]
    names = dict(VehicleStatus.objects.values_list("pk", "vehicle_id"))
    table = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return {names[row["id"]]: row for row in table}


def kind(row):
    return mapping.CLASSES[row["class"]].value


def test_all_vehicles_as_columns(street, browse):
    answer = asked(browse("hq"))
    found = rows(answer)
    assert {name: kind(row) for name, row in found.items()} == {
        "in": "in_bay", "out": "outside", "ridden": "in_use", "far": "in_bay"
    }  # fmt: skip
    assert (found["ridden"]["lon"], found["ridden"]["lat"], found["ridden"]["bay"]) == (0, 0, 0)
    assert found["out"]["lon"] == VehicleStatus.objects.get(vehicle_id="out").lon_e6
    assert [o["code"] for o in answer["operators"]] == ["BIKE-A", "BIKE-B"] and found["far"]["operator"] == 1
    assert answer["full"] and answer["check"][0] == 4
    assert answer["check"][1] == sum(row["lon"] for row in found.values())
    assert answer["cursor"] == max(VehicleStatus.objects.values_list("received_ms", flat=True))


def test_what_changed_since(street, browse):
    first, _second = street
    hq = browse("hq")
    cursor = asked(hq)["cursor"]
    with later(seconds=60):
        feed(first, bike("out", 0.2, east=3, north=1), bike("new", 1.7))
    with later(seconds=61):
        feed(first, bike("in", 0.2, state="missing"))
    answer = asked(hq, f"{CHANGES}?since={cursor + 30_000}")
    found = rows(answer)
    assert {name: kind(row) for name, row in found.items()} == {"out": "in_bay", "new": "outside", "in": "gone"}
    assert not answer["full"] and answer["check"] == asked(hq)["check"]
    late = asked(hq, f"{CHANGES}?since={answer['cursor']}")  # what was seen late, begun some seconds earlier
    assert set(rows(late)) == {"out", "new", "in"}
    assert set(rows(asked(hq, f"{CHANGES}?since={answer['cursor'] + 60_000}"))) == set()
    for nonsense in ("x", "-1", "9" * 30, "%00"):
        assert asked(hq, f"{CHANGES}?since={nonsense}")["full"]


def test_nothing_new_costs_nothing(street, browse):
    first, _second = street
    hq = browse("hq")
    response = hq.get(CHANGES)
    tag = response["ETag"]
    path = f"{CHANGES}?since={json.loads(response.content)['cursor']}"
    assert hq.get(path, headers={"If-None-Match": tag}).status_code == 304
    feed(first, bike("out", 1.5, ago=-1))
    fresh = hq.get(path, headers={"If-None-Match": tag})
    assert fresh.status_code == 200 and fresh["ETag"] != tag
    with later(minutes=6):  # by then a bike may have turned silent or idle by itself
        assert hq.get(path, headers={"If-None-Match": fresh["ETag"]}).status_code == 200


def test_a_vehicle_turns_silent_and_the_sums_tell(street, browse):
    hq = browse("hq")
    before = asked(hq)
    with later(hours=5):
        after = asked(hq, f"{CHANGES}?since={before['cursor'] + 3_600_000}")
        assert rows(after) == {} and after["check"] != before["check"]
        assert {kind(row) for row in rows(asked(hq)).values()} == {"silent"}


def test_who_sees_what(street, browse):
    first, second = street
    assert set(rows(asked(browse("owner", second)))) == {"far"}
    assert [o["code"] for o in asked(browse("owner", second))["operators"]] == ["BIKE-B"]
    assert set(rows(asked(browse("street")))) == {"in", "out", "ridden"}
    keys = dict(VehicleStatus.objects.values_list("vehicle_id", "pk"))
    shown = asked(browse("owner", first), f"/bikes/map/vehicles/{keys['in']}/")
    assert shown["title"] == "in" and {"label": "点位", "text": "P1"} in shown["lines"]
    assert browse("owner", second).get(f"/bikes/map/vehicles/{keys['in']}/").status_code == 404
    asked(browse("hq"), f"/bikes/map/vehicles/{keys['far']}/")
    for hidden in ("ridden", "lost"):
        assert browse("hq").get(f"/bikes/map/vehicles/{keys[hidden]}/").status_code == 404
    assert browse("hq").get(f"/bikes/map/vehicles/{10**30}/").status_code == 404
    for path in (MAP, CHANGES, GROUNDS):
        assert browse("hotline").get(path).status_code == 403
        assert Client().get(path).status_code == 302


def test_bays_and_zones_in_force(street, browse):
    zone("LATER", 3.2, begins_at=clock.now() + timedelta(days=1))
    zone("RIDE", 3.2, kind="no_riding")
    found = asked(browse("hq"), GROUNDS)
    assert [f["properties"]["code"] for f in found["bays"]["features"]] == ["P1", "P3"]
    assert found["bays"]["features"][0]["properties"]["capacity"] == 2
    assert [(f["properties"]["code"], f["properties"]["label"]) for f in found["zones"]["features"]] == [
        ("RIDE", "禁行区"), ("Z1", "禁停区"),
    ]  # fmt: skip
    assert [f["properties"]["code"] for f in asked(browse("street"), GROUNDS)["bays"]["features"]] == ["P1"]


def test_the_page_has_an_alternative_and_filters(street, browse):
    text = browse("hq").get(f"{MAP}?class=order&operator=BIKE-B&at=113.2,40.0").content.decode()
    assert 'href="/bikes/now/list/"' in text and 'href="/bikes/now/bays/"' in text
    assert 'value="BIKE-B" selected' in text and 'data-center="113.200000,40.000000"' in text
    assert 'value="near_bay" checked' in text and 'value="outside" checked' not in text
    for nonsense in ("nan,nan", "400,1", "x", "1,2,3", "%00"):
        assert 'data-zoom="18"' not in browse("hq").get(f"{MAP}?at={nonsense}").content.decode()


def test_the_answer_is_packed_and_queries_are_constant(street, browse, monkeypatch):
    monkeypatch.setattr(district, "SECONDS", 3600)
    first, _second = street
    hq = browse("hq")

    def queries():
        counts = []
        for path in (CHANGES, GROUNDS, MAP):
            hq.get(path)
            with CaptureQueriesContext(connection) as found:
                hq.get(path)
            counts.append(len(found))
        return counts

    before = queries()
    feed(first, *(bike(f"v{n}", 1 + n / 100) for n in range(200)))
    for n in range(20):
        bay(f"Q{n}", 4 + n / 30, 1.5)
    assert queries() == before and before[0] <= 6
    packed = hq.get(CHANGES, headers={"Accept-Encoding": "gzip"})
    plain = hq.get(CHANGES)
    assert packed["Content-Encoding"] == "gzip" and gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 2 and "no-store" in packed["Cache-Control"]


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────────────


async def other(scope, receive, send):
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def scope_of(token="", path=live.PATH, **more):
    headers = [(b"host", b"127.0.0.1")] + ([(b"authorization", f"Bearer {token}".encode())] if token else [])
    return {"type": "http", "method": "GET", "path": path, "headers": headers, **more}


async def listen(app, scope, until, act=None):
    """Run one request until its text holds `until`, `act` being called in a thread once it is ready; (status, text)."""
    got, text, done = {}, [], asyncio.Event()
    leave = asyncio.Event()

    async def send(message):
        got.setdefault("status", message.get("status"))
        text.append(message.get("body", b"").decode())
        if act is not None and "event: ready" in text[-1]:
            await asyncio.sleep(live.POLL * 2)  # the first reading of the pulse
            thread = threading.Thread(target=act)
            thread.start()
        if until in "".join(text):
            done.set()

    async def receive():
        await leave.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(app(scope, receive, send))
    waiting = asyncio.create_task(done.wait())
    await asyncio.wait({task, waiting}, timeout=15, return_when=asyncio.FIRST_COMPLETED)
    leave.set()
    await asyncio.wait_for(task, 5)
    waiting.cancel()
    return got["status"], "".join(text)


@pytest.mark.django_db(transaction=True)
def test_a_listener_hears_of_each_ingest_and_nothing_is_written_for_it(office, street, settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(live, "POLL", 0.05)
    first, _second = street
    token = tokens.issue(office.hq.person, "map", ("read",), clock.now())[1]
    at = clock.now() + timedelta(seconds=1)

    def act():
        with clock.freeze(at):
            feed(first, bike("out", 1.5))
        connection.close()

    before = OutboxMessage.objects.count()
    app = live.Bikes(other)
    status, text = asyncio.run(listen(app, scope_of(token), "event: bikes", act))
    assert status == 200 and "event: ready" in text and "event: bikes" in text
    assert all(line.startswith('data: {"at":') for line in text.splitlines() if line.startswith("data"))
    assert OutboxMessage.objects.count() == before and app.listeners == set() and app._reader is None


@pytest.mark.django_db(transaction=True)
def test_who_may_not_listen(office, street, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    app = live.Bikes(other)

    def status(scope):
        return asyncio.run(listen(app, scope, "}"))[0]

    hotline = tokens.issue(office.town.person("hotline"), "map", ("read",), clock.now())[1]
    assert status(scope_of()) == 401 and status(scope_of("sd_wrong")) == 401 and status(scope_of(hotline)) == 401
    assert status(scope_of(hotline, method="POST")) == 405
    assert status(scope_of(hotline, "/events")) == 418  # everything else goes on to the stream of cases
