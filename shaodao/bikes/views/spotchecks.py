"""Counting a bay on the phone, and how far the feeds are off."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.bikes import settings, spotchecks
from shaodao.bikes.actions.spotchecks import ALL, Counted
from shaodao.bikes.actions.spotchecks import count as write_down
from shaodao.bikes.models import Bay, Operator
from shaodao.bikes.requests import enter
from shaodao.bikes.views.operators import words_of
from shaodao.cases.forms import Position, RawPhotos, RawText, add_errors
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import uploads
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.naming import named
from shaodao.places import queries as places

PER_PAGE = 50
NUMBER = {"inputmode": "numeric", "maxlength": "4", "autocomplete": "off"}


class CountForm(forms.Form):
    """One number for each operator, one for all together; at least one of them."""

    position = RawText(label=gettext_lazy("所在位置"), required=False, widget=Position())
    photos = RawPhotos(label=gettext_lazy("照片"), required=False)
    note = RawText(label=gettext_lazy("说明"), required=False, widget=forms.Textarea({"rows": 2, "maxlength": 300}))

    def __init__(self, operators: list[Operator], **given: Any) -> None:
        super().__init__(**given, label_suffix="")
        self.names = {str(o.pk): f"count_{o.pk}" for o in operators} | {ALL: "count_all"}
        labels = {str(o.pk): named(o.organisation) for o in operators} | {ALL: _("不分企业，合计")}
        for who, name in self.names.items():
            self.fields[name] = RawText(
                label=_("%(who)s（辆）") % {"who": labels[who]}, required=False, widget=forms.TextInput(NUMBER)
            )
        self.order_fields([*self.names.values(), "photos", "position", "note"])

    def sent(self, person: Any, key: str) -> Counted:
        """What was sent, the photo stored; Invalid names a photo that cannot be read."""
        self.full_clean()
        values = self.cleaned_data
        counts = {who: values.get(name) for who, name in self.names.items()}
        stored, faults = uploads.store_all((self.files.getlist("photos") if self.files else [])[:1], person)
        if faults:
            raise Invalid({"photos": " ".join(faults)})
        photo = stored[0] if stored else None
        return Counted(counts, key, values.get("position") or "", values.get("note") or "", photo, self.names)


@staff
@require_safe
def checks(request: HttpRequest) -> HttpResponse:
    """Bays to count for who counts; the counts that the reader may see; how far each operator's feed is off."""
    enter(request)
    facts = actor_of(request).facts
    counting = spotchecks.territory(facts) is not None
    near, fault = _near(request.GET.get("near", ""))
    context = {
        "counting": counting,
        "bays": spotchecks.bays(facts, text=words_of(request), near=near) if counting else [],
        "near": near,
        "fault": fault,
        "q": words_of(request),
        "page": Paginator(spotchecks.visible(facts), PER_PAGE).get_page(request.GET.get("page")),
        "summary": spotchecks.summary(),
        "numbers": settings.current().spot_checks,
    }
    return render(request, "bikes/spot_checks.html", context)


def _near(text: str) -> tuple[tuple[float, float] | None, str]:
    """A position "lon,lat" of the address, or what is wrong with it."""
    if not text.strip():
        return None, ""
    lon, _comma, lat = text[:60].replace("\x00", "").partition(",")
    try:
        found = places.point(lon.strip(), lat.strip())
    except ValueError as error:
        return None, str(error)
    return (found["lon"], found["lat"]), ""


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def count(request: HttpRequest, code: str) -> HttpResponse:
    """The form of one bay. What the feeds say is not shown before it is sent: it is the eye that counts."""
    enter(request)
    actor = actor_of(request)
    bay = get_object_or_404(
        Bay.objects.select_related("street", "community"), code=code.replace("\x00", ""), active=True
    )
    if not spotchecks.may_count(actor.facts, bay):
        raise PermissionDenied(_("您的岗位或辖区不能清点这个点位"))
    operators = spotchecks.operators()
    if request.method != "POST":
        return _page(request, bay, CountForm(operators, initial={"position": request.GET.get("near", "")[:60]}))
    form = CountForm(operators, data=request.POST, files=request.FILES)
    try:
        rows = write_down(actor, bay, form.sent(actor.person, request.POST.get("key", "")))
    except Invalid as error:
        add_errors(form, error.errors)
        return _page(request, bay, form, status=422)
    except Refused as error:
        raise PermissionDenied(str(error.reason)) from None
    for row in rows:
        said = {"unit": named(row.operator.organisation) if row.operator else _("合计"), "a": row.counted, "b": row.fed}
        messages.success(request, _("%(unit)s：清点 %(a)d 辆，数据 %(b)d 辆") % said)
    return redirect("bikes_spot_checks")


def _page(request: HttpRequest, bay: Bay, form: CountForm, status: int = 200) -> HttpResponse:
    context = {"bay": bay, "form": form, "key": request.POST.get("key") or uuid.uuid4().hex}
    return render(request, "bikes/spot_check.html", context, status=status)


@require_safe
def published(request: HttpRequest) -> HttpResponse:
    """Each operator's mean difference, for everybody, where the pack says so. No persons, no bays."""
    numbers = settings.current().spot_checks
    if not numbers.published:
        raise Http404
    return render(request, "bikes/spot_checks_published.html", {"summary": spotchecks.summary(), "numbers": numbers})
