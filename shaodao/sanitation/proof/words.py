"""The words of a proof: how a pass stands, what is wrong with it, how a finding stands."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PassState(TextChoices):
    DONE = "done", _("完成")
    SHORT = "short", _("不足")
    UNSURE = "unsure", _("无法判断")
    MISSING = "missing", _("漏做")
    PENDING = "pending", _("未到时")


class Kind(TextChoices):
    """What is not in order with a pass."""

    MISSED = "missed", _("漏做")
    SHORT = "short", _("不足")
    DRY = "dry", _("没有开水泵或刷子")
    TOO_FAST = "too_fast", _("作业超速")
    LATE = "late", _("迟做")
    PEAK = "peak", _("高峰时段作业")


MENDED = (Kind.MISSED, Kind.SHORT, Kind.DRY, Kind.TOO_FAST)
"""What a make-up pass puts right; that something was done too late, or in a peak, stays so."""


class FindingState(TextChoices):
    OPEN = "open", pgettext_lazy("finding", "未立案")
    FILED = "filed", pgettext_lazy("finding", "已立案")
    CLEARED = "cleared", pgettext_lazy("finding", "已消除")
