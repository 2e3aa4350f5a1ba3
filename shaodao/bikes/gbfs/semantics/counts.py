"""Numbers that have to agree with each other."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.bikes.gbfs.feed import Feed, Floats, Table, mapping, number
from shaodao.bikes.gbfs.findings import Finding, error, shown, warning

MANY_TIMES, AT_LEAST = 10, 100
"""A station with ten times as many vehicles as places, and at least a hundred, is not merely full."""


def total(parts: Any) -> float:
    """Sum of the `count` of an array (3.x, and status files), or of the values of an object (2.x capacities); NaN if absent."""
    if isinstance(parts, list):
        return float(sum(number(mapping(part).get("count")) for part in parts))
    if isinstance(parts, dict):
        return float(sum(number(value) for value in parts.values()))
    return np.nan


def _unequal(table: Table, whole: str, parts: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows where `parts` is there and does not add up to `whole`."""
    said = table.numbers(whole)
    for row, entry in enumerate(table.rows):
        added = total(entry.get(parts))
        if not np.isnan(said[row]) and not np.isnan(added) and added != said[row]:
            yield row, {"whole": whole, "said": f"{said[row]:g}", "parts": parts, "sum": f"{added:g}"}


def sum_of_types(feed: Feed) -> Iterator[Finding]:
    """ "The total number of vehicles from each of these objects SHOULD add up to match the value specified in the
    num_vehicles_available field" (station_status.json). An error here: one of the two numbers is untrue.
    """
    for row, words in _unequal(feed.statuses, feed.words.available, "vehicle_types_available"):
        what = _("%(whole)s 是 %(said)s，而 %(parts)s 各车型之和是 %(sum)s") % words
        yield error("sum-of-types", feed.statuses.label, feed.statuses.path(row, feed.words.available), what)


def sum_of_docks(feed: Feed) -> Iterator[Finding]:
    """ "The total number of docks from each of these objects SHOULD add up to match the value specified in the
    num_docks_available field" (station_status.json). A warning: a dock for two types may be counted for both.
    """
    for row, words in _unequal(feed.statuses, "num_docks_available", "vehicle_docks_available"):
        what = _("%(whole)s 是 %(said)s，而 %(parts)s 之和是 %(sum)s") % words
        yield warning("sum-of-docks", feed.statuses.label, feed.statuses.path(row, "num_docks_available"), what)


def sum_of_capacity(feed: Feed) -> Iterator[Finding]:
    """The parts of a capacity "SHOULD add up to match the value specified in the capacity field" (station_information.json,
    3.0); in 2.x nothing is said about the sum.
    """
    if feed.major < 3:
        return
    for parts in ("vehicle_types_capacity", "vehicle_docks_capacity"):
        for row, words in _unequal(feed.stations, "capacity", parts):
            what = _("%(whole)s 是 %(said)s，而 %(parts)s 之和是 %(sum)s") % words
            yield warning("sum-of-capacity", feed.stations.label, feed.stations.path(row, "capacity"), what)


def _of_station(feed: Feed, key: str) -> Floats:
    """A column of station_information, by row of station_status; NaN where the station is unknown."""
    values = feed.stations.numbers(key)
    rows = [feed.station_rows.get(s, -1) if s is not None else -1 for s in feed.statuses.texts("station_id")]
    return np.array([values[row] if row >= 0 else np.nan for row in rows], dtype=np.float64)


def _flag_of_station(feed: Feed, key: str) -> NDArray[np.bool_]:
    """A yes of station_information, by row of station_status."""
    rows = [feed.station_rows.get(s, -1) if s is not None else -1 for s in feed.statuses.texts("station_id")]
    return np.array([row >= 0 and feed.stations.rows[row].get(key) is True for row in rows], dtype=bool)


def capacity_exceeded(feed: Feed) -> Iterator[Finding]:
    """`capacity` is the "number of total docking points installed at this station, both available and unavailable": more
    docks than that cannot be. Vehicles and docks together may exceed it where vehicles stand beside the docks (a
    warning); a virtual station or one with valet service may be overfull, but not many times.
    """
    table, status = feed.statuses, feed.statuses.numbers
    capacity = _of_station(feed, "capacity")
    virtual = _flag_of_station(feed, "is_virtual_station") | _flag_of_station(feed, "is_valet_station")
    docks = np.nan_to_num(status("num_docks_available")) + np.nan_to_num(status("num_docks_disabled"))
    vehicles = np.nan_to_num(status(feed.words.available)) + np.nan_to_num(status(feed.words.disabled))
    impossible = (vehicles > MANY_TIMES * capacity) & (vehicles >= AT_LEAST)
    for row in np.flatnonzero((docks + vehicles > capacity) | impossible):
        words = {"capacity": f"{capacity[row]:g}", "docks": f"{docks[row]:g}", "vehicles": f"{vehicles[row]:g}"}
        path = table.path(row)
        if docks[row] > capacity[row] and not virtual[row]:
            what = _("桩位 %(docks)s 个，超过容量 %(capacity)s") % words
            yield error("capacity-exceeded", table.label, path, what)
        elif impossible[row]:
            what = _("车辆 %(vehicles)s 辆，是容量 %(capacity)s 的许多倍") % words
            yield warning("capacity-exceeded", table.label, path, what)
        elif not virtual[row]:
            what = _("车辆 %(vehicles)s 辆加桩位 %(docks)s 个，超过容量 %(capacity)s") % words
            yield warning("capacity-exceeded", table.label, path, what)


def vehicles_at_stations(feed: Feed) -> Iterator[Finding]:
    """vehicle_status.json may list docked vehicles with their `station_id`; more of them than the station says it has
    (`num_vehicles_available`, not counting disabled or reserved ones) means that one of the two files is wrong or late.
    """
    free = ~(feed.vehicles.true("is_disabled") | feed.vehicles.true("is_reserved"))
    stations = feed.vehicles.texts("station_id")
    listed = Counter(station for station, ok in zip(stations, free, strict=True) if ok and station is not None)
    said = feed.statuses.numbers(feed.words.available)
    for row, station in enumerate(feed.statuses.texts("station_id")):
        if station is not None and listed[station] > said[row]:
            words = {"id": shown(station), "n": listed[station], "said": f"{said[row]:g}"}
            what = _("站点 %(id)s 自报 %(said)s 辆可用，而车辆文件里有 %(n)d 辆在此") % words
            path = feed.statuses.path(row, feed.words.available)
            yield warning("vehicles-at-station", feed.statuses.label, path, what)


def contradictory_state(feed: Feed) -> Iterator[Finding]:
    """`is_installed` false means that the station is not on the street; it cannot rent or take back (station_status.json)."""
    for row, entry in enumerate(feed.statuses.rows):
        if entry.get("is_installed") is False and (
            entry.get("is_renting") is True or entry.get("is_returning") is True
        ):
            what = _("站点未安装，却在租车或还车")
            yield warning("station-state", feed.statuses.label, feed.statuses.path(row, "is_installed"), what)


def missing_docks(feed: Feed) -> Iterator[Finding]:
    """`num_docks_available`: "REQUIRED except for stations that have unlimited docking capacity (e.g. virtual stations)".
    A warning, since a feed does not say which capacity is unlimited.
    """
    capacity = _of_station(feed, "capacity")
    virtual = _flag_of_station(feed, "is_virtual_station") | _flag_of_station(feed, "is_valet_station")
    for row, entry in enumerate(feed.statuses.rows):
        if "num_docks_available" not in entry and not virtual[row] and capacity[row] >= 0:
            what = _("有容量的实体站点应给出 num_docks_available")
            yield warning("docks-missing", feed.statuses.label, feed.statuses.path(row), what)
