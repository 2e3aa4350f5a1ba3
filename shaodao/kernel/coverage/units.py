"""Work units: carriageways of one road merged and split into 150-400 m, long enough for a verdict, short enough for a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

SHORTEST: Final = 150.0
LONGEST: Final = 400.0
STRAIGHT: Final = 0.7
"""Cosine of the sharpest bend (45 degrees) across which a road is still the same work unit."""


@dataclass(frozen=True, eq=False)
class Units:
    """``length`` (u,) metres; the parts of unit i are ``part_*[first[i]:first[i + 1]]``: an edge, from and to on it, where it begins in the unit.

    ``edge_first`` (e + 1,) and ``edge_part`` list the parts of each edge, in its direction.
    """

    length: Floats
    first: NDArray[np.int64]
    part_edge: Ints
    part_from: Floats
    part_to: Floats
    part_at: Floats
    part_unit: Ints
    edge_first: NDArray[np.int64]
    edge_part: NDArray[np.int64]


def work_units(edge_line: Ints, metres: Floats, ends: tuple[Ints, Ints, Floats, Floats], road: Sequence[str]) -> Units:
    """Chain the edges of each road, then cut the chains: at edges' ends where that gives 150-400 m, evenly where it does not.

    ``edge_line`` (e,) the line of each edge, ``metres`` and ``road`` by line, ``ends`` tail, head and the directions in
    which an edge leaves and arrives. A piece shorter than `SHORTEST` stays where a road is no longer than that.
    """
    parts: list[tuple[int, float, float, float, int]] = []
    length: list[float] = []
    for chain in _chains(edge_line, ends, road):
        for group in _groups([float(metres[edge_line[edge]]) for edge in chain]):
            edges = [chain[i] for i in group]
            long = [float(metres[edge_line[edge]]) for edge in edges]
            total = sum(long)
            many = 1 if total <= LONGEST else max(round(total / 275.0), int(np.ceil(total / LONGEST)))
            cuts = np.linspace(0.0, total, many + 1)
            starts = np.r_[0.0, np.cumsum(long)]
            for i in range(many):
                for j, edge in enumerate(edges):
                    low, high = max(cuts[i], starts[j]), min(cuts[i + 1], starts[j] + long[j])
                    if high - low > 1e-6:
                        parts.append((edge, low - starts[j], high - starts[j], low - cuts[i], len(length)))
                length.append(float(cuts[i + 1] - cuts[i]))
    columns: list[Any] = [np.array(column) for column in zip(*parts, strict=True)]
    on, begins, ends_at, within, of = columns
    order = np.lexsort((begins, on))
    return Units(
        *(np.array(length), np.searchsorted(of, np.arange(len(length) + 1)).astype(np.int64)),
        *(on.astype(np.int32), begins.astype(float), ends_at.astype(float), within.astype(float), of.astype(np.int32)),
        np.searchsorted(on[order], np.arange(edge_line.size + 1)).astype(np.int64),
        order.astype(np.int64),
    )


def _chains(edge_line: Ints, ends: tuple[Ints, Ints, Floats, Floats], road: Sequence[str]) -> list[list[int]]:
    """Edges of one road that follow each other straight on: each edge in exactly one chain."""
    tail, head, leave, arrive = ends
    by_tail: dict[tuple[int, str], list[int]] = {}
    by_head: dict[tuple[int, str], list[int]] = {}
    for edge, line in enumerate(edge_line):
        by_tail.setdefault((int(tail[edge]), road[line]), []).append(edge)
        by_head.setdefault((int(head[edge]), road[line]), []).append(edge)

    def best(edges: list[int], score: Floats, line: int) -> int:
        """The straightest neighbour that is not the same line driven back; -1 for none."""
        fit = [(score[i], -edge) for i, edge in enumerate(edges) if edge_line[edge] != line and score[i] > STRAIGHT]
        return -max(fit)[1] if fit else -1

    after, before = {}, {}
    for edge, line in enumerate(edge_line):
        nexts = by_tail.get((int(head[edge]), road[line]), [])
        after[edge] = best(nexts, leave[nexts] @ arrive[edge] if nexts else np.empty(0), int(line))
        lasts = by_head.get((int(tail[edge]), road[line]), [])
        before[edge] = best(lasts, arrive[lasts] @ leave[edge] if lasts else np.empty(0), int(line))
    used: set[int] = set()
    chains = []
    starts = [edge for edge in after if before[edge] < 0 or after[before[edge]] != edge]
    for edge in [*starts, *after]:  # what is left after the starts are rings
        chain: list[int] = []
        while edge >= 0 and edge not in used and (not chain or before[edge] == chain[-1]):
            used.add(edge)
            chain.append(edge)
            edge = after[edge]  # noqa: PLW2901
        if chain:
            chains.append(chain)
    return chains


def _groups(long: list[float]) -> list[list[int]]:
    """Positions in a chain put together until they reach `SHORTEST`; a short rest joins the group before it."""
    groups: list[list[int]] = []
    now: list[int] = []
    for i in range(len(long)):
        now.append(i)
        if sum(long[j] for j in now) >= SHORTEST:
            groups.append(now)
            now = []
    if now:
        if groups and sum(long[j] for j in now) < SHORTEST:
            groups[-1] += now
        else:
            groups.append(now)
    return groups
