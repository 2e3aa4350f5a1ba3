"""The district's own GBFS 3.0 feed: facts in, documents out. Bays are virtual stations, zones are geofencing zones."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.conf import settings as django
from django.utils.translation import gettext, override

from shaodao.bikes import settings
from shaodao.bikes.publish import hours
from shaodao.bikes.publish.facts import BICYCLE, EBIKE, Ground, Moment, PublicZone, moment_of
from shaodao.bikes.publish.ids import Rotating
from shaodao.bikes.words import FeedState, VehicleKind, ZoneKind
from shaodao.foundation import clock, district
from shaodao.foundation.naming import named

VERSION = "3.0"
BASE = "/gbfs/3.0/"
STATIC_TTL = 600
"""Seconds: bays and zones change by the day."""
LANGUAGES = {"zh": "zh-hans", "en": "en"}
"""Tags of the feed, and the program's own names for them."""
Document = dict[str, Any]
Localised = list[dict[str, str]]
ZONE_RULES = {  # (ride_start_allowed, ride_end_allowed, ride_through_allowed, station_parking)
    ZoneKind.NO_PARKING: (True, False, True, False),
    ZoneKind.NO_RIDING: (False, False, False, False),
}
ORDER = (ZoneKind.NO_RIDING, ZoneKind.NO_PARKING, ZoneKind.QUOTA)
"""An earlier zone beats a later one: what forbids most comes first."""


def stamp(at: datetime) -> str:
    """RFC 3339, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def said(speak: Callable[[], object]) -> Localised:
    """What `speak` says in each language of the feed."""
    texts = []
    for tag, language in LANGUAGES.items():
        with override(language):
            texts.append({"text": str(speak()), "language": tag})
    return texts


def plain(chinese: str, english: str = "") -> Localised:
    """A name in both languages; the Chinese one twice where there is no other."""
    return [{"text": chinese, "language": "zh"}, {"text": english or chinese, "language": "en"}]


def envelope(data: Document, updated: datetime, ttl: int) -> Document:
    return {"last_updated": stamp(updated), "ttl": ttl, "version": VERSION, "data": data}


# What changes with the ground


def system_information(here: Ground) -> Document:
    publish = settings.current().publish
    own = district.current()
    data: Document = {
        "system_id": f"shaodao_{own.code}_bikes",
        "languages": list(LANGUAGES),
        "name": said(_system_name),
        "operator": said(lambda: named(own)),
        "attribution_organization_name": said(lambda: named(own)),
        "url": f"{django.ORIGIN}/bikes/open/",
        "opening_hours": "24/7",
        "timezone": clock.LOCAL.key,
        "feed_contact_email": publish.contact or django.DEFAULT_FROM_EMAIL,
    }
    if publish.licence_url:
        data["license_url"] = publish.licence_url
    return envelope(data, here.updated, STATIC_TTL)


def _system_name() -> str:
    own = district.current()
    words = {"district": named(own)}
    return (
        gettext("%(district)s共享单车停放点位（示例数据）") % words
        if own.sample
        else gettext("%(district)s共享单车停放点位") % words
    )


def kinds() -> list[str]:
    """The types that are listed: e-bikes only where the pack says how far one goes, which GBFS demands of a motor."""
    return [BICYCLE, EBIKE] if settings.current().publish.ebike_range_m else [BICYCLE]


def vehicle_types(here: Ground) -> Document:
    made: dict[str, Document] = {
        BICYCLE: {"propulsion_type": "human"},
        EBIKE: {"propulsion_type": "electric_assist", "max_range_meters": settings.current().publish.ebike_range_m},
    }
    types = [
        {
            "vehicle_type_id": kind,
            "form_factor": "bicycle",
            **made[kind],
            "name": said(lambda kind=kind: VehicleKind(kind).label),  # type: ignore[misc]
            "return_constraint": "any_station" if settings.current().publish.only_in_bays else "free_floating",
        }
        for kind in kinds()
    ]
    return envelope({"vehicle_types": types}, here.updated, STATIC_TTL)


def station_information(here: Ground) -> Document:
    stations = []
    for bay in here.bays:
        station: Document = {
            "station_id": bay.id,
            "name": plain(bay.name),
            "lat": bay.lat,
            "lon": bay.lon,
            "is_virtual_station": True,
            "station_area": {"type": "MultiPolygon", "coordinates": bay.coordinates},
            "parking_type": "sidewalk_parking",
            "capacity": bay.capacity,
        }
        if bay.illustrative:
            station["_illustrative"] = True
        stations.append(station)
    return envelope({"stations": stations}, here.updated, STATIC_TTL)


def geofencing_zones(here: Ground) -> Document:
    today = clock.local(clock.now()).date()
    inside = [zone for kind in ORDER for zone in here.zones if zone.row.kind == kind]
    features = [_zone(zone, *span) for zone in inside for span in hours.spans(zone.row, today)]
    data = {"geofencing_zones": {"type": "FeatureCollection", "features": features}, "global_rules": [_global_rule()]}
    return envelope(data, here.updated, STATIC_TTL)


def _global_rule() -> Document:
    return _rule(True, not settings.current().publish.only_in_bays, True, settings.current().publish.only_in_bays)


def _rule(start: bool, end: bool, through: bool, stations: bool) -> Document:
    return {
        "ride_start_allowed": start,
        "ride_end_allowed": end,
        "ride_through_allowed": through,
        "station_parking": stations,
    }


def _zone(zone: PublicZone, begins: datetime | None, ends: datetime | None) -> Document:
    """A limit of number is no word of GBFS: such a zone has the rules of the district and the number beside them."""
    row = zone.row
    known = ZONE_RULES.get(ZoneKind(row.kind))
    properties: Document = {
        "name": plain(row.name or row.code),
        "rules": [_rule(*known) if known else _global_rule()],
        "_zone_id": zone.id,
        "_kind": row.kind,
    }
    if begins is not None:
        properties["start"] = stamp(begins)
    if ends is not None:
        properties["end"] = stamp(ends)
    if row.quota is not None:
        properties["_maximum_vehicles"] = row.quota
    if row.illustrative:
        properties["_illustrative"] = True
    shape = {"type": "MultiPolygon", "coordinates": zone.coordinates}
    return {"type": "Feature", "geometry": shape, "properties": properties}


# What changes with every position


def station_status(now: Moment) -> Document:
    ttl, listed = settings.current().publish.ttl_s, kinds()
    last = stamp(now.updated)
    reported = [stamp(moment_of(ms)) if ms else last for ms in now.reported_ms.tolist()]
    counts = {kind: now.available[kind].tolist() for kind in listed}
    left = np.maximum(np.array([bay.capacity for bay in now.ground.bays], np.int64) - now.vehicles, 0).tolist()
    stations = [
        {
            "station_id": bay.id,
            "num_vehicles_available": sum(counts[kind][n] for kind in listed),
            "vehicle_types_available": [{"vehicle_type_id": kind, "count": counts[kind][n]} for kind in listed],
            "num_vehicles_disabled": disabled,
            "num_docks_available": left[n],
            "is_installed": True,
            "is_renting": True,
            "is_returning": True,
            "last_reported": reported[n],
        }
        for n, (bay, disabled) in enumerate(zip(now.ground.bays, now.disabled.tolist(), strict=True))
    ]
    return envelope({"stations": stations}, now.updated, ttl)


def vehicle_status(now: Moment) -> Document:
    """Bikes that stand, under ids that change with each stand; at a bay only by the bay, unless the pack says `all`.

    E-bikes are counted at the bays only: GBFS demands how far each one can still go, which no operator tells the district.
    """
    publish, hidden = settings.current().publish, Rotating()
    everywhere = publish.vehicles == "all"
    chosen = [v for v in now.standing if v.kind == BICYCLE and (everywhere or v.bay is not None)]
    times = np.datetime_as_string(np.array([v.at_ms // 1000 for v in chosen], "datetime64[s]"), timezone="UTC").tolist()
    vehicles = []
    for v, at in zip(chosen, times, strict=True):
        row: Document = {
            "vehicle_id": hidden(v.operator_id, v.vehicle_id, v.since_ms),
            "vehicle_type_id": v.kind,
            "is_reserved": v.state == FeedState.RESERVED,
            "is_disabled": v.state == FeedState.NON_OPERATIONAL,
            "last_reported": at,
        }
        if everywhere:
            row |= {"lat": v.lat, "lon": v.lon}
        if v.bay is not None:
            row["station_id"] = now.ground.bays[v.bay].id
        vehicles.append(row)
    vehicles.sort(key=lambda row: row["vehicle_id"])  # the order of rows would tell which is whose
    return envelope({"vehicles": vehicles}, now.updated, publish.ttl_s)


# The list of them

OF_GROUND: dict[str, Callable[[Ground], Document]] = {
    "system_information": system_information,
    "vehicle_types": vehicle_types,
    "station_information": station_information,
    "geofencing_zones": geofencing_zones,
}
OF_MOMENT: dict[str, Callable[[Moment], Document]] = {
    "station_status": station_status,
    "vehicle_status": vehicle_status,
}


def files() -> list[str]:
    """Names of what is published, without gbfs.json itself."""
    hidden = {"vehicle_status"} if settings.current().publish.vehicles == "none" else set()
    return [name for name in (*OF_GROUND, *OF_MOMENT) if name not in hidden]


def address(name: str, origin: str = "") -> str:
    return f"{origin or django.ORIGIN}{BASE}{name}.json"


def gbfs(here: Ground, names: Iterable[str]) -> Document:
    feeds = [{"name": name, "url": address(name)} for name in names]
    return envelope({"feeds": feeds}, here.updated, STATIC_TTL)
