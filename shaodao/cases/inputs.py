"""The input of an action, from a form or from JSON, checked against the life cycle's fields.

One checker for pages, API and command line: what a field's `kind` means is said here and nowhere else.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from shaodao.cases.lifecycle import Field, Transition
from shaodao.cases.models import Case, Report, Wording
from shaodao.cases.words import AppealGround
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Invalid
from shaodao.foundation.models import Upload
from shaodao.foundation.naming import named
from shaodao.foundation.prepared import Prepared
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place

if TYPE_CHECKING:
    from shaodao.cases.queries import Loaded

YES, NO = {"1", "true", "on", "yes", "是"}, {"", "0", "false", "off", "no", "否", "none"}
LONG = 4000
KEY_LENGTH = 80
PLACE_LEVELS = (Place.Level.STREET, Place.Level.COMMUNITY, Place.Level.VILLAGE)
HANDLING_KINDS = (
    Organisation.Kind.DEPARTMENT,
    Organisation.Kind.OPERATOR,
    Organisation.Kind.STREET,
    Organisation.Kind.COMMUNITY,
)


class Fault(ValueError):
    """What is wrong with one field."""


def clean(t: Transition, data: dict[str, Any], loaded: "Loaded") -> dict[str, Any]:
    """Typed values by field name; raises Invalid with every faulty field at once. Unknown names are faults too."""
    known = {f.name for f in t.fields}
    errors: dict[str, str] = {str(name)[:60]: _("没有这一项") for name in data if name not in known}
    values: dict[str, Any] = {}
    for field in t.fields:
        raw = data.get(field.name)
        try:
            value = CHECKS[field.kind](raw, field, loaded)
        except Fault as fault:
            errors[field.name] = str(fault)
            continue
        if field.required and (value is None or value in ("", [])):
            errors[field.name] = _("必填")
        values[field.name] = value
    if values.get("wording"):
        code = values["wording"]
        values["wording"] = Wording.objects.filter(action=t.action, code=code, active=True).first()
        if values["wording"] is None:
            errors["wording"] = _("没有这条常用语：%(code)s") % {"code": code}
    lead, supports = values.get("lead"), values.get("supports")
    if lead is not None and supports and lead in supports:
        errors["supports"] = _("%(unit)s 已是主办单位，不用再列为协办：请从协办单位里去掉") % {"unit": named(lead)}
    if errors:
        raise Invalid(errors)
    return values


def client_key(raw: str | None) -> str | None:
    """A client's key as it may be looked up and stored; raises Invalid (PostgreSQL refuses a NUL and a longer one)."""
    if not raw:
        return None
    if len(raw) > KEY_LENGTH or not raw.isprintable():
        raise Invalid({"client_key": _("键最多 %(n)d 个可见字符") % {"n": KEY_LENGTH}})
    return raw


def text_of(raw: Any, limit: int) -> str:
    """Plain text without control characters (PostgreSQL refuses NUL); too long is a fault, not a cut."""
    if raw is None:
        return ""
    if not isinstance(raw, str | int | float):
        raise Fault(_("应为文字"))
    text = "".join(c for c in str(raw) if c >= " " or c in "\n\t").strip()
    if len(text) > limit:
        raise Fault(_("最多 %(limit)d 字，现有 %(n)d 字") % {"limit": limit, "n": len(text)})
    return text


def _text(raw: Any, field: Field, loaded: Any) -> str:
    return text_of(raw, 120)


def _longtext(raw: Any, field: Field, loaded: Any) -> str:
    return text_of(raw, LONG if field.name not in {"remark", "comment"} else 500)


def _bool(raw: Any, field: Field, loaded: Any) -> bool | None:
    if isinstance(raw, bool):
        return raw
    if raw is None:
        return None if field.required else False
    text = str(raw).strip().lower()
    if text in YES:
        return True
    if text in NO:
        return None if field.required and text in {"", "none"} else False
    raise Fault(_("请选是或否"))


def _rating(raw: Any, field: Field, loaded: Any) -> int | None:
    if raw in (None, ""):
        return None
    number = _integer(raw)
    if not 1 <= number <= 5:
        raise Fault(_("请评 1 到 5 分"))
    return number


def _integer(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise Fault(_("应为整数"))
    text = str(raw).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Fault(_("应为整数"))
    return int(text)


def _organisation(raw: Any, field: Field, loaded: Any) -> Organisation | None:
    found = _find_organisations([raw] if raw not in (None, "") else [])
    return found[0] if found else None


def _organisations(raw: Any, field: Field, loaded: Any) -> list[Organisation]:
    if isinstance(raw, str | int):
        raw = [raw] if raw != "" else []
    if raw is None:
        return []
    if not isinstance(raw, list | tuple):
        raise Fault(_("应为单位列表"))
    return _find_organisations(list(raw))


def _find_organisations(keys: list[Any]) -> list[Organisation]:
    """Organisations by id or code, in the order given, without repetition."""
    if any(isinstance(k, bool) or not isinstance(k, int | str) for k in keys):
        raise Fault(_("单位应以编号或代码给出"))
    texts = list(dict.fromkeys(_key(k) for k in keys))
    ids = [int(t) for t in texts if t.isascii() and t.isdigit() and len(t) <= 15]
    rows = Organisation.objects.filter(active=True, kind__in=HANDLING_KINDS)
    if not texts:
        return []
    found = list(rows.filter(code__in=texts)) + (list(rows.filter(pk__in=ids)) if ids else [])
    by_code = {o.code: o for o in found}
    by_id = {str(o.pk): o for o in found}
    missing = [t for t in texts if t not in by_code and t not in by_id]
    if missing:
        raise Fault(_("没有这个承办单位：%(codes)s") % {"codes": ", ".join(missing)})
    return list({o.pk: o for t in texts if (o := by_code.get(t) or by_id.get(t))}.values())


def _key(raw: Any) -> str:
    """A key as somebody typed it; PostgreSQL refuses a NUL, so nothing is found by one."""
    return str(raw).replace("\x00", "\ufffd").strip()


ACTIVE_CATEGORIES = Category.objects.filter(active=True, scheme__active=True).order_by()
CATEGORY = Prepared(lambda pk: ACTIVE_CATEGORIES.filter(pk=pk))
CATEGORY_OF_CODE = Prepared(lambda kind, code: ACTIVE_CATEGORIES.filter(kind=kind, code=code))


def find_category(raw: Any) -> Category | None:
    """A category of the active scheme by id or by its key (event-0110); None for nothing; Fault when unknown."""
    if raw in (None, ""):
        return None
    text = _key(raw)
    kind, _dash, code = text.partition("-")
    if code:
        found = CATEGORY_OF_CODE.first(kind, code)
    else:
        found = CATEGORY.first(int(text)) if text.isascii() and text.isdigit() and len(text) <= 15 else None
    if found is None:
        raise Fault(_("没有这个类别：%(key)s") % {"key": text[:40]})
    return found


def _category(raw: Any, field: Field, loaded: Any) -> Category | None:
    return find_category(raw)


def _condition(raw: Any, field: Field, loaded: Any) -> Condition | None:
    if raw in (None, ""):
        return None
    found = Condition.objects.filter(pk=_integer(raw), active=True).select_related("category").first()
    if found is None:
        raise Fault(_("没有这个立案条件"))
    return found


def _whistle_kind(raw: Any, field: Field, loaded: Any) -> str:
    codes = [k.code for k in district.current().settings.whistle_kinds]
    if raw in (None, ""):
        return ""
    if raw not in codes:
        raise Fault(_("哨种应为其中之一：%(codes)s") % {"codes": ", ".join(codes)})
    return str(raw)


def _datetime(raw: Any, field: Field, loaded: Any) -> datetime | None:
    if raw in (None, ""):
        return None
    try:
        parsed = raw if isinstance(raw, datetime) else parse_datetime(str(raw).strip())
    except ValueError:
        parsed = None
    if parsed is None:
        raise Fault(_("日期时间写作 2026-05-21 08:30"))
    return clock.from_local(parsed) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _position(raw: Any, field: Field, loaded: Any) -> dict[str, Any] | None:
    """{"lon", "lat", "datum"} or "lon,lat" in WGS-84."""
    if raw in (None, "", {}):
        return None
    if isinstance(raw, str):
        lon, _comma, lat = raw.partition(",")
        raw = {"lon": lon, "lat": lat}
    if not isinstance(raw, dict):
        raise Fault(_("位置写作 经度,纬度"))
    if raw.get("lon") in (None, "") and raw.get("lat") in (None, ""):
        return None
    from shaodao.places import queries as places

    try:
        return places.point(raw.get("lon"), raw.get("lat"), raw.get("datum") or "WGS-84")
    except ValueError as error:
        raise Fault(str(error)) from None


def _place(raw: Any, field: Field, loaded: Any) -> Place | None:
    """A street, community or village by code or id."""
    if raw in (None, ""):
        return None
    text = text_of(raw, 20)
    rows = Place.objects.filter(active=True, level__in=PLACE_LEVELS).select_related("parent")
    number = text.isascii() and text.isdigit() and len(text) <= 15
    found = rows.filter(code=text).first() or (rows.filter(pk=int(text)).first() if number else None)
    if found is None:
        raise Fault(_("没有这个街道或社区：%(code)s") % {"code": text})
    return found


def _case(raw: Any, field: Field, loaded: "Loaded") -> Case | None:
    from shaodao.cases import queries

    if raw in (None, ""):
        return None
    found = queries.by_number(str(raw)) or (
        Case.objects.filter(pk=int(raw)).first()
        if str(raw).isascii() and str(raw).isdigit() and len(str(raw)) <= 15
        else None
    )
    if found is None:
        raise Fault(_("没有这个案件：%(number)s") % {"number": str(raw)[:40]})
    if found.pk == loaded.case.pk:
        raise Fault(_("不能并入自己"))
    return found


def _report(raw: Any, field: Field, loaded: "Loaded") -> Report | None:
    if raw in (None, ""):
        return None
    found = Report.objects.filter(pk=_integer(raw), case=loaded.case).first()
    if found is None:
        raise Fault(_("本案没有这条上报"))
    return found


def _stage(raw: Any, field: Field, loaded: Any) -> str:
    return text_of(raw, 60)


def _photos(raw: Any, field: Field, loaded: Any) -> list[int]:
    """Ids of uploads that are already stored (pages and API store files first)."""
    if raw in (None, ""):
        return []
    if not isinstance(raw, list | tuple):
        raw = [raw]
    ids = list(dict.fromkeys(_integer(r) for r in raw))
    known = set(Upload.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    if set(ids) - known:
        raise Fault(_("没有这张照片"))
    return ids


def _grounds(raw: Any, field: Field, loaded: Any) -> list[str]:
    """What is contested; whether there is such a thing on this part is the action's business."""
    if raw in (None, ""):
        return []
    given = list(raw) if isinstance(raw, list | tuple) else [raw]
    if any(not isinstance(g, str) or g not in AppealGround.values for g in given):
        raise Fault(_("申诉事项应为其中之一：%(codes)s") % {"codes": ", ".join(AppealGround.values)})
    return [g for g in AppealGround.values if g in given]


def _wording(raw: Any, field: Field, loaded: Any) -> str:
    """The code of one of the pack's texts; `clean` looks it up among those of the action."""
    return text_of(raw, 30)


CHECKS: dict[str, Callable[[Any, Field, Any], Any]] = {
    "text": _text,
    "longtext": _longtext,
    "bool": _bool,
    "rating": _rating,
    "organisation": _organisation,
    "organisations": _organisations,
    "category": _category,
    "condition": _condition,
    "whistle_kind": _whistle_kind,
    "datetime": _datetime,
    "position": _position,
    "place": _place,
    "case": _case,
    "report": _report,
    "stage": _stage,
    "photos": _photos,
    "grounds": _grounds,
    "wording": _wording,
}
