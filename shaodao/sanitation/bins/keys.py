"""Crews' phones: a signed link makes a phone one of a crew's, a signed cookie remembers it, withdrawing ends both."""

from typing import Any

from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from shaodao.cases.actions import Actor
from shaodao.cases.inputs import Fault, text_of
from shaodao.foundation import clock, log
from shaodao.foundation.errors import Invalid, Refused
from shaodao.sanitation.models import Crew, CrewKey
from shaodao.sanitation.queries import may_edit

SALT = "sanitation.crew"
COOKIE = "crew"
YEAR_S = 366 * 24 * 3600


def token_of(key: CrewKey) -> str:
    """Always the same for a key: the phone knows by its address the page that it keeps for when there is no network."""
    return signing.Signer(salt=SALT).sign_object(key.pk)


def key_of(token: str) -> CrewKey | None:
    """The key of a token, if it is one and in force (one query)."""
    try:
        pk = signing.Signer(salt=SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    found = CrewKey.objects.select_related("crew").filter(pk=pk, withdrawn_at=None, crew__active=True)
    return found.first()


def phone_of(request: HttpRequest) -> CrewKey | None:
    """The crew's key that this phone has."""
    token = request.COOKIES.get(COOKIE, "")
    return key_of(token) if token else None


def remember(response: HttpResponse, token: str) -> None:
    response.set_cookie(COOKIE, token, max_age=YEAR_S, httponly=True, samesite="Lax", path="/sanitation/")


def issue(actor: Actor, crew: Crew, label: str) -> CrewKey:
    """A new key for a phone of the crew. Raises Refused, Invalid(label)."""
    _check(actor)
    if not crew.active:
        raise Refused(_("班组已撤销"))
    try:
        name = text_of(label, 60)
    except Fault as fault:
        raise Invalid({"label": str(fault)}) from None
    if not name:
        raise Invalid({"label": _("写上是谁的手机，丢了才知道收回哪一个")})
    with transaction.atomic():
        key = CrewKey.objects.create(crew=crew, label=name, issued_at=clock.now(), issued_by=actor.person)
        log.write("sanitation.key.issue", f"crew:{crew.code}", actor=actor.person, data={"key": key.pk})
    return key


def withdraw(actor: Actor, pk: int) -> CrewKey:
    """End a key; what its phone said stays. Raises Refused, DoesNotExist."""
    _check(actor)
    with transaction.atomic():
        key = CrewKey.objects.select_for_update(of=("self",)).select_related("crew").get(pk=pk)
        if key.withdrawn_at is None:
            key.withdrawn_at = clock.now()
            key.save(update_fields=["withdrawn_at"])
            log.write("sanitation.key.withdraw", f"crew:{key.crew.code}", actor=actor.person, data={"key": pk})
    return key


def _check(actor: Actor) -> None:
    if not may_edit(actor):
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)


def listed() -> Any:
    return CrewKey.objects.select_related("crew", "issued_by").order_by("withdrawn_at", "-pk")
