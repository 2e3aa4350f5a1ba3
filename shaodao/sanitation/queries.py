"""Reads of the book that more than one caller needs: who keeps it, sums."""

from typing import Any

from django.db.models import Count, Q, Sum

from shaodao.cases.actions import Actor
from shaodao.cases.facts import ActorFacts
from shaodao.organisations.models import Organisation
from shaodao.sanitation import rules, settings
from shaodao.sanitation.models import Segment

AREAS = ("total_m2", "carriageway_m2", "pavement_m2", "verge_m2")


def keeper_id() -> int | None:
    """The organisation of the department that keeps the book (one query), None where the pack names none."""
    code = settings.current().department
    if not code:
        return None
    return Organisation.objects.filter(code=code, active=True).values_list("pk", flat=True).first()


def may_edit(actor: Actor) -> bool:
    """May the actor write into the book? At most one query."""
    return rules.keeps(actor.facts, keeper_id())


def may_enter(actor: ActorFacts) -> bool:
    """Has somebody anything to look at in this room? At most one query."""
    if rules.reads(actor, None):
        return True
    return any(p.role == "department" for p in actor.posts) and rules.reads(actor, keeper_id())


def sums(road_id: int | None = None) -> dict[str, Any]:
    """Length of the carriageways and areas of the segments in force (of one road), how many, how many illustrative."""
    rows = Segment.objects.filter(active=True, road__active=True).order_by()
    rows = rows.filter(road_id=road_id) if road_id else rows
    wanted: dict[str, Any] = {name: Sum(name, default=0.0) for name in ("length_m", *AREAS)}
    wanted |= {"n": Count("pk"), "illustrative": Count("pk", filter=Q(illustrative=True))}
    wanted["roads"] = Count("road", distinct=True)
    found: dict[str, Any] = rows.aggregate(**wanted)
    return found
