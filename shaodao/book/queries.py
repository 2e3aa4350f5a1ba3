"""Reads of a book that more than one caller needs: lists, how a row came to be as it is, whose hand wrote what."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from shaodao.book.kinds import Kind, Room

PACK = "pack"  # the reason of events that a pack made


def listed(kind: Kind, *, text: str = "", state: str = "", **exact: Any) -> QuerySet[Any]:
    """Rows for a list: `text` in code or names; `state` "" in force, "gone", or "all"; others by equality, "" is any."""
    rows = kind.model.objects.select_related(*kind.all_refs).order_by("code")
    if state != "all":
        rows = rows.filter(active=state != "gone")
    if text:
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text) | Q(name_en__icontains=text))
    return rows.filter(**{name: value for name, value in exact.items() if value})


def history(kind: Kind, row: Any) -> list[Any]:
    """The events of a row, newest first."""
    return list(kind.room.events.objects.filter(subject=row.subject).select_related("actor").order_by("-seq"))


def as_at(kind: Kind, row: Any, when: datetime) -> dict[str, Any] | None:
    """The tracked values of a row as they were at a time, folded from its events; None before it was there, or while it
    was taken away."""
    state: dict[str, Any] = {}
    for event in kind.room.events.objects.filter(subject=row.subject, at__lte=when).order_by("seq"):
        state |= {name: after for name, (_before, after) in event.changes.items()}
    return state if state.get("active") else None


def hands(room: Room) -> tuple[set[str], set[str]]:
    """(subjects of rows that a person has written: a pack leaves them as they are; of rows that only packs have)."""
    by: dict[str, set[str]] = {"person": set(), "pack": set(), "other": set()}
    for subject, actor, reason in room.events.objects.order_by().values_list("subject", "actor", "reason").distinct():
        by["person" if actor else "pack" if reason == PACK else "other"].add(subject)
    return by["person"], by["pack"] - by["person"] - by["other"]
