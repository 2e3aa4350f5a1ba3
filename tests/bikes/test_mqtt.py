"""MQTT: what a message may say, what becomes of it, and on a real broker that a killed subscriber loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.ingest.sources import mqtt
from shaodao.bikes.models import FeedQuality, PositionBatch, VehicleStatus
from shaodao.cli import main
from shaodao.foundation import clock, listen
from shaodao.kernel import datum
from tests.broker import Publisher, on_broker, own_url, until

ROOT = Path(__file__).resolve().parents[2]
url = pytest.fixture(own_url)


def now_ms(seconds=0):
    return int(clock.now().timestamp() * 1000) + seconds * 1000


def fix(vehicle="v-1", seconds=-10, **more):
    return {"vehicle_id": vehicle, "time": now_ms(seconds), "lon": 113.2005, "lat": 40.0005} | more


def message(body, code="BIKE-A"):
    return listen.Message(code, body if isinstance(body, bytes) else orjson.dumps(body))


@pytest.fixture
def operator(office):
    return office.brought_to("admitted")


def taken(*messages):
    mqtt.take(messages, clock.now())


# ── what a message says ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_message_is_one_position_or_a_list(operator):
    taken(
        message(fix(state="available", accuracy=4)), message([fix("v-2"), fix("v-3", time="2021-05-24T08:59:50+08:00")])
    )
    rows = {v.vehicle_id: v for v in VehicleStatus.objects.all()}
    assert set(rows) == {"v-1", "v-2", "v-3"} and {v.at_ms for v in rows.values()} == {now_ms(-10)}
    assert (rows["v-1"].state, rows["v-1"].accuracy_m, rows["v-2"].state) == ("available", 4.0, "unknown")
    assert PositionBatch.objects.get().rows == 3  # one transaction for all messages of an operator
    taken(message(fix()), message(fix("v-4")))
    found = FeedQuality.objects.get(source="mqtt")
    assert (found.received, found.kept, found.reasons) == (5, 4, {"duplicate": 1})


@pytest.mark.django_db
def test_each_position_may_have_its_datum(operator):
    lon, lat = datum.from_wgs84([113.2005], [40.0005], "GCJ-02")
    shifted = fix("gcj", lon=float(lon[0]), lat=float(lat[0]), datum="GCJ-02")
    assert abs(shifted["lon"] - 113.2005) > 1e-3
    taken(message([shifted, fix("plain"), fix("cgcs", datum="CGCS2000"), fix("none", datum="GCJ-02", lon=None)]))
    found = dict(VehicleStatus.objects.values_list("vehicle_id", "lon_e6"))
    assert found == {"gcj": 113_200_500, "plain": 113_200_500, "cgcs": 113_200_500}


@pytest.mark.django_db
def test_what_is_no_position_is_counted(operator):
    bad = [
        1, None, "text", [], {}, fix(time="yesterday"), fix(time="2021-05-24T09:00:00"), fix(time=True), fix(datum="X"),
        fix(datum=[1]), fix(time="9" * 5000), fix("x" * 10_000), fix("a\x00b"), fix(7), fix(lon="113"), fix(lat=95), fix(lon=0, lat=0),
        fix(seconds=4000), fix(time=2**63), fix("\x00", datum="X"),
    ]  # fmt: skip
    taken(message([*bad, fix("good", state={"a": 1}, accuracy="far")]))
    found = FeedQuality.objects.get()
    assert (found.kept, found.rejected, found.failures) == (1, len(bad), 0)
    assert VehicleStatus.objects.get().vehicle_id == "good"


@pytest.mark.django_db
def test_a_message_that_is_none_is_counted_and_hinders_no_other(operator, office):
    office.settle(ingest={"push_mb": 0.001, "push_rows": 3})
    taken(message(b"\xff\x00"), message(b'{"vehicle_id": "v'), message(fix()), message([1] * 4), message(b"7" * 2000))
    found = FeedQuality.objects.get()
    assert (found.failures, found.kept) == (4, 1) and found.last_failure == "message of 2000 bytes"


@pytest.mark.django_db
def test_who_is_not_admitted_is_not_taken(operator, office, caplog):
    office.brought_to("submitted", "BIKE-B")
    office.brought_to("suspended", "BIKE-C")
    strange = ["nobody", "", "a/b", "x" * 5000, "哨\x00"]
    taken(*[message(fix(), code) for code in (*strange, "BIKE-B", "BIKE-C")])
    assert VehicleStatus.objects.get().operator.organisation.code == "BIKE-C"
    assert FeedQuality.objects.get(operator__organisation__code="BIKE-B").last_failure == "not admitted (submitted)"
    assert sum("no operator" in r.getMessage() for r in caplog.records) == len(strange)


@pytest.mark.django_db
def test_queries_do_not_grow_with_messages(operator):
    def count(messages):
        with CaptureQueriesContext(connection) as captured:
            taken(*messages)
        return len(captured)

    count([message(fix("warm"))])
    few, many = (count([message([fix(f"{n}-{i}", s) for s in (-9, -8)]) for i in range(n)]) for n in (2, 200))
    assert few == many <= 20


# ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("mqtt://h", ("h", 1883, False, "", "shaodao/v1/+/positions", "shaodao")),
        ("mqtts://u:p%40w@h/city/bikes?client_id=x", ("h", 8883, True, "u", "city/bikes/+/positions", "x")),
    ],
)
def test_the_address_says_everything(url, wanted):
    found = listen.Broker.of(url)
    assert (found.host, found.port, found.tls, found.user, found.topic, found.client_id) == wanted
    assert "p@w" not in repr(found)


@pytest.mark.parametrize("url", ["http://h", "mqtt://", "127.0.0.1:1883", "mqtt://h/a/+/b", "mqtt://h:port"])
def test_an_address_that_is_none_is_said(url, settings):
    settings.MQTT_URL = url
    done = CliRunner().invoke(main, ["bikes", "mqtt"])
    assert done.exit_code == 2 and "Traceback" not in done.output


def test_without_a_broker_it_is_off(settings):
    settings.MQTT_URL = ""
    done = CliRunner().invoke(main, ["bikes", "mqtt"])
    assert done.exit_code == 0 and done.output.startswith("MQTT: off")


def waiting(body=b"{}", connection=1):
    return listen.Waiting(listen.Message("BIKE-A", body), 5, 1, connection)


def test_a_database_that_does_not_answer_is_waited_for(monkeypatch):
    """Nothing is acknowledged before the commit, and a stop ends the wait without an acknowledgement."""
    tries = []

    def fail_once(messages, now):
        tries.append(messages)
        if len(tries) == 1:
            raise OperationalError("away")

    monkeypatch.setattr(listen, "close_old_connections", lambda: None)
    monkeypatch.setattr(listen.connection, "close", lambda: None)
    one = listen.Subscriber(listen.Broker("nowhere", 1), fail_once)
    assert one._patiently([waiting()]) and len(tries) == 2
    tries.clear()
    one.stop()
    assert not one._patiently([waiting()]) and len(tries) == 1


def test_one_message_that_breaks_the_program_does_not_hold_up_the_others():
    done = []

    def take(messages, now):
        if any(m.body == b"bad" for m in messages):
            raise ZeroDivisionError
        done.extend(messages)

    listen.take_in([listen.Message("A", b) for b in (b"1", b"bad", b"2")], take)
    assert [m.body for m in done] == [b"1", b"2"]


def test_what_came_by_a_lost_connection_is_left_to_come_again():
    one = listen.Subscriber(listen.Broker("nowhere", 1), mqtt.take)
    one.connections = 2
    for n in (1, 2, 2, 1):
        one.waiting.put(waiting(connection=n))
    batch = one.collect()
    assert [w.connection for w in batch] == [2, 2]
    acked = []
    one.client.ack = lambda mid, qos: acked.append(mid)
    one.connections = 3
    one.acknowledge(batch)
    assert acked == []


# ── the real broker ──────────────────────────────────────────────────────────────────────────────────────────────


def kept():
    return sum(PositionBatch.objects.values_list("rows", flat=True))


@on_broker
@pytest.mark.django_db(transaction=True)
def test_from_the_broker_to_the_database(office, operator, url):
    subscriber = listen.Subscriber(listen.Broker.of(url), mqtt.take)
    publisher = Publisher(subscriber.broker.topic_of("BIKE-A"))
    acked, ack, bodies = [], subscriber.client.ack, [fix(state="available"), "nonsense"]

    def acknowledge(mid, qos):
        acked.append(kept())
        return ack(mid, qos)

    def play():
        until(lambda: subscriber.connections, 10)
        time.sleep(0.3)
        for body in bodies:
            publisher.send(body)
        until(lambda: len(acked) == 2, 20)
        subscriber.stop()

    subscriber.client.ack = acknowledge
    thread = threading.Thread(target=play)
    thread.start()
    subscriber.run()
    thread.join()
    publisher.close()
    assert acked == [1, 1]  # what was committed when each was acknowledged
    assert FeedQuality.objects.get().rejected == 1


class Process:
    """`shaodao bikes mqtt` of its own, on the test's database."""

    def __init__(self, url, database, var):
        environment = {
            "PATH": "/usr/bin:/bin", "MQTT_URL": url, "DATABASE_URL": database, "SHAODAO_VAR": str(var),
            "PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "/"),
        }  # fmt: skip
        command = [sys.executable, "-m", "shaodao.cli", "bikes", "mqtt"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self, number):
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)


def database_url():
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return f"postgresql://{settings['USER']}@{settings['HOST']}:{settings['PORT'] or 5432}/{settings['NAME']}"


@on_broker
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_subscriber_loses_nothing_and_doubles_nothing(town, url, tmp_path):
    """kill -9 in the middle of a stream at QoS 1, more while nobody listens, restart: every position is there once."""
    from tests.bikes.office import Office

    Office(town).brought_to("admitted")
    at, vehicles, rounds = int(time.time() * 1000) - 3_600_000, 300, 12
    publisher = Publisher(listen.Broker.of(url).topic_of("BIKE-A"))

    def send(first, last):
        """One message for each five bikes and round."""
        for n in range(first, last):
            for bike in range(0, vehicles, 5):
                row = {"time": at + n * 60_000, "lon": 113.2005, "lat": 40.0005 + n * 1e-6}
                publisher.send([{"vehicle_id": f"v-{bike + i}", **row} for i in range(5)])
            time.sleep(0.05)

    first = Process(url, database_url(), tmp_path)
    try:
        assert until(lambda: _subscribed(first, publisher, vehicles, at)), first.end(signal.SIGKILL)
        before = kept()
        stream = threading.Thread(target=send, args=(1, 9))
        stream.start()
        assert until(lambda: kept() > before + vehicles)
        _out, said = first.end(signal.SIGKILL)
        stream.join()
        lost_time = kept()
        assert lost_time < vehicles * 9 + before, "killed too late to prove anything"
        send(9, rounds)
        second = Process(url, database_url(), tmp_path)
        assert until(lambda: kept() >= before + vehicles * (rounds - 1)), second.end(signal.SIGKILL)
        time.sleep(0.5)
        out, said = second.end(signal.SIGTERM)
    finally:
        publisher.close()
        for process in (first.process,):
            process.kill()
    assert "Traceback" not in said and second.process.returncode == 0 and "MQTT: 127.0.0.1" in out
    assert kept() == before + vehicles * (rounds - 1)
    assert VehicleStatus.objects.filter(at_ms=at + (rounds - 1) * 60_000).count() == vehicles
    pairs = [pair for body in PositionBatch.objects.values_list("body", flat=True) for pair in _pairs(body)]
    assert len(pairs) == len(set(pairs)) == before + vehicles * (rounds - 1)


def _subscribed(process, publisher, vehicles, at):
    """The first positions arrived: a bike of its own that is sent until it is seen."""
    assert process.process.poll() is None, process.process.communicate()
    publisher.send({"vehicle_id": "probe", "time": at, "lon": 113.2005, "lat": 40.0005})
    time.sleep(0.2)
    return VehicleStatus.objects.filter(vehicle_id="probe").exists()


def _pairs(body):
    import pyarrow as pa

    found = pa.ipc.open_stream(pa.BufferReader(bytes(body))).read_all()
    return zip(found["vehicle_id"].to_pylist(), found["time"].to_pylist(), strict=True)
