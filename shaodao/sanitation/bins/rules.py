"""Pure decisions about work at bins: which visits are asked for a photo, what a day's visits prove."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shaodao.sanitation.words import BinTask

ASKED = (BinTask.WIPE, BinTask.EMPTY, BinTask.DISINFECT)


def drawn(visit: str, share: float) -> bool:
    """Is this visit in the sample that is asked for a photo? By the hash of its key: neither side chooses."""
    return int(hashlib.sha256(visit.encode()).hexdigest()[:8], 16) < share * 16**8


@dataclass(frozen=True)
class Said:
    """One task at one bin, as a phone said it."""

    bin: int
    task: str
    at: datetime
    distance_m: float | None
    photo_missing: bool = False


@dataclass
class Done:
    """Of one bin and task: times that count; how many more were said that prove nothing (too far, no photo)."""

    times: list[datetime] = field(default_factory=list)
    unsure: int = 0


def proven(said: Iterable[Said], apart_min: float, reach_m: float) -> dict[tuple[int, str], Done]:
    """What a day's visits prove, by bin and task. The order in which phones send is of no consequence.

    Within `apart_min` minutes the same task counts once. A phone that was further off than `reach_m`, or that owes a
    photo, makes the task unsure; one without a position is believed, since many stand between houses.
    """
    found: dict[tuple[int, str], Done] = {}
    for row in sorted(said, key=lambda r: (r.at, r.distance_m is None, r.distance_m or 0.0, r.photo_missing)):
        done = found.setdefault((row.bin, row.task), Done())
        if done.times and (row.at - done.times[-1]).total_seconds() < apart_min * 60:
            continue
        if row.photo_missing or (row.distance_m is not None and row.distance_m > reach_m):
            done.unsure += 1
        else:
            done.times.append(row.at)
    return found
