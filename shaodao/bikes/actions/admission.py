"""From the application to the end of the term: what each step of the table writes."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shaodao.bikes import queries, rules
from shaodao.bikes.actions.record import Done, Step, body
from shaodao.bikes.admission import APPLICATION
from shaodao.bikes.models import ChecklistItem, Operator, OperatorPaper
from shaodao.bikes.words import ENDED, PaperState
from shaodao.cases.actions import Actor
from shaodao.foundation import clock, papers
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import District
from shaodao.organisations import actions as organisations
from shaodao.organisations import tokens
from shaodao.organisations.models import Organisation


@transaction.atomic
def enrol(actor: Actor, code: str, name: str, name_en: str = "", *, illustrative: bool = False) -> Done:
    """Open the file of a newcomer, or of an organisation of kind operator that has none: its accounts can then apply.

    `actor` reviews operators. Raises Refused (not a reviewer, or the file is open already), Invalid (code, name).
    """
    roles = rules.reviewing_roles(actor.facts, queries.reviewer_id())
    if not roles:
        raise Refused(_("您的岗位没有此项权限"), forbidden=True)
    company = Organisation.objects.filter(code=code.strip()).first()
    if company is None:
        company = organisations.create_organisation(
            code, name, Organisation.Kind.OPERATOR, name_en=name_en, illustrative=illustrative, by=actor.person
        )
    elif company.kind != Organisation.Kind.OPERATOR or not company.active:
        raise Invalid({"code": _("这个编码属于“%(name)s”，不是在用的运营企业") % {"name": company.name}})
    try:
        with transaction.atomic():
            operator = Operator.objects.create(organisation=company, created_at=clock.now())
    except IntegrityError:
        raise Refused(_("“%(name)s”已经建档") % {"name": company.name}) from None
    step = Step("enrol", operator, actor, operator.created_at, queries.load(operator, operator.created_at))
    step.added.append(operator)
    return Done(operator, step.commit(roles[0]))


@body("save")
@body("answer")
def write(s: Step, **values: Any) -> None:
    """Take over what the application says."""
    for field in APPLICATION:
        value = values[field.name]
        empty = "" if field.kind in {"text", "name", "phone", "email"} else None
        setattr(s.operator, field.name, empty if value is None else value)


@body("apply")
def apply(s: Step, **values: Any) -> None:
    """A second application begins anew: papers that were judged for the first are looked at again."""
    write(s, **values)
    s.operator.applied_at = s.now
    if s.operator.state in ENDED:
        s.operator.term_from = s.operator.term_until = None
        for paper in s.loaded.papers:
            if paper.state in (PaperState.ACCEPTED, PaperState.MORE):
                s.touch(paper)
                paper.state, paper.reviewed_at, paper.reviewed_by = PaperState.SENT, None, None


@body("hand_in")
def hand_in(s: Step, item: ChecklistItem, file: papers.Paper, valid_until: date | None) -> OperatorPaper:
    """A newer paper takes the place of the one for the same item."""
    if valid_until and valid_until < s.loaded.facts.today:
        raise Invalid({"valid_until": _("这份材料已经过期")})
    for old in s.loaded.papers:
        if old.item_id == item.pk and old.state != PaperState.REPLACED:
            s.touch(old)
            old.state = PaperState.REPLACED
    paper = OperatorPaper(
        operator=s.operator,
        item=item,
        upload=papers.keep(file, s.actor.person),
        sha256=file.sha256,
        name=file.name,
        valid_until=valid_until,
        sent_at=s.now,
        sent_by=s.actor.person,
    )
    s.add(paper)
    s.data = {"item": item.code, "name": item.name, "name_en": item.name_en}
    return paper


@body("review_paper")
def review_paper(s: Step, on: OperatorPaper, accepted: bool) -> None:
    if not accepted and not s.reason:
        raise Invalid({"reason": _("请写明还要补什么")})
    on.state = PaperState.ACCEPTED if accepted else PaperState.MORE
    on.note, on.reviewed_at, on.reviewed_by = s.reason, s.now, s.actor.person
    s.data = {"item": on.item.code, "name": on.item.name, "name_en": on.item.name_en, "accepted": accepted}


@body("request_more")
@body("refuse")
@body("suspend")
@body("resume")
def only_the_state(s: Step) -> None:
    """The table says what becomes of the state; nothing else changes."""


def _check_quota(s: Step, quota: int) -> None:
    """The quotas in force never add up to more than the ceiling, however many decide at once: deciders stand in line
    at the district's row, and the sum is read again behind it."""
    list(District.objects.select_for_update().values_list("pk", flat=True))
    facts = replace(s.loaded.facts, taken=queries.taken(s.operator.pk))
    if fault := rules.quota_fault(quota, facts):
        raise Invalid({"quota": fault})


@body("admit")
def admit(s: Step, quota: int, term_from: date, term_until: date) -> None:
    if fault := rules.term_fault(term_from, term_until, s.loaded.facts.today):
        raise Invalid({"term_until": fault})
    _check_quota(s, quota)
    s.operator.quota, s.operator.term_from, s.operator.term_until = quota, term_from, term_until


@body("change_quota")
def change_quota(s: Step, quota: int, term_until: date | None) -> None:
    if term_until and (fault := rules.term_fault(s.operator.term_from, term_until, s.loaded.facts.today)):
        raise Invalid({"term_until": fault})
    _check_quota(s, quota)
    s.operator.quota = quota
    s.operator.term_until = term_until or s.operator.term_until


@body("warn")
def warn(s: Step) -> None:
    s.operator.warnings += 1


@body("withdraw")
@body("expire")
def end(s: Step) -> None:
    """The quota goes back to the district, and the operator's systems may push no longer."""
    s.operator.quota = 0
    live = [t for t in queries.bike_tokens(s.operator) if t.revoked_at is None]
    for token in live:
        tokens.revoke(token, s.actor.person, s.now)
    if live:
        s.data = {"tokens_revoked": len(live)}
