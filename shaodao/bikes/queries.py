"""Reads about operators and their vehicles: what the rules need, what somebody may see, what does not agree."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from shaodao.bikes import rules, settings
from shaodao.bikes.admission import OperatorFacts, PaperFacts
from shaodao.bikes.models import ChecklistItem, Operator, OperatorPaper, UnknownVehicle, Vehicle
from shaodao.bikes.words import COUNTED, IN_FORCE, PaperState
from shaodao.cases.facts import ActorFacts
from shaodao.foundation import clock
from shaodao.foundation.naming import named
from shaodao.organisations.models import ApiToken, Organisation, Person


@dataclass(frozen=True)
class Loaded:
    """An operator with its papers (the replaced ones too), the checklist, and both as facts."""

    operator: Operator
    papers: list[OperatorPaper]
    items: list[ChecklistItem]
    facts: OperatorFacts

    def paper(self, id: int | None) -> OperatorPaper | None:
        return next((p for p in self.papers if p.pk == id), None)


def reviewer_id() -> int | None:
    """The organisation of the department that reviews operators (one query), None where the pack names none."""
    code = settings.current().department
    if not code:
        return None
    return Organisation.objects.filter(code=code, active=True).values_list("pk", flat=True).first()


def taken(besides: int | None = None) -> int:
    """Bikes that the quotas in force add up to, without those of one operator."""
    rows = Operator.objects.filter(state__in=IN_FORCE).exclude(pk=besides or 0).order_by()
    return rows.aggregate(n=Sum("quota"))["n"] or 0


def load(operator: Operator, now: datetime) -> Loaded:
    """Everything that a decision about an operator needs: four queries."""
    papers = list(
        OperatorPaper.objects.filter(operator=operator).select_related("item", "sent_by", "reviewed_by").order_by("pk")
    )
    items = list(ChecklistItem.objects.filter(active=True))
    today, numbers = clock.local(now).date(), settings.current()
    standing = {p.item_id: p for p in papers if p.state != PaperState.REPLACED}
    required = [i for i in items if i.required]
    facts = OperatorFacts(
        id=operator.pk,
        organisation_id=operator.organisation_id,
        state=operator.state,
        today=today,
        quota=operator.quota,
        staff=operator.staff,
        intact_percent=operator.intact_percent,
        term_until=operator.term_until,
        missing=tuple(named(i) for i in required if i.pk not in standing),
        unaccepted=tuple(named(i) for i in required if not stands(standing.get(i.pk), today)),
        asked=tuple(named(i) for i in items if i.pk in standing and standing[i.pk].state == PaperState.MORE),
        papers=tuple(PaperFacts(p.pk, p.state) for p in papers),
        reviewer_id=reviewer_id(),
        ceiling=numbers.fleet_ceiling,
        taken=taken(operator.pk),
        staff_per_1000=numbers.staff_per_1000,
        least_intact=numbers.intact_percent,
    )
    return Loaded(operator, papers, items, facts)


def stands(paper: OperatorPaper | None, today: date) -> bool:
    """Has the paper been accepted, and is it still valid?"""
    if paper is None or paper.state != PaperState.ACCEPTED:
        return False
    return paper.valid_until is None or paper.valid_until >= today


# ── who sees what ────────────────────────────────────────────────────────────────────────────────────────────────


def visible(actor: ActorFacts) -> QuerySet[Operator]:
    """The operators that somebody may look at: all, their own, or none."""
    rows = Operator.objects.select_related("organisation")
    if rules.reads_all(actor, reviewer_id() if any(p.role == "department" for p in actor.posts) else None):
        return rows
    return rows.filter(organisation_id__in=rules.owned(actor))


def may_enter(actor: ActorFacts) -> bool:
    """Has somebody anything to look at in this room? At most one query."""
    if rules.owned(actor) or rules.reads_all(actor, None):
        return True
    return any(p.role == "department" for p in actor.posts) and rules.reads_all(actor, reviewer_id())


def listed(rows: QuerySet[Operator]) -> QuerySet[Operator]:
    """With `n_fleet`: how many registered vehicles count against the quota."""
    return rows.annotate(n_fleet=Count("vehicles", filter=Q(vehicles__state__in=COUNTED)))


def named_like(rows: QuerySet[Operator], text: str) -> QuerySet[Operator]:
    """Operators whose name or code contains the text."""
    fields = ("organisation__name", "organisation__name_en", "organisation__code", "legal_name")
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__icontains": text})
    return rows.filter(found)


def accounts(operator: Operator) -> QuerySet[Person]:
    """Who can sign in for an operator."""
    held = Q(posts__organisation=operator.organisation_id, posts__role="operator", posts__active=True)
    return Person.objects.filter(held, is_active=True).distinct().order_by("username")


def tokens_of(operator: Operator) -> QuerySet[ApiToken]:
    """The keys with which the operator's systems push data, the live ones first."""
    ids = accounts(operator).order_by().values("pk")
    rows = ApiToken.objects.filter(person__in=ids).select_related("person")
    return rows.order_by(F("revoked_at").desc(nulls_first=True), "-pk")


def bike_tokens(operator: Operator) -> list[ApiToken]:
    """Of these, those with the scope `bikes` (a list in a JSON column is asked in Python, alike on both databases)."""
    return [t for t in tokens_of(operator) if "bikes" in t.scopes]


# ── vehicles ─────────────────────────────────────────────────────────────────────────────────────────────────────


def vehicles(operators: QuerySet[Operator], **wanted: Any) -> QuerySet[Vehicle]:
    """Registered vehicles of these operators; `text` searches plate and feed id, `seen` is True, False or None."""
    rows = Vehicle.objects.filter(operator__in=operators.order_by().values("pk"))
    rows = rows.select_related("operator__organisation")
    exact = {k: wanted.get(k) for k in ("state", "kind") if wanted.get(k)}
    if wanted.get("text"):
        rows = rows.filter(Q(plate__icontains=wanted["text"]) | Q(vehicle_id__icontains=wanted["text"]))
    if wanted.get("seen") is not None:
        rows = rows.filter(last_seen_at__isnull=not wanted["seen"])
    return rows.filter(**exact)


def never_seen(operator: Operator) -> QuerySet[Vehicle]:
    """In the registry and meant to stand in the street, but no position of it ever came in."""
    return Vehicle.objects.filter(operator=operator, state__in=COUNTED, last_seen_at=None).order_by("plate")


def not_registered(operator: Operator) -> QuerySet[UnknownVehicle]:
    """Seen in the feed but in no row of the registry."""
    known = Vehicle.objects.filter(operator=OuterRef("operator")).filter(
        Q(vehicle_id=OuterRef("vehicle_id")) | Q(plate=OuterRef("vehicle_id"))
    )
    return UnknownVehicle.objects.filter(~Exists(known), operator=operator)


def ought_not(operator: Operator) -> QuerySet[Vehicle]:
    """Scrapped or lost in the registry, and seen after that was written down."""
    gone = Vehicle.objects.filter(operator=operator, last_seen_at__gt=F("updated_at")).exclude(state__in=COUNTED)
    return gone.order_by("plate")


def doubled(operator: Operator) -> QuerySet[Vehicle]:
    """Plates that another operator has registered as standing in the street, too."""
    other = Vehicle.objects.filter(plate=OuterRef("plate"), state__in=COUNTED).exclude(operator=OuterRef("operator"))
    return Vehicle.objects.filter(Exists(other), operator=operator, state__in=COUNTED).order_by("plate")


def tally(operator: Operator) -> dict[str, int]:
    """Counts of an operator's registry: one for each kind and state, `counted`, `seen` and `over` the quota."""
    rows = Vehicle.objects.filter(operator=operator).order_by().values("kind", "state")
    found = list(rows.annotate(n=Count("pk"), n_seen=Count("last_seen_at")))
    counted = sum(r["n"] for r in found if r["state"] in COUNTED)
    counts = {"all": sum(r["n"] for r in found), "counted": counted, "over": max(0, counted - operator.quota)}
    counts["seen"] = sum(r["n_seen"] for r in found if r["state"] in COUNTED)
    for name in ("kind", "state"):
        for row in found:
            counts[row[name]] = counts.get(row[name], 0) + row["n"]
    return counts


def overview(rows: Iterable[Operator]) -> dict[str, int]:
    """The district's sums over a list of operators: the quotas in force, the ceiling, what is left of it."""
    ceiling = settings.current().fleet_ceiling
    given = sum(o.quota for o in rows if o.state in IN_FORCE)
    return {"ceiling": ceiling, "given": given, "open": max(0, ceiling - given), "over": max(0, given - ceiling)}
