"""The words of this room's inbox items, and where they lead."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.bikes.actions.record import NOTICE
from shaodao.bikes.admission import BY_ACTION
from shaodao.cases import notices
from shaodao.foundation.naming import named


def words(data: dict[str, Any]) -> str:
    t = BY_ACTION.get(data["action"])
    said = {"unit": named(data["unit"]), "what": t.label if t else data["action"], "why": data.get("why") or ""}
    if said["why"]:
        return _("单车企业 %(unit)s：%(what)s。%(why)s") % said
    return _("单车企业 %(unit)s：%(what)s") % said


def leads_to(data: dict[str, Any]) -> str:
    return reverse("bikes_operator", args=[data["code"]])


def register() -> None:
    notices.OTHERS[NOTICE] = (words, leads_to)
