"""Places of a pack: the list of streets, communities and villages, their shapes, and the unit grid."""

from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from shaodao.foundation.district_pack import OUTLINE_FILE
from shaodao.foundation.pack import SETTINGS_FILE, Pack, Part, register
from shaodao.foundation.shapes import Feature, to_geojson
from shaodao.foundation.sync import remove_unreferenced, retire, sync
from shaodao.foundation.tables import Column, Problem, Row, TableSpec, boolean, by_depth, choice, code, cycles, text
from shaodao.places import grid
from shaodao.places.models import Cell, Place

GRID_FILE = "grid.yaml"
STREETS_FILE, COMMUNITIES_FILE, CELLS_FILE = "streets.geojson", "communities.geojson", "cells.geojson"
LENGTH = {"county": 6, "street": 9, "community": 12, "village": 12, "estate": 15, "building": 18}
ABOVE = {
    "street": {"county"},
    "community": {"street"},
    "village": {"street"},
    "estate": {"community", "village"},
    "building": {"estate", "community", "village"},
}
GRID_KEYS: dict[str, type | tuple[type, ...]] = {
    "illustrative": bool,
    "cell_m": (int, float),
    "community_weight": (int, float),
    "village_weight": (int, float),
    "source": str,
    "streets": dict,
}

PLACES = TableSpec(
    "places.csv",
    (
        Column("code", code(sorted(set(LENGTH.values())))),
        Column("name", text(100)),
        Column("name_en", text(150), required=False),
        Column("level", choice(LENGTH)),
        Column("parent", text(20), required=False),
        Column("illustrative", boolean, required=False, default=False),
        Column("source", text(300), required=False),
    ),
    key=("code",),
)


# --- check ------------------------------------------------------------------------------------------------------


def check(pack: Pack) -> list[Problem]:
    rows = pack.table(PLACES)
    known = {row["code"]: row for row in rows}
    problems = [p for row in rows for p in _check_place(row, known)]
    problems += [r.problem("parent", _("上级绕成了圈"), _("改正上级编码")) for r in cycles(rows, "code", "parent")]
    counties = [row for row in rows if row["level"] == "county"]
    own = str(pack.settings_file(SETTINGS_FILE).get("code", ""))
    if rows and [row["code"] for row in counties] != [own]:
        row = counties[0] if counties else rows[0]
        problems.append(row.problem("level", _("要有且只有一个区县，编码为 %(c)s") % {"c": own}, "county"))
    problems += _check_shapes(pack, known) + _check_grid_rule(pack, known)
    return problems or _check_size(pack)


def _check_place(row: Row, known: dict[str, Row]) -> list[Problem]:
    level, place_code = row["level"], row["code"]
    if not level or not place_code:
        return []
    problems = []
    if len(place_code) != LENGTH[level]:
        hint = _("%(l)s 的编码是 %(n)d 位") % {"l": level, "n": LENGTH[level]}
        problems.append(row.problem("code", _("编码“%(v)s”位数不对") % {"v": place_code}, hint))
    parent = known.get(row["parent"])
    if level == "county":
        return problems
    if parent is None:
        what = _("没有编码为“%(p)s”的上级") % {"p": row["parent"]}
        return [
            *problems,
            row.problem("parent", what, _("上级要在本表中，级别为 %(l)s") % {"l": "/".join(ABOVE[level])}),
        ]
    if parent["level"] not in ABOVE[level]:
        hint = _("级别应为 %(l)s") % {"l": "/".join(sorted(ABOVE[level]))}
        problems.append(row.problem("parent", _("上级“%(p)s”的级别不对") % {"p": row["parent"]}, hint))
    elif not place_code.startswith(row["parent"]):
        what = _("编码不以上级编码 %(p)s 开头") % {"p": row["parent"]}
        problems.append(row.problem("code", what, row["parent"] + "…"))
    return problems


def _check_shapes(pack: Pack, known: dict[str, Row]) -> list[Problem]:
    problems = []
    for file, levels in ((STREETS_FILE, {"street"}), (COMMUNITIES_FILE, {"community", "village"})):
        for feature in pack.features(file):
            row = known.get(feature.code)
            if row is None or row["level"] not in levels:
                hint = _("要是 places.csv 里级别为 %(l)s 的编码") % {"l": "/".join(sorted(levels))}
                what = _("没有编码为“%(c)s”的地方") % {"c": feature.code}
                problems.append(Problem(file, feature.row, "code", what, hint))
    for feature in pack.features(CELLS_FILE):
        row = known.get(feature.code[:12])
        if not (feature.code.isdigit() and len(feature.code) == 15):
            what = _("编码“%(v)s”位数不对") % {"v": feature.code}
            problems.append(Problem(CELLS_FILE, feature.row, "code", what, _("要 %(n)s 位数字") % {"n": 15}))
        elif row is None or row["level"] not in {"community", "village"}:
            what = _("没有编码为“%(c)s”的社区或村") % {"c": feature.code[:12]}
            problems.append(Problem(CELLS_FILE, feature.row, "code", what, _("前 12 位是社区或村的编码")))
    return problems


def _check_grid_rule(pack: Pack, known: dict[str, Row]) -> list[Problem]:
    data = pack.settings_file(GRID_FILE, required=False)

    def wrong(column: str, what: str, hint: str = "") -> Problem:
        return Problem(GRID_FILE, 0, column, what, hint)

    problems = []
    for name, value in data.items():
        if name not in GRID_KEYS:
            problems.append(wrong(str(name), _("没有名叫“%(c)s”的项") % {"c": name}, ", ".join(GRID_KEYS)))
        elif not isinstance(value, GRID_KEYS[name]) or (isinstance(value, bool) and name != "illustrative"):
            problems.append(wrong(name, _("“%(v)s”的类型不对") % {"v": value}, _("照 districts/example 写")))
        elif isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value <= 10_000:
            problems.append(
                wrong(name, _("%(v)s 超出范围") % {"v": value}, _("在 %(a)d 与 %(b)d 之间") % {"a": 0, "b": 10_000})
            )
    streets = data.get("streets") if isinstance(data.get("streets"), dict) else {}
    for street, spec in (streets or {}).items():
        if str(street) not in known or known[str(street)]["level"] != "street":
            problems.append(wrong(f"streets.{street}", _("没有编码为“%(c)s”的街道") % {"c": street}, PLACES.file))
        elif _unit(str(street), spec) is None:
            problems.append(wrong(f"streets.{street}", _("写法不对"), "{area_km2: 7, seed: [113.29, 40.09]}"))
    return problems


def _check_size(pack: Pack) -> list[Problem]:
    """Whether the rule gives a grid that the codes can number; asked only where everything else is right."""
    if pack.problems or not pack.settings_file(GRID_FILE, required=False) or pack.features(CELLS_FILE):
        return []
    if not pack.features(OUTLINE_FILE):
        return [Problem(GRID_FILE, 0, "", _("生成网格要有轮廓"), OUTLINE_FILE)]
    cells = _lattice_size(pack)
    if cells > 500_000:
        return [Problem(GRID_FILE, 0, "cell_m", _("会生成 %(n)d 个网格，太多") % {"n": cells}, _("把 cell_m 改大"))]
    many: dict[str, int] = {}
    for community in built(pack).community:
        many[community] = many.get(community, 0) + 1
    hint = _("一个社区最多 %(n)d 个网格：把 cell_m 改大，或调整权重") % {"n": grid.MOST_CELLS}
    return [
        Problem(GRID_FILE, 0, "cell_m", _("%(c)s 分到 %(n)d 个网格") % {"c": name, "n": n}, hint)
        for name, n in many.items()
        if n > grid.MOST_CELLS
    ]


def _lattice_size(pack: Pack) -> int:
    """About how many cells the grid will have, from the area of the outline's box."""
    west, south, east, north = pack.features(OUTLINE_FILE)[0].shape.bounds
    cell = float(pack.settings_file(GRID_FILE, required=False).get("cell_m", 100))
    return int((east - west) * 85_000 * (north - south) * 111_000 / cell**2)


# --- the grid ---------------------------------------------------------------------------------------------------


def _unit(street: str, spec: Any) -> grid.Unit | None:
    """A street's share from its block of grid.yaml; None where the block is not right."""
    if not isinstance(spec, dict) or set(spec) - {"name", "area_km2", "seed"}:
        return None
    try:
        weight = float(spec.get("area_km2", 10))
        seed = tuple(float(v) for v in spec["seed"]) if spec.get("seed") else None
    except (TypeError, ValueError):
        return None
    if weight <= 0 or (seed is not None and len(seed) != 2):
        return None
    return grid.Unit(street, weight, (seed[0], seed[1]) if seed else None)


def _real(pack: Pack) -> dict[str, BaseGeometry]:
    """Surveyed polygons of streets and communities by code."""
    features: list[Feature] = [*pack.features(STREETS_FILE), *pack.features(COMMUNITIES_FILE)]
    return {f.code: f.shape for f in features}


def built(pack: Pack) -> grid.Grid:
    """The generated grid of the pack, worked out once; empty without outline, rule or communities."""
    if GRID_FILE not in pack.memo:
        pack.memo[GRID_FILE] = _build(pack)
    made: grid.Grid = pack.memo[GRID_FILE]
    return made


def _build(pack: Pack) -> grid.Grid:
    data = pack.settings_file(GRID_FILE, required=False)
    outline = pack.features(OUTLINE_FILE)
    rows = pack.table(PLACES)
    streets = [row["code"] for row in rows if row["level"] == "street"]
    none = np.array([], dtype=np.int64)
    if not data or not outline or not streets or pack.features(CELLS_FILE):
        return grid.Grid([], [], none, none, none, none)
    weights = {
        "community": float(data.get("community_weight", 1)),
        "village": float(data.get("village_weight", 1)),
    }
    blocks = data.get("streets") or {}
    units = [_unit(s, blocks.get(s, {})) or grid.Unit(s, 10.0) for s in streets]
    communities: dict[str, list[grid.Unit]] = {s: [] for s in streets}
    for row in rows:
        if row["level"] in weights:
            communities[row["parent"]].append(grid.Unit(row["code"], weights[row["level"]]))
    cells = grid.lattice(outline[0].shape, float(data.get("cell_m", 100)))
    return grid.number_cells(cells, grid.share(cells, units, communities, _real(pack)))


def counts(pack: Pack) -> dict[str, int]:
    rows = pack.table(PLACES)
    by_level = {"streets": "street", "communities": "community", "villages": "village"}
    found = {name: sum(row["level"] == level for row in rows) for name, level in by_level.items()}
    surveyed = pack.features(CELLS_FILE)
    return {**found, "cells": len(surveyed) or len(built(pack).code)}


# --- load -------------------------------------------------------------------------------------------------------


def load(pack: Pack) -> None:
    ids = _load_places(pack)
    rows = _surveyed_rows(pack, ids) if pack.features(CELLS_FILE) else _generated_rows(pack, ids)
    remove_unreferenced(sync(Cell, rows, ("code",)).gone)


def _load_places(pack: Pack) -> dict[str, int]:
    real, shapes = _real(pack), _shapes(pack)
    ids: dict[str, int] = {}
    everything: QuerySet[Place] = Place.objects.all()
    gone: dict[int, Place] = {}
    layers = by_depth(pack.table(PLACES), "code", "parent")
    for layer in layers:
        rows = [
            {
                "code": row["code"],
                "name": row["name"],
                "name_en": row["name_en"],
                "level": row["level"],
                "parent_id": ids.get(row["parent"]),
                "geometry": shapes.get(row["code"]),
                "geometry_illustrative": row["code"] not in real,
                "active": True,
                "source": row["source"],
            }
            for row in layer
        ]
        done = sync(Place, rows, ("code",), within=everything.filter(code__in=[r["code"] for r in rows]))
        ids.update({key[0]: pk for key, pk in done.ids.items()})
    gone = {place.pk: place for place in everything.filter(active=True).exclude(pk__in=ids.values())}
    retire(gone.values())
    return ids


def _shapes(pack: Pack) -> dict[str, Any]:
    """A GeoJSON geometry for each place that has one: the outline, surveyed polygons, unions of generated cells."""
    own = str(pack.settings_file(SETTINGS_FILE).get("code", ""))
    outline = pack.features(OUTLINE_FILE)
    shapes = {own: outline[0].shape} if outline else {}
    generated = built(pack)
    if generated.code:
        shapes |= generated.shapes(9) | generated.shapes(12)
    return {place: to_geojson(shape) for place, shape in (shapes | _real(pack)).items()}


def _generated_rows(pack: Pack, ids: dict[str, int]) -> list[dict[str, Any]]:
    made = built(pack)
    bounds = zip(made.west.tolist(), made.south.tolist(), made.east.tolist(), made.north.tolist(), strict=True)
    return [
        {
            "code": cell,
            "community_id": ids[community],
            "west": west,
            "south": south,
            "east": east,
            "north": north,
            "geometry": None,
            "illustrative": True,
        }
        for cell, community, (west, south, east, north) in zip(made.code, made.community, bounds, strict=True)
    ]


def _surveyed_rows(pack: Pack, ids: dict[str, int]) -> list[dict[str, Any]]:
    rows = []
    for feature in pack.features(CELLS_FILE):
        west, south, east, north = (round(v * grid.MICRO) for v in feature.shape.bounds)
        is_box = abs(feature.shape.envelope.area - feature.shape.area) < 1e-6 * feature.shape.area
        rows.append(
            {
                "code": feature.code,
                "community_id": ids[feature.code[:12]],
                "west": west,
                "south": south,
                "east": east,
                "north": north,
                "geometry": None if is_box else to_geojson(feature.shape),
                "illustrative": False,
            }
        )
    return rows


register(Part("places", 20, check, counts, load))
