"""The vehicles that are seen now, by class; counts, and the lists behind them by the same conditions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields import CharField

from shaodao.bikes import settings
from shaodao.bikes.models import Operator, Vehicle, VehicleStatus
from shaodao.bikes.seen.words import HERE, JUDGED, ORDER, PARKED, Mark, SeenAs, classes_of
from shaodao.bikes.words import RIDDEN, FeedState
from shaodao.kernel.parking import Parked

NOT_THERE = (FeedState.REMOVED, FeedState.MISSING, FeedState.GONE)


def ms_of(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def seen_as(now: datetime) -> Case:
    """The class of a status, the first that applies.

    Silent comes before all that its last position says: over a gap in the feed nobody knows how it stands.
    """
    silent = ms_of(now) - int(settings.current().parking.silent_hours * 3_600_000)
    return Case(
        When(state__in=NOT_THERE, then=Value(SeenAs.GONE.value)),
        When(Q(state=FeedState.ELSEWHERE) | Q(community=None), then=Value(SeenAs.AWAY.value)),
        When(Q(state=FeedState.NON_CONTACTABLE) | Q(at_ms__lt=silent), then=Value(SeenAs.SILENT.value)),
        When(state__in=RIDDEN, then=Value(SeenAs.IN_USE.value)),
        When(zone__isnull=False, then=Value(SeenAs.ZONE.value)),
        When(parked=Parked.IN_BAY, then=Value(SeenAs.IN_BAY.value)),
        When(parked=Parked.NEAR_BAY, then=Value(SeenAs.NEAR_BAY.value)),
        When(parked=Parked.OUTSIDE, then=Value(SeenAs.OUTSIDE.value)),
        default=Value(SeenAs.UNCERTAIN.value),
        output_field=CharField(),
    )


def marked(mark: Mark | str, now: datetime) -> Q:
    """The condition of a mark on rows that have `seen`.

    A violation is wrong in so many fixes in a row, since one fix may err; idle is what has stood for days.
    """
    parking = settings.current().parking
    if mark == Mark.VIOLATION:
        return Q(seen__in=[SeenAs.OUTSIDE, SeenAs.ZONE], wrong_fixes__gte=parking.fixes)
    return Q(seen__in=PARKED, stood_since_ms__lt=ms_of(now) - int(parking.idle_days * 86_400_000))


def classed(rows: QuerySet[VehicleStatus], now: datetime) -> QuerySet[VehicleStatus]:
    """With `seen`."""
    return rows.annotate(seen=seen_as(now))


@dataclass(frozen=True)
class Wanted:
    """What is asked for: codes and words, "" for all. `bays`: keys of a group's bays, None for no group."""

    operator: str = ""
    street: str = ""
    community: str = ""
    bay: str = ""
    zone: str = ""
    seen: str = ""
    mark: str = ""
    text: str = ""
    bays: tuple[int, ...] | None = None


def narrow(rows: QuerySet[VehicleStatus], wanted: Wanted, now: datetime) -> QuerySet[VehicleStatus]:
    """Classed rows under a filter. A code that nobody has finds nothing."""
    exact = {
        "operator__organisation__code": wanted.operator,
        "street__code": wanted.street,
        "community__code": wanted.community,
        "bay__code": wanted.bay,
        "zone__code": wanted.zone,
    }
    rows = classed(rows, now).filter(**{name: value for name, value in exact.items() if value})
    if wanted.bays is not None:
        rows = rows.filter(bay__in=wanted.bays)
    if wanted.seen:
        rows = rows.filter(Q(seen__in=classes_of(wanted.seen)))
    if wanted.mark in Mark.values:
        rows = rows.filter(marked(wanted.mark, now))
    if wanted.text:
        found = Exists(_registered().filter(plate__icontains=wanted.text))
        rows = rows.filter(Q(vehicle_id__icontains=wanted.text) | found)
    return rows


def _registered() -> QuerySet[Vehicle]:
    return Vehicle.objects.filter(operator=OuterRef("operator"), vehicle_id=OuterRef("vehicle_id"))


def listed(rows: QuerySet[VehicleStatus]) -> QuerySet[VehicleStatus]:
    """With all that a list shows: operator, places, bay, zone, and `plate` from the registry (None: not there)."""
    plate = Subquery(_registered().values("plate")[:1])
    shapes = ("street__geometry", "community__geometry", "bay__geometry", "zone__geometry", "recent")
    related = ("operator__organisation", "street", "community", "bay", "zone")
    return rows.annotate(plate=plate).select_related(*related).defer(*shapes)


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Tally:
    """Vehicles by class, and marks."""

    by: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.by += other.by
        self.marks += other.marks

    def of(self, classes: Iterable[str]) -> int:
        return sum(self.by[str(c)] for c in classes)

    @property
    def here(self) -> int:
        return self.of(HERE)

    @property
    def judged(self) -> int:
        return self.of(JUDGED)

    @property
    def order(self) -> int:
        return self.of(ORDER)

    @property
    def share(self) -> float | None:
        """In order, out of those parked whose place is certain; None where there is none."""
        return self.order / self.judged if self.judged else None

    def number(self, name: str) -> int:
        """The count of a class, a group of classes or a mark, as the address calls it."""
        return self.marks[name] if name in Mark.values else self.of(classes_of(name))


@dataclass(frozen=True)
class Counts:
    """All counts of some vehicles by whose they are and where: keys of rows (None: outside the district)."""

    rows: Mapping[tuple[int, int | None, int | None], Tally]

    def total(self) -> Tally:
        return self._sum(lambda _key: 0).get(0, Tally())

    def by_operator(self) -> dict[int, Tally]:
        return self._sum(lambda key: key[0])

    def by_street(self) -> dict[int | None, Tally]:
        return self._sum(lambda key: key[1])

    def by_community(self) -> dict[int | None, Tally]:
        return self._sum(lambda key: key[2])

    def _sum(self, key_of: Any) -> dict[Any, Tally]:
        found: dict[Any, Tally] = {}
        for key, tally in self.rows.items():
            found.setdefault(key_of(key), Tally()).add(tally)
        return found


def count(rows: QuerySet[VehicleStatus], now: datetime) -> Counts:
    """Count classed rows. One query."""
    marks = {f"n_{mark.value}": Count("pk", filter=marked(mark, now)) for mark in Mark}
    grouped = rows.order_by().values_list("operator_id", "street_id", "community_id", F("seen"))
    found: dict[tuple[int, int | None, int | None], Tally] = {}
    for operator, street, community, seen, n, *marked_n in grouped.annotate(n=Count("pk"), **marks):
        tally = found.setdefault((operator, street, community), Tally())
        tally.by[seen] += n
        tally.marks += Counter(dict(zip(Mark.values, marked_n, strict=True)))
    return Counts(found)


@dataclass(frozen=True)
class Feed:
    """When an operator's data last came in, and from when the newest of its positions is (milliseconds)."""

    received_ms: int
    at_ms: int
    silent: bool  # for longer than the pack allows

    @property
    def received(self) -> datetime:
        return at(self.received_ms)

    @property
    def newest(self) -> datetime:
        return at(self.at_ms)


def at(ms: int) -> datetime:
    """A stored time as an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def feeds(operators: QuerySet[Operator], now: datetime) -> dict[int, Feed]:
    """How old each operator's data is; without those from whom nothing ever came. One query."""
    rows = VehicleStatus.objects.filter(operator__in=operators.order_by().values("pk")).order_by()
    limit = ms_of(now) - int(settings.current().ingest.gap_s * 1000)
    latest = rows.values_list("operator_id").annotate(Max("received_ms"), Max("at_ms"))
    return {operator: Feed(received, newest, received < limit) for operator, received, newest in latest}


SORTS = {
    "vehicle": "vehicle_id",
    "operator": "operator__organisation__code",
    "street": "street__code",
    "bay": "bay__code",
    "distance": "distance_mm",
    "confidence": "confidence",
    "at": "at_ms",
    "stood": "stood_since_ms",
    "fixes": "wrong_fixes",
}


def ordered(rows: QuerySet[VehicleStatus], sort: str) -> QuerySet[VehicleStatus]:
    """By a column of `SORTS` ("-" before it: descending), by default operator and id; always a stable order."""
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return rows.order_by("operator__organisation__code", "vehicle_id")
    column = F(key).desc(nulls_last=True) if sort.startswith("-") else F(key).asc(nulls_last=True)
    return rows.order_by(column, "operator_id", "vehicle_id")
