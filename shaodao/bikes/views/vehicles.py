"""The registry of vehicles: search, export, and where it does not agree with what is seen in the street."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from shaodao.bikes import queries, rules, tables
from shaodao.bikes.admission import BY_ACTION
from shaodao.bikes.models import Operator
from shaodao.bikes.requests import enter, operator_of
from shaodao.bikes.views.operators import words_of
from shaodao.bikes.words import VehicleKind, VehicleState
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, log, sheets

PER_PAGE = 100
SEEN = {"1": True, "0": False}


@staff
@require_safe
def vehicles(request: HttpRequest, code: str = "") -> HttpResponseBase:
    """Registered vehicles, of one operator or of all that the caller may see; `?format=csv|xlsx` gives the same rows."""
    enter(request)
    row = operator_of(request, code) if code else None
    code = row.organisation.code if row else ""
    actor = actor_of(request)
    among = Operator.objects.filter(pk=row.pk) if row else queries.visible(actor.facts)
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    wanted = {
        "text": words_of(request),
        "state": state if state in VehicleState.values else "",
        "kind": kind if kind in VehicleKind.values else "",
        "seen": SEEN.get(request.GET.get("seen", "")),
    }
    found = queries.vehicles(among, **wanted).order_by("operator_id", "plate")
    if request.GET.get("format") in ("csv", "xlsx"):
        log.write("vehicles.export", f"operator:{code}" if code else "vehicles", actor=actor.person)
        return _file(request.GET["format"], code, found)
    context: dict[str, Any] = {
        "operator": row,
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "states": VehicleState.choices,
        "kinds": VehicleKind.choices,
        "given": {**wanted, "seen": request.GET.get("seen", "")},
        "narrowed": any(v not in ("", None) for v in wanted.values()),
    }
    if row:
        t = BY_ACTION["import_vehicles"]
        facts = queries.load(row, clock.now()).facts
        context |= {
            "tally": queries.tally(row),
            "may_import": rules.refusal(t, facts, None, actor.facts)[0] is None,
            "party": bool(rules.parties(facts, actor.facts)),
        }
    return render(request, "bikes/vehicles.html", context)


def _file(kind: str, code: str, found: Any) -> HttpResponseBase:
    name = f"vehicles-{code}.{kind}" if code else f"vehicles.{kind}"
    response: HttpResponseBase
    if kind == "csv":
        response = StreamingHttpResponse(tables.write_csv(found.iterator(2000)), content_type="text/csv; charset=utf-8")
    else:
        response = HttpResponse(tables.write_xlsx(found.iterator(2000)), content_type=sheets.XLSX)
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


@staff
@require_safe
def reconcile(request: HttpRequest, code: str) -> HttpResponse:
    """Where registry, quota and street do not agree, each list with its number and its page."""
    row = operator_of(request, code)
    whole = rules.reads_all(actor_of(request).facts, queries.reviewer_id())
    lists: list[dict[str, Any]] = [
        _list(request, "never", _("在册但从未出现"), _("登记为投放或维修，从未收到它的位置"), queries.never_seen(row)),
        _list(request, "unknown", _("出现但不在册"), _("企业数据里有、台账里没有的车"), queries.not_registered(row)),
        _list(request, "gone", _("已注销又出现"), _("登记为报废或丢失之后，又收到它的位置"), queries.ought_not(row)),
    ]
    if whole:
        said = _("同一车牌或编码由两家企业登记为投放")
        lists.append(_list(request, "doubled", pgettext("vehicles", "重复登记"), said, queries.doubled(row)))
    return render(request, "bikes/reconcile.html", {"operator": row, "lists": lists, "tally": queries.tally(row)})


def _list(request: HttpRequest, key: str, label: str, hint: str, rows: Any) -> dict[str, Any]:
    page = Paginator(rows, 20).get_page(request.GET.get(key))
    return {"key": key, "label": label, "hint": hint, "page": page, "n": page.paginator.count}
