"""A day's or a month's proofs on paper: rates by service, road, crew, vehicle and day, with what cannot be told beside each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from shaodao.foundation import district, documents
from shaodao.foundation.documents import Percent, Table
from shaodao.foundation.naming import named
from shaodao.sanitation.models import Crew, DayProof, Road, ServiceFinding, ServiceMode, Vehicle
from shaodao.sanitation.proof import figures
from shaodao.sanitation.proof.words import Kind, PassState


@dataclass(frozen=True)
class Document:
    """The tables of a month (or a day), as the page shows them and as a file of `documents.KINDS`."""

    name: str
    title: str
    note: str
    mark: str
    tables: list[Table]

    def file(self, kind: str) -> bytes:
        """Raises documents.NoType."""
        made = [table for table in self.tables if table.rows]
        if kind == "pdf":
            return documents.pdf(self.title, self.note, made, mark=self.mark)
        return documents.workbook(self.title, " ".join(t for t in (self.mark, self.note) if t), made)


def proofs(first: date, last: date) -> list[DayProof]:
    rows = DayProof.objects.filter(current=True, day__range=(first, last)).defer("certificate")
    return list(rows.order_by("day"))


def month(first: date) -> Document:
    """The report of a calendar month. Six queries."""
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    rows = proofs(first, last)
    title = _("环卫作业月报 %(m)s") % {"m": f"{first:%Y-%m}"}
    return _document(rows, f"sanitation-{first:%Y-%m}", title, days=True)


def one_day(day: date) -> Document:
    """The report of a day."""
    return _document(
        proofs(day, day), f"sanitation-{day.isoformat()}", _("环卫作业日报 %(d)s") % {"d": day.isoformat()}
    )


def _document(rows: list[DayProof], name: str, title: str, *, days: bool = False) -> Document:
    known = {
        kind: {row.code: row for row in model.objects.all()}
        for kind, model in (("modes", ServiceMode), ("roads", Road), ("crews", Crew), ("vehicles", Vehicle))
    }
    tables = [
        _table("services", _("分作业（清洗率、洒水率等）"), _by(rows, "modes"), known["modes"]),
        _table("roads", _("分道路"), _by(rows, "roads"), known["roads"]),
        _passes(rows, known["modes"]),
        _table("crews", _("分班组"), _by(rows, "crews"), known["crews"]),
        _table("vehicles", _("分车辆"), _by(rows, "vehicles"), known["vehicles"]),
    ]
    if days:
        tables.insert(0, _table("days", _("分日"), {r.day.isoformat(): r.figures["all"] for r in rows}, {}))
    tables.append(_findings([row.day for row in rows]))
    shown = [row for found in (known["roads"], known["vehicles"]) for row in found.values()]
    return Document(
        name,
        title,
        _note(rows),
        _("含示例数据") if district.current().sample or any(row.illustrative for row in shown) else "",
        tables,
    )


def _note(rows: list[DayProof]) -> str:
    left_out = sum(row.figures["left_out"] for row in rows)
    return _("率＝完成的米数／应作业的米数（逐遍逐路段；未到时的不算）。“无法判断”单列，既不算完成也不算漏做。计划外 %(e)d 段次，计划本身未排 %(l)d 段次。已核验 %(n)d 天。") % {
        "e": sum(extra["n"] for row in rows for extra in row.figures["unasked"].values()), "l": left_out, "n": len(rows),
    }  # fmt: skip


def _by(rows: Iterable[DayProof], name: str) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        for code, group in row.figures[name].items():
            groups.setdefault(code, []).append(group)
    return {code: figures.joined(found) for code, found in sorted(groups.items())}


def _head(first: str) -> list[str]:
    words = (PassState.SHORT, PassState.MISSING, Kind.LATE, Kind.PEAK, Kind.TOO_FAST, Kind.DRY)
    shares = [first, _("完成率"), _("无法判断"), _("应作业（米）"), _("完成（米）"), _("实作业（米）")]
    return [*shares, *(str(word.label) for word in words)]


def _cells(group: dict[str, Any]) -> list[Any]:
    wrong = group["wrong"]
    kinds = [wrong.get(kind, 0) for kind in (Kind.LATE, Kind.PEAK, Kind.TOO_FAST, Kind.DRY)]
    return [
        Percent(_capped(figures.rate(group))), Percent(figures.unsure(group)), round(group["planned_m"]),
        round(group["done_m"]), round(group["serviced_m"]), group["short"], group["missing"], *kinds,
    ]  # fmt: skip


def _capped(share: float | None) -> float | None:
    """What is not all is not printed as all."""
    found = figures.percent(share)
    return None if found is None else found / 100


def _table(key: str, title: str, groups: dict[str, dict[str, Any]], names: dict[str, Any]) -> Table:
    rows = [[named(names[code]) if code in names else code, *_cells(g)] for code, g in groups.items()]
    return Table(key, title, _head(_("名称")), rows)


def _passes(rows: list[DayProof], modes: dict[str, Any]) -> Table:
    found = []
    for key, group in _by(rows, "passes").items():
        code, number = key.split("|")
        name = named(modes[code]) if code in modes else code
        found.append([_("%(m)s 第 %(n)s 遍") % {"m": name, "n": number}, *_cells(group)])
    return Table("passes", _("分遍次"), _head(_("名称")), found)


def _findings(days: list[date]) -> Table:
    rows = (
        ServiceFinding.objects.filter(day__in=days)
        .select_related("road", "mode", "case")
        .order_by("day", "road__code", "pk")
    )
    found = [
        [f"{row.day.isoformat()} {named(row.road)} {named(row.mode)}",
         _("、").join(str(Kind(kind).label) for kind in row.kinds.split(",") if kind) or "—", row.metres,
         str(row.get_state_display()), row.case.number if row.case else "—"]
        for row in rows
    ]  # fmt: skip
    return Table("findings", _("作业问题"), [_("哪天哪条路"), _("什么"), _("米"), _("状态"), _("案件")], found)
