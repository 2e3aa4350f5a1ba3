"""Segments as GeoJSON, which an import takes back unchanged and the coverage of tracks will read."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson


def properties(row: Any) -> dict[str, Any]:
    """What a feature says. A segment is one carriageway: always `oneway`, in the direction in which it is drawn."""
    return {
        "id": row.code,
        "road": row.road.code,
        "name": row.road.name,
        "name_en": row.road.name_en,
        "oneway": True,
        "class": row.road.road_class,
        "lanes": row.lanes,
        "width_m": round(row.carriageway_m2 / row.length_m, 3) if row.length_m else 0.0,
        "length_m": row.length_m,
        "total_m2": row.total_m2,
        "carriageway_m2": row.carriageway_m2,
        "pavement_m2": row.pavement_m2,
        "verge_m2": row.verge_m2,
        "illustrative": row.illustrative,
        "source": row.source,
        "version": row.version,
        "valid_from": row.valid_from.isoformat(),
    }


def write_geojson(rows: Iterable[Any]) -> Iterator[bytes]:
    """A FeatureCollection piece by piece."""
    yield b'{"type":"FeatureCollection","features":['
    for n, row in enumerate(rows):
        made = {"type": "Feature", "id": row.code, "geometry": row.geometry, "properties": properties(row)}
        yield (b"," if n else b"") + orjson.dumps(made)
    yield b"]}"
