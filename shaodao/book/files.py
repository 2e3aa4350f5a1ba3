"""A table of a book as a workbook, and in again: an export that is imported unchanged changes nothing.

    found = plan(kind, file)        # nothing is written: what would change, errors by row
    carry_out(found, actor)

Columns go by their names or by their labels in either language, in any order; columns that a file lacks stay as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from shaodao.book import actions, shown
from shaodao.book.actions import Draft
from shaodao.book.kinds import Kind, show
from shaodao.cases.actions import Actor
from shaodao.foundation import sheets
from shaodao.foundation.errors import Invalid
from shaodao.foundation.tables import Column, Problem, Row, TableSpec, parse


@dataclass(eq=False)
class Plan:
    """What a file would do. rows: (row, action, {field: [before, after]}) of those that would change."""

    kind: Kind
    name: str
    read: int = 0
    drafts: list[Draft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[Any, str, dict[str, list[Any]]]] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """Rows that cannot be taken in."""
        return len({p.row for p in self.problems if p.row > 1})

    def as_dict(self) -> dict[str, Any]:
        """The answer of a command."""
        found = {"read": self.read, "rejected": self.bad, **self.counts}
        return found | {"problems": [p.as_dict() for p in self.problems[:200]]}


def spec(kind: Kind) -> TableSpec:
    """The columns of a file: as in a pack; without a code where it follows from the values."""
    found = kind.spec(kind.name)
    if not kind.code_from:
        return found
    return TableSpec(found.file, tuple(c for c in found.columns if c.name != "code"), key=kind.key)


def title(kind: Kind, name: str) -> str:
    return shown.label(kind, name)


def workbook(kind: Kind, rows: Iterable[Any]) -> bytes:
    """Rows as an .xlsx file; without rows a template."""
    names = [c.name for c in spec(kind).columns]
    names[1:1] = kind.by_file
    table = [[title(kind, name) for name in names], *([_value(kind, row, name) for name in names] for row in rows)]
    return sheets.workbook({str(kind.label): table})


def _value(kind: Kind, row: Any, name: str) -> Any:
    if kind.by_file.get(name):
        return getattr(row, name).code
    value = actions.referred(row, kind, name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    column = kind.column(name)
    return column.show(value) if column is not None else show(value)


def plan(kind: Kind, file: Any) -> Plan:
    """Read a file and compare it with the book. Rows with problems are left out and named."""
    name, lines, problems = sheets.read(file, kind.name)
    found = Plan(kind, name, problems=problems)
    if problems:
        return found
    header, keep = _header(kind, lines[0][1])
    width = len(lines[0][1])
    body = [(n, [*(cells[i] if i < len(cells) else "" for i in keep), *cells[width:]]) for n, cells in lines[1:]]
    rows, found.problems = parse(spec(kind), name, header, body)
    found.read = sum(any(cell.strip() for cell in cells) for _n, cells in body)
    if not rows and not found.problems:
        found.problems = [Problem(name, 0, "", _("没有数据行"), _("第一行是表头，从第二行起每行一个"))]
    _judge(found, rows, set(header))
    found.problems.sort(key=lambda p: p.row)
    found.counts, found.rows = _outcome(kind, found.drafts)
    return found


def _outcome(kind: Kind, drafts: list[Draft]) -> tuple[dict[str, int], list[Any]]:
    counts, rows = actions.differences(kind, drafts)
    return counts.as_dict(), rows


def _header(kind: Kind, cells: list[str]) -> tuple[list[str], list[int]]:
    """Names of the columns, and where those stand that count."""
    words: dict[str, str] = {}
    dropped = {*kind.by_file, *(["code"] if kind.code_from else [])}
    for language, _label in settings.LANGUAGES:
        with translation.override(language):
            words |= {title(kind, c.name): c.name for c in spec(kind).columns}
            words |= {title(kind, name): "" for name in dropped}
    titles = [words.get(cell.strip(), cell.strip()) for cell in cells]
    keep = [i for i, text in enumerate(titles) if text and text not in dropped]
    return [titles[i] for i in keep], keep


def _judge(found: Plan, rows: list[Row], given: set[str]) -> None:
    """Rows as drafts; what the whole row says is checked, and what it refers to."""
    kind, bad = found.kind, {p.row for p in found.problems}
    for row in rows:
        if kind.code_from and row.line not in bad:
            row["code"] = kind.code_from(row)
    codes = [row["code"] for row in rows if row.line not in bad]
    standing = {r.code: r for r in kind.model.objects.select_related(*kind.refs).filter(code__in=codes[:500])}
    if len(codes) > 500:
        standing = {r.code: r for r in kind.model.objects.select_related(*kind.refs)}
    known = {name: set(kind.target(name).model.objects.values_list("code", flat=True)) for name in kind.refs}
    for row in rows:
        if row.line in bad:
            continue
        old = standing.get(row["code"])
        values = {c.name: _same(kind, c, row[c.name], old) for c in kind.everything if c.name in given}
        wrong = list(_faults(kind, row, values, old, known))
        found.problems += wrong
        if not wrong:
            mark = bool(row["illustrative"]) if "illustrative" in given else None
            found.drafts.append(Draft(row["code"], values, mark, str(row.get("source") or "")))


def _same(kind: Kind, column: Column, value: Any, old: Any) -> Any:
    """The kept value where a file says the same in fewer digits: Excel keeps fifteen."""
    kept = None if old is None else actions.referred(old, kind, column.name)
    return kept if isinstance(value, float) and isinstance(kept, float) and show(value) == show(kept) else value


def _faults(kind: Kind, row: Row, values: dict[str, Any], old: Any, known: dict[str, set[str]]) -> Iterable[Problem]:
    if kind.by_file and old is None:
        yield row.problem("code", _("没有这一行"), _("新的要从地图文件导入"))
        return
    whole = {
        c.name: values[c.name]
        if c.name in values
        else c.default
        if old is None
        else actions.referred(old, kind, c.name)
        for c in kind.everything
    }
    for column, what in kind.check(whole | {"code": row["code"]}).items():
        yield row.problem(column, what)
    for name, codes in known.items():
        if values.get(name) and values[name] not in codes:
            yield row.problem(name, _("没有编码为“%(c)s”的一行") % {"c": str(values[name])[:60]})


def carry_out(found: Plan, actor: Actor, *, reason: str = "") -> actions.Counts:
    """Write the good rows. Raises Refused, Invalid (reason, or what is gone meanwhile)."""
    if not found.drafts:
        raise Invalid({"file": _("没有可以导入的行")})
    return actions.bring_in(found.kind, found.drafts, actor, reason=reason, source=found.name)
