"""The sanitation book as a room of `shaodao/book`: who keeps it, what its pages show beside the columns."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.book.kinds import Kind, Room
from shaodao.book.shown import Cell, number
from shaodao.sanitation import bookmap, queries
from shaodao.sanitation.kinds import KINDS, ROAD, SEGMENT, WEATHER
from shaodao.sanitation.models import BookEvent


def _more(kind: Kind, row: Any) -> list[Cell]:
    """Of a road the sums of its segments, each area by itself."""
    if kind is not ROAD:
        return []
    sums = queries.sums(row.pk)
    url = f"{reverse('sanitation_list', args=[SEGMENT.name])}?road={row.code}"
    named = {
        "length_m": _("长度（米，各方向合计）"), "total_m2": _("总面积（平方米）"), "carriageway_m2": _("车行道（平方米）"),
        "pavement_m2": _("人行道（平方米）"), "verge_m2": _("绿化带（平方米）"),
    }  # fmt: skip
    return [
        Cell(_("路段"), number(sums["n"], 0), True, url),
        *(Cell(label, number(sums[name], 0), True) for name, label in named.items()),
    ]


def _buttons(kind: Kind) -> Iterator[tuple[str, str, Any]]:
    if kind is WEATHER:
        yield reverse("sanitation_weather"), "calendar", _("按天填写")
    if kind in (ROAD, SEGMENT):
        yield reverse("sanitation_roads_import"), "road", _("导入道路文件")


ROOM = Room(
    "sanitation", tuple(KINDS.values()), BookEvent, queries.may_edit, queries.may_enter, home="sanitation_book",
    tabs="sanitation/_all_tabs.html", around=bookmap.around, more=_more, buttons=_buttons,
)  # fmt: skip
