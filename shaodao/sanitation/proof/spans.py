"""Spans of metres along a segment: put together, what they leave, what two of them cover."""

from collections.abc import Iterable, Sequence

Span = tuple[float, float]


def union(spans: Iterable[Span], join: float = 1.0) -> list[Span]:
    """Sorted and disjoint; what is less than `join` apart is one."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1] + join:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def total(spans: Iterable[Span]) -> float:
    return sum(high - low for low, high in spans)


def rest(spans: Sequence[Span], length: float, least: float = 1.0) -> list[Span]:
    """What sorted, disjoint spans leave of [0, length]."""
    edges = [0.0, *(x for span in spans for x in span), length]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > least]


def apart(spans: Sequence[Span], begin: float, end: float) -> float:
    """Seconds between an interval and the nearest of some spans; 0 where they meet."""
    return min(max(low - end, begin - high, 0.0) for low, high in spans)


def twice(visits: Sequence[Sequence[Span]], within: Sequence[Span]) -> list[Span]:
    """What at least two visits cover, within some spans."""
    edges = sorted(edge for spans in visits for low, high in spans for edge in ((low, 1), (high, -1)))
    found: list[Span] = []
    deep, since = 0, 0.0
    for at, step in edges:
        if deep == 2 and step < 0:
            found += [(max(since, a), min(at, b)) for a, b in within if min(at, b) > max(since, a)]
        deep += step
        if deep == 2 and step > 0:
            since = at
    return found
