"""The questions that a category asks of whoever reports it, as a form; `catalogue.answers` checks them for the API."""

from datetime import UTC
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from shaodao.catalogue.models import Attribute, Category
from shaodao.foundation.naming import named

ANSWERED = "attributes_for"  # names the category whose questions the page has shown


class Words(forms.CharField):
    """Text without control characters: line breaks and tabs stay, what no keyboard types is left out."""

    def to_python(self, value: Any) -> str:
        return super().to_python("".join(c for c in str(value or "") if c >= " " or c in "\n\t")) or ""


class AttributesForm(forms.Form):
    prefix = "attribute"

    def __init__(self, attributes: list[Attribute], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for attribute in attributes:
            self.fields[attribute.code] = _attribute_field(attribute)

    def answers(self) -> dict[str, Any]:
        """What was answered, by the question's code, as JSON values."""
        found = {}
        for code, value in self.cleaned_data.items():
            if value in (None, "", []):
                continue
            found[code] = value.astimezone(UTC).isoformat() if hasattr(value, "astimezone") else value
        return found


def _attribute_field(attribute: Attribute) -> forms.Field:
    label = named(attribute, "description")
    common: dict[str, Any] = {"label": label, "required": attribute.required}
    types = Attribute.Datatype
    if attribute.datatype == types.NUMBER:
        return forms.FloatField(**common)
    if attribute.datatype == types.DATETIME:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        return forms.DateTimeField(widget=widget, **common)
    if attribute.datatype in (types.SINGLE, types.MULTI):
        choices = [(str(v.get("key", "")), named(v) or v.get("key")) for v in attribute.values]
        if attribute.datatype == types.SINGLE:
            return forms.ChoiceField(widget=forms.RadioSelect, choices=choices, **common)
        return forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, choices=choices, **common)
    if attribute.datatype == types.TEXT:
        return Words(widget=forms.Textarea(attrs={"rows": 3}), max_length=2000, **common)
    return Words(max_length=200, **common)


def asked(category: Category | None, data: Any = None, key: str = "") -> AttributesForm | None:
    """The questions of a category with what was answered; None for one that asks nothing.

    `data` counts only where it says (ANSWERED) that it answers the questions of `key`.
    """
    attributes = list(Attribute.objects.filter(category=category)) if category else []
    if not attributes:
        return None
    return AttributesForm(attributes, data if data is not None and data.get(ANSWERED) == key else None)


def told(rows: list[tuple[int | None, dict[str, Any]]]) -> list[list[tuple[str, str]]]:
    """For each (category id, answers) the questions and answers in words (one query, none without answers)."""
    wanted = {category for category, given in rows if given and category}
    known: dict[tuple[int | None, str], Attribute] = (
        {(a.category_id, a.code): a for a in Attribute.objects.filter(category__in=wanted)} if wanted else {}
    )
    return [
        [_said(known.get((category, code)), code, value) for code, value in given.items()] for category, given in rows
    ]


def _said(attribute: Attribute | None, code: str, value: Any) -> tuple[str, str]:
    values = attribute.values if attribute else []
    names = {str(v.get("key", "")): named(v) or str(v.get("key")) for v in values}
    texts = [names.get(str(v), str(v)) for v in (value if isinstance(value, list) else [value])]
    return named(attribute, "description") or code, _("、").join(texts)
