"""The report of a day as a document: its title, its tables, what it rests on, and as a file of either kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from shaodao.bikes.models import DayReport
from shaodao.bikes.reports import tables
from shaodao.foundation import district, documents
from shaodao.foundation.naming import named
from shaodao.places.models import Place

KINDS = documents.KINDS


@dataclass(frozen=True)
class Document:
    """`note`: when and by what it was counted. `mark`: "" unless sample data is in it."""

    row: DayReport
    name: str  # of a file, without its ending
    title: str
    note: str
    mark: str
    tables: list[tables.Table]

    def file(self, kind: str) -> bytes:
        """As one of KINDS. Raises documents.NoType."""
        made = [table for table in self.tables if table.rows]
        if kind == "pdf":
            return documents.pdf(self.title, self.note, made, mark=self.mark)
        return documents.workbook(self.title, " ".join(text for text in (self.mark, self.note) if text), made)


def document(row: DayReport, link: Callable[[str], str] | None = None) -> Document:
    """The document of a report, three queries. `link` gives the address of an operator's own report by its code."""
    others = _others(row) if row.operator is None else []
    streets = {p.code: named(p) for p in Place.objects.filter(code__in=list(row.figures["streets"]))}
    links = {own.operator_id or 0: link(_code(own)) if link else "" for own in others}
    shown = [own.operator.organisation for own in (others or [row]) if own.operator]
    day, title = row.day.isoformat(), _("共享单车日报")
    return Document(
        row,
        f"bikes-{day}" + (f"-{_code(row)}" if row.operator else ""),
        f"{title} {day}" + (f" · {named(row.operator.organisation)}" if row.operator else ""),
        tables.basis(row),
        _("含示例数据") if district.current().sample or any(o.illustrative for o in shown) else "",
        tables.tables(row, others, streets, links),
    )


def _code(row: DayReport) -> str:
    return row.operator.organisation.code if row.operator else ""


def _others(row: DayReport) -> list[DayReport]:
    """The operators' reports that belong to one of all: of each the last that was made until then."""
    rows = DayReport.objects.filter(day=row.day, operator__isnull=False, computed_at__lte=row.computed_at)
    newest: dict[Any, DayReport] = {}
    for own in rows.select_related("operator__organisation").order_by("version"):
        newest[own.operator_id] = own
    return sorted(newest.values(), key=_code)
