"""The demonstration of sanitation: yesterday planned, driven and proven, today planned, work at bins, an inspection.

Called by `shaodao run --demo` after the pack's accounts are there; all goes through the real actions, on the pack's illustrative
roads and vehicles, with the services that are in season. A second call finds a plan and does nothing. The same pack and day
give the same tracks; only the seed of the inspectors' sample is the machine's, as always.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from shaodao.cases.actions import Actor
from shaodao.cases.demo import pictures
from shaodao.foundation import clock, uploads
from shaodao.organisations.models import Person, Post
from shaodao.sanitation.bins import keys
from shaodao.sanitation.bins import visits as bins
from shaodao.sanitation.demo_tracks import Day, drive
from shaodao.sanitation.inspections import actions as inspecting
from shaodao.sanitation.models import Bin, Crew, CrewKey, DayPlan, Inspection, Segment, Vehicle
from shaodao.sanitation.plan import actions as planning
from shaodao.sanitation.proof import findings
from shaodao.sanitation.proof.tracks import prove_stored
from shaodao.sanitation.tracks import receive
from shaodao.sanitation.tracks.sent import of_columns
from shaodao.sanitation.words import Door

ROUNDS = 40
"""Of the plans' search: a demonstration starts quickly."""
VISITS, SAMPLE, SCORED = 40, 5, 3
LABEL = "示例手机"


def play() -> dict[str, int]:
    """{"fixes", "passes", "cases", "visits", "inspections"}; all 0 where the book has no roads or vehicles, holds a road that
    is not illustrative, or has a plan already."""
    done = dict.fromkeys(("fixes", "passes", "cases", "visits", "inspections"), 0)
    roads, now = Segment.objects.filter(active=True), clock.now()
    head = Person.objects.filter(sample=True, posts__role=Post.Role.HEADQUARTERS, posts__active=True).first()
    if head is None or DayPlan.objects.exists() or not Vehicle.objects.filter(active=True).exists():
        return done
    if not roads.exists() or roads.filter(illustrative=False).exists():
        return done
    office, today = Actor.of(head), clock.local(now).date()
    for day in (today - timedelta(days=1), today):
        with clock.freeze(min(now, _at(day - timedelta(days=1), 17))):
            plan = planning.make(day, office, rounds=ROUNDS, seconds=60)
            planning.publish(plan.pk, office)
    done |= _yesterday(today - timedelta(days=1), now)
    done["visits"] = _bins(office, now)
    done["inspections"] = _inspect(office, today)
    return done


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return clock.from_local(datetime.combine(day, time(hour, minute)))


def _yesterday(day: date, now: datetime) -> dict[str, int]:
    """Its tracks came in over night and were proven in the morning; what stood long enough has become a case."""
    at = min(now, _at(day + timedelta(days=1), 6, 10))
    with clock.freeze(at):
        driven = drive(DayPlan.objects.get(day=day, state="published"))
        receive.take(_sent(driven), Door.FILE, at)
        proof = prove_stored(day, at)
    due = findings.due(now)
    with clock.freeze(now):
        filed = sum(findings.file(pk, now) for pk in due)
    return {"fixes": driven.t.size, "passes": proof.figures["all"]["planned"], "cases": filed}


def _sent(day: Day) -> Any:
    columns = {
        "vehicle": pa.array(day.vehicle.tolist(), pa.string()),
        "time": pa.array((day.t * 1000).astype(np.int64)),
        "lon": pa.array(day.lon),
        "lat": pa.array(day.lat),
        "speed_kmh": pa.array(day.kmh.round(1)),
        "heading": pa.array(day.heading.round(1)),
        "working": pa.array(day.working.astype(np.int64)),
    }
    return of_columns(columns, day.t.size)


def _bins(office: Actor, now: datetime) -> int:
    """One crew's phone has been at some bins in the last hours, at one of them something is broken."""
    crew, rows = Crew.objects.filter(active=True).order_by("code").first(), Bin.objects.filter(active=True)
    if crew is None:
        return 0
    key, count = keys.issue(office, crew, LABEL), 0
    for n, bin_ in enumerate(rows.order_by("code")[:VISITS]):
        at = now - timedelta(minutes=150 - 3 * n)
        tasks = ["wipe", "empty"] if n % 3 else ["wipe"]
        trouble, note = ("damaged", "示例：桶盖脱落") if n == 7 else ("", "")
        where = f"{bin_.lon:.6f},{bin_.lat:.6f}"
        bins.record(key, bin_, bins.Sent(f"demo-{n}", tasks, at.isoformat(), where, trouble, note))
        count += 1
    return count


def _inspect(office: Actor, today: date) -> int:
    """A sample is drawn for today; the first ones have been looked at."""
    made, count = inspecting.sample(office, today, SAMPLE), 0
    for row in Inspection.objects.filter(round=made).order_by("seq")[:SCORED]:
        points = {
            code: f"{most * (0.95 - 0.1 * row.seq + 0.02 * n):.1f}"
            for n, (code, _zh, _en, most) in enumerate(made.card)
        }
        photo = uploads.store(pictures.file("litter", row.seq == 1, row.seq), office.person)
        found = inspecting.Found(points, dust=str(3 + 2 * row.seq), note="示例记录", photos=[photo])
        inspecting.record(office, row.pk, found)
        count += 1
    return count


def phone(url: Callable[[str], str]) -> str:
    """The address with which a phone becomes the demonstration crew's, "" where there is none."""
    key = CrewKey.objects.filter(label=LABEL, withdrawn_at=None).select_related("crew").first()
    return url(keys.token_of(key)) if key else ""
