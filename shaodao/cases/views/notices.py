"""The notices: reminders, urgings, circulars for one's organisation; they stay until somebody has seen them."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from shaodao.cases import inboxes
from shaodao.cases.notices import address, words
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock

LOOKS = {  # icon and colour of a notice by its kind
    "remind": ("clock", "yellow"),
    "urge": ("bell-ringing", "yellow"),
    "supervise": ("flag-exclamation", "red"),
    "rework": ("rotate", "red"),
    "rebound": ("rotate", "red"),
    "assigned": ("file-import", "done"),
    "whistle_draft": ("speakerphone", "yellow"),
    "circular": ("message", "done"),
    "evaluate": ("star", "done"),
    "evaluation": ("star", "done"),
    "appeal": ("scale", "yellow"),
    "appeal_decided": ("gavel", "done"),
}


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """The list; POST marks the chosen ones (or all) as seen."""
    actor = actor_of(request)
    rows = inboxes.notices(actor.facts).select_related("case", "organisation", "seen_by")
    if request.method == "POST":
        unseen = inboxes.notices(actor.facts).filter(seen_at=None)
        if request.POST.get("do") != "all":
            ids = [int(t) for t in request.POST.getlist("notice") if t.isascii() and t.isdigit() and len(t) <= 15]
            unseen = unseen.filter(pk__in=ids[:500])
        unseen.update(seen_at=clock.now(), seen_by=actor.person)
        return redirect(request.get_full_path())
    show_all = request.GET.get("seen") == "1"
    page = Paginator(rows if show_all else rows.filter(seen_at=None), 50).get_page(request.GET.get("page"))
    shown: list[Any] = list(page.object_list)
    for notice in shown:
        notice.icon, notice.colour = LOOKS.get(notice.kind, ("bell", "done"))
        notice.words, notice.address = words(notice), address(notice)
    return render(request, "cases/notices.html", {"page": page, "notices": shown, "show_all": show_all})
