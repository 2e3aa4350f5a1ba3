"""The day: what is to be done on which road."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shaodao.cases.views.gate import staff
from shaodao.foundation import clock
from shaodao.sanitation import queries
from shaodao.sanitation.requests import enter


@staff
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Sums of the book."""
    enter(request)
    return render(request, "sanitation/board.html", {"at": clock.now(), "sums": queries.sums()})
