"""The tables of the sanitation book as kinds (`shaodao/book`): which columns a file, a form or a pack may fill."""

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shaodao.book.kinds import LAT, LON, Kind, bounded, code_of, col
from shaodao.foundation.tables import Bad, Column, choice, integer, text
from shaodao.foundation.tables import day as a_day
from shaodao.kernel.datum import DATUMS
from shaodao.sanitation import models as m
from shaodao.sanitation.hours import parse_spans, parse_windows, said
from shaodao.sanitation.words import BinType, ColdBasis, Energy, RoadClass, Scope, ServiceKind, VehicleType


def months(value: str) -> list[int]:
    """4-10, or 11-3 over the new year, or 1,2,12: the months of the year."""
    found: set[int] = set()
    for part in value.replace("，", ",").split(","):
        first, dash, last = part.strip().partition("-")
        try:
            begin, end = int(first), int(last if dash else first)
        except ValueError:
            begin = end = 0
        if not (1 <= begin <= 12 and 1 <= end <= 12):
            raise Bad(_now("“%(v)s”不是月份") % {"v": part.strip()[:20]}, _now("写作 4-10 或 11-3"))
        found |= set(range(begin, end + 1)) if begin <= end else {*range(begin, 13), *range(1, end + 1)}
    return sorted(found)


def say_months(found: list[int]) -> str:
    return ",".join(map(str, found))


SPANS_HELP = _("写作 07:00-09:00，多段用分号隔开")


def _spans(name: str, label: Any, *, required: bool = False) -> Column:
    return col(name, parse_spans, label, required=required, default=[], show=said)


def _check_mode(v: dict[str, Any]) -> dict[str, str]:
    errors = {}
    if not v["runs"] and not v["swath_m"] > 0:
        errors["swath_m"] = _now("没有写每趟跑几次时，要有作业宽度")
    if v["windows"] and sum(w[2] for w in v["windows"]) != v["passes"]:
        total = sum(w[2] for w in v["windows"])
        errors["windows"] = _now("各时段的遍数合计 %(n)d，应等于每天遍数 %(p)d") % {"n": total, "p": v["passes"]}
    return errors


def _check_maintenance(v: dict[str, Any]) -> dict[str, str]:
    return {"last_day": _now("应不早于起始日")} if v["last_day"] < v["first_day"] else {}


def _check_segment(v: dict[str, Any]) -> dict[str, str]:
    parts = v["carriageway_m2"] + v["pavement_m2"] + v["verge_m2"]
    if parts > v["total_m2"] * 1.001 + 0.1:
        said_ = {"p": f"{parts:.0f}", "t": f"{v['total_m2']:.0f}"}
        return {"total_m2": _now("车行道、人行道、绿化带合计 %(p)s 平方米，多于总面积 %(t)s") % said_}
    return {}


def _check_weather(v: dict[str, Any]) -> dict[str, str]:
    return {"code": _now("编码应为 %(c)s") % {"c": c}} if v.get("code") not in ("", None, c := weather_code(v)) else {}


def weather_code(v: dict[str, Any]) -> str:
    return f"{v['day'].isoformat()}T{v['hour']:02}"


AREA = bounded(0, 1e8)
ROAD = Kind(
    "road", m.Road, _("道路"),
    (col("road_class", choice(RoadClass.values), _("等级"), required=False, default="trunk"),),
    options={"road_class": RoadClass.choices},
    listed=("road_class",),
)  # fmt: skip
SEGMENT = Kind(
    "segment", m.Segment, _("路段"),
    (
        col("lanes", integer(1, 12), _("车道数"), required=False, default=1),
        col("total_m2", AREA, _("总面积（平方米）"), required=False, default=0.0),
        col("carriageway_m2", AREA, _("车行道（平方米）"), required=False, default=0.0),
        col("pavement_m2", AREA, _("人行道（平方米）"), required=False, default=0.0),
        col("verge_m2", AREA, _("绿化带（平方米）"), required=False, default=0.0),
    ),
    check=_check_segment,
    listed=("road", "length_m", "total_m2", "carriageway_m2", "pavement_m2", "verge_m2"),
    by_file={"road": "road", "length_m": ""},
    labels={"road": _("道路"), "length_m": _("长度（米）"), "geometry": _("线形")},
)  # fmt: skip
MODE = Kind(
    "mode", m.ServiceMode, _("作业方式"),
    (
        col("kind", choice(ServiceKind.values), _("作业")),
        col("passes", integer(1, 24), _("每天几遍")),
        col("spacing_min", integer(0, 1440), _("两遍至少间隔（分钟）"), required=False, default=0),
        col("windows", parse_windows, _("作业时段（*遍数）"), required=False, default=[], show=said),
        _spans("peaks", _("避开的高峰")),
        col("months", months, _("月份"), required=False, default=[], show=say_months),
        col("vehicle_type", choice(VehicleType.values), _("用哪种车")),
        col("scope", choice(Scope.values), _("面积口径"), required=False, default="total"),
        col("runs", integer(0, 20), _("每幅路每遍跑几次（0：按宽度）"), required=False, default=0),
        col("swath_m", bounded(0, 200), _("作业宽度（米）"), required=False, default=0.0),
        col("traverses", integer(1, 20), _("同一条带重复几次"), required=False, default=1),
        col("speed_kmh", bounded(0.5, 80), _("作业速度（公里/小时）")),
        col("water_l_m2", bounded(0, 20), _("用水（升/平方米·次；0 为不用水）"), required=False, default=0.0),
        col("cold_c", bounded(-40, 20), _("低于多少度停止"), required=False, default=None),
        col("cold_basis", choice(ColdBasis.values), _("按气温还是地温"), required=False, default="air"),
        col("wind_level", integer(1, 12), _("几级风及以上停止"), required=False, default=None),
        col("priority", integer(1, 999), _("先后（小的先用车和水）"), required=False, default=100),
    ),
    options={"kind": ServiceKind.choices, "vehicle_type": VehicleType.choices, "scope": Scope.choices,
             "cold_basis": ColdBasis.choices},
    check=_check_mode,
    listed=("kind", "passes", "windows", "vehicle_type"),
    helps={"windows": _("写作 22:00-05:00*2; 09:00-12:00：星号后是这一段里的遍数；空着为全天"),
           "months": _("写作 4-10 或 11-3；空着为全年"), "peaks": SPANS_HELP},
)  # fmt: skip
DEPOT = Kind(
    "depot",
    m.Depot,
    _("车场"),
    (LON, LAT),
    listed=("lon", "lat"),
)
FILL = Kind(
    "fill", m.FillPoint, _("取水点"),
    (
        LON, LAT,
        col("flow_m3_min", bounded(0.01, 50), _("流量（立方米/分钟·位）")),
        col("bays", integer(1, 50), _("加水位"), required=False, default=1),
        _spans("hours", _("开放时间（空：全天）")),
    ),
    listed=("flow_m3_min", "bays", "hours"),
    helps=dict.fromkeys(('hours',), SPANS_HELP),
)  # fmt: skip
CREW = Kind(
    "crew", m.Crew, _("班组"),
    (
        col("depot", code_of, _("车场"), required=False, default=""),
        col("people", integer(0, 10_000), _("人数"), required=False, default=0),
        col("unit", text(20), _("归哪个单位（编码）"), required=False),
    ),
    refs={"depot": "depot"},
    listed=("depot", "people"),
)  # fmt: skip
SHIFT = Kind(
    "shift", m.Shift, _("班次"),
    (
        col("crew", code_of, _("班组")),
        _spans("hours", _("上班时间"), required=True),
        _spans("breaks", _("休息")),
    ),
    refs={"crew": "crew"},
    listed=("crew", "hours", "breaks"),
    helps=dict.fromkeys(('hours', 'breaks'), SPANS_HELP),
)  # fmt: skip
VEHICLE = Kind(
    "vehicle", m.Vehicle, _("车辆"),
    (
        col("type", choice(VehicleType.values), _("车型")),
        col("crew", code_of, _("班组"), required=False, default=""),
        col("tank_m3", bounded(0, 60), _("水箱（立方米）"), required=False, default=0.0),
        col("swath_m", bounded(0, 200), _("作业宽度（米）"), required=False, default=0.0),
        col("working_kmh", bounded(0.5, 80), _("作业速度（公里/小时）")),
        col("transfer_kmh", bounded(1, 120), _("转场速度（公里/小时）")),
        col("energy", choice(Energy.values), _("能源"), required=False, default="diesel"),
    ),
    refs={"crew": "crew"},
    options={"type": VehicleType.choices, "energy": Energy.choices},
    listed=("type", "crew", "tank_m3", "working_kmh", "energy"),
)  # fmt: skip
MAINTENANCE = Kind(
    "maintenance", m.Maintenance, _("检修"),
    (
        col("vehicle", code_of, _("车辆")),
        col("first_day", a_day, _("从哪天")),
        col("last_day", a_day, _("到哪天")),
    ),
    refs={"vehicle": "vehicle"}, check=_check_maintenance,
    listed=("vehicle", "first_day", "last_day"),
)  # fmt: skip
BOX = Kind(
    "box", m.Box, _("定位终端"),
    (
        col("vehicle", code_of, _("车辆")),
        col("datum", choice(DATUMS), _("坐标系"), required=False, default="WGS-84"),
    ),
    refs={"vehicle": "vehicle"}, options={"datum": [(name, name) for name in DATUMS]},
    listed=("vehicle", "datum"),
)  # fmt: skip
ROUND = Kind(
    "round", m.BinRound, _("收运线路"),
    (
        col("wipes", integer(0, 24), _("每天擦洗"), required=False, default=2),
        col("empties", integer(0, 24), _("每天清掏"), required=False, default=2),
        col("disinfections", integer(0, 24), _("每天消毒"), required=False, default=1),
        _spans("windows", _("时段")),
    ),
    listed=("wipes", "empties", "disinfections", "windows"),
    helps=dict.fromkeys(('windows',), SPANS_HELP),
)  # fmt: skip
BIN = Kind(
    "bin", m.Bin, pgettext_lazy("many", "果皮箱"),
    (
        LON, LAT,
        col("type", choice(BinType.values), _("类型"), required=False, default="litter"),
        col("round", code_of, _("收运线路"), required=False, default=""),
        col("road", code_of, _("道路"), required=False, default=""),
    ),
    refs={"round": "round", "road": "road"}, options={"type": BinType.choices},
    listed=("type", "round", "road"),
)  # fmt: skip
WEATHER = Kind(
    "weather", m.Weather, _("天气"),
    (
        col("day", a_day, _("日期")),
        col("hour", integer(0, 23), _("几点")),
        col("air_c", bounded(-60, 60), _("气温（℃）")),
        col("ground_c", bounded(-60, 80), _("地温（℃）"), required=False, default=None),
        col("wind_level", integer(0, 17), _("风力（级）"), required=False, default=None),
    ),
    check=_check_weather,
    listed=("air_c", "ground_c", "wind_level"),
    code_from=weather_code, key=("day", "hour"), order=("-code",),
)  # fmt: skip


# Those that others refer to come first: a pack is loaded in this order, and retired in the reverse one.
KINDS = {
    kind.name: kind
    for kind in (ROAD, SEGMENT, MODE, DEPOT, FILL, CREW, SHIFT, VEHICLE, BOX, MAINTENANCE, ROUND, BIN, WEATHER)
}
