"""A real MQTT broker for tests, where one listens; a test that needs it is skipped, and says so, where none does."""

import socket
import time
import uuid

import orjson
import paho.mqtt.client as paho
import pytest

from shaodao.foundation import listen

HOST, PORT = "127.0.0.1", 1883


def broker_is_up():
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, PORT)) == 0


on_broker = pytest.mark.skipif(not broker_is_up(), reason=f"no MQTT broker at {HOST}:{PORT}")


class Publisher:
    """Sends at QoS 1 and knows what the broker has."""

    def __init__(self, topic):
        self.topic, self.infos = topic, []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"test-{uuid.uuid4().hex[:12]}")
        self.client.connect(HOST, PORT)
        self.client.loop_start()

    def send(self, body):
        self.infos.append(self.client.publish(self.topic, orjson.dumps(body), 1))

    def close(self):
        for info in self.infos:
            info.wait_for_publish(20)
        self.client.disconnect()
        self.client.loop_stop()


def clean(broker):
    """Let the broker forget the session and what waits in it."""
    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id=broker.client_id, protocol=paho.MQTTv5, manual_ack=True
    )
    client.connect(HOST, PORT, clean_start=True)
    client.loop_start()
    time.sleep(0.2)
    client.disconnect()
    client.loop_stop()


def own_url():
    """The address with a prefix and a client id of its own; afterwards the broker forgets them."""
    own = uuid.uuid4().hex[:12]
    found = f"mqtt://{HOST}:{PORT}/shaodao-test-{own}?client_id=shaodao-test-{own}"
    yield found
    clean(listen.Broker.of(found))


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
