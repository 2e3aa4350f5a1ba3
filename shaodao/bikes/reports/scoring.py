"""The score of an operator's day, from its figures and the pack's numbers alone: each part with what it was made of.

A part gives its weight times a share from 0 to 1. One that has nothing to go by on that day (no case was sent) is left out,
and the score is the points of the others for each hundred of their weights.
"""

from dataclasses import dataclass
from typing import Any

from shaodao.bikes.reports.settings import QuotaStep, ScoreSettings

PARTS = ("order", "response", "fleet", "data", "warnings", "spot_checks")


@dataclass(frozen=True)
class Score:
    """`points` 0 to 100, or None where there is too little to say; `parts`: {"part", "weight", "share", "points",
    "numbers"} each, share and points None for one that was left out."""

    points: float | None
    parts: list[dict[str, Any]]


def score(figures: dict[str, Any], rules: ScoreSettings) -> Score:
    """The score of a day's `figures` (an operator's, as reports/daily.py writes them)."""
    shares = {
        "order": _order(figures, rules),
        "response": _response(figures["cases"]),
        "fleet": _fleet(figures["fleet"], rules),
        "data": _data(figures["quality"]),
        "warnings": _warnings(figures["notes"]),
        "spot_checks": _spot_checks(figures["spot_checks"], rules),
    }
    parts = []
    for name in PARTS:
        weight, (share, numbers) = getattr(rules.weights, name), shares[name]
        points = None if share is None else round(weight * share, 2)
        parts.append({"part": name, "weight": weight, "share": _short(share), "points": points, "numbers": numbers})
    return Score(_whole(parts, rules), parts)


def _whole(parts: list[dict[str, Any]], rules: ScoreSettings) -> float | None:
    all_of_it = sum(p["weight"] for p in parts)
    known = sum(p["weight"] for p in parts if p["points"] is not None)
    order = next(p for p in parts if p["part"] == "order")
    if not known or order["points"] is None or known < all_of_it * rules.least_weight / 100:
        return None
    return round(100 * sum(p["points"] for p in parts if p["points"] is not None) / known, 1)


Share = tuple[float | None, dict[str, Any]]


def _order(f: dict[str, Any], rules: ScoreSettings) -> Share:
    certain, right = f["bike_hours_certain"], f["bike_hours_in_order"]
    numbers = {"in_order": right, "of": certain, "zero": rules.order_zero, "full": rules.order_full}
    if certain < rules.least_bike_hours:
        return None, numbers | {"least": rules.least_bike_hours}
    return _within((right / certain - rules.order_zero) / (rules.order_full - rules.order_zero)), numbers


def _response(cases: dict[str, Any]) -> Share:
    """Arrival and solution count alike; what still runs counts for nothing yet."""
    numbers = {
        name: {"met": cases[name]["met"], "of": cases[name]["met"] + cases[name]["missed"]}
        for name in ("arrive", "solve")
    }
    return _mean([n["met"] / n["of"] for n in numbers.values() if n["of"]]), numbers


def _fleet(fleet: dict[str, Any], rules: ScoreSettings) -> Share:
    numbers = {name: fleet[name] for name in ("seen", "quota", "over", "seen_registered")}
    if not fleet["seen"]:
        return None, numbers
    over = fleet["over"] / fleet["quota"] if fleet["quota"] else 1.0
    return _mean([_within(1 - over / rules.over_zero), fleet["seen_registered"] / fleet["seen"]]), numbers


def _data(quality: dict[str, Any]) -> Share:
    """Usable, timely (within five minutes) and without failed calls count alike. Nothing sent at all is worth nothing."""
    numbers = {name: quality[name] for name in ("calls", "failures", "rejected_rate", "late_rate")}
    if not quality["calls"]:
        return 0.0, numbers
    wrong = (quality["rejected_rate"], quality["late_rate"], quality["failures"] / quality["calls"])
    return _mean([1 - share for share in wrong if share is not None]), numbers


def _warnings(notes: dict[str, Any]) -> Share:
    return (0.0 if notes["warn"] or notes["suspend"] else 1.0), dict(notes)


def _spot_checks(counts: dict[str, Any], rules: ScoreSettings) -> Share:
    """How far the feed is off what was counted by eye: the sum of the differences by the sum of the larger of both."""
    numbers = {**counts, "full": rules.spot_full, "zero": rules.spot_zero}
    if counts["n"] < rules.least_spot_checks or not counts["larger"]:
        return None, numbers | {"least": rules.least_spot_checks}
    off = counts["off"] / counts["larger"]
    return _within((rules.spot_zero - off) / (rules.spot_zero - rules.spot_full)), numbers


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))


def _mean(shares: list[float]) -> float | None:
    return sum(shares) / len(shares) if shares else None


def _short(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


# ── a month ──────────────────────────────────────────────────────────────────────────────────────────────────────


def month(days: list[float | None], rules: ScoreSettings) -> float | None:
    """The mean of the days that have a score; None if those are too few."""
    known = [points for points in days if points is not None]
    return round(sum(known) / len(known), 1) if len(known) >= rules.least_days else None


def step(points: float, rules: ScoreSettings) -> QuotaStep | None:
    """The step of the pack that a month's score falls on."""
    return next((s for s in rules.quota if points < s.below), None)


def suggested(quota: int, percent: float) -> int:
    """A quota changed by so many percent, at least 1."""
    return max(1, round(quota * (100 + percent) / 100))
