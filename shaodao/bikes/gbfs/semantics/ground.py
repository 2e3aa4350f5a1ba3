"""Degrees to metres, well enough for a city."""

import numpy as np

from shaodao.bikes.gbfs.feed import Floats

METRES_PER_DEGREE = 111_320.0
NEAR_M = 50_000.0
"""A city: what lies within this of the middle belongs to the feed."""


def plane(lon: Floats, lat: Floats, centre: tuple[float, float]) -> Floats:
    """Metres east and north of `centre` (longitude, latitude), shape (n, 2): good to a percent within a city."""
    with np.errstate(over="ignore", invalid="ignore"):
        east = (lon - centre[0]) * np.cos(np.radians(centre[1])) * METRES_PER_DEGREE
        return np.column_stack([east, (lat - centre[1]) * METRES_PER_DEGREE])


def away(lon: Floats, lat: Floats, centre: tuple[float, float]) -> Floats:
    """Metres from `centre`, shape (n,); infinite where the numbers are beyond measure."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.hypot(*plane(lon, lat, centre).T)
