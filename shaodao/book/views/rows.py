"""The pages of a book: a list of each kind, a page of each row with its history, and the forms that change it.

All kinds of all rooms have the same pages (a room's kinds say what they hold); `kind` is the name in the address.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import JSONField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.book import actions, files, queries, shown
from shaodao.book.forms import ReasonForm, RowForm, filters
from shaodao.book.kinds import Kind, Room
from shaodao.cases.actions import Actor
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import log, sheets
from shaodao.foundation.errors import Conflict, Invalid, Refused

FORM = ["GET", "HEAD", "POST"]
PER_PAGE = 100
STATES = ("", "gone", "all")


def enter(request: HttpRequest, room: Room) -> Actor:
    """Who looks; 403 for posts that have nothing to look at in this room."""
    actor = actor_of(request)
    if not room.may_enter(actor.facts):
        raise PermissionDenied(_("您的岗位看不到这个页面"))
    return actor


def editor(request: HttpRequest, kind: Kind) -> Actor:
    """Who may change the book; 403 for everybody else."""
    actor = enter(request, kind.room)
    if not kind.room.edits(kind, actor):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    return actor


def words_of(request: HttpRequest, name: str = "q") -> str:
    """A text of the address, fit for a query."""
    return "".join(c for c in request.GET.get(name, "") if c.isprintable()).strip()[:80]


def common(kind: Kind) -> dict[str, Any]:
    """What every page of a kind says."""
    room = kind.room
    return {
        "room": room.name, "home": room.home, "tabs_template": room.tabs, "kind": kind.name, "what": kind.label,
        "by_hand": not kind.by_file, "has_place": "lon" in kind.names(),
    }  # fmt: skip


@staff
@require_safe
def listing(request: HttpRequest, room: Room, kind: str) -> HttpResponse:
    """What is in force (or was taken away), with search, filters and sorting; `?format=xlsx` gives the same rows."""
    of, actor = room.by_name[kind], enter(request, room)
    state = request.GET.get("state", "")
    refs = of.all_refs
    chosen = {name: words_of(request, name) for name in of.listed if name in of.options or name in refs}
    exact = {f"{name}__code" if name in refs else name: value for name, value in chosen.items() if value}
    given = {"text": words_of(request), "state": state if state in STATES else ""}
    rows = room.visible(of, queries.listed(of, **given), actor).filter(**exact)
    rows = rows.order_by(*_order(of, request.GET.get("sort", "")))
    if request.GET.get("format") == "xlsx":
        log.write(f"{room.name}.{kind}.export", kind, actor=actor.person)
        return _file(of, rows, kind)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    edits = room.edits(of, actor)
    context = {
        **common(of),
        "page": page,
        "lines": [(row, [shown.cell(of, row, name) for name in of.listed]) for row in page],
        "columns": [(name, shown.label(of, name), _sortable(of, name)) for name in of.listed],
        "filters": filters(of, chosen),
        "given": given,
        "narrowed": any(given.values()) or any(chosen.values()),
        "edits": edits,
        "buttons": list(room.buttons(of)) if edits else [],
    }
    return render(request, "book/list.html", context)


def _sortable(kind: Kind, name: str) -> bool:
    return not isinstance(kind.model._meta.get_field(name), JSONField)


def _order(kind: Kind, sort: str) -> tuple[str, ...]:
    """As the kind says; or by a column of the list."""
    name = sort.removeprefix("-")
    sign = "-" if sort.startswith("-") else ""
    if name == "code":
        return (f"{sign}code",)
    if name in kind.listed and _sortable(kind, name):
        return (f"{sign}{name}__code" if name in kind.all_refs else f"{sign}{name}", "code")
    return kind.order


def _file(kind: Kind, rows: Any, name: str) -> HttpResponse:
    response = HttpResponse(files.workbook(kind, rows), content_type=sheets.XLSX)
    response["Content-Disposition"] = content_disposition_header(True, f"{kind.room.name}-{name}.xlsx") or ""
    return response


@staff
@require_safe
def template(request: HttpRequest, room: Room, kind: str) -> HttpResponse:
    """An empty workbook with the columns of a kind."""
    enter(request, room)
    return _file(room.by_name[kind], [], f"{kind}-template")


def row_of(kind: Kind, pk: int, actor: Actor) -> Any:
    rows = kind.room.visible(kind, kind.model.objects.select_related(*kind.all_refs), actor)
    found = rows.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404
    return found


@staff
@require_safe
def one(request: HttpRequest, room: Room, kind: str, pk: int) -> HttpResponse:
    """A row with its place on the map, how it came to be as it is, and what may be done."""
    of, actor = room.by_name[kind], enter(request, room)
    row = row_of(of, pk, actor)
    context = {
        **common(of),
        "row": row,
        "cells": [*(shown.cell(of, row, name) for name in shown.fields(of)), *room.more(of, row)],
        "events": shown.history(of, row),
        "map": room.around(of, row),
        "edits": room.edits(of, actor),
    }
    return render(request, "book/row.html", context)


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_http_methods(FORM)
def new(request: HttpRequest, room: Room, kind: str) -> HttpResponse:
    """A new row; where only a file makes them there is no such page."""
    of = room.by_name[kind]
    actor = editor(request, of)
    if of.by_file:
        raise Http404
    form = RowForm(of, data=request.POST if request.method == "POST" else None)
    if request.method == "POST":
        values = form.values()
        code = "" if of.code_from else form.said("code")
        try:
            row = actions.add(of, actor, code, values, form.said("reason"))
        except Invalid as error:
            form.fail(error.errors)
        else:
            messages.success(request, _("已新增 %(code)s") % {"code": row.code})
            return redirect(f"{room.name}_row", kind, row.pk)
    context = {**common(of), "form": form, "row": None}
    return render(request, "book/form.html", context, status=422 if form.errors else 200)


@staff
@require_http_methods(FORM)
def change(request: HttpRequest, room: Room, kind: str, pk: int) -> HttpResponse:
    """Change values; who saw an older version is shown what happened since."""
    of = room.by_name[kind]
    actor = editor(request, of)
    row = row_of(of, pk, actor)
    form = RowForm(of, row, data=request.POST if request.method == "POST" else None)
    tried = Tried()
    if request.method == "POST":
        values, seen = form.values(), _version(request)
        reason = form.said("reason")
        tried = _try(of, actor, row, form, lambda: actions.change(of, actor, pk, values, version=seen, reason=reason))
        if tried.refused:
            return _refused(request, of, pk, tried.refused)
        if tried.after:
            n = tried.after.version
            messages.success(request, _("没有变化") if n == row.version else _("已改为第 %(n)d 版") % {"n": n})
            return redirect(f"{room.name}_row", kind, pk)
    row = tried.row or row
    context = {
        **common(of),
        "form": form,
        "row": row,
        "since": tried.since,
        "version": request.POST.get("version", row.version) if tried.status == 422 else row.version,
    }
    return render(request, "book/form.html", context, status=tried.status)


@staff
@require_http_methods(FORM)
def end(request: HttpRequest, room: Room, kind: str, pk: int, action: str) -> HttpResponse:
    """Take away (`remove`) or put back (`restore`)."""
    of = room.by_name[kind]
    actor = editor(request, of)
    row = row_of(of, pk, actor)
    act = {"remove": actions.remove, "restore": actions.restore}[action]
    removes = action == "remove"
    form = ReasonForm(request.POST if request.method == "POST" else None, required=removes)
    tried = Tried()
    if request.method == "POST":
        form.full_clean()
        reason = form.said("reason")
        tried = _try(of, actor, row, form, lambda: act(of, actor, pk, version=_version(request), reason=reason))
        if tried.refused:
            return _refused(request, of, pk, tried.refused)
        if tried.after:
            said = _("已撤销 %(code)s") if removes else _("已恢复 %(code)s")
            messages.success(request, said % {"code": row.code})
            return redirect(f"{room.name}_row", kind, pk)
    row = tried.row or row
    context = {"form": form, "row": row, "removes": removes, "since": tried.since, "version": row.version}
    return render(request, "book/end.html", {**common(of), **context}, status=tried.status)


@dataclass(frozen=True)
class Tried:
    """What came of a change: the row after it, or why not (`refused`), or the page to show again with its status.

    After a conflict `row` is the row as it stands now and `since` the events that the sender had not seen.
    """

    after: Any = None
    refused: Refused | None = None
    status: int = 200
    row: Any = None
    since: list[Any] = field(default_factory=list)


def _try(kind: Kind, actor: Actor, row: Any, form: Any, act: Callable[[], Any]) -> Tried:
    """Do it; faults of the input go to the form's fields."""
    try:
        return Tried(after=act())
    except Invalid as error:
        form.fail(error.errors)
        return Tried(status=422)
    except Refused as error:
        return Tried(refused=error)
    except Conflict as error:
        now = row_of(kind, row.pk, actor)
        return Tried(status=409, row=now, since=[e for e in shown.history(kind, now) if e.seq > error.seen])


def _refused(request: HttpRequest, kind: Kind, pk: int, error: Refused) -> HttpResponse:
    if error.forbidden:
        raise PermissionDenied(str(error.reason))
    messages.error(request, _("没有执行：%(why)s") % {"why": error.reason})
    return redirect(f"{kind.room.name}_row", kind.name, pk)


def _version(request: HttpRequest) -> int | None:
    seen = request.POST.get("version", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 9 else None
