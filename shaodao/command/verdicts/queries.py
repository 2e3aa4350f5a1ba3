"""Reads of evaluations, rebounds, the watch and circulars."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db.models import Avg, Count, Exists, OuterRef, Prefetch, Q, QuerySet

from shaodao.cases.models import Assignment, Case, CaseEvent, Circular, Evaluation, Recheck, Report
from shaodao.cases.words import AssignmentState, CaseState, Channel, ClockKind, Outcome
from shaodao.command import links
from shaodao.command.access import Scope
from shaodao.command.lists.queries import between
from shaodao.command.rules import Share
from shaodao.command.today.queries import due_recheck, low_rating
from shaodao.foundation import calendar, clock
from shaodao.foundation.naming import named
from shaodao.kernel import worktime
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place

# ── evaluations ──────────────────────────────────────────────────────────────────────────────────────────────────


def evaluations(
    scope: Scope,
    street: Place | None,
    unit: Organisation | None,
    below: bool | None,
    commented: bool | None,
    since: date | None = None,
    until: date | None = None,
    counted: bool | None = None,
) -> QuerySet[Evaluation]:
    """Ratings, the latest first, with the case and who gave them."""
    rows = Evaluation.objects.filter(scope.q(), between("created_at", since, until))
    if street:
        rows = rows.filter(case__street=street)
    if unit:
        rows = rows.filter(organisation=unit)
    if below is not None:
        rows = rows.filter(low_rating()) if below else rows.exclude(low_rating())
    if commented is not None:
        rows = rows.exclude(comment="") if commented else rows.filter(comment="")
    if counted is not None:
        rows = rows.filter(exempt=not counted)
    return rows.select_related(
        "case__category", "case__street", "organisation", "street", "person", "commented_by", "assignment"
    ).order_by("-pk")


FACT_KINDS = (ClockKind.SIGN, ClockKind.ARRIVE, ClockKind.HANDLE)


def beside(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The times that stood beside the rating when it was given: used seconds, the limit in words, in time or not."""
    found = []
    for kind in FACT_KINDS:
        fact = evaluation.facts.get(kind)
        if fact:
            value, unit = fact["limit"]
            found.append(
                {
                    "label": kind.label,
                    "used_s": fact["used_s"],
                    "value": value,
                    "unit": unit,
                    "in_time": fact["in_time"],
                }
            )
    return found


@dataclass(frozen=True)
class Rated:
    """One organisation's ratings over the period: how many, the middle of them, how many low."""

    name: str
    n: int
    efficiency: float | None  # None: every rating is left out
    effect: float | None
    low: Share
    url: str
    low_url: str


def ratings(scope: Scope, now: datetime) -> list[Rated]:
    """Averages by organisation with n; the low ones are counted, since an average hides them.

    Ratings against which an appeal was upheld are in none of it; `low` says how many those are.
    """
    first, counted = links.since(now), Q(exempt=False)
    rows = (
        Evaluation.objects.filter(scope.q(), created_at__gte=links.day_start(first))
        .values("organisation_id")
        .annotate(
            n=Count("pk", filter=counted),
            a=Avg("efficiency", filter=counted),
            b=Avg("effect", filter=counted),
            low=Count("pk", filter=counted & low_rating()),
            left_out=Count("pk", filter=~counted),
        )
        .order_by()
    )
    counts = {row["organisation_id"]: row for row in rows}
    found = [
        Rated(
            named(unit),
            row["n"],
            row["a"],
            row["b"],
            Share(row["low"], row["n"], row["left_out"]),
            links.to("command_evaluations", unit=unit.code, since=first, counted="1"),
            links.to("command_evaluations", unit=unit.code, since=first, counted="1", below="1"),
        )
        for unit in Organisation.objects.filter(pk__in=counts)
        for row in [counts[unit.pk]]
    ]
    return sorted(found, key=lambda r: ((r.efficiency or 9) + (r.effect or 9), r.name))


# ── rebounds ─────────────────────────────────────────────────────────────────────────────────────────────────────


def came_back() -> QuerySet[Assignment]:
    """The assignments that a rebound made: the same lead gets the case again, in a later round."""
    return Assignment.objects.filter(round__gt=1, role=Assignment.Role.LEAD).filter(
        Q(via=Assignment.Via.REBOUND) | Q(via=Assignment.Via.SELF, case__rebound_count__gt=0)
    )


def rebounds(scope: Scope, street: Place | None, unit: Organisation | None, show: str) -> QuerySet[Case]:
    """Cases that came back, the latest first; `show` open or closed."""
    rows = scope.cases().filter(rebound_count__gt=0)
    if show == "open":
        rows = rows.exclude(state=CaseState.CLOSED)
    elif show == "closed":
        rows = rows.filter(state=CaseState.CLOSED)
    if street:
        rows = rows.filter(street=street)
    if unit:
        rows = rows.filter(Exists(came_back().filter(case=OuterRef("pk"), organisation=unit)))
    events = CaseEvent.objects.filter(action__in=["rebound", "recheck"]).order_by("-seq")
    return (
        rows.select_related("category", "street", "lead")
        .prefetch_related(Prefetch("events", events, to_attr="returns"))
        .order_by("-pk")
    )


@dataclass(frozen=True)
class Rebounding:
    """One organisation: cases that came back to it, of those it has finished as lead."""

    name: str
    share: Share
    url: str


def rebound_shares(scope: Scope) -> list[Rebounding]:
    """How often the problem came back, by the organisation that had closed it; with n and an interval."""
    leads = Assignment.objects.filter(scope.q(), role=Assignment.Role.LEAD)
    back = dict(
        leads.filter(pk__in=came_back().values("pk"))
        .values_list("organisation_id")
        .annotate(n=Count("case_id", distinct=True))
        .order_by()
    )
    done: dict[Any, int] = dict(
        leads.filter(Q(state=AssignmentState.DONE) | Q(pk__in=came_back().values("pk")))
        .values_list("organisation_id")
        .annotate(n=Count("case_id", distinct=True))
        .order_by()
    )
    found = [
        Rebounding(
            named(unit),
            Share(back.get(unit.pk, 0), done[unit.pk]),
            links.to("command_rebounds", unit=unit.code),
        )
        for unit in Organisation.objects.filter(pk__in=done)
    ]
    return sorted(found, key=lambda r: (-(r.share.value or 0), -r.share.n, r.name))


# ── watch ────────────────────────────────────────────────────────────────────────────────────────────────────────


def rechecks(scope: Scope, street: Place | None, show: str, now: datetime) -> QuerySet[Recheck]:
    """Looks back: `due` now, `coming`, `missed` (the watch ended without it), `done`; nearest first."""
    rows = Recheck.objects.filter(scope.q())
    if show == "due":
        rows = rows.filter(due_recheck(now))
    elif show == "coming":
        rows = rows.filter(done_at=None, due_at__gt=now, case__state=CaseState.CLOSED)
    elif show == "missed":
        rows = rows.filter(done_at=None, case__state=CaseState.CLOSED, case__watch_until__lt=now)
    elif show == "done":
        rows = rows.filter(done_at__isnull=False)
    if street:
        rows = rows.filter(case__street=street)
    order = ("-done_at", "-pk") if show == "done" else ("due_at", "pk")
    return rows.select_related("case__category", "case__street", "case__lead", "person").order_by(*order)


def recheck_counts(scope: Scope, now: datetime) -> dict[str, int]:
    open = Q(done_at=None, case__state=CaseState.CLOSED)
    return Recheck.objects.filter(scope.q()).aggregate(
        due=Count("pk", filter=due_recheck(now)),
        coming=Count("pk", filter=open & Q(due_at__gt=now)),
        missed=Count("pk", filter=open & Q(case__watch_until__lt=now)),
        done=Count("pk", filter=Q(done_at__isnull=False)),
    )


# ── circulars ────────────────────────────────────────────────────────────────────────────────────────────────────


def circulars(scope: Scope, text: str = "", unit: Organisation | None = None) -> QuerySet[Circular]:
    """Circulars: the headquarters see all, others those sent to their organisation."""
    rows = Circular.objects.all()
    if not scope.whole:
        rows = rows.filter(organisations__in={p.organisation_id for p in scope.actor.facts.posts}).distinct()
    for word in text.split():
        rows = rows.filter(Q(title__icontains=word) | Q(text__icontains=word))
    if unit:
        rows = rows.filter(organisations=unit)
    return rows.select_related("case__category", "person").prefetch_related("organisations").order_by("-pk")


# ── letters ──────────────────────────────────────────────────────────────────────────────────────────────────────


WITHIN = {  # (within 15, within 30 working days) of the answers that belong to a state
    "within_15": {(True, True)},
    "within_30": {(True, True), (False, True)},
    "after_15": {(False, True)},
    "late": {(False, False)},
}


def letter_reports(state: str, year: int | None) -> QuerySet[Report]:
    """Letters, the latest first: `answered`, `open`, `within_15` or `within_30` working days, `after_15` (16 to 30), `late`."""
    rows = Report.objects.filter(channel=Channel.LETTER, case__sample=False, me_too=False)
    if year:
        rows = rows.filter(between("created_at", date(year, 1, 1), date(year, 12, 31)))
    if state == "open":
        rows = rows.exclude(case__outcome=Outcome.ANSWERED)
    elif state:
        rows = rows.filter(case__outcome=Outcome.ANSWERED)
    if state in WITHIN:
        answered = rows.filter(case__closed_at__isnull=False).order_by("pk")
        spans = list(answered.values_list("pk", "created_at", "case__closed_at"))
        times = [(sent, replied) for _pk, sent, replied in spans if replied]
        kept = zip(spans, in_time(times, 15), in_time(times, 30), strict=True)
        rows = rows.filter(pk__in=[span[0] for span, soon, later in kept if (soon, later) in WITHIN[state]])
    return rows.select_related("case__category").order_by("-created_at", "-pk")


def in_time(spans: list[tuple[datetime, datetime]], work_days: int) -> list[bool]:
    """Was the second of each pair of times no later than so many working days after the first?"""
    if not spans:
        return []
    start, end = (
        np.array([clock.local(span[i]).replace(tzinfo=None) for span in spans], dtype="datetime64[s]") for i in (0, 1)
    )
    due = worktime.add(calendar.working(), start, float(work_days), worktime.Unit.WORK_DAY)
    return [bool(ok) for ok in end <= due]
