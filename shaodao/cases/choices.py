"""What the controls of the staff's forms offer: categories, conditions, units, streets; kept for a few seconds in a process."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from shaodao.cases.masking import masked
from shaodao.cases.models import Case, Photo, Wording
from shaodao.cases.words import ONLY_PHOTO, own_words
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation import district
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation
from shaodao.places.models import Place

Pair = tuple[Any, Any]
Kind = Organisation.Kind
HANDLING_KINDS = (Kind.DEPARTMENT, Kind.OPERATOR, Kind.STREET, Kind.COMMUNITY)
ANSWERS = {
    "precheck": (_("属实"), _("不属实")),
    "verify": (_("合格，已解决"), _("不合格，返工")),
    "recheck": (_("又出现了"), _("没有再出现")),
    "review_appeal": (_("支持，不计入统计"), _("不支持，维持原记录")),
}
RATINGS = [("5", _("5 很好")), ("4", _("4 较好")), ("3", _("3 一般")), ("2", _("2 较差")), ("1", _("1 很差"))]
DATUM_LABELS = {
    "WGS-84": _("WGS-84（手机定位、本系统地图）"),
    "GCJ-02": _("GCJ-02（高德、腾讯）"),
    "BD-09": _("BD-09（百度）"),
    "CGCS2000": _("CGCS2000（测绘成果）"),
}
_kept: dict[str, tuple[district.Current, Any]] = {}


def _keep(name: str, read: Callable[[], Any]) -> Any:
    """Master data that every page needs, read again whenever the district's settings are (every few seconds)."""
    here = district.current()
    found = _kept.get(name)
    if found and found[0] is here and here is not district.EMPTY:
        return found[1]
    value = read()
    _kept[name] = (here, value)
    return value


def categories() -> list[Pair]:
    """Active categories by their class, as grouped choices."""
    rows = _keep("categories", lambda: list(Category.objects.filter(active=True, scheme__active=True)))
    groups: dict[str, list[Pair]] = {}
    for row in rows:
        major = named(row, "major_name")
        groups.setdefault(f"{row.get_kind_display()} · {major}", []).append((row.pk, named(row)))
    return list(groups.items())


def conditions_url() -> str:
    return reverse("work_conditions")


def conditions(category: Any) -> list[Pair]:
    """Filing conditions of one category with their limits."""
    text = str(category or "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        return []
    rows = Condition.objects.filter(category_id=int(text), active=True)
    return [(c.pk, f"{Truncator(c.filing).chars(60)} · {limit_text(c.limit_value, c.limit_unit)}") for c in rows]


def limit_text(value: float, unit: str) -> str:
    """A limit in words: 4 工作时."""
    one = 1 if value == 1 else 2
    text = {
        "hour": ngettext("%(n)s 紧急工作时", "%(n)s 紧急工作时", one),
        "day": ngettext("%(n)s 自然日", "%(n)s 自然日", one),
        "work_hour": ngettext("%(n)s 工作时", "%(n)s 工作时", one),
        "work_day": ngettext("%(n)s 工作日", "%(n)s 工作日", one),
    }[unit]
    return text % {"n": f"{value:g}"}


def units(case: Case | None, *, everybody: bool = False) -> list[Pair]:
    """Organisations that can be given work, grouped by kind; communities only those of the case's street."""
    rows = _keep(
        "units", lambda: list(Organisation.objects.filter(active=True).select_related("place").order_by("kind", "code"))
    )
    groups: dict[str, list[Pair]] = {}
    for row in sorted(rows, key=lambda o: HANDLING_KINDS.index(o.kind) if o.kind in HANDLING_KINDS else 9):
        if row.kind not in HANDLING_KINDS and not everybody:
            continue
        if row.kind == Kind.COMMUNITY:
            street = row.place.parent_id if row.place else None
            if case is None or street is None or street != case.street_id:
                continue
        groups.setdefault(str(row.get_kind_display()), []).append((row.pk, named(row)))
    return list(groups.items())


def streets() -> list[Pair]:
    rows = _keep("streets", lambda: list(Place.objects.filter(level=Place.Level.STREET, active=True)))
    return [(row.pk, named(row)) for row in rows]


def _places() -> list[Place]:
    """Streets, communities and villages without their shapes, by code."""
    rows = Place.objects.filter(active=True, level__in=("street", "community", "village")).defer("geometry")
    found: list[Place] = _keep("places", lambda: list(rows.order_by("code")))
    return found


def places() -> list[Pair]:
    """Each street with its communities and villages, as grouped choices."""
    streets = {row.pk: row for row in _places() if row.level == Place.Level.STREET}
    groups: dict[int, list[Pair]] = {
        pk: [(pk, gettext("%(street)s（社区不明）") % {"street": named(row)})] for pk, row in streets.items()
    }
    for row in _places():
        if row.parent_id in groups:
            groups[row.parent_id].append((row.pk, named(row)))
    return [(named(streets[pk]), pairs) for pk, pairs in groups.items()]


def place_names() -> list[str]:
    """What the address of a report may begin with: 永泰街道康吉社区, as the gazetteer reads it back."""
    above = {row.pk: row.name for row in _places()}
    return [f"{above.get(row.parent_id or 0, '')}{row.name}" for row in _places()]


def usual_units(case: Case) -> tuple[int | None, list[int]]:
    """Lead and supports that the catalogue names for a case's condition (or its category's first one)."""
    condition = case.condition
    if condition is None and case.category_id:
        condition = Condition.objects.filter(category_id=case.category_id, active=True).first()
    if condition is None:
        return None, []
    lead = condition.lead_id or street_office(case)  # a condition without a lead is the street's in which the case lies
    return lead, [pk for pk in condition.supports.values_list("pk", flat=True) if pk != lead]


def whistled_units(case: Case) -> tuple[int | None, list[int]]:
    """The same for a whistle: the street calls others, so where it would lead itself the first support does."""
    lead, supports = usual_units(case)
    street = street_office(case)
    if lead is None or lead != street:
        return lead, supports
    others = [pk for pk in supports if pk != street]
    return (others[0], others[1:]) if others else (None, [])


def street_office(case: Case) -> int | None:
    """The office of the case's street."""
    if case.street_id is None:
        return None
    rows = Organisation.objects.filter(kind=Kind.STREET, place=case.street_id, active=True).order_by("code")
    return rows.values_list("pk", flat=True).first()


def wordings(action: str) -> list[Wording]:
    """The pack's texts for an action, in the order of the pack."""
    rows = _keep("wordings", lambda: list(Wording.objects.filter(active=True)))
    return [row for row in rows if row.action == action]


def results(case: Case) -> str:
    """What the units wrote when they finished this time, numbers masked: where a reply to the reporter begins."""
    finished = [e.data.get("result", "") for e in case.events.filter(action="finish").order_by("seq")]
    live = case.assignments.filter(round=case.round, state="done").count()
    return masked("\n".join(text for text in finished[-live:] if text)) if live else ""


def whistle_kinds() -> list[Pair]:
    return [(k.code, named(k)) for k in district.current().settings.whistle_kinds]


def whistle_kind(code: str) -> str:
    return next((str(label) for key, label in whistle_kinds() if key == code), code)


def photos(case: Case) -> list[Photo]:
    """A case's photos as they came in, with the unit whose part each belongs to."""
    return list(case.photos.select_related("upload", "assignment__organisation"))


def photo_label(number: int, photo: Photo) -> str:
    """What people call a photo of a case: its place in the row, what it is for and who took it."""
    what = str(photo.get_purpose_display())
    if photo.assignment:
        what = f"{what} · {named(photo.assignment.organisation)}"
    return gettext("照片 %(n)d · %(what)s") % {"n": number, "what": what}


def reports(case: Case) -> list[Pair]:
    return [(r.pk, Truncator(r.text or own_words(ONLY_PHOTO)).chars(60)) for r in case.reports.all()]
