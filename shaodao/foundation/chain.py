"""Chained events, for every room that keeps some: what a hash covers, what a row's tracked values are, who has chains.

A room above the cases registers its `Book`; the daily anchor and `audit verify` (cases/history.py) then cover it too.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models


def event_digest(previous: str, content: dict[str, Any]) -> str:
    """SHA-256 over the previous digest and the canonical JSON (sorted keys, UTF-8, no spaces) of an event."""
    body = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def plain(value: Any) -> Any:
    """A field's value as JSON carries it: times as ISO 8601 UTC, days as ISO 8601, everything else as it is."""
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return str(value) if isinstance(value, models.enums.Choices) else value


def tracked(row: models.Model) -> dict[str, Any]:
    """The tracked fields of a row (its `TRACKED`) as JSON values."""
    return {name: plain(getattr(row, name)) for name in row.TRACKED}  # type: ignore[attr-defined]


def name_of(row: models.Model) -> str:
    """A row as events name it: `case:12`."""
    return f"{row._meta.model_name}:{row.pk}"


Before = dict[int, tuple[models.Model, dict[str, Any]]]
"""By id(row): a row that an action may change, and its tracked values before."""


def changes(before: Before, added: Iterable[models.Model]) -> tuple[dict[str, dict[str, list[Any]]], "Altered"]:
    """What an event carries of its rows, {name: {field: [before, after]}}, and the rows that differ now, with which fields.

    Of a row that the action itself added, `before` has the values with which it was inserted: its fields come from None.
    """
    found = {name_of(row): {k: [None, v] for k, v in before[id(row)][1].items() if v is not None} for row in added}
    altered = []
    for row, old in before.values():
        new = tracked(row)
        fields = [k for k in new if new[k] != old[k]]
        if fields:
            entry = found.setdefault(name_of(row), {})
            for k in fields:
                entry[k] = [entry[k][0] if k in entry else old[k], new[k]]
            altered.append((row, fields))
    return found, altered


Altered = list[tuple[models.Model, list[str]]]
State = dict[str, dict[str, Any]]
Found = tuple[int | None, str, str]
"""The sequence number of an event, what is wrong (gap, previous, hash, before, head), and where."""


def walk(
    events: Sequence[Any],
    content_of: Callable[[Any], dict[str, Any]],
    version: int,
    head: str,
    changes_of: Callable[[Any], State] = lambda event: event.changes,  # type: ignore[assignment,return-value]
) -> tuple[State, list[Found]]:
    """Along a chain in its order: the state that it tells, folded from its events, and its faults.

    content_of: what an event's hash covers. `version` and `head` are what the chain's row says of its end. After a gap
    nothing more can be said, so the walk ends there.
    """
    state: State = {}
    found: list[Found] = []
    previous = ""
    for expected, event in enumerate(events, 1):
        if event.seq != expected:
            return state, [*found, (event.seq, "gap", str(expected))]
        if event.previous != previous:
            found.append((event.seq, "previous", ""))
        if event_digest(event.previous, content_of(event)) != event.hash:
            found.append((event.seq, "hash", ""))
        for name, fields in changes_of(event).items():
            row = state.setdefault(name, {})
            for field, (before, after) in fields.items():
                if field in row and row[field] != before:
                    found.append((event.seq, "before", f"{name}.{field}"))
                row[field] = after
        previous = event.hash
    if version != len(events) or head != previous:
        found.append((version, "head", ""))
    return state, found


Heads = dict[str, list[Any]]


@dataclass(frozen=True)
class Book:
    """The chains of one room.

    verify: checks them all: (how many chains, how many events, what is broken as {"case", "seq", "what", "detail"}).
    heads: {"operator:3": [version, hash]} of chains, for the anchor; keys begin with the name of the row's model.
    known: the hashes of events, by (key, version), among those asked for.
    """

    name: str
    verify: Callable[[], tuple[int, int, list[dict[str, Any]]]]
    heads: Callable[[], Heads]
    known: Callable[[Iterable[str]], dict[tuple[str, int], str]]


_books: dict[str, Book] = {}


def register(book: Book) -> None:
    """Make a room's chains known; called once, when the program starts."""
    _books[book.name] = book


def books() -> list[Book]:
    return list(_books.values())
