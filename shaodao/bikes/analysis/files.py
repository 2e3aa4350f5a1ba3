"""The Parquet files of a folder, and what their columns are called; checked before anything is computed."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.bikes.analysis.batches import Columns
from shaodao.bikes.pointfiles import ACCURACY, LAT, LON
from shaodao.foundation.parquets import Broken, under

TIME = (
    "time", "timestamp", "last_reported", "reported_at", "update_time", "gps_time", "event_time", "datetime",
    "时间", "定位时间", "上报时间", "采集时间", "更新时间", "时间戳",
)  # fmt: skip
OPERATOR = ("operator", "operator_id", "企业")
EMPTY_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class Wrong(Exception):
    """The folder cannot be analysed as it is: nothing in it, a column that is missing or of another kind."""


@dataclass(frozen=True)
class Group:
    """Files with the same columns: their paths, what the columns are called, and the type of the time."""

    paths: list[Path]
    columns: Columns
    time: pa.DataType


def find(folder: Path) -> list[Group]:
    """All Parquet files under a folder, grouped by their columns, each file's footer read.

    Folders named `column=value` are partitions; that of the operator counts as the operator of all files in it, the others
    say nothing that the columns do not. Names that begin with `_` or `.` are not data, as with Spark and Hive.
    Raises Wrong and Broken.
    """
    paths = under(folder)
    if not paths:
        raise Wrong(_("%(folder)s 里没有 Parquet 文件") % {"folder": folder})
    groups: dict[tuple[Columns, tuple[pa.DataType, ...]], list[Path]] = {}
    for path in paths:
        try:
            schema = parquet.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise Broken(path, error) from None
        columns = _columns(path, schema, _partition(path.relative_to(folder)))
        kinds = tuple(schema.field(name).type for name in columns.needed)
        groups.setdefault((columns, kinds), []).append(path)
    return [
        Group(paths, columns, kinds[columns.needed.index(columns.time)]) for (columns, kinds), paths in groups.items()
    ]


def _partition(path: Path) -> str | None:
    """The operator that the folders of a file name; None: none does."""
    named = None
    for part in path.parts[:-1]:
        key, equals, value = part.partition("=")
        if equals and key.lower() in OPERATOR:
            named = "" if value == EMPTY_PARTITION else unquote(value)
    return named


def _columns(path: Path, schema: pa.Schema, named: str | None) -> Columns:
    """What the file calls the columns; Wrong names the file and the first column that is not there or of another kind."""
    known = {name.strip().lower(): name for name in reversed(schema.names)}

    def column(wanted: tuple[str, ...], *kinds: str) -> str | None:
        name = next((known[n] for n in wanted if n in known), None)
        if name is not None and not any(_is(schema.field(name).type, kind) for kind in kinds):
            values = {"file": path, "name": name, "kind": schema.field(name).type}
            raise Wrong(_("文件 %(file)s 的“%(name)s”列类型不对：%(kind)s") % values)
        return name

    def needed(wanted: tuple[str, ...], *kinds: str) -> str:
        name = column(wanted, *kinds)
        if name is None:
            values = {"file": path, "name": wanted[0], "names": ", ".join(schema.names)[:200]}
            raise Wrong(_("文件 %(file)s 没有“%(name)s”列，现有 %(names)s") % values)
        return name

    return Columns(
        lon=needed(LON, "number"),
        lat=needed(LAT, "number"),
        time=needed(TIME, "timestamp", "integer"),
        operator=None if named is not None else column(OPERATOR, "text", "integer"),
        accuracy=column(ACCURACY, "number"),
        named=named,
    )


def _is(given: pa.DataType, kind: str) -> bool:
    if kind == "timestamp":
        return bool(pa.types.is_timestamp(given))
    if kind == "text":
        inner = given.value_type if pa.types.is_dictionary(given) else given
        return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_null(inner))
    whole = bool(pa.types.is_integer(given)) and given != pa.uint64()  # Spark has no such type
    return whole or (kind == "number" and bool(pa.types.is_float32(given) or pa.types.is_float64(given)))
