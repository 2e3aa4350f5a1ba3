"""What the rules see, held against what is known: findings begin, go on, are gone. One look at a time, a few statements."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.functional import cached_property

from shaodao.bikes import rules as zone_rules
from shaodao.bikes import settings
from shaodao.bikes.findings.detect import Given, Seen, detect
from shaodao.bikes.findings.snapshot import Snapshot, take
from shaodao.bikes.findings.words import LIVE, FindingState, Rule
from shaodao.bikes.ground import ground, shapes
from shaodao.bikes.models import Bay, Finding, Observation, Operator, Zone
from shaodao.bikes.seen.filling import groups
from shaodao.bikes.words import ZoneKind
from shaodao.cases.words import CaseState, Outcome
from shaodao.foundation import clock
from shaodao.kernel.geodesy import distance_m

STORED = ("operator_id", "count", "limit", "shares", "lon_e6", "lat_e6", "street_id", "community_id")
BATCH = 500


def look(now: datetime) -> int:
    """Hold all bikes against the rules; returns how many findings there are now that were not there before.

    Nothing to do within `every_s` of the last look. Nothing is locked while the rules look; of two at once the second
    finds that it was done, and writes nothing.
    """
    rules = settings.current().findings
    before = Observation.objects.get_or_create(pk=1)[0].at
    if before is not None and now - before < timedelta(seconds=rules.every_s):
        return 0
    bikes = take(now)
    given = _given(now)
    seen = detect(bikes, given, rules)
    with transaction.atomic():
        row = Observation.objects.select_for_update().get(pk=1)
        if row.at != before:
            return 0
        begun = _Look(bikes, before, seen, given).write()
        row.at, row.bikes = now, bikes.ids.size
        row.save(update_fields=["at", "bikes"])
    return begun


def _given(now: datetime) -> Given:
    """Bays, zones in force, quotas: three queries."""
    here, parking = ground(), settings.current().parking
    order = np.argsort(here.bay_pk)
    key, first = dict(zip(here.codes.to_pylist(), here.bay_pk.tolist(), strict=True)), groups()
    group = np.array([key[first.get(code, code)] for code in key], np.int64)
    local = clock.local(now)
    in_force = [z for z in here.zones if zone_rules.zone_in_force(z, now, local)]
    limited = [
        z
        for z in Zone.objects.filter(active=True, kind=ZoneKind.QUOTA, quota__isnull=False).order_by("pk")
        if zone_rules.zone_in_force(z, now, local)
    ]
    areas = shapes([z.geometry for z in limited])
    return Given(
        here.bay_pk[order],
        here.capacity[order],
        group[order],
        frozenset(z.pk for z in in_force),
        dict(Operator.objects.order_by().values_list("pk", "quota")),
        [(z.pk, z.quota or 0, area) for z, area in zip(limited, areas, strict=True)],
        parking.idle_days,
        parking.fixes,
    )


class _Look:
    """One look: `seen` at `now`, after one at `before`."""

    def __init__(self, bikes: Snapshot, before: datetime | None, seen: list[Seen], given: Given) -> None:
        self.now, self.fresh, self.seen = bikes.now, bikes.fresh, seen
        self.group = dict(zip(given.bays.tolist(), given.group.tolist(), strict=True))
        self.rules = settings.current().findings
        self.gap = timedelta(seconds=max(settings.current().ingest.gap_s, 3 * self.rules.every_s))
        self.blind = before is None or self.now - before > self.gap  # what was between is not known
        self.changed: list[Finding] = []

    @cached_property
    def live(self) -> list[Finding]:
        return list(Finding.objects.filter(state__in=LIVE).select_related("case").order_by("pk"))

    def write(self) -> int:
        """Returns how many findings have begun."""
        known = [row for row in self.live if not self._closed_by_a_person(row)]
        matched = self._matched(known)
        new = [one for one, row in matched if row is None]
        gone, again = {row.pk: row for row in known}, []
        for one, row in matched:
            if row is not None:
                del gone[row.pk]
                again.append(row.pk)
                self._goes_on(row, one)
        ended = [row.pk for row in gone.values() if self._missing(row)]
        Finding.objects.filter(pk__in=ended).delete()
        rows = {row.pk: row for row in self.changed if row.pk not in set(ended)}
        fields = [*STORED, "first_seen_at", "absent_since", "state", "cleared_at"]
        Finding.objects.bulk_update(rows.values(), fields, batch_size=BATCH)
        Finding.objects.filter(pk__in=again).update(last_seen_at=self.now)
        Finding.objects.bulk_create([self._begin(one, n) for n, one in enumerate(new)], batch_size=BATCH)
        return len(new)

    def _closed_by_a_person(self, row: Finding) -> bool:
        """Said to be solved: what is seen from now on is a new finding, and a rebound of the same case."""
        case = row.case
        if case is None or case.state != CaseState.CLOSED or case.outcome != Outcome.FIXED:
            return False
        row.state, row.cleared_at = FindingState.CLEARED, case.closed_at or self.now
        self.changed.append(row)
        return True

    def _matched(self, known: list[Finding]) -> list[tuple[Seen, Finding | None]]:
        """Each thing seen with the finding that it is: by its key; a cluster by how near its centre is, nearest first."""
        rows = [row for row in known if row.rule != Rule.CLUSTER]
        # A group that has another first bay now, and bays that are one group now, go on as one finding, the oldest.
        by_key = {(row.rule, f"bay:{self.group.get(row.bay_id, row.bay_id)}"): row for row in rows[::-1] if row.bay_id}
        by_key |= {(row.rule, row.key): row for row in rows}
        found = [(s, by_key.get((s.rule, s.key))) for s in self.seen if s.rule != Rule.CLUSTER]
        return found + self._clusters(
            [s for s in self.seen if s.rule == Rule.CLUSTER], [r for r in known if r.rule == Rule.CLUSTER]
        )

    def _clusters(self, seen: list[Seen], known: list[Finding]) -> list[tuple[Seen, Finding | None]]:
        pairs: dict[int, Finding] = {}
        if seen and known:
            lon, lat = (np.array([getattr(s, n) for s in seen])[:, None] / 1e6 for n in ("lon_e6", "lat_e6"))
            old_lon, old_lat = (np.array([getattr(r, n) for r in known])[None, :] / 1e6 for n in ("lon_e6", "lat_e6"))
            metres = distance_m(lon, lat, old_lon, old_lat)
            taken: set[int] = set()
            for i, j in np.argwhere(metres < self.rules.cluster.eps_m)[
                np.argsort(metres[metres < self.rules.cluster.eps_m], kind="stable")
            ].tolist():
                if i not in pairs and j not in taken:
                    pairs[i] = known[j]
                    taken.add(j)
        return [(s, pairs.get(i)) for i, s in enumerate(seen)]

    def _goes_on(self, row: Finding, one: Seen) -> None:
        """Seen again. After a silence nobody knows whether it lasted: one that is not a case yet begins anew."""
        values = {name: getattr(one, name) for name in STORED}
        if row.state == FindingState.FILED:
            values["operator_id"] = row.operator_id  # the case is with that one
        if row.state == FindingState.OPEN and self.now - row.last_seen_at > self.gap:
            values["first_seen_at"] = self.now
        values["absent_since"] = None
        changes = {name: value for name, value in values.items() if getattr(row, name) != value}
        for name, value in changes.items():
            setattr(row, name, value)
        if changes:
            self.changed.append(row)

    def _missing(self, row: Finding) -> bool:
        """Not seen now. True: it never lasted, so that nothing of it need be kept."""
        rule = self.rules.rule(row.rule)
        heard = all(int(pk) in self.fresh for pk in row.shares)
        known = heard and (rule.enabled or row.state == FindingState.OPEN)
        since = (row.absent_since if not self.blind else None) or self.now
        if (since if known else None) != row.absent_since:
            row.absent_since = since if known else None
            self.changed.append(row)
        if not known or row.state != FindingState.OPEN or self.now - since < timedelta(minutes=rule.clear_minutes):
            return False
        if lasted(row, rule.minutes):
            row.state, row.cleared_at = FindingState.CLEARED, since
            self.changed.append(row)
            return False
        return True

    def _begin(self, one: Seen, n: int) -> Finding:
        values: dict[str, Any] = {name: getattr(one, name) for name in one.__dataclass_fields__}
        if one.rule == Rule.CLUSTER:  # where it began; another may begin there once this one has moved
            values["key"] = f"{one.key}:{int(self.now.timestamp())}:{n}"
        why = asked(self.rules.rule(one.rule))
        if one.rule == Rule.OVER_CAPACITY:
            why |= self._bays(one.bay_id)
        return Finding(**values, asked=why, first_seen_at=self.now, last_seen_at=self.now)

    def _bays(self, group: int | None) -> dict[str, Any]:
        """The codes of a group's bays, for its page. A query for each group that is found for the first time."""
        members = [bay for bay, first in self.group.items() if first == group]
        codes = Bay.objects.filter(pk__in=members).order_by("code").values_list("code", flat=True)
        return {"bays": list(codes), "group_m": settings.current().parking.group_m}


def lasted(row: Finding, minutes: float) -> bool:
    """Was it seen for so long without a gap?"""
    return row.last_seen_at - row.first_seen_at >= timedelta(minutes=minutes)


def asked(rule: Any) -> dict[str, Any]:
    """The parameters of a rule that say why something is a finding, for its page."""
    names = ("bikes", "minutes", "clear_minutes", "eps_m", "neighbours")
    parking = settings.current().parking
    found = {name: getattr(rule, name) for name in names if hasattr(rule, name)}
    return found | {"fixes": parking.fixes, "idle_days": parking.idle_days}
