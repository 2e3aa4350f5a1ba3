"""The foundation's part of a pack: district.yaml, the outline and the working calendar."""

import zoneinfo
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from typing import Any, get_args

import holidays
import msgspec
from django.utils.translation import gettext as _

from shaodao.foundation import clock, district
from shaodao.foundation.models import CalendarDay, District
from shaodao.foundation.pack import SETTINGS_FILE, Pack, PackError, Part, register
from shaodao.foundation.shapes import DATUMS, to_geojson
from shaodao.foundation.sync import remove_unreferenced, sync
from shaodao.foundation.tables import Bad, Column, Problem, TableSpec, choice, code, day, text

OUTLINE_FILE = "outline.geojson"
KEYS = {"code", "name", "name_en", "city", "city_en", "timezone", "datum", "centre", "settings"}
OURS = "pack: "  # calendar rows of this origin follow the pack; rows that a person entered win over it

CALENDAR = TableSpec(
    "calendar.csv",
    (
        Column("date", day),
        Column("kind", choice(CalendarDay.Kind.values)),
        Column("name", text(60), required=False),
        Column("source", text(190), required=False),
    ),
    key=("date",),
    required=False,
)


def check(pack: Pack) -> list[Problem]:
    data = pack.settings_file(SETTINGS_FILE)
    if not data:
        return []
    problems = [*_check_district(data), *_check_settings(data.get("settings") or {})]
    pack.table(CALENDAR)
    for feature in pack.features(OUTLINE_FILE):
        if feature.code != str(data.get("code")):
            what = _("编码 %(c)s 不是本区") % {"c": feature.code}
            problems.append(Problem(OUTLINE_FILE, feature.row, "code", what, str(data.get("code"))))
    return problems


def _check_district(data: dict[str, Any]) -> list[Problem]:
    def wrong(column: str, what: str, hint: str = "") -> Problem:
        return Problem(SETTINGS_FILE, 0, column, what, hint)

    problems = [wrong(k, _("没有名叫“%(c)s”的项") % {"c": k}, ", ".join(sorted(KEYS))) for k in data if k not in KEYS]
    problems += [wrong(k, _("没有填")) for k in ("code", "name", "centre") if not data.get(k)]
    if data.get("code"):
        try:
            code((6,))(str(data["code"]))
        except Bad as bad:
            problems.append(wrong("code", bad.what, bad.hint))
    if data.get("centre") and _centre(data) is None:
        problems.append(wrong("centre", _("要写成 [经度, 纬度]"), "[113.29100, 40.07451]"))
    if str(data.get("datum", "WGS-84")) not in DATUMS:
        problems.append(wrong("datum", _("不认识的坐标系“%(d)s”") % {"d": data["datum"]}, ", ".join(DATUMS)))
    if str(data.get("timezone", clock.LOCAL.key)) not in zoneinfo.available_timezones():
        problems.append(wrong("timezone", _("不认识的时区“%(d)s”") % {"d": data["timezone"]}, clock.LOCAL.key))
    return problems


def _centre(data: dict[str, Any]) -> tuple[float, float] | None:
    try:
        lon, lat = (float(v) for v in data["centre"])
    except (TypeError, ValueError):
        return None
    return (lon, lat) if 72 < lon < 136 and 3 < lat < 54 else None


def _blocks(struct: Any, block: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """A block and the blocks within it: (what its fields are, what the pack writes, where)."""
    yield struct, block, path
    for part in msgspec.structs.fields(struct):
        kinds = [k for k in (part.type, *get_args(part.type)) if isinstance(k, type) and issubclass(k, msgspec.Struct)]
        if kinds and isinstance(block, dict) and part.name in block:
            yield from _blocks(kinds[0], block[part.name], f"{path}.{part.name}")


def _check_settings(settings: Any) -> list[Problem]:
    """Faults of the typed settings, with the path that msgspec names; unknown names are faults too (a typing slip)."""
    if not isinstance(settings, dict):
        return [Problem(SETTINGS_FILE, 0, "settings", _("要是“键: 值”"), "")]
    problems = []
    kinds = district.block_kinds()
    names: list[tuple[Any, Any, str]] = [
        (district.Settings, settings, "settings"),
        (district.Limits, settings.get("limits"), "settings.limits"),
        *(nested for name, kind in kinds.items() for nested in _blocks(kind, settings.get(name), f"settings.{name}")),
    ]
    for struct, block, path in names:
        known = set(struct.__struct_fields__) | (set(kinds) if struct is district.Settings else set())
        for name in block if isinstance(block, dict) else ():
            if name not in known:
                what = _("没有名叫“%(c)s”的项") % {"c": name}
                problems.append(Problem(SETTINGS_FILE, 0, f"{path}.{name}", what, ", ".join(sorted(known))))
    for name in ("", *kinds):
        path = f"settings.{name}" if name else "settings"
        try:
            district.parse_block(name, settings.get(name)) if name else district.parse_settings(settings)
        except (msgspec.ValidationError, ValueError) as error:
            what, _sep, at = str(error).partition(" - at `$")
            problems.append(Problem(SETTINGS_FILE, 0, path + at.rstrip("`"), what, _("照 districts/example 写")))
    return problems


def calendar_rows(pack: Pack) -> list[dict[str, Any]]:
    """Every exception day of the pack: the `holidays` package for the years with a notice and one year more (only an
    estimate: deadlines there are provisional), then calendar.csv, which wins."""
    settings = district.parse_settings(pack.settings_file(SETTINGS_FILE).get("settings") or {})
    first, last = settings.notice_years
    years = range(first, last + 2)
    seed = holidays.country_holidays("CN", years=years, language="zh_CN")
    source = f"{OURS}PyPI holidays {version('holidays')}"
    rows: dict[date, dict[str, Any]] = {}

    def put(at: date, kind: str, name: str, origin: str) -> None:
        rows[at] = {"date": at, "kind": kind, "name": name[:60], "source": origin}

    for at, name in seed.items():
        put(at, CalendarDay.Kind.HOLIDAY, name, source)
    for at in seed.weekend_workdays:
        if at.year in years:
            put(at, CalendarDay.Kind.WORKDAY, "调休上班", source)
    for row in pack.table(CALENDAR):
        put(row["date"], row["kind"], row["name"], OURS + (row["source"] or CALENDAR.file))
    return [rows[at] for at in sorted(rows)]


def counts(pack: Pack) -> dict[str, int]:
    return {"calendar_days": len(calendar_rows(pack))}


def load(pack: Pack) -> None:
    data = pack.settings_file(SETTINGS_FILE)
    lon, lat = _centre(data) or (0.0, 0.0)
    outlines = pack.features(OUTLINE_FILE)
    row = District.objects.order_by("id").first() or District()
    if row.pk and row.code != str(data["code"]):
        what = _("这里已经是 %(code)s %(name)s") % {"code": row.code, "name": row.name}
        raise PackError(
            [Problem(SETTINGS_FILE, 0, "code", what, _("另一个区要用另一个数据库（DATABASE_URL 或 SHAODAO_VAR）"))]
        )
    fresh = {
        "code": str(data["code"]),
        "name": data["name"],
        "name_en": data.get("name_en") or "",
        "centre_lon": lon,
        "centre_lat": lat,
        "outline": to_geojson(outlines[0].shape) if outlines else None,
        "outline_coarse": bool(outlines[0].properties.get("coarse", True)) if outlines else True,
        "settings": data.get("settings") or {},
        "sample": row.sample or pack.demo,
        "pack_digest": pack.digest(),
    }
    if row.pk is None or any(getattr(row, name) != value for name, value in fresh.items()):
        for name, value in fresh.items():
            setattr(row, name, value)
        row.loaded_at = clock.now()
        row.save()
    _load_calendar(pack)


def _load_calendar(pack: Pack) -> None:
    entered = set(CalendarDay.objects.exclude(source__startswith=OURS).values_list("date", flat=True))
    rows = [r for r in calendar_rows(pack) if r["date"] not in entered]
    ours = CalendarDay.objects.filter(source__startswith=OURS)
    remove_unreferenced(sync(CalendarDay, rows, ("date",), within=ours).gone)


register(Part("foundation", 10, check, counts, load))
