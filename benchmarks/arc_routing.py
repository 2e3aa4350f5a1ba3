"""Arc routing on published instances: cost found in a given time against the best known one, each plan checked.

``--only arc_routing.gdb`` for a set. SHAODAO_CARP_SECONDS sets the seconds of every instance (30 for egl, 10 for gdb and val
otherwise), SHAODAO_CARP_INSTANCES names those to run (egl-e1-A,gdb1), SHAODAO_CARP_SEED the seed. The search uses two cores
until its time is over; on a machine that is not quiet, SHAODAO_CARP_CLOCK=cpu counts processor seconds of each worker.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator

from _bench import Line, Skip, benchmark, data_path, line, main

SECONDS = {"egl": 30.0, "gdb": 10.0, "val": 10.0}


def measure(which: str) -> Iterator[Line]:
    """Solve a set; prints the table on stderr, yields the mean gap."""
    from shaodao.sanitation.plan import carp

    with data_path("carp", "best_known.csv").open(newline="") as file:
        known = {row["name"]: row for row in csv.DictReader(file) if row["set"] == which}
    only = set(filter(None, os.environ.get("SHAODAO_CARP_INSTANCES", "").split(",")))
    seconds = float(os.environ.get("SHAODAO_CARP_SECONDS") or SECONDS[which])
    seed = int(os.environ.get("SHAODAO_CARP_SEED") or 0)
    busy = os.environ.get("SHAODAO_CARP_CLOCK", "") == "cpu"
    names = [name for name in known if not only or name in only]
    if not names:
        raise Skip(f"none of SHAODAO_CARP_INSTANCES is in {which}")
    print(f"{'instance':10} {'bound':>7} {'known':>7} {'found':>7} {'gap %':>7} {'s':>6}", file=sys.stderr)
    gaps = []
    for name in names:
        read = carp.read(data_path("carp", which, f"{name}.dat"))
        least, best = int(known[name]["lb"]), int(known[name]["ub"])
        answer, _routes, _proven = carp.solved(read, seconds, seed, least=least, busy=busy)
        gap = 100 * (answer["cost"] / best - 1)
        gaps.append(gap)
        row = f"{name:10} {least:7} {best:7} {answer['cost']:7} {gap:7.3f} {answer['seconds']:6.1f}"
        print(row, file=sys.stderr, flush=True)
    yield line(f"arc_routing.{which}.mean_gap_percent", sum(gaps) / len(gaps), "%")
    yield line(f"arc_routing.{which}.instances", len(gaps), "")


@benchmark("arc_routing.gdb")
def gdb() -> Iterator[Line]:
    return measure("gdb")


@benchmark("arc_routing.val")
def val() -> Iterator[Line]:
    return measure("val")


@benchmark("arc_routing.egl")
def egl() -> Iterator[Line]:
    return measure("egl")


if __name__ == "__main__":
    raise SystemExit(main(__doc__))
