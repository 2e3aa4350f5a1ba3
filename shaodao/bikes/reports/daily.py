"""The report of a day, written: while the day is open anew from time to time, for good when it is over.

Once final, a report is not changed. Positions of that day that come in later make it counted again, and what differs is a
report with the next version; both stay.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from pyarrow import parquet

from shaodao.bikes import ground, settings
from shaodao.bikes.ingest import keep
from shaodao.bikes.models import Bay, BayVersion, DayReport, FeedQuality, Operator
from shaodao.bikes.reports import figures, offline, scoring
from shaodao.bikes.reports.sections import SECTIONS, Asked
from shaodao.bikes.words import IN_FORCE
from shaodao.foundation import clock

FINAL_AT = time(1)
"""Of the next day: what was on its way at midnight has come."""
OPEN_EVERY = timedelta(hours=1)
"""The report of the present day is made anew so often."""
NOTHING = ""
"""Digest of a day without files: none yet, or none any more, which says nothing new."""


def due(now: datetime) -> Iterator[date]:
    """The days whose report has to be made: today's now and then, those that are over once, and again if late ones came."""
    local = clock.local(now)
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    first = today - timedelta(days=int(settings.current().ingest.oldest_days) + 1)
    rows = DayReport.objects.filter(operator=None, latest=True, day__gte=first).order_by("day")
    found = {row.day: row for row in rows}
    over = {day for day in _kept_days() if first <= day < yesterday} | (
        {yesterday} if local.time() >= FINAL_AT else set()
    )
    for day in sorted(over):
        row = found.get(day)
        if row is None or not row.final or digest(day) not in (row.source, NOTHING):
            yield day
    if today not in found or now - found[today].computed_at >= OPEN_EVERY:
        yield today


def _kept_days() -> Iterator[date]:
    for folder in keep.positions().glob("day=*"):
        try:
            yield date.fromisoformat(folder.name.removeprefix("day="))
        except ValueError:  # keep.py says so
            continue


def folder(day: date) -> Path:
    """Where the positions of a day lie."""
    return keep.positions() / f"day={day.isoformat()}"


def digest(day: date) -> str:
    """Of how many rows each operator's files of the day hold: changes when late ones come, not when files are joined."""
    rows: Counter[str] = Counter()
    for path in folder(day).glob("operator=*/*.parquet"):
        if not path.name.startswith("."):
            rows[path.parent.name] += parquet.read_metadata(path).num_rows
    return hashlib.sha256(repr(sorted(rows.items())).encode()).hexdigest() if rows else NOTHING


def count(day: date, *, everywhere: bool = False) -> figures.Day:
    """The figures of a day from the program's own files; what waits in the spool is moved there first."""
    keep.keep(clock.now(), all_of_it=True)
    found = offline.kept([folder(day)])
    return figures.count(
        offline.KEPT.empty_table() if found is None else found,
        day,
        capacity=capacities(day),
        everywhere=everywhere,
        unique=offline.unique([folder(day)]),
    )


def capacities(day: date) -> dict[str, int]:
    """By code of bay: how many bikes it held on that day, by the last of the versions that held on it."""
    begin = clock.from_local(datetime.combine(day, time()))
    found = dict(Bay.objects.order_by("code").values_list("code", "capacity"))
    held = BayVersion.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=begin), valid_from__lt=begin + timedelta(days=1)
    )
    found.update(held.order_by("bay_id", "version").values_list("bay__code", "capacity"))
    return found


def build(day: date, now: datetime) -> int:
    """Make the reports of a day and write those that are new or different; returns how many."""
    final = now >= clock.from_local(datetime.combine(day + timedelta(days=1), FINAL_AT))
    with clock.freeze(now):
        counted = count(day)
        source = digest(day)
        operators = _operators(day, counted)
        asked = Asked(operators, day, now, counted.seen)
        parts = {name: section(asked) for name, section in SECTIONS.items()}
    own: dict[int | None, dict[str, Any]] = {None: {**counted.figures["all"], "bays": counted.figures["bays"]}}
    for o in operators:
        group = counted.figures["operators"].get(o.organisation.code) or figures.nothing()
        own[o.pk] = {**group, **{name: found[o.pk] for name, found in parts.items()}}
    given = settings.current().score
    scores = {pk: scoring.score(found, given) for pk, found in own.items() if pk is not None}
    rules = _rules()
    rows = []
    for pk, found in own.items():
        row = DayReport(
            day=day, operator_id=pk, final=final, computed_at=now, source=source, rules=rules, figures=found
        )
        if pk is not None:
            row.score, row.parts = scores[pk].points, scores[pk].parts
        rows.append(row)
    try:
        return _write(day, rows)
    except IntegrityError:  # another process wrote the first report of this day meanwhile
        return 0


def _operators(day: date, counted: figures.Day) -> list[Operator]:
    """Those in force, and those of which something came in on the day or of the day."""
    sent = FeedQuality.objects.filter(day=day).order_by().values("operator")
    named = Q(state__in=IN_FORCE) | Q(pk__in=sent) | Q(organisation__code__in=list(counted.figures["operators"]))
    return list(Operator.objects.filter(named).select_related("organisation").order_by("organisation__code"))


def _rules() -> dict[str, Any]:
    """What was counted by: version of the figures, pack, sums of the versions of bays and zones, tolerance."""
    pack, tolerance, *sums = ground.ground().revision
    return {"figures": figures.VERSION, "pack": pack, "tolerance_m": tolerance, "versions": [list(s) for s in sums]}


@transaction.atomic
def _write(day: date, rows: list[DayReport]) -> int:
    """Several processes may come here with the same rows: who holds the day's reports is first, the others find them."""
    there = {row.operator_id: row for row in DayReport.objects.select_for_update().filter(day=day, latest=True)}
    written = 0
    for row in rows:
        before = there.get(row.operator_id)
        if before is not None and before.final:
            if not row.final or _counts(before.figures) == _counts(row.figures):
                DayReport.objects.filter(pk=before.pk).update(source=row.source)
                continue
            DayReport.objects.filter(pk=before.pk).update(latest=False)
            row.version = before.version + 1
        elif before is not None:
            row.pk, row.version = before.pk, before.version
        row.save()
        written += 1
    return written


def _counts(found: dict[str, Any]) -> dict[str, Any]:
    """What positions alone decide: cases that ended later are no new version."""
    return {name: value for name, value in found.items() if name not in SECTIONS and name != "bays"}


def report(day: date, now: datetime, only: Operator | None = None) -> dict[str, Any]:
    """The newest reports of a day as one dict, made first where they are missing, not final, or late positions came.

    {"day", "version", "final", "computed_at", "rules", "all": figures or None where `only` is given, "bays", "operators":
    {code: figures with sections, "score", "parts"}}. Raises ValueError where there is nothing to go by.
    """
    rows = _latest(day)
    whole = next((row for row in rows if row.operator_id is None), None)
    if whole is None or not whole.final or digest(day) not in (whole.source, NOTHING):
        if whole is None and not folder(day).exists() and day < clock.local(now).date():
            keep.keep(now, all_of_it=True)
            if not folder(day).exists() and not FeedQuality.objects.filter(day=day).exists():
                raise ValueError(_("%(day)s 没有收到过位置") % {"day": day})
        build(day, now)
        rows = _latest(day)
        whole = next(row for row in rows if row.operator_id is None)
    assert whole is not None
    everything = dict(whole.figures)
    bays = everything.pop("bays")
    return {
        "day": day.isoformat(), "version": whole.version, "final": whole.final, "computed_at": whole.computed_at.isoformat(),
        "rules": whole.rules, "all": None if only else everything, "bays": None if only else bays,
        "operators": {
            row.operator.organisation.code: {**row.figures, "score": row.score, "parts": row.parts}
            for row in rows if row.operator is not None and (only is None or row.operator_id == only.pk)
        },
    }  # fmt: skip


def _latest(day: date) -> list[DayReport]:
    rows = DayReport.objects.filter(day=day, latest=True).select_related("operator__organisation")
    return list(rows.order_by("operator__organisation__code"))
