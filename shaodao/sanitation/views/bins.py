"""Litter bins: the day for the office, the sheet of codes to stick on, keys for crews' phones, the page beside the bin."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.cases.forms import Position, RawChoice, RawChoices, RawPhotos, RawText, add_errors
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, uploads
from shaodao.foundation.assets import built
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.account.qr import svg
from shaodao.sanitation import queries
from shaodao.sanitation.bins import day as days
from shaodao.sanitation.bins import keys, tours, visits
from shaodao.sanitation.bins.visits import Sent
from shaodao.sanitation.models import Bin, BinRound, BinVisit, Crew, CrewKey, Road
from shaodao.sanitation.plan import road as roadside
from shaodao.sanitation.requests import enter
from shaodao.sanitation.words import BinTask, BinTrouble

PER_PAGE = 100
SHEET = 24  # codes on an A4 page
QUEUE = 200  # visits that a phone sends at once
TASKS = ("wipe", "empty", "disinfect")


def asked_day(request: HttpRequest) -> date:
    """`?day=`, today where there is none or it is none."""
    try:
        return date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return clock.local(clock.now()).date()


@staff
@require_safe
def bins(request: HttpRequest) -> HttpResponse:
    """Rates of the day by round, what is wrong with bins, and those that fell short."""
    enter(request)
    found = days.of(asked_day(request))
    chosen = request.GET.get("road", "").replace("\x00", "")
    short = [
        (line, bin_, [(BinTask(t).label, n) for t, n in missing.items()])
        for line in found.lines
        for bin_, missing in line.short
        if not chosen or (bin_.road and bin_.road.code == chosen)
    ]
    context = {
        "found": found,
        "lines": [(line, [(BinTask(t).label, rate) for t, rate in line.rates.items()]) for line in found.lines],
        "page": Paginator(short, PER_PAGE).get_page(request.GET.get("page")),
        "roads": Road.objects.filter(active=True).order_by("code"),
        "chosen": chosen,
        "today": clock.local(clock.now()).date(),
        "may": queries.may_edit(actor_of(request)),
        "illustrative": any(line.illustrative for line in found.lines),
    }
    return render(request, "sanitation/bins.html", context)


@staff
@require_safe
def sheet(request: HttpRequest) -> HttpResponse:
    """Codes of a road's bins to print and stick on, 24 on a page."""
    enter(request)
    road = get_object_or_404(Road, code=request.GET.get("road", "").replace("\x00", ""))
    rows = Bin.objects.filter(active=True, road=road).order_by("code")
    page = Paginator(rows, SHEET).get_page(request.GET.get("page"))
    codes = [(bin_, svg(request.build_absolute_uri(reverse("sanitation_bin", args=[bin_.code])))) for bin_ in page]
    return render(request, "sanitation/bin_sheet.html", {"road": road, "page": page, "codes": codes})


@staff
@require_safe
def tour(request: HttpRequest, code: str) -> HttpResponse:
    """The tours of a round: how many carts each window needs, and the order of the bins for each cart. To print."""
    enter(request)
    found = get_object_or_404(BinRound, code=code.replace("\x00", ""), active=True)
    context: dict[str, Any] = {"round": found, "illustrative": found.illustrative}
    try:
        context["found"] = tours.tours(found.code)
    except Invalid as error:
        context["fault"] = "；".join(map(str, error.errors.values()))
    return render(request, "sanitation/bin_tours.html", context)


# ── keys of phones ───────────────────────────────────────────────────────────────────────────────────────────────


class KeyForm(forms.Form):
    crew = RawChoice(label=gettext_lazy("班组"))
    label = RawText(label=gettext_lazy("谁的手机"), widget=forms.TextInput({"maxlength": 60, "autocomplete": "off"}))

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, label_suffix="")
        crews = Crew.objects.filter(active=True).order_by("code")
        self.fields["crew"].choices = [(c.code, str(c)) for c in crews]  # type: ignore[attr-defined]


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def phones(request: HttpRequest) -> HttpResponse:
    """Issue keys; the link is shown once more at any time to who may issue them."""
    actor = actor_of(request)
    if not queries.may_edit(actor):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    form = KeyForm(data=request.POST or None)
    status = 200
    if request.method == "POST":
        crew = Crew.objects.filter(code=request.POST.get("crew", "").replace("\x00", ""), active=True).first()
        try:
            if crew is None:
                raise Invalid({"crew": _("选一个班组")})
            return redirect("sanitation_phone", pk=keys.issue(actor, crew, request.POST.get("label", "")).pk)
        except Invalid as error:
            form.full_clean()
            add_errors(form, error.errors)
            status = 422
    page = Paginator(keys.listed(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "sanitation/phones.html", {"form": form, "page": page}, status=status)


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def phone(request: HttpRequest, pk: int) -> HttpResponse:
    """One key with its link and code; POST withdraws it."""
    actor = actor_of(request)
    if not queries.may_edit(actor):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    key = get_object_or_404(CrewKey.objects.select_related("crew", "issued_by"), pk=pk)
    if request.method == "POST":
        keys.withdraw(actor, pk)
        messages.success(request, _("已收回：这部手机不能再签到"))
        return redirect("sanitation_phones")
    link = request.build_absolute_uri(reverse("sanitation_crew", args=[keys.token_of(key)]))
    return render(request, "sanitation/phone.html", {"key": key, "link": link, "code": svg(link)})


# ── on the phone ─────────────────────────────────────────────────────────────────────────────────────────────────


@never_cache
@require_safe
def crew(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a key: from here on this phone is one of the crew's."""
    key = keys.key_of(token)
    if key is None:
        raise Http404(_("这个链接已失效，请向班组要新的"))
    today = clock.local(clock.now()).date()
    rows = BinVisit.objects.filter(key=key, day=today).select_related("bin").order_by("-at")[:20]
    trips = [(trip, roadside.token_of(trip)) for trip in roadside.trips_of(key.crew, today)]
    response = render(request, "sanitation/crew.html", {"key": key, "rows": rows, "trips": trips})
    keys.remember(response, token)
    return response


class VisitForm(forms.Form):
    """What was done at the bin."""

    tasks = RawChoices(label=gettext_lazy("做了什么"), choices=BinTask.choices, widget=forms.CheckboxSelectMultiple)
    photos = RawPhotos(label=gettext_lazy("照片"), required=False)
    trouble = RawChoice(
        label=gettext_lazy("果皮箱有问题吗"), required=False, choices=[("", gettext_lazy("没有")), *BinTrouble.choices]
    )
    note = RawText(label=gettext_lazy("说明"), required=False, widget=forms.TextInput({"maxlength": 300}))
    position = RawText(label=gettext_lazy("所在位置"), required=False, widget=Position())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def at_bin(request: HttpRequest, code: str) -> HttpResponse:
    """Beside the bin: a crew's phone checks in; anybody else reads what was done today and can report."""
    bin_ = Bin.objects.select_related("road", "round").filter(code=code.replace("\x00", ""), active=True).first()
    if bin_ is None:
        raise Http404(_("没有这个果皮箱，或已撤走"))
    key = keys.phone_of(request)
    today = clock.local(clock.now()).date()
    if request.method == "POST":
        return _check_in(request, bin_, key)
    work = days.work_of(bin_, today)
    due = [task for task in TASKS if work[task][0] < work[task][1]]
    form = VisitForm(initial={"tasks": due[:2]}, label_suffix="") if key else None
    return _bin_page(request, bin_, key, form, uuid.uuid4().hex)


def _bin_page(request: HttpRequest, bin_: Bin, key: Any, form: Any, visit: str, status: int = 200) -> HttpResponse:
    work = days.work_of(bin_, clock.local(clock.now()).date())
    context = {
        "bin": bin_, "key": key, "form": form, "visit": visit,
        "work": [(BinTask(task).label, done, planned) for task, (done, planned) in work.items()],
    }  # fmt: skip
    return render(request, "sanitation/bin.html", context, status=status)


def _check_in(request: HttpRequest, bin_: Bin, key: CrewKey | None) -> HttpResponse:
    if key is None:
        raise PermissionDenied(_("这部手机没有班组的链接，或链接已收回"))
    visit = request.POST.get("visit", "")
    form = VisitForm(data=request.POST, files=request.FILES, label_suffix="")
    try:
        stored, faults = uploads.store_all(request.FILES.getlist("photos")[:1])
        if faults:
            raise Invalid({"photos": " ".join(faults)})
        given = {name: request.POST.get(name, "") for name in ("position", "trouble", "note")}
        photo = stored[0] if stored else None
        visits.record(key, bin_, Sent(visit=visit, tasks=request.POST.getlist("tasks"), photo=photo, **given))
    except Invalid as error:
        form.full_clean()
        add_errors(form, error.errors)
        return _bin_page(request, bin_, key, form, visit or uuid.uuid4().hex, status=422)
    messages.success(request, _("已记下：%(bin)s") % {"bin": bin_})
    return redirect("sanitation_crew", token=keys.token_of(key))


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The form of any bin, which a crew's phone keeps for when it has no network; it shows nothing of anybody."""
    return render(request, "sanitation/bin_offline.html", {"form": VisitForm(label_suffix="")})


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker (frontend/src/worker.ts): it may answer for the pages below the address it comes from."""
    found = built("src/worker.ts")
    if found is None:
        raise Http404
    return HttpResponse(found, "text/javascript", headers={"Cache-Control": "no-cache"})


@never_cache
@require_POST
def queue(request: HttpRequest) -> JsonResponse:
    """What a phone noted without a network: [{bin, visit, tasks, at, position, trouble, note}, …], at most 200.

    Answers {visit: "ok" or {field: fault}}: one bad visit loses none of the others.
    """
    key = keys.phone_of(request)
    if key is None:
        return JsonResponse({"detail": _("这部手机没有班组的链接，或链接已收回")}, status=403)
    try:
        sent = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, list) or len(sent) > QUEUE or not all(isinstance(one, Mapping) for one in sent):
        return JsonResponse({"detail": _("应是不超过 %(n)d 条的列表") % {"n": QUEUE}}, status=400)
    there = {
        b.code: b for b in Bin.objects.filter(code__in={str(one.get("bin", ""))[:60] for one in sent}, active=True)
    }
    answer: dict[str, Any] = {}
    for one in sent:
        bin_ = there.get(str(one.get("bin", ""))[:60])
        try:
            if bin_ is None:
                raise Invalid({"bin": _("没有这个果皮箱，或已撤走")})
            visits.record(key, bin_, visits.from_json(one))
            answer[str(one.get("visit", ""))[:40]] = "ok"
        except Invalid as error:
            answer[str(one.get("visit", ""))[:40]] = {name: str(text) for name, text in error.errors.items()}
        except Refused as error:
            answer[str(one.get("visit", ""))[:40]] = {"bin": str(error.reason)}
    return JsonResponse(answer)
