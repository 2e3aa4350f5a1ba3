"""Where on a segment: metres along its line as positions and as lines. Metres are those of the book."""

from typing import Any

import numpy as np

from shaodao.kernel.geodesy import distance_m

Point = list[float]


def _measured(segment: Any) -> tuple[Any, Any]:
    """(points (n, 2), metres from the beginning (n,)), the metres stretched to the segment's length in the book."""
    points = np.array(segment.geometry["coordinates"], np.float64)[:, :2]
    steps = np.asarray(distance_m(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]))
    metres = np.r_[0.0, np.cumsum(steps)]
    return points, metres * (segment.length_m / metres[-1] if metres[-1] else 0.0)


def along(segment: Any, at: float) -> Point:
    """Longitude and latitude at so many metres from a segment's beginning."""
    points, metres = _measured(segment)
    return [float(np.interp(at, metres, points[:, n])) for n in (0, 1)]


def part(segment: Any, low: float, high: float) -> list[Point]:
    """The line between two places."""
    points, metres = _measured(segment)
    inner = points[(metres > low) & (metres < high)].tolist()
    return [along(segment, low), *inner, along(segment, high)]
