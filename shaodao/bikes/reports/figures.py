"""What a day's positions add up to: by operator, by hour, by street. One pass over any number of rows, no database.

Two measures stand side by side. *Positions* are fixes as they came; who reports every half minute has a hundred times as
many as who reports every hour. *Bike hours* count each bike once in each hour of the day in which it was judged, as its last
such fix of that hour found it: reporting often from well-parked bikes gains nothing, so the score uses these.

In order is a fix in or near a bay and in no no-parking zone; the rate is their share of those that are certain: all but
the *uncertain* ones, unless such a one stands in a no-parking zone. A bike outside of the district, and one of which the
feed says that it is not in the street, is counted and not judged.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
from pyarrow import dataset

from shaodao.bikes.words import Flag
from shaodao.foundation import clock
from shaodao.kernel.parking import Parked

VERSION = 1
"""Of the meaning of these figures; it stands in every report."""
MEMORY = "1GB"
"""What DuckDB may hold; more goes to disk, beside the system's temporary files."""
WORST_BAYS = 20
COUNTS = (
    "positions",
    "absent",
    "elsewhere",
    "in_bay",
    "near_bay",
    "outside",
    "uncertain",
    "in_zone",
    "certain",
    "in_order",
)
HOURS = ("bike_hours", "bike_hours_certain", "bike_hours_in_order")
Positions: TypeAlias = pa.Table | dataset.Dataset


@dataclass(frozen=True)
class Day:
    """`figures` as `compute` gives them; `seen`: the ids of the bikes that each operator had in the street."""

    figures: dict[str, Any]
    seen: dict[str, list[str]]


def compute(
    positions: Positions, day: date, *, capacity: Mapping[str, int] | None = None, everywhere: bool = False, unique: bool = False
) -> dict[str, Any]:  # fmt: skip
    """The figures of a day: {"all": group, "operators": {code: group}, "bays": {…}}.

    A group: the COUNTS of its positions, "vehicles" (different bikes that were judged), HOURS, "in_order_rate" (of bike
    hours) and "position_rate" (null where nothing is certain); "hours" {"00": …} and "streets" {code: …} hold the same
    again. `positions`: columns of ingest/receive.SCHEMA and `operator`; all but vehicle_id and time may be missing.
    `capacity`: bikes by code of bay; then "bays" says which held more than that, else it is null. `everywhere`: bikes
    outside of the district are judged too. `unique`: no fix is in there twice, so that none has to be looked for.
    """
    return count(positions, day, capacity=capacity, everywhere=everywhere, unique=unique).figures


def count(
    positions: Positions, day: date, *, capacity: Mapping[str, int] | None = None, everywhere: bool = False, unique: bool = False
) -> Day:  # fmt: skip
    """As `compute`, with the bikes that were seen."""
    begin = datetime.combine(day, time(), clock.LOCAL)
    span = (int(begin.timestamp() * 1000), int((begin + timedelta(days=1)).timestamp() * 1000))
    with tempfile.TemporaryDirectory(prefix="shaodao-report-") as room, duckdb.connect() as sql:
        # DuckDB 1.5 fails inside its top_n_window_elimination on the window of `_fixes`.
        sql.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory='{room}'")
        sql.execute("SET disabled_optimizers='top_n_window_elimination'")
        sql.register("given", positions)
        sql.execute(_fixes(positions.schema.names, span, everywhere, unique))
        sql.execute(_CELLS)
        sql.execute(_BIKE_HOURS)
        groups = _groups(sql)
        seen: dict[str, list[str]] = {}
        for operator, vehicle in sql.execute(_SEEN).fetchall():
            seen.setdefault(operator, []).append(vehicle)
        bays = _bays(sql, capacity) if capacity is not None else None
    return Day({"all": groups.pop(None), "operators": groups, "bays": bays}, seen)


# ── the pass ─────────────────────────────────────────────────────────────────────────────────────────────────────

_MISSING = {
    "operator": "''", "parked": "NULL::TINYINT", "bay": "NULL::VARCHAR", "street": "NULL::VARCHAR", "zone": "NULL::VARCHAR",
    "flags": "0", "received": "time",
}  # fmt: skip


def _fixes(names: list[str], span: tuple[int, int], everywhere: bool, unique: bool) -> str:
    """The view `fixes`: of the day, each (vehicle, time) once (the first received), with what is judged of it."""

    def column(name: str) -> str:
        if name == "operator" and name in names:
            return "coalesce(operator, '') AS operator"
        return name if name in names else f"{_MISSING[name]} AS {name}"

    begin, end = span
    once = "" if unique else "QUALIFY row_number() OVER (PARTITION BY operator, vehicle_id, ms ORDER BY received) = 1"
    elsewhere = "false" if everywhere else f"(flags & {Flag.OUTSIDE.value}) <> 0"
    return f"""
        CREATE TEMP VIEW fixes AS
        WITH day AS (
            SELECT vehicle_id, epoch_ms(time) AS ms, {", ".join(column(name) for name in _MISSING)} FROM given
            WHERE epoch_ms(time) >= {begin} AND epoch_ms(time) < {end}
        ), once AS (SELECT * FROM day {once}),
        told AS (SELECT *, ((ms - {begin}) // 3600000)::INTEGER AS hour, coalesce(street, '') AS place,
            parked IS NULL AS absent, parked IS NOT NULL AND {elsewhere} AS elsewhere,
            parked IS NOT NULL AND NOT {elsewhere} AS judged FROM once)
        SELECT *, judged AND (parked <> {Parked.UNCERTAIN.value} OR zone IS NOT NULL) AS certain,
            judged AND parked IN ({Parked.IN_BAY.value}, {Parked.NEAR_BAY.value}) AND zone IS NULL AS in_order FROM told
    """  # noqa: S608 - numbers and names of columns of ours


def _class(parked: Parked) -> str:
    return f"count(*) FILTER (judged AND parked = {parked.value})"


_CELLS = f"""
    CREATE TEMP TABLE cells AS SELECT operator, vehicle_id, hour, place,
        count(*) AS positions, count(*) FILTER (absent) AS absent, count(*) FILTER (elsewhere) AS elsewhere,
        {_class(Parked.IN_BAY)} AS in_bay, {_class(Parked.NEAR_BAY)} AS near_bay, {_class(Parked.OUTSIDE)} AS outside,
        {_class(Parked.UNCERTAIN)} AS uncertain, count(*) FILTER (judged AND zone IS NOT NULL) AS in_zone,
        count(*) FILTER (certain) AS certain, count(*) FILTER (in_order) AS in_order,
        max(ms) FILTER (judged) AS last_ms,
        arg_max({{'certain': certain, 'in_order': in_order, 'bay': bay}}, ms) FILTER (judged) AS last
    FROM fixes GROUP BY operator, vehicle_id, hour, place
"""  # noqa: S608
"""The one pass: a row for each bike, hour and street, so a day of any feed is some hundred thousand rows from here on."""
_BIKE_HOURS = """
    CREATE TEMP TABLE bike_hours AS SELECT operator, vehicle_id, hour, arg_max(place, last_ms) AS place,
        arg_max(last, last_ms).certain AS certain, arg_max(last, last_ms).in_order AS in_order,
        arg_max(last, last_ms).bay AS bay
    FROM cells WHERE last_ms IS NOT NULL GROUP BY operator, vehicle_id, hour
"""
_SEEN = "SELECT DISTINCT operator, vehicle_id FROM cells WHERE last_ms IS NOT NULL ORDER BY 1, 2"
_SETS = "GROUPING SETS ((), (hour), (place), (operator), (operator, hour), (operator, place))"
_KEYS = "grouping(operator) AS o, grouping(hour) AS h, grouping(place) AS p, operator, hour, place"


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _groups(sql: duckdb.DuckDBPyConnection) -> dict[Any, dict[str, Any]]:
    """{None: all, code: of that operator}, each with its hours and streets."""
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in COUNTS)
    bikes = "count(DISTINCT (operator, vehicle_id)) FILTER (last_ms IS NOT NULL) AS vehicles"
    found: dict[Any, dict[str, Any]] = {None: _empty() | {"hours": {}, "streets": {}}}
    for row in _rows(sql, f"SELECT {_KEYS}, {sums}, {bikes} FROM cells GROUP BY {_SETS}"):  # noqa: S608
        _at(found, row).update({name: row[name] or 0 for name in (*COUNTS, "vehicles")})
    hours = "count(*) AS bike_hours, count(*) FILTER (certain) AS bike_hours_certain"
    hours += ", count(*) FILTER (in_order) AS bike_hours_in_order"
    for row in _rows(sql, f"SELECT {_KEYS}, {hours} FROM bike_hours GROUP BY {_SETS}"):  # noqa: S608
        _at(found, row).update({name: row[name] for name in HOURS})
    for whole in found.values():
        for group in (whole, *whole["hours"].values(), *whole["streets"].values()):
            group["in_order_rate"] = rate(group["bike_hours_in_order"], group["bike_hours_certain"])
            group["position_rate"] = rate(group["in_order"], group["certain"])
        whole["hours"], whole["streets"] = (dict(sorted(whole[name].items())) for name in ("hours", "streets"))
    return dict(sorted(found.items(), key=lambda item: (item[0] is not None, item[0] or "")))


def _rows(sql: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = sql.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _at(found: dict[Any, dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
    """The group that a row of sums belongs to, made where it is the first."""
    whole = found.setdefault(None if row["o"] else row["operator"], _empty() | {"hours": {}, "streets": {}})
    if not row["h"]:
        made: dict[str, Any] = whole["hours"].setdefault(f"{row['hour']:02d}", _empty())
        return made
    return whole if row["p"] else whole["streets"].setdefault(row["place"], _empty())


def _empty() -> dict[str, Any]:
    return dict.fromkeys((*COUNTS, "vehicles", *HOURS), 0)


def nothing() -> dict[str, Any]:
    """The group of an operator of which nothing came in."""
    return _empty() | {"in_order_rate": None, "position_rate": None, "hours": {}, "streets": {}}


def rate(part: int, whole: int) -> float | None:
    """A share with four digits, None of nothing."""
    return round(part / whole, 4) if whole else None


# ── bays ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _bays(sql: duckdb.DuckDBPyConnection, capacity: Mapping[str, int]) -> dict[str, Any]:
    """How many of the hours of bays had more bikes than the bay holds, and the bays that had it most.

    Bikes of an hour are those whose last fix in it was at the bay. Bays without a known capacity are left out.
    """
    known = pa.table(
        {"bay": pa.array(list(capacity), pa.string()), "capacity": pa.array(list(capacity.values()), pa.int64())}
    )
    sql.register("known", known)
    sql.execute("""
        CREATE TEMP TABLE bay_hours AS SELECT bay, hour, capacity, count(*) AS bikes
        FROM bike_hours JOIN known USING (bay) GROUP BY bay, hour, capacity
    """)
    (found,) = _rows(sql, """
        SELECT count(*) AS bay_hours, count(*) FILTER (bikes > capacity) AS over,
            count(DISTINCT bay) FILTER (bikes > capacity) AS bays_over FROM bay_hours
    """)  # fmt: skip
    worst = _rows(sql, f"""
        SELECT bay, count(*) AS hours, max(bikes) AS most, any_value(capacity) AS capacity FROM bay_hours
        WHERE bikes > capacity GROUP BY bay ORDER BY hours DESC, most - any_value(capacity) DESC, bay LIMIT {WORST_BAYS}
    """)  # noqa: S608  # fmt: skip
    return {**found, "worst": worst}
