"""Which edges begin within so many metres of a node's way out, and by which edge one sets out for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import compiled

Ints = NDArray[np.int32]
Near = tuple[NDArray[np.int64], Ints, NDArray[np.float64], Ints]


def within(tail: Ints, head: Ints, metres: NDArray[np.float64], twin: Ints, nodes: int, most: float) -> Near:
    """Return of each node the edges that begin at most ``most`` metres away by the network, sorted by edge.

    ``tail``, ``head`` (e,) first and last node, ``metres`` (e,), ``twin`` (e,) the edge of the other direction or -1. The
    answer: (nodes + 1,) first entry of each node, then by entry the edge, metres driven before it begins, and the first
    edge of the shortest way (the edge itself where it begins at the node). No way turns round on the spot.
    """
    out = np.argsort(tail, kind="stable").astype(np.int32)
    first = np.searchsorted(tail[out], np.arange(nodes + 1)).astype(np.int64)
    edges, gaps, via, ends = [], [], [], [0]
    best, hop = np.full(tail.size, np.inf), np.full(tail.size, -1, np.int32)
    for node in range(nodes):
        found = _spread(node, out, first, head, metres, twin, most, best, hop)
        found = np.sort(found)
        edges.append(found)
        gaps.append(best[found])
        via.append(hop[found])
        best[found] = np.inf
        ends.append(ends[-1] + found.size)
    return np.array(ends, np.int64), np.concatenate(edges), np.concatenate(gaps), np.concatenate(via)


@compiled
def _spread(  # type: ignore[no-untyped-def]
    node, out, first, head, metres, twin, most, best, hop
) -> Any:
    """Dijkstra over edges with a list as queue: a node's surroundings are some dozen edges."""
    queue = np.empty(256, np.int32)
    done = np.empty(256, np.int32)
    waiting = n = 0
    for i in range(first[node], first[node + 1]):
        edge = out[i]
        best[edge], hop[edge] = 0.0, edge
        if waiting == queue.size:
            queue = np.concatenate((queue, queue))
        queue[waiting] = edge
        waiting += 1
    while waiting:
        at = 0
        for i in range(1, waiting):
            if best[queue[i]] < best[queue[at]] or (best[queue[i]] == best[queue[at]] and queue[i] < queue[at]):
                at = i
        edge = queue[at]
        waiting -= 1
        queue[at] = queue[waiting]
        if n == done.size:
            done = np.concatenate((done, done))
        done[n] = edge
        n += 1
        far = best[edge] + metres[edge]
        if far > most:
            continue
        for i in range(first[head[edge]], first[head[edge] + 1]):
            other = out[i]
            if other == twin[edge] or not far < best[other]:
                continue
            if best[other] == np.inf:
                if waiting == queue.size:
                    queue = np.concatenate((queue, queue))
                queue[waiting] = other
                waiting += 1
            best[other], hop[other] = far, hop[edge]
    return done[:n].copy()
