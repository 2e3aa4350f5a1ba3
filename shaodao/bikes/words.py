"""The words of shared-bike operators: how an application stands, what became of a paper, what a vehicle is."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OperatorState(TextChoices):
    DRAFT = "draft", _("未提交")
    SUBMITTED = "submitted", _("审查中")
    ASKED = "asked", _("待补充")
    ADMITTED = "admitted", _("已准入")
    SUSPENDED = "suspended", _("已暂停")
    REFUSED = "refused", _("未准入")
    WITHDRAWN = "withdrawn", _("已退出")
    EXPIRED = "expired", _("已到期")


APPLYING = (OperatorState.DRAFT, OperatorState.SUBMITTED, OperatorState.ASKED)
IN_FORCE = (OperatorState.ADMITTED, OperatorState.SUSPENDED)  # whose quota counts against the district's ceiling
ENDED = (OperatorState.REFUSED, OperatorState.WITHDRAWN, OperatorState.EXPIRED)


class PaperState(TextChoices):
    SENT = "sent", _("待审查")
    ACCEPTED = "accepted", pgettext_lazy("paper", "已通过")
    MORE = "more", _("需补充")
    REPLACED = "replaced", _("已被替换")


class VehicleKind(TextChoices):
    BICYCLE = "bicycle", _("自行车")
    EBIKE = "ebike", _("电动自行车")


class VehicleState(TextChoices):
    ACTIVE = "active", _("投放中")
    MAINTENANCE = "maintenance", _("维修中")
    SCRAPPED = "scrapped", _("已报废")
    LOST = "lost", _("已丢失")


# MDS counts a vehicle against a cap while it may stand in the street; what is scrapped or lost does not.
COUNTED = (VehicleState.ACTIVE, VehicleState.MAINTENANCE)
