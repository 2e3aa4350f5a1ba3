"""Who calls the API: a person's session (with the CSRF check) or a machine's token with its scopes."""

import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.throttling import BaseThrottle
from ninja.utils import check_csrf

from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.organisations import tokens

HOUR = 3600


class TokenAuth(HttpBearer):
    """`Authorization: Bearer sd_…`. A token that is not valid is an error, not an anonymous call."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        found = tokens.find(token, clock.now())
        if found is None:
            raise AuthenticationError(message=str(_("令牌无效、已过期或已撤销")))
        request.user = found.person
        request.scopes = frozenset(found.scopes)  # type: ignore[attr-defined]
        return found


class SessionAuth(APIKeyCookie):
    """The session of a signed-in page; unsafe methods need the CSRF token, as every form does."""

    param_name = settings.SESSION_COOKIE_NAME

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        if not key or not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise Refused(_("CSRF 校验未通过：请带上 X-CSRFToken 请求头"), forbidden=True)
        request.scopes = frozenset(tokens.SCOPES)  # type: ignore[attr-defined]
        return request.user


class Anyone:
    """No sign-in needed. Comes last in a list of ways, so that a wrong token is still refused."""

    def __call__(self, request: HttpRequest) -> Any:
        request.scopes = frozenset({"read", "report"})  # type: ignore[attr-defined]
        return self


SIGNED_IN = [TokenAuth(), SessionAuth()]
OPEN = [*SIGNED_IN, Anyone()]


def need(request: HttpRequest, scope: str) -> None:
    """Refuse (403) a token that was not given this scope, one of `tokens.SCOPES`."""
    if scope not in getattr(request, "scopes", ()):
        raise Refused(_("令牌没有“%(scope)s”权限") % {"scope": scope}, forbidden=True)


def address_of(request: HttpRequest) -> str:
    """The caller's network address; behind the proxy that terminates TLS, the one that the proxy saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.split(",")[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


class Unknown(BaseThrottle):
    """A limit an hour for callers without an account, by address: many times what one browser may report in the
    portal (`SHAODAO_REPORTS_PER_HOUR`), since many people share an address. 0 there: no limit here."""

    def __init__(self, scope: str, times: int) -> None:
        self.scope, self.times = scope, times

    def allow_request(self, request: HttpRequest) -> bool:
        most = settings.REPORTS_PER_HOUR * self.times
        if not most or request.user.is_authenticated:
            return True
        kept, key = caches["limits"], f"api:{self.scope}:{address_of(request)}:{int(time.time()) // HOUR}"
        if kept.add(key, 1, HOUR):
            return True
        try:
            return kept.incr(key) <= most
        except ValueError:  # it went away between the two calls
            return True

    def wait(self) -> float:
        """Seconds until the next hour begins."""
        return HOUR - time.time() % HOUR
