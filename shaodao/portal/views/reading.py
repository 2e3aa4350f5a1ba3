"""What everybody may read: home, the list and the map of cases, one case, and the pages about this site."""

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.bikes.publish.wire import is_open
from shaodao.cases.actions import Actor, Submission, report
from shaodao.cases.models import Case
from shaodao.cases.words import OPEN_STATES
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Invalid, Refused
from shaodao.portal import feeds, limits, queries, streets
from shaodao.portal.forms import FilterForm, MeTooForm
from shaodao.portal.views.reporting import thanks_url
from shaodao.portal.words import plain, stages, where

PAGE_SIZES = (24, 100)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context = {
        "figures": queries.figures(clock.now()),
        "recent": queries.recently_closed(),
        "streets": streets.is_open(),
    }
    return render(request, "portal/home.html", context)


@require_safe
def public_cases(request: HttpRequest) -> HttpResponse:
    """The list, or with ?view=map the map of those that were published; both with the same filters."""
    form = FilterForm(request.GET)
    form.is_valid()
    filters = form.filters()
    size = PAGE_SIZES[1] if request.GET.get("per") == str(PAGE_SIZES[1]) else PAGE_SIZES[0]
    context: dict[str, Any] = {
        "everything": filters.everything,
        "form": form,
        "map": request.GET.get("view") == "map",
        "query": _filters_only(request),
    }
    if not context["map"]:
        context["page"] = Paginator(queries.listed(filters), size).get_page(request.GET.get("page"))
    return render(request, "portal/cases.html", context)


def _filters_only(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in ("page", "view", "per"):
        query.pop(name, None)
    return query.urlencode()


@require_safe
def cases_geojson(request: HttpRequest) -> HttpResponse:
    """The published cases with a position as GeoJSON, with the list's filters; 400 names a faulty filter."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    response = JsonResponse(feeds.geojson(queries.on_map(form.filters())), content_type="application/geo+json")
    response["Cache-Control"] = "public, max-age=60"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def public_case(request: HttpRequest, number: str) -> HttpResponse:
    """One case. Of an unpublished one only number, category, street and state."""
    shown = queries.public_case(number)
    if shown is None:
        raise Http404
    if shown.case.number != number:
        return redirect("public_case", shown.case.number, permanent=True)
    form = MeTooForm(request.POST if request.method == "POST" else None, initial={"key": uuid.uuid4()})
    if request.method == "POST":
        answer = _me_too(request, shown.case, form)
        if answer is not None:
            return answer
    case = shown.case
    context = {
        "case": case,
        "shown": shown,
        "plain": plain(case),
        "stages": stages(case),
        "where": where(case),
        "form": form,
        "joinable": case.published and case.state in OPEN_STATES,
        "point": feeds.geojson([case]) if case.published and case.lon is not None else None,
    }
    return render(request, "portal/case.html", context, status=422 if form.errors else 200)


def _me_too(request: HttpRequest, case: Case, form: MeTooForm) -> HttpResponse | None:
    """One more report on a published open case; None when the page must show what was wrong."""
    if not form.is_valid():
        return None
    if not (case.published and case.state in OPEN_STATES):
        form.add_error(None, _("该案件已不在办理中，请作为新问题上报"))
        return None
    if limits.reports().exhausted(request):
        form.add_error(None, _("一小时内提交得太多了，请稍后再试。"))
        return None
    submission = Submission(
        text=form.cleaned_data["text"] or _("我也遇到"),
        category=case.category,
        lon=case.lon,
        lat=case.lat,
        address="" if case.lon is not None else case.number,
        language=get_language() or "",
        key=form.cleaned_data["key"],
        join=case.pk,
        **form.contact(),
    )
    try:
        received = report(submission, Actor.public())
    except Invalid as error:
        form.add_error(None, _("；").join(str(message) for message in error.errors.values()))
        return None
    except Refused as error:
        form.add_error(None, str(error.reason))
        return None
    limits.reports().count(request)
    return redirect(thanks_url(received.report))


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    context = {"limits": district.current().settings.limits, "bikes": is_open(), "streets": streets.is_open()}
    return render(request, "portal/about.html", context)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/privacy.html", {"months": district.current().settings.retention_months})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/accessibility.html")


@never_cache
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read what is public, and nothing that belongs to one reporter."""
    kept_out = [
        "/work/",
        "/command/",
        "/callback/",
        "/follow/",
        "/report/thanks/",
        "/login/",
        "/api/",
        "/media/original/",
    ]
    feed = request.build_absolute_uri(reverse("public_feed"))
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in kept_out), f"Sitemap: {feed}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
