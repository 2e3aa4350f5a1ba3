"""What the public may read of cases. Nothing here looks at a report's text, a contact, or a photo not published."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet

from shaodao.cases import queries as spine
from shaodao.cases.models import Assignment, Case, Clock, Note, Photo, Report
from shaodao.cases.words import OPEN_STATES, AssignmentState, CaseState, ClockKind
from shaodao.catalogue.models import Category
from shaodao.foundation import clock
from shaodao.foundation.naming import named
from shaodao.places.models import Place
from shaodao.portal import timeline

SHOWN = Prefetch("photos", Photo.objects.filter(published=True).select_related("upload"), to_attr="shown")
CLOSED = (CaseState.CLOSED,)
STATES = {
    "open": Q(state__in=OPEN_STATES),
    "closed": Q(state=CaseState.CLOSED),
    "declined": Q(state=CaseState.DECLINED),
}
FEATURES = 2_000


# Figures and lists


@dataclass(frozen=True)
class Figures:
    open: int
    closed: int  # in the last 30 days
    finished: int  # handling parts that ended in the last 30 days, in time or not
    in_time: int
    exempt: int  # left out of both by upheld appeals

    @property
    def share(self) -> int | None:
        """Per cent in time, None when nothing was finished."""
        return round(100 * self.in_time / self.finished) if self.finished else None


def figures(now: datetime) -> Figures:
    """Three queries over indexes: open cases, cases closed in 30 days, handling limits kept in 30 days."""
    since = now - timedelta(days=30)
    ended = Clock.objects.filter(kind=ClockKind.HANDLE, cancelled=False, stopped_at__gte=since)
    counts = ended.aggregate(
        n=Count("id", filter=Q(exempt=False)),
        kept=Count("id", filter=Q(stopped_at__lte=F("due_at"), exempt=False)),
        exempt=Count("id", filter=Q(exempt=True)),
    )
    return Figures(
        open=Case.objects.filter(state__in=OPEN_STATES).count(),
        closed=Case.objects.filter(state=CaseState.CLOSED, closed_at__gte=since).count(),
        finished=counts["n"],
        in_time=counts["kept"],
        exempt=counts["exempt"],
    )


def recently_closed(most: int = 6) -> list[Case]:
    """The last published cases that closed, with their published photos (two queries)."""
    rows = Case.objects.filter(published=True, state=CaseState.CLOSED).order_by("-closed_at")
    return list(_for_list(rows)[:most])


def _for_list(cases: QuerySet[Case]) -> QuerySet[Case]:
    return cases.select_related("category", "street", "community").prefetch_related(SHOWN)


@dataclass
class Filters:
    """What somebody looks for; empty parts ask for nothing."""

    q: str = ""
    category: int | None = None
    street: int | None = None
    state: str = ""
    everything: bool = (
        False  # also what nobody has looked at yet, of which only number, category, street, state are shown
    )
    since: date | None = None
    until: date | None = None


def listed(filters: Filters) -> QuerySet[Case]:
    """Cases that the public may know of, newest first: the published ones, unless everything is wanted or the number is
    given. The words are looked for in what is public, nowhere else."""
    cases = Case.objects.exclude(state__in=(CaseState.VOIDED, CaseState.MERGED))
    if filters.state in STATES:
        cases = cases.filter(STATES[filters.state])
    if filters.category:
        cases = cases.filter(category_id=filters.category)
    if filters.street:
        cases = cases.filter(street_id=filters.street)
    if filters.since:
        cases = cases.filter(created_at__gte=_midnight(filters.since))
    if filters.until:
        cases = cases.filter(created_at__lt=_midnight(filters.until + timedelta(days=1)))
    words = filters.q.split()[:5]
    if not filters.everything:
        asked = [found.pk for word in words if (found := spine.by_number(word))]
        cases = cases.filter(Q(published=True) | Q(pk__in=asked)) if asked else cases.filter(published=True)
    for word in words:
        cases = cases.filter(_about(word))
    return _for_list(cases.order_by("-id"))


def _about(word: str) -> Q:
    number = spine.by_number(word)
    if number:
        return Q(pk=number.pk)
    named = Q(category__name__icontains=word) | Q(category__name_en__icontains=word)
    named |= Q(category__keywords__icontains=word)
    return named | Q(street__name__icontains=word) | Q(published=True, public_text__icontains=word)


def _midnight(day: date) -> datetime:
    return clock.from_local(datetime.combine(day, time()))


def on_map(filters: Filters) -> list[Case]:
    """The newest published cases with a position, at most FEATURES (two queries)."""
    return list(listed(filters).filter(published=True, lon__isnull=False)[:FEATURES])


def streets() -> list[Place]:
    return list(Place.objects.filter(level=Place.Level.STREET, active=True))


def public_categories(words: str = "") -> list[Category]:
    """The categories that the public is offered, by major class; `words` narrows by name, class or keyword."""
    rows = Category.objects.filter(public=True, active=True, scheme__active=True).order_by("major_code", "kind", "code")
    for word in words.split()[:5]:
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(name_en__icontains=word)
            | Q(keywords__icontains=word)
            | Q(major_name__icontains=word)
            | Q(major_name_en__icontains=word)
        )
    return list(rows)


def grouped(categories: list[Category]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices of a select: [(major class, [(key, name), …]), …] in the reader's language."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for category in categories:
        groups.setdefault(named(category, "major_name"), []).append((category.key, named(category)))
    return list(groups.items())


# One case


@dataclass
class Shown:
    """A case as a page shows it; for an unpublished one everything but number, category, street and state is empty."""

    case: Case
    photos: list[Photo] = field(default_factory=list)
    entries: list[timeline.Entry] = field(default_factory=list)
    lead: str = ""
    supports: list[str] = field(default_factory=list)


def public_case(number: str) -> Shown | None:
    """A case by its number, for everybody (five queries when it is published)."""
    found = spine.by_number(number)
    if found is None:
        return None
    case = Case.objects.select_related("category", "street", "community", "merged_into").get(pk=found.pk)
    if not case.published:
        return Shown(case)
    return _with_parts(case, reasons=False)


def followed(report: Report) -> Shown:
    """The case of a report, for whoever sent it: the steps with the reasons and notes that were written for them."""
    case = Case.objects.select_related("category", "street", "community").get(pk=report.case_id)
    return _with_parts(case, reasons=True)


def _with_parts(case: Case, *, reasons: bool) -> Shown:
    photos = list(case.photos.filter(published=True, case__published=True).select_related("upload"))
    live = case.assignments.exclude(state__in=(AssignmentState.RETURNED, AssignmentState.CANCELLED))
    live = live.filter(round=case.round).select_related("organisation")
    readable = Q(public=True) | Q(told=True) if reasons else Q(public=True)
    notes = Note.objects.filter(readable, case=case).select_related("organisation")
    lead, supports = "", []
    for assignment in live:
        if assignment.role == Assignment.Role.LEAD:
            lead = named(assignment.organisation)
        else:
            supports.append(named(assignment.organisation))
    return Shown(case, photos, timeline.entries(case.events.all(), notes, reasons=reasons), lead, supports)


def report_by_code(number: str, code: str) -> Report | None:
    """The report whose follow code this is, under the number it was given or the number it was merged into."""
    case = spine.by_number(number)
    if case is None or not code:
        return None
    own = Report.objects.filter(Q(case=case) | Q(first_case=case), follow_code=code)
    return own.select_related("case", "first_case").first()


def neighbours(category: Category | None, place: dict[str, Any], now: datetime) -> list[tuple[float, Case]]:
    """Open cases that may be the same problem, nearest first, with their published photos."""
    from django.db.models import prefetch_related_objects

    found = spine.possible_duplicates(category.pk if category else None, place.get("lon"), place.get("lat"), now)
    prefetch_related_objects([case for _metres, case in found], SHOWN)
    return found
