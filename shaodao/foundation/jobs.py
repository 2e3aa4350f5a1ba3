"""Files too long for a web request: read and checked in it, stored, then worked off by the clock's rounds, a part at a time.

A room registers its `Work` under a name. Each part changes the room's rows and moves the job on in one transaction, so a
process that is killed loses nothing and doubles nothing: whoever comes next begins at the first row that is not done.
Two clocks at once cost time but do no harm, since a part is only taken in while the job stands where the part begins.
"""

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from django.core.files import File
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.foundation.models import Job

logger = logging.getLogger(__name__)
OPEN = (Job.State.WAITING, Job.State.RUNNING)
MOST_OPEN = 3
"""Jobs of one subject that may wait or run: whoever sends more is not done with these."""
MOST_TRIES = 5
"""Starts in a row that took in nothing (a fault of ours, or a machine that gives out), after which a job fails."""
SECONDS = 10.0
"""Of one round; a limit that runs out meanwhile is seen by the next."""


class Unfit(Exception):
    """The file cannot be worked off, in plain words: the job fails, what was taken in stays."""


class Part(NamedTuple):
    """The next rows of a file. `take` writes what becomes of them and adds it to the job's `result`; no transaction of its own."""

    rows: int
    take: Callable[[Job], None]


class Work(Protocol):
    """What a room does with a file."""

    def parts(self, job: Job) -> Iterator[Part]:
        """The parts from row `job.done` on. Raises Unfit if it may not go on."""

    def ended(self, job: Job) -> None:
        """Called in the transaction in which the job ends, however it ends: the line in the log."""


_works: dict[str, Work] = {}


def register(kind: str, work: Work) -> None:
    """A room's work on one kind of file. Called once, when the program starts."""
    _works[kind] = work


def of(kind: str, subject: str) -> QuerySet[Job]:
    """The jobs about something, the newest first."""
    return Job.objects.filter(kind=kind, subject=subject).select_related("created_by")


def ahead(job: Job) -> int:
    """How many jobs are worked off before this one."""
    return Job.objects.filter(state__in=OPEN, pk__lt=job.pk).count() if job.is_open else 0


def add(kind: str, subject: str, path: Path, name: str, options: dict[str, Any], total: int, person: Any) -> Job:
    """Keep a file of `total` rows (a copy of what lies at `path`) and its job; the same file that waits already is that job.

    Raises Refused where too many wait.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    waiting = list(of(kind, subject).filter(state__in=OPEN))
    same = next((job for job in waiting if (job.sha256, job.options) == (digest, options)), None)
    if same:
        return same
    if len(waiting) >= MOST_OPEN:
        raise Refused(_("已有 %(n)d 个文件在处理，等其中一个完成或取消后再传") % {"n": len(waiting)})
    job = Job(
        kind=kind, subject=subject, name=_short(name), size=path.stat().st_size, sha256=digest, options=options, total=total,
        language=translation.get_language() or "", created_by=person, created_at=clock.now(),
    )  # fmt: skip
    with path.open("rb") as file:  # .gz stays at the end of the name: readers go by it
        job.file.save(f"{get_random_string(24).lower()}{Path(name).suffix.lower()[:8]}", File(file), save=False)
    job.save()
    return job


def _short(name: str) -> str:
    text = "".join(c for c in name if c.isprintable()).strip() or "—"
    return text if len(text) <= 100 else f"{text[:80]}…{text[-18:]}"


@contextmanager
def on_disk(given: Any) -> Iterator[Path]:
    """The uploaded file as a file, whose name ends with .gz if it is packed."""
    if isinstance(given, TemporaryUploadedFile):
        yield Path(given.temporary_file_path())
        return
    handle, path = tempfile.mkstemp(suffix=".gz" if given.name.lower().endswith(".gz") else "")
    try:
        with os.fdopen(handle, "wb") as file:
            for part in given.chunks():
                file.write(part)
        yield Path(path)
    finally:
        os.unlink(path)


def cancel(pk: int) -> Job:
    """End a job now; rows that were taken in stay. Raises Refused if it has ended already."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=pk)
        if not job.is_open:
            raise Refused(_("这个文件已经处理完了"))
        _end(job, Job.State.CANCELLED)
    _clear(job)
    return job


# ── worked off ───────────────────────────────────────────────────────────────────────────────────────────────────


def work(seconds: float = SECONDS) -> int:
    """Work on what waits, the oldest first, until the time is over. How many parts were taken in (and jobs ended)."""
    until, n = time.monotonic() + seconds, 0
    for pk, language in list(Job.objects.filter(state__in=OPEN).order_by("pk").values_list("pk", "language")):
        with translation.override(language):  # what a fault says is for its sender
            n += _run(pk, until)
        if time.monotonic() >= until:
            break
    for job in Job.objects.filter(ended_at__isnull=False).exclude(file=""):  # a process that was killed left its file
        _clear(job)
    return n


def _run(pk: int, until: float) -> int:
    """Take in parts of one job until it or the time is over. A failure is counted; too many in a row end the job."""
    job, n = _begin(pk), 0
    if job is None:
        return 0
    try:
        for part in _works[job.kind].parts(job):
            moved = _take(pk, job.done, part)
            if moved is None:
                return n
            job, n = moved, n + 1
            if time.monotonic() >= until:
                break
        if job.done >= job.total:
            n += _finish(pk, Job.State.DONE)
    except Unfit as error:
        n += _finish(pk, Job.State.FAILED, str(error))
    except Exception:
        logger.exception("job %s (%s) failed at row %s", pk, job.kind, job.done)
    return n


def _begin(pk: int) -> Job | None:
    """Count a start; None if it ended meanwhile, or was begun too often in vain."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=pk, state__in=OPEN).first()
        if job is None or job.kind not in _works:
            return None
        if job.tries < MOST_TRIES:
            job.state, job.tries = Job.State.RUNNING, job.tries + 1
            job.save(update_fields=["state", "tries"])
            return job
    _finish(pk, Job.State.FAILED, _("处理时出错，试了 %(n)d 次；已收下的行保留，可以再传一次") % {"n": MOST_TRIES})
    return None


def _take(pk: int, done: int, part: Part) -> Job | None:
    """Take in one part; None if somebody cancelled the job, or another process was faster."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=pk)
        if not job.is_open or job.done != done:
            return None
        part.take(job)
        job.done, job.tries = done + part.rows, 0
        job.save(update_fields=["done", "tries", "result"])
        return job


def _finish(pk: int, state: str, fault: str = "") -> int:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=pk)
        if not job.is_open:
            return 0
        job.fault = fault[:500]
        _end(job, state)
    _clear(job)
    return 1


def _end(job: Job, state: str) -> None:
    job.state, job.ended_at = state, clock.now()
    job.save(update_fields=["state", "ended_at", "fault"])
    if job.kind in _works:
        _works[job.kind].ended(job)


def _clear(job: Job) -> None:
    """The file is not needed any more; its digest stays."""
    if job.file:
        job.file.delete(save=False)
        Job.objects.filter(pk=job.pk).update(file="")
