"""The segments of the book as the kernel's network: each a work unit, the map's ends led on a little."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.coverage import Network
from shaodao.kernel.coverage.units import Units

Floats = NDArray[np.float64]
SAME_M, STUB_M, TURN_M = 0.5, 60.0, 45.0
"""Metres: ends that are one; how far a stub goes on; the longest turn between roads that are not joined."""


@dataclass(frozen=True, eq=False)
class Roads:
    """The network, and which segments end (`dead`) or begin (`fresh`) where no other goes on: (n,) each."""

    network: Network
    dead: NDArray[np.bool_]
    fresh: NDArray[np.bool_]

    @property
    def length(self) -> Floats:
        return self.network.unit_length


def network(lines: Sequence[Floats]) -> Roads:
    """One carriageway for each line, in its drawing direction, each a work unit of its own. Raises ValueError.

    Where no other line goes on, the map of a book ends and the road does not: a stub and the turns to what begins nearby
    let the kernel follow a vehicle beyond a segment's end. They belong to no unit.
    """
    many = len(lines)
    more, dead, fresh = _beyond(lines)
    every = [*lines, *more]
    made = Network.build(every, [True] * len(every), [0.0] * len(every), merge=False)
    own, metres = np.arange(many, dtype=np.int32), made.tables.ways.metres[:many]
    whole = Units(
        metres.copy(), np.arange(many + 1, dtype=np.int64), own, np.zeros(many), metres.copy(), np.zeros(many), own,
        np.minimum(np.arange(len(every) + 1, dtype=np.int64), many), np.arange(many, dtype=np.int64),
    )  # fmt: skip
    return Roads(replace(made, units=whole), dead, fresh)


def _beyond(lines: Sequence[Floats]) -> tuple[list[Floats], NDArray[np.bool_], NDArray[np.bool_]]:
    """Stubs straight on from ends where nothing begins, and up to beginnings where nothing ends; turns from one to the other."""
    scale = np.array([111_320.0 * np.cos(np.radians(lines[0][0, 1])), 111_320.0])
    heads, tails = (np.array([line[n] for line in lines]) * scale for n in (-1, 0))
    away = np.hypot(*(heads[:, None] - tails[None]).transpose(2, 0, 1))
    ends, begins = away.min(axis=1) > SAME_M, away.min(axis=0) > SAME_M
    dead, fresh = np.flatnonzero(ends), np.flatnonzero(begins)
    found = []
    for n in dead.tolist():
        step = _unit((lines[n][-1] - lines[n][-2]) * scale) * STUB_M / scale
        found.append(np.array([lines[n][-1], lines[n][-1] + step]))
    for n in fresh.tolist():
        step = _unit((lines[n][1] - lines[n][0]) * scale) * STUB_M / scale
        found.append(np.array([lines[n][0] - step, lines[n][0]]))
    found += [
        np.array([lines[n][-1], lines[m][0]])
        for n in dead.tolist()
        for m in fresh.tolist()
        if SAME_M < away[n, m] <= TURN_M
    ]
    return found, ends, begins


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.hypot(*vector)), 1e-9))
