"""The registry of vehicles: a file comes in as a whole or not at all, read and written in batches."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from typing import Any

from django.utils.translation import gettext as _

from shaodao.bikes import tables
from shaodao.bikes.actions.record import Step, body
from shaodao.bikes.models import Operator, UnknownVehicle, Vehicle
from shaodao.bikes.words import COUNTED
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid
from shaodao.foundation.tables import Problem, Row

BATCH = 1000
MOST_PROBLEMS = 200  # as many as a person reads; the number of all is said too
FIELDS = ("vehicle_id", "kind", "state", "registered_at")
WRITTEN = (*FIELDS, "updated_at")


class BadTable(Invalid):
    """A file of which nothing was taken over: `problems` name row, column and what would be right."""

    def __init__(self, problems: list[Problem]) -> None:
        first = "；".join(str(p) for p in problems[:3])
        super().__init__(
            {"file": _("有 %(n)d 处不对，没有导入任何一行：%(first)s") % {"n": len(problems), "first": first}}
        )
        self.problems = problems


@body("import_vehicles")
def import_vehicles(s: Step, file: Any) -> dict[str, int]:
    """Add and update by plate. Answers {"read", "created", "updated", "unchanged", "found", "over"}: `found` were known
    only from the feed so far, `over` is how far the registry now exceeds the quota. Raises BadTable.

    A column that the file does not have leaves the vehicles' values as they are.
    """
    rows, given, problems = tables.read(file)
    existing = {v.plate: v for v in Vehicle.objects.filter(operator=s.operator)}
    if not problems:
        problems = _clashes(rows, existing, given)
    if problems:
        raise BadTable(problems)
    new, changed = _sort(s, rows, given, existing)
    _write(s.operator, new, changed)
    result = {"read": len(rows), "created": len(new), "updated": len(changed)}
    result["unchanged"] = result["read"] - result["created"] - result["updated"]
    result["found"] = no_longer_unknown(s.operator, [*new, *changed])
    counted = Vehicle.objects.filter(operator=s.operator, state__in=COUNTED).count()
    result["over"] = max(0, counted - s.operator.quota)
    file.seek(0)
    s.data = {**result, "sha256": hashlib.sha256(file.read()).hexdigest()}
    return result


def _clashes(rows: list[Row], existing: dict[str, Vehicle], given: set[str]) -> list[Problem]:
    """Feed ids that two vehicles would have after the import."""
    if "vehicle_id" not in given:
        return []
    named = {row["plate"] for row in rows}
    holders = {v.vehicle_id: plate for plate, v in existing.items() if v.vehicle_id and plate not in named}
    problems = []
    for row in rows:
        feed_id = row["vehicle_id"]
        if feed_id and holders.setdefault(feed_id, row["plate"]) != row["plate"]:
            what = _("%(id)s 已是 %(plate)s 的编号") % {"id": feed_id, "plate": holders[feed_id]}
            problems.append(row.problem("vehicle_id", what, _("每辆车一个编号")))
    return problems


def _sort(
    s: Step, rows: list[Row], given: set[str], existing: dict[str, Vehicle]
) -> tuple[list[Vehicle], list[Vehicle]]:
    """New vehicles, and known ones with changed values."""
    new, changed = [], []
    for row in rows:
        values = {name: row[name] for name in FIELDS if name in given}
        on, known = values.pop("registered_at", None), existing.get(row["plate"])
        if on is not None and (known is None or clock.local(known.registered_at).date() != on):
            values["registered_at"] = clock.from_local(datetime.combine(on, time()))
        if known is None:
            values.setdefault("registered_at", s.now)
            new.append(Vehicle(operator=s.operator, plate=row["plate"], updated_at=s.now, **values))
        elif any(getattr(known, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(known, name, value)
            known.updated_at = s.now
            changed.append(known)
    return new, changed


def _write(operator: Operator, new: list[Vehicle], changed: list[Vehicle]) -> None:
    """Ids of the feed are taken off first, so that two vehicles may exchange theirs."""
    for part in _chunks([v.pk for v in changed]):
        Vehicle.objects.filter(pk__in=part).update(vehicle_id=None)
    again = [Vehicle(operator=operator, plate=v.plate, **{n: getattr(v, n) for n in WRITTEN}) for v in changed]
    Vehicle.objects.bulk_create(
        again,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["operator", "plate"],
        update_fields=WRITTEN,
    )
    Vehicle.objects.bulk_create(new, batch_size=BATCH)


def no_longer_unknown(operator: Operator, rows: list[Vehicle]) -> int:
    """Vehicles that the feed had shown already: the registry takes over when they were last seen."""
    unknown = {u.vehicle_id: u for u in UnknownVehicle.objects.filter(operator=operator)}
    if not unknown:
        return 0
    pairs = [(v, u) for v in rows if (u := unknown.get(v.vehicle_id or "") or unknown.get(v.plate))]
    by_plate = {v.plate: u.last_seen_at for v, u in pairs}
    seen = [v for part in _chunks(list(by_plate)) for v in Vehicle.objects.filter(operator=operator, plate__in=part)]
    for vehicle in seen:
        last = by_plate[vehicle.plate]
        vehicle.last_seen_at = max(last, vehicle.last_seen_at) if vehicle.last_seen_at else last
    Vehicle.objects.bulk_update(seen, ["last_seen_at"], batch_size=BATCH)
    for part in _chunks([u.pk for _v, u in pairs]):
        UnknownVehicle.objects.filter(pk__in=part).delete()
    return len(pairs)


def _chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (keys[i : i + BATCH] for i in range(0, len(keys), BATCH))
