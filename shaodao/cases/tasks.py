"""What the clock starts. `tick` may run every few seconds, twice at once, or for the first time after days off: each
part asks the database what is due, does it through an action, and finds nothing left to do the second time.

A case that fails is logged and counted; the others go on.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from django.contrib.sessions.models import Session
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from shaodao.cases import history, rules, training
from shaodao.cases.actions import Actor, clocks, perform, upkeep
from shaodao.cases.models import Anchor, Assignment, Case, CaseEvent, Clock, Contact, Notice, Recheck
from shaodao.cases.words import OPEN_STATES, AssignmentState, CaseState
from shaodao.foundation import calendar, clock, district, jobs
from shaodao.foundation.errors import Refused
from shaodao.kernel import worktime

logger = logging.getLogger(__name__)
BATCH = 500
OTHERS: dict[str, Callable[["Round"], None]] = {}  # parts of rooms above, which register them
PARTS = (
    "escalated",
    "resumed",
    "rechecks",
    "watches",
    "recomputed",
    "delivered",
    "anchored",
    "erased",
    "sessions",
    "worked",
)


class Round:
    """One round of the clock: what was done, and how much of it failed."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.counts: dict[str, int] = dict.fromkeys((*PARTS, *OTHERS, "trained", "failed"), 0)

    def each(self, part: str, keys: Iterable[Any], do: Callable[[Any], Any]) -> None:
        """Do something for each key; a refusal means that somebody was faster, a failure stops nobody else."""
        for key in keys:
            try:
                if do(key) is not False:
                    self.counts[part] += 1
            except Refused:
                logger.info("%s: %s needs nothing any more", part, key)
            except Exception:
                logger.exception("%s: %s failed", part, key)
                self.counts["failed"] += 1

    def part(self, name: str, do: Callable[["Round"], None]) -> None:
        """Another room's part; a failure of it as a whole is counted too."""
        try:
            do(self)
        except Exception:
            logger.exception("%s failed", name)
            self.counts["failed"] += 1

    def once(self, part: str, do: Callable[[], int]) -> None:
        """Add what one call did; a failure is counted."""
        try:
            self.counts[part] += do()
        except Exception:
            logger.exception("%s failed", part)
            self.counts["failed"] += 1


def register(part: str, do: Callable[[Round], None]) -> None:
    """A room's own part of each round; it counts under that name. Called once, when the program starts."""
    OTHERS[part] = do


def tick(now: datetime | None = None, *, train: bool = True, send: bool = True) -> dict[str, int]:
    """Do everything that is due at `now` (default: the clock's): {"escalated", "resumed", …, "failed"}: counts.

    `train` and `send`: also learn from filed cases, also deliver the outbox; a replay of the past does neither.
    """
    with clock.freeze(now or clock.now()):
        round = Round(clock.now())
        end_suspensions(round)
        recompute_provisional(round)
        climb(round)
        remind_rechecks(round)
        end_watches(round)
        erase_contacts(round)
        for name, part in OTHERS.items():
            round.part(name, part)
        if send:
            round.once("delivered", deliver)
        round.once("worked", jobs.work)
        round.once("sessions", lambda: Session.objects.filter(expire_date__lt=round.now).delete()[0])
        round.once("anchored", lambda: anchor(round.now))
        if train:
            round.once("trained", training.retrain_when_due)
        return round.counts


def pages(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The rows in bounded batches by id, each asked for when the one before is done."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


# ── the ladder ───────────────────────────────────────────────────────────────────────────────────────────────────


class Governing(NamedTuple):
    """The clock that ends first on a case, and the rung that it has earned."""

    case_id: int
    rung: int


def climb(round: Round) -> None:
    """Each rung of the pack's ladder once for the limit that ends first; rungs missed together climb in one event."""
    ladder = district.current().settings.ladder
    if not ladder:
        return
    first = min(r.at for r in ladder)
    running = (
        Clock.objects.filter(stopped_at=None, case__state__in=OPEN_STATES, case__rung__lt=len(ladder))
        .filter(due_at=F("case__due_at"))
        .filter(Q(yellow_at__lte=round.now) | Q(yellow_share__gt=first))
        .select_related("case")
    )
    for batch in pages(running):
        found = {g.case_id: g for g in _governing(batch, [r.at for r in ladder], round.now)}
        round.each("escalated", found.values(), _escalate)


def _governing(rows: list[Clock], shares: list[float], now: datetime) -> Iterator[Governing]:
    """Used time is the limit less what is left of it (or plus what is past it), on the clock's own time: pauses and
    extensions are in the due time already."""
    rows = [c for c in rows if not clocks.is_paused(c)]
    if not rows:
        return
    working = calendar.working()
    units = np.array([worktime.Unit.parse(c.unit) for c in rows], dtype=np.int8)
    limits = worktime.limit_seconds(working, [c.value * (1 + c.extensions) for c in rows], units)
    past = worktime.elapsed(working, np.array([_naive(c.due_at) for c in rows]), _naive(now), units)
    for row, limit, used in zip(rows, limits, limits + past, strict=True):
        rung = rules.rung_due(float(used), float(limit), shares)
        if rung > row.case.rung:
            yield Governing(row.case_id, rung)


def _naive(at: datetime) -> np.datetime64:
    return np.datetime64(clock.local(at).replace(tzinfo=None), "s")


def _escalate(due: Governing) -> None:
    perform("escalate", due.case_id, Actor.system(), extra={"rung": due.rung})


# ── time that was granted ────────────────────────────────────────────────────────────────────────────────────────


def end_suspensions(round: Round) -> None:
    """A suspension ends by itself, at its own time, however late the clock comes to it."""
    over = Assignment.objects.filter(state=AssignmentState.SUSPENDED, suspended_until__lte=round.now)

    def resume(row: Assignment) -> None:
        assert row.suspended_until is not None
        with clock.freeze(row.suspended_until):
            perform("resume", row.case_id, Actor.system(), on=row.pk)

    for batch in pages(over):
        round.each("resumed", batch, resume)


def recompute_provisional(round: Round) -> None:
    """Limits that touched a year without a notice, once its notice is in the calendar; else nothing is written."""
    provisional = Clock.objects.filter(provisional=True, stopped_at=None, case__state__in=OPEN_STATES)
    for batch in pages(provisional):
        changed = dict.fromkeys(c.case_id for c in batch if _differs(c))
        round.each("recomputed", changed, lambda case_id: perform("recompute", case_id, Actor.system()))


def _differs(row: Clock) -> bool:
    before = (row.due_at, row.yellow_at, row.provisional)
    clocks.recompute(row)
    return (row.due_at, row.yellow_at, row.provisional) != before


# ── the watch ────────────────────────────────────────────────────────────────────────────────────────────────────


def remind_rechecks(round: Round) -> None:
    """Looks during the watch that are due go to the street's list, one item however many are due."""
    told = Notice.objects.filter(case=OuterRef("case"), kind="recheck", created_at__gte=OuterRef("due_at"))
    due = Recheck.objects.filter(due_at__lte=round.now, done_at=None, case__state=CaseState.CLOSED)
    for batch in pages(due.filter(~Exists(told))):
        round.each("rechecks", [r.pk for r in batch], lambda pk: upkeep.remind_recheck(pk, round.now))


def end_watches(round: Round) -> None:
    """A watch that is over is an event of its case, once: the problem stayed away."""
    said = CaseEvent.objects.filter(case=OuterRef("pk"), action="end_watch", at__gte=OuterRef("watch_until"))
    over = Case.objects.filter(state=CaseState.CLOSED, watch_until__lte=round.now).filter(~Exists(said))
    for batch in pages(over):
        round.each("watches", [c.pk for c in batch], lambda pk: perform("end_watch", pk, Actor.system()))


# ── the house ────────────────────────────────────────────────────────────────────────────────────────────────────


def deliver() -> int:
    """Send what the outbox holds and is due."""
    from shaodao.foundation import delivery

    return delivery.deliver_due()


def anchor(now: datetime) -> int:
    """The daily anchor: 1 when this call made it."""
    if Anchor.objects.filter(date=clock.local(now).date()).exists():
        return 0
    history.anchor(now)
    return 1


def erase_contacts(round: Round) -> None:
    """Contacts of reporters whose case ended longer ago than the district keeps them, a log line for each batch."""
    before = months_before(round.now, district.current().settings.retention_months)
    later = CaseEvent.objects.filter(case=OuterRef("report__case"), at__gte=before)
    over = Contact.objects.filter(
        Q(report__case__state=CaseState.CLOSED, report__case__closed_at__lt=before)
        | (Q(report__case__state__in=[CaseState.DECLINED, CaseState.VOIDED]) & ~Exists(later))
    )
    for batch in pages(over):
        round.once("erased", partial(upkeep.erase_contacts, [c.pk for c in batch], round.now, before))


def months_before(at: datetime, months: int) -> datetime:
    """The same local time that many months earlier; the month's last day where there is no such day."""
    local = clock.local(at)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    for day in (local.day, 30, 29, 28):
        try:
            return clock.from_local(local.replace(year=year, month=month + 1, day=day, tzinfo=None))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
