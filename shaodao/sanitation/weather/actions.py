"""Writes of the weather: a day's table at once, and hours that a service answered."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shaodao.book import actions
from shaodao.book.actions import Counts, Draft
from shaodao.cases.actions import Actor
from shaodao.foundation.errors import Conflict, Invalid
from shaodao.foundation.tables import Bad
from shaodao.sanitation.kinds import WEATHER, weather_code
from shaodao.sanitation.models import BookEvent, Weather

COLUMNS = {c.name: c for c in WEATHER.columns if c.name in ("air_c", "ground_c", "wind_level")}
HOURS = range(24)


def of(day: date) -> dict[int, Weather]:
    """The hours of a day that are in force (one query)."""
    return {row.hour: row for row in Weather.objects.filter(day=day, active=True).order_by("hour")}


def seen(rows: Mapping[int, Weather]) -> str:
    """What somebody has seen of a day: hours with their versions."""
    return ",".join(f"{hour}.{row.version}" for hour, row in sorted(rows.items()))


def keep_day(
    day: date, raw: Mapping[tuple[int, str], str], actor: Actor, *, was: str | None = None, reason: str = ""
) -> Counts:
    """A day's table: text by (hour, column); an hour without any is taken away.

    Raises Refused, Invalid (keys `air_c_6`, reason), Conflict where the day is not as `was` says.
    """
    reason = actions.check(WEATHER, actor, reason)
    drafts, empty = _parsed(day, raw)
    with transaction.atomic():
        rows = {r.hour: r for r in Weather.objects.select_for_update().filter(day=day, active=True).order_by("pk")}
        if was is not None and was != seen(rows):
            raise Conflict(rows, 0, 0)
        gone = [rows[hour] for hour in empty if hour in rows]
        if gone:
            actions.retire(WEATHER, gone, actor, reason)
        return actions.bring_in(WEATHER, drafts, actor, reason=reason)


def _parsed(day: date, raw: Mapping[tuple[int, str], str]) -> tuple[list[Draft], list[int]]:
    drafts, empty, errors = [], [], {}
    for hour in HOURS:
        said = {name: str(raw.get((hour, name)) or "").strip() for name in COLUMNS}
        if not any(said.values()):
            empty.append(hour)
            continue
        values: dict[str, Any] = {"day": day, "hour": hour}
        for name, text in said.items():
            column = COLUMNS[name]
            try:
                values[name] = column.parse(text) if text else column.default
            except Bad as bad:
                errors[f"{name}_{hour}"] = f"{bad.what}（{bad.hint}）" if bad.hint else bad.what
            if not text and column.required:
                errors[f"{name}_{hour}"] = _("必填")
        drafts.append(Draft(weather_code(values), values))
    if errors:
        raise Invalid(errors)
    return drafts, empty


def take_in(drafts: list[Draft], source: str) -> tuple[Counts, int]:
    """Hours that a service answered, by the program: what a person wrote stays. (counts, hours left alone)."""
    subjects = {f"weather:{d.code}": d for d in drafts}
    typed = BookEvent.objects.filter(subject__in=subjects, actor__isnull=False).order_by()
    kept = set(typed.values_list("subject", flat=True).distinct())
    wanted = [draft for subject, draft in subjects.items() if subject not in kept]
    return actions.bring_in(WEATHER, wanted, Actor.system(), source=source, logged=False), len(kept)
