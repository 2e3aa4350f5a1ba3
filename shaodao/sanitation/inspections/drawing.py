"""Chance, stated: which segments are inspected follows from a seed and the list alone, so that anybody can draw it again."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    code: str
    road: str
    length_m: float


def frame_of(candidates: Iterable[Candidate]) -> str:
    """SHA-256 of the list that is drawn from: code, road and length in whole decimetres, sorted by code."""
    rows = sorted(f"{c.code}|{c.road}|{round(c.length_m * 10)}" for c in candidates)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def draw(candidates: Iterable[Candidate], n: int, seed: str) -> list[str]:
    """Codes of `n` segments in the order in which they were drawn (all, where there are not more).

    Every road gets one before any gets a second (which ones first is chance by length), and further ones by length (as
    seats by Sainte-Laguë), so that a sample leaves no road out. Within a road a segment's chance grows with its length: the smallest of u ** (1 / length) from
    the top (Efraimidis & Spirakis 2006), u the number that SHA-256 makes of seed and code.
    """
    roads: dict[str, list[Candidate]] = {}
    for c in candidates:
        roads.setdefault(c.road, []).append(c)
    for rows in roads.values():
        rows.sort(key=lambda c: (-(_chance(seed, c.code) ** (1 / max(c.length_m, 0.1))), c.code))
    length = {road: sum(c.length_m for c in rows) for road, rows in roads.items()}
    taken = dict.fromkeys(roads, 0)
    found: list[str] = []
    while len(found) < n:
        left = [r for r in roads if taken[r] < len(roads[r])]
        if not left:
            break
        road = max(left, key=lambda r: _turn(taken[r], length[r], _chance(seed, r), r))
        found.append(roads[road][taken[road]].code)
        taken[road] += 1
    return found


def _turn(taken: int, length: float, chance: float, road: str) -> tuple[bool, float, str]:
    """The larger, the earlier a road gets its next segment."""
    return (taken == 0, length / (2 * taken + 1) if taken else chance ** (1 / max(length, 0.1)), road)


def _chance(seed: str, name: str) -> float:
    """A number in (0, 1)."""
    number = int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:8], "big")
    return (number + 0.5) / 2**64
