"""The limits of a case: started with their inputs, stopped, paused, extended; never rewritten by a new catalogue."""

from datetime import datetime
from typing import TYPE_CHECKING

from shaodao.cases.models import Assignment, Clock
from shaodao.cases.words import ClockKind
from shaodao.foundation import calendar, district
from shaodao.foundation.district import Limit

if TYPE_CHECKING:
    from shaodao.cases.actions.step import Step


class Clocks:
    """The clocks of one case within one step."""

    def __init__(self, step: "Step") -> None:
        self.step = step
        self.rows: list[Clock] = list(step.loaded.clocks)

    def running(self, kind: str, assignment: Assignment | None = None) -> Clock | None:
        wanted = assignment.pk if assignment else None
        return next(
            (c for c in self.rows if c.kind == kind and c.assignment_id == wanted and c.stopped_at is None), None
        )

    def start(self, kind: str, limit: Limit | None = None, assignment: Assignment | None = None) -> Clock:
        """Start a clock now, with the district's limit for its kind unless one is given."""
        settings = district.current().settings
        limit = limit or getattr(settings.limits, str(kind))
        due = calendar.due(self.step.now, limit.value, limit.unit, yellow_share=settings.yellow_share)
        clock = Clock(
            case=self.step.case,
            assignment=assignment,
            kind=str(kind),
            started_at=self.step.now,
            value=limit.value,
            unit=limit.unit,
            yellow_share=settings.yellow_share,
            due_at=due.due_at,
            yellow_at=due.yellow_at,
            provisional=due.provisional,
        )
        self.step.add(clock)
        self.rows.append(clock)
        return clock

    def stop(
        self, kind: str, assignment: Assignment | None = None, *, cancelled: bool = False, at: datetime | None = None
    ) -> None:
        """Stop a clock if it runs: met (or missed) unless cancelled. `at`: when it came true, if before now."""
        clock = self.running(kind, assignment)
        if clock:
            self.step.touch(clock)
            if clock.pauses and clock.pauses[-1][1] is None:
                self._close_pause(clock)
            clock.stopped_at, clock.cancelled = at or self.step.now, cancelled

    def stop_all(self, assignment: Assignment | None = None, *, cancelled: bool = True) -> None:
        """Stop every running clock of an assignment (None: of the whole case)."""
        for clock in self.rows:
            if clock.stopped_at is None and (assignment is None or clock.assignment_id == assignment.pk):
                self.step.touch(clock)
                clock.stopped_at, clock.cancelled = self.step.now, cancelled

    def pause(self, assignment: Assignment) -> None:
        """The handling clock stands still from now on."""
        clock = self.running(ClockKind.HANDLE, assignment)
        if clock:
            self.step.touch(clock)
            clock.pauses = [*clock.pauses, [self.step.now.isoformat(), None]]

    def resume(self, assignment: Assignment) -> None:
        """The handling clock goes on with what was left."""
        clock = self.running(ClockKind.HANDLE, assignment)
        if clock and clock.pauses and clock.pauses[-1][1] is None:
            self.step.touch(clock)
            self._close_pause(clock)
            recompute(clock)

    def go_on(self, kind: str) -> None:
        """A clock of the case that was called off goes on where it stood: the time between does not count.

        Without one, it starts anew.
        """
        stopped = [c for c in self.rows if c.kind == kind and c.assignment_id is None and c.cancelled]
        if not stopped:
            self.start(kind)
            return
        clock = stopped[-1]
        self.step.touch(clock)
        if clock.stopped_at:
            clock.pauses = [*clock.pauses, [clock.stopped_at.isoformat(), self.step.now.isoformat()]]
        clock.stopped_at, clock.cancelled = None, False
        recompute(clock)

    def reopen(self, assignment: Assignment) -> None:
        """Rework: the handling clock goes on; the time under verification does not count."""
        stopped = [
            c
            for c in self.rows
            if c.kind == ClockKind.HANDLE and c.assignment_id == assignment.pk and c.stopped_at and not c.cancelled
        ]
        if stopped:
            clock = stopped[-1]
            self.step.touch(clock)
            if clock.stopped_at:
                clock.pauses = [*clock.pauses, [clock.stopped_at.isoformat(), self.step.now.isoformat()]]
            clock.stopped_at = None
            recompute(clock)

    def extend(self, assignment: Assignment) -> None:
        """One more original limit."""
        clock = self.running(ClockKind.HANDLE, assignment)
        if clock:
            self.step.touch(clock)
            clock.extensions += 1
            recompute(clock)

    def _close_pause(self, clock: Clock) -> None:
        clock.pauses = [*clock.pauses[:-1], [clock.pauses[-1][0], self.step.now.isoformat()]]

    def project(self) -> None:
        """Put the earliest running limit on the case, which is what inboxes sort by."""
        running = [c for c in self.rows if c.stopped_at is None and not is_paused(c)]
        case = self.step.case
        first = min(running, key=lambda c: c.due_at, default=None)
        before = case.due_at
        case.due_at = first.due_at if first else None
        case.yellow_at = min(c.yellow_at for c in running) if first else None
        if case.due_at != before:
            case.rung = 0


def is_paused(clock: Clock) -> bool:
    return bool(clock.pauses) and clock.pauses[-1][1] is None


def recompute(clock: Clock) -> None:
    """Due and yellow times again from the clock's own inputs (after a pause, an extension or a new holiday notice)."""
    closed = [p for p in clock.pauses if p[1] is not None]
    due = calendar.due(
        clock.started_at,
        clock.value,
        clock.unit,
        yellow_share=clock.yellow_share,
        extensions=clock.extensions,
        pauses=closed,
    )
    clock.due_at, clock.yellow_at, clock.provisional = due.due_at, due.yellow_at, due.provisional


def limit_of(condition: object, fallback: Limit | None = None) -> Limit:
    """The handling limit of a condition, else the district's limit for cases without one."""
    value = getattr(condition, "limit_value", None)
    if value:
        return Limit(value, condition.limit_unit)  # type: ignore[attr-defined]
    return fallback or district.current().settings.limits.handle


def window_end(start: datetime, limit: Limit) -> datetime:
    return calendar.due(start, limit.value, limit.unit).due_at
