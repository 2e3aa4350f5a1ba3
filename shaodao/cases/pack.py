"""The loop's part of a pack: texts.csv, the district's own words for reasons and replies, offered in the forms."""

import re

from django.utils.translation import gettext as _

from shaodao.cases.lifecycle import TRANSITIONS
from shaodao.cases.models import Wording
from shaodao.foundation.pack import Pack, Part, register
from shaodao.foundation.sync import retire, sync
from shaodao.foundation.tables import Bad, Column, Problem, TableSpec, choice, text

ACTIONS = [t.action for t in TRANSITIONS if any(f.kind == "wording" for f in t.fields)]


def _code(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,29}", value):
        raise Bad(_("编码“%(v)s”不对") % {"v": value}, _("用 1 至 30 个小写字母、数字、下划线"))
    return value


TEXTS = TableSpec(
    "texts.csv",
    (
        Column("action", choice(ACTIONS)),
        Column("code", _code),
        Column("title", text(60)),
        Column("title_en", text(100), required=False),
        Column("text", text(500)),
        Column("text_en", text(500), required=False),
    ),
    key=("action", "code"),
    required=False,
)


def check(pack: Pack) -> list[Problem]:
    pack.table(TEXTS)
    return []


def counts(pack: Pack) -> dict[str, int]:
    return {"texts": len(pack.table(TEXTS))}


def load(pack: Pack) -> None:
    """A text that the pack no longer has is no longer offered; events keep the code and title that they were given."""
    rows = [{**row, "seq": seq, "active": True} for seq, row in enumerate(pack.table(TEXTS), 1)]
    retire(sync(Wording, rows, ("action", "code")).gone)


register(Part("cases", 50, check, counts, load))
