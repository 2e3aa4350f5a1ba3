"""A plan as plain values, which no database knows: what the engine makes, the checker looks at and an edit by hand changes.

Times are seconds from midnight of the day on the district's wall clock, distances metres, water litres. Rows are named by
their keys in the book; a test may give them any numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Span = tuple[float, float]
Place = tuple[float, float]
"""Longitude and latitude, WGS-84."""

SERVICE, MOVE, FILL, BREAK, WAIT = "service", "move", "fill", "break", "wait"


@dataclass(frozen=True)
class PlainLeg:
    """One thing after another on a trip. `water_l`: used by a service, taken at a fill. A service of several `runs` comes
    back empty to the segment's beginning between them."""

    kind: str
    begin_s: float
    end_s: float
    metres: float = 0.0
    water_l: float = 0.0
    segment: int | None = None
    mode: int | None = None
    pass_no: int = 0
    runs: int = 0
    point: int | None = None


@dataclass(frozen=True)
class PlainTrip:
    """One vehicle in one shift. Its tank goes on from one trip to the next."""

    vehicle: int
    begin_s: float
    end_s: float
    legs: tuple[PlainLeg, ...] = ()

    @property
    def services(self) -> list[PlainLeg]:
        return [leg for leg in self.legs if leg.kind == SERVICE]


@dataclass(frozen=True)
class SegmentFacts:
    key: int
    code: str
    road: str  # code
    road_name: str
    road_name_en: str
    rank: int  # of the road's class: 0 is cut last
    start: Place
    end: Place
    out_deg: float  # direction in which the end is left, clockwise from north
    in_deg: float  # in which the start is entered
    length_m: float


@dataclass(frozen=True)
class PassFacts:
    """The n-th pass of the day may run within `spans`: its window without peaks, weather stops and closings. `stopped`: the
    weather, or a closing, took something of it."""

    no: int
    window: Span
    spans: tuple[Span, ...]
    stopped: bool = False


@dataclass(frozen=True)
class ModeFacts:
    """A service mode. By segment, in the order of `Facts.segments`: runs of one pass (0: nothing to do there), metres and
    litres of all of them, and machine-hours with refilling, by which shares are weighed. `state`: due, stopped (weather),
    out_of_season, empty."""

    key: int
    code: str
    name: str
    name_en: str
    kind: str
    vehicle_type: str
    priority: int
    speed_kmh: float
    spacing_s: float
    state: str
    passes: tuple[PassFacts, ...]
    runs: tuple[int, ...] = field(repr=False)
    metres: tuple[float, ...] = field(repr=False)
    litres: tuple[float, ...] = field(repr=False)
    hours: tuple[float, ...] = field(repr=False)

    @property
    def due(self) -> bool:
        return self.state == "due"


@dataclass(frozen=True)
class ShiftFacts:
    """A shift's part on this calendar day. A night shift has two: at midnight its vehicle is somewhere (`out`, `home` are
    false: it does not come from the depot, or does not go back to it)."""

    begin_s: float
    end_s: float
    breaks: tuple[Span, ...] = ()
    out: bool = True
    home: bool = True


@dataclass(frozen=True)
class VehicleFacts:
    """`away`: in the workshop. `broken_s`: from then on it stands. `depot` None: where it stands is not known, so its first
    way and its last are not reckoned."""

    key: int
    code: str
    name: str
    name_en: str
    type: str
    crew: int | None
    crew_name: str
    tank_l: float
    working_kmh: float
    transfer_kmh: float
    depot: Place | None
    shifts: tuple[ShiftFacts, ...]
    away: bool = False
    broken_s: float | None = None


@dataclass(frozen=True)
class PointFacts:
    key: int
    code: str
    name: str
    place: Place
    flow_l_s: float
    bays: int
    hours: tuple[Span, ...]


@dataclass(frozen=True)
class Facts:
    """Everything that a plan is made from. `tank_start`: share of each tank
    that is full when the day begins. `notes`: (what, code) of what had to be put right, as shifts that overlap."""

    day: str
    segments: tuple[SegmentFacts, ...]
    modes: tuple[ModeFacts, ...]
    vehicles: tuple[VehicleFacts, ...]
    points: tuple[PointFacts, ...]
    productive: float = 0.75
    detour: float = 1.3
    uturn_s: float = 20.0
    tank_start: float = 1.0
    feasible_share: float | None = None
    illustrative: bool = False
    notes: tuple[tuple[str, str], ...] = ()


def spans_of(mask: Iterable[bool]) -> tuple[Span, ...]:
    """The runs of True in an array over the minutes of a day, in seconds."""
    found: list[Span] = []
    begin = -1
    for minute, value in enumerate([*mask, False]):
        if value and begin < 0:
            begin = minute
        elif not value and begin >= 0:
            found.append((begin * 60.0, minute * 60.0))
            begin = -1
    return tuple(found)


def without(spans: Sequence[Span], first: float, last: float) -> tuple[Span, ...]:
    """Spans without what lies between two times."""
    found = []
    for a, b in spans:
        found += [(x, y) for x, y in ((a, min(b, first)), (max(a, last), b)) if y > x]
    return tuple(found)
