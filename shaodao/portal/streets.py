"""What the public may know of the cleaning of a road: what was promised today, and when it was last proven to be done.

Only published plans and current proofs count. Nothing here reads a vehicle, a crew, a track or a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from shaodao.foundation import clock, district
from shaodao.foundation.naming import named
from shaodao.sanitation import settings
from shaodao.sanitation.hours import said
from shaodao.sanitation.models import DayPlan, Leg, ProvenPass, Road, Segment, ServiceMode
from shaodao.sanitation.proof.words import PassState
from shaodao.sanitation.words import LegKind, PlanState

BACK = 14
"""Days in which the last time is looked for."""
WHOLE = 0.95
"""Share of a road's metres from which a service is said to be done on it."""


@dataclass
class Service:
    """A service on a road. promised: passes today, 0 for none; planned: how much of them the published plan holds, None
    without a plan; day: of the last proof in which something of it was done, None in BACK days; share: of all passes over
    the whole road, also of those that the plan of that day left out."""

    mode: ServiceMode
    promised: int = 0
    planned: float | None = None
    day: date | None = None
    share: float = 0.0

    @property
    def hours(self) -> str:
        """When it is to be done, as "22:00-05:00; 09:00-12:00"."""
        return said([window[:2] for window in self.mode.windows])

    @property
    def done(self) -> bool:
        return self.day is not None and self.share >= WHOLE


@dataclass
class Street:
    road: Road
    services: list[Service] = field(default_factory=list)

    @property
    def tone(self) -> str:
        """Colour on the map: all that was proven is done, a part of it, or nothing is proven."""
        if not any(s.day for s in self.services):
            return "paused"
        return "green" if all(s.done for s in self.services if s.day or s.promised) else "yellow"


def is_open() -> bool:
    """Does this district tell the public about its sanitation?"""
    return bool(district.current().code) and settings.current().public and Segment.objects.filter(active=True).exists()


def roads(words: str = "") -> QuerySet[Road]:
    """Roads with segments in force, by name."""
    own = Segment.objects.filter(road=OuterRef("pk"), active=True)
    rows = Road.objects.filter(Exists(own), active=True).order_by("code")
    for word in words.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(name_en__icontains=word) | Q(code__icontains=word))
    return rows


def of(rows: Iterable[Road], today: date) -> list[Street]:
    """What is known of some roads: five queries however many they are."""
    streets = {road.pk: Street(road) for road in rows}
    modes = {m.pk: m for m in ServiceMode.objects.filter(active=True).order_by("priority", "code")}
    planned = DayPlan.objects.filter(day=today, state=PlanState.PUBLISHED).exists()
    found: dict[tuple[int, int], Service] = {}
    size = _sizes(streets)
    if planned:
        for road, mode_id, number in _legs(streets, today):
            if mode_id in modes:
                service = found.setdefault((road, mode_id), Service(modes[mode_id], 0, 0.0))
                service.promised += 1
                service.planned = (service.planned or 0.0) + number / (size[road][0] * service.mode.passes)
    else:
        for mode in modes.values():
            if not mode.months or today.month in mode.months:
                found |= {(road, mode.pk): Service(mode, mode.passes) for road in streets}
    for road, mode_id, day, metres in _done(streets, today):
        if mode_id in modes:
            service = found.setdefault((road, mode_id), Service(modes[mode_id]))
            if service.day is None or day > service.day:
                service.day = day
                service.share = min(1.0, metres / (size[road][1] * service.mode.passes))
    order = {pk: n for n, pk in enumerate(modes)}
    for (road, _mode), service in sorted(found.items(), key=lambda pair: order[pair[0][1]]):
        streets[road].services.append(service)
    return list(streets.values())


def _sizes(streets: dict[int, Street]) -> dict[int, tuple[int, float]]:
    """Of each road how many segments are in force, and their metres."""
    rows = Segment.objects.filter(active=True, road__in=list(streets)).order_by().values_list("road_id")
    return {road: (n, metres) for road, n, metres in rows.annotate(n=Count("pk"), metres=Sum("length_m"))}


def _legs(streets: dict[int, Street], today: date) -> Iterable[tuple[int, int, int]]:
    """(road, mode, segments) of each pass in today's published plan."""
    legs = Leg.objects.filter(
        trip__plan__day=today, trip__plan__state=PlanState.PUBLISHED, kind=LegKind.SERVICE,
        segment__road__in=list(streets), segment__active=True,
    )  # fmt: skip
    rows = legs.order_by().values("segment__road_id", "mode_id", "pass_no").annotate(n=Count("segment", distinct=True))
    return rows.values_list("segment__road_id", "mode_id", "n")


def _done(streets: dict[int, Street], today: date) -> Iterable[tuple[int, int, date, float]]:
    """(road, mode, day, metres) of what is proven to be done."""
    rows = ProvenPass.objects.filter(
        proof__current=True, proof__day__range=(today - timedelta(days=BACK), today), pass_no__gt=0,
        state=PassState.DONE, segment__road__in=list(streets), segment__active=True,
    )  # fmt: skip
    return rows.order_by().values_list("segment__road_id", "mode_id", "proof__day").annotate(metres=Sum("length_m"))


# ── as data ──────────────────────────────────────────────────────────────────────────────────────────────────────


def as_json(streets: list[Street], today: date) -> dict[str, Any]:
    """The open data: times are the district's wall clock."""
    return {
        "day": today.isoformat(),
        "sample": any(street.road.illustrative for street in streets),
        "roads": [
            {
                "code": street.road.code,
                "name": street.road.name,
                "name_en": street.road.name_en,
                "illustrative": street.road.illustrative,
                "services": [
                    {
                        "service": s.mode.code,
                        "name": s.mode.name,
                        "name_en": s.mode.name_en,
                        "promised_today": s.promised,
                        "planned_share": None if s.planned is None else round(s.planned, 3),
                        "hours": s.hours,
                        "last_day": s.day.isoformat() if s.day else None,
                        "share_done": round(s.share, 3) if s.day else None,
                    }
                    for s in street.services
                ],
            }
            for street in streets
        ],
    }


def on_map(streets: list[Street], text: Any) -> dict[str, Any]:
    """GeoJSON of the roads' segments in the colour of what is proven; `text(street)` is what the popup says. One query."""
    by_road = {street.road.pk: street for street in streets}
    words = {pk: {"title": named(s.road) or s.road.code, "text": text(s), "tone": s.tone} for pk, s in by_road.items()}
    rows = Segment.objects.filter(active=True, road__in=list(by_road)).order_by("code")
    features = [
        {
            "type": "Feature",
            "geometry": geometry,
            "properties": {"layer": "way", "role": "", "label": words[road]["title"], **words[road]},
        }
        for road, geometry in rows.values_list("road_id", "geometry")
    ]
    return {"type": "FeatureCollection", "features": features}


def today() -> date:
    return clock.local(clock.now()).date()
