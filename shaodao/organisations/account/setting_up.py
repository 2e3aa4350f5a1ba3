"""Setting a second factor up: the same page during the sign-in, where a post requires it, and on the account page."""

from typing import Any

import pyotp
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from shaodao.foundation import clock, district
from shaodao.foundation.errors import Invalid
from shaodao.foundation.naming import named
from shaodao.organisations.account import factors, passkeys, pending, qr
from shaodao.organisations.account.forms import CodeForm, PasskeyForm
from shaodao.organisations.account.sealing import Unreadable, seal, unseal
from shaodao.organisations.models import Person


def secret_of(request: HttpRequest) -> str:
    """The key that this browser is being offered: the same until it is taken, so that a slip does not change the QR."""
    try:
        return unseal(request.session[pending.SECRET])
    except (KeyError, Unreadable):
        secret = pyotp.random_base32()
        request.session[pending.SECRET] = seal(secret)
        return secret


def take(request: HttpRequest, person: Person) -> list[str] | dict[str, Any]:
    """The posted code or passkey: recovery codes (or none) when it was right, else the forms with what is wrong."""
    now = clock.now()
    if "credential" in request.POST:
        passkey = PasskeyForm(request.POST)
        if passkey.is_valid():
            try:
                return passkeys.add(
                    request, person, passkey.cleaned_data["name"], passkey.cleaned_data["credential"], now
                )
            except Invalid as error:
                passkey.add_errors(error.errors)
        return {"passkey_form": passkey}
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            codes = factors.set_up_app(person, secret_of(request), form.cleaned_data["code"], now)
        except Invalid as error:
            form.add_errors(error.errors)
        else:
            request.session.pop(pending.SECRET, None)
            return codes
    return {"form": form}


def page(request: HttpRequest, person: Person, faults: dict[str, Any] | None = None, **context: Any) -> HttpResponse:
    """The QR code, the key in letters, the field for the code; and, where browsers can, a passkey instead."""
    secret, here = secret_of(request), district.current()
    issuer = " ".join(filter(None, (str(_("哨到")), named(here))))
    uri = factors.address(secret, person, issuer)
    context |= {
        "form": CodeForm(),
        "passkey_form": PasskeyForm(),
        "who": person,
        "qr": qr.svg(uri),
        "uri": uri,
        "key": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        **(faults or {}),
    }
    if passkeys.available():
        context["passkey_question"] = passkeys.question_to_add(request, person)
    return render(request, "account/set_up.html", context, status=422 if faults else 200)


def codes_page(request: HttpRequest, codes: list[str], **context: Any) -> HttpResponse:
    """The recovery codes, this once."""
    return render(request, "account/codes.html", {"codes": codes, **context})
