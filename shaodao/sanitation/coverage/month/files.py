"""The Parquet files of a month and what their columns are called; checked by their footers before anything is read."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.foundation import parquets
from shaodao.foundation.maps import Unreadable, shown
from shaodao.sanitation.coverage import tracks, values
from shaodao.sanitation.coverage.month.batches import KEYS, Columns

PER_S = {"kmh": 3.6, "ms": 1.0}
MAGIC = "*?["


@dataclass(frozen=True)
class Group:
    """Files whose columns have the same names and types; ``rows`` of all of them."""

    columns: Columns
    paths: list[Path]
    rows: int


def find(where: str, unit: str | None = None) -> list[Group]:
    """The files of a folder (at any depth), of a pattern, or one file, grouped by their columns.

    unit: of a speed whose column's name states none ("kmh", "ms"). Raises Unreadable, and parquets.Broken that names a file.
    """
    known: dict[Columns, list[tuple[Path, int]]] = {}
    for path in _paths(where):
        try:
            meta = parquet.read_metadata(path)
            schema = meta.schema.to_arrow_schema()
        except (pa.ArrowException, OSError) as error:
            raise parquets.Broken(path, error) from None
        known.setdefault(_columns(path, schema, unit), []).append((path, meta.num_rows))
    groups = [Group(key, [path for path, _n in found], sum(n for _p, n in found)) for key, found in known.items()]
    groups = [group for group in groups if group.rows]
    if not groups:
        raise Unreadable(_("轨迹文件没有一行数据"))
    return groups


def _paths(where: str) -> list[Path]:
    path = Path(where)
    if path.is_dir():
        found = parquets.under(path)
    elif path.is_file() or not any(sign in where for sign in MAGIC):
        found = [path] if path.is_file() else []
    else:
        found = sorted(Path(name) for name in glob.glob(where, recursive=True) if Path(name).is_file())
    if not found:
        raise Unreadable(_("%(folder)s 里没有 Parquet 文件") % {"folder": where})
    return found


def _columns(path: Path, schema: pa.Schema, unit: str | None) -> Columns:
    """Raises Unreadable with the file and the column that is missing or cannot be used."""
    try:
        places = dict(zip(tracks.KEYS, tracks.places(schema.names), strict=True))
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from None
    names = {key: None if places[key] is None else schema.names[places[key]] for key in KEYS}  # type: ignore[index]
    if names["vehicle"] is None:
        said = {"file": path, "names": shown(", ".join(schema.names), 200)}
        raise Unreadable(_("文件 %(file)s 没有车辆列，现有 %(names)s") % said)
    types = {key: schema.field(name).type for key, name in names.items() if name is not None}
    for key, kind in types.items():
        if pa.types.is_nested(kind):
            said = {"file": path, "name": names[key] or "", "kind": str(kind)}
            raise Unreadable(_("文件 %(file)s 的“%(name)s”列类型不对：%(kind)s") % said)
    by = 1.0
    if names["speed"] is not None:
        stated = values.unit_of(tracks.plain(names["speed"])) or PER_S.get(unit or "")
        if stated is None:
            said = {"file": path, "name": names["speed"]}
            raise Unreadable(_("文件 %(file)s 的速度列“%(name)s”没有写单位：用 --speed-unit 写明") % said)
        by = stated
    return Columns(**names, time=types["t"], time_name=tracks.plain(names["t"]), speed_by=by)
