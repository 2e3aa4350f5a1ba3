"""The block `bikes:` of a district's settings: how many bikes the district takes, and who looks after them."""

import msgspec

from shaodao.foundation import district


class BikeSettings(msgspec.Struct, frozen=True):
    fleet_ceiling: int = 0  # bikes of all operators together; 0: none may be admitted
    department: str = ""  # code of the department that reviews operators beside the headquarters
    staff_per_1000: float = 5.0  # dispatch staff for each 1,000 bikes of the quota, at least; 0: not asked
    intact_percent: float = 95.0  # of the fleet that is fit to ride, at least; 0: not asked

    def __post_init__(self) -> None:
        if not 0 <= self.fleet_ceiling <= 10_000_000:
            raise ValueError(f"fleet_ceiling {self.fleet_ceiling}: from 0 to 10,000,000")
        if self.staff_per_1000 < 0 or not 0 <= self.intact_percent <= 100:
            raise ValueError("staff_per_1000: 0 or more; intact_percent: 0 to 100")


def current() -> BikeSettings:
    """The district's settings for bikes."""
    found: BikeSettings = district.block("bikes")
    return found
