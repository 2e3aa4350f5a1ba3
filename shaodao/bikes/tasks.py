"""What the clock does for bikes: terms end by themselves, feeds are fetched, positions move into files, statuses follow
the bays.

Called by the rounds of cases/tasks.py, every few seconds and perhaps by several processes: each part finds nothing left to
do the second time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from shaodao.bikes import ground
from shaodao.bikes.actions import feeding, perform
from shaodao.bikes.ingest import keep, upkeep
from shaodao.bikes.ingest.sources import gbfs
from shaodao.bikes.models import Operator
from shaodao.bikes.rebalancing import flows
from shaodao.bikes.reports import daily
from shaodao.bikes.words import IN_FORCE
from shaodao.cases.actions import Actor
from shaodao.cases.tasks import Round
from shaodao.foundation import clock


def over(now: datetime) -> Iterator[int]:
    """Operators whose last day is past."""
    today = clock.local(now).date()
    rows = Operator.objects.filter(state__in=IN_FORCE, term_until__lt=today)
    yield from rows.order_by("pk").values_list("pk", flat=True)


def expire(round: Round) -> None:
    """End the terms that are over, each once."""

    def end(pk: int) -> Any:
        return perform("expire", pk, Actor.system())

    round.each("expired", list(over(round.now)), end)


def move(round: Round) -> None:
    """Positions that waited long enough go into Parquet; a day that is over becomes one file; old ones go."""
    round.once("kept", lambda: keep.keep(round.now))
    if _due("days", round.now, timedelta(hours=1)):
        keep.close_days(round.now)
        keep.end_retention(round.now)


def follow(round: Round) -> None:
    """Statuses are judged anew when a bay or zone changed or a zone begins or ends; once when the program starts."""
    here = ground.ground()
    judged_by = (here.revision, here.in_force(round.now))
    if _done.get("judged") != judged_by:
        round.once("rejudged", lambda: upkeep.rejudge(round.now))
        _done["judged"] = judged_by


def see(round: Round) -> None:
    """The registry learns when each vehicle was last seen; what its feed dropped a day ago is forgotten."""
    if _due("seen", round.now, upkeep.SEEN):
        round.once("seen", lambda: upkeep.see(round.now) + upkeep.forget(round.now))


def pull(round: Round) -> None:
    """Feeds that are due are fetched together and taken in each for itself: one that is down holds up no other."""
    fetched = gbfs.fetch_all(feeding.due_feeds())
    round.each("pulled", fetched, lambda pair: gbfs.take(pair[0], pair[1], round.now).ok)


def report(round: Round) -> None:
    """The day's report, every hour while it is open; yesterday's for good; an older one again where late positions came."""
    if _due("reported", round.now, timedelta(minutes=10)) and Operator.objects.exists():
        round.each("reported", list(daily.due(round.now)), lambda day: daily.build(day, round.now) > 0)


def count_flows(round: Round) -> None:
    """What riders took and left on days that are over, a few files at a time."""
    if _due("flows", round.now, timedelta(minutes=10)):
        round.once("flows", lambda: flows.make(round.now, most=flows.AT_ONCE))


_done: dict[str, Any] = {}


def _due(part: str, now: datetime, every: timedelta) -> bool:
    """Was this process's last time so long ago? A clock that went back is one that was set."""
    last = _done.get(part)
    if last is not None and timedelta(0) <= now - last < every:
        return False
    _done[part] = now
    return True
