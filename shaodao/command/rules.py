"""What the headquarters' numbers mean: pure decisions, no queries."""

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959964


@dataclass(frozen=True)
class Share:
    """`part` of `n`, with the 95 % interval of Wilson (JASA 22, 1927): a small n says little, and shows it."""

    part: int
    n: int
    left_out: int = 0  # upheld appeals, counted in neither

    @property
    def value(self) -> float | None:
        return self.part / self.n if self.n else None

    @property
    def percent(self) -> float | None:
        return None if self.value is None else 100 * self.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper bound as shares 0..1; None without a denominator."""
        if not self.n:
            return None
        p, n = self.part / self.n, self.n
        centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 * sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
        return max(0.0, centre - half), min(1.0, centre + half)

    @property
    def low(self) -> float | None:
        return None if self.interval is None else 100 * self.interval[0]

    @property
    def high(self) -> float | None:
        return None if self.interval is None else 100 * self.interval[1]


def band(share: Share, bounds: tuple[float, float]) -> str:
    """`low`, `within` or `high` against both bounds; `few` when the interval alone is wider than the bounds are apart.

    A whistle rate is no score: too few whistles leave the street alone with what it cannot solve, too many call the
    departments for what the street could do. A verdict on three cases would be noise, so it is withheld.
    """
    if share.value is None or share.interval is None:
        return "none"
    low, high = bounds
    below, above = share.interval
    if share.value < low:
        return "low" if above < low or share.n >= 30 else "few"
    if share.value > high:
        return "high" if below > high or share.n >= 30 else "few"
    return "within"
