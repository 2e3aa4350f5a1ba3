"""Between a web request and the loop: who acts, and what their desk shows. Used by pages and the API alike."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from shaodao.cases import inboxes
from shaodao.cases.actions import Actor
from shaodao.cases.actions.step import active_posts
from shaodao.organisations.models import Post


def posts_of(request: HttpRequest) -> list[Post]:
    """The active posts of whoever is signed in (one query, kept on the request); none for the public."""
    posts = getattr(request, "_posts", None)
    if posts is None:
        user: Any = request.user
        posts = active_posts(user) if user.is_authenticated else []
        request._posts = posts  # type: ignore[attr-defined]
    return posts


def actor_of(request: HttpRequest) -> Actor:
    """Who acts in this request, with their posts; the public when nobody signed in."""
    actor = getattr(request, "_actor", None)
    if actor is None:
        user: Any = request.user
        actor = Actor.holding(user, posts_of(request)) if user.is_authenticated else Actor.public()
        request._actor = actor  # type: ignore[attr-defined]
    return actor


def counts_of(request: HttpRequest) -> dict[str, inboxes.Count]:
    """How many wait in each inbox of this desk (one query, kept on the request)."""
    counts = getattr(request, "_counts", None)
    if counts is None:
        counts = inboxes.counts(actor_of(request).facts)
        request._counts = counts  # type: ignore[attr-defined]
    return counts


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side navigation: the desk, the inboxes of one's posts with their counts, the tools. Nothing for the public.

    A list of {label, url, icon, count, active}; an entry without `url` is a section heading.
    """
    actor = actor_of(request)
    if actor.facts.kind != "person":
        return []
    counts, path = counts_of(request), request.path
    items = [_item(path, _("我的工作台"), reverse("work"), "layout-dashboard")]
    for section, boxes in inboxes.sections(actor.facts):
        items.append({"label": section, "url": "", "icon": "", "count": None, "active": False})
        for box in boxes:
            url = reverse("inbox", args=[box.key])
            items.append(_item(path, box.label, url, box.icon, counts[box.key].total if box.counted else None))
    items.append({"label": _("工具"), "url": "", "icon": "", "count": None, "active": False})
    if inboxes.channels(actor.facts):
        items.append(_item(path, _("登记上报"), reverse("work_report"), "file-plus"))
    if any(post.role != "operator" for post in actor.facts.posts):  # the same as `command.access.EVERYBODY`
        items += [_item(path, _("指挥总览"), url, "chart-bar") for url in _optional("command")]
    return items


def _item(path: str, label: Any, url: str, icon: str, count: int | None = None) -> dict[str, Any]:
    return {"label": str(label), "url": url, "icon": icon, "count": count, "active": path == url}


def _optional(name: str) -> list[str]:
    """The address of another room's page, where that room is there."""
    try:
        return [reverse(name)]
    except NoReverseMatch:
        return []
