"""The notices: reminders, urgings, circulars for one's organisation; they stay until somebody has seen them."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Case as Switch
from django.db.models import F, Max, Q, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from shaodao.cases import inboxes
from shaodao.cases.models import Notice
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


KINDS = {  # what the list can be narrowed to
    "supervise": gettext_lazy("督办"),
    "urge": gettext_lazy("催办"),
    "remind": gettext_lazy("到期提醒"),
    "circular": gettext_lazy("通报"),
    "other": gettext_lazy("其他"),
}
RUNGS = ("supervise", "urge", "remind")  # the highest first: it speaks for its case
# The items on one case are one line; a circular is a line of its own, since it is opened by itself.
THEME = Switch(When(~Q(kind="circular"), case__isnull=False, then=F("case_id")), default=-F("pk"))


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """The list, one line a case; POST marks the chosen ones (or all that the filter shows) as seen."""
    actor, kind = actor_of(request), request.GET.get("kind", "")
    rows = _of_kind(inboxes.notices(actor.facts), kind)
    if request.method == "POST":
        unseen = rows.filter(seen_at=None)
        if request.POST.get("do") != "all":
            ids = [int(t) for t in request.POST.getlist("notice") if t.isascii() and t.isdigit() and len(t) <= 15]
            unseen = unseen.filter(pk__in=ids[:500])
        unseen.update(seen_at=clock.now(), seen_by=actor.person)
        return redirect(request.get_full_path())
    show_all = request.GET.get("seen") == "1"
    rows = (rows if show_all else rows.filter(seen_at=None)).annotate(theme=THEME)
    themes = rows.order_by().values("theme").annotate(last=Max("pk")).order_by("-last")
    page = Paginator(themes, 50).get_page(request.GET.get("page"))
    wanted = [theme["theme"] for theme in page.object_list]
    context = {"page": page, "lines": _lines(rows, wanted), "show_all": show_all, "kind": kind, "kinds": KINDS.items()}
    return render(request, "cases/notices.html", context)


def _of_kind(rows: QuerySet[Notice], kind: str) -> QuerySet[Notice]:
    if kind == "other":
        return rows.exclude(kind__in=list(KINDS))
    return rows.filter(kind=kind) if kind in KINDS else rows


def _lines(rows: QuerySet[Any], themes: list[int]) -> list[dict[str, Any]]:
    """For each theme the item that speaks for it, how many there are, and which of them are unread. One query."""
    found: dict[int, list[Any]] = {theme: [] for theme in themes}
    for notice in rows.filter(theme__in=themes).select_related("case", "organisation", "seen_by").order_by("-pk"):
        found[notice.theme].append(notice)
    return [_line(items) for items in found.values() if items]


def _line(items: list[Any]) -> dict[str, Any]:
    unread = [n for n in items if n.seen_at is None]
    rank = {kind: i for i, kind in enumerate(RUNGS)}
    top = min(unread or items, key=lambda n: rank.get(n.kind, len(rank)))  # the newest where several stand equal
    top.icon, top.colour = LOOKS.get(top.kind, ("bell", "done"))
    top.words, top.address = words(top), address(top)
    return {"notice": top, "count": len(items), "last": items[0].created_at, "unread": unread}
