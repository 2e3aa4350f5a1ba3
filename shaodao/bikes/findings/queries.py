"""Who sees which findings, and what their page shows."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from shaodao.bikes import queries, settings
from shaodao.bikes import rules as roles
from shaodao.bikes.findings import texts
from shaodao.bikes.findings.settings import ClusterSettings, RuleSettings
from shaodao.bikes.findings.words import LIVE, FindingState, Rule
from shaodao.bikes.models import Finding, Operator
from shaodao.cases.facts import ActorFacts
from shaodao.catalogue.models import Category
from shaodao.foundation.district import limit_in_words
from shaodao.foundation.naming import named
from shaodao.organisations.models import Organisation

JOINED = ("operator__organisation", "bay", "zone", "street", "community", "case")
STREETS, COMMUNITIES = ("street", "street_leader"), ("community",)
WHOLE = frozenset({"headquarters", "duty_leader", "dispatcher", "intake", "admin", "inspector"})


def sees_whole(actor: ActorFacts) -> bool:
    """The headquarters, the inspectors and the department that reviews operators look at the whole district."""
    if any(p.role in WHOLE for p in actor.posts):
        return True
    return any(p.role == "department" for p in actor.posts) and roles.reviews(actor, queries.reviewer_id())


def own_operators(actor: ActorFacts) -> list[int]:
    """The operators that somebody stands for."""
    owned = roles.owned(actor)
    return list(Operator.objects.filter(organisation__in=owned).values_list("pk", flat=True)) if owned else []


def visible(actor: ActorFacts) -> tuple[QuerySet[Finding], list[int] | None]:
    """The findings that somebody may see: all; those of their street or community; those with bikes of their operator.
    With the operators to whose shares they are confined (None: everybody's)."""
    rows = Finding.objects.all()
    if sees_whole(actor):
        return rows, None
    streets = [p.place_id for p in actor.posts if p.role in STREETS and p.place_id]
    communities = [p.place_id for p in actor.posts if p.role in COMMUNITIES and p.place_id]
    if streets or communities:
        return rows.filter(Q(street__in=streets) | Q(community__in=communities)), None
    mine = own_operators(actor)
    wanted = Q(pk__in=())
    for pk in mine:
        wanted |= Q(shares__has_key=str(pk))
    return rows.filter(wanted), mine


def tallies(rows: QuerySet[Finding]) -> dict[str, dict[str, int]]:
    """Counts of findings by rule and state. One query."""
    found: dict[str, dict[str, int]] = {name: {} for name in Rule.values}
    for rule, state, n in rows.order_by().values_list("rule", "state").annotate(n=Count("pk")):
        found.setdefault(rule, {})[state] = n
    return found


def listed(rows: QuerySet[Finding], *, rule: str, state: str, operator: str) -> QuerySet[Finding]:
    """By the page's filters; `state`: a state, "all", or nothing for what stands now."""
    if rule in Rule.values:
        rows = rows.filter(rule=rule)
    if state in FindingState.values:
        rows = rows.filter(state=state)
    elif state != "all":
        rows = rows.filter(state__in=LIVE)
    if operator:
        rows = rows.filter(operator__organisation__code=operator)
    return rows.select_related(*JOINED).order_by("-pk")


def lines(rows: list[Finding], mine: list[int] | None) -> list[dict[str, Any]]:
    """What the page says of some findings; of operators only `mine` (None: all). One query."""
    wanted = {int(pk) for row in rows for pk in row.shares if mine is None or int(pk) in mine}
    found = Operator.objects.filter(pk__in=wanted).select_related("organisation").order_by("pk")
    names: dict[int, Organisation] = {o.pk: o.organisation for o in found}
    return [
        {
            "row": row,
            "rule": Rule(row.rule).label,
            "where": texts.where(row),
            "what": texts.what(row),
            "shares": [
                {"unit": names[int(pk)], **share} for pk, share in sorted(row.shares.items()) if int(pk) in names
            ],
            "lasted": texts.minutes(row),
            "asked": texts.asked(row.rule, row.asked),
        }
        for row in rows
    ]


def described(now: datetime) -> list[dict[str, Any]]:
    """The rules as the pack has them: on or off, what they ask, under what they file, how much they filed. Two queries."""
    block = settings.current().findings
    counted = Finding.objects.filter(filed_at__gt=now - timedelta(hours=24)).order_by()
    filed = dict(counted.values_list("rule").annotate(n=Count("pk")))
    keys = {block.rule(name).category for name in Rule.values} - {""}
    wanted = Q(pk__in=())
    for key in keys:
        kind, _dash, code = key.partition("-")
        wanted |= Q(kind=kind, code=code)
    known = {c.key: c for c in Category.objects.filter(wanted, active=True, scheme__active=True)}
    return [_described(name, block.rule(name), known, filed.get(name, 0), now) for name in Rule.values]


def _described(name: str, rule: RuleSettings, known: dict[str, Category], filed: int, now: datetime) -> dict[str, Any]:
    limits = settings.current().findings.limits_of(name, now)
    values = {k: getattr(rule, k) for k in ("bikes", "minutes", "clear_minutes")}
    if isinstance(rule, ClusterSettings):
        values |= {"eps_m": rule.eps_m, "neighbours": rule.neighbours}
    return {
        "name": name,
        "label": Rule(name).label,
        "on": rule.enabled,
        "asks": texts.asked(name, values),
        "category": named(known[rule.category]) if rule.category in known else "",
        "key": rule.category,
        "arrive": limit_in_words(limits.arrive),
        "solve": limit_in_words(limits.solve),
        "filed": filed,
        "an_hour": rule.cases_an_hour,
        "a_day": rule.cases_a_day,
    }
