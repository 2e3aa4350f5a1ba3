"""servicerequestupdates, mySociety's extension: what happened to requests, and words from another system."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shaodao.cases import queries
from shaodao.cases.actions import perform
from shaodao.cases.masking import masked
from shaodao.cases.models import Case, CaseEvent, Note
from shaodao.cases.open311.listing import KNOWN, MOST, by_ids, window
from shaodao.cases.open311.wire import Fault, endpoint, given, instant, key, listed, respond, stamp
from shaodao.foundation.errors import Invalid

OPEN = {
    "file": gettext_lazy("已立案"),
    "dispatch": gettext_lazy("已派遣承办单位"),
    "self_handle": gettext_lazy("街道正在处置"),
    "whistle_confirm": gettext_lazy("街道已吹哨，部门正赶往现场"),
    "rebound": gettext_lazy("问题反弹，重新办理"),
    "unmerge": gettext_lazy("恢复为单独的案件"),
}
CLOSED = {
    "decline": gettext_lazy("不予立案"),
    "void": gettext_lazy("已作废"),
    "merge": gettext_lazy("已并入另一案件"),
    "close": gettext_lazy("已解决"),
    "close_not_fixed": gettext_lazy("未解决结案"),
    "answer": gettext_lazy("已书面答复"),
    "clear": gettext_lazy("已消除"),
}
WORDS = OPEN | CLOSED


@endpoint("GET", "POST")
def updates(request: HttpRequest, form: str) -> HttpResponse:
    return take(request, form) if request.method == "POST" else give(request, form)


def give(request: HttpRequest, form: str) -> HttpResponse:
    """Updates in their order of time, at most 1000; by default those of the last 90 days."""
    start, end = window(request)
    rows = CaseEvent.objects.filter(Q(action__in=WORDS) | Q(action="note", data__public=True, case__published=True))
    rows = rows.filter(case__in=Case.objects.filter(KNOWN)).select_related("case")
    if wanted := listed(request, "service_request_id"):
        rows = rows.filter(case__in=by_ids(wanted))
    elif start and end:
        rows = rows.filter(at__gte=start, at__lte=end)
    found = list(rows.order_by("at", "id")[:MOST])
    texts = dict(
        Note.objects.filter(pk__in=[e.data["note"] for e in found if e.action == "note"]).values_list("id", "text")
    )
    texts = {pk: masked(text) for pk, text in texts.items()}
    return respond(form, "service_request_updates", [line(e, texts) for e in found])


def line(event: CaseEvent, texts: dict[int, str]) -> dict[str, Any]:
    return {
        "update_id": event.pk,
        "service_request_id": event.case.number,
        "status": "closed" if event.action in CLOSED else "open",
        "updated_datetime": stamp(event.at),
        "description": texts.get(event.data["note"]) if event.action == "note" else str(WORDS[event.action]),
        "media_url": None,
    }


def take(request: HttpRequest, form: str) -> HttpResponse:
    """A word from another system becomes a progress note by the key's person; it moves nothing by itself.

    `update_id` is the sender's own: the same one again is answered as before.
    """
    token, actor = key(request)
    number, text = given(request, "service_request_id"), given(request, "description")
    if not number or not text:
        raise Fault(400, _("缺少 service_request_id 或 description"))
    status, theirs = given(request, "status").lower(), given(request, "update_id")
    if status and status not in {"open", "closed"}:
        raise Fault(400, _("status 应为 open 或 closed"))
    instant(request, "updated_datetime")
    case = queries.by_number(number)
    if case is None:
        raise Fault(404, _("没有这个 service_request_id：%(id)s") % {"id": number[:40]})
    if status:
        text += "\n" + _("对方系统状态：%(status)s") % {"status": status}
    if link := given(request, "media_url"):
        text += "\n" + link[:500]
    repeated = f"o311:{token.person_id}:{theirs[:50]}" if theirs else None
    try:
        done = perform("note", case.pk, actor, key=repeated, data={"text": text})
    except Invalid as error:
        raise Invalid({"description" if k == "text" else k: v for k, v in error.errors.items()}) from None
    return respond(form, "service_request_updates", [{"update_id": done.event.pk}])
