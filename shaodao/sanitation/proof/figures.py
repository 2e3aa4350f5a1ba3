"""The rates of a day: done by planned, with what cannot be told beside it; by service, road, crew, vehicle, and each cell of
the board. Metres are those of segments, each pass by itself: a rate is a share of metres, not of counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shaodao.sanitation.proof.words import PassState

VERSION = 1
STATES = tuple(PassState.values)


@dataclass(frozen=True)
class Line:
    """One pass over one segment, as it is counted."""

    mode: str
    road: str
    crew: str
    vehicle: str
    pass_no: int
    state: str
    wrong: tuple[str, ...]
    length_m: float
    serviced_m: float
    runs_asked: int = 1
    runs_seen: float = 0.0


def nothing() -> dict[str, Any]:
    return {"planned": 0, "planned_m": 0.0, "serviced_m": 0.0, "runs_asked_m": 0.0, "runs_seen_m": 0.0,
            **dict.fromkeys(STATES, 0), **{f"{s}_m": 0.0 for s in STATES}, "wrong": {}}  # fmt: skip


def add(group: dict[str, Any], line: Line) -> None:
    group["planned"] += 1
    group["planned_m"] += line.length_m
    group[line.state] += 1
    group[f"{line.state}_m"] += line.length_m
    group["serviced_m"] += line.serviced_m
    group["runs_asked_m"] += line.length_m * line.runs_asked
    group["runs_seen_m"] += line.length_m * min(line.runs_seen, line.runs_asked)
    for kind in line.wrong:
        group["wrong"][kind] = group["wrong"].get(kind, 0) + 1


def rate(group: dict[str, Any]) -> float | None:
    """Metres of passes that are done, of those whose time has come; None: there are none."""
    due = group["planned_m"] - group["pending_m"]
    return group["done_m"] / due if due > 0 else None


def unsure(group: dict[str, Any]) -> float:
    """Of the same metres, those of which nobody can tell."""
    due = group["planned_m"] - group["pending_m"]
    return group["unsure_m"] / due if due > 0 else 0.0


def percent(share: float | None) -> float | None:
    """A share as percent to a tenth; what is not all is never rounded up to all."""
    if share is None:
        return None
    found = round(100 * share, 1)
    return 99.9 if found >= 100 and share < 1 - 1e-9 else found


def count(lines: Iterable[Line]) -> dict[str, Any]:
    """{"version", "all", "modes", "roads", "crews", "vehicles", "cells", "unasked"}: groups as `nothing`.

    A cell's key is `road|mode|pass`; a mode's cell of all roads `mode|pass` in "passes". `unasked`: work that nobody
    asked for, by mode: passes and metres.
    """
    found: dict[str, Any] = {"version": VERSION, "all": nothing(), "unasked": {}}
    for name in ("modes", "roads", "crews", "vehicles", "passes", "cells"):
        found[name] = {}
    for line in lines:
        if not line.pass_no:
            extra = found["unasked"].setdefault(line.mode, {"n": 0, "metres": 0.0, "wrong": {}})
            extra["n"] += 1
            extra["metres"] += line.serviced_m
            for kind in line.wrong:
                extra["wrong"][kind] = extra["wrong"].get(kind, 0) + 1
            continue
        add(found["all"], line)
        for name, key in (
            ("modes", line.mode),
            ("roads", line.road),
            ("crews", line.crew),
            ("vehicles", line.vehicle),
            ("passes", f"{line.mode}|{line.pass_no}"),
            ("cells", f"{line.road}|{line.mode}|{line.pass_no}"),
        ):
            if key:
                add(found[name].setdefault(key, nothing()), line)
    return found


def joined(groups: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Groups of several days as one."""
    whole = nothing()
    for group in groups:
        for key, value in group.items():
            if key == "wrong":
                for kind, n in value.items():
                    whole["wrong"][kind] = whole["wrong"].get(kind, 0) + n
            else:
                whole[key] += value
    return whole
