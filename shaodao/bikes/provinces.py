"""One index over areas of any spread. The kernel's covers a city with all its counties and refuses more, since a bay in
another province is a mistake; but a mistake in one row must not stop the judging of all others.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from shaodao.kernel.parking import Assignment, BayIndex, Parked

WITHIN = 2.5  # degrees to each side of a group's first area: five in all, and the kernel takes six


@dataclass(frozen=True, eq=False)
class Provinces:
    """Some indexes and the numbers of their areas among all; answers like one BayIndex."""

    parts: list[tuple[BayIndex, NDArray[np.int32]]]
    tolerance: NDArray[np.float64]

    def __len__(self) -> int:
        return self.tolerance.size

    def assign(self, lon: ArrayLike, lat: ArrayLike, accuracy: ArrayLike | None = None) -> Assignment:
        """As BayIndex.assign: each position asks every part, and the nearest area wins."""
        first = self.parts[0][0].assign(lon, lat, accuracy)
        n = first.bay.size
        bay, metres, parked = np.full(n, -1, np.int32), np.full(n, np.nan), first.parked.copy()
        margin = None if first.margin is None else np.full(n, np.inf)
        for index, numbers in self.parts:
            found = index.assign(lon, lat, accuracy)
            better = (found.parked != Parked.OUTSIDE) & (found.parked != Parked.INVALID)
            better &= ~(metres <= found.distance)
            parked[better], metres[better] = found.parked[better], found.distance[better]
            bay[better] = np.where(found.bay[better] >= 0, numbers[found.bay[better]], -1)
            if margin is not None and found.margin is not None:
                margin = np.fmin(margin, found.margin)
        sure = (bay >= 0) & (parked != Parked.UNCERTAIN)
        counts, certain = (np.bincount(bay[which], minlength=len(self)) for which in (bay >= 0, sure))
        return Assignment(bay, metres, parked, counts, certain, margin)


def index_of(areas: NDArray[np.object_], tolerance: ArrayLike = 0.0) -> BayIndex | Provinces:
    """An index of (m,) areas as BayIndex.build makes it, in parts where they lie too far apart for one."""
    groups = parts(areas)
    if len(groups) < 2:
        return BayIndex.build(areas, tolerance)
    each = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), areas.shape).copy()
    return Provinces([(BayIndex.build(areas[group], each[group]), group) for group in groups], each)


def parts(areas: NDArray[np.object_]) -> list[NDArray[np.int32]]:
    """Numbers of areas that lie together, in order; one group if nothing is far from anything."""
    if not areas.size:
        return []
    bounds = shapely.bounds(areas)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    left, groups = np.arange(areas.size, dtype=np.int32), []
    while left.size:
        near = (np.abs(middle[left] - middle[left[0]]) <= WITHIN).all(axis=1)
        groups.append(left[near])
        left = left[~near]
    return groups
