"""The calls of the agency API: vehicles, their status, events, telemetry."""

from collections.abc import Callable
from typing import Any

from django.conf import settings as program
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from shaodao.bikes import tables
from shaodao.bikes.actions import perform
from shaodao.bikes.actions.devices import REGISTERED, TAKEN, UNREGISTERED, NothingTaken, Outcome, Pushed
from shaodao.bikes.ingest.sources import mds
from shaodao.bikes.models import Vehicle, VehicleEvent, VehicleStatus
from shaodao.bikes.providers import provider_id
from shaodao.bikes.views.mds import VERSION, Caller, Fault, bulk, endpoint, feeds, items_of, respond
from shaodao.bikes.words import Reason, VehicleKind
from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.foundation.tables import Bad

PAGE = 1000
TTL = 60_000  # milliseconds
KINDS = frozenset({"bicycle", "cargo_bicycle"})
MOTOR = frozenset({"electric", "electric_assist"})
PROPULSION = MOTOR | {
    "human", "combustion", "combustion_diesel", "hybrid", "hydrogen_fuel_cell", "plug_in_hybrid",
}  # fmt: skip

# ── positions ────────────────────────────────────────────────────────────────────────────────────────────────────


@feeds
def _telemetry(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = mds.telemetry(caller.operator, items_of(request, "telemetry", "data"), clock.now())
    return bulk(found.as_dict(), found.errors, created=True)


@feeds
def _events(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = mds.events(caller.operator, items_of(request, "events", "data"), clock.now())
    return bulk(found.as_dict(), found.errors, created=True)


# ── the registry ─────────────────────────────────────────────────────────────────────────────────────────────────


def _plate(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(tables.plate(value))
    except Bad:
        return False


def _propulsion(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v in PROPULSION for v in value)


VEHICLE: dict[str, mds.Test] = {
    "device_id": mds.is_uuid,
    "vehicle_id": _plate,
    "vehicle_type": lambda value: isinstance(value, str) and value in KINDS,
    "propulsion_types": _propulsion,
}
SAID = {
    REGISTERED: lambda: _("已经登记"),
    UNREGISTERED: lambda: str(Reason.UNREGISTERED.label),
}


def _register(request: HttpRequest, caller: Caller) -> HttpResponse:
    return _push(request, caller, update=False)


def _change(request: HttpRequest, caller: Caller) -> HttpResponse:
    return _push(request, caller, update=True)


def _push(request: HttpRequest, caller: Caller, *, update: bool) -> HttpResponse:
    """One event of the operator for a call; none if no row was taken."""
    items = items_of(request, "vehicles", "data")
    provider = provider_id(caller.operator.organisation.code)
    found = mds.Bulk(items, [mds.check(item, VEHICLE, provider) for item in items])
    good = [n for n, fault in enumerate(found.faults) if fault is None]
    rows = [_pushed(items[n]) for n in good]
    for n, outcome in zip(good, _outcomes(caller, rows, update), strict=True):
        if outcome.error != TAKEN:
            found.faults[n] = mds.Fault(outcome.error, SAID[outcome.error](), (outcome.field,))
    return bulk(found.as_dict(), found.errors, created=not update)


def _pushed(item: dict[str, Any]) -> Pushed:
    motor = MOTOR & set(item["propulsion_types"])
    return Pushed(item["device_id"], item["vehicle_id"], VehicleKind.EBIKE if motor else VehicleKind.BICYCLE)


def _outcomes(caller: Caller, rows: list[Pushed], update: bool) -> list[Outcome]:
    if not rows:
        return []
    try:
        done = perform(
            "push_vehicles", caller.operator.pk, caller.actor, data={"rows": rows, "update": str(update).lower()}
        )
    except NothingTaken as error:
        return error.outcomes
    except Refused as error:
        raise Fault(403, "unauthorized", error.reason) from None
    found: list[Outcome] = done.result
    return found


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────


def _vehicles(request: HttpRequest, caller: Caller, device_id: str = "") -> HttpResponse:
    rows = Vehicle.objects.filter(operator=caller.operator).exclude(vehicle_id=None).order_by("vehicle_id")
    provider = provider_id(caller.operator.organisation.code)
    return _listed(request, "vehicles", rows, device_id, lambda page: [_vehicle(v, provider) for v in page])


def _vehicle(row: Vehicle, provider: str) -> dict[str, Any]:
    motor = ["electric_assist"] if row.kind == VehicleKind.EBIKE else []
    return {
        "device_id": row.vehicle_id,
        "provider_id": provider,
        "vehicle_id": row.plate,
        "vehicle_type": "bicycle",
        "propulsion_types": ["human", *motor],
    }


def _status(request: HttpRequest, caller: Caller, device_id: str = "") -> HttpResponse:
    rows = VehicleStatus.objects.filter(operator=caller.operator).order_by("vehicle_id")
    provider = provider_id(caller.operator.organisation.code)

    def shown(page: list[VehicleStatus]) -> list[dict[str, Any]]:
        ids = [v.vehicle_id for v in page]
        found = VehicleEvent.objects.filter(operator=caller.operator, vehicle_id__in=ids)
        last = {e.vehicle_id: e for e in found}
        return [_state(v, last.get(v.vehicle_id), provider) for v in page]

    return _listed(request, "vehicles_status", rows, device_id, shown)


def _state(row: VehicleStatus, event: VehicleEvent | None, provider: str) -> dict[str, Any]:
    both = {"device_id": row.vehicle_id, "provider_id": provider}
    last = event and {
        **both,
        "event_id": event.event_id,
        "vehicle_state": event.state,
        "event_types": event.types.split(","),
        "timestamp": event.at_ms,
        "location": {"lat": event.lat_e6 / 1e6, "lng": event.lon_e6 / 1e6},
    }
    accuracy = {} if row.accuracy_m is None else {"horizontal_accuracy": row.accuracy_m}
    place = {"lat": row.lat_e6 / 1e6, "lng": row.lon_e6 / 1e6, **accuracy}
    point = {**both, "timestamp": row.at_ms, "location": place}
    return {**both, "last_event": last, "last_telemetry": point}


def _listed(
    request: HttpRequest, name: str, rows: QuerySet[Any], device_id: str, show: Callable[[Any], list[dict[str, Any]]]
) -> HttpResponse:
    """One vehicle (404 if there is none), or a page of all with links to the others."""
    head: dict[str, Any] = {"version": VERSION, "last_updated": int(clock.now().timestamp() * 1000), "ttl": TTL}
    if device_id:
        if not mds.is_uuid(device_id):
            raise Fault(400, "bad_param", _("不是应有的形式"), ("device_id",))
        found = list(rows.filter(vehicle_id=device_id))
        if not found:
            raise Fault(404, "unregistered", _("没有这辆车"), ("device_id",))
        return respond({**head, name: show(found)})
    page, pages = _page(request), -(-rows.count() // PAGE) or 1
    found = list(rows[(page - 1) * PAGE : page * PAGE])
    return respond({**head, name: show(found), "links": _links(request, page, pages)})


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text)):
        raise Fault(400, "bad_param", _("页码应为从 1 起的整数"), ("page",))
    return int(text)


def _links(request: HttpRequest, page: int, pages: int) -> dict[str, str | None]:
    def at(number: int) -> str | None:
        return f"{program.ORIGIN}{request.path}?page={number}" if 1 <= number <= pages else None

    return {"first": at(1), "last": at(pages), "prev": at(page - 1), "next": at(page + 1)}


def _lost(request: HttpRequest, caller: Caller) -> HttpResponse:
    raise Fault(404, "bad_param", _("没有这个地址"))


vehicles = endpoint(get=_vehicles, post=_register, put=_change)
vehicle = endpoint(get=_vehicles)
statuses = endpoint(get=_status)
telemetry = endpoint(post=_telemetry)
events = endpoint(post=_events)
lost = endpoint(get=_lost, post=_lost, put=_lost, patch=_lost, delete=_lost)
