"""The words of findings: which rule found it, where it lies, how it stands."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Rule(TextChoices):
    OVER_CAPACITY = "over_capacity", _("点位超容")
    CLUSTER = "cluster", _("点位外聚集")
    NO_PARKING = "no_parking", _("禁停区停放")
    IDLE = "idle", _("长期闲置")
    OVER_QUOTA = "over_quota", _("超出配额")


class PlaceKind(TextChoices):
    BAY = "bay", _("停放点位")
    ZONE = "zone", _("电子围栏")
    CLUSTER = "cluster", _("聚集处")
    VEHICLE = "vehicle", _("车辆")
    DISTRICT = "district", _("全区")


class FindingState(TextChoices):
    OPEN = "open", pgettext_lazy("finding", "未立案")
    FILED = "filed", pgettext_lazy("finding", "已立案")
    CLEARED = "cleared", pgettext_lazy("finding", "已消除")


LIVE = (FindingState.OPEN, FindingState.FILED)
