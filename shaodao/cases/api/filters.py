"""The filters of the case list, as one query string schema and one function from it to a queryset."""

from datetime import UTC, datetime
from typing import Any, Literal

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import ConfigDict, Field

from shaodao.cases import inputs, queries
from shaodao.cases.api.schemas import ChannelName, LightName, State
from shaodao.cases.models import Case
from shaodao.cases.words import OPEN_STATES
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid

SORTS = {
    "number": F("id").asc(),
    "-number": F("id").desc(),
    "due_at": F("due_at").asc(nulls_last=True),
    "-due_at": F("due_at").desc(nulls_last=True),
    "created_at": F("created_at").asc(),
    "-created_at": F("created_at").desc(),
    "closed_at": F("closed_at").asc(nulls_last=True),
    "-closed_at": F("closed_at").desc(nulls_last=True),
}
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class CaseFilter(Schema):
    model_config = ConfigDict(extra="ignore")

    state: list[State] = Field(default_factory=list, description="One or several; without any: all.")
    light: LightName | None = None
    category: str | None = Field(None, max_length=40, description="Key or id.")
    street: str | None = Field(None, max_length=20, description="Code of the street.")
    community: str | None = Field(None, max_length=20, description="Code of the community.")
    lead: str | None = Field(None, max_length=20, description="Code of the leading organisation.")
    channel: ChannelName | None = None
    urgent: bool | None = None
    since: datetime | None = Field(None, description="Received at or after.")
    until: datetime | None = Field(None, description="Received before.")
    q: str | None = Field(None, max_length=100, description="A number, or words of the summary or the address.")
    sort: Literal[*SORTS] = "-number"  # type: ignore[valid-type]


def apply(rows: QuerySet[Case], wanted: CaseFilter, now: datetime) -> QuerySet[Case]:
    """The cases that fit. Raises Invalid for a category that does not exist and a time out of range."""
    exact: dict[str, Any] = {
        "state__in": wanted.state or None,
        "street__code": wanted.street,
        "community__code": wanted.community,
        "lead__code": wanted.lead,
        "channel": wanted.channel,
        "urgent": wanted.urgent,
        "created_at__gte": _time("since", wanted.since),
        "created_at__lt": _time("until", wanted.until),
        "category": _category(wanted.category),
    }
    rows = rows.filter(**{k: v for k, v in exact.items() if v is not None})
    if wanted.light:
        rows = rows.filter(by_light(wanted.light, now))
    if wanted.q:
        rows = rows.filter(_words(wanted.q))
    return rows.order_by(SORTS[wanted.sort], "-id")


def by_light(light: str, now: datetime) -> Q:
    """The light as a condition of the database, the same as `rules.light` derives."""
    return {
        "red": Q(due_at__lt=now),
        "yellow": Q(due_at__gte=now, yellow_at__lte=now),
        "green": Q(due_at__gte=now, yellow_at__gt=now),
        "paused": Q(due_at=None, state__in=OPEN_STATES),
        "done": Q(due_at=None) & ~Q(state__in=OPEN_STATES),
    }[light]


def _time(name: str, at: datetime | None) -> datetime | None:
    if at is None:
        return None
    aware = clock.from_local(at) if at.tzinfo is None else at
    if not EARLIEST <= aware <= LATEST:
        raise Invalid({name: _("应在 1900 年与 2200 年之间")})
    return aware


def _category(key: str | None) -> Any:
    try:
        return inputs.find_category(key)
    except inputs.Fault as fault:
        raise Invalid({"category": str(fault)}) from None


def _words(text: str) -> Q:
    found = queries.by_number(text)
    return Q(pk=found.pk) if found else Q(summary__icontains=text) | Q(address__icontains=text)
