"""Lines of the page of the present: one for each operator, street or community, each number with its address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shaodao.bikes.models import Operator
from shaodao.bikes.seen import asking, filling
from shaodao.bikes.seen.filling import Fill
from shaodao.bikes.seen.present import Feed, Tally, Wanted
from shaodao.bikes.seen.words import Mark, classes_of
from shaodao.bikes.words import IN_FORCE
from shaodao.foundation.naming import named
from shaodao.places.models import Place

COLUMNS = (
    "here", "in_bay", "near_bay", "outside", "zone", "uncertain", "silent", "in_use", "violation", "idle", "away", "gone",
)  # fmt: skip
IN_A_PLACE = tuple(name for name in COLUMNS if name not in ("away", "gone"))  # which are in no place of the district


@dataclass(frozen=True)
class Number:
    name: str
    label: str
    n: int
    query: str  # of the list behind it


@dataclass
class Line:
    label: str
    code: str
    tally: Tally
    numbers: list[Number]
    illustrative: bool = False
    quota: int | None = None
    feed: Feed | None = None
    feed_known: bool = False
    bays: dict[str, int] = field(default_factory=dict)
    query: str = ""  # of its bays

    @property
    def quota_percent(self) -> int | None:
        return round(self.tally.here * 100 / self.quota) if self.quota else None

    @property
    def over_quota(self) -> bool:
        return self.quota is not None and self.tally.here > self.quota


def columns(wanted: Wanted, among: Iterable[str] = COLUMNS) -> list[tuple[str, str]]:
    """(name, label) of the numbers that a line has under a filter by class: those that it leaves whole."""
    only = set(classes_of(wanted.seen))
    kept = [name for name in among if not only or (name not in Mark.values and set(classes_of(name)) <= only)]
    return [(name, asking.label_of(name)) for name in kept]


def numbers(tally: Tally, names: Iterable[tuple[str, str]], **where: str) -> list[Number]:
    return [Number(name, label, tally.number(name), asking.number_query(name, **where)) for name, label in names]


def operators(
    rows: Iterable[Operator], tallies: Mapping[int, Tally], feeds: Mapping[int, Feed], wanted: Wanted, quotas: bool
) -> list[Line]:
    """A line for each operator that has vehicles or a quota; `quotas`: are all its vehicles counted, so that they can be
    held against it?"""
    names = columns(wanted)
    found = []
    for row in rows:
        if row.pk not in tallies and row.pk not in feeds and row.state not in IN_FORCE:
            continue
        tally, code = tallies.get(row.pk, Tally()), row.organisation.code
        where = {"street": wanted.street, "community": wanted.community, "operator": code}
        line = Line(named(row.organisation), code, tally, numbers(tally, names, **where), row.organisation.illustrative)
        line.quota = row.quota if quotas and row.state in IN_FORCE else None
        line.feed, line.feed_known = feeds.get(row.pk), True
        found.append(line)
    return found


def places(
    level: str, rows: Iterable[Place], tallies: Mapping[Any, Tally], fills: Iterable[Fill], wanted: Wanted
) -> list[Line]:
    """A line for each street or community (`level`), with its bays."""
    names = columns(wanted, IN_A_PLACE)
    of_place: dict[str, list[Fill]] = {}
    for fill in fills:
        of_place.setdefault(getattr(fill, f"{level}_code"), []).append(fill)
    found = []
    for row in rows:
        tally = tallies.get(row.pk, Tally())
        where = {"operator": wanted.operator, level: row.code}
        line = Line(named(row), row.code, tally, numbers(tally, names, **where))
        line.bays, line.query = filling.sums(of_place.get(row.code, [])), asking.query(**where)
        found.append(line)
    return found
