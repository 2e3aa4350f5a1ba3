"""The page of appeals, also as Excel; they are reviewed on the case's page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from shaodao.cases.models import Appeal
from shaodao.command import links, pages
from shaodao.command.access import page, scope_of
from shaodao.command.appeals import queries
from shaodao.foundation.naming import named


@require_safe
@page()
def appeals(request: HttpRequest) -> HttpResponse:
    """Appeals: the headquarters see all, a department those of its cases."""
    filters, scope = pages.Filters(request), scope_of(request)
    state = filters.choice("state", Appeal.State.values)
    rows = queries.appeals(scope, state, filters.unit(), filters.day("since"), filters.day("until"))
    if pages.wants_file(request):
        return pages.file_of("appeals", pgettext("page", "申诉"), _columns(), rows)
    found = queries.counts(scope)
    return pages.show(
        request,
        "command/appeals.html",
        "appeals",
        rows=pages.paged(request, rows),
        counts=[(s.value, s.label, found[s], links.to("command_appeals", state=s.value)) for s in Appeal.State],
        controls=[
            pages.select(request, "state", _("状态"), Appeal.State.choices),
            pages.unit_select(request),
            *pages.days(request),
        ],
        faults=filters.faults,
    )


def _columns() -> dict[str, Any]:
    def voice(index: int) -> Any:
        return lambda a: _said(a.voices[index]) if len(a.voices) > index else ""

    return {
        _("案件"): lambda a: a.case.number,
        _("类别"): lambda a: named(a.case.category),
        _("街道"): lambda a: named(a.case.street),
        _("单位"): lambda a: named(a.assignment.organisation),
        _("申诉事项"): lambda a: _("、").join(a.ground_labels),
        _("申诉理由"): lambda a: a.reason,
        _("申诉时间"): lambda a: a.asked_at,
        _("状态"): lambda a: a.get_state_display(),
        _("复核一"): voice(0),
        _("复核二"): voice(1),
        _("复核三"): voice(2),
        _("定论时间"): lambda a: a.decided_at,
    }


def _said(voice: dict[str, Any]) -> str:
    """One opinion as a cell: who, which way, why."""
    return f"{voice['by'] or ''} {_('支持') if voice['upheld'] else _('不支持')}{_('：')}{voice['opinion']}".strip()
