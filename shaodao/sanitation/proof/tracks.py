"""The stored tracks as a proof takes them: the fixes of a day, and of the next morning as far as the day's work goes on."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.kernel.coverage import Fixes
from shaodao.sanitation.models import DayProof, Leg, TrackDay
from shaodao.sanitation.proof import actions
from shaodao.sanitation.tracks import store
from shaodao.sanitation.words import LegKind, PlanState

MOST_POINTS = 400


def changes(first: date, last: date) -> Iterator[tuple[date, datetime]]:
    """Days with tracks, and when these were last added to."""
    yield from TrackDay.objects.filter(day__range=(first, last)).order_by("day").values_list("day", "changed_at")


def there(day: date) -> bool:
    return TrackDay.objects.filter(day=day).exists()


def of_day(day: date, vehicles: list[str] | None = None) -> tuple[Fixes, list[str]]:
    """(fixes, vehicles' codes), times in seconds since 1970. A plan that goes on past midnight takes the next day too."""
    legs = Leg.objects.filter(trip__plan__day=day, trip__plan__state=PlanState.PUBLISHED, kind=LegKind.SERVICE)
    fixes, codes = store.of_day(day, vehicles)
    if not legs.filter(end_s__gt=86_400).exists():
        return fixes, codes
    more, others = store.of_day(day + timedelta(days=1), vehicles)
    every = list(dict.fromkeys([*codes, *others]))
    number = np.array([every.index(code) for code in others], np.int32)
    second = number[more.vehicle] if more.t.size else more.vehicle
    columns = [
        np.concatenate([getattr(fixes, n), getattr(more, n)])
        for n in ("t", "lon", "lat", "speed", "heading", "working")
    ]
    return Fixes.of(np.concatenate([fixes.vehicle, second]), *columns), every


def prove_stored(day: date, now: datetime | None = None, actor: Actor | None = None) -> DayProof:
    """Prove a day by what is stored. Raises Refused (right, no roads)."""
    changed = dict(changes(day, day)).get(day)
    fixes, codes = of_day(day)
    return actions.prove(day, fixes, codes, now or clock.now(), actor, changed)


def drawn(day: date, spans: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Features of the stored tracks of some vehicles, each within a span of seconds from midnight; thinned for a map."""
    fixes, codes = of_day(day, list(spans))
    start, found = actions.midnight(day), []
    for code, (begin, end) in sorted(spans.items()):
        if code not in codes:
            continue
        rows = np.flatnonzero(
            (fixes.vehicle == codes.index(code)) & (fixes.t >= start + begin) & (fixes.t <= start + end)
        )
        rows = rows[np.argsort(fixes.t[rows], kind="stable")]
        rows = rows[:: max(1, -(-rows.size // MOST_POINTS))]
        if rows.size > 1:
            line = np.stack([fixes.lon[rows], fixes.lat[rows]], axis=1).round(6).tolist()
            properties = {"layer": "way", "role": "track", "tone": "done", "label": code, "title": code}
            found.append(
                {"type": "Feature", "geometry": {"type": "LineString", "coordinates": line}, "properties": properties}
            )
    return found
