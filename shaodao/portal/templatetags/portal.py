"""Words of the public pages as filters."""

from typing import Any

from django import template

from shaodao.cases.models import Case
from shaodao.foundation.district import Limit, limit_in_words
from shaodao.portal import words

register = template.Library()


@register.filter
def limit(value: Limit) -> str:
    return limit_in_words(value)


@register.filter
def where(case: Case) -> str:
    return words.where(case)


@register.filter
def masked(text: str) -> str:
    return words.masked(text)


@register.inclusion_tag("portal/parts/state.html")
def state(case: Case) -> dict[str, Any]:
    """How a case stands, as a badge with its own colour, icon and word."""
    return {"plain": words.plain(case)}
