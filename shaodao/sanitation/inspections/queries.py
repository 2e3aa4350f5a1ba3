"""Reads about inspections: samples with their means, one sample beside citizens' cases, how far a phone was off."""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock, uploads
from shaodao.foundation.models import Upload
from shaodao.sanitation import queries as book
from shaodao.sanitation.inspections.drawing import Candidate, draw, frame_of
from shaodao.sanitation.models import Inspection, InspectionRound, ProvenPass, Segment
from shaodao.sanitation.proof.words import PassState

NEAR_M = 40.0  # from a segment's line: a case on the pavement is about this road
DAYS = 7
METRES = 111_195.0  # of a degree of latitude


def rounds() -> QuerySet[InspectionRound]:
    """With how many were drawn, done, impossible."""
    return (
        InspectionRound.objects.order_by("-day", "-number")
        .select_related("made_by")
        .annotate(
            n=Count("inspections"),
            n_done=Count("inspections", filter=Q(inspections__score__isnull=False)),
            n_impossible=Count("inspections", filter=~Q(inspections__impossible="")),
        )
    )


@dataclass(frozen=True)
class Mean:
    """`half` is half the width of the 95 % interval (normal, of a simple sample; None under two values)."""

    n: int
    value: float | None
    half: float | None

    @classmethod
    def of(cls, values: list[float]) -> "Mean":
        if not values:
            return cls(0, None, None)
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
        half = None if spread is None else round(1.96 * spread / math.sqrt(len(values)), 1)
        return cls(len(values), round(float(np.mean(values)), 1), half)


def scores(rows: list[Inspection]) -> Mean:
    return Mean.of([r.score for r in rows if r.score is not None])


def dust(rows: list[Inspection]) -> Mean:
    return Mean.of([r.dust_g_m2 for r in rows if r.dust_g_m2 is not None])


def of_round(found: InspectionRound) -> list[Inspection]:
    """Its inspections with `cases`: how many cases citizens and patrols filed beside the segment in the week before, and
    `proven`: (passes proven done, passes asked that could be told, passes that nobody can tell) of the day, None where
    nothing is proven. Four queries."""
    rows = list(found.inspections.select_related("segment__road", "person").prefetch_related("photos").order_by("seq"))
    midnight = clock.from_local(datetime.combine(found.day + timedelta(days=1), time()))
    points, proven = _cases(rows, midnight), _proven(found)
    for row in rows:
        row.cases = _beside(row.segment, points)  # type: ignore[attr-defined]
        row.proven = proven.get(row.segment_id)  # type: ignore[attr-defined]
    return rows


def _proven(found: InspectionRound) -> dict[int, tuple[int, int, int]]:
    """What the tracks of the day prove of each drawn segment, by key."""
    rows = ProvenPass.objects.filter(
        proof__day=found.day, proof__current=True, pass_no__gt=0, segment__inspections__round=found
    )
    told = Q(state__in=[PassState.DONE, PassState.SHORT, PassState.MISSING])
    done, unsure = Count("pk", filter=Q(state=PassState.DONE)), Count("pk", filter=Q(state=PassState.UNSURE))
    counted = rows.order_by().values_list("segment").annotate(done, Count("pk", filter=told), unsure)
    return {key: (n, of, vague) for key, n, of, vague in counted}


def _cases(rows: list[Inspection], until: Any) -> Any:
    """(n, 2) positions of cases of the week within the box of all segments."""
    if not rows:
        return np.empty((0, 2))
    every = np.array([p[:2] for r in rows for p in r.segment.geometry["coordinates"]])
    (west, south), (east, north) = every.min(axis=0) - 0.001, every.max(axis=0) + 0.001
    where = {"lon__range": (west, east), "lat__range": (south, north)}
    found = Case.objects.filter(created_at__gte=until - timedelta(days=DAYS), created_at__lt=until, **where).order_by()
    return np.array(list(found.values_list("lon", "lat")), dtype=float).reshape(-1, 2)


def _beside(segment: Segment, points: Any) -> int:
    if not len(points):
        return 0
    return int(np.count_nonzero(_distance(segment, points) <= NEAR_M))


def metres_to(segment: Segment, lon: float, lat: float) -> float:
    """From a point to the segment's line."""
    return round(float(_distance(segment, np.array([[lon, lat]]))[0]), 1)


def _distance(segment: Segment, points: Any) -> Any:
    """(n,) metres from points to the line, on a plane about its first vertex: good to a per mille within a district."""
    line = np.array([p[:2] for p in segment.geometry["coordinates"]], dtype=float)
    scale = np.array([METRES * math.cos(math.radians(line[0, 1])), METRES])
    a = (line[:-1] - line[0]) * scale
    d = (line[1:] - line[0]) * scale - a
    p = (points - line[0]) * scale
    along = np.einsum("nkx,kx->nk", p[:, None] - a, d) / np.maximum((d**2).sum(axis=1), 1e-9)
    foot = a + np.clip(along, 0, 1)[..., None] * d
    return np.sqrt(((p[:, None] - foot) ** 2).sum(axis=2)).min(axis=1)


def viewer(request: HttpRequest, upload: Upload, kind: str) -> str:
    """Who may see a photo of an inspection: who may look into this room; the original nobody."""
    if kind == "original" or not request.user.is_authenticated:
        return uploads.NOBODY
    if not Inspection.objects.filter(photos=upload).exists():
        return uploads.NOBODY
    return uploads.PRIVATE if book.may_enter(actor_of(request).facts) else uploads.NOBODY


def named_round(name: str) -> InspectionRound | None:
    """The sample called 2026-06-15-1."""
    day, _dash, number = name.rpartition("-")
    try:
        return InspectionRound.objects.filter(day=date.fromisoformat(day), number=int(number)).first()
    except (ValueError, OverflowError):
        return None


def candidates() -> dict[Candidate, int]:
    """What a sample is drawn from: the segments in force, with their keys."""
    rows = Segment.objects.filter(active=True, road__active=True).values_list("code", "road__code", "length_m", "pk")
    return {Candidate(code, road, length): pk for code, road, length, pk in rows}


def drawn_again(found: InspectionRound) -> dict[str, Any]:
    """The sample drawn again from today's book."""
    today = list(candidates())
    kept = list(found.inspections.order_by("seq").values_list("segment__code", flat=True))
    again = draw(today, found.asked, found.seed)
    return {
        "sample": str(found), "seed": found.seed, "same": again == kept, "same_list": frame_of(today) == found.frame,
        "kept": kept, "drawn": again,
    }  # fmt: skip
