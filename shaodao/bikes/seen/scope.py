"""Whose eyes: the headquarters see the district, a street or community its place, an operator its own vehicles."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q, QuerySet

from shaodao.bikes import queries, rules
from shaodao.bikes.models import Bay, Operator, VehicleStatus
from shaodao.cases.facts import BOUND, ActorFacts
from shaodao.places.models import Place

STREETS = {"street", "street_leader"}


@dataclass(frozen=True)
class Scope:
    """`whole`: the district. Else the sum of an operator's own organisations and of streets and communities (keys)."""

    whole: bool
    organisations: frozenset[int] = frozenset()
    streets: frozenset[int] = frozenset()
    communities: frozenset[int] = frozenset()

    @property
    def own(self) -> bool:
        """An operator's account, and nothing else."""
        return not self.whole and not self.places

    @property
    def places(self) -> bool:
        """Is it a place, in which vehicles of all operators are seen?"""
        return bool(self.streets or self.communities)

    @cached_property
    def _q(self) -> Q:
        place = Q(street__in=self.streets) | Q(community__in=self.communities)
        return place | Q(operator__organisation__in=self.organisations) if self.organisations else place

    def statuses(self) -> QuerySet[VehicleStatus]:
        """The vehicles that are seen."""
        return VehicleStatus.objects.all() if self.whole else VehicleStatus.objects.filter(self._q)

    def operators(self) -> QuerySet[Operator]:
        """The operators that have a line of their own."""
        rows = Operator.objects.select_related("organisation").order_by("organisation__code")
        return rows if self.whole or self.places else rows.filter(organisation__in=self.organisations)

    def bays(self) -> QuerySet[Bay]:
        """The bays that are listed: an operator's account sees all of them, with its own vehicles in them."""
        rows = Bay.objects.filter(active=True)
        if self.whole or self.organisations:
            return rows
        return rows.filter(Q(street__in=self.streets) | Q(community__in=self.communities))

    def bays_in(self, street: str, community: str) -> QuerySet[Bay]:
        """Of these, the ones in a street or a community by its code; "" for all."""
        found = {"street__code": street, "community__code": community}
        return self.bays().filter(**{name: code for name, code in found.items() if code})

    def streets_seen(self) -> QuerySet[Place]:
        """Streets with a line of their own, and those that somebody's communities belong to."""
        rows = Place.objects.filter(level=Place.Level.STREET, active=True).order_by("code")
        if self.whole or self.organisations:
            return rows
        return rows.filter(Q(pk__in=self.streets) | Q(children__in=self.communities)).distinct()


def scope_of(actor: ActorFacts) -> Scope:
    """What somebody's posts let them see. At most one query (for posts of a department)."""
    if any(p.role in rules.READERS - BOUND for p in actor.posts) or (
        any(p.role == "department" for p in actor.posts) and rules.reviews(actor, queries.reviewer_id())
    ):
        return Scope(True)
    places = {p.place_id for p in actor.posts if p.role in STREETS and p.place_id}
    communities = {p.place_id for p in actor.posts if p.role == "community" and p.place_id}
    return Scope(False, rules.owned(actor), frozenset(places), frozenset(communities))
