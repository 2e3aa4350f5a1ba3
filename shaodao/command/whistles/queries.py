"""Whistles with whom they called and who came, the whistle rate, disputes as precedents, requests for more time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from shaodao.cases.models import Assignment, Dispute, TimeRequest, Whistle
from shaodao.cases.queries import called_in
from shaodao.cases.words import ClockKind, WhistleState
from shaodao.catalogue.models import Category
from shaodao.command import links
from shaodao.command.access import Scope
from shaodao.command.lists.queries import between
from shaodao.command.rules import Share, band
from shaodao.command.today.queries import OPEN_DISPUTE, PENDING_REQUEST, whistled
from shaodao.foundation import district
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place


def whistles(
    scope: Scope, state: str, kind: str, street: Place | None, since: date | None, until: date | None
) -> QuerySet[Whistle]:
    """Whistles, the latest first; `state` is draft, sent, waiting (somebody called has not come yet) or rejected."""
    rows = Whistle.objects.filter(scope.q(), between("drafted_at", since, until))
    if state == "waiting":
        rows = rows.filter(state=WhistleState.SENT, pk__in=called_in().values("whistle_id"))
    elif state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    if street:
        rows = rows.filter(case__street=street)
    called = Assignment.objects.select_related("organisation").prefetch_related("clocks").order_by("pk")
    return (
        rows.select_related("case__category", "case__street", "street", "lead", "drafted_by", "confirmed_by")
        .prefetch_related(Prefetch("assignments", called, to_attr="called"))
        .order_by("-pk")
    )


def arrival(assignment: Any, now: datetime) -> dict[str, Any]:
    """How one called department stands: arrived when and how far off, or how long it has left."""
    clock = next((c for c in assignment.clocks.all() if c.kind == ClockKind.ARRIVE and not c.cancelled), None)
    return {
        "unit": assignment.organisation,
        "role": assignment.get_role_display(),
        "arrived_at": assignment.arrived_at,
        "distance_m": assignment.arrived_distance_m,
        "due_at": clock.due_at if clock else None,
        "late": clock is not None and (assignment.arrived_at or now) > clock.due_at,
        "state": assignment.get_state_display(),
        "gone": assignment.state in ("returned", "cancelled"),
    }


@dataclass(frozen=True)
class Rate:
    """The share of one street's filed cases for which it whistled, and what the district's bounds say to it."""

    name: str
    code: str
    share: Share
    band: str
    whistles_url: str
    cases_url: str


def rates(scope: Scope, now: datetime) -> list[Rate]:
    """The whistle rate of every street over the period: too few is worth a look as well as too many."""
    first = links.since(now)
    rows = (
        scope.cases()
        .filter(filed_at__gte=links.day_start(first), street__isnull=False)
        .annotate(was_whistled=whistled())
        .values("street_id")
        .annotate(n=Count("pk"), part=Count("pk", filter=Q(was_whistled=True)))
        .order_by()
    )
    counts = {row["street_id"]: row for row in rows}
    bounds = district.current().settings.whistle_rate_bounds
    found = []
    for place in Place.objects.filter(pk__in=counts):
        share = Share(counts[place.pk]["part"], counts[place.pk]["n"])
        found.append(
            Rate(
                named(place),
                place.code,
                share,
                band(share, bounds),
                links.settled(street=place.code, filed_since=first, whistled="1"),
                links.settled(street=place.code, filed_since=first),
            )
        )
    return sorted(found, key=lambda r: (-(r.share.value or 0), r.name))


def disputes(
    scope: Scope, text: str, state: str, category: Category | None, unit: Organisation | None
) -> QuerySet[Dispute]:
    """Disputes; the ruled ones are precedents, searched by words, category and who was ruled to lead."""
    rows = Dispute.objects.filter(scope.q())
    if state == "open":
        rows = rows.filter(OPEN_DISPUTE)
    elif state == "ruled":
        rows = rows.filter(ruled_at__isnull=False)
    for word in text.split():
        rows = rows.filter(
            Q(reason__icontains=word)
            | Q(ruling__icontains=word)
            | Q(category__name__icontains=word)
            | Q(lead__name__icontains=word)
            | Q(assignment__organisation__name__icontains=word)
        )
    if category:
        rows = rows.filter(category=category)
    if unit:
        rows = rows.filter(Q(lead=unit) | Q(assignment__organisation=unit))
    return rows.select_related(
        "case__category", "category", "assignment__organisation", "lead", "raised_by", "ruled_by"
    ).order_by("-pk")


def supports(rows: Any) -> dict[int, Organisation]:
    """The supporting organisations that rulings or whistles name, by id: one query."""
    return Organisation.objects.in_bulk({pk for row in rows for pk in row.support_ids})


def requests(scope: Scope, state: str, kind: str, unit: Organisation | None) -> QuerySet[TimeRequest]:
    """Requests for more time or for rest, the pending first."""
    rows = TimeRequest.objects.filter(scope.q())
    if state == TimeRequest.State.PENDING:
        rows = rows.filter(PENDING_REQUEST)
    elif state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    if unit:
        rows = rows.filter(assignment__organisation=unit)
    return rows.select_related(
        "case__category", "case__street", "assignment__organisation", "asked_by", "decided_by"
    ).order_by("-pk")


def disputed_categories() -> QuerySet[Category]:
    return Category.objects.filter(pk__in=Dispute.objects.values("category_id")).order_by("code")
