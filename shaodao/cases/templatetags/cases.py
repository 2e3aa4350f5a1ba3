"""Template tags of the staff's case pages."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shaodao.cases import choices
from shaodao.cases.models import Case
from shaodao.cases.words import OPEN_STATES, CaseState, Outcome, own_words
from shaodao.foundation.naming import named
from shaodao.foundation.templatetags.shaodao import icon

register = template.Library()


@register.filter
def whistle_kind(code: str) -> str:
    return choices.whistle_kind(code)


@register.filter
def own(text: str) -> str:
    """Free text; what the program wrote there itself, in the language of the page."""
    return own_words(text)


@register.filter
def is_open(case: Case) -> bool:
    return case.state in OPEN_STATES


@register.filter
def names(rows: Any) -> str:
    """Several rows by name."""
    return _("、").join(named(row) for row in rows)


@register.simple_tag
def state(case: Case) -> SafeString:
    """The state as a quiet chip; a closed case that was not fixed says so."""
    # Not get_state_display(): it makes a table of all choices each time, and lists have a hundred rows.
    words = Outcome(case.outcome).label if case.outcome and case.outcome != "fixed" else CaseState(case.state).label
    return format_html('<span class="state state-{}">{}</span>', case.outcome or case.state, words)


@register.simple_tag
def marks(case: Case) -> SafeString:
    """Urgent, rebounded, reworked, returned, a place that nobody has checked: what one must see at once."""
    parts = []
    if case.place_guessed:
        parts.append(("guessed", "map-pin-question", _("地点待核对")))
    if case.urgent:
        parts.append(("urgent", "bolt", _("紧急")))
    if case.unsolved:
        parts.append(("rebound", "message-circle", _("上报人说未解决")))
    if case.reopen_count:
        n = case.reopen_count
        parts.append(("rework", "rotate", ngettext("回访重办 %(n)d 次", "回访重办 %(n)d 次", n) % {"n": n}))
    if case.rebound_count:
        parts.append(
            (
                "rebound",
                "rotate",
                ngettext("反弹 %(n)d 次", "反弹 %(n)d 次", case.rebound_count) % {"n": case.rebound_count},
            )
        )
    if case.rework_count:
        parts.append(
            (
                "rework",
                "arrow-back-up",
                ngettext("返工 %(n)d 次", "返工 %(n)d 次", case.rework_count) % {"n": case.rework_count},
            )
        )
    chips = [format_html('<span class="mark mark-{}">{}{}</span>', key, icon(name), text) for key, name, text in parts]
    return SafeString("".join(chips))
