"""The forms of this room: which case, and the circular about it. What is right is said by the action itself."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation

RECEIVING = ("department", "operator", "street", "community")


class CircularForm(forms.Form):
    case = forms.CharField(
        label=_("案件编号"),
        max_length=20,
        help_text=_("通报针对一个案件，例如 2026-000123"),
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )
    title = forms.CharField(label=_("标题"), max_length=120)
    text = forms.CharField(label=_("正文"), max_length=4000, widget=forms.Textarea({"rows": 10}))
    organisations = forms.MultipleChoiceField(
        label=_("发往单位"), widget=forms.SelectMultiple({"size": 10}), help_text=_("可选多个单位")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"label_suffix": ""} | kwargs))
        groups: dict[str, list[tuple[str, str]]] = {}
        for row in Organisation.objects.filter(active=True, kind__in=RECEIVING).order_by("kind", "code"):
            groups.setdefault(row.get_kind_display(), []).append((row.code, named(row)))
        order = [str(Organisation.Kind(k).label) for k in RECEIVING]
        self.fields["organisations"].choices = [(k, groups[k]) for k in order if k in groups]  # type: ignore[attr-defined]

    def add_errors(self, errors: dict[str, Any]) -> None:
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, str(text))
