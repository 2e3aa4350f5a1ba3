"""Bays and zones of a pack: surveyed ones as GeoJSON, or illustrative bays made by a rule, always the same for the same
file. Loading again changes nothing, and what a person has changed or taken away since is left as they left it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.bikes.actions import bays
from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.bays import measures
from shaodao.bikes.bays import rows as bayrows
from shaodao.bikes.bays.queries import BAYS, ZONES, Kind
from shaodao.bikes.bays.rows import Draft
from shaodao.bikes.models import Bay
from shaodao.cases.actions import Actor
from shaodao.foundation import district, maps
from shaodao.foundation.pack import Pack, PackError
from shaodao.foundation.tables import Problem
from shaodao.places.models import Cell

RULE = "bikes/bays.yaml"
FILES = {"bikes/bays.geojson": BAYS, "bikes/zones.geojson": ZONES}
REASON = "pack"  # of versions that a pack made
MARGIN_M = 8.0  # from the edge of its cell: bays of neighbouring cells do not meet


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How illustrative bays are made: `bays` cells within `within_m` of the district's centre get one each."""

    illustrative: bool
    bays: int
    within_m: float = 5000.0
    seed: int = 1
    lengths_m: tuple[float, ...] = (3.6, 4.8, 6.0, 7.2, 9.0, 12.0)
    width_m: float = 1.8
    source: str = ""

    def __post_init__(self) -> None:
        if not self.illustrative:
            raise ValueError("illustrative: must be true; surveyed bays belong into bikes/bays.geojson")
        if not 0 <= self.bays <= 100_000 or not 0 < self.within_m <= 100_000:
            raise ValueError("bays: 0 to 100,000; within_m: more than 0, at most 100,000")
        if not self.lengths_m or not all(1 <= m <= 60 for m in self.lengths_m) or not 0.5 <= self.width_m <= 10:
            raise ValueError("lengths_m: 1 to 60 metres each; width_m: 0.5 to 10 metres")
        if len(self.source) > 300:
            raise ValueError("source: at most 300 characters")


def check(pack: Pack) -> list[Problem]:
    problems = list(_rule_problems(pack))
    if (pack.root / RULE).is_file() and (pack.root / "bikes/bays.geojson").is_file():
        problems.append(Problem(RULE, 0, "", _("已有 bikes/bays.geojson"), _("两个文件只留一个")))
    return problems + [problem for name in FILES for problem in _read(pack, name)[1]]


def counts(pack: Pack) -> dict[str, int]:
    rule = _rule(pack)
    made = rule.bays if rule else 0
    bays_read, zones_read = (len(_read(pack, name)[0]) for name in FILES)
    return {"bike_bays": made + bays_read, "bike_zones": zones_read}


def load(pack: Pack) -> None:
    """Also finds out anew in which community each bay lies: the grid may be another one."""
    district.forget()  # the settings and the grid are those that this load has just written
    try:
        rule = _rule(pack)
        for name, kind in FILES.items():
            rows, source = _read(pack, name)[0], name
            if kind is BAYS and rule:
                rows, source = [(draft, True) for draft in _made(pack, rule)], rule.source or RULE
            _bring_in(kind, rows, source)
        place_again()
    finally:
        district.forget()


def _bring_in(kind: Kind, rows: list[tuple[Draft, bool]], source: str) -> None:
    touched = kind.versions.objects.exclude(changed_by=None).values(f"{kind.name}__code")
    free = set(kind.model.objects.filter(code__in=touched).values_list("code", flat=True))
    rows = [(draft, mark) for draft, mark in rows if draft.code not in free]
    for mark in (True, False):
        drafts = [draft for draft, illustrative in rows if illustrative == mark]
        if drafts:
            bays.bring_in(kind, drafts, Actor.system(), source=source, reason=REASON, illustrative=mark)
    named = {draft.code for draft, _mark in rows} | free
    mine = kind.model.objects.filter(active=True, versions__valid_until=None, versions__reason=REASON)
    gone = [row for row in mine.filter(versions__changed_by=None).distinct() if row.code not in named]
    bays.take_away(kind, gone, Actor.system(), REASON)


def place_again() -> int:
    """Street and community of every bay by the grid as it is now; how many changed. That makes no version."""
    rows = list(Bay.objects.only("pk", "lon", "lat", "street_id", "community_id"))
    if not rows:
        return 0
    places = bays.placed(np.array([row.lon for row in rows]), np.array([row.lat for row in rows]))
    moved = []
    for row, (street, community) in zip(rows, places, strict=True):
        if (row.street_id, row.community_id) != (street, community):
            row.street_id, row.community_id = street, community
            moved.append(row)
    Bay.objects.bulk_update(moved, ["street", "community"], batch_size=500)
    return len(moved)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────

Found = tuple[list[tuple[Draft, bool]], list[Problem]]


def _read(pack: Pack, name: str) -> Found:
    """Drafts of a GeoJSON file, and whether each is marked `illustrative`; or what is wrong with it."""
    if name not in pack.memo:
        pack.memo[name] = _read_once(pack, name) if (pack.root / name).is_file() else ([], [])
    found: Found = pack.memo[name]
    return found


def _read_once(pack: Pack, name: str) -> Found:
    try:
        file = bayfiles.read(pack.root / name, pack.datum)
    except maps.Unreadable as error:
        return [], [Problem(name, 0, "", str(error))]
    drafts, faults = bayrows.drafts(file, FILES[name].columns)
    problems = [Problem(name, fault.row, "geometry", f"{fault.id} {fault.what}".strip()) for fault in faults]
    for draft in drafts:
        if draft.unnamed:
            problems.append(Problem(name, draft.row, "code", _("缺少属性 code"), _("每个要素要有 properties.code")))
    marked = {
        int(row) + 1 for row, said in zip(file.rows, file.values, strict=True) if said.get("illustrative") is True
    }
    return [(draft, draft.row in marked) for draft in drafts], problems


# ── the rule ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _rule(pack: Pack) -> Rule | None:
    """The rule; None where there is none, or a faulty one."""
    data = pack.settings_file(RULE, required=False)
    try:
        return msgspec.convert(data, Rule, strict=False) if data else None
    except msgspec.ValidationError:
        return None


def _rule_problems(pack: Pack) -> Iterator[Problem]:
    data = pack.settings_file(RULE, required=False)
    try:
        if data:
            msgspec.convert(data, Rule, strict=False)
    except msgspec.ValidationError as error:
        yield Problem(RULE, 0, "", str(error), _("照 districts/pingcheng 里的同名文件写"))


def _made(pack: Pack, rule: Rule) -> list[Draft]:
    """A bay in each of the chosen cells: those whose digest comes first, so that chance is the same everywhere."""
    lon, lat = district.current().centre
    per_lon, per_lat = (float(m[0]) for m in measures.metres_per_degree(np.array([lat])))
    cells = [
        (
            hashlib.sha256(f"{rule.seed} {code}".encode()).digest(),
            code,
            west / 1e6,
            south / 1e6,
            east / 1e6,
            north / 1e6,
        )
        for code, west, south, east, north in Cell.objects.values_list("code", "west", "south", "east", "north")
        if np.hypot(((west + east) / 2e6 - lon) * per_lon, ((south + north) / 2e6 - lat) * per_lat) <= rule.within_m
    ]
    room = [cell for cell in cells if min((cell[4] - cell[2]) * per_lon, (cell[5] - cell[3]) * per_lat) > _least(rule)]
    if len(room) < rule.bays:
        what = _("离中心 %(m)g 米之内只有 %(n)d 个网格放得下") % {"m": rule.within_m, "n": len(room)}
        raise PackError([Problem(RULE, 0, "bays", what, _("改小 bays，或改大 within_m"))])
    chosen = islice(sorted(room), rule.bays)
    return sorted((_bay(rule, cell, per_lon, per_lat) for cell in chosen), key=lambda draft: draft.code)


def _least(rule: Rule) -> float:
    return max(rule.lengths_m) + rule.width_m + 2 * MARGIN_M


def _bay(rule: Rule, cell: Sequence[Any], per_lon: float, per_lat: float) -> Draft:
    """Along the cell's southern or western edge, somewhere: as if a road ran there."""
    chance, code, west, south, east, north = cell
    length = rule.lengths_m[chance[8] % len(rule.lengths_m)]
    along_east = chance[9] % 2 == 0
    wide, deep = (length, rule.width_m) if along_east else (rule.width_m, length)
    at = int.from_bytes(chance[10:14], "big") / 2**32
    free = ((east - west) * per_lon - wide, (north - south) * per_lat - deep)
    x = MARGIN_M + (at * (free[0] - 2 * MARGIN_M) if along_east else 0)
    y = MARGIN_M + (0 if along_east else at * (free[1] - 2 * MARGIN_M))
    corner = (west + x / per_lon, south + y / per_lat)
    box = shapely.box(*corner, corner[0] + wide / per_lon, corner[1] + deep / per_lat)
    rounded = shapely.transform(box, lambda xy: np.round(xy, 7))
    return Draft(f"P{code}", rounded, {"name": ""})
