"""The block `sanitation:` of a district's settings: who keeps the book, and what feasibility is reckoned with."""

import msgspec

from shaodao.foundation import district
from shaodao.sanitation.hours import Bad, span


class SanitationSettings(msgspec.Struct, frozen=True):
    department: str = ""  # code of the department that keeps the book beside the headquarters
    productive: float = 0.75  # of a shift without its breaks: turning, queueing, talking are not work
    detour: float = 1.3  # road by straight line, on the way to a fill point
    uturn_s: float = 20.0  # what a U-turn counts when a plan chooses the way; its time is in `productive`
    tank_start: float = 1.0  # of a tank that is full when the day begins: filled after the last work of the day before
    night: str = "22:00-05:00"  # the window that feasibility tries out where a service falls short

    def __post_init__(self) -> None:
        if not 0 < self.productive <= 1 or not 1 <= self.detour <= 5:
            raise ValueError("productive: more than 0, at most 1; detour: 1 to 5")
        if not 0 <= self.uturn_s <= 600 or not 0 <= self.tank_start <= 1:
            raise ValueError("uturn_s: 0 to 600; tank_start: 0 to 1")
        try:
            span(self.night)
        except Bad as error:
            raise ValueError(f"night: {error}") from None


def current() -> SanitationSettings:
    """The district's settings for sanitation."""
    found: SanitationSettings = district.block("sanitation")
    return found
