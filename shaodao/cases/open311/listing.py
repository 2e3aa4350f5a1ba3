"""Requests as the public may see them: GET requests with every filter, and one request by its id.

A published case shows its public text, address, exact place and published photo. Any other shows the service, the
street, a position rounded to about a kilometre, and its status; filters by place and words see no more than that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.cases import queries
from shaodao.cases.models import Case, CaseEvent, Clock, Photo, Report
from shaodao.cases.open311 import services
from shaodao.cases.open311.wire import Fault, endpoint, given, instant, listed, number, respond, stamp
from shaodao.cases.words import OPEN_STATES, CaseState, ClockKind, Outcome
from shaodao.foundation import clock
from shaodao.foundation.naming import named
from shaodao.kernel.geodesy import distance_m
from shaodao.organisations.models import Organisation

SPAN = timedelta(days=90)
MOST = 1000
ROUNDED = 2  # decimals of a degree: about 1.1 km north to south, 0.85 km west to east at 40 degrees
EXACT = 6
STATES = {"open": list(OPEN_STATES), "closed": [s for s in CaseState if s not in OPEN_STATES]}
KNOWN = Q(published=True) | Q(category__public=True) | Q(category=None)


@endpoint("GET", "POST")
def requests(request: HttpRequest, form: str) -> HttpResponse:
    """GET lists, POST makes one."""
    if request.method == "POST":
        from shaodao.cases.open311.submitting import submit

        return submit(request, form)
    wanted = listed(request, "service_request_id")
    rows = by_ids(wanted) if wanted else filtered(request)
    found = page(request, rows)
    if wanted and not found:
        raise Fault(404, _("没有这个 service_request_id：%(id)s") % {"id": ", ".join(wanted)[:80]})
    return respond(form, "service_requests", show(found, given(request, "extensions") == "true"))


@endpoint("GET")
def one(request: HttpRequest, form: str, number: str) -> HttpResponse:
    """A single request, in a list of one as the standard has it."""
    found = list(joined(by_ids([number])))
    if not found:
        raise Fault(404, _("没有这个 service_request_id：%(id)s") % {"id": number[:40]})
    return respond(form, "service_requests", show(found, given(request, "extensions") == "true"))


@endpoint("GET")
def token(request: HttpRequest, form: str, token: str) -> HttpResponse:
    """The request behind a token: `report id-follow code` of a report, or the request's own id."""
    figure, _dash, code = token.partition("-")
    report = None
    if figure.isascii() and figure.isdigit() and len(figure) <= 15:
        rows = Report.objects.select_related("case").filter(pk=int(figure), follow_code=code.upper())
        report = rows.first() if code else None
    found = report.case if report else queries.by_number(token)
    if found is None:
        raise Fault(404, _("没有这个 token：%(id)s") % {"id": token[:40]})
    return respond(form, "service_requests", [{"service_request_id": found.number, "token": token}])


def by_ids(numbers: list[str]) -> QuerySet[Case]:
    """Cases by their numbers; ids overrule every other filter."""
    if len(numbers) > MOST:
        raise Fault(400, _("一次最多 %(n)d 个 service_request_id") % {"n": MOST})
    wanted = {}
    for text in numbers:
        year, _dash, figure = text.partition("-")
        if figure.isascii() and figure.isdigit() and len(figure) <= 15:
            wanted[int(figure)] = year
    rows = Case.objects.filter(KNOWN, pk__in=wanted).only("id", "created_at")
    return Case.objects.filter(pk__in=[c.pk for c in rows if c.number.partition("-")[0] == wanted[c.pk]])


def filtered(request: HttpRequest) -> QuerySet[Case]:
    """The standard's filters and the extensions. Raises Fault 400 or 404."""
    rows = Case.objects.filter(KNOWN)
    start, end = window(request)
    if start and end:
        rows = rows.filter(created_at__gte=start, created_at__lte=end)
    if codes := listed(request, "service_code"):
        rows = rows.filter(category__in=[services.service(code) for code in codes])
    if statuses := listed(request, "status"):
        if set(statuses) - set(STATES):
            raise Fault(400, _("status 应为 open 或 closed"))
        rows = rows.filter(state__in=[state for name in set(statuses) for state in STATES[name]])
    if words := given(request, "q"):
        rows = rows.filter(
            Q(published=True, public_text__icontains=words[:100]) | Q(category__name__icontains=words[:100])
        )
    return near(request, changed(request, rows))


def window(request: HttpRequest) -> tuple[datetime | None, datetime | None]:
    """When it was requested: at most 90 days, by default the last 90; no window when only changes are asked for."""
    start, end = instant(request, "start_date"), instant(request, "end_date")
    if start is None and end is None:
        if given(request, "updated_after") or given(request, "updated_before"):
            return None, None
        end = clock.now()
    if start is None:
        start = end - SPAN if end else None
    if end is None:
        end = start + SPAN if start else None
    if start and end and start > end:
        raise Fault(400, _("start_date 应早于 end_date"))
    if start and end and end - start > SPAN:
        raise Fault(400, _("start_date 与 end_date 最多相隔 90 天"))
    return start, end


def changed(request: HttpRequest, rows: QuerySet[Case]) -> QuerySet[Case]:
    """updated_after, updated_before: by the time of the last event."""
    after, before = instant(request, "updated_after"), instant(request, "updated_before")
    if after is None and before is None:
        return rows
    rows = rows.annotate(changed_at=Subquery(last_event()))
    if after:
        rows = rows.filter(changed_at__gte=after)
    return rows.filter(changed_at__lte=before) if before else rows


def last_event() -> QuerySet[Any]:
    return CaseEvent.objects.filter(case=OuterRef("pk"), seq=OuterRef("version")).values("at")[:1]


def near(request: HttpRequest, rows: QuerySet[Case]) -> QuerySet[Case]:
    """lat, long and radius (metres): measured from the position that is shown, so that nothing more is told."""
    lat, lon = number(request, "lat", -90, 90), number(request, "long", -180, 180)
    if lat is None and lon is None:
        return rows
    if lat is None or lon is None:
        raise Fault(400, _("lat 和 long 要一起给出"))
    radius = number(request, "radius", 1, 100_000, 1000.0) or 1000.0
    half = radius / 110_000 + 10.0**-ROUNDED
    wide = half / max(0.01, float(np.cos(np.radians(lat))))
    box = rows.filter(lat__range=(lat - half, lat + half), lon__range=(lon - wide, lon + wide))
    places = [
        (pk, *shown(lo, la, published)) for pk, lo, la, published in box.values_list("id", "lon", "lat", "published")
    ]
    if not places:
        return rows.none()
    metres = distance_m(lon, lat, np.array([p[1] for p in places]), np.array([p[2] for p in places]))
    return Case.objects.filter(pk__in=[p[0] for p, m in zip(places, metres, strict=True) if m <= radius])


def shown(lon: Any, lat: Any, published: bool) -> tuple[float, float]:
    """The position as the public sees it."""
    digits = EXACT if published else ROUNDED
    return round(lon, digits), round(lat, digits)


def page(request: HttpRequest, rows: QuerySet[Case]) -> list[Case]:
    """One page, newest first: `page` from 1, `page_size` up to 1000."""
    at, size = int(number(request, "page", 1, 1e6, 1) or 1), int(number(request, "page_size", 1, MOST, MOST) or MOST)
    return list(joined(rows.order_by("-created_at", "-id"))[(at - 1) * size : at * size])


def joined(rows: QuerySet[Case]) -> QuerySet[Case]:
    """With all that `show` needs: a constant number of queries."""
    due = Clock.objects.filter(case=OuterRef("pk"), kind=ClockKind.HANDLE, cancelled=False).order_by("-due_at")
    photos = Prefetch("photos", Photo.objects.filter(published=True), to_attr="open_photos")
    return (
        rows.select_related("category", "street", "lead", "merged_into")
        .annotate(updated_at=Subquery(last_event()), expected_at=Subquery(due.values("due_at")[:1]))
        .prefetch_related(photos)
    )


def show(rows: Iterable[Case], extended: bool) -> list[dict[str, Any]]:
    office = Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True).first()
    return [_show(c, named(office) if office else None, extended) for c in rows]


def _show(case: Any, office: str | None, extended: bool) -> dict[str, Any]:
    open_ = case.state in OPEN_STATES
    lon, lat = shown(case.lon, case.lat, case.published) if case.lon is not None else (None, None)
    street = named(case.street) if case.street else None
    photo = case.open_photos[0].upload_id if case.published and case.open_photos else None
    body = {
        "service_request_id": case.number,
        "status": "open" if open_ else "closed",
        "status_notes": notes(case),
        "service_name": named(case.category) if case.category else None,
        "service_code": case.category.key if case.category else None,
        "description": case.public_text if case.published else None,
        "agency_responsible": named(case.lead) if case.lead else office,
        "service_notice": None,
        "requested_datetime": stamp(case.created_at),
        "updated_datetime": stamp(case.updated_at),
        "expected_datetime": stamp(case.expected_at),
        "address": (case.address or street) if case.published else street,
        "address_id": case.cell_id if case.published else None,
        "zipcode": None,
        "lat": lat,
        "long": lon,
        "media_url": settings.ORIGIN + reverse("media", args=["public", photo]) if photo else None,
    }
    if extended:
        body["extended_attributes"] = {
            "state": case.state,
            "outcome": case.outcome or None,
            "channel": case.channel,
            "street_code": case.street.code if case.street else None,
            "reports": case.report_count,
            "rebounds": case.rebound_count,
            "merged_into": case.merged_into.number if case.merged_into else None,
            "version": case.version,
        }
    return body


def notes(case: Case) -> str:
    """The status in words: the state, the outcome, where it was merged into."""
    text = str(CaseState(case.state).label)
    if case.outcome:
        text += _("：") + str(Outcome(case.outcome).label)
    return text + (f" {case.merged_into.number}" if case.merged_into else "")
