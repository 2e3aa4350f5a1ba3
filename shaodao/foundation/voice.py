"""One voice for faults: what Django and Pydantic say of wrong input, in the words that this house uses for its own.

`speak()` runs once when the program starts, before any form is made: Django's messages are attributes of its classes,
meant to be replaced. `of_json` words the faults of the API's schemas.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib.auth import password_validation as passwords
from django.core import validators
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Text = str | Promise
REQUIRED = gettext_lazy("必填")
WHOLE, NUMBER, WORDS = gettext_lazy("应为整数"), gettext_lazy("应为数字"), gettext_lazy("应为文字")
DAY, MOMENT = gettext_lazy("日期写作 2026-05-21"), gettext_lazy("日期时间写作 2026-05-21 08:30")
CHOICE = gettext_lazy("没有“%(value)s”这个选项，请从列出的里面选")
MAIL = gettext_lazy("电子邮箱写作 name@example.com")

FIELDS: dict[type[forms.Field], dict[str, Text]] = {
    forms.Field: {"required": REQUIRED},
    forms.IntegerField: {"invalid": WHOLE},
    forms.FloatField: {"invalid": NUMBER},
    forms.DecimalField: {"invalid": NUMBER},
    forms.DateField: {"invalid": DAY},
    forms.TimeField: {"invalid": gettext_lazy("时间写作 08:30")},
    forms.DateTimeField: {"invalid": MOMENT},
    forms.ChoiceField: {"invalid_choice": CHOICE},
    forms.MultipleChoiceField: {"invalid_choice": CHOICE, "invalid_list": gettext_lazy("应为几个选项")},
    forms.ModelChoiceField: {"invalid_choice": gettext_lazy("没有这个选项，请从列出的里面选")},
    forms.FileField: {
        "invalid": gettext_lazy("没有收到文件，请重新选择"),
        "missing": gettext_lazy("没有收到文件，请重新选择"),
        "empty": gettext_lazy("文件是空的，请重新选择"),
        "max_length": gettext_lazy("文件名最多 %(max)d 字，现有 %(length)d 字"),
    },
}
VALIDATORS: dict[type[Any], Text] = {
    validators.MaxLengthValidator: gettext_lazy("最多 %(limit_value)d 字，现有 %(show_value)d 字"),
    validators.MinLengthValidator: gettext_lazy("最少 %(limit_value)d 字，现有 %(show_value)d 字"),
    validators.MaxValueValidator: gettext_lazy("不能超过 %(limit_value)s"),
    validators.MinValueValidator: gettext_lazy("不能小于 %(limit_value)s"),
    validators.EmailValidator: MAIL,
    validators.URLValidator: gettext_lazy("网址写作 https://example.com/"),
    validators.ProhibitNullCharactersValidator: gettext_lazy("文字里有不能用的字符"),
}
PASSWORDS: dict[type[Any], Callable[[Any], str]] = {
    passwords.MinimumLengthValidator: lambda judge: _("密码太短，至少 %(n)d 个字符") % {"n": judge.min_length},
    passwords.CommonPasswordValidator: lambda _judge: _("密码太常见，容易被猜到"),
    passwords.NumericPasswordValidator: lambda _judge: _("密码不能全是数字"),
    passwords.UserAttributeSimilarityValidator: lambda _judge: _("密码与用户名、姓名等太像"),
}


def speak() -> None:
    """Give Django's fields and validators our words."""
    for field, words in FIELDS.items():
        field.default_error_messages = {**field.__dict__.get("default_error_messages", {}), **words}  # type: ignore[dict-item]
    for validator, text in VALIDATORS.items():
        validator.message = text
    for judge, says in PASSWORDS.items():
        judge.get_error_message = says


# The API's schemas

BOUNDS = {"ge": gettext_lazy("不能小于 %(v)s"), "gt": gettext_lazy("要大于 %(v)s"), "le": gettext_lazy("不能超过 %(v)s"),
          "lt": gettext_lazy("要小于 %(v)s")}  # fmt: skip
KINDS: dict[str, Text] = {  # Pydantic's types of fault by the longest beginning that fits
    "missing": REQUIRED,
    "extra_forbidden": gettext_lazy("没有这一项"),
    "string_pattern": gettext_lazy("写法不对"),
    "string": WORDS,
    "int": WHOLE,
    "float": NUMBER,
    "decimal": NUMBER,
    "finite_number": NUMBER,
    "bool": gettext_lazy("应为 true 或 false"),
    "datetime": MOMENT,
    "timezone": MOMENT,
    "date": DAY,
    "list": gettext_lazy("应为列表"),
    "tuple": gettext_lazy("应为列表"),
    "dict": gettext_lazy("应为一组“名: 值”"),
    "model": gettext_lazy("应为一组“名: 值”"),
    "none_required": gettext_lazy("应为空"),
    "json": gettext_lazy("不是有效的 JSON"),
}


def of_json(error: Mapping[str, Any]) -> str:
    """What one of Pydantic's faults (`errors()`) says, in our words."""
    kind, given = str(error.get("type", "")), error.get("ctx") or {}
    if kind in SPECIAL:
        return SPECIAL[kind](given)
    bound = next((name for name in BOUNDS if name in given), None)
    if bound:
        return str(BOUNDS[bound]) % {"v": given[bound]}
    fitting = [name for name in KINDS if kind == name or kind.startswith(f"{name}_")]
    if fitting:
        return str(KINDS[max(fitting, key=len)])
    return _("填写不对（%(what)s）") % {"what": str(error.get("msg", ""))[:200]}


SPECIAL: dict[str, Callable[[dict[str, Any]], str]] = {
    "literal_error": lambda c: _("应为其中之一：%(v)s") % {"v": str(c.get("expected", "")).replace(" or ", ", ")},
    "enum": lambda c: _("应为其中之一：%(v)s") % {"v": str(c.get("expected", "")).replace(" or ", ", ")},
    "string_too_long": lambda c: _("最多 %(n)s 字") % {"n": c.get("max_length")},
    "string_too_short": lambda c: _("最少 %(n)s 字") % {"n": c.get("min_length")},
    "too_long": lambda c: _("最多 %(n)s 项") % {"n": c.get("max_length")},
    "too_short": lambda c: _("最少 %(n)s 项") % {"n": c.get("min_length")},
    "value_error": lambda c: str(c.get("error", "")),
}
