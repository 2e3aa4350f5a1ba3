"""The block `bikes: findings:` of a district's settings: what each rule asks, and what follows from what it finds."""

from datetime import datetime, time

import msgspec

from shaodao.foundation import clock
from shaodao.foundation.district import Limit


class Limits(msgspec.Struct, frozen=True):
    """How soon an operator has to be on the spot, and to have solved it."""

    arrive: Limit = Limit(0.25, "hour")
    solve: Limit = Limit(1, "hour")


class TimedLimits(msgspec.Struct, frozen=True):
    """Limits of some hours of the day; `hours`: (from, until) of the wall clock, also over midnight; empty: never."""

    hours: tuple[tuple[str, str], ...] = ()
    arrive: Limit = Limit(0.25, "hour")
    solve: Limit = Limit(1, "hour")

    def __post_init__(self) -> None:
        for pair in self.hours:
            for text in pair:
                try:
                    time.fromisoformat(text)
                except ValueError:
                    raise ValueError(f"hours: {text!r} is no time like 07:30") from None

    def holds(self, at: time) -> bool:
        return any(_within(at, time.fromisoformat(a), time.fromisoformat(b)) for a, b in self.hours)


def _within(at: time, begins: time, ends: time) -> bool:
    return begins <= at < ends if begins < ends else at >= begins or at < ends


class RuleSettings(msgspec.Struct, frozen=True):
    """What all rules have in common. `category` is a key of the catalogue (event-0493); without one nothing is filed."""

    enabled: bool = True
    bikes: int = 1  # so many make a finding (over a capacity or a quota: so many too many)
    minutes: float = 20.0  # it has to last before it becomes a case
    clear_minutes: float = 10.0  # it has to be gone before it counts as cleared
    category: str = ""
    condition: int = 1  # number of the category's filing condition
    cases_an_hour: int = 20  # at most; what is more stays a finding
    cases_a_day: int = 100
    arrive: Limit | None = None  # of this rule at any time of day; None: those of the block
    solve: Limit | None = None

    def __post_init__(self) -> None:
        if self.bikes < 1 or self.condition < 1:
            raise ValueError("bikes and condition: 1 or more")
        if self.minutes < 0 or self.clear_minutes < 0:
            raise ValueError("minutes and clear_minutes: 0 or more")
        if self.cases_an_hour < 0 or self.cases_a_day < 0:
            raise ValueError("cases_an_hour and cases_a_day: 0 or more")


class ClusterSettings(RuleSettings, frozen=True):
    bikes: int = 8
    eps_m: float = 15.0  # bikes nearer to each other belong together; a cluster that moved less is the same
    neighbours: int = 3  # bikes within eps_m, itself included, that make a place dense

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.eps_m <= 500 or self.neighbours < 2:
            raise ValueError("eps_m: 1 to 500 metres; neighbours: 2 or more")


class NoParkingSettings(RuleSettings, frozen=True):
    minutes: float = 10.0


class IdleSettings(RuleSettings, frozen=True):
    minutes: float = 0.0  # it has stood for days


class OverQuotaSettings(RuleSettings, frozen=True):
    minutes: float = 60.0


class FindingSettings(msgspec.Struct, frozen=True):
    every_s: float = 60.0  # seconds between two looks at all bikes
    spot_check_share: float = 0.1  # of cases that would close by themselves: a person looks first
    limits: Limits = Limits()
    peak: TimedLimits = TimedLimits()
    night: TimedLimits = TimedLimits()
    over_capacity: RuleSettings = RuleSettings()
    cluster: ClusterSettings = ClusterSettings()
    no_parking: NoParkingSettings = NoParkingSettings()
    idle: IdleSettings = IdleSettings()
    over_quota: OverQuotaSettings = OverQuotaSettings()

    def __post_init__(self) -> None:
        if not 0 <= self.spot_check_share <= 1:
            raise ValueError("spot_check_share: 0 to 1")
        if not 1 <= self.every_s <= 3600:
            raise ValueError("every_s: 1 to 3600 seconds")

    def rule(self, name: str) -> RuleSettings:
        found: RuleSettings = getattr(self, name)
        return found

    def limits_of(self, name: str, now: datetime) -> Limits:
        """What an operator is given for a case that this rule files now: the rule's own, else those of the hour."""
        at, rule = clock.local(now).time(), self.rule(name)
        usual: Limits | TimedLimits = self.limits
        if self.peak.holds(at):
            usual = self.peak
        elif self.night.holds(at):
            usual = self.night
        return Limits(rule.arrive or usual.arrive, rule.solve or usual.solve)
