"""A plan in figures: by service, by vehicle, by fill point, and in all. JSON values only."""

import bisect
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from shaodao.sanitation.plan.plain import BREAK, FILL, MOVE, SERVICE, WAIT, Facts, PlainTrip
from shaodao.sanitation.plan.reasons import runs_done

HOURS = {SERVICE: "work_h", MOVE: "move_h", FILL: "fill_h", BREAK: "break_h", WAIT: "wait_h"}


def figures(facts: Facts, trips: Sequence[PlainTrip], left_out: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sums of a plan. `planned_share`: of the passes due, weighed by machine-hours as feasibility weighs them; None where
    nothing is due."""
    services = _services(facts, trips, left_out)
    due = sum(s["due_h"] for s in services)
    vehicles = _vehicles(facts, trips)
    return {
        "planned_share": round(sum(s["done_h"] for s in services) / due, 4) if due else None,
        "feasible_share": None if facts.feasible_share is None else round(facts.feasible_share, 4),
        "services": services,
        "vehicles": vehicles,
        "points": _points(facts, trips),
        "work_km": round(sum(v["work_km"] for v in vehicles), 2),
        "move_km": round(sum(v["move_km"] for v in vehicles), 2),
        "water_m3": round(sum(v["water_m3"] for v in vehicles), 2),
        "refills": sum(v["refills"] for v in vehicles),
        "notes": [list(note) for note in facts.notes],
        "illustrative": facts.illustrative,
    }


def _services(facts: Facts, trips: Sequence[PlainTrip], left_out: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    done = runs_done(trips)
    sums = _by_mode(trips)
    found = []
    for mode in facts.modes:
        due = [(p, n) for p in mode.passes for n, runs in enumerate(mode.runs) if runs] if mode.due else []
        whole = [(p, n) for p, n in due if done[mode.key, p.no, facts.segments[n].key] >= mode.runs[n]]
        why: dict[str, int] = defaultdict(int)
        for row in left_out:
            if row["mode"] == mode.code:
                why[row["why"]] += len(row["segments"])
        own = sums.get(mode.key, {})
        due_h, done_h = (sum(mode.hours[n] for _p, n in pairs) for pairs in (due, whole))
        found.append(
            {
                "mode": mode.code,
                "name": mode.name,
                "name_en": mode.name_en,
                "kind": mode.kind,
                "state": mode.state,
                "planned": len(due),
                "done": len(whole),
                "share": round(done_h / due_h, 4) if due_h else None,
                "due_h": round(due_h, 3),
                "done_h": round(done_h, 3),
                "left_out": dict(why),
                "passes": [_pass(mode, p.no, due, whole) for p in mode.passes] if mode.due else [],
                "work_km": round(own.get("work_m", 0.0) / 1000, 2),
                "move_km": round(own.get("move_m", 0.0) / 1000, 2),
                "water_m3": round(own.get("water_l", 0.0) / 1000, 2),
                "refills": own.get("refills", 0),
                "vehicles": len(own.get("vehicles", ())),
            }
        )
    return found


def _pass(mode: Any, no: int, due: Sequence[Any], whole: Sequence[Any]) -> dict[str, Any]:
    need, have = (sum(mode.hours[n] for p, n in pairs if p.no == no) for pairs in (due, whole))
    return {"pass": no, "share": round(have / need, 4) if need else None}


def _by_mode(trips: Sequence[PlainTrip]) -> dict[int, dict[str, Any]]:
    """Ways and fillings belong to the service that they lead to, at the end of a trip to the last one."""
    found: dict[int, dict[str, Any]] = {}
    for trip in trips:
        services = [n for n, leg in enumerate(trip.legs) if leg.kind == SERVICE]
        for n, leg in enumerate(trip.legs):
            k = min(bisect.bisect_left(services, n), len(services) - 1)
            to = trip.legs[services[k]] if services else leg
            own = found.setdefault(
                to.mode or 0, {"work_m": 0.0, "move_m": 0.0, "water_l": 0.0, "refills": 0, "vehicles": set()}
            )
            own["vehicles"].add(trip.vehicle)
            if leg.kind == SERVICE:
                own["work_m"] += leg.metres
                own["water_l"] += leg.water_l
            own["move_m"] += leg.metres if leg.kind == MOVE else 0.0
            own["refills"] += leg.kind == FILL
    return found


def _vehicles(facts: Facts, trips: Sequence[PlainTrip]) -> list[dict[str, Any]]:
    by: dict[int, list[PlainTrip]] = defaultdict(list)
    for trip in trips:
        by[trip.vehicle].append(trip)
    found = []
    for vehicle in facts.vehicles:
        legs = [leg for trip in by[vehicle.key] for leg in trip.legs]
        row: dict[str, Any] = {
            "vehicle": vehicle.code,
            "name": vehicle.name,
            "name_en": vehicle.name_en,
            "type": vehicle.type,
            "away": vehicle.away,
            "trips": len(by[vehicle.key]),
            "segments": len({(leg.mode, leg.pass_no, leg.segment) for leg in legs if leg.kind == SERVICE}),
            "work_km": round(sum(leg.metres for leg in legs if leg.kind == SERVICE) / 1000, 2),
            "move_km": round(sum(leg.metres for leg in legs if leg.kind == MOVE) / 1000, 2),
            "water_m3": round(sum(leg.water_l for leg in legs if leg.kind == SERVICE) / 1000, 2),
            "refills": sum(1 for leg in legs if leg.kind == FILL),
        }
        for kind, name in HOURS.items():
            row[name] = round(sum(leg.end_s - leg.begin_s for leg in legs if leg.kind == kind) / 3600, 3)
        found.append(row)
    return found


def _points(facts: Facts, trips: Sequence[PlainTrip]) -> list[dict[str, Any]]:
    found = []
    for point in facts.points:
        legs = [leg for trip in trips for leg in trip.legs if leg.kind == FILL and leg.point == point.key]
        row = {"point": point.code, "name": point.name, "refills": len(legs), "bays": point.bays}
        row["water_m3"] = round(sum(leg.water_l for leg in legs) / 1000, 2)
        row["busy_h"] = round(sum(leg.end_s - leg.begin_s for leg in legs) / 3600, 3)
        found.append(row)
    return found
