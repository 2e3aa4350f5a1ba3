"""How good an operator's data is, to be read: the sums of FeedQuality by day and door, and what they give away."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shaodao.bikes import words
from shaodao.bikes.ingest import plausible
from shaodao.bikes.models import FeedQuality, Operator, VehicleStatus
from shaodao.bikes.words import ABSENT, LATENCY, RIDDEN, Reason, Source
from shaodao.foundation import clock

DAYS = 30
EXAMPLES = 20
MOST = 3_000  # vehicles whose positions are held against the bays
FEW = 20  # positions of a day, below which nothing is said of its clock
REPEATED = str(Reason.DUPLICATE.value)


@dataclass(frozen=True)
class Line:
    """A day at one door. `repeated` are duplicates, which a feed that is polled sends all day; `bad` all other rejects."""

    row: FeedQuality

    day = property(lambda self: self.row.day)
    source = property(lambda self: self.row.source)

    @property
    def label(self) -> str:
        return str(Source(self.row.source).label)

    @property
    def repeated(self) -> int:
        return int(self.row.reasons.get(REPEATED, 0))

    @property
    def bad(self) -> int:
        return self.row.rejected - self.repeated

    @property
    def reasons(self) -> list[tuple[str, str, int]]:
        """(code, words, number) of what was rejected, without duplicates."""
        return labelled({code: n for code, n in self.row.reasons.items() if code != REPEATED})

    @property
    def marked(self) -> list[tuple[str, str, int]]:
        return labelled(self.row.marked)

    @property
    def watched(self) -> bool:
        """Are silences of this door gaps? Files come when they come."""
        return bool(self.row.source != Source.FILE)

    @property
    def gap(self) -> str:
        return span(self.gap_s)

    @property
    def gap_s(self) -> int:
        return int(self.row.longest_gap_ms // 1000)

    def quantile(self, q: float) -> str:
        """Of the seconds between fix and receipt, as words."""
        return within(quantile(self.row.latency, q))

    @property
    def median(self) -> str:
        return self.quantile(0.5)

    @property
    def p95(self) -> str:
        return self.quantile(0.95)

    def as_dict(self) -> dict[str, Any]:
        row = self.row
        same = ("received", "kept", "rejected", "reasons", "marked", "calls", "failures", "last_failure", "examples")
        latency = {
            "edges_s": list(LATENCY),
            "counts": row.latency or [0] * (len(LATENCY) + 1),
            "median_at_most_s": _edge(quantile(row.latency, 0.5)),
            "p95_at_most_s": _edge(quantile(row.latency, 0.95)),
            "mean_s": round(row.latency_ms / row.kept / 1000, 1) if row.kept else None,
        }
        gaps = {"gaps": row.gaps if self.watched else None, "longest_gap_s": self.gap_s if self.watched else None}
        return {
            "day": row.day.isoformat(), "source": row.source, **{name: getattr(row, name) for name in same},
            "repeated": self.repeated, "latency": latency, **gaps,
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """The last days of an operator: lines, their sums, findings in words."""

    lines: list[Line]
    totals: dict[str, int]
    reasons: list[tuple[str, str, int]]
    marked: list[tuple[str, str, int]]
    latency: list[dict[str, Any]]  # {"label", "n", "percent", "p95"} of each class
    median: str
    p95: str
    findings: list[str]
    examples: list[dict[str, Any]]


def report(operator: Operator, days: int, now: datetime) -> Report:
    """The last `days` days up to today: four queries, however many rows came in."""
    lines = lines_of(operator, first_day(now, days))
    totals = {
        name: sum(getattr(line.row, name) for line in lines) for name in ("received", "kept", "calls", "failures")
    }
    totals |= {name: sum(getattr(line, name) for line in lines) for name in ("repeated", "bad")}
    totals["gaps"] = sum(line.row.gaps for line in lines if line.watched)
    reasons, marked = Counter[str](), Counter[str]()
    counts = np.zeros(len(LATENCY) + 1, np.int64)
    for line in lines:
        reasons.update({code: n for code, n in line.row.reasons.items() if code != REPEATED})
        marked.update(line.row.marked)
        counts += np.array(line.row.latency or [0] * counts.size, np.int64)
    return Report(
        lines, totals, labelled(reasons), labelled(marked), _histogram(counts.tolist()),
        within(quantile(counts.tolist(), 0.5)), within(quantile(counts.tolist(), 0.95)),
        findings(operator, lines, now), _examples(lines),
    )  # fmt: skip


def first_day(now: datetime, days: int) -> date:
    """Of the last `days` days of the district's calendar, with today."""
    return clock.local(now).date() - timedelta(days=days - 1)


def lines_of(operator: Operator, since: date) -> list[Line]:
    """The newest day first. One query."""
    rows = FeedQuality.objects.filter(operator=operator, day__gte=since).order_by("-day", "source")
    return [Line(row) for row in rows]


def labelled(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """(code, words, number) of reasons and marks, the most frequent first."""
    known = _labels()
    return sorted(((code, known.get(code, code), n) for code, n in counts.items()), key=lambda row: (-row[2], row[0]))


def _labels() -> dict[str, str]:
    return {str(reason.value): str(reason.label) for reason in Reason} | words.flag_labels()


# ── how long on their way ────────────────────────────────────────────────────────────────────────────────────────


def quantile(counts: list[int], q: float) -> int | None:
    """The class (place in LATENCY, or its length for more than an hour) below which that share lies; None without any."""
    total = sum(counts)
    if not total:
        return None
    return int(np.searchsorted(np.cumsum(counts), q * total - 1e-9))


def _edge(found: int | None) -> int | None:
    return None if found is None or found >= len(LATENCY) else LATENCY[found]


def within(found: int | None) -> str:
    """A class in words."""
    if found is None:
        return "—"
    if found >= len(LATENCY):
        return _("超过 1 小时")
    return _("≤ %(t)s") % {"t": span(LATENCY[found])}


def span(seconds: int) -> str:
    """A length of time in its largest whole unit."""
    if seconds >= 3600:
        return ngettext("%(n)d 小时", "%(n)d 小时", seconds // 3600) % {"n": seconds // 3600}
    if seconds >= 60:
        return _("%(n)d 分") % {"n": seconds // 60}
    return _("%(n)d 秒") % {"n": seconds}


def _histogram(counts: list[int]) -> list[dict[str, Any]]:
    total, last = sum(counts) or 1, quantile(counts, 0.95)
    return [
        {"label": within(k), "n": n, "percent": round(100 * n / total, 1), "p95": k == last}
        for k, n in enumerate(counts)
    ]


# ── what it gives away ───────────────────────────────────────────────────────────────────────────────────────────


def findings(operator: Operator, lines: list[Line], now: datetime) -> list[str]:
    """A wrong datum of the bikes that stand there now, a clock that is hours off, most times in the future. Two queries."""
    standing = VehicleStatus.objects.filter(operator=operator).exclude(state__in=(*RIDDEN, *ABSENT))
    places = list(standing.order_by("-received_ms", "pk").values_list("lon_e6", "lat_e6")[:MOST])
    lon, lat = np.array(places, np.float64).reshape(-1, 2).T / 1e6
    since = clock.local(now).date() - timedelta(days=1)
    recent = [line.row for line in lines if line.watched and line.day >= since]
    hours = next((found for row in recent if (found := _hours(row))), 0)
    said = plausible.said(plausible.datum_of(lon, lat, "WGS-84"), hours)
    if any(_ahead(row) for row in recent):
        said.append(_("多数位置的时间在将来，未收：企业的时钟快了，或把本地时间当作 UTC 发来。"))
    return said


def _hours(row: FeedQuality) -> int:
    """How many hours the clock of a day's positions is behind, judged by their mean age and by almost none being fresh."""
    if row.kept < FEW or not row.latency or row.latency[-1] < 0.8 * row.kept:
        return 0
    mean = row.latency_ms / row.kept
    hours = round(mean / plausible.HOUR_MS)
    return hours if 0 < hours <= 14 and abs(mean - hours * plausible.HOUR_MS) <= plausible.AROUND_MS else 0


def _ahead(row: FeedQuality) -> bool:
    future = row.reasons.get(str(Reason.FUTURE.value), 0)
    return bool(future >= FEW and 2 * future >= row.received - row.reasons.get(REPEATED, 0))


def _examples(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Rejected rows of the last days, the newest first; `n` counts from 1."""
    known = _labels()
    found = [
        {**row, "n": row["row"] + 1, "day": line.day, "source": line.label, "what": known.get(row["why"], row["why"])}
        for line in lines
        for row in line.row.examples
        if row.get("why") != REPEATED
    ]
    return found[:EXAMPLES]
