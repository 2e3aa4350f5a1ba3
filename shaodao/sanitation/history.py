"""The chains of the book, checked: `audit verify` and the daily anchor (cases/history.py) call this through `BOOK`."""

from collections.abc import Iterable, Iterator
from typing import Any

from shaodao.foundation.chain import Book, Heads, plain, tracked, walk
from shaodao.sanitation.actions import content_of
from shaodao.sanitation.kinds import KINDS
from shaodao.sanitation.models import BookEvent

Fault = dict[str, Any]
BATCH = 500


def verify() -> tuple[int, int, list[Fault]]:
    """(rows, events, what is broken): hashes, sequence, a row that is gone, and a present that no event explains."""
    rows = events = 0
    broken: list[Fault] = []
    for kind in KINDS.values():
        keys = list(kind.model.objects.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(keys), BATCH):
            part = list(kind.model.objects.filter(pk__in=keys[start : start + BATCH]))
            chains: dict[str, list[BookEvent]] = {row.subject: [] for row in part}
            for event in BookEvent.objects.filter(subject__in=chains).order_by("subject", "seq"):
                chains[event.subject].append(event)
            for row in part:
                chain = chains[row.subject]
                rows, events = rows + 1, events + len(chain)
                broken += check(row, chain)
        broken += _orphans(kind.model)
    return rows, events, broken


def _orphans(model: Any) -> Iterator[Fault]:
    """Events whose row is no longer there."""
    prefix = f"{model._meta.model_name}:"
    told = BookEvent.objects.filter(subject__startswith=prefix).order_by().values_list("subject", flat=True).distinct()
    there = {prefix + code for code in model.objects.values_list("code", flat=True)}
    for subject in sorted(set(told) - there):
        yield {"case": subject, "seq": None, "what": "missing", "detail": ""}


def check(row: Any, chain: list[BookEvent]) -> list[Fault]:
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


def heads() -> Heads:
    """The heads of all chains, by the name of the row."""
    return {
        f"{kind.model._meta.model_name}:{code}": [version, head]
        for kind in KINDS.values()
        for code, version, head in kind.model.objects.order_by("code").values_list("code", "version", "head")
    }


def known(keys: Iterable[str]) -> dict[tuple[str, int], str]:
    """The hashes of the events of these chains, by key and version."""
    ours = {kind.model._meta.model_name for kind in KINDS.values()}
    subjects = [key for key in keys if key.partition(":")[0] in ours]
    found: dict[tuple[str, int], str] = {}
    for start in range(0, len(subjects), BATCH):
        rows = BookEvent.objects.filter(subject__in=subjects[start : start + BATCH])
        found.update({(subject, seq): digest for subject, seq, digest in rows.values_list("subject", "seq", "hash")})
    return found


BOOK = Book("sanitation", verify, heads, known)
