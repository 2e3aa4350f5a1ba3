"""Plans between plain values and tables."""

from collections.abc import Sequence
from typing import Any

from shaodao.sanitation.models import DayPlan, Leg, Trip
from shaodao.sanitation.plan import facts as reading
from shaodao.sanitation.plan.plain import FILL, MOVE, SERVICE, Facts, PlainLeg, PlainTrip

BATCH = 500
FIELDS = (
    "kind", "begin_s", "end_s", "metres", "water_l", "segment_id", "mode_id", "pass_no", "runs", "fill_point_id",
)  # fmt: skip


def facts_of(plan: DayPlan) -> Facts:
    """The book as it stands for the day of a plan, with what happened on the day."""
    return reading.changed(reading.read(plan.day), plan.changes)


def trips_of(plan: DayPlan) -> list[PlainTrip]:
    """The trips of a plan, by vehicle and time: two queries. The n-th belongs to the n-th of `rows_of`."""
    legs: dict[int, list[PlainLeg]] = {}
    rows = Leg.objects.filter(trip__plan=plan).order_by("trip_id", "seq").values_list("trip_id", *FIELDS)
    for trip, *values in rows.iterator(chunk_size=5000):
        legs.setdefault(trip, []).append(PlainLeg(*values))
    return [PlainTrip(t.vehicle_id, t.begin_s, t.end_s, tuple(legs.get(t.pk, ()))) for t in rows_of(plan)]


def rows_of(plan: DayPlan) -> list[Trip]:
    """The trips as rows, with their vehicles."""
    return list(Trip.objects.filter(plan=plan).select_related("vehicle").order_by("vehicle__code", "begin_s", "pk"))


def save(plan: DayPlan, facts: Facts, trips: Sequence[PlainTrip]) -> DayPlan:
    """Insert a plan with its trips and legs. To be called in a transaction."""
    plan.save()
    crews = {v.key: v.crew for v in facts.vehicles}
    rows = [_trip(plan, trip, crews.get(trip.vehicle)) for trip in trips]
    Trip.objects.bulk_create(rows, batch_size=BATCH)
    made = [
        Leg(trip=row, seq=n, **_leg(leg))
        for row, trip in zip(rows, trips, strict=True)
        for n, leg in enumerate(trip.legs)
    ]
    Leg.objects.bulk_create(made, batch_size=BATCH)
    return plan


def _trip(plan: DayPlan, trip: PlainTrip, crew: int | None) -> Trip:
    def total(kind: str, name: str) -> float:
        return round(float(sum(getattr(leg, name) for leg in trip.legs if leg.kind == kind)), 1)

    return Trip(
        plan=plan,
        vehicle_id=trip.vehicle,
        crew_id=crew,
        begin_s=int(trip.begin_s),
        end_s=int(trip.end_s),
        work_m=total(SERVICE, "metres"),
        move_m=total(MOVE, "metres"),
        water_l=total(SERVICE, "water_l"),
        fills=sum(1 for leg in trip.legs if leg.kind == FILL),
    )


def _leg(leg: PlainLeg) -> dict[str, Any]:
    values = [leg.kind, round(leg.begin_s, 2), round(leg.end_s, 2), round(leg.metres, 2), round(leg.water_l, 2)]
    values += [leg.segment, leg.mode, leg.pass_no, leg.runs, leg.point]
    return dict(zip(FIELDS, values, strict=True))
