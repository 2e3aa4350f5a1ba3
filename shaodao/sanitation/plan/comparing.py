"""Two plans side by side: sums, and which passes of which segments were moved to another vehicle or time, came, or went."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shaodao.sanitation.plan.plain import Facts, PlainTrip

SAME_S = 300.0  # so much earlier or later is the same
KEYS = ("planned_share", "feasible_share", "work_km", "move_km", "water_m3", "refills")


@dataclass
class Change:
    """Of one mode and pass on one road: how many segments came, went, moved to another vehicle, to another time."""

    mode: str
    pass_no: int
    road: str
    came: int = 0
    gone: int = 0
    vehicle: int = 0
    time: int = 0


def sums(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """(name, of one, of the other) of the figures of two plans."""
    return [(key, one.get(key), other.get(key)) for key in KEYS]


def changes(facts: Facts, one: Sequence[PlainTrip], other: Sequence[PlainTrip]) -> list[Change]:
    """By mode, pass and road in their order; where nothing changed nothing is said."""
    before, after = _where(one), _where(other)
    modes = {m.key: (n, m.code) for n, m in enumerate(facts.modes)}
    segments = {s.key: s for s in facts.segments}
    found: dict[tuple[int, int, str], Change] = {}
    for key in before.keys() | after.keys():
        mode, pass_no, segment = key
        if mode not in modes or segment not in segments:
            continue
        place = (modes[mode][0], pass_no, segments[segment].road)
        row = found.setdefault(place, Change(modes[mode][1], pass_no, segments[segment].road))
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            row.came, row.gone = row.came + (was is None), row.gone + (now is None)
        elif was[0] != now[0]:
            row.vehicle += 1
        elif abs(was[1] - now[1]) > SAME_S:
            row.time += 1
    rows = [found[place] for place in sorted(found)]
    return [row for row in rows if row.came or row.gone or row.vehicle or row.time]


def _where(trips: Sequence[PlainTrip]) -> dict[tuple[int, int, int], tuple[frozenset[int], float]]:
    """By mode, pass and segment: which vehicles, and when it begins."""
    found: dict[tuple[int, int, int], tuple[frozenset[int], float]] = {}
    for trip in trips:
        for leg in trip.services:
            key = (leg.mode or 0, leg.pass_no, leg.segment or 0)
            vehicles, begin = found.get(key, (frozenset(), leg.begin_s))
            found[key] = (vehicles | {trip.vehicle}, min(begin, leg.begin_s))
    return found
