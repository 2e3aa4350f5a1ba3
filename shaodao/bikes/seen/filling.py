"""How full bays are, and groups of bays: vehicles that stand in them against their capacity."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from shaodao.bikes import ground, settings
from shaodao.bikes.models import Bay, VehicleStatus
from shaodao.bikes.seen.words import HERE, SeenAs
from shaodao.foundation.naming import named
from shaodao.kernel.parking.groups import grouped

TIGHT = 0.8  # of the capacity


class FillState(TextChoices):
    OVER = "over", _("超容量")
    TIGHT = "tight", _("快满")
    ROOM = "room", _("有空位")
    EMPTY = "empty", _("空")


@dataclass
class Fill:
    """A bay, or a group under the code of its first bay. `n` vehicles stand in it; of `silent` ones the last that was
    heard. `members` codes of a group's bays."""

    code: str
    name: str
    capacity: int
    street: str
    street_code: str
    community_code: str
    illustrative: bool
    n: int = 0
    silent: int = 0
    members: tuple[str, ...] = ()
    at: str = ""  # "lon,lat" of a point inside it, or inside the first bay of the group

    @property
    def ratio(self) -> float | None:
        return self.n / self.capacity if self.capacity else None

    @property
    def percent(self) -> int | None:
        return None if self.ratio is None else round(self.ratio * 100)

    @property
    def state(self) -> FillState:
        if self.n == 0:
            return FillState.EMPTY
        if self.n > self.capacity:
            return FillState.OVER
        return FillState.TIGHT if self.n >= TIGHT * self.capacity else FillState.ROOM

    @property
    def over(self) -> int:
        """Vehicles too many."""
        return max(0, self.n - self.capacity)


def fills(bays: QuerySet[Bay], statuses: QuerySet[VehicleStatus]) -> list[Fill]:
    """Each bay with its classed vehicles, by code. Two queries."""
    counts = {bay: (n, silent) for bay, n, silent in _standing(statuses)}
    names = ("pk", "code", "name", "capacity", "illustrative", "street__name", "street__name_en", "street__code",
             "community__code", "lon", "lat")  # fmt: skip
    rows = bays.order_by("code").values_list(*names)
    found = []
    for pk, code, name, capacity, illustrative, street, street_en, street_code, community_code, lon, lat in rows:
        where = named({"name": street, "name_en": street_en})
        n, silent = counts.get(pk, (0, 0))
        places = (street_code or "", community_code or "")
        found.append(
            Fill(code, name, capacity, where, *places, illustrative, n, silent, (code,), f"{lon:.6f},{lat:.6f}")
        )
    return found


def _standing(statuses: QuerySet[VehicleStatus]) -> QuerySet[VehicleStatus, tuple[Any, ...]]:
    rows = statuses.filter(Q(seen__in=HERE), bay__isnull=False).order_by().values_list("bay_id")
    return rows.annotate(n=Count("pk"), n_silent=Count("pk", filter=Q(seen=SeenAs.SILENT)))


def in_groups(rows: Iterable[Fill]) -> list[Fill]:
    """The same, added up by group of bays: bays that GPS cannot tell apart share what they can hold."""
    first = groups()
    found: dict[str, Fill] = {}
    for row in rows:
        code = first.get(row.code, row.code)
        group = found.get(code)
        if group is None:
            found[code] = Fill(code, row.name, row.capacity, row.street, row.street_code,
                               row.community_code, row.illustrative, row.n, row.silent, (row.code,), row.at)  # fmt: skip
            continue
        group.capacity += row.capacity
        group.n += row.n
        group.silent += row.silent
        group.members += row.members
        group.illustrative |= row.illustrative
    return list(found.values())


def sums(rows: Iterable[Fill]) -> dict[str, int]:
    """Numbers of bays by state, their capacity, and the vehicles too many."""
    found = {"all": 0, "capacity": 0, "n": 0, "too_many": 0, **dict.fromkeys(FillState.values, 0)}
    for row in rows:
        found["all"] += 1
        found["capacity"] += row.capacity
        found["n"] += row.n
        found["too_many"] += row.over
        found[row.state.value] += 1
    return found


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────

_lock = threading.Lock()
_kept: tuple[Any, dict[str, str]] | None = None


def groups() -> dict[str, str]:
    """The code of the group (of its first bay) of each bay in use by which is judged. Made anew when a bay or the distance
    changes: then one query and some tenths of a second; else one small query."""
    global _kept  # noqa: PLW0603
    metres = settings.current().parking.group_m
    revision = (ground.ground(), metres)  # the ground is made anew when a bay changed
    kept = _kept
    if kept is not None and kept[0] == revision:
        return kept[1]
    with _lock:
        if _kept is None or _kept[0] != revision:
            bays = Bay.objects.filter(active=True).order_by("code")
            rows = list(ground.near(bays).values_list("code", "geometry"))
            first = grouped(ground.shapes([geometry for _code, geometry in rows]), metres).tolist()
            _kept = revision, {code: rows[n][0] for (code, _geometry), n in zip(rows, first, strict=True)}
        return _kept[1]


def members(group: str) -> tuple[str, ...]:
    """The codes of a group's bays; () where there is no such group."""
    return tuple(code for code, first in groups().items() if first == group)


SORTS: dict[str, Any] = {
    "code": lambda row: row.code,
    "name": lambda row: (row.name, row.code),
    "street": lambda row: row.street_code,
    "capacity": lambda row: row.capacity,
    "n": lambda row: row.n,
    "over": lambda row: row.over,
    "ratio": lambda row: row.n / row.capacity if row.capacity else float("inf") if row.n else 0.0,
}


def ordered(rows: list[Fill], sort: str) -> list[Fill]:
    """By a column of `SORTS`, by default the fullest first; equal ones by code."""
    key, down = sort.removeprefix("-"), sort.startswith("-")
    if key not in SORTS:
        key, down = "ratio", True
    return sorted(sorted(rows, key=SORTS["code"]), key=SORTS[key], reverse=down)
