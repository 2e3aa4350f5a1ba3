"""A finding that lasts becomes a case, and a case whose cause is gone closes: by the actions of the loop, as the system.

Nothing here changes a case by itself. `report`, `file`, `dispatch` open it with the operator as lead; `rebound` brings a
closed one back; `clear` closes it, or sends a person to look first.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings as django_settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from shaodao.bikes import settings
from shaodao.bikes.findings import texts
from shaodao.bikes.findings.observe import lasted
from shaodao.bikes.findings.words import FindingState, PlaceKind, Rule
from shaodao.bikes.models import Finding, Operator
from shaodao.cases.actions import Actor, Submission, perform, report
from shaodao.cases.actions.parts import Given
from shaodao.cases.inputs import Fault, find_category
from shaodao.cases.models import Case
from shaodao.cases.words import CaseState, Channel, Outcome
from shaodao.catalogue.models import Category, Condition
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.kernel.geodesy import distance_m
from shaodao.organisations.models import Organisation

JOINED = ("operator__organisation", "bay", "zone", "street", "community")
SENT_BACK = (CaseState.VOIDED, CaseState.DECLINED)
Answer = tuple[Category, Condition | None]


def due(now: datetime) -> list[int]:
    """Findings to be filed now: they lasted, their rule files, and it has not filed too many this hour and day. The
    worst first; the rest stay findings."""
    rules, found = settings.current().findings, []
    for name in Rule.values:
        rule = rules.rule(name)
        if not (rule.enabled and rule.category):
            continue
        filed = Finding.objects.filter(rule=name)
        room = min(
            rule.cases_an_hour - filed.filter(filed_at__gt=now - timedelta(hours=1)).count(),
            rule.cases_a_day - filed.filter(filed_at__gte=_midnight(now)).count(),
        )
        if room > 0:
            waiting = filed.filter(state=FindingState.OPEN, absent_since=None).defer("shares", "asked")
            rows = [row for row in waiting if lasted(row, rule.minutes)]
            rows.sort(key=lambda row: (bool(row.problem), row.limit - row.count, row.first_seen_at, row.pk))
            found += [row.pk for row in rows[:room]]
    return found


def _midnight(now: datetime) -> datetime:
    return clock.from_local(clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None))


def file(pk: int, now: datetime) -> bool:
    """Make a case of a finding, or bring back the one that it was. False: it is none any more, or cannot be filed, which
    the finding then says in `problem`."""
    with translation.override("zh-hans"):
        try:
            with transaction.atomic():
                row = Finding.objects.select_for_update(of=("self",)).select_related(*JOINED).get(pk=pk)
                if row.state != FindingState.OPEN:
                    return False
                case = _back(row, now) or _new(row, now)
                row.case, row.state, row.filed_at, row.problem = case, FindingState.FILED, now, ""
                row.spot_check = drawn(case.number, settings.current().findings.spot_check_share)
                row.save(update_fields=["case", "state", "filed_at", "problem", "spot_check"])
                return True
        except Invalid as fault:
            why = "；".join(str(text) for text in fault.errors.values())
        except Refused as fault:
            why = str(fault.reason)
        Finding.objects.filter(pk=pk).update(problem=why[:300])
        return False


def _new(row: Finding, now: datetime) -> Case:
    category, condition = wanted(row.rule)
    organisations = _organisations(row)
    opened = report(
        Submission(
            text=texts.report(row, organisations),
            channel=Channel.SENSOR,
            category=category,
            lon=None if row.lon_e6 is None or row.lat_e6 is None else row.lon_e6 / 1e6,
            lat=None if row.lat_e6 is None else row.lat_e6 / 1e6,
            address=texts.address(row),
            topic=f"bikes.{row.rule}",
            external_id=f"bikes.finding.{row.pk}",
            key=f"bikes.finding.{row.pk}",
            anew=True,
            sample=row.operator.organisation.illustrative,
        ),
        Actor.system(),
    ).case
    system = Actor.system()
    chosen = {"category": category.pk, "condition": condition and condition.pk, "urgent": category.urgent}
    perform("categorise", opened.pk, system, data=chosen)
    perform("file", opened.pk, system)
    others = [unit for pk, unit in organisations.items() if pk != row.operator_id and row.shares[str(pk)]["over"]]
    units = {"lead": row.operator.organisation.code, "supports": [unit.code for unit in others]}
    done = perform("dispatch", opened.pk, system, data=units, extra={"given": _limits(row, now)})
    return done.case


def wanted(rule: str) -> Answer:
    """Category and condition that the pack files a rule's findings under; raises Invalid where the catalogue has none."""
    asked = settings.current().findings.rule(rule)
    try:
        category = find_category(asked.category)
    except Fault as fault:
        raise Invalid({"category": str(fault)}) from None
    if category is None:
        raise Invalid({"category": _("数据包没有写类别")})
    condition = category.conditions.filter(active=True, seq=asked.condition).first()
    if condition is None and category.conditions.filter(active=True).exists():
        raise Invalid(
            {"condition": _("类别 %(k)s 没有第 %(n)s 条立案条件") % {"k": category.key, "n": asked.condition}}
        )
    return category, condition


def _organisations(row: Finding) -> dict[int, Organisation]:
    """The units of the operators that a finding is about, by operator."""
    rows = Operator.objects.filter(pk__in=[int(pk) for pk in row.shares]).select_related("organisation").order_by("pk")
    return {operator.pk: operator.organisation for operator in rows}


def _limits(row: Finding, now: datetime) -> Given:
    limits = settings.current().findings.limits_of(row.rule, now)
    return Given(limits.arrive, limits.solve)


def _back(row: Finding, now: datetime) -> Case | None:
    """The closed case of the same cause, place and operator that is still watched comes back as a rebound."""
    earlier = Finding.objects.filter(
        rule=row.rule, operator=row.operator_id, case__state=CaseState.CLOSED, case__outcome=Outcome.FIXED,
        case__watch_until__gte=now, case__lead=row.operator.organisation_id,
    ).exclude(pk=row.pk).select_related("case").order_by("-pk")  # fmt: skip
    if row.place == PlaceKind.CLUSTER:
        found = next((e for e in earlier if _same_place(e, row)), None)
    else:
        found = earlier.filter(key=row.key).first()
    if found is None or found.case is None:
        return None
    given = {"given": _limits(row, now)}
    done = perform("rebound", found.case.pk, Actor.system(), reason=texts.title(row)[:500], extra=given)
    return done.case


def _same_place(one: Finding, other: Finding) -> bool:
    places = [(row.lon_e6, row.lat_e6) for row in (one, other)]
    if any(lon is None or lat is None for lon, lat in places):
        return False
    (a, b), (c, d) = ((lon / 1e6, lat / 1e6) for lon, lat in places if lon is not None and lat is not None)
    return float(distance_m(a, b, c, d)) < settings.current().findings.cluster.eps_m


def drawn(number: str, share: float) -> bool:
    """Is this case one of the share that a person has to look at? Fixed by its number for ever, and foreseen by nobody
    who does not have the installation's key."""
    key = django_settings.SECRET_KEY.encode()
    value = hmac.new(key, b"bikes.spot-check " + number.encode(), hashlib.sha256).digest()
    return int.from_bytes(value[:8], "big") < share * 2**64


# ── closing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def gone(now: datetime) -> list[int]:
    """Filed findings that have not been seen for as long as their rule asks, while the feeds that matter were alive."""
    rules = settings.current().findings
    rows = Finding.objects.filter(state=FindingState.FILED, absent_since__isnull=False).order_by("pk")
    return [
        pk
        for pk, rule, since in rows.values_list("pk", "rule", "absent_since")
        if since is not None and now - since >= timedelta(minutes=rules.rule(rule).clear_minutes)
    ]


def clear(pk: int, now: datetime) -> bool:
    """Close the case of a finding that is gone, or send somebody to look. False: a person has to do something first."""
    with transaction.atomic():
        row = Finding.objects.select_for_update(of=("self",)).select_related("case").get(pk=pk)
        case, since = row.case, row.absent_since
        if row.state != FindingState.FILED or since is None or case is None:
            return False
        if case.state == CaseState.MERGED and case.merged_into is not None:
            case = row.case = case.merged_into
        if case.state in SENT_BACK or case.state == CaseState.CLOSED:
            return _cleared(row, since)
        if case.state == CaseState.RECEIVED:  # somebody undid a merge: the desk has it
            return False
        looked = case.state == CaseState.CLOSING
        if (row.spot_check or case.rework_count) and not looked:
            if case.state == CaseState.VERIFYING or case.rework_count:
                return False  # on the list of whoever has to look; who found it not done wants to see it done
            perform("spot_check", case.pk, Actor.system(), extra={"since": since})
            row.save(update_fields=["case"])
            return False
        perform("clear", case.pk, Actor.system(), extra={"since": since})
        return _cleared(row, since)


def _cleared(row: Finding, since: datetime) -> bool:
    row.state, row.cleared_at = FindingState.CLEARED, since
    row.save(update_fields=["state", "cleared_at", "case"])
    return True
