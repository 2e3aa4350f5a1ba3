"""The block `sanitation:` of a district's settings: who keeps the book, and what feasibility is reckoned with."""

import msgspec

from shaodao.foundation import district
from shaodao.sanitation.hours import Bad, span
from shaodao.sanitation.proof.settings import FindingSettings, ProofSettings


class TrackSettings(msgspec.Struct, frozen=True):
    """What the doors for vehicles' fixes take."""

    oldest_days: int = 30  # a fix older than this is left out
    future_s: int = 300  # a clock may be so far ahead
    push_rows: int = 5_000  # of one call or message
    push_mb: float = 2.0
    calls_per_minute: int = 600  # of one token
    gap_s: int = 60  # a longer silence is a gap
    outside_km: float = 30.0  # so far beyond the district's bounds a position is still plausible

    def __post_init__(self) -> None:
        if not (self.oldest_days >= 1 and self.push_rows >= 1 and self.calls_per_minute >= 1 and self.gap_s >= 1):
            raise ValueError("oldest_days, push_rows, calls_per_minute, gap_s: at least 1")
        if not (0 <= self.future_s <= 86_400 and 0 < self.push_mb <= 2 and 0 <= self.outside_km <= 500):
            raise ValueError("future_s: 0 to 86400; push_mb: more than 0, at most 2; outside_km: 0 to 500")


class SanitationSettings(msgspec.Struct, frozen=True):
    department: str = ""  # code of the department that keeps the book beside the headquarters
    productive: float = 0.75  # of a shift without its breaks: turning, queueing, talking are not work
    detour: float = 1.3  # road by straight line, on the way to a fill point
    night: str = "22:00-05:00"  # the window that feasibility tries out where a service falls short
    proof: ProofSettings = ProofSettings()
    findings: FindingSettings = FindingSettings()
    keep_tracks_days: int = 180  # raw fixes of vehicles; a day that a proof still refers to stays
    tracks: TrackSettings = TrackSettings()

    def __post_init__(self) -> None:
        if not 0 < self.productive <= 1 or not 1 <= self.detour <= 5:
            raise ValueError("productive: more than 0, at most 1; detour: 1 to 5")
        if self.keep_tracks_days < 1:
            raise ValueError("keep_tracks_days: at least 1")
        try:
            span(self.night)
        except Bad as error:
            raise ValueError(f"night: {error}") from None


def current() -> SanitationSettings:
    """The district's settings for sanitation."""
    found: SanitationSettings = district.block("sanitation")
    return found
