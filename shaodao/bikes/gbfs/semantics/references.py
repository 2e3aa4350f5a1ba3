"""Ids that point to another file: what they name has to be there."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.feed import Feed, Table, listing, mapping
from shaodao.bikes.gbfs.findings import Finding, error, shown, warning
from shaodao.bikes.gbfs.semantics.zones import rule_lists


class Use(NamedTuple):
    """One place where an id is used."""

    label: str
    path: str
    id: str


def column(table: Table, key: str) -> Iterator[Use]:
    """The ids of one column."""
    for row, value in enumerate(table.texts(key)):
        if value is not None:
            yield Use(table.label, table.path(row, key), value)


def members(table: Table, key: str) -> Iterator[Use]:
    """The ids in a column of arrays of ids."""
    for row, entry in enumerate(table.rows):
        for n, value in enumerate(listing(entry.get(key))):
            if isinstance(value, str):
                yield Use(table.label, table.path(row, key, n), value)


def counted(table: Table, key: str) -> Iterator[Use]:
    """Type ids in a column of counts by type: arrays with `vehicle_type_id` or `vehicle_type_ids`, or (2.x) an object."""
    for row, entry in enumerate(table.rows):
        value = entry.get(key)
        for name in mapping(value):
            yield Use(table.label, table.path(row, key), name)
        for n, part in enumerate(listing(value)):
            single = mapping(part).get("vehicle_type_id")
            if isinstance(single, str):
                yield Use(table.label, table.path(row, key, n, "vehicle_type_id"), single)
            for i, name in enumerate(listing(mapping(part).get("vehicle_type_ids"))):
                if isinstance(name, str):
                    yield Use(table.label, table.path(row, key, n, "vehicle_type_ids", i), name)


def unknown_stations(feed: Feed) -> Iterator[Finding]:
    """ "Any station that is represented in station_status.json MUST have a corresponding entry in station_information.json"
    (station_status.json); `station_id` and `home_station_id` of a vehicle refer to it as well (vehicle_status.json).
    """
    if feed.stations.file is None:
        return
    alerts = feed.table("system_alerts", "alerts")
    uses = [column(feed.statuses, "station_id"), column(feed.vehicles, "station_id")]
    uses += [column(feed.vehicles, "home_station_id"), members(alerts, "station_ids")]
    for use in (use for part in uses for use in part):
        if use.id not in feed.station_rows:
            what = _("站点 %(id)s 不在 station_information 里") % {"id": shown(use.id)}
            yield error("unknown-station", use.label, use.path, what)


def stations_without_status(feed: Feed) -> Iterator[Finding]:
    """A station of station_information.json without an entry in station_status.json: allowed, but nobody can use it."""
    if feed.statuses.file is None:
        return
    known = set(feed.statuses.texts("station_id"))
    for station, row in feed.station_rows.items():
        if station not in known:
            what = _("站点 %(id)s 在 station_status 里没有状态") % {"id": shown(station)}
            yield warning("station-without-status", feed.stations.label, feed.stations.path(row, "station_id"), what)


def unknown_types(feed: Feed) -> Iterator[Finding]:
    """A `vehicle_type_id` is one "as described in vehicle_types.json" wherever it stands (vehicle_status, station_status,
    station_information, Geofencing Rule Object).
    """
    if feed.types.file is None:
        return
    known = set(feed.types.texts("vehicle_type_id"))
    uses = [column(feed.vehicles, "vehicle_type_id")]
    uses += [counted(feed.statuses, key) for key in ("vehicle_types_available", "vehicle_docks_available")]
    capacities = ("vehicle_types_capacity", "vehicle_docks_capacity", "vehicle_capacity", "vehicle_type_capacity")
    uses += [counted(feed.stations, key) for key in capacities]
    uses.append(rule_types(feed))
    for use in (use for part in uses for use in part):
        if use.id not in known:
            what = _("车型 %(id)s 不在 vehicle_types 里") % {"id": shown(use.id)}
            yield error("unknown-vehicle-type", use.label, use.path, what)


def rule_types(feed: Feed) -> Iterator[Use]:
    """The vehicle types that geofencing rules name."""
    for label, path, rules in rule_lists(feed):
        for n, rule in enumerate(rules):
            for i, name in enumerate(listing(mapping(rule).get(feed.words.rule_types))):
                if isinstance(name, str):
                    yield Use(label, f"{path}/{n}/{feed.words.rule_types}/{i}", name)


def unknown_plans(feed: Feed) -> Iterator[Finding]:
    """A pricing plan is one "as described in system_pricing_plans.json" (vehicle_status.json, vehicle_types.json)."""
    if feed.plans.file is None:
        return
    known = set(feed.plans.texts("plan_id"))
    uses = [column(feed.vehicles, "pricing_plan_id"), column(feed.types, "default_pricing_plan_id")]
    uses.append(members(feed.types, "pricing_plan_ids"))
    for use in (use for part in uses for use in part):
        if use.id not in known:
            what = _("价格方案 %(id)s 不在 system_pricing_plans 里") % {"id": shown(use.id)}
            yield error("unknown-plan", use.label, use.path, what)


def unknown_regions(feed: Feed) -> Iterator[Finding]:
    """`region_id`: "Identifier of the region where the station is located. See system_regions.json"."""
    if feed.regions.file is None:
        return
    known = set(feed.regions.texts("region_id"))
    alerts = feed.table("system_alerts", "alerts")
    for use in (*column(feed.stations, "region_id"), *members(alerts, "region_ids")):
        if use.id not in known:
            what = _("区域 %(id)s 不在 system_regions 里") % {"id": shown(use.id)}
            yield error("unknown-region", use.label, use.path, what)


def missing_types(feed: Feed) -> Iterator[Finding]:
    """`vehicle_type_id` of a vehicle and `vehicle_types_available` of a station are "REQUIRED if the vehicle_types.json file
    is defined" (vehicle_status.json, station_status.json).
    """
    if feed.types.file is None or not len(feed.types) or feed.family < "2.1":
        return
    for table, key in ((feed.vehicles, "vehicle_type_id"), (feed.statuses, "vehicle_types_available")):
        for row, entry in enumerate(table.rows):
            if key not in entry:
                what = _("有 vehicle_types 文件时必须给出 %(key)s") % {"key": key}
                yield error("vehicle-type-missing", table.label, table.path(row), what)


MOTORS = (
    *("electric", "electric_assist", "combustion", "combustion_diesel", "hybrid", "plug_in_hybrid"),
    "hydrogen_fuel_cell",
)
"""Every `propulsion_type` of the specification but `human`."""


def missing_range(feed: Feed) -> Iterator[Finding]:
    """`current_range_meters`: "REQUIRED if the corresponding vehicle_type definition for this vehicle has a motor"."""
    propulsion = feed.types.texts("propulsion_type")
    motors = {key for key, kind in zip(feed.types.texts("vehicle_type_id"), propulsion, strict=True) if kind in MOTORS}
    if not motors:
        return
    for row, (kind, entry) in enumerate(zip(feed.vehicles.texts("vehicle_type_id"), feed.vehicles.rows, strict=True)):
        if kind in motors and kind is not None and "current_range_meters" not in entry:
            what = _("带动力的车型必须给出 current_range_meters")
            yield error("range-missing", feed.vehicles.label, feed.vehicles.path(row), what)


def missing_store(feed: Feed) -> Iterator[Finding]:
    """`rental_apps.<platform>.store_uri`: "If a rental_uris.<platform> field is populated, then this field is REQUIRED"."""
    file = feed.files.get("system_information")
    if file is None:
        return
    apps = mapping(file.data.get("rental_apps"))
    for platform in ("android", "ios"):
        used = any(
            mapping(row.get("rental_uris")).get(platform)
            for table in (feed.vehicles, feed.stations)
            for row in table.rows
        )
        if used and not mapping(apps.get(platform)).get("store_uri"):
            what = _("用了 rental_uris.%(name)s，就必须给出 rental_apps.%(name)s.store_uri") % {"name": platform}
            yield error("store-uri-missing", file.label, "/data/rental_apps", what)


def missing_reserve_time(feed: Feed) -> Iterator[Finding]:
    """With a plan that charges for reserving "you MUST declare a value in vehicle_types.json#default_reserve_time"
    (system_pricing_plans.json, since 3.1).
    """
    charging: set[Any] = {
        key
        for key, plan in zip(feed.plans.texts("plan_id"), feed.plans.rows, strict=True)
        if plan.get("reservation_price_per_min") or plan.get("reservation_price_flat_rate")
    }
    charging.discard(None)
    for row, kind in enumerate(feed.types.rows):
        plans = [kind.get("default_pricing_plan_id"), *listing(kind.get("pricing_plan_ids"))]
        if "default_reserve_time" not in kind and any(isinstance(p, str) and p in charging for p in plans):
            what = _("价格方案收预约费时，车型必须给出 default_reserve_time")
            yield error("reserve-time-missing", feed.types.label, feed.types.path(row), what)
