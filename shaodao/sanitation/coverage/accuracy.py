"""What was found on a simulated day, held against its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.coverage import CANNOT_TELL, DONE, SHORT, Coverage
from shaodao.kernel.coverage.passes import P_END, P_SERVICED, P_START, P_UNIT, P_VEHICLE, P_VERDICT
from shaodao.sanitation.coverage.simulated import Day, Visit


@dataclass(frozen=True)
class Accuracy:
    """Shares in percent, see `judge`."""

    tasks: int
    parallel: float
    error_points: float
    within5: float
    overclaim: float
    short_found: float
    short_true: float
    short_not_done: float
    cannot_tell: float


def judge(day: Day, answer: Coverage, asked: float = 0.9) -> Accuracy:
    """Hold the answer against the truth about every planned pass.

    A planned pass has the pass reported of its vehicle, unit and time (the fullest where there are several), or none: then
    nothing was serviced and it is short. ``error_points``: the rate of all, found less true. ``within5``: planned passes whose
    serviced share is within 5 points of the true one, whatever the verdict. ``overclaim``: of all passes called *done*, planned or
    not, those of which the vehicle truly worked less than ``asked`` there and then. ``short_found``: of those truly below, the share called *short*
    (``short_not_done``: not called *done*); ``short_true``: of those called short, the share truly so.
    """
    truth = np.array([task.share for task in day.tasks])
    said, verdict = matched(day, answer)
    short, called = truth < asked, verdict == SHORT
    return Accuracy(
        tasks=truth.size,
        parallel=100 * float(np.mean([task.parallel for task in day.tasks])),
        error_points=100 * _rate(day, said - truth),
        within5=100 * float(np.mean(np.abs(said - truth) <= 0.05)),
        overclaim=100 * _false_claims(day, answer, asked),
        short_found=100 * float(np.mean(called[short])),
        short_true=100 * float(np.mean(short[called])),
        short_not_done=100 * float(np.mean(verdict[short] != DONE)),
        cannot_tell=100 * float(np.mean(verdict == CANNOT_TELL)),
    )


def _false_claims(day: Day, answer: Coverage, asked: float) -> float:
    visits: dict[tuple[int, int], list[Visit]] = {}
    for visit in day.visits:
        visits.setdefault((visit.vehicle, visit.unit), []).append(visit)
    claims = answer.passes[answer.passes[:, P_VERDICT] == DONE]
    false = 0
    for row in claims:
        near = visits.get((int(row[P_VEHICLE]), int(row[P_UNIT])), [])
        shares = [v.share for v in near if row[P_START] < v.end + 20 and row[P_END] > v.start - 20]
        false += max(shares, default=0.0) < asked
    return false / max(len(claims), 1)


def _rate(day: Day, share: NDArray[np.float64]) -> float:
    length = np.array([task.length for task in day.tasks])
    return float((share * length).sum() / length.sum())


def matched(day: Day, answer: Coverage) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each planned pass: the share serviced and the verdict that were reported."""
    rows: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    for row in answer.passes:
        rows.setdefault((int(row[P_VEHICLE]), int(row[P_UNIT])), []).append(row)
    said, verdict = np.zeros(len(day.tasks)), np.full(len(day.tasks), SHORT)
    for i, task in enumerate(day.tasks):
        near = [
            row
            for row in rows.get((task.vehicle, task.unit), [])
            if row[P_START] < task.end + 20 and row[P_END] > task.start - 20
        ]
        if near:
            best = max(near, key=lambda row: (row[P_VERDICT] != SHORT, row[P_SERVICED]))
            said[i], verdict[i] = best[P_SERVICED] / task.length, int(best[P_VERDICT])
    return said, verdict
