"""Faults to plant into a valid feed: (name, the check that is to find it, the change, versions, what may come beside it).

`FAULTS` are errors, `DOUBTS` warnings.
"""

from collections.abc import Callable
from typing import Any

from shaodao.kernel import datum
from tests.bikes import feeds
from tests.bikes.feeds import features, stations, statuses, vehicles

BOTH = ("2.3", "3.0")
Change = Callable[[feeds.Feed], Any]


def put(at: Callable[[feeds.Feed], dict], **values: Any) -> Change:
    return lambda feed: at(feed).update(values)


def drop(at: Callable[[feeds.Feed], dict], key: str) -> Change:
    return lambda feed: at(feed).pop(key)


def vehicle(n: int = 5) -> Callable[[feeds.Feed], dict]:
    return lambda feed: vehicles(feed)[n]


def station(n: int = 4) -> Callable[[feeds.Feed], dict]:
    return lambda feed: stations(feed)[n]


def status(n: int = 4) -> Callable[[feeds.Feed], dict]:
    return lambda feed: statuses(feed)[n]


def document(name: str) -> Callable[[feeds.Feed], dict]:
    return lambda feed: feed[name]


def data(name: str) -> Callable[[feeds.Feed], dict]:
    return lambda feed: feed[name]["data"]


def realtime(feed: feeds.Feed) -> dict:
    return feed.get("vehicle_status") or feed["free_bike_status"]


def rule(feed: feeds.Feed) -> dict:
    return features(feed)[0]["properties"]["rules"][0]


def rule_types(feed: feeds.Feed) -> str:
    return "vehicle_type_ids" if "vehicle_status" in feed else "vehicle_type_id"


def rename(n: int, value: str) -> Change:
    return lambda feed: vehicles(feed)[n].update({feeds.vehicle_key(feed): value})


def place(n: int, lon: float, lat: float) -> Change:
    return lambda feed: vehicles(feed)[n].update(lon=lon, lat=lat)


def swap(rows: list[dict]) -> None:
    for row in rows:
        row["lat"], row["lon"] = row["lon"], row["lat"]


def shift(rows: list[dict], name: str) -> None:
    lon, lat = datum.from_wgs84([r["lon"] for r in rows], [r["lat"] for r in rows], name)
    for row, x, y in zip(rows, lon, lat, strict=True):
        row.update(lon=round(float(x), 6), lat=round(float(y), 6))


def docked_and_shifted(feed: feeds.Feed) -> None:
    """Every vehicle at a station of its own, all of them in GCJ-02."""
    for n, row in enumerate(vehicles(feed)):
        bay = stations(feed)[n % len(stations(feed))]
        row.update(station_id=bay["station_id"], lat=bay["lat"], lon=bay["lon"])
    shift(vehicles(feed), "GCJ-02")


def all_but_point_three(feed: feeds.Feed) -> None:
    for row in vehicles(feed):
        row.update(lat=round(row["lat"], 3), lon=round(row["lon"], 3))


def ring(feed: feeds.Feed) -> list:
    return features(feed)[0]["geometry"]["coordinates"][0][0]


def bow_tie(feed: feeds.Feed) -> None:
    first = ring(feed)
    first[1], first[2] = first[2], first[1]


def conflicting(feed: feeds.Feed) -> None:
    """A zone inside an earlier one, with the opposite rule."""
    version = feed["gbfs"]["version"]
    lon, lat = feeds.place(3)
    inner = feeds.zone(version, lon + 0.0002, lat + 0.0002, 0.0003, ride_through_allowed=False)
    inner["properties"]["rules"][0] |= {"ride_start_allowed": False} if version.startswith("3") else {}
    features(feed).append(inner)


def listed(feed: feeds.Feed) -> list:
    own = feed["gbfs"]["data"]
    return own.get("feeds") or own["zh"]["feeds"]


def strip_docks(feed: feeds.Feed) -> None:
    statuses(feed)[4].pop("num_docks_available")
    statuses(feed)[4].pop("num_docks_disabled")


def no_station_is_left(feed: feeds.Feed) -> None:
    """A purely dockless system whose zones still allow parking at stations only."""
    for name in ("station_information", "station_status"):
        del feed[name]
        listed(feed)[:] = [line for line in listed(feed) if line["name"] != name]
    rule(feed)["station_parking"] = True


def future(feed: feeds.Feed) -> None:
    realtime(feed)["last_updated"] = feeds.stamp(feed["gbfs"]["version"], -3600)


def old(feed: feeds.Feed) -> None:
    realtime(feed)["last_updated"] = feeds.stamp(feed["gbfs"]["version"], 3600)
    for row in vehicles(feed):
        row.pop("last_reported")


Faults = list[tuple[str, str, Change, tuple[str, ...], set[tuple[str, str]]]]

FAULTS: Faults = [
    # the nine of which validators find five
    ("missing-field", "schema", drop(vehicle(), "is_reserved"), BOTH, set()),
    ("wrong-type", "schema", put(vehicle(), is_disabled="no"), BOTH, set()),
    ("latitude", "schema", put(vehicle(), lat=95.0), BOTH, set()),
    ("unknown-enum", "schema", lambda f: f["vehicle_types"]["data"]["vehicle_types"][0].update(form_factor="sofa"), BOTH, set()),
    ("negative-ttl", "schema", put(document("station_status"), ttl=-1), BOTH, set()),
    ("status-of-unknown-station", "unknown-station", put(status(23), station_id="nowhere"), BOTH, {("warning", "station-without-status")}),
    ("sum", "sum-of-types", lambda f: statuses(f)[4].update({feeds.available_key(f): 6}), BOTH, set()),
    ("same-id", "duplicate-id", rename(7, "v00003"), BOTH, set()),
    ("open-ring", "ring-open", lambda f: ring(f).__setitem__(-1, [ring(f)[0][0] + 1e-4, ring(f)[0][1]]), BOTH, set()),
    ("null-island", "null-island", place(5, 0, 0), BOTH, set()),
    # schema, more
    ("negative-docks", "schema", put(status(), num_docks_available=-1), BOTH, {("warning", "docks")}),
    ("timezone", "schema", put(data("system_information"), timezone="Asia/Datong"), BOTH, set()),
    ("no-position", "schema", lambda f: [vehicles(f)[5].pop(k) for k in ("lat", "lon")], BOTH, set()),
    ("no-version", "schema", drop(document("station_status"), "version"), BOTH, set()),
    # references
    ("vehicle-at-unknown-station", "unknown-station", put(vehicle(), station_id="bay-99"), BOTH, set()),
    ("unknown-home", "unknown-station", put(vehicle(), home_station_id="bay-99"), BOTH, set()),
    ("unknown-type", "unknown-vehicle-type", put(vehicle(), vehicle_type_id="tandem"), BOTH, set()),
    ("unknown-type-at-station", "unknown-vehicle-type", lambda f: statuses(f)[1]["vehicle_types_available"][0].update(vehicle_type_id="x"), BOTH, set()),
    ("unknown-type-in-rule", "unknown-vehicle-type", lambda f: rule(f).update({rule_types(f): ["x"]}), BOTH, set()),
    ("unknown-type-capacity", "unknown-vehicle-type", put(station(), vehicle_docks_capacity=[{"vehicle_type_ids": ["x"], "count": 30}]), ("3.0",), set()),
    ("unknown-type-capacity-2", "unknown-vehicle-type", put(station(), vehicle_capacity={"x": 30}), ("2.3",), set()),
    ("unknown-plan", "unknown-plan", put(vehicle(), pricing_plan_id="p9"), BOTH, set()),
    ("unknown-region", "unknown-region", put(station(), region_id="r9"), BOTH, set()),
    ("no-type", "vehicle-type-missing", drop(vehicle(), "vehicle_type_id"), BOTH, set()),
    ("no-types-at-station", "vehicle-type-missing", drop(status(), "vehicle_types_available"), BOTH, set()),
    ("no-range", "range-missing", drop(vehicle(6), "current_range_meters"), BOTH, set()),
    ("no-store", "store-uri-missing", put(vehicle(), rental_uris={"ios": "https://bikes.example/app"}), BOTH, set()),
    ("id-space", "id-characters", rename(5, "v 5"), BOTH, set()),
    ("id-chinese", "id-characters", rename(5, "车5"), ("3.0",), set()),
    ("id-empty", "id-characters", rename(5, ""), BOTH, set()),
    # numbers, times
    ("docks", "capacity-exceeded", put(status(), num_docks_available=40), BOTH, set()),
    ("future", "future", future, BOTH, set()),
    ("future-report", "future", lambda f: vehicles(f)[5].update(last_reported=feeds.stamp(f["gbfs"]["version"], -7200)), BOTH, set()),
    ("milliseconds", "timestamp-unit", lambda f: f["station_status"].update(last_updated=f["station_status"]["last_updated"] * 1000), ("2.3",), set()),
    ("seconds-as-milliseconds", "timestamp-unit", put(document("station_status"), last_updated="1970-01-21T14:00:00Z"), ("3.0",), {("warning", "stale")}),
    # positions
    ("swapped-one", "swapped", lambda f: swap([vehicles(f)[5]]), BOTH, {("error", "schema")}),  # 113 is no latitude either
    ("gcj-fleet", "wrong-datum", lambda f: shift(vehicles(f), "GCJ-02"), BOTH, set()),
    ("bd-fleet", "wrong-datum", lambda f: shift(vehicles(f), "BD-09"), BOTH, set()),
    ("gcj-fleet-at-stations", "wrong-datum", docked_and_shifted, BOTH, {("warning", "off-station")}),
    ("gcj-stations", "wrong-datum", lambda f: shift(stations(f), "GCJ-02"), BOTH, {("warning", "outside-area")}),
    ("swapped-fleet", "swapped", lambda f: swap(vehicles(f)), BOTH, {("error", "schema")}),
    # polygons
    ("zone-out-of-range", "ring-positions", lambda f: [p.reverse() for p in ring(f)], BOTH, {("warning", "ring-orientation")}),
    # the whole
    ("missing-listed", "listed-missing", lambda f: f.pop("system_information"), BOTH, set()),
    ("missing-status", "listed-missing", lambda f: f.pop("station_status"), BOTH, set()),
    ("missing-types", "missing-file", lambda f: f.pop("vehicle_types"), BOTH, {("warning", "listed-missing")}),
    ("version-2-in-3", "version-mixed", lambda f: f["system_regions"].update(version="2.3", last_updated=1779238000, data={"regions": []}), ("3.0",), set()),
    ("version-9", "version-unknown", put(document("system_regions"), version="9.9"), BOTH, set()),
    ("versions-order", "versions-order", lambda f: f["gbfs_versions"]["data"]["versions"].reverse(), BOTH, set()),
    ("listed-twice", "listed-twice", lambda f: listed(f).append(dict(listed(f)[0])), BOTH, set()),
    ("web-link", "web-link", put(vehicle(), rental_uris={"web": "ftp://bikes.example/1"}), BOTH, set()),
    ("language-key", "language-key", put(data("system_information"), language="en"), ("2.3",), set()),
    ("language-unlisted", "language-unlisted", lambda f: stations(f)[4]["name"].append({"text": "Bay", "language": "en"}), ("3.0",), set()),
]  # fmt: skip

DOUBTS: Faults = [
    ("id-chinese", "id-characters", rename(5, "车5"), ("2.3",), set()),
    ("id-long", "long-id", rename(5, "v" * 10_000), BOTH, set()),
    ("no-status", "station-without-status", lambda f: statuses(f).pop(), BOTH, set()),
    ("overfull", "capacity-exceeded", put(status(), num_docks_available=27), BOTH, set()),
    ("absurd", "capacity-exceeded", lambda f: statuses(f)[5].update({feeds.available_key(f): 900, "vehicle_types_available": [{"vehicle_type_id": "bike", "count": 900}]}), BOTH, set()),
    ("docks-sum", "sum-of-docks", put(status(), vehicle_docks_available=[{"vehicle_type_ids": ["bike"], "count": 3}]), BOTH, set()),
    ("capacity-sum", "sum-of-capacity", put(station(), vehicle_docks_capacity=[{"vehicle_type_ids": ["bike"], "count": 3}]), ("3.0",), set()),
    ("more-than-said", "vehicles-at-station", lambda f: [v.update(station_id="bay-4", lat=stations(f)[4]["lat"], lon=stations(f)[4]["lon"]) for v in vehicles(f)[:9]], BOTH, set()),
    ("not-installed", "station-state", put(status(), is_installed=False), BOTH, set()),
    ("no-docks", "docks-missing", strip_docks, BOTH, set()),
    ("stale", "stale", old, BOTH, set()),
    ("long-ttl", "long-ttl", lambda f: realtime(f).update(ttl=900), BOTH, set()),
    ("reported-later", "reported-after-update", lambda f: realtime(f).update(last_updated=feeds.stamp(f["gbfs"]["version"], 250)), BOTH, set()),
    ("far", "far-away", place(5, 113.31, 40.38), BOTH, set()),
    ("off-station", "off-station", put(vehicle(5), station_id="bay-20"), BOTH, set()),
    ("coarse", "coarse", all_but_point_three, BOTH, set()),
    ("orientation", "ring-orientation", lambda f: ring(f).reverse(), BOTH, set()),
    ("bow-tie", "ring-crosses", bow_tie, BOTH, {("warning", "ring-orientation")}),
    ("no-area", "ring-crosses", lambda f: ring(f).__setitem__(slice(None), [[113.3, 40.1], [113.4, 40.1], [113.35, 40.1], [113.3, 40.1]]), BOTH, {("warning", "ring-orientation")}),
    ("elsewhere", "outside-area", put(station(5), station_area=feeds.area(113.4, 40.1)), BOTH, set()),
    ("zones", "zone-conflict", conflicting, BOTH, {("warning", "rule-impossible")}),
    ("rules", "rule-shadowed", lambda f: features(f)[0]["properties"]["rules"].append(rule(f) | {"ride_through_allowed": False, **dict.fromkeys((k for k in rule(f) if "allowed" in k), False)}), BOTH, set()),
    ("rule", "rule-impossible", lambda f: rule(f).update({"ride_through_allowed": False, **{k: True for k in rule(f) if k in ("ride_allowed", "ride_start_allowed")}}), BOTH, set()),
    ("no-stations", "parking-without-stations", no_station_is_left, BOTH, set()),
    ("types-uncovered", "types-uncovered", lambda f: data("geofencing_zones")(f)["global_rules"][0].update(vehicle_type_ids=["bike"]), ("3.0",), set()),
    ("backward", "times-backward", lambda f: features(f)[0]["properties"].update(start=feeds.stamp(f["gbfs"]["version"]), end=feeds.stamp(f["gbfs"]["version"], 60)), BOTH, set()),
    ("http-link", "no-https", put(vehicle(), rental_uris={"web": "http://bikes.example/1"}), BOTH, set()),
    ("http-feed", "no-https", lambda f: listed(f)[3].update(url="http://bikes.example/x.json"), BOTH, set()),
    ("optional-missing", "listed-missing", lambda f: f.pop("geofencing_zones"), BOTH, set()),
    ("unlisted", "unlisted-file", lambda f: listed(f).pop(), BOTH, set()),
    ("minor-version", "version-mixed", put(document("system_regions"), version="2.2"), ("2.3",), set()),
    ("no-translation", "translation-missing", lambda f: stations(f)[4].update(name=[]) or data("system_information")(f).update(languages=["zh", "en"]), ("3.0",), set()),
    ("language-twice", "language-twice", lambda f: stations(f)[4]["name"].append({"text": "又", "language": "zh"}), ("3.0",), set()),
    ("zh-Hans", "schema", lambda f: stations(f)[4]["name"][0].update(language="zh-Hans"), ("3.0",), {("error", "language-unlisted"), ("warning", "translation-missing")}),
]  # fmt: skip
