"""A file of roads, from reading to what came of it: the command and the page show the same plan and carry it out.

    found = plan(path)          # nothing is written
    carry_out(found, actor)

read = imported + rejected, counted in features; one feature may become several segments. Warnings keep nothing out.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.book import actions
from shaodao.book.actions import Counts, Draft
from shaodao.cases.actions import Actor
from shaodao.foundation.errors import Invalid
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.tables import Bad
from shaodao.places.models import Place
from shaodao.sanitation.kinds import ROAD, SEGMENT, code_of
from shaodao.sanitation.roads import files, network
from shaodao.sanitation.roads.files import Feature, shown
from shaodao.sanitation.words import HIGHWAYS, RoadClass

MOST_ROWS = 200_000
LISTED = 200
LANES = {RoadClass.TRUNK: 3, RoadClass.SECONDARY: 2, RoadClass.BRANCH: 1, RoadClass.LANE: 1}  # of one direction
LANE_M = 3.5
GROUPS = ("road", "road_code", "raw_eid", "ref")  # properties that say which road a line belongs to
YES, NO = {"true", "yes", "1", "1.0", "t"}, {"false", "no", "0", "0.0", "f"}


@dataclass(frozen=True)
class Remark:
    """Feature `row` (from 1) and what is wrong or worth a look; `kind` is a word for machines."""

    row: int
    id: str
    kind: str
    what: str

    def as_dict(self) -> dict[str, Any]:
        return {"row": self.row, "id": self.id, "what": self.what}


@dataclass(eq=False)
class Plan:
    name: str
    read: int
    roads: list[Draft] = field(default_factory=list)
    segments: list[Draft] = field(default_factory=list)
    imported: int = 0
    rejected: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    directed: bool = False
    length_m: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The answer of the command."""
        return {
            "read": self.read,
            "imported": self.imported,
            "rejected": len(self.rejected),
            "warnings": len(self.warnings),
            "roads": len(self.roads),
            "segments": len(self.segments),
            "length_m": round(self.length_m, 1),
            "directed": self.directed,
            **self.counts,
            "rejections": [r.as_dict() for r in self.rejected[:LISTED]],
            "warned": dict(Counter(r.kind for r in self.warnings)),
        }


def plan(path: Path, *, datum: str = "WGS-84", most_rows: int = MOST_ROWS, outline: Any = None) -> Plan:
    """Read, check and split a file, and compare it with what stands. Raises Unreadable.

    outline: the district as a Shapely area, for the warning about roads outside; None: the loaded pack's.
    """
    found = drafts(path, datum=datum, most_rows=most_rows, outline=outline or district_outline())
    found.counts = actions.preview(SEGMENT, found.segments, found.name).as_dict()
    return found


def drafts(path: Path, *, datum: str = "WGS-84", most_rows: int = MOST_ROWS, outline: Any = None) -> Plan:
    """What a file holds, without a look at the database (a pack's check calls this). Raises Unreadable."""
    features = files.read(path, datum)
    if len(features) > most_rows:
        raise Unreadable(_("行数太多：最多 %(n)d 行，请分几个文件") % {"n": most_rows})
    found = Plan(shown(path.name), len(features))
    good = list(_accepted(features, found))
    lines = {f.row: network.parts(f.shape) for f in good}
    found.directed = network.directed(list(lines.values()))
    at = network.junctions([line for parts in lines.values() for line in parts])
    roads: dict[str, Draft] = {}
    drawn: dict[tuple[Any, ...], str] = {}
    for feature in good:
        _segments(found, feature, lines[feature.row], at, roads)
        for line in lines[feature.row]:
            other = drawn.setdefault(tuple(line), feature.id)
            if other != feature.id:
                found.warnings.append(_remark(feature, "duplicate_line", _("与 %(o)s 画的是同一条线") % {"o": other}))
    found.roads = list(roads.values())
    found.imported = len(good)
    if outline is not None:
        _outside(found, good, outline)
    return found


def _accepted(features: list[Feature], found: Plan) -> Any:
    seen: dict[str, int] = {}
    for feature in features:
        why = feature.why or network.fault(feature.shape)
        id = feature.id or f"{feature.row}"
        try:
            code_of(id)
        except Bad as bad:
            why = why or bad.what
        if not why and id in seen:
            why = _("编码 %(c)s 与第 %(n)d 个要素重复") % {"c": id, "n": seen[id]}
        if why:
            found.rejected.append(_remark(feature, "rejected", why))
            continue
        seen[id] = feature.row
        yield Feature(feature.row, id, feature.shape, "", feature.values)


def _remark(feature: Feature, kind: str, what: str) -> Remark:
    return Remark(feature.row, feature.id, kind, what)


def _number(values: dict[str, Any], name: str) -> float | None:
    """A positive number of the file, or None."""
    try:
        found = float(values[name])
    except (KeyError, TypeError, ValueError):
        return None
    return found if 0 < found < 1e8 else None


def _class(values: dict[str, Any]) -> RoadClass | None:
    said = str(values.get("class") or values.get("road_class") or values.get("highway") or values.get("fclass") or "")
    if said in RoadClass.values:
        return RoadClass(said)
    return HIGHWAYS.get(said.removesuffix("_link"))


def _segments(
    found: Plan, feature: Feature, lines: list[network.Line], at: set[network.Point], roads: dict[str, Draft]
) -> None:
    values = feature.values
    said = str(values.get("oneway")).strip().lower()
    oneway = said in YES or (said not in NO and found.directed)
    kind = _class(values)
    if kind is None:
        found.warnings.append(_remark(feature, "class_assumed", _("没有认得的等级，算作支路")))
        kind = RoadClass.BRANCH
    code = next(
        (shown(values[n]).strip().replace("/", "-") for n in GROUPS if values.get(n) not in (None, "")), feature.id
    )
    mark = str(values.get("illustrative")).strip().lower() in YES or None
    name = {"name": shown(values.get("name") or "")}
    if values.get("name_en"):
        name["name_en"] = shown(values["name_en"])
    roads.setdefault(code, Draft(code, {**name, "road_class": kind.value}, mark, str(values.get("source") or "")))
    pieces = network.pieces(lines, at, oneway)
    areas = _areas(found, feature, kind, oneway, sum(p.length_m for p in pieces))
    for piece in pieces:
        share = piece.length_m / sum(p.length_m for p in pieces)
        own = (
            feature.id + (f".{piece.number}" if piece.of > 1 else "") + ("" if oneway else "-2" if piece.back else "-1")
        )
        row: dict[str, Any] = {
            "road": code,
            "geometry": {"type": "LineString", "coordinates": [list(p) for p in piece.line]},
            "length_m": round(areas["length_m"] * share if "length_m" in areas else piece.length_m, 3),
            "lanes": int(areas["lanes"]),
            **{
                name: round(areas[name] * share, 3)
                for name in ("total_m2", "carriageway_m2", "pavement_m2", "verge_m2")
            },
        }
        found.length_m += row["length_m"]
        found.segments.append(Draft(own[:60], row, mark, str(values.get("source") or "")))


def _areas(found: Plan, feature: Feature, kind: RoadClass, oneway: bool, length: float) -> dict[str, float]:
    """Areas and lanes of the whole feature; what the file does not say is taken from its width, its lanes, its class.

    Of a road in both directions `length` is that of both, its width is of both together and its lanes too.
    """
    values, ways = feature.values, 1 if oneway else 2
    lanes = max(1, min(12, round((_number(values, "lanes") or LANES[kind] * ways) / ways)))
    width = _number(values, "width_m") or _number(values, "width")
    area = _number(values, "carriageway_m2")
    if area is None and width is None:
        found.warnings.append(_remark(feature, "width_assumed", _("没有宽度，按 %(n)d 车道计") % {"n": lanes}))
    area = area or length * (width / ways if width else lanes * LANE_M)
    parts = {name: _number(values, name) or 0.0 for name in ("pavement_m2", "verge_m2")}
    total = _number(values, "total_m2") or area + sum(parts.values())
    if area + sum(parts.values()) > total * 1.001 + 0.1:
        found.warnings.append(_remark(feature, "areas", _("各部分面积之和大于总面积，总面积改为它们的和")))
        total = area + sum(parts.values())
    answer = {"total_m2": total, "carriageway_m2": area, **parts, "lanes": float(lanes)}
    own = _number(values, "length_m")
    if own is not None and abs(own - length / ways) <= 0.01 * own:  # a survey knows it better than a drawing
        answer["length_m"] = own * ways
    return answer


def district_outline() -> Any:
    """The district's outline as an area, or None where no pack is loaded."""
    row = Place.objects.filter(level=Place.Level.COUNTY, active=True).exclude(geometry=None).first()
    return shapely.geometry.shape(row.geometry) if row is not None and row.geometry else None


def _outside(found: Plan, good: list[Feature], outline: Any) -> None:
    shapely.prepare(outline)
    inside = shapely.contains(outline, np.array([f.shape for f in good], dtype=object))
    for feature, there in zip(good, inside, strict=True):
        if not there:
            found.warnings.append(_remark(feature, "outside", _("在本区边界之外（或部分在外）")))


def carry_out(found: Plan, actor: Actor, *, reason: str = "", source: str = "") -> Plan:
    """Write what was planned; `counts` then say what it did to segments. Raises Refused, Invalid (reason)."""
    source = "".join(c for c in source if c.isprintable()) or found.name
    with transaction.atomic():
        roads: Counts = actions.bring_in(ROAD, found.roads, actor, reason=reason, source=source)
        found.counts = actions.bring_in(SEGMENT, found.segments, actor, reason=reason, source=source).as_dict()
    found.counts["roads_new"] = roads.new
    return found


__all__ = ["Invalid", "Plan", "Unreadable", "carry_out", "drafts", "plan"]
