"""MQTT: what a message says, and what becomes of a batch of them. The connection is in foundation/listen.py.

Topic `…/CODE/positions`, CODE of the operator. A message is one position, or a list of them, as JSON:

    {"vehicle_id": "8652…", "time": 1796054400000, "lon": 113.3001, "lat": 40.0763}

`time`: milliseconds since 1970, or ISO 8601 with an offset; `accuracy`: metres; `state`: a word of words.FeedState;
`datum`: WGS-84 (default), CGCS2000, GCJ-02 or BD-09, of this position.
"""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import orjson
from django.utils.dateparse import parse_datetime

from shaodao.bikes import settings
from shaodao.bikes.ingest import checks, receive
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.models import Operator
from shaodao.bikes.words import IN_FORCE, Reason, Source
from shaodao.foundation.listen import Message
from shaodao.kernel import datum as datums

log = logging.getLogger("shaodao.mqtt")
DATUMS = ("WGS-84", "CGCS2000", "GCJ-02", "BD-09")
LONGEST_CODE = 20


class Unreadable(Exception):
    """A message that is none: nothing of it can be taken."""


def read(body: bytes) -> list[Any]:
    """The positions of one message, nothing in them checked yet. Raises Unreadable."""
    if len(body) > settings.current().ingest.push_mb * 1_000_000:
        raise Unreadable(f"message of {len(body)} bytes")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}") from None
    items = found if isinstance(found, list) else [found]
    if len(items) > settings.current().ingest.push_rows:
        raise Unreadable(f"{len(items)} positions in one message")
    return items


def positions(items: list[Any]) -> Positions:
    """Positions in WGS-84; what is no object, has no readable time or an unknown datum is refused."""
    rows = [_row(item) if isinstance(item, dict) else {} for item in items]
    wrong = [
        not isinstance(item, dict) or row["at_ms"] is None or item.get("datum") not in (None, *DATUMS)
        for item, row in zip(items, rows, strict=True)
    ]
    refused = np.where(wrong, checks.coded(Reason.BAD_FIELD), 0).astype(np.int8)
    found = Positions.of(rows)
    lon, lat = found.lon.copy(), found.lat.copy()
    for name in ("GCJ-02", "BD-09"):
        chosen = np.array([row.get("datum") == name for row in rows], bool)
        chosen &= (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        if chosen.any():
            lon[chosen], lat[chosen] = datums.to_wgs84(lon[chosen], lat[chosen], name)
    return dataclasses.replace(found, lon=lon, lat=lat, refused=refused)


def _row(item: dict[str, Any]) -> dict[str, Any]:
    state, datum = item.get("state"), item.get("datum")
    return {
        "vehicle_id": item.get("vehicle_id"),
        "at_ms": _time(item.get("time")),
        "lon": item.get("lon"),
        "lat": item.get("lat"),
        "accuracy_m": item.get("accuracy"),
        "state": state if isinstance(state, str) else None,
        "datum": datum if isinstance(datum, str) else None,
    }


def _time(given: Any) -> int | None:
    """Milliseconds; None for what is no time, and for a wall clock that does not say where it hangs."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if not isinstance(given, str) or len(given) > 40:
        return None
    try:
        at = parse_datetime(given)
        return None if at is None or at.tzinfo is None else round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def take(messages: Sequence[Message], now: datetime) -> None:
    """Take in a batch: when this returns, every message is done with: committed, or counted as a failure.

    One call of the ingest for each operator. Raises the database's OperationalError: then nothing is sure, and the
    messages have to come again.
    """
    codes = {m.code for m in messages if len(m.code) <= LONGEST_CODE and m.code.isprintable()}
    rows = Operator.objects.select_related("organisation").filter(organisation__code__in=codes)
    known = {operator.organisation.code: operator for operator in rows}
    for code in dict.fromkeys(m.code for m in messages):
        bodies = [m.body for m in messages if m.code == code]
        operator = known.get(code)
        if operator is None:
            log.warning("%d messages for %r, which is no operator", len(bodies), code[:40])
        elif operator.state not in IN_FORCE:
            log.warning("%d messages of %s, which is not admitted", len(bodies), code)
            receive.failed(operator, Source.MQTT, f"not admitted ({operator.state})", now)
        else:
            _take(operator, bodies, now)


def _take(operator: Operator, bodies: Iterable[bytes], now: datetime) -> None:
    items: list[Any] = []
    for body in bodies:
        try:
            items += read(body)
        except Unreadable as reason:
            log.warning("a message of %s: %s", operator.organisation.code, reason)
            receive.failed(operator, Source.MQTT, str(reason), now)
    if items:
        receive.ingest(operator, positions(items), Source.MQTT, now)
