"""Reads of the book that more than one caller needs: who keeps it, lists, sums, how a row came to be as it is."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from shaodao.cases.facts import ActorFacts
from shaodao.organisations.models import Organisation
from shaodao.sanitation import rules, settings
from shaodao.sanitation.kinds import Kind, refs_of
from shaodao.sanitation.models import BookEvent, Segment

PACK = "pack"  # the reason of events that a pack made
AREAS = ("total_m2", "carriageway_m2", "pavement_m2", "verge_m2")


def keeper_id() -> int | None:
    """The organisation of the department that keeps the book (one query), None where the pack names none."""
    code = settings.current().department
    if not code:
        return None
    return Organisation.objects.filter(code=code, active=True).values_list("pk", flat=True).first()


def may_enter(actor: ActorFacts) -> bool:
    """Has somebody anything to look at in this room? At most one query."""
    if rules.reads(actor, None):
        return True
    return any(p.role == "department" for p in actor.posts) and rules.reads(actor, keeper_id())


def listed(kind: Kind, *, text: str = "", state: str = "", **exact: Any) -> QuerySet[Any]:
    """Rows for a list: `text` in code or names; `state` "" in force, "gone", or "all"; others by equality, "" is any."""
    rows = kind.model.objects.select_related(*refs_of(kind)).order_by("code")
    if state != "all":
        rows = rows.filter(active=state != "gone")
    if text:
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text) | Q(name_en__icontains=text))
    return rows.filter(**{name: value for name, value in exact.items() if value})


def sums(road_id: int | None = None) -> dict[str, Any]:
    """Length of the carriageways and areas of the segments in force (of one road), how many, how many illustrative."""
    rows = Segment.objects.filter(active=True, road__active=True).order_by()
    rows = rows.filter(road_id=road_id) if road_id else rows
    wanted: dict[str, Any] = {name: Sum(name, default=0.0) for name in ("length_m", *AREAS)}
    wanted |= {"n": Count("pk"), "illustrative": Count("pk", filter=Q(illustrative=True))}
    wanted["roads"] = Count("road", distinct=True)
    found: dict[str, Any] = rows.aggregate(**wanted)
    return found


def history(row: Any) -> list[BookEvent]:
    """The events of a row, newest first."""
    return list(BookEvent.objects.filter(subject=row.subject).select_related("actor").order_by("-seq"))


def as_at(row: Any, when: datetime) -> dict[str, Any] | None:
    """The tracked values of a row as they were at a time, folded from its events; None before it was there, or while it
    was taken away."""
    state: dict[str, Any] = {}
    for event in BookEvent.objects.filter(subject=row.subject, at__lte=when).order_by("seq"):
        state |= {name: after for name, (_before, after) in event.changes.items()}
    return state if state.get("active") else None


def hands() -> tuple[set[str], set[str]]:
    """(subjects of rows that a person has written: a pack leaves them as they are; of rows that only packs have)."""
    by: dict[str, set[str]] = {"person": set(), "pack": set(), "other": set()}
    for subject, actor, reason in BookEvent.objects.order_by().values_list("subject", "actor", "reason").distinct():
        by["person" if actor else "pack" if reason == PACK else "other"].add(subject)
    return by["person"], by["pack"] - by["person"] - by["other"]
