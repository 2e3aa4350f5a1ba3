"""The proof of a coverage: what went in, by hash, and what came out. Pure: arrays in, a dictionary out.

Whoever has the raw files (or the database's rows) computes the same dictionary again; `differences` says where not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.coverage import ALGORITHM, Fixes, Service

FORMAT: Final = "shaodao-coverage-certificate/1"
SAMPLE: Final = 20


def certificate(
    *,
    fixes: Fixes,
    vehicles: Sequence[str],
    lines: Sequence[NDArray[np.float64]],
    oneway: Sequence[bool],
    offset: Sequence[float],
    segments: Sequence[tuple[str, Sequence[tuple[int, bool]]]],
    kind: str,
    service: Service,
    verdicts: Sequence[Sequence[Any]],
    sources: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The certificate of one answer.

    vehicles: names by ``fixes.vehicle``. segments: name (with direction) and its ways on ``lines``. verdicts: rows of
    segment, vehicle, start, end (s), serviced metres, verdict. sources: whatever leads back to the raw data: files, options.
    """
    rows = sorted([*map(_plain, row)] for row in verdicts)
    return {
        "format": FORMAT,
        "algorithm": ALGORITHM,
        "kind": kind,
        "service": asdict(service),
        "fixes": {"count": int(fixes.t.size), "sha256": fixes_digest(fixes, vehicles)},
        "network": {
            "segments": len(segments),
            "lines": len(lines),
            "sha256": network_digest(lines, oneway, offset, segments),
        },
        "verdicts": {"count": len(rows), "sha256": digest(rows), "rows": rows},
        "sources": dict(sources or {}),
    }


def fixes_digest(fixes: Fixes, vehicles: Sequence[str]) -> str:
    """SHA-256 of the fixes in one order, whatever the order of upload; vehicles by name, so that their numbers do not matter."""
    names = sorted(set(vehicles))
    at = {name: n for n, name in enumerate(names)}
    number = np.array([at[name] for name in vehicles] or [0], np.int32)[fixes.vehicle]
    numbers = (fixes.t, fixes.lon, fixes.lat, fixes.speed, fixes.heading)
    columns = [np.where(np.isnan(c), np.nan, c + 0.0).astype("<f8") for c in numbers]  # one NaN, one zero
    order = np.lexsort((fixes.working, *columns[::-1], number))
    found = hashlib.sha256(json.dumps(names, ensure_ascii=False).encode())
    for column in (number.astype("<i4"), *columns, fixes.working.astype("<i1")):
        found.update(np.ascontiguousarray(column[order]).tobytes())
    return found.hexdigest()


def network_digest(
    lines: Sequence[NDArray[np.float64]],
    oneway: Sequence[bool],
    offset: Sequence[float],
    segments: Sequence[tuple[str, Sequence[tuple[int, bool]]]],
) -> str:
    """SHA-256 of lines (to a centimetre), their directions and offsets, and the segments on them."""
    found = hashlib.sha256()
    for line, one, far in zip(lines, oneway, offset, strict=True):
        found.update(np.round(np.asarray(line) * 1e7).astype("<i8").tobytes())
        found.update(f"|{int(one)}|{far:.3f}|".encode())
    found.update(
        json.dumps(
            [[name, [[n, int(back)] for n, back in ways]] for name, ways in segments], ensure_ascii=False
        ).encode()
    )
    return found.hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of something of JSON, written in one way."""
    return hashlib.sha256(
        json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs between two certificates, causes before effects: ``what``, ``was``, ``now``; of verdicts the segments too."""
    found: list[dict[str, Any]] = []

    def compare(what: str, was: Any, now: Any) -> None:
        if was != now:
            found.append({"what": what, "was": was, "now": now})

    compare("algorithm", old.get("algorithm"), new["algorithm"])
    compare("kind", old.get("kind"), new["kind"])
    before, after = (_dict(side.get("service")) for side in (old, new))
    for name in sorted(before.keys() | after.keys()):
        compare(f"service.{name}", before.get(name), after.get(name))
    for role in ("roads", "tracks"):
        was, now = (_dict(_dict(side.get("sources")).get(role)).get("sha256") for side in (old, new))
        compare(f"file.{role}", was, now)
    for part in ("network", "fixes"):
        compare(part, _dict(old.get(part)).get("sha256"), new[part]["sha256"])
    was, now = (_dict(side.get("verdicts")) for side in (old, new))
    rows = was.get("rows")
    if isinstance(rows, list) and was.get("sha256") != digest(rows):
        found.append({"what": "certificate", "was": was.get("sha256"), "now": digest(rows)})
    if was.get("sha256") != now.get("sha256") or rows != now.get("rows"):
        changed = _changed(rows if isinstance(rows, list) else [], now["rows"])
        found.append(
            {
                "what": "verdicts",
                "was": was.get("sha256"),
                "now": now.get("sha256"),
                "segments": changed[:SAMPLE],
                "changed": len(changed),
            }
        )
    return found


def _changed(was: list[Any], now: list[Any]) -> list[str]:
    """Segments whose verdicts are not the same."""
    one, other = ({json.dumps(row, ensure_ascii=False): row for row in side} for side in (was, now))
    rows = [row for key, row in {**one, **other}.items() if (key in one) != (key in other)]
    return sorted({str(row[0]) for row in rows if isinstance(row, list) and row})


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> Any:
    """Numbers of one machine and another agree to the millimetre and millisecond."""
    return round(float(value), 3) + 0.0 if isinstance(value, float | np.floating) else value
