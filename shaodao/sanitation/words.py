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


class Door(TextChoices):
    """The ways by which fixes of vehicles come in."""

    HTTP = "http", _("HTTP 接口")
    MQTT = "mqtt", "MQTT"
    FILE = "file", _("文件")


class TrackFault(TextChoices):
    """Why a fix is left out."""

    NO_NAME = "no_name", _("没有写车辆或终端")
    UNKNOWN = "unknown", _("台账里没有这个车辆或终端")
    FOREIGN = "foreign", _("令牌属于另一个终端")
    TWO_VEHICLES = "two_vehicles", _("终端装在另一辆车上")
    NO_TIME = "no_time", _("时间读不出来")
    FUTURE = "future", _("时间在将来，请校准终端时钟")
    OLDEST = "oldest", _("太早，超过可补传的天数")
    NO_POSITION = "no_position", _("经纬度不是数字，或超出范围")
    SWAPPED = "swapped", _("经度和纬度像是写反了")
    NO_OBJECT = "no_object", _("不是一条定位")
    DATUM = "datum", _("没有这个坐标系")


class TrackMark(TextChoices):
    """A value that could not be, of a fix that is kept without it."""

    SPEED = "speed", _("速度不对，未采用")
    HEADING = "heading", _("方向不对，未采用")
    WORKING = "working", _("作业信号读不懂，未采用")


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


class LegSaid(TextChoices):
    DONE = "done", _("做完")
    SKIPPED = "skipped", _("没做")


class SkipReason(TextChoices):
    CLOSED = "closed", _("封路或施工")
    PARKED = "parked", _("路边停满车")
    BROKEN = "broken", _("车坏了")
    WATER = "water", _("没水了")
    WEATHER = "weather", _("天气")
    TIME = "time", _("来不及")
    OTHER = "other", _("其他（写在说明里）")
