"""The MQTT subscriber: a session that the broker keeps, messages acknowledged after what they say is committed.

What was not acknowledged when the process or the connection ended comes again, and what of it was committed already is
a duplicate then: a message is taken in at least once. What a message says is the affair of the room that listens.
"""

import logging
import queue
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import paho.mqtt.client as paho
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from shaodao.foundation import clock

log = logging.getLogger("shaodao.mqtt")
QOS = 1
BATCH = 500  # messages of one batch, and those that the broker sends ahead of our acknowledgement
BATCH_BYTES = 4_000_000
WAIT = 0.2  # seconds that a batch is collected at most
PAUSE = 0.01  # seconds without a message that end a batch before
KEPT = 7 * 86_400  # seconds that the broker keeps messages for us while we are away
SLOWEST = 30.0  # seconds between two tries, of the database as of the broker


@dataclass(frozen=True)
class Message:
    """What came: the code that stands in the topic (of an operator, of a box), and the body."""

    code: str
    body: bytes


Take = Callable[[Sequence[Message], datetime], None]
"""Takes in a batch: when it returns, every message is done with. The database's OperationalError: all come again."""


@dataclass(frozen=True)
class Broker:
    """Where the broker is: mqtt://user:password@host:1883/topic/prefix?client_id=… (mqtts for TLS).

    `leaf`: the last part of the topics that are listened to, prefix/CODE/leaf.
    """

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    prefix: str = "shaodao/v1"
    client_id: str = "shaodao"
    leaf: str = "positions"

    @classmethod
    def of(cls, url: str) -> "Broker":
        """Raises ValueError for an address that is none; the message never shows the password."""
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError("MQTT_URL should be mqtt://host:1883 or mqtts://user:password@host:8883")
        prefix = unquote(parts.path).strip("/") or cls.prefix
        if any(sign in prefix for sign in "+#\x00"):
            raise ValueError("MQTT_URL: the topic's prefix has no wildcards")
        tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname, parts.port or (8883 if tls else 1883), tls,
            unquote(parts.username or ""), unquote(parts.password or ""), prefix,
            parse_qs(parts.query).get("client_id", [cls.client_id])[0][:60],
        )  # fmt: skip

    @property
    def topic(self) -> str:
        return f"{self.prefix}/+/{self.leaf}"

    def topic_of(self, code: str) -> str:
        return f"{self.prefix}/{code}/{self.leaf}"


@dataclass(frozen=True)
class Waiting:
    """A message that is not acknowledged yet, and the connection that it came by."""

    message: Message
    mid: int
    qos: int
    connection: int


class Subscriber:
    """One subscription; `run` works until `stop`. Only one process may use a client id at a time."""

    def __init__(self, broker: Broker, take: Take) -> None:
        self.broker, self.take, self.stopped, self.connections = broker, take, False, 0
        self.waiting: queue.Queue[Waiting] = queue.Queue(4 * BATCH)
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=broker.client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        self.client.reconnect_delay_set(1, int(SLOWEST))
        if broker.user:
            self.client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            self.client.tls_set()
        self.client.on_connect, self.client.on_message = self._connected, self._came
        self.client.on_disconnect, self.client.on_connect_fail = self._lost, self._unreachable

    # ── of the network thread ────────────────────────────────────────────────────────────────────────────────────

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("the broker refuses us: %s", reason)
            return
        self.connections += 1
        client.subscribe(self.broker.topic, QOS)
        log.info("subscribed to %s", self.broker.topic)

    def _lost(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self.stopped:
            log.warning("connection to the broker lost: %s", reason)

    def _unreachable(self, _client: paho.Client, _data: Any) -> None:
        log.warning("no broker at %s:%d; trying again", self.broker.host, self.broker.port)

    def _came(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            code = message.topic.removeprefix(self.broker.prefix + "/").removesuffix("/" + self.broker.leaf)
        except UnicodeDecodeError:
            code = "?"
        one = Waiting(Message(code, bytes(message.payload)), message.mid, message.qos, self.connections)
        while not self.stopped:
            try:
                self.waiting.put(one, timeout=1)
                return
            except queue.Full:
                continue

    # ── of the main thread ───────────────────────────────────────────────────────────────────────────────────────

    def stop(self, *_signal: Any) -> None:
        """Finish what was collected and end."""
        self.stopped = True

    def run(self) -> None:
        """Collect, take in, acknowledge; until stopped."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval, properties.ReceiveMaximum = KEPT, BATCH
        self.client.connect_async(
            self.broker.host, self.broker.port, clean_start=False, properties=properties
        )  # fmt: skip
        self.client.loop_start()
        try:
            while not self.stopped:
                batch = self.collect()
                if batch and self._patiently(batch):
                    self.acknowledge(batch)
        finally:
            self.stopped = True
            self.client.disconnect()
            self.client.loop_stop()

    def collect(self) -> list[Waiting]:
        """The next messages, as many as come without a pause; none after a second without any."""
        try:
            batch = [self.waiting.get(timeout=1)]
        except queue.Empty:
            return []
        until, size = time.monotonic() + WAIT, len(batch[0].message.body)
        while len(batch) < BATCH and size < BATCH_BYTES and time.monotonic() < until:
            try:
                batch.append(self.waiting.get(timeout=PAUSE))
            except queue.Empty:
                break
            size += len(batch[-1].message.body)
        # What came by a connection that is gone comes again by the present one.
        return [one for one in batch if one.connection == self.connections]

    def _patiently(self, batch: list[Waiting]) -> bool:
        """Take a batch in, waiting for a database that does not answer; False if we were stopped meanwhile."""
        delay = 1.0
        while True:
            try:
                close_old_connections()
                take_in([one.message for one in batch], self.take)
                return True
            except (OperationalError, InterfaceError) as error:
                log.warning("the database does not answer, %d messages wait: %s", len(batch), error)
                connection.close()
            until = time.monotonic() + delay
            while time.monotonic() < until:
                if self.stopped:
                    return False
                time.sleep(0.1)
            delay = min(SLOWEST, delay * 2)

    def acknowledge(self, batch: list[Waiting]) -> None:
        for one in batch:
            if one.qos and one.connection == self.connections:
                self.client.ack(one.mid, one.qos)


def take_in(messages: Sequence[Message], take: Take) -> None:
    """A batch; if something unforeseen is in it, each message for itself, so that one cannot hold up all others."""
    try:
        take(messages, clock.now())
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch of %d messages failed", len(messages))
        for message in messages if len(messages) > 1 else ():
            take_in([message], take)


def run(broker: Broker, take: Take, ready: Callable[[str], None]) -> None:
    """Until SIGTERM or SIGINT. `ready` is told the topic."""
    subscriber = Subscriber(broker, take)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, subscriber.stop)
    ready(broker.topic)
    subscriber.run()
