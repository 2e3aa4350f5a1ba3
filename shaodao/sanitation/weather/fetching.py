"""The weather from an address that the pack names (`settings: sanitation: weather_url`), as Open-Meteo answers.

    weather_url: https://HOST/v1/forecast?latitude=40.1&longitude=113.3&hourly=temperature_2m,soil_temperature_0cm,wind_speed_10m&timezone=Asia%2FShanghai&wind_speed_unit=ms

Only the open internet is reached (foundation/guarding.py). What a person wrote for an hour is left alone.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.utils.translation import gettext as _

from shaodao import __version__
from shaodao.cases.tasks import Round
from shaodao.foundation import clock, guarding, log
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import LogEntry
from shaodao.sanitation import settings
from shaodao.sanitation.weather import actions, readings

ACTION = "sanitation.weather.fetch"
EVERY = timedelta(hours=1)
TIMEOUT_S, SECONDS = 10.0, 20.0
MOST_BYTES = 5 * 1024 * 1024
DAYS_AHEAD = 1


def fetch(person: Any = None) -> dict[str, Any]:
    """Today's and tomorrow's hours: {"new", "changed", "restored", "unchanged", "typed", "hours"}. Raises Unreadable.

    Each call is a line of the log, whatever came of it.
    """
    url = settings.current().weather_url
    host = urlsplit(url).hostname or ""
    today = clock.local(clock.now()).date()
    try:
        found = readings.between(readings.open_meteo(_get(url)), today, today + timedelta(days=DAYS_AHEAD))
        if not found:
            raise Unreadable(_("答复里没有今天和明天的小时"))
    except Unreadable as error:
        log.write(ACTION, "weather", actor=person, data={"host": host, "fault": str(error)})
        raise
    counts, typed = actions.take_in(found, host)
    data = {**counts.as_dict(), "typed": typed, "hours": len(found)}
    log.write(ACTION, "weather", actor=person, data={"host": host, **data})
    return data


def _get(url: str) -> bytes:
    if not url:
        raise Unreadable(_("数据包没有写天气服务的地址（settings: sanitation: weather_url）"))
    try:
        guarding.check_url(url)
        headers = {"User-Agent": f"shaodao/{__version__}", "Accept": "application/json"}
        transport = guarding.transport(url)
        with (
            httpx.Client(
                timeout=TIMEOUT_S, follow_redirects=True, max_redirects=5, headers=headers, transport=transport
            ) as http,
            http.stream("GET", url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise Unreadable(_("服务器答复 HTTP %(n)d") % {"n": response.status_code})
            return _body(response)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unreadable(_("天气服务读不到：%(e)s") % {"e": str(error)[:200] or type(error).__name__}) from None


def _body(response: httpx.Response) -> bytes:
    """The whole content, within its limits of size and time."""
    end, parts, size = time.monotonic() + SECONDS, [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MOST_BYTES or time.monotonic() > end:
            raise Unreadable(_("答复太大或太慢"))
        parts.append(part)
    return b"".join(parts)


def last() -> LogEntry | None:
    """The last try."""
    return LogEntry.objects.filter(action=ACTION).first()


def follow(round: Round) -> None:
    """What the clock does: once an hour, where the pack names an address."""

    def once() -> int:
        try:
            return int(fetch()["hours"])
        except Unreadable:
            return 0

    if settings.current().weather_url and _due(round.now):
        round.once("weather", once)


def _due(now: datetime) -> bool:
    found = last()
    return found is None or found.at <= now - EVERY
