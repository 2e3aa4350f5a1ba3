import threading

import pytest
from django.test import Client

from shaodao.foundation import clock
from shaodao.organisations import tokens
from tests.api.conftest import Caller
from tests.bikes.office import Office
from tests.bikes.streets import Street, only
from tests.bikes.test_http import Server


@pytest.fixture
def office(monday, town):
    """The town on an ordinary Monday, ready for operators."""
    return Office(town)


@pytest.fixture
def browse(office):
    """browse("hq"), browse("owner", operator): a signed-in browser."""

    def make(who, operator=None, language="zh-hans"):
        client = Client(headers={"Accept-Language": language})
        client.force_login(office.actor(who, operator).person)
        return client

    return make


@pytest.fixture
def call(office):
    """call("hq"), call("owner", operator): by token, with the scopes given."""

    def make(who, operator=None, scopes=("read",)):
        person = office.actor(who, operator).person
        return Caller(tokens.issue(person, "test", scopes, clock.now())[1])

    return make


@pytest.fixture
def street(office):
    return Street(office)


@pytest.fixture
def filed(street):
    """A bay over its capacity for 20 minutes."""
    street.bay(capacity=5)
    street.put(street.a, 6)
    street.put(street.b, 3)
    street.go(20)
    return only(state="filed")


@pytest.fixture
def server(monkeypatch):
    """A web server of the test's own, which feeds may be fetched from."""
    monkeypatch.setenv("SHAODAO_WEBHOOK_PRIVATE", "1")
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def operator(office):
    return office.brought_to("admitted")


@pytest.fixture
def two_findings(office):
    """A case of BIKE-A with BIKE-B in street 050, a cluster of BIKE-B in street 051."""
    made = Street(office)
    made.bay(capacity=4)
    made.put(made.a, 6)
    made.put(made.b, 2)
    for n in range(6):
        made.bikes[made.b][f"far-{n}"] = {"lon": 113.2045, "lat": 40.0005 + n * 1e-6, "state": "available"}
    made.go(20)
    return made
