"""Forms of a book's pages. What a value must be is said in the room's kinds; here controls are drawn and kept."""

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from shaodao.book import actions
from shaodao.book.kinds import Kind
from shaodao.book.shown import label
from shaodao.cases.forms import Raw, RawChoice, RawText, add_errors
from shaodao.foundation.naming import named
from shaodao.foundation.tables import Column

MOST_CHOICES = 300


class RawFile(Raw, forms.FileField):
    pass


class Failing(forms.Form):
    """A form that is told what the action found wrong."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))

    def fail(self, errors: dict[str, Any]) -> None:
        add_errors(self, errors)

    def said(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")


def _reason(required: bool) -> RawText:
    return RawText(
        label=_("理由"), required=required, widget=forms.TextInput({"maxlength": 300}), help_text=_("记入历史")
    )


class RowForm(Failing):
    """A row of any kind: new (with a code) or as it stands."""

    def __init__(self, kind: Kind, row: Any = None, **given: Any) -> None:
        self.kind, self.row = kind, row
        given["initial"] = self._initial(row) | (given.get("initial") or {})
        super().__init__(**given)
        if row is None and not kind.code_from:
            self.fields["code"] = RawText(
                label=_("编码"), help_text=_("以后不改，最多 60 个字"), widget=forms.TextInput({"autocomplete": "off"})
            )
        for column in kind.everything:
            self.fields[column.name] = self._control(column)
        self.fields["reason"] = _reason(row is not None)

    def _control(self, column: Column) -> forms.Field:
        name = column.name
        common: dict[str, Any] = {
            "label": column.label,
            "required": column.required,
            "help_text": self.kind.helps.get(name, ""),
        }
        if name in self.kind.options:
            empty = [] if self.initial.get(name) else [("", "—")]
            return RawChoice(**common, choices=[*empty, *self.kind.options[name]])
        if name in self.kind.refs and (choices := self._rows(name)):
            return RawChoice(**common, choices=[("", "—"), *choices])
        kept = self.kind.model._meta.get_field(name)
        attrs = {"autocomplete": "off"}
        if isinstance(kept, models.TextField):
            return RawText(**common, widget=forms.Textarea({"rows": 3}))
        if isinstance(kept, models.DateField):
            attrs["type"] = "date"
        elif isinstance(kept, models.FloatField | models.IntegerField):
            attrs["inputmode"] = "decimal" if isinstance(kept, models.FloatField) else "numeric"
        return RawText(**common, widget=forms.TextInput(attrs))

    def _rows(self, name: str) -> list[tuple[str, str]]:
        """The rows that may be referred to, and the one that is; nothing where they are too many to choose from."""
        rows = list(self.kind.target(name).model.objects.filter(active=True).order_by("code")[: MOST_CHOICES + 1])
        if len(rows) > MOST_CHOICES:
            return []
        own = getattr(self.row, name) if self.row is not None else None
        if own is not None and own not in rows:
            rows.append(own)
        return [(r.code, f"{r.code} {named(r)}".strip()) for r in rows]

    def _initial(self, row: Any) -> dict[str, Any]:
        if row is None:
            return {c.name: str(c.show(c.default)) for c in self.kind.columns if c.default not in ("", None, [])}
        return {c.name: str(c.show(actions.referred(row, self.kind, c.name))) for c in self.kind.everything}

    def values(self) -> dict[str, str]:
        """Raw values by the names of the columns; of a row only those that are not as the form showed them: a number is
        shown with ten digits, and what nobody touched keeps all of its own."""
        self.full_clean()
        said = {name: self.said(name) for name in self.kind.names()}
        return {k: v for k, v in said.items() if self.row is None or v.strip() != self.initial.get(k, "").strip()}


class ReasonForm(Failing):
    """Taking away needs a reason, putting back may have one."""

    def __init__(self, *args: Any, required: bool, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["reason"] = _reason(required)


class UploadForm(Failing):
    """A file that is looked at first; `accept` as the browser's file dialog has it."""

    def __init__(self, *args: Any, accept: str = ".xlsx,.csv", help: Any = "", **given: Any) -> None:
        super().__init__(*args, **given)
        help = help or _("Excel（.xlsx）或 CSV（UTF-8），最多 20 MB")
        self.fields["file"] = RawFile(label=_("文件"), help_text=help, widget=forms.FileInput({"accept": accept}))
        self.fields["reason"] = _reason(False)


def filters(kind: Kind, chosen: dict[str, str]) -> list[dict[str, Any]]:
    """The choices of a list: options of the kind, and the rows it refers to where they are few."""
    found = []
    for name in kind.listed:
        choices: list[tuple[str, Any]] = list(kind.options.get(name, ()))
        if name in kind.all_refs:
            rows = kind.target(name).model.objects.filter(active=True).order_by("code")[: MOST_CHOICES + 1]
            choices = [(r.code, f"{r.code} {named(r)}".strip()) for r in rows]
        if choices and len(choices) <= MOST_CHOICES:
            found.append({"name": name, "label": label(kind, name), "choices": choices, "chosen": chosen.get(name, "")})
    return found


def counted(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """(key, label, number) of what an import does."""
    labels = {"new": _now("新增"), "changed": _now("修改"), "restored": _now("恢复"), "unchanged": _now("不变")}
    return [(key, words, counts.get(key, 0)) for key, words in labels.items()]
