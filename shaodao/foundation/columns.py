"""Columns of large files, some rows at a time: Parquet, and CSV with whatever delimiter, packed or not.

`places` says, from the names in the header, which columns are wanted (None: the file has none such), and raises
Unreadable where one that is needed is missing. A cell that is no number makes its row one without; it holds up no other.
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.foundation.maps import Unreadable

NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
HEADER_BYTES = 1 << 16
TEXTS = (".csv", ".tsv", ".txt")
Columns = list[pa.Array | None]
Places = Callable[[list[str]], list[int | None]]


@contextmanager
def readable() -> Iterator[None]:
    """Turns what a reader raises into Unreadable with its first line."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, zlib.error, csv.Error) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise Unreadable(_("文件读不出来：%(e)s") % {"e": why}) from None


def from_parquet(path: Path, rows: int, places: Places) -> Iterator[Columns]:
    file = parquet.ParquetFile(path)
    wanted = [file.schema_arrow.names[n] for n in places(file.schema_arrow.names) if n is not None]
    for batch in file.iter_batches(rows, columns=wanted):
        yield [None if n is None else batch.column(n) for n in places(batch.schema.names)]


def from_csv(
    path: Path,
    places: Places,
    *,
    kind: pa.DataType | None = None,
    ragged: Callable[[arrow_csv.InvalidRow], str] | None = None,
) -> Iterator[Columns]:
    """Columns as text (`kind`: binary where the encoding is looked into later); empty lines are no rows.

    ragged: told of each row with too few or too many cells, answers "skip" or "error"; without it such a row is an error.
    """
    names, lines, delimiter = header(path, places)
    found = places(names)
    raw, line = _first(path)
    if raw.endswith(line) and raw.count(line) == 1:
        raise Unreadable(_("文件只有表头，没有一行数据"))
    columns = [f"{n}" for n in range(len(names))]  # a name may stand twice
    asked = [columns[n] for n in dict.fromkeys(n for n in found if n is not None)]
    with (
        pa.input_stream(path, compression="gzip" if path.suffix.lower() == ".gz" else None) as packed,
        arrow_csv.open_csv(
            packed,
            arrow_csv.ReadOptions(column_names=columns, skip_rows=lines, use_threads=ragged is None),
            arrow_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=ragged),
            arrow_csv.ConvertOptions(
                include_columns=asked, column_types=dict.fromkeys(asked, kind or pa.string()), strings_can_be_null=True
            ),
        ) as reader,
    ):
        for batch in reader:
            yield [None if n is None else batch.column(asked.index(columns[n])) for n in found]


def header(path: Path, places: Places) -> tuple[list[str], int, str]:
    """The names of the columns, the lines until the first row, the delimiter: what makes the header have what is needed."""
    raw, line = _first(path)
    text = line.decode(_encoding(line)).removeprefix("\ufeff")
    lines = raw[: raw.index(line)].count(b"\n") + 1
    for delimiter in ",;\t|":
        names = next(csv.reader([text], delimiter=delimiter), [])
        try:
            places(names)
        except Unreadable:
            continue
        return names, lines, delimiter
    delimiter = max(",;\t|", key=text.count)
    return next(csv.reader([text], delimiter=delimiter), []), lines, delimiter


def encoding(path: Path) -> str:
    """What the header is written in: "utf-8" or "gb18030", in which digits and delimiters are the same bytes."""
    return _encoding(_first(path)[1])


def _first(path: Path) -> tuple[bytes, bytes]:
    """The beginning of a file and its first line that is not empty."""
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        raw = file.read(HEADER_BYTES)
    line = next((line for line in raw.splitlines() if line.strip(b" \t\r\n\xef\xbb\xbf")), b"")
    if not line:
        raise Unreadable(_("文件是空的"))
    return raw, line


def _encoding(line: bytes) -> str:
    for name in ("utf-8", "gb18030"):
        try:
            text = line.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return name
        break
    raise Unreadable(_("文件不是 UTF-8 编码"))


def numbers(column: pa.Array, name: str, *, needed: bool = False) -> pa.Array:
    """A column as float64, null where there is no number; ``needed``: Unreadable where text holds none at all."""
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
    if needed and known.null_count == len(known):
        raise Unreadable(_("“%(name)s”列不是数字") % {"name": name})
    return known.cast(pa.float64())
