"""Bays and zones as they come in: Shapely areas or rings, checked, and cut into edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

WIDEST: Final = 3.0
"""Degrees from the middle to the rim: a city with all its counties fits, and a bay in another province is a mistake."""


def shapes_of(bays: Iterable[Any]) -> Shapes:
    """Return bays as Shapely geometries.

    A bay is a Shapely geometry or a sequence of rings: the outline, then holes, each (n, 2) longitudes and latitudes, closed
    or not. What cannot even be read so (a ring of two corners) becomes None, which `faults` reports.
    """
    items = list(bays)
    shapes = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        shapes[row] = item if item is None or isinstance(item, BaseGeometry) else _polygon(item)
    return shapes


def faults(bays: Iterable[Any]) -> list[tuple[int, str]]:
    """Return ``(row, reason)`` for each bay that cannot be used, in order; rows count from 0.

    Unusable are: nothing or an empty area, a point or a line (buffer it first), a ring of fewer than three corners, rings
    that cross themselves or each other (bow-ties), coordinates that are no numbers or no degrees.
    """
    shapes = shapes_of(bays)
    kinds = shapely.get_type_id(shapes)
    polygonal = (kinds == shapely.GeometryType.POLYGON) | (kinds == shapely.GeometryType.MULTIPOLYGON)
    bounds = shapely.bounds(shapes)
    degrees = (np.abs(bounds) <= [180, 90, 180, 90]).all(axis=1)
    wrong = ~polygonal | shapely.is_empty(shapes) | ~degrees | ~shapely.is_valid(shapes)
    return [(int(row), _reason(shapes[row], bool(degrees[row]))) for row in np.flatnonzero(wrong)]


def checked(bays: Iterable[Any]) -> Shapes:
    """Return bays as Shapely polygons and multipolygons; ValueError names the first rows that cannot be used, and why."""
    shapes = shapes_of(bays)
    if found := faults(shapes):
        shown = "; ".join(f"bay {row}: {reason}" for row, reason in found[:5])
        raise ValueError(shown + (f"; and {len(found) - 5} more" if len(found) > 5 else ""))
    return shapes


def middle_of(shapes: Shapes) -> tuple[Floats, Floats]:
    """Return the middle of all bays and the distance from it to the rim, (longitude, latitude) in degrees.

    Raises ValueError that names the bay farthest from the others where they spread over more than twice `WIDEST`.
    """
    bounds = shapely.bounds(shapes)
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    if half.max() > WIDEST:
        centres = (bounds[:, :2] + bounds[:, 2:]) / 2
        off = np.abs(centres - np.median(centres, axis=0)).max(axis=1)
        row = int(off.argmax())
        raise ValueError(
            f"the bays spread over more than {2 * WIDEST:.0f} degrees: bay {row} at longitude {centres[row, 0]:.6f}, "
            f"latitude {centres[row, 1]:.6f} lies farthest from the others"
        )
    return middle, half


def corners_of(shapes: Shapes) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Return the corners of all rings, (n, 2), and for each its ring and its bay; rings are closed, areas on their left."""
    oriented = shapely.orient_polygons(shapes)
    polygons, bay_of_polygon = shapely.get_parts(oriented, return_index=True)
    rings, polygon_of_ring = shapely.get_rings(polygons, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    return np.asarray(corners, dtype=np.float64), ring, bay_of_polygon[polygon_of_ring][ring]


def edges_of(
    xy: Floats, ring: NDArray[np.intp], bay: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_]]:
    """Return edges (e, 4) without those of no length, their bays, and whether each begins a new ring."""
    joined = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
    near = np.flatnonzero(joined)
    edges = np.concatenate([xy[near], xy[near + 1]], axis=1)
    begins = np.ones(near.size, dtype=np.bool_)
    begins[1:] = ring[near[1:]] != ring[near[:-1]]
    return edges, bay[near], begins


def _polygon(rings: Sequence[Any]) -> BaseGeometry | None:
    try:
        outline, *holes = (np.asarray(ring, dtype=np.float64) for ring in rings)
        return shapely.Polygon(outline, holes)
    except (ValueError, TypeError, shapely.errors.GEOSException):
        return None


def _reason(shape: BaseGeometry | None, degrees: bool) -> str:
    if shape is None:
        return "no area, or a ring of fewer than three corners"
    if shape.is_empty:
        return "empty"
    if shape.geom_type not in {"Polygon", "MultiPolygon"}:
        return f"a {shape.geom_type} is no area; buffer it first"
    if not degrees:
        return "corners must be longitude and latitude in degrees, within ±180 and ±90"
    return str(shapely.is_valid_reason(shape))
