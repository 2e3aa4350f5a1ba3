"""Badges of this room: how an operator stands, what became of a paper."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils.dates import WEEKDAYS
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from shaodao.bikes.findings.words import FindingState
from shaodao.bikes.models import ChecklistItem, Finding, Operator, OperatorPaper, VehicleStatus
from shaodao.bikes.seen import present
from shaodao.bikes.seen.filling import FillState
from shaodao.bikes.seen.words import SeenAs
from shaodao.bikes.tabs import tabs
from shaodao.bikes.words import OperatorState, PaperState
from shaodao.cases.requests import actor_of
from shaodao.foundation.naming import named
from shaodao.foundation.templatetags.shaodao import light

register = template.Library()
S, P = OperatorState, PaperState
COLOURS = {
    S.DRAFT: "paused", S.SUBMITTED: "yellow", S.ASKED: "yellow", S.ADMITTED: "green", S.SUSPENDED: "red",
    S.REFUSED: "done", S.WITHDRAWN: "done", S.EXPIRED: "done",
}  # fmt: skip
SEEN = {
    SeenAs.IN_BAY: "green", SeenAs.NEAR_BAY: "green", SeenAs.OUTSIDE: "yellow", SeenAs.ZONE: "red",
    SeenAs.UNCERTAIN: "paused", SeenAs.SILENT: "paused", SeenAs.IN_USE: "done", SeenAs.AWAY: "done", SeenAs.GONE: "done",
}  # fmt: skip
FILLS = {FillState.OVER: "red", FillState.TIGHT: "yellow", FillState.ROOM: "green", FillState.EMPTY: "done"}
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


FINDINGS = {FindingState.OPEN: "yellow", FindingState.FILED: "red", FindingState.CLEARED: "green"}


@register.simple_tag
def finding_state(row: Finding) -> SafeString:
    """How a finding stands: colour, shape and words."""
    return light(FINDINGS[FindingState(row.state)], str(FindingState(row.state).label))


@register.filter
def what(item: ChecklistItem) -> str:
    """What the reviewer looks at, in the language of the page."""
    return named(item, "what")


@register.inclusion_tag("bikes/_tabs.html", takes_context=True)
def bike_tabs(context: Mapping[str, Any]) -> dict[str, Any]:
    """The tabs of this room's pages that are open to whoever looks."""
    request = context["request"]
    return {"tabs": tabs(request.path, {post.role for post in actor_of(request).facts.posts})}


@register.filter
def time_of(ms: int | None) -> datetime | None:
    """A stored time in milliseconds as a datetime."""
    return None if ms is None else present.at(ms)


@register.filter
def weekdays(digits: str) -> str:
    """Days as in `Zone.weekdays` (1 is Monday) in words; three and more in a row as from and until."""
    days = sorted({int(d) for d in digits if d in "1234567"})
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = [str(WEEKDAYS[day - 1]) for day in range(1, 8)]
    said = []
    for run in runs:
        if len(run) > 2:
            said.append(_("%(first)s至%(last)s") % {"first": names[run[0] - 1], "last": names[run[-1] - 1]})
        else:
            said += [names[day - 1] for day in run]
    return _("、").join(said)


@register.simple_tag
def seen_badge(seen: str) -> SafeString:
    """The class of a vehicle: colour, shape and words."""
    return light(SEEN[SeenAs(seen)], str(SeenAs(seen).label))


@register.simple_tag
def fill_badge(state: str) -> SafeString:
    """How full a bay is: colour, shape and words."""
    return light(FILLS[FillState(state)], str(FillState(state).label))


@register.simple_tag
def metres(mm: int) -> str:
    """A distance in millimetres as 3.4 m."""
    return _("%(m)s 米") % {"m": f"{mm / 1000:.1f}"}


@register.filter
def degrees(status: VehicleStatus) -> str:
    """Where a vehicle is, as the map's address names a place: "113.298000,40.075700"."""
    return f"{status.lon_e6 / 1e6:.6f},{status.lat_e6 / 1e6:.6f}"
