"""The event stream: nothing lost, nothing shown that one may not see; with a real server process beside it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import httpx
import pytest

from shaodao.cases import queries
from shaodao.cases.actions import Actor
from shaodao.cases.live import feed
from shaodao.cases.live.hub import QUEUE, Listener
from shaodao.cases.models import Case
from shaodao.foundation.models import OutboxMessage

ROOT = Path(__file__).resolve().parents[2]


# ── reading the outbox ───────────────────────────────────────────────────────────────────────────────────────────


def row(number: int, case: Case, topic: str = "case.file") -> None:
    payload = {"case": case.pk, "version": number, "state": "filed", "action": "file"}
    OutboxMessage(
        pk=number, topic=topic, subject=case.number, payload=payload, created_at=case.created_at
    ).save(force_insert=True)  # fmt: skip


def test_a_row_that_is_committed_late_is_not_lost(town, monday):
    case = town.report()
    source = feed.Feed()
    start = source.floor
    row(start + 1, case)
    row(start + 3, case)  # start + 2 was taken by a transaction that is still open
    assert [n.id for n in source.read(0.0)] == [start + 1, start + 3] and source.floor == start + 1
    assert source.read(1.0) == []
    row(start + 2, case)
    assert [n.id for n in source.read(2.0)] == [start + 2] and source.floor == start + 3
    assert source.read(3.0) == []


def test_an_id_that_never_comes_is_given_up_but_not_the_next_one(town, monday):
    case = town.report()
    source = feed.Feed()
    start = source.floor
    row(start + 2, case)
    assert [n.id for n in source.read(0.0)] == [start + 2] and source.floor == start
    row(start + 4, case)
    assert [n.id for n in source.read(feed.GRACE)] == [start + 4] and source.floor == start + 2
    row(start + 3, case)
    assert [n.id for n in source.read(feed.GRACE + 1)] == [start + 3] and source.floor == start + 4


def test_other_topics_and_words_stay_out(town, monday):
    case = town.report(name="王", phone="13800000000")
    source = feed.Feed()
    OutboxMessage.objects.create(topic="inbox.changed", payload={"case": case.pk}, created_at=case.created_at)
    assert source.read() == []
    town.act("file", case, "duty_leader", reason="王家门口")
    (item,) = source.read()
    assert json.loads(item.data) == {
        "number": case.number, "state": "filed", "version": 2, "action": "file", "at": "2021-05-24T01:00:00+00:00"
    }  # fmt: skip


def test_who_hears_is_who_may_see(town, monday):
    start = feed.last_id()
    cases = [town.report(), town.report(lon=113.2045), town.report(lon=113.2025)]
    town.act("file", cases[1], "duty_leader")
    town.act("dispatch", cases[1], "dispatcher", lead="SANI", supports=["140213050"])
    items = feed.replay(start, feed.last_id())
    people = [
        town.actor("headquarters"), town.actor("inspector"), town.actor("street"), town.actor("street_leader"),
        town.actor("street", town.other_office), town.actor("community"), town.actor("department"),
        town.actor("department", town.water), Actor.public(),
    ]  # fmt: skip
    for actor in people:
        may = {c.number for c in queries.visible_to(actor.facts)}
        assert {json.loads(n.data)["number"] for n in items if n.seen_by(actor.facts)} == may, actor.label
    assert feed.replay(feed.last_id(), feed.last_id()) == []


def test_a_listener_that_does_not_take_its_events_is_let_go(town, monday):
    case = town.report()
    source = feed.Feed()
    listener = Listener(town.actor("headquarters").facts)
    town.act("file", case, "duty_leader")
    (item,) = source.read()
    for _i in range(QUEUE):
        listener.offer(item, source.floor)
    assert not listener.lost.is_set()
    listener.offer(item, source.floor)
    assert listener.lost.is_set() and listener.queue.qsize() == QUEUE


def test_only_pages_of_staff_name_the_stream(town, monday, settings, client):
    settings.EVENTS_URL = "http://127.0.0.1:8001/events"
    assert "data-events" not in client.get("/").content.decode()
    client.force_login(town.person("duty_leader"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/work/intake/").content.decode()
    assert 'data-events="http://127.0.0.1:8001/events"' in page and "data-live" in page
    settings.EVENTS_URL = ""
    assert "data-events" not in client.get("/work/intake/").content.decode()


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────


class OwnDatabase:
    """On PostgreSQL a database beside the test's own, which no transaction of a test hides; on SQLite a file."""

    def __init__(self, server: str) -> None:
        self.server, self.name = server, f"shaodao_live_{os.getpid()}"
        self.url = ""
        if server.startswith("postgres"):
            self._run(f"create database {self.name}")
            self.url = server.rpartition("/")[0] + "/" + self.name

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.server, autocommit=True) as opened:
            opened.execute(statement)

    def drop(self) -> None:
        if self.url:
            self._run(f"drop database {self.name} with (force)")


class Street:
    """The town in its own process and the server beside it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/events"
        environment = {**os.environ, "SHAODAO_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "shaodao.config.settings"}
        environment |= {"PYTHONPATH": str(ROOT), "SHAODAO_ORIGIN": "http://127.0.0.1:8000"}
        self.database = OwnDatabase(os.environ.get("DATABASE_URL", ""))
        environment["DATABASE_URL"] = self.database.url
        self.town = subprocess.Popen(
            [sys.executable, "-m", "tests.api.live_town"],
            env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        known = self.heard()
        self.tokens, self.session = known["tokens"], known["session"]
        from shaodao.config.asgi import command

        self.server = subprocess.Popen(command("127.0.0.1", self.port), env=environment, cwd=ROOT)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                if httpx.get(self.url).status_code == 401:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the stream did not start")

    def heard(self) -> Any:
        assert self.town.stdout
        line = self.town.stdout.readline()
        assert line, "the town fell silent"
        return json.loads(line)

    def tell(self, line: str) -> Any:
        assert self.town.stdin
        self.town.stdin.write(line + "\n")
        self.town.stdin.flush()
        return self.heard()

    def close(self) -> None:
        for process in (self.server, self.town):
            process.terminate()
            process.wait(10)
        self.database.drop()


class Ear:
    """One listener in a thread: `next()` is its next event as (name, id, data)."""

    def __init__(self, street: Street, token: str = "", **headers: str) -> None:
        if token:
            headers["Authorization"] = f"Bearer {street.tokens[token]}"
        self.events: Queue[tuple[str, int, Any]] = Queue()
        self.response: Any = None
        self._stop = False
        self._thread = Thread(target=self._listen, args=(street.url, headers), daemon=True)
        self._thread.start()
        self.first = self.next()

    def _listen(self, url: str, headers: dict[str, str]) -> None:
        with (
            suppress(httpx.RemoteProtocolError),
            httpx.stream("GET", url, headers=headers, timeout=httpx.Timeout(30)) as response,
        ):
            self.response = response
            found: dict[str, str] = {}
            for line in response.iter_lines():
                name, _colon, value = line.partition(": ")
                if line:
                    found[name] = value
                elif "data" in found:
                    self.events.put((found["event"], int(found["id"]), json.loads(found["data"])))
                    found = {}
                if self._stop:
                    return

    def next(self, seconds: float = 8.0) -> tuple[str, int, Any]:
        return self.events.get(timeout=seconds)

    def numbers(self, n: int) -> list[str]:
        return [self.next()[2]["number"] for _i in range(n)]

    def quiet(self, seconds: float = 1.0) -> bool:
        try:
            self.events.get(timeout=seconds)
        except Empty:
            return True
        return False


@pytest.fixture(scope="module")
def street(tmp_path_factory) -> Iterator[Street]:
    made = Street(tmp_path_factory.mktemp("live"))
    yield made
    made.close()


@pytest.mark.slow
def test_refusals(street):
    def status(path: str = "/events", method: str = "GET", **headers: str) -> int:
        answer = httpx.request(method, street.url.replace("/events", path), headers=headers)
        assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code

    assert status() == 401
    assert status(Authorization="Bearer sd_wrong") == 401
    assert status(Authorization=f"Bearer {street.tokens['writer']}") == 401  # without the scope read
    assert status(Authorization=f"Bearer {street.tokens['nobody']}") == 401  # without a post
    assert status(Cookie="sessionid=nothing; broken") == 401
    assert status("/elsewhere") == 404
    assert status(method="POST") == 405
    assert status(Host="evil.example") == 400


@pytest.mark.slow
def test_each_hears_what_is_its_own(street):
    office, mine, other = Ear(street, "office"), Ear(street, Cookie=f"sessionid={street.session}"), Ear(street, "other")
    department = Ear(street, "department")
    assert (office.first[0] == "ready" and office.first[1] > 0) or office.first[1] == 0
    here, there = street.tell("report")["number"], street.tell("report other")["number"]
    assert office.numbers(2) == [here, there]
    assert mine.numbers(1) == [here] and other.numbers(1) == [there]
    assert mine.quiet() and other.quiet() and department.quiet()
    street.tell(f"dispatch {there}")
    heard = [office.next() for _i in range(2)]
    assert [h[2]["action"] for h in heard] == ["file", "dispatch"] and heard[1][2]["state"] == "handling"
    assert there in department.numbers(1)
    assert other.numbers(2) == [there, there] and mine.quiet()


@pytest.mark.slow
def test_who_comes_back_hears_what_was_missed_once_and_in_order(street):
    first = Ear(street, "office")
    street.tell("report")
    _name, last, _data = first.next()
    first._stop = True
    missed = street.tell("many 30")["numbers"]
    back = Ear(street, "office", **{"Last-Event-ID": str(last)})
    heard = [back.first, *[back.next() for _i in range(30)]]
    assert [h[2]["number"] for h in heard[:-1]] == missed and heard[-1][0] == "ready"
    assert street.tell("report")["number"] == back.numbers(1)[0]
    assert Ear(street, "office", **{"Last-Event-ID": "999999999"}).first[0] == "reset"
    assert Ear(street, "office", **{"Last-Event-ID": "x"}).first[0] == "ready"


@pytest.mark.slow
def test_every_event_to_every_listener(street):
    ears = [Ear(street, "office") for _i in range(20)]
    numbers = street.tell("many 100")["numbers"]
    for ear in ears:
        assert ear.numbers(100) == numbers


@pytest.mark.slow
def test_our_pages_may_read_it_from_another_port_and_nobody_else(street):
    ours = Ear(street, "office", Origin="http://127.0.0.1:8000")
    assert ours.response.headers["access-control-allow-origin"] == "http://127.0.0.1:8000"
    assert "access-control-allow-origin" not in Ear(street, "office", Origin="http://evil.example").response.headers
    assert ours.response.headers["content-type"].startswith("text/event-stream")
