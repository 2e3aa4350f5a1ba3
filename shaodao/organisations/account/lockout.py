"""Wrong codes count as wrong passwords do: the same lock (axes) over name and address, and a limit over all addresses."""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse

from shaodao.foundation import clock
from shaodao.organisations.account import factors
from shaodao.organisations.models import Person


def _named(person: Person) -> dict[str, Any]:
    return {"username": person.username}


def locked(request: HttpRequest, person: Person) -> HttpResponse | None:
    """The page that says so, if this name is locked for this address."""
    if AxesProxyHandler.is_allowed(request, _named(person)):
        return None
    answer: HttpResponse = get_lockout_response(request, credentials=_named(person))
    return answer


def failed(request: HttpRequest, person: Person, *, code: bool = True) -> None:
    """Count a wrong code (or, `code=False`, a wrong password). At the limit axes answers with its page by itself."""
    if code:
        factors.count_wrong(person, clock.now())
    user_login_failed.send(sender=__name__, credentials=_named(person), request=request)
