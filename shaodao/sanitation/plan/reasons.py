"""Why something is not in a plan: said of each pass and segment that is left out."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from shaodao.sanitation.plan.board import Board
from shaodao.sanitation.plan.ground import Task
from shaodao.sanitation.plan.plain import Facts, PlainTrip, VehicleFacts

NO_VEHICLE, NO_SHIFT, WEATHER, WINDOW, SPACING, NO_WATER, TANK, CAPACITY, SEASON = (
    "no_vehicle", "no_shift", "weather", "window", "spacing", "no_water", "tank", "capacity", "out_of_season",
)  # fmt: skip


def left_out(facts: Facts, boards: Sequence[Board], trips: Sequence[PlainTrip]) -> list[dict[str, object]]:
    """[{mode, pass, why, segments}, …]: codes of the segments whose pass is not whole; modes that are not due at all have
    no pass and no segments. In the order of modes, passes and roads."""
    done: dict[tuple[int, int, int], int] = defaultdict(int)
    for trip in trips:
        for leg in trip.services:
            done[leg.mode or 0, leg.pass_no, leg.segment or 0] += leg.runs
    rows: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for board in boards:
        for task in board.left():
            mode = facts.modes[task.mode]
            why = _why(facts, task)
            no = mode.passes[task.one].no
            rows[task.mode, no, why] += [
                s for s in task.segments if done[mode.key, no, facts.segments[s].key] < mode.runs[s]
            ]
    found: list[dict[str, object]] = [
        {
            "mode": facts.modes[m].code,
            "pass": no,
            "why": why,
            "segments": [facts.segments[s].code for s in sorted(of)],
        }
        for (m, no, why), of in sorted(rows.items(), key=lambda item: item[0])
        if of
    ]
    states: dict[str, str] = {"stopped": WEATHER, "out_of_season": SEASON}
    for mode in facts.modes:
        if mode.state in states:
            found.append({"mode": mode.code, "pass": 0, "why": states[mode.state], "segments": []})
    return found


def _why(facts: Facts, task: Task) -> str:
    mode = facts.modes[task.mode]
    one = mode.passes[task.one]
    fleet = [v for v in facts.vehicles if v.type == mode.vehicle_type and not v.away]
    if not one.spans:
        return WEATHER
    if not fleet:
        return NO_VEHICLE
    shifts = [_shared(v, one.spans) for v in fleet]
    if not any(shifts):
        return NO_SHIFT
    litres = max(run.litres for run in task.runs)
    if litres > max(v.tank_l for v in fleet) * (1 + 1e-9):
        return TANK
    if litres and not facts.points:
        return NO_WATER
    kmh = min(mode.speed_kmh, max(v.working_kmh for v in fleet))
    if task.work_m / kmh * 3.6 / facts.productive > max(shifts):
        return WINDOW
    same = [p for p in mode.passes if p.spans == one.spans]
    open_s = sum(b - a for a, b in one.spans)
    if mode.spacing_s and same.index(one) * mode.spacing_s >= open_s:
        return SPACING
    return CAPACITY


def _shared(vehicle: VehicleFacts, spans: Sequence[Any]) -> float:
    """The longest piece of a window in which a vehicle is on shift."""
    return max((min(s.end_s, b) - max(s.begin_s, a) for s in vehicle.shifts for a, b in spans), default=0.0) or 0.0
