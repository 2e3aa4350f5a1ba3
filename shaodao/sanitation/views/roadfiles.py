"""A map file of roads for the book. Looked at first; only what was shown is then taken in; a long one by the clock."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.book.forms import counted
from shaodao.book.views.files import SHOWN, outcome, steps, unlike
from shaodao.book.views.rows import FORM, common, editor
from shaodao.cases.views.gate import staff
from shaodao.foundation import jobs, kept
from shaodao.foundation.errors import Refused
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import Job
from shaodao.kernel.datum import DATUMS
from shaodao.sanitation.forms import RoadsForm
from shaodao.sanitation.kinds import SEGMENT
from shaodao.sanitation.roads import background, imports

FOLDER = "sanitation"
MAPS = (".geojson", ".json", ".gpkg", ".zip")
MOST_FEATURES = 50_000
AT_ONCE = 2_000
"""Segments that are written while one waits; more are worked off by the clock."""


@staff
@require_http_methods(FORM)
def roads(request: HttpRequest) -> HttpResponse:
    """A file of roads; a long one is worked off in the background."""
    actor = editor(request, SEGMENT)
    posted = request.method == "POST"
    given = (request.POST, request.FILES) if posted else ()
    form = RoadsForm(*given, initial={"datum": "WGS-84"})

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
        if unlike(request, found.counts):
            return preview(path, 409)
        if len(found.segments) > AT_ONCE:
            job = background.hand_in(found, path, form.said("datum"), form.said("reason"), actor)
            path.unlink(missing_ok=True)
            return redirect("sanitation_roads_job", job.pk)
        imports.carry_out(found, actor, reason=form.said("reason"), source=found.name)
        path.unlink(missing_ok=True)
        messages.success(request, outcome({**found.counts, "rejected": len(found.rejected)}))
        return redirect("sanitation_list", "segment")

    try:
        return steps(request, FOLDER, form, MAPS, actor, preview, confirm, page)
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
    editor(request, SEGMENT)
    found = _job(pk)
    context = {"job": found, "ahead": jobs.ahead(found), "counts": counted(found.result)}
    return render(request, "sanitation/roads_job.html", context)


@staff
@require_POST
def roads_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take in no more of a file; what was taken in stays."""
    editor(request, SEGMENT)
    _job(pk)
    try:
        jobs.cancel(pk)
    except Refused as error:
        messages.error(request, str(error.reason))
    else:
        messages.success(request, _("已取消，其余的不再收"))
    return redirect("sanitation_roads_job", pk)
