"""The registry of vehicles by MDS: what an operator's system registers and changes, each row on its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from shaodao.bikes.actions.record import Step, body
from shaodao.bikes.actions.registry import BATCH, no_longer_unknown
from shaodao.bikes.models import Vehicle

TAKEN = ""
REGISTERED = "already_registered"
UNREGISTERED = "unregistered"


@dataclass(frozen=True)
class Pushed:
    """A vehicle as it comes in: the id of its device in the feed, the plate or code on it, its kind."""

    device_id: str
    plate: str
    kind: str


@dataclass(frozen=True)
class Outcome:
    """TAKEN, or why not and which field it is about (device_id, vehicle_id)."""

    error: str = TAKEN
    field: str = ""


class NothingTaken(Exception):
    """No row could be taken, so nothing happened: `outcomes` says why, one for each row."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__("nothing taken")
        self.outcomes = outcomes


@body("push_vehicles")
def push_vehicles(s: Step, rows: list[Pushed], update: bool | None) -> list[Outcome]:
    """Register vehicles, or change the plate and kind of registered ones. Raises NothingTaken.

    A plate that the registry has without an id of the feed gets it.
    """
    found = list(Vehicle.objects.filter(operator=s.operator))
    fleet = Fleet(s, {v.vehicle_id: v for v in found if v.vehicle_id}, {v.plate: v for v in found}, {}, {})
    one: Callable[[Pushed], Outcome] = fleet.change if update else fleet.register
    outcomes = [one(row) for row in rows]
    n = sum(o.error == TAKEN for o in outcomes)
    if rows and not n:
        raise NothingTaken(outcomes)
    new, changed = list(fleet.new.values()), list(fleet.changed.values())
    Vehicle.objects.bulk_create(new, batch_size=BATCH)
    _change(changed)
    seen = no_longer_unknown(s.operator, [*new, *changed])
    s.data = {"read": len(rows), "created": len(new), "updated": len(changed), "found": seen}
    return outcomes


def _change(rows: list[Vehicle]) -> None:
    """One after the other, in the order of the call: a plate that was given up may be taken by the next."""
    if rows:
        at = connection.ops.adapt_datetimefield_value
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {Vehicle._meta.db_table} SET plate = %s, vehicle_id = %s, kind = %s, updated_at = %s WHERE id = %s",  # noqa: S608
                [(v.plate, v.vehicle_id, v.kind, at(v.updated_at), v.pk) for v in rows],
            )


@dataclass
class Fleet:
    """The registry while rows come in, by id of the device and by plate; what is new and what changed."""

    step: Step
    by_device: dict[Any, Vehicle]
    by_plate: dict[str, Vehicle]
    new: dict[str, Vehicle]
    changed: dict[int, Vehicle]

    def register(self, row: Pushed) -> Outcome:
        if row.device_id in self.by_device:
            return Outcome(REGISTERED, "device_id")
        known = self.by_plate.get(row.plate)
        if known is not None and known.vehicle_id:
            return Outcome(REGISTERED, "vehicle_id")
        if known is not None:
            known.vehicle_id, known.kind, known.updated_at = row.device_id, row.kind, self.step.now
            self.changed[known.pk] = known
        else:
            now = self.step.now
            known = Vehicle(operator=self.step.operator, plate=row.plate, vehicle_id=row.device_id, kind=row.kind)
            known.registered_at = known.updated_at = now
            self.new[row.plate] = self.by_plate[row.plate] = known
        self.by_device[row.device_id] = known
        return Outcome()

    def change(self, row: Pushed) -> Outcome:
        known = self.by_device.get(row.device_id)
        if known is None:
            return Outcome(UNREGISTERED, "device_id")
        if self.by_plate.get(row.plate, known) is not known:
            return Outcome(REGISTERED, "vehicle_id")
        if (known.plate, known.kind) != (row.plate, row.kind):
            del self.by_plate[known.plate]
            known.plate, known.kind, known.updated_at = row.plate, row.kind, self.step.now
            self.by_plate[row.plate] = self.changed[known.pk] = known
        return Outcome()
