"""What the clock does with fixes: small batches become one file for each vehicle and day, old days go.

    VAR/tracks/day=2026-11-30/17-3f9a….parquet

A file is named by the key of the vehicle and the digest of its fixes, and written before the transaction in which its row takes the place of the rows
that it holds. One that a crash left behind has no row, and goes with its day.
"""

import logging
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, Min, Sum

from shaodao.cases.tasks import Round
from shaodao.foundation import clock, log
from shaodao.sanitation import settings
from shaodao.sanitation.models import TrackBatch, TrackCount, TrackDay
from shaodao.sanitation.tracks import columns, store

logger = logging.getLogger(__name__)
WAIT = timedelta(minutes=30)
"""Small batches wait so long for others,"""
MANY = 20_000
"""unless so many fixes of a vehicle wait."""
AT_ONCE = 300
"""Vehicle days of one round."""

Holder = Callable[[date], bool]
_holders: list[Holder] = []


def hold(holder: Holder) -> None:
    """`holder(day)` says whether somebody still needs the day's raw fixes as evidence: they stay then."""
    _holders.append(holder)


def work(round: Round) -> None:
    """This room's part of each round of the clock."""
    round.once("tracks", lambda: pack(round.now) + end_retention(round.now))


def pack(now: datetime, *, all_of_it: bool = False) -> int:
    """Move what waited long enough (or everything) into files: how many vehicle days were packed."""
    loose = TrackBatch.objects.filter(file="").order_by()
    due = loose.values("vehicle_id", "day").annotate(n=Count("pk"), fixes=Sum("fixes"), oldest=Min("received_at"))
    if not all_of_it:
        late = due.filter(oldest__lte=now - WAIT)
        due = late.union(due.filter(fixes__gte=MANY))
    found = list(due[:AT_ONCE])
    for row in found:
        _pack(row["vehicle_id"], row["day"], now)
    return len(found)


@transaction.atomic
def _pack(vehicle: int, day: date, now: datetime) -> None:
    """All of a vehicle's day in one file; days that are over get no second one unless late fixes come."""
    if not TrackDay.objects.select_for_update().filter(day=day).exists():
        return
    rows = list(TrackBatch.objects.filter(vehicle_id=vehicle, day=day).order_by("first_ms", "pk"))
    if not any(not row.file for row in rows):
        return
    fixes = columns.together([store.read(row.body, row.file) for row in rows]).ordered()
    name = f"day={day.isoformat()}/{vehicle}-{fixes.digest()}.parquet"
    _write(fixes, name)
    TrackBatch.objects.filter(pk__in=[row.pk for row in rows]).delete()
    doors, received = {row.door for row in rows}, max(row.received_at for row in rows)
    store.batch(vehicle, day, doors.pop() if len(doors) == 1 else "", fixes, received, file=name).save()
    transaction.on_commit(partial(_remove, {row.file for row in rows if row.file} - {name}))


def _remove(files: set[str]) -> None:
    for name in files:
        (store.root() / name).unlink(missing_ok=True)


def _write(fixes: columns.Rows, name: str) -> None:
    """The whole file or none: written beside, forced to the disk, then named."""
    path = store.root() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("wb") as out:
        columns.to_parquet(fixes, out)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def end_retention(now: datetime) -> int:
    """Remove the raw fixes of days older than `keep_tracks_days`, each a line of the log; how many days went."""
    oldest = clock.local(now).date() - timedelta(days=settings.current().keep_tracks_days)
    TrackCount.objects.filter(day__lt=oldest).delete()
    over = [day for day in TrackDay.objects.filter(day__lt=oldest) if not any(holds(day.day) for holds in _holders)]
    for row in over:
        with transaction.atomic():
            TrackBatch.objects.filter(day=row.day).delete()
            TrackDay.objects.filter(pk=row.pk).delete()
            said = {"fixes": row.fixes, "vehicles": row.vehicles}
            log.write("sanitation.tracks.ended", f"tracks:{row.day.isoformat()}", now=now, data=said)
            transaction.on_commit(partial(_clear, row.day))
    return len(over)


def _clear(day: date) -> None:
    folder = store.root() / f"day={day.isoformat()}"
    for path in folder.glob("*") if folder.is_dir() else ():
        path.unlink()
    if folder.is_dir():
        folder.rmdir()
