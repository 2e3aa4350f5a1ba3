"""Reads of appeals."""

from datetime import date

from django.db.models import Count, QuerySet

from shaodao.cases.models import Appeal
from shaodao.command.access import Scope
from shaodao.command.lists.queries import between
from shaodao.organisations.models import Organisation


def appeals(
    scope: Scope, state: str, unit: Organisation | None, since: date | None, until: date | None
) -> QuerySet[Appeal]:
    """Appeals by when they were made, the latest first, with case, unit and who reviewed them."""
    rows = Appeal.objects.filter(scope.q(), between("asked_at", since, until))
    if state:
        rows = rows.filter(state=state)
    if unit:
        rows = rows.filter(assignment__organisation=unit)
    people = ("asked_by", "first_by", "second_by", "third_by")
    return rows.select_related("case__category", "case__street", "assignment__organisation", *people).order_by("-pk")


def counts(scope: Scope) -> dict[str, int]:
    """How many appeals there are in each state: one query."""
    rows = Appeal.objects.filter(scope.q()).values_list("state").annotate(n=Count("pk")).order_by()
    return dict.fromkeys(Appeal.State.values, 0) | dict(rows)
