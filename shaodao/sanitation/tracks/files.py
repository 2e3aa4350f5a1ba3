"""Files of fixes as work: short ones at once, long ones by the clock's rounds (foundation/jobs.py)."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from shaodao.cases.actions import Actor
from shaodao.foundation import clock, jobs, log
from shaodao.foundation.errors import Refused
from shaodao.foundation.models import Job
from shaodao.sanitation import queries
from shaodao.sanitation.tracks import reading, receive
from shaodao.sanitation.tracks.receive import Received
from shaodao.sanitation.tracks.sent import Sent
from shaodao.sanitation.words import Door

KIND, SUBJECT = "sanitation.tracks", "tracks"
ROWS = 50_000
"""Of one transaction."""
AT_ONCE = 50_000
"""Rows of a file that are taken in while its sender waits: about a second."""


def may_send(actor: Actor) -> None:
    """Raises Refused for who does not keep the book."""
    if not queries.may_edit(actor):
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)


def take_file(
    path: Path, datum: str, actor: Actor, *, name: str = "", progress: Callable[..., None] | None = None
) -> Received:
    """Take in a whole file. Raises Refused, `maps.Unreadable` (nothing was taken in)."""
    may_send(actor)
    file = reading.open_file(path, name)
    found = Received()
    if progress:
        progress(total=file.rows)
    for sent in file.sent(datum, 0, ROWS):
        found.add(receive.take(sent, Door.FILE, clock.now()))
        if progress:
            progress(len(sent))
    with path.open("rb") as given:
        sha = hashlib.file_digest(given, "sha256").hexdigest()
    _logged(actor.person, sha, datum, file.rows, "done", found)
    return found


def hand_in(path: Path, datum: str, actor: Actor, *, name: str = "") -> Received | Job:
    """As `take_file`; a file of more than AT_ONCE rows is kept and worked off by the clock: the answer is its job."""
    may_send(actor)
    file = reading.open_file(path, name)
    if file.rows <= AT_ONCE:
        return take_file(path, datum, actor, name=name)
    options = {"datum": datum, "columns": file.columns, "parquet": file.parquet}
    return jobs.add(KIND, SUBJECT, path, name, options, file.rows, actor.person)


def cancel(job: Job, actor: Actor) -> None:
    """Take no more rows of a long file; those that were taken in stay. Raises Refused."""
    may_send(actor)
    jobs.cancel(job.pk)
    log.write("sanitation.tracks.cancel", SUBJECT, actor=actor.person, data={"sha256": job.sha256})


def _logged(person: Any, sha: str, datum: str, rows: int, state: str, found: Received) -> None:
    data = {"sha256": sha, "datum": datum, "rows": rows, "state": state}
    data |= {n: getattr(found, n) for n in ("received", "kept", "known", "rejected")}
    log.write("sanitation.tracks.file", SUBJECT, actor=person, data=data)


class TrackFiles:
    """`job.result` is `Received.as_dict()` of what was taken in so far."""

    def parts(self, job: Job) -> Iterator[jobs.Part]:
        file = reading.TrackFile(Path(job.file.path), job.options["columns"], job.total, job.options["parquet"])
        for sent in file.sent(job.options["datum"], job.done, ROWS):
            yield jobs.Part(len(sent), partial(self._take, sent))

    def _take(self, sent: Sent, job: Job) -> None:
        found = Received(**job.result)
        found.add(receive.take(sent, Door.FILE, clock.now()))
        job.result = found.as_dict()

    def ended(self, job: Job) -> None:
        _logged(job.created_by, job.sha256, job.options["datum"], job.total, job.state, Received(**job.result))
