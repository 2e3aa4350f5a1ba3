"""What the templates of a book need: addresses of the room's own pages."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse

register = template.Library()


@register.simple_tag(takes_context=True)
def book_url(context: Mapping[str, Any], page: str, *args: Any) -> str:
    """The address of a page of the room that the view names: `{% book_url "row" kind row.pk %}`."""
    return reverse(f"{context['room']}_{page}", args=args)
