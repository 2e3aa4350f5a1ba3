"""What is taken in and what is not: arrays in, one reason for each row out. No database, no clock."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shaodao.bikes.ingest.positions import NO_TIME, Positions
from shaodao.bikes.settings import IngestSettings
from shaodao.bikes.words import ABSENT, RIDDEN, FeedState, Reason
from shaodao.kernel import datum as datums

LONGEST_ID = 100
NEAR_NULL = 0.01  # degrees around 0, 0, where no bike is but many a broken receiver
REASONS = tuple(Reason)
KEPT = 0
"""In `why`: nothing is wrong; n > 0 is REASONS[n - 1]."""
STATES = tuple(FeedState)
_CODE = {str(state.value): code for code, state in enumerate(STATES)}
_UNKNOWN = STATES.index(FeedState.UNKNOWN)
_RIDDEN = np.array([state in RIDDEN for state in STATES])
_ABSENT = np.array([state in ABSENT for state in STATES])


def coded(reason: Reason) -> int:
    """The number of a reason in `why` and in `Positions.refused`."""
    return 1 + REASONS.index(reason)


@dataclass(frozen=True, eq=False)
class Checked:
    """Rows of one call after the checks that need no database.

    why
        (n,) int8 for every row that was sent, `KEPT` or 1 + the reason's place in REASONS.
    rows
        (k,) int64, which of the n were kept: all else here is theirs, in the order of vehicle and time.
    vehicle
        (k,) int64 into `ids`, the v distinct vehicle ids.
    at, lon_e6, lat_e6, accuracy, state
        milliseconds, microdegrees of WGS-84, float32 metres (NaN for unknown), int8 into STATES.
    """

    why: NDArray[np.int8]
    rows: NDArray[np.int64]
    ids: list[str]
    vehicle: NDArray[np.int64]
    at: NDArray[np.int64]
    lon_e6: NDArray[np.int32]
    lat_e6: NDArray[np.int32]
    accuracy: NDArray[np.float32]
    state: NDArray[np.int8]

    def without(self, drop: NDArray[np.bool_], reason: Reason) -> "Checked":
        """With some of the kept rows rejected after all; a vehicle of which nothing is left keeps its number."""
        self.why[self.rows[drop]] = 1 + REASONS.index(reason)
        keep = ~drop
        return Checked(
            *(self.why, self.rows[keep], self.ids, self.vehicle[keep], self.at[keep]),
            *(self.lon_e6[keep], self.lat_e6[keep], self.accuracy[keep], self.state[keep]),
        )


def ridden(state: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(k,) which of the states mean that somebody rides it."""
    return np.asarray(_RIDDEN[state])


def absent(state: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(k,) which of the states mean that it is not in the street."""
    return np.asarray(_ABSENT[state])


def check(sent: Positions, now_ms: int, limits: IngestSettings) -> Checked:
    """Find what cannot be taken in, bring the rest into one form. Of equal (vehicle, time) the first is kept.

    Raises ValueError for a datum that is none.
    """
    n = len(sent)
    why = np.zeros(n, np.int8) if sent.refused is None else sent.refused.astype(np.int8)
    vehicle, ids = _identified(sent, why)
    lon, lat = sent.lon, sent.lat
    placed = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if sent.datum not in ("WGS-84", "CGCS2000"):
        wx, wy = datums.to_wgs84(np.where(placed, lon, 0.0), np.where(placed, lat, 0.0), sent.datum)
        lon, lat = np.where(placed, wx, np.nan), np.where(placed, wy, np.nan)
    timed = sent.at_ms != NO_TIME
    age = now_ms - np.where(timed, sent.at_ms, now_ms)
    for reason, wrong in (
        (Reason.NO_TIME, ~timed),
        (Reason.FUTURE, age < -limits.future_s * 1000),
        (Reason.OLDEST, age > limits.oldest_days * 86_400_000),
        (Reason.NO_POSITION, ~placed),
        (Reason.NULL_ISLAND, placed & (np.abs(sent.lon) < NEAR_NULL) & (np.abs(sent.lat) < NEAR_NULL)),
    ):
        why[wrong & (why == KEPT)] = 1 + REASONS.index(reason)
    kept = np.flatnonzero(why == KEPT)
    kept = kept[np.lexsort((sent.at_ms[kept], vehicle[kept]))]  # stable: of equal ones the first stays first
    twice = np.zeros(kept.size, bool)
    twice[1:] = (np.diff(vehicle[kept]) == 0) & (np.diff(sent.at_ms[kept]) == 0)
    why[kept[twice]] = 1 + REASONS.index(Reason.DUPLICATE)
    kept = kept[~twice]
    state = _states(sent.state[kept])
    digits = np.where(ridden(state), limits.trip_decimals, 6)
    lon_e6, lat_e6 = _whole(lon[kept], digits), _whole(lat[kept], digits)
    accuracy = sent.accuracy_m[kept]
    metres = np.where(accuracy >= 0, np.minimum(accuracy, 1e6), np.nan).astype(np.float32)
    return Checked(why, kept, ids, vehicle[kept], sent.at_ms[kept], lon_e6, lat_e6, metres, state)


def _identified(sent: Positions, why: NDArray[np.int8]) -> tuple[NDArray[np.int64], list[str]]:
    """Each row's vehicle as a number (-1: none), and the ids by that number. An id is printable text, stripped."""
    known: dict[str, int] = {}
    vehicle = np.full(len(sent), -1, np.int64)
    for row, given in enumerate(sent.vehicle_id.tolist()):
        if why[row] != KEPT:
            continue
        if not isinstance(given, str):
            why[row] = 1 + REASONS.index(Reason.NO_ID)
            continue
        if len(given) > LONGEST_ID:
            why[row] = 1 + REASONS.index(Reason.LONG_ID)
            continue
        text = given.strip()
        if not text or not text.isprintable():
            why[row] = 1 + REASONS.index(Reason.NO_ID)
            continue
        vehicle[row] = known.setdefault(text, len(known))
    return vehicle, list(known)


def _states(given: NDArray[np.object_]) -> NDArray[np.int8]:
    # A number or a list is no state; only text can be looked up.
    codes = [_CODE.get(str(s), _UNKNOWN) if isinstance(s, str) else _UNKNOWN for s in given.tolist()]
    return np.array(codes, np.int8)


def _whole(degrees: NDArray[np.float64], digits: NDArray[np.int64]) -> NDArray[np.int32]:
    """Microdegrees, rounded to so many digits of a degree."""
    step = 10.0 ** (6 - digits)
    return np.asarray(np.rint(degrees * 1e6 / step) * step, dtype=np.float64).astype(np.int32)
