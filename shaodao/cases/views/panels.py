"""The parts of a case page: clocks with their lights, who may do what to which part, what lies near, what was ruled."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.cases import choices, queries, rules
from shaodao.cases.actions.clocks import is_paused
from shaodao.cases.models import Appeal, Assignment, Case, Clock, Dispute, Photo, Report
from shaodao.cases.queries import Loaded
from shaodao.cases.rules import Offer
from shaodao.cases.views.listing import light_of
from shaodao.cases.words import OPEN_STATES, CaseState, ClockKind, Light
from shaodao.foundation import calendar, district
from shaodao.foundation.naming import named
from shaodao.foundation.templatetags.shaodao import duration_filter
from shaodao.kernel import worktime
from shaodao.kernel.geodesy import distance_m

NOT_HERE = {
    "me_too",
    "add_to_report",
    "callback",
    "escalate",
}  # those come from the report form, the reporter's link and the clock
# The next thing to do, best first: the page offers the first one that is allowed as its one primary button.
NEXT = (
    "whistle_confirm", "precheck", "file", "categorise", "dispatch", "rule_dispute", "grant", "sign", "report_in",
    "resume", "stage_done", "finish", "verify", "close", "reopen", "evaluate", "recheck", "review_appeal", "comment_evaluation",
)  # fmt: skip


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class ClockView:
    """A limit as the page tells it: light, used of limit, and whether it was met."""

    kind: str
    label: str
    light: Light
    due_at: datetime
    used: str
    limit: str
    percent: int  # of the limit used, 100 at most
    provisional: bool = False
    verdict: str = ""  # in words, once it has stopped


def clock_view(row: Clock, now: datetime) -> ClockView:
    paused = is_paused(row) and row.stopped_at is None
    light, verdict = rules.light(row.due_at, row.yellow_at, now, paused=paused), ""
    if row.cancelled:
        light, verdict = Light.DONE, _("不计")
    elif row.stopped_at:
        late = row.stopped_at > row.due_at
        light, verdict = (Light.RED, _("超时完成")) if late else (Light.DONE, _("按时完成"))
        if late and row.exempt:
            verdict = _("超时完成，申诉成立不计")
    used, limit = used_seconds(row, now), row.value * (1 + row.extensions)
    span = _seconds(limit, row.unit)
    spent, whole = _amount(used, limit, row.unit)
    return ClockView(
        kind=row.kind,
        label=str(ClockKind(row.kind).label),
        light=light,
        due_at=row.due_at,
        used=spent,
        limit=whole,
        percent=min(100, round(100 * used / span)) if span else 100,
        provisional=row.provisional and row.stopped_at is None,
        verdict=verdict,
    )


def used_seconds(row: Clock, now: datetime) -> float:
    """Seconds of the clock's own time used so far, without what it stood still."""
    end = row.stopped_at or now
    total = calendar.elapsed(row.started_at, end, row.unit)
    for begin, stop in row.pauses:
        first = min(datetime.fromisoformat(begin), end)
        last = min(datetime.fromisoformat(stop), end) if stop else end
        total -= calendar.elapsed(first, last, row.unit)
    return max(0.0, total)


def _seconds(value: float, unit: str) -> float:
    return float(worktime.limit_seconds(calendar.working(), value, worktime.Unit.parse(unit)))


def _amount(used: float, limit: float, unit: str) -> tuple[str, str]:
    """Used and limit in the same unit: ("7", "15 分钟"), ("1.3", "4 工作时"); what ran far over, in days and hours."""
    if unit == "hour" and limit < 2:
        minutes = math.ceil(used / 60) if used > limit * 3600 else math.floor(used / 60)
        return (str(minutes) if minutes < 120 else duration_filter(used)), _("%(n)g 分钟") % {"n": limit * 60}
    amount = used / _seconds(1.0, unit)
    tenths = math.ceil(amount * 10) if amount > limit else math.floor(amount * 10)  # never 4 of 4 when it is over
    return f"{tenths / 10:g}", choices.limit_text(limit, unit)


def header_light(case: Case, now: datetime) -> dict[str, Any]:
    """The light of the limit that ends first."""
    return {"light": light_of(case, now), "limit": case.due_at}


def case_clocks(loaded: Loaded, now: datetime) -> list[ClockView]:
    """The clocks of the case itself: intake, dispatch, verification, closing; the cancelled ones left out."""
    return [clock_view(c, now) for c in loaded.clocks if c.assignment_id is None and not c.cancelled]


def arrival_mark(row: Assignment, case: Case) -> str:
    """What the street should know of a report-in when it rates it: no position came with it, or it was far off."""
    if row.arrived_at is None or case.lon is None:
        return ""
    if row.arrived_distance_m is None:
        return _("报到时没有定位")
    most = district.current().settings.arrive_radius_m
    return _("超出 %(n)d 米") % {"n": most} if row.arrived_distance_m > most else ""


def numbers_of(loaded: Loaded, on: Assignment | Model | None) -> list[ClockView]:
    """The clocks of one assignment, met or missed: they stand beside the rating."""
    if on is None:
        return []
    return [clock_view(c, c.stopped_at) for c in loaded.clocks if c.assignment_id == on.pk and c.stopped_at]


def contested(loaded: Loaded, appeal: Appeal) -> list[ClockView]:
    """The limits that an appeal is about."""
    return [
        clock_view(c, c.stopped_at)
        for c in loaded.clocks
        if c.stopped_at and c.missed and c.assignment_id == appeal.assignment_id and c.kind in appeal.grounds
    ]


def beside(action: str, loaded: Loaded, row: Any) -> list[ClockView]:
    """The numbers that one should see while filling in the form of an action."""
    if action == "review_appeal":
        return contested(loaded, row)
    return numbers_of(loaded, row) if action in {"evaluate", "appeal"} else []


# ── what may be done ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Button:
    """One action as the page offers it."""

    action: str
    label: str
    why: str  # what it is for, or the reason why not
    url: str
    allowed: bool
    danger: bool
    id: str
    on: str = ""


@dataclass
class Buttons:
    """All actions of a person on a case: the next one, those on the case, those on its parts."""

    primary: Offer | None = None
    case: list[Button] = field(default_factory=list)
    refused: list[Button] = field(default_factory=list)
    parts: dict[str, list[Button]] = field(default_factory=dict)  # "assignment:12": …


def buttons(loaded: Loaded, actor: Any, now: datetime) -> Buttons:
    offers = [o for o in rules.offers(loaded.facts, actor, now) if o.transition.action not in NOT_HERE]
    found = Buttons(primary=_primary(offers, loaded, now))
    for offer in offers:
        if offer is found.primary:
            continue
        button = _button(offer, loaded)
        if offer.on is not None:
            found.parts.setdefault(f"{offer.transition.on}:{offer.on.id}", []).append(button)
        elif offer.transition.on == "case":
            (found.case if offer.allowed else found.refused).append(button)
    found.case.sort(key=lambda b: b.danger)
    return found


def _primary(offers: list[Offer], loaded: Loaded, now: datetime) -> Offer | None:
    allowed = [o for o in offers if o.allowed]
    for action in NEXT:
        for offer in allowed:
            if offer.transition.action == action and _fits(offer, loaded, now):
                return offer
    return None


def _fits(offer: Offer, loaded: Loaded, now: datetime) -> bool:
    """Is it really the next thing, and not merely possible?"""
    action, on = offer.transition.action, offer.on
    if action == "categorise":
        return loaded.case.category_id is None
    if action == "report_in":
        return True
    if action == "recheck":
        return getattr(on, "due_at", now) <= now
    if action == "resume":
        row = loaded.row("assignment", getattr(on, "id", None))
        until = getattr(row, "suspended_until", None)
        return until is not None and until <= now
    if action == "comment_evaluation":
        return not getattr(on, "commented", True)
    return True


def _button(offer: Offer, loaded: Loaded) -> Button:
    t, on = offer.transition, offer.on
    args = [loaded.case.number, t.action] + ([on.id] if on is not None else [])
    return Button(
        action=t.action,
        label=str(t.label),
        why=str(t.why if offer.allowed else offer.reason),
        url=reverse("case_do", args=args),
        allowed=offer.allowed,
        danger=t.danger,
        id=f"why-{t.action}-{on.id if on is not None else 0}",
    )


def part_label(kind: str, row: Any, loaded: Loaded) -> str:
    """What an action is about, in words."""
    if kind == "assignment":
        return _("%(unit)s（%(role)s）") % {"unit": named(row.organisation), "role": row.get_role_display()}
    if kind == "whistle":
        return choices.whistle_kind(row.kind)
    if kind in {"request", "dispute", "evaluation", "appeal"}:
        assignment = next((a for a in loaded.assignments if a.pk == row.assignment_id), None)
        name = named(assignment.organisation) if assignment else ""
        return f"{name} {row.get_kind_display()}" if kind == "request" else name
    return ""


# ── around the case ──────────────────────────────────────────────────────────────────────────────────────────────


def precedents(case: Case) -> list[Dispute]:
    """Earlier rulings on the same category, newest first."""
    if not case.category_id:
        return []
    rows = Dispute.objects.filter(category_id=case.category_id).exclude(ruled_at=None).exclude(case_id=case.pk)
    return list(rows.select_related("case", "lead", "assignment__organisation").order_by("-ruled_at")[:5])


def duplicates(case: Case, now: datetime) -> list[dict[str, Any]]:
    """Open cases of the same category near by."""
    found = queries.possible_duplicates(case.category_id, case.lon, case.lat, now)
    rows = [{"case": c, "metres": round(m), "light": light_of(c, now)} for m, c in found if c.pk != case.pk]
    return rows


CANDIDATES = 8


def candidates(case: Case, now: datetime) -> list[dict[str, Any]]:
    """What a case may be merged into: open cases near by of any category, nearest first; without a position the newest
    of its community or street. Three queries at most."""
    rows = (
        Case.objects.filter(state__in=OPEN_STATES).exclude(pk=case.pk).select_related("category", "street", "community")
    )
    if case.lon is not None and case.lat is not None:
        found: list[tuple[float | None, Case]] = [
            *queries.nearby(case.lon, case.lat, district.current().settings.merge_radius_m, rows)
        ]
    else:
        here = {"community": case.community_id} if case.community_id else {"street": case.street_id}
        found = [(None, c) for c in rows.filter(**here).order_by("-id")[:CANDIDATES]] if any(here.values()) else []
    found = found[:CANDIDATES]
    photos = first_photos([c for _m, c in found])
    return [_beside(case, other, metres, photos.get(other.pk), now) for metres, other in found]


def merge_target(case: Case, number: str, now: datetime) -> dict[str, Any] | None:
    """The case that another would be merged into, with its reports and photos, to look at before; None if there is none."""
    other = queries.by_number(number)
    if other is None or other.pk == case.pk:
        return None
    metres = None
    if None not in (case.lon, case.lat, other.lon, other.lat):
        metres = float(distance_m(case.lon, case.lat, other.lon, other.lat))  # type: ignore[arg-type]
    found = _beside(case, other, metres, None, now)
    photos = Photo.objects.filter(report__case=other).select_related("upload")[:CANDIDATES]
    return {
        **found,
        "reports": list(other.reports.all()[:3]),
        "photos": list(photos),
        "open": other.state in OPEN_STATES,
    }


def _beside(case: Case, other: Case, metres: float | None, photo: Photo | None, now: datetime) -> dict[str, Any]:
    return {
        "case": other,
        "metres": None if metres is None else round(metres),
        "light": light_of(other, now),
        "photo": photo,
        "other_category": case.category_id != other.category_id,
        "other_street": bool(case.street_id and other.street_id and case.street_id != other.street_id),
    }


def first_photos(cases: list[Case]) -> dict[int, Photo]:
    """By case the first photo of its reports (one query)."""
    found: dict[int, Photo] = {}
    for photo in Photo.objects.filter(report__case__in=cases).select_related("upload", "report") if cases else ():
        if photo.report is not None:
            found.setdefault(photo.report.case_id, photo)
    return found


def gone(case: Case) -> QuerySet[Report] | None:
    """The reports that a merge took from a case, to be read only; None for a case that is not merged."""
    if case.state != CaseState.MERGED:
        return None
    merged = case.events.filter(action="merge").order_by("-seq").first()
    return Report.objects.filter(pk__in=merged.data.get("reports", []) if merged else [])


SUGGEST_STATES = {"received", "filed"}
WORTH_SAYING = 0.03  # a second guess below that only costs reading


SURE = (
    (0.8, gettext_lazy("很有把握")),
    (0.5, gettext_lazy("较有把握")),
    (0.2, gettext_lazy("把握不大")),
    (0.0, gettext_lazy("只是猜测")),
)


def suggestions(case: Case, texts: list[str]) -> list[dict[str, Any]]:
    """What the triage model thinks of the reporters' words; nothing where it is not trained.

    As `suggest.suggest`, and the confidence in words and per cent, the units by name (the case's street for None).
    """
    from shaodao.catalogue import suggest  # scikit-learn is loaded only where it is used

    text = " ".join(t for t in texts if t).strip()
    if not text or case.state not in SUGGEST_STATES:
        return []
    rows = suggest.suggest(text, k=3)
    rows = [
        row for i, row in enumerate(rows) if not i or row["confidence"] is None or row["confidence"] >= WORTH_SAYING
    ]
    for row in rows:
        row["units"] = [named(unit or case.street) if unit or case.street else _("所在街道") for unit in row["leads"]]
        if row["confidence"] is not None:
            row["percent"] = round(100 * row["confidence"])
            row["percent_together"] = round(100 * row["together"])
            row["sure"] = next(words for least, words in SURE if row["confidence"] >= least)
    return rows
