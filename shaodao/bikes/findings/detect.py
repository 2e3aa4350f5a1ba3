"""The rules on a snapshot: pure arithmetic on arrays, and for each thing found one `Seen`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.bikes.findings.settings import FindingSettings
from shaodao.bikes.findings.snapshot import NONE, Longs, Snapshot
from shaodao.bikes.findings.words import PlaceKind, Rule
from shaodao.kernel.parking import BayIndex, Parked

SAMPLE = 20
"""Vehicles of each operator that a finding names."""
DAY_MS = 86_400_000
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """What a rule finds now; the names are those of the columns of `Finding`."""

    rule: str
    place: str
    key: str
    operator_id: int
    count: int
    limit: int
    shares: dict[str, dict[str, Any]]
    bay_id: int | None = None
    zone_id: int | None = None
    street_id: int | None = None
    community_id: int | None = None
    vehicle_id: str = ""
    lon_e6: int | None = None
    lat_e6: int | None = None


@dataclass(frozen=True)
class Given:
    """What the rules need beside the bikes: capacities, and the group's key (of its first bay), in the order of the sorted
    keys of bays; the no-parking zones in force, quotas of operators, zones with a quota in force as (key, quota, Shapely
    area)."""

    bays: Longs
    capacity: Longs
    group: Longs
    zones: frozenset[int]
    quotas: dict[int, int]
    quota_zones: list[tuple[int, int, Any]] = field(default_factory=list)
    idle_days: float = 7.0
    fixes: int = 3


def detect(s: Snapshot, given: Given, rules: FindingSettings) -> list[Seen]:
    """Everything that the enabled rules find, in a stable order."""
    found: list[Seen] = []
    for rule, look in LOOKS.items():
        if rules.rule(rule).enabled:
            found.extend(look(s, given, rules))
    return found


def over_capacity(s: Snapshot, given: Given, rules: FindingSettings) -> Iterator[Seen]:
    """More bikes in or near a group of bays than all of it has room for; those that cannot be placed for certain are not
    held against it. GPS cannot tell bays of a group apart, so one that is full beside one with room is no finding."""
    among = np.flatnonzero(
        s.standing & np.isin(s.parked, (Parked.IN_BAY, Parked.NEAR_BAY)) & np.isin(s.bay, given.bays)
    )
    groups, which = np.unique(given.group, return_inverse=True)
    rooms = np.bincount(which, given.capacity, groups.size)
    for bay, rows in _groups(given.group[np.searchsorted(given.bays, s.bay[among])], among):
        room = int(rooms[np.searchsorted(groups, bay)])
        if rows.size - room >= rules.over_capacity.bikes:
            shares = _shares(s, rows, rows.size - room)
            where = _where(s, rows)
            yield Seen(Rule.OVER_CAPACITY, PlaceKind.BAY, f"bay:{bay}", _most(shares), rows.size, room, shares, bay_id=bay,
                       **where)  # fmt: skip


def cluster(s: Snapshot, given: Given, rules: FindingSettings) -> Iterator[Seen]:
    """Many bikes close together outside of all bays (and of no-parking zones, which have a rule of their own)."""
    from sklearn.cluster import DBSCAN  # loaded only where it is used

    outside = s.standing & (s.parked == Parked.OUTSIDE)
    if rules.no_parking.enabled:
        outside &= ~np.isin(s.zone, np.array(sorted(given.zones), np.int64))
    among = np.flatnonzero(outside)
    if among.size < rules.cluster.bikes:
        return
    east, north = s.metres
    points = np.column_stack([east[among], north[among]])
    labels = DBSCAN(eps=rules.cluster.eps_m, min_samples=rules.cluster.neighbours).fit(points).labels_
    for label, rows in _groups(labels.astype(np.int64), among):
        if label >= 0 and rows.size >= rules.cluster.bikes:
            shares, where = _shares(s, rows, rows.size), _where(s, rows)
            key = f"cluster:{where['lon_e6']},{where['lat_e6']}"
            yield Seen(Rule.CLUSTER, PlaceKind.CLUSTER, key, _most(shares), rows.size, rules.cluster.bikes - 1, shares,
                       **where)  # fmt: skip


def no_parking(s: Snapshot, given: Given, rules: FindingSettings) -> Iterator[Seen]:
    """An operator's bikes that several fixes in a row found in a no-parking zone which is in force."""
    zones = np.array(sorted(given.zones), np.int64)
    among = np.flatnonzero(s.standing & np.isin(s.zone, zones) & (s.fixes >= given.fixes))
    for zone, everybody in _groups(s.zone[among], among):
        for operator, rows in _groups(s.operator[everybody], everybody):
            if rows.size >= rules.no_parking.bikes:
                shares = _shares(s, rows, rows.size)
                key = f"zone:{zone}:{operator}"
                yield Seen(Rule.NO_PARKING, PlaceKind.ZONE, key, operator, rows.size, rules.no_parking.bikes - 1, shares,
                           zone_id=zone, **_where(s, rows))  # fmt: skip


def idle(s: Snapshot, given: Given, rules: FindingSettings) -> Iterator[Seen]:
    """A bike that stands longer than the pack's days, as far as its own fixes say: a silent feed makes nothing idle."""
    stood = np.maximum(s.at, s.received) - s.since
    for row in np.flatnonzero(s.standing & (stood >= given.idle_days * DAY_MS)).tolist():
        operator = int(s.operator[row])
        rows = np.array([row])
        yield Seen(Rule.IDLE, PlaceKind.VEHICLE, f"vehicle:{operator}:{s.ids[row]}", operator, int(stood[row] // DAY_MS),
                   int(given.idle_days), _shares(s, rows, 1), vehicle_id=str(s.ids[row]), **_where(s, rows))  # fmt: skip


def over_quota(s: Snapshot, given: Given, rules: FindingSettings) -> Iterator[Seen]:
    """More of an operator's bikes in the district than its quota, and more bikes in a zone than may stand there."""
    here = np.flatnonzero((s.street != NONE) & np.isin(s.operator, np.array(sorted(s.fresh), np.int64)))
    for operator, rows in _groups(s.operator[here], here):
        quota = given.quotas.get(operator, 0)
        if rows.size - quota >= rules.over_quota.bikes:
            shares = {str(operator): {"n": int(rows.size), "over": int(rows.size) - quota, "ids": []}}
            yield Seen(Rule.OVER_QUOTA, PlaceKind.DISTRICT, f"district:{operator}", operator, rows.size, quota, shares)
    standing = np.flatnonzero(s.standing)
    for zone, quota, area in given.quota_zones:
        index = BayIndex.build([area], 0.0)
        inside = index.assign(s.lon[standing] / 1e6, s.lat[standing] / 1e6).parked == Parked.IN_BAY
        rows = standing[inside]
        if rows.size - quota >= rules.over_quota.bikes:
            shares = _shares(s, rows, rows.size - quota)
            yield Seen(Rule.OVER_QUOTA, PlaceKind.ZONE, f"zone:{zone}", _most(shares), rows.size, quota, shares,
                       zone_id=zone, **_where(s, rows))  # fmt: skip


LOOKS = {
    Rule.OVER_CAPACITY: over_capacity,
    Rule.CLUSTER: cluster,
    Rule.NO_PARKING: no_parking,
    Rule.IDLE: idle,
    Rule.OVER_QUOTA: over_quota,
}


def _groups(keys: Longs, rows: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """`rows` by their keys, the keys in their order."""
    order = np.argsort(keys, kind="stable")
    values, first = np.unique(keys[order], return_index=True)
    for value, part in zip(values.tolist(), np.split(rows[order], first[1:]), strict=bool(values.size)):
        yield int(value), part


def _where(s: Snapshot, rows: NDArray[np.intp]) -> dict[str, Any]:
    """The centre of some bikes, and the street and community in which most of them stand."""
    streets, communities = s.street[rows], s.community[rows]
    return {
        "lon_e6": round(float(s.lon[rows].mean())),
        "lat_e6": round(float(s.lat[rows].mean())),
        "street_id": _mode(streets),
        "community_id": _mode(communities),
    }


def _mode(keys: Longs) -> int | None:
    values, counts = np.unique(keys[keys != NONE], return_counts=True)
    return int(values[counts.argmax()]) if values.size else None


def _shares(s: Snapshot, rows: NDArray[np.intp], over: int) -> dict[str, dict[str, Any]]:
    """Each operator's bikes among `rows`, and how many of the `over` too many it has to take away."""
    parts = list(_groups(s.operator[rows], rows))
    takes = split(over, [(operator, part.size) for operator, part in parts])
    return {
        str(operator): {"n": int(part.size), "over": takes[operator], "ids": [str(i) for i in s.ids[part[:SAMPLE]]]}
        for operator, part in parts
    }


def split(over: int, bikes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """`over` bikes divided among operators by their numbers of bikes, whole bikes, the largest remainders first."""
    counts = dict(bikes)
    total = sum(counts.values())
    takes = {operator: over * n // total for operator, n in counts.items()}
    rest = sorted(counts, key=lambda o: (-(over * counts[o] % total), -counts[o], o))
    for operator in rest[: over - sum(takes.values())]:
        takes[operator] += 1
    return takes


def _most(shares: dict[str, dict[str, Any]]) -> int:
    """The operator with most bikes; of equals the first."""
    return int(max(shares, key=lambda o: (shares[o]["n"], -int(o))))
