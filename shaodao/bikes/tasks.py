"""What the clock does for bikes: terms end by themselves. Called by the rounds of cases/tasks.py."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shaodao.bikes.actions import perform
from shaodao.bikes.models import Operator
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
