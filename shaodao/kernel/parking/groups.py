"""Bays so near to each other that GPS cannot tell them apart are counted together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shaodao.kernel.parking import outlines
from shaodao.kernel.parking.plane import Plane


def grouped(bays: Iterable[Any], metres: float) -> NDArray[np.int32]:
    """Number each bay by the first bay of its group.

    Two bays are of one group if they are at most ``metres`` apart, or if a chain of such bays joins them.

    Parameters
    ----------
    bays
        m areas as for `BayIndex.build`, WGS-84 degrees.
    metres
        Between the boundaries, in a plane around the middle of the bays: 4 parts in a million too long 17 km from it.

    Returns (m,) int32, a bay's own number where it stands alone. Raises ValueError for bays that cannot be used
    and for a distance below 0.
    """
    shapes = outlines.checked(bays)
    if not metres >= 0:
        raise ValueError(f"metres must be 0 or more, not {metres}")
    if shapes.size < 2:
        return np.arange(shapes.size, dtype=np.int32)
    middle, half = outlines.middle_of(shapes)
    plane = Plane(*(float(value) for value in (*middle, *np.maximum(half, 1e-6))))
    flat = shapely.transform(shapes, lambda corners: np.stack(plane.exact(corners[:, 0], corners[:, 1]), axis=1))
    left, right = shapely.STRtree(flat).query(flat, predicate="dwithin", distance=metres)
    pairs = coo_array((np.ones(left.size, np.bool_), (left, right)), shape=(shapes.size, shapes.size))
    _n, group = connected_components(pairs, directed=False)
    _groups, begin, which = np.unique(group, return_index=True, return_inverse=True)
    return begin[which].astype(np.int32)
