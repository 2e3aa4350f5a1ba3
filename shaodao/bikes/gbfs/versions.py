"""Which versions there are, which files each has, and which of them a system must publish."""

import re
from functools import cache

from gbfs_validator import versions as published

FAMILIES = published.KNOWN_VERSIONS
"""Versions with schemas of their own; a release candidate belongs to the release that it led to."""

CANDIDATE = re.compile(r"(\d\.\d)(-RC\d*)?")
VEHICLE_FILES = ("vehicle_status", "free_bike_status")
REALTIME = ("station_status", *VEHICLE_FILES)
"""Files that must not be more than five minutes old (Data Latency)."""


def family(version: str) -> str:
    """The version of `FAMILIES` whose schemas apply to a feed that says `version`; "" if there is none."""
    if version in FAMILIES:
        return version
    match = CANDIDATE.fullmatch(version)
    if not match:
        return ""
    return next((known for known in FAMILIES if known.partition("-")[0] == match[1]), "")


@cache
def file_names(version: str = "") -> tuple[str, ...]:
    """Names of the files of a version, `gbfs` first; of all versions together without one."""
    chosen = [version] if version else FAMILIES
    return tuple(
        dict.fromkeys(["gbfs", *(row["file"] for v in chosen for row in published.files_for(v, False, False))])
    )


@cache
def required(version: str, docked: bool, dockless: bool) -> tuple[str, ...]:
    """Files that a system of this kind must publish (table of Files in the specification)."""
    return tuple(row["file"] for row in published.files_for(version, docked, dockless) if row["required"])
