"""Forms of an account and of a post. What is right is said by `organisations.actions`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation, Post
from shaodao.organisations.rules import HELD_IN


class Faults:
    """Errors of an action beside the fields that they are about."""

    def add_errors(self, errors: dict[str, Any]) -> None:
        form: Any = self
        for name, text in errors.items():
            form.add_error(name if name in form.fields else None, str(text))


class PostForm(Faults, forms.Form):
    role = forms.ChoiceField(label=_("岗位"), choices=[("", "—"), *Post.Role.choices])
    organisation = forms.ChoiceField(label=_("单位"), widget=forms.Select({"data-choose": ""}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["organisation"].choices = [("", "—"), *units()]  # type: ignore[attr-defined]


class NewPersonForm(PostForm):
    username = forms.CharField(
        label=_("账号"),
        max_length=150,
        help_text=_("登录用，字母、数字和 @ . + - _，以后不改"),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none"}),
    )
    name = forms.CharField(label=_("姓名"), max_length=60, widget=forms.TextInput({"autocomplete": "off"}))
    field_order = ["username", "name", "role", "organisation"]


class PersonForm(Faults, forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60)
    name_en = forms.CharField(label=_("英文姓名"), max_length=100, required=False)
    active = forms.BooleanField(label=_("可以登录"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


def units() -> list[tuple[str, list[tuple[str, str]]]]:
    """Active organisations in which somebody can hold a post, by kind. One query."""
    kinds = {kind for held in HELD_IN.values() for kind in held}
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in Organisation.objects.filter(active=True, kind__in=kinds).order_by("kind", "code"):
        groups.setdefault(str(row.get_kind_display()), []).append((row.code, named(row)))
    return list(groups.items())
