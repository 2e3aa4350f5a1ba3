"""What every page has: the district, the signed-in person's posts, and the navigation that follows from them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from shaodao.foundation import district
from shaodao.foundation.naming import named


def page(request: HttpRequest) -> dict[str, Any]:
    here = district.current()
    return {
        "district": {
            "name": here.name,
            "name_en": here.name_en,
            "sample": here.sample,
            "lon": here.centre[0],
            "lat": here.centre[1],
            "basemap": here.settings.basemap,
        },
        "events_url": settings.EVENTS_URL,
        "posts": SimpleLazyObject(lambda: posts_of(request)),
        "nav": SimpleLazyObject(lambda: work_nav(request)),
        "public_nav": SimpleLazyObject(lambda: public_nav(request)),
    }


def posts_of(request: HttpRequest) -> list[Any]:
    """The active posts of whoever is signed in (one query a request, shared with the permission check)."""
    from shaodao.cases import requests

    return [f"{post.get_role_display()} · {named(post.organisation)}" for post in requests.posts_of(request)]


def work_nav(request: HttpRequest) -> list[dict[str, Any]]:
    """Inboxes by role with their counts, then the tools of the office."""
    from shaodao.bikes.requests import navigation as bikes
    from shaodao.cases.requests import navigation
    from shaodao.sanitation.requests import navigation as sanitation

    items = navigation(request)
    return [*items, *bikes(request), *sanitation(request)] if items else []


def public_nav(request: HttpRequest) -> list[dict[str, Any]]:
    items = [
        (_("首页"), "home", "home"),
        (_("我要上报"), "report", "plus"),
        (_("公开案件"), "public_cases", "list"),
        (_("查询进度"), "follow", "search"),
    ]
    path = request.path
    return [
        {"label": label, "url": reverse(name), "icon": icon, "count": None, "active": path == reverse(name)}
        for label, name, icon in items
    ]
