"""A sign-in that is half done: the password was right, the second factor is still to come.

Nobody is signed in yet. Who it is waits in the anonymous session, bound to the password and to a quarter of an hour;
the session's key changes when the password was right, and again when the sign-in is complete.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from shaodao.foundation import clock, log
from shaodao.organisations.account import factors, rules
from shaodao.organisations.auth import address_of
from shaodao.organisations.models import Person

KEY, CONFIRMED, HOW, SECRET = "sign_in", "confirmed_at", "signed_in_by", "factor_secret"
BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGES = {rules.Need.CODE: "sign_in_code", rules.Need.SET_UP: "sign_in_set_up"}


def begin(request: HttpRequest, person: Person, how: str, onward: str, *, strong: bool = False) -> HttpResponse:
    """After the password (`how` "password") or the provider ("sso"): sign in, or lead to what is still needed.

    `onward` is a checked address of this site, or empty for the desk.
    """
    need = factors.need_of(person, strong=strong)
    if need is rules.Need.NOTHING:
        return finish(request, person, how, onward)
    request.session.pop(SECRET, None)
    request.session[KEY] = {
        "person": person.pk,
        "hash": person.get_session_auth_hash(),
        "at": clock.now().timestamp(),
        "how": how,
        "onward": onward,
        "need": need.value,
    }
    request.session.cycle_key()
    return redirect(PAGES[need])


def waiting(request: HttpRequest) -> tuple[Person, dict[str, Any]] | None:
    """Whose sign-in is half done in this browser, and its notes; None when there is none, or it took too long."""
    kept = request.session.get(KEY)
    if not kept or not rules.recent(kept["at"], clock.now(), rules.PENDING_FOR):
        return None
    person = Person.objects.filter(pk=kept["person"], is_active=True).first()
    if person is None or not constant_time_compare(kept["hash"], person.get_session_auth_hash()):
        return None
    return person, kept


def enter(request: HttpRequest, person: Person, how: str) -> None:
    """Sign in, with a new session key, and write it down."""
    for key in (KEY, SECRET):
        request.session.pop(key, None)
    login(request, person, backend=BACKEND)
    request.session[CONFIRMED] = clock.now().timestamp()
    request.session[HOW] = how
    factors.forget_wrong(person)
    log.write("session.login", f"person:{person.pk}", actor=person, data={"how": how, "address": address_of(request)})


def finish(request: HttpRequest, person: Person, how: str, onward: str) -> HttpResponse:
    """Sign in and go where the person wanted to."""
    enter(request, person, how)
    return redirect(onward or resolve_url(settings.LOGIN_REDIRECT_URL))


def confirm(request: HttpRequest) -> None:
    """The signed-in person has just proved again who they are."""
    request.session[CONFIRMED] = clock.now().timestamp()


def is_confirmed(request: HttpRequest) -> bool:
    return rules.recent(request.session.get(CONFIRMED), clock.now(), rules.CONFIRMED_FOR)


def home() -> str:
    return reverse("account")
