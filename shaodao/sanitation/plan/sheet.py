"""A plan as an Excel file: sums, a sheet for each vehicle, what is left out."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from shaodao.foundation import sheets
from shaodao.foundation.naming import named
from shaodao.sanitation.plan import texts
from shaodao.sanitation.plan.checking import clock
from shaodao.sanitation.plan.plain import Facts, PlainTrip
from shaodao.sanitation.words import LegKind


def workbook(
    facts: Facts, trips: Sequence[PlainTrip], found: dict[str, Any], left_out: Sequence[dict[str, Any]]
) -> bytes:
    """The file of a plan with its figures."""
    book = Workbook(write_only=True)
    title = _("%(d)s 作业计划") % {"d": facts.day}
    mark = _("示意数据") if facts.illustrative else ""
    notes = [texts.note(what, code) for what, code in facts.notes]
    _sheet(book, _("汇总"), [title, mark, texts.headline(found), *notes], texts.head(), texts.lines(found))
    for vehicle in facts.vehicles:
        rows = [row for trip in trips if trip.vehicle == vehicle.key for row in _legs(facts, trip)]
        if rows:
            head = [
                _("开始"),
                _("结束"),
                _("步骤"),
                _("作业"),
                _("第几遍"),
                _("道路"),
                _("路段"),
                _("米"),
                _("水（升）"),
            ]
            about = [title, f"{vehicle.code} {named(vehicle)}", vehicle.crew_name, mark]
            _sheet(book, vehicle.code, about, head, rows)
    modes = {m.code: m for m in facts.modes}
    gone = [
        [named(modes.get(row["mode"])), row["pass"] or "", texts.why(row["why"]), code]
        for row in left_out
        for code in row["segments"] or [""]
    ]
    _sheet(book, _("未排"), [title], [_("作业"), _("第几遍"), _("原因"), _("路段")], gone)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _legs(facts: Facts, trip: PlainTrip) -> list[list[Any]]:
    segments = {s.key: s for s in facts.segments}
    modes = {m.key: m for m in facts.modes}
    points = {p.key: p for p in facts.points}
    kinds = dict(LegKind.choices)
    rows: list[list[Any]] = []
    for leg in trip.legs:
        segment, point = segments.get(leg.segment or 0), points.get(leg.point or 0)
        road = named({"name": segment.road_name, "name_en": segment.road_name_en}) if segment else ""
        rows.append(
            [
                clock(leg.begin_s), clock(leg.end_s), str(kinds.get(leg.kind, leg.kind)), named(modes.get(leg.mode or 0)),
                leg.pass_no or "", road, segment.code if segment else point.code if point else "",
                round(leg.metres) or "", round(leg.water_l) or "",
            ]
        )  # fmt: skip
    return rows


def _sheet(book: Any, name: str, about: Sequence[str], head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    safe = "".join("_" if c in "[]:*?/\\'" else c for c in name)[:31]
    taken = {s.title for s in book.worksheets}
    sheet = book.create_sheet(safe if safe not in taken else f"{safe[:27]}~{len(taken)}")
    for column in range(1, len(head) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 16
    sheet.append([sheets.bold(sheet, about[0])])
    for text in about[1:]:
        if text:
            sheet.append([sheets.cell(sheet, text)])
    sheet.append([sheets.bold(sheet, text) for text in head])
    for row in rows:
        sheet.append([sheets.cell(sheet, value) for value in row])
