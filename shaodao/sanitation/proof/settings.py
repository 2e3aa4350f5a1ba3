"""The blocks `sanitation: proof:` and `sanitation: findings:` of a district's settings: when a day is proven, by which
parameters, and what of it becomes a case. Every number is a choice of the pack."""

import msgspec

from shaodao.foundation.district import Limit
from shaodao.sanitation.proof.words import Kind


class ProofSettings(msgspec.Struct, frozen=True):
    hour: int = 6  # of the next day, at which a day is proven by itself
    asked: float = 0.9  # share of a segment that a done pass has serviced
    late_min: float = 60.0  # minutes after the time that is asked from which a pass is late
    peak_min: float = 5.0  # minutes inside a peak from which work counts as in the peak
    fast_share: float = 0.2  # of a segment worked too fast, from which this is why a pass falls short
    silent_min: float = 10.0  # minutes without a fix that leave open what a vehicle did

    def __post_init__(self) -> None:
        if not 0 <= self.hour <= 23 or not 0 < self.asked <= 1 or not 0 < self.fast_share <= 1:
            raise ValueError("hour: 0 to 23; asked and fast_share: more than 0, at most 1")
        if min(self.late_min, self.peak_min, self.silent_min) < 0:
            raise ValueError("late_min, peak_min and silent_min: 0 or more")


class FindingSettings(msgspec.Struct, frozen=True):
    kinds: tuple[str, ...] = ("missed", "short", "dry", "too_fast", "peak")  # that file a case; the others are listed
    category: str = ""  # key of the catalogue (event-0107); without one nothing is filed
    condition: int = 1  # number of the category's filing condition
    least_m: float = 200.0  # metres of a service on a road that are not in order, from which a case is filed
    wait_h: float = 2.0  # hours that a finding stands before it becomes a case
    makeup_h: float = 12.0  # hours of the next day within which a make-up pass still counts
    cases_a_day: int = 40  # at most; what is more stays a finding
    arrive: Limit = Limit(4, "hour")
    solve: Limit = Limit(24, "hour")

    def __post_init__(self) -> None:
        if wrong := set(self.kinds) - set(Kind.values):
            raise ValueError(f"kinds: {sorted(wrong)[0]!r} is none of {', '.join(Kind.values)}")
        if self.condition < 1 or self.cases_a_day < 0 or self.least_m < 0 or self.wait_h < 0:
            raise ValueError("condition: 1 or more; cases_a_day, least_m and wait_h: 0 or more")
        if not 0 <= self.makeup_h <= 24:
            raise ValueError("makeup_h: 0 to 24 hours")
