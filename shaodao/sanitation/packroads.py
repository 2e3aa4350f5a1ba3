"""Roads of a pack: surveyed ones as GeoJSON, or illustrative ones by a rule, always the same; and bins along them by a rule."""

import itertools
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import shapely
from django.utils.translation import gettext as _
from pyproj import Transformer

from shaodao.book.actions import Draft
from shaodao.foundation.pack import Pack
from shaodao.foundation.tables import Problem
from shaodao.places.pack import OUTLINE_FILE
from shaodao.sanitation.roads import imports
from shaodao.sanitation.words import BinType, RoadClass

RULE, FILE, BINS = "sanitation/roads.yaml", "sanitation/roads.geojson", "sanitation/bins.yaml"
NEAREST_M = 1.0  # crossings nearer to each other, or to an end, are one


class RoadRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A straight road: from a point (WGS-84) so many kilometres to the east or north, and what a cross-section holds."""

    code: str
    name: str
    at: tuple[float, float]
    heading: str  # east, north
    km: float
    width_m: float  # of both directions, house to house
    carriageway_m: float
    pavement_m: float = 0.0
    lanes: int = 2  # of one direction
    road_class: str = "trunk"
    name_en: str = ""

    def __post_init__(self) -> None:
        if self.heading not in ("east", "north") or self.road_class not in RoadClass.values:
            raise ValueError(f"heading: east or north; road_class: {', '.join(RoadClass.values)}")
        if not 0 < self.km <= 100 or not 0 < self.carriageway_m + self.pavement_m <= self.width_m <= 300:
            raise ValueError(
                "km: up to 100; width_m: up to 300, and not less than carriageway_m and pavement_m together"
            )
        if not (abs(self.at[0]) <= 180 and abs(self.at[1]) <= 90) or not 1 <= self.lanes <= 12:
            raise ValueError("at: [longitude, latitude]; lanes: 1 to 12")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    illustrative: bool
    roads: tuple[RoadRule, ...]
    longest_m: float = 400.0  # of a segment
    source: str = ""
    total_km: float | None = None  # what the lengths have to add up to,
    total_m2: float | None = None  # and length by width

    def __post_init__(self) -> None:
        if not self.illustrative:
            raise ValueError(f"illustrative: must be true; surveyed roads belong into {FILE}")
        if not 20 <= self.longest_m <= 5000 or len(self.source) > 300 or len(self.roads) > 1000:
            raise ValueError("longest_m: 20 to 5000; source: at most 300 characters; at most 1,000 roads")
        if len({road.code for road in self.roads}) < len(self.roads):
            raise ValueError("roads: a code stands twice")
        for said, found, name in (
            (self.total_km, sum(r.km for r in self.roads), "total_km"),
            (self.total_m2, sum(r.km * 1000 * r.width_m for r in self.roads), "total_m2"),
        ):
            if said is not None and abs(said - found) > 1e-6 * max(said, 1):
                raise ValueError(f"{name}: the roads add up to {found:g}, not to {said:g}")


class BinRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bins on both sides of every illustrative road, `every_m` apart."""

    illustrative: bool
    every_m: float
    round: str = ""
    type: str = "litter"
    source: str = ""

    def __post_init__(self) -> None:
        if not self.illustrative:
            raise ValueError("illustrative: must be true; real bins belong into sanitation/bins.csv")
        if not 5 <= self.every_m <= 1000 or self.type not in BinType.values or len(self.source) > 300:
            raise ValueError(f"every_m: 5 to 1000; type: {', '.join(BinType.values)}; source: at most 300 characters")


def _convert(pack: Pack, name: str, kind: Any) -> tuple[Any, list[Problem]]:
    data = pack.settings_file(name, required=False)
    try:
        return (msgspec.convert(data, kind, strict=False) if data else None), []
    except msgspec.ValidationError as error:
        return None, [Problem(name, 0, "", str(error), _("照 districts/pingcheng 里的同名文件写"))]


def rule(pack: Pack) -> Rule | None:
    found: Rule | None = _convert(pack, RULE, Rule)[0]
    return found


def check(pack: Pack) -> Iterator[Problem]:
    """Faults of the files, roads of the rule that leave the district."""
    roads, problems = _convert(pack, RULE, Rule)
    _bins, more = _convert(pack, BINS, BinRule)
    yield from problems + more
    if roads is not None:
        if (pack.root / FILE).is_file():
            yield Problem(RULE, 0, "", _("已有 %(f)s") % {"f": FILE}, _("两个文件只留一个"))
        outline = _outline(pack)
        for n, road in enumerate(roads.roads):
            line = shapely.LineString([road.at, _end(road)])
            if outline is not None and not outline.contains(line):
                yield Problem(
                    RULE, 0, f"roads[{n}]", _("道路 %(c)s 伸出了本区边界") % {"c": road.code}, _("改 at 或 km")
                )
    elif (pack.root / FILE).is_file():
        yield from surveyed(pack)[1]


def surveyed(pack: Pack) -> tuple[imports.Plan | None, list[Problem]]:
    """The roads of a GeoJSON file of the pack; a feature that cannot be a road is a problem with its number."""
    if FILE not in pack.memo:
        try:
            plan = imports.drafts(pack.root / FILE, datum=pack.datum, outline=_outline(pack))
            wrong = [Problem(FILE, r.row, "geometry", f"{r.id} {r.what}".strip()) for r in plan.rejected]
            pack.memo[FILE] = (plan, wrong)
        except imports.Unreadable as error:
            pack.memo[FILE] = (None, [Problem(FILE, 0, "", str(error))])
    found: tuple[imports.Plan | None, list[Problem]] = pack.memo[FILE]
    return found


def _outline(pack: Pack) -> Any:
    features = pack.features(OUTLINE_FILE)
    return features[0].shape if features else None


def drafts(pack: Pack) -> tuple[list[Draft], list[Draft]]:
    """(roads, segments) of a pack without problems."""
    if RULE not in pack.memo:
        found = rule(pack)
        if found is not None:
            pack.memo[RULE] = made(found)
        elif (pack.root / FILE).is_file() and (plan := surveyed(pack)[0]) is not None:
            pack.memo[RULE] = (plan.roads, plan.segments)
        else:
            pack.memo[RULE] = ([], [])
    answer: tuple[list[Draft], list[Draft]] = pack.memo[RULE]
    return answer


# ── the rule ─────────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1024)  # PROJ takes milliseconds to set one up, and each road asks for its own often
def _plane(lon: float, lat: float) -> tuple[Transformer, Transformer]:
    """Metres east and north of a point, there and back; within 10 km true to a millimetre a kilometre."""
    local = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +ellps=WGS84 +units=m"
    return Transformer.from_crs(4326, local, always_xy=True), Transformer.from_crs(local, 4326, always_xy=True)


def _end(road: RoadRule) -> tuple[float, float]:
    _there, back = _plane(*road.at)
    step = (road.km * 1000, 0.0) if road.heading == "east" else (0.0, road.km * 1000)
    lon, lat = back.transform(*step)
    return float(lon), float(lat)


def _cuts(road: RoadRule, others: tuple[RoadRule, ...], longest_m: float) -> list[float]:
    """Where a road is cut, as shares of its length: at crossings, and so that no piece is longer than `longest_m`."""
    own = shapely.LineString([road.at, _end(road)])
    at = [0.0, 1.0]
    for other in others:
        if other is not road and own.intersects(line := shapely.LineString([other.at, _end(other)])):
            at.append(float(own.project(shapely.get_geometry(own.intersection(line), 0), normalized=True)))
    whole = road.km * 1000
    kept = [0.0, *(s for s in sorted(at) if NEAREST_M / whole < s < 1 - NEAREST_M / whole), 1.0]
    kept = [s for n, s in enumerate(kept) if n == 0 or s - kept[n - 1] > NEAREST_M / whole]
    found = [0.0]
    for a, b in itertools.pairwise(kept):
        n = max(1, math.ceil((b - a) * whole / longest_m - 1e-9))
        found += [a + (b - a) * i / n for i in range(1, n + 1)]
    return found


def made(rule: Rule) -> tuple[list[Draft], list[Draft]]:
    """Roads and segments of a rule. A segment's length is its share of the road's, its areas that by half the widths; its
    line is drawn a quarter of the carriageway right of the middle, since traffic keeps to the right."""
    roads, segments = [], []
    source = rule.source or RULE
    for road in rule.roads:
        names = {"name": road.name, "name_en": road.name_en}
        roads.append(Draft(road.code, {**names, "road_class": road.road_class}, True, source))
        cuts = _cuts(road, rule.roads, rule.longest_m)
        for n, (a, b) in enumerate(itertools.pairwise(cuts), 1):
            length = (b - a) * road.km * 1000
            areas = {
                "total_m2": length * road.width_m / 2,
                "carriageway_m2": length * road.carriageway_m / 2,
                "pavement_m2": length * road.pavement_m / 2,
                "verge_m2": length * (road.width_m - road.carriageway_m - road.pavement_m) / 2,
            }
            for side in (1, 2):
                line = _drawn(road, a, b, side)
                row = {"road": road.code, "geometry": {"type": "LineString", "coordinates": line}, "lanes": road.lanes}
                row |= {"length_m": length, **areas}
                segments.append(Draft(f"{road.code}-{n:02}-{side}", row, True, source))
    return roads, segments


def _drawn(road: RoadRule, a: float, b: float, side: int, off_m: float | None = None) -> list[list[float]]:
    back = _plane(*road.at)[1]
    off = road.carriageway_m / 4 if off_m is None else off_m
    along = np.array([a, b] if side == 1 else [b, a]) * road.km * 1000
    right = np.full(2, off if side == 1 else -off)  # of whoever drives from the road's beginning
    x, y = (along, -right) if road.heading == "east" else (right, along)
    lon, lat = back.transform(x, y)
    return [[round(float(i), 7), round(float(j), 7)] for i, j in zip(lon, lat, strict=True)]


def bins(pack: Pack) -> list[Draft]:
    """Bins on both sides of the rule's roads, at the kerb, every so many metres: `km / every` on each side."""
    own: BinRule | None = _convert(pack, BINS, BinRule)[0]
    roads = rule(pack)
    if own is None or roads is None:
        return []
    if BINS in pack.memo:
        kept: list[Draft] = pack.memo[BINS]
        return kept
    found: list[Draft] = []
    for road in roads.roads:
        n = round(road.km * 1000 / own.every_m)
        for side in (1, 2):
            for i in range(n):
                share = (i + 0.5) / n
                lon, lat = _drawn(road, share, share, side, road.carriageway_m / 2 + 1)[0]
                values = {"lon": lon, "lat": lat, "type": own.type, "round": own.round, "road": road.code}
                found.append(Draft(f"{road.code}-B{side}-{i + 1:03}", values, True, own.source or BINS))
    pack.memo[BINS] = found
    return found
