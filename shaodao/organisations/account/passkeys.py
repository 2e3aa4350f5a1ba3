"""Passkeys and security keys (WebAuthn) as a second factor. The page carries the question, its form the answer.

Browsers ask for https (or localhost) and a host name: elsewhere passkeys are not offered. What a browser answers is
anybody's bytes, and the library's parsers (JSON, CBOR, keys) raise all kinds of errors on them: any error is a refusal.
"""

import base64
import json
import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from shaodao.foundation import log
from shaodao.foundation.errors import Invalid
from shaodao.organisations.account import factors
from shaodao.organisations.account.sealing import Unreadable, seal, unseal
from shaodao.organisations.models import Factor, Person

ASKED = "passkey_question"
logger = logging.getLogger(__name__)
MOST = 10
# The password came first, so that a touch is enough: no PIN, and no room taken on a security key.
TOUCH = UserVerificationRequirement.DISCOURAGED


def available() -> bool:
    """Can a browser make a passkey for this site's address?"""
    at = urlparse(settings.ORIGIN)
    host = at.hostname or ""
    named = not host.replace(".", "").isdigit() and ":" not in host
    return (at.scheme == "https" and named) or host == "localhost"


def _server() -> Fido2Server:
    """Checked against the one public address, never against what a request says of itself."""
    rp = PublicKeyCredentialRpEntity(id=urlparse(settings.ORIGIN).hostname, name=str(_("哨到")))
    return Fido2Server(rp, verify_origin=lambda origin: origin == settings.ORIGIN)


def _credentials(person: Person) -> dict[int, AttestedCredentialData]:
    """The person's passkeys by the number of their row; one that cannot be read any more is left out."""
    found = {}
    for row in person.factors.filter(kind=Factor.Kind.PASSKEY):
        try:
            found[row.pk] = AttestedCredentialData(base64.b64decode(unseal(row.secret)))
        except (Unreadable, ValueError):
            continue
    return found


def question_to_add(request: HttpRequest, person: Person) -> dict[str, Any]:
    """What the browser is asked to make; the challenge waits in the session."""
    handle = salted_hmac("organisations.passkey", str(person.pk), algorithm="sha256").digest()
    user = PublicKeyCredentialUserEntity(id=handle, name=person.username, display_name=str(person))
    known = list(_credentials(person).values())
    options, state = _server().register_begin(
        user, known, resident_key_requirement=ResidentKeyRequirement.DISCOURAGED, user_verification=TOUCH
    )
    request.session[ASKED] = state
    return json.loads(json.dumps(dict(options)))


def question_to_use(request: HttpRequest, person: Person) -> dict[str, Any] | None:
    """What the browser is asked to prove, or None where the person has no passkey that works here."""
    known = list(_credentials(person).values()) if available() else []
    if not known:
        return None
    options, state = _server().authenticate_begin(known, user_verification=TOUCH)
    request.session[ASKED] = state
    return json.loads(json.dumps(dict(options)))


@transaction.atomic
def add(request: HttpRequest, person: Person, name: str, answer: str, now: datetime) -> list[str]:
    """A new passkey; answers fresh recovery codes if the person has none left. Raises Invalid."""
    name, state = name.strip(), request.session.pop(ASKED, None)
    if not name or len(name) > 60:
        raise Invalid({"name": _("请写名称，最多 60 字")})
    if person.factors.filter(kind=Factor.Kind.PASSKEY).count() >= MOST:
        raise Invalid({"name": _("最多 %(n)s 个，请先移除不用的") % {"n": MOST}})
    try:
        made = _server().register_complete(state, json.loads(answer))
        credential = made.credential_data
        if credential is None:
            raise ValueError("no credential")
    except Exception as error:
        logger.info("passkey not taken: %s", error)
        raise Invalid({"credential": _("没有完成，请再试一次")}) from None
    Factor.objects.create(
        person=person,
        kind=Factor.Kind.PASSKEY,
        name=name,
        secret=seal(base64.b64encode(bytes(credential)).decode()),
        last_step=made.counter,
        created_at=now,
    )
    log.write("factor.add", f"person:{person.pk}", now=now, actor=person, data={"kind": "passkey", "name": name})
    return factors.first_recovery_codes(person, now)


def check(request: HttpRequest, person: Person, answer: str, now: datetime) -> bool:
    """Did one of the person's passkeys answer the question of this session? The question is used up."""
    known, state = _credentials(person), request.session.pop(ASKED, None)
    try:
        given = json.loads(answer)
        used = _server().authenticate_complete(state, list(known.values()), given)
        counter = AuthenticationResponse.from_dict(given).response.authenticator_data.counter
    except Exception as error:
        logger.info("passkey refused: %s", error)
        return False
    row = Factor.objects.filter(pk=next(pk for pk, one in known.items() if one == used))
    if counter:  # a key that counts must have counted on: otherwise it is a copy
        row = row.filter(last_step__lt=counter)
    return row.update(last_step=counter, last_used_at=now) == 1
