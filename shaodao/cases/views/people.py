"""The reporter behind a report: masked for everybody, shown to those who need it, each reading logged with a reason."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shaodao.cases import queries, rules
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import case_of, staff
from shaodao.foundation import clock

LONGEST = 200


@staff
@require_POST
def contact(request: HttpRequest, number: str, report: int) -> HttpResponse:
    """Show one reporter's contact, once, for a written reason; the reading is in the log."""
    case, actor = case_of(request, number), actor_of(request)
    row = case.reports.filter(pk=report).first()
    if row is None:
        raise Http404
    if not rules.may_read_contact(actor.facts, case.street_id, case.community_id, case.assignments.all()):
        raise PermissionDenied(_("您的岗位不能查看上报人的联系方式"))
    reason = " ".join(request.POST.get("reason", "").replace("\x00", "").split())[:LONGEST]
    if not reason:
        return render(request, "cases/contact.html", {"case": case, "report": row, "missing": True}, status=422)
    found = queries.read_contact(row.pk, actor.person, reason, clock.now())
    if found is None:
        return redirect("case", case.number)
    response = render(request, "cases/contact.html", {"case": case, "report": row, "contact": found, "reason": reason})
    add_never_cache_headers(response)
    return response
