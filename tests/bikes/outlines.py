"""Bays for tests: squares in the test town, and files that hold them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely

LON, LAT = 113.2005, 40.0005  # inside the first cell of the test town
METRE = 1 / 111_000


def square(east: float = 0, north: float = 0, side: float = 6.0, lon: float = LON, lat: float = LAT) -> Any:
    """A square of `side` metres whose south-west corner lies so many metres from the point."""
    wide = METRE / np.cos(np.radians(lat))
    west, south = lon + east * wide, lat + north * METRE
    return shapely.box(west, south, west + side * wide, south + side * METRE)


def geometry(shape: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return found


def as_csv(path: Path, rows: dict[str, Any], **columns: list[Any]) -> Path:
    """Corners by code; further columns in the order of the rows."""
    lines = [",".join(["bay_id", "corners_lon_lat", *columns])]
    for n, (code, shape) in enumerate(rows.items()):
        corners = ",".join(f"[{x},{y}]" for x, y in shape.exterior.coords)
        lines.append(",".join([code, f'"{corners}"', *(str(values[n]) for values in columns.values())]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def as_geojson(path: Path, rows: dict[str, Any], **properties: list[Any]) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, **{name: values[n] for name, values in properties.items()}},
            "geometry": geometry(shape),
        }
        for n, (code, shape) in enumerate(rows.items())
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path
