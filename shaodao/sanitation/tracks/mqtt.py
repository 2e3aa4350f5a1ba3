"""MQTT: what a message says, and what becomes of a batch of them. The connection is in foundation/listen.py.

Topic `…/BOX/tracks`, BOX the code of a box. A message is one fix, or a list of them, as JSON; the box is the topic's:

    {"time": 1796054400000, "lon": 113.3001, "lat": 40.0763, "speed_kmh": 9.5, "heading": 87, "working": true}
"""

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from shaodao.foundation.listen import Broker, Message
from shaodao.sanitation import settings
from shaodao.sanitation.models import Box
from shaodao.sanitation.tracks import receive
from shaodao.sanitation.tracks.sent import of_items
from shaodao.sanitation.words import Door

log = logging.getLogger("shaodao.mqtt")


def broker(url: str) -> Broker:
    """Ours beside that of the bikes: another last part of the topic, another client id. Raises ValueError."""
    found = Broker.of(url)
    return dataclasses.replace(found, leaf="tracks", client_id=f"{found.client_id[:52]}-tracks")


def read(body: bytes) -> list[Any]:
    """The fixes of one message, nothing in them checked yet. Raises ValueError that says why it is none."""
    limits = settings.current().tracks
    if len(body) > limits.push_mb * 1_000_000:
        raise ValueError(f"message of {len(body)} bytes")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    items = found if isinstance(found, list) else [found]
    if len(items) > limits.push_rows:
        raise ValueError(f"{len(items)} fixes in one message")
    return items


def take(messages: Sequence[Message], now: datetime) -> None:
    """Take in a batch, all boxes together: when this returns, every message is committed, or counted as a failure.

    A box speaks for itself only: the code in the topic stands for what the fix says. Raises the database's errors.
    """
    known = set(Box.objects.filter(active=True).values_list("code", flat=True))
    items: list[Any] = []
    owners: list[str] = []
    for message in messages:
        try:
            if message.code not in known:
                raise ValueError(f"no box {message.code[:60]!r}")
            found = read(message.body)
        except ValueError as reason:
            log.warning("a message of %r: %s", message.code[:60], reason)
            receive.failed(Door.MQTT, f"{message.code[:60]}: {reason}", now)
        else:
            items, owners = items + found, owners + [message.code] * len(found)
    if items:
        receive.take(of_items(items, owners=owners), Door.MQTT, now)
