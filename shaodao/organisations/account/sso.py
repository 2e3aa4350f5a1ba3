"""Single sign-on with the house's OpenID Connect provider. Only people who have an account here are let in.

The flow is Authlib's: discovery, code flow with PKCE, state and nonce, the id_token checked against the provider's keys.
"""

import logging
from functools import lru_cache
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from joserfc.errors import JoseError

from shaodao.foundation import clock, log
from shaodao.organisations.account import pending, rules
from shaodao.organisations.auth import address_of
from shaodao.organisations.models import Person

HOW, NOTES, SECONDS = "sso", "sso", 10
SIGNED = {f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)} | {"EdDSA"}
WRONG = (OAuthError, JoseError, requests.RequestException, ValueError, KeyError, TypeError, RuntimeError)
logger = logging.getLogger(__name__)


def label() -> str:
    """The words on the button of the sign-in page; empty where no provider is configured."""
    return str(settings.OIDC["label"] or _("单点登录")) if settings.OIDC else ""


@lru_cache(maxsize=2)
def _client(issuer: str, client_id: str, secret: str, scope: str) -> Any:
    """One client a process: the provider's description and keys are fetched once (keys again when a new one signs)."""
    return OAuth().register(
        "oidc",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": scope, "code_challenge_method": "S256", "default_timeout": SECONDS},
    )


def client() -> Any:
    """The client, with the provider's description loaded and limited to signatures by the provider's own keys."""
    if not settings.OIDC:
        raise Http404
    wanted = settings.OIDC
    scope = "openid profile email" if wanted["claim"].startswith("email") else "openid profile"
    found = _client(wanted["issuer"], wanted["client_id"], wanted["client_secret"], scope)
    data = found.load_server_metadata()
    if data.get("issuer", "").rstrip("/") != wanted["issuer"]:
        found.server_metadata.clear()  # ask again next time
        raise ValueError(f"the provider calls itself {data.get('issuer')!r}, not {wanted['issuer']!r}")
    offered = data.get("id_token_signing_alg_values_supported") or ["RS256"]
    data["id_token_signing_alg_values_supported"] = [a for a in offered if a in SIGNED]
    return found


@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """To the provider. `?confirm` asks a signed-in person to prove again who they are."""
    onward = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure()):
        onward = ""
    again = "confirm" in request.GET and request.user.is_authenticated
    if request.user.is_authenticated and not again:
        return redirect(onward or resolve_url(settings.LOGIN_REDIRECT_URL))
    more = {"prompt": "login", "max_age": 0} if again else {}
    request.session[NOTES] = {"onward": onward, "again": again}
    try:
        answer: HttpResponse = client().authorize_redirect(request, settings.ORIGIN + reverse("sso_back"), **more)
    except WRONG as error:
        return _failed(request, error, 502)
    return answer


@never_cache
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """From the provider: who it was, and whether that is one of us."""
    notes = request.session.pop(NOTES, None) or {"onward": "", "again": False}
    try:
        claims = _claims(request)
    except WRONG as error:
        return _failed(request, error, 400)
    person = person_of(claims)
    if person is None:
        who = str(claims.get(settings.OIDC["claim"]) or "")[:150].replace("\0", "")
        log.write(
            "session.stranger", data={"claim": settings.OIDC["claim"], "value": who, "address": address_of(request)}
        )
        return render(request, "account/sso_stranger.html", {"value": who, "label": label()}, status=403)
    if notes["again"]:
        return _confirmed(request, person, claims, notes["onward"])
    if request.user.is_authenticated and request.user != person:
        return _failed(request, ValueError("somebody else is signed in"), 400)
    # RFC 8176: "mfa" says that the provider has asked for more than one factor.
    return pending.begin(request, person, HOW, notes["onward"], strong="mfa" in (claims.get("amr") or []))


def _claims(request: HttpRequest) -> dict[str, Any]:
    """The checked claims of the id_token. Raises one of WRONG."""
    app = client()
    options = {
        "iss": {"essential": True, "values": [app.server_metadata["issuer"]]},
        "aud": {"essential": True, "values": [settings.OIDC["client_id"]]},
    }
    claims = app.authorize_access_token(request, claims_options=options).get("userinfo")
    if not claims:
        raise ValueError("the provider sent no id_token")
    return dict(claims)


def person_of(claims: dict[str, Any]) -> Person | None:
    """The account whose user name the configured claim holds; an e-mail address counts only when it was verified."""
    value = claims.get(settings.OIDC["claim"])
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    if settings.OIDC["claim"] == "email" and claims.get("email_verified") is not True:
        return None
    return Person.objects.filter(username=value, is_active=True).first()


def _confirmed(request: HttpRequest, person: Person, claims: dict[str, Any], onward: str) -> HttpResponse:
    if person != request.user or not rules.recent(claims.get("auth_time"), clock.now(), rules.CONFIRMED_FOR):
        return _failed(request, ValueError("not the same person, or not asked anew"), 400)
    pending.confirm(request)
    messages.success(request, _("已确认是您本人"))
    return redirect(onward or pending.home())


def _failed(request: HttpRequest, error: Exception, status: int) -> HttpResponse:
    logger.warning("single sign-on: %s: %s", type(error).__name__, error)
    return render(request, "account/sso_failed.html", {"label": label(), "unreachable": status == 502}, status=status)
