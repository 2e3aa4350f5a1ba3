"""An operator's GBFS feed, 2.x or 3.x, fetched by us: the vehicles of `free_bike_status` or `vehicle_status`.

Such a list is a snapshot: who is not in it any more has left the street. That is believed only of a list that is whole.
Bikes that somebody rides are in no list. A public `vehicle_id` changes after each trip, so it tells trips apart and nothing
more: an operator's non-public feed with ids that stay is what is set here.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs import fetching, reading, versions
from shaodao.bikes.gbfs.feed import NEW, OLD, File, Table, Words, listing, moment
from shaodao.bikes.gbfs.parsing import parse
from shaodao.bikes.ingest import plausible, receive, store
from shaodao.bikes.ingest.positions import NO_TIME, Positions
from shaodao.bikes.ingest.quality import printable
from shaodao.bikes.models import OperatorFeed
from shaodao.bikes.words import FeedState, Source
from shaodao.foundation import guarding
from shaodao.organisations.account import sealing

logger = logging.getLogger(__name__)
TIMEOUT_S = 15.0  # for each file
TOTAL_S = 60.0  # for all
MOST_BYTES = 16 * 2**20  # of a file; 12,000 vehicles take two million
LONGEST_PAUSE = timedelta(hours=1)
DOUBTED = 3
"""Lists in a row that are less than half as long as the last whole one, or older, before one is believed."""
FEW = 20  # vehicles; fewer may halve any time


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought: a file of vehicles, or `unchanged`, or why there is none (`fault`).

    `stations`: (longitude, latitude) by id, where vehicles say only at which station they are. `statuses`: the file
    `station_status`, where the feed has one that can be read.
    """

    file: File | None = None
    stations: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    statuses: File | None = None
    fault: str = ""
    unchanged: bool = False
    url: str = ""  # of the file of vehicles
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Pulled:
    """What came of a pull. `fault` may be said although positions were taken in: a list that is doubted."""

    feed: OperatorFeed
    received: receive.Received | None = None
    whole: bool = False
    unchanged: bool = False
    fault: str = ""
    looks: str = ""
    clock_hours: int = 0
    stations: tuple[int, int] | None = None  # `at_stations`

    @property
    def ok(self) -> bool:
        return self.unchanged or self.received is not None

    def as_dict(self) -> dict[str, Any]:
        counts = (self.received or receive.Received()).as_dict()
        say, listed = self.stations or (None, None)
        found = {"looks": self.looks, "clock_hours": self.clock_hours, "stations_say": say, "stations_listed": listed}
        said = {"ok": self.ok, "whole": self.whole, "unchanged": self.unchanged, "fault": self.fault}
        return {"operator": self.feed.operator.organisation.code, **said, **counts, **found}


def pull(feeds: Iterable[OperatorFeed], now: datetime) -> Iterator[Pulled]:
    """Fetch these feeds, some at a time, and take in what came, one after another. Their operators are loaded."""
    return (take(feed, found, now) for feed, found in fetch_all(feeds))


def fetch_all(feeds: Iterable[OperatorFeed]) -> list[tuple[OperatorFeed, Fetched]]:
    """Fetch at the same time, within TOTAL_S altogether; nothing is written, nothing raises.

    A server that drips its headers runs into no time limit of HTTP: its thread is left behind and ends when it gives up.
    """
    chosen, speech, found = list(feeds), get_language(), dict[int, Fetched]()

    def work(feed: OperatorFeed) -> None:
        with override(speech):  # a language belongs to its thread
            try:
                found[feed.pk] = fetch(feed)
            except Exception as error:  # one feed must not stop the others
                logger.exception("feed %s", feed.pk)
                found[feed.pk] = Fetched(fault=f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=(feed,), daemon=True) for feed in chosen]
    for thread in threads:
        thread.start()
    end = time.monotonic() + TOTAL_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = Fetched(fault=_("%(n)g 秒内没有传完") % {"n": TOTAL_S})
    return [(feed, found.get(feed.pk, late)) for feed in chosen]


# ── over the network; no database ────────────────────────────────────────────────────────────────────────────────


def fetch(feed: OperatorFeed) -> Fetched:
    """The file of vehicles behind a feed's address. Never raises for what the other side does."""
    try:
        guarding.check_url(feed.url)
        secret = sealing.unseal(feed.secret) if feed.secret else ""
        with fetching.client(TIMEOUT_S, guarding.transport(feed.url, feed.header, secret)) as http:
            return _vehicles(http, feed)
    except sealing.Unreadable:
        return Fetched(fault=_("密钥已不能读出，请重新填写"))
    except (ValueError, httpx.InvalidURL) as error:
        return Fetched(fault=str(error))


def _vehicles(http: httpx.Client, feed: OperatorFeed) -> Fetched:
    """The feed's address may be that of gbfs.json or of the file of vehicles itself."""
    first = fetching.fetch(http, feed.url, "gbfs.json", TIMEOUT_S, _validators(feed, feed.url), MOST_BYTES)
    if first.status == httpx.codes.NOT_MODIFIED:
        return Fetched(unchanged=True)
    index, fault = _file(first, "gbfs.json")
    if index is None:
        return Fetched(fault=fault)
    return _fetched(first, index, feed.url) if _holds_vehicles(index) else _listed(http, feed, index)


def _listed(http: httpx.Client, feed: OperatorFeed, index: File) -> Fetched:
    """The file of vehicles that gbfs.json lists."""
    line = next((line for name in versions.VEHICLE_FILES for line in reading.lines(index) if line.name == name), None)
    if line is None:
        return Fetched(fault=_("没有列出 vehicle_status 或 free_bike_status 文件"))
    guarding.check_url(line.url)
    label = f"{line.name}.json"
    answer = fetching.fetch(http, line.url, label, TIMEOUT_S, _validators(feed, line.url), MOST_BYTES)
    if answer.status == httpx.codes.NOT_MODIFIED:
        return Fetched(unchanged=True)
    file, fault = _file(answer, label)
    if file is not None and not _holds_vehicles(file):
        file, fault = None, _("%(file)s 里没有车辆名单") % {"file": label}
    if file is None:
        return Fetched(fault=fault)
    statuses = _other(http, index, "station_status")
    return replace(_fetched(answer, file, line.url), stations=_stations(http, index, file), statuses=statuses)


def _other(http: httpx.Client, index: File, name: str) -> File | None:
    """Another file that gbfs.json lists; None if it lists none, or none that can be read: vehicles come in without it."""
    line = next((line for line in reading.lines(index) if line.name == name), None)
    if line is None:
        return None
    return _file(fetching.fetch(http, line.url, f"{name}.json", TIMEOUT_S, most=MOST_BYTES), f"{name}.json")[0]


def _stations(http: httpx.Client, index: File, vehicles: File) -> dict[str, tuple[float, float]]:
    """Where the stations are, fetched only if a vehicle has no position of its own; nothing if they cannot be read."""
    table = _table(vehicles)
    placeless = np.isnan(table.place[0])
    if not any(at is not None and none for at, none in zip(table.texts("station_id"), placeless, strict=True)):
        return {}
    stations = Table(_other(http, index, "station_information"), "stations")
    places = zip(stations.texts("station_id"), *(column.tolist() for column in stations.place), strict=True)
    return {name: (lon, lat) for name, lon, lat in places if name is not None}


def _validators(feed: OperatorFeed, url: str) -> dict[str, str]:
    """Headers that ask for a file only if it is another than that of the last whole list."""
    known = {"If-None-Match": feed.etag, "If-Modified-Since": feed.last_modified}
    return {name: value for name, value in known.items() if value and url == feed.list_url}


def _file(answer: fetching.Answer, label: str) -> tuple[File | None, str]:
    """(document, "") or (None, what is wrong, in plain words)."""
    if answer.content is None:
        return None, f"{label}: {answer.findings[0].what}"
    document, faults = parse(answer.content, label)
    if document is None:
        return None, f"{label}: {faults[-1].what}"
    return File(label.removesuffix(".json"), label, document), ""


def _fetched(answer: fetching.Answer, file: File, url: str) -> Fetched:
    tag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    if len(tag) > 300 or len(modified) > 100 or len(url) > 500:
        return Fetched(file)
    return Fetched(file, url=url, etag=tag, last_modified=modified)


def _holds_vehicles(file: File) -> bool:
    return isinstance(file.data.get(NEW.vehicles), list) or isinstance(file.data.get(OLD.vehicles), list)


# ── what a list says ─────────────────────────────────────────────────────────────────────────────────────────────


def positions_of(
    file: File, datum: str, stations: Mapping[str, tuple[float, float]] | None = None
) -> tuple[Positions, bool, int | None]:
    """(positions, whether each entry is a vehicle with an id, `last_updated` in milliseconds or None).

    A vehicle that does not say when it was last seen was seen when the file was made; one without a position is where its
    station is.
    """
    table = _table(file)
    n = len(table)
    updated = _ms(np.array([moment(file.document.get("last_updated"))]))
    at = _ms(table.times)
    at = np.where(at == NO_TIME, updated[0], at)
    ids, state = np.empty(n, object), np.empty(n, object)
    ids[:] = table.texts(_words(file).vehicle_id)
    state[:] = FeedState.AVAILABLE.value
    state[table.true("is_reserved")] = FeedState.RESERVED.value
    state[table.true("is_disabled")] = FeedState.NON_OPERATIONAL.value
    whole = n == len(listing(file.data.get(_words(file).vehicles))) and all(ids.tolist())
    nowhere = (np.nan, np.nan)
    known = [(stations or {}).get(name or "", nowhere) for name in table.texts("station_id")]
    own, docked = np.stack([table.numbers("lon"), table.numbers("lat")]), np.array(known, np.float64).reshape(-1, 2).T
    lon, lat = np.where(np.isnan(own).any(axis=0), docked, own)
    rows = np.array(table.at, dtype=np.int64)
    positions = Positions(ids, at, lon, lat, state, np.full(n, np.nan), rows, datum)
    return positions, whole, None if updated[0] == NO_TIME else int(updated[0])


def at_stations(statuses: File | None, vehicles: File) -> tuple[int, int] | None:
    """(vehicles at stations by their own counts, available and disabled; vehicles of the list that may be those).

    Of the list, those that name a station; if none does, all. Reserved ones are in no count of a station. None without counts.
    """
    table, list_ = Table(statuses, "stations"), _table(vehicles)
    counted = [
        np.nan_to_num(np.fmax(table.numbers(getattr(OLD, what)), table.numbers(getattr(NEW, what))))
        for what in ("available", "disabled")
    ]
    free = ~list_.true("is_reserved")
    named = np.array([name is not None for name in list_.texts("station_id")], dtype=bool)
    say = int(np.clip(np.sum(counted), 0, 2**31 - 1))
    return (say, int((free & named).sum() if named.any() else free.sum())) if len(table) else None


def _words(file: File) -> Words:
    return NEW if isinstance(file.data.get(NEW.vehicles), list) else OLD


def _table(file: File) -> Table:
    return Table(file, _words(file).vehicles)


def _ms(seconds: Any) -> Any:
    """(n,) int64 milliseconds; NO_TIME for NaN and for what no calendar holds."""
    fits = np.isfinite(seconds) & (np.abs(seconds) < 2**40)
    return np.where(fits, np.rint(np.where(fits, seconds, 0.0) * 1000), NO_TIME).astype(np.int64)


# ── into the ingest ──────────────────────────────────────────────────────────────────────────────────────────────


def take(feed: OperatorFeed, fetched: Fetched, now: datetime) -> Pulled:
    """Take in what a fetch brought, and note on the feed how it went. Nothing that a feed sends raises."""
    if fetched.unchanged:
        return _note(feed, _unchanged(feed, now), now)
    if fetched.file is None:
        receive.failed(feed.operator, Source.GBFS, fetched.fault, now)
        return _note(feed, Pulled(feed, fault=fetched.fault), now)
    positions, whole, updated = positions_of(fetched.file, feed.datum, fetched.stations)
    doubt = "" if not whole else _doubt(feed, len(positions), updated)
    whole = whole and (not doubt or feed.doubted + 1 >= DOUBTED)
    received = receive.ingest(feed.operator, positions, Source.GBFS, now, snapshot=whole)
    fault = "" if whole else doubt or _("名单里有不是车辆或没有编号的条目：不当作完整名单")
    kept: dict[str, Any] = {}
    if whole:
        kept |= {"list_url": fetched.url, "etag": fetched.etag, "last_modified": fetched.last_modified}
        kept |= {"whole_ms": int(now.timestamp() * 1000), "listed": len(positions)}
    kept |= {"version": printable(fetched.file.version, 20), "doubted": 0 if whole else feed.doubted + bool(doubt)}
    kept |= {"updated_ms": updated} if whole or feed.updated_ms is None else {}
    looks = plausible.datum_of(positions.lon, positions.lat, feed.datum)
    hours = feed.clock_hours if updated == feed.updated_ms and updated is not None else _clock(positions, now)
    stations = at_stations(fetched.statuses, fetched.file)
    kept["stations_say"], kept["stations_listed"] = stations or (None, None)
    pulled = Pulled(feed, received, whole, fault=fault, looks=looks, clock_hours=hours, stations=stations)
    return _note(feed, pulled, now, **kept)


def _doubt(feed: OperatorFeed, n: int, updated: int | None) -> str:
    """Why a list may be only a part of the vehicles, or an old copy, or ""."""
    if 2 * n < feed.listed and (feed.listed >= FEW or not n):
        return _("只列出 %(n)d 辆，上次 %(last)d 辆：先不当作完整名单") % {"n": n, "last": feed.listed}
    if updated is not None and feed.updated_ms is not None and updated < feed.updated_ms:
        return _("内容比上次读到的旧：先不当作完整名单")
    return ""


def _unchanged(feed: OperatorFeed, now: datetime) -> Pulled:
    """The whole list of the last time still holds: nobody has left, and nobody is silent."""
    received = receive.ingest(feed.operator, Positions.of([]), Source.GBFS, now)
    if feed.whole_ms is not None:
        store.still_listed(feed.operator_id, feed.whole_ms, int(now.timestamp() * 1000))
    return Pulled(feed, received, whole=True, unchanged=True, looks=feed.looks, clock_hours=feed.clock_hours)


def _clock(positions: Positions, now: datetime) -> int:
    timed = positions.at_ms[positions.at_ms != NO_TIME]
    return plausible.clock_hours(int(now.timestamp() * 1000) - timed)


def _note(feed: OperatorFeed, pulled: Pulled, now: datetime, **kept: Any) -> Pulled:
    """Write how it went, unless the feed was set to another address meanwhile."""
    kept |= {"last_at": now, "fault": printable(pulled.fault, 300)}
    if pulled.ok:
        kept |= {"failures": 0, "last_ok_at": now, "next_at": now + timedelta(seconds=feed.interval_s)}
        kept |= {"looks": pulled.looks, "clock_hours": pulled.clock_hours}
    else:
        kept |= {"failures": feed.failures + 1, "next_at": now + pause(feed.interval_s, feed.failures + 1)}
    OperatorFeed.objects.filter(pk=feed.pk, url=feed.url, changed_at=feed.changed_at).update(**kept)
    for name, value in kept.items():
        setattr(feed, name, value)
    return pulled


def pause(interval_s: int, failures: int) -> timedelta:
    """How long to wait after so many failures in a row: the interval, doubled each time, at most an hour (or itself)."""
    usual = timedelta(seconds=interval_s)
    return max(usual, min(usual * 2 ** min(failures, 12), LONGEST_PAUSE))
