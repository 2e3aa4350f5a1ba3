"""Tables that people keep in Excel or a text editor: read them, and say exactly which row and column is wrong.

A `TableSpec` names the columns of one table; `read_csv` and `parse` turn text into typed rows and `Problem`s. Nothing
here knows a domain or a database: packs (CSV) and the catalogue's workbooks (xlsx) go through the same functions.
"""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Problem:
    """What is wrong where, and what would be right. `row` counts from 1 with the header as row 1; 0 is the file."""

    file: str
    row: int
    column: str
    what: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"file": self.file, "row": self.row, "column": self.column, "what": self.what, "hint": self.hint}

    def __str__(self) -> str:
        where = self.file
        if self.row:
            where += ":" + str(self.row)
        if self.column:
            where += f" [{self.column}]"
        return f"{where} {self.what}" + (_("（%(hint)s）") % {"hint": self.hint} if self.hint else "")


class Bad(Exception):
    """A value that cannot be right: what is wrong, and what would be right."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


Parser = Callable[[str], Any]


@dataclass(frozen=True)
class Column:
    """A column: its name in CSV, how its text becomes a value, and what an empty cell means."""

    name: str
    parse: Parser
    required: bool = True
    default: Any = ""
    label: Any = ""  # its header in a workbook: text, perhaps translated when it is shown
    show: Callable[[Any], Any] = str  # how a workbook writes the value


@dataclass(frozen=True)
class TableSpec:
    """One table of a pack. `key` columns together must be unique; `required` says whether the file must exist."""

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = True

    def names(self) -> list[str]:
        return [c.name for c in self.columns]


class Row(dict[str, Any]):
    """A typed row that remembers where it stood."""

    def __init__(self, file: str, line: int, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.file, self.line = file, line

    def problem(self, column: str, what: str, hint: str = "") -> Problem:
        return Problem(self.file, self.line, column, what, hint)


# --- values -----------------------------------------------------------------------------------------------------


def text(longest: int) -> Parser:
    """Text of at most `longest` characters."""

    def parse(value: str) -> str:
        if len(value) > longest:
            raise Bad(_("有 %(n)d 个字，太长") % {"n": len(value)}, _("最多 %(n)d 个字") % {"n": longest})
        return value

    return parse


def choice(options: Iterable[str], words: Mapping[str, str] | None = None) -> Parser:
    """One of a few words; `words` maps each to what a workbook calls it, which is understood too."""
    known = tuple(options)
    meaning = {word: option for option, word in (words or {}).items()}

    def parse(value: str) -> str:
        if meaning.get(value, value) not in known:
            raise Bad(
                _("“%(v)s”不在可选值之内") % {"v": value}, _("可选：%(o)s") % {"o": ", ".join([*known, *meaning])}
            )
        return meaning.get(value, value)

    return parse


def boolean(value: str) -> bool:
    """true or false; Excel's TRUE, 是/否 and 1/0 are understood."""
    word = value.strip().lower()
    if word in {"true", "1", "是", "yes"}:
        return True
    if word in {"false", "0", "否", "no"}:
        return False
    raise Bad(_("“%(v)s”不是 true 或 false") % {"v": value}, _("写 true 或 false"))


def number(above: float | None = None, least: float | None = None) -> Parser:
    """A number, greater than `above` or not less than `least`."""

    def parse(value: str) -> float:
        try:
            result = float(value)
        except ValueError:
            raise Bad(_("“%(v)s”不是数字") % {"v": value}, _("写阿拉伯数字，如 4 或 0.5")) from None
        if not math.isfinite(result):
            raise Bad(_("“%(v)s”不是数字") % {"v": value}, _("写阿拉伯数字，如 4 或 0.5"))
        if above is not None and not result > above:
            raise Bad(_("%(v)s 太小") % {"v": value}, _("要大于 %(n)g") % {"n": above})
        if least is not None and result < least:
            raise Bad(_("%(v)s 太小") % {"v": value}, _("不小于 %(n)g") % {"n": least})
        return result

    return parse


def integer(least: int, most: int) -> Parser:
    """A whole number within bounds."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,15}(\.0{1,15})?", value):
            raise Bad(_("“%(v)s”不是整数") % {"v": value}, _("写整数"))
        result = int(float(value))
        if not least <= result <= most:
            raise Bad(_("%(v)s 超出范围") % {"v": value}, _("在 %(a)d 与 %(b)d 之间") % {"a": least, "b": most})
        return result

    return parse


def day(value: str) -> date:
    """A date, 2026-10-01 (Excel's 2026/10/1 is understood)."""
    match = re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", value)
    try:
        if match:
            return date(*(int(g) for g in match.groups()))
    except ValueError:
        pass
    raise Bad(_("“%(v)s”不是日期") % {"v": value}, _("写成 2026-10-01"))


def code(lengths: Sequence[int], words: bool = False, longest: int = 20) -> Parser:
    """A code of digits whose length is one of `lengths`; `words` also allows a word such as `other` or `HQ-1`."""

    def parse(value: str) -> str:
        if value.isascii() and value.isdigit() and len(value) in lengths:
            return value
        if words and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", value) and len(value) <= longest:
            return value
        wanted = _("要 %(n)s 位数字") % {"n": "/".join(map(str, lengths))}
        raise Bad(_("编码“%(v)s”不对") % {"v": value}, _mangled(value, lengths) or wanted)

    return parse


def _mangled(value: str, lengths: Sequence[int]) -> str:
    """Why a code looks as if a spreadsheet had changed it, or nothing."""
    if re.fullmatch(r"\d(\.\d+)?[Ee]\+?\d+", value):
        return _("Excel 把它变成了科学计数；把该列设为“文本”后重新填写")
    if re.fullmatch(r"\d+\.0+", value):
        return _("Excel 把它变成了小数；把该列设为“文本”后重新填写")
    longer = [n for n in lengths if n > len(value)]
    if value.isdigit() and longer and min(longer) - len(value) <= 2:
        return _("前面的 0 可能被 Excel 去掉了，应为 %(v)s；把该列设为“文本”") % {"v": value.zfill(min(longer))}
    return ""


# --- tables -----------------------------------------------------------------------------------------------------


def decode(raw: bytes, file: str) -> tuple[str, list[Problem]]:
    """The text of a file, which must be UTF-8 (with or without a byte order mark)."""
    if not raw.strip():
        return "", [Problem(file, 0, "", _("文件是空的"), _("至少要有表头一行"))]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        try:
            raw.decode("gb18030")
            hint = _("看起来是 GBK：在 Excel 里另存为“CSV UTF-8（逗号分隔）”")
        except UnicodeDecodeError:
            hint = _("另存为 UTF-8 编码")
        return "", [Problem(file, line, "", _("文件不是 UTF-8 编码"), hint)]


def read_csv(path: Path, spec: TableSpec) -> tuple[list[Row], list[Problem]]:
    """The rows of one CSV file; a missing file is a problem only where the table is required."""
    if not path.is_file():
        missing = Problem(spec.file, 0, "", _("缺少文件"), _("表头：%(h)s") % {"h": ",".join(spec.names())})
        return [], [missing] if spec.required else []
    content, problems = decode(path.read_bytes(), spec.file)
    if problems:
        return [], problems
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        return [], [Problem(spec.file, start, "", _("这一行读不出来：%(e)s") % {"e": error}, _("检查双引号是否成对"))]
    return parse(spec, spec.file, lines[0][1], lines[1:])


def parse(
    spec: TableSpec, file: str, header: Sequence[str], lines: Iterable[tuple[int, Sequence[str]]]
) -> tuple[list[Row], list[Problem]]:
    """Typed rows and problems of a table whose header and cells are text; empty lines are passed over."""
    header = [h.strip() for h in header]
    problems = _check_header(spec, file, header)
    if problems:
        return [], problems
    columns = {c.name: c for c in spec.columns}
    rows: list[Row] = []
    seen: dict[tuple[Any, ...], int] = {}
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header) and any(c.strip() for c in cells[len(header) :]):
            hint = _("值里有逗号时要加双引号")
            problems.append(
                Problem(file, line, "", _("这一行比表头多 %(n)d 列") % {"n": len(cells) - len(header)}, hint)
            )
            continue
        row, wrong = _parse_row(columns, file, line, dict(zip(header, cells, strict=False)))
        problems += wrong
        rows.append(row)
        key = tuple(row.get(k) for k in spec.key)
        if wrong or not spec.key:
            continue
        if key in seen:
            what = _("与第 %(n)d 行重复：%(k)s") % {"n": seen[key], "k": " ".join(map(str, key))}
            problems.append(row.problem(spec.key[-1], what, _("删去一行，或改编码")))
        seen.setdefault(key, line)
    return rows, problems


def _check_header(spec: TableSpec, file: str, header: list[str]) -> list[Problem]:
    problems = []
    known = set(spec.names())
    for column in spec.columns:
        if column.required and column.name not in header:
            problems.append(Problem(file, 1, column.name, _("缺少这一列"), ",".join(spec.names())))
    for name in header:
        if name not in known:
            what = _("没有名叫“%(c)s”的列") % {"c": name}
            problems.append(Problem(file, 1, name, what, _("可用的列：%(h)s") % {"h": ",".join(spec.names())}))
        elif header.count(name) > 1:
            problems.append(Problem(file, 1, name, _("这一列出现了两次"), _("只留一列")))
    return problems


def _parse_row(columns: dict[str, Column], file: str, line: int, cells: dict[str, str]) -> tuple[Row, list[Problem]]:
    row, problems = Row(file, line, {}), []
    for name, column in columns.items():
        cell = cells.get(name, "").strip()
        if not cell:
            row[name] = column.default
            if column.required:
                problems.append(Problem(file, line, name, _("没有填"), ""))
            continue
        try:
            row[name] = column.parse(cell)
        except Bad as bad:
            row[name] = column.default
            problems.append(Problem(file, line, name, bad.what, bad.hint))
    return row, problems


def cycles(rows: Iterable[Row], key: str, parent: str) -> list[Row]:
    """Rows whose chain of parents comes back to itself."""
    by_key = {row[key]: row for row in rows if row[key]}
    found, cleared = [], set()
    for start in by_key:
        path: list[str] = []
        here = start
        while here in by_key and here not in cleared and here not in path:
            path.append(here)
            here = by_key[here][parent]
        if here in path:
            found.append(by_key[here])
        cleared.update(path)
    return found


def by_depth(rows: Iterable[Row], key: str, parent: str) -> list[list[Row]]:
    """Rows in layers, so that a row's parent stands in an earlier layer (rows in a cycle are left out)."""
    left = list(rows)
    known = {row[key] for row in left}
    layers: list[list[Row]] = []
    placed: set[str] = set()
    while left:
        layer = [r for r in left if not r[parent] or r[parent] not in known or r[parent] in placed]
        if not layer:
            break
        layers.append(layer)
        placed.update(r[key] for r in layer)
        left = [r for r in left if r[key] not in placed]
    return layers
