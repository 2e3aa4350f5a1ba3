"""Cases by what became of them, and assignments by how they stand; the same predicates as the numbers above them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from shaodao.cases.models import Assignment, Case, Clock
from shaodao.cases.words import OPEN_ASSIGNMENT_STATES, AssignmentState, CaseState, ClockKind, Outcome
from shaodao.command import links
from shaodao.command.access import Scope
from shaodao.command.today.queries import late, late_clocks, whistled
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place


@dataclass(frozen=True)
class Wanted:
    """What a list was asked for; None and "" do not limit."""

    street: Place | None = None
    unit: Organisation | None = None
    since: date | None = None
    until: date | None = None
    show: str = ""
    outcome: str = ""
    late: bool | None = None
    rebounded: bool | None = None
    whistled: bool | None = None


def settled(scope: Scope, by: str, wanted: Wanted) -> QuerySet[Case]:
    """Cases filed or closed (`by`) within days, the latest first."""
    rows = scope.cases()
    at = f"{by}_at"
    if by == "closed":
        rows = rows.filter(state=CaseState.CLOSED)
    rows = rows.filter(between(at, wanted.since, wanted.until), **{f"{at}__isnull": False})
    if wanted.street:
        rows = rows.filter(street=wanted.street)
    if wanted.unit:
        rows = rows.filter(lead=wanted.unit)
    if wanted.outcome in Outcome.values:
        rows = rows.filter(outcome=wanted.outcome)
    if wanted.rebounded is not None:
        rows = rows.filter(rebound_count__gt=0) if wanted.rebounded else rows.filter(rebound_count=0)
    if wanted.whistled is not None:
        rows = rows.annotate(was_whistled=whistled()).filter(was_whistled=wanted.whistled)
    if wanted.late is not None:
        rows = rows.annotate(was_late=late()).filter(was_late=wanted.late)
    return rows.select_related("category", "street", "lead").order_by(f"-{at}", "-pk")


def between(field: str, since: date | None, until: date | None) -> Q:
    """From the first moment of `since` to the last of `until`, days of the district."""
    found = Q()
    if since:
        found &= Q(**{f"{field}__gte": links.day_start(since)})
    if until:
        found &= Q(**{f"{field}__lt": links.day_start(until + timedelta(days=1))})
    return found


def tasks(scope: Scope, wanted: Wanted, now: datetime) -> QuerySet[Assignment]:
    """Parts of organisations: `show` is open, overdue, done or late; with clocks and evaluation at hand."""
    rows = Assignment.objects.filter(scope.q())
    if wanted.show in ("open", "overdue"):
        rows = rows.filter(state__in=OPEN_ASSIGNMENT_STATES)
    elif wanted.show in ("done", "late"):
        rows = rows.filter(between("finished_at", wanted.since, wanted.until), state=AssignmentState.DONE)
    if wanted.show == "overdue":
        rows = rows.exclude(state=AssignmentState.SUSPENDED).filter(Exists(past_limit(now)))
    if wanted.show == "late":
        rows = rows.filter(Exists(late_clocks().filter(assignment=OuterRef("pk"))))
    if wanted.unit:
        rows = rows.filter(organisation=wanted.unit)
    if wanted.street:
        rows = rows.filter(case__street=wanted.street)
    shown = Clock.objects.filter(cancelled=False, kind__in=[ClockKind.SIGN, ClockKind.ARRIVE, ClockKind.HANDLE])
    return (
        rows.select_related("case__category", "case__street", "organisation", "evaluation")
        .prefetch_related(Prefetch("clocks", shown, to_attr="shown_clocks"))
        .order_by("-sent_at", "-pk")
    )


def past_limit(now: datetime) -> QuerySet[Clock]:
    """The handling clock of an assignment still runs and is past its due time."""
    return Clock.objects.filter(
        assignment=OuterRef("pk"), kind=ClockKind.HANDLE, stopped_at=None, cancelled=False, due_at__lt=now
    ).order_by()


def limits(assignment: Any, now: datetime) -> dict[str, dict[str, Any]]:
    """Sign, report in, handle of one assignment as the page shows them: due, stopped, in time or how it stands."""
    return {
        clock.kind: {
            "due_at": clock.due_at,
            "stopped_at": clock.stopped_at,
            "late": (clock.stopped_at or now) > clock.due_at,
            "open": clock.stopped_at is None,
            "exempt": clock.exempt,
        }
        for clock in assignment.shown_clocks
    }
