"""A plan on the map: how much of each segment is planned; or one vehicle's way through the day, numbered."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from shaodao.foundation.naming import named
from shaodao.sanitation.models import Segment
from shaodao.sanitation.plan.checking import clock
from shaodao.sanitation.plan.plain import FILL, SERVICE, Facts, PlainTrip


def collection(features: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def _lines(facts: Facts) -> dict[int, Any]:
    """Geometries by key: one query."""
    return dict(Segment.objects.filter(pk__in=[s.key for s in facts.segments]).values_list("pk", "geometry"))


def _name(facts: Facts, n: int) -> str:
    segment = facts.segments[n]
    return str(named({"name": segment.road_name, "name_en": segment.road_name_en}) or segment.road)


def shares(facts: Facts, trips: Sequence[PlainTrip], mode: str = "") -> Iterator[dict[str, Any]]:
    """Each segment by how many of its passes are planned whole; of one mode, or of all."""
    runs: dict[tuple[int, int, int], int] = {}
    for trip in trips:
        for leg in trip.services:
            key = (leg.mode or 0, leg.pass_no, leg.segment or 0)
            runs[key] = runs.get(key, 0) + leg.runs
    lines = _lines(facts)
    wanted = [m for m in facts.modes if m.due and mode in ("", m.code)]
    for n, segment in enumerate(facts.segments):
        due = [(m, p) for m in wanted if m.runs[n] for p in m.passes]
        done = sum(runs.get((m.key, p.no, segment.key), 0) >= m.runs[n] for m, p in due)
        if not due or segment.key not in lines:
            continue
        tone = "green" if done == len(due) else "yellow" if done else "red"
        said = {
            "layer": "way", "role": "gap" if not done else "", "tone": tone, "label": f"{done}/{len(due)}",
            "title": _name(facts, n), "number": segment.code,
            "text": _("排入 %(d)d 遍，应做 %(p)d 遍") % {"d": done, "p": len(due)},
        }  # fmt: skip
        yield {"type": "Feature", "geometry": lines[segment.key], "properties": said}


def route(facts: Facts, trips: Sequence[PlainTrip], vehicle: str, mode: str = "") -> Iterator[dict[str, Any]]:
    """One vehicle's day: segments numbered in order, the ways between them straight and thin, where it fills."""
    key = next((v.key for v in facts.vehicles if v.code == vehicle), None)
    lines, points = _lines(facts), {p.key: p for p in facts.points}
    place = {s.key: n for n, s in enumerate(facts.segments)}
    modes = {m.key: m for m in facts.modes}
    n = 0
    for trip in (t for t in trips if t.vehicle == key):
        at: Any = None
        for leg in trip.legs:
            if leg.kind == SERVICE and leg.segment in place:
                of = modes.get(leg.mode or 0)
                n += 1
                segment = facts.segments[place[leg.segment]]
                yield from _way(at, segment.start)
                at = segment.end
                if mode in ("", of.code if of else ""):
                    said = {
                        "layer": "way", "role": "", "tone": "green", "label": str(n), "number": segment.code,
                        "title": f"{n} · {_name(facts, place[leg.segment])}",
                        "text": f"{named(of)} {leg.pass_no} · {clock(leg.begin_s)}–{clock(leg.end_s)}",
                    }  # fmt: skip
                    yield {"type": "Feature", "geometry": lines.get(segment.key), "properties": said}
            elif leg.kind == FILL and leg.point in points:
                point = points[leg.point]
                yield from _way(at, point.place)
                at = point.place
                said = {"layer": "fill", "label": point.code, "light": "done", "title": point.name or point.code}
                said["light_words"] = _("加水")
                geometry = {"type": "Point", "coordinates": list(point.place)}
                yield {"type": "Feature", "geometry": geometry, "properties": said}


def _way(a: Any, b: Any) -> Iterator[dict[str, Any]]:
    if a is not None and (abs(a[0] - b[0]) > 1e-6 or abs(a[1] - b[1]) > 1e-6):
        geometry = {"type": "LineString", "coordinates": [list(a), list(b)]}
        yield {"type": "Feature", "geometry": geometry, "properties": {"layer": "way", "role": "track", "tone": ""}}
