"""Until when something has to be done, as expressions over cases: (due, yellow). Lists sort, filter and count by them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case as Switch
from django.db.models import (
    DateTimeField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from shaodao.cases.facts import ActorFacts
from shaodao.cases.lifecycle import ASSIGNEE
from shaodao.cases.models import Appeal, Callback, Case, Clock, Recheck
from shaodao.cases.words import OPEN_ASSIGNMENT_STATES, OPEN_STATES, AssignmentState
from shaodao.foundation import district

Limit = tuple[Any, Any]
RECHECK_AHEAD = timedelta(days=3)  # a look-again is on the list a little before it is due, while the watch still runs
# What is urgent stands first, what is closed last: a closed case is urgent no more, whatever it is marked.
RANK = Switch(When(state__in=OPEN_STATES, urgent=True, then=0), When(state__in=OPEN_STATES, then=1), default=Value(2))


def organisations_of(actor: ActorFacts, roles: frozenset[str] | None = None) -> set[int]:
    return {p.organisation_id for p in actor.posts if roles is None or p.role in roles}


def of_case(actor: ActorFacts) -> Limit:
    """The running limit of the case that ends first."""
    return F("due_at"), F("yellow_at")


def of_clock(kind: str) -> Callable[[ActorFacts], Limit]:
    """The running clock of this kind."""
    return lambda _actor: _clock(Clock.objects.filter(kind=kind))


def of_own(kind: str) -> Callable[[ActorFacts], Limit]:
    """The running clock of this kind of one's own organisation's part; none while the part is suspended."""

    def limit(actor: ActorFacts) -> Limit:
        return _clock(
            Clock.objects.filter(
                kind=kind,
                assignment__organisation_id__in=organisations_of(actor, ASSIGNEE),
                assignment__state__in=[s for s in OPEN_ASSIGNMENT_STATES if s != AssignmentState.SUSPENDED],
            )
        )

    return limit


def _clock(rows: QuerySet[Clock]) -> Limit:
    first = rows.filter(case_id=OuterRef("pk"), stopped_at=None).order_by("due_at")
    return Subquery(first.values("due_at")[:1]), Subquery(first.values("yellow_at")[:1])


def of_evaluation(actor: ActorFacts) -> Limit:
    """The district's days from closing."""
    settings = district.current().settings
    return _days("closed_at", settings.evaluate_days), _days(
        "closed_at", settings.evaluate_days * settings.yellow_share
    )


def of_appeal(actor: ActorFacts) -> Limit:
    """The district's days from the appeal."""
    settings = district.current().settings
    days = settings.appeal_review_days
    first = Appeal.objects.filter(case_id=OuterRef("pk"), state=Appeal.State.PENDING).order_by("asked_at")
    return tuple(  # type: ignore[return-value]
        Subquery(first.annotate(_at=_days("asked_at", n)).values("_at")[:1])
        for n in (days, days * settings.yellow_share)
    )


def of_unsolved(actor: ActorFacts) -> Limit:
    """The district's days from when a reporter said so."""
    settings = district.current().settings
    days = settings.unsolved_days
    first = Callback.objects.filter(case_id=OuterRef("pk"), resolved=False).order_by("-answered_at")
    return tuple(  # type: ignore[return-value]
        Subquery(first.annotate(_at=_days("answered_at", n)).values("_at")[:1])
        for n in (days, days * settings.yellow_share)
    )


def of_recheck(actor: ActorFacts) -> Limit:
    """The look-again that is due next."""
    first = Recheck.objects.filter(case_id=OuterRef("pk"), done_at=None).order_by("due_at")
    ahead = first.annotate(_at=_days("due_at", -RECHECK_AHEAD / timedelta(days=1)))
    return Subquery(first.values("due_at")[:1]), Subquery(ahead.values("_at")[:1])


def _days(name: str, days: float) -> Any:
    return ExpressionWrapper(F(name) + Value(timedelta(days=days)), output_field=DateTimeField())


def late(rows: QuerySet[Case], limit: Limit, now: datetime) -> QuerySet[Case]:
    """Those whose limit is past."""
    return rows.annotate(_late_at=limit[0]).filter(Q(_late_at__lt=now))
