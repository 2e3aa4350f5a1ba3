"""Staff take a report down: by community, street, hotline, department or inspector; duplicates first."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.cases import choices, inboxes, inputs, queries, questions
from shaodao.cases.actions import Submission
from shaodao.cases.actions import report as take_in
from shaodao.cases.actions.reporting import Received, may_call_urgent
from shaodao.cases.forms import ReportForm, add_errors
from shaodao.cases.questions import ANSWERED, AttributesForm
from shaodao.cases.requests import actor_of
from shaodao.cases.views import panels
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Upload
from shaodao.organisations.models import Organisation
from shaodao.places import queries as places

CALLERS = {"hotline"}  # channels in which somebody else speaks: the caller's contact is asked for


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    channels = inboxes.channels(actor.facts)
    if not channels:
        raise PermissionDenied(_("您的岗位不登记上报；公众上报请用公众页面"))
    if request.method != "POST":
        initial = {name: request.GET[name] for name in ("lon", "lat", "channel", "address") if name in request.GET}
        first = {"channel": channels[0][0]} | initial
        return _page(request, ReportForm(channels=channels, urgent=may_call_urgent(actor), initial=first))
    form = ReportForm(request.POST, request.FILES, channels=channels, urgent=may_call_urgent(actor))
    try:
        return _take(request, form)
    except Invalid as error:
        add_errors(form, _by_field(error.errors))
    except Refused as error:
        if error.forbidden:
            raise PermissionDenied(str(error.reason)) from None
        form.add_error(None, str(error.reason))
    return _page(request, form, status=422)


def _take(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """Store the photos, offer what may be the same problem, then report."""
    form.store_photos(actor_of(request).person)
    if not form.is_valid():
        return _page(request, form, status=422)
    submission = _submission(request, form)
    key = str(submission.category.pk) if submission.category else ""
    asked = questions.asked(submission.category, request.POST, key)
    if asked is not None:
        if not asked.is_bound:
            return _page(request, form, asked=asked, notice=_("这类问题还要回答下面几个问题。"))
        if not asked.is_valid():
            return _page(request, form, asked=asked, status=422)
        submission.attributes = asked.answers()
    choice = request.POST.get("join", "")
    if choice.isascii() and choice.isdigit() and len(choice) <= 15:
        submission.join = int(choice)
    elif choice != "new":
        near = _near(submission)
        if near:
            return _page(request, form, near=near, asked=asked)
    received = take_in(submission, actor_of(request))
    messages.success(request, _said(received))
    visible = queries.visible_to(actor_of(request).facts).filter(pk=received.case.pk).exists()
    return redirect("case", received.case.number) if visible else redirect("work")


def _said(received: Received) -> str:
    values = {"n": received.case.number, "code": received.report.follow_code}
    if received.joined:
        return _("已并入案件 %(n)s；查询码 %(code)s") % values
    if received.rebounded:
        return _("这是观察期内的反弹，案件 %(n)s 已重办；查询码 %(code)s") % values
    return _("已登记为案件 %(n)s；查询码 %(code)s") % values


def _submission(request: HttpRequest, form: ReportForm) -> Submission:
    values = form.cleaned_data
    fields = ("text", "channel", "lon", "lat", "cell", "address", "name", "phone", "email", "external_id")
    try:
        category = inputs.find_category(values["category"])
    except inputs.Fault as fault:
        raise Invalid({"category": str(fault)}) from None
    return Submission(
        **{name: values[name] for name in fields},
        datum=values["datum"] or "WGS-84",
        category=category,
        urgent=bool(values.get("urgent")),
        photos=list(Upload.objects.filter(pk__in=form.kept)) if form.kept else [],
        organisation=_organisation(request, values["channel"]),
        key=request.POST.get("key", "")[:80] or None,
    )


def _organisation(request: HttpRequest, channel: str) -> Organisation | None:
    """The organisation whose post the channel belongs to, where somebody holds several posts."""
    roles = inboxes.CHANNEL_ROLES.get(channel, set())
    post = next((p for p in actor_of(request).facts.posts if p.role in roles), None)
    return Organisation.objects.filter(pk=post.organisation_id).first() if post else None


def _near(submission: Submission) -> list[dict[str, Any]]:
    """Open cases that may be the same problem, with a photo to recognise it by."""
    if submission.category is None:
        return []
    lon, lat = submission.lon, submission.lat
    if lon in (None, "") and submission.cell and (where := places.by_cell(submission.cell)):
        lon, lat = where.lon, where.lat
    elif lon not in (None, ""):
        try:
            point = places.point(lon, lat, submission.datum)
        except ValueError as error:
            raise Invalid({"position": str(error)}) from None
        lon, lat = point["lon"], point["lat"]
    if lon in (None, "") or lat in (None, ""):
        return []
    found = queries.possible_duplicates(submission.category.pk, float(lon), float(lat), clock.now())  # type: ignore[arg-type]
    photos = panels.first_photos([c for _m, c in found])
    return [{"case": c, "metres": round(m), "photo": photos.get(c.pk)} for m, c in found]


def _answers_so_far(request: HttpRequest) -> AttributesForm | None:
    key = request.POST.get("category", "")
    try:
        form = questions.asked(inputs.find_category(key), request.POST, key)
    except inputs.Fault:
        return None
    return form if form is not None and form.is_bound else None


def _by_field(errors: dict[str, Any]) -> dict[str, Any]:
    """Faults of the position stand at the longitude, where the eye is."""
    return {("lon" if name == "position" else name): text for name, text in errors.items()}


@staff
@require_safe
def asking(request: HttpRequest) -> HttpResponse:
    """The questions of `?category=`, empty for one that asks nothing."""
    return render(request, "cases/parts/questions.html", _questions(request.GET.get("category", ""), None))


def _questions(key: str, form: AttributesForm | None) -> dict[str, Any]:
    if form is None:
        try:
            category = inputs.find_category(key)
        except inputs.Fault:
            category = None
        form, key = questions.asked(category), str(category.pk) if category else ""
    return {"questions": form, "answered": ANSWERED, "category_key": key}


def _page(
    request: HttpRequest,
    form: ReportForm,
    *,
    near: list[dict[str, Any]] | None = None,
    asked: AttributesForm | None = None,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    if asked is None and form.is_bound:  # something else was wrong: what was answered stays
        asked = _answers_so_far(request)
    context = {
        **_questions(str(form["category"].value() or ""), asked),
        "notice": notice,
        "form": form,
        "near": near or [],
        "callers": CALLERS,
        "place_names": choices.place_names(),
        "key": request.POST.get("key") or uuid.uuid4().hex,
    }
    return render(request, "cases/report.html", context, status=status)
