"""The block `sanitation:` of a district's settings: who keeps the book, and what feasibility is reckoned with."""

import msgspec

from shaodao.foundation import district
from shaodao.sanitation.hours import Bad, span
from shaodao.sanitation.proof.settings import FindingSettings, ProofSettings


class SanitationSettings(msgspec.Struct, frozen=True):
    department: str = ""  # code of the department that keeps the book beside the headquarters
    productive: float = 0.75  # of a shift without its breaks: turning, queueing, talking are not work
    detour: float = 1.3  # road by straight line, on the way to a fill point
    night: str = "22:00-05:00"  # the window that feasibility tries out where a service falls short
    proof: ProofSettings = ProofSettings()
    findings: FindingSettings = FindingSettings()

    def __post_init__(self) -> None:
        if not 0 < self.productive <= 1 or not 1 <= self.detour <= 5:
            raise ValueError("productive: more than 0, at most 1; detour: 1 to 5")
        try:
            span(self.night)
        except Bad as error:
            raise ValueError(f"night: {error}") from None


def current() -> SanitationSettings:
    """The district's settings for sanitation."""
    found: SanitationSettings = district.block("sanitation")
    return found
