"""Reading a circular: which organisation has opened it, once, with a line in the general log."""

from datetime import datetime

from django.db import transaction

from shaodao.cases.actions.step import Actor
from shaodao.cases.models import Circular, CircularReading, Notice
from shaodao.foundation import log


@transaction.atomic
def read_circular(circular: Circular, actor: Actor, now: datetime) -> int:
    """Note that the actor's organisations, as far as it went to them, have read it: how many for the first time.

    Their inbox item about it counts as seen.
    """
    mine = {p.organisation_id for p in actor.facts.posts}
    sent = set(circular.organisations.filter(pk__in=mine).values_list("pk", flat=True))
    fresh = sent - set(circular.readings.filter(organisation_id__in=sent).values_list("organisation_id", flat=True))
    if not fresh:
        return 0
    CircularReading.objects.bulk_create(
        [CircularReading(circular=circular, organisation_id=pk, person=actor.person, read_at=now) for pk in fresh],
        ignore_conflicts=True,  # a colleague opened it in the same moment
    )
    Notice.objects.filter(kind="circular", data__circular=circular.pk, organisation_id__in=fresh, seen_at=None).update(
        seen_at=now, seen_by=actor.person
    )
    log.write(
        "circular.read", f"circular:{circular.pk}", now=now, actor=actor.person, data={"organisations": sorted(fresh)}
    )
    return len(fresh)
