"""Why something is not in a plan: said of each pass and segment that is left out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shaodao.sanitation.plan.plain import Facts, ModeFacts, PassFacts, PlainTrip, Span, VehicleFacts

NO_VEHICLE, NO_SHIFT, WEATHER, WINDOW, SPACING, NO_WATER, TANK, CAPACITY, SEASON, BY_HAND = (
    "no_vehicle", "no_shift", "weather", "window", "spacing", "no_water", "tank", "capacity", "out_of_season", "by_hand",
)  # fmt: skip
Missing = tuple[int, int, int]
"""Numbers of the mode and the segment in the facts, and which pass between them."""


def runs_done(trips: Iterable[PlainTrip]) -> dict[tuple[int, int, int], int]:
    """Runs by mode, pass and segment (keys of the book)."""
    done: dict[tuple[int, int, int], int] = defaultdict(int)
    for trip in trips:
        for leg in trip.services:
            done[leg.mode or 0, leg.pass_no, leg.segment or 0] += leg.runs
    return done


def left_out(
    facts: Facts, trips: Sequence[PlainTrip], known: Mapping[Missing, str] | None = None
) -> list[dict[str, Any]]:
    """[{mode, pass, why, segments}, …] of what is due and not whole, by codes, in the order of modes, passes and roads; a
    mode that the weather or the season stops has no pass and no segments. known: reasons that are given already."""
    done = runs_done(trips)
    rows: dict[tuple[int, int, str], list[str]] = defaultdict(list)
    for m, mode in enumerate(facts.modes):
        for one in mode.passes if mode.due else ():
            whole: dict[tuple[float, float], str] = {}
            for n, segment in enumerate(facts.segments):
                if done[mode.key, one.no, segment.key] >= mode.runs[n]:
                    continue
                need = mode.metres[n], mode.litres[n] / mode.runs[n]
                if (why := (known or {}).get((m, one.no, n))) is None:
                    why = whole.setdefault(need, "") or _why(facts, mode, one, *need)
                    whole[need] = why
                rows[m, one.no, why].append(segment.code)
    found = [
        {"mode": facts.modes[m].code, "pass": no, "why": why, "segments": of}
        for (m, no, why), of in sorted(rows.items())
    ]
    for mode in facts.modes:
        if mode.state in ("stopped", "out_of_season"):
            why = SEASON if mode.state == "out_of_season" else WEATHER
            found.append({"mode": mode.code, "pass": 0, "why": why, "segments": []})
    return found


def known(facts: Facts, rows: Iterable[Mapping[str, Any]]) -> dict[Missing, str]:
    """What a plan kept of its reasons, by number; what it had and another lacks was taken out by hand."""
    modes = {m.code: n for n, m in enumerate(facts.modes)}
    segments = {s.code: n for n, s in enumerate(facts.segments)}
    found = {
        (m, p.no, n): BY_HAND for m, mode in enumerate(facts.modes) for p in mode.passes for n in range(len(segments))
    }
    for row in rows:
        if row["mode"] in modes:
            found |= {
                (modes[row["mode"]], row["pass"], segments[c]): row["why"] for c in row["segments"] if c in segments
            }
    return found


def _why(facts: Facts, mode: ModeFacts, one: PassFacts, metres: float, litres: float) -> str:
    """The first that holds; `litres` of one run, `metres` of all of a segment's."""
    fleet = [v for v in facts.vehicles if v.type == mode.vehicle_type and not v.away]
    longest = max((_shared(v, one.spans) for v in fleet), default=0.0)
    kmh = min(mode.speed_kmh, max((v.working_kmh for v in fleet), default=mode.speed_kmh))
    same = [p for p in mode.passes if p.spans == one.spans]
    open_s = sum(b - a for a, b in one.spans)
    holds = {
        WEATHER: not one.spans,
        NO_VEHICLE: not fleet,
        NO_SHIFT: not longest,
        TANK: bool(litres) and litres > max((v.tank_l for v in fleet), default=0.0) * (1 + 1e-9),
        NO_WATER: bool(litres) and not facts.points,
        WINDOW: metres / kmh * 3.6 / facts.productive > longest,
        SPACING: bool(mode.spacing_s) and same.index(one) * mode.spacing_s >= open_s,
    }
    return next((why for why, yes in holds.items() if yes), WEATHER if one.stopped else CAPACITY)


def _shared(vehicle: VehicleFacts, spans: Sequence[Span]) -> float:
    """The longest piece of a window in which a vehicle is on shift."""
    return max((max(0.0, min(s.end_s, b) - max(s.begin_s, a)) for s in vehicle.shifts for a, b in spans), default=0.0)
