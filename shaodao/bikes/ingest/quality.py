"""How good a feed is: sums by operator, day and door, counted in the transaction that takes the positions in."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shaodao.bikes import settings
from shaodao.bikes.models import FeedQuality, Operator
from shaodao.bikes.words import LATENCY
from shaodao.foundation import clock

if TYPE_CHECKING:
    from shaodao.bikes.ingest.receive import Received

EXAMPLES = 20  # of the day, the newest


def count(operator: Operator, source: str, now: datetime, found: "Received", age_ms: NDArray[np.int64]) -> None:
    """Add a call: what became of its rows, and (k,) how old the kept ones were. The operator is locked."""
    row = _of(operator, source, now)
    now_ms = int(now.timestamp() * 1000)
    for name in ("received", "kept", "rejected"):
        setattr(row, name, getattr(row, name) + getattr(found, name))
    row.calls += 1
    row.reasons, row.marked = _sum(row.reasons, found.reasons), _sum(row.marked, found.marked)
    classes = np.searchsorted(LATENCY, age_ms / 1000, side="left")
    counts = np.bincount(classes, minlength=len(LATENCY) + 1)
    row.latency = (counts + np.array(row.latency or [0] * counts.size)).tolist()
    row.latency_ms += int(np.maximum(age_ms, 0).sum())
    row.examples = (found.examples + row.examples)[:EXAMPLES]
    if found.kept:
        if row.last_received_ms is not None:
            gap = now_ms - row.last_received_ms
            row.gaps += gap > settings.current().ingest.gap_s * 1000
            row.longest_gap_ms = max(row.longest_gap_ms, gap)
        row.first_received_ms = row.first_received_ms or now_ms
        row.last_received_ms = max(now_ms, row.last_received_ms or 0)
    row.save()


def fail(operator: Operator, source: str, now: datetime, what: str) -> None:
    """Add a call that brought nothing, and why. The operator is locked."""
    row = _of(operator, source, now)
    row.calls += 1
    row.failures += 1
    row.last_failure = printable(what, 300)
    row.save()


def printable(text: object, longest: int) -> str:
    """Whatever a stranger sent, as text that any database stores and any page shows."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:longest])


def _of(operator: Operator, source: str, now: datetime) -> FeedQuality:
    """The day's row. A new day begins with the last receipt of the one before, so that a gap over midnight is one."""
    day = clock.local(now).date()
    last = FeedQuality.objects.filter(operator=operator, source=source, day__lte=day).order_by("-day").first()
    if last is not None and last.day == day:
        return last
    before = last.last_received_ms if last else None
    return FeedQuality(operator=operator, source=source, day=day, last_received_ms=before)


def _sum(stored: dict[str, int], more: Any) -> dict[str, int]:
    return {name: stored.get(name, 0) + more.get(name, 0) for name in {**stored, **more}}
