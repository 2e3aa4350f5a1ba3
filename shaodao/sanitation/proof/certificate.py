"""The certificate of a proof: from what, by what, with what result. Who has the raw fixes can reckon it again and compare."""

from collections.abc import Iterable
from typing import Any

from shaodao.kernel.coverage import ALGORITHM, Fixes
from shaodao.sanitation.coverage.certificate import digest, fixes_digest
from shaodao.sanitation.proof.facts import Asked
from shaodao.sanitation.proof.reckon import Proven

METHOD = "shaodao-proof/1"
"""Goes up with each change of reckon.py that may change a verdict."""


def of_verdicts(rows: Iterable[Any]) -> str:
    """SHA-256 of the verdicts; metres to a decimetre."""
    return digest([
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
        "network": {"segments": len(network), "sha256": digest(network)},
        "asked": {"plan": asked.plan.pk if asked.plan else None, "passes": len(tasks), "sha256": digest(tasks)},
        "fixes": {
            "n": int(fixes.t.size), "vehicles": len(proven.heard), "sha256": fixes_digest(fixes, codes), **proven.fates,
            "off": proven.off[0], "kept": proven.off[1],
        },
        "verdicts": {"rows": len(rows), "sha256": of_verdicts(rows)},
    }  # fmt: skip


def differences(was: dict[str, Any], now: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts in which two certificates differ, causes before effects: {"what", "was", "now"}, hashes where there are any."""
    parts = ("day", "algorithm", "method", "parameters", "network", "asked", "fixes", "verdicts")
    return [
        {"what": part, "was": _short(was.get(part)), "now": _short(now.get(part))}
        for part in parts
        if digest(was.get(part)) != digest(now.get(part))
    ]


def _short(part: Any) -> Any:
    return part.get("sha256", part) if isinstance(part, dict) else part
