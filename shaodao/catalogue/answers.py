"""The answers to a category's attributes (Open311 service definition): checked alike for API, Open311 and forms."""

from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from shaodao.catalogue.models import Attribute, Category
from shaodao.foundation.prepared import Prepared

TEXT, LONGTEXT = 200, 2000
Kind = Attribute.Datatype
ASKED = Prepared(lambda category: Attribute.objects.filter(category=category))


def check(category: Category | None, given: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """Cleaned answers by attribute code. Faults go into `errors` under `attributes.CODE`; a required one may not lack."""
    rows = ASKED.all(category.pk) if category else []
    known = {row.code for row in rows}
    for code in given:
        if code not in known:
            errors[f"attributes.{str(code)[:40]}"] = str(_("这个类别没有这一项"))
    found: dict[str, Any] = {}
    for row in rows:
        try:
            value = _value(row, given.get(row.code))
        except ValueError as error:
            errors[f"attributes.{row.code}"] = str(error)
            continue
        if value in (None, "", []):
            if row.required:
                errors[f"attributes.{row.code}"] = str(_("必填"))
        else:
            found[row.code] = value
    return found


def _value(row: Attribute, raw: Any) -> Any:
    if raw in (None, "", []):
        return None
    if row.datatype == Kind.MULTI:
        values = [_choice(row, v) for v in (raw if isinstance(raw, list) else [raw])]
        return list(dict.fromkeys(values))
    if isinstance(raw, list):
        if len(raw) != 1:
            raise ValueError(_("只能填一项"))
        raw = raw[0]
    if row.datatype == Kind.SINGLE:
        return _choice(row, raw)
    text = _text(raw, LONGTEXT if row.datatype == Kind.TEXT else TEXT)
    if row.datatype == Kind.NUMBER:
        return _number(text)
    if row.datatype == Kind.DATETIME:
        return _datetime(text)
    return text


def _choice(row: Attribute, raw: Any) -> str:
    keys = [str(v["key"]) for v in row.values]
    text = _text(raw, TEXT)
    if text not in keys:
        raise ValueError(_("应为其中之一：%(keys)s") % {"keys": ", ".join(keys)})
    return text


def _text(raw: Any, limit: int) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise ValueError(_("应为文字"))
    text = "".join(c for c in str(raw) if c >= " " or c in "\n\t").strip()
    if len(text) > limit:
        raise ValueError(_("最多 %(limit)d 字，现有 %(n)d 字") % {"limit": limit, "n": len(text)})
    return text


def _number(text: str) -> float | int:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(_("应为数字")) from None
    if not abs(value) < 1e15:
        raise ValueError(_("应为数字"))
    return int(value) if value == int(value) else value


def _datetime(text: str) -> str:
    try:
        found = parse_datetime(text) or parse_date(text)
    except ValueError:
        found = None
    if found is None:
        raise ValueError(_("日期时间写作 2026-05-21 08:30"))
    return text
