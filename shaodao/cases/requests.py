"""Between a web request and the loop: who acts, and what their desk shows. Used by pages and the API alike."""

from typing import Any

from django.http import HttpRequest

from shaodao.cases.actions import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Who acts in this request, with their posts (one query, kept on the request); the public when nobody signed in."""
    actor = getattr(request, "_actor", None)
    if actor is None:
        user: Any = request.user
        actor = Actor.of(user) if user.is_authenticated else Actor.public()
        request._actor = actor  # type: ignore[attr-defined]
    return actor


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    return []
