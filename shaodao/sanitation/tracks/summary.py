"""What there is of a day: each vehicle's fixes, its silences, and what the doors took and left out."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from shaodao.foundation import clock
from shaodao.sanitation import settings
from shaodao.sanitation.models import Box, TrackCount, TrackDay, Vehicle
from shaodao.sanitation.tracks import store
from shaodao.sanitation.tracks.columns import Rows
from shaodao.sanitation.words import Door, TrackFault, TrackMark


@dataclass(frozen=True)
class Heard:
    """A vehicle on a day. gaps: silences between its first and last fix of more than `gap_s`; working: share of the fixes
    with a signal that have it on, None without any; faults, marked: of what was received on that day."""

    vehicle: Vehicle
    boxes: list[Box]
    fixes: int
    first: datetime | None
    last: datetime | None
    gaps: int
    longest_gap_s: int
    working: float | None
    faults: dict[str, int]
    marked: dict[str, int]

    @property
    def problems(self) -> list[tuple[str, int]]:
        words: dict[str, Any] = {**dict(TrackFault.choices), **dict(TrackMark.choices)}
        return [(str(words.get(code, code)), n) for code, n in {**self.faults, **self.marked}.items()]


def vehicles(day: date) -> list[Heard]:
    """The vehicles in use, and those with fixes of that day, by code. Four queries."""
    rows, gap_ms = store.rows_of_day(day), settings.current().tracks.gap_s * 1000
    boxes: dict[int, list[Box]] = {}
    for box in Box.objects.filter(active=True).order_by("code"):
        boxes.setdefault(box.vehicle_id, []).append(box)
    faults: dict[str, Counter[str]] = {}
    marked: dict[str, Counter[str]] = {}
    for row in TrackCount.objects.filter(day=day).exclude(vehicle=""):
        faults.setdefault(row.vehicle, Counter()).update(row.faults)
        marked.setdefault(row.vehicle, Counter()).update(row.marked)
    there = Vehicle.objects.select_related("crew").order_by("code")
    return [
        _heard(v, boxes.get(v.pk, []), rows.get(v.code), gap_ms, faults.get(v.code, {}), marked.get(v.code, {}))
        for v in there
        if v.active or v.code in rows
    ]


def _heard(
    vehicle: Vehicle, boxes: list[Box], rows: Rows | None, gap_ms: int, faults: dict[str, int], marked: dict[str, int]
) -> Heard:
    said = dict(faults), dict(marked)
    if rows is None or not len(rows):
        return Heard(vehicle, boxes, 0, None, None, 0, 0, None, *said)
    silent = np.diff(rows.t)
    signal = rows.working[rows.working >= 0]
    return Heard(
        vehicle, boxes, len(rows), _at(rows.t[0]), _at(rows.t[-1]), int((silent > gap_ms).sum()),
        int(silent.max(initial=0)) // 1000, float(signal.mean()) if signal.size else None, *said,
    )  # fmt: skip


def _at(ms: Any) -> datetime:
    return clock.local(datetime.fromtimestamp(int(ms) / 1000, clock.LOCAL))


@dataclass(frozen=True)
class Through:
    """What came in by a door on a day."""

    door: str
    label: str
    received: int
    kept: int
    known: int
    rejected: int
    failures: int
    last_failure: str
    faults: dict[str, int]
    marked: dict[str, int]
    examples: list[dict[str, Any]]

    @property
    def problems(self) -> list[tuple[str, int]]:
        words: dict[str, Any] = {**dict(TrackFault.choices), **dict(TrackMark.choices)}
        return [(str(words.get(code, code)), n) for code, n in {**self.faults, **self.marked}.items()]


def doors(day: date) -> list[Through]:
    """Those by which something came. One query."""
    rows = list(TrackCount.objects.filter(day=day))
    words: dict[str, Any] = {**dict(TrackFault.choices), **dict(TrackMark.choices)}
    found = []
    for door in Door:
        own = [row for row in rows if row.door == door]
        if not own:
            continue
        faults, marked = Counter[str](), Counter[str]()
        for row in own:
            faults.update(row.faults)
            marked.update(row.marked)
        sums = {name: sum(getattr(row, name) for row in own) for name in ("received", "kept", "known", "failures")}
        examples = [{**e, "what": str(words.get(e["why"], e["why"]))} for row in own for e in row.examples]
        failure = next((row.last_failure for row in own if row.last_failure), "")
        counts = (sums["received"], sums["kept"], sums["known"], faults.total(), sums["failures"])
        found.append(Through(str(door), str(door.label), *counts, failure, dict(faults), dict(marked), examples))
    return found


def as_dict(day: date) -> dict[str, Any]:
    """{"day", "fixes", "vehicles_heard", "changed_at", "sha256", "vehicles": […], "doors": […]}."""
    row = TrackDay.objects.filter(day=day).first()
    fixes, codes = store.of_day(day)
    heard = [
        {
            "vehicle": v.vehicle.code, "boxes": [box.code for box in v.boxes], "fixes": v.fixes, "first": _iso(v.first),
            "last": _iso(v.last), "gaps": v.gaps, "longest_gap_s": v.longest_gap_s, "working": v.working,
            "faults": v.faults, "marked": v.marked,
        }
        for v in vehicles(day)
    ]  # fmt: skip
    return {
        "day": day.isoformat(),
        "fixes": len(fixes.t),
        "vehicles_heard": len(codes),
        "changed_at": row.changed_at.isoformat() if row else None,
        "sha256": store.digest(fixes, codes) if codes else "",
        "vehicles": heard,
        "doors": [{k: v for k, v in vars(through).items() if k != "label"} for through in doors(day)],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
