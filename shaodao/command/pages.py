"""What the headquarters' pages share: the tabs, filters from the address, paging, Excel for the same rows."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from shaodao.command import export
from shaodao.command.access import ADMIN, EVERYBODY, OFFICE, Scope, holds, scope_of
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place

PER_PAGE = 50


def tabs(scope: Scope, current: str) -> list[dict[str, Any]]:
    """The pages of this room that somebody may open."""
    rows = [
        ("today", "command", _("今日"), EVERYBODY),
        ("tasks", "command_tasks", _("单位任务"), EVERYBODY),
        ("whistles", "command_whistles", _("吹哨"), EVERYBODY),
        ("disputes", "command_disputes", _("争议与先例"), EVERYBODY),
        ("requests", "command_requests", _("延期挂账"), EVERYBODY),
        ("evaluations", "command_evaluations", _("评价"), EVERYBODY),
        ("appeals", "command_appeals", pgettext("page", "申诉"), EVERYBODY),
        ("callbacks", "command_callbacks", _("回访结果"), EVERYBODY),
        ("rebounds", "command_rebounds", _("反弹"), EVERYBODY),
        ("watch", "command_watch", _("回头看"), EVERYBODY),
        ("circulars", "command_circulars", _("通报"), EVERYBODY),
        ("letters", "command_letters", _("来信答复"), OFFICE),
        ("audit", "command_audit", _("存证"), OFFICE),
        ("settings", "command_settings", _("参数"), EVERYBODY),
        ("people", "command_people", _("人员岗位"), OFFICE),
        ("outbox", "command_outbox", _("发件箱"), ADMIN | {"headquarters"}),
        ("log", "command_log", _("日志"), ADMIN),
    ]
    return [
        {"label": label, "url": reverse(name), "active": key == current}
        for key, name, label, roles in rows
        if holds(scope.actor, roles)
    ]


def show(request: HttpRequest, template: str, tab: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page of this room with its tabs."""
    scope = scope_of(request)
    return render(request, template, {"tabs": tabs(scope, tab), "scope": scope, **context}, status=status)


class Filters:
    """Filters as the address carries them: what cannot be right is left out of the query and named in `faults`."""

    def __init__(self, request: HttpRequest) -> None:
        self.given = request.GET
        self.faults: list[str] = []

    def text(self, name: str) -> str:
        return "".join(c for c in self.given.get(name, "") if c >= " ").strip()[:100]

    def flag(self, name: str) -> bool | None:
        return {"1": True, "0": False}.get(self.given.get(name, ""))

    def choice(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        value = self.given.get(name, "")
        if value in ("", *allowed):
            return value or default
        self.faults.append(_("没有这个选项：%(value)s") % {"value": value[:40]})
        return default

    def day(self, name: str) -> date | None:
        text = self.given.get(name, "").strip()
        if not text:
            return None
        try:
            found = parse_date(text)
        except ValueError:
            found = None
        if found is None:
            self.faults.append(_("日期写作 2026-05-21：%(value)s") % {"value": text[:40]})
        return found

    def street(self, name: str = "street") -> Place | None:
        code = self.text(name)
        found = Place.objects.filter(code=code, level=Place.Level.STREET).first() if code else None
        if code and found is None:
            self.faults.append(_("没有这个街道：%(value)s") % {"value": code})
        return found

    def unit(self, name: str = "unit") -> Organisation | None:
        code = self.text(name)
        found = Organisation.objects.filter(code=code).first() if code else None
        if code and found is None:
            self.faults.append(_("没有这个单位：%(value)s") % {"value": code})
        return found


Control = dict[str, Any]


def select(
    request: HttpRequest, name: str, label: str, choices: Iterable[tuple[Any, Any]], default: str = ""
) -> Control:
    """A drop-down of the filter bar; without a default the first line means all."""
    now = request.GET.get(name) or default
    lines = [] if default else [("", _("全部"))]
    options = [(str(value), text, str(value) == now) for value, text in [*lines, *choices]]
    return {"kind": "select", "name": name, "label": label, "options": options}


def field(request: HttpRequest, name: str, label: str, kind: str) -> Control:
    """A `date` or `search` input of the filter bar."""
    return {"kind": kind, "name": name, "label": label, "value": request.GET.get(name, "")[:100]}


def street_select(request: HttpRequest) -> Control:
    rows = Place.objects.filter(level=Place.Level.STREET, active=True)
    return select(request, "street", _("街道"), [(row.code, named(row)) for row in rows])


def unit_select(request: HttpRequest, name: str = "unit", label: str = "") -> Control:
    """Departments, operators and streets that work on cases."""
    kinds = (Organisation.Kind.DEPARTMENT, Organisation.Kind.OPERATOR, Organisation.Kind.STREET)
    rows = Organisation.objects.filter(active=True, kind__in=kinds).order_by("kind", "code")
    return select(request, name, label or _("单位"), [(row.code, named(row)) for row in rows])


def days(request: HttpRequest, since: str = "since", until: str = "until") -> list[Control]:
    return [field(request, since, _("自"), "date"), field(request, until, _("至"), "date")]


def paged(request: HttpRequest, rows: Any) -> Page:
    """The page that the address asks for; a number that cannot be right shows the nearest page there is."""
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def wants_file(request: HttpRequest) -> bool:
    return request.GET.get("format") == "xlsx"


def file_of(name: str, title: str, columns: dict[str, Callable[[Any], Any]], rows: Any) -> HttpResponse:
    """All filtered rows as Excel: `columns` maps a heading to the value of a row."""
    values = ([read(row) for read in columns.values()] for row in rows[: export.MOST])
    return export.workbook(name, title, list(columns), values, "")
