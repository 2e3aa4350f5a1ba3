"""Reading the outbox as it grows, without losing a row.

On PostgreSQL ids are given out before they are committed, so a row may appear after one with a higher id. The feed
keeps a *floor*: every id up to it was read, or is missing for so long that its transaction must have been undone.
Rows above the floor go out as soon as they appear; what a client is told to come back with is the floor, so that a
late row is never skipped. A row may so come twice after a reconnection: number and version tell it.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from shaodao.cases.facts import BOUND, ActorFacts
from shaodao.cases.models import Assignment, Case
from shaodao.foundation.models import OutboxMessage

PREFIX = "case."
GRACE = 30.0  # seconds that a missing id may still turn up
CHUNK = 5000
FURTHEST = 20_000  # rows that are replayed at most; who is further behind reads the list again


@dataclass(frozen=True)
class News:
    """One change of one case, with what decides who may see it."""

    id: int
    data: bytes
    street_id: int | None
    community_id: int | None
    organisations: frozenset[int]

    def seen_by(self, actor: ActorFacts) -> bool:
        """The same rule as `queries.visible_to`, for one row."""
        if any(p.role not in BOUND for p in actor.posts):
            return True
        for post in actor.posts:
            if post.organisation_id in self.organisations:
                return True
            place = self.community_id if post.role == "community" else self.street_id
            if post.role not in {"department", "operator"} and post.place_id is not None and post.place_id == place:
                return True
        return False


class Feed:
    """The rows of the outbox from now on."""

    def __init__(self) -> None:
        self.floor = last_id()
        self._above: set[int] = set()
        self._gap_since: float | None = None

    def read(self, now: float | None = None) -> list[News]:
        """Rows that were not read before, in the order of their ids. Two or three queries; one when there is nothing."""
        rows = list(OutboxMessage.objects.filter(id__gt=self.floor).order_by("id")[:CHUNK])
        fresh = [row for row in rows if row.pk not in self._above]
        self._advance([row.pk for row in rows], time.monotonic() if now is None else now)
        return news(fresh)

    def _advance(self, ids: list[int], now: float) -> None:
        """Move the floor up to the first id that is missing and may still turn up."""
        floor = self.floor
        for number in ids:
            if number != floor + 1:
                if self._gap_since is None:
                    self._gap_since = now
                if now - self._gap_since < GRACE:
                    break
            floor, self._gap_since = number, None
        self.floor = floor
        self._above = {number for number in ids if number > floor}


def last_id() -> int:
    return OutboxMessage.objects.order_by("-id").values_list("id", flat=True).first() or 0


def replay(after: int, until: int) -> list[News]:
    """The rows behind an id that a client came back with, as far as `until`."""
    return news(OutboxMessage.objects.filter(id__gt=after, id__lte=until).order_by("id")[:CHUNK])


def news(rows: Iterable[OutboxMessage]) -> list[News]:
    """What a staff page may hear of these rows: number, state, version and action, nothing that somebody wrote."""
    wanted = [row for row in rows if row.topic.startswith(PREFIX) and row.payload.get("case")]
    ids = {row.payload["case"] for row in wanted}
    if not ids:
        return []
    places = {c[0]: c[1:] for c in Case.objects.filter(pk__in=ids).values_list("id", "street_id", "community_id")}
    organisations: dict[int, set[int]] = {}
    for case, organisation in Assignment.objects.filter(case_id__in=ids).values_list("case_id", "organisation_id"):
        organisations.setdefault(case, set()).add(organisation)
    return [
        News(row.pk, body_of(row), *places[case], frozenset(organisations.get(case, ())))
        for row in wanted
        if (case := row.payload["case"]) in places
    ]


def body_of(row: OutboxMessage) -> bytes:
    payload: dict[str, Any] = row.payload
    same = {k: payload.get(k) for k in ("state", "version", "action")}
    return orjson.dumps({"number": row.subject, **same, "at": row.created_at})
