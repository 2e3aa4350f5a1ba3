"""`BayIndex`: bays made ready once, positions assigned as often as they come. What it promises is in the package's text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shaodao.kernel.parking import outlines
from shaodao.kernel.parking.cells import Bays, Table, table
from shaodao.kernel.parking.plane import IDENTITY, Plane

Floats = NDArray[np.float64]

MOST_TOLERANCE: Final = 200.0
"""Metres."""
WORST_ACCURACY: Final = 100.0
"""Metres. A position known no better than this is uncertain wherever it is."""
SIGMA_95: Final = float(1 / np.sqrt(-2 * np.log(0.05)))
"""Sigma for a metre of the radius that holds 95 % of positions: the quantile of the Rayleigh distribution, 1 / 2.4477."""

MOST_BAYS: Final = 1 << 21  # as in `loops`
_LOOKS: Final = (10.0, 25.0, 50.0, WORST_ACCURACY)
_METRES_PER_DEGREE: Final = 110_000.0  # a little less than a degree of latitude anywhere, so areas come out too wide


class Parked(IntEnum):
    """How a bike stands. The numbers are stored and must not change."""

    OUTSIDE = 0
    """Farther from every bay than that bay's tolerance."""
    NEAR_BAY = 1
    """Not in the bay, but within its tolerance."""
    IN_BAY = 2
    """In the bay or on its boundary."""
    UNCERTAIN = 3
    """Another bay, or none, might be the answer within the position's error."""
    INVALID = 4
    """No position: not a number, or not a degree."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """The answer for n positions and m bays, in the order of both.

    bay
        (n,) int32, the bay's number; -1 for none.
    distance
        (n,) float64, metres on the ground to the bay's boundary, 0 inside; NaN where there is no bay.
    parked
        (n,) int8, members of `Parked`.
    counts
        (m,) int64, positions that have this bay, sure or not.
    certain
        (m,) int64, those of them that are not `Parked.UNCERTAIN`; without accuracy the same as ``counts``.
    margin
        (n,) float64 or None where no accuracy was given: metres that the position may move before its bay may change
        (NaN for an invalid position). Cut off at the position's accuracy, and at `WORST_ACCURACY`.
    confidence
        (n,) float64 or None where no sigma was given: the probability, 0 to 1, that the answer (this bay, or none) is that
        of the place where the bike truly stands; NaN for an invalid position.

        The true place is the position plus an error with a circular normal distribution: east and north independent, each
        with the standard deviation sigma (how horizontal accuracy is stated, in NSSDA FGDC-STD-007.3 and by GPS receivers;
        the length of such an error is Rayleigh distributed). The answer holds unless the error crosses a boundary, each
        taken to be straight where it is nearest: the near rim of the bay's tolerance t, t - d away (d the distance to the
        bay, below zero by its depth inside); the far rim, t + w + d away (w the bay's width, twice its area by the length
        of its boundary); and the line on which the runner-up becomes the nearer bay within its own tolerance, g away, half
        the difference of the two distances or more. With the normal distribution function,

            confidence = (Phi((t - d) / sigma) + Phi((t + w + d) / sigma) - 1) * Phi(g / sigma),

        and Phi(g / sigma) alone where there is no bay, g then being what is left to the nearest tolerance. So it is near 1
        in a lone bay under a small error, a half on the rim or between two bays, a quarter where both meet. Not in it: a
        third bay, the short ends of a bay, boundaries that bend.
    """

    bay: NDArray[np.int32]
    distance: Floats
    parked: NDArray[np.int8]
    counts: NDArray[np.int64]
    certain: NDArray[np.int64]
    margin: Floats | None = None
    confidence: Floats | None = None

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(n,) bool, whether the position lies in its bay or on the boundary, whatever its class."""
        return np.asarray(self.distance == 0)


@dataclass(frozen=True, eq=False)
class BayIndex:
    """Bays ready for `assign`. Make one with `build`; threads may share it."""

    tolerance: Floats
    """(m,) metres."""
    _plane: Plane
    _bays: Bays
    _limits: (
        Floats  # (m + 1, 3): squared tolerance in the plane, metres on the ground per metre in the plane, tolerance
    )
    _wide: Floats  # (m + 1,) metres, infinite for no bay
    _tables: dict[float, Table] = field(default_factory=dict)

    @classmethod
    def build(cls, bays: Iterable[Any], tolerance: ArrayLike = 0.0) -> BayIndex:
        """Make bays or zones ready.

        Parameters
        ----------
        bays
            Shapely polygons or multipolygons, or sequences of rings (outline, holes; (n, 2) arrays), WGS-84 degrees,
            longitude first. They may touch and overlap. Lines have to be buffered before.
        tolerance
            Metres, 0 to `MOST_TOLERANCE`, one for all or (m,). 0 for zones: only what is inside counts.

        Raises ValueError that names the rows (from 0) of bays that cannot be used and says why (`faults` lists all),
        a tolerance out of range, and bays spread over more than six degrees.
        """
        shapes = outlines.checked(bays)
        limits = _per_item(tolerance, shapes.size, "tolerance", MOST_TOLERANCE)
        if shapes.size > MOST_BAYS:
            raise ValueError(f"{shapes.size} bays are more than the {MOST_BAYS} that one index can hold")
        if not shapes.size:
            nowhere = Plane(0.0, 0.0, 1e-3, 1e-3)
            nothing = Bays.of(np.empty((0, 4)), np.empty(0, np.intp), np.empty(0, np.bool_), 0)
            return cls(limits, nowhere, nothing, np.full((1, 3), np.nan), np.full(1, np.inf))
        middle, half = outlines.middle_of(shapes)
        around = float(limits.max()) + WORST_ACCURACY
        half += around / _METRES_PER_DEGREE
        half[0] += around / _METRES_PER_DEGREE / max(np.cos(np.radians(abs(middle[1]) + half[1])), 1e-3)
        plane = Plane(*(float(value) for value in (*middle, *half)))
        corners, ring, bay = outlines.corners_of(shapes)
        x, y = plane.metres(corners[:, 0], corners[:, 1])
        edges, bay, begins = outlines.edges_of(np.stack([x, y], axis=1), ring, bay)
        ready = Bays.of(edges, bay, begins, shapes.size)
        scale = plane.scale(edges[ready.first[:-1], 0])
        ground = np.full((shapes.size + 1, 3), np.nan)
        ground[:-1] = np.stack([(limits * scale) ** 2, 1 / scale, limits], axis=1)
        return cls(limits, plane, ready, ground, np.append(_widths(edges, bay, shapes.size) / scale, np.inf))

    def __len__(self) -> int:
        return self.tolerance.size

    def assign(
        self, lon: ArrayLike, lat: ArrayLike, accuracy: ArrayLike | None = None, sigma: ArrayLike | None = None
    ) -> Assignment:
        """Assign each position to the nearest bay that it is in or within tolerance of; of equally near ones the first.

        Parameters
        ----------
        lon, lat
            (n,) degrees WGS-84. What is no number or no degree is answered with `Parked.INVALID`, not raised: one broken
            position must not cost the others theirs.
        accuracy
            Metres within which the true position lies, one for all or (n,). With it, answers that this error could
            change are `Parked.UNCERTAIN` (the bay is still the most likely one), and margins are given.
        sigma
            Metres, standard deviation of a position's error along each axis, one for all or (n,). With it, confidences are
            given; no answer is changed by it. `SIGMA_95` makes one of a radius that holds 95 % of positions.

        Raises ValueError where arrays differ in length or an accuracy or sigma is negative or no number, and names the row.
        """
        x, y = _column(lon, "longitude"), _column(lat, "latitude")
        if x.size != y.size:
            raise ValueError(f"{x.size} longitudes but {y.size} latitudes")
        error = None if accuracy is None else _per_item(accuracy, x.size, "accuracy", np.inf)
        spread = np.empty(0) if sigma is None else _per_item(sigma, x.size, "sigma", np.inf)
        if error is None and sigma is not None:
            error = np.zeros(x.size)  # of which nothing becomes uncertain
        frame = self._frame()
        if self._plane.coefficients is None:
            x, y = self._projected(x, y)
        bay, metres, parked = np.empty(x.size, np.int32), np.empty(x.size), np.empty(x.size, np.int8)
        counts = np.zeros(len(self) + 1, np.int64)
        from shaodao.kernel.parking import loops

        if error is None:
            ready = self._table(0.0)
            loops.assign(
                *(x, y, frame, ready.grid.tiling, ready.candidates, self._bays.quads, self._limits),
                *(bay, metres, parked, counts),
            )
            return Assignment(bay, metres, parked, counts[:-1], counts[:-1])
        wanted = max(error.max(initial=0), 3 * spread.max(initial=0))
        ready = self._table(next((far for far in _LOOKS if far >= wanted), WORST_ACCURACY))
        margin, certain = np.empty(x.size), np.zeros(len(self) + 1, np.int64)
        sure = np.empty(spread.size)
        loops.assign_with_accuracy(
            *(x, y, error, WORST_ACCURACY, frame, ready.grid.tiling, ready.candidates, ready.longest),
            *(self._bays.quads, self._limits, bay, metres, parked, margin, counts, certain),
            *(spread, sure, self._wide),
        )
        given = (None if accuracy is None else margin, None if sigma is None else sure)
        return Assignment(bay, metres, parked, counts[:-1], certain[:-1], *given)

    def warm(self) -> None:
        """Compile, or load from the cache, all that `assign` needs, and spread the bays over the grid: before the first call."""
        for accuracy in (None, 0.0):
            self.assign([self._plane.lon], [self._plane.lat], accuracy)

    def _table(self, look: float) -> Table:
        """The bays by cell, for positions whose error is at most ``look`` metres; 0: no error is asked about."""
        found = self._tables.get(look)
        if found is None:
            # Two threads may both come here; they make the same table and one is dropped.
            reach = np.sqrt(self._limits[:-1, 0]) + look / self._limits[:-1, 1]
            found = self._tables[look] = table(self._bays, reach, None if look else self._limits)
        return found

    def _frame(self) -> tuple[float, float, float, float, float, float, tuple[float, ...]]:
        """Greatest valid coordinates, the middle, the distance to the rim, and the polynomial."""
        plane = self._plane
        if plane.coefficients is None:  # positions will be metres already
            return np.inf, np.inf, 0.0, 0.0, np.inf, np.inf, IDENTITY
        return 180.0, 90.0, plane.lon, plane.lat, plane.half_lon, plane.half_lat, plane.coefficients

    def _projected(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Positions in metres by PROJ: NaN where invalid, infinite where outside the plane."""
        plane = self._plane
        near = (np.abs(lon - plane.lon) <= plane.half_lon) & (np.abs(lat - plane.lat) <= plane.half_lat)
        valid = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        x, y = np.where(valid, np.inf, np.nan), np.where(valid, np.inf, np.nan)
        x[near], y[near] = plane.exact(lon[near], lat[near])
        return x, y


def _widths(edges: Floats, bay: NDArray[np.integer[Any]], many: int) -> Floats:
    """(many,) metres: twice each bay's area by the length of its boundary, which is the width of a long strip."""
    ax, ay, bx, by = (edges - np.tile(edges[:1, :2], 2)).T  # near to zero, so that products of metres lose nothing
    area = np.bincount(bay, (ax * by - bx * ay) / 2, many)
    return np.asarray(2 * np.abs(area) / np.bincount(bay, np.hypot(bx - ax, by - ay), many))


def _column(values: ArrayLike, what: str) -> Floats:
    """One-dimensional, contiguous, writable: Numba compiles anew for any other kind of array."""
    column = np.require(values, dtype=np.float64, requirements=["C", "A", "W"])
    if column.ndim != 1:
        raise ValueError(f"{what}: expected one value for each row, not an array of shape {column.shape}")
    return column


def _per_item(values: ArrayLike, many: int, what: str, most: float) -> Floats:
    """One value for all or one for each, as float64; ValueError names the first row that is not within 0 to ``most``."""
    given = np.asarray(values, dtype=np.float64)
    if given.ndim > 1 or (given.ndim == 1 and given.size != many):
        raise ValueError(f"{what}: expected one value or {many}, not an array of shape {given.shape}")
    wrong = ~((given >= 0) & (given <= most))
    if wrong.any():
        row = f" in row {int(np.flatnonzero(wrong)[0])}" if given.ndim else ""
        limit = f"0 to {most:g} metres" if np.isfinite(most) else "0 metres or more"
        raise ValueError(f"{what} must be {limit}, not {given[wrong].flat[0]}{row}")
    return np.array(np.broadcast_to(given, many))
