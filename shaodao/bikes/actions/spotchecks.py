"""A patrol counts the bikes of a bay by eye; what the feeds say at that moment is written down beside it, for good."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max
from django.utils.translation import gettext as _

from shaodao.bikes import settings, spotchecks
from shaodao.bikes.models import Bay, Operator, SpotCheck, VehicleStatus
from shaodao.bikes.words import ABSENT, RIDDEN
from shaodao.cases import inputs
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Upload
from shaodao.kernel.geodesy import distance_m
from shaodao.places import queries as places

MOST = 2_000
"""Bikes that anybody counts by eye in one bay."""
ALL = "all"


@dataclass
class Counted:
    """What a patrol sends: raw numbers by operator's key or `ALL`, "" for what was not counted; the phone's position as
    "lon,lat"; the photo; the key of this visit."""

    counts: dict[str, Any]
    key: str
    position: str = ""
    note: str = ""
    photo: Upload | None = None
    names: dict[str, str] = field(default_factory=dict)  # of the form's fields, by the keys of `counts`


def count(actor: Actor, bay: Bay, sent: Counted) -> list[SpotCheck]:
    """Write a visit down. The same visit again answers with what it wrote. Raises Invalid (fields) and Refused (who)."""
    if not spotchecks.may_count(actor.facts, bay):
        raise Refused(_("您的岗位或辖区不能清点这个点位"), forbidden=True)
    key = inputs.client_key(sent.key)
    if not key or len(key) > 40:
        raise Invalid({"key": _("请刷新页面再试")})
    numbers, where, note = _clean(sent)
    if earlier := _earlier(key, bay, actor):
        return earlier
    try:
        with transaction.atomic():
            rows = _write(actor, bay, sent, key, numbers, where, note)
            log.write("bikes.spot_check", f"bay:{bay.code}", actor=actor.person, data={"visit": key, "rows": len(rows)})
            return rows
    except IntegrityError:  # a phone that sent twice at once
        if earlier := _earlier(key, bay, actor):
            return earlier
        raise


def _earlier(key: str, bay: Bay, actor: Actor) -> list[SpotCheck]:
    rows = list(SpotCheck.objects.filter(visit=key).order_by("pk"))
    if any(row.bay_id != bay.pk or row.person != actor.person for row in rows):
        raise Invalid({"key": _("请刷新页面再试")})
    return rows


def _clean(sent: Counted) -> tuple[dict[str, int], dict[str, Any] | None, str]:
    """Numbers, position and note; Invalid names every field at fault."""
    errors: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for who, raw in sent.counts.items():
        text = str(raw if raw is not None else "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= MOST):
            errors[sent.names.get(who, who)] = _("填 0 到 %(n)d 的整数") % {"n": MOST}
        else:
            numbers[who] = int(text)
    if not numbers and not errors:
        errors[next(iter(sent.names.values()), ALL)] = _("至少填一家企业的数，没有车填 0")
    where = None
    if sent.position.strip():
        lon, _comma, lat = sent.position.partition(",")
        try:
            where = places.point(lon.strip(), lat.strip())
        except ValueError as error:
            errors["position"] = str(error)
    try:
        note = inputs.text_of(sent.note, 300)
    except inputs.Fault as fault:
        note, errors["note"] = "", str(fault)
    if errors:
        raise Invalid(errors)
    return numbers, where, note


def _write(
    actor: Actor, bay: Bay, sent: Counted, key: str, numbers: dict[str, int], where: dict[str, Any] | None, note: str
) -> list[SpotCheck]:
    now = clock.now()
    operators = {str(o.pk): o for o in Operator.objects.filter(pk__in=[int(k) for k in numbers if k != ALL])}
    if unknown := [k for k in numbers if k != ALL and k not in operators]:
        raise Invalid({sent.names.get(unknown[0], unknown[0]): _("没有这家企业")})
    fed, alive = _fed(bay, now)
    rows = []
    for who, counted in numbers.items():
        operator = operators.get(who)
        said = fed.get(operator.pk, 0) if operator else sum(fed.values())
        silent = operator.pk not in alive if operator else not set(fed) <= alive or not alive
        rows.append(
            SpotCheck(
                visit=key, bay=bay, operator=operator, counted=counted, fed=said, difference=counted - said, silent=silent,
                person=actor.person, at=now, lon=where["lon"] if where else None, lat=where["lat"] if where else None,
                distance_m=_metres(where, bay),
                upload=sent.photo, note=note,
            )
        )  # fmt: skip
    return SpotCheck.objects.bulk_create(rows)


def _metres(where: dict[str, Any] | None, bay: Bay) -> float | None:
    """From the phone to the bay's point."""
    return round(float(distance_m(where["lon"], where["lat"], bay.lon, bay.lat)), 1) if where else None


def _fed(bay: Bay, now: datetime) -> tuple[dict[int, int], set[int]]:
    """Bikes that the feeds have in or near the bay, by operator; the operators whose feed is alive. Two queries."""
    there = VehicleStatus.objects.filter(bay=bay).exclude(state__in=[*ABSENT, *RIDDEN]).order_by()
    fed = dict(there.values_list("operator_id").annotate(Count("pk")))
    since = int((now - timedelta(seconds=settings.current().ingest.gap_s)).timestamp() * 1000)
    newest = VehicleStatus.objects.order_by().values_list("operator_id").annotate(Max("received_ms"))
    return fed, {pk for pk, at in newest if at >= since}
