"""A CSV or Parquet file of fixes: which column means what, and its rows a part at a time.

A file is read twice: first to its end, to see that it is whole; of a file that is cut off nothing is taken in.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.foundation import cells
from shaodao.foundation.maps import Unreadable, shown
from shaodao.sanitation.tracks.sent import NAMES, NEEDED, Sent, of_columns

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
BLOCK = 4 << 20


@dataclass(frozen=True)
class TrackFile:
    """A file that was read to its end. columns: what it calls each of ours."""

    path: Path
    columns: dict[str, str]
    rows: int
    parquet: bool

    def sent(self, datum: str, since: int, most: int) -> Iterator[Sent]:
        """The rows from `since` on in order, at most `most` at a time."""
        first = 0
        for part in _batches(self.path, self.parquet, list(self.columns.values())):
            for start in range(max(0, since - first), part.num_rows, most):
                rows = part.slice(start, most)
                found = {ours: rows.column(rows.schema.get_field_index(t)) for ours, t in self.columns.items()}
                yield of_columns(found, rows.num_rows, datum, first + start)
            first += part.num_rows


def mapping(titles: Sequence[str]) -> dict[str, str]:
    """Our name → the file's title. Raises Unreadable for a file without what is needed."""
    there = {title.strip().lower(): title for title in titles}
    found = {name: there[name] for name in NAMES if name in there}
    missing = [name for name in NEEDED if name not in found]
    if not missing and "vehicle" not in found and "box" not in found:
        missing = ["vehicle"]
    if missing:
        said = {"names": ", ".join(missing), "have": shown(", ".join(titles), 200) or "—"}
        raise Unreadable(_("缺少列：%(names)s。现有：%(have)s") % said)
    return found


def open_file(path: Path, name: str = "") -> TrackFile:
    """Read a file to its end. `name`: what its sender calls it. Raises Unreadable in plain words."""
    called = (name or path.name).lower()
    if not called.endswith(SUFFIXES):
        raise Unreadable(_("轨迹文件应为 .csv、.csv.gz 或 .parquet"))
    is_parquet = called.endswith((".parquet", ".pq"))
    try:
        if not is_parquet:
            cells.check_encoding(path)
        titles = parquet.read_schema(path).names if is_parquet else list(_csv(path, [], None).schema.names)
        found = mapping(titles)
        rows = sum(part.num_rows for part in _batches(path, is_parquet, list(found.values())))
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        raise Unreadable(
            _("文件读不出来：%(e)s") % {"e": shown(str(error).splitlines()[0] if str(error) else "", 200)}
        ) from None
    if not rows:
        raise Unreadable(_("没有数据行：第一行是表头，从第二行起每行一个位置"))
    return TrackFile(path, found, rows, is_parquet)


def _csv(path: Path, titles: list[str], cut: list[Any] | None) -> Any:
    """A reader of the named columns (none: all) as text; lines with another number of columns go into `cut`."""

    def skip(line: Any) -> str:
        if cut is not None:
            cut.append(line)
        return "skip"

    return arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK),
        parse_options=arrow_csv.ParseOptions(invalid_row_handler=skip),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=titles, column_types=dict.fromkeys(titles, pa.string()),
            strings_can_be_null=True, null_values=["", "NULL", "null"],
        ),
    )  # fmt: skip


def _batches(path: Path, is_parquet: bool, titles: list[str]) -> Iterator[pa.RecordBatch]:
    if is_parquet:
        with parquet.ParquetFile(path) as file:
            yield from (_plain(part) for part in file.iter_batches(50_000, columns=titles))
        return
    cut: list[Any] = []
    with _csv(path, titles, cut) as reader:
        yield from reader
    if cut:
        said = {"n": cut[0].number or 0, "want": cut[0].expected_columns, "have": cut[0].actual_columns}
        raise Unreadable(_("第 %(n)d 行有 %(have)d 列，应有 %(want)d 列：文件没有写完，或引号没有成对") % said)


def _plain(part: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_fit(column) for column in part.columns], names=part.schema.names)


def _fit(column: pa.Array) -> pa.Array:
    """Dictionaries as their values; what is neither number, text nor time is none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    fits = (
        pa.types.is_integer, pa.types.is_floating, pa.types.is_timestamp, pa.types.is_string, pa.types.is_large_string,
        pa.types.is_boolean,
    )  # fmt: skip
    return column if any(test(kind) for test in fits) else pa.nulls(len(column), pa.string())
