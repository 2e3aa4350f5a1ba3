"""The block `bikes:` of a district's settings: how many bikes the district takes, who looks after them, how positions
are taken in and judged, what is published, what a day's score weighs, what vans can carry."""

import re
from typing import Literal

import msgspec

from shaodao.bikes.findings.settings import FindingSettings
from shaodao.bikes.rebalancing.settings import RebalancingSettings
from shaodao.bikes.reports.settings import ScoreSettings
from shaodao.foundation import district

ADDRESS = re.compile(r"[^@\s]+@[A-Za-z0-9.-]+")


class ParkingSettings(msgspec.Struct, frozen=True):
    """How a position is held against the bays."""

    tolerance_m: float = 10.0  # from a bay's boundary; a bay may have its own
    accuracy_m: float = (
        0.0  # within which positions are true where a feed does not say; 0: not asked, nothing is uncertain
    )
    error_m: float = 15.0  # radius of 95 % of positions where nothing else says it (Beijing draft): for confidence only
    fixes: int = 3  # in a row that have to find a bike wrong before it counts as a violation
    still_m: float = 30.0  # a bike that moved less has not moved
    metres_per_bike: float = 0.6  # capacity of a bay = its length by this, rounded down
    idle_days: float = 7.0  # standing longer is idle
    silent_hours: float = 4.0  # longer without a position is silent (Beijing draft: one every 4 hours when locked)
    group_m: float = 25.0  # bays nearer than this to each other are counted as one group

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance_m <= 200 or not 0 <= self.accuracy_m <= 100:
            raise ValueError("tolerance_m: 0 to 200 metres; accuracy_m: 0 to 100 metres")
        if not 0 < self.error_m <= 100:
            raise ValueError("error_m: more than 0, at most 100 metres")
        if self.fixes < 1 or self.metres_per_bike <= 0:
            raise ValueError("fixes: 1 or more; metres_per_bike: more than 0")


class SitingSettings(msgspec.Struct, frozen=True):
    """What is remarked on when bays come in; a bay is never refused for it."""

    nearest_m: float = 300.0  # no other bay within this: somebody would have to walk too far
    clear_m: float = 20.0  # nearer to an exit of the metro, a crossing …
    overlap_m2: float = 1.0  # shared with another bay: more than the error of a survey
    smallest_m2: float = 1.0  # one bike's place
    largest_m2: float = 500.0
    zone_smallest_m2: float = 10.0  # of a zone: smaller is hardly meant
    zone_largest_m2: float = 1_000_000.0  # a square kilometre
    points: tuple[tuple[float, float, str], ...] = ()  # exits and crossings: longitude, latitude (WGS-84), name

    def __post_init__(self) -> None:
        if not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat, _name in self.points):
            raise ValueError("points: [longitude, latitude, name] in degrees")
        if min(self.nearest_m, self.clear_m, self.overlap_m2, self.smallest_m2) < 0:
            raise ValueError("siting: no number may be less than 0")
        if not self.smallest_m2 < self.largest_m2 or not 0 <= self.zone_smallest_m2 < self.zone_largest_m2:
            raise ValueError("smallest_m2: less than largest_m2; so for zone_smallest_m2 and zone_largest_m2")


class IngestSettings(msgspec.Struct, frozen=True):
    """What is taken in, what is marked, how long it is kept."""

    future_s: float = 120.0  # ahead of our clock: rejected beyond
    stale_s: float = 900.0  # older at receipt: marked
    oldest_days: float = 30.0  # older: rejected
    fastest_mps: float = 40.0  # between two fixes: marked as a teleport beyond
    gap_s: float = 600.0  # a feed silent for longer has a gap
    raw_days: int = 180  # positions of parked bikes are kept
    trip_hours: int = 24  # and those of bikes in use
    trip_decimals: int = 3  # of degrees, of bikes in use: about 100 metres
    registered_only: bool = True  # MDS: positions of devices that are not registered are refused, as the standard says
    push_rows: int = 20_000  # in one call by MDS,
    push_mb: float = 16.0  # and its size

    def __post_init__(self) -> None:
        if self.raw_days < 1 or self.trip_hours < 1 or not 0 <= self.trip_decimals <= 6:
            raise ValueError("raw_days and trip_hours: 1 or more; trip_decimals: 0 to 6")
        if not 1 <= self.push_rows <= 30_000 or not 0 < self.push_mb <= 100:
            raise ValueError("push_rows: 1 to 30,000; push_mb: up to 100 megabytes")


class PublishSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What everybody may read without signing in (bikes/publish).

    A bay, a zone and how full a bay is name nobody. Where a single bike stands may: the last one left in front of a door
    at night tells who came home. So by default a bike is listed only where it stands at a bay, by the bay and without its
    own position; `all` lists every standing bike with its position, `none` lists no bike. A slip of the pen in a name is an
    error, so that it does not publish more than was meant.
    """

    open: bool = True  # anything at all
    vehicles: Literal["none", "bays", "all"] = "bays"
    only_in_bays: bool = True  # the rule that is published for the whole district: bikes are left in bays
    ttl_s: int = 30  # what changes with every position is made anew after so many seconds
    ebike_range_m: int = 0  # nominal; GBFS wants one of a type with a motor. 0: e-bikes are not listed as a type
    contact: str = ""  # e-mail address for questions about the feeds; empty: the sender of the program's own mail
    licence: str = ""  # its name; empty: none was granted
    licence_url: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.ttl_s <= 300:
            raise ValueError("ttl_s: 1 to 300 seconds (GBFS: never more than five minutes old)")
        if not 0 <= self.ebike_range_m <= 1_000_000:
            raise ValueError("ebike_range_m: 0 to 1,000,000 metres")
        if self.contact and not ADDRESS.fullmatch(self.contact):
            raise ValueError(f"contact {self.contact!r}: an e-mail address")
        if self.licence_url and not self.licence_url.startswith(("https://", "http://")):
            raise ValueError(f"licence_url {self.licence_url!r}: begins with https://")


class SpotCheckSettings(msgspec.Struct, frozen=True):
    """Bikes counted by eye beside what the feeds say."""

    days: int = 30  # of which the differences are summed up
    published: bool = False  # each operator's mean difference, on a page for everybody

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 366:
            raise ValueError("days: 1 to 366")


class BikeSettings(msgspec.Struct, frozen=True):
    fleet_ceiling: int = 0  # bikes of all operators together; 0: none may be admitted
    department: str = ""  # code of the department that reviews operators beside the headquarters
    staff_per_1000: float = 5.0  # dispatch staff for each 1,000 bikes of the quota, at least; 0: not asked
    intact_percent: float = 95.0  # of the fleet that is fit to ride, at least; 0: not asked
    parking: ParkingSettings = ParkingSettings()
    siting: SitingSettings = SitingSettings()
    ingest: IngestSettings = IngestSettings()
    publish: PublishSettings = PublishSettings()
    findings: FindingSettings = FindingSettings()
    spot_checks: SpotCheckSettings = SpotCheckSettings()
    score: ScoreSettings = ScoreSettings()
    rebalancing: RebalancingSettings = RebalancingSettings()

    def __post_init__(self) -> None:
        if not 0 <= self.fleet_ceiling <= 10_000_000:
            raise ValueError(f"fleet_ceiling {self.fleet_ceiling}: from 0 to 10,000,000")
        if self.staff_per_1000 < 0 or not 0 <= self.intact_percent <= 100:
            raise ValueError("staff_per_1000: 0 or more; intact_percent: 0 to 100")


def current() -> BikeSettings:
    """The district's settings for bikes."""
    found: BikeSettings = district.block("bikes")
    return found
