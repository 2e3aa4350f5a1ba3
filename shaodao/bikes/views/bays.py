"""The pages of bays and zones: a list, a page of each with its versions, and the forms that change it.

Both kinds have the same pages; `kind` is the name in the address (bays, zones).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.bikes import settings
from shaodao.bikes.actions import bays
from shaodao.bikes.bays import exports as bayexport
from shaodao.bikes.bays import imports as bayimport
from shaodao.bikes.bays import queries as bayqueries
from shaodao.bikes.bays.forms import ReasonForm, ShapeForm
from shaodao.bikes.bays.queries import BAYS, ZONES, Kind
from shaodao.bikes.requests import enter
from shaodao.bikes.views.operators import FORM, words_of
from shaodao.bikes.words import ZoneKind
from shaodao.cases.actions import Actor
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import log, sheets
from shaodao.foundation.errors import Conflict, Invalid, Refused

PER_PAGE = 100
STATES = ("", "gone", "all")
ADDRESSES = {"bays": BAYS, "zones": ZONES}


def kind_of(name: str) -> Kind:
    if name not in ADDRESSES:
        raise Http404
    return ADDRESSES[name]


def editor(request: HttpRequest) -> Actor:
    """Who may change bays; 403 for everybody else."""
    actor = actor_of(request)
    if not bays.may_edit(actor):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    return actor


def common(kind: Kind) -> dict[str, Any]:
    """What every page of a kind says."""
    what = pgettext("many", "停放点位") if kind is BAYS else pgettext("many", "电子围栏")
    return {"kinds": f"{kind.name}s", "is_bays": kind is BAYS, "what": what}


@staff
@require_safe
def listing(request: HttpRequest, kinds: str) -> HttpResponseBase:
    """What is in force (or was taken away), with search and filters; `?format=geojson|xlsx` gives the same rows."""
    enter(request)
    kind, actor = kind_of(kinds), actor_of(request)
    state, zone_kind = request.GET.get("state", ""), request.GET.get("kind", "")
    given = {
        "text": words_of(request),
        "street": words_of(request, "street"),
        "zone_kind": zone_kind if zone_kind in ZoneKind.values else "",
        "state": state if state in STATES else "",
    }
    rows = bayqueries.listed(kind, **given)
    if request.GET.get("format") in ("geojson", "xlsx"):
        log.write(f"{kind.name}s.export", f"{kind.name}s", actor=actor.person)
        return _file(request.GET["format"], kind, rows)
    context = {
        **common(kind),
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "given": given,
        "narrowed": any(given.values()),
        "streets": bayqueries.streets() if kind is BAYS else [],
        "zone_kinds": ZoneKind.choices,
        "edits": bays.may_edit(actor),
        "sums": bayqueries.sums(kind),
    }
    return render(request, "bikes/bays.html", context)


def _file(form: str, kind: Kind, rows: Any) -> HttpResponseBase:
    response: HttpResponseBase
    if form == "geojson":
        pieces = bayexport.write_geojson(kind, rows.iterator(2000))
        response = StreamingHttpResponse(pieces, content_type="application/geo+json")
    else:
        response = HttpResponse(bayexport.write_xlsx(kind, rows.iterator(2000)), content_type=sheets.XLSX)
    response["Content-Disposition"] = content_disposition_header(True, f"{kind.name}s.{form}") or ""
    return response


def _row(kind: Kind, pk: int) -> Any:
    rows = kind.model.objects.select_related("street", "community") if kind is BAYS else kind.model.objects
    found = rows.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404
    return found


@staff
@require_safe
def one(request: HttpRequest, kinds: str, pk: int) -> HttpResponse:
    """A bay or zone with its place on the map, its versions, and what may be done."""
    enter(request)
    kind = kind_of(kinds)
    row = _row(kind, pk)
    context = {
        **common(kind),
        "row": row,
        "versions": bayqueries.history(kind, row),
        "map": _map(kind, row),
        "edits": bays.may_edit(actor_of(request)),
        "tolerance": settings.current().parking.tolerance_m,
    }
    return render(request, "bikes/bay.html", context)


def _map(kind: Kind, row: Any) -> dict[str, Any]:
    """The outline with the bays around it."""
    features = [
        {"type": "Feature", "geometry": other.geometry, "properties": {"layer": "bay", "label": other.code}}
        for other in bayqueries.around(kind, row)
    ]
    own = {"layer": "outline", "label": row.code}
    features.append({"type": "Feature", "geometry": row.geometry, "properties": own})
    return {"type": "FeatureCollection", "features": features}


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_http_methods(FORM)
def new(request: HttpRequest, kinds: str) -> HttpResponse:
    """Draw a new one."""
    enter(request)
    kind, actor = kind_of(kinds), editor(request)
    form = ShapeForm(kind, data=request.POST if request.method == "POST" else None)
    if request.method == "POST":
        values = form.values()
        try:
            row = bays.add(kind, actor, form.said("code"), form.said("outline"), values, form.said("reason"))
        except Invalid as error:
            form.fail(error.errors)
        else:
            messages.success(request, _("已新增 %(code)s") % {"code": row.code})
            _remark(request, kind, row)
            return redirect("bikes_shape", kinds, row.pk)
    context = {**common(kind), "form": form, "row": None}
    return render(request, "bikes/bay_form.html", context, status=422 if form.errors else 200)


@staff
@require_http_methods(FORM)
def change(request: HttpRequest, kinds: str, pk: int) -> HttpResponse:
    """Change values and outline; who saw an older version is shown what happened since."""
    enter(request)
    kind, actor = kind_of(kinds), editor(request)
    row = _row(kind, pk)
    form = ShapeForm(kind, row, data=request.POST if request.method == "POST" else None)
    tried = Tried()
    if request.method == "POST":
        values, seen = form.values(), _version(request)
        outline, reason = form.said("outline"), form.said("reason")
        tried = _try(
            kind, row, form, lambda: bays.change(kind, actor, pk, values, outline=outline, version=seen, reason=reason)
        )
        if tried.refused:
            return _refused(request, kinds, pk, tried.refused)
        if tried.after:
            n = tried.after.version
            messages.success(request, _("没有变化") if n == seen else _("已改为第 %(n)d 版") % {"n": n})
            _remark(request, kind, tried.after)
            return redirect("bikes_shape", kinds, pk)
    row = tried.row or row
    context = {
        **common(kind),
        "form": form,
        "row": row,
        "map": _map(kind, row),
        "since": tried.since,
        "version": request.POST.get("version", row.version) if tried.status == 422 else row.version,
    }
    return render(request, "bikes/bay_form.html", context, status=tried.status)


@staff
@require_http_methods(FORM)
def end(request: HttpRequest, kinds: str, pk: int, action: str) -> HttpResponse:
    """Take away (`remove`) or put back (`restore`)."""
    enter(request)
    kind, actor = kind_of(kinds), editor(request)
    row = _row(kind, pk)
    act = {"remove": bays.remove, "restore": bays.restore}[action]
    required = action == "remove"
    form = ReasonForm(request.POST if request.method == "POST" else None, required=required)
    tried = Tried()
    if request.method == "POST":
        form.full_clean()
        reason = str(form.cleaned_data.get("reason") or "")
        tried = _try(kind, row, form, lambda: act(kind, actor, pk, version=_version(request), reason=reason))
        if tried.refused:
            return _refused(request, kinds, pk, tried.refused)
        if tried.after:
            said = _("已撤销 %(code)s，从现在起不再按它判断") if required else _("已恢复 %(code)s")
            messages.success(request, said % {"code": row.code})
            return redirect("bikes_shape", kinds, pk)
    row = tried.row or row
    shown = {"form": form, "row": row, "removes": required, "since": tried.since, "version": row.version}
    return render(request, "bikes/bay_end.html", {**common(kind), **shown}, status=tried.status)


@dataclass(frozen=True)
class Tried:
    """What came of a change: the row after it, or why not (`refused`), or the page to show again with its status.

    After a conflict `row` is the row as it stands now and `since` its versions that the sender had not seen.
    """

    after: Any = None
    refused: Refused | None = None
    status: int = 200
    row: Any = None
    since: list[Any] = field(default_factory=list)


def _try(kind: Kind, row: Any, form: Any, act: Callable[[], Any]) -> Tried:
    """Do it; faults of the input go to the form's fields."""
    try:
        return Tried(after=act())
    except Invalid as error:
        form.fail(error.errors)
        return Tried(status=422)
    except Refused as error:
        return Tried(refused=error)
    except Conflict as error:
        now = _row(kind, row.pk)
        since = [v for v in bayqueries.history(kind, now) if v.version > error.seen]
        return Tried(status=409, row=now, since=since)


def _remark(request: HttpRequest, kind: Kind, row: Any) -> None:
    """What was drawn or changed by hand is looked at as a row of a file is."""
    for remark in bayimport.remarks_on(kind, row):
        messages.warning(request, _("请再看一眼：%(what)s") % {"what": remark.what})


def _refused(request: HttpRequest, kinds: str, pk: int, error: Refused) -> HttpResponse:
    if error.forbidden:
        raise PermissionDenied(str(error.reason))
    messages.error(request, _("没有执行：%(why)s") % {"why": error.reason})
    return redirect("bikes_shape", kinds, pk)


def _version(request: HttpRequest) -> int | None:
    seen = request.POST.get("version", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 9 else None
