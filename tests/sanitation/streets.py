"""Small days as plain facts, for plans that no database knows: streets on a lattice with both carriageways."""

import math
from dataclasses import replace

from shaodao.sanitation.plan.plain import (
    Facts,
    ModeFacts,
    PassFacts,
    PointFacts,
    SegmentFacts,
    ShiftFacts,
    VehicleFacts,
)  # fmt: skip

LON, LAT, STEP_M = 113.28, 40.08, 300.0
H = 3600.0


def at(x: float, y: float) -> tuple[float, float]:
    return (LON + x / 85_400, LAT + y / 111_000)


def segments(blocks: int, one_way: bool = False) -> tuple[SegmentFacts, ...]:
    """One street to the east in so many blocks, its other carriageway beside it."""
    found = []
    for n in range(blocks):
        a, b = n * STEP_M, (n + 1) * STEP_M
        sides = [(at(a, 0), at(b, 0), 90.0)] if one_way else [(at(a, 0), at(b, 0), 90.0), (at(b, 8), at(a, 8), 270.0)]
        for start, end, deg in sides:
            key = len(found) + 1
            found.append(SegmentFacts(key, f"R-{key}", "R", "路", "Road", n % 2, start, end, deg, deg, STEP_M))
    return tuple(found)


def mode(of: tuple[SegmentFacts, ...], key: int = 1, **given: object) -> ModeFacts:
    """By default two passes in the morning, two runs and 600 litres each."""
    runs, litres, kmh = given.pop("runs", 2), given.pop("litres", 600.0), given.pop("kmh", 10.0)
    spans = given.pop("spans", (((6 * H, 7 * H), (8 * H, 11 * H)),) * 2)
    metres = [runs * s.length_m for s in of]
    passes = tuple(PassFacts(n + 1, (s[0][0], s[-1][1]) if s else (0.0, 0.0), tuple(s)) for n, s in enumerate(spans))
    hours = tuple(m / 1000 / kmh + litres / 40_000 for m in metres)
    made = ModeFacts(
        key, f"M{key}", f"作业{key}", f"Mode {key}", "flush", "washer", 10 * key, kmh, 1800.0, "due", passes,
        (runs,) * len(of), tuple(metres), (litres,) * len(of), hours,
    )  # fmt: skip
    return replace(made, **given)


def vehicle(key: int, **given: object) -> VehicleFacts:
    shifts = (ShiftFacts(5.5 * H, 11.5 * H, ((8.5 * H, 9 * H),)),)
    made = VehicleFacts(
        key, f"V{key}", f"车{key}", f"Truck {key}", "washer", 1, "班组", 5000.0, 15.0, 30.0, at(-800, 300), shifts
    )
    return replace(made, **given)


def point(**given: object) -> PointFacts:
    made = PointFacts(1, "W1", "水", at(400, 500), 10.0, 1, ((0.0, 86_400.0),))
    return replace(made, **given)


def facts(blocks: int = 3, vehicles: int = 2, *, one_way: bool = False, **given: object) -> Facts:
    of = segments(blocks, one_way)
    made = Facts("2026-06-10", of, (mode(of),), tuple(vehicle(n + 1) for n in range(vehicles)), (point(),))
    return replace(made, **given)


def apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    return math.hypot((a[0] - b[0]) * 85_400, (a[1] - b[1]) * 111_000)
