"""What the clock does to cases beside the ladder: watches end, provisional limits are computed again, look-again
notices go out, reporters' contacts are erased when their time is over. `tasks.py` decides when.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from shaodao.cases.actions import clocks
from shaodao.cases.actions.step import Step, action, street_organisation_id
from shaodao.cases.models import Contact, Notice, Recheck
from shaodao.foundation import log


@action("end_watch")
def end_watch(s: Step) -> None:
    """The watch is over and the problem stayed away; `watch_until` stays, so that the page can say until when."""
    s.data = {"watch_until": s.case.watch_until and s.case.watch_until.isoformat()}


@action("recompute")
def recompute(s: Step) -> None:
    """Provisional limits again from their own inputs, after the calendar learned a new holiday notice."""
    rows = [c for c in s.clocks.rows if c.provisional and c.stopped_at is None]
    s.touch(*rows)
    for clock in rows:
        clocks.recompute(clock)
    s.data = {"clocks": [c.pk for c in rows]}


@transaction.atomic
def remind_recheck(recheck_id: int, now: datetime) -> bool:
    """Put a due look-again on the street's list, once; several due at once make one item. False: it was there."""
    recheck = Recheck.objects.select_for_update().select_related("case").get(pk=recheck_id)
    street = street_organisation_id(recheck.case.street_id)
    if recheck.done_at or street is None or reminded(recheck):
        return False
    Notice.objects.create(organisation_id=street, case=recheck.case, kind="recheck", created_at=now)
    return True


def reminded(recheck: Recheck) -> bool:
    return Notice.objects.filter(case_id=recheck.case_id, kind="recheck", created_at__gte=recheck.due_at).exists()


@transaction.atomic
def erase_contacts(ids: Sequence[int], now: datetime, before: datetime) -> int:
    """Erase reporters' contacts whose time is over; one log line says how many, and never whose."""
    erased = Contact.objects.filter(pk__in=ids).delete()[1].get("cases.Contact", 0)
    if erased:
        log.write("contacts.erased", now=now, data={"count": erased, "closed_before": before.isoformat()})
    return erased
