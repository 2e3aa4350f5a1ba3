"""MDS agency: who may call, what is taken, what is refused with which words, and that no call ends in a crash."""

import threading
import uuid
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.models import (
    FeedQuality,
    OperatorEvent,
    PositionBatch,
    UnknownVehicle,
    Vehicle,
    VehicleEvent,
    VehicleStatus,
)
from shaodao.bikes.providers import provider_id
from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.bikes.office import Office, table

pytestmark = pytest.mark.django_db
TYPE = "application/vnd.mds+json;version=2.0"
HEAD = ("plate", "vehicle_id")
NS = uuid.UUID(int=7)


def device(n):
    return str(uuid.uuid5(NS, str(n)))


def ms(seconds=0):
    return int((clock.now() + timedelta(seconds=seconds)).timestamp() * 1000)


def point(n=0, seconds=-10, lng=113.2005, lat=40.0005, **more):
    place = {"lat": lat, "lng": lng, "horizontal_accuracy": 5.0}
    return {
        "device_id": device(n), "telemetry_id": device(f"t{n}{seconds}"), "timestamp": ms(seconds), "trip_ids": None,
        "journey_id": None, "location": place,
    } | more  # fmt: skip


def event(n=0, seconds=-10, state="available", types=("trip_end",), **more):
    same = {k: v for k, v in point(n, seconds).items() if k in {"device_id", "timestamp", "location"}}
    return {**same, "event_id": device(f"e{n}{seconds}"), "vehicle_state": state, "event_types": list(types)} | more


class Api:
    """An operator's system with its token."""

    def __init__(self, token="", **headers):
        self.client = Client(raise_request_exception=False)
        self.headers = {"Accept": TYPE, **({"Authorization": f"Bearer {token}"} if token else {}), **headers}

    def send(self, method, path, body=None, kind=TYPE, **headers):
        data = body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else b""
        given = {**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        response = self.client.generic(method, "/mds/v2/" + path, data, content_type=kind, headers=given)
        response.data = orjson.loads(response.content) if response.content else None
        return response

    def post(self, path, body, status=201, **more):
        response = self.send("POST", path, body, **more)
        assert response.status_code == status, (response.status_code, response.content[:500])
        return response.data

    def get(self, path, status=200):
        response = self.send("GET", path)
        assert response.status_code == status, (response.status_code, response.content[:500])
        return response.data


@pytest.fixture
def operator(office):
    found = office.brought_to("admitted")
    rows = [(f"A{n}", device(n), "bicycle", "active") for n in range(6)]
    office.act(found, "import_vehicles", "owner", file=table(*rows))
    return found


@pytest.fixture
def key(office):
    def make(operator, scopes=("bikes",), who="owner"):
        return tokens.issue(office.actor(who, operator).person, "push", scopes, clock.now())[1]

    return make


@pytest.fixture
def api(operator, key):
    return Api(key(operator))


def state_of(n=0):
    return VehicleStatus.objects.get(vehicle_id=device(n)).state


def quality():
    return FeedQuality.objects.get(source="mds")


# ── telemetry and events ─────────────────────────────────────────────────────────────────────────────────────────


def test_telemetry_becomes_positions_once(api):
    sent = [point(0), point(1, lng=113.2007), point(0, -40)]
    assert api.post("telemetry", sent) == {"success": 3, "total": 3, "failures": []}
    row = VehicleStatus.objects.get(vehicle_id=device(1))
    assert (row.lon_e6, row.lat_e6, row.at_ms, row.accuracy_m) == (113_200_700, 40_000_500, ms(-10), 5.0)
    again = api.post("telemetry", sent, 409)
    assert again["success"] == 0 and {f["error"] for f in again["failures"]} == {"duplicate"}
    assert again["failures"][0]["item"] == sent[0] and again["failures"][0]["error_details"] == ["timestamp"]
    assert sum(PositionBatch.objects.values_list("rows", flat=True)) == 3
    assert api.post("telemetry", {"telemetry": [point(2), sent[0]]})["success"] == 1
    assert (quality().kept, quality().reasons) == (4, {"duplicate": 4})
    assert api.post("telemetry", []) == {"success": 0, "total": 0, "failures": []}


def test_the_answer_speaks_the_version(api):
    response = api.send("POST", "telemetry", [point()])
    assert response["Content-Type"] == TYPE and response["Cache-Control"] == "private, no-store"
    for accept in ("*/*", "application/json", "text/html, application/vnd.mds+json; version=2.0.2", ""):
        assert api.send("GET", "vehicles", Accept=accept or "*/*").status_code == 200, accept
    for accept in ("application/vnd.mds+json;version=1.2", "application/vnd.mds+json;version=2.1", "text/html"):
        refused = api.send("GET", "vehicles", Accept=accept)
        assert (refused.status_code, refused.data["error_details"]) == (406, ["Accept"])
    assert api.send("POST", "events", [event()], kind="application/vnd.mds+json;version=1.2").status_code == 406
    assert api.send("POST", "events", [event()], kind="text/csv").status_code == 415
    assert api.send("POST", "events", [event()], Content_Encoding="gzip").status_code == 415
    assert api.send("DELETE", "vehicles").status_code == 405 and api.send("GET", "trips").status_code == 404


def test_events_say_in_which_state_a_bike_is(api):
    api.post("events", [event(0, -60, "on_trip", ["trip_start"]), event(1, -60)])
    assert (state_of(0), state_of(1)) == ("on_trip", "available")
    assert VehicleStatus.objects.get(vehicle_id=device(0)).parked is None
    # a point has no state of its own: that of the last event, or of its trip
    api.post("telemetry", [point(0, -50), point(1, -50), point(2, -50, trip_ids=[device("trip")]), point(3, -50)])
    assert [state_of(n) for n in range(4)] == ["on_trip", "available", "on_trip", "unknown"]
    assert VehicleStatus.objects.get(vehicle_id=device(0)).lon_e6 % 1000 == 0  # of a ride: about 100 metres
    # an event that comes after a newer point still says the state; an old one does not
    api.post("events", [event(0, -55, "non_operational", ["maintenance"])])
    assert (state_of(0), VehicleStatus.objects.get(vehicle_id=device(0)).at_ms) == ("non_operational", ms(-50))
    api.post("events", [event(0, -58, "reserved", ["reservation_start"])])
    assert state_of(0) == "non_operational"
    found = VehicleEvent.objects.get(vehicle_id=device(0))
    assert (found.state, found.types, found.at_ms) == ("non_operational", "maintenance", ms(-55))


def test_an_event_at_the_time_of_a_point_is_taken_once(api):
    api.post("telemetry", [point(0, -20)])
    assert api.post("events", [event(0, -20, "removed", ["maintenance_pick_up"])])["success"] == 1
    row = VehicleStatus.objects.get(vehicle_id=device(0))
    assert (row.state, row.parked, row.bay_id) == ("removed", None, None)
    assert api.post("events", [event(0, -20, "removed", ["maintenance_pick_up"])], 409)["success"] == 0
    assert sum(PositionBatch.objects.values_list("rows", flat=True)) == 1


def test_each_row_is_judged_on_its_own(api, operator):
    other = str(uuid.uuid4())
    bad = {
        "no object": [1], "missing": {**point(), "location": None}, "id": point(device_id="x" * 10_000),
        "nul": point(device_id="a\x00b"), "time": point(timestamp="2026"), "bool": point(timestamp=True),
        "place": point(location={"lat": "40", "lng": 113}), "list": point(location=[113, 40]),
        "provider": point(provider_id=other), "zero": point(1, location={"lat": 0, "lng": 0}),
        "future": point(2, 4000), "seconds": point(3, timestamp=ms() // 1000), "far": point(4, lat=95),
        "huge": point(5, timestamp=2**63),
    }  # fmt: skip
    good = point(0, -3, provider_id=provider_id(operator.organisation.code))
    found = api.post("telemetry", [*bad.values(), good])
    assert (found["success"], found["total"], len(found["failures"])) == (1, len(bad) + 1, len(bad))
    said = {name: (f["error"], f["error_details"]) for name, f in zip(bad, found["failures"], strict=True)}
    assert said["missing"] == ("missing_param", ["location"]) and said["no object"] == ("bad_param", [])
    assert {said[n][1][0] for n in ("time", "bool", "future", "seconds", "huge")} == {"timestamp"}
    assert {said[n][1][0] for n in ("place", "list", "zero", "far")} == {"location"}
    assert {said[n][1][0] for n in ("id", "nul")} == {"device_id"} and said["provider"][1] == ["provider_id"]
    assert all(f["error_description"] for f in found["failures"])
    counted = quality()
    assert (counted.received, counted.kept, counted.rejected) == (len(bad) + 1, 1, len(bad))
    assert counted.reasons["bad_field"] == 9 and counted.reasons["future"] == 1


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"vehicle_state": "flying"}, "bad_param", "vehicle_state"),
        ({"vehicle_state": "gone"}, "bad_param", "vehicle_state"),
        ({"vehicle_state": ["available"]}, "bad_param", "vehicle_state"),
        ({"event_types": []}, "bad_param", "event_types"),
        ({"event_types": "trip_end"}, "bad_param", "event_types"),
        ({"event_types": ["a\x00"]}, "bad_param", "event_types"),
        ({"event_types": ["x" * 60] * 9}, "bad_param", "event_types"),
        ({"event_id": 5}, "bad_param", "event_id"),
        ({"event_id": None}, "missing_param", "event_id"),
    ],
)
def test_an_event_needs_its_words(api, change, error, field):
    [failure] = api.post("events", [event(**change)], 400)["failures"]
    assert (failure["error"], failure["error_details"]) == (error, [field])
    assert not VehicleEvent.objects.exists() and not VehicleStatus.objects.exists()


def test_a_device_that_is_not_registered_is_refused_and_noted(api, office, operator):
    found = api.post("telemetry", [point(77), point(77, -20), point(78)], 400)
    assert {f["error"] for f in found["failures"]} == {"unregistered"}
    api.post("events", [event(77), event(0)])
    assert dict(UnknownVehicle.objects.values_list("vehicle_id", "times")) == {device(77): 3, device(78): 1}
    assert not VehicleStatus.objects.filter(vehicle_id=device(77)).exists()
    assert quality().reasons == {"unregistered": 4}
    office.settle(ingest={"registered_only": False})
    assert api.post("telemetry", [point(77)])["success"] == 1


def test_a_call_that_is_no_call_is_plain_and_counted(api, office):
    office.settle(ingest={"push_mb": 0.01, "push_rows": 20})
    for body, status in (
        (b'[{"device_id": "', 400), (b"\xff\xfe", 400), (b'["\\ud800"]', 400), (b"[NaN]", 400),
        (b"[" * 5000, 400), ({"vehicles": []}, 400), (7, 400), ("text", 400),
        ([point()] * 21, 413), (b" " * 20_000, 413),
    ):  # fmt: skip
        for path in ("telemetry", "events"):
            response = api.send("POST", path, body)
            assert response.status_code == status, (body and body[:20], response.content)
            assert set(response.data) == {"error", "error_description", "error_details"}
    assert (quality().failures, quality().calls) == (20, 20) and quality().last_failure.startswith("413")
    assert api.client.generic("POST", "/mds/v2/telemetry", headers=api.headers).status_code == 415  # no body at all
    deep = orjson.dumps([point(device_id="…")]).replace('"…"'.encode(), b"[" * 1000 + b"]" * 1000)
    [failure] = api.post("telemetry", deep, 400)["failures"]
    assert (failure["item"], failure["error_details"]) == ({"device_id": None}, ["device_id"])


def test_queries_do_not_grow_with_rows(api, office, operator):
    rows = [(f"Q{n}", device(f"q{n}"), "bicycle", "active") for n in range(300)]
    office.act(operator, "import_vehicles", "owner", file=table(*rows))

    def count(path, body):
        with CaptureQueriesContext(connection) as captured:
            assert api.send("POST", path, body).status_code == 201
        return len(captured)

    api.post("telemetry", [point(0, -90), point("strange", -90)])
    for path, make in (("telemetry", point), ("events", event)):
        few = count(path, [make(0, -50), make(0, -60), make("strange")])
        many = count(path, [make(f"q{n}", s) for n in range(300) for s in (-40, -30)] + [make("s2"), make("s3")])
        assert few == many <= 30, (path, few, many)


# ── the registry ─────────────────────────────────────────────────────────────────────────────────────────────────


def vehicle(n, plate="", **more):
    same = {"vehicle_type": "bicycle", "propulsion_types": ["human"]}
    return {"device_id": device(n), "vehicle_id": plate or f"B{n}", **same} | more


def test_vehicles_are_registered_and_changed(api, office, operator):
    office.act(operator, "import_vehicles", "owner", file=table(("C1", "", "bicycle", "active")))
    api.post("telemetry", [point(20)], 400)
    rows = [
        vehicle(20, propulsion_types=["human", "electric_assist"]),
        vehicle(0),
        vehicle(21, "A1"),
        vehicle(22, "C1"),
    ]
    found = api.post("vehicles", [*rows, vehicle(23, vehicle_type="scooter_standing"), vehicle(20, "B99")])
    assert found["success"] == 2
    assert [(f["error"], f["error_details"]) for f in found["failures"]] == [
        ("already_registered", ["device_id"]), ("already_registered", ["vehicle_id"]),
        ("bad_param", ["vehicle_type"]), ("already_registered", ["device_id"]),
    ]  # fmt: skip
    assert Vehicle.objects.get(vehicle_id=device(20)).kind == "ebike"
    assert Vehicle.objects.get(plate="C1").vehicle_id == device(22) and not UnknownVehicle.objects.exists()
    last = OperatorEvent.objects.latest("pk")
    assert (last.action, last.data["created"], last.data["updated"], last.data["found"]) == ("push_vehicles", 1, 1, 1)
    assert api.post("vehicles", rows[:1], 409)["success"] == 0 and OperatorEvent.objects.latest("pk") == last
    done = api.send("PUT", "vehicles", [vehicle(20, "D1"), vehicle(0, "B20"), vehicle(1, "A2"), vehicle("none")])
    assert (done.status_code, done.data["success"]) == (200, 2)
    assert {f["error"] for f in done.data["failures"]} == {"already_registered", "unregistered"}
    assert dict(Vehicle.objects.filter(plate__in=["D1", "B20"]).values_list("plate", "vehicle_id")) == {
        "D1": device(20), "B20": device(0),
    }  # fmt: skip
    assert api.send("PUT", "vehicles", [vehicle("none")]).status_code == 404
    assert api.post("telemetry", [point(20)])["success"] == 1


@pytest.mark.parametrize(
    "change", [{"vehicle_id": "=cmd()"}, {"vehicle_id": "a\x00"}, {"vehicle_id": "x" * 300}, {"propulsion_types": ["x"]},
               {"propulsion_types": "human"}, {"device_id": "1"}, {"vehicle_type": None}, {"vehicle_type": {}}],
)  # fmt: skip
def test_a_vehicle_that_cannot_be_is_not_registered(api, change):
    before = OperatorEvent.objects.count()
    assert api.post("vehicles", [vehicle(30, **change)], 400)["failures"][0]["error"] in {"bad_param", "missing_param"}
    assert OperatorEvent.objects.count() == before


def test_what_is_known_can_be_asked(api, operator, office, monkeypatch):
    api.post("events", [event(0, -60)])
    api.post("telemetry", [point(0, -50), point(1, -50)])
    assert [v["vehicle_id"] for v in api.get(f"vehicles/{device(3)}")["vehicles"]] == ["A3"]
    one = api.get(f"vehicles/status/{device(0)}")["vehicles_status"][0]
    assert one["last_event"]["event_types"] == ["trip_end"] and one["last_telemetry"]["timestamp"] == ms(-50)
    found = {v["device_id"]: v["last_event"] for v in api.get("vehicles/status")["vehicles_status"]}
    assert found[device(1)] is None and found[device(0)]["vehicle_state"] == "available"
    monkeypatch.setattr("shaodao.bikes.views.mds_calls.PAGE", 4)
    first = api.get("vehicles")
    assert len(first["vehicles"]) == 4 and first["links"]["next"].endswith("/mds/v2/vehicles?page=2")
    assert len(api.get("vehicles?page=2")["vehicles"]) == 2
    assert first["vehicles"][0]["provider_id"] == provider_id(operator.organisation.code)
    for path, status in (("vehicles/nobody", 400), (f"vehicles/{uuid.uuid4()}", 404), ("vehicles?page=0", 400),
                         ("vehicles?page=%00", 400), ("vehicles/%00", 400)):  # fmt: skip
        api.get(path, status)


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_operators_machine_with_the_scope(office, operator, key, town):
    wrong = {
        "": 401, "sd_nonsense": 401, key(operator, ("read", "report", "act")): 401, key(operator, who="hq"): 401,
        key(office.brought_to("submitted", "BIKE-B")): 403,
    }  # fmt: skip
    for token, status in wrong.items():
        for method, path in (("GET", "vehicles"), ("POST", "telemetry"), ("POST", "vehicles"), ("PUT", "vehicles")):
            response = Api(token).send(method, path, [point()] if method != "GET" else None)
            assert response.status_code == status, (token[:6], path)
            assert status != 401 or response["WWW-Authenticate"] == "Bearer"
    assert not VehicleStatus.objects.exists() and not FeedQuality.objects.exists()
    both = town.person("operator", operator.organisation)
    town.people["x"] = both
    other = office.brought_to("admitted", "BIKE-C")
    both.posts.create(role="operator", organisation=other.organisation)
    assert Api(key(operator)).send("GET", "vehicles").status_code == 401


def test_an_operator_writes_and_sees_its_own(office, operator, key):
    other = office.brought_to("admitted", "BIKE-B")
    theirs = Api(key(other))
    assert theirs.post("telemetry", [point(0)], 400)["failures"][0]["error"] == "unregistered"
    assert theirs.get("vehicles")["vehicles"] == [] and theirs.get("vehicles/status")["vehicles_status"] == []
    theirs.get(f"vehicles/{device(0)}", 404)
    assert theirs.post("vehicles", [vehicle(0, "A0")])["success"] == 1  # its own registry
    assert theirs.post("telemetry", [point(0)])["success"] == 1
    assert not VehicleStatus.objects.filter(operator=operator).exists()
    assert provider_id(other.organisation.code) != provider_id(operator.organisation.code)


def test_a_suspended_operator_still_says_where_its_bikes_are(office, operator, api, key):
    office.act(operator, "suspend", reason="秩序混乱")
    assert api.post("telemetry", [point()])["success"] == 1
    assert api.post("vehicles", [vehicle(40)])["success"] == 1


def test_errors_come_in_the_language_asked_for(api):
    for language, words in (("zh-hans", "缺少必填项"), ("en", "A required field is missing")):
        body = [{**point(), "timestamp": None}]
        assert api.post("telemetry", body, 400, Accept_Language=language)["failures"][0]["error_description"] == words


def test_the_page_says_where_to_push(office, operator, settings):
    own = Client()
    own.force_login(office.actor("owner", operator).person)
    for url, words in (
        ("", "未启用"),
        ("mqtt://u:geheim@h", "shaodao/v1/BIKE-A/positions"),
        ("http://wrong", "未启用"),
    ):
        settings.MQTT_URL = url
        text = own.get("/bikes/operators/BIKE-A/").content.decode()
        assert (
            words in text
            and provider_id(operator.organisation.code) in text
            and "/mds/v2/<" in text
            and "geheim" not in text
        )
    reader = Client()
    reader.force_login(office.actor("inspector").person)
    assert provider_id(operator.organisation.code) not in reader.get("/bikes/operators/BIKE-A/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_same_call_twice_at_once_is_taken_once(town):
    """A client that lost patience sends again while the first call still runs."""
    office = Office(town)
    operator = office.brought_to("admitted")
    office.act(operator, "import_vehicles", "owner", file=table(*[(f"A{n}", device(n)) for n in range(50)], head=HEAD))
    token = tokens.issue(office.actor("owner", operator).person, "push", ("bikes",), clock.now())[1]
    body = orjson.dumps([point(n, s) for n in range(50) for s in (-30, -20)])
    found = []

    def send():
        try:
            found.append(Api(token).send("POST", "telemetry", body).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [201, 409, 409, 409]
    assert sum(PositionBatch.objects.values_list("rows", flat=True)) == 100
