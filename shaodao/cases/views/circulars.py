"""One circular for those it went to: its text, who has read it, and the button that says so."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from shaodao.cases import queries
from shaodao.cases.actions.circulars import read_circular
from shaodao.cases.inboxes import organisations_of
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The circular, for the units that it went to and for who sees its case; POST: my unit has read it."""
    row = get_object_or_404(queries.circulars(), pk=pk)
    actor = actor_of(request)
    sent = {o.pk for o in row.organisations.all()} & organisations_of(actor.facts)
    sees_case = row.case_id is not None and queries.visible_to(actor.facts).filter(pk=row.case_id).exists()
    if not sent and not sees_case:
        raise PermissionDenied(_("这份通报没有发给您的单位"))
    if request.method == "POST":
        read_circular(row, actor, clock.now())
        return redirect("work_circular", pk=row.pk)
    unread = sent - {r.organisation_id for r in row.readings.all()}
    return render(request, "cases/circular.html", {"row": row, "may_read": bool(unread), "sees_case": sees_case})
