"""The triage learns from what was filed: daily, and sooner when much came in. The catalogue's part holds the model."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from shaodao.cases.models import Report
from shaodao.cases.words import Channel
from shaodao.catalogue import suggest
from shaodao.foundation import clock

AT_MOST_EVERY = timedelta(hours=1)
NEW_CASES = 300  # filed cases after which it learns again before the day is over
MOST = 20_000  # texts it learns from, the newest


def retrain_when_due() -> int:
    """Train when there is no model, when filed cases came in and a day is over, or when many came in. 1: trained."""
    state, now = suggest.state(), clock.now()
    if state is not None:
        if now - state.trained_at < AT_MOST_EVERY:
            return 0
        new = filed().count() - state.cases
        a_day_over = clock.local(state.trained_at).date() < clock.local(now).date()
        if not (new >= NEW_CASES or (new and a_day_over)):
            return 0
    return retrain(now)


def retrain(now: datetime) -> int:
    """Train from the catalogue and from the filed cases; 0 when the catalogue is empty."""
    rows = list(filed().order_by("-id").values_list("text", "case__category_id")[:MOST])
    return int(suggest.train([t for t, _c in rows], [c for _t, c in rows], now=now, cases=filed().count()))


def filed() -> QuerySet[Any]:
    """Reports that people wrote and whose case was accepted under a category of the active catalogue."""
    return (
        Report.objects.filter(
            case__filed_at__isnull=False, case__category__active=True, case__category__scheme__active=True
        )
        .exclude(text="")
        .exclude(channel=Channel.SENSOR)
    )
