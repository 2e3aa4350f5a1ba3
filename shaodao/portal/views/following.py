"""What a reporter sees without an account: their report by number and code, and the three questions after closing."""

import uuid
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.cases.actions import Actor, perform
from shaodao.cases.models import Callback, Report
from shaodao.cases.words import OPEN_STATES, CaseState
from shaodao.foundation import uploads
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Upload
from shaodao.portal import limits, queries
from shaodao.portal.forms import AddForm, CallbackForm, FollowForm
from shaodao.portal.words import plain, stages, where

SALT, SECONDS = "portal.follow", 30 * 24 * 3600


def follow_token(report: Report) -> str:
    """A signed word for one report's own page, good for thirty days; the code gives a new one at any time."""
    return signing.dumps(report.pk, salt=SALT)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest) -> HttpResponse:
    """Ask for number and code; five wrong codes for a case and it rests for a quarter of an hour."""
    if request.method != "POST":
        return _ask(request, FollowForm(initial={"number": request.GET.get("number", "")[:30]}))
    form = FollowForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, 422)
    number = form.cleaned_data["number"].strip()
    if limits.WRONG_CODE.exhausted(request, number) or limits.WRONG_CODES.exhausted(request):
        form.add_error(None, _("查询码错得太多了，请过一刻钟再试。"))
        return _ask(request, form, 429)
    report = queries.report_by_code(number, form.cleaned_data["code"])
    if report is None:
        limits.WRONG_CODE.count(request, number)
        limits.WRONG_CODES.count(request)
        form.add_error("code", _("编号和查询码对不上，请核对提交时给您的号码。"))
        return _ask(request, form, 422)
    return redirect("followed", follow_token(report))


def _ask(request: HttpRequest, form: FollowForm, status: int = 200) -> HttpResponse:
    return render(request, "portal/follow.html", {"form": form}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def followed(request: HttpRequest, token: str) -> HttpResponse:
    """One report and how its case goes on; when cases were merged, the case that is being worked on.

    POST adds words and photos to the report while its case is open.
    """
    try:
        pk = signing.loads(token, salt=SALT, max_age=SECONDS)
    except signing.SignatureExpired:
        return redirect("follow")
    except signing.BadSignature:
        raise Http404 from None
    report = Report.objects.select_related("case", "first_case", "category").filter(pk=pk).first()
    if report is None:
        raise Http404
    if request.method != "POST":
        return _followed(request, report, AddForm(initial={"key": uuid.uuid4()}))
    form = AddForm(request.POST, request.FILES)
    kept = uploads.kept(request.POST.getlist("keep"), settings.PHOTO_MAX_COUNT)
    if form.is_valid() and _add(request, report, form, kept):
        return redirect(f"{reverse('followed', args=[token])}?added=1")
    return _followed(request, report, form, kept, 422)


def _add(request: HttpRequest, report: Report, form: AddForm, kept: list[Upload]) -> bool:
    """Store the photos and give the addition to the loop; what is wrong stands in the form, what was stored in `kept`."""
    if limits.additions().exhausted(request):
        form.add_error(None, _("一小时内补充得太多了，请稍后再试；您写的内容都还在。"))
        return False
    stored, faults = limits.store_photos(request, form.cleaned_data["photos"], len(kept))
    kept += stored
    for fault in faults:
        form.add_error("photos", fault)
    if faults:
        return False
    data = {"text": form.cleaned_data["text"], "photos": [u.pk for u in kept]}
    key = f"add:{report.pk}:{form.cleaned_data['key']}"
    try:
        perform("add_to_report", report.case_id, Actor.public(), key=key, data=data, extra={"report": report})
    except Refused as error:
        form.add_error(None, str(error.reason))
    except Invalid as error:
        for name, fault in error.errors.items():
            form.add_error(name if name in form.fields else None, str(fault))
    else:
        limits.additions().count(request)
        return True
    return False


def _followed(
    request: HttpRequest, report: Report, form: AddForm, kept: list[Upload] | None = None, status: int = 200
) -> HttpResponse:
    shown = queries.followed(report)
    photos = [p.upload_id for p in report.photos.all()]
    callback = report.callbacks.filter(answered_at=None).order_by("-round").first()
    asked = callback and shown.case.state in (CaseState.CLOSED, CaseState.HANDLING)
    context: dict[str, Any] = {
        "report": report,
        "case": shown.case,
        "shown": shown,
        "plain": plain(shown.case),
        "stages": stages(shown.case),
        "where": where(shown.case),
        "photos": [(pk, uploads.ticket(pk)) for pk in photos],
        "additions": list(report.additions.all()),
        "moved": report.first_case if report.first_case_id != shown.case.pk else None,
        "callback_url": reverse("callback", args=[callback.token]) if asked and callback else "",
        "form": form if shown.case.state in OPEN_STATES else None,
        "added": request.GET.get("added") == "1",
        "kept": [(uploads.ticket(u), u) for u in kept or []],
    }
    return render(request, "portal/followed.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def callback(request: HttpRequest, token: str) -> HttpResponse:
    """Responded? Resolved? Satisfied? Once, for whoever holds the link."""
    row = Callback.objects.select_related("case__category").filter(token=token).first()
    if row is None:
        raise Http404
    if row.answered_at:
        return render(request, "portal/callback_done.html", {"case": row.case, "again": True})
    form = CallbackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fault = _answer(token, form.cleaned_data)
        if fault is None:
            return redirect("callback_thanks", token)
        form.add_error(None, fault)
    status = 422 if form.errors else 200
    return render(request, "portal/callback.html", {"form": form, "case": row.case}, status=status)


def _answer(token: str, data: dict[str, Any]) -> str | None:
    """Give the answer to the loop; a sentence when it was not taken. The row is locked: two sendings are one answer."""
    values = {name: data[name] == "yes" for name in ("responded", "resolved", "satisfied")}
    try:
        with transaction.atomic():
            row = Callback.objects.select_for_update().get(token=token)
            given = {**values, "remark": data["remark"]}
            perform("callback", row.case_id, Actor.public(), data=given, extra={"callback": row})
    except Refused as error:
        return str(error.reason)
    except Invalid as error:
        return _("；").join(str(message) for message in error.errors.values())
    return None


@never_cache
@require_safe
def callback_thanks(request: HttpRequest, token: str) -> HttpResponse:
    row = Callback.objects.select_related("case").filter(token=token, answered_at__isnull=False).first()
    if row is None:
        raise Http404
    return render(request, "portal/callback_done.html", {"case": row.case, "again": False})
