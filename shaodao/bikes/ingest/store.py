"""Reads and writes of vehicle statuses by the thousand: one statement each, in the database's own tongue.

Django's bulk upsert builds a placeholder for every value (22 a row), which costs several times what the write does. Here
columns go over as arrays: `unnest` on PostgreSQL, `executemany` on SQLite.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from shaodao.bikes.ingest.positions import NO_TIME
from shaodao.bikes.models import Operator, VehicleStatus
from shaodao.bikes.words import FeedState
from shaodao.kernel.standing import State

RECENT = 16
"""Fixes of a vehicle whose times are remembered. An older copy of a fix is late, and falls out when the day is closed."""
Times = NDArray[np.int64]

COLUMNS = {
    "operator_id": "bigint", "vehicle_id": "text", "state": "text", "at_ms": "bigint", "received_ms": "bigint",
    "lon_e6": "integer", "lat_e6": "integer", "accuracy_m": "float8", "parked": "smallint", "bay_id": "bigint",
    "distance_mm": "integer", "confidence": "smallint", "zone_id": "bigint", "street_id": "bigint", "community_id": "bigint",
    "stood_since_ms": "bigint", "stood_lon_e6": "integer", "stood_lat_e6": "integer", "wrong_fixes": "integer",
    "flags": "integer", "recent": "bytea",
}  # fmt: skip
_TABLE = VehicleStatus._meta.db_table
_READ = "vehicle_id, at_ms, lon_e6, lat_e6, stood_since_ms, stood_lon_e6, stood_lat_e6, wrong_fixes, recent"
_KEY = ("operator_id", "vehicle_id")
PLACED = ("parked", "bay_id", "distance_mm", "confidence", "zone_id", "street_id", "community_id")


@dataclass(frozen=True, eq=False)
class Known:
    """What is stored of v vehicles: their standing, and (v, RECENT) times of their last fixes, `NO_TIME` for none."""

    state: State
    recent: Times


def lock(operator_id: int) -> None:
    """One writer at a time for each operator. A lock that lets others refer to the operator meanwhile."""
    list(Operator.objects.select_for_update(no_key=True, of=("self",)).filter(pk=operator_id).values_list("pk"))


def read(operator_id: int, ids: list[str]) -> Known:
    """The stored state of some of an operator's vehicles, in the order of `ids`. One statement."""
    where = {vehicle_id: v for v, vehicle_id in enumerate(ids)}
    among, wanted = _among(ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_READ} FROM {_TABLE} WHERE operator_id = %s AND {among}", [operator_id, wanted])  # noqa: S608
        rows = cursor.fetchall()
    state, recent = State.nothing(len(ids)), np.full((len(ids), RECENT), NO_TIME)
    if rows:
        columns = list(zip(*rows, strict=True))
        v = np.array([where[vehicle_id] for vehicle_id in columns[0]])
        fields: tuple[NDArray[Any], ...] = (
            state.at,
            state.lon,
            state.lat,
            state.since,
            state.from_lon,
            state.from_lat,
            state.wrong,
        )
        for kept, values in zip(fields, columns[1:8], strict=True):
            kept[v] = values
        recent[v] = np.frombuffer(b"".join(_padded(times) for times in columns[8]), np.int64).reshape(-1, RECENT)
    return Known(state, recent)


_NONE = np.full(RECENT, NO_TIME).tobytes()


def _padded(times: Any) -> bytes:
    kept = bytes(times)
    return kept if len(kept) == len(_NONE) else (kept + _NONE)[: len(_NONE)]


def write(columns: dict[str, list[Any]]) -> None:
    """Insert or replace statuses by (operator, vehicle): one list for each of COLUMNS, all of one length."""
    names = ", ".join(COLUMNS)
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in _KEY)
    into, conflict = f"INSERT INTO {_TABLE} ({names})", f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {changes}"
    values = [columns[name] for name in COLUMNS]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in COLUMNS.values())
            cursor.execute(f"{into} SELECT * FROM unnest({arrays}) {conflict}", [_array(v) for v in values])  # noqa: S608
        else:
            marks = ", ".join(["%s"] * len(COLUMNS))
            cursor.executemany(f"{into} VALUES ({marks}) {conflict}", list(zip(*values, strict=True)))


def place(rows: list[tuple[Any, ...]]) -> None:
    """Judge anew: (parked, bay_id, distance_mm, confidence, zone_id, street_id, community_id, id of the status) of each."""
    if not rows:
        return
    sets = ", ".join(f"{name} = %s" for name in PLACED)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {_TABLE} SET {sets} WHERE id = %s", rows)  # noqa: S608


def percent(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """As it is stored; what is NaN has to be masked."""
    return np.rint(np.nan_to_num(confidence) * 100).astype(np.int64)


def filled(values: NDArray[Any], none: NDArray[np.bool_]) -> list[Any]:
    """As a list, None where there is none."""
    return [None if empty else value for value, empty in zip(values.tolist(), none.tolist(), strict=True)]


def _array(values: list[Any]) -> str:
    """PostgreSQL's literal of an array, several times faster than psycopg's own: JSON's with other brackets.

    True of numbers, of null, of bytes as hexadecimal, and of text without control characters (checks.py lets none in):
    both quote with double quotes and a backslash.
    """
    if values and isinstance(values[0], bytes):
        values = [f"\\x{value.hex()}" for value in values]
    return "{" + orjson.dumps(values)[1:-1].decode() + "}"


def seen_before(known: Known, vehicle: Times, at: Times) -> NDArray[np.bool_]:
    """(k,) which fixes are copies of one that is remembered."""
    return np.asarray((known.recent[vehicle] == at[:, None]).any(axis=1))


def remember(known: Known, vehicle: Times, at: Times) -> Times:
    """(v, RECENT) times after k more fixes (in the order of vehicle and time): the newest of each vehicle."""
    own = np.repeat(np.arange(known.recent.shape[0]), RECENT)
    whose, times = np.concatenate([own, vehicle]), np.concatenate([known.recent.ravel(), at])
    order = np.lexsort((times, whose))
    whose, times = whose[order], times[order]
    past = np.searchsorted(whose, np.arange(known.recent.shape[0]), side="right")
    return np.asarray(times[past[:, None] - 1 - np.arange(RECENT)])


def remind(operator_id: int, received_ms: int, ids: list[str], recent: list[bytes]) -> None:
    """Vehicles of which only late fixes came: their position stays, what was seen of them does not."""
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {_TABLE} SET received_ms = %s, recent = %s WHERE operator_id = %s AND vehicle_id = %s",  # noqa: S608
            [(received_ms, times, operator_id, name) for name, times in zip(ids, recent, strict=True)],
        )


def listed(operator_id: int, ids: list[str], now_ms: int) -> None:
    """After a feed that lists all its vehicles: these are still there, whatever time the feed gave; all others are gone."""
    among, wanted = _among(ids)
    gone = "state = 'gone', parked = NULL, bay_id = NULL, zone_id = NULL, distance_mm = NULL, confidence = NULL"
    stay = f"UPDATE {_TABLE} SET received_ms = %s WHERE operator_id = %s AND received_ms < %s AND {among}"  # noqa: S608
    leave = f"UPDATE {_TABLE} SET received_ms = %s, {gone} WHERE operator_id = %s AND state <> 'gone' AND NOT ({among})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(stay, [now_ms, operator_id, now_ms, wanted])
        cursor.execute(leave, [now_ms, operator_id, wanted])


def still_listed(operator_id: int, since_ms: int, now_ms: int) -> None:
    """The feed's whole list of `since_ms` still holds: what it listed is still there."""
    listed = VehicleStatus.objects.filter(operator_id=operator_id, received_ms__gte=since_ms, received_ms__lt=now_ms)
    listed.exclude(state=FeedState.GONE).update(received_ms=now_ms)


def _among(ids: list[str]) -> tuple[str, Any]:
    """A condition with one placeholder that a status is of one of these vehicles, and the value for it."""
    if connection.vendor == "postgresql":
        return "vehicle_id = ANY(%s::text[])", _array(ids)
    return "vehicle_id IN (SELECT value FROM json_each(%s))", orjson.dumps(ids).decode()
