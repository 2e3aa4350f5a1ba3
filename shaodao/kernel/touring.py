"""Round tours over points: one tour through all of them, and the tour cut into pieces that each fit into a time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Order = NDArray[np.int64]
HAIR: Final = 1e-9


def tour(points: ArrayLike, start: ArrayLike | None = None, sweeps: int = 40) -> Order:
    """Return an order in which all points are visited in a short closed tour.

    points: float64 (n, 2), metres on a plane; start: (2,), where the tour begins and ends (None: at the first point).
    Nearest neighbour first, then 2-opt (Croes 1958) with the best exchange for each edge until none helps or `sweeps` are
    over. n up to some thousands: a sweep looks at all n² pairs. Raises ValueError for points that are not finite.
    """
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(xy).all():
        raise ValueError("points must be finite")
    if len(xy) == 0:
        return np.zeros(0, dtype=np.int64)
    places = np.vstack([np.asarray(start, dtype=np.float64).reshape(1, 2), xy]) if start is not None else xy
    path = _nearest(places)
    for _sweep in range(sweeps):
        if not _sweep_once(path, places):
            break
    return path[1:] - 1 if start is not None else path


def _nearest(places: NDArray[np.float64]) -> Order:
    free = np.ones(len(places), dtype=np.bool_)
    path = np.zeros(len(places), dtype=np.int64)
    free[0] = False
    for n in range(1, len(places)):
        gap = np.where(free, _apart(places[path[n - 1]], places), np.inf)
        path[n] = int(gap.argmin())
        free[path[n]] = False
    return path


def _sweep_once(path: Order, places: NDArray[np.float64]) -> bool:
    """Improve in place; False where no exchange helps. path[0] stays where it is."""
    better, n = False, len(path)
    for i in range(n - 2):
        at = places[path]
        a, b = at[i], at[i + 1]
        c, d = at[i + 2 :], np.roll(at, -1, axis=0)[i + 2 :]
        gain = _apart(a, b) + _apart(c, d) - _apart(a, c) - _apart(b, d)
        k = int(gain.argmax())
        if gain[k] > HAIR:
            path[i + 1 : i + 3 + k] = path[i + 1 : i + 3 + k][::-1].copy()
            better = True
    return better


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    gap: NDArray[np.float64] = np.hypot(b[..., 0] - a[..., 0], b[..., 1] - a[..., 1])
    return gap


def pieces(
    out: ArrayLike, between: ArrayLike, home: ArrayLike, stop: float, budget: float
) -> list[tuple[int, int]] | None:
    """Cut an order of stops into the fewest pieces that each take at most `budget`, and of those the shortest.

    out, home: float64 (n,), from the start to each stop and back; between: (n - 1,), from each stop to the next; stop: what
    a stop takes; all in one unit of time. Returns [first, last) of each piece; None where a stop alone takes too long.
    Beasley 1983, route first, cluster second.
    """
    go, step, back = (np.asarray(v, dtype=np.float64) for v in (out, between, home))
    n = len(go)
    along = np.concatenate([[0.0], np.cumsum(step + stop)]) if n else np.zeros(0)
    best: list[tuple[int, float]] = [(0, 0.0)]
    before = [0]
    for j in range(1, n + 1):
        found, way = (n + 1, np.inf), -1
        for i in range(j - 1, -1, -1):
            inside = along[j - 1] - along[i]
            if stop + inside > budget:
                break
            takes = go[i] + inside + stop + back[j - 1]
            if takes <= budget + HAIR and (cost := (best[i][0] + 1, best[i][1] + takes)) < found:
                found, way = cost, i
        best.append(found)
        before.append(way)
    if n and best[n][0] > n:
        return None
    cuts = []
    while n:
        cuts.append((before[n], n))
        n = before[n]
    return cuts[::-1]
