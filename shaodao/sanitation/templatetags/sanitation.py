"""What the templates of this room need: its tabs, hours of the day."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from shaodao.cases.requests import actor_of
from shaodao.foundation.templatetags.shaodao import light
from shaodao.sanitation import queries
from shaodao.sanitation.proof.words import Kind
from shaodao.sanitation.tabs import tabs

register = template.Library()
LIGHTS = {"done": "green", "short": "yellow", "missing": "red", "unsure": "paused", "pending": "done"}


@register.inclusion_tag("sanitation/_tabs.html", takes_context=True)
def sanitation_tabs(context: Mapping[str, Any]) -> dict[str, Any]:
    """The tabs of this room's pages that are open to whoever looks."""
    request = context["request"]
    return {"tabs": tabs(request.path, queries.may_edit(actor_of(request)))}


@register.filter
def hhmm(seconds: float | None) -> str:
    """Seconds from midnight as 06:05; past midnight it goes on: 25:10."""
    if seconds is None:
        return ""
    minutes = int(seconds // 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


@register.simple_tag
def pass_state(row: Any) -> SafeString:
    """A proven pass: its verdict as a light, and what is wrong with it in words."""
    wrong = [str(Kind(kind).label) for kind in row.wrong.split(",") if kind and kind not in ("missed", "short")]
    words = format_html_join("", '<small class="d-block text-secondary">{}</small>', ((text,) for text in wrong))
    return format_html("{}{}", light(LIGHTS[row.state], row.get_state_display()), words)


@register.simple_tag
def strip(row: Any) -> SafeString:
    """A segment as a bar from its beginning to its end: green where it was serviced, open where not. Its words stand beside it."""
    length = row.length_m or 1.0
    lacking = "strip-unsure" if row.state in ("unsure", "pending") else "strip-gap"
    edges = [0.0, *(metres for gap in row.gaps for metres in gap), length]
    done = [(a, b, "strip-done") for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    gaps = [(a, b, lacking) for a, b in row.gaps]
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="2" width="{}" height="8" vector-effect="non-scaling-stroke"/>',
        ((name, f"{100 * a / length:.2f}", f"{100 * (b - a) / length:.2f}") for a, b, name in sorted(done + gaps)),
    )
    return format_html(
        '<svg class="strip" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">{}</svg>', bars
    )


@register.simple_tag
def translated(values: Mapping[str, Any], prefix: str) -> str:
    """The name of a row of values in the language of the page; its code where it has none."""
    english = (get_language() or "").startswith("en")
    names = ("name_en", "name") if english else ("name",)
    return next((values[prefix + n] for n in (*names, "code") if values.get(prefix + n)), "")


@register.filter
def gantt_height(rows: int) -> int:
    """Of the drawing with so many rows."""
    return 34 + 22 * rows


@register.filter
def add_half(x: float, width: float) -> float:
    return round(x + width / 2, 1)


@register.filter
def at(values: Sequence[Any], index: int) -> Any:
    """The element of that number."""
    return values[index]


@register.filter
def kilometres(metres: float) -> str:
    """Metres as kilometres with one digit behind the point."""
    return f"{metres / 1000:,.1f}"
