"""Positions in files as columns of degrees, some rows at a time: Parquet, CSV (also packed), GeoJSON points.

A cell that is no number makes its row one without a position; it holds up no other. Only a column that holds no number
at all is called wrong.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.foundation.maps import Unreadable

LON = ("lon", "lng", "longitude", "long", "x", "经度")
LAT = ("lat", "latitude", "y", "纬度")
ACCURACY = ("accuracy", "horizontal_accuracy", "accuracy_m", "精度")
NAMES = ("lon", "lat", "accuracy")
TEXTS = (".csv", ".tsv", ".txt")
NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
HEADER_BYTES = 1 << 16


def batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """Batches with the float64 columns lon, lat and, if the file has it, accuracy; null where there is no number.

    Rows are in the order of the file; of CSV, empty lines are no rows. Raises Unreadable.
    """
    name = path.name.lower()
    try:
        if name.endswith(".parquet"):
            found = _parquet(path, rows)
        elif name.removesuffix(".gz").endswith(TEXTS):
            found = _csv(path)
        elif name.endswith((".geojson", ".json")):
            found = _geojson(path)
        else:
            raise Unreadable(_("位置文件应为 .parquet、.csv、.csv.gz 或 .geojson"))
        for n, columns in enumerate(found):
            given = dict(zip(NAMES, columns, strict=False))
            numbers = {key: _numbers(column, key, first=n == 0) for key, column in given.items() if column is not None}
            yield pa.RecordBatch.from_pydict(numbers)
    except (pa.ArrowException, OSError, EOFError, zlib.error, csv.Error) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise Unreadable(_("文件读不出来：%(e)s") % {"e": why}) from None


Columns = list[pa.Array | None]


def _parquet(path: Path, rows: int) -> Iterator[Columns]:
    file = parquet.ParquetFile(path)
    wanted = [file.schema_arrow.names[n] for n in _places(file.schema_arrow.names) if n is not None]
    for batch in file.iter_batches(rows, columns=wanted):
        yield [None if n is None else batch.column(n) for n in _places(batch.schema.names)]


def _csv(path: Path) -> Iterator[Columns]:
    names, lines, delimiter = _header(path)
    places = _places(names)
    columns = [f"{n}" for n in range(len(names))]  # a name may stand twice
    asked = [columns[n] for n in places if n is not None]
    with (
        pa.input_stream(path, compression="gzip" if path.suffix.lower() == ".gz" else None) as packed,
        arrow_csv.open_csv(
            packed,
            arrow_csv.ReadOptions(column_names=columns, skip_rows=lines),
            arrow_csv.ParseOptions(delimiter=delimiter),
            arrow_csv.ConvertOptions(
                include_columns=asked, column_types=dict.fromkeys(asked, pa.string()), strings_can_be_null=True
            ),
        ) as reader,
    ):
        for batch in reader:
            yield [None if n is None else batch.column(asked.index(columns[n])) for n in places]


def _header(path: Path) -> tuple[list[str], int, str]:
    """The names of the columns, the lines until the first row, the delimiter: what makes the header name a position."""
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        raw = file.read(HEADER_BYTES)
    line = next((line for line in raw.splitlines() if line.strip(b" \t\r\n\xef\xbb\xbf")), b"")
    if not line:
        raise Unreadable(_("文件是空的"))
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = line.decode("gb18030")  # digits and delimiters are the same bytes there
        except UnicodeDecodeError:
            raise Unreadable(_("文件不是 UTF-8 编码")) from None
    if "\x00" in text:
        raise Unreadable(_("文件不是 UTF-8 编码"))
    lines = raw[: raw.index(line)].count(b"\n") + 1
    for delimiter in ",;\t|":
        names = next(csv.reader([text], delimiter=delimiter), [])
        known = {name.strip().lower() for name in names}
        if known & set(LON) and known & set(LAT):
            return names, lines, delimiter
    return next(csv.reader([text]), []), lines, ","


def _geojson(path: Path) -> Iterator[Columns]:
    """One row for each feature; what is no point has no position."""
    try:
        data = json.loads(path.read_bytes())
        features = [data] if data.get("type") == "Feature" else data["features"]
        found = [_point(feature) for feature in features]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(_("不是有效的 GeoJSON FeatureCollection：%(e)s") % {"e": str(error)[:200]}) from None
    columns = [pa.array([row[n] for row in found], pa.float64()) for n in range(len(NAMES))]
    yield columns if columns[2].null_count < len(found) else columns[:2]


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


def _numbers(column: pa.Array, name: str, *, first: bool) -> pa.Array:
    """A column as float64. Text is read cell by cell where it has to be."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column.cast(pa.float64(), safe=False)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise Unreadable(_("“%(name)s”列不是数字") % {"name": name})
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        known = pc.if_else(pc.match_substring_regex(text, NUMBER), text, None)
    if first and name != "accuracy" and known.null_count == len(known):
        raise Unreadable(_("“%(name)s”列不是数字") % {"name": name})
    return known.cast(pa.float64())
