"""The input of an operator's action, checked against the fields of `admission.py`: one checker for pages and demo."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from shaodao.bikes import queries
from shaodao.bikes.admission import MACHINE, Transition
from shaodao.bikes.models import ChecklistItem
from shaodao.bikes.queries import Loaded
from shaodao.cases.inputs import Fault, text_of
from shaodao.cases.lifecycle import Field
from shaodao.foundation import papers
from shaodao.foundation.errors import Invalid
from shaodao.organisations.models import ApiToken, Person

MOST = 10_000_000


def clean(t: Transition, data: dict[str, Any], loaded: Loaded) -> dict[str, Any]:
    """Typed values by field name; raises Invalid with every faulty field at once. Unknown names are faults too."""
    known = {f.name for f in t.fields}
    errors: dict[str, str] = {str(name)[:60]: _("没有这一项") for name in data if name not in known}
    values: dict[str, Any] = {}
    for field in t.fields:
        raw = data.get(field.name)
        try:
            value = None if raw in (None, "") else CHECKS[field.kind](raw, field, loaded)
        except Fault as fault:
            errors[field.name] = str(fault)
            continue
        if field.required and value in (None, ""):
            errors[field.name] = _("必填")
        values[field.name] = value
    if errors:
        raise Invalid(errors)
    return values


def _line(raw: Any, longest: int) -> str:
    return " ".join(text_of(raw, longest).split())


def _text(raw: Any, field: Field, loaded: Loaded) -> str:
    return _line(raw, 100)


def _name(raw: Any, field: Field, loaded: Loaded) -> str:
    return _line(raw, 60)


def _phone(raw: Any, field: Field, loaded: Loaded) -> str:
    text = _line(raw, 30)
    if text and not re.fullmatch(r"\+?[0-9][0-9 ()-]{4,28}", text):
        raise Fault(_("电话写作 0352-1234567 或 13800000000"))
    return text


def _email(raw: Any, field: Field, loaded: Loaded) -> str:
    text = _line(raw, 150)
    try:
        if text:
            validate_email(text)
    except ValidationError:
        raise Fault(_("电子邮箱写作 name@example.com")) from None
    return text


def _number(raw: Any, field: Field, loaded: Loaded) -> int:
    text = str(raw).strip().replace(",", "") if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or int(text) > MOST:
        raise Fault(_("应为 0 至 %(most)d 的整数") % {"most": MOST})
    return int(text)


def _percent(raw: Any, field: Field, loaded: Loaded) -> float:
    try:
        value = float(str(raw).strip().rstrip("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise Fault(_("应为 0 至 100 的数，如 96.5"))
    return round(value, 2)


def _date(raw: Any, field: Field, loaded: Loaded) -> date:
    try:
        found = raw if isinstance(raw, date) else date.fromisoformat(str(raw).strip())
    except ValueError:
        raise Fault(_("日期写作 2026-05-21")) from None
    if not 2000 <= found.year < 2100:
        raise Fault(_("年份应在 2000 与 2099 之间"))
    return found


def _bool(raw: Any, field: Field, loaded: Loaded) -> bool:
    text = str(raw).strip().lower()
    if text in {"1", "true"}:
        return True
    if text in {"0", "false"}:
        return False
    raise Fault(_("请选是或否"))


def _item(raw: Any, field: Field, loaded: Loaded) -> ChecklistItem:
    found = next((i for i in loaded.items if i.code == str(raw)), None)
    if found is None:
        raise Fault(_("清单里没有这一项"))
    return found


def _paper(raw: Any, field: Field, loaded: Loaded) -> papers.Paper:
    if not hasattr(raw, "read"):
        raise Fault(_("请选择文件"))
    try:
        return papers.read(raw)
    except papers.Unfit as reason:
        raise Fault(str(reason)) from None


def _table(raw: Any, field: Field, loaded: Loaded) -> Any:
    if not hasattr(raw, "read"):
        raise Fault(_("请选择文件"))
    return raw


def _rows(raw: Any, field: Field, loaded: Loaded) -> list[Any]:
    if not isinstance(raw, list):
        raise Fault(_("这一项只能由接口给出"))
    return raw


def _id(raw: Any) -> int:
    text = str(raw).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _person(raw: Any, field: Field, loaded: Loaded) -> Person:
    """An account of the operator, by user name."""
    found = next((p for p in queries.accounts(loaded.operator) if p.username == str(raw)), None)
    if found is None:
        raise Fault(_("该企业没有这个账号"))
    return found


def _token(raw: Any, field: Field, loaded: Loaded) -> ApiToken:
    found = next((t for t in queries.bike_tokens(loaded.operator) if t.pk == _id(raw)), None)
    if found is None:
        raise Fault(_("该企业没有这个令牌"))
    return found


CHECKS: dict[str, Callable[[Any, Field, Loaded], Any]] = {
    "text": _text,
    "name": _name,
    "phone": _phone,
    "email": _email,
    "number": _number,
    "percent": _percent,
    "date": _date,
    "bool": _bool,
    "item": _item,
    "paper": _paper,
    "table": _table,
    MACHINE: _rows,
    "person": _person,
    "token": _token,
}
