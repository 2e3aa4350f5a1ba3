"""Valid GBFS feeds made from scratch, in 2.3 and 3.0, to plant faults in: a docked and dockless system in Datong."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime.fromisoformat("2026-05-20T09:00:00+08:00")
CENTRE = (113.30, 40.08)
Feed = dict[str, Any]


def stamp(version: str, seconds_ago: float = 0) -> int | str:
    """A timestamp as the version writes it."""
    at = NOW - timedelta(seconds=seconds_ago)
    return at.isoformat() if version.startswith("3") else int(at.timestamp())


def named(version: str, text: str) -> Any:
    """A name as the version writes it."""
    return [{"text": text, "language": "zh"}] if version.startswith("3") else text


def square(lon: float, lat: float, size: float = 0.0002) -> list[list[float]]:
    """A ring, closed and counterclockwise."""
    east, north = round(lon + size, 6), round(lat + size, 6)
    return [[lon, lat], [east, lat], [east, north], [lon, north], [lon, lat]]


def area(lon: float, lat: float, size: float = 0.0002) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [[square(lon, lat, size)]]}


def place(n: int) -> tuple[float, float]:
    """The n-th place of a grid of some hundred metres, six decimals, none of them round."""
    return round(CENTRE[0] + 0.004137 * (n % 8), 6), round(CENTRE[1] + 0.003719 * (n // 8), 6)


def station(version: str, n: int) -> dict[str, Any]:
    lon, lat = place(n)
    own = {
        "station_id": f"bay-{n}",
        "name": named(version, f"{n} 号停放点"),
        "lat": round(lat + 0.0001, 6),
        "lon": round(lon + 0.0001, 6),
        "capacity": 30,
        "rental_uris": {"web": f"https://bikes.example/bay/{n}"},
    }
    if n % 2:  # a bay painted on the pavement; the others have docks
        own |= {"is_virtual_station": True, "station_area": area(lon, lat), "parking_type": "sidewalk_parking"}
    return own


def station_status(version: str, n: int) -> dict[str, Any]:
    word = "num_vehicles" if version.startswith("3") else "num_bikes"
    own = {
        "station_id": f"bay-{n}",
        f"{word}_available": 5,
        f"{word}_disabled": 1,
        "vehicle_types_available": [
            {"vehicle_type_id": "bike", "count": 3},
            {"vehicle_type_id": "ebike", "count": 2},
        ],
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": stamp(version, 30),
    }
    return own if n % 2 else own | {"num_docks_available": 20, "num_docks_disabled": 1}


def vehicle(version: str, n: int, bays: int) -> dict[str, Any]:
    lon, lat = place(n % bays)
    own = {
        "vehicle_id" if version.startswith("3") else "bike_id": f"v{n:05d}",
        "lat": round(lat + 0.0001 + 0.000011 * (n % 7), 6),
        "lon": round(lon + 0.0001 + 0.000013 * (n % 5), 6),
        "is_reserved": False,
        "is_disabled": False,
        "vehicle_type_id": "ebike" if n % 3 == 0 else "bike",
        "last_reported": stamp(version, 60 + n % 50),
        "rental_uris": {"web": f"https://bikes.example/v/{n}"},
    }
    if n % 3 == 0:
        own["current_range_meters"] = 12000
    return own


def zone(version: str, lon: float, lat: float, size: float, **rule: Any) -> dict[str, Any]:
    """A no-parking zone. Before 3.0 the area inside goes clockwise."""
    ring = square(lon, lat, size)
    allowed = {"ride_start_allowed": True, "ride_end_allowed": False} if version.startswith("3") else {}
    own = allowed or {"ride_allowed": False}
    return {
        "type": "Feature",
        "geometry": {
            "type": "MultiPolygon",
            "coordinates": [[ring if version.startswith("3") else ring[::-1]]],
        },
        "properties": {"name": named(version, "禁停区"), "rules": [own | {"ride_through_allowed": True} | rule]},
    }


def data(version: str, vehicles: int, bays: int) -> dict[str, Any]:
    """The `data` of each file but gbfs.json."""
    new = version.startswith("3")
    system = {"system_id": "datong_bikes", "timezone": "Asia/Shanghai", "name": named(version, "大同单车")}
    if new:
        system |= {"languages": ["zh"], "opening_hours": "24/7", "feed_contact_email": "feed@bikes.example"}
    else:
        system |= {"language": "zh"}
    everywhere = {"ride_start_allowed": True, "ride_end_allowed": True, "ride_through_allowed": True}
    zones = [zone(version, *place(3), 0.001), zone(version, *place(20), 0.001)]
    geofencing = {"geofencing_zones": {"type": "FeatureCollection", "features": zones}}
    types = [
        {"vehicle_type_id": "bike", "form_factor": "bicycle", "propulsion_type": "human"},
        {"vehicle_type_id": "ebike", "form_factor": "bicycle", "propulsion_type": "electric_assist"},
    ]
    types[1]["max_range_meters"] = 40000
    fleet = [vehicle(version, n, bays) for n in range(vehicles)]
    plan = {"plan_id": "p1", "currency": "CNY", "price": 1.5, "is_taxable": False}
    plan |= {"name": named(version, "单次"), "description": named(version, "半小时")}
    return {
        "system_information": system,
        "vehicle_types": {"vehicle_types": types},
        "station_information": {"stations": [station(version, n) for n in range(bays)]},
        "station_status": {"stations": [station_status(version, n) for n in range(bays)]},
        "vehicle_status" if new else "free_bike_status": {"vehicles" if new else "bikes": fleet},
        "geofencing_zones": geofencing | ({"global_rules": [everywhere]} if new else {}),
        "system_regions": {"regions": [{"region_id": "r1", "name": named(version, "平城区")}]},
        "system_pricing_plans": {"plans": [plan]},
        "system_alerts": {"alerts": []},
        "gbfs_versions": {
            "versions": [
                {"version": "2.3", "url": "https://bikes.example/2/gbfs.json"},
                {"version": "3.0", "url": "https://bikes.example/3/gbfs.json"},
            ]
        },
    }


def valid(version: str = "3.0", vehicles: int = 60, bays: int = 24, base: str = "https://bikes.example/3") -> Feed:
    """A feed without a fault: documents by file name, without `.json`."""
    own = data(version, vehicles, bays)
    listed = [{"name": name, "url": f"{base}/{name}.json"} for name in own]
    own = {"gbfs": {"feeds": listed} if version.startswith("3") else {"zh": {"feeds": listed}}} | own
    head = {"last_updated": stamp(version, 20), "ttl": 60, "version": version}
    return {name: head | {"data": content} for name, content in own.items()}


def write(feed: Feed, folder: Path, prefix: str = "") -> Path:
    """The feed as JSON files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in feed.items():
        (folder / f"{prefix}{name}.json").write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return folder


# Names that changed with 3.0


def vehicles(feed: Feed) -> list[dict[str, Any]]:
    if "vehicle_status" in feed:
        return feed["vehicle_status"]["data"]["vehicles"]
    return feed["free_bike_status"]["data"]["bikes"]


def vehicle_key(feed: Feed) -> str:
    return "vehicle_id" if "vehicle_status" in feed else "bike_id"


def available_key(feed: Feed) -> str:
    return "num_vehicles_available" if "vehicle_status" in feed else "num_bikes_available"


def stations(feed: Feed) -> list[dict[str, Any]]:
    return feed["station_information"]["data"]["stations"]


def statuses(feed: Feed) -> list[dict[str, Any]]:
    return feed["station_status"]["data"]["stations"]


def features(feed: Feed) -> list[dict[str, Any]]:
    return feed["geofencing_zones"]["data"]["geofencing_zones"]["features"]
