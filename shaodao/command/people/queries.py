"""Reads about people."""

from django.db.models import Prefetch, Q, QuerySet

from shaodao.foundation.models import LogEntry
from shaodao.organisations.models import Person, Post

LINES = 20


def people(text: str, role: str, active: bool | None) -> QuerySet[Person]:
    """Accounts by name, with every post they hold or held as `held`."""
    posts = Post.objects.select_related("organisation", "place").order_by("-active", "pk")
    rows = Person.objects.prefetch_related(Prefetch("posts", posts, to_attr="held"))
    if active is not None:
        rows = rows.filter(is_active=active)
    if role:
        rows = rows.filter(posts__role=role, posts__active=True).distinct()
    for word in text.split():
        rows = rows.filter(
            Q(username__icontains=word) | Q(name__icontains=word) | Q(posts__organisation__name__icontains=word)
        ).distinct()
    return rows.order_by("username")


def lines_about(person: Person) -> QuerySet[LogEntry]:
    """The latest lines of the general log about an account."""
    return LogEntry.objects.filter(subject=f"person:{person.pk}").select_related("actor").order_by("-pk")[:LINES]
