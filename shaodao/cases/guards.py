"""The guards of the life cycle: each answers None, or the reason why not in words that a page shows."""

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shaodao.cases.facts import (
    ActorFacts,
    AppealFacts,
    AssignmentFacts,
    CaseFacts,
    DisputeFacts,
    RecheckFacts,
    RequestFacts,
)

Answer = str | Promise | None
AGAIN = {"self", "rebound", "reopened"}  # whose work it is has been settled before


def has_category(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return None if case.category_id else _("请先归类：时限取决于类别")


def unmerge(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return None


def split(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return None if case.report_count > 1 else _("本案只有一条上报，无可拆出")


def request_precheck(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return _("已派人核实，等待回报") if case.precheck_open else None


def precheck(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return None if case.precheck_open else _("没有待核实的任务")


def file(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    if not case.category_id:
        return _("请先归类：时限取决于类别")
    return _("核实尚未回报") if case.precheck_open else None


def dispatch(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return has_category(case, on, actor, now)


def whistle_draft(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    if any(w.state == "draft" for w in case.whistles):
        return _("已有一声哨等待街道负责人确认")
    return None


def send_back(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if on.via in AGAIN:
        return _("自行处置和重办的任务不得退回")
    if on.return_until and now > on.return_until:
        return _("已过退回时限，按首接负责继续办理；有争议请提请会商")
    return None


def dispute(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if on.via in AGAIN:
        return _("自行处置和重办的任务不得提出争议")
    return _("争议正在会商") if case.open_dispute(on.id) else None


def rule_dispute(case: CaseFacts, on: DisputeFacts, actor: ActorFacts, now: datetime) -> Answer:
    return None if on.open else _("该争议已经裁定")


def stage_done(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    return None if on.open_stages else _("本案不分阶段，或各阶段都已完成")


def request_extension(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if case.pending_request(on.id):
        return _("已有一项申请等待审批")
    if on.extensions >= case.max_extensions:
        return _("延期次数已用完")
    return _("已超期，不得再申请延期") if on.due_at and now > on.due_at else None


def request_suspension(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if case.pending_request(on.id):
        return _("已有一项申请等待审批")
    return _("每个任务只能挂账一次") if on.suspensions else None


def grant(case: CaseFacts, on: RequestFacts, actor: ActorFacts, now: datetime) -> Answer:
    assignment = case.assignment(on.assignment_id)
    if assignment is None or not assignment.open:
        return _("该任务已不在办理中")
    return None


def finish(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if case.open_dispute(on.id):
        return _("争议裁定之前不能交回")
    if on.via == "whistle" and on.arrived_at is None:
        return _("吹哨任务须先到现场报到")
    return _("还有阶段没有完成") if on.open_stages else None


def verify(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    handled_by = {a.finished_by_id for a in case.assignments if a.round == case.round}
    if actor.person_id in handled_by or any(p.organisation_id in case.handlers for p in actor.posts):
        return _("须由处置单位以外的人核查")
    return None


def close(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return _("还有任务没有办结，不能结案") if case.open_assignments else None


def clear(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    if any(d.open for d in case.disputes):
        return _("争议裁定之前不能自动结案")
    return _("吹哨任务还没有办结") if any(a.via == "whistle" for a in case.open_assignments) else None


def evaluate(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if on.via == "self":
        return _("街道自行处置的不作自我评价")
    return _("已经评价过") if on.evaluated else None


def appeal(case: CaseFacts, on: AssignmentFacts, actor: ActorFacts, now: datetime) -> Answer:
    if on.appealed:
        return _("已经申诉过；一个任务只能申诉一次")
    if not on.contestable:
        return _("没有超期，也没有评价，无可申诉")
    if case.appeal_until is None or now > case.appeal_until:
        return _("结案之后的申诉期限已过")
    return None


def review_appeal(case: CaseFacts, on: AppealFacts, actor: ActorFacts, now: datetime) -> Answer:
    own = any(p.organisation_id == on.organisation_id for p in actor.posts)
    if own or (actor.person_id is not None and actor.person_id == on.asked_by_id):
        return _("须由申诉单位以外的人复核")
    return _("您已经复核过，须由另一人复核") if actor.person_id in on.reviewers else None


def recheck(case: CaseFacts, on: RecheckFacts, actor: ActorFacts, now: datetime) -> Answer:
    # One that fell due within the watch may be done late: a street that was slow has still looked.
    return _("该次复查已完成") if on.done else None


def rebound(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    if case.watch_until is None or now > case.watch_until:
        return _("防反弹观察期已过，请作为新案件上报")
    return None


def unsolved(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return None if case.unsolved else _("没有待回应的“未解决”回访")


def end_watch(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    if case.watch_until is None:
        return _("本案不在观察期")
    return _("观察期未满") if now < case.watch_until else None


def urge(case: CaseFacts, on: object, actor: ActorFacts, now: datetime) -> Answer:
    return None if case.open_assignments else _("没有在办的单位可催")
