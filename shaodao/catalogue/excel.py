"""The catalogue as an Excel workbook, because that is how a district keeps it: out, and in again without loss.

    workbook_bytes()                   the active catalogue, five sheets with Chinese headers
    import_catalogue(file)             all or nothing; errors name sheet, row and column

An export that is imported unchanged changes nothing. What a workbook no longer names becomes inactive.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from shaodao.catalogue import tables
from shaodao.catalogue.models import Attribute, Category, CategoryMap, Condition, Scheme
from shaodao.catalogue.tables import STREET, Tables
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from shaodao.foundation.pack import PackError
from shaodao.foundation.tables import Problem, Row, TableSpec, parse
from shaodao.organisations.models import Organisation

# Sheet titles are part of the file's format, like column names: they are not translated.
SHEETS: dict[str, TableSpec] = {
    "目录版本": tables.SCHEMES,
    "类别": tables.CATEGORIES,
    "立案结案条件": tables.CONDITIONS,
    "附加问题": tables.ATTRIBUTES,
    "新旧对应": tables.MAP,
}
FIELDS = ("schemes", "categories", "conditions", "attributes", "map")
PICK = {"kind": tables.KINDS, "limit_unit": tables.UNITS, "match": tables.MATCHES}
WIDE = {"name": 24, "filing": 48, "closing": 36, "stages": 36, "lead": 26, "supports": 48, "keywords": 30, "values": 48}
LARGEST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 50_000


# --- out --------------------------------------------------------------------------------------------------------


def workbook_bytes() -> bytes:
    """The catalogue in the database (active rows) as an .xlsx file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for (title, spec), rows in zip(SHEETS.items(), _described(), strict=True):
        _fill(book.create_sheet(title), spec, rows)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def export_catalogue(path: str | Path) -> dict[str, int]:
    """Write the workbook to `path`; returns the rows of each table."""
    Path(path).write_bytes(workbook_bytes())
    return dict(zip(FIELDS, map(len, _described()), strict=True))


def _fill(sheet: Worksheet, spec: TableSpec, rows: list[dict[str, Any]]) -> None:
    sheet.append([column.label for column in spec.columns])
    for row in rows:
        sheet.append([column.show(row[column.name]) for column in spec.columns])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDEBF7")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    for number, column in enumerate(spec.columns, start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = WIDE.get(column.name, 14)
        if column.name in PICK:
            words = DataValidation(type="list", formula1='"' + ",".join(PICK[column.name].values()) + '"')
            sheet.add_data_validation(words)
            words.add(f"{letter}2:{letter}{MOST_ROWS}")
        for (cell,) in sheet.iter_rows(min_row=2, min_col=number, max_col=number):
            cell.alignment = Alignment(wrap_text=column.name in WIDE, vertical="top")
            if isinstance(cell.value, str):
                cell.number_format, cell.data_type = "@", "s"  # text: leading zeros stay, "=" starts no formula


def _described() -> tuple[list[dict[str, Any]], ...]:
    """The five tables of the database, as rows of column names."""
    schemes = {s.pk: s for s in Scheme.objects.order_by("-active", "code")}
    categories = {c.pk: c for c in Category.objects.filter(active=True).order_by("scheme__code", "kind", "code")}
    keys = {pk: (schemes[c.scheme_id].code, c.kind, c.code) for pk, c in categories.items()}
    return (
        [_row(tables.SCHEMES, s, scheme=s.code) for s in schemes.values()],
        [_row(tables.CATEGORIES, c, scheme=keys[pk][0]) for pk, c in categories.items()],
        _conditions(keys),
        [
            _row(tables.ATTRIBUTES, a, **_key(keys[a.category_id]), attribute=a.code)
            for a in Attribute.objects.all()
            if a.category_id in keys
        ],
        [
            {
                "from_scheme": keys[m.source_category_id][0],
                "kind": keys[m.source_category_id][1],
                "from_code": keys[m.source_category_id][2],
                "to_scheme": schemes[m.target_scheme_id].code,
                "to_code": keys[m.target_category_id][2] if m.target_category_id in keys else "",
                "match": m.match,
            }
            for m in CategoryMap.objects.order_by("pk")
            if m.source_category_id in keys
        ],
    )


def _conditions(keys: dict[int, tuple[str, str, str]]) -> list[dict[str, Any]]:
    units = {o.pk: f"{o.code} {o.name}" for o in Organisation.objects.all()}
    rows = Condition.objects.filter(active=True, category__in=list(keys)).prefetch_related("supports")
    return [
        _row(
            tables.CONDITIONS,
            c,
            **_key(keys[c.category_id]),
            lead=units[c.lead_id] if c.lead_id else f"{STREET} 所在街道",
            supports=";".join(units[o.pk] for o in c.supports.all()),
        )
        for c in sorted(rows, key=lambda c: (*keys[c.category_id], c.seq))
    ]


def _key(key: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("scheme", "kind", "code"), key, strict=True))


def _row(spec: TableSpec, obj: Any, **given: Any) -> dict[str, Any]:
    return {name: given[name] if name in given else getattr(obj, name) for name in spec.names()}


# --- in ---------------------------------------------------------------------------------------------------------


def import_catalogue(file: BinaryIO | str | Path, actor: Any = None) -> dict[str, int]:
    """Read a workbook, check it, and bring the catalogue to what it says, in one transaction.

    Returns how many rows were created, updated and retired, and the rows of each table. Raises PackError, having
    changed nothing; each problem's `file` is the sheet, its `column` the Chinese header.
    """
    read, problems = read_workbook(file)
    if not problems:
        known = set(Organisation.objects.filter(active=True).values_list("code", flat=True))
        problems = [_labelled(p) for p in tables.check(read, known)]
    if problems:
        raise PackError(problems)
    with transaction.atomic():
        done = tables.write(read)
        data = {**done, **read.counts()}
        LogEntry.objects.create(at=clock.now(), actor=actor, action="catalogue.import", subject="catalogue", data=data)
    return data


def read_workbook(file: BinaryIO | str | Path) -> tuple[Tables, list[Problem]]:
    """The typed rows of a workbook, and what is wrong with single cells."""
    try:
        if isinstance(file, str | Path):
            file = io.BytesIO(Path(file).read_bytes())
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if size > LARGEST_BYTES:
            return Tables(), [Problem("", 0, "", _("文件太大"), _("最多 %(n)d MB") % {"n": LARGEST_BYTES // 1024**2})]
        book = load_workbook(file, read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, InvalidFileException):
        return Tables(), [Problem("", 0, "", _("不是能读的 Excel 文件"), _("另存为 .xlsx（不是 .xls 或 .csv）"))]
    found: dict[str, list[Row]] = {}
    problems: list[Problem] = []
    for field, (title, spec) in zip(FIELDS, SHEETS.items(), strict=True):
        if title not in book.sheetnames:
            hint = _("先导出一份，在导出的文件上改")
            problems.append(Problem(title, 0, "", _("缺少工作表“%(t)s”") % {"t": title}, hint))
            continue
        found[field], wrong = _read_sheet(title, spec, book[title])
        problems += wrong
    book.close()
    return Tables(**found), problems


def _read_sheet(title: str, spec: TableSpec, sheet: Any) -> tuple[list[Row], list[Problem]]:
    lines = _lines(sheet)
    header = next(lines, (1, []))[1]
    while header and not header[-1].strip():
        header.pop()
    if not header:
        return [], [Problem(title, 1, "", _("工作表是空的"), _("第一行是表头"))]
    shown = replace(
        spec,
        columns=tuple(replace(c, name=c.label) for c in spec.columns),
        key=tuple(c.label for k in spec.key for c in spec.columns if c.name == k),
    )
    rows, problems = parse(shown, title, header, lines)
    return [Row(title, r.line, {c.name: r[c.label] for c in spec.columns}) for r in rows], problems


def _lines(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(sheet.iter_rows(max_row=MOST_ROWS, values_only=True), start=1):
        yield number, [_text(value) for value in cells]


def _text(value: Any) -> str:
    """A cell's value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    return str(value)


def _labelled(problem: Problem) -> Problem:
    """The problem with the Chinese header instead of the column's name."""
    labels = {c.name: c.label for c in SHEETS[problem.file].columns}
    return replace(problem, column=labels.get(problem.column, problem.column))
