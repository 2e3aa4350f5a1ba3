"""Report a problem: one form, then perhaps "is it one of these?", then the number and the follow code.

Everything works without scripts. Photos are stored as soon as they arrive and carried by signed tickets, so that no
error and no question on the way loses anything that was typed or taken.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from shaodao.cases.actions import Actor, Received, Submission, report
from shaodao.cases.models import Case, Report
from shaodao.cases.questions import ANSWERED, AttributesForm, asked
from shaodao.catalogue.models import Category
from shaodao.foundation import clock, district, uploads
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import Upload
from shaodao.foundation.naming import named
from shaodao.places import queries as places
from shaodao.portal import limits, queries
from shaodao.portal.forms import DATUMS, ReportForm
from shaodao.portal.views.following import follow_token
from shaodao.portal.words import where

SALT, THANKS_SECONDS = "portal.thanks", 24 * 3600


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report_page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _take(request)
    given = {name: request.GET.get(name, "")[:200] for name in ("category", "lon", "lat", "address")}
    form = ReportForm(initial={**given, "datum": "wgs84", "key": uuid.uuid4()})
    category = form.categories.get(given["category"])
    return _page(request, Draft(form, _questions(category)))


@dataclass
class Draft:
    """A report on its way: the form, the category's questions, the photos that are stored already."""

    form: ReportForm
    questions: AttributesForm | None = None
    photos: list[Upload] = field(default_factory=list)
    notice: str = ""


def _take(request: HttpRequest) -> HttpResponse:
    earlier = _sent_before(request.POST.get("key", ""))
    if earlier:
        return redirect(_thanks_url(earlier))
    form = ReportForm(request.POST, request.FILES)
    draft = Draft(form, photos=_kept(request))
    form.is_valid()
    _store(request, draft)
    category = form.cleaned_data.get("category") or None
    draft.questions = _questions(category, request.POST)
    if form.errors or (draft.questions and not _answered(request, category, draft)):
        return _page(request, draft, 422 if form.errors or draft.questions.errors else 200)  # type: ignore[union-attr]
    if limits.reports().exhausted(request):
        draft.notice = _("一小时内提交得太多了，请稍后再试；您写的内容都还在。急事请拨打 12345。")
        return _page(request, draft, 429)
    return _decide(request, draft, category)


def _decide(request: HttpRequest, draft: Draft, category: Category | None) -> HttpResponse:
    """Offer the open cases that may be the same, or make the report."""
    data = draft.form.cleaned_data
    choice = request.POST.get("same", "")
    near = []
    if choice != "new":
        near = queries.neighbours(category, _point(data), clock.now())
        if near and choice not in {str(case.pk) for _metres, case in near}:
            return _offer(request, draft, near)
    submission = Submission(
        text=data["text"],
        category=category,
        lon=data["lon"],
        lat=data["lat"],
        datum=data["datum"],
        cell=data["cell"],
        address=data["address"],
        attributes=draft.questions.answers() if draft.questions else {},
        language=get_language() or settings.LANGUAGE_CODE,
        photos=draft.photos,
        key=data["key"],
        join=int(choice) if near else None,
        **draft.form.contact(),
    )
    try:
        received = report(submission, Actor.public())
    except Invalid as error:
        draft.form.faulty(error.errors)
        return _page(request, draft, 422)
    except Refused as error:
        draft.notice = str(error.reason)
        return _page(request, draft, 409)
    limits.reports().count(request)
    return redirect(_thanks_url(received.report, received))


# Photos and questions on the way


def _kept(request: HttpRequest) -> list[Upload]:
    """The photos of an earlier sending of this form that are still wanted."""
    return uploads.kept(request.POST.getlist("keep"), settings.PHOTO_MAX_COUNT)


def _store(request: HttpRequest, draft: Draft) -> None:
    """Store what came in, as far as there is room and allowance; say what could not be kept."""
    files = draft.form.cleaned_data.get("photos") or []
    stored, faults = limits.store_photos(request, files, len(draft.photos))
    draft.photos += stored
    for fault in faults:
        draft.form.add_error("photos", fault)


def _questions(category: Category | None, data: Any = None) -> AttributesForm | None:
    return asked(category, data, category.key if category else "")


def _answered(request: HttpRequest, category: Category | None, draft: Draft) -> bool:
    """Has the page shown this category's questions, and are the answers right? Else it is shown (again)."""
    if request.POST.get(ANSWERED) != (category.key if category else ""):
        draft.notice = _("这类问题还要请您回答下面几个问题。")
        return False
    return bool(draft.questions and draft.questions.is_valid())


def _point(data: dict[str, Any]) -> dict[str, Any]:
    """WGS-84 position of the form, for the look around; {} when there is none or it is not right."""
    if data["lon"] and data["lat"]:
        try:
            return places.point(data["lon"], data["lat"], data["datum"])
        except ValueError:
            return {}
    found = places.by_cell(data["cell"]) if data["cell"] else None
    return {"lon": found.lon, "lat": found.lat} if found else {}


# Pages


def _page(request: HttpRequest, draft: Draft, status: int = 200) -> HttpResponse:
    form = draft.form
    open_place = any(form[name].errors for name in ("position", "cell", "lon", "lat")) or form["cell"].value()
    context = {
        "form": form,
        "questions": draft.questions,
        "notice": draft.notice,
        "kept": [(uploads.ticket(u), u) for u in draft.photos],
        "open_place": open_place,
        "open_contact": any(form[name].value() for name in ("name", "phone", "email")),
        "categories_url": reverse("report_categories"),
        "answered": ANSWERED,
        "category_key": form["category"].value() or "",
    }
    return render(request, "portal/report.html", context, status=status)


def _offer(request: HttpRequest, draft: Draft, near: list[tuple[float, Case]]) -> HttpResponse:
    """Is it one of these? Everything that was typed travels along in hidden fields."""
    skipped = {"photos", "same", "keep", "csrfmiddlewaretoken", "key"}
    carried = [(name, value) for name, values in request.POST.lists() if name not in skipped for value in values]
    carried += [("keep", uploads.ticket(u)) for u in draft.photos]
    carried.append(("key", draft.form.cleaned_data["key"]))
    return render(request, "portal/report_same.html", {"near": near, "carried": carried, "photos": len(draft.photos)})


def _sent_before(key: str) -> Report | None:
    try:
        return Report.objects.select_related("case").filter(client_key=str(uuid.UUID(key))).first()
    except ValueError:
        return None


def _thanks_url(row: Report, received: Received | None = None) -> str:
    what = "joined" if row.me_too else "rebounded" if received and received.rebounded else "new"
    return reverse("report_thanks", args=[signing.dumps([row.pk, what], salt=SALT)])


thanks_url = _thanks_url


@never_cache
@require_safe
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """The number, the follow code and what happens next; the address works for a day."""
    try:
        pk, what = signing.loads(token, salt=SALT, max_age=THANKS_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise Http404 from None
    row = (
        Report.objects.select_related("category", "case__category", "case__street", "case__community")
        .filter(pk=pk)
        .first()
    )
    if row is None:
        raise Http404
    context = {
        "photos": [(u.upload_id, uploads.ticket(u.upload_id)) for u in row.photos.all()],
        "where": where(row.case),
        "report": row,
        "case": row.case,
        "what": what,
        "limits": district.current().settings.limits,
        "handle": _handle_limit(row.case),
        "follow_url": reverse("followed", args=[follow_token(row)]),
        "others": row.case.report_count - 1,
    }
    return render(request, "portal/thanks.html", context)


def _handle_limit(case: Case) -> Any:
    """The limit that the category's first condition sets, None when the category is still open."""
    from shaodao.cases.actions.parts import handle_limit

    return handle_limit(case) if case.category_id else None


# Parts that scripts fetch while somebody fills the form


@require_GET
def categories(request: HttpRequest) -> HttpResponse:
    """The options of the category select that fit some words."""
    found = queries.public_categories(request.GET.get("category_search", "")[:60])
    chosen = request.GET.get("category", "")
    context = {"groups": queries.grouped(found), "count": len(found), "chosen": chosen}
    return render(request, "portal/parts/categories.html", context)


@require_GET
def questions(request: HttpRequest) -> HttpResponse:
    """The questions of a category, empty for one that asks nothing."""
    key = request.GET.get("category", "")
    category = next((c for c in queries.public_categories() if c.key == key), None)
    context = {"questions": _questions(category), "answered": ANSWERED, "category_key": key}
    return render(request, "cases/parts/questions.html", context)


@require_GET
def place(request: HttpRequest) -> HttpResponse:
    """Which street and community a picked point lies in, or that it is outside."""
    datum = DATUMS.get(request.GET.get("datum", "wgs84"), "WGS-84")
    try:
        point = places.point(request.GET.get("lon"), request.GET.get("lat"), datum)
    except ValueError as error:
        return render(request, "portal/parts/place.html", {"fault": str(error)})
    found = places.locate(point["lon"], point["lat"])
    context: dict[str, Any] = {"inside": found.inside}
    if found.cell:
        community = found.cell.community
        context |= {
            "names": " · ".join(n for n in (named(community.parent), named(community)) if n),
            "cell": found.cell.code,
            "illustrative": found.cell.illustrative,
        }
    return render(request, "portal/parts/place.html", context)
