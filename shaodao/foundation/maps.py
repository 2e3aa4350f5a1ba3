"""Files of maps: GeoJSON, GeoPackage, Shapefile (also zipped, in any folder). What a room keeps of them is the room's affair.

All layers of a file are read, one after the other: a file of a survey often has one for each street. Rows come with
their geometry in the file's degrees; `shapes.to_wgs84` turns those of another datum.
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.foundation.shapes import DATUMS

SUFFIXES = (".geojson", ".json", ".gpkg", ".zip", ".shp")
LARGEST_BYTES = 1024**3
GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")


class Unreadable(Exception):
    """The file as a whole cannot be read, and why."""


class Row(NamedTuple):
    """A feature: its id ("" where it has none), its shape (Shapely; None: `why` says why not), the rest by lower-case name."""

    id: str
    shape: Any
    why: str
    values: dict[str, Any]


def check(path: Path, datum: str) -> None:
    """Raises Unreadable: an unknown datum, a file that is too large."""
    if datum not in DATUMS:
        raise Unreadable(_("坐标系应为 %(names)s 之一") % {"names": ", ".join(DATUMS)})
    if path.stat().st_size > LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})


def shown(text: Any, most: int = 80) -> str:
    """A text of a file as it may be printed, sent and stored: a line without what cannot be seen."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))[:most]


def rows(
    path: Path,
    ids: Sequence[str],
    *,
    avoid: Sequence[str] = (),
    unwrap: Callable[[Any], Any] = lambda data: data,
) -> Iterator[Row]:
    """The features of a file. Raises Unreadable.

    ids: names of the column that identifies a row, the first that is there; else the file's own number of it.
    avoid: kinds of geometry whose layers are read only where there is no other.
    unwrap: from what a JSON file holds to its GeoJSON.
    """
    if path.suffix.lower() in (".geojson", ".json"):
        return _geojson(path, ids, unwrap)
    return _layers_of(path, ids, avoid)


# ── GeoJSON ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _geojson(path: Path, ids: Sequence[str], unwrap: Callable[[Any], Any]) -> Iterator[Row]:
    try:
        data = json.loads(path.read_bytes())
        features = _features(unwrap(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(_("不是有效的 GeoJSON FeatureCollection：%(e)s") % {"e": str(error)[:200]}) from None
    to_degrees = _to_degrees(data.get("crs"))
    for feature in features:
        if not isinstance(feature, dict):
            yield Row("", None, _("不是要素"), {})
            continue
        given = feature.get("properties")
        values = {str(name).strip().lower(): v for name, v in given.items()} if isinstance(given, dict) else {}
        key = next((values[name] for name in ids if name in values), feature.get("id"))
        geometry = feature.get("geometry")
        shape, why = None, _("没有几何") if geometry is None else ""
        if geometry is not None:
            try:
                shape = to_degrees(shapely.from_geojson(json.dumps(geometry)))
            except (shapely.errors.GEOSException, ValueError):
                why = _("几何无法读取")
        yield Row("" if key is None else str(key), shape, why, values)


def _features(data: Any) -> list[Any]:
    """A collection's features, one feature, or bare geometries."""
    if data.get("type") == "Feature":
        return [data]
    if data.get("type") in GEOMETRIES:
        return [{"geometry": data}]
    found = [{"geometry": g} for g in data["geometries"]] if "geometries" in data else data["features"]
    if not isinstance(found, list):
        raise TypeError("features")
    return found


def _to_degrees(crs: Any) -> Callable[[Any], Any]:
    """How shapes get to degrees, by the member `crs` of GeoJSON before RFC 7946; as they are where it says nothing usable."""
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        known = CRS.from_user_input(crs["properties"]["name"])
    except (CRSError, TypeError, KeyError):
        return lambda shape: shape
    if known.is_geographic:
        return lambda shape: shape
    across = Transformer.from_crs(known, 4326, always_xy=True)
    return lambda shape: shapely.transform(shape, lambda xy: np.column_stack(across.transform(xy[:, 0], xy[:, 1])))


# ── what GDAL reads ──────────────────────────────────────────────────────────────────────────────────────────────


def _layers_of(path: Path, ids: Sequence[str], avoid: Sequence[str]) -> Iterator[Row]:
    _check_unpacked(path)
    try:
        found = [(source, name) for source in _sources(path) for name in _layers(source, avoid)]
        if not found:
            raise Unreadable(_("文件里没有几何"))
        for source, name in found:
            yield from _layer(source, name, ids, several=len(found) > 1)
    except (RuntimeError, OSError, ValueError, LookupError) as error:  # pyogrio's own are RuntimeErrors
        raise Unreadable(_("文件打不开：%(e)s") % {"e": str(error)[:200]}) from None


def _sources(path: Path) -> list[str]:
    """What GDAL is to open: the Shapefiles of an archive, wherever they lie in it; else the file itself."""
    import pyogrio  # GDAL takes its time to load: only where a file needs it

    if path.suffix.lower() != ".zip":
        return [str(path)]
    archive = f"/vsizip/{{{path.resolve()}}}"
    try:
        inside = [name for name in pyogrio.vsi_listtree(archive) if "__MACOSX" not in name]
    except NotADirectoryError:  # of one file, for which the archive itself stands
        return [archive]
    for suffix in (".shp", ".gpkg", ".geojson", ".json"):
        if found := sorted(name for name in inside if name.lower().endswith(suffix)):
            return found
    return [archive]


def _layers(source: str, avoid: Sequence[str]) -> list[str]:
    """The layers with geometries; those of kinds to avoid only where there is no other, to be named as such."""
    import pyogrio

    listed = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(source) if kind is not None]
    return [name for name, kind in listed if kind.split(" ")[0] not in avoid] or [name for name, _kind in listed]


def _layer(source: str, name: str, ids: Sequence[str], *, several: bool) -> Iterator[Row]:
    import pyogrio
    from pyproj import CRS, Transformer

    raw = _says_no_encoding(source)
    meta, fids, shapes, columns = pyogrio.raw.read(
        source, layer=name, return_fids=True, encoding="ISO-8859-1" if raw else None
    )
    geometries = shapely.from_wkb(shapes, on_invalid="ignore")
    if meta["crs"] and not CRS(meta["crs"]).is_geographic:
        across = Transformer.from_crs(meta["crs"], 4326, always_xy=True)
        geometries = shapely.transform(geometries, lambda xy: np.column_stack(across.transform(xy[:, 0], xy[:, 1])))
    text = _told if raw else _plain
    names = {text(field).lower(): i for i, field in enumerate(meta["fields"])}
    key = next((names[n] for n in ids if n in names), None)
    for i, shape in enumerate(geometries):
        number = f"{name}-{fids[i]}" if several else str(fids[i])
        values = {field: text(columns[n][i]) for field, n in names.items()}
        own = text(columns[key][i]) if key is not None else number
        yield Row(own, shape, "" if shape is not None else _("没有几何"), values)


def _says_no_encoding(source: str) -> bool:
    """Whether a Shapefile lacks the .cpg that names the encoding of its texts; GDAL then takes them as Latin-1."""
    if not source.lower().endswith(".shp"):
        return False
    base = source[:-4]
    if source.startswith("/vsizip/"):
        import pyogrio

        archive = source[: source.index("}") + 1]
        there = pyogrio.vsi_listtree(archive)
        return not any(name[:-4] == base and name.lower().endswith(".cpg") for name in there)
    return not any(Path(base + suffix).exists() for suffix in (".cpg", ".CPG"))


def _told(value: Any) -> str:
    """A cell that was read as Latin-1: its bytes as UTF-8 if they can be, else as the GBK of Chinese programs."""
    text = _plain(value)
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text


def _plain(value: Any) -> str:
    """A cell as text: empty for what is missing, and a whole number without its decimals."""
    if value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT")):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _check_unpacked(path: Path) -> None:
    """A small archive may unpack to more than a machine has."""
    if path.suffix.lower() != ".zip":
        return
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable(_("文件打不开：%(e)s") % {"e": str(error)[:200]}) from None
    if size > LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})
