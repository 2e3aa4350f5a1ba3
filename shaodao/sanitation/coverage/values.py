"""Cells of track files as numbers: times in many spellings, work signals, speeds; whole columns at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shaodao.foundation import columns

Floats = NDArray[np.float64]

ON: Final = {
    "on",
    "1",
    "true",
    "t",
    "yes",
    "y",
    "working",
    "work",
    "open",
    "start",
    "开",
    "开启",
    "打开",
    "是",
    "作业",
    "作业中",
    "工作",
}
OFF: Final = {
    "off",
    "0",
    "false",
    "f",
    "no",
    "n",
    "idle",
    "stop",
    "stopped",
    "closed",
    "close",
    "关",
    "关闭",
    "否",
    "停",
    "未作业",
    "空驶",
    "不作业",
    "停止",
}
KMH: Final = ("kmh", "kph", "kmph", "kmperh", "公里时", "千米时")
MS: Final = ("ms", "mps", "mpers", "米秒")
KNOTS: Final = ("kn", "kt", "kts", "knots", "节")
COMPACT: Final = r"^(19|20)\d{12}$"
ZONED: Final = r"^(?P<local>.*?:\d{2}(?:[.,]\d+)?)\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?$"


def text(column: pa.Array | pa.ChunkedArray, encoding: str = "utf-8") -> pa.Array:
    """As text without spaces around it, null for empty; bytes are of ``encoding``, or else GBK."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        try:
            column = column.cast(pa.string()) if encoding == "utf-8" else _each(column, encoding)
        except pa.ArrowInvalid:
            column = _each(column, "gb18030")
    elif pa.types.is_boolean(column.type):
        column = pc.if_else(column, "1", "0")
    elif pa.types.is_floating(column.type):  # 7.0 is 7: a column of whole numbers with a hole
        column = pa.array([None if v is None else f"{v:.15g}" for v in column.to_pylist()], pa.string())
    else:
        column = column.cast(pa.string())
    column = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(column, ""), None, column)


def _each(column: pa.Array, encoding: str) -> pa.Array:
    """Bytes as text: each different cell once."""
    coded = column.dictionary_encode()
    words = [cell.decode(encoding, "replace") for cell in coded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(coded.indices)


def floats(column: pa.Array | pa.ChunkedArray) -> tuple[Floats, NDArray[np.bool_]]:
    """Numbers, NaN where there is none, and where there is something that is no number."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = column.type
    plain = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    cells = column if plain else text(column)
    found = columns.numbers(cells, "")
    values = found.to_numpy(zero_copy_only=False).astype(np.float64)
    wrong = pc.and_(pc.is_valid(cells), pc.is_null(found)).to_numpy(zero_copy_only=False)
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values), wrong.astype(bool) | infinite


def epochs(values: Floats, name: str) -> Floats:
    """Seconds since 1970 from numbers that are s, ms, us or ns by their size; small ones by the column's name."""
    with np.errstate(invalid="ignore"):
        size = np.abs(values)
        scale = np.select(
            [size >= 1e17, size >= 1e14, size >= 1e11], [1e9, 1e6, 1e3], 1e3 if name.endswith(("ms", "毫秒")) else 1.0
        )
    return values / scale


def times(column: pa.Array | pa.ChunkedArray, name: str, zone: ZoneInfo, day: date | None) -> tuple[Floats, bool]:
    """Seconds since 1970, NaN where unreadable; and whether a time without a zone was taken as one of ``zone``.

    Numbers are epochs; text is ISO 8601 in any of its usual dialects (also 2026/10/1 8:00 and 2026年10月1日). A time of day
    alone is one of ``day``.
    """
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        tz = column.type.tz if pa.types.is_timestamp(column.type) else None
        stamps = column.cast(pa.timestamp("us", tz), safe=False)  # nanoseconds are cut off
        bare = stamps.type.tz is None
        return _seconds(_placed(stamps, zone) if bare else stamps), bare
    if not (
        pa.types.is_string(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_string(column.type)
    ):
        return epochs(floats(column)[0], name), False
    cells = text(column)
    try:  # the usual spelling, all at once
        if pc.all(pc.match_like(cells, "____-__-__%:%")).as_py():
            return _seconds(_placed(cells.cast(pa.timestamp("us")), zone)), True
    except pa.ArrowInvalid:
        pass
    compact = pc.fill_null(pc.match_substring_regex(cells, COMPACT), False)
    numeric = pc.and_(pc.fill_null(pc.match_substring_regex(cells, columns.NUMBER), False), pc.invert(compact))
    found = epochs(floats(pc.if_else(numeric, cells, pa.scalar(None, pa.string())))[0], name)
    if pc.all(numeric).as_py():
        return found, False
    words = pc.if_else(numeric, pa.scalar(None, pa.string()), cells)
    if pc.any(compact).as_py():
        words = pc.replace_substring_regex(words, r"^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$", r"\1-\2-\3 \4:\5:\6")
    written, bare = _written(words, zone, day)
    return np.where(np.isnan(found), written, found), bare


def _written(words: pa.Array, zone: ZoneInfo, day: date | None) -> tuple[Floats, bool]:
    if day is not None:
        words = pc.replace_substring_regex(words, r"^(\d{1,2}:\d\d)", rf"{day.isoformat()} \1")
    parts = pc.extract_regex(words, ZONED)
    local = pc.if_else(pc.is_valid(parts), pc.struct_field(parts, "local"), words)
    said = pc.struct_field(parts, "zone").dictionary_encode()
    offsets = np.array([_offset(z) for z in said.dictionary.to_pylist()] + [np.nan])
    offset = offsets[said.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)]
    bare = bool((np.isnan(offset) & words.is_valid().to_numpy(zero_copy_only=False)).any())
    stamps = _stamps(local)
    there = _seconds(stamps) - offset
    return (np.where(np.isnan(offset), _seconds(_placed(stamps, zone)), there) if bare else there), bare


def _placed(stamps: pa.Array, zone: ZoneInfo) -> pa.Array:
    return pc.assume_timezone(stamps, zone.key, ambiguous="earliest", nonexistent="earliest")


def _offset(zone: str | None) -> float:
    if not zone:
        return np.nan
    if zone in ("Z", "z", "UTC", "GMT"):
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0)


def _stamps(local: pa.Array) -> pa.Array:
    """Times of clocks; null where unreadable. All at once where all are ISO, else put right first, else one by one."""
    try:
        return local.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        pass
    for old, new in (
        (r"[年月/]", "-"), (r"日\s*", " "), (r"[时点分]", ":"), (r"秒|:$", ""), (r",", "."), (r"^(\d{4})\.(\d+)\.(\d+)", r"\1-\2-\3"),
        (r"^(\d{4})-(\d)-", r"\1-0\2-"), (r"^(\d{4}-\d\d)-(\d)([ T]|$)", r"\1-0\2\3"), (r"[ T]+(\d):", r" 0\1:"), (r" +", " "), (r"(\.\d{6})\d+$", r"\1"),
    ):  # fmt: skip
        local = pc.replace_substring_regex(local, old, new)
    local = pc.utf8_trim_whitespace(local)
    try:
        return local.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        coded = local.dictionary_encode()
        return pa.array([_one(cell) for cell in coded.dictionary.to_pylist()], pa.timestamp("us")).take(coded.indices)


def _one(cell: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(cell or "")
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _seconds(stamps: pa.Array) -> Floats:
    whole = stamps.cast(pa.int64())
    values = whole.to_numpy(zero_copy_only=False).astype(np.float64) / 1e6
    return values


def signals(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int8], list[str]]:
    """1 works, 0 does not, -1 unknown; and the words that mean neither."""
    coded = text(column).dictionary_encode()
    words = coded.dictionary.to_pylist()
    known, strange = [], []
    for word in words:
        low = word.lower()
        number = _number(low)
        sense = 1 if low in ON or number > 0 else 0 if low in OFF or number == 0 else -1
        known.append(sense)
        if sense < 0 and number != -1:
            strange.append(word)
    index = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.array([*known, -1], np.int8)[index], strange


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return np.nan


def unit_of(name: str) -> float | None:
    """By how much a speed is divided to be m/s, from the end of its column's name; None where that does not say."""
    for endings, by in ((KMH, 3.6), (MS, 1.0), (KNOTS, 3600 / 1852), (("mph",), 3600 / 1609.344)):
        if name.endswith(endings):
            return by
    return None


def same_names(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Columns of rows that need not have the same names."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
