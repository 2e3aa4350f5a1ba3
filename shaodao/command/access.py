"""Who may open the headquarters' pages, and which cases their numbers count."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from shaodao.cases import queries
from shaodao.cases.actions import Actor
from shaodao.cases.facts import BOUND
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of

OFFICE = frozenset({"headquarters", "duty_leader", "dispatcher", "intake", "admin"})
LOCAL = BOUND - {"operator"}  # operators have pages of their own and none of these
RULING = frozenset({"headquarters", "duty_leader"})
ADMIN = frozenset({"admin"})
EVERYBODY = OFFICE | LOCAL

View = Callable[..., HttpResponse]


def page(roles: frozenset[str] = EVERYBODY) -> Callable[[View], View]:
    """A page for signed-in people with one of these posts; others get 403 in plain words, nobody's guests the login."""

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not holds(actor_of(request), roles):
                raise PermissionDenied(_("您的岗位看不到这个页面"))
            return view(request, *args, **kwargs)

        return checked

    return decorate


def holds(actor: Actor, roles: frozenset[str]) -> bool:
    """Does the actor hold one of these posts?"""
    return any(post.role in roles for post in actor.facts.posts)


@dataclass(frozen=True)
class Scope:
    """The cases that one person's numbers count: all of them, or those of the own street, community or organisation."""

    actor: Actor

    @property
    def whole(self) -> bool:
        """The whole district, without a restriction in the queries."""
        return any(post.role not in BOUND for post in self.actor.facts.posts)

    @property
    def office(self) -> bool:
        return holds(self.actor, OFFICE)

    def cases(self) -> QuerySet[Case]:
        """The visible cases without an order, ready for counting."""
        return queries.visible_to(self.actor.facts).order_by()

    def q(self, path: str = "case") -> Q:
        """The same limit for rows that point to a case by `path`."""
        return Q() if self.whole else Q(**{f"{path}__in": self.cases().values("pk")})


def scope_of(request: HttpRequest) -> Scope:
    return Scope(actor_of(request))
