"""A book's part of a pack: rows as drafts, references checked, and a load that leaves alone what a person has written.

FILES = {"duties/lists.csv": LIST, …}
problems = check_files(pack, ROOM, FILES)
load(ROOM, {kind: drafts(kind, pack.table(kind.spec(file)), file) for file, kind in FILES.items()})
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils.translation import gettext as _

from shaodao.book import actions, queries
from shaodao.book.actions import Draft
from shaodao.book.kinds import Kind, Room
from shaodao.cases.actions import Actor
from shaodao.foundation.pack import Pack
from shaodao.foundation.tables import Problem, Row


def check(kind: Kind, rows: Iterable[Row], known: Mapping[str, set[str]]) -> Iterator[Problem]:
    """Faults of whole rows: what a reference names is among `known` (codes by kind; a kind that is not in it is not looked
    at), and what the kind itself says of a row."""
    for row in rows:
        for name, other in kind.refs.items():
            if row.get(name) and other in known and row[name] not in known[other]:
                hint = _("先在“%(k)s”的文件里写上它") % {"k": kind.target(name).label}
                yield row.problem(name, _("没有编码为“%(c)s”的一行") % {"c": row[name]}, hint)
        if all(row.get(c.name) not in ("", None) for c in kind.columns if c.required):
            yield from (row.problem(column, what) for column, what in kind.check(row).items())


def drafts(kind: Kind, rows: Iterable[Row], file: str) -> list[Draft]:
    """Rows of a pack's table as they are to be; the file is the source of those that name none."""
    return [
        Draft(row["code"], {n: row[n] for n in kind.names()}, row["illustrative"], row["source"] or file)
        for row in rows
    ]


def check_files(
    pack: Pack, room: Room, files: Mapping[str, Kind], outer: Mapping[str, set[str]] | None = None
) -> list[Problem]:
    """Faults of the tables of a room that come from CSV files; `outer`: codes of the tables below it, by name."""
    tables = {kind: pack.table(kind.spec(file)) for file, kind in files.items()}
    known = {kind.name: {row["code"] for row in rows} for kind, rows in tables.items()} | dict(outer or {})
    return [problem for kind, rows in tables.items() for problem in check(kind, rows, known)]


def load(room: Room, wanted: Mapping[Kind, Sequence[Draft]]) -> None:
    """Write what a pack says, all kinds in the room's order; rows that only packs have and that this one does not name are
    taken away; what a person has written since stays as they left it."""
    system = Actor.system()
    gone: list[tuple[Kind, list[object]]] = []
    written, packed = queries.hands(room)
    for kind in room.kinds:
        if kind not in wanted:
            continue
        found = [draft for draft in wanted[kind] if kind.model(code=draft.code).subject not in written]
        named = {draft.code for draft in found}
        there = kind.model.objects.filter(active=True)
        gone.append((kind, [row for row in there if row.subject in packed and row.code not in named]))
        if found:
            actions.bring_in(kind, found, system, reason=queries.PACK, logged=False)
    for kind, rows in reversed(gone):
        if rows:
            actions.retire(kind, rows, system, queries.PACK)
