"""The district's settings, typed. Every number is data of the pack; the defaults here are those of the field.

`current()` is cached for a few seconds in each process, so that a page costs no query for it.

A room with numbers of its own registers a block (`register_block("bikes", BikeSettings)`); the pack writes it under
`settings:` by that name, and the room reads it with `block("bikes")`.
"""

import time
from typing import Any, Literal

import msgspec
from django.utils.translation import ngettext

from shaodao.foundation.models import District


class Limit(msgspec.Struct, frozen=True):
    """A time limit: a value and one of the four clocks (hour, day, work_hour, work_day)."""

    value: float
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in {"hour", "day", "work_hour", "work_day"}:
            raise ValueError(f"unit {self.unit!r}: use hour, day, work_hour or work_day")
        if not self.value > 0:
            raise ValueError(f"value {self.value!r}: must be greater than 0")


def limit_in_words(limit: Limit) -> str:
    """A limit as people say it: 15 分钟, 4 个工作小时, 5 个工作日."""
    value, unit = limit.value, limit.unit
    if unit == "hour" and value < 1:
        minutes = round(value * 60)
        return ngettext("%(n)s 分钟", "%(n)s 分钟", minutes) % {"n": minutes}
    n = f"{value:g}"
    one = 1 if value == 1 else 2
    return {
        "hour": ngettext("%(n)s 小时", "%(n)s 小时", one),
        "day": ngettext("%(n)s 天", "%(n)s 天", one),
        "work_hour": ngettext("%(n)s 个工作小时", "%(n)s 个工作小时", one),
        "work_day": ngettext("%(n)s 个工作日", "%(n)s 个工作日", one),
    }[unit] % {"n": n}


class Limits(msgspec.Struct, frozen=True):
    intake: Limit = Limit(0.25, "hour")
    precheck: Limit = Limit(0.5, "hour")
    dispatch: Limit = Limit(0.25, "hour")
    sign: Limit = Limit(0.5, "hour")
    arrive: Limit = Limit(0.5, "hour")
    handle: Limit = Limit(5, "work_day")  # of a case without a condition
    verify: Limit = Limit(0.5, "hour")
    close: Limit = Limit(2, "work_hour")
    return_window: Limit = Limit(2, "work_hour")
    appeal_window: Limit = Limit(5, "work_day")  # from closing


class WhistleKind(msgspec.Struct, frozen=True):
    code: str
    name: str
    name_en: str = ""


class Rung(msgspec.Struct, frozen=True):
    """A rung of the ladder: climbed when `at` of the limit is used up (1.0 is the due time)."""

    kind: str  # remind, urge, supervise
    at: float
    name: str
    name_en: str = ""
    notify: tuple[str, ...] = ("lead",)  # lead, street, headquarters


class RequiredFor(msgspec.Struct, frozen=True):
    """Whoever holds one of these posts has to have a second factor; for everybody else it is optional."""

    required_for: tuple[str, ...]


class Settings(msgspec.Struct, frozen=True):
    windows: tuple[tuple[str, str], ...] = (("08:00", "12:00"), ("14:00", "18:00"))
    notice_years: tuple[int, int] = (2010, 2026)
    limits: Limits = Limits()
    yellow_share: float = 0.8
    max_extensions: int = 2
    max_suspension_days: int = 365
    evaluate_days: int = 7  # running days after closing; a street that has not rated by then is late
    appeal_review_days: int = 7  # running days after it was made
    unsolved_days: int = 3  # running days after a reporter said that it is not solved
    watch_days: int = 30
    watch_radius_m: int = 50
    recheck_after_days: tuple[int, ...] = (7, 30)
    arrive_radius_m: int = 300  # reporting in from farther away is marked
    recheck_grace_days: int = 3  # so long after the watch a look that fell due in it still makes a rebound
    duplicate_days: int = 30
    duplicate_radius_m: int = 50
    merge_radius_m: int = 500  # so far around a case the form of merging looks for others
    evaluation_reason_below: int = 3
    whistle_kinds: tuple[WhistleKind, ...] = (
        WhistleKind("comprehensive_enforcement", "综合执法哨", "Comprehensive enforcement"),
        WhistleKind("key_work", "重点工作哨", "Key work"),
        WhistleKind("emergency", "应急处置哨", "Emergency response"),
        WhistleKind("routine_advance", "日常推进哨", "Routine advance"),
    )
    whistle_rate_bounds: tuple[float, float] = (0.02, 0.2)
    ladder: tuple[Rung, ...] = (
        Rung("remind", 0.8, "到期提醒", "Reminder", ("lead",)),
        Rung("urge", 1.0, "催办", "Urging", ("lead", "street")),
        Rung("supervise", 1.5, "督办", "Supervision", ("lead", "street", "headquarters")),
    )
    retention_months: int = 36
    second_factor: Literal["off", "optional"] | RequiredFor = "optional"
    basemap: dict[str, Any] | None = None


class Current(msgspec.Struct, frozen=True):
    code: str
    name: str
    name_en: str
    centre: tuple[float, float]
    sample: bool
    settings: Settings
    blocks: dict[str, Any] = {}  # the rooms' blocks as the pack writes them
    digest: str = ""  # of the pack and when it was loaded: changes with every load


EMPTY = Current("", "", "", (0.0, 0.0), False, Settings())
_cached: tuple[float, Current] | None = None
SECONDS = 5.0


_block_kinds: dict[str, type[msgspec.Struct]] = {}


def register_block(name: str, kind: type[msgspec.Struct]) -> None:
    """Make a room's block of settings known, once, when the program starts; every field of `kind` has a default."""
    _block_kinds[name] = kind


def block_kinds() -> dict[str, type[msgspec.Struct]]:
    """The registered blocks by name."""
    return dict(_block_kinds)


def block(name: str) -> Any:
    """A room's typed settings (its defaults before a pack is loaded, or where the pack has no such block)."""
    return parse_block(name, current().blocks.get(name))


def parse_block(name: str, data: Any) -> Any:
    """Typed settings of a room's block; raises msgspec.ValidationError that names the path of the fault."""
    return msgspec.convert({} if data is None else data, _block_kinds[name], strict=False)


def parse_settings(data: dict[str, Any]) -> Settings:
    """Typed settings of a pack's `settings:` block; raises msgspec.ValidationError that names the path of the fault."""
    if data.get("second_factor") is False:  # YAML reads a bare `off` as false
        data = data | {"second_factor": "off"}
    return msgspec.convert(data, Settings, strict=False)


def current() -> Current:
    """The district that this installation serves (EMPTY before a pack is loaded)."""
    global _cached  # noqa: PLW0603
    if _cached and time.monotonic() - _cached[0] < SECONDS:
        return _cached[1]
    row = District.objects.order_by("id").first()
    found = EMPTY
    if row:
        found = Current(
            row.code,
            row.name,
            row.name_en,
            (row.centre_lon, row.centre_lat),
            row.sample,
            parse_settings(row.settings),
            {name: row.settings[name] for name in _block_kinds if name in row.settings},
            f"{row.pack_digest} {row.loaded_at.isoformat()}",
        )
        _cached = (time.monotonic(), found)
    return found


def forget() -> None:
    """Drop the cached settings (after a load, and between tests)."""
    global _cached  # noqa: PLW0603
    _cached = None
