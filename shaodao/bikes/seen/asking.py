"""What a page or a call asks for, from its address; and the address that asks for something."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from shaodao.bikes.models import Bay
from shaodao.bikes.seen import filling
from shaodao.bikes.seen.present import Wanted
from shaodao.bikes.seen.words import GROUPS, Mark, SeenAs

NAMES = ("operator", "street", "community", "bay", "group", "zone", "class", "mark", "q")


def text(given: Mapping[str, str] | QueryDict, name: str) -> str:
    """A value of the address, fit for a query: no control characters, at most 100 letters."""
    return "".join(c for c in given.get(name, "") if c >= " ").strip()[:100]


def wanted(given: Mapping[str, str] | QueryDict) -> Wanted:
    """A filter. Words that are none are left out; codes that nobody has stay and find nothing."""
    value = {name: text(given, name) for name in NAMES}
    seen = value["class"] if value["class"] in GROUPS or value["class"] in SeenAs.values else ""
    mark = value["mark"] if value["mark"] in Mark.values else ""
    bays = None
    if value["group"]:
        bays = tuple(Bay.objects.filter(code__in=filling.members(value["group"])).values_list("pk", flat=True))
    return Wanted(
        value["operator"],
        value["street"],
        value["community"],
        value["bay"],
        value["zone"],
        seen,
        mark,
        value["q"],
        bays,
    )


def query(**values: Any) -> str:
    """`?…` with what is not empty; `class_` is written `class`."""
    found = {name.rstrip("_"): value for name, value in values.items() if value not in ("", None)}
    return f"?{urlencode(found)}" if found else "?"


def number_query(name: str, **values: Any) -> str:
    """The address of the vehicles behind a number that `Tally.number` calls `name`."""
    return query(**values, **({"mark": name} if name in Mark.values else {"class_": name}))


def class_choices() -> list[tuple[str, Any]]:
    """(word of the address, label) of every class and group of classes."""
    sums = [(name, label) for name, (_classes, label) in GROUPS.items()]
    return [*sums, *SeenAs.choices]


def label_of(name: str) -> str:
    """What a class, a group of classes or a mark is called."""
    if name in GROUPS:
        return str(GROUPS[name][1])
    if name in Mark.values:
        return str(Mark(name).label)
    return str(SeenAs(name).label) if name in SeenAs.values else _("全部")
