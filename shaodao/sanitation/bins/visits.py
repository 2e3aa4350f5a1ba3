"""Write down what a crew's phone says it did at a bin; the same visit sent again is answered with what was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.cases import inputs
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import Upload
from shaodao.kernel.geodesy import distance_m
from shaodao.places import queries as places
from shaodao.sanitation import settings
from shaodao.sanitation.bins.rules import drawn
from shaodao.sanitation.models import Bin, BinVisit, CrewKey
from shaodao.sanitation.words import BinTask, BinTrouble

AHEAD = timedelta(minutes=5)  # that a phone's clock may be fast
OLDEST = timedelta(days=3)  # that a phone may have been without a network


@dataclass(frozen=True)
class Sent:
    """What a phone sends: raw text; `at` is ISO 8601 with a zone, or "" for now."""

    visit: str
    tasks: Sequence[str]
    at: str = ""
    position: str = ""  # "lon,lat", WGS-84
    trouble: str = ""
    note: str = ""
    photo: Upload | None = None


def record(key: CrewKey, bin_: Bin, sent: Sent) -> list[BinVisit]:
    """One row a task. Raises Invalid (fields)."""
    visit = inputs.client_key(sent.visit)
    if not visit or len(visit) > 40:
        raise Invalid({"visit": _("请刷新页面再试")})
    if earlier := _earlier(visit, bin_, key):
        return earlier
    now = clock.now()
    values = _clean(bin_, sent, now)
    asked = drawn(visit, settings.current().bin_photos)
    if asked and sent.photo is None and not sent.at:  # a phone that was offline could not be asked
        raise Invalid({"photos": _("这一次抽中要拍照：拍一张果皮箱现在的样子")})
    shared = {
        "visit": visit, "bin": bin_, "key": key, "received_at": now, "upload": sent.photo, "photo_asked": asked,
    }  # fmt: skip
    tasks = values.pop("tasks")
    try:
        with transaction.atomic():
            return BinVisit.objects.bulk_create([BinVisit(task=task, **shared, **values) for task in tasks])
    except IntegrityError:  # a phone that sent twice at once
        if earlier := _earlier(visit, bin_, key):
            return earlier
        raise


def _earlier(visit: str, bin_: Bin, key: CrewKey) -> list[BinVisit]:
    rows = list(BinVisit.objects.filter(visit=visit).order_by("pk"))
    if any(row.bin_id != bin_.pk or row.key_id != key.pk for row in rows):
        raise Invalid({"visit": _("请刷新页面再试")})
    return rows


def _clean(bin_: Bin, sent: Sent, now: datetime) -> dict[str, Any]:
    errors: dict[str, str] = {}
    tasks = list(dict.fromkeys(sent.tasks))
    if not tasks or set(tasks) - set(BinTask.values):
        errors["tasks"] = _("勾选做了哪几项；只是来看看，选“只查看”")
    if sent.trouble and sent.trouble not in BinTrouble.values:
        errors["trouble"] = _("没有这个选项")
    at, distance, note = now, None, ""
    try:
        at = phone_time(sent.at, now)
    except ValueError as error:
        errors["at"] = str(error)
    if sent.position.strip():
        lon, _comma, lat = sent.position.partition(",")
        try:
            where = places.point(lon.strip(), lat.strip())
            distance = round(float(distance_m(where["lon"], where["lat"], bin_.lon, bin_.lat)), 1)
        except ValueError as error:
            errors["position"] = str(error)
    try:
        note = inputs.text_of(sent.note, 300)
    except inputs.Fault as fault:
        errors["note"] = str(fault)
    if errors:
        raise Invalid(errors)
    day = clock.local(at).date()
    return {"tasks": tasks, "at": at, "day": day, "distance_m": distance, "trouble": sent.trouble, "note": note}


def phone_time(text: str, now: datetime) -> datetime:
    """The phone's time; a clock that is a little fast is set back to now."""
    if not text.strip():
        return now
    try:
        found = datetime.fromisoformat(text.strip()[:40])
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(_("时间看不懂"))
    if found > now + AHEAD:
        raise ValueError(_("时间在将来：请校准手机的时钟"))
    if found < now - OLDEST:
        raise ValueError(_("超过 %(n)d 天的记录不收") % {"n": OLDEST.days})
    return min(found, now)


def from_json(body: Any) -> Sent:
    """One visit of a phone's queue. Raises Invalid."""
    if not isinstance(body, Mapping):
        raise Invalid({"visit": _("请刷新页面再试")})
    tasks = body.get("tasks")
    text: dict[str, Any] = {
        name: str(body.get(name) or "")[:400] for name in ("visit", "at", "position", "trouble", "note")
    }
    return Sent(tasks=[str(t)[:10] for t in tasks][:9] if isinstance(tasks, list) else [], **text)
