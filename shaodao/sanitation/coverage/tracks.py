"""Tracks of vehicles from files, whatever their columns are called: CSV, TSV (also gz), NDJSON, JSON, GeoJSON points, Parquet.

Every row is accounted for: it becomes a fix, or a fault says why not. Rows count as in a spreadsheet: the header is row 1.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from shaodao.foundation import columns, maps
from shaodao.foundation.maps import Unreadable, shown
from shaodao.foundation.shapes import DATUMS
from shaodao.kernel import datum as kernel_datum
from shaodao.kernel.coverage import Fixes
from shaodao.kernel.geodesy import distance_m
from shaodao.sanitation.coverage import values

LISTED: Final = 100
BATCH: Final = 1 << 20
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "vehicle": (
        "vehicle", "vehicleid", "vehicleno", "vehiclenumber", "vehiclecode", "veh", "vid", "device", "deviceid", "terminal", "terminalid", "imei", "simno",
        "plate", "plateno", "licenseplate", "licence", "license", "asset", "assetid", "unit", "unitid", "truck", "truckid", "car", "carid", "carno",
        "machine", "machineid", "trackid", "track", "objectid", "id", "车辆", "车牌", "车牌号", "车牌号码", "车号", "车辆编号", "车辆编码", "设备", "设备号", "设备编号", "终端号",
    ),
    "t": (
        "time", "t", "timestamp", "datetime", "ts", "epoch", "gpstime", "gnsstime", "fixtime", "loctime", "locationtime", "postingtime", "recordtime",
        "recordedat", "reportedat", "observedat", "utc", "utctime", "unixtime", "unix", "times", "timems", "tms", "tsms", "timestampms", "epochms", "epochs",
        "lastupdatems", "lastupdate", "datetimeutc", "时间", "定位时间", "上报时间", "采集时间", "记录时间", "时间戳", "日期时间", "gps时间",
    ),
    "date": ("date", "day", "日期"),
    "lon": ("lon", "lng", "longitude", "long", "x", "longitudedeg", "londeg", "gpslon", "gpslng", "经度"),
    "lat": ("lat", "latitude", "y", "latitudedeg", "latdeg", "gpslat", "纬度"),
    "speed": (
        "speed", "speedkmh", "speedkph", "speedkmph", "speedms", "speedmps", "speedmpers", "speedkmperh", "velocity", "velocitykmh", "velocityms", "v",
        "vkmh", "vms", "kmh", "mps", "gpsspeed", "spd", "speedkn", "speedknots", "speedmph", "mph", "速度", "车速", "行驶速度", "速度kmh", "车速kmh", "速度ms",
        "速度公里时", "车速公里时",
    ),
    "heading": ("heading", "headingdeg", "bearing", "bearingdeg", "course", "cog", "direction", "dir", "azimuth", "angle", "方向", "航向", "方向角", "航向角"),
    "working": (
        "working", "work", "isworking", "workstatus", "workingstatus", "workstate", "worksignal", "workingsignal", "pump", "pumpon", "brush", "brushon",
        "spray", "spraying", "sprayer", "equipment", "equipmenton", "active", "flag", "signal", "on", "status", "state", "pto", "sweeping", "flushing",
        "作业", "作业状态", "工作状态", "作业信号", "水泵", "水泵状态", "扫刷", "扫盘", "喷水", "状态", "是否作业",
    ),
}  # fmt: skip
NEEDED: Final = ("t", "lon", "lat")
GUESSED: Final = {"t": ("time", "epoch", "stamp", "时间"), "lon": ("longitude", "经度"), "lat": ("latitude", "纬度")}
KEYS: Final = tuple(NAMES)
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".ndjson", ".jsonl", ".json", ".geojson", ".parquet")


@dataclass
class Faults:
    """What is wrong with rows: a count of each kind, and the first `LISTED` of all with their rows."""

    counts: Counter[str] = field(default_factory=Counter)
    listed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, what: str, rows: Iterable[int], count: int | None = None) -> None:
        rows = list(rows)
        self.counts[kind] += len(rows) if count is None else count
        self.listed += [{"row": int(row), "kind": kind, "what": what} for row in rows[: LISTED - len(self.listed)]]


@dataclass(eq=False)
class Tracks:
    """``fixes`` in WGS-84, vehicles numbered as in ``vehicles``; ``read`` rows, of which ``unreadable`` have no time or no cells."""

    fixes: Fixes
    vehicles: list[str]
    read: int
    unreadable: int
    other_day: int
    signal: bool
    columns: dict[str, str]
    faults: Faults
    warnings: list[dict[str, Any]]


def plain(name: object) -> str:
    """A column's name without case, spaces and signs: ``Speed (km/h)`` is ``speedkmh``."""
    return re.sub(r"[\W_]+", "", str(name).lower())


def places(names: Sequence[str]) -> list[int | None]:
    """Which column is which of `KEYS`. Raises Unreadable where time or position is missing."""
    known: dict[str, int] = {}
    for n, name in enumerate(names):
        known.setdefault(plain(name), n)
    found = {key: next((known[name] for name in NAMES[key] if name in known), None) for key in KEYS}
    for key, words in GUESSED.items():
        if found[key] is None:
            free = {name: n for name, n in known.items() if n not in found.values()}
            found[key] = next((n for word in words for name, n in free.items() if word in name), None)
    if found["t"] is None:
        found["t"], found["date"] = found["date"], None
    missing = [key for key in NEEDED if found[key] is None]
    if missing:
        wanted = ", ".join({"t": "time"}.get(key, key) for key in missing)
        raise Unreadable(
            _("轨迹文件缺少列：%(wanted)s；现有的列：%(names)s")
            % {"wanted": wanted, "names": shown(", ".join(map(str, names)), 300)}
        )
    return [found[key] for key in KEYS]


def read(
    path: Path,
    *,
    datum: str = "WGS-84",
    zone: str = "Asia/Shanghai",
    day: date | None = None,
    swap: bool = False,
    now: float | None = None,
) -> Tracks:
    """The fixes of a file. Raises Unreadable.

    datum, swap: of its coordinates. zone: of times that state none. day: only fixes of this date there; also that of times
    without a date. now: seconds since 1970, after which a time is in the future.
    """
    maps.check(path, datum)
    faults = Faults()
    given, named, rows = _columns(path, faults)
    if not rows.size and not faults.counts:
        raise Unreadable(_("轨迹文件没有一行数据"))
    warnings: list[dict[str, Any]] = []
    warn = _Warn(warnings)
    t = _times(given, named, ZoneInfo(zone), day, warn)
    lon, lat = (_degrees(given[key], key, rows, faults) for key in (("lat", "lon") if swap else ("lon", "lat")))
    vehicle, vehicles = _vehicles(given["vehicle"], rows, faults, warn)
    working = _working(given["working"], rows.size, named, warn)
    heading = _heading(given["heading"], rows, faults)
    good = np.abs(t) < 1e10  # of no epoch in use
    faults.add("time", _("时间读不出来"), rows[~good][:LISTED], int((~good).sum()))
    if not good.any():
        raise Unreadable(
            _(
                "“%(name)s”列没有一个能读的时间：写成 2026-10-01 08:00:00，或自 1970 年起的秒数；只有钟点时用 --date 给出日期"
            )
            % {"name": named["t"]}
        )
    unreadable, other_day = int((~good).sum()) + faults.counts["row"], 0
    if day is not None:
        on = _on(t, ZoneInfo(zone), day)
        other_day = int((good & ~on).sum())
        good &= on
    speed = _speed(given["speed"], named, (vehicle, t, lon, lat), rows, faults, warn)
    if datum not in {"WGS-84", "CGCS2000"}:
        inside = np.isfinite(lon) & (np.abs(lat) <= 90)
        lon[inside], lat[inside] = kernel_datum.to_wgs84(lon[inside], lat[inside], datum)
    every: list[Any] = [vehicle, t, lon, lat, speed, heading, working]
    chosen: list[Any] = [None if column is None else column[good] for column in every]
    fixes = Fixes.of(*chosen)
    _suspect_times(fixes.t, now, warn)
    lost = faults.counts["row"]
    return Tracks(
        *(fixes, vehicles, int(rows.size) + lost, unreadable, other_day),
        *(bool((working >= 0).any()), {key: name for key, name in named.items() if name}, faults, warnings),
    )


class _Warn:
    def __init__(self, found: list[dict[str, Any]]) -> None:
        self.found = found

    def __call__(self, kind: str, what: str) -> None:
        self.found.append({"kind": kind, "what": what})


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _columns(path: Path, faults: Faults) -> tuple[dict[str, Any], dict[str, str], NDArray[np.int64]]:
    """The columns by key (None: not there), their names in the file, and the row each value stands in."""
    name = path.name.lower()
    names: list[str] = []

    def remember(header: list[str]) -> list[int | None]:
        names[:] = header
        return places(header)

    lost: list[int] = []

    def ragged(row: Any) -> str:
        lost.append(row.number)
        if len(lost) <= LISTED:
            what = _("这一行有 %(n)d 列，表头有 %(m)d 列") % {"n": row.actual_columns, "m": row.expected_columns}
            faults.add("row", what, [row.number])
        else:
            faults.counts["row"] += 1
        return "skip"

    with columns.readable():
        if name.endswith(".parquet"):
            batches = list(columns.from_parquet(path, BATCH, remember))
        elif name.removesuffix(".gz").endswith(columns.TEXTS):
            batches = list(columns.from_csv(path, remember, kind=pa.binary(), ragged=ragged))
        elif name.removesuffix(".gz").endswith((".ndjson", ".jsonl", ".json", ".geojson")):
            batches = [_objects(path, remember, faults, lost)]
        else:
            raise Unreadable(_("轨迹文件应为 %(kinds)s 之一") % {"kinds": " ".join(SUFFIXES)})
    found = places(names)
    given: dict[str, Any]
    many = sum(len(batch[KEYS.index("t")] or ()) for batch in batches)
    given = {
        key: None
        if found[n] is None
        else pa.chunked_array([batch[n] for batch in batches] or [pa.array([], pa.string())])
        for n, key in enumerate(KEYS)
    }
    if any(ord(letter) > 127 for letter in "".join(names)) and columns.encoding(path) != "utf-8":
        given = {key: None if cells is None else values.text(cells, "gb18030") for key, cells in given.items()}
    rows = np.arange(2, 2 + many + len(lost), dtype=np.int64)
    kept = np.setdiff1d(rows, np.array(lost, np.int64), assume_unique=True)[:many] if lost else rows
    return given, {key: "" if found[n] is None else str(names[found[n]]) for n, key in enumerate(KEYS)}, kept  # type: ignore[index]


def _objects(path: Path, remember: Any, faults: Faults, lost: list[int]) -> columns.Columns:
    """Rows that are objects of JSON: one a line, a list of them, or GeoJSON points with properties."""
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        raw = file.read(maps.LARGEST_BYTES)
    try:
        whole = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable(_("文件不是 UTF-8 编码")) from None
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("features"), list):
        rows = [_point(feature) for feature in whole["features"]]
    elif isinstance(whole, list):
        rows = [row if isinstance(row, dict) else {} for row in whole]
    else:
        rows = []
        for n, line in enumerate(raw.decode("utf-8-sig").splitlines(), 2):  # as if under a header, like other tables
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                rows.append(row)
            else:
                lost.append(n)
                faults.add("row", _("不是 JSON 对象"), [n])
    if not rows:
        raise Unreadable(_("轨迹文件没有一行数据"))
    found = values.same_names(rows)
    at = remember(list(found))
    cells = list(found.values())
    return [None if n is None else pa.array([_cell(v) for v in cells[n]], pa.string()) for n in at]


def _point(feature: Any) -> dict[str, Any]:
    """A feature's properties and its point."""
    known = feature if isinstance(feature, dict) else {}
    geometry, given = known.get("geometry"), known.get("properties")
    row = dict(given) if isinstance(given, dict) else {}
    at = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    lon, lat = at[:2] if isinstance(at, list) and len(at) >= 2 else (None, None)
    return {**{k: v for k, v in row.items() if plain(k) not in (*NAMES["lon"], *NAMES["lat"])}, "lon": lon, "lat": lat}


def _cell(value: Any) -> str | None:
    return None if value is None else str(int(value)) if isinstance(value, bool) else str(value)


# ── its columns ──────────────────────────────────────────────────────────────────────────────────────────────────


def _times(
    given: dict[str, Any], named: dict[str, str], zone: ZoneInfo, day: date | None, warn: _Warn
) -> NDArray[np.float64]:
    column = given["t"]
    if given["date"] is not None:  # a column of dates beside one of the time of day
        clock, dates = values.text(column), values.text(given["date"])
        if pa.compute.any(pa.compute.match_substring_regex(clock, r"^\d{1,2}:\d\d")).as_py():
            column = pa.compute.binary_join_element_wise(dates, clock, " ")
    found, bare = values.times(column, plain(named["t"]), zone, day)
    if bare:
        warn("zone", _("时间没有写时区，按 %(zone)s 计") % {"zone": zone.key})
    return found


def _on(t: NDArray[np.float64], zone: ZoneInfo, day: date) -> NDArray[np.bool_]:
    from datetime import datetime, timedelta

    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    return np.asarray(
        (t >= start.timestamp()) & (t < datetime(after.year, after.month, after.day, tzinfo=zone).timestamp())
    )


def _degrees(column: Any, key: str, rows: NDArray[np.int64], faults: Faults) -> NDArray[np.float64]:
    found, wrong = values.floats(column)
    most = 90 if key == "lat" else 180
    empty = np.isnan(found) & ~wrong
    outside = np.abs(np.nan_to_num(found)) > most
    for kind, where, what in (
        ("position", wrong, _("%(key)s 不是数字")),
        ("position", empty, _("%(key)s 没有填")),
        ("position", outside, _("%(key)s 超出范围")),
    ):
        faults.add(kind, what % {"key": key}, rows[where][:LISTED], int(where.sum()))
    found[np.abs(found) > 180] = (
        np.nan
    )  # a latitude of 113 stays: it tells that the two are swapped, and lies off all roads
    return found


def _vehicles(column: Any, rows: NDArray[np.int64], faults: Faults, warn: _Warn) -> tuple[NDArray[np.int32], list[str]]:
    """Numbers in the order of the names, so that the order of upload is of no consequence."""
    if column is None:
        warn("one_vehicle", _("没有车辆列：全部算作一辆车"))
        return np.zeros(rows.size, np.int32), [""]
    coded = values.text(column).dictionary_encode()
    names = coded.dictionary.to_pylist()
    empty = coded.indices.is_null().to_numpy(zero_copy_only=False)
    if empty.any():
        faults.add("vehicle", _("没有写车辆，算作一辆无名的车"), rows[empty][:LISTED], int(empty.sum()))
        names = [*names, ""]
    order = sorted(range(len(names)), key=lambda n: names[n])
    rank = np.empty(max(len(names), 1), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    index = coded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    return rank[index], [shown(names[n]) for n in order]


def _working(column: Any, many: int, named: dict[str, str], warn: _Warn) -> NDArray[np.int8]:
    if column is not None:
        found, strange = values.signals(column)
        if strange:
            words = shown(", ".join(strange[:5]))
            warn(
                "signal",
                _("“%(name)s”列有不认得的作业状态：%(words)s，按没有信号计")
                % {"name": shown(named["working"]), "words": words},
            )
        if (found >= 0).any():
            return found
    warn("no_signal", _("没有作业信号：凡以作业速度驶过的都算作业"))
    return np.full(many, -1, np.int8)


def _heading(column: Any, rows: NDArray[np.int64], faults: Faults) -> Any:
    if column is None:
        return None
    found, wrong = values.floats(column)
    wrong |= np.abs(np.nan_to_num(found)) > 360
    faults.add("heading", _("航向不是 0 到 360 的度数，不用"), rows[wrong][:LISTED], int(wrong.sum()))
    return np.where(wrong, np.nan, found % 360)


def _speed(column: Any, named: dict[str, str], where: Any, rows: NDArray[np.int64], faults: Faults, warn: _Warn) -> Any:
    """m/s. Where the column's name states no unit, the distances between fixes do."""
    if column is None:
        return None
    found, wrong = values.floats(column)
    wrong |= np.nan_to_num(found) < 0
    faults.add("speed", _("速度是负数或不是数字，不用"), rows[wrong][:LISTED], int(wrong.sum()))
    found[wrong] = np.nan
    by = values.unit_of(plain(named["speed"]))
    if by is None:
        by = 1.0 if (ratio := _pace(found, *where)) is not None and ratio < 1.9 else 3.6
        unit = "m/s" if by == 1.0 else "km/h"
        warn(
            "speed_unit",
            _("“%(name)s”列没有写单位，从距离看是 %(unit)s") % {"name": shown(named["speed"]), "unit": unit},
        )
    return found / by


def _pace(speed: Any, vehicle: Any, t: Any, lon: Any, lat: Any) -> float | None:
    """How many times the speed between fixes the reported speed is; None where nothing drives."""
    order = np.lexsort((t, vehicle))[:200_000]
    ok = np.isfinite(t[order]) & np.isfinite(lon[order]) & np.isfinite(lat[order]) & np.isfinite(speed[order])
    order = order[ok]
    if order.size < 2:
        return None
    a, b = order[:-1], order[1:]
    dt = t[b] - t[a]
    near = (vehicle[a] == vehicle[b]) & (dt > 0) & (dt <= 60)
    if not near.any():
        return None
    a, b, dt = a[near], b[near], dt[near]
    driven = distance_m(lon[a], lat[a], lon[b], lat[b]) / dt
    moving = (driven > 1.0) & (driven < 40) & (speed[b] > 0)
    return float(np.median((speed[a] + speed[b])[moving] / 2 / driven[moving])) if moving.any() else None


def _suspect_times(t: NDArray[np.float64], now: float | None, warn: _Warn) -> None:
    if not t.size:
        warn("no_fixes", _("这一天没有定位"))
        return
    low, high = float(t.min()), float(t.max())
    if low < 631152000:  # 1990: receivers of today did not exist
        many = int((t < 631152000).sum())
        warn("old", _("%(n)d 个时间在 1990 年以前：时钟错了，或是自某个起点的秒数；照样计入") % {"n": many})
    if now is not None and high > now + 86400:
        warn("future", _("%(n)d 个时间在未来，照样计入") % {"n": int((t > now + 86400).sum())})
    if high - low > 24.25 * 3600:
        warn("span", _("数据跨 %(n).1f 小时，多于一天；全部计入（用 --date 只取一天）") % {"n": (high - low) / 3600})


__all__ = ["DATUMS", "Tracks", "Unreadable", "read"]
