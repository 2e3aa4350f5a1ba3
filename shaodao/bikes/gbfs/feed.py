"""A feed as the checks see it: parsed documents with accessors that take whatever JSON comes.

A wrong type is the schema's finding; here such a value counts as absent, so that every check can go on.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.bikes.gbfs import versions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class File:
    """One document. `name` is the specification's (`station_status`), `label` what the report calls it."""

    name: str
    label: str
    document: dict[str, Any]

    @property
    def version(self) -> str:
        """What the document says of itself; "" if nothing."""
        said = self.document.get("version")
        return said if isinstance(said, str) else ""

    @property
    def data(self) -> dict[str, Any]:
        """The document's `data`; empty if it has none."""
        return mapping(self.document.get("data"))


class Table:
    """The objects of one array of a file, as columns.

    `rows` are the array's objects (anything else in it is left out), `at[i]` the place of row i in the array.
    """

    def __init__(self, file: File | None, array: str) -> None:
        self.file, self.array = file, array
        self.label = file.label if file else f"{array}.json"
        entries = listing(file.data.get(array)) if file else []
        self.at = [n for n, entry in enumerate(entries) if isinstance(entry, dict)]
        self.rows: list[dict[str, Any]] = [entries[n] for n in self.at]
        self._texts: dict[str, list[str | None]] = {}
        self._numbers: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def path(self, row: int | np.integer, *keys: str | int) -> str:
        """JSON pointer to row `row`, or to something in it."""
        return "/".join(["/data", self.array, str(self.at[row]), *map(str, keys)])

    def texts(self, key: str) -> list[str | None]:
        """The column `key`; None where there is no string."""
        if key not in self._texts:
            self._texts[key] = [v if isinstance(v := row.get(key), str) else None for row in self.rows]
        return self._texts[key]

    def numbers(self, key: str) -> Floats:
        """The column `key` as float64 of shape (rows,); NaN where there is no number."""
        if key not in self._numbers:
            self._numbers[key] = np.array([number(row.get(key)) for row in self.rows], dtype=np.float64)
        return self._numbers[key]

    def true(self, key: str) -> NDArray[np.bool_]:
        """Where the column `key` is `true`."""
        return np.array([row.get(key) is True for row in self.rows], dtype=bool)

    @cached_property
    def times(self) -> Floats:
        """`last_reported` in POSIX seconds; NaN where there is none."""
        return np.array([moment(row.get("last_reported")) for row in self.rows], dtype=np.float64)

    @cached_property
    def place(self) -> tuple[Floats, Floats]:
        """(longitude, latitude) in degrees; NaN in both where either is absent or out of range."""
        lon, lat = self.numbers("lon"), self.numbers("lat")
        good = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        return np.where(good, lon, np.nan), np.where(good, lat, np.nan)


@dataclass(frozen=True)
class Words:
    """What changed its name with version 3.0."""

    vehicle_file: str
    vehicles: str
    vehicle_id: str
    available: str
    disabled: str
    rule_types: str


OLD = Words("free_bike_status", "bikes", "bike_id", "num_bikes_available", "num_bikes_disabled", "vehicle_type_id")
NEW = Words(
    "vehicle_status", "vehicles", "vehicle_id", "num_vehicles_available", "num_vehicles_disabled", "vehicle_type_ids"
)


@dataclass(frozen=True)
class Feed:
    """The files of one system in one language.

    `family` is the version whose rules hold (one of `versions.FAMILIES`); `lost` are files that are listed or there but
    could not be read, about which nothing can be said; `now` is the time of judging; `live` says that the feed was just
    fetched (a folder is a picture of some moment). `gbfs.json` is among the files of every language.
    """

    files: dict[str, File]
    family: str
    now: datetime
    live: bool = False
    language: str = ""
    lost: frozenset[str] = frozenset()

    @property
    def major(self) -> int:
        """2 or 3 (1 is read as 2)."""
        return 3 if self.family.startswith("3") else 2

    @property
    def words(self) -> Words:
        """The names that this version uses."""
        return NEW if self.major == 3 else OLD

    def table(self, name: str, array: str) -> Table:
        """A table of any file."""
        return Table(self.files.get(name), array)

    @cached_property
    def vehicles(self) -> Table:
        """`vehicle_status`, or `free_bike_status` before 3.0."""
        return self.table(self.words.vehicle_file, self.words.vehicles)

    @cached_property
    def stations(self) -> Table:
        """`station_information`."""
        return self.table("station_information", "stations")

    @cached_property
    def statuses(self) -> Table:
        """`station_status`."""
        return self.table("station_status", "stations")

    @cached_property
    def types(self) -> Table:
        """`vehicle_types`."""
        return self.table("vehicle_types", "vehicle_types")

    @cached_property
    def plans(self) -> Table:
        """`system_pricing_plans`."""
        return self.table("system_pricing_plans", "plans")

    @cached_property
    def regions(self) -> Table:
        """`system_regions`."""
        return self.table("system_regions", "regions")

    @cached_property
    def station_rows(self) -> dict[str, int]:
        """Row of `stations` by station_id (the first, where an id is doubled)."""
        return first_rows(self.stations.texts("station_id"))

    @cached_property
    def centre(self) -> tuple[float, float] | None:
        """(longitude, latitude) of the middle of the stations, else of the vehicles; None without positions.

        The median, so that some wrong positions do not move it.
        """
        for table in (self.stations, self.vehicles):
            lon, lat = table.place
            good = ~np.isnan(lon) & ((np.abs(lon) > 1e-3) | (np.abs(lat) > 1e-3))
            if good.any():
                return float(np.median(lon[good])), float(np.median(lat[good]))
        return None


def first_rows(ids: list[str | None]) -> dict[str, int]:
    """Row of each id, the first where an id is doubled."""
    rows: dict[str, int] = {}
    for row, key in enumerate(ids):
        if key is not None:
            rows.setdefault(key, row)
    return rows


def family_of(files: list[File], index: File | None) -> str:
    """The version whose rules hold for a feed: what gbfs.json says, else what most files say, else what the names say."""
    said = [index.version] if index else []
    said += [version for version, _n in Counter(f.version for f in files).most_common()]
    for version in said:
        if family := versions.family(version):
            return family
    return "3.0" if any(f.name == "vehicle_status" for f in files) else "2.3"


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def number(value: Any) -> float:
    """`value` as a float; NaN if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.nan


def moment(value: Any) -> float:
    """A timestamp of any version (POSIX seconds, or RFC 3339 since 3.0) in POSIX seconds; NaN if it is none."""
    if not isinstance(value, str):
        return number(value)
    try:
        at = datetime.fromisoformat(value)
        return at.timestamp() if at.tzinfo else np.nan
    except (ValueError, OverflowError):
        return np.nan


def clock_time(seconds: float) -> str:
    """POSIX seconds as a person reads them, in UTC; the number itself where no calendar goes that far."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f}"
