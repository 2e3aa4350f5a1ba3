"""Files of roads that are too long for a web request, as work for the clock (foundation/jobs.py)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from shaodao.book import actions
from shaodao.book.actions import Draft
from shaodao.cases.actions import Actor
from shaodao.foundation import jobs, log
from shaodao.foundation.errors import Invalid
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import Job
from shaodao.sanitation import queries
from shaodao.sanitation.kinds import ROAD, SEGMENT
from shaodao.sanitation.roads import imports

KIND, SUBJECT = "sanitation.roads", "roads"
ROWS = 500
"""Segments of one transaction."""


def all_jobs() -> QuerySet[Job]:
    return jobs.of(KIND, SUBJECT)


def waiting() -> QuerySet[Job]:
    return all_jobs().filter(state__in=jobs.OPEN)


def hand_in(found: imports.Plan, path: Path, datum: str, reason: str, actor: Actor) -> Job:
    """Keep a file that was looked at. Raises Refused (right, too many wait), Invalid (reason)."""
    reason = actions.check(SEGMENT, actor, reason)
    options = {"datum": datum or "WGS-84", "reason": reason}
    return jobs.add(
        KIND, SUBJECT, path, found.name + _suffix(found.name, path), options, len(found.segments), actor.person
    )


def _suffix(name: str, path: Path) -> str:
    """Readers go by the end of the name."""
    return "" if name.lower().endswith(path.suffix) else path.suffix


class RoadFiles:
    """Roads first, then segments; `job.result` counts what became of the segments."""

    def parts(self, job: Job) -> Iterator[jobs.Part]:
        if job.created_by is None or not queries.may_edit(actor := Actor.of(job.created_by)):
            raise jobs.Unfit(_("上传的人已没有此项权限，其余的没有收"))
        try:
            found = imports.drafts(Path(job.file.path), datum=job.options["datum"])
        except Unreadable as error:
            raise jobs.Unfit(str(error)) from None
        if not job.done:
            actions.bring_in(ROAD, found.roads, actor, reason=job.options["reason"], source=job.name)
        for start in range(job.done, len(found.segments), ROWS):
            part = found.segments[start : start + ROWS]
            yield jobs.Part(len(part), partial(self._take, part, actor))

    def _take(self, part: list[Draft], actor: Actor, job: Job) -> None:
        given: dict[str, Any] = {"reason": job.options["reason"], "source": job.name, "logged": False}
        try:
            counts = actions.bring_in(SEGMENT, part, actor, **given).as_dict()
        except Invalid as error:  # somebody took away a road meanwhile
            raise jobs.Unfit(str(error)) from None
        job.result = {key: n + job.result.get(key, 0) for key, n in counts.items()}

    def ended(self, job: Job) -> None:
        data = {"sha256": job.sha256, "state": job.state, "segments": job.total, **job.result}
        log.write("sanitation.segment.import", SUBJECT, actor=job.created_by, reason=job.options["reason"], data=data)
