"""`cover`: the whole chain, from fixes to verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shaodao.kernel.coverage import matching, passes
from shaodao.kernel.coverage.cleaning import AWAY, CONFLICT, DOUBLE, JUMP, USED, Kept, clean, order_of
from shaodao.kernel.coverage.network import LOOK, Network

Floats = NDArray[np.float64]

ALGORITHM: Final = "shaodao-coverage/2"
"""Part of every certificate: goes up with each change that may change a verdict."""


@dataclass(frozen=True)
class Service:
    """What counts as work. Speeds in km/h; ``asked`` is the share of a unit that a done pass has serviced."""

    working_kmh: float = 15.0
    asked: float = 0.9
    slack: float = 1.2
    """The speed that still counts is this many times ``working_kmh``: a speedometer by satellite flickers."""
    suspicious_kmh: float = 25.0
    sigma_m: float = 7.0
    memory_s: float = 25.0
    margin: float = 3.0
    turn: float = 5.0
    silent_s: float = 30.0
    edge_m: float = 4.0
    debounce_s: float = 4.0
    signal: bool = True
    """Off: there is no working signal, and slow presence counts instead."""

    def __post_init__(self) -> None:
        for name in ("working_kmh", "asked", "sigma_m", "memory_s", "silent_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.asked > 1:
            raise ValueError(f"asked is a share of at most 1, not {self.asked}")


@dataclass(frozen=True, eq=False)
class Fixes:
    """n positions. ``vehicle`` (n,) numbers from 0; ``t`` seconds; degrees WGS-84; ``speed`` m/s and ``heading`` degrees from
    north, NaN where not reported; ``working`` int8: 1, 0, or -1 where there is no signal."""

    vehicle: NDArray[np.int32]
    t: Floats
    lon: Floats
    lat: Floats
    speed: Floats
    heading: Floats
    working: NDArray[np.int8]

    @classmethod
    def of(
        cls,
        vehicle: ArrayLike,
        t: ArrayLike,
        lon: ArrayLike,
        lat: ArrayLike,
        speed: ArrayLike | None = None,
        heading: ArrayLike | None = None,
        working: ArrayLike | None = None,
    ) -> Fixes:
        """Arrays of one length; ValueError where they differ."""
        n = np.size(t)
        given: dict[str, Any] = {
            "vehicle": np.ascontiguousarray(vehicle, np.int32),
            "t": np.ascontiguousarray(t, np.float64),
            "lon": np.ascontiguousarray(lon, np.float64),
            "lat": np.ascontiguousarray(lat, np.float64),
            "speed": np.full(n, np.nan) if speed is None else np.ascontiguousarray(speed, np.float64),
            "heading": np.full(n, np.nan) if heading is None else np.ascontiguousarray(heading, np.float64),
            "working": np.full(n, -1, np.int8) if working is None else np.ascontiguousarray(working, np.int8),
        }
        for name, column in given.items():
            if column.shape != (n,):
                raise ValueError(f"{name}: expected {n} values, not an array of shape {column.shape}")
        return cls(**given)

    def sorted(self, order: NDArray[np.int64] | None) -> Fixes:
        """In another order; None leaves it."""
        if order is None:
            return self
        return Fixes(**{column.name: getattr(self, column.name)[order] for column in fields(self)})


@dataclass(frozen=True, eq=False)
class Coverage:
    """The answer.

    passes
        (p, 10): vehicle, unit, start, end (s), serviced, sure and possible metres, too fast metres, verdict, first gap.
    gaps
        (g, 3): pass, from, to in metres of the unit.
    serviced, left
        Metres of each unit that any pass serviced, and the (n, 2) spans that none did.
    fates
        How many fixes were used, double, in conflict, jumps, away.
    unmatched
        Of the kept fixes, how many lie off all roads; of all.
    silences
        (m, 3): vehicle, from, to (s): longer than ``silent_s`` without a usable fix. A planned pass of which nothing was seen
        and that may lie in one is not missed, one cannot tell.
    """

    passes: Floats
    gaps: Floats
    serviced: Floats
    left: list[Any]
    fates: dict[str, int]
    unmatched: tuple[int, int]
    silences: Floats = field(repr=False)
    stretches: Floats = field(repr=False)
    kept: Kept = field(repr=False)
    edge: NDArray[np.int32] = field(repr=False)
    metres: Floats = field(repr=False)


def cover(network: Network, fixes: Fixes, service: Service | None = None) -> Coverage:
    """Say what was serviced.

    Adding fixes of another vehicle, or later ones of the same after 15 minutes of silence, never lowers ``serviced`` of any
    unit nor the number of passes done; in between, more fixes may correct what fewer made believe. The order of the fixes is
    of no consequence.
    """
    service = service or Service()
    x, y = network.metres(fixes.lon, fixes.lat)
    order = order_of(fixes.vehicle, fixes.t, x, y, fixes.working, fixes.speed, fixes.heading)
    if order is not None:
        fixes, x, y = fixes.sorted(order), x[order], y[order]
    kept, fate = clean(
        *(fixes.vehicle, fixes.t, x, y, fixes.speed, fixes.heading, fixes.working), bounce=service.debounce_s
    )
    edge, metres = np.empty(kept.t.size, np.int32), np.empty(kept.t.size)
    model = matching.Model(
        sigma=service.sigma_m,
        memory_s=service.memory_s,
        margin=service.margin,
        turn=service.turn,
        fastest=service.working_kmh * service.slack / 3.6,
        suspicious=service.suspicious_kmh / 3.6,
        silent_s=service.silent_s,
        signal=service.signal,
    )
    stretches = matching.match(network.tables.grid, network.tables.ways, kept, LOOK, model, edge, metres)
    on = passes.on_units(stretches, network.units)
    found, gaps = passes.passes(on, network.units, service.asked, service.edge_m)
    serviced, left = passes.covered(found, gaps, network.units)
    many = np.bincount(fate, minlength=5)
    names = {"double": DOUBLE, "conflict": CONFLICT, "jump": JUMP, "away": AWAY}
    fates = {"used": int(many[0])} | {name: int(many[code]) for name, code in names.items()}
    off = int(np.count_nonzero(edge == matching.OFF))
    silent = _silences(fixes.vehicle[fate == USED], fixes.t[fate == USED], service.silent_s)
    return Coverage(found, gaps, serviced, left, fates, (off, int(edge.size)), silent, on, kept, edge, metres)


def _silences(vehicle: NDArray[np.int32], t: Floats, most: float) -> Floats:
    last = np.flatnonzero((np.diff(t) > most) & (vehicle[1:] == vehicle[:-1]))
    return np.column_stack([vehicle[last], t[last], t[last + 1]]).astype(np.float64)
