"""Positions in files as columns of degrees, some rows at a time: Parquet, CSV (also packed), GeoJSON points.

A cell that is no number makes its row one without a position; it holds up no other. Only a column that holds no number
at all is called wrong.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from django.utils.translation import gettext as _

from shaodao.foundation import columns
from shaodao.foundation.maps import Unreadable

LON = ("lon", "lng", "longitude", "long", "x", "经度")
LAT = ("lat", "latitude", "y", "纬度")
ACCURACY = ("accuracy", "horizontal_accuracy", "accuracy_m", "精度")
NAMES = ("lon", "lat", "accuracy")


def batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """Batches with the float64 columns lon, lat and, if the file has it, accuracy; null where there is no number.

    Rows are in the order of the file; of CSV, empty lines are no rows. Raises Unreadable.
    """
    name = path.name.lower()
    with columns.readable():
        if name.endswith(".parquet"):
            found = columns.from_parquet(path, rows, _places)
        elif name.removesuffix(".gz").endswith(columns.TEXTS):
            found = columns.from_csv(path, _places)
        elif name.endswith((".geojson", ".json")):
            found = _geojson(path)
        else:
            raise Unreadable(_("位置文件应为 .parquet、.csv、.csv.gz 或 .geojson"))
        for n, batch in enumerate(found):
            given = {key: column for key, column in zip(NAMES, batch, strict=False) if column is not None}
            yield pa.RecordBatch.from_pydict(
                {
                    key: columns.numbers(column, key, needed=n == 0 and key != "accuracy")
                    for key, column in given.items()
                }
            )


def _geojson(path: Path) -> Iterator[columns.Columns]:
    """One row for each feature; what is no point has no position."""
    try:
        data = json.loads(path.read_bytes())
        features = [data] if data.get("type") == "Feature" else data["features"]
        found = [_point(feature) for feature in features]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(_("不是有效的 GeoJSON FeatureCollection：%(e)s") % {"e": str(error)[:200]}) from None
    given = [pa.array([row[n] for row in found], pa.float64()) for n in range(len(NAMES))]
    yield given if given[2].null_count < len(found) else given[:2]


def _point(feature: object) -> tuple[float | None, float | None, float | None]:
    known = feature if isinstance(feature, dict) else {}
    geometry, properties = known.get("geometry"), known.get("properties")
    at = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    said = properties if isinstance(properties, dict) else {}
    accuracy = next((value for name, value in said.items() if str(name).strip().lower() in ACCURACY), None)
    lon, lat = (_float(at[0]), _float(at[1])) if isinstance(at, list) and len(at) >= 2 else (None, None)
    return lon, lat, _float(accuracy)


def _float(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if number else None  # type: ignore[arg-type]


def _places(names: list[str]) -> list[int | None]:
    """Which columns are longitude, latitude and, if there is one, accuracy; the first of a name counts."""
    known = {name.strip().lower(): n for n, name in reversed(list(enumerate(names)))}
    found = [next((known[n] for n in wanted if n in known), None) for wanted in (LON, LAT, ACCURACY)]
    if found[0] is None or found[1] is None:
        raise Unreadable(_("没有经纬度列：应有 lon 和 lat，现有 %(names)s") % {"names": ", ".join(names)[:200]})
    return found
