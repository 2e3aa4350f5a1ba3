"""What other parameters would say of the vehicles that are seen now: the same kernel on the same ground."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import F, QuerySet
from numpy.typing import NDArray

from shaodao.bikes import settings
from shaodao.bikes.ground import NONE, Ground, ground, near, shapes
from shaodao.bikes.models import Bay, VehicleStatus
from shaodao.bikes.seen.present import classed, ms_of
from shaodao.bikes.seen.words import HERE, PARKED, SeenAs
from shaodao.bikes.words import FeedState
from shaodao.kernel.parking import BayIndex, Parked

TOLERANCES = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)
ACCURACIES = (0.0, 5.0, 10.0, 15.0, 20.0)
FIXES = (1, 2, 3, 5, 10)
IDLE_DAYS = (1.0, 3.0, 7.0, 14.0, 30.0)
SILENT_HOURS = (1.0, 2.0, 4.0, 8.0, 24.0)


@dataclass(frozen=True)
class Effect:
    """How the parked vehicles stand with one value of a parameter; `present`: the pack's own."""

    value: float
    present: bool
    in_bay: int
    near_bay: int
    outside: int
    zone: int
    uncertain: int

    @property
    def order(self) -> int:
        return self.in_bay + self.near_bay

    @property
    def judged(self) -> int:
        return self.order + self.outside + self.zone

    @property
    def share(self) -> float | None:
        return self.order / self.judged if self.judged else None


@dataclass(frozen=True)
class Number:
    """How many vehicles a threshold finds; `present`: the pack's own."""

    value: float
    present: bool
    n: int


@dataclass(frozen=True, eq=False)
class Fleet:
    """The vehicles in the district as arrays of one length; times in milliseconds, degrees WGS-84, NaN for no accuracy."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    at: NDArray[np.int64]
    since: NDArray[np.int64]
    wrong: NDArray[np.int64]
    parked: NDArray[np.bool_]  # of the classes that are judged by their position
    bad: NDArray[np.bool_]  # outside or in a zone
    silent: NDArray[np.bool_]  # because the operator says so

    @classmethod
    def read(cls, rows: QuerySet[VehicleStatus], now: datetime) -> "Fleet":
        """One query."""
        names = ("lon_e6", "lat_e6", "accuracy_m", "at_ms", "stood_since_ms", "wrong_fixes", "state")
        values = [v for v in classed(rows, now).order_by().values_list(*names, F("seen")) if v[-1] in HERE]
        column = list(zip(*values, strict=True)) if values else [()] * (len(names) + 1)
        seen = np.array(column[7], dtype=object)
        accuracy = np.array([np.nan if a is None else a for a in column[2]], np.float64)
        unreachable = np.array([state == FeedState.NON_CONTACTABLE for state in column[6]], np.bool_)
        at, since, wrong = (np.array(column[n], np.int64) for n in (3, 4, 5))
        lon, lat = (np.array(column[n], np.float64) / 1e6 for n in (0, 1))
        parked = np.isin(seen, [str(c) for c in PARKED])
        bad = np.isin(seen, [str(SeenAs.OUTSIDE), str(SeenAs.ZONE)])
        return cls(lon, lat, accuracy, at, since, wrong, parked, bad, unreachable)

    @property
    def without_accuracy(self) -> int:
        """Parked vehicles whose feed does not say how good the position is."""
        return int(np.isnan(self.accuracy[self.parked]).sum())


def by_tolerance(fleet: Fleet, now: datetime) -> list[Effect]:
    """With other tolerances for the bays that have none of their own, as the ingest would judge now."""
    here, own = ground(), settings.current().parking.tolerance_m
    return [
        _judged(fleet, replace(here, index=_index(here, t)), fleet.accuracy, now, t, t == own)
        for t in _with(TOLERANCES, own)
    ]


def by_accuracy(fleet: Fleet, now: datetime) -> list[Effect]:
    """With other errors for the positions whose feed does not say its own."""
    here, own = ground(), settings.current().parking.accuracy_m
    return [
        _judged(fleet, here, np.where(np.isnan(fleet.accuracy), metres, fleet.accuracy), now, metres, metres == own)
        for metres in _with(ACCURACIES, own)
    ]


def _judged(
    fleet: Fleet, here: Ground, accuracy: NDArray[np.float64], now: datetime, value: float, present: bool
) -> Effect:
    some = fleet.parked
    found = here.judge(fleet.lon[some], fleet.lat[some], accuracy[some], now)
    free = found.parked[found.zone == NONE]
    n = {kind: int(np.count_nonzero(free == kind)) for kind in Parked}
    zone, unsure = int(found.zone.size - free.size), n[Parked.UNCERTAIN] + n[Parked.INVALID]
    return Effect(value, present, n[Parked.IN_BAY], n[Parked.NEAR_BAY], n[Parked.OUTSIDE], zone, unsure)


def by_fixes(fleet: Fleet) -> list[Number]:
    """Violations, if so many fixes in a row had to be wrong."""
    own = settings.current().parking.fixes
    return _numbers(FIXES, own, lambda k: fleet.bad & (fleet.wrong >= k))


def by_idle(fleet: Fleet, now: datetime) -> list[Number]:
    own = settings.current().parking.idle_days
    return _numbers(IDLE_DAYS, own, lambda days: fleet.parked & (fleet.since < ms_of(now) - int(days * 86_400_000)))


def by_silence(fleet: Fleet, now: datetime) -> list[Number]:
    own = settings.current().parking.silent_hours
    return _numbers(SILENT_HOURS, own, lambda hours: fleet.silent | (fleet.at < ms_of(now) - int(hours * 3_600_000)))


def _numbers(tried: Sequence[float], own: float, found: Any) -> list[Number]:
    return [Number(value, value == own, int(np.count_nonzero(found(value)))) for value in _with(tried, own)]


def _with(tried: Iterable[float], own: float) -> list[float]:
    """The values that are tried, and the pack's own among them, in order."""
    return sorted({*tried, own})


# ── indices ──────────────────────────────────────────────────────────────────────────────────────────────────────

_lock = threading.Lock()
_kept: tuple[Ground, list[Any], dict[float, BayIndex]] | None = None


def _index(here: Ground, tolerance: float) -> BayIndex:
    """The bays of the ground with another tolerance; kept until a bay changes (2,000 bays take some hundredths of a
    second each)."""
    global _kept  # noqa: PLW0603
    with _lock:
        if _kept is None or _kept[0] is not here:
            _kept = (
                here,
                list(near(Bay.objects.filter(active=True).order_by("code")).values_list("geometry", "tolerance_m")),
                {},
            )
        _ground, rows, made = _kept
        if tolerance not in made:
            limits = np.array([tolerance if own is None else own for _geometry, own in rows], np.float64)
            made[tolerance] = BayIndex.build(shapes([geometry for geometry, _own in rows]), limits)
        return made[tolerance]
