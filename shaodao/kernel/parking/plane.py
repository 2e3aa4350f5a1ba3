"""A flat map in metres around a city, cheap enough for a million positions a tenth of a second.

The truth is the transverse Mercator projection of the WGS-84 ellipsoid whose central meridian and origin lie in the middle
of the area and whose scale there is exactly 1. East and west of it metres grow longer (4 parts in a million at 17 km), by a factor that `Plane.scale` knows, so
that distances come out as metres on the ground everywhere. PROJ needs 200 ns a point for it; a polynomial of the fifth degree, fitted to PROJ when
the plane is made, needs 2 ns and differs by less than `WORST` metres, or it is not used: over an area too wide for it
every point goes through PROJ.

Symmetry leaves 21 of the 42 coefficients: the easting is odd in the difference of longitude, the northing even.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

Floats = NDArray[np.float64]

WORST: Final = 1e-4
"""Metres by which the polynomial may differ from PROJ before it is given up."""

EAST: Final = tuple((i, j) for i in (1, 3, 5) for j in range(6 - i))
NORTH: Final = tuple((i, j) for i in (0, 2, 4) for j in range(6 - i))
"""Powers of the differences of longitude and latitude, in the order in which `loops.project` reads the coefficients."""

IDENTITY: Final = (
    *(1.0 if power == (1, 0) else 0.0 for power in EAST),
    *(1.0 if power == (0, 1) else 0.0 for power in NORTH),
)
"""Coefficients that leave metres as they are."""


@dataclass(frozen=True, eq=False)
class Plane:
    """The map around (``lon``, ``lat``), meant for differences of at most ``half_lon`` and ``half_lat`` degrees."""

    lon: float
    lat: float
    half_lon: float
    half_lat: float

    @cached_property
    def coefficients(self) -> tuple[float, ...] | None:
        """21 numbers in metres per power of a degree, first `EAST` then `NORTH`; None where PROJ has to do the work."""
        # Chebyshev nodes keep the error as small at the rim as in the middle.
        nodes = np.cos(np.pi * (np.arange(14) + 0.5) / 14)
        u, v = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
        x, y = self.exact(self.lon + u * self.half_lon, self.lat + v * self.half_lat)
        found: list[float] = []
        for powers, values in ((EAST, x), (NORTH, y)):
            scaled = np.linalg.lstsq(_monomials(powers, u, v), values, rcond=None)[0]
            found += (k / self.half_lon**i / self.half_lat**j for k, (i, j) in zip(scaled, powers, strict=True))
        rim = np.linspace(-1, 1, 33)
        u, v = (grid.ravel() for grid in np.meshgrid(rim * self.half_lon, rim * self.half_lat))
        x, y = self.exact(self.lon + u, self.lat + v)
        x -= _monomials(EAST, u, v) @ np.array(found[: len(EAST)])
        y -= _monomials(NORTH, u, v) @ np.array(found[len(EAST) :])
        return tuple(map(float, found)) if np.hypot(x, y).max() < WORST else None

    def metres(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Metres east and north of the middle, by the polynomial where it is good enough."""
        if self.coefficients is None:
            return self.exact(lon, lat)
        from shaodao.kernel.parking import loops

        x, y = np.empty(lon.size), np.empty(lon.size)
        loops.project_all(lon, lat, (self.lon, self.lat), self.coefficients, x, y)
        return x, y

    def scale(self, x: Floats) -> Floats:
        """Metres in the plane per metre on the ground, ``x`` metres east of the middle; the same in all directions.

        The first term of the series in x over the radius (Snyder 1987, Map Projections, eq. 8-11): right to 2e-7 at the
        greatest width that `outlines.WIDEST` allows.
        """
        e2 = 0.0066943799901413165  # WGS-84, first eccentricity squared
        radius2 = 6_378_137.0**2 * (1 - e2) / (1 - e2 * np.sin(np.radians(self.lat)) ** 2) ** 2
        return np.asarray(1 + x * x / (2 * radius2), dtype=np.float64)

    def exact(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Metres east and north of the middle, by PROJ; infinite where PROJ has no answer."""
        x, y = self._proj.transform(lon, lat)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    @cached_property
    def _proj(self) -> Transformer:
        plane = f"+proj=tmerc +lat_0={self.lat!r} +lon_0={self.lon!r} +k=1 +ellps=WGS84 +units=m"
        return Transformer.from_pipeline(f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step {plane}")


def _monomials(powers: tuple[tuple[int, int], ...], u: Floats, v: Floats) -> Floats:
    return np.stack([u**i * v**j for i, j in powers], axis=1)
