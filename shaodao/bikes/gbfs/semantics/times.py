"""Timestamps against the clock, against `ttl`, and against each other."""

from collections.abc import Iterator

import numpy as np
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.feed import Feed, clock_time, moment, number
from shaodao.bikes.gbfs.findings import Finding, error, warning
from shaodao.bikes.gbfs.versions import REALTIME

SKEW_S = 120.0
"""Two clocks may differ by this much before one of them is wrong."""
LATENCY_S = 300.0
"""Data Latency: "in no case should it be more than 5 minutes out-of-date"."""
FIRST = 1_450_155_600.0
"""December 2015, when GBFS was published: the lower limit of the schemas of 2.x."""
MILLISECONDS = 1e11
"""Seconds from here on lie in the year 5138; milliseconds reach it in 1973."""


def _updated(feed: Feed) -> Iterator[tuple[str, str, str, float]]:
    """(file's name, label, path, POSIX seconds) of every `last_updated` that is one."""
    for name, file in feed.files.items():
        at = moment(file.document.get("last_updated"))
        if not np.isnan(at):
            yield name, file.label, "/last_updated", at


def _all_times(feed: Feed) -> Iterator[tuple[str, str, float]]:
    """(label, path, POSIX seconds) of every `last_updated`, and of each table's `last_reported`."""
    for _name, label, path, at in _updated(feed):
        yield label, path, at
    for table in (feed.vehicles, feed.statuses):
        for row in np.flatnonzero(~np.isnan(table.times)):
            yield table.label, table.path(row, "last_reported"), float(table.times[row])


def wrong_unit(feed: Feed) -> Iterator[Finding]:
    """Before 3.0 a timestamp is "POSIX time (the number of seconds since January 1st 1970)": milliseconds are 1000 times too
    large. Since 3.0 it is RFC 3339; one of January 1970 is seconds that were taken for milliseconds.
    """
    for label, path, at in _all_times(feed):
        if feed.major < 3 and at >= MILLISECONDS:
            what = _("时间戳 %(n).0f 像是毫秒，应是秒") % {"n": at}
            yield error("timestamp-unit", label, path, what)
        elif feed.major >= 3 and at < FIRST:
            what = _("时间 %(at)s 早于 GBFS 问世，像是把秒当成了毫秒") % {"at": clock_time(at)}
            yield error("timestamp-unit", label, path, what)


def in_future(feed: Feed) -> Iterator[Finding]:
    """`last_updated` is "the last time data in the feed was updated", `last_reported` the last time of a report: both past."""
    latest = feed.now.timestamp() + SKEW_S
    for label, path, at in _all_times(feed):
        if latest < at < MILLISECONDS:
            words = {"at": clock_time(at), "n": (at - feed.now.timestamp()) / 60}
            yield error("future", label, path, _("时间 %(at)s 在将来，比现在晚 %(n).0f 分钟") % words)


def stale(feed: Feed) -> Iterator[Finding]:
    """Real-time files "in no case should be more than 5 minutes out-of-date" (Data Latency), or older than their `ttl`.

    A feed just fetched is judged by the clock; the files of a folder by the latest among them.
    """
    times = {name: at for name, _label, _path, at in _updated(feed) if at <= feed.now.timestamp() + SKEW_S}
    if not times:
        return
    latest = feed.now.timestamp() if feed.live else max(times.values())
    for name in REALTIME:
        file = feed.files.get(name)
        if file is None or name not in times:
            continue
        ttl = number(file.document.get("ttl"))
        age = latest - times[name]
        if age > max(LATENCY_S, 0.0 if np.isnan(ttl) else ttl):
            words = {"at": clock_time(times[name]), "n": age / 60}
            what = _("实时数据已旧：更新于 %(at)s，落后 %(n).0f 分钟") % words
            yield warning("stale", file.label, "/last_updated", what)


def long_ttl(feed: Feed) -> Iterator[Finding]:
    """A `ttl` over five minutes on a real-time file plans for data that is older than Data Latency allows."""
    for name in REALTIME:
        file = feed.files.get(name)
        if file and number(file.document.get("ttl")) > LATENCY_S:
            what = _("实时文件的 ttl 是 %(n)g 秒，超过 300 秒") % {"n": number(file.document.get("ttl"))}
            yield warning("long-ttl", file.label, "/ttl", what)


def reported_after_update(feed: Feed) -> Iterator[Finding]:
    """`last_updated` is "the publisher's knowledge of the current state at this point in time" (Data Latency): no report in
    the file can be later.
    """
    for table in (feed.vehicles, feed.statuses):
        updated = moment(table.file.document.get("last_updated")) if table.file else np.nan
        if np.isnan(updated) or updated < FIRST:  # a wrong unit is its own finding
            continue
        late = (table.times > updated + SKEW_S) & (table.times < MILLISECONDS) & (updated < MILLISECONDS)
        for row in np.flatnonzero(late & (table.times <= feed.now.timestamp() + SKEW_S)):
            words = {"at": clock_time(float(table.times[row])), "updated": clock_time(updated)}
            what = _("报告时间 %(at)s 晚于文件更新时间 %(updated)s") % words
            yield warning("reported-after-update", table.label, table.path(row, "last_reported"), what)
