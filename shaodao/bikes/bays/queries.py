"""Bays and zones: the two kinds that are kept in the same way, how they stand now, and how they stood at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Q, QuerySet, Sum
from numpy.typing import NDArray

from shaodao.bikes import ground
from shaodao.bikes.bays import rows as bayrows
from shaodao.bikes.models import Bay, BayVersion, Zone, ZoneVersion
from shaodao.places.models import Place

BATCH = 1000


@dataclass(frozen=True, eq=False)
class Kind:
    """A table whose rows are kept in versions.

    `columns`: what a file or a form may say besides code and outline. `said`: what makes a new version when it changes.
    """

    name: str
    model: Any
    versions: Any
    columns: tuple[str, ...]
    said: tuple[str, ...]


BAYS = Kind(
    "bay",
    Bay,
    BayVersion,
    bayrows.BAY,
    ("name", "geometry", "illustrative", "length_m", "area_m2", "capacity", "capacity_given", "tolerance_m"),
)
ZONES = Kind("zone", Zone, ZoneVersion, bayrows.ZONE, ("geometry", "illustrative", *bayrows.ZONE))
KINDS = {kind.name: kind for kind in (BAYS, ZONES)}


def by_code(kind: Kind, codes: Sequence[str], *, lock: bool = False) -> dict[str, Any]:
    """The rows with these codes, also those that were taken away."""
    rows = kind.model.objects.order_by("pk").select_for_update() if lock else kind.model.objects.order_by("pk")
    return {row.code: row for part in chunks(codes) for row in rows.filter(code__in=part)}


def chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (keys[i : i + BATCH] for i in range(0, len(keys), BATCH))


def standing(kind: Kind, besides: Iterable[str]) -> tuple[list[str], NDArray[np.object_]]:
    """Codes and areas of the rows in force, without those with one of the codes."""
    left_out = set(besides)
    rows = kind.model.objects.filter(active=True).order_by("code").values_list("code", "geometry")
    kept = [(code, geometry) for code, geometry in rows.iterator(2000) if code not in left_out]
    return [code for code, _g in kept], ground.shapes([geometry for _c, geometry in kept])


def at(kind: Kind, when: datetime) -> QuerySet[Any]:
    """The versions that held at a time, with their bays or zones: what history is judged by."""
    rows = kind.versions.objects.filter(Q(valid_until=None) | Q(valid_until__gt=when), valid_from__lte=when)
    return rows.select_related(kind.name).order_by(f"{kind.name}__code")


def listed(kind: Kind, *, text: str = "", street: str = "", zone_kind: str = "", state: str = "") -> QuerySet[Any]:
    """Rows for a list: `text` in code or name; `street` a place's code; `state` "" in force, "gone", or "all"."""
    rows = kind.model.objects.order_by("code")
    if kind is BAYS:
        rows = rows.select_related("street", "community")
    if state != "all":
        rows = rows.filter(active=state != "gone")
    if text:
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text))
    if street and kind is BAYS:
        rows = rows.filter(street=None) if street == "none" else rows.filter(street__code=street)
    if zone_kind and kind is ZONES:
        rows = rows.filter(kind=zone_kind)
    return rows


def streets() -> QuerySet[Place]:
    """The district's streets."""
    return Place.objects.filter(level=Place.Level.STREET, active=True).order_by("code")


def around(kind: Kind, row: Any, degrees: float = 0.004) -> list[Any]:
    """Rows in force near a bay, for its map; near a zone those bays that lie in its surroundings. At most 500."""
    import shapely

    west, south, east, north = shapely.bounds(ground.shapes([row.geometry])[0])
    rows = Bay.objects.filter(active=True, lon__gte=west - degrees, lon__lte=east + degrees)
    rows = rows.filter(lat__gte=south - degrees, lat__lte=north + degrees).order_by("code")
    return list((rows.exclude(pk=row.pk) if kind is BAYS else rows)[:500])


def history(kind: Kind, row: Any) -> list[Any]:
    """The versions of a row, newest first, with who made them; `removal`: one that only says that it was taken away."""
    found = list(row.versions.select_related("changed_by").order_by("-version"))
    for version in found:
        version.removal = version.valid_until == version.valid_from and (
            version.version < row.version or not row.active
        )
    return found


def sums(kind: Kind) -> dict[str, int]:
    """How many are in force, how many of them are illustrative; of bays also how many bikes they take. One query."""
    rows = kind.model.objects.filter(active=True).order_by()
    wanted: dict[str, Any] = {"n": Count("pk"), "illustrative": Count("pk", filter=Q(illustrative=True))}
    if kind is BAYS:
        wanted |= {"capacity": Sum("capacity", default=0), "outside": Count("pk", filter=Q(street=None))}
    found: dict[str, int] = rows.aggregate(**wanted)
    return found
