"""The words of shared-bike operators: how an application stands, what became of a paper, what a vehicle is."""

from enum import IntFlag

from django.db.models import TextChoices
from django.utils.translation import gettext as _now
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


class ZoneKind(TextChoices):
    """In the words of GBFS geofencing zones and MDS policy."""

    NO_PARKING = "no_parking", _("禁停区")
    NO_RIDING = "no_riding", _("禁行区")
    QUOTA = "quota", _("限量区")


class Source(TextChoices):
    """The door that positions came through."""

    GBFS = "gbfs", "GBFS"
    MDS = "mds", "MDS"
    MQTT = "mqtt", "MQTT"
    FILE = "file", _("文件")


class FeedState(TextChoices):
    """MDS vehicle states, as feeds say them."""

    AVAILABLE = "available", _("可用")
    RESERVED = "reserved", _("已预约")
    ON_TRIP = "on_trip", _("骑行中")
    NON_OPERATIONAL = "non_operational", _("不可用")
    NON_CONTACTABLE = "non_contactable", _("失联")
    REMOVED = "removed", _("已收回")
    MISSING = "missing", _("已丢失")
    ELSEWHERE = "elsewhere", _("在区外")
    UNKNOWN = "unknown", _("未说明")
    GONE = "gone", _("已不在数据源")  # ours: a feed that lists all its vehicles does not list it any more


RIDDEN = (FeedState.ON_TRIP,)  # where it is is a person's way: reduced in precision, kept for hours, judged by nothing
ABSENT = (FeedState.REMOVED, FeedState.MISSING, FeedState.ELSEWHERE, FeedState.GONE)  # not in the street


class Flag(IntFlag):
    """What is odd about a position that was kept. The numbers are stored and must not change."""

    TELEPORT = 1  # farther than anybody could have carried it
    OUTSIDE = 2  # outside the district
    LATE = 4  # older than one that was there before
    STALE = 8  # long on its way


def flag_labels() -> dict[str, str]:
    """Words for each mark, by its code in counts."""
    return {
        "teleport": _now("位移过快"),
        "outside": _now("在区外"),
        "late": _now("次序颠倒"),
        "stale": _now("到得太晚"),
    }


class Reason(TextChoices):
    """Why a position was not taken in; the first that applies."""

    NO_ID = "no_id", _("没有可用的车辆编号")
    LONG_ID = "long_id", _("车辆编号超过 100 个字符")
    NO_TIME = "no_time", _("没有时间，或看不懂")
    FUTURE = "future", _("时间在将来")
    OLDEST = "oldest", _("时间太久以前")
    NO_POSITION = "no_position", _("没有经纬度，或超出范围")
    NULL_ISLAND = "null_island", _("坐标为 0, 0")
    DUPLICATE = "duplicate", _("重复：同一辆车同一时刻已收到")
    BAD_FIELD = "bad_field", _("缺少必填项，或某项不是应有的形式")
    UNREGISTERED = "unregistered", _("车辆没有登记")


LATENCY = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
"""Upper edges in seconds of the histogram in FeedQuality.latency; one more class holds what was longer on its way."""
