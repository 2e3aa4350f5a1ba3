"""The page of the day, its parts that refresh by themselves, the map's points."""

from datetime import datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shaodao.command import export, links
from shaodao.command.access import Scope, page, scope_of
from shaodao.command.pages import show
from shaodao.command.today import queries
from shaodao.foundation import clock

REFRESH_S = 30
SHOWN_ROWS = 10  # of a table, before it is unfolded


@require_safe
@never_cache
@page()
def today(request: HttpRequest) -> HttpResponse:
    scope, now = scope_of(request), clock.now()
    days = queries.trend(scope, now)
    categories = queries.top_categories(scope, now)
    context = {
        **_live(request, now),
        **_numbers(scope, now),
        **_waiting(scope),
        "days": days[::-1],
        "trend_chart": trend_chart(days),
        "streets": folded(queries.by_street(scope, now)),
        "departments": folded(queries.by_department(scope, now)),
        "categories": categories,
        "category_most": max((c.value for c in categories), default=0),
        "unplaced": queries.unplaced(scope),
        "period": links.PERIOD,
        "map_sources": " ".join(reverse(n) for n in ("map_district", "map_streets", "command_points")),
    }
    return show(request, "command/today.html", "today", **context)


def folded(rows: list[queries.Row]) -> list[tuple[bool, list[queries.Row]]]:
    """The first rows of a table, and the rest to be unfolded; a rest of two is not worth folding."""
    if len(rows) <= SHOWN_ROWS + 2:
        return [(False, rows)]
    return [(False, rows[:SHOWN_ROWS]), (True, rows[SHOWN_ROWS:])]


@require_safe
@never_cache
@page()
def now_part(request: HttpRequest) -> HttpResponse:
    """The numbers alone, for the page that asks again by itself."""
    now = clock.now()
    return render(request, "command/_now.html", _live(request, now) | _numbers(scope_of(request), now))


@require_safe
@never_cache
@page()
def waiting_part(request: HttpRequest) -> HttpResponse:
    """The whistles that wait for somebody to come, alone."""
    return render(request, "command/_waiting.html", _live(request, clock.now()) | _waiting(scope_of(request)))


def _live(request: HttpRequest, now: datetime) -> dict[str, Any]:
    return {"now": now, "live": request.GET.get("refresh") != "off", "refresh_s": REFRESH_S}


def _numbers(scope: Scope, now: datetime) -> dict[str, Any]:
    return {"groups": list(zip((_("在办"), _("今日"), _("待处理")), queries.numbers(scope, now), strict=True))}


def _waiting(scope: Scope) -> dict[str, Any]:
    found = queries.waiting_whistles(scope)
    return {
        "waiting": found[: queries.SHOWN_WHISTLES],
        "waiting_more": len(found) > queries.SHOWN_WHISTLES,
        "waiting_url": links.cases(whistle="waiting"),
    }


@require_safe
@never_cache
@page()
def points(request: HttpRequest) -> HttpResponse:
    body = orjson.dumps(queries.points(scope_of(request), clock.now()))
    return HttpResponse(body, content_type="application/geo+json")


@require_safe
@page()
def tables(request: HttpRequest, what: str) -> HttpResponse:
    """One table of the page as an Excel file: trend, streets, departments or categories."""
    scope, now = scope_of(request), clock.now()
    note = _("截至 %(at)s；期间 %(n)d 天") % {
        "at": date_format(clock.local(now), "Y-m-d H:i"),
        "n": links.PERIOD,
    }
    if what == "trend":
        days = queries.trend(scope, now)
        rows: list[list[Any]] = [[d.date.isoformat(), d.received.value, d.closed.value] for d in days]
        return export.workbook("trend", _("接报与结案"), [_("日期"), _("接报"), _("结案")], rows, note)
    if what == "categories":
        rows = [[c.label, c.value] for c in queries.top_categories(scope, now)]
        return export.workbook("categories", _("高发类别"), [_("类别"), pgettext("list", "案件")], rows, note)
    found = queries.by_street(scope, now) if what == "streets" else queries.by_department(scope, now)
    title = _("各街道") if what == "streets" else _("各单位")
    ended = "closed" if what == "streets" else "done"
    head = [_("名称"), _("在办"), _("超期"), _("期内办结"), _("其中逾期"), _("其中申诉不计"), _("按期率 %")]
    rows = [
        [
            r.name,
            *(r.numbers[k].value for k in ("open", "red", ended, "late")),
            r.share.left_out,
            _rounded(r.share.percent),
        ]
        for r in found
    ]
    return export.workbook(what, title, head, rows, note)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def trend_chart(days: list[queries.Day]) -> dict[str, Any]:
    """ECharts: received as bars, closed as a line; a click leads to the day's cases."""

    def data(kind: str) -> list[dict[str, Any]]:
        return [{"value": getattr(d, kind).value, "url": getattr(d, kind).url} for d in days]

    return {
        "xAxis": {"type": "category", "data": [f"{d.date.month}-{d.date.day}" for d in days]},
        "yAxis": {"type": "value", "minInterval": 1},
        "legend": {"bottom": 0},
        "series": [
            {"name": _("接报"), "type": "bar", "data": data("received"), "barMaxWidth": 14},
            {
                "name": _("结案"), "type": "line", "data": data("closed"), "symbol": "diamond", "symbolSize": 7,
                "lineStyle": {"width": 2},
            },
        ],
    }  # fmt: skip
