"""The block `sanitation:` of a district's settings: who keeps the book, and what feasibility is reckoned with."""

import msgspec

from shaodao.foundation import district
from shaodao.sanitation.hours import Bad, span


class SanitationSettings(msgspec.Struct, frozen=True):
    department: str = ""  # code of the department that keeps the book beside the headquarters
    productive: float = 0.75  # of a shift without its breaks: turning, queueing, talking are not work
    detour: float = 1.3  # road by straight line, on the way to a fill point
    bin_photos: float = 0.05  # share of bin visits that are asked for a photo
    bin_apart_min: int = 30  # the same task at a bin again within so many minutes is one
    bin_reach_m: float = 100  # a phone further from its bin proves nothing
    night: str = "22:00-05:00"  # the window that feasibility tries out where a service falls short

    def __post_init__(self) -> None:
        if not 0 < self.productive <= 1 or not 1 <= self.detour <= 5:
            raise ValueError("productive: more than 0, at most 1; detour: 1 to 5")
        if not 0 <= self.bin_photos <= 1 or self.bin_apart_min < 0 or not self.bin_reach_m > 0:
            raise ValueError("bin_photos: 0 to 1; bin_apart_min: not negative; bin_reach_m: above 0")
        try:
            span(self.night)
        except Bad as error:
            raise ValueError(f"night: {error}") from None


def current() -> SanitationSettings:
    """The district's settings for sanitation."""
    found: SanitationSettings = district.block("sanitation")
    return found
