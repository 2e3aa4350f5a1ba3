"""The words of the sanitation book: kinds of service, of vehicle, of bin; what a service is measured over."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ServiceKind(TextChoices):
    FLUSH = "flush", _("清洗")
    SPRINKLE = "sprinkle", _("洒水")
    MIST = "mist", _("雾化")
    SWEEP = "sweep", _("普扫")
    PAVEMENT_WASH = "pavement_wash", _("人行道清洗")
    DUST_REMOVAL = "dust_removal", _("吸尘")


class Scope(TextChoices):
    """Which of a segment's areas a service covers."""

    TOTAL = "total", _("全部面积")
    CARRIAGEWAY = "carriageway", _("车行道")
    PAVEMENT = "pavement", _("人行道")


class VehicleType(TextChoices):
    WASHER = "washer", _("清洗车")
    SPRINKLER = "sprinkler", _("洒水车")
    MISTER = "mister", _("雾炮车")
    SWEEPER = "sweeper", _("扫路车")
    PAVEMENT_WASHER = "pavement_washer", _("人行道清洗车")
    SUCTION = "suction", _("吸尘车")


class Energy(TextChoices):
    DIESEL = "diesel", _("柴油")
    GAS = "gas", _("天然气")
    ELECTRIC = "electric", _("纯电动")


class RoadClass(TextChoices):
    """In the order in which roads are served: what comes first is cut last."""

    TRUNK = "trunk", _("主干道")
    SECONDARY = "secondary", _("次干道")
    BRANCH = "branch", _("支路")
    LANE = "lane", _("街巷")


class BinType(TextChoices):
    LITTER = "litter", _("果皮箱")
    SORTED = "sorted", _("分类果皮箱")
    CONTAINER = "container", pgettext_lazy("bin", "垃圾桶")


class ColdBasis(TextChoices):
    AIR = "air", _("气温")
    GROUND = "ground", _("地温")


# What OpenStreetMap calls a highway, as one of our classes.
HIGHWAYS = {
    "motorway": RoadClass.TRUNK, "trunk": RoadClass.TRUNK, "primary": RoadClass.TRUNK,
    "secondary": RoadClass.SECONDARY, "tertiary": RoadClass.SECONDARY, "unclassified": RoadClass.BRANCH,
    "residential": RoadClass.BRANCH, "living_street": RoadClass.LANE, "service": RoadClass.LANE,
    "pedestrian": RoadClass.LANE,
}  # fmt: skip


class PlanState(TextChoices):
    DRAFT = "draft", _("草稿")
    PUBLISHED = "published", _("已发布")
    REPLACED = "replaced", _("已被替换")
    WITHDRAWN = "withdrawn", _("已撤回")


class LegKind(TextChoices):
    SERVICE = "service", _("作业")
    MOVE = "move", _("转场")
    FILL = "fill", _("加水")
    BREAK = "break", _("休息")
    WAIT = "wait", _("等待")


class BinTask(TextChoices):
    WIPE = "wipe", _("擦拭")
    EMPTY = "empty", _("清掏")
    DISINFECT = "disinfect", _("消毒")
    LOOK = "look", _("只查看")


class BinTrouble(TextChoices):
    FULL = "full", _("满溢")
    DAMAGED = "damaged", _("破损")
    MISSING = "missing", _("不见了")
