"""Road lines as people keep them: GeoJSON, GeoPackage, Shapefile, an extract of OpenStreetMap; every feature is accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from django.utils.translation import gettext as _

from shaodao.foundation import maps
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.shapes import to_wgs84

IDS = ("id", "code", "eid", "osm_id", "@id", "fid", "编码", "编号")
NO_LINES = ("Point", "MultiPoint", "Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Feature:
    """`row` counts from 1; `shape` is None where `why` says what is wrong. Properties by name in small letters."""

    row: int
    id: str
    shape: Any
    why: str
    values: dict[str, Any] = field(default_factory=dict)


def shown(text: Any) -> str:
    """A text of a file as it may be printed and stored in a code or a name."""
    return maps.shown(text, 60)


def read(path: Path, datum: str = "WGS-84", ids: Sequence[str] = IDS) -> list[Feature]:
    """The features of a file, in WGS-84; ``ids``: the properties that may hold the id. Raises Unreadable."""
    maps.check(path, datum)
    if path.suffix.lower() not in maps.SUFFIXES:
        raise Unreadable(_("不认识的文件：应为 %(kinds)s 之一") % {"kinds": " ".join(maps.SUFFIXES)})
    found = []
    for n, row in enumerate(maps.rows(path, ids, avoid=NO_LINES), 1):
        shape = None if row.shape is None else to_wgs84(shapely.force_2d(row.shape), datum)
        found.append(Feature(n, shown(row.id).strip().replace("/", "-"), shape, row.why, row.values))
    return found
