"""Forms of the operators' pages. What a value must be is said in `inputs.py`; here controls are drawn and kept."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shaodao.bikes import queries
from shaodao.bikes.admission import APPLICATION, Transition
from shaodao.bikes.queries import Loaded
from shaodao.cases.forms import Raw, RawChoice, RawText, add_errors
from shaodao.cases.lifecycle import Field
from shaodao.foundation import clock, papers
from shaodao.foundation.naming import named

REASONS = {
    "request_more": _("还要补什么"),
    "refuse": _("不予准入的理由"),
    "change_quota": _("调整的理由"),
    "warn": _("警告的事由"),
    "suspend": _("暂停的理由"),
    "withdraw": _("退出的理由"),
    "review_paper": _("审查意见"),
}
DAY = {"type": "date", "min": "2000-01-01", "max": "2099-12-31"}


class RawFile(Raw, forms.FileField):
    pass


class ActionForm(forms.Form):
    """The form of one action of `admission.py`."""

    def __init__(self, t: Transition, loaded: Loaded, person: Any, **given: Any) -> None:
        self.t, self.loaded, self.person = t, loaded, person
        given["initial"] = self._initial() | (given.get("initial") or {})
        super().__init__(**given, label_suffix="")
        for field in t.fields:
            self.fields[field.name] = self._control(field)
        if t.reason:
            required = t.reason == "required"
            self.fields["reason"] = RawText(
                label=REASONS.get(t.action, _("理由") if required else _("说明")),
                required=required,
                help_text=_("不通过时必须写明") if t.action == "review_paper" else "",
                widget=forms.Textarea({"rows": 3, "maxlength": 1000}),
            )

    def _initial(self) -> dict[str, Any]:
        row, names = self.loaded.operator, {f.name for f in self.t.fields}
        first = {f.name: getattr(row, f.name) for f in APPLICATION}
        today = clock.local(clock.now()).date()
        first |= {"quota": row.quota or row.requested_quota, "term_from": today}
        if self.t.action == "admit":
            first["term_until"] = _a_year_on(today)
        return {k: v for k, v in first.items() if k in names and v is not None}

    def _control(self, field: Field) -> forms.Field:
        common: dict[str, Any] = {"label": field.label, "required": field.required, "help_text": field.help}
        make = getattr(self, f"_{field.kind}", None)
        return make(field, common) if make else RawText(**common)

    def _number(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.TextInput({"inputmode": "numeric", "maxlength": "11"}))

    def _percent(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.TextInput({"inputmode": "decimal", "maxlength": "6"}))

    def _phone(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.TextInput({"type": "tel", "maxlength": "30", "data-private": ""}))

    def _email(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.TextInput({"type": "email", "maxlength": "150", "data-private": ""}))

    def _date(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.DateInput(DAY, format="%Y-%m-%d"))

    def _bool(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawChoice(**common, choices=[("1", _("通过")), ("0", _("不通过，需补充"))], widget=forms.RadioSelect)

    def _item(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawChoice(**common, choices=[("", "—"), *((i.code, named(i)) for i in self.loaded.items)])

    def _paper(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawFile(**common, widget=forms.FileInput({"accept": papers.ACCEPT}))

    def _table(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawFile(**common, widget=forms.FileInput({"accept": ".csv,.xlsx"}))

    def _person(self, field: Field, common: dict[str, Any]) -> forms.Field:
        found = list(queries.accounts(self.loaded.operator))
        if self.person in found or len(found) == 1:
            self.initial.setdefault(field.name, (self.person if self.person in found else found[0]).username)
        return RawChoice(**common, choices=[("", "—"), *((p.username, f"{p} · {p.username}") for p in found)])

    def _token(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.HiddenInput())

    def payload(self) -> tuple[dict[str, Any], str]:
        """Raw values by field name, and the reason."""
        self.full_clean()
        data = {f.name: self.cleaned_data.get(f.name) for f in self.t.fields}
        return data, self.cleaned_data.get("reason") or ""

    def fail(self, errors: dict[str, Any]) -> None:
        """Put the answer of an action beside its fields."""
        add_errors(self, errors)


def _a_year_on(day: date) -> date:
    """The day before the same day of the next year: a term of one year."""
    try:
        return day.replace(year=day.year + 1) - timedelta(days=1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)


class EnrolForm(forms.Form):
    code = forms.CharField(
        label=_("编码"), max_length=20, help_text=_("字母、数字、短横线，以后不改；已有单位的填它的编码"),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none"}),
    )  # fmt: skip
    name = forms.CharField(label=_("企业名称"), max_length=100)
    name_en = forms.CharField(label=_("英文名称"), max_length=150, required=False)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))

    def fail(self, errors: dict[str, Any]) -> None:
        add_errors(self, errors)
