"""The desk and its inboxes."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shaodao.cases import choices, inboxes
from shaodao.cases.facts import ActorFacts
from shaodao.cases.forms import SIZES
from shaodao.cases.inboxes import BY_KEY, Inbox
from shaodao.cases.lifecycle import BY_ACTION
from shaodao.cases.models import Assignment, Case, SavedView
from shaodao.cases.requests import actor_of, counts_of
from shaodao.cases.views.gate import staff
from shaodao.cases.views.listing import Listing, light_up, listing, say_tasks
from shaodao.cases.words import OPEN_ASSIGNMENT_STATES

FIRST = 20  # cases that the desk shows before one opens an inbox
PRINTED = 1_000
BULK = {"dispatch": {"dispatch"}, "urge": {"overdue", "all", "handling", "requests"}}


@staff
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What waits for me: my inboxes with their counts, and the cases that end first."""
    actor, now = actor_of(request).facts, listing(request, None).now
    counts = counts_of(request)
    boxes = [b for b in inboxes.of(actor) if b.section == "todo"]
    tiles = [{"box": b, "count": counts[b.key]} for b in boxes]
    context = {
        "tiles": tiles,
        "waiting": sum(counts[b.key].total for b in boxes),
        "overdue": counts["overdue"].total if "overdue" in counts else 0,
        "unseen": counts[inboxes.NOTICES.key].total,
        "rows": _first(actor, now),
        "first": FIRST,
        "tells": True,
        "may_report": bool(inboxes.channels(actor)),
    }
    return render(request, "cases/desk.html", context)


def _first(actor: ActorFacts, now: datetime) -> list[Case]:
    """The cases to begin with, each with what is to be done and until when. Two queries."""
    tasks = inboxes.tasks(actor, now, first=FIRST)
    cases = Case.objects.select_related("category", "street", "community", "lead").in_bulk(list(tasks))
    rows: list[Any] = [cases[pk] for pk in tasks if pk in cases]
    for case in rows:
        case.limit_at, case.limit_yellow_at = tasks[case.pk][0].due_at, tasks[case.pk][0].yellow_at
    light_up(rows, now)
    say_tasks(rows, tasks, now)
    return rows


def inbox_of(request: HttpRequest, key: str) -> Inbox:
    """The inbox of that name; 404 where there is none or it belongs to other posts."""
    box = BY_KEY.get(key)
    if box is None or box not in inboxes.of(actor_of(request).facts):
        raise Http404(_("您的工作台没有这个收件箱"))
    return box


@staff
@require_safe
def inbox(request: HttpRequest, key: str) -> HttpResponse:
    box = inbox_of(request, key)
    found = listing(request, box)
    return render(request, "cases/inbox.html", context_of(request, box, found))


def context_of(request: HttpRequest, box: Inbox, found: Listing) -> dict[str, Any]:
    actor = actor_of(request).facts
    query = request.GET.copy()
    query.pop("page", None)
    query.pop("print", None)
    held = {p.role for p in actor.posts}
    bulk = []
    if box.key in BULK["dispatch"]:
        bulk.append("dispatch")
    if box.key in BULK["urge"] and held & {"street", "street_leader", "dispatcher", "headquarters", "duty_leader"}:
        bulk.append("urge")
    everything = request.GET.get("print") == "1"
    page = None if everything else found.page(request)
    rows: Any = light_up(found.rows[:PRINTED], found.now) if everything else page.object_list if page else []
    if box.section == "look":
        say_tasks(rows, inboxes.tasks(actor, found.now, among=[c.pk for c in rows]), found.now)
    return {
        "box": box,
        "listing": found,
        "form": found.form,
        "page": page,
        "rows": rows,
        "tells": box.section == "look",
        "printing": everything,
        "query": query.urlencode(),
        "filtered": bool(found.filtered),
        "saved": saved_views(request, box),
        "sizes": SIZES,
        "bulk": bulk,
        "barred": bar(rows) if "urge" in bulk and not everything else 0,
        "units": choices.units(None) if "dispatch" in bulk else [],
        "key": uuid.uuid4().hex,
    }


def bar(rows: Any) -> int:
    """Mark the cases that nobody can be urged on (`barred`), before somebody ticks them; how many. One query."""
    states = BY_ACTION["urge"].sources
    held = set(
        Assignment.objects.filter(case_id__in=[c.pk for c in rows], state__in=OPEN_ASSIGNMENT_STATES).values_list(
            "case_id", flat=True
        )
    )
    for case in rows:
        case.barred = case.state not in states or case.pk not in held
    return sum(case.barred for case in rows)


def saved_views(request: HttpRequest, box: Inbox) -> list[dict[str, Any]]:
    """My saved views of this inbox; `query` keeps the inbox before its filter."""
    rows = SavedView.objects.filter(person=actor_of(request).person, query__startswith=f"{box.key}?")
    return [{"row": row, "query": row.query.partition("?")[2]} for row in rows]
