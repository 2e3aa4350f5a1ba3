"""Columns of positions as files have them, turned into arrays. No row of them can make this fail.

Texts come from CSV, numbers and times also from Parquet. What cannot be read becomes none (NaN, NO_TIME, None), and
whoever takes the rows in rejects that one with its reason.
"""

import codecs
import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.foundation import clock
from shaodao.foundation.maps import Unreadable

NO_TIME = np.iinfo(np.int64).min
"""For what is no time."""
SECONDS_BELOW = 10**11
"""A smaller number is seconds since 1970, else milliseconds: as in `shaodao analyse parking`."""
MOST_MS = 253_402_300_800_000  # the year 10000
DAY, MINUTE = 86_400_000, 60_000
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$"
_ISO = (
    r"^\s*(?P<y>\d{4})[-/年](?P<mo>\d{1,2})[-/月](?P<d>\d{1,2})日?[Tt ]+(?P<h>\d{1,2}):(?P<mi>\d{2})"
    r"(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?\s*$"
)


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """(n,) float64; NaN for what is empty or no number."""
    if not texts(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    good = pc.match_substring_regex(column, _NUMBER)
    text = pc.utf8_trim_whitespace(pc.if_else(good, column, None))
    return np.asarray(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def times(column: pa.Array) -> NDArray[np.int64]:
    """(n,) milliseconds since 1970, `NO_TIME` for what is no time.

    Numbers are seconds or milliseconds since 1970; a text or a timestamp without a zone is the district's wall clock.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        whole = pc.cast(pc.cast(column, pa.timestamp("ms", kind.tz), safe=False), pa.int64())
        found = _filled(whole)
        return found if kind.tz else _from_wall_clock(found)
    if not texts(kind):
        return _counted(numbers(column))
    counted = _counted(numbers(column))
    written = _written(column) if (counted == NO_TIME).any() else counted
    return np.where(counted != NO_TIME, counted, written)


def names(column: pa.Array) -> NDArray[np.object_]:
    """(n,) object: names and ids as text; whole numbers are texts too; None for none."""
    if not texts(column.type):
        column = pc.cast(column, pa.string())
    return np.asarray(column.to_numpy(zero_copy_only=False), object)


def texts(kind: pa.DataType) -> bool:
    """Is it a column of text?"""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _counted(value: NDArray[np.float64]) -> NDArray[np.int64]:
    fits = np.isfinite(value) & (np.abs(value) < MOST_MS)
    whole = np.where(fits, value, 0.0)
    ms = np.where(np.abs(whole) < SECONDS_BELOW, whole * 1000, whole)
    return np.where(fits, np.rint(ms), NO_TIME).astype(np.int64)


def _written(column: pa.Array) -> NDArray[np.int64]:
    """Times written as year, month, day, hour … with or without a zone."""
    fields = pc.extract_regex(column, _ISO)
    got = np.asarray(pc.is_valid(fields).to_numpy(zero_copy_only=False), bool)

    def part(name: str) -> NDArray[np.int64]:
        text = pc.struct_field(fields, name)
        text = pc.if_else(pc.greater(pc.fill_null(pc.utf8_length(text), 0), 0), text, "0")
        return _filled(pc.cast(pc.fill_null(text, "0"), pa.int64()), 0)

    year, month, day, hour, minute, second = (part(name) for name in ("y", "mo", "d", "h", "mi", "s"))
    got &= (year >= 1970) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(got, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    got &= (days.astype("datetime64[D]").astype("datetime64[M]") == months) & (year < 10_000)  # no 30 February
    ms = days * DAY + hour * 3_600_000 + minute * MINUTE + second * 1000 + _fraction(pc.struct_field(fields, "f"))
    zone = pc.fill_null(pc.struct_field(fields, "zone"), "")
    bare = np.asarray(pc.equal(pc.utf8_length(zone), 0).to_numpy(zero_copy_only=False), bool)
    ms = np.where(bare, _from_wall_clock(np.where(got, ms, NO_TIME)), ms - _offset(zone))
    return np.where(got, ms, NO_TIME)


def _fraction(text: pa.Array) -> NDArray[np.int64]:
    """Milliseconds of decimals of a second."""
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(text, "0"), 9, "0"), 0, 3)
    return _filled(pc.cast(padded, pa.int64()), 0)


def _offset(zone: pa.Array) -> NDArray[np.int64]:
    """Milliseconds that clocks of `+08:00` are ahead of UTC; 0 for Z and for none."""
    coded = pc.dictionary_encode(zone)
    ahead = [_ahead(text) for text in coded.dictionary.to_pylist()]
    return np.array(ahead or [0], np.int64)[coded.indices.to_numpy()]


def _ahead(text: str) -> int:
    if text[:1] not in ("+", "-"):
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return (minutes if text[0] == "+" else -minutes) * MINUTE


def _from_wall_clock(ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """From milliseconds as the district's wall clock shows them: one look into the calendar for each day."""
    found, timed = ms.copy(), ms != NO_TIME
    days, which = np.unique(ms[timed] // DAY, return_inverse=True)
    shift = np.array([_shift(int(day)) for day in days] or [0], np.int64)
    found[timed] -= shift[which] if which.size else 0
    return found


def _shift(day: int) -> int:
    """Milliseconds that the wall clock is ahead of UTC at that day's noon; beyond all calendars as in the last year."""
    at = np.datetime64(max(-700_000, min(day, 2_900_000)), "D").astype(datetime)
    ahead = datetime(at.year, at.month, at.day, 12, tzinfo=clock.LOCAL).utcoffset()
    return int(ahead.total_seconds() * 1000) if ahead else 0


def _filled(column: Any, none: int = NO_TIME) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(column, none).to_numpy(zero_copy_only=False), np.int64)


def check_encoding(path: Path) -> None:
    """Raises Unreadable with the line in which a CSV file (also .gz) is not UTF-8, and whether it is GBK instead."""
    line = _undecodable(path, "utf-8")
    if line:
        gbk = not _undecodable(path, "gb18030")
        hint = _("看起来是 GBK：在 Excel 里另存为“CSV UTF-8（逗号分隔）”") if gbk else _("另存为 UTF-8 编码")
        raise Unreadable(_("第 %(n)d 行不是 UTF-8 编码。%(hint)s") % {"n": line, "hint": hint})


def _undecodable(path: Path, encoding: str) -> int:
    """The line (from 1) with the first bytes that are nothing in this encoding; 0 for none."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        while True:
            part = file.read(1 << 20)
            try:
                decoder.decode(part, final=not part)
            except UnicodeDecodeError as fault:
                return line + part.count(b"\n", 0, fault.start)
            if not part:
                return 0
            line += part.count(b"\n")
