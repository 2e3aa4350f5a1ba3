"""The chains of a room's book, checked: `audit verify` and the daily anchor (cases/history.py) call this through `chains`."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from shaodao.book.actions import content_of
from shaodao.book.kinds import Room
from shaodao.foundation.chain import Book, Heads, plain, tracked, walk

Fault = dict[str, Any]
BATCH = 500


def verify(room: Room) -> tuple[int, int, list[Fault]]:
    """(rows, events, what is broken): hashes, sequence, a row that is gone, and a present that no event explains."""
    rows = events = 0
    broken: list[Fault] = []
    for kind in room.kinds:
        keys = list(kind.model.objects.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(keys), BATCH):
            part = list(kind.model.objects.filter(pk__in=keys[start : start + BATCH]))
            chains: dict[str, list[Any]] = {row.subject: [] for row in part}
            for event in room.events.objects.filter(subject__in=chains).order_by("subject", "seq"):
                chains[event.subject].append(event)
            for row in part:
                chain = chains[row.subject]
                rows, events = rows + 1, events + len(chain)
                broken += check(row, chain)
        broken += _orphans(room, kind.model)
    return rows, events, broken


def _orphans(room: Room, model: Any) -> Iterator[Fault]:
    """Events whose row is no longer there."""
    prefix = f"{model._meta.model_name}:"
    events = room.events.objects.filter(subject__startswith=prefix).order_by()
    told = events.values_list("subject", flat=True).distinct()
    there = {prefix + code for code in model.objects.values_list("code", flat=True)}
    for subject in sorted(set(told) - there):
        yield {"case": subject, "seq": None, "what": "missing", "detail": ""}


def check(row: Any, chain: list[Any]) -> list[Fault]:
    """Faults of one row's chain, in the words of cases/history.py."""
    told, found = walk(chain, content_of, row.version, row.head, lambda event: {event.subject: event.changes})
    if not any(what == "gap" for _seq, what, _detail in found):
        state = told.get(row.subject, {})
        wrong = (n for n, value in tracked(row).items() if value != state.get(n, _untold(row, n, value)))
        found += [(None, "projection", name) for name in wrong]
    subject = f"{row._meta.model_name} {row.code}"
    return [{"case": subject, "seq": seq, "what": what, "detail": detail} for seq, what, detail in found]


def _untold(row: Any, name: str, value: Any) -> Any:
    """What a tracked field must be that no event names: empty, or the default that a later version gave it."""
    if value in ("", None, [], False, {}):
        return value
    column = {f.attname: f for f in row._meta.concrete_fields}[name]
    return plain(column.get_default())


def heads(room: Room) -> Heads:
    """The heads of all chains, by the name of the row."""
    return {
        f"{kind.model._meta.model_name}:{code}": [version, head]
        for kind in room.kinds
        for code, version, head in kind.model.objects.order_by("code").values_list("code", "version", "head")
    }


def known(room: Room, keys: Iterable[str]) -> dict[tuple[str, int], str]:
    """The hashes of the events of these chains, by key and version."""
    ours = {kind.model._meta.model_name for kind in room.kinds}
    subjects = [key for key in keys if key.partition(":")[0] in ours]
    found: dict[tuple[str, int], str] = {}
    for start in range(0, len(subjects), BATCH):
        rows = room.events.objects.filter(subject__in=subjects[start : start + BATCH])
        found.update({(subject, seq): digest for subject, seq, digest in rows.values_list("subject", "seq", "hash")})
    return found


def chains(room: Room) -> Book:
    """What a room registers with `foundation/chain.py` when the program starts."""
    return Book(room.name, partial(verify, room), partial(heads, room), partial(known, room))
