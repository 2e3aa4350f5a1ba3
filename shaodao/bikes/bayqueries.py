"""Bays and zones: the two kinds that are kept in the same way, how they stand now, and how they stood at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from shaodao.bikes import bayrows, ground
from shaodao.bikes.models import Bay, BayVersion, Zone, ZoneVersion

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
