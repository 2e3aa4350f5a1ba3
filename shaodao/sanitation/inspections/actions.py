"""Every write about inspections: draw a sample, write down what was found. Nothing is changed afterwards."""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.cases.actions import Actor
from shaodao.cases.inputs import Fault, text_of
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.models import Upload
from shaodao.places import queries as places
from shaodao.sanitation import rules, settings
from shaodao.sanitation.inspections import queries
from shaodao.sanitation.inspections.drawing import draw, frame_of
from shaodao.sanitation.models import Inspection, InspectionRound

MOST = 500
DUST_MOST = 1000.0  # g/m2; more is a slip of the hand


def sample(actor: Actor, day: date, n: Any, reason: str = "") -> InspectionRound:
    """Draw `n` segments for a day; the seed comes from the machine. A second sample on a day asks for a reason.

    Raises Refused (right, empty book), Invalid (n, day, reason).
    """
    _check(actor)
    errors: dict[str, str] = {}
    text = str(n).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        errors["n"] = _("填 1 到 %(n)d 的整数") % {"n": MOST}
    if abs((day - clock.local(clock.now()).date()).days) > 7:
        errors["day"] = _("只能抽前后七天以内的")
    why = _text(reason, "reason", errors)
    with transaction.atomic():
        before = InspectionRound.objects.select_for_update().filter(day=day).count()
        if before and not why:
            errors["reason"] = _("这一天已经抽过：再抽要写明理由，两次都留着")
        if errors:
            raise Invalid(errors)
        candidates = queries.candidates()
        if not candidates:
            raise Refused(_("台账里没有路段，无从抽起"))
        keys = {c.code: pk for c, pk in candidates.items()}
        made = InspectionRound(
            day=day, number=before + 1, seed=secrets.token_hex(8), frame=frame_of(candidates), asked=int(text),
            card=[list(item) for item in settings.current().card()], made_at=clock.now(), made_by=actor.person, reason=why,
        )  # fmt: skip
        try:
            with transaction.atomic():
                made.save()
        except IntegrityError:  # somebody drew at the same moment
            raise Invalid({"reason": _("刚有人抽过：再抽要写明理由，两次都留着")}) from None
        drawn = draw(candidates, made.asked, made.seed)
        Inspection.objects.bulk_create(
            Inspection(round=made, seq=seq, segment_id=keys[code]) for seq, code in enumerate(drawn, 1)
        )
        log.write("sanitation.inspection.sample", str(made), actor=actor.person, reason=why, data={"seed": made.seed})
    return made


@dataclass
class Found:
    """What an inspector sends, as raw text: points by code of the card."""

    points: Mapping[str, str]
    dust: str = ""
    impossible: str = ""
    note: str = ""
    position: str = ""
    photos: Sequence[Upload] = field(default_factory=tuple)


def record(actor: Actor, pk: int, found: Found) -> Inspection:
    """Write an inspection down, once. Raises Refused, Invalid (fields), Conflict (somebody was there before), DoesNotExist."""
    _check(actor)
    with transaction.atomic():
        row = Inspection.objects.select_for_update(of=("self",)).select_related("round", "segment").get(pk=pk)
        if row.at is not None:
            raise Conflict(row, 1, 0)
        values = _clean(row, found)
        for name, value in values.items():
            setattr(row, name, value)
        row.person, row.at = actor.person, clock.now()
        row.save()
        row.photos.set(found.photos)
        log.write(
            "sanitation.inspection", f"{row.round} {row.segment.code}", actor=actor.person, data={"score": row.score}
        )
    return row


def _clean(row: Inspection, found: Found) -> dict[str, Any]:
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"note": _text(found.note, "note", errors)}
    values["impossible"] = _text(found.impossible, "impossible", errors)
    if found.position.strip():
        lon, _comma, lat = found.position.partition(",")
        try:
            where = places.point(lon.strip(), lat.strip())
            values["distance_m"] = queries.metres_to(row.segment, where["lon"], where["lat"])
        except ValueError as error:
            errors["position"] = str(error)
    if not values["impossible"]:
        values |= _scored(row.round.card, found, errors)
        if not found.photos:
            errors["photos"] = _("至少一张照片")
    if errors:
        raise Invalid(errors)
    return values


def _scored(card: list[list[Any]], found: Found, errors: dict[str, str]) -> dict[str, Any]:
    points: dict[str, float] = {}
    for code, _name, _name_en, most in card:
        value = _number(found.points.get(code, ""), float(most))
        if value is None:
            errors[f"points_{code}"] = _("填 0 到 %(n)g") % {"n": most}
        else:
            points[code] = value
    dust = None
    if found.dust.strip():
        dust = _number(found.dust, DUST_MOST)
        if dust is None:
            errors["dust"] = _("填 0 到 %(n)g") % {"n": DUST_MOST}
    total = sum(float(item[3]) for item in card)
    return {"points": points, "dust_g_m2": dust, "score": round(100 * sum(points.values()) / total, 1)}


def _number(text: str, most: float) -> float | None:
    try:
        value = float(str(text).strip())
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= most else None


def _text(raw: str, name: str, errors: dict[str, str]) -> str:
    try:
        return text_of(raw, 300)
    except Fault as fault:
        errors[name] = str(fault)
        return ""


def _check(actor: Actor) -> None:
    if not rules.inspects(actor.facts):
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)
