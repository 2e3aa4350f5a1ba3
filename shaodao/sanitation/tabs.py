"""The pages of this room as tabs: one list, in the order in which they are shown: the day stands first."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

TABS: tuple[tuple[str, Any], ...] = (
    ("sanitation", _("当日")),
    ("sanitation_plans", pgettext_lazy("many", "计划")),
    ("sanitation_feasibility", _("做不做得完")),
    ("sanitation_findings", _("作业问题")),
    ("sanitation_review", _("待人工判断")),
    ("sanitation_reports", _("月报")),
    ("sanitation_inspections", _("质量抽查")),
    ("sanitation_bins", pgettext_lazy("many", "果皮箱")),
    ("sanitation_tracks", _("轨迹")),
    ("sanitation_book", _("台账")),
)
KEEPERS = frozenset({"sanitation_tracks"})
"""(name of the address, label). A page belongs to the tab whose address its own begins with; the longest wins.
Those in KEEPERS only for who keeps the book."""


def tabs(path: str, keeper: bool) -> list[dict[str, Any]]:
    """{label, url, active} of each tab on the page at `path`."""
    urls = [(reverse(name), label) for name, label in TABS if keeper or name not in KEEPERS]
    active = max((url for url, _label in urls if path.startswith(url)), key=len, default="")
    return [{"label": label, "url": url, "active": url == active} for url, label in urls]
