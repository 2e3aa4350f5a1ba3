"""What of a fix cannot be: arrays in, one reason for each row out. No database, no clock."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shaodao.foundation.cells import NO_TIME
from shaodao.kernel import datum as datums
from shaodao.sanitation.settings import TrackSettings
from shaodao.sanitation.tracks.columns import NONE, Rows
from shaodao.sanitation.tracks.sent import UNREAD, Sent
from shaodao.sanitation.words import TrackFault, TrackMark

FASTEST_KMH = 200.0
FIELD = {
    TrackFault.NO_NAME: "vehicle", TrackFault.UNKNOWN: "vehicle", TrackFault.FOREIGN: "box",
    TrackFault.TWO_VEHICLES: "vehicle", TrackFault.NO_TIME: "time", TrackFault.FUTURE: "time",
    TrackFault.OLDEST: "time", TrackFault.NO_POSITION: "lon", TrackFault.SWAPPED: "lon", TrackFault.DATUM: "datum",
    TrackFault.NO_OBJECT: "", TrackMark.SPEED: "speed_kmh", TrackMark.HEADING: "heading", TrackMark.WORKING: "working",
}  # fmt: skip
"""Which field a reason is about."""


@dataclass(frozen=True)
class Bounds:
    """Where fixes of the district are plausible, degrees."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (lon >= self.west) & (lon <= self.east) & (lat >= self.south) & (lat <= self.north)


@dataclass(frozen=True, eq=False)
class Checked:
    """why (n,) object, "" for what is kept; marks by TrackMark (n,) bool; rows: all n, those that are not kept without
    meaning."""

    why: NDArray[np.object_]
    marks: dict[TrackMark, NDArray[np.bool_]]
    rows: Rows


def check(
    sent: Sent,
    why: NDArray[np.object_],
    datum: NDArray[np.object_],
    now_ms: int,
    limits: TrackSettings,
    bounds: Bounds | None,
) -> Checked:
    """`why` and `datum` as `whose.resolve` gave them; the first reason that is found for a row stays."""
    why = why.copy()
    if sent.no_object is not None:
        why[sent.no_object] = TrackFault.NO_OBJECT
    timed = sent.t != NO_TIME
    age = now_ms - np.where(timed, sent.t, now_ms)
    finite = np.isfinite(sent.lon) & np.isfinite(sent.lat)
    placed = finite & (np.abs(sent.lon) <= 180) & (np.abs(sent.lat) <= 90)
    placed &= (np.abs(sent.lon) > 0.01) | (np.abs(sent.lat) > 0.01)  # 0, 0: a receiver that sees no satellite
    swapped = np.zeros(len(sent), bool)
    if bounds is not None:
        swapped = finite & ~bounds.holds(sent.lon, sent.lat) & bounds.holds(sent.lat, sent.lon)
    lon, lat, strange = _wgs84(sent, datum, placed)
    for reason, wrong in (
        (TrackFault.NO_TIME, ~timed),
        (TrackFault.FUTURE, age < -limits.future_s * 1000),
        (TrackFault.OLDEST, age > limits.oldest_days * 86_400_000),
        (TrackFault.SWAPPED, swapped),
        (TrackFault.NO_POSITION, ~placed),
        (TrackFault.DATUM, strange),
    ):
        why[wrong & (why == "")] = reason
    return Checked(why, _marks(sent, why), _rows(sent, lon, lat))


def _marks(sent: Sent, why: NDArray[np.object_]) -> dict[TrackMark, NDArray[np.bool_]]:
    kept = why == ""
    wrong = {
        TrackMark.SPEED: sent.speed_given & ~_speed(sent),
        TrackMark.HEADING: sent.heading_given & ~_heading(sent),
        TrackMark.WORKING: sent.working == UNREAD,
    }
    return {mark: rows & kept for mark, rows in wrong.items()}


def _speed(sent: Sent) -> NDArray[np.bool_]:
    return np.asarray((sent.speed >= 0) & (sent.speed <= FASTEST_KMH))  # NaN is neither


def _heading(sent: Sent) -> NDArray[np.bool_]:
    return np.asarray((sent.heading >= 0) & (sent.heading <= 360))


def _wgs84(
    sent: Sent, of_box: NDArray[np.object_], placed: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Degrees in WGS-84 (0 for what is not placed), and which rows name a datum that is none."""
    lon, lat = np.where(placed, sent.lon, 0.0), np.where(placed, sent.lat, 0.0)
    named = np.array([d or b or sent.datum for d, b in zip(sent.datums.tolist(), of_box.tolist(), strict=True)], object)
    for name in ("GCJ-02", "BD-09"):
        chosen = (named == name) & placed
        if chosen.any():
            lon[chosen], lat[chosen] = datums.to_wgs84(lon[chosen], lat[chosen], name)
    return lon, lat, ~np.isin(named.astype(str), datums.DATUMS)


def _rows(sent: Sent, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Rows:
    speed = np.where(_speed(sent), np.rint(np.nan_to_num(sent.speed) * 10), NONE)
    heading = np.where(_heading(sent), np.rint(np.nan_to_num(sent.heading) * 10) % 3600, NONE)
    return Rows(
        sent.t,
        np.rint(lon * 1e7).astype(np.int32),
        np.rint(lat * 1e7).astype(np.int32),
        np.clip(speed, NONE, 32_000).astype(np.int16),
        heading.astype(np.int16),
        np.where(sent.working == UNREAD, NONE, sent.working).astype(np.int8),
    )
