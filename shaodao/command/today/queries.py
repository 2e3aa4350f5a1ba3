"""The numbers of the day. A constant number of queries whatever the rows; each sees only what its reader may see."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from shaodao.cases import queries as case_queries
from shaodao.cases import rules as case_rules
from shaodao.cases.models import Appeal, Assignment, Case, Clock, Dispute, Evaluation, Recheck, TimeRequest, Whistle
from shaodao.cases.words import (
    OPEN_ASSIGNMENT_STATES,
    OPEN_STATES,
    AssignmentState,
    CaseState,
    ClockKind,
    Light,
    WhistleState,
)
from shaodao.catalogue.models import Category
from shaodao.command import links
from shaodao.command.access import Scope
from shaodao.command.rules import Share
from shaodao.foundation import clock, district
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place

OPEN = Q(state__in=OPEN_STATES)
OPEN_DISPUTE = Q(ruled_at=None, case__state=CaseState.HANDLING)
PENDING_REQUEST = Q(state=TimeRequest.State.PENDING, case__state=CaseState.HANDLING)
ARRIVING_HOURS = 4
MOST_POINTS = 5_000  # of the map: the newest; the page says when there are more
SHOWN_WHISTLES = 7
TOP_CATEGORIES = 10


@dataclass(frozen=True)
class Number:
    """A number, what it counts, and where the cases behind it are listed."""

    key: str
    label: str
    value: int
    url: str
    tone: str = ""  # red, yellow, green: the colour of the number, never its only sign
    icon: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table: a street or a category, with its numbers."""

    name: str
    numbers: dict[str, Number]
    share: Share = field(default_factory=lambda: Share(0, 0))


def lights(now: datetime) -> dict[str, Q]:
    """The four lights of an open case as the database can count them; the same as `cases.rules.light`."""
    return {
        Light.GREEN: OPEN & Q(due_at__gte=now, yellow_at__gt=now),
        Light.YELLOW: OPEN & Q(due_at__gte=now, yellow_at__lte=now),
        Light.RED: OPEN & Q(due_at__lt=now),
        Light.PAUSED: OPEN & Q(due_at__isnull=True),
    }


def late() -> Exists:
    """Some part of the case was handed back after its handling limit."""
    return Exists(late_clocks().filter(case=OuterRef("pk")))


def late_clocks() -> QuerySet[Clock]:
    return Clock.objects.filter(kind=ClockKind.HANDLE, cancelled=False, stopped_at__gt=F("due_at")).order_by()


def exempt() -> Exists:
    """Parts of the case were late, and an upheld appeal excuses each of them: it is neither in time nor late."""
    return Exists(late_clocks().filter(case=OuterRef("pk"), exempt=True))


def counts_late() -> Exists:
    """Some part of the case was handed back late, and no appeal excuses it."""
    return Exists(late_clocks().filter(case=OuterRef("pk"), exempt=False))


def low_rating() -> Q:
    """An evaluation with a rating below the district's threshold."""
    below = district.current().settings.evaluation_reason_below
    return Q(efficiency__lt=below) | Q(effect__lt=below)


def due_recheck(now: datetime) -> Q:
    """A look back that is due while the watch still runs."""
    return Q(done_at=None, due_at__lte=now, case__state=CaseState.CLOSED, case__watch_until__gte=now)


def numbers(scope: Scope, now: datetime) -> list[list[Number]]:
    """Three groups of tiles: open by light; what today brought; what waits for somebody."""
    start, day = links.day_start(links.today(now)), links.today(now).isoformat()
    of = lights(now)
    n = scope.cases().aggregate(
        open=Count("pk", filter=OPEN),
        **{str(light): Count("pk", filter=q) for light, q in of.items()},
        received=Count("pk", filter=Q(created_at__gte=start)),
        filed=Count("pk", filter=Q(filed_at__gte=start)),
        closed=Count("pk", filter=Q(closed_at__gte=start)),
        arriving=Count("pk", filter=OPEN & Q(due_at__range=(now, now + timedelta(hours=ARRIVING_HOURS)))),
        rebounds=Count("pk", filter=OPEN & Q(rebound_count__gt=0)),
        urgent=Count("pk", filter=OPEN & Q(urgent=True)),
        whistled=Count("pk", filter=OPEN & Q(case_queries.awaits_report_in())),
    )
    parts = _parts(scope, now)
    threshold = district.current().settings.evaluation_reason_below
    return [
        [
            Number("open", _("在办案件"), n["open"], links.cases(state="open"), icon="clipboard-list"),
            Number("red", _("已超期"), n["red"], links.cases(light="red"), "red", "alert-octagon"),
            Number("yellow", _("将到期"), n["yellow"], links.cases(light="yellow"), "yellow", "alert-triangle"),
            Number("green", _("正常"), n["green"], links.cases(light="green"), "green", "circle-check"),
            Number("paused", _("计时暂停"), n["paused"], links.cases(light="paused"), "", "player-pause"),
        ],
        [
            Number("received", _("今日接报"), n["received"], links.cases(since=day), icon="inbox"),
            Number("filed", _("今日立案"), n["filed"], links.settled(filed_since=day), icon="clipboard-check"),
            Number("closed", _("今日结案"), n["closed"], links.settled(closed_since=day), icon="checks"),
            Number("arriving", _("4 小时内到期"), n["arriving"], links.cases(due="4h"), "yellow", "hourglass"),
            Number("urgent", _("紧急案件"), n["urgent"], links.cases(state="open", urgent="1"), "red", "flag-exclamation"),
        ],
        [
            Number("whistles", _("吹哨待报到"), n["whistled"], links.cases(whistle="waiting"), "yellow", "speakerphone"),
            Number("rebounds", _("反弹重办"), n["rebounds"], links.cases(state="open", rebound="1"), "red", "rotate-2"),
            Number("disputes", _("争议待裁定"), parts["disputes"], links.to("command_disputes", state="open"), "", "gavel"),
            Number("requests", _("延期挂账待批"), parts["requests"], links.to("command_requests", state="pending"), "", "calendar-time"),
            Number(
                "evaluations", _("低分待批注"), parts["evaluations"],
                links.to("command_evaluations", below="1", commented="0"), "", "star",
                _("低于 %(n)d 分且总指挥部还没有意见") % {"n": threshold},
            ),
            Number("appeals", _("申诉待复核"), parts["appeals"], links.to("command_appeals", state="pending"), "", "scale"),
            Number("rechecks", _("回头看到期"), parts["rechecks"], links.to("command_watch", show="due"), "", "eye-check"),
        ],
    ]  # fmt: skip


def _parts(scope: Scope, now: datetime) -> dict[str, int]:
    """What waits for a person at the headquarters or in a street, by kind."""
    return {
        "disputes": Dispute.objects.filter(scope.q(), OPEN_DISPUTE).count(),
        "requests": TimeRequest.objects.filter(scope.q(), PENDING_REQUEST).count(),
        "evaluations": Evaluation.objects.filter(scope.q(), low_rating(), comment="").count(),
        "appeals": Appeal.objects.filter(scope.q(), state=Appeal.State.PENDING).count(),
        "rechecks": Recheck.objects.filter(scope.q(), due_recheck(now)).count(),
    }


def waiting_whistles(scope: Scope) -> list[Clock]:
    """The running report-in clocks of whistles, the nearest limit first, with case, unit and street."""
    return list(
        Clock.objects.filter(
            scope.q(),
            kind=ClockKind.ARRIVE,
            stopped_at=None,
            cancelled=False,
            assignment__in=case_queries.called_in().values("pk"),
        )
        .select_related("case__category", "case__street", "assignment__organisation")
        .order_by("due_at", "pk")[: SHOWN_WHISTLES + 1]
    )


@dataclass(frozen=True)
class Day:
    date: date
    received: Number
    closed: Number


def trend(scope: Scope, now: datetime) -> list[Day]:
    """Received and closed on each of the last days, today last; days without any are there with 0."""
    first, last = links.since(now), links.today(now)
    start = links.day_start(first)
    received = _by_day(scope.cases().filter(created_at__gte=start), "created_at")
    closed = _by_day(scope.cases().filter(closed_at__gte=start), "closed_at")
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    return [
        Day(
            day,
            Number("received", _("接报"), received.get(day, 0), links.cases(since=day, until=day)),
            Number("closed", _("结案"), closed.get(day, 0), links.settled(closed_since=day, closed_until=day)),
        )
        for day in days
    ]


def _by_day(cases: QuerySet[Case], at: str) -> dict[date, int]:
    rows = cases.values(day=TruncDate(at, tzinfo=clock.LOCAL)).annotate(n=Count("pk")).order_by()
    return {row["day"]: row["n"] for row in rows}


def by_street(scope: Scope, now: datetime) -> list[Row]:
    """Open, overdue, and closed in time of each street; a last line for cases without a place, if there are any."""
    first = links.since(now)
    start, of = links.day_start(first), lights(now)
    ended = Q(closed_at__gte=start, state=CaseState.CLOSED)
    rows = (
        scope.cases()
        .filter(OPEN | ended)
        .annotate(was_late=late(), was_exempt=exempt(), counts=counts_late())
        .values("street_id")
        .annotate(
            open=Count("pk", filter=OPEN),
            red=Count("pk", filter=of[Light.RED]),
            closed=Count("pk", filter=ended),
            late=Count("pk", filter=ended & Q(was_late=True)),
            exempt=Count("pk", filter=ended & Q(was_exempt=True, counts=False)),
        )
        .order_by()
    )
    counts = {row["street_id"]: dict(row) for row in rows}
    streets = {p.pk: p for p in Place.objects.filter(level=Place.Level.STREET)}
    found = [_street_row(streets[pk], counts[pk], first) for pk in streets if pk in counts]
    return sorted(found, key=lambda r: (-r.numbers["red"].value, -r.numbers["open"].value, r.name))


def _street_row(street: Place, row: dict[str, Any], first: date) -> Row:
    code = street.code
    return Row(
        named(street),
        {
            "open": Number("open", _("在办"), row["open"], links.cases(street=street.pk, state="open")),
            "red": Number("red", _("超期"), row["red"], links.cases(street=street.pk, light="red"), "red"),
            "closed": Number("closed", _("结案"), row["closed"], links.settled(street=code, closed_since=first)),
            "late": Number("late", _("逾期"), row["late"], links.settled(street=code, closed_since=first, late="1")),
        },
        Share(row["closed"] - row["late"], row["closed"] - row["exempt"], row["exempt"]),
    )


def by_department(scope: Scope, now: datetime) -> list[Row]:
    """The open parts of each organisation, those past their limit, and those handed back in time.

    The share leaves out what an upheld appeal excuses; the number of the late does not, for that they were.
    """
    first = links.since(now)
    start = links.day_start(first)
    past = Exists(
        Clock.objects.filter(
            assignment=OuterRef("pk"), kind=ClockKind.HANDLE, stopped_at=None, cancelled=False, due_at__lt=now
        ).order_by()
    )
    busy = Q(state__in=OPEN_ASSIGNMENT_STATES)
    done = Q(state=AssignmentState.DONE, finished_at__gte=start)
    rows = (
        Assignment.objects.filter(scope.q(), busy | done)
        .annotate(
            past=past & ~Q(state=AssignmentState.SUSPENDED),
            was_late=Exists(late_clocks().filter(assignment=OuterRef("pk"))),
            was_exempt=Exists(late_clocks().filter(assignment=OuterRef("pk"), exempt=True)),
        )
        .values("organisation_id")
        .annotate(
            open=Count("pk", filter=busy),
            red=Count("pk", filter=busy & Q(past=True)),
            done=Count("pk", filter=done),
            late=Count("pk", filter=done & Q(was_late=True)),
            exempt=Count("pk", filter=done & Q(was_exempt=True)),
        )
        .order_by()
    )
    counts = {row["organisation_id"]: dict(row) for row in rows}
    units = Organisation.objects.filter(pk__in=counts)
    found = [_unit_row(unit, counts[unit.pk], first) for unit in units]
    return sorted(found, key=lambda r: (-r.numbers["red"].value, -r.numbers["open"].value, r.name))


def _unit_row(unit: Organisation, row: dict[str, Any], first: date) -> Row:
    code = unit.code
    return Row(
        named(unit),
        {
            "open": Number("open", _("在办"), row["open"], links.tasks(unit=code, show="open")),
            "red": Number("red", _("超期"), row["red"], links.tasks(unit=code, show="overdue"), "red"),
            "done": Number("done", _("交回"), row["done"], links.tasks(unit=code, show="done", since=first)),
            "late": Number("late", _("逾期"), row["late"], links.tasks(unit=code, show="late", since=first)),
        },
        Share(row["done"] - row["late"], row["done"] - row["exempt"], row["exempt"]),
    )


def top_categories(scope: Scope, now: datetime) -> list[Number]:
    """The categories of most cases received in the period."""
    first = links.since(now)
    rows = (
        scope.cases()
        .filter(created_at__gte=links.day_start(first), category__active=True, category__scheme__active=True)
        .values("category_id")
        .annotate(n=Count("pk"))
        .order_by("-n", "category_id")[:TOP_CATEGORIES]
    )
    counts = {row["category_id"]: row["n"] for row in rows}
    names = Category.objects.in_bulk(counts)
    return [
        Number(names[pk].key, named(names[pk]), n, links.cases(category=pk, since=first)) for pk, n in counts.items()
    ]


def whistled() -> Exists:
    """A whistle went out for the case."""
    return Exists(Whistle.objects.filter(case=OuterRef("pk"), state=WhistleState.SENT).order_by())


def whistle_share(scope: Scope, now: datetime) -> Share:
    """Of the cases filed in the period, those for which a street whistled."""
    found = (
        scope.cases()
        .filter(filed_at__gte=links.day_start(links.since(now)))
        .aggregate(n=Count("pk"), part=Count("pk", filter=whistled()))
    )
    return Share(found["part"], found["n"])


def points(scope: Scope, now: datetime) -> dict[str, Any]:
    """Open cases with a position as GeoJSON (WGS-84), the newest first, for the map."""
    rows = (
        scope.cases()
        .filter(OPEN, lon__isnull=False, lat__isnull=False)
        .select_related("category")
        .only(
            "lon", "lat", "state", "due_at", "yellow_at", "created_at", "address", "category__name", "category__name_en"
        )
        .order_by("-pk")[:MOST_POINTS]
    )
    return {"type": "FeatureCollection", "features": [_point(case, now) for case in rows]}


def _point(case: Case, now: datetime) -> dict[str, Any]:
    light = case_rules.light(case.due_at, case.yellow_at, now, paused=case.due_at is None)
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [case.lon, case.lat]},
        "properties": {
            "layer": "case",
            "number": case.number,
            "label": named(case.category) or _("待归类"),
            "light": str(light),
            "state": str(CaseState(case.state).label),
            "text": case.address,
            "url": links.case(case.number),
        },
    }


def unplaced(scope: Scope) -> int:
    """Open cases that the map cannot show."""
    return scope.cases().filter(OPEN, Q(lon__isnull=True) | Q(lat__isnull=True)).count()
