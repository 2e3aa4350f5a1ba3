"""What a file or a form says of a bay or a zone, made typed: one checker for both. What cannot be right is named.

A value that is not there (no such column, no such property) is left out, and what stands already stays; an empty cell
takes it away.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.bikes.bays import measures
from shaodao.bikes.bays.files import BayFile, Fault, in_words
from shaodao.bikes.words import ZoneKind
from shaodao.foundation import clock
from shaodao.foundation.maps import shown
from shaodao.kernel import parking

LONGEST_CODE = 40
MOST_CAPACITY = 100_000
FARTHEST_M = 200.0
WIDEST = 1.0  # degrees: what the kernel takes in one index is six wide
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("name", "名称", "点位名称"),
    "capacity": ("capacity", "容量", "车位数", "泊位数"),
    "tolerance_m": ("tolerance_m", "tolerance", "容差", "容差米"),
    "kind": ("kind", "zone_type", "类型", "种类"),
    "quota": ("quota", "限量", "配额"),
    "begins_at": ("begins_at", "start", "开始时间"),
    "ends_at": ("ends_at", "end", "结束时间"),
    "daily_from": ("daily_from", "每天从"),
    "daily_until": ("daily_until", "每天到"),
    "weekdays": ("weekdays", "星期"),
}
BAY = ("name", "capacity", "tolerance_m")
ZONE = ("name", "kind", "quota", "begins_at", "ends_at", "daily_from", "daily_until", "weekdays")
KINDS = {"禁停区": "no_parking", "禁行区": "no_riding", "限量区": "quota"}  # words of the file's format


class Bad(ValueError):
    """A value that cannot be right, in plain words that say what would be."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A row that can be a bay or a zone: `given` holds only what the row says."""

    code: str
    shape: Any  # Shapely, WGS-84
    given: dict[str, Any] = field(default_factory=dict)
    row: int = 0  # in the file, from 1; 0: none
    unnamed: bool = False  # the code was made from the outline


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────


def code_of(raw: Any) -> str:
    """A code: one line of at most 40 characters that can be printed."""
    text = str(raw).strip()
    if not text.isprintable():
        raise Bad(_("编码里有看不见的字符"))
    if not 1 <= len(text) <= LONGEST_CODE:
        raise Bad(_("编码应为 1 至 %(n)d 个字") % {"n": LONGEST_CODE})
    return text


def _name(raw: Any) -> str:
    if isinstance(raw, list) and raw and isinstance(raw[0], dict):  # GBFS 3: [{"text", "language"}]
        raw = raw[0].get("text") or ""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(raw)).split())
    if len(text) > 100:
        raise Bad(_("名称最多 %(n)d 个字") % {"n": 100})
    return text


def _whole(raw: Any, least: int, what: str) -> int | None:
    text = str(raw).strip()
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,6})(?:\.0*)?", text, re.ASCII)
    if isinstance(raw, bool) or not found or not least <= int(found[1]) <= MOST_CAPACITY:
        raise Bad(_("%(what)s应为 %(least)d 至 %(most)d 的整数") % {
            "what": what, "least": least, "most": MOST_CAPACITY,
        })  # fmt: skip
    return int(found[1])


def _metres(raw: Any) -> float | None:
    text = str(raw).strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= FARTHEST_M:
        raise Bad(_("容差应为 0 至 %(n)d 米") % {"n": int(FARTHEST_M)})
    return round(value, 2)


def _kind(raw: Any) -> str:
    text = KINDS.get(str(raw).strip(), str(raw).strip().lower())
    if not text:
        raise Bad(_("请选择类型：%(names)s") % {"names": _("、").join(str(label) for label in ZoneKind.labels)})
    if text not in ZoneKind.values:
        raise Bad(_("类型应为 %(names)s 之一") % {"names": ", ".join([*ZoneKind.values, *KINDS])})
    return text


def _moment(raw: Any) -> datetime | None:
    """A local date and time, or one with its own zone."""
    if isinstance(raw, datetime):
        return raw if raw.tzinfo else clock.from_local(raw)
    text = str(raw).strip()
    if not text:
        return None
    try:
        if re.fullmatch(r"[0-9]{9,10}", text, re.ASCII):  # GBFS 2: seconds since 1970
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise Bad(_("时间写作 2026-05-21 08:00")) from None
    if not 2000 <= found.year < 2100:
        raise Bad(_("年份应在 2000 与 2099 之间"))
    return found.astimezone(UTC) if found.tzinfo else clock.from_local(found)


def _hour(raw: Any) -> time | None:
    if isinstance(raw, time):
        return raw
    text = str(raw).strip()
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?", text, re.ASCII)
    if not found or not (int(found[1]) < 24 and int(found[2]) < 60):
        raise Bad(_("钟点写作 07:30"))
    return time(int(found[1]), int(found[2]))


def _weekdays(raw: Any) -> str:
    text = "".join(str(n) for n in raw) if isinstance(raw, list | tuple) else str(raw).strip()
    if not re.fullmatch(r"[1-7]*", text):
        raise Bad(_("星期写作 12345：1 为星期一，7 为星期日，空为每天"))
    return "".join(sorted(set(text)))


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "capacity": lambda raw: _whole(raw, 1, _("容量")),
    "tolerance_m": _metres,
    "kind": _kind,
    "quota": lambda raw: _whole(raw, 0, _("限量")),
    "begins_at": _moment,
    "ends_at": _moment,
    "daily_from": _hour,
    "daily_until": _hour,
    "weekdays": _weekdays,
}


def checked(values: Mapping[str, Any], names: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """(typed values, what is wrong) by name, of those of `names` that `values` has."""
    given: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in names:
        if name not in values:
            continue
        raw = values[name]
        try:
            given[name] = CHECKS[name]("" if raw is None else raw)
        except Bad as error:
            errors[name] = str(error)
    return given, errors


def zone_errors(zone: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong between the values of a whole zone."""
    errors: dict[str, str] = {}
    if zone.get("kind") == ZoneKind.QUOTA and zone.get("quota") is None:
        errors["quota"] = _("限量区要写明最多停放多少辆")
    if zone.get("begins_at") and zone.get("ends_at") and zone["ends_at"] <= zone["begins_at"]:
        errors["ends_at"] = _("结束时间应晚于开始时间")
    if zone.get("daily_from") and zone.get("daily_from") == zone.get("daily_until"):
        errors["daily_until"] = _("每天的起止钟点不能相同；全天有效就都空着")
    return errors


# ── rows of a file ───────────────────────────────────────────────────────────────────────────────────────────────


def drafts(file: BayFile, names: Sequence[str], kind: str = "") -> tuple[list[Draft], list[Fault]]:
    """The rows of a file that can be bays (`names` is BAY) or zones (ZONE; `kind` of those that say none).

    And all faults of the file in the order of its rows: outlines, codes, values, and codes that occur twice.
    """
    shapes = measures.rounded(file.shapes)
    unfit = _unfit(shapes)
    found: list[Draft] = []
    faults = list(file.faults)
    seen: dict[str, int] = {}
    for n, row in enumerate(file.rows):
        unnamed = n in file.unnamed
        code = f"#{_digest(shapes[n])}" if unnamed else file.ids[n]
        try:
            if n in unfit:
                raise Bad(unfit[n])
            code = code_of(code)
            if code in seen:
                raise Bad(_("编码与第 %(n)d 行重复") % {"n": seen[code]})
            given = _given(file.values[n], names, kind, code)
        except Bad as error:
            faults.append(Fault(int(row) + 1, shown(file.ids[n]), str(error)))
            continue
        seen[code] = int(row) + 1
        found.append(Draft(code, shapes[n], given, int(row) + 1, unnamed))
    return found, sorted(faults, key=lambda fault: fault.row)


def _unfit(shapes: Any) -> dict[int, str]:
    """Why areas that are right as such cannot be kept."""
    found = {n: in_words(why) for n, why in parking.faults(shapes)}
    bounds = shapely.bounds(shapes) if len(shapes) else np.empty((0, 4))
    for n in np.flatnonzero((bounds[:, 2:] - bounds[:, :2] > WIDEST).any(axis=1)):
        found.setdefault(int(n), _("跨度超过 %(n)g 度，不会是一个点位或围栏") % {"n": WIDEST})
    return found


def _given(values: Mapping[str, Any], names: Sequence[str], kind: str, code: str) -> dict[str, Any]:
    said = dict(_said(values, names))
    if "kind" in names and "kind" not in said and (found := _kind_of_rules(values.get("rules"))):
        said["kind"] = found
    if kind and "kind" in names and str(said.get("kind") or "").strip() == "":
        said["kind"] = kind
    given, errors = checked(said, names)
    if "kind" in names and "kind" not in given and "kind" not in errors:
        errors["kind"] = _("没有写明类型：%(names)s") % {"names": ", ".join(ZoneKind.values)}
    if errors:
        raise Bad("；".join(errors.values()))
    if wrong := zone_errors(given) if "kind" in names else {}:
        raise Bad("；".join(wrong.values()))
    if given.get("name") == code:
        del given["name"]  # the column was taken for the code
    return given


def _kind_of_rules(rules: Any) -> str:
    """What the rules of a GBFS geofencing zone forbid, in our words; "" where they forbid nothing."""
    first = rules[0] if isinstance(rules, list) and rules and isinstance(rules[0], dict) else {}
    if first.get("ride_through_allowed") is False:
        return ZoneKind.NO_RIDING.value
    ends = first.get("ride_end_allowed", first.get("ride_allowed"))  # 3.x, 2.x
    return ZoneKind.NO_PARKING.value if ends is False else ""


def _said(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        column = next((c for c in COLUMNS[name] if c in values), None)
        if column is not None:
            yield name, "" if values[column] is None else values[column]


def _digest(shape: Any) -> str:
    return hashlib.sha256(shapely.to_wkb(shapely.normalize(shape))).hexdigest()[:12]


def outline(raw: Any) -> Any:
    """A Shapely area from a GeoJSON geometry or feature (text or mapping), WGS-84. Raises Bad."""
    if raw in ("", b""):
        raise Bad(_("还没有边界：在地图上画，或写入 GeoJSON 面"))
    try:
        data = json.loads(raw) if isinstance(raw, str | bytes) else raw
        data = data["geometry"] if isinstance(data, dict) and data.get("type") == "Feature" else data
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(data)))
    except (ValueError, TypeError, KeyError, RecursionError, shapely.errors.GEOSException):
        raise Bad(_("边界不是有效的 GeoJSON 面")) from None
    shapes = np.array([shape], dtype=object)
    if wrong := parking.faults(shapes):
        raise Bad(in_words(wrong[0][1]))
    shapes = measures.rounded(shapes)
    if unfit := _unfit(shapes):
        raise Bad(unfit[0])
    return shapes[0]
