"""The tables of a book as kinds: which columns a file, a form or a pack may fill, and what their text means.

    TEAM = Kind("team", models.Team, _("班组"), (col("people", integer(0, 999), _("人数")),), listed=("people",))
    ROOM = Room("sanitation", (TEAM,), models.BookEvent, may_edit=…, may_enter=…, home="sanitation_book")

One description for all doors: `foundation/tables.py` parses a pack's CSV, `files.py` Excel, `forms.py` draws, `actions.py` writes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from shaodao.cases.actions import Actor
from shaodao.cases.facts import ActorFacts
from shaodao.foundation.tables import Bad, Column, TableSpec, boolean, number, text

LONGEST_CODE = 60


def code_of(value: str) -> str:
    """A code: printable, without blanks at its ends, without a slash (it is part of addresses)."""
    if not value.isprintable() or "/" in value:
        raise Bad(_now("编码只能是可见字符，且不含斜杠"))
    return text(LONGEST_CODE)(value)


def bounded(least: float, most: float) -> Callable[[str], float]:
    """A number within bounds, both included."""

    def parse(value: str) -> float:
        found = number(least=least)(value)
        if found > most:
            raise Bad(_now("%(v)s 太大") % {"v": value}, _now("不大于 %(n)g") % {"n": most})
        return float(found)

    return parse


def show(value: Any) -> str:
    """A kept value as a form or a file writes it; what `parse` of its column takes back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def col(name: str, parse: Any, label: Any, *, required: bool = True, default: Any = "", show: Any = show) -> Column:
    """A column; where it is not required, `default` is what an empty cell means."""
    return Column(name, parse, required, default, label, show)


NAMES = (
    Column("name", text(100), required=False, label=_("名称")),
    Column("name_en", text(150), required=False, label=_("英文名称")),
)
LON = col("lon", bounded(-180, 180), _("经度（WGS-84）"))
LAT = col("lat", bounded(-90, 90), _("纬度（WGS-84）"))


@dataclass(frozen=True, eq=False)
class Kind:
    """A table of the book.

    columns: besides code, names, mark and source. refs: columns that name the code of a row of another kind, or of one
    of the room's outer tables; they are kept as foreign keys. options: choices of a column, for the form. check: what is
    wrong with a whole row, by column. listed: the columns that a list shows. helps: what a form says under a field.
    code_from: the code where it follows from the values (nobody types it), and `key` the columns that make it.
    by_file: what only a file of another kind sets (a segment's road and length): shown, exported, passed over by an
    import; rows of such a kind are not made on a page. labels: of fields that are no columns. order: of a list.
    editors: who may write this kind where it is not the room's `may_edit`.
    """

    name: str
    model: Any
    label: Any
    columns: tuple[Column, ...]
    refs: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    check: Callable[[dict[str, Any]], dict[str, str]] = lambda _values: {}
    listed: tuple[str, ...] = ()
    helps: dict[str, Any] = field(default_factory=dict)
    code_from: Callable[[dict[str, Any]], str] | None = None
    key: tuple[str, ...] = ("code",)
    by_file: dict[str, str] = field(default_factory=dict)  # name -> the kind it refers to, "" for a plain value
    labels: dict[str, Any] = field(default_factory=dict)
    order: tuple[str, ...] = ("code",)
    editors: Callable[[Actor], bool] | None = None

    @property
    def room(self) -> "Room":
        return _rooms[self]

    @property
    def all_refs(self) -> dict[str, str]:
        """Fields that are other rows: those of the columns, and those that only a file sets."""
        return {**self.refs, **{name: to for name, to in self.by_file.items() if to}}

    @property
    def everything(self) -> tuple[Column, ...]:
        """Every column that a form or a file may fill, but the code."""
        return (*NAMES, *self.columns)

    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.everything)

    def column(self, name: str) -> Column | None:
        return next((c for c in self.everything if c.name == name), None)

    def target(self, name: str) -> "Kind | Outer":
        """What a reference leads to."""
        return self.room.target(self.all_refs[name])

    def spec(self, file: str) -> TableSpec:
        """As a CSV table of a pack; a row without a column of names carries them too."""
        own = (
            Column("code", code_of, label=_("编码")),
            *self.everything,
            Column("illustrative", boolean, required=False, default=False),
            Column("source", text(300), required=False),
        )
        return TableSpec(file, own, key=("code",), required=False)


@dataclass(frozen=True, eq=False)
class Outer:
    """A table below this floor that rows refer to by code: organisations, places. Its model has code, name, active."""

    name: str
    model: Any
    label: Any


@dataclass(eq=False)
class Room:
    """Who keeps a book, and how its pages are called.

    name: of the app; addresses are `<name>_list`, `<name>_row` …, lines of the log `<name>.<kind>.<what>`.
    kinds: those that others refer to come first: a pack is loaded in this order, and retired in the reverse one.
    events: the model of its events. home: the address of the page above the lists. tabs: a template with the room's tabs.
    around: the map of a row's page as GeoJSON, or None. more: further facts of a row's page as `shown.Cell`s.
    buttons: further buttons of a list as (address, icon, words), for who may write. visible: the rows of a list that an
    actor may see; a row's own page asks it too.
    """

    name: str
    kinds: tuple[Kind, ...]
    events: Any
    may_edit: Callable[[Actor], bool]
    may_enter: Callable[[ActorFacts], bool]
    home: str = ""
    tabs: str = ""
    outer: tuple[Outer, ...] = ()
    around: Callable[[Kind, Any], Any] = lambda _kind, _row: None
    more: Callable[[Kind, Any], list[Any]] = lambda _kind, _row: []
    buttons: Callable[[Kind], Iterable[tuple[str, str, Any]]] = lambda _kind: ()
    visible: Callable[[Kind, Any, Actor], Any] = lambda _kind, rows, _actor: rows

    def __post_init__(self) -> None:
        self.by_name = {kind.name: kind for kind in self.kinds}
        _rooms.update(dict.fromkeys(self.kinds, self))

    def target(self, name: str) -> Kind | Outer:
        return self.by_name.get(name) or next(outer for outer in self.outer if outer.name == name)

    def edits(self, kind: Kind, actor: Actor) -> bool:
        """May the actor write rows of this kind?"""
        return (kind.editors or self.may_edit)(actor)


_rooms: dict[Kind, Room] = {}
