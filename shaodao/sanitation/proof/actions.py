"""Making proofs: the only place that writes them. A proof that says the same as the current one is not made again."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.cases.actions import Actor
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Refused
from shaodao.kernel.coverage import Fixes
from shaodao.sanitation import queries, rules
from shaodao.sanitation.coverage.certificate import digest
from shaodao.sanitation.models import DayProof, ProvenPass
from shaodao.sanitation.proof import certificate, facts, figures, findings
from shaodao.sanitation.proof.facts import Asked
from shaodao.sanitation.proof.ground import network
from shaodao.sanitation.proof.reckon import LIKELY, Outcome
from shaodao.sanitation.proof.reckon import prove as judge

BATCH = 1000


def midnight(day: date) -> float:
    """Seconds since 1970 of a day's beginning on the district's wall clock."""
    return clock.from_local(datetime.combine(day, time())).timestamp()


def check(actor: Actor) -> None:
    """Raises Refused for who may not have a day proven."""
    if not rules.keeps(actor.facts, queries.keeper_id()):
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)


def reckoned(
    day: date, fixes: Fixes, codes: list[str], now: datetime
) -> tuple[Asked, list[ProvenPass], dict[str, Any]]:
    """(what was asked, the rows of the proof, its certificate), written nowhere. Raises Refused: the book has no roads.

    fixes: of vehicles by their place in `codes`, times in seconds since 1970. What lies outside of the day's work is
    left out.
    """
    asked = facts.read(day, codes)
    if not asked.segments:
        raise Refused(_("台账里还没有路段"))
    start = midnight(day)
    t = fixes.t - start
    inside = (t >= 0) & (t < asked.last_s + asked.rules.late_min * 60) if asked.plan else (t >= 0) & (t < 86_400)
    raw = fixes.sorted(np.flatnonzero(inside))
    mine = replace(raw, t=raw.t - start)
    types = [asked.vehicles[code].type if code in asked.vehicles else "" for code in codes]
    until = now.timestamp() - start
    roads = network(asked.lines)
    proven = judge(roads, mine, types, asked.ways, asked.tasks, asked.rules, until)
    drawn = roads.length
    rows = [_row(asked, codes, outcome, float(drawn[outcome.segment])) for outcome in proven.outcomes]
    rows.sort(key=lambda r: (r.segment_id, r.mode_id, not r.pass_no, r.pass_no, r.begin_s or 0.0, str(r.evidence)))
    return asked, rows, certificate.make(asked, raw, codes, proven, rows)


def _row(asked: Asked, codes: list[str], o: Outcome, drawn_m: float) -> ProvenPass:
    """Metres as the book has them: the network's are those of the drawn line."""
    segment, task = asked.segments[o.segment], o.task
    scale = segment.length_m / drawn_m
    did = max(o.visits, key=lambda v: v.metres, default=None)
    planned = asked.by_key.get(task.vehicle_key) if task and task.vehicle_key else None
    vehicle = planned or (asked.vehicles.get(codes[did.vehicle]) if did else None)
    return ProvenPass(
        segment=segment,
        mode_id=o.mode,
        pass_no=task.pass_no if task else 0,
        vehicle=vehicle,
        crew_id=(task.crew if task and task.crew else None) or (vehicle.crew_id if vehicle else None),
        begin_s=task.begin if task else None,
        end_s=task.end if task else None,
        state=o.state,
        wrong="".join(f",{kind}" for kind in dict.fromkeys(o.wrong)) + ("," if o.wrong else ""),
        why=o.why,
        length_m=segment.length_m,
        serviced_m=round(o.serviced * scale, 2),
        sure_m=round(o.sure * scale, 2),
        possible_m=round(o.possible * scale, 2),
        runs_asked=task.runs if task else 1,
        runs_seen=round(o.runs, 2),
        evidence=[
            [codes[v.vehicle], round(v.begin, 1), round(v.end, 1), round(v.metres * scale, 1), bool(v.levels[LIKELY])]
            for v in sorted(o.visits, key=lambda v: (v.begin, codes[v.vehicle]))
        ],
        gaps=[[round(a * scale, 1), round(b * scale, 1)] for a, b in o.gaps],
    )


def prove(
    day: date,
    fixes: Fixes,
    codes: list[str],
    now: datetime,
    actor: Actor | None = None,
    tracks_at: datetime | None = None,
) -> DayProof:
    """Prove a day and keep it; what is not in order becomes findings. Returns the current proof.

    Where fixes, book, plan and verdicts are those of the current proof it stays. Raises Refused (right, no roads).
    """
    actor = actor or Actor.system()
    check(actor)
    asked, rows, made = reckoned(day, fixes, codes, now)
    closed = now.timestamp() >= midnight(day) + asked.last_s
    with transaction.atomic():
        earlier = list(DayProof.objects.select_for_update().filter(day=day).order_by("number"))
        last = next((proof for proof in earlier if proof.current), None)
        said = digest(made)
        if last and last.digest == said and last.closed == closed:
            if tracks_at and last.tracks_at != tracks_at:
                DayProof.objects.filter(pk=last.pk).update(tracks_at=tracks_at)
            return last
        DayProof.objects.filter(day=day, current=True).update(current=False)
        proof = DayProof.objects.create(
            day=day,
            number=earlier[-1].number + 1 if earlier else 1,
            plan=asked.plan,
            made_at=now,
            made_by=actor.person,
            closed=closed,
            tracks_at=tracks_at,
            certificate=made,
            digest=said,
            figures=figures.count(_lines(asked, rows)) | {"left_out": asked.left_out},
        )
        for row in rows:
            row.proof = proof
        ProvenPass.objects.bulk_create(rows, batch_size=BATCH)
        findings.observe(proof, rows, now)
        log.write(
            "sanitation.prove", day.isoformat(), actor=actor.person, data={"number": proof.number, "digest": said}
        )
    return proof


def _lines(asked: Asked, rows: list[ProvenPass]) -> Any:
    modes = {m.pk: m.code for m in asked.modes}
    crews = {v.crew_id: v.crew.code for v in asked.vehicles.values() if v.crew}
    for row in rows:
        yield figures.Line(
            modes[row.mode_id],
            row.segment.road.code,
            crews.get(row.crew_id, ""),
            row.vehicle.code if row.vehicle else "",
            row.pass_no,
            row.state,
            tuple(k for k in row.wrong.split(",") if k),
            row.length_m,
            row.serviced_m,
            row.runs_asked,
            row.runs_seen,
        )


def again(proof: DayProof, fixes: Fixes, codes: list[str]) -> list[dict[str, Any]]:
    """Reckon a proof again from raw fixes: the parts of its certificate that differ now; empty: the same verdicts.

    Of verdicts that differ `passes` names some: segment, mode's key, pass.
    """
    _asked, rows, made = reckoned(proof.day, fixes, codes, proof.made_at)
    found = certificate.differences(proof.certificate, made)
    for part in found:
        if part["what"] == "verdicts":
            kept = {_key(row) for row in proof.passes.select_related("segment")}
            changed = sorted(kept ^ {_key(row) for row in rows})
            part |= {"passes": list(dict.fromkeys(key[:3] for key in changed))[:20]}
    return found


def _key(row: ProvenPass) -> tuple[Any, ...]:
    metres = (round(row.sure_m, 1), round(row.possible_m, 1))
    return row.segment.code, row.mode_id, row.pass_no, row.state, row.wrong, *metres, str(row.evidence)
