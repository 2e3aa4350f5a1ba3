"""Bays and zones in the formats of maps: GeoPackage, Shapefile (also zipped, in any folder), read by GDAL.

All layers that can hold areas are read, one after the other: a file of a survey often has one for each street.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from django.utils.translation import gettext as _
from pyproj import CRS, Transformer

from shaodao.bikes.bays import files
from shaodao.bikes.bays.files import IDS, Row, Unreadable

NO_AREAS = ("Point", "MultiPoint", "LineString", "MultiLineString")


def rows(path: Path) -> Iterator[Row]:
    """The rows of all layers, in degrees. Raises Unreadable."""
    _check_unpacked(path)
    try:
        found = [(source, name) for source in _sources(path) for name in _layers(source)]
        if not found:
            raise Unreadable(_("文件里没有几何"))
        for source, name in found:
            yield from _layer(source, name, several=len(found) > 1)
    except (RuntimeError, OSError, ValueError, LookupError) as error:  # pyogrio's own are RuntimeErrors
        raise Unreadable(_("文件打不开：%(e)s") % {"e": str(error)[:200]}) from None


def _sources(path: Path) -> list[str]:
    """What GDAL is to open: the Shapefiles of an archive, wherever they lie in it; else the file itself."""
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


def _layers(source: str) -> list[str]:
    """The layers with geometries; those of points and lines only where there is none of areas, to be named as such."""
    listed = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(source) if kind is not None]
    return [name for name, kind in listed if kind.split(" ")[0] not in NO_AREAS] or [name for name, _kind in listed]


def _layer(source: str, name: str, *, several: bool) -> Iterator[Row]:
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
    key = next((names[n] for n in IDS if n in names), None)
    for i, shape in enumerate(geometries):
        number = f"{name}-{fids[i]}" if several else str(fids[i])
        yield (
            text(columns[key][i]) if key is not None else number,
            shape,
            "" if shape is not None else _("没有边界"),
            {field: text(columns[n][i]) for field, n in names.items()},
        )


def _says_no_encoding(source: str) -> bool:
    """Whether a Shapefile lacks the .cpg that names the encoding of its texts; GDAL then takes them as Latin-1."""
    if not source.lower().endswith(".shp"):
        return False
    base = source[:-4]
    if source.startswith("/vsizip/"):
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
    if size > files.LARGEST_BYTES:
        raise Unreadable(_("文件太大：最多 %(n)d MB") % {"n": files.LARGEST_BYTES // 1024**2})
