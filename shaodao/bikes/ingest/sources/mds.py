"""MDS 2.0, agency: telemetry and events that an operator pushes become positions, rows that cannot be taken failures.

Standard: https://github.com/openmobilityfoundation/mobility-data-specification (agency, data types, general information).
Of the required fields, those that nothing here uses (`telemetry_id`, `journey_id`, …) may be missing.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _

from shaodao.bikes import settings
from shaodao.bikes.ingest import checks, receive
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.models import Operator, UnknownVehicle, Vehicle, VehicleEvent, VehicleStatus
from shaodao.bikes.providers import provider_id
from shaodao.bikes.words import ABSENT, RIDDEN, FeedState, Reason, Source

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STATES = frozenset(FeedState) - {FeedState.GONE}
LONGEST_TYPES = 300
ABOUT = {  # which field of an item a reason of the ingest is about
    Reason.NO_ID: "device_id", Reason.LONG_ID: "device_id", Reason.NO_TIME: "timestamp", Reason.FUTURE: "timestamp",
    Reason.OLDEST: "timestamp", Reason.NO_POSITION: "location", Reason.NULL_ISLAND: "location",
    Reason.DUPLICATE: "timestamp",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Why an item is not taken: the standard's word, ours, and the fields that it is about."""

    error: str
    what: str
    fields: tuple[str, ...] = ()
    reason: Reason = Reason.BAD_FIELD


@dataclass
class Bulk:
    """What became of n items: `faults` has one for each, None for what was taken."""

    items: list[Any]
    faults: list[Fault | None] = field(default_factory=list)

    @property
    def success(self) -> int:
        return self.faults.count(None)

    @property
    def errors(self) -> set[str]:
        return {f.error for f in self.faults if f is not None}

    def as_dict(self) -> dict[str, Any]:
        """The standard's answer to a call with many items."""
        failures = [
            {"item": item, "error": f.error, "error_description": f.what, "error_details": list(f.fields)}
            for item, f in zip(self.items, self.faults, strict=True)
            if f is not None
        ]
        return {"success": self.success, "total": len(self.items), "failures": failures}


# ── what an item must be ─────────────────────────────────────────────────────────────────────────────────────────

Test = Callable[[Any], bool]


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_place(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), int | float) and not isinstance(value.get(name), bool) for name in ("lat", "lng")
    )


def _is_state(value: Any) -> bool:
    return isinstance(value, str) and value in STATES


def _are_types(value: Any) -> bool:
    words = isinstance(value, list) and all(isinstance(v, str) and re.fullmatch("[a-z_]{1,60}", v) for v in value)
    return bool(value) and words and len(",".join(value)) <= LONGEST_TYPES


TELEMETRY: dict[str, Test] = {"device_id": is_uuid, "timestamp": _is_time, "location": _is_place}
EVENT: dict[str, Test] = {**TELEMETRY, "event_id": is_uuid, "vehicle_state": _is_state, "event_types": _are_types}


def check(item: Any, required: dict[str, Test], provider: str) -> Fault | None:
    """The first fault of an item: not an object, something missing, something that it cannot be, another's."""
    if not isinstance(item, dict):
        return Fault("bad_param", _("应为 JSON 对象"))
    missing = tuple(name for name in required if item.get(name) is None)
    if missing:
        return Fault("missing_param", _("缺少必填项"), missing)
    wrong = tuple(name for name, test in required.items() if not test(item[name]))
    if wrong:
        return Fault("bad_param", _("不是应有的形式"), wrong)
    if item.get("provider_id") not in (None, provider):
        return Fault("bad_param", _("令牌属于 provider_id %(id)s") % {"id": provider}, ("provider_id",))
    return None


# ── the two feeds ────────────────────────────────────────────────────────────────────────────────────────────────


def telemetry(operator: Operator, items: list[Any], now: datetime) -> Bulk:
    """Take in points of telemetry. Committed when it returns; a constant number of queries.

    A point has the state of the vehicle's newest event that is not later than it; one of a trip is of a ride.
    """
    bulk = _checked(operator, items, TELEMETRY)
    with transaction.atomic():
        ids = _registered(operator, bulk, now)
        last = _last(operator, ids)
        _ingest(operator, bulk, [_point(item, fault, last) for item, fault in _pairs(bulk)], now)
    return bulk


def events(operator: Operator, items: list[Any], now: datetime) -> Bulk:
    """Take in events: a position each, and the state that the vehicle has from then on. Committed when it returns.

    An event at the very time of a point of telemetry that came before is no second position, but it is taken.
    """
    bulk = _checked(operator, items, EVENT)
    with transaction.atomic():
        ids = _registered(operator, bulk, now)
        last = _last(operator, ids)
        good = bulk.faults.copy()
        _ingest(operator, bulk, [_event(item, fault) for item, fault in _pairs(bulk)], now)
        newest = _newest(bulk, good, last)
        _remember(operator, newest)
        _apply(operator, newest)
    return bulk


def _pairs(bulk: Bulk) -> Any:
    return zip(bulk.items, bulk.faults, strict=True)


def _checked(operator: Operator, items: list[Any], required: dict[str, Test]) -> Bulk:
    provider = provider_id(operator.organisation.code)
    return Bulk(items, [check(item, required, provider) for item in items])


def _registered(operator: Operator, bulk: Bulk, now: datetime) -> list[str]:
    """Lock the operator; refuse devices that are not registered, and note that they were seen. The ids that are left."""
    list(Operator.objects.select_for_update(no_key=True, of=("self",)).filter(pk=operator.pk).values_list("pk"))
    ids = {item["device_id"] for item, fault in _pairs(bulk) if fault is None}
    if not settings.current().ingest.registered_only:
        return sorted(ids)
    rows = Vehicle.objects.filter(operator=operator, vehicle_id__in=ids).order_by()
    known = {str(name) for name in rows.values_list("vehicle_id", flat=True)}
    strange: Counter[str] = Counter()
    none = Fault("unregistered", str(Reason.UNREGISTERED.label), ("device_id",), Reason.UNREGISTERED)
    for n, (item, fault) in enumerate(_pairs(bulk)):
        if fault is None and item["device_id"] not in known:
            bulk.faults[n] = none
            strange[item["device_id"]] += 1
    _note(operator, strange, now)
    return sorted(known)


def _note(operator: Operator, strange: Counter[str], now: datetime) -> None:
    """Devices in the street that the registry does not name: the reconciliation lists them."""
    table, at = UnknownVehicle._meta.db_table, connection.ops.adapt_datetimefield_value(now)
    if strange:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {table} (operator_id, vehicle_id, first_seen_at, last_seen_at, times) "  # noqa: S608
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (operator_id, vehicle_id) DO UPDATE SET "
                f"last_seen_at = excluded.last_seen_at, times = {table}.times + excluded.times",
                [(operator.pk, name, at, at, times) for name, times in sorted(strange.items())],
            )


def _last(operator: Operator, ids: list[str]) -> dict[str, tuple[int, str]]:
    """Time and state of the newest event of each of these vehicles."""
    rows = VehicleEvent.objects.filter(operator=operator, vehicle_id__in=ids)
    return {name: (at, state) for name, at, state in rows.values_list("vehicle_id", "at_ms", "state")}


def _point(item: Any, fault: Fault | None, last: dict[str, tuple[int, str]]) -> dict[str, Any]:
    if fault is not None:
        return _refused(item)
    at, state = last.get(item["device_id"], (0, FeedState.UNKNOWN))
    known = state if item["timestamp"] >= at else FeedState.UNKNOWN
    riding = bool(item.get("trip_ids")) or item.get("journey_id") is not None
    return _row(item, FeedState.ON_TRIP if riding else known)


def _event(item: Any, fault: Fault | None) -> dict[str, Any]:
    return _refused(item) if fault is not None else _row(item, item["vehicle_state"])


def _row(item: Any, state: str) -> dict[str, Any]:
    place = item["location"]
    return {
        "vehicle_id": item["device_id"],
        "at_ms": item["timestamp"],
        "lon": place["lng"],
        "lat": place["lat"],
        "accuracy_m": place.get("horizontal_accuracy"),
        "state": state,
    }


def _refused(item: Any) -> dict[str, Any]:
    """Only what an example in the quality report shows."""
    return {"vehicle_id": item.get("device_id") if isinstance(item, dict) else None}


def _ingest(operator: Operator, bulk: Bulk, rows: list[dict[str, Any]], now: datetime) -> None:
    """Hand all rows over, the refused ones with their reason, and take what was not kept into the faults."""
    refused = np.array([0 if f is None else checks.coded(f.reason) for f in bulk.faults], np.int8)
    found = receive.ingest(operator, dataclasses.replace(Positions.of(rows), refused=refused), Source.MDS, now)
    faults: dict[int, Fault] = {}
    for n in np.flatnonzero((found.why != checks.KEPT) & (refused == 0)).tolist():
        code = int(found.why[n])
        if code not in faults:
            reason = checks.REASONS[code - 1]
            error = "duplicate" if reason == Reason.DUPLICATE else "bad_param"
            faults[code] = Fault(error, str(reason.label), (ABOUT[reason],), reason)
        bulk.faults[n] = faults[code]


# ── the state of a vehicle ───────────────────────────────────────────────────────────────────────────────────────


def _newest(bulk: Bulk, good: list[Fault | None], last: dict[str, tuple[int, str]]) -> list[dict[str, Any]]:
    """Of each vehicle the newest event of the call, if it is newer than the one that is known. What the ingest called a
    duplicate only since telemetry brought the position before is a success then."""
    newest: dict[str, int] = {}
    for n, (item, fault) in enumerate(zip(bulk.items, good, strict=True)):
        now_bad = bulk.faults[n]
        if fault is not None or (now_bad is not None and now_bad.reason != Reason.DUPLICATE):
            continue
        name, at = item["device_id"], item["timestamp"]
        best = last.get(name, (-1, ""))[0] if name not in newest else bulk.items[newest[name]]["timestamp"]
        if at > best:
            newest[name] = n
    for n in newest.values():
        bulk.faults[n] = None
    return [bulk.items[n] for _name, n in sorted(newest.items())]


def _remember(operator: Operator, newest: list[dict[str, Any]]) -> None:
    names = ("at_ms", "event_id", "state", "types", "lon_e6", "lat_e6")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    into = f"INSERT INTO {VehicleEvent._meta.db_table} (operator_id, vehicle_id, {', '.join(names)})"
    rows = []
    for item in newest:
        state, place = item["vehicle_state"], item["location"]
        digits = settings.current().ingest.trip_decimals if state in RIDDEN else 6
        lon, lat = (round(round(place[name], digits) * 1e6) for name in ("lng", "lat"))
        types = ",".join(item["event_types"])
        rows.append(
            (operator.pk, item["device_id"], item["timestamp"], item["event_id"], state, types, lon, lat)
        )  # fmt: skip
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"{into} VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
                f"ON CONFLICT (operator_id, vehicle_id) DO UPDATE SET {changes}",
                rows,
            )


def _apply(operator: Operator, newest: list[dict[str, Any]]) -> None:
    """Where a position that is as new or newer is shown already, its state is now known. One that is in use or away is
    parked nowhere; one that is parked again is judged with its next position."""
    table = VehicleStatus._meta.db_table
    away = ", parked = NULL, bay_id = NULL, distance_mm = NULL, confidence = NULL, zone_id = NULL"
    where = "WHERE operator_id = %s AND vehicle_id = %s AND at_ms >= %s AND state <> %s"
    for gone in (False, True):
        rows = [
            (state, operator.pk, item["device_id"], item["timestamp"], state)
            for item in newest
            if ((state := item["vehicle_state"]) in (*RIDDEN, *ABSENT)) == gone
        ]
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(f"UPDATE {table} SET state = %s{away if gone else ''} {where}", rows)  # noqa: S608
