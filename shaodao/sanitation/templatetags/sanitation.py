"""What the templates of this room need: its tabs, hours of the day."""

from collections.abc import Mapping
from typing import Any

from django import template

from shaodao.cases.requests import actor_of
from shaodao.sanitation import actions
from shaodao.sanitation.tabs import tabs

register = template.Library()


@register.inclusion_tag("sanitation/_tabs.html", takes_context=True)
def sanitation_tabs(context: Mapping[str, Any]) -> dict[str, Any]:
    """The tabs of this room's pages that are open to whoever looks."""
    request = context["request"]
    return {"tabs": tabs(request.path, actions.may_edit(actor_of(request)))}


@register.filter
def hhmm(seconds: float | None) -> str:
    """Seconds from midnight as 06:05; past midnight it goes on: 25:10."""
    if seconds is None:
        return ""
    minutes = int(seconds // 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
