"""Inspections: draw a sample, go there with the phone, read what was found beside what tracks prove."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from shaodao.cases.forms import Position, RawPhotos, RawText, add_errors
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, sheets, uploads
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.naming import named
from shaodao.sanitation import rules, settings
from shaodao.sanitation.inspections import actions, queries
from shaodao.sanitation.inspections.actions import Found
from shaodao.sanitation.models import Inspection, InspectionRound
from shaodao.sanitation.requests import enter

PER_PAGE = 31


class SampleForm(forms.Form):
    day = RawText(label=gettext_lazy("日期"), widget=forms.DateInput({"type": "date"}))
    n = RawText(label=gettext_lazy("抽几段"), widget=forms.TextInput({"inputmode": "numeric", "maxlength": 3}))
    reason = RawText(
        label=gettext_lazy("理由（同一天再抽时）"), required=False, widget=forms.TextInput({"maxlength": 300})
    )


class InspectionForm(forms.Form):
    """One number for each line of the card, dust, photos; or why it was impossible."""

    dust = RawText(
        label=gettext_lazy("积尘（克/平方米）"), required=False, widget=forms.TextInput({"inputmode": "decimal"})
    )
    photos = RawPhotos(label=gettext_lazy("照片"), required=False)
    position = RawText(label=gettext_lazy("所在位置"), required=False, widget=Position())
    note = RawText(label=gettext_lazy("说明"), required=False, widget=forms.TextInput({"maxlength": 300}))
    impossible = RawText(
        label=gettext_lazy("没法检查的原因（施工、封路）"), required=False, widget=forms.TextInput({"maxlength": 300})
    )

    def __init__(self, card: list[list[Any]], **given: Any) -> None:
        super().__init__(**given, label_suffix="")
        self.codes = [code for code, *_rest in card]
        for code, name, name_en, points in card:
            label = f"{name_en if get_language() == 'en' else name} (0–{points:g})"
            widget = forms.TextInput({"inputmode": "decimal", "maxlength": 6, "autocomplete": "off"})
            self.fields[f"points_{code}"] = RawText(label=label, required=False, widget=widget)
        self.order_fields([*(f"points_{c}" for c in self.codes), "dust", "photos", "position", "note", "impossible"])


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def rounds(request: HttpRequest) -> HttpResponse:
    """The samples, newest first; POST draws one."""
    enter(request)
    actor = actor_of(request)
    may = rules.inspects(actor.facts)
    form = SampleForm(
        data=request.POST or None, label_suffix="", initial={"day": clock.local(clock.now()).date(), "n": 20}
    )
    status = 200
    if request.method == "POST":
        try:
            made = actions.sample(actor, _day(request), request.POST.get("n", ""), request.POST.get("reason", ""))
            return redirect("sanitation_inspection_round", pk=made.pk)
        except Invalid as error:
            add_errors(form, error.errors)
            status = 422
        except Refused as error:
            if error.forbidden:
                raise PermissionDenied(str(error.reason)) from None
            form.full_clean()
            form.add_error(None, str(error.reason))
            status = 409
    page = Paginator(queries.rounds(), PER_PAGE).get_page(request.GET.get("page"))
    done = Inspection.objects.filter(round__in=[r.pk for r in page], score__isnull=False)
    by_round: dict[int, list[Inspection]] = {}
    for row in done:
        by_round.setdefault(row.round_id, []).append(row)
    lines = [(r, queries.scores(by_round.get(r.pk, [])), queries.dust(by_round.get(r.pk, []))) for r in page]
    return render(
        request, "sanitation/inspections.html", {"page": page, "lines": lines, "form": form, "may": may}, status=status
    )


def _day(request: HttpRequest) -> date:
    try:
        return date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise Invalid({"day": _("日期看不懂")}) from None


@staff
@require_http_methods(["GET", "HEAD"])
def round_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One sample: each segment with its score, dust, cases of the week; how to draw it again. `?format=xlsx`."""
    enter(request)
    found = get_object_or_404(queries.rounds(), pk=pk)
    rows = queries.of_round(found)
    if request.GET.get("format") == "xlsx":
        return _sheet(found, rows)
    context = {
        "found": found,
        "rows": rows,
        "score": queries.scores(rows),
        "dust": queries.dust(rows),
        "numbers": settings.current(),
        "may": rules.inspects(actor_of(request).facts),
        "illustrative": any(r.segment.illustrative for r in rows),
    }
    return render(request, "sanitation/inspection_round.html", context)


def _sheet(found: InspectionRound, rows: list[Inspection]) -> HttpResponse:
    names = [item[2] if get_language() == "en" else item[1] for item in found.card]
    head = [
        _("序号"),
        _("道路"),
        _("路段"),
        *names,
        _("得分"),
        _("积尘（克/平方米）"),
        _("轨迹证明做到的遍数"),
        _("应做"),
        _("一周内的案件"),
        _("何时"),
        _("说明"),
    ]
    body = [
        [
            r.seq, named(r.segment.road), r.segment.code, *(r.points.get(item[0]) for item in found.card), r.score,
            r.dust_g_m2, *(getattr(r, "proven", None) or (None, None))[:2], getattr(r, "cases", 0), clock.local(r.at).strftime("%Y-%m-%d %H:%M") if r.at else "", r.impossible or r.note,
        ]
        for r in rows
    ]  # fmt: skip
    book = sheets.workbook({_("质量抽查"): [head, *body]})
    return HttpResponse(
        book,
        sheets.XLSX,
        headers={"Content-Disposition": content_disposition_header(True, f"inspection-{found}.xlsx") or ""},
    )


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def inspect(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of one drawn segment, on the phone beside it. Written once: who comes second is shown what is there."""
    enter(request)
    actor = actor_of(request)
    if not rules.inspects(actor.facts):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    row = get_object_or_404(Inspection.objects.select_related("round", "segment__road", "person"), pk=pk)
    form = InspectionForm(row.round.card, data=request.POST or None, files=request.FILES or None)
    status = 200
    if request.method == "POST":
        try:
            stored, faults = uploads.store_all(request.FILES.getlist("photos"), actor.person)
            if faults:
                raise Invalid({"photos": " ".join(faults)})
            points = {code: request.POST.get(f"points_{code}", "") for code in form.codes}
            text = {name: request.POST.get(name, "") for name in ("dust", "impossible", "note", "position")}
            actions.record(actor, pk, Found(points, photos=stored, **text))
            return redirect("sanitation_inspection_round", pk=row.round_id)
        except Invalid as error:
            add_errors(form, error.errors)
            status = 422
        except Conflict:
            row, status = Inspection.objects.select_related("round", "segment__road", "person").get(pk=pk), 409
    return render(request, "sanitation/inspect.html", {"row": row, "form": form}, status=status)
