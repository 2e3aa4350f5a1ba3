"""A day driven for tests: what vehicles do by the second becomes noisy fixes; nothing here knows how it is proven."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import numpy as np

from shaodao.foundation import clock
from shaodao.kernel.coverage import Fixes
from shaodao.sanitation.models import Segment

METRES = np.array([111_320.0 * np.cos(np.radians(40.0)), 111_320.0])


def midnight(day: date) -> float:
    return clock.from_local(datetime.combine(day, time())).timestamp()


@dataclass
class Driver:
    """Drives vehicles along segments and keeps what their boxes send: a fix every `every` seconds, `noise` metres."""

    day: date
    every: int = 5
    noise: float = 2.0
    rows: list[list[float]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    seed: int = 3

    def work(
        self, vehicle: str, code: str, at: str, kmh: float = 10.0, on: int = 1, part: tuple[float, float] = (0, 1)
    ) -> None:
        """Along a segment from `at` (07:30) on; the signal is on within `part` of it."""
        line = np.array(Segment.objects.get(code=code).geometry["coordinates"], float)
        long = np.r_[0, np.cumsum(np.hypot(*((line[1:] - line[:-1]) * METRES).T))]
        speed = kmh / 3.6
        steps = np.arange(-60.0, long[-1] + 60.0, speed)  # from before its beginning to beyond its end
        along = np.stack([np.interp(steps, long, line[:, n]) for n in (0, 1)], axis=1)
        ahead = (line[-1] - line[0]) * METRES
        ahead /= np.hypot(*ahead)
        beyond = np.clip(steps, None, 0) + np.clip(steps - long[-1], 0, None)
        along += beyond[:, None] * ahead / METRES
        share = steps / long[-1]
        signal = on * ((share >= part[0]) & (share <= part[1]))
        self.put(vehicle, seconds(at), along, speed, np.degrees(np.arctan2(*ahead)) % 360, signal)

    def stand(self, vehicle: str, code: str, begin: str, end: str) -> None:
        """Broken down at a segment's beginning, the box goes on sending."""
        line = Segment.objects.get(code=code).geometry["coordinates"]
        n = int(seconds(end) - seconds(begin))
        self.put(vehicle, seconds(begin), np.repeat([line[0]], n, axis=0), 0.0, 0.0, np.zeros(n))

    def put(self, vehicle: str, begin: float, places: Any, speed: float, heading: float, signal: Any) -> None:
        if vehicle not in self.codes:
            self.codes.append(vehicle)
        random = np.random.default_rng([self.seed, len(self.rows)])
        who, start = self.codes.index(vehicle), midnight(self.day) + begin
        for i in range(0, len(places), self.every):
            lon, lat = places[i] + random.normal(0, self.noise, 2) / METRES
            self.rows.append([who, start + i, lon, lat, speed, heading, float(np.ravel(signal)[i])])

    @property
    def fixes(self) -> Fixes:
        columns = np.array(self.rows).T
        return Fixes.of(*columns)


def seconds(at: str) -> float:
    hours, minutes = at.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0
