"""Between a web request and this room: who may look, the entry in the navigation."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.cases.requests import actor_of
from shaodao.sanitation import queries


def enter(request: HttpRequest) -> None:
    """403 for posts that have nothing to look at here."""
    if not queries.may_enter(actor_of(request).facts):
        raise PermissionDenied(_("您的岗位看不到这个页面"))


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """This room's entry, for those who have something to look at."""
    actor = actor_of(request)
    if actor.facts.kind != "person" or not queries.may_enter(actor.facts):
        return []
    url = reverse("sanitation")
    return [
        {"label": _("环境卫生"), "url": url, "icon": "droplet", "count": None, "active": request.path.startswith(url)}
    ]
