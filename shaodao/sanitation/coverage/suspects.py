"""Tracks that do not lie where the roads are, and the usual reasons: latitude and longitude swapped, another datum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from shaodao.kernel import datum as kernel_datum
from shaodao.kernel.coverage import Fixes, Network

Floats = NDArray[np.float64]

SAMPLE: Final = 2000
NEAR_M: Final = 20.0
MANY, FEW = 0.6, 0.4


@dataclass(frozen=True)
class Suspicion:
    """``near``: share of the fixes within `NEAR_M` of a road as given; ``swapped`` or another ``datum`` would explain it.

    ``off_m`` is how far that datum would move them.
    """

    near: float
    swapped: bool = False
    datum: str = ""
    off_m: float = 0.0


def look(network: Network, lines: list[Floats], fixes: Fixes, datum: str = "WGS-84") -> Suspicion:
    """Look at some of the fixes. ``datum``: what they were taken as (they are WGS-84 by now)."""
    good = np.flatnonzero(np.isfinite(fixes.lon) & np.isfinite(fixes.lat))
    if not good.size:
        return Suspicion(0.0)
    some = good[np.unique(np.linspace(0, good.size - 1, SAMPLE).astype(np.int64))]
    lon, lat = fixes.lon[some], fixes.lat[some]
    shapes = [shapely.linestrings(np.column_stack(network.metres(line[:, 0], line[:, 1]))) for line in lines]
    tree = shapely.STRtree(shapes)

    def near(lon: Floats, lat: Floats) -> float:
        x, y = network.metres(lon, lat)
        inside = np.isfinite(x) & np.isfinite(y)
        if not inside.any():
            return 0.0
        hit = tree.query(shapely.points(x[inside], y[inside]), predicate="dwithin", distance=NEAR_M)[0]
        return float(np.unique(hit).size / lon.size)

    found = near(lon, lat)
    if found >= FEW:
        return Suspicion(found)
    could = (np.abs(lon) <= 90) & (np.abs(lat) <= 180)
    if could.any() and near(lat[could], lon[could]) * could.mean() > MANY:
        return Suspicion(found, swapped=True)
    for name in ("GCJ-02", "BD-09"):
        if name == datum:
            continue
        x, y = kernel_datum.to_wgs84(lon, lat, name)
        if near(x, y) > MANY:
            here, there = network.metres(lon, lat), network.metres(x, y)
            off = float(np.nanmedian(np.hypot(here[0] - there[0], here[1] - there[1])))
            return Suspicion(found, datum=name, off_m=off)
    return Suspicion(found)
