"""Bikes taken and left at each bay in each hour of a day, out of the positions of parked bikes (ingest/keep.py).

A ride leaves no position there: of two positions of a bike, one after the other, that lie farther apart than `still_m`, the
first says where it was taken and the second where it was left. Nobody knows when it was taken in between: at the earliest
half an hour before it was left, which is more than a ride takes. A bike that its operator took out of the street or put
into it, a position that is marked as a teleport, and a ride over midnight do not count; a van's way looks like a ride.

    VAR/flows/day=2026-11-30/operator=BIKE-A.parquet: bay (code), hour (0 to 23), taken, left
"""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from django.conf import settings as program
from numpy.typing import NDArray
from pyarrow import parquet

from shaodao.bikes import settings
from shaodao.bikes.ingest import keep
from shaodao.bikes.words import Flag
from shaodao.foundation import clock

logger = logging.getLogger(__name__)
MEMORY = "1GB"
"""What DuckDB may hold; more goes to disk, beside the system's temporary files."""
RIDE_MS = 1_800_000
AT_ONCE = 12
"""Files made in one round of the clock, a few seconds each: a month that comes at once holds up nothing else for long."""
_SOURCE = b"shaodao.source"
Floats = NDArray[np.float64]


def root() -> Path:
    """Folder of the flows."""
    return Path(program.POSITIONS_ROOT) / "flows"


# ── one day of one operator ──────────────────────────────────────────────────────────────────────────────────────


def count(paths: list[Path], day: date, still_m: float) -> pa.Table:
    """Flows out of the positions of one operator and day, by bay and hour; files of keep.py. Raises duckdb.Error."""
    begin = int(datetime.combine(day, time(), clock.LOCAL).timestamp() * 1000)
    with tempfile.TemporaryDirectory(prefix="shaodao-flows-") as room, duckdb.connect() as sql:
        sql.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory='{room}'")
        names = [str(path) for path in paths]
        made: pa.Table = sql.execute(_query(begin, still_m), [names]).to_arrow_table()
        return made


def _query(begin: int, still_m: float) -> str:
    """Copies of a position lie at the same place, so that they are no move."""
    return f"""
        WITH fixes AS (
            SELECT epoch_ms(time) AS ms, lon, lat, parked, bay, lag(epoch_ms(time)) OVER one AS was_ms,
                lag(lon) OVER one AS was_lon, lag(lat) OVER one AS was_lat, lag(parked) OVER one AS was_parked,
                lag(bay) OVER one AS was_bay
            FROM read_parquet(?, hive_partitioning = false)
            WHERE (flags & {Flag.TELEPORT.value}) = 0
            WINDOW one AS (PARTITION BY vehicle_id ORDER BY time, received)
        ), moves AS (
            SELECT * FROM fixes WHERE parked IS NOT NULL AND was_parked IS NOT NULL
            AND sqrt(pow((lat - was_lat) * 111320, 2) + pow((lon - was_lon) * 111320 * cos(radians(lat)), 2)) > {still_m}
        ), ends AS (
            SELECT was_bay AS bay, greatest(was_ms, ms - {RIDE_MS}) AS ms, 1 AS taken, 0 AS "left" FROM moves
            UNION ALL SELECT bay, ms, 0, 1 FROM moves
        )
        SELECT bay, ((ms - {begin}) // 3600000)::UTINYINT AS hour, sum(taken)::INTEGER AS taken,
            sum("left")::INTEGER AS "left"
        FROM ends WHERE bay IS NOT NULL AND ms BETWEEN {begin} AND {begin + 86_399_999}
        GROUP BY ALL ORDER BY ALL
    """  # noqa: S608 - numbers of ours


def make(now: datetime, operator: str = "", *, most: int | None = None) -> int:
    """Make the flows of the days that are over where they are missing or late positions came, those of yesterday first;
    remove those older than the pack asks for. Returns how many were made, at most `most`."""
    first, today = _span(now)
    made = 0
    for day, own in _kept(first, today):
        code = own.name.removeprefix("operator=")
        if operator in ("", code) and (most is None or made < most):
            made += _made(day, code, own)
    for path in root().glob("day=*/operator=*.parquet"):
        if path.parent.name < f"day={first}":
            path.unlink(missing_ok=True)
    return made


def _span(now: datetime) -> tuple[date, date]:
    today = clock.local(now).date()
    return today - timedelta(days=settings.current().rebalancing.days), today


def _kept(first: date, today: date) -> Iterator[tuple[date, Path]]:
    """The folders of positions of days that are over, the last day first."""
    for back in range(1, (today - first).days + 1):
        day = today - timedelta(days=back)
        for own in sorted((keep.positions() / f"day={day}").glob("operator=*")):
            yield day, own


def _made(day: date, code: str, own: Path) -> bool:
    paths = [path for path in sorted(own.glob("*.parquet")) if not path.name.startswith(".")]
    still = settings.current().parking.still_m
    try:
        source = f"{sum(parquet.read_metadata(path).num_rows for path in paths)} {still:g}".encode()
        if not paths or _source(_file(day, code)) == source:
            return False
        table = count(paths, day, still)
    except (duckdb.Error, pa.ArrowException, OSError) as why:  # files being joined meanwhile are there the next time
        logger.warning("flows of %s on %s: %s", code, day, why)
        return False
    keep.write(table.replace_schema_metadata({_SOURCE: source}), _file(day, code))
    return True


def _file(day: date, code: str) -> Path:
    return root() / f"day={day}" / f"operator={code}.parquet"


def _source(path: Path) -> bytes:
    return (parquet.read_schema(path).metadata or {}).get(_SOURCE, b"") if path.exists() else b""


# ── what is to be expected ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class History:
    """Flows of an operator: `days` with data in order; `counts` (days, bays, 24, 2): taken and left; `place` of each code."""

    days: tuple[date, ...]
    place: dict[str, int]
    counts: Floats
    least: int

    def alike(self, day: date) -> list[int]:
        """Which days tell of this one: workdays or weekends, if there are enough of its kind; else all."""
        own = [n for n, d in enumerate(self.days) if weekend(d) == weekend(day)]
        return own if len(own) >= self.least else list(range(len(self.days)))

    def expected(self, codes: list[str], at: datetime, hours: float) -> tuple[Floats, Floats]:
        """Bikes taken and left at each of (b,) bays within the hours from `at` on; part of an hour counts in proportion."""
        total = np.zeros((len(codes), 2))
        known = np.array([n for n, code in enumerate(codes) if code in self.place], np.int64)
        place = np.array([self.place[codes[n]] for n in known], np.int64)
        begin = clock.local(at)
        end = begin + timedelta(hours=hours)
        while begin < end and known.size and self.days:
            until = min(end, begin.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
            mean = self.counts[self.alike(begin.date())].mean(axis=0)[:, begin.hour]
            total[known] += mean[place] * ((until - begin) / timedelta(hours=1))
            begin = until
        return total[:, 0], total[:, 1]


def weekend(day: date) -> bool:
    return day.weekday() >= 5


def history(operator: str, now: datetime) -> History:
    """What was counted of an operator (code) on the last days."""
    first, today = _span(now)
    span = [first + timedelta(days=n) for n in range((today - first).days)]
    found = [(day, table) for day in span if (table := _read(_file(day, operator))) is not None]
    place: dict[str, int] = {}
    for _day, table in found:
        for code in table["bay"].to_pylist():
            place.setdefault(code, len(place))
    counts = np.zeros((len(found), len(place), 24, 2))
    for n, (_day, table) in enumerate(found):
        rows = np.array([place[code] for code in table["bay"].to_pylist()], np.int64)
        hours = table["hour"].to_numpy()
        for which, name in enumerate(("taken", "left")):
            counts[n, rows, hours, which] = table[name].to_numpy()
    return History(tuple(day for day, _t in found), place, counts, settings.current().rebalancing.least_days)


def _read(path: Path) -> Any:
    try:
        return parquet.read_table(path, partitioning=None)
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError) as why:
        logger.warning("%s cannot be read: %s", path.name, why)
        return None
