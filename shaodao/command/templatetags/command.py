"""Words for shares, ratings and limits on the headquarters' pages."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shaodao.cases import rules
from shaodao.command.rules import Share

register = template.Library()


@register.filter
def light_of(clock: Any, now: datetime) -> str:
    """The light of a clock or a case."""
    return str(rules.light(clock.due_at, clock.yellow_at, now))


@register.simple_tag
def share(value: Share) -> SafeString:
    """`92%  n=25 (75–98)`, with how many it leaves out; a dash without a denominator."""
    left_out = format_html(
        ' <span class="text-secondary text-nowrap">{}</span>',
        ngettext("申诉不计 %(n)d", "申诉不计 %(n)d", value.left_out) % {"n": value.left_out},
    )
    if value.percent is None:
        dash = format_html('<span class="text-secondary" title="{}">—</span>', _("没有可算的"))
        return dash + left_out if value.left_out else dash
    figures = format_html(
        '{}% <span class="text-secondary text-nowrap">n={} ({}–{})</span>',
        f"{value.percent:.0f}",
        value.n,
        f"{value.low:.0f}",
        f"{value.high:.0f}",
    )
    return figures + left_out if value.left_out else figures


@register.simple_tag
def rating(value: int) -> SafeString:
    """One to five as a figure and stars; the figure is what is read aloud."""
    return format_html(
        '<span class="text-nowrap"><span class="text-number fw-bold">{}</span> <span aria-hidden="true">{}</span></span>',
        value,
        "★" * value + "☆" * (5 - value),
    )
