"""WGS-84, CGCS2000, GCJ-02 and BD-09: the datums in which a point in China may arrive.

GCJ-02 shifts WGS-84 by some hundred metres, a smooth function of the position; BD-09 shifts GCJ-02 once more. Both have a
closed formula forwards only. The way back is found by fixed-point iteration: the shift changes by less than 2 % of the
distance, so every round gains almost two digits, and seven rounds reach the limit of float64 (some nanometres).

CGCS2000 differs from WGS-84 by centimetres (plate motion since epoch 2000.0), less than any position handled here is good
for, and is taken as equal.

**Outside China** nothing is shifted, in any of the datums: the shift applies to points whose WGS-84 position lies in the
rectangle 72.004-137.8347 E, 0.8293-55.8271 N, the one that Chinese map services are commonly taken to use. It is not the
border: Hong Kong, Seoul and Hanoi lie inside it. On the rectangle's own edge, far from any Chinese city, a strip of
about one kilometre has no unique way back; the point inside is preferred.

Source of the formulas: the public description of the shift (en.wikipedia.org, "Restrictions on geographic data in China"),
with the Krasovsky ellipsoid as its figure of the Earth.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shaodao.kernel.geodesy import degrees

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

DATUMS: Final = ("WGS-84", "GCJ-02", "BD-09", "CGCS2000")

_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_MARGIN: Final = 0.1
"""Degrees; wider than the largest shift, so that no shifted point of the inside is missed."""

_AXIS: Final = 6_378_245.0
"""Semi-major axis of the Krasovsky ellipsoid, metres."""
_ECCENTRICITY2: Final = 0.006_693_421_622_965_943_23
_BD_WAVE: Final = 3_000.0 / 180.0 * np.pi
_ROUNDS: Final = 7
"""Fixed, not until converged, so that a point's result never depends on which points travel with it."""


def from_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> Pair:
    """Return points given in WGS-84 as (longitude, latitude) in ``datum``.

    Degrees, broadcast; float64 of the common shape (0-d for scalars). ``datum`` is one of `DATUMS`.
    Points outside the rectangle that stands for China (see the module) come back as they are.

    Raises ValueError for an unknown datum and for coordinates that are not degrees.
    """
    _check(datum)
    x, y = (np.array(values) for values in degrees(lon, lat))
    if datum in ("WGS-84", "CGCS2000"):
        return x, y
    inside = _inside(x, y)
    x[inside], y[inside] = _shift(x[inside], y[inside], datum)
    return x, y


def to_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> Pair:
    """Return points given in ``datum`` as (longitude, latitude) in WGS-84, exact to less than a micrometre.

    Arguments, shapes and errors as for `from_wgs84`, of which this is the inverse.
    """
    _check(datum)
    x, y = (np.array(values) for values in degrees(lon, lat))
    if datum in ("WGS-84", "CGCS2000"):
        return x, y
    near = _inside(x, y, _MARGIN)
    back_x, back_y = _unshift(x[near], y[near], datum)
    inside = _inside(back_x, back_y)
    x[near], y[near] = np.where(inside, back_x, x[near]), np.where(inside, back_y, y[near])
    return x, y


def _unshift(x: Floats, y: Floats, datum: str) -> Pair:
    """The points whose shift is (x, y)."""
    back_x, back_y = x, y
    for _ in range(_ROUNDS):
        there_x, there_y = _shift(back_x, back_y, datum)
        back_x, back_y = back_x + (x - there_x), back_y + (y - there_y)
    return back_x, back_y


def _shift(x: Floats, y: Floats, datum: str) -> Pair:
    x, y = _gcj(x, y)
    return _bd(x, y) if datum == "BD-09" else (x, y)


def _gcj(x: Floats, y: Floats) -> Pair:
    """WGS-84 to GCJ-02: a wave in metres, north and east, turned into degrees on the Krasovsky ellipsoid."""
    east, north = x - 105.0, y - 35.0
    root = np.sqrt(np.abs(east))
    ripple = (20.0 * np.sin(6.0 * east * np.pi) + 20.0 * np.sin(2.0 * east * np.pi)) * 2.0 / 3.0
    metres_north = (
        -100.0
        + 2.0 * east
        + 3.0 * north
        + 0.2 * north**2
        + 0.1 * east * north
        + 0.2 * root
        + ripple
        + (20.0 * np.sin(north * np.pi) + 40.0 * np.sin(north / 3.0 * np.pi)) * 2.0 / 3.0
        + (160.0 * np.sin(north / 12.0 * np.pi) + 320.0 * np.sin(north * np.pi / 30.0)) * 2.0 / 3.0
    )
    metres_east = (
        300.0
        + east
        + 2.0 * north
        + 0.1 * east**2
        + 0.1 * east * north
        + 0.1 * root
        + ripple
        + (20.0 * np.sin(east * np.pi) + 40.0 * np.sin(east / 3.0 * np.pi)) * 2.0 / 3.0
        + (150.0 * np.sin(east / 12.0 * np.pi) + 300.0 * np.sin(east / 30.0 * np.pi)) * 2.0 / 3.0
    )
    phi = np.radians(y)
    curve = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY2) / curve**1.5
    parallel = _AXIS / np.sqrt(curve) * np.cos(phi)
    return x + np.degrees(metres_east / parallel), y + np.degrees(metres_north / meridian)


def _bd(x: Floats, y: Floats) -> Pair:
    """GCJ-02 to BD-09: a small wave on the plane's polar coordinates, and an offset."""
    radius = np.hypot(x, y) + 2e-5 * np.sin(y * _BD_WAVE)
    angle = np.arctan2(y, x) + 3e-6 * np.cos(x * _BD_WAVE)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _inside(x: Floats, y: Floats, margin: float = 0.0) -> NDArray[np.bool_]:
    return (x >= _WEST - margin) & (x <= _EAST + margin) & (y >= _SOUTH - margin) & (y <= _NORTH + margin)


def _check(datum: str) -> None:
    if datum not in DATUMS:
        raise ValueError(f"unknown datum {datum!r}: use one of {', '.join(DATUMS)}")
