"""Import on a page: a file is looked at first, and only what was shown is then imported.

The file between the two steps: foundation/kept.py.
"""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from shaodao.bikes.bays import imports as bayimport
from shaodao.bikes.bays.files import SUFFIXES
from shaodao.bikes.bays.forms import UploadForm
from shaodao.bikes.bays.queries import Kind
from shaodao.bikes.requests import enter
from shaodao.bikes.views.bays import common, editor, kind_of
from shaodao.bikes.views.operators import FORM
from shaodao.cases.actions import Actor
from shaodao.cases.views.gate import staff
from shaodao.foundation import kept
from shaodao.foundation.errors import Invalid
from shaodao.foundation.maps import Unreadable
from shaodao.kernel.datum import DATUMS

FOLDER = "bays"
TAKEN = tuple(suffix for suffix in SUFFIXES if suffix != ".shp")  # a single .shp lacks its other parts
MOST_ROWS = 50_000
SHOWN = 100
COUNTS = ("new", "changed", "restored", "unchanged")


@staff
@require_http_methods(FORM)
def upload(request: HttpRequest, kinds: str) -> HttpResponse:
    """GET shows the form; POST of a file shows what it would do; POST of `token` does it."""
    enter(request)
    kind, actor = kind_of(kinds), editor(request)
    if request.method != "POST":
        return _page(request, kind, UploadForm(kind, initial={"datum": "WGS-84"}))
    form = UploadForm(kind, request.POST, request.FILES)
    form.full_clean()
    if "token" in request.POST:
        return _confirm(request, kinds, kind, actor, form)
    try:
        path = kept.keep(request.FILES.get("file"), FOLDER, actor.facts.person_id, TAKEN)
        return _preview(request, kind, form, path)
    except Unreadable as error:
        form.fail({"file": str(error)})
        return _page(request, kind, form, status=422)


def _plan(kind: Kind, form: UploadForm, path: Path, name: str) -> bayimport.Plan:
    datum = form.said("datum") or "WGS-84"
    if datum not in DATUMS:
        raise Unreadable(_("坐标系应为 %(names)s 之一") % {"names": ", ".join(DATUMS)})
    found = bayimport.plan(path, kind, datum=datum, zone_kind=form.said("kind"), most_rows=MOST_ROWS)
    found.name = name
    return found


def _preview(request: HttpRequest, kind: Kind, form: UploadForm, path: Path, status: int = 200) -> HttpResponse:
    name = kept.called(request)
    try:
        found = _plan(kind, form, path, name)
    except Unreadable:
        path.unlink(missing_ok=True)
        raise
    context = {
        "found": found,
        "counts": [(key, label, found.counts[key]) for key, label in zip(COUNTS, _labels(), strict=True)],
        "rejected": found.rejected[:SHOWN],
        "remarks": found.remarks[:SHOWN],
        "token": path.name,
        "name": name,
        "said": {key: form.said(key) for key in ("datum", "kind", "reason")},
        "changed": status == 409,
    }
    return _page(request, kind, form, status=status, **context)


def _labels() -> tuple[str, ...]:
    return _("新增"), _("修改"), _("恢复"), _("不变")


def _confirm(request: HttpRequest, kinds: str, kind: Kind, actor: Actor, form: UploadForm) -> HttpResponse:
    path = kept.kept(request.POST.get("token", ""), FOLDER, actor.facts.person_id)
    try:
        if path is None:
            raise Unreadable(_("文件已不在，请重新上传"))
        found = _plan(kind, form, path, kept.called(request))
    except Unreadable as error:
        form.fail({"file": str(error)})
        return _page(request, kind, form, status=422)
    if any(request.POST.get(f"seen_{key}") != str(found.counts[key]) for key in COUNTS):
        return _preview(request, kind, form, path, status=409)  # somebody changed bays meanwhile: look again
    try:
        bayimport.carry_out(found, actor, reason=form.said("reason"))
    except Invalid as error:
        form.fail(error.errors)
        return _page(request, kind, form, status=422)
    path.unlink(missing_ok=True)
    said = {**found.counts, "rejected": len(found.rejected)}
    messages.success(
        request,
        _("新增 %(new)d，修改 %(changed)d，恢复 %(restored)d，不变 %(unchanged)d，不能导入 %(rejected)d。") % said,
    )
    return redirect("bikes_shapes", kinds)


def _page(request: HttpRequest, kind: Kind, form: UploadForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {**common(kind), "form": form, **more}
    return render(request, "bikes/bays_import.html", context, status=status)
