"""A small book for tests: one road of a kilometre, one flushing truck, one fill point."""

from datetime import date
from typing import Any

from shaodao.book import actions
from shaodao.book.actions import Draft
from shaodao.cases.actions import Actor
from shaodao.sanitation.feasibility.facts import read
from shaodao.sanitation.feasibility.reckon import Verdict, reckon
from shaodao.sanitation.kinds import KINDS

SYSTEM = Actor.system()


def book() -> None:
    half = {"total_m2": 10_000.0, "carriageway_m2": 4_000.0, "pavement_m2": 2_000.0, "verge_m2": 4_000.0}
    line = [[113.2, 40.0], [113.2117, 40.0]]
    sides = ((f"R1-{n}", {"type": "LineString", "coordinates": line[:: 3 - 2 * n]}) for n in (1, 2))
    put("road", R1={"name": "一路", "road_class": "trunk"})
    put("segment", **{c: {"road": "R1", "geometry": g, "length_m": 1000.0, "lanes": 1, **half} for c, g in sides})
    put("depot", D={"lon": 113.2, "lat": 40.0})
    put("fill", W={"lon": 113.205, "lat": 40.0, "flow_m3_min": 1.0, "bays": 1, "hours": []})
    put("crew", C={"depot": "D", "people": 3})
    put("shift", S={"crew": "C", "hours": [[540, 780]], "breaks": []})
    put("vehicle", V={"type": "washer", "crew": "C", "tank_m3": 10.0, "working_kmh": 5.0, "transfer_kmh": 30.0})
    mode: dict[str, Any] = {
        "name": "清洗",
        "name_en": "Flushing",
        "kind": "flush",
        "passes": 1,
        "vehicle_type": "washer",
    }
    mode |= {"windows": [[540, 780, 1]], "peaks": [], "months": [4, 5, 6], "scope": "total", "swath_m": 3.5}
    put("mode", FLUSH=mode | {"speed_kmh": 0.5, "water_l_m2": 0.14, "cold_c": 3.0, "cold_basis": "ground"})


def put(kind: str, **rows: dict[str, Any]) -> actions.Counts:
    return actions.bring_in(KINDS[kind], [Draft(code, values) for code, values in rows.items()], SYSTEM)


def verdict(day: date) -> Verdict:
    return reckon(read(day))
