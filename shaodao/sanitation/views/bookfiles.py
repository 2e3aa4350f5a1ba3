"""Files for the book: a table of any kind, a map file of roads. Looked at first; only what was shown is then taken in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.cases.actions import Actor
from shaodao.cases.views.gate import staff
from shaodao.foundation import jobs, kept
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import Job
from shaodao.kernel.datum import DATUMS
from shaodao.sanitation import bookfiles, shown
from shaodao.sanitation.forms import UploadForm, counted
from shaodao.sanitation.kinds import KINDS, SEGMENT, Kind
from shaodao.sanitation.requests import enter
from shaodao.sanitation.roads import background, imports
from shaodao.sanitation.views.book import FORM, common, editor

FOLDER = "sanitation"
TABLES, MAPS = (".xlsx", ".csv"), (".geojson", ".json", ".gpkg", ".zip")
SHOWN = 100
MOST_FEATURES = 50_000
AT_ONCE = 2_000
"""Segments that are written while one waits; more are worked off by the clock."""


def _steps(
    request: HttpRequest, form: UploadForm, suffixes: tuple[str, ...], actor: Actor,
    preview: Callable[[Path, int], HttpResponse], confirm: Callable[[Path], HttpResponse],
    page: Callable[[int], HttpResponse],
) -> HttpResponse:  # fmt: skip
    """GET shows the form; POST of a file shows what it would do; POST of `token` does it."""
    if request.method != "POST":
        return page(200)
    form.full_clean()
    person = actor.facts.person_id
    path: Path | None = None
    try:
        if "token" in request.POST:
            path = kept.kept(request.POST["token"], FOLDER, person)
            if path is None:
                raise Unreadable(_("文件已不在，请重新上传"))
            return confirm(path)
        path = kept.keep(request.FILES.get("file"), FOLDER, person, suffixes)
        return preview(path, 200)
    except Unreadable as error:
        if path is not None:
            path.unlink(missing_ok=True)
        form.fail({"file": str(error)})
    except Invalid as error:
        form.fail({"file" if name not in form.fields else name: what for name, what in error.errors.items()})
    return page(422)


def _unlike(request: HttpRequest, counts: dict[str, int]) -> bool:
    """Was something else shown than what would be done now?"""
    return any(request.POST.get(f"seen_{key}") != str(n) for key, _label, n in counted(counts))


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_http_methods(FORM)
def table(request: HttpRequest, kind: str) -> HttpResponse:
    """A workbook or CSV of one kind."""
    enter(request)
    of, actor = KINDS[kind], editor(request)
    posted = request.method == "POST"
    form = UploadForm(request.POST if posted else None, request.FILES if posted else None)
    columns = [(c.name, shown.label(of, c.name), c.required) for c in bookfiles.spec(of).columns]

    def page(status: int, **more: Any) -> HttpResponse:
        context = {**common(of), "form": form, "columns": columns, "action": "sanitation_import", **more}
        return render(request, "sanitation/book_import.html", context, status=status)

    def plan(path: Path) -> bookfiles.Plan:
        with path.open("rb") as file:
            found = bookfiles.plan(of, file)
        found.name = kept.called(request)
        if found.problems and not found.drafts and not found.bad:
            raise Unreadable(str(found.problems[0].what) + (f"（{hint}）" if (hint := found.problems[0].hint) else ""))
        return found

    def preview(path: Path, status: int) -> HttpResponse:
        found = plan(path)
        more = {"rows": _rows(of, found), "n_rows": len(found.rows), "problems": found.problems[:SHOWN]}
        seen = {"token": path.name, "name": found.name, "reason": form.said("reason"), "counts": counted(found.counts)}
        return page(status, found=found, changed=status == 409, columns_of=of, **more, **seen)

    def confirm(path: Path) -> HttpResponse:
        found = plan(path)
        if _unlike(request, found.counts):
            return preview(path, 409)  # somebody changed the book meanwhile: look again
        counts = bookfiles.carry_out(found, actor, reason=form.said("reason"))
        path.unlink(missing_ok=True)
        messages.success(request, _said({**counts.as_dict(), "rejected": found.bad}))
        return redirect("sanitation_list", kind)

    return _steps(request, form, TABLES, actor, preview, confirm, page)


def _rows(kind: Kind, found: bookfiles.Plan) -> list[dict[str, Any]]:
    """What a file would change: code, action, (label, before, after)."""
    part = found.rows[:SHOWN]
    names = shown.referred(kind, (told for _row, _action, told in part))
    return [
        {"code": row.code, "what": shown.ACTIONS[action], "lines": shown.changes(kind, told, names)}
        for row, action, told in part
    ]


def _said(counts: dict[str, int]) -> str:
    return _("新增 %(new)d，修改 %(changed)d，恢复 %(restored)d，不变 %(unchanged)d，不能导入 %(rejected)d。") % counts


# ── roads ────────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_http_methods(FORM)
def roads(request: HttpRequest) -> HttpResponse:
    """A file of roads; a long one is worked off in the background."""
    enter(request)
    actor = editor(request)
    posted = request.method == "POST"
    form = UploadForm(
        request.POST if posted else None, request.FILES if posted else None, roads=True, initial={"datum": "WGS-84"}
    )

    def page(status: int, **more: Any) -> HttpResponse:
        waiting = list(background.waiting())
        context = {**common(SEGMENT), "form": form, "waiting": waiting, **more}
        return render(request, "sanitation/roads_import.html", context, status=status)

    def plan(path: Path) -> imports.Plan:
        datum = form.said("datum") or "WGS-84"
        if datum not in DATUMS:
            raise Unreadable(_("坐标系应为 %(names)s 之一") % {"names": ", ".join(DATUMS)})
        found = imports.plan(path, datum=datum, most_rows=MOST_FEATURES)
        found.name = kept.called(request)
        return found

    def preview(path: Path, status: int) -> HttpResponse:
        found = plan(path)
        more = {"rejected": found.rejected[:SHOWN], "remarks": found.warnings[:SHOWN], "counts": counted(found.counts)}
        seen = {"token": path.name, "name": found.name}
        said = {key: form.said(key) for key in ("datum", "reason")}
        return page(status, found=found, changed=status == 409, said=said, **more, **seen)

    def confirm(path: Path) -> HttpResponse:
        found = plan(path)
        if _unlike(request, found.counts):
            return preview(path, 409)
        if len(found.segments) > AT_ONCE:
            job = background.hand_in(found, path, form.said("datum"), form.said("reason"), actor)
            path.unlink(missing_ok=True)
            return redirect("sanitation_roads_job", job.pk)
        imports.carry_out(found, actor, reason=form.said("reason"), source=found.name)
        path.unlink(missing_ok=True)
        messages.success(request, _said({**found.counts, "rejected": len(found.rejected)}))
        return redirect("sanitation_list", "segment")

    try:
        return _steps(request, form, MAPS, actor, preview, confirm, page)
    except Refused as error:  # too many files wait
        form.fail({"file": str(error.reason)})
        return page(422)


def _job(pk: int) -> Job:
    found = background.all_jobs().filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404
    return found


@staff
@require_safe
def roads_job(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a long file of roads is."""
    enter(request)
    editor(request)
    found = _job(pk)
    context = {"job": found, "ahead": jobs.ahead(found), "counts": counted(found.result)}
    return render(request, "sanitation/roads_job.html", context)


@staff
@require_POST
def roads_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take in no more of a file; what was taken in stays."""
    enter(request)
    editor(request)
    _job(pk)
    try:
        jobs.cancel(pk)
    except Refused as error:
        messages.error(request, str(error.reason))
    else:
        messages.success(request, _("已取消，其余的不再收"))
    return redirect("sanitation_roads_job", pk)
