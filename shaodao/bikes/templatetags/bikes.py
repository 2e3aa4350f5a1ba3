"""Badges of this room: how an operator stands, what became of a paper."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from shaodao.bikes.models import ChecklistItem, Operator, OperatorPaper
from shaodao.bikes.reports.tables import Percent
from shaodao.bikes.words import OperatorState, PaperState
from shaodao.foundation.naming import named
from shaodao.foundation.templatetags.shaodao import light

register = template.Library()
S, P = OperatorState, PaperState
COLOURS = {
    S.DRAFT: "paused", S.SUBMITTED: "yellow", S.ASKED: "yellow", S.ADMITTED: "green", S.SUSPENDED: "red",
    S.REFUSED: "done", S.WITHDRAWN: "done", S.EXPIRED: "done",
}  # fmt: skip
PAPERS = {P.SENT: "yellow", P.ACCEPTED: "green", P.MORE: "red", P.REPLACED: "done"}


@register.simple_tag
def standing(operator: Operator) -> SafeString:
    """The state of an operator: colour, shape and words."""
    return light(COLOURS[OperatorState(operator.state)], str(OperatorState(operator.state).label))


@register.simple_tag
def paper_state(paper: OperatorPaper, stale: bool = False) -> SafeString:
    """What became of a paper; an accepted one that is out of date says so."""
    if stale and paper.state == P.ACCEPTED:
        return light("red", _("已过有效期"))
    return light(PAPERS[PaperState(paper.state)], str(PaperState(paper.state).label))


@register.filter
def what(item: ChecklistItem) -> str:
    """What the reviewer looks at, in the language of the page."""
    return named(item, "what")


@register.filter
def percent(share: float | None) -> str:
    """A share as a percentage; a dash for a share of nothing."""
    return str(Percent(share))
