"""The one clock. Everything that asks for the time asks here, so that a test or an import can set it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")
_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """The present as an aware UTC datetime."""
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def freeze(at: datetime) -> Iterator[None]:
    """Let `now()` answer `at` (aware) within the block: for imports at their true time, replays and tests."""
    if at.tzinfo is None:
        raise ValueError("freeze() needs an aware datetime")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)


def local(at: datetime) -> datetime:
    """`at` in the district's time zone."""
    return at.astimezone(LOCAL)


def from_local(naive: datetime) -> datetime:
    """A naive datetime of the district's wall clock as aware UTC."""
    return naive.replace(tzinfo=LOCAL).astimezone(UTC)
