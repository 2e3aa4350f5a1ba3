"""Every read of the loop that more than one caller needs. A constant number of queries, whatever the rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Exists, Model, OuterRef, Prefetch, Q, QuerySet

from shaodao.cases import facts as f
from shaodao.cases.models import (
    Appeal,
    Assignment,
    Case,
    CaseEvent,
    Circular,
    CircularReading,
    Clock,
    Contact,
    Dispute,
    Evaluation,
    Recheck,
    TimeRequest,
    Verification,
    Whistle,
)
from shaodao.cases.words import OPEN_STATES, AppealGround, AssignmentState, CaseState, ClockKind
from shaodao.catalogue.models import Category
from shaodao.foundation import calendar, district, log
from shaodao.foundation.naming import english
from shaodao.foundation.prepared import Prepared
from shaodao.organisations.models import Organisation


@dataclass
class Loaded:
    """A case with its parts, and the facts that the rules decide on."""

    case: Case
    facts: f.CaseFacts
    assignments: list[Assignment]
    clocks: list[Clock]
    whistles: list[Whistle]
    requests: list[TimeRequest]
    disputes: list[Dispute]
    verifications: list[Verification]
    rechecks: list[Recheck]
    evaluations: list[Evaluation]
    appeals: list[Appeal]

    def _parts(self, on: str) -> tuple[Iterable[Any], Iterable[Any]]:
        return {
            "case": ((), ()),
            "assignment": (self.assignments, self.facts.assignments),
            "whistle": (self.whistles, self.facts.whistles),
            "request": (self.requests, self.facts.requests),
            "dispute": (self.disputes, self.facts.disputes),
            "recheck": (self.rechecks, self.facts.rechecks),
            "evaluation": (self.evaluations, self.facts.evaluations),
            "appeal": (self.appeals, self.facts.appeals),
        }[on]

    def row(self, on: str, id: int | None) -> Model | None:
        return next((r for r in self._parts(on)[0] if r.pk == id), None)

    def subject(self, on: str, id: int | None) -> f.Subject | None:
        return next((s for s in self._parts(on)[1] if s.id == id), None)

    def lead(self) -> Assignment | None:
        """The lead of the present round, open or done."""
        live = [a for a in self.assignments if a.role == "lead" and a.state not in ("returned", "cancelled")]
        named = [a for a in live if a.organisation_id == self.case.lead_id]  # a ruling may have named another since
        chosen = named or live
        return chosen[-1] if chosen else None


def _of_case(model: type[Any], related: tuple[str, ...], case: int) -> QuerySet[Any]:
    rows = model.objects.filter(case=case).order_by("pk")
    return rows.select_related(*related) if related else rows


JOINED: dict[type[Model], tuple[str, ...]] = {
    Assignment: ("organisation",),
    Appeal: ("asked_by", "first_by", "second_by", "third_by"),
}
# Each part's bit on `Case.parts`: a table is only asked for a case that has rows in it. Most cases have few kinds.
PARTS: dict[type[Model], int] = {
    part: 1 << bit
    for bit, part in enumerate(
        (Assignment, Clock, Whistle, TimeRequest, Dispute, Verification, Recheck, Evaluation, Appeal)
    )
}


OF_CASE = {model: Prepared(partial(_of_case, model, JOINED.get(model, ()))) for model in PARTS}


def _parts(case: Case, model: type[Any]) -> list[Any]:
    return OF_CASE[model].all(case.pk) if case.parts & PARTS[model] else []


def load(case: Case, now: datetime) -> Loaded:
    """A case's parts and facts, in at most nine queries. Raises nothing: a case without parts has empty ones."""
    assignments, clocks = _parts(case, Assignment), _parts(case, Clock)
    whistles, requests = _parts(case, Whistle), _parts(case, TimeRequest)
    disputes, verifications = _parts(case, Dispute), _parts(case, Verification)
    rechecks, evaluations = _parts(case, Recheck), _parts(case, Evaluation)
    appeals = _parts(case, Appeal)
    owners = {a.pk: a.organisation_id for a in assignments}
    contestable = _contestable(clocks, evaluations)
    appealed = {a.assignment_id for a in appeals}
    evaluated = {e.assignment_id for e in evaluations}
    handling = {c.assignment_id: c for c in clocks if c.kind == ClockKind.HANDLE and not c.cancelled}
    window = district.current().settings.limits.return_window
    round = case.round
    facts = f.CaseFacts(
        id=case.pk,
        version=case.version,
        state=case.state,
        category_id=case.category_id,
        street_id=case.street_id,
        community_id=case.community_id,
        round=round,
        precheck_open=any(v.kind == "precheck" and v.done_at is None for v in verifications),
        watch_until=case.watch_until,
        report_count=case.report_count,
        unsolved=case.unsolved,
        max_extensions=district.current().settings.max_extensions,
        assignments=tuple(
            f.AssignmentFacts(
                id=a.pk,
                organisation_id=a.organisation_id,
                role=a.role,
                via=a.via,
                state=a.state,
                round=a.round,
                sent_at=a.sent_at,
                arrived_at=a.arrived_at,
                finished_by_id=a.finished_by_id,
                extensions=a.extensions,
                suspensions=a.suspensions,
                due_at=handling[a.pk].due_at if a.pk in handling else None,
                return_until=calendar.due(a.sent_at, window.value, window.unit).due_at
                if a.state in (AssignmentState.SENT, AssignmentState.SIGNED)
                else None,
                open_stages=sum(1 for s in a.stages if not s.get("done_at")),
                evaluated=a.pk in evaluated,
                contestable=contestable.get(a.pk, ()),
                appealed=a.pk in appealed,
            )
            for a in assignments
        ),
        whistles=tuple(f.WhistleFacts(w.pk, w.state, w.drafted_by_id) for w in whistles),
        requests=tuple(f.RequestFacts(r.pk, r.kind, r.state, r.assignment_id) for r in requests),
        disputes=tuple(f.DisputeFacts(d.pk, d.assignment_id, d.ruled_at is None) for d in disputes),
        rechecks=tuple(f.RecheckFacts(r.pk, r.due_at, r.done_at is not None) for r in rechecks),
        evaluations=tuple(f.EvaluationFacts(e.pk, e.assignment_id, bool(e.comment)) for e in evaluations),
        appeals=tuple(
            f.AppealFacts(
                a.pk,
                a.state,
                a.assignment_id,
                owners[a.assignment_id],
                a.asked_by_id,
                tuple(p for p in (a.first_by_id, a.second_by_id, a.third_by_id) if p),
            )
            for a in appeals
        ),
        appeal_until=_appeal_until(case) if contestable else None,
        handlers=frozenset(
            a.organisation_id for a in assignments if a.round == round and a.state not in ("returned", "cancelled")
        ),
    )
    return Loaded(
        case, facts, assignments, clocks, whistles, requests, disputes, verifications, rechecks, evaluations, appeals
    )


def _contestable(clocks: list[Clock], evaluations: list[Evaluation]) -> dict[int, tuple[str, ...]]:
    """By assignment what an appeal may contest: its missed limits in their order, then its rating."""
    found: dict[int, list[str]] = {}
    for clock in clocks:
        if clock.missed and clock.assignment_id and clock.kind in AppealGround.values:
            found.setdefault(clock.assignment_id, []).append(clock.kind)
    for evaluation in evaluations:
        found.setdefault(evaluation.assignment_id, []).append(AppealGround.EVALUATION.value)
    return {pk: tuple(g for g in AppealGround.values if g in kinds) for pk, kinds in found.items()}


def _appeal_until(case: Case) -> datetime | None:
    """Until when the departments of a closed case may appeal, from its last closing."""
    if case.state != CaseState.CLOSED or case.closed_at is None:
        return None
    window = district.current().settings.limits.appeal_window
    return calendar.due(case.closed_at, window.value, window.unit).due_at


EVENT_OF_KEY = Prepared(lambda key: CaseEvent.objects.select_related("case").filter(client_key=key).order_by())


def event_by_key(key: str) -> CaseEvent | None:
    """The event that a client's key made earlier."""
    return EVENT_OF_KEY.first(key)


WHOLE = ("category", "community", "street", "lead", "merged_into")  # what a line about a case names
CASE = Prepared(lambda pk: Case.objects.select_related(*WHOLE).filter(pk=pk).order_by())


def sees_all(actor: f.ActorFacts) -> bool:
    """The posts of the headquarters and the inspectors look at the whole district."""
    return any(p.role not in f.BOUND for p in actor.posts)


def whole(pk: int, actor: f.ActorFacts | None = None) -> Case | None:
    """One case with the names of what it refers to, if the actor (None: anybody) may see it. One query."""
    if actor is None or sees_all(actor):
        return CASE.first(pk)
    return visible_to(actor).select_related(*WHOLE).filter(pk=pk).first()


def circulars() -> QuerySet[Circular]:
    """Circulars with their receivers and who of them has read it (three queries whatever their number)."""
    readings = CircularReading.objects.select_related("organisation", "person")
    return Circular.objects.select_related("case", "person").prefetch_related(
        "organisations", Prefetch("readings", readings)
    )


def english_names(events: Iterable[CaseEvent]) -> dict[str, str]:
    """The English names of the units, categories and rungs that these events recorded in Chinese (an event is never
    rewritten); {} unless the page is in English. Two queries at most."""
    if not english():
        return {}
    units: set[str] = set()
    categories: set[str] = set()
    for data in (event.data for event in events):
        units |= {row["name"] for row in [data.get("lead"), *data.get("supports", [])] if isinstance(row, dict)}
        if isinstance(data.get("organisation"), str):
            units.add(data["organisation"])
        if "category" in data and isinstance(data.get("name"), str):
            categories.add(data["name"])
    found = {rung.name: rung.name_en for rung in district.current().settings.ladder}
    for model, names in ((Category, categories), (Organisation, units)):
        if names:
            found |= dict(model._default_manager.filter(name__in=names).values_list("name", "name_en"))
    return {name: text for name, text in found.items() if text}


def visible_to(actor: f.ActorFacts, cases: QuerySet[Case] | None = None) -> QuerySet[Case]:
    """The cases that somebody's posts let them see: the headquarters and inspectors all, a street or community its
    territory and what it handles, a department or an operator what it was ever assigned."""
    found = Case.objects.all() if cases is None else cases
    if sees_all(actor):
        return found
    if not actor.posts:
        return found.none()
    organisations = {p.organisation_id for p in actor.posts}
    streets = {p.place_id for p in actor.posts if p.role in {"street", "street_leader"} and p.place_id}
    communities = {p.place_id for p in actor.posts if p.role == "community" and p.place_id}
    mine = Assignment.objects.filter(organisation_id__in=organisations).values("case_id")
    return found.filter(Q(street_id__in=streets) | Q(community_id__in=communities) | Q(pk__in=mine))


def called_in() -> QuerySet[Assignment]:
    """The parts of departments that a whistle called and that have not reported in yet."""
    waiting = (AssignmentState.SENT, AssignmentState.SIGNED)
    return Assignment.objects.filter(via=Assignment.Via.WHISTLE, state__in=waiting, arrived_at=None).order_by()


def awaits_report_in() -> Exists:
    """Condition on cases: somebody whom a whistle called has not come yet."""
    return Exists(called_in().filter(case=OuterRef("pk")))


def by_number(number: str) -> Case | None:
    """The case that people call `number` (2026-000123)."""
    year, _, figure = number.strip().partition("-")
    if not (figure.isascii() and figure.isdigit() and year.isascii() and year.isdigit()) or len(figure) > 15:
        return None
    case = Case.objects.filter(pk=int(figure)).first()
    return case if case and case.number == f"{year}-{int(figure):06d}" else None


def nearby(lon: float, lat: float, radius_m: float, cases: QuerySet[Case]) -> list[tuple[float, Case]]:
    """Cases within `radius_m` metres of a point with their distance, nearest first: a box in the database, exact here."""
    import numpy as np

    from shaodao.kernel.geodesy import distance_m

    dlat = radius_m / 110_000.0
    dlon = dlat / max(0.01, float(np.cos(np.radians(lat))))
    rows = list(cases.filter(lat__range=(lat - dlat, lat + dlat), lon__range=(lon - dlon, lon + dlon)))
    if not rows:
        return []
    metres = distance_m(lon, lat, np.array([c.lon for c in rows]), np.array([c.lat for c in rows]))
    found = [(float(m), c) for m, c in zip(metres, rows, strict=True) if m <= radius_m]
    return sorted(found, key=lambda pair: (pair[0], pair[1].pk))


def possible_duplicates(
    category_id: int | None, lon: float | None, lat: float | None, now: datetime
) -> list[tuple[float, Case]]:
    """Open cases of the same category within the radius and the days that the category or district sets."""
    if lon is None or lat is None or category_id is None:
        return []
    settings = district.current().settings
    category = Category.objects.filter(pk=category_id).first()
    radius = (category and category.duplicate_radius_m) or settings.duplicate_radius_m
    since = calendar.add_days(now, -settings.duplicate_days)
    cases = Case.objects.filter(category_id=category_id, state__in=OPEN_STATES, created_at__gte=since)
    return nearby(lon, lat, radius, cases.select_related("category"))[:5]


def rebounding(category_id: int | None, lon: float | None, lat: float | None, now: datetime) -> Case | None:
    """The closed case under watch, of the same category and within its own radius, that a new report brings back."""
    if lon is None or lat is None or category_id is None:
        return None
    watched = Case.objects.filter(category_id=category_id, state=CaseState.CLOSED, watch_until__gte=now)
    widest = watched.order_by("-watch_radius_m").values_list("watch_radius_m", flat=True).first()
    if not widest:
        return None
    return next((c for m, c in nearby(lon, lat, widest, watched) if m <= c.watch_radius_m), None)


def read_contact(report_id: int, person: Any, reason: str, now: datetime) -> Contact | None:
    """A reporter's private contact. Who reads it, when and why is logged."""
    contact = Contact.objects.filter(report_id=report_id).first()
    if contact:
        log.write("contact.read", f"report:{report_id}", now=now, actor=person, reason=reason)
    return contact
