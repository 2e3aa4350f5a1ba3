"""The API against its own description: whatever a client sends, the answer is one that was described, and never a 5xx."""

import copy
import json
from datetime import UTC, datetime

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from shaodao.cases.models import Case
from shaodao.config.wsgi import application
from shaodao.foundation import clock
from shaodao.organisations import tokens
from shaodao.organisations.models import Post
from tests.api.conftest import Caller
from tests.bikes.office import Office, table
from tests.bikes.seeing import bay, bike, feed
from tests.town import Town

NOW = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)
DESCRIPTION = "/api/v1/openapi.json"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]


@pytest.fixture(scope="module")
def made(shared):
    """Cases in several states, an operator with its papers, bikes; made once, each test has it as it was."""
    with clock.freeze(NOW):
        town = Town()
        town.handling(name="王", phone="13800000000"), town.filed(lat=40.0012), town.report(lat=40.0016)
        town.closed(lat=40.0018)
        office = Office(town)
        operator = office.brought_to("admitted")
        office.act(operator, "import_vehicles", file=table(("A1", "a-1", "ebike", "active")))
        bay("P1", 0.2, street=town.street)
        feed(operator, bike("a-1", 0.2, east=3, north=1), bike("a-2", 1.5, state="on_trip"))
    return town


@pytest.fixture
def small_town(made, shared, db, settings):
    settings.MEDIA_ROOT, settings.POSITIONS_ROOT = shared / "media", shared
    for signal in (request_started, request_finished):  # the test's transaction lives on its connection
        signal.disconnect(close_old_connections)
    with clock.freeze(NOW):
        yield copy.deepcopy(made)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(small_town):
    """Somebody with nearly every post, so that the calls come far."""
    post = Post.objects.get(person=small_town.person("duty_leader"))
    for role in ("intake", "dispatcher", "headquarters", "admin", "hotline"):
        Post.objects.get_or_create(person=post.person, role=role, organisation=post.organisation)
    return tokens.issue(post.person, "all", tokens.SCOPES, clock.now())[1]


schema = schemathesis.openapi.from_wsgi(DESCRIPTION, application)


@schema.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_as_described(case, key):
    """Every second call is nudged towards something that exists, so that successes are checked too."""
    if sum(str(case.path_parameters).encode() + str(case.body).encode()) % 2:
        nudge(case)
    answer = case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
    SEEN.add((case.method, case.path, answer.status_code // 100))


SEEN: set[tuple[str, str, int]] = set()


def nudge(case) -> None:
    """A case of the town with its version, a reason and no data; a report inside of the town."""
    if "number" in (case.path_parameters or {}):
        found = Case.objects.order_by("id")[len(str(case.body)) % 4]
        case.path_parameters["number"] = found.number
        if case.method == "POST" and isinstance(case.body, dict):
            case.headers = {**(case.headers or {}), "If-Match": f'"{found.version}"'}
            case.body = {"reason": "理由", "data": {}}
    if "code" in (case.path_parameters or {}):
        case.path_parameters["code"] = "BIKE-A"
    if case.path.endswith("/reports") and case.method == "POST" and isinstance(case.body, dict):
        placed = {"text": "垃圾", "channel": "public", "category": "event-0110", "lon": 113.2005, "lat": 40.0005}
        case.body = {k: v for k, v in case.body.items() if k in {"address", "topic", "external_id"}} | placed


def test_the_calls_came_far_enough():
    """The calls that matter were answered with successes too, as far as this process made them."""
    made = {(method, path) for method, path, _status in SEEN}
    if not made:
        pytest.skip("judges what test_as_described did in this process")
    wanted = {("GET", "/cases"), ("GET", "/cases/{number}"), ("POST", "/reports"), ("GET", "/lifecycle")}
    wanted |= {("POST", "/cases/{number}/actions/{action}"), ("GET", "/cases/{number}/reports")}
    wanted |= {("GET", "/bikes/operators"), ("GET", "/bikes/operators/{code}"), ("GET", "/bikes/vehicles")}
    wanted |= {("GET", "/bikes/operators/{code}/quality")}
    wanted |= {("GET", f"/bikes/present{part}") for part in ("", "/bays", "/vehicles")}
    assert {(m, p) for m, p in wanted if (m, f"/api/v1{p}") in made and (m, f"/api/v1{p}", 2) not in SEEN} == set()


def test_the_description_itself(small_town):
    found = Caller().get("/openapi.json").data
    assert found["openapi"] == "3.1.0"
    actions = found["paths"]["/api/v1/cases/{number}/actions/{action}"]["post"]
    names = {p["name"]: p for p in actions["parameters"]}
    assert "dispatch" in names["action"]["schema"]["enum"] and "callback" not in names["action"]["schema"]["enum"]
    assert set(actions["responses"]) >= {"200", "401", "403", "404", "409", "422", "428"}
    assert actions["security"] == [{"TokenAuth": []}, {"SessionAuth": []}]
    assert {} in found["paths"]["/api/v1/reports"]["post"]["security"]
    assert "13800000000" not in json.dumps(found)


def test_what_is_said_to_need_a_key_needs_one(small_town):
    """No address but those described as open answers a stranger with anything but 401."""
    found = Caller().get("/openapi.json").data
    filled = {"number": "2021-000001", "action": "file", "report_id": "1", "notice_id": "1", "token_id": "1",
              "key": "event-0110", "code": "BIKE-A", "finding": "1"}  # fmt: skip
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            address = path.removeprefix("/api/v1").format(**filled)
            status = Caller().send(method, address, {} if method == "post" else None).status_code
            assert (status == 401) == ({} not in operation["security"]), (method, path, status)
