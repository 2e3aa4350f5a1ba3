"""How long has each vehicle stood, and how often in a row was it found wrong: a walk over fixes in order of time.

The walk keeps a small state for each vehicle (`State`) and changes it fix by fix, so that it may be fed a day at once or a
few fixes every second and ends at the same answer. Pure arithmetic: no database, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import compiled

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

RIGHT: Final = 0
"""A fix that finds the vehicle in order."""
WRONG: Final = 1
"""One that does not."""
UNSURE: Final = 2
"""One that cannot say: it neither adds to a run of wrong fixes nor ends it."""
MOVING: Final = 3
"""The vehicle is in use: it stands nowhere."""

TELEPORT: Final = 1
LATE: Final = 4
"""Bits of the answer: farther than anybody could have carried it; older than what was known already."""

_METRES: Final = 111_320.0 * 1e-6  # of a microdegree of latitude, to a third of a per cent: enough for metres of GPS


@dataclass(frozen=True, eq=False)
class State:
    """What is known of v vehicles; `walk` changes it in place.

    at
        (v,) int64, milliseconds since 1970 of the last fix; `NEVER` for a vehicle without one.
    lon, lat
        (v,) int32, microdegrees of the last fix.
    since
        (v,) int64, milliseconds: since when it has stood where it stands.
    from_lon, from_lat
        (v,) int32, microdegrees: where it first stood there.
    wrong
        (v,) int32, fixes in a row that found it wrong at this place.
    """

    at: Longs
    lon: Ints
    lat: Ints
    since: Longs
    from_lon: Ints
    from_lat: Ints
    wrong: Ints

    @classmethod
    def nothing(cls, vehicles: int) -> State:
        """No vehicle has been seen yet."""
        lon, lat, from_lon, from_lat, wrong = np.zeros((5, vehicles), np.int32)
        return cls(np.full(vehicles, NEVER), lon, lat, np.zeros(vehicles, np.int64), from_lon, from_lat, wrong)


NEVER: Final = int(np.iinfo(np.int64).min)


def walk(
    state: State, vehicle: Longs, at: Longs, lon: Ints, lat: Ints, found: NDArray[np.int8], still: float, fastest: float
) -> tuple[NDArray[np.int8], Longs]:
    """Feed n fixes to the state.

    Parameters
    ----------
    vehicle
        (n,) int64, which vehicle, from 0; the fixes of each stand in order of time (`at`, milliseconds).
    lon, lat
        (n,) int32 microdegrees.
    found
        (n,) int8: `RIGHT`, `WRONG`, `UNSURE` or `MOVING`.
    still
        Metres from where it first stood that a vehicle may drift without having moved.
    fastest
        Metres per second between two fixes (less `still`) beyond which it cannot have gone by itself.

    Returns (n,) int8 bits `TELEPORT` and `LATE`, and (v,) int64 the row of each vehicle's last fix, -1 where no fix of it
    was newer than what was known. A late fix changes nothing.
    """
    marks = np.zeros(at.size, np.int8)
    last = np.full(state.at.size, -1, np.int64)
    _walk(
        *(vehicle, at, lon, lat, found, still, fastest, marks, last),
        *(state.at, state.lon, state.lat, state.since, state.from_lon, state.from_lat, state.wrong),
    )
    return marks, last


@compiled
def _apart(lon: int, lat: int, other_lon: int, other_lat: int) -> float:
    north = (lat - other_lat) * _METRES
    east = (lon - other_lon) * _METRES * np.cos(np.radians(lat * 1e-6))
    return float(np.sqrt(north * north + east * east))


@compiled
def _walk(  # type: ignore[no-untyped-def]
    vehicle,
    at,
    lon,
    lat,
    found,
    still,
    fastest,
    marks,
    last,
    was_at,
    was_lon,
    was_lat,
    since,
    from_lon,
    from_lat,
    wrong,
) -> None:
    for row in range(at.size):
        v = vehicle[row]
        known = was_at[v] != NEVER
        if known and at[row] <= was_at[v]:
            marks[row] = LATE
            continue
        if known:
            seconds = (at[row] - was_at[v]) / 1000.0
            far = _apart(lon[row], lat[row], was_lon[v], was_lat[v]) - still
            if far > fastest * seconds:
                marks[row] = TELEPORT
        moving = found[row] == MOVING
        if not known or moving or _apart(lon[row], lat[row], from_lon[v], from_lat[v]) > still:
            since[v], from_lon[v], from_lat[v], wrong[v] = at[row], lon[row], lat[row], 0
        if found[row] == WRONG:
            wrong[v] += 1
        elif found[row] == RIGHT:
            wrong[v] = 0
        was_at[v], was_lon[v], was_lat[v] = at[row], lon[row], lat[row]
        last[v] = row
