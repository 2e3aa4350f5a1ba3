"""Distances on the WGS-84 ellipsoid, and the check that every function here makes of its coordinates."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

_ELLIPSOID: Final = Geod(ellps="WGS84")


def distance_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> NDArray[np.float64]:
    """Return the length in metres of the shortest line on the WGS-84 ellipsoid between pairs of points.

    Degrees, broadcast against each other; returns float64 of the common shape (0-d for scalars). Accurate to
    nanometres (Karney 2013, doi:10.1007/s00190-012-0578-z, through pyproj).

    Raises ValueError where a coordinate is not a number or out of range.
    """
    ends = np.broadcast_arrays(*degrees(lon1, lat1), *degrees(lon2, lat2))
    # PROJ writes into the arrays it is given, and broadcast arrays share their memory.
    flat = [np.array(end, dtype=np.float64).ravel() for end in ends]
    metres = _ELLIPSOID.inv(flat[0], flat[1], flat[2], flat[3])[2]
    return np.asarray(metres, dtype=np.float64).reshape(ends[0].shape)


def degrees(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude as float64 of their common shape.

    Raises ValueError that names the first value which is not a number within ±180 and ±90 degrees.
    """
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    for name, values, most in (("longitude", x, 180.0), ("latitude", y, 90.0)):
        wrong = ~(np.abs(values) <= most)
        if wrong.any():
            raise ValueError(f"{name} must lie within ±{most:.0f} degrees, not {values[wrong].flat[0]}")
    return x, y
