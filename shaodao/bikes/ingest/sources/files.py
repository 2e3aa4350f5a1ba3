"""Positions in a CSV or Parquet file: any number of rows in flat memory.

A file is read twice. First to its end, to see that it is whole and has the columns: of a file that is cut off, or in
another encoding, nothing is taken in and the fault names its line. Then again, some ten thousand rows at a time.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.bikes.ingest import plausible, receive
from shaodao.bikes.ingest.positions import NO_TIME, Positions
from shaodao.bikes.ingest.sources.states import states
from shaodao.bikes.models import Operator
from shaodao.bikes.words import Reason, Source
from shaodao.foundation import cells
from shaodao.foundation.maps import Unreadable

ROWS = 50_000  # of one transaction
BLOCK = 4 << 20  # bytes of a CSV file that are read at a time; no line may be longer
EXAMPLES = 20
VEHICLE = (
    "vehicle_id", "bike_id", "bicycle_id", "vehicleid", "bikeid", "device_id", "id",
    "车辆编号", "单车编号", "车辆id", "车辆", "编号", "数据接口编号", "接口编号", "车牌或编码", "车牌",
)  # fmt: skip
TIME = (
    "time", "timestamp", "at_ms", "last_reported", "reported_at", "update_time", "gps_time", "event_time", "datetime",
    "时间", "定位时间", "上报时间", "采集时间", "更新时间", "时间戳",
)  # fmt: skip
LON = ("lon", "lng", "longitude", "long", "x", "经度")
LAT = ("lat", "latitude", "y", "纬度")
ACCURACY = ("accuracy", "horizontal_accuracy", "accuracy_m", "精度", "定位精度")
STATE = ("state", "status", "vehicle_state", "状态", "车辆状态")
WANTED = {"vehicle_id": VEHICLE, "time": TIME, "lon": LON, "lat": LAT, "accuracy": ACCURACY, "state": STATE}
NEEDED = ("vehicle_id", "time", "lon", "lat")
SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
Move = Callable[..., None]


@dataclass
class Filed:
    """What became of a file's rows: counts by code as `Received.as_dict()`, and the first rejected rows.

    `examples`: {"row" from 0, "line" of a CSV file (the title is line 1) or None, "vehicle_id", "why" code, "what" words}.
    """

    counts: dict[str, Any] = field(
        default_factory=lambda: {"received": 0, "kept": 0, "rejected": 0, "reasons": {}, "marked": {}}
    )
    examples: list[dict[str, Any]] = field(default_factory=list)
    looks: str = ""  # the datum that the first ROWS positions look like, if it is not the one given

    def as_dict(self) -> dict[str, Any]:
        return {**self.counts, "looks": self.looks, "examples": self.examples}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Filed":
        """From what `as_dict` gave; nothing yet from {}. The words are of the language in use now."""
        found = cls()
        if kept:
            found.counts = {name: kept[name] for name in found.counts}
            found.looks = kept["looks"]
            found.examples = [{**row, "what": str(Reason(row["why"]).label)} for row in kept["examples"]]
        return found

    def add(self, found: receive.Received, first_line: int | None) -> None:
        for name, value in found.as_dict().items():
            if isinstance(value, dict):
                for code, n in value.items():
                    self.counts[name][code] = self.counts[name].get(code, 0) + n
            else:
                self.counts[name] += value
        for row in found.examples[: EXAMPLES - len(self.examples)]:
            line = None if first_line is None else row["row"] + first_line
            self.examples.append({**row, "line": line, "what": str(Reason(row["why"]).label)})


@dataclass(frozen=True)
class PositionFile:
    """A file that was read to its end: its rows, and what it calls each column."""

    path: Path
    columns: dict[str, str]
    rows: int
    parquet: bool

    def positions(self, datum: str, since: int = 0, most: int = 0) -> Iterator[Positions]:
        """The rows from `since` on in order, at most `most` (0: ROWS) at a time."""
        first, most = 0, most or ROWS
        for batch in _batches(self.path, self.parquet, self.columns):
            for start in range(max(0, since - first), batch.num_rows, most):
                yield _positions(batch.slice(start, most), self.columns, first + start, datum)
            first += batch.num_rows


def take_in(
    operator: Operator, file: PositionFile, datum: str, now: datetime, progress: Move | None = None
) -> Filed:  # fmt: skip
    """Hand all rows to the ingest, ROWS in a transaction. Sent again, they are all duplicates.

    Raises ValueError for an unknown datum, before anything is taken in.
    """
    found = Filed()
    if progress:
        progress(total=file.rows)
    for n, positions in enumerate(file.positions(datum)):
        if n == 0:
            found.looks = plausible.datum_of(positions.lon, positions.lat, datum)
        found.add(receive.ingest(operator, positions, Source.FILE, now), None if file.parquet else 2)
        if progress:
            progress(len(positions))
    return found


def open_file(path: Path, name: str = "") -> PositionFile:
    """Read a file to its end. Raises Unreadable in plain words: what is wrong, in which line, what would be right.

    `name`: what its sender calls it, if `path` is a copy of it; a copy of a packed file ends with .gz, too.
    """
    called = (name or path.name).lower()
    if not called.endswith(SUFFIXES):
        raise Unreadable(_("位置文件应为 .csv、.csv.gz 或 .parquet"))
    if path.stat().st_size == 0:
        raise Unreadable(_("文件是空的"))
    is_parquet = called.endswith((".parquet", ".pq"))
    try:
        if not is_parquet:
            cells.check_encoding(path)
        titles = parquet.read_schema(path).names if is_parquet else _titles(path)
        chosen = _chosen(titles)
        rows, readable = 0, {"time": False, "lon": False, "lat": False}
        first: dict[str, str] = {}
        for batch in _batches(path, is_parquet, chosen):
            _look(batch, chosen, readable, first)
            rows += batch.num_rows
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        raise _plain(is_parquet, error) from None
    if not rows:
        raise Unreadable(_("没有数据行：第一行是表头，从第二行起每行一个位置"))
    for column, good in readable.items():
        if not good:
            raise Unreadable(_nothing(column, chosen[column], first.get(column, "")))
    return PositionFile(path, chosen, rows, is_parquet)


def _nothing(column: str, title: str, given: str) -> str:
    said = {"name": title, "v": "".join(c if c.isprintable() else "\ufffd" for c in given[:40])}
    if column == "time":
        hint = _("写成 2021-05-24 09:00:00（本地时间）、2021-05-24T01:00:00Z，或自 1970 年起的秒数、毫秒数")
        return (_("“%(name)s”列里没有一个能读的时间，例如“%(v)s”。") % said) + hint
    return _("“%(name)s”列里没有一个数，例如“%(v)s”。写成 113.301234 这样的度数") % said


def _chosen(titles: list[str]) -> dict[str, str]:
    """What the file calls each wanted column; the first of several."""
    known = {title.strip().lower(): title for title in reversed(titles)}
    found = {}
    for column, words in WANTED.items():
        title = next((known[word] for word in words if word in known), None)
        if title is not None:
            found[column] = title
        elif column in NEEDED:
            said = {"name": column, "also": "、".join(words[-3:]), "names": ", ".join(titles)[:200] or "—"}
            raise Unreadable(_("没有“%(name)s”列（也可叫 %(also)s），现有 %(names)s") % said)
    twice = [title for title in found.values() if titles.count(title) > 1]
    if twice:
        raise Unreadable(_("“%(name)s”列有两个") % {"name": twice[0]})
    return found


def _titles(path: Path) -> list[str]:
    with _csv(path, None, []) as reader:
        return list(reader.schema.names)


def _csv(path: Path, titles: list[str] | None, cut: list[Any]) -> Any:
    """A reader of the named columns (None: all) as text; lines with another number of columns are put into `cut`."""

    def skip(line: Any) -> str:
        cut.append(line)
        return "skip"

    texts = dict.fromkeys(titles or [], pa.string())
    return arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK),
        parse_options=arrow_csv.ParseOptions(invalid_row_handler=skip),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=titles or [], column_types=texts, strings_can_be_null=True, null_values=["", "NULL", "null"]
        ),
    )


def _batches(path: Path, is_parquet: bool, chosen: dict[str, str]) -> Iterator[pa.RecordBatch]:
    titles = list(chosen.values())
    if is_parquet:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=titles):
                yield _fit(batch, chosen)
        return
    cut: list[Any] = []
    with _csv(path, titles, cut) as reader:
        for batch in reader:
            yield batch
            if cut:
                break
    if cut:
        said = {"n": cut[0].number or 0, "want": cut[0].expected_columns, "have": cut[0].actual_columns}
        raise Unreadable(_("第 %(n)d 行有 %(have)d 列，应有 %(want)d 列：文件没有写完，或引号没有成对") % said)


def _fit(batch: pa.RecordBatch, chosen: dict[str, str]) -> pa.RecordBatch:
    """Columns of dictionaries as their values; Unreadable for a type that the column cannot have."""
    made = []
    for column, title in chosen.items():
        values = batch.column(batch.schema.get_field_index(title))
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        kind = values.type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
        whole, number = pa.types.is_integer(kind), pa.types.is_integer(kind) or pa.types.is_floating(kind)
        fits = {
            "vehicle_id": text or whole,
            "state": text or whole,
            "time": text or number or pa.types.is_timestamp(kind),
        }
        if not fits.get(column, text or number):
            raise Unreadable(_("“%(name)s”列的类型不对：%(kind)s") % {"name": title, "kind": kind})
        made.append(values.cast(pa.string()) if pa.types.is_null(kind) else values)
    return pa.RecordBatch.from_arrays(made, names=list(chosen.values()))


def _look(batch: pa.RecordBatch, chosen: dict[str, str], readable: dict[str, bool], first: dict[str, str]) -> None:
    """Note which of the columns have at least one value that can be read, and the first that each has."""
    for column in [name for name, good in readable.items() if not good]:
        values = batch.column(batch.schema.get_field_index(chosen[column]))
        if column == "time":
            readable[column] = bool((cells.times(values) != NO_TIME).any())
        else:
            readable[column] = bool(np.isfinite(cells.numbers(values)).any())
        if not first.get(column) and values.null_count < len(values):
            first[column] = str(values.drop_null()[0].as_py())


def _positions(batch: pa.RecordBatch, chosen: dict[str, str], first: int, datum: str) -> Positions:
    def column(name: str) -> Any:
        return batch.column(batch.schema.get_field_index(chosen[name]))

    n = batch.num_rows
    none = np.full(n, np.nan)
    state = np.empty(n, object)
    state[:] = "unknown"
    return Positions(
        cells.names(column("vehicle_id")),
        cells.times(column("time")),
        cells.numbers(column("lon")),
        cells.numbers(column("lat")),
        states(column("state")) if "state" in chosen else state,
        cells.numbers(column("accuracy")) if "accuracy" in chosen else none,
        np.arange(first, first + n, dtype=np.int64),
        datum,
    )


def _plain(is_parquet: bool, error: Exception) -> Unreadable:
    """What a library said, for a person."""
    said = (str(error).splitlines() or [type(error).__name__])[0][:200]
    if is_parquet:
        return Unreadable(_("不是能读的 Parquet 文件，或没有写完（%(e)s）") % {"e": said})
    if "straddling" in said or "out of sync" in said:
        return Unreadable(_("引号没有成对，或有一行长过 %(n)d MB") % {"n": BLOCK >> 20})
    if "Empty CSV" in said:
        return Unreadable(_("文件是空的"))
    return Unreadable(_("文件读不出来：%(e)s") % {"e": "".join(c if c.isprintable() else "\ufffd" for c in said)})
