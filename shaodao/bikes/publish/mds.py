"""MDS 2.0 policies and requirements: the district's rules for bikes in words that an operator's machine can follow.

A policy is never changed: another version of a zone, another quota, is another policy that names the one before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from django.conf import settings as django
from django.utils.translation import gettext as _
from django.utils.translation import override

from shaodao.bikes import settings
from shaodao.bikes.models import Operator, OperatorEvent
from shaodao.bikes.providers import provider_id
from shaodao.bikes.publish.ids import uid
from shaodao.bikes.publish.mds_places import AnyZone, Area, Places, before, ms, zone_key
from shaodao.bikes.words import OperatorState, ZoneKind
from shaodao.foundation import clock, district

VERSION = "2.0.0"
BASE = "/mds/v2/"
MODE = "micromobility"
NOTICE = timedelta(minutes=20)
"""A policy begins to hold at the earliest this long after it was published: the standard's, so that all can have read it."""
PARKED = ("available", "non_operational", "reserved", "non_contactable")
COUNTED = (*PARKED, "on_trip")
"""States that count against a cap."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TONGUES = {"zh-CN": "zh-hans", "en-US": "en"}
Document = dict[str, Any]


@dataclass(frozen=True)
class Policy:
    """A policy with the span in which it holds."""

    id: str
    document: Document
    begins: datetime
    ends: datetime | None

    def overlaps(self, first: datetime, last: datetime | None) -> bool:
        return (self.ends is None or self.ends > first) and (last is None or self.begins <= last)


def policy(
    key: str, name: str, description: str, rules: list[Document], published: datetime,
    begins: datetime | None = None, ends: datetime | None = None, **more: Any,
) -> Policy:  # fmt: skip
    first = published + NOTICE
    starts = first if begins is None else max(begins, first)
    if ends is not None and starts >= ends:  # over before all can have read it: better late than untrue
        starts = published if begins is None else begins
    if district.current().sample:
        description = _("%(text)s（示例数据）") % {"text": description}
    made: Document = {
        "policy_id": key,
        "name": name[:255],
        "mode_id": MODE,
        "description": description[:255],
        "published_date": ms(published),
        "start_date": ms(starts),
        "rules": rules,
        **more,
    }
    if ends is not None:
        made["end_date"] = ms(ends)
    return Policy(key, made, starts, ends)


def rule(
    key: str,
    name: str,
    kind: str,
    units: str,
    maximum: int | None,
    states: tuple[str, ...],
    areas: list[str],
    **more: Any,
) -> Document:
    made: Document = {
        "rule_id": key,
        "name": name[:255],
        "rule_type": kind,
        "rule_units": units,
        "geographies": areas,
        "states": {state: [] for state in states},
        **more,
    }
    return made if maximum is None else made | {"maximum": maximum}


def value_url(key: str) -> str:
    """Where the count that a rule limits can be read, by an operator who sees only its own bikes."""
    return f"{django.ORIGIN}/bikes/open/values/{key}.json"


# Zones


def of_zones(places: Places) -> list[Policy]:
    """One for each version of each zone."""
    return [_of_zone(area, area.rule) for area in places.zones if area.rule is not None]


def _of_zone(area: Area, row: AnyZone) -> Policy:
    key = zone_key("policy", area.code, row.version)
    name = row.name or area.code
    rules = [
        rule(uid(key, n, m), name, body.kind, body.units, body.maximum, body.states, [area.id], **hours, **body.more)
        for n, body in enumerate(_bodies(key, row))
        for m, hours in enumerate(windows(row))
    ]
    ends = min((at for at in (row.ends_at, area.until) if at is not None), default=None)
    prev = before("policy", area.code, row.version)
    kind = ZoneKind(row.kind).label
    return policy(key, name, f"{kind} {area.code}", rules, row.valid_from, row.begins_at, ends, prev_policies=prev)


class Body(NamedTuple):
    """What a rule says, without where and when."""

    kind: str
    units: str
    maximum: int | None
    states: tuple[str, ...]
    more: Document


def _bodies(key: str, row: AnyZone) -> list[Body]:
    """The rules of a zone."""
    standing = Body("time", "minutes", 0, PARKED, {"messages": said(lambda: _("这里不能停放共享单车"))})
    if row.kind == ZoneKind.NO_PARKING:
        return [standing]
    if row.kind == ZoneKind.NO_RIDING:
        riding = {"messages": said(lambda: _("这里不能骑行共享单车"))}
        return [Body("speed", "kph", 0, ("on_trip",), riding), standing]
    return [Body("count", "devices", row.quota, PARKED, {"value_url": value_url(key)})]


def said(speak: Any) -> dict[str, str]:
    """A message to riders by language."""
    texts = {}
    for tag, language in TONGUES.items():
        with override(language):
            texts[tag] = str(speak())
    return texts


def windows(row: AnyZone) -> Iterator[Document]:
    """The hours and days of a zone, of the district's clock; over midnight is two rules, the second on the days after."""
    if row.daily_from is None and row.daily_until is None and not row.weekdays:
        yield {}
        return
    begins, until = row.daily_from or time.min, row.daily_until
    days = [int(day) - 1 for day in row.weekdays] or list(range(7))
    last = "23:59:59"
    if until is None or begins <= until:
        yield _window(f"{begins:%H:%M:%S}", last if until is None else f"{until:%H:%M:%S}", days)
        return
    yield _window(f"{begins:%H:%M:%S}", last, days)
    if until > time.min:
        yield _window("00:00:00", f"{until:%H:%M:%S}", [(day + 1) % 7 for day in days])


def _window(begins: str, ends: str, days: list[int]) -> Document:
    found: Document = {"start_time": begins, "end_time": ends}
    return found if len(days) == 7 else found | {"days": [DAYS[day] for day in sorted(days)]}


# The whole district


def ceiling_key() -> str:
    return uid("policy", district.current().code, "ceiling", settings.current().fleet_ceiling)


def of_district(places: Places) -> list[Policy]:
    """Park in bays; so many bikes of all operators together."""
    whole, bikes, made = places.district, settings.current(), []
    if whole is None:
        return []
    if bikes.publish.only_in_bays and places.bays is not None:
        key = uid("policy", "bays", places.bays.id, whole.id)
        rules = [
            rule(uid(key, 0), _("停在停放点位内"), "time", "minutes", None, PARKED, [places.bays.id]),
            rule(uid(key, 1), _("停在停放点位外"), "time", "minutes", 0, PARKED, [whole.id]),
        ]
        about = _("共享单车停在停放点位内")
        made.append(policy(key, about, about, rules, places.bays.published))
    if bikes.fleet_ceiling:
        key, about = ceiling_key(), _("全区共享单车总量上限（各企业合计）")
        more = {"value_url": value_url(key)}
        rules = [rule(uid(key, 0), about, "count", "devices", bikes.fleet_ceiling, COUNTED, [whole.id], **more)]
        made.append(policy(key, about, about, rules, whole.published))
    return made


def of_operators(places: Places) -> list[Policy]:
    """Each admitted operator's quota. Two queries."""
    whole = places.district
    if whole is None:
        return []
    rows = Operator.objects.filter(state=OperatorState.ADMITTED).select_related("organisation")
    steps: dict[int, list[tuple[int, datetime]]] = {}
    found = OperatorEvent.objects.filter(operator__state=OperatorState.ADMITTED, action__in=("admit", "change_quota"))
    for operator, seq, at in found.order_by("operator_id", "seq").values_list("operator_id", "seq", "at"):
        steps.setdefault(operator, []).append((seq, at))
    return [_of_operator(row, steps[row.pk], whole) for row in rows.order_by("pk") if row.pk in steps]


def _of_operator(row: Operator, steps: list[tuple[int, datetime]], whole: Area) -> Policy:
    code = row.organisation.code
    keys = [uid("policy", district.current().code, "quota", code, seq) for seq, _at in steps]
    key, published = keys[-1], steps[-1][1]
    name = _("%(name)s配额") % {"name": row.organisation.name}
    rules = [rule(uid(key, 0), name, "count", "devices", row.quota, COUNTED, [whole.id])]
    begins = clock.from_local(datetime.combine(row.term_from, time.min)) if row.term_from else None
    ends = row.term_until + timedelta(days=1) if row.term_until else None
    return policy(
        key, name, name, rules, published, begins,
        clock.from_local(datetime.combine(ends, time.min)) if ends else None,
        provider_ids=[provider_id(code)], prev_policies=keys[-2:-1],
    )  # fmt: skip


# What is asked of operators


def requirements(places: Places) -> Document:
    """Which parts of MDS the district has, and for whom. One query."""
    own, at = district.current(), places.updated
    codes = Operator.objects.filter(state=OperatorState.ADMITTED).order_by("organisation__code")
    providers = [provider_id(code) for code in codes.values_list("organisation__code", flat=True)]
    served = {
        "agency": ("vehicles", "telemetry", "events"),
        "policy": ("policies", "requirements"),
        "geography": ("geographies",),
        "jurisdiction": ("jurisdictions",),
    }
    apis = [
        {
            "api_name": api,
            "available_endpoints": [{"endpoint_name": name, "url": f"{django.ORIGIN}{BASE}{name}"} for name in names],
        }
        for api, names in served.items()
    ]
    spec = {"data_spec_name": "MDS", "version": VERSION, "required_apis": [], "available_apis": apis}
    program = {
        "description": _("%(name)s共享单车") % {"name": own.name},
        "program_website_url": f"{django.ORIGIN}/bikes/open/",
        "provider_ids": providers,
        "vehicle_types": ["bicycle"],
        "start_date": ms(at),
        "end_date": None,
        "required_data_specs": [spec],
    }
    metadata = {
        "mds_release": VERSION,
        "file_version": ms(at) // 60_000,  # grows with every change; the standard's counter, by the minute
        "last_updated": ms(at),
        "max_update_interval": "P1D",
        "agency_id": uid("agency", own.code),
        "agency_name": own.name,
        "agency_timezone": clock.LOCAL.key,
        "agency_language": "zh-CN",
        "agency_currency": "CNY",
        "agency_website_url": f"{django.ORIGIN}/",
        "url": f"{django.ORIGIN}{BASE}requirements",
    }
    return {"metadata": metadata, "programs": [program]}
