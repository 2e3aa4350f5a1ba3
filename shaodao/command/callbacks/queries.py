"""Reads of the reporters' answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from shaodao.cases.models import Callback
from shaodao.command import links
from shaodao.command.access import Scope
from shaodao.command.lists.queries import between
from shaodao.command.rules import Share
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place

ASKED = ("responded", "resolved", "satisfied")


def answers(
    scope: Scope,
    street: Place | None,
    unit: Organisation | None,
    said: dict[str, bool | None],
    since: date | None,
    until: date | None,
) -> QuerySet[Callback]:
    """Answers, the latest first; `said` narrows by what was answered to each question."""
    rows = Callback.objects.filter(scope.q(), between("answered_at", since, until), answered_at__isnull=False)
    if street:
        rows = rows.filter(case__street=street)
    if unit:
        rows = rows.filter(case__lead=unit)
    rows = rows.filter(**{name: value for name, value in said.items() if value is not None})
    return rows.select_related("case__category", "case__street", "case__lead").order_by("-answered_at", "-pk")


@dataclass(frozen=True)
class Answered:
    """What the reporters said of one lead's cases (or of all): how many answered of how many asked, and what."""

    name: str
    asked: int
    answered: Share
    responded: Share
    resolved: Share
    satisfied: Share
    url: str


def rates(scope: Scope, now: datetime) -> tuple[Answered, list[Answered]]:
    """All cases, and each lead unit with an answer, the least resolved first; asked in the period. Two queries.

    Silence is in no rate but `answered`: who does not answer has said nothing.
    """
    first = links.since(now)
    rows = (
        Callback.objects.filter(scope.q(), created_at__gte=links.day_start(first))
        .values("case__lead_id")
        .annotate(
            asked=Count("pk"),
            n=Count("pk", filter=Q(answered_at__isnull=False)),
            **{name: Count("pk", filter=Q(**{name: True})) for name in ASKED},
        )
        .order_by()
    )
    counts = {row["case__lead_id"]: row for row in rows}
    units = Organisation.objects.filter(pk__in=[pk for pk in counts if pk])
    found = [
        _answered(named(unit), [counts[unit.pk]], links.to("command_callbacks", unit=unit.code, since=first))
        for unit in units
        if counts[unit.pk]["n"]
    ]
    total = _answered("", counts.values(), links.to("command_callbacks", since=first))
    return total, sorted(found, key=lambda r: (r.resolved.value or 0, r.name))


def _answered(name: str, rows: Iterable[Any], url: str) -> Answered:
    total = {key: sum(row[key] for row in rows) for key in ("asked", "n", *ASKED)}
    shares = {key: Share(total[key], total["n"]) for key in ASKED}
    return Answered(name, total["asked"], Share(total["n"], total["asked"]), **shares, url=url)
