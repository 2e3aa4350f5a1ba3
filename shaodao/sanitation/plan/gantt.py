"""A plan as bars over the 24 hours of its day: what one vehicle does in a row is one bar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shaodao.sanitation.plan.plain import BREAK, FILL, MOVE, SERVICE, WAIT, Facts, PlainLeg, PlainTrip, VehicleFacts

SHORT_S = 180.0  # ways between segments of one pass that are no bar of their own
DAY_S = 86_400.0


@dataclass
class Bar:
    """`what`: service, fill, break, wait or move; of a service mode and pass. Legs `first`…`last` of trip `trip`."""

    what: str
    begin_s: float
    end_s: float
    trip: int
    first: int
    last: int
    mode: int | None = None
    pass_no: int = 0
    roads: list[str] = field(default_factory=list)  # codes, in order
    segments: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Row:
    """A vehicle: when it is on shift, and what it does."""

    vehicle: VehicleFacts
    shifts: list[tuple[float, float]]
    bars: list[Bar]


def rows(facts: Facts, trips: Sequence[PlainTrip], wrong: dict[tuple[int, int], list[str]]) -> list[Row]:
    """A row for each vehicle that does something, by code. `wrong`: words by trip and leg."""
    by: dict[int, list[Bar]] = {}
    roads = {s.key: s.road for s in facts.segments}
    for n, trip in enumerate(trips):
        bars = merged(n, trip, roads)
        for bar in bars:
            bar.wrong = [w for i in range(bar.first, bar.last + 1) for w in wrong.get((n, i), ())]
        by.setdefault(trip.vehicle, []).extend(bars)
    return [Row(v, [(s.begin_s, s.end_s) for s in v.shifts], by.get(v.key, [])) for v in facts.vehicles if v.key in by]


def merged(n: int, trip: PlainTrip, roads: dict[int, str], *, by_road: bool = False) -> list[Bar]:
    """The bars of a trip: services of one pass (`by_road`: on one road) with the short ways between them are one."""
    found: list[Bar] = []
    for i, leg in enumerate(trip.legs):
        last = found[-1] if found else None
        if leg.kind == SERVICE:
            before = found[-2] if len(found) > 1 and last and _way(last) else last
            same = before and before.what == SERVICE and (before.mode, before.pass_no) == (leg.mode, leg.pass_no)
            if before and same and not (by_road and before.roads[-1:] != [roads.get(leg.segment or 0, "")]):
                if before is not last:
                    found.pop()
                before.end_s, before.last = leg.end_s, i
                _visit(before, leg, roads)
                continue
            bar = Bar(SERVICE, leg.begin_s, leg.end_s, n, i, i, leg.mode, leg.pass_no)
            _visit(bar, leg, roads)
            found.append(bar)
        elif leg.kind in (MOVE, WAIT) and last and last.what == leg.kind:
            last.end_s, last.last = leg.end_s, i
        elif leg.kind in (MOVE, WAIT, FILL, BREAK) and leg.end_s > leg.begin_s:
            found.append(Bar(leg.kind, leg.begin_s, leg.end_s, n, i, i))
    return found


def _way(bar: Bar) -> bool:
    return bar.what in (MOVE, WAIT) and bar.end_s - bar.begin_s <= SHORT_S


def _visit(bar: Bar, leg: PlainLeg, roads: dict[int, str]) -> None:
    road = roads.get(leg.segment or 0, "")
    if road and (not bar.roads or bar.roads[-1] != road):
        bar.roads.append(road)
    bar.segments += 1


def closed(facts: Facts) -> list[tuple[float, float]]:
    """Spans of the day in which no service that is due may run: peaks, mostly."""
    spans = sorted(span for m in facts.modes if m.due for p in m.passes for span in p.spans)
    found, until = [], 0.0
    for a, b in _joined(spans):
        if a > until:
            found.append((until, a))
        until = b
    return [*found, (until, DAY_S)] if spans and until < DAY_S else found


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for a, b in spans:
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], b))
        else:
            found.append((a, b))
    return found
