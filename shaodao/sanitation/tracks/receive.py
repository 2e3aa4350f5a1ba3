"""The one way in: what a door hands over is checked, kept, counted; every row that is left out has a reason.

found = take(sent, Door.HTTP, clock.now())      # Received: {"received", "kept", "known", "rejected", "faults", …}
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from shaodao.foundation import clock, district
from shaodao.foundation.models import District
from shaodao.sanitation import settings
from shaodao.sanitation.models import Box, TrackCount
from shaodao.sanitation.tracks import checks, store, whose
from shaodao.sanitation.tracks.sent import Sent
from shaodao.sanitation.words import TrackFault, TrackMark

EXAMPLES = 100
KEPT_EXAMPLES = 20
MINUTE_MS = 60_000
Outline = tuple[str, checks.Bounds | None]
_bounds: Outline = ("", None)


@dataclass
class Received:
    """What became of rows: sums, by day what was new, the first faults by row (from 0)."""

    received: int = 0
    kept: int = 0
    known: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    marked: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: "Received") -> None:
        for name in ("received", "kept", "known", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("reasons", "marked", "days"):
            mine = getattr(self, name)
            for key, n in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + n
        self.faults += other.faults[: EXAMPLES - len(self.faults)]

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def bounds() -> checks.Bounds | None:
    """Where the district is, and around it as far as the settings say; None before a pack is loaded."""
    global _bounds  # noqa: PLW0603
    found = district.current()
    if not found.code:
        return None
    if _bounds[0] != found.digest:
        import shapely.geometry

        outline = District.objects.order_by("id").values_list("outline", flat=True).first()
        west, south, east, north = shapely.geometry.shape(outline).bounds if outline else (*found.centre, *found.centre)
        up = settings.current().tracks.outside_km / 111.32
        aside = up / max(0.1, float(np.cos(np.radians(found.centre[1]))))
        _bounds = (found.digest, checks.Bounds(west - aside, south - up, east + aside, north + up))
    return _bounds[1]


def take(sent: Sent, door: str, now: datetime) -> Received:
    """Take in fixes. One transaction and a number of queries that does not grow with them."""
    here, limits = bounds(), settings.current().tracks
    with transaction.atomic():
        named = whose.boxes_of(sent)
        fleet = whose.fleet(named)
        keys, why, datum = whose.resolve(fleet, sent)
        checked = checks.check(sent, why, datum, int(now.timestamp() * 1000), limits, here)
        kept = checked.why == ""
        found = store.groups(keys[kept], checked.rows.part(kept))
        new = store.add(found, door, now) if found else {}
        result = _result(sent, checked, new)
        _count(fleet, keys, checked, new, result, door, now)
        _heard(fleet, named, now)
    return result


def _result(sent: Sent, checked: checks.Checked, new: dict[tuple[int, date], int]) -> Received:
    rejected = np.flatnonzero(checked.why != "")
    n, kept = len(sent), sum(new.values())
    days: Counter[str] = Counter()
    for (_vehicle, day), more in new.items():
        days[day.isoformat()] += more
    return Received(
        n, kept, n - rejected.size - kept, int(rejected.size),
        {str(code): many for code, many in Counter(checked.why[rejected].tolist()).items()},
        {str(mark): many for mark, rows in checked.marks.items() if (many := int(rows.sum()))},
        {day: many for day, many in sorted(days.items()) if many},
        _faults(sent, checked, rejected),
    )  # fmt: skip


def _faults(sent: Sent, checked: checks.Checked, rejected: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The first rows that were left out, and as many that lost a value as there is room for, in their order."""
    first = [(int(row), checked.why[row]) for row in rejected[:EXAMPLES]]
    marks = [(int(row), mark) for mark, rows in checked.marks.items() for row in np.flatnonzero(rows)[:EXAMPLES]]
    first += sorted(marks, key=lambda pair: pair[0])[: EXAMPLES - len(first)]
    return [
        {"row": sent.first + row, "box": _shown(sent.box[row]), "vehicle": _shown(sent.vehicle[row]),
         "field": checks.FIELD[reason], "why": str(reason)}
        for row, reason in sorted(first, key=lambda pair: pair[0])[:EXAMPLES]
    ]  # fmt: skip


def said(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with words in the language in use now."""
    words: dict[str, Any] = {**dict(TrackFault.choices), **dict(TrackMark.choices)}
    return [{**fault, "what": str(words.get(fault["why"], fault["why"]))} for fault in faults]


def _shown(text: Any) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text or "")[:60])


# ── counted ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _count(
    fleet: whose.Fleet,
    keys: NDArray[np.int64],
    checked: checks.Checked,
    new: dict[tuple[int, date], int],
    result: Received,
    door: str,
    now: datetime,
) -> None:
    """Add to the sums of the day by vehicle; examples stand with the door's own row."""
    today = clock.local(now).date()
    found = {fleet.codes.get(int(key), ""): keys == key for key in np.unique(keys)}
    found.setdefault("", np.zeros(len(keys), bool))
    TrackCount.objects.bulk_create(
        [TrackCount(day=today, door=door, vehicle=code) for code in sorted(found)], ignore_conflicts=True
    )
    rows = list(
        TrackCount.objects.select_for_update().filter(day=today, door=door, vehicle__in=found).order_by("vehicle")
    )
    by_code: Counter[str] = Counter()
    for (vehicle, _day), more in new.items():
        by_code[fleet.codes[vehicle]] += more
    for row in rows:
        own = found[row.vehicle]
        faults = Counter(str(code) for code in checked.why[own].tolist() if code)
        row.received, row.kept = row.received + int(own.sum()), row.kept + by_code[row.vehicle]
        row.known += int(own.sum()) - faults.total() - by_code[row.vehicle]
        row.faults = dict(Counter(row.faults) + faults)
        row.marked = dict(
            Counter(row.marked) + Counter({str(m): int((r & own).sum()) for m, r in checked.marks.items()})
        )
        if not row.vehicle and result.faults:
            at = now.isoformat(timespec="seconds")
            row.examples = _different([*({**f, "at": at} for f in result.faults), *row.examples])[:KEPT_EXAMPLES]
    names = ["received", "kept", "known", "faults", "marked", "examples"]
    TrackCount.objects.bulk_update(rows, names, batch_size=200)


def _different(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest of each reason and box or vehicle, so that one box with a fault does not hide the others."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for example in examples:
        found.setdefault((example["why"], example["box"], example["vehicle"]), example)
    return list(found.values())


def failed(door: str, what: str, now: datetime) -> None:
    """A call or a message brought nothing at all."""
    with transaction.atomic():
        day = clock.local(now).date()
        TrackCount.objects.bulk_create([TrackCount(day=day, door=door)], ignore_conflicts=True)
        row = TrackCount.objects.select_for_update().get(day=day, door=door, vehicle="")
        row.failures, row.last_failure = row.failures + 1, _line(what)
        row.save(update_fields=["failures", "last_failure"])


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:300]


def _heard(fleet: whose.Fleet, named: set[str], now: datetime) -> None:
    """When each box was named the last time, to the minute: no write for every call."""
    late = [
        seat.box.pk
        for code in named
        if (seat := fleet.boxes.get(code))
        and (seat.box.heard_at is None or (now - seat.box.heard_at).total_seconds() * 1000 >= MINUTE_MS)
    ]
    if late:
        Box.objects.filter(pk__in=late).update(heard_at=now)
