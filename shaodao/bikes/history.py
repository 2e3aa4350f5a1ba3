"""The chains of operators, checked: `audit verify` and the daily anchor (cases/history.py) call this through the book."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Prefetch

from shaodao.bikes.actions.record import content_of
from shaodao.bikes.models import Operator, OperatorEvent, OperatorPaper
from shaodao.foundation.chain import Book, Heads, name_of, plain, tracked, walk

Fault = dict[str, Any]


def verify() -> tuple[int, int, list[Fault]]:
    """(operators, events, what is broken): hashes, sequence, and a present that the events do not explain."""
    rows = Operator.objects.select_related("organisation").prefetch_related(
        Prefetch("events", OperatorEvent.objects.order_by("seq")),
        Prefetch("papers", OperatorPaper.objects.order_by("pk")),
    )
    operators = events = 0
    broken: list[Fault] = []
    for operator in rows:
        chain = list(operator.events.all())
        operators, events = operators + 1, events + len(chain)
        broken += check(operator, chain)
    return operators, events, broken


def check(operator: Operator, chain: list[OperatorEvent]) -> list[Fault]:
    """Faults of one operator's chain, in the words of cases/history.py."""
    state, found = walk(chain, content_of, operator.version, operator.head)
    if not any(what == "gap" for _seq, what, _detail in found):
        found += [(None, "projection", detail) for detail in _unexplained(operator, state)]
    code = operator.organisation.code
    return [{"case": code, "seq": seq, "what": what, "detail": detail} for seq, what, detail in found]


def _unexplained(operator: Operator, state: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Where the rows as they stand differ from the fold of the events."""
    present: dict[str, Any] = {name_of(row): row for row in (operator, *operator.papers.all())}
    yield from (f"{name} is missing" for name in sorted(state.keys() - present.keys()))
    for name, row in present.items():
        told = state.get(name)
        if told is None:
            yield f"{name} is unexplained"
            continue
        values = tracked(row).items()
        yield from (f"{name}.{field}" for field, value in values if value != told.get(field, _untold(row, field)))


def _untold(row: Any, field: str) -> Any:
    """What a tracked field must be that no event names: its default (a later version may have given it one)."""
    column = {f.attname: f for f in row._meta.concrete_fields}.get(field)
    return plain(column.get_default()) if column is not None else ""


def heads() -> Heads:
    """The heads of all operators' chains: they are few."""
    rows = Operator.objects.filter(version__gt=0).order_by("pk").values_list("pk", "version", "head")
    return {f"operator:{pk}": [version, head] for pk, version, head in rows}


def known(keys: Iterable[str]) -> dict[tuple[str, int], str]:
    """The hashes of the events of these chains, by key and version."""
    ids = [int(key.removeprefix("operator:")) for key in keys if key.startswith("operator:")]
    rows = OperatorEvent.objects.filter(operator__in=ids).values_list("operator_id", "seq", "hash")
    return {(f"operator:{pk}", seq): digest for pk, seq, digest in rows}


BOOK = Book("operators", verify, heads, known)
