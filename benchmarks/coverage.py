"""What was serviced, from GNSS fixes: fixes per CPU second of the whole chain, and errors on simulated days with known truth.

`coverage.fixes_per_s` is 60 vehicles for 16 hours at 1 Hz on a hard day: from degrees to verdicts, on one core, CPU time of the
thread, best of three; making the day is not counted. The peer (leuvenmapmatching from PyPI) only matches, and gets the first
fixes of one vehicle. `coverage.error_points.5m_10s` is the error of the coverage rate, in points, on plain days: the worst of
four seeds; `..._bare` the same where the receiver reports neither speed nor heading. `coverage.hard` are the means of four seeds,
in percent. Every truth is that of this repository's own generator (`shaodao/sanitation/coverage/simulated.py`).

``SHAODAO_COVERAGE_VEHICLES``, ``SHAODAO_COVERAGE_HOURS`` and ``SHAODAO_COVERAGE_SEEDS`` (``3,4``) run a smaller part;
``SHAODAO_COVERAGE_PEER_FIXES`` sets the peer's sample. ``pip install '.[bench]'`` brings the peer.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from _bench import Line, Result, Skip, benchmark, line, main

from shaodao.kernel.coverage import Fixes, cover
from shaodao.sanitation.coverage import simulated
from shaodao.sanitation.coverage.accuracy import Accuracy, judge
from shaodao.sanitation.coverage.simulated import HARD, PLAIN, Conditions, Day

VEHICLES = int(os.environ.get("SHAODAO_COVERAGE_VEHICLES", "60"))
HOURS = float(os.environ.get("SHAODAO_COVERAGE_HOURS", "16"))
SEEDS = [int(seed) for seed in os.environ.get("SHAODAO_COVERAGE_SEEDS", "3,4,5,6").split(",")]
PEER_FIXES = int(os.environ.get("SHAODAO_COVERAGE_PEER_FIXES", "600"))
PEER = "leuvenmapmatching"


def cpu_seconds(call: Callable[[], Any], times: int = 3) -> float:
    """The best of some runs, by the clock of this thread: what other programs do on the machine does not count."""
    least = float("inf")
    for _ in range(times):
        start = time.thread_time()
        call()
        least = min(least, time.thread_time() - start)
    return least


@benchmark("coverage.fixes_per_s", "fixes/s", f"{PEER} (matching only)", better="higher")
def whole_chain() -> Result:
    day = simulated.day(3, replace(HARD, vehicles=VEHICLES, hours=HOURS))
    cover(day.network, first_fixes(day, 2000))  # compiled code loaded
    spent = cpu_seconds(lambda: cover(day.network, day.fixes))
    many = day.fixes.t.size
    print(f"coverage.fixes_per_s: {many:,} fixes, {VEHICLES} vehicles, {HOURS:g} h: {spent:.2f} s", file=sys.stderr)
    try:
        peer = peer_per_s(day)
    except Skip as reason:
        print(f"peer left out: {reason}", file=sys.stderr)
        peer = None
    return Result(many / spent, peer)


def first_fixes(day: Day, many: int) -> Fixes:
    """Of the first vehicle."""
    rows = np.flatnonzero(day.fixes.vehicle == 0)[:many]
    return Fixes(*(getattr(day.fixes, column.name)[rows] for column in fields(Fixes)))


def peer_per_s(day: Day) -> float:
    """Fixes a CPU second of the peer's hidden Markov model, on metres and with an index made before.

    Said beside it: on how many of the matched fixes it names the same line as the kernel.
    """
    try:
        from leuvenmapmatching.map.inmem import InMemMap
        from leuvenmapmatching.matcher.distance import DistanceMatcher
    except ImportError as problem:
        raise Skip(f"{PEER} is not installed") from problem
    logging.getLogger("be.kuleuven.cs.dtai.mapmatching").setLevel(logging.ERROR)
    try:
        import rtree  # noqa: F401

        indexed = True
    except ImportError:
        indexed = False  # it then looks at every road for every fix
    roads = InMemMap("roads", use_latlon=False, use_rtree=indexed, index_edges=indexed)
    nodes: dict[tuple[float, float], int] = {}
    line_of: dict[tuple[int, int], int] = {}
    for row, shape in enumerate(day.roads.lines):
        x, y = day.network.metres(*np.ascontiguousarray(shape.T))
        run = [nodes.setdefault((round(a, 1), round(b, 1)), len(nodes)) for a, b in zip(x, y, strict=True)]
        line_of |= {pair: row for a, b in pairwise(run) for pair in ((a, b), (b, a))}
    for place, node in nodes.items():
        roads.add_node(node, place)
    for (a, b), row in line_of.items():
        if line_of.get((b, a)) == row and (not day.roads.oneway[row] or _along(day, row, nodes, a, b)):
            roads.add_edge(a, b)
    if indexed:
        roads.setup_index(force=True)
    fixes = first_fixes(day, PEER_FIXES)
    x, y = day.network.metres(fixes.lon, fixes.lat)
    path = list(zip(x.tolist(), y.tolist(), strict=True))
    matcher = DistanceMatcher(roads, max_dist=40, obs_noise=7, max_lattice_width=5, non_emitting_states=True)
    start = time.process_time()
    states, last = matcher.match(path)
    spent = time.process_time() - start
    _agree(day, fixes, [line_of[state] for state in states if isinstance(state, tuple)], last + 1)
    return (last + 1) / spent


def _along(day: Day, row: int, nodes: dict[tuple[float, float], int], a: int, b: int) -> bool:
    """Whether a to b is the drawing direction of a line."""
    x, y = day.network.metres(*np.ascontiguousarray(day.roads.lines[row].T))
    run = [nodes[round(u, 1), round(v, 1)] for u, v in zip(x, y, strict=True)]
    return (a, b) in pairwise(run)


def _agree(day: Day, fixes: Fixes, theirs: list[int], matched: int) -> None:
    answer = cover(day.network, fixes)
    ours = set(day.network.tables.edges.line[answer.edge[answer.edge >= 0]].tolist())
    both = ours & set(theirs)
    print(
        f"  {PEER}: {matched} of {fixes.t.size} fixes matched; {len(both)} lines found by both, {len(ours - both)} by the"
        f" kernel only, {len(set(theirs) - both)} by the peer only",
        file=sys.stderr,
    )


# --- accuracy ----------------------------------------------------------------------------------------------------------


def judged(conditions: Conditions, vehicles: int, hours: float) -> list[Accuracy]:
    smaller = replace(conditions, vehicles=min(vehicles, VEHICLES), hours=min(hours, HOURS))
    days = [simulated.day(seed, smaller) for seed in SEEDS]
    return [judge(day, cover(day.network, day.fixes)) for day in days]


def _register(noise: int, every: int, reported: bool) -> None:
    name = f"coverage.error_points.{noise}m_{every}s" + ("" if reported else "_bare")

    @benchmark(name, "points")
    def measured() -> float:
        found = judged(replace(PLAIN, noise=float(noise), every=every, reported=reported), 6, 8.0)
        errors = [accuracy.error_points for accuracy in found]
        print(f"{name}: " + " ".join(f"{error:+.2f}" for error in errors), file=sys.stderr)
        return max(map(abs, errors))


for _reported in (True, False):
    for _noise in (3, 5, 10):
        for _every in (1, 10, 30):
            _register(_noise, _every, _reported)


@benchmark("coverage.hard")
def hard_days() -> Iterator[Line]:
    found = judged(HARD, 12, 8.0)
    for what in ("parallel", "within5", "overclaim", "short_found", "short_true", "cannot_tell"):
        values = [getattr(accuracy, what) for accuracy in found]
        print(f"coverage.hard.{what}: " + " ".join(f"{value:.2f}" for value in values), file=sys.stderr)
        yield line(f"coverage.hard.{what}_percent", float(np.mean(values)), "%")
    yield line("coverage.hard.error_points", max(abs(accuracy.error_points) for accuracy in found), "points")


if __name__ == "__main__":
    raise SystemExit(main(__doc__))
