"""Rows as JSON: what the API says of a case and its parts. Plain dictionaries, written by orjson as they are.

Private contacts and one-time tokens have no place here; `has_contact` says that there is one to ask for.
"""

from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse

from shaodao.cases import rules
from shaodao.cases.actions import Actor
from shaodao.cases.lifecycle import BY_ACTION
from shaodao.cases.models import Assignment, Case, CaseEvent, Clock, Photo, Report
from shaodao.cases.queries import Loaded
from shaodao.cases.words import OPEN_STATES, CaseState
from shaodao.foundation import district
from shaodao.foundation.naming import named
from shaodao.foundation.wire import coded

ELSEWHERE = {
    "me_too",
    "add_to_report",
    "callback",
    "escalate",
}  # actions with an address of their own, or of the system's clock
CASE_TIMES = (
    "due_at",
    "yellow_at",
    "created_at",
    "filed_at",
    "dispatched_at",
    "handled_at",
    "closed_at",
    "watch_until",
)
CASE_COUNTS = ("report_count", "rework_count", "return_count", "rebound_count", "reopen_count")
SAME = (
    "state", "outcome", "channel", "urgent", "summary", "lon", "lat", "address", "place_guessed", "unsolved", "published", "sample",
    "version",
)  # fmt: skip
ASSIGNMENT_FIELDS = (
    "id", "role", "via", "state", "round", "sent_at", "signed_at", "arrived_at", "arrived_distance_m", "finished_at",
    "returned_at", "suspended_until", "extensions", "suspensions", "rework_count", "stages",
    "exempt",
)  # fmt: skip
CLOCK_FIELDS = (
    "kind", "started_at", "value", "unit", "extensions", "due_at", "yellow_at", "provisional", "stopped_at", "cancelled",
    "exempt",
)  # fmt: skip


def category_of(row: Any) -> dict[str, Any] | None:
    return {"key": row.key, "name": named(row)} if row is not None else None


def light_of(case: Case, now: datetime) -> str:
    """The case's light; an open case without a running limit stands still."""
    paused = case.due_at is None and case.state in OPEN_STATES
    return str(rules.light(case.due_at, case.yellow_at, now, paused=paused))


def case_line(case: Case, now: datetime) -> dict[str, Any]:
    """One case in a list. Needs category, community, street, lead and merged_into joined."""
    return {
        "number": case.number,
        **{k: getattr(case, k) for k in SAME},
        "state_label": str(CaseState(case.state).label),
        "light": light_of(case, now),
        "category": category_of(case.category),
        "cell": case.cell_id,
        "community": coded(case.community),
        "street": coded(case.street),
        "lead": coded(case.lead),
        "merged_into": case.merged_into.number if case.merged_into else None,
        **{k: getattr(case, k) for k in CASE_TIMES},
        **{k: getattr(case, k) for k in CASE_COUNTS},
    }


def photo_line(photo: Photo) -> dict[str, Any]:
    return {
        "upload": photo.upload_id,
        "purpose": photo.purpose,
        "published": photo.published,
        "created_at": photo.created_at,
        "report": photo.report_id,
        "assignment": photo.assignment_id,
        "urls": {kind: media_path(kind, photo.upload_id) for kind in ("public", "thumbnail", "clear")},
    }


def media_path(kind: str, upload_id: int) -> str | None:
    try:
        return reverse("media", args=[kind, upload_id])
    except NoReverseMatch:
        return None


def report_line(report: Report, contact: bool) -> dict[str, Any]:
    return {
        "id": report.pk,
        "channel": report.channel,
        "text": report.text,
        "category": category_of(report.category),
        "attributes": report.attributes,
        "topic": report.topic,
        "lon": report.lon,
        "lat": report.lat,
        "datum": report.datum,
        "source_lon": report.source_lon,
        "source_lat": report.source_lat,
        "address": report.address,
        "organisation": coded(report.organisation),
        "me_too": report.me_too,
        "external_id": report.external_id,
        "has_contact": contact,
        "created_at": report.created_at,
    }


def clock_line(clock: Clock, now: datetime) -> dict[str, Any]:
    paused = bool(clock.pauses) and clock.pauses[-1][1] is None
    light = "done" if clock.stopped_at else str(rules.light(clock.due_at, clock.yellow_at, now, paused=paused))
    return {"assignment": clock.assignment_id, **{k: getattr(clock, k) for k in CLOCK_FIELDS}, "light": light}


def assignment_line(row: Assignment) -> dict[str, Any]:
    return {**{k: getattr(row, k) for k in ASSIGNMENT_FIELDS}, "organisation": coded(row.organisation)}


def event_line(event: CaseEvent) -> dict[str, Any]:
    known = BY_ACTION.get(event.action)
    return {
        "seq": event.seq,
        "at": event.at,
        "actor": event.actor_label,
        "role": event.role,
        "action": event.action,
        "label": str(known.label) if known else event.action,
        "reason": event.reason,
        "data": event.data,
        "hash": event.hash,
    }


def offers(loaded: Loaded, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """What this person may do now, and why not what they may not."""
    return [
        {
            "action": offer.transition.action,
            "label": str(offer.transition.label),
            "on": offer.on.id if offer.on else None,
            "on_kind": offer.transition.on,
            "allowed": offer.allowed,
            "reason": None if offer.reason is None else str(offer.reason),
        }
        for offer in rules.offers(loaded.facts, actor.facts, now)
        if offer.transition.action not in ELSEWHERE
    ]


def parts(loaded: Loaded, now: datetime) -> dict[str, Any]:
    """Everything that hangs on a case and that `queries.load` has read already."""
    return {
        "assignments": [assignment_line(a) for a in loaded.assignments],
        "clocks": [clock_line(c, now) for c in loaded.clocks],
        "whistles": [
            {
                "id": w.pk,
                "kind": w.kind,
                "state": w.state,
                "reason": w.reason,
                "lead": w.lead_id,
                "supports": w.support_ids,
                "drafted_at": w.drafted_at,
                "confirmed_at": w.confirmed_at,
            }
            for w in loaded.whistles
        ],
        "requests": [
            {
                "id": r.pk,
                "assignment": r.assignment_id,
                "kind": r.kind,
                "state": r.state,
                "reason": r.reason,
                "until": r.until,
                "asked_at": r.asked_at,
                "decided_at": r.decided_at,
                "decision": r.decision,
            }
            for r in loaded.requests
        ],
        "disputes": [
            {
                "id": d.pk,
                "assignment": d.assignment_id,
                "reason": d.reason,
                "raised_at": d.raised_at,
                "ruling": d.ruling,
                "lead": d.lead_id,
                "supports": d.support_ids,
                "ruled_at": d.ruled_at,
            }
            for d in loaded.disputes
        ],
        "verifications": [
            {
                "id": v.pk,
                "kind": v.kind,
                "passed": v.passed,
                "remark": v.remark,
                "asked_at": v.asked_at,
                "done_at": v.done_at,
            }
            for v in loaded.verifications
        ],
        "evaluations": [
            {
                "id": e.pk,
                "assignment": e.assignment_id,
                "efficiency": e.efficiency,
                "effect": e.effect,
                "reason": e.reason,
                "facts": e.facts,
                "created_at": e.created_at,
                "comment": e.comment,
                "commented_at": e.commented_at,
                "exempt": e.exempt,
            }
            for e in loaded.evaluations
        ],
        "appeals": [
            {
                "id": a.pk,
                "assignment": a.assignment_id,
                "grounds": a.grounds,
                "reason": a.reason,
                "state": a.state,
                "asked_at": a.asked_at,
                "reviews": [voice | {"by": str(voice["by"] or "")} for voice in a.voices],
                "decided_at": a.decided_at,
            }
            for a in loaded.appeals
        ],
        "rechecks": [
            {"id": r.pk, "due_at": r.due_at, "done_at": r.done_at, "rebounded": r.rebounded, "remark": r.remark}
            for r in loaded.rechecks
        ],
    }


def district_line() -> dict[str, Any]:
    """The district that this installation serves."""
    here = district.current()
    return {"code": here.code, "name": named(here), "centre": list(here.centre), "sample": here.sample}
