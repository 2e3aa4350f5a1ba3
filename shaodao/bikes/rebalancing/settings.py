"""The block `bikes: rebalancing:` of a district's settings: what vans can carry, and what advice is worth its way."""

import msgspec


class RebalancingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    van: int = 20  # bikes that a van carries
    loads: int = 10  # vanloads that can be driven within the hours; 0: no vans, no advice
    hours: int = 2  # ahead for which it is reckoned
    farthest_m: float = 3000.0  # of one move, as the crow flies
    per_km: float = 0.2  # what a kilometre of a vanload costs, in riders
    weight: float = 0.5  # of a bike that finds no room in its bay, beside a rider who finds no bike
    seconds: float = 3.0  # the optimiser stops then and says how much better a plan might be
    days: int = 28  # of history
    least_days: int = 3  # with data, for any advice; and of a kind (workdays, weekends) for that kind to count alone

    def __post_init__(self) -> None:
        if not 1 <= self.van <= 200 or not 0 <= self.loads <= 200 or not 1 <= self.hours <= 12:
            raise ValueError("van: 1 to 200 bikes; loads: 0 to 200; hours: 1 to 12")
        if not 0 < self.farthest_m <= 100_000 or self.per_km < 0 or self.weight < 0:
            raise ValueError("farthest_m: up to 100,000 metres; per_km and weight: 0 or more")
        if not 0 < self.seconds <= 30 or not 1 <= self.least_days <= self.days <= 366:
            raise ValueError("seconds: up to 30; least_days: 1 or more, at most days; days: at most 366")
