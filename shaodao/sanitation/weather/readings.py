"""An answer in Open-Meteo's hourly format as rows of the book. Pure."""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from django.utils.translation import gettext as _

from shaodao.book.actions import Draft
from shaodao.foundation import clock
from shaodao.foundation.maps import Unreadable
from shaodao.sanitation.kinds import weather_code

# Beaufort's scale with China's levels 13 to 17 (GB/T 28591): metres a second from which each level holds.
BEAUFORT = (0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7, 37.0, 41.5, 46.2, 51.0, 56.1)
SPEEDS = {"km/h": 1 / 3.6, "m/s": 1.0, "ms": 1.0, "mph": 0.44704, "mp/h": 0.44704, "kn": 0.514444}
AIR, GROUND, WIND = "temperature_2m", "soil_temperature_0cm", "wind_speed_10m"


def beaufort(metres_a_second: float) -> int:
    return bisect_right(BEAUFORT, round(metres_a_second, 1))


def open_meteo(content: bytes) -> list[Draft]:
    """The full hours that have an air temperature. Raises Unreadable."""
    try:
        data = orjson.loads(content)
        hourly, units = data["hourly"], data.get("hourly_units") or {}
        times = hourly["time"]
        columns = {name: hourly.get(name) or [None] * len(times) for name in (AIR, GROUND, WIND)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(_("不是逐小时天气（hourly.time、temperature_2m…）：%(e)s") % {"e": str(error)[:100]}) from None
    if AIR not in hourly or any(len(values) != len(times) for values in columns.values()):
        raise Unreadable(_("逐小时天气的各列长短不一，或没有 temperature_2m"))
    try:
        offset = timedelta(seconds=int(data.get("utc_offset_seconds") or 0))
        celsius = {name: _celsius(str(units.get(name) or "°C")) for name in (AIR, GROUND)}
        speed = SPEEDS[str(units.get(WIND) or "km/h")]
        drafts = [
            _draft(
                _local(time, offset),
                celsius[AIR](air),
                _with(celsius[GROUND], ground),
                _with(lambda v: v * speed, wind),
            )
            for time, air, ground, wind in zip(times, *columns.values(), strict=True)
            if air is not None
        ]
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Unreadable(_("逐小时天气里有读不懂的值或单位：%(e)s") % {"e": str(error)[:100]}) from None
    return [draft for draft in drafts if draft is not None]


def _celsius(unit: str) -> Callable[[float], float]:
    if unit == "°C":
        return lambda value: value
    if unit == "°F":
        return lambda value: (value - 32) / 1.8
    raise ValueError(unit)


def _local(time: Any, offset: timedelta) -> datetime:
    """The district's wall clock; without a zone a time is `offset` ahead of UTC."""
    if isinstance(time, int):
        return clock.local(datetime.fromtimestamp(time, UTC))
    found = datetime.fromisoformat(time)
    return clock.local(found if found.tzinfo else (found - offset).replace(tzinfo=UTC))


def _draft(at: datetime, air: float, ground: float | None, wind: float | None) -> Draft | None:
    if at.minute or not -60 <= air <= 60 or (ground is not None and not -60 <= ground <= 80):
        if at.minute:
            return None
        raise ValueError(f"{at:%Y-%m-%dT%H:%M}: {air} / {ground}")
    values: dict[str, Any] = {"day": at.date(), "hour": at.hour, "air_c": round(float(air), 1)}
    values["ground_c"] = None if ground is None else round(float(ground), 1)
    values["wind_level"] = None if wind is None else beaufort(float(wind))
    return Draft(weather_code(values), values)


def between(drafts: list[Draft], first: date, last: date) -> list[Draft]:
    """Those of the days, both included."""
    return [d for d in drafts if first <= d.values["day"] <= last]


def _with(do: Callable[[float], float], value: float | None) -> float | None:
    return None if value is None else do(value)
