"""The case page: everything about one case, and what this person may do with it now."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from shaodao.cases import choices, masking, queries, questions, rules
from shaodao.cases.forms import ActionForm
from shaodao.cases.models import Assignment, Case, Photo, Report, Whistle
from shaodao.cases.queries import Loaded
from shaodao.cases.requests import actor_of
from shaodao.cases.views import panels, timeline
from shaodao.cases.views.gate import case_of, staff
from shaodao.cases.words import AssignmentState, CaseState
from shaodao.foundation import clock
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation

PARTS = ("assignment", "whistle", "request", "dispute", "recheck", "evaluation", "appeal")


@staff
@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    case, actor, now = case_of(request, number), actor_of(request), clock.now()
    loaded = queries.load(case, now)
    buttons = panels.buttons(loaded, actor.facts, now)
    gone = panels.gone(case)
    reports = list(
        (gone or case.reports)
        .select_related("contact", "organisation", "reporter")
        .prefetch_related(Prefetch("photos", Photo.objects.select_related("upload")), "additions")
    )
    photos = list(case.photos.filter(report=None).select_related("assignment__organisation"))
    units = _units(loaded)
    near = panels.duplicates(case, now) if case.state in (CaseState.RECEIVED, CaseState.FILED) else []
    may = {b.action for b in buttons.case} | ({buttons.primary.transition.action} if buttons.primary else set())
    context = {
        "case": case,
        "now": now,
        "light": panels.header_light(case, now),
        "clocks": panels.case_clocks(loaded, now),
        "condition": case.condition,
        "limit": choices.limit_text(case.condition.limit_value, case.condition.limit_unit) if case.condition else "",
        "buttons": buttons,
        "next": _next(loaded, buttons, now),
        "reports": _reports(reports),
        "reports_gone": gone is not None,
        "may_read": gone is None
        and rules.may_read_contact(actor.facts, case.street_id, case.community_id, loaded.assignments),
        "photos": [p for p in photos if p.purpose != Photo.Purpose.APPEAL],
        "assignments": _assignments(loaded, buttons, now),
        "whistles": _whistles(loaded, buttons, units),
        "requests": _parts("request", loaded.requests, loaded, buttons),
        "disputes": _disputes(loaded, buttons, units),
        "verifications": loaded.verifications,
        "evaluations": _evaluations(loaded, buttons),
        "appeals": _appeals(loaded, buttons, photos),
        "rechecks": _parts("recheck", loaded.rechecks, loaded, buttons),
        "callbacks": [c for c in case.callbacks.all() if c.answered_at],
        "notes": list(case.notes.select_related("person", "organisation")),
        "circulars": list(queries.circulars().filter(case=case)),
        "ruled_before": panels.precedents(case) if loaded.disputes else [],
        "duplicates": near,
        "may_merge": "merge" in may,
        "may_categorise": "categorise" in may,
        "suggestions": panels.suggestions(case, [r.text for r in reports]) if "categorise" in may else [],
        "merged": list(case.merged_cases.all()),
        "events": timeline.events(case)[::-1],
        "map": _map(case, loaded, near, panels.header_light(case, now)),
        "key": uuid.uuid4().hex,
    }
    return render(request, "cases/case.html", context)


def _units(loaded: Loaded) -> dict[int, Organisation]:
    """The organisations that whistles and rulings name by id (one query, none without them)."""
    ids = {pk for w in loaded.whistles for pk in [w.lead_id, *w.support_ids]}
    ids |= {pk for d in loaded.disputes for pk in [d.lead_id, *d.support_ids] if pk}
    return Organisation.objects.in_bulk(list(ids)) if ids else {}


def _next(loaded: Loaded, buttons: panels.Buttons, now: datetime) -> dict[str, Any] | None:
    """The next thing to do, with its form ready to send."""
    offer = buttons.primary
    if offer is None:
        return None
    t, on = offer.transition, offer.on
    row = loaded.row(t.on, on.id) if on is not None else None
    args = [loaded.case.number, t.action] + ([on.id] if on is not None else [])
    return {
        "t": t,
        "form": ActionForm(t, loaded, row),
        "url": reverse("case_do", args=args),
        "on": panels.part_label(t.on, row, loaded) if row else "",
        "numbers": panels.beside(t.action, loaded, row),
        "siblings": [b for b in buttons.parts.get(f"{t.on}:{on.id}", []) if b.allowed] if on is not None else [],
    }


def _reports(reports: list[Report]) -> list[dict[str, Any]]:
    answers = questions.told([(r.category_id, r.attributes) for r in reports])
    return [
        {
            "row": r,
            "contact": masking.contact(r.contact) if hasattr(r, "contact") else None,
            "photos": list(r.photos.all()),
            "answers": said,
            "additions": list(r.additions.all()),
        }
        for r, said in zip(reports, answers, strict=True)
    ]


def _parts(kind: str, rows: list[Any], loaded: Loaded, buttons: panels.Buttons) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "label": panels.part_label(kind, row, loaded),
            "buttons": buttons.parts.get(f"{kind}:{row.pk}", []),
        }
        for row in rows
    ]


def _assignments(loaded: Loaded, buttons: panels.Buttons, now: datetime) -> list[dict[str, Any]]:
    parts = _parts("assignment", loaded.assignments, loaded, buttons)
    for part in parts:
        row = part["row"]
        part["clocks"] = [
            panels.clock_view(c, now) for c in loaded.clocks if c.assignment_id == row.pk and not c.cancelled
        ]
        part["over"] = row.state in ("returned", "cancelled")
        part["arrival"] = panels.arrival_mark(row, loaded.case)
    return parts


def _evaluations(loaded: Loaded, buttons: panels.Buttons) -> list[dict[str, Any]]:
    """Each rating beside the numbers of the part that it judges."""
    parts = _parts("evaluation", loaded.evaluations, loaded, buttons)
    for part in parts:
        part["assignment"] = next((a for a in loaded.assignments if a.pk == part["row"].assignment_id), None)
        part["numbers"] = panels.numbers_of(loaded, part["assignment"])
    return parts


def _appeals(loaded: Loaded, buttons: panels.Buttons, photos: list[Photo]) -> list[dict[str, Any]]:
    """Each appeal beside the limits that it contests, with its evidence and the opinions so far."""
    parts = _parts("appeal", loaded.appeals, loaded, buttons)
    for part in parts:
        row = part["row"]
        part["numbers"] = panels.contested(loaded, row)
        part["photos"] = [
            p for p in photos if p.purpose == Photo.Purpose.APPEAL and p.assignment_id == row.assignment_id
        ]
    return parts


def _whistles(loaded: Loaded, buttons: panels.Buttons, units: dict[int, Organisation]) -> list[dict[str, Any]]:
    parts = _parts("whistle", loaded.whistles, loaded, buttons)
    for part in parts:
        row = part["row"]
        part["lead"] = units.get(row.lead_id)
        part["supports"] = [units[pk] for pk in row.support_ids if pk in units]
        part["state"] = _whistle_state(row, [a for a in loaded.assignments if a.whistle_id == row.pk])
    return parts


def _whistle_state(whistle: Whistle, called: list[Assignment]) -> Any:
    """The whistle's state in words; where nobody that it called is left, how the last of them went."""
    gone = (AssignmentState.RETURNED, AssignmentState.CANCELLED)
    if called and all(a.state in gone for a in called):
        returned = any(a.state == AssignmentState.RETURNED for a in called)
        return (AssignmentState.RETURNED if returned else AssignmentState.CANCELLED).label
    return whistle.get_state_display()


def _disputes(loaded: Loaded, buttons: panels.Buttons, units: dict[int, Organisation]) -> list[dict[str, Any]]:
    parts = _parts("dispute", loaded.disputes, loaded, buttons)
    for part in parts:
        row = part["row"]
        part["lead"] = units.get(row.lead_id) if row.lead_id else None
        part["supports"] = [units[pk] for pk in row.support_ids if pk in units]
    return parts


def _map(case: Case, loaded: Loaded, near: list[dict[str, Any]], light: dict[str, Any]) -> dict[str, Any] | None:
    """The spot, where departments reported in, and what lies near, as GeoJSON; None without a position."""
    if case.lon is None or case.lat is None:
        return None
    features = [
        _point(
            case.lon,
            case.lat,
            layer="case",
            light=light["light"],
            number=case.number,
            title=case.summary,
            label=case.number,
        )
    ]
    for a in loaded.assignments:
        if a.arrived_lon is not None:
            label = named(a.organisation)
            features.append(_point(a.arrived_lon, a.arrived_lat, layer="mark", light="done", label=label, title=label))
    for item in near:
        other = item["case"]
        url = reverse("case", args=[other.number])
        features.append(
            _point(
                other.lon,
                other.lat,
                layer="case",
                light=item["light"],
                number=other.number,
                title=other.summary,
                url=url,
            )
        )
    return {"type": "FeatureCollection", "features": features}


def _point(lon: float | None, lat: float | None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {k: str(v) for k, v in properties.items()},
    }
