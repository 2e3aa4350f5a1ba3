"""On the road: a trip's signed address, its steps with what the crew said of them, and writing that down.

Whoever holds the address may report on that trip and no other; there is no account and no position.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.cases import inputs
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.sanitation.bins.visits import phone_time
from shaodao.sanitation.models import Crew, Leg, LegReport, Trip
from shaodao.sanitation.words import LegKind, LegSaid, PlanState, SkipReason

SALT = "sanitation.trip"
STEPS = (LegKind.SERVICE, LegKind.FILL, LegKind.BREAK)
MOST = 10
"""Reports on one leg: nobody corrects himself more often."""


@dataclass(frozen=True)
class Said:
    """What a phone sends: raw text; `at` is ISO 8601 with a zone, or "" for now."""

    leg: str
    key: str
    do: str
    why: str = ""
    note: str = ""
    at: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Said":
        return cls(**{name: str(body.get(name) or "")[:400] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Step:
    """One leg for the crew; `fresh` is the key of the next report on it."""

    leg: Leg
    said: LegReport | None
    fresh: str
    current: bool = False


def token_of(trip: Trip) -> str:
    """Always the same for a trip: the phone knows by its address the page that it keeps for when there is no network."""
    return signing.Signer(salt=SALT).sign_object(trip.pk)


def trip_of(token: str) -> Trip | None:
    """The trip of an address (one query)."""
    try:
        pk = signing.Signer(salt=SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    return Trip.objects.select_related("plan", "vehicle", "crew").filter(pk=pk).first()


def trips_of(crew: Crew, day: Any) -> list[Trip]:
    """What a crew drives on a day by the plan that is published for it."""
    rows = Trip.objects.filter(crew=crew, plan__day=day, plan__state=PlanState.PUBLISHED)
    return list(rows.select_related("plan", "vehicle").order_by("begin_s", "vehicle__code"))


def steps(trip: Trip) -> list[Step]:
    """What there is to do, in order, with the latest word on each; the first service without one is current. Two queries."""
    latest = {report.leg_id: report for report in LegReport.objects.filter(leg__trip=trip).order_by("at", "pk")}
    legs = list(trip.legs.filter(kind__in=STEPS).select_related("segment__road", "mode", "fill_point").order_by("seq"))
    now = next((leg.pk for leg in legs if leg.kind == LegKind.SERVICE and leg.pk not in latest), None)
    return [Step(leg, latest.get(leg.pk), uuid.uuid4().hex, leg.pk == now) for leg in legs]


def ahead_first(found: list[Step]) -> list[Step]:
    """What is still to do, then what is over: reported, or a filling or break before something reported."""
    last = max((step.leg.seq for step in found if step.said), default=-1)

    def over(step: Step) -> bool:
        return step.said is not None if step.leg.kind == LegKind.SERVICE else step.leg.seq < last

    return sorted(found, key=over)


def report(trip: Trip, said: Said) -> LegReport:
    """Write down what became of a leg. Also of a plan that was replaced meanwhile: what was driven was driven.

    Raises Invalid (leg, key, do, why, note, at), Refused (a plan that was never published or was withdrawn).
    """
    key = inputs.client_key(said.key)
    if not key or len(key) > 40:
        raise Invalid({"key": _("请刷新页面再试")})
    leg = trip.legs.filter(pk=int(said.leg), kind=LegKind.SERVICE).first() if _number(said.leg) else None
    if leg is None:
        raise Invalid({"leg": _("这一趟里没有这一段")})
    if earlier := _earlier(key, leg):
        return earlier
    if trip.plan.state not in (PlanState.PUBLISHED, PlanState.REPLACED):
        raise Refused(_("计划没有发布，或已撤回"))
    if leg.reports.count() >= MOST:
        raise Refused(_("这一段已经报了 %(n)d 次") % {"n": MOST})
    values = _clean(said)
    try:
        with transaction.atomic():
            return LegReport.objects.create(leg=leg, key=key, **values)
    except IntegrityError:  # a phone that sent twice at once
        if earlier := _earlier(key, leg):
            return earlier
        raise


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _earlier(key: str, leg: Leg) -> LegReport | None:
    found = LegReport.objects.filter(key=key).first()
    if found is not None and found.leg_id != leg.pk:
        raise Invalid({"key": _("请刷新页面再试")})
    return found


def _clean(said: Said) -> dict[str, Any]:
    now, errors = clock.now(), {}
    at, note = now, ""
    if said.do not in LegSaid.values:
        errors["do"] = _("选做完或没做")
    try:
        at = phone_time(said.at, now)
    except ValueError as error:
        errors["at"] = str(error)
    try:
        note = inputs.text_of(said.note, 300)
    except inputs.Fault as fault:
        errors["note"] = str(fault)
    why = said.why if said.do == LegSaid.SKIPPED else ""
    if said.do == LegSaid.SKIPPED and why not in SkipReason.values:
        errors["why"] = _("没做要选原因")
    elif why == SkipReason.OTHER and not note and "note" not in errors:
        errors["note"] = _("写一句是什么原因")
    if errors:
        raise Invalid(errors)
    return {"kind": said.do, "why": why, "note": note, "at": at, "received_at": now}
