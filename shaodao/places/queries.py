"""Where a point is: its datum converted at the edge, its cell, community and street found."""

import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from shaodao.foundation.prepared import Prepared
from shaodao.kernel import datum as kernel
from shaodao.places.models import Cell, Place

TALLEST = 50_000  # microdegrees: no cell reaches further north, so that the index on `south` is enough
CELLS_AT = Prepared(
    lambda y, lowest, y_, x, x_: (
        Cell.objects.filter(south__lte=y, south__gt=lowest, north__gt=y_, west__lte=x, east__gt=x_)
        .select_related("community__parent")
        .order_by("code")
    )
)
DATUMS = ("WGS-84", "GCJ-02", "BD-09", "CGCS2000")


@dataclass(frozen=True)
class Location:
    """A point of the district: WGS-84 degrees, with the place ids it lies in; no cell means outside the district."""

    lon: float
    lat: float
    cell: Cell | None = None
    community_id: int | None = None
    street_id: int | None = None

    @property
    def inside(self) -> bool:
        return self.cell is not None


def point(lon: Any, lat: Any, datum: str = "WGS-84") -> dict[str, Any]:
    """Check a pair of degrees in `datum` and convert it to WGS-84.

    Returns lon, lat (WGS-84), datum, source_lon, source_lat. Raises ValueError in plain words.
    """
    if datum not in DATUMS:
        raise ValueError(_("坐标系应为 %(names)s 之一") % {"names": ", ".join(DATUMS)})
    try:
        x, y = float(lon), float(lat)
    except (TypeError, ValueError):
        raise ValueError(_("经纬度应为数字，例如 113.2980, 40.0757")) from None
    if not (math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90):
        hint = _("经度和纬度可能写反了") if math.isfinite(x) and abs(x) <= 90 < abs(y) <= 180 else ""
        raise ValueError(_("经纬度超出范围") + (f"：{hint}" if hint else ""))
    wx, wy = kernel.to_wgs84(x, y, datum)
    return {"lon": float(wx), "lat": float(wy), "datum": datum, "source_lon": x, "source_lat": y}


def locate(lon: float, lat: float) -> Location:
    """The cell, community and street of a WGS-84 point (one query; two where cells have shapes of their own)."""
    x, y = round(lon * 1e6), round(lat * 1e6)
    for cell in CELLS_AT.all(y, y - TALLEST, y, x, x):
        if cell.geometry is None or _inside(cell.geometry, lon, lat):
            return Location(lon, lat, cell, cell.community_id, cell.community.parent_id)
    return Location(lon, lat)


def by_cell(code: str) -> Location | None:
    """The centre of a unit grid cell by its 15-digit code."""
    cell = Cell.objects.select_related("community__parent").filter(code=code.strip()).first()
    if cell is None:
        return None
    lon, lat = (cell.west + cell.east) / 2e6, (cell.south + cell.north) / 2e6
    return Location(lon, lat, cell, cell.community_id, cell.community.parent_id)


def place_by_code(code: str) -> Place | None:
    return Place.objects.filter(code=code.strip(), active=True).first()


def _inside(geometry: dict[str, Any], lon: float, lat: float) -> bool:
    from shapely import Point
    from shapely.geometry import shape

    return bool(shape(geometry).covers(Point(lon, lat)))
