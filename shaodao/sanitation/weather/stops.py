"""What the weather stops on a day, and why, as sentences: 清洗 06:00–09:00 停：地温 2.1℃ 低于 3℃."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from shaodao.book.shown import number
from shaodao.foundation.naming import named
from shaodao.kernel.sweeping import open_minutes
from shaodao.sanitation.feasibility.facts import Hour
from shaodao.sanitation.feasibility.reckon import felt, stop_of
from shaodao.sanitation.models import Weather


@dataclass(frozen=True)
class Stop:
    """A service stands still from one full hour to another (24 is midnight); `why` in words."""

    mode: Any
    first: int
    last: int
    why: str

    def __str__(self) -> str:
        said = {"m": named(self.mode), "a": f"{self.first:02}:00", "b": f"{self.last:02}:00", "w": self.why}
        return _("%(m)s %(a)s–%(b)s 停：%(w)s") % said


def of(day: date, modes: Iterable[Any]) -> list[Stop]:
    """The stops of a day within the windows of the modes that are in season (one query)."""
    rows = Weather.objects.filter(day=day, active=True)
    weather = {w.hour: Hour(w.air_c, w.ground_c, w.wind_level) for w in rows}
    return [stop for mode in modes if not mode.months or day.month in mode.months for stop in _of(mode, weather)]


def _of(mode: Any, weather: Mapping[int, Hour]) -> Iterator[Stop]:
    planned = open_minutes(mode.windows) if mode.windows else ~open_minutes([])
    planned = planned & ~open_minutes(mode.peaks)
    hours = [h for h in sorted(weather) if planned[h * 60 : h * 60 + 60].any() and stop_of(mode, weather[h])]

    def run(pair: tuple[int, int]) -> tuple[int, str, str]:
        place, hour = pair
        return hour - place, stop_of(mode, weather[hour]), felt(mode, weather[hour])[0]

    for (_run, why, basis), found in groupby(enumerate(hours), run):
        own = [hour for _place, hour in found]
        yield Stop(mode, own[0], own[-1] + 1, _why(mode, why, basis, [weather[h] for h in own]))


def _why(mode: Any, why: str, basis: str, seen: list[Hour]) -> str:
    """The worst of the hours against the bound."""
    if why == "wind":
        strongest = max(h.wind_level or 0 for h in seen)
        return _("风力 %(v)d 级，到 %(c)d 级就停") % {"v": strongest, "c": mode.wind_level}
    coldest = number(min(felt(mode, h)[1] for h in seen), 1)
    said = {"v": coldest, "c": number(mode.cold_c, 1)}
    if basis == "ground":
        return _("地温 %(v)s℃ 低于 %(c)s℃") % said
    return _("气温 %(v)s℃ 低于 %(c)s℃") % said
