"""The pages of this room as tabs: one list, in the order in which they are shown: what is wrong now stands first."""

from collections.abc import Set
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

TABS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("bikes_now", (), _("当前")),
    ("bikes_map", (), _("地图")),
    ("bikes_findings", (), _("问题发现")),
    ("bikes_spot_checks", (), _("现场清点")),
    ("bikes_rebalancing", (), _("调度建议")),
    ("bikes", (), pgettext_lazy("tab", "运营企业")),
    ("bikes_shapes", ("bays",), pgettext_lazy("many", "停放点位")),
    ("bikes_shapes", ("zones",), pgettext_lazy("many", "电子围栏")),
    ("bikes_reports", (), _("日报")),
    ("bikes_scores", (), _("考核得分")),
    ("bikes_parameters", (), _("参数")),
)
"""(name of the address, its arguments, label). A page belongs to the tab whose address its own begins with; the longest wins."""


ONLY = {"bikes_rebalancing": frozenset({"headquarters", "department", "operator"})}
"""Tabs that only these posts can open; of departments nobody but the reviewing one gets into this room."""


def tabs(path: str, roles: Set[str]) -> list[dict[str, Any]]:
    """{label, url, active} of each tab on the page at `path`, for somebody with posts of these roles."""
    mine = [tab for tab in TABS if tab[0] not in ONLY or ONLY[tab[0]] & roles]
    urls = [(reverse(name, args=args), label) for name, args, label in mine]
    active = max((url for url, _label in urls if path.startswith(url)), key=len, default="")
    return [{"label": label, "url": url, "active": url == active} for url, label in urls]
