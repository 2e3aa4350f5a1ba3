"""This room's part of a pack: roads, service modes, fleet, crews, bins. Loading again changes nothing, and what a person
has written since is left as they left it."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from shaodao.book import pack as bookpack
from shaodao.book.actions import Draft
from shaodao.book.kinds import Kind
from shaodao.foundation import district
from shaodao.foundation.pack import SETTINGS_FILE, Pack, Part, register
from shaodao.foundation.tables import Problem, Row, parse
from shaodao.organisations.models import Organisation
from shaodao.organisations.pack import ORGANISATIONS
from shaodao.sanitation import packroads
from shaodao.sanitation.kinds import (
    BIN,
    BOX,
    CREW,
    DEPOT,
    FILL,
    KINDS,
    MAINTENANCE,
    MODE,
    ROAD,
    ROUND,
    SEGMENT,
    SHIFT,
    VEHICLE,
    WEATHER,
)
from shaodao.sanitation.room import ROOM

SERVICES = "sanitation/services.yaml"
FILES: dict[str, Kind] = {
    "sanitation/depots.csv": DEPOT,
    "sanitation/fill_points.csv": FILL,
    "sanitation/crews.csv": CREW,
    "sanitation/shifts.csv": SHIFT,
    "sanitation/fleet.csv": VEHICLE,
    "sanitation/boxes.csv": BOX,
    "sanitation/maintenance.csv": MAINTENANCE,
    "sanitation/rounds.csv": ROUND,
    "sanitation/bins.csv": BIN,
    "sanitation/weather.csv": WEATHER,
}
SPECS = {kind.name: kind.spec(file) for file, kind in FILES.items()}
MODES = MODE.spec(SERVICES)


def _rows(pack: Pack, kind: Kind) -> list[Row]:
    return _modes(pack)[0] if kind is MODE else pack.table(SPECS[kind.name]) if kind.name in SPECS else []


def _modes(pack: Pack) -> tuple[list[Row], list[Problem]]:
    """The list `modes:` of services.yaml, read as a table: each entry is a row, its number counted from 1."""
    if SERVICES not in pack.memo:
        data = pack.settings_file(SERVICES, required=False)
        given = data.get("modes", []) if data else []
        if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
            pack.memo[SERVICES] = (
                [],
                [Problem(SERVICES, 0, "modes", _("应是一列“键: 值”"), _("照 districts/pingcheng 里的同名文件写"))],
            )
            return _modes(pack)
        header = list(dict.fromkeys(["code", *(str(key) for entry in given for key in entry)]))
        header += [c.name for c in MODES.columns if c.required and c.name not in header]
        lines = [(n, [_text(entry.get(name)) for name in header]) for n, entry in enumerate(given, 1)]
        pack.memo[SERVICES] = parse(MODES, SERVICES, header, lines)
    found: tuple[list[Row], list[Problem]] = pack.memo[SERVICES]
    return found


def _text(value: Any) -> str:
    """A YAML value as the text that a cell would hold: a list is written as a cell writes it."""
    if isinstance(value, list):
        return ("; " if any(":" in str(v) for v in value) else ",").join(map(str, value))
    return "" if value is None else str(value)


def check(pack: Pack) -> list[Problem]:
    problems = [*_check_settings(pack), *packroads.check(pack), *_modes(pack)[1]]
    known = {kind.name: {row["code"] for row in _rows(pack, kind)} for kind in KINDS.values()}
    if not problems and not pack.problems:
        known["road"] |= {draft.code for draft in packroads.drafts(pack)[0]}
    else:
        del known["road"]  # not drawn from a pack with faults: what refers to them is checked when those are mended
    for kind in KINDS.values():
        problems += bookpack.check(kind, _rows(pack, kind), known)
    problems += [*_check_tanks(pack), *_check_units(pack)]
    made = {draft.code for draft in packroads.bins(pack)}
    problems += [
        row.problem("code", _("%(f)s 已按规则生成了这个编码") % {"f": packroads.BINS})
        for row in _rows(pack, BIN)
        if row["code"] in made
    ]
    return problems


def _check_tanks(pack: Pack) -> Iterator[Problem]:
    """A vehicle of a type that works with water needs a tank."""
    wet = {row["vehicle_type"] for row in _rows(pack, MODE) if row.get("water_l_m2")}
    for row in _rows(pack, VEHICLE):
        if row.get("type") in wet and not row.get("tank_m3"):
            yield row.problem("tank_m3", _("这种车要用水，水箱不能是 0"), _("写水箱的立方米数"))


def _check_units(pack: Pack) -> Iterator[Problem]:
    """A crew's unit is one of the pack's organisations: what the crew missed is sent to it."""
    known = {row["code"] for row in pack.table(ORGANISATIONS)}
    for row in _rows(pack, CREW):
        if row.get("unit") and row["unit"] not in known:
            what, hint = (
                _("没有编码为“%(p)s”的单位") % {"p": row["unit"]},
                _("要是 %(f)s 里的编码") % {"f": ORGANISATIONS.file},
            )
            yield row.problem("unit", what, hint)


def _check_settings(pack: Pack) -> Iterator[Problem]:
    """The department must be one."""
    settings = (pack.settings_file(SETTINGS_FILE) or {}).get("settings")
    block = settings.get("sanitation") if isinstance(settings, dict) else None
    code = str(block.get("department") or "") if isinstance(block, dict) else ""
    found = {row["code"]: row for row in pack.table(ORGANISATIONS)}
    if code and (code not in found or found[code]["kind"] != Organisation.Kind.DEPARTMENT):
        what, hint = _("没有编码为“%(p)s”的部门") % {"p": code}, _("要是 %(f)s 里的编码") % {"f": ORGANISATIONS.file}
        yield Problem(SETTINGS_FILE, 0, "settings.sanitation.department", what, hint)


def counts(pack: Pack) -> dict[str, int]:
    roads, segments = packroads.drafts(pack)
    return {
        "sanitation_roads": len(roads),
        "sanitation_segments": len(segments),
        "sanitation_services": len(_rows(pack, MODE)),
        "sanitation_vehicles": len(_rows(pack, VEHICLE)),
        "sanitation_bins": len(packroads.bins(pack)) + len(_rows(pack, BIN)),
    }


def drafts(pack: Pack, kind: Kind) -> list[Draft]:
    """What a pack says of a kind."""
    if kind in (ROAD, SEGMENT):
        return packroads.drafts(pack)[kind is SEGMENT]
    file = next((name for name, other in FILES.items() if other is kind), SERVICES)
    said = bookpack.drafts(kind, _rows(pack, kind), file)
    return said + (packroads.bins(pack) if kind is BIN else [])


def load(pack: Pack) -> None:
    district.forget()  # the settings are those that this load has just written
    bookpack.load(ROOM, {kind: drafts(pack, kind) for kind in KINDS.values()})
    district.forget()


register(Part("sanitation", 51, check, counts, load))
