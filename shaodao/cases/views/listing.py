"""A list of cases: filtered, sorted, paged, the light of each row derived. Used by inboxes, export, print and bulk."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from shaodao.cases import inboxes, limits, queries, rules
from shaodao.cases.forms import SIZES, FilterForm
from shaodao.cases.inboxes import Inbox
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.cases.words import OPEN_STATES, CaseState, Light
from shaodao.foundation import clock

SORTS = {
    "number": "pk",
    "summary": "summary",
    "category": "category__name",
    "street": "street__code",
    "lead": "lead__name",
    "state": "state",
    "limit": "limit_at",
    "reports": "report_count",
    "created": "created_at",
    "channel": "channel",
}
RELATED = ("category", "street", "community", "lead")


@dataclass
class Listing:
    """One filtered, sorted list with what the page says about it."""

    box: Inbox | None
    form: FilterForm
    rows: QuerySet[Case]
    now: datetime
    sort: str = ""
    filtered: dict[str, Any] = field(default_factory=dict)

    def page(self, request: HttpRequest) -> Page:
        """The page that is asked for; a number beyond the end gives the last one."""
        size = _size(request.GET.get("per"))
        page = Paginator(self.rows, size).get_page(request.GET.get("page"))
        page.object_list = light_up(page.object_list, self.now)
        return page


def listing(request: HttpRequest, box: Inbox | None, rows: QuerySet[Case] | None = None) -> Listing:
    """The list of an inbox under this request's filter and order."""
    actor, now = actor_of(request).facts, clock.now()
    form = FilterForm(request.GET or {})
    values = form.values()
    base = rows if rows is not None else (box.cases(actor, now) if box else Case.objects.none())
    base = inboxes.with_limits(base, box, actor)
    found = narrow(base, values, now)
    sort = request.GET.get("sort", "")
    ordered = found.order_by(*order(sort)).select_related(*RELATED)
    return Listing(box, form, ordered, now, sort, values)


def order(sort: str) -> list[Any]:
    """The wanted column, then a stable rest; by default urgent first, then what ends first; what is closed last."""
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return [limits.RANK, F("limit_at").asc(nulls_last=True), "pk"]
    column = F(key).desc(nulls_last=True) if sort.startswith("-") else F(key).asc(nulls_last=True)
    return [column, "pk"]


def narrow(rows: QuerySet[Any], values: dict[str, Any], now: datetime) -> QuerySet[Any]:
    """Apply a filter's readable values."""
    for name in ("category", "street", "lead"):
        if name in values:
            rows = rows.filter(**{f"{name}_id": values[name]})
    if "state" in values:
        rows = rows.filter(state__in=OPEN_STATES) if values["state"] == "open" else rows.filter(state=values["state"])
    if "channel" in values:
        rows = rows.filter(channel=values["channel"])
    if values.get("whistle") == "waiting":
        rows = rows.filter(queries.awaits_report_in(), state__in=OPEN_STATES)
    if values.get("due") == "4h":
        rows = rows.filter(state__in=OPEN_STATES, limit_at__range=(now, now + timedelta(hours=4)))
    if values.get("urgent"):
        rows = rows.filter(urgent=True)
    if values.get("rebound"):
        rows = rows.filter(rebound_count__gt=0)
    if "since" in values:
        rows = rows.filter(created_at__gte=_midnight(values["since"]))
    if "until" in values:
        rows = rows.filter(created_at__lt=_midnight(values["until"] + timedelta(days=1)))
    if "light" in values:
        rows = rows.filter(_light(values["light"], now))
    return rows.filter(_search(values["q"])) if values.get("q") else rows


def _midnight(day: Any) -> datetime:
    return clock.from_local(datetime.combine(day, time.min))


def _light(light: str, now: datetime) -> Q:
    return {
        Light.RED: Q(limit_at__lt=now),
        Light.YELLOW: Q(limit_at__gte=now, limit_yellow_at__lte=now),
        Light.GREEN: Q(limit_at__gte=now, limit_yellow_at__gt=now),
        Light.PAUSED: Q(limit_at=None, state__in=OPEN_STATES),
    }[Light(light)]


def _search(text: str) -> Q:
    """A number (2026-000123, or its figure alone), or words of the summary or the address."""
    words = [w for w in text.split() if w][:6]
    found = Q()
    for word in words:
        found &= Q(summary__icontains=word) | Q(address__icontains=word)
    figure = text.strip().rpartition("-")[2]
    if figure.isascii() and figure.isdigit() and len(figure) <= 15:
        found |= Q(pk=int(figure))
    return found


def light_up(rows: Any, now: datetime) -> list[Case]:
    """Give each row its derived `light` and the deadline that counts (`limit`)."""
    rows = list(rows)
    for case in rows:
        case.light = light_of(case, now)
        case.limit = getattr(case, "limit_at", case.due_at)
    return rows


def say_tasks(rows: Any, tasks: dict[int, list[inboxes.Task]], now: datetime) -> None:
    """Give each row what somebody has to do with it: `todo`, a list of {"label", "due_at", "light"}.

    A due time that the row shows already as its limit is not said again.
    """
    for case in rows:
        case.todo = [
            {
                "label": t.box.does,
                "due_at": None if t.due_at == case.limit else t.due_at,
                "light": rules.light(t.due_at, t.yellow_at, now),
            }
            for t in tasks.get(case.pk, [])
        ]


def light_of(case: Case, now: datetime) -> Light:
    """A list's light: paused where an open case has no running clock."""
    due, yellow = getattr(case, "limit_at", case.due_at), getattr(case, "limit_yellow_at", case.yellow_at)
    paused = due is None and case.state in OPEN_STATES and case.state != CaseState.RECEIVED
    return rules.light(due, yellow, now, paused=paused)


def _size(raw: str | None) -> int:
    return int(raw) if raw in {str(s) for s in SIZES} else SIZES[1]
