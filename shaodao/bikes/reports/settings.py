"""The block `bikes: score:` of a district's settings: what a day's score weighs, and what a month's suggests."""

import msgspec


class Weights(msgspec.Struct, frozen=True):
    """Points of each part at its best. A city that scores (Guangzhou) gives order 53 of 100, management 20, operation 10,
    data 9, penalties 3; its 5 for satisfaction need a survey, which is no part of this, and are given to counts by eye."""

    order: float = 53.0  # bikes stand where they should
    response: float = 20.0  # cases are met in time
    fleet: float = 10.0  # within the quota, and registered
    data: float = 9.0  # what is sent can be used, and comes soon
    warnings: float = 3.0  # none on the day
    spot_checks: float = 5.0  # the feed says what somebody counts by eye

    def __post_init__(self) -> None:
        if any(w < 0 for w in msgspec.structs.astuple(self)):
            raise ValueError("weights: 0 or more")


class QuotaStep(msgspec.Struct, frozen=True):
    """A month's score below `below` suggests to change the quota by so many percent."""

    below: float
    percent: float


class ScoreSettings(msgspec.Struct, frozen=True):
    weights: Weights = Weights()
    order_zero: float = 0.5  # share of bike hours in order that gives no point,
    order_full: float = 0.95  # and that gives all; in between in proportion
    over_zero: float = 0.1  # bikes above the quota, as a share of it, that leave no point
    least_bike_hours: int = 100  # that were judged for certain; a day with fewer has no score
    spot_days: int = 7  # of which counts by eye are held against the feed, the day itself the last
    least_spot_checks: int = 3  # counts of an operator's bikes in them; fewer say nothing
    spot_full: float = (
        0.05  # bikes that count and feed differ by, as a share of the larger of both, that still give all
    )
    spot_zero: float = 0.3  # and that give no point
    least_weight: float = 60.0  # percent of all weights that could be scored; a day with less has no score
    least_days: int = 20  # with a score, for a month to have one
    quota: tuple[QuotaStep, ...] = (
        QuotaStep(60, -20),
        QuotaStep(70, -10),
        QuotaStep(90, 0),
        QuotaStep(101, 5),
    )  # the first step that is above the score; Tianjin: below 60 a fifth less

    def __post_init__(self) -> None:
        if not 0 <= self.order_zero < self.order_full <= 1:
            raise ValueError("order_zero, order_full: 0 to 1, the first less than the second")
        if not 0 < self.over_zero <= 1 or self.least_bike_hours < 1 or self.least_days < 1:
            raise ValueError("over_zero: more than 0, at most 1; least_bike_hours and least_days: 1 or more")
        if not 0 <= self.spot_full < self.spot_zero <= 1:
            raise ValueError("spot_full, spot_zero: 0 to 1, the first less than the second")
        if not 1 <= self.spot_days <= 366 or self.least_spot_checks < 1:
            raise ValueError("spot_days: 1 to 366; least_spot_checks: 1 or more")
        if not 0 <= self.least_weight <= 100:
            raise ValueError("least_weight: 0 to 100")
        if any(not -100 < step.percent <= 100 for step in self.quota):
            raise ValueError("quota: percent more than -100, at most 100")
        if sorted(step.below for step in self.quota) != [step.below for step in self.quota]:
            raise ValueError("quota: the steps go up, each with a larger `below`")
