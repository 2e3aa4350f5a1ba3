"""What a vehicle is seen as. Each vehicle is exactly one of `SeenAs`; `Mark` may be true of it beside that."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SeenAs(TextChoices):
    IN_BAY = "in_bay", _("点位内")
    NEAR_BAY = "near_bay", _("点位边")
    OUTSIDE = "outside", _("点位外")
    ZONE = "zone", _("禁停区内")
    UNCERTAIN = "uncertain", _("不确定")
    SILENT = "silent", _("失联")
    IN_USE = "in_use", _("骑行中")
    AWAY = "away", _("区外")
    GONE = "gone", _("不在街面")


ORDER = (SeenAs.IN_BAY, SeenAs.NEAR_BAY)
JUDGED = (*ORDER, SeenAs.OUTSIDE, SeenAs.ZONE)
"""Parked, and known for certain how: what a share in order is a share of."""
PARKED = (*JUDGED, SeenAs.UNCERTAIN)
HERE = (*PARKED, SeenAs.SILENT, SeenAs.IN_USE)
"""In the district: what counts against a quota (MDS: all but removed, missing, elsewhere)."""

GROUPS = {
    "here": (HERE, _("在区")),
    "parked": (PARKED, _("停着")),
    "judged": (JUDGED, _("能判定")),
    "order": (ORDER, _("有序")),
}
"""Several classes under one name, for the lists behind sums."""


class Mark(TextChoices):
    VIOLATION = "violation", _("违停")
    IDLE = "idle", _("闲置")


def classes_of(name: str) -> tuple[str, ...]:
    """The classes that a word of the address stands for; () where it is no such word."""
    if name in GROUPS:
        return tuple(c.value for c in GROUPS[name][0])
    return (name,) if name in SeenAs.values else ()
