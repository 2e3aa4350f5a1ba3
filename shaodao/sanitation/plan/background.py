"""Making a plan takes longer than a web request: it is work for the clock (foundation/jobs.py), with progress."""

import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from shaodao.book.actions import reasoned
from shaodao.cases.actions import Actor
from shaodao.foundation import jobs
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Job
from shaodao.sanitation import queries
from shaodao.sanitation.models import DayPlan
from shaodao.sanitation.plan import actions

KIND, SUBJECT = "sanitation.plan", "plans"
TELL_S = 1.0
LONGEST_S = 300.0  # on the page: other work of the clock waits meanwhile
STEPS = 100


class _Stopped(Exception):
    """Somebody cancelled."""


def all_jobs() -> QuerySet[Job]:
    return jobs.of(KIND, SUBJECT)


def hand_in(day: date, wanted: dict[str, Any], actor: Actor) -> Job:
    """Have a plan made. wanted: seconds, seed, reason; and of a new plan in the middle of the day `parent`, at_s, broken,
    closed. Raises Refused (right, too many wait), Invalid."""
    reasoned(queries.may_edit(actor), wanted.get("reason", ""))
    seconds = wanted["seconds"]
    if not 0 < seconds <= LONGEST_S:
        raise Invalid({"seconds": _("要在 0 到 %(n)d 秒之间") % {"n": LONGEST_S}})
    if wanted.get("parent"):
        actions.checked(wanted["parent"], wanted["at_s"], wanted["broken"], wanted["closed"])
    with tempfile.TemporaryDirectory() as folder:  # what is asked for is the file: the same twice is one job
        path = Path(folder) / "plan.json"
        path.write_bytes(orjson.dumps({"day": day, **wanted}, option=orjson.OPT_SORT_KEYS))
        return jobs.add(KIND, SUBJECT, path, f"{day}.json", {"day": day.isoformat(), **wanted}, STEPS, actor.person)


class Plans:
    """`job.result`: `gone` and `share` while it is searched, `plan` at the end. The search runs outside of any transaction;
    who is killed in the short time between storing the plan and ending the job leaves a second draft, and nothing worse."""

    def parts(self, job: Job) -> Iterator[jobs.Part]:
        if job.created_by is None:
            raise jobs.Unfit(_("您的岗位没有此项权限"))
        try:
            plan = self._make(job, Actor.of(job.created_by))
        except _Stopped:
            return
        except (Invalid, Refused, DayPlan.DoesNotExist) as error:
            raise jobs.Unfit(str(error)) from None
        yield jobs.Part(job.total - job.done, lambda done: done.result.update(plan=plan.pk, gone=1.0))

    def _make(self, job: Job, actor: Actor) -> DayPlan:
        told = time.monotonic()

        def tell(gone: float, share: float) -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_S:
                told = time.monotonic()
                open_ = Job.objects.filter(pk=job.pk, state__in=jobs.OPEN)
                if not open_.update(result={"gone": round(gone, 3), "share": round(share, 4)}):
                    raise _Stopped

        o = job.options
        budget: dict[str, Any] = {"seconds": o["seconds"], "seed": o["seed"], "reason": o["reason"], "tell": tell}
        if o.get("parent"):
            return actions.replan(o["parent"], actor, o["at_s"], broken=o["broken"], closed=o["closed"], **budget)
        return actions.make(date.fromisoformat(o["day"]), actor, **budget)

    def ended(self, job: Job) -> None:
        """The plan's own line stands in the log."""
