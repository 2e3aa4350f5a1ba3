"""The certificate of a proof: from what, by what, with what result. Who has the raw fixes can reckon it again and compare."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson

from shaodao.kernel.coverage import ALGORITHM, Fixes
from shaodao.sanitation.proof.facts import Asked
from shaodao.sanitation.proof.reckon import Proven

METHOD = "shaodao-proof/1"
"""Goes up with each change of reckon.py that may change a verdict."""


def sha(value: Any) -> str:
    """SHA-256 of a value as canonical JSON."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def of_fixes(fixes: Fixes, codes: list[str]) -> str:
    """SHA-256 of the fixes by vehicle's code and time: the order of upload and the numbers of vehicles are of no consequence."""
    order = sorted(range(len(codes)), key=lambda n: codes[n])
    place = np.empty(max(len(codes), 1), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    who = place[fixes.vehicle]
    columns = (who, *(np.asarray(getattr(fixes, n)) for n in ("t", "lon", "lat", "speed", "heading", "working")))
    sorting = np.lexsort(columns[::-1])
    found = hashlib.sha256("\n".join(codes[n] for n in order).encode())
    for column in columns:
        found.update(np.ascontiguousarray(column[sorting]).tobytes())
    return found.hexdigest()


def of_verdicts(rows: Iterable[Any]) -> str:
    """SHA-256 of the verdicts; metres to a decimetre."""
    return sha([
        [r.segment_id, r.mode_id, r.pass_no, r.state, r.wrong, round(r.sure_m, 1), round(r.possible_m, 1),
         [[e[0], round(e[1]), round(e[2])] for e in r.evidence]]
        for r in rows
    ])  # fmt: skip


def make(asked: Asked, fixes: Fixes, codes: list[str], proven: Proven, rows: list[Any]) -> dict[str, Any]:
    """The certificate of rows of `ProvenPass` in their order."""
    network = [[s.code, s.geometry["coordinates"], round(s.length_m, 3)] for s in asked.segments]
    tasks = [[asked.segments[t.segment].code, t.mode, t.pass_no, t.spans, t.runs] for t in asked.tasks]
    return {
        "day": asked.day.isoformat(),
        "algorithm": ALGORITHM,
        "method": METHOD,
        "parameters": asked.keys,
        "network": {"segments": len(network), "sha256": sha(network)},
        "asked": {"plan": asked.plan.pk if asked.plan else None, "passes": len(tasks), "sha256": sha(tasks)},
        "fixes": {
            "n": int(fixes.t.size), "vehicles": len(proven.heard), "sha256": of_fixes(fixes, codes), **proven.fates,
            "off": proven.off[0], "kept": proven.off[1],
        },
        "verdicts": {"rows": len(rows), "sha256": of_verdicts(rows)},
    }  # fmt: skip


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The parts in which two certificates differ, in the order in which one follows from the other."""
    parts = ("day", "algorithm", "method", "parameters", "network", "asked", "fixes", "verdicts")
    return [part for part in parts if sha(one.get(part)) != sha(other.get(part))]
