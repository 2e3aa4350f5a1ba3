"""Coverage from two files, roads and tracks: no database, no district; and its certificate, computed again.

found = prove(Given(roads, tracks, "flush"))      # found.answer for a person or a machine, found.certificate
again = recompute(certificate, folder)            # what differs, or nothing
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from django.utils.translation import gettext as _

from shaodao.foundation.maps import Unreadable, shown
from shaodao.kernel.coverage import ALGORITHM, CANNOT_TELL, DONE, SHORT, Coverage, Fixes, Service, cover
from shaodao.kernel.coverage import passes as kernel
from shaodao.sanitation.coverage import certificate, segments, suspects, tracks
from shaodao.sanitation.coverage.month.batches import too_fast
from shaodao.sanitation.coverage.segments import Roads
from shaodao.sanitation.coverage.tracks import Tracks

VERDICTS: Final = {DONE: "done", SHORT: "short", CANNOT_TELL: "cannot_tell"}
BEST: Final = ("done", "cannot_tell", "short", "none")
WORKING_KMH: Final = {
    "flush": 15.0,
    "sprinkle": 15.0,
    "mist": 10.0,
    "sweep": 8.0,
    "pavement_wash": 8.0,
    "dust_removal": 8.0,
}
"""Usual speeds of vendors' pages and press, the same as in the example packs; a district's own are settings of its pack."""


@dataclass(frozen=True)
class Given:
    """What to prove: files and how to read them. ``working_kmh`` and ``asked`` None: the kind's default."""

    roads: Path
    tracks: Path
    kind: str
    working_kmh: float | None = None
    asked: float | None = None
    roads_datum: str = "WGS-84"
    tracks_datum: str = "WGS-84"
    zone: str = "Asia/Shanghai"
    day: date | None = None
    swap: bool = False
    oneway: str = "file"
    now: float | None = None


@dataclass(frozen=True)
class Proof:
    answer: dict[str, Any]
    certificate: dict[str, Any]


def prove(given: Given) -> Proof:
    """Read, match, say. Raises Unreadable."""
    roads = segments.read(given.roads, datum=given.roads_datum, oneway=given.oneway)
    found = tracks.read(
        given.tracks, datum=given.tracks_datum, zone=given.zone, day=given.day, swap=given.swap, now=given.now
    )
    warnings = [*roads.warnings, *found.warnings, *suspicions(roads, found.fixes, given.tracks_datum)]
    kmh = given.working_kmh or WORKING_KMH[given.kind]
    service = Service(working_kmh=kmh, asked=given.asked or Service.asked, signal=found.signal)
    coverage = cover(roads.network, found.fixes, service)
    if (fast := too_fast(coverage.stretches)) > 0.1 * (fast + float(coverage.serviced.sum())):
        what = _("%(m)d 米开着作业设备而快于作业速度，不计（速度用 --working-kmh 改）")
        warnings.append({"kind": "too_fast", "what": what % {"m": round(fast)}})
    rows = _rows(roads, found, coverage, ZoneInfo(given.zone))
    verdicts = [
        [_name(roads, int(p[kernel.P_UNIT])), found.vehicles[int(p[kernel.P_VEHICLE])], float(p[kernel.P_START]), float(p[kernel.P_END]),
         float(p[kernel.P_SERVICED]), VERDICTS[int(p[kernel.P_VERDICT])]]
        for p in coverage.passes
    ]  # fmt: skip
    proof = certificate.certificate(
        fixes=found.fixes,
        vehicles=found.vehicles,
        lines=roads.lines,
        oneway=roads.oneway,
        offset=roads.offset,
        segments=[(_name(roads, n), segment.ways) for n, segment in enumerate(roads.segments)],
        kind=given.kind,
        service=service,
        verdicts=verdicts,
        sources=_sources(given),
    )
    return Proof(_answer(given, service, roads, found, coverage, rows, warnings, proof), proof)


def _name(roads: Roads, unit: int) -> str:
    segment = roads.segments[unit]
    return f"{segment.id}#{segment.row} {segment.direction}"


def suspicions(roads: Roads, fixes: Fixes, datum: str) -> list[dict[str, Any]]:
    """Warnings; Unreadable for swapped coordinates, which are never guessed right in silence."""
    seen = suspects.look(roads.network, roads.lines, fixes, datum)
    if seen.swapped:
        raise Unreadable(_("轨迹不在路网上，经纬度对调后才在：轨迹（或路网）的经度和纬度写反了；轨迹写反时加 --swap"))
    if seen.datum:
        what = _(
            "轨迹与路网相差约 %(m)d 米，按 %(datum)s 换算后才在路上：大概是 %(datum)s 坐标，请用 --tracks-datum %(datum)s"
        )
        return [{"kind": "datum", "what": what % {"m": round(seen.off_m), "datum": seen.datum}}]
    if seen.near < 0.05 and fixes.t.size:
        return [{"kind": "elsewhere", "what": _("几乎没有定位在路网 20 米以内：轨迹和路网可能不是同一个地方")}]
    return []


# ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────────


def _rows(roads: Roads, found: Tracks, coverage: Coverage, zone: ZoneInfo) -> list[dict[str, Any]]:
    """One for each segment, in the order of the file."""
    begins = np.searchsorted(coverage.gaps[:, 0], np.arange(coverage.passes.shape[0] + 1))
    by_unit: dict[int, list[dict[str, Any]]] = {}
    for n, p in enumerate(coverage.passes):
        gaps = coverage.gaps[begins[n] : begins[n + 1], 1:]
        row = _pass(p, found.vehicles, zone) | {"gaps": [[round(float(a), 1), round(float(b), 1)] for a, b in gaps]}
        by_unit.setdefault(int(p[kernel.P_UNIT]), []).append(row)
    length = roads.network.units.length
    rows = []
    for n, segment in enumerate(roads.segments):
        passes = sorted(by_unit.get(n, []), key=lambda row: (row["start"], row["vehicle"]))
        rows.append(
            {
                "id": segment.id,
                "row": segment.row,
                "name": segment.name,
                "direction": segment.direction,
                "length_m": round(float(length[n]), 1),
                "serviced_m": round(float(coverage.serviced[n]), 1),
                "rate": round(float(coverage.serviced[n] / length[n]), 4),
                "verdict": min((row["verdict"] for row in passes), key=BEST.index, default="none"),
                "passes": passes,
                "gaps": [_gap(roads, n, float(a), float(b)) for a, b in coverage.left[n]],
            }
        )
    return rows


def _pass(p: Any, vehicles: list[str], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "vehicle": vehicles[int(p[kernel.P_VEHICLE])],
        "start": _time(p[kernel.P_START], zone),
        "end": _time(p[kernel.P_END], zone),
        "serviced_m": round(float(p[kernel.P_SERVICED]), 1),
        "sure_m": round(float(p[kernel.P_SURE]), 1),
        "possible_m": round(float(p[kernel.P_POSSIBLE]), 1),
        "too_fast_m": round(float(p[kernel.P_FAST]), 1),
        "verdict": VERDICTS[int(p[kernel.P_VERDICT])],
    }


def _time(seconds: float, zone: ZoneInfo) -> str | None:
    try:
        return datetime.fromtimestamp(round(float(seconds), 1), zone).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def _gap(roads: Roads, unit: int, a: float, b: float) -> dict[str, Any]:
    """A span that nothing serviced, metres from the segment's start, with the places of its ends."""
    return {
        "from_m": round(a, 1),
        "to_m": round(b, 1),
        "from": list(roads.place(unit, a)),
        "to": list(roads.place(unit, b)),
    }


def _answer(
    given: Given, service: Service, roads: Roads, found: Tracks, coverage: Coverage, rows: list[dict[str, Any]], warnings: list[Any], proof: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    length = float(roads.network.units.length.sum())
    serviced = float(np.minimum(coverage.serviced, roads.network.units.length).sum())
    said = [VERDICTS[int(v)] for v in coverage.passes[:, kernel.P_VERDICT]]
    faults = [{"file": "roads", **row} for row in roads.faults.listed]
    faults += [{"file": "tracks", **row} for row in found.faults.listed]
    unmatched, kept = coverage.unmatched
    return {
        "roads": shown(given.roads.name),
        "tracks": shown(given.tracks.name),
        "service": {
            "kind": given.kind,
            "working_kmh": service.working_kmh,
            "asked": service.asked,
            "signal": service.signal,
        },
        "algorithm": ALGORITHM,
        "segments": rows,
        "totals": {
            "segments": len(rows),
            "length_m": round(length, 1),
            "serviced_m": round(serviced, 1),
            "rate": round(serviced / length, 4),
            "too_fast_m": round(too_fast(coverage.stretches), 1),
            "verdicts": {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in BEST},
            "passes": {"total": len(said), **{verdict: said.count(verdict) for verdict in BEST[:3]}},
        },
        "features": {
            "read": roads.read,
            "used": len({row["row"] for row in rows}),
            "rejected": sum(roads.faults.counts.values()),
        },
        "fixes": {
            "read": found.read,
            **coverage.fates,
            "unreadable": found.unreadable,
            "other_day": found.other_day,
            "kept": kept,
            "unmatched": unmatched,
            "vehicles": len(found.vehicles),
        },
        "columns": found.columns,
        "faults": faults,
        "fault_counts": {"roads": dict(roads.faults.counts), "tracks": dict(+found.faults.counts)},
        "warnings": warnings,
        "proof": {name: proof[name]["sha256"] for name in ("fixes", "network", "verdicts")},
    }


# ── the certificate ──────────────────────────────────────────────────────────────────────────────────────────────


def _sources(given: Given) -> dict[str, Any]:
    """Files by name and hash, and how they were read."""
    options = {k: v for k, v in asdict(given).items() if k not in ("roads", "tracks", "kind", "now")}
    files = {
        role: {"name": path.name, "sha256": certificate.file_digest(path)}
        for role, path in (("roads", given.roads), ("tracks", given.tracks))
    }
    return {**files, "options": {**options, "day": given.day and given.day.isoformat()}}


def recompute(
    known: dict[str, Any], folder: Path, roads: Path | None = None, tracks: Path | None = None
) -> list[dict[str, Any]]:
    """What differs when the certificate's files are read and matched again; empty for nothing. Raises Unreadable.

    folder: where the files lie that ``roads`` and ``tracks`` do not name.
    """
    if not isinstance(known, dict) or known.get("format") != certificate.FORMAT:
        raise Unreadable(_("不是作业证明（应为 %(format)s）") % {"format": certificate.FORMAT})
    try:
        sources, service = known["sources"], known["service"]
        options = {**sources["options"]}
        options["day"] = options["day"] and date.fromisoformat(options["day"])
        options |= {"working_kmh": float(service["working_kmh"]), "asked": float(service["asked"])}
        paths = {
            role: path or folder / Path(sources[role]["name"]).name
            for role, path in (("roads", roads), ("tracks", tracks))
        }
        given = Given(paths["roads"], paths["tracks"], known["kind"], **options)
        usable = given.kind in WORKING_KMH and ZoneInfo(given.zone)
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise Unreadable(_("证明里的内容不全：%(why)s") % {"why": error}) from None
    if not usable:
        raise Unreadable(_("证明里的内容不全：%(why)s") % {"why": given.kind})
    for path in paths.values():
        if not path.is_file():
            raise Unreadable(_("找不到文件 %(name)s：用 --roads 和 --tracks 指出") % {"name": path.name})
    return certificate.differences(known, prove(given).certificate)
