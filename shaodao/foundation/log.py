"""The general log: what happens outside of a case. Lines are appended and never changed."""

from datetime import datetime
from typing import Any

from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry


def write(
    action: str,
    subject: str = "",
    *,
    now: datetime | None = None,
    actor: Any = None,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> LogEntry:
    """Append a line: who did what to what, and why. `actor` is a Person, or None for the system."""
    return LogEntry.objects.create(
        at=now or clock.now(),
        actor=actor,
        actor_label=(actor.name or actor.username) if actor else "system",
        action=action,
        subject=subject,
        reason=reason,
        data=data or {},
    )
