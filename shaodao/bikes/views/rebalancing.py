"""Advice on moving bikes, for the operator whose bikes they are and for those who review operators."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from shaodao.bikes import queries, rules, settings
from shaodao.bikes.models import Operator
from shaodao.bikes.rebalancing import sheet, texts
from shaodao.bikes.rebalancing.advice import Advice, advice
from shaodao.bikes.requests import enter, operator_of
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, district, log, sheets
from shaodao.foundation.naming import named


class AskForm(forms.Form):
    """How far ahead, and with how many vanloads; what is left out is the pack's."""

    hours = forms.IntegerField(
        label=gettext_lazy("今后几小时"), required=False, min_value=1, max_value=12,
        widget=forms.NumberInput({"class": "form-control", "required": True}),
    )  # fmt: skip
    loads = forms.IntegerField(
        label=gettext_lazy("最多几车次"), required=False, min_value=0, max_value=200,
        widget=forms.NumberInput({"class": "form-control", "required": True}),
    )  # fmt: skip


def _scope(request: HttpRequest) -> tuple[list[Operator], Operator | None]:
    """(the operators that may be chosen, the chosen one): one's own, or any for those who review operators.

    None: several are there and none was chosen yet. 403 for everybody else.
    """
    enter(request)
    facts = actor_of(request).facts
    rows = Operator.objects.select_related("organisation").order_by("organisation__code")
    if not rules.reviews(facts, queries.reviewer_id()):
        if not rules.owned(facts):
            raise PermissionDenied(_("您的岗位看不到这个页面"))
        rows = rows.filter(organisation__in=rules.owned(facts))
    operators = list(rows)
    code = request.GET.get("operator", "").replace("\x00", "")
    chosen = next((o for o in operators if o.organisation.code == code), None)
    if code and chosen is None:
        operator_of(request, code)
        raise PermissionDenied(_("这是另一家企业的资料"))
    return operators, chosen or (operators[0] if len(operators) == 1 else None)


@staff
@require_safe
def rebalancing(request: HttpRequest) -> HttpResponse:
    """The advice of now for one operator; `?format=xlsx` the same as a file, reckoned anew."""
    operators, chosen = _scope(request)
    given = settings.current().rebalancing
    first = {"hours": given.hours, "loads": given.loads}
    asked = {name: request.GET.get(name, "").replace("\x00", "") or value for name, value in first.items()}
    form = AskForm(asked, label_suffix="")
    found = None
    if form.is_valid() and chosen is not None:
        found = advice(chosen, clock.now(), form.cleaned_data["hours"], form.cleaned_data["loads"])
        if request.GET.get("format") == "xlsx" and not found.missing:
            return _file(request, chosen, found)
    context: dict[str, Any] = {
        "operators": operators, "chosen": chosen, "form": form, "found": found, "given": given, "at": clock.now(),
    }  # fmt: skip
    if found is not None:
        context |= {
            "empty": texts.missing(found) if found.missing else texts.nothing() if not found.moves else None,
            "gap": texts.gap(found.gap) if found.moves else "",
            "basis": [] if found.missing else texts.basis(found),
            "gains": "" if found.missing else texts.gains(found),
            "carried": sum(m.bikes for m in found.moves),
            "driven": sum(m.loads for m in found.moves),
            "illustrative": _sample(chosen, found),
        }
    return render(request, "bikes/rebalancing.html", context, status=200 if form.is_valid() else 422)


def _sample(operator: Operator | None, found: Advice) -> bool:
    spots = [s for m in found.moves for s in (m.origin, m.target)]
    own = operator is not None and operator.organisation.illustrative
    return own or any(s.illustrative for s in spots) or district.current().sample


def _file(request: HttpRequest, operator: Operator, found: Advice) -> HttpResponse:
    at = clock.local(found.at)
    title = f"{_('调度建议')} · {named(operator.organisation)} · {at:%Y-%m-%d %H:%M}"
    body = sheet.workbook(title, _("含示例数据") if _sample(operator, found) else "", found)
    log.write("bikes.rebalancing", f"operator:{operator.organisation.code}", actor=actor_of(request).person)
    response = HttpResponse(body, content_type=sheets.XLSX)
    name = f"rebalancing-{operator.organisation.code}-{at:%Y%m%d-%H%M}.xlsx"
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response
