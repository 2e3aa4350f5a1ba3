"""A day's work at the bins against the promise: rates by round, and the bins that fell short."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shaodao.sanitation import settings
from shaodao.sanitation.bins.rules import ASKED, Done, Said, proven
from shaodao.sanitation.models import Bin, BinRound, BinVisit

NONE = Done()


@dataclass
class Rate:
    """done of planned; `unsure` was said but proves nothing and is in neither."""

    planned: int = 0
    done: int = 0
    unsure: int = 0

    @property
    def share(self) -> float | None:
        return self.done / self.planned if self.planned else None


@dataclass
class Line:
    """A round on the day. `collected`: bins emptied at least once; `short`: bins that miss something."""

    round: BinRound
    bins: int = 0
    collected: int = 0
    rates: dict[str, Rate] = field(default_factory=lambda: {task: Rate() for task in ASKED})
    short: list[Any] = field(default_factory=list)
    illustrative: bool = False

    @property
    def coverage(self) -> float | None:
        return self.collected / self.bins if self.bins else None


@dataclass
class Day:
    day: date
    lines: list[Line]
    roundless: int  # bins on no round: nothing is promised for them
    troubles: list[BinVisit]


def of(day: date) -> Day:
    """The day, four queries however many bins and visits."""
    numbers = settings.current()
    rows = BinVisit.objects.filter(day=day).order_by("pk")
    said = [
        Said(bin_, task, at, far, asked and upload is None)
        for bin_, task, at, far, asked, upload in rows.values_list(
            "bin_id", "task", "at", "distance_m", "photo_asked", "upload_id"
        )
    ]
    done = proven(said, numbers.bin_apart_min, numbers.bin_reach_m)
    lines = {r.pk: Line(r) for r in BinRound.objects.filter(active=True).order_by("code")}
    roundless = 0
    for bin_ in Bin.objects.filter(active=True).select_related("road").order_by("road__code", "code"):
        line = lines.get(bin_.round_id or 0)
        if line is None:
            roundless += 1
        else:
            _count(line, bin_, done)
    troubles = rows.exclude(trouble="").select_related("bin__road", "upload").order_by("-at")
    latest: dict[tuple[int, str], BinVisit] = {}
    for visit in troubles:
        latest.setdefault((visit.bin_id, visit.trouble), visit)
    return Day(day, list(lines.values()), roundless, list(latest.values()))


def _count(line: Line, bin_: Any, done: dict[tuple[int, str], Done]) -> None:
    asked = {"wipe": line.round.wipes, "empty": line.round.empties, "disinfect": line.round.disinfections}
    missing = {}
    for task, planned in asked.items():
        found = done.get((bin_.pk, task), NONE)
        rate = line.rates[task]
        rate.planned += planned
        rate.done += min(planned, len(found.times))  # never above what was promised
        rate.unsure += min(found.unsure, max(0, planned - len(found.times)))
        if len(found.times) < planned:
            missing[task] = planned - len(found.times)
    line.bins += 1
    line.illustrative |= bin_.illustrative
    line.collected += bool(done.get((bin_.pk, "empty"), NONE).times)
    if missing:
        line.short.append((bin_, missing))


def as_dict(found: Day) -> dict[str, Any]:
    """For `--json` and the API."""
    return {
        "day": found.day.isoformat(),
        "rounds": [
            {
                "round": line.round.code,
                "bins": line.bins,
                "coverage": line.coverage,
                "short": len(line.short),
                **{t: {**vars(rate), "share": rate.share} for t, rate in line.rates.items()},
            }
            for line in found.lines
        ],
        "without_round": found.roundless,
        "troubles": [{"bin": v.bin.code, "trouble": v.trouble, "at": v.at.isoformat()} for v in found.troubles],
    }


def work_of(bin_: Bin, day: date) -> dict[str, tuple[int, int]]:
    """(done, planned) of one bin on a day, by task: what its page shows. Two queries."""
    numbers = settings.current()
    rows = BinVisit.objects.filter(day=day, bin=bin_).values_list(
        "task", "at", "distance_m", "photo_asked", "upload_id"
    )
    said = [Said(bin_.pk, task, at, far, asked and upload is None) for task, at, far, asked, upload in rows]
    done = proven(said, numbers.bin_apart_min, numbers.bin_reach_m)
    promised: dict[str, int] = defaultdict(int)
    if bin_.round is not None and bin_.round.active:
        promised |= {"wipe": bin_.round.wipes, "empty": bin_.round.empties, "disinfect": bin_.round.disinfections}
    return {task: (len(done.get((bin_.pk, task), NONE).times), promised[task]) for task in ASKED}
