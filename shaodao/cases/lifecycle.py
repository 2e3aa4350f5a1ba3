"""The loop, as one table: every action with who may do it, from which state, on what, what it needs and what follows.

Pages, the API, the command line and docs/lifecycle.md all read this table; nothing else knows the rules of movement.
A guard answers None, or the reason why not, in plain words that the page shows beside the greyed button.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shaodao.cases import guards
from shaodao.cases.facts import ActorFacts, CaseFacts
from shaodao.cases.words import OPEN_STATES, CaseState

S = CaseState
Text = str | Promise
Guard = Callable[[CaseFacts, Any, ActorFacts, datetime], Text | None]

PUBLIC, SYSTEM = "public", "system"
INTAKE = frozenset({"intake", "duty_leader"})
OFFICE = frozenset({"headquarters", "duty_leader"})
STREET = frozenset({"street", "street_leader"})
TERRITORY = frozenset({"street", "street_leader", "community"})
ASSIGNEE = frozenset({"department", "operator", "street", "street_leader", "community"})
HEADQUARTERS = frozenset({"intake", "duty_leader", "dispatcher", "headquarters"})


@dataclass(frozen=True)
class Field:
    """One input of an action; `kind` decides the control on the page, the schema in the API, and the check."""

    name: str
    kind: str  # text, longtext, bool, rating, organisation, organisations, category, condition, whistle_kind,
    #            datetime, position, place, case, report, stage, photos, outcome, grounds, wording
    label: Text
    required: bool = True
    help: Text = ""


@dataclass(frozen=True)
class Transition:
    action: str
    label: Text
    roles: frozenset[str]  # posts, or PUBLIC, or SYSTEM
    scope: str  # anywhere | territory (own street or community) | assignee (own organisation's assignment)
    sources: tuple[str, ...]  # states of the case
    target: str  # state of the case afterwards; "" leaves it
    on: str = "case"  # what it acts on: case, assignment, whistle, request, dispute, recheck, evaluation, appeal
    on_states: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    reason: str = ""  # "required", "optional" or "": does the event carry a written reason
    guard: Guard | None = None
    why: Text = ""  # what it is for, in the documentation and as the button's hint
    danger: bool = False
    also: tuple[tuple[str, Text], ...] = ()  # other states that it can lead to, and when


REMARK = Field("remark", "longtext", _("说明"), required=False)
PHOTOS = Field("photos", "photos", _("照片"), required=False)
POSITION = Field("position", "position", _("所在位置"), required=False, help=_("由手机定位取得，用于核对是否到达现场"))
LEAD = Field("lead", "organisation", _("主办单位"))
SUPPORTS = Field("supports", "organisations", _("协办单位"), required=False)
WORDING = Field("wording", "wording", _("常用语"), required=False, help=_("选一条填入下面，可以再改；统计时按它归类"))
WORKING = ("signed", "arrived")
REPLY = Field(
    "reply",
    "longtext",
    _("给上报人的答复"),
    required=False,
    help=_("写明做了什么；随结案通知发出，凭编号和查询码也看得到"),
)
REPLY_PUBLIC = Field(
    "public", "bool", _("答复也在公开页面显示"), required=False, help=_("案件公开后才显示；请勿写个人信息")
)
LEFT = ((S.FILED, _("主办离开，重新待派遣")), (S.VERIFYING, _("最后一个协办离开，其余都已办结")))

TRANSITIONS: tuple[Transition, ...] = (
    # ── reports come together ────────────────────────────────────────────────────────────────────────────────
    Transition(
        "me_too",
        _("我也遇到"),
        frozenset({PUBLIC, *ASSIGNEE, *HEADQUARTERS, "inspector", "hotline"}),
        "anywhere",
        OPEN_STATES,
        "",
        why=_("同一问题再次上报，并入已有案件而不另立一件"),
    ),
    Transition(
        "add_to_report",
        _("补充上报"),
        frozenset({PUBLIC}),
        "anywhere",
        OPEN_STATES,
        "",
        fields=(Field("text", "longtext", _("补充说明"), required=False), PHOTOS),
        why=_("上报人凭编号和查询码补充文字和照片，办理的人会收到"),
    ),
    Transition(
        "categorise",
        _("归类"),
        HEADQUARTERS - {"headquarters"} | {"hotline"},
        "anywhere",
        (S.RECEIVED, S.FILED),
        "",
        fields=(
            Field("category", "category", _("类别")),
            Field("condition", "condition", _("立案条件"), required=False, help=_("时限取自所选的立案条件")),
            Field("urgent", "bool", _("紧急"), required=False),
        ),
        why=_("确定类别和立案条件，时限随之确定"),
    ),
    Transition(
        "locate",
        _("定位"),
        INTAKE | {"dispatcher"} | STREET,
        "territory",
        OPEN_STATES,
        "",
        fields=(
            Field(
                "position",
                "position",
                _("位置"),
                required=False,
                help=_("在地图上点选，或写作 经度,纬度；有位置就以位置为准"),
            ),
            Field("place", "place", _("街道或社区"), required=False, help=_("不知道确切位置时选到街道或社区为止")),
        ),
        reason="optional",
        why=_("核对或更正案件的地点；网格、社区和街道随之确定"),
    ),
    Transition(
        "merge",
        _("并案"),
        HEADQUARTERS - {"headquarters"},
        "anywhere",
        (S.RECEIVED, S.FILED),
        S.MERGED,
        fields=(Field("target", "case", _("并入案件编号")),),
        reason="optional",
        why=_("同一问题的多次上报合为一件，上报人继续收到进展"),
    ),
    Transition(
        "unmerge",
        _("撤销并案"),
        HEADQUARTERS - {"headquarters"},
        "anywhere",
        (S.MERGED,),
        S.RECEIVED,
        reason="required",
        guard=guards.unmerge,
        why=_("并错了的案件恢复原状，上报记录随之归还"),
        also=((S.FILED, _("并案之前已经立案")),),
    ),
    Transition(
        "split",
        _("拆出上报"),
        HEADQUARTERS - {"headquarters"},
        "anywhere",
        OPEN_STATES,
        "",
        fields=(Field("report", "report", _("要拆出的上报")),),
        reason="required",
        guard=guards.split,
        why=_("不是同一问题的上报另立一件"),
    ),
    # ── intake ───────────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "request_precheck",
        _("派人核实"),
        INTAKE,
        "anywhere",
        (S.RECEIVED,),
        "",
        reason="optional",
        guard=guards.request_precheck,
        why=_("立案之前请监督员到现场看一看"),
    ),
    Transition(
        "precheck",
        _("核实"),
        frozenset({"inspector"}) | TERRITORY,
        "territory",
        (S.RECEIVED,),
        "",
        fields=(Field("passed", "bool", _("核实结果")), REMARK, POSITION, PHOTOS),
        guard=guards.precheck,
        why=_("回报现场是否属实"),
    ),
    Transition(
        "file",
        pgettext_lazy("action", "立案"),
        INTAKE,
        "anywhere",
        (S.RECEIVED,),
        S.FILED,
        reason="optional",
        guard=guards.file,
        why=_("总指挥部受理，案件进入派遣"),
    ),
    Transition(
        "decline",
        pgettext_lazy("action", "不予立案"),
        INTAKE,
        "anywhere",
        (S.RECEIVED,),
        S.DECLINED,
        fields=(WORDING,),
        reason="required",
        why=_("说明理由，上报人会收到"),
        danger=True,
    ),
    Transition(
        "void",
        _("作废"),
        frozenset({"duty_leader"}),
        "anywhere",
        (S.FILED,),
        S.VOIDED,
        reason="required",
        why=_("误立的案件作废，计入准确立案率"),
        danger=True,
    ),
    Transition(
        "publish",
        _("审核公开"),
        HEADQUARTERS,
        "anywhere",
        tuple(S),
        "",
        fields=(
            Field("published", "bool", _("向公众公开")),
            Field("public_text", "longtext", _("公开文字"), required=False, help=_("请去除姓名、电话、门牌等个人信息")),
            Field("public_photos", "photos", _("公开照片"), required=False),
        ),
        why=_("公开之前先看过文字和照片，遮去个人信息"),
    ),
    # ── dispatch ─────────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "dispatch",
        _("派遣"),
        frozenset({"dispatcher"}),
        "anywhere",
        (S.FILED,),
        S.HANDLING,
        fields=(LEAD, SUPPORTS),
        reason="optional",
        guard=guards.dispatch,
        why=_("交一个主办单位和若干协办单位，各有时限"),
    ),
    Transition(
        "add_support",
        _("增派协办"),
        frozenset({"dispatcher"}),
        "anywhere",
        (S.HANDLING,),
        "",
        fields=(Field("supports", "organisations", _("协办单位")),),
        reason="optional",
        why=_("处置中再请单位协助"),
    ),
    Transition(
        "withdraw",
        _("撤回派遣"),
        frozenset({"dispatcher"}),
        "anywhere",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=("sent", "signed", "arrived", "suspended"),
        reason="required",
        why=_("派错了的任务撤回；主办撤回后案件重新待派遣"),
        danger=True,
        also=LEFT,
    ),
    Transition(
        "self_handle",
        _("街道自行处置"),
        STREET,
        "territory",
        (S.RECEIVED, S.FILED),
        S.HANDLING,
        reason="optional",
        guard=guards.has_category,
        why=_("属于街道自己职责的，街道直接处置"),
    ),
    # ── whistle ──────────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "whistle_draft",
        _("拟吹哨"),
        STREET,
        "territory",
        (S.RECEIVED, S.FILED, S.HANDLING),
        "",
        fields=(Field("kind", "whistle_kind", _("哨种")), LEAD, SUPPORTS),
        reason="required",
        guard=guards.whistle_draft,
        why=_("街道解决不了的，召集部门到现场；经街道负责人确认后发出"),
    ),
    Transition(
        "whistle_confirm",
        _("确认吹哨"),
        frozenset({"street_leader"}),
        "territory",
        (S.RECEIVED, S.FILED, S.HANDLING),
        S.HANDLING,
        on="whistle",
        on_states=("draft",),
        guard=guards.has_category,
        why=_("哨声发出，被点名的部门开始计时"),
    ),
    Transition(
        "whistle_reject",
        _("不同意吹哨"),
        frozenset({"street_leader"}),
        "territory",
        (S.RECEIVED, S.FILED, S.HANDLING),
        "",
        on="whistle",
        on_states=("draft",),
        reason="required",
        why=_("退给经办人，说明理由"),
    ),
    # ── the department ───────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "sign",
        _("签收"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=("sent",),
        why=_("本单位已收到任务"),
    ),
    Transition(
        "report_in",
        _("报到"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=("sent", "signed"),
        fields=(POSITION, REMARK, PHOTOS),
        why=_("人已到现场：记下时间、位置和离案发点的距离"),
    ),
    Transition(
        "send_back",
        pgettext_lazy("action", "退回"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=("sent", "signed"),
        fields=(WORDING,),
        reason="required",
        guard=guards.send_back,
        why=_("不属于本单位职责的，说明理由退回总指挥部，不得横向转派"),
        also=LEFT,
    ),
    Transition(
        "dispute",
        _("提出争议"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=("sent", "signed", "arrived"),
        reason="required",
        guard=guards.dispute,
        why=_("职责有争议的，提请会商裁定"),
    ),
    Transition(
        "rule_dispute",
        _("裁定争议"),
        OFFICE,
        "anywhere",
        (S.HANDLING,),
        "",
        on="dispute",
        fields=(LEAD, SUPPORTS, Field("ruling", "longtext", _("裁定意见"))),
        guard=guards.rule_dispute,
        why=_("裁定主办和协办，记为先例供以后查找"),
        also=((S.VERIFYING, _("主办已经办结，其余都不再承办")),),
    ),
    Transition(
        "note",
        _("记进展"),
        ASSIGNEE | HEADQUARTERS | {"inspector", "hotline", SYSTEM},
        "involved",
        tuple(OPEN_STATES),
        "",
        fields=(
            WORDING,
            Field("text", "longtext", _("进展")),
            Field(
                "told",
                "bool",
                _("告知上报人"),
                required=False,
                help=_("发给留了联系方式的上报人；凭编号和查询码也看得到"),
            ),
            Field(
                "public",
                "bool",
                _("在公开页面显示"),
                required=False,
                help=_("任何人都看得到，案件公开后才显示；请勿写姓名、电话、门牌等个人信息"),
            ),
            PHOTOS,
        ),
        why=_("写下做了什么、还差什么"),
    ),
    Transition(
        "stage_done",
        _("完成阶段"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=WORKING,
        fields=(Field("stage", "stage", _("阶段")), PHOTOS),
        guard=guards.stage_done,
        why=_("分阶段的案件逐段记完成"),
    ),
    Transition(
        "request_extension",
        _("申请延期"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=WORKING,
        reason="required",
        guard=guards.request_extension,
        why=_("再给一个原时限；最多两次，超期后不得申请"),
    ),
    Transition(
        "request_suspension",
        _("申请挂账"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=WORKING,
        reason="required",
        fields=(Field("until", "datetime", _("挂账至")),),
        guard=guards.request_suspension,
        why=_("暂时无法处置的，书面说明后挂账，计时暂停；一次，最长一年"),
    ),
    Transition(
        "grant",
        _("同意"),
        frozenset({"dispatcher"}),
        "anywhere",
        (S.HANDLING,),
        "",
        on="request",
        on_states=("pending",),
        reason="optional",
        guard=guards.grant,
        why=_("同意延期或挂账"),
    ),
    Transition(
        "refuse",
        _("不同意"),
        frozenset({"dispatcher"}),
        "anywhere",
        (S.HANDLING,),
        "",
        on="request",
        on_states=("pending",),
        reason="required",
        why=_("不同意的不计次数，计时继续"),
    ),
    Transition(
        "resume",
        _("结束挂账"),
        ASSIGNEE | {"dispatcher", SYSTEM},
        "assignee",
        (S.HANDLING,),
        "",
        on="assignment",
        on_states=("suspended",),
        why=_("恢复计时，继续处置；到期自动结束"),
    ),
    Transition(
        "finish",
        _("办结交回"),
        ASSIGNEE,
        "assignee",
        (S.HANDLING,),
        S.VERIFYING,
        on="assignment",
        on_states=WORKING,
        fields=(Field("result", "longtext", _("处置结果")), PHOTOS),
        guard=guards.finish,
        why=_("本单位的部分已办完；各单位都办完后进入核查"),
    ),
    # ── verification and closing ─────────────────────────────────────────────────────────────────────────────
    Transition(
        "verify",
        pgettext_lazy("action", "核查"),
        frozenset({"inspector"}) | TERRITORY,
        "territory",
        (S.VERIFYING,),
        S.CLOSING,
        fields=(Field("passed", "bool", _("核查结果")), REMARK, POSITION, PHOTOS),
        guard=guards.verify,
        why=_("处置人之外的人到现场核对结案条件；不合格的返工"),
        also=((S.HANDLING, _("不合格，返工")),),
    ),
    Transition(
        "close",
        pgettext_lazy("action", "结案"),
        OFFICE,
        "anywhere",
        (S.CLOSING,),
        S.CLOSED,
        fields=(REPLY, REPLY_PUBLIC),
        reason="optional",
        guard=guards.close,
        why=_("核查合格，案件结案，开始防反弹观察"),
    ),
    Transition(
        "close_not_fixed",
        pgettext_lazy("action", "未解决结案"),
        OFFICE,
        "anywhere",
        (S.FILED, S.VERIFYING, S.CLOSING),
        S.CLOSED,
        fields=(WORDING, REPLY, REPLY_PUBLIC),
        reason="required",
        guard=guards.close,
        why=_("确实无法解决的，写明原因结案，不称为已解决"),
        danger=True,
    ),
    Transition(
        "answer",
        _("答复结案"),
        frozenset({SYSTEM}),
        "anywhere",
        (S.RECEIVED, S.FILED),
        S.CLOSED,
        guard=guards.close,
        why=_("网上来信以书面答复办结：没有现场核查，不称为已解决，也不进入观察期"),
    ),
    # ── after closing ────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "evaluate",
        _("评价部门"),
        STREET,
        "territory",
        (S.CLOSED,),
        "",
        on="assignment",
        on_states=("done",),
        fields=(
            Field("efficiency", "rating", _("效率")),
            Field("effect", "rating", _("效果")),
            Field("comment", "longtext", _("评价理由"), required=False),
        ),
        guard=guards.evaluate,
        why=_("街道评价部门解决得快不快、好不好，并反馈总指挥部"),
    ),
    Transition(
        "comment_evaluation",
        _("批注评价"),
        OFFICE,
        "anywhere",
        (S.CLOSED, S.HANDLING),
        "",
        on="evaluation",
        fields=(Field("text", "longtext", _("总指挥部意见")),),
        why=_("总指挥部对评价的意见"),
    ),
    Transition(
        "appeal",
        _("申诉"),
        ASSIGNEE,
        "assignee",
        (S.CLOSED,),
        "",
        on="assignment",
        on_states=("done",),
        fields=(
            Field("grounds", "grounds", _("申诉事项"), help=_("只能申诉一次，要申诉的请一并选上")),
            Field("photos", "photos", _("证据照片"), required=False),
        ),
        reason="required",
        guard=guards.appeal,
        why=_(
            "对记在本单位名下的超期或评价有异议的，结案之后在期限内书面申诉，一个任务一次；事实不改，成立的只是不计入统计"
        ),
    ),
    Transition(
        "review_appeal",
        _("复核申诉"),
        OFFICE,
        "anywhere",
        tuple(S),
        "",
        on="appeal",
        on_states=("pending",),
        fields=(Field("upheld", "bool", _("支持申诉")),),
        reason="required",
        guard=guards.review_appeal,
        why=_("由不同的人分别复核，两人意见一致即定；一人支持一人不支持的，由第三人定。未定之前照原记录统计"),
    ),
    Transition(
        "withdraw_appeal",
        _("撤回申诉"),
        ASSIGNEE,
        "assignee",
        tuple(S),
        "",
        on="appeal",
        on_states=("pending",),
        reason="optional",
        why=_("还没有定论的申诉可以撤回；撤回之后不能再次申诉"),
        danger=True,
    ),
    Transition(
        "circulate",
        _("发通报"),
        OFFICE,
        "anywhere",
        tuple(S),
        "",
        fields=(
            Field("title", "text", _("标题")),
            Field("text", "longtext", _("正文")),
            Field("organisations", "organisations", _("发往单位")),
        ),
        why=_("就本案向有关单位发通报"),
    ),
    Transition(
        "callback",
        _("回访"),
        frozenset({PUBLIC}),
        "anywhere",
        (S.CLOSED, S.HANDLING),
        "",
        fields=(
            Field("responded", "bool", _("有人联系过您吗")),
            Field("resolved", "bool", _("问题解决了吗")),
            Field("satisfied", "bool", _("您满意吗")),
            REMARK,
        ),
        why=_("上报人通过一次性链接评价，无需账号"),
    ),
    Transition(
        "reopen",
        _("重办"),
        OFFICE | STREET,
        "territory",
        (S.CLOSED,),
        S.HANDLING,
        reason="required",
        guard=guards.unsolved,
        why=_("上报人说没有解决，核对属实的交原主办单位重办，不算反弹，单独计数"),
        also=((S.FILED, _("原来没有主办单位可交")),),
    ),
    Transition(
        "settle_callback",
        _("回应回访"),
        OFFICE | STREET,
        "territory",
        (S.CLOSED,),
        "",
        fields=(Field("reply", "longtext", _("给上报人的说明")),),
        guard=guards.unsolved,
        why=_("上报人说没有解决，核对后不需要重办的，写明情况告知上报人"),
    ),
    Transition(
        "recheck",
        _("复查"),
        TERRITORY | {"inspector"},
        "territory",
        (S.CLOSED,),
        "",
        on="recheck",
        fields=(Field("rebounded", "bool", _("复查结果")), REMARK, PHOTOS),
        guard=guards.recheck,
        why=_("观察期内回头看；又出现的按反弹处理"),
        also=((S.HANDLING, _("又出现了，按反弹重办")),),
    ),
    Transition(
        "rebound",
        _("按反弹重办"),
        TERRITORY | OFFICE | {"inspector", SYSTEM},
        "territory",
        (S.CLOSED,),
        S.HANDLING,
        reason="required",
        guard=guards.rebound,
        why=_("观察期内同一问题再次出现，交原主办单位重办并计入反弹"),
        also=((S.FILED, _("原来没有主办单位可交")),),
    ),
    Transition(
        "end_watch",
        _("观察期满"),
        frozenset({SYSTEM}),
        "anywhere",
        (S.CLOSED,),
        "",
        guard=guards.end_watch,
        why=_("防反弹观察期内没有再发生"),
    ),
    # ── urging ───────────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "urge",
        _("催办"),
        STREET | {"dispatcher", "headquarters", "duty_leader"},
        "territory",
        (S.HANDLING, S.VERIFYING),
        "",
        reason="required",
        guard=guards.urge,
        why=_("提醒承办单位抓紧"),
    ),
    Transition(
        "supervise",
        _("督办"),
        OFFICE,
        "anywhere",
        tuple(OPEN_STATES),
        "",
        reason="required",
        why=_("总指挥部挂牌督办"),
    ),
    Transition(
        "escalate",
        _("逐级提醒"),
        frozenset({SYSTEM}),
        "anywhere",
        tuple(OPEN_STATES),
        "",
        why=_("按阶梯自动提醒、催办、督办"),
    ),
    Transition(
        "recompute",
        _("重算时限"),
        frozenset({SYSTEM}),
        "anywhere",
        tuple(OPEN_STATES),
        "",
        why=_("放假安排公布后，暂定的时限按新日历重算"),
    ),
)

BY_ACTION: dict[str, Transition] = {t.action: t for t in TRANSITIONS}
