"""How long, how large, where: what follows from the outlines of bays. Arrays of Shapely areas in WGS-84 in, arrays out.

Lengths are taken in a flat map of each area's own middle, whose metres are those of the WGS-84 ellipsoid there: right to
a ten-thousandth for areas of a kilometre, and bays are some metres long.
"""

import json
import math
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

DIGITS: Final = 12
"""Decimals of a degree that are kept: more than any file says, and free of the noise of a conversion."""
_ELLIPSOID: Final = Geod(ellps="WGS84")
_AXIS: Final = 6_378_137.0
_ECCENTRICITY2: Final = 0.006_694_379_990_141_3


def rounded(shapes: Shapes) -> Shapes:
    """The areas with as many decimals as are kept, so that the same file reads the same again."""
    if not shapes.size:
        return shapes
    return np.asarray(shapely.transform(shapes, lambda xy: np.round(xy, DIGITS)), dtype=object)


def geometries(shapes: Shapes) -> list[dict[str, Any]]:
    """GeoJSON geometries, longitude first."""
    return [json.loads(text) for text in shapely.to_geojson(shapes)] if shapes.size else []


def metres_per_degree(lat: Floats) -> tuple[Floats, Floats]:
    """Metres on the ground of one degree of longitude and of latitude, at latitudes in degrees."""
    phi = np.radians(lat)
    w = 1 - _ECCENTRICITY2 * np.sin(phi) ** 2
    return (
        np.asarray(np.radians(1.0) * _AXIS * np.cos(phi) / np.sqrt(w), dtype=np.float64),
        np.asarray(np.radians(1.0) * _AXIS * (1 - _ECCENTRICITY2) / w**1.5, dtype=np.float64),
    )


def flat(shapes: Shapes) -> Shapes:
    """Each area in metres east and north of its own middle."""
    if not shapes.size:
        return shapes
    bounds = shapely.bounds(shapes)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    scale = np.stack(metres_per_degree(middle[:, 1]), axis=1)
    _xy, of = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(shapely.transform(shapes.copy(), lambda xy: (xy - middle[of]) * scale[of]), dtype=object)


def lengths(shapes: Shapes) -> Floats:
    """The longer side of the least (rotated) rectangle around each area, metres, to a centimetre."""
    if not shapes.size:
        return np.empty(0)
    boxes = shapely.oriented_envelope(flat(shapes))
    found = np.empty(shapes.size)
    for n, box in enumerate(boxes):
        corners = shapely.get_coordinates(box)
        sides = np.hypot(*np.diff(corners[:3], axis=0).T)
        found[n] = sides.max(initial=0.0)
    return np.round(found, 2)


def areas(shapes: Shapes) -> Floats:
    """Square metres on the WGS-84 ellipsoid (Karney 2013, through pyproj), without holes, to a square decimetre."""
    if not shapes.size:
        return np.empty(0)
    turned = shapely.orient_polygons(shapes)  # so that holes are taken off
    return np.array([round(abs(_ELLIPSOID.geometry_area_perimeter(shape)[0]), 2) for shape in turned], np.float64)


def points(shapes: Shapes) -> tuple[Floats, Floats]:
    """A point inside each area, degrees."""
    if not shapes.size:
        return np.empty(0), np.empty(0)
    inside = shapely.point_on_surface(shapes)
    return np.round(shapely.get_x(inside), DIGITS), np.round(shapely.get_y(inside), DIGITS)


def capacity(length_m: float, metres_per_bike: float) -> int:
    """Bikes that a bay of this length takes: whole ones, at least one."""
    return max(1, math.floor(length_m / metres_per_bike + 1e-9))
