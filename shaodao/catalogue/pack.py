"""The catalogue of a pack: schemes, categories, conditions, attributes and the map between schemes."""

from shaodao.catalogue import tables
from shaodao.catalogue.tables import Tables
from shaodao.foundation.pack import Pack, Part, register
from shaodao.foundation.tables import Problem
from shaodao.organisations.pack import ORGANISATIONS


def read(pack: Pack) -> Tables:
    """The pack's catalogue as typed rows."""
    return Tables(
        pack.table(tables.SCHEMES),
        pack.table(tables.CATEGORIES),
        pack.table(tables.CONDITIONS),
        pack.table(tables.ATTRIBUTES),
        pack.table(tables.MAP),
    )


def check(pack: Pack) -> list[Problem]:
    return tables.check(read(pack), {row["code"] for row in pack.table(ORGANISATIONS)})


def counts(pack: Pack) -> dict[str, int]:
    return read(pack).counts()


def load(pack: Pack) -> None:
    tables.write(read(pack))


register(Part("catalogue", 40, check, counts, load))
