"""Between a web request and this room: whom the page is about, whether it may be seen, the entry in the navigation."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.bikes import queries, rules
from shaodao.bikes.models import Operator
from shaodao.cases.requests import actor_of


def enter(request: HttpRequest) -> None:
    """403 for posts that have nothing to look at here."""
    if not queries.may_enter(actor_of(request).facts):
        raise PermissionDenied(_("您的岗位看不到这个页面"))


def operator_of(request: HttpRequest, code: str) -> Operator:
    """The operator of that code: 404 where there is none, 403 where it is not this person's to see."""
    code = code.replace("\x00", "")
    found = queries.visible(actor_of(request).facts).filter(organisation__code=code).first()
    if found is None:
        enter(request)
        if Operator.objects.filter(organisation__code=code).exists():
            raise PermissionDenied(_("这是另一家企业的资料"))
        raise Http404(_("没有这家企业"))
    return found


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """This room's entry, for those who have something to look at."""
    actor = actor_of(request)
    if actor.facts.kind != "person" or not queries.may_enter(actor.facts):
        return []
    room = reverse("bikes")
    url = room if rules.owned(actor.facts) else reverse("bikes_now")  # an operator begins with its own file
    return [
        {"label": _("共享单车"), "url": url, "icon": "bike", "count": None, "active": request.path.startswith(room)}
    ]
