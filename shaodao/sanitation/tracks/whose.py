"""Which vehicle a fix is of: by the vehicle that it names, or by the vehicle in which its box sat at that time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.sanitation.models import BookEvent, Box, Vehicle
from shaodao.sanitation.tracks.sent import Sent
from shaodao.sanitation.words import TrackFault

EARLIEST = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Seat:
    """A box: since when (milliseconds, ascending, the first of all times) it sits in which vehicle."""

    box: Box
    since: NDArray[np.int64]
    vehicle: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fleet:
    """The book as the doors need it, by code. Vehicles that were taken away are in it: what they did stays true."""

    vehicles: dict[str, int]
    boxes: dict[str, Seat]
    codes: dict[int, str] = field(default_factory=dict)


def fleet(named: Iterable[str]) -> Fleet:
    """The vehicles, and the boxes in use with the moves of those that are named: three queries."""
    vehicles = dict(Vehicle.objects.order_by().values_list("code", "pk"))
    rows = {box.code: box for box in Box.objects.filter(active=True).order_by()}
    moved = [box.subject for code in dict.fromkeys(named) if (box := rows.get(code)) and box.version > 1]
    moves: dict[str, list[tuple[int, int]]] = {}
    if moved:
        for event in BookEvent.objects.filter(subject__in=moved).order_by("subject", "seq"):
            if "vehicle_id" in event.changes:
                at = int(event.at.timestamp() * 1000)
                moves.setdefault(event.subject, []).append((at, event.changes["vehicle_id"][1]))
    seats = {code: _seat(box, moves.get(box.subject, [])) for code, box in rows.items()}
    return Fleet(vehicles, seats, {pk: code for code, pk in vehicles.items()})


def _seat(box: Box, moves: list[tuple[int, int]]) -> Seat:
    moves = moves or [(EARLIEST, box.vehicle_id)]
    since = np.array([EARLIEST, *(at for at, _v in moves[1:])], np.int64)
    return Seat(box, since, np.array([v for _at, v in moves], np.int64))


def resolve(known: Fleet, sent: Sent) -> tuple[NDArray[np.int64], NDArray[np.object_], NDArray[np.object_]]:
    """(n,) keys of vehicles (-1 for none), why not (TrackFault or ""), and the datum of the box (None without one)."""
    n = len(sent)
    keys, why, datum = np.full(n, -1, np.int64), np.full(n, "", object), np.full(n, None, object)
    owner = np.full(n, None, object) if sent.owner is None else sent.owner
    named: dict[tuple[Any, ...], list[int]] = {}
    for row, names in enumerate(zip(sent.vehicle.tolist(), sent.box.tolist(), owner.tolist(), strict=True)):
        named.setdefault(tuple((name or "").strip() for name in names), []).append(row)
    for (vehicle, said, own), rows in named.items():
        at, box = np.array(rows), said or own
        if own and box != own:
            why[at] = TrackFault.FOREIGN
        elif not vehicle and not box:
            why[at] = TrackFault.NO_NAME
        elif (vehicle and vehicle not in known.vehicles) or (box and box not in known.boxes):
            why[at] = TrackFault.UNKNOWN
        elif box:
            seat = known.boxes[box]
            keys[at] = seat.vehicle[np.maximum(np.searchsorted(seat.since, sent.t[at], side="right") - 1, 0)]
            datum[at] = seat.box.datum
            if vehicle:
                other = at[keys[at] != known.vehicles[vehicle]]
                keys[other], why[other] = -1, TrackFault.TWO_VEHICLES
        else:
            keys[at] = known.vehicles[vehicle]
    return keys, why, datum


def boxes_of(sent: Sent) -> set[str]:
    """The codes of boxes that are named."""
    found = set(sent.box.tolist()) | (set() if sent.owner is None else set(sent.owner.tolist()))
    return {str(code).strip() for code in found if code}
