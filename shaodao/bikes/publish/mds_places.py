"""MDS 2.0 geographies and jurisdictions: the district, its streets, its zones, its bays; published once, never changed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Max, Min
from django.utils.translation import gettext as _

from shaodao.bikes.models import Zone, ZoneVersion
from shaodao.bikes.publish.facts import Ground, multipolygons, tidy
from shaodao.bikes.publish.ids import uid
from shaodao.foundation import district
from shaodao.foundation.models import District
from shaodao.places.models import Cell, Place

Document = dict[str, Any]
AnyZone = Zone | ZoneVersion


@dataclass(frozen=True, eq=False)
class Area:
    """A published shape. `rule` is the zone that it is of; `until`: when it ended."""

    id: str
    document: Document
    published: datetime
    until: datetime | None = None
    rule: AnyZone | None = None
    code: str = ""


@dataclass(frozen=True, eq=False)
class Places:
    """All shapes at one revision of the ground. `district`, `bays`: None where there is no shape."""

    updated: datetime
    district: Area | None
    streets: list[tuple[Place, Area]]
    zones: list[Area]
    bays: Area | None

    @property
    def areas(self) -> list[Area]:
        one = [area for area in (self.district, self.bays) if area is not None]
        return [*one, *(area for _place, area in self.streets), *self.zones]


def ms(at: datetime) -> int:
    """Milliseconds since 1970, as all times of MDS."""
    return int(at.timestamp() * 1000)


def read(here: Ground) -> Places:
    """Four queries (five where the pack has no outline)."""
    own = district.current()
    row = District.objects.filter(code=own.code).first()
    loaded = row.loaded_at if row else here.updated
    outline, coarse = (row.outline if row else None) or _box(), not row or not row.outline or row.outline_coarse
    streets = Place.objects.filter(level=Place.Level.STREET, active=True).order_by("code")
    known = [place for place in streets if place.geometry]
    whole = (
        None if outline is None else _area(own.code, own.name, "county_boundary", outline, loaded, illustrative=coarse)
    )
    return Places(
        here.updated,
        whole,
        [(place, _street(place, loaded)) for place in known],
        _zones(here),
        _bays(here),
    )


def _street(place: Place, loaded: datetime) -> Area:
    drawn = place.geometry_illustrative
    return _area(place.code, place.name, "political_district", place.geometry, loaded, illustrative=drawn)


def _box() -> Document | None:
    """The rectangle around the unit grid, where the pack has no outline of the district."""
    found = Cell.objects.aggregate(w=Min("west"), s=Min("south"), e=Max("east"), n=Max("north"))
    if found["w"] is None:
        return None
    w, s, e, n = (found[key] / 1e6 for key in "wsen")
    return {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}


def _area(code: str, name: str, kind: str, geometry: Any, published: datetime, *, illustrative: bool) -> Area:
    """A shape of the pack: another shape is another geography."""
    digest = hashlib.sha256(orjson.dumps(geometry, option=orjson.OPT_SORT_KEYS)).hexdigest()
    (coordinates,) = multipolygons(tidy([geometry]))
    key = uid("geography", code, digest)
    made = document(key, name, kind, [coordinates], published, **marked(illustrative))
    return Area(key, made, published, code=code)


def marked(illustrative: bool) -> Document:
    """What is said of a shape that shows how it might be, not how it is."""
    return {"description": _("示意，不是真实边界")} if illustrative else {}


def document(key: str, name: str, kind: str, shapes: list[Any], published: datetime, **more: Any) -> Document:
    """A Geography of MDS; `shapes` are coordinates of MultiPolygons."""
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": shape}}
        for shape in shapes
    ]
    return {
        "geography_id": key,
        "name": name[:255],
        "geography_type": kind,
        "geography_json": {"type": "FeatureCollection", "features": features},
        "published_date": ms(published),
        "effective_date": ms(published),
        **more,
    }


def zone_key(kind: str, code: str, version: int) -> str:
    """The id of a zone's geography or policy: each version of a zone is one of its own."""
    return uid(kind, district.current().code, "zone", code, version)


def before(kind: str, code: str, version: int) -> list[str]:
    """Ids of what a version replaced."""
    return [zone_key(kind, code, version - 1)] if version > 1 else []


def _zones(here: Ground) -> list[Area]:
    """Every version of every zone: the present ones, and those that ended."""
    past = ZoneVersion.objects.exclude(valid_until=None).select_related("zone").order_by("zone__code", "version")
    ended = list(past)
    found = [
        _zone(row, row.zone.code, coordinates, row.valid_until)
        for row, coordinates in zip(ended, multipolygons(tidy([row.geometry for row in ended])), strict=True)
    ]
    return found + [_zone(zone.row, zone.row.code, zone.coordinates, None) for zone in here.zones]


def _zone(row: AnyZone, code: str, coordinates: list[Any], until: datetime | None) -> Area:
    more: Document = {"prev_geographies": before("geography", code, row.version), **marked(row.illustrative)}
    if until is not None:
        more["retire_date"] = ms(until)
    key = zone_key("geography", code, row.version)
    made = document(key, row.name or code, "policy_zone", [coordinates], row.valid_from, **more)
    return Area(key, made, row.valid_from, until, row, code)


def _bays(here: Ground) -> Area | None:
    """All bays as one geography, which is a new one whenever a bay changed."""
    if not here.bays:
        return None
    key = uid("geography", district.current().code, "bays", dict(here.revision[-1])["bay"], len(here.bays))
    shapes = [bay.coordinates for bay in here.bays]
    more = marked(any(bay.illustrative for bay in here.bays))
    return Area(key, document(key, _("共享单车停放点位"), "policy_zone", shapes, here.updated, **more), here.updated)


def jurisdictions(places: Places) -> list[Document]:
    """The district and its streets."""
    own = district.current()
    rows = [(own.code, own.name, places.district)] + [(p.code, p.name, area) for p, area in places.streets]
    made = []
    for code, name, area in rows:
        row: Document = {
            "jurisdiction_id": uid("jurisdiction", code),
            "agency_key": code,
            "agency_name": name,
            "description": _("%(name)s管理的共享单车") % {"name": name},
            "mode_ids": ["micromobility"],
            "timestamp": ms(area.published if area else places.updated),
        }
        made.append(row | ({"geography_id": area.id} if area else {}))
    return made
