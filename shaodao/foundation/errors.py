"""What an action answers when it does not do it. Each becomes plain words on a page and problem details in the API."""

from typing import Any


class Invalid(Exception):
    """Input that cannot be right: `errors` maps a field's name to what is wrong and what would be right (HTTP 422)."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__("; ".join(f"{k}: {v}" for k, v in errors.items()))
        self.errors = errors


class Refused(Exception):
    """The action is not possible now, or not for this person; `reason` says why (HTTP 403 or 409)."""

    def __init__(self, reason: Any, *, forbidden: bool = False) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.forbidden = forbidden


class Conflict(Exception):
    """Somebody else changed it meanwhile (HTTP 409): carries the present version, and what happened since."""

    def __init__(self, subject: Any, version: int, seen: int) -> None:
        super().__init__(f"version {version}, seen {seen}")
        self.subject, self.version, self.seen = subject, version, seen
