"""What the clock does: prove the days that are over, again where tracks came in late; file and close what follows."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from shaodao.cases.tasks import Round
from shaodao.foundation import clock
from shaodao.sanitation import settings
from shaodao.sanitation.models import DayProof, Segment
from shaodao.sanitation.proof import findings
from shaodao.sanitation.proof.tracks import changes, prove_stored

EVERY = timedelta(minutes=10)
BACK = 7
"""Days whose late tracks are still looked at."""


def due(now: datetime) -> Iterator[date]:
    """Days with tracks that are over and not proven as they are now."""
    local = clock.local(now)
    over = local.date() - timedelta(days=1 if local.hour >= settings.current().proof.hour else 2)
    rows = DayProof.objects.filter(current=True, day__gte=over - timedelta(days=BACK))
    known = {row.day: row for row in rows.only("day", "tracks_at", "closed")}
    for day, changed_at in changes(over - timedelta(days=BACK), over):
        row = known.get(day)
        if row is None or not row.closed or row.tracks_at != changed_at:
            yield day


def prove(round: Round) -> None:
    """Prove the days that have to be proven."""
    if _due("prove", round.now, EVERY) and Segment.objects.filter(active=True).exists():
        round.each("proven", list(due(round.now)), lambda day: prove_stored(day, round.now))


def settle(round: Round) -> None:
    """File what stands, close what was made up. Twice in a row does nothing the second time."""
    round.each("service_findings", findings.due(round.now), lambda pk: findings.file(pk, round.now))
    round.each("service_findings", findings.gone(), lambda pk: findings.clear(pk, round.now))


_done: dict[str, Any] = {}


def _due(part: str, now: datetime, every: timedelta) -> bool:
    """Was this process's last time so long ago? A clock that went back is one that was set."""
    last = _done.get(part)
    if last is not None and timedelta(0) <= now - last < every:
        return False
    _done[part] = now
    return True
