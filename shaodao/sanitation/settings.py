"""The block `sanitation:` of a district's settings: who keeps the book, and what feasibility is reckoned with."""

import msgspec

from shaodao.foundation import district
from shaodao.sanitation.hours import Bad, span
from shaodao.sanitation.proof.settings import FindingSettings, ProofSettings

CARD = (
    ("carriageway", "路面净", "Carriageway clean", 30.0),
    ("kerb", "路沿净", "Kerb clean", 20.0),
    ("litter", "无垃圾杂物", "No litter", 20.0),
    ("stains", "无积水污渍", "No puddles or stains", 15.0),
    ("fittings", "护栏箱体净", "Railings and bins clean", 15.0),
)


class CardItem(msgspec.Struct, frozen=True):
    """A line of the inspectors' score card: what is looked at, and how many points it can have."""

    code: str
    name: str
    points: float
    name_en: str = ""

    def __post_init__(self) -> None:
        if not self.code.isidentifier() or not self.name or not 0 < self.points <= 1000:
            raise ValueError("inspection_card: code (letters, digits, _), name, and points above 0")


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
    bin_photos: float = 0.05  # share of bin visits that are asked for a photo
    bin_apart_min: int = 30  # the same task at a bin again within so many minutes is one
    bin_reach_m: float = 100  # a phone further from its bin proves nothing
    uturn_s: float = 20.0  # what a U-turn counts when a plan chooses the way; its time is in `productive`
    tank_start: float = 1.0  # of a tank that is full when the day begins: filled after the last work of the day before
    night: str = "22:00-05:00"  # the window that feasibility tries out where a service falls short
    proof: ProofSettings = ProofSettings()
    findings: FindingSettings = FindingSettings()
    keep_tracks_days: int = 180  # raw fixes of vehicles; a day that a proof still refers to stays
    tracks: TrackSettings = TrackSettings()
    public: bool = True  # roads with what was promised and proven, for everybody at /streets/
    weather_url: str = ""  # JSON of hours as Open-Meteo gives it; empty: nothing is fetched

    inspection_card: tuple[CardItem, ...] = tuple(CardItem(c, n, p, e) for c, n, e, p in CARD)
    dust_good: float = 5.0  # g/m2 at most
    dust_pass: float = 10.0

    def card(self) -> list[tuple[str, str, str, float]]:
        """(code, name, name_en, points) of the score card."""
        return [(item.code, item.name, item.name_en or item.name, item.points) for item in self.inspection_card]

    def __post_init__(self) -> None:
        codes = [item.code for item in self.inspection_card]
        if not codes or len(set(codes)) < len(codes):
            raise ValueError("inspection_card: at least one line, each code once")
        if not 0 < self.dust_good <= self.dust_pass:
            raise ValueError("dust_good: above 0, at most dust_pass")
        if not 0 < self.productive <= 1 or not 1 <= self.detour <= 5:
            raise ValueError("productive: more than 0, at most 1; detour: 1 to 5")
        if self.keep_tracks_days <= self.tracks.oldest_days:
            raise ValueError("keep_tracks_days: more than tracks.oldest_days")
        if not 0 <= self.bin_photos <= 1 or self.bin_apart_min < 0 or not self.bin_reach_m > 0:
            raise ValueError("bin_photos: 0 to 1; bin_apart_min: not negative; bin_reach_m: above 0")
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
