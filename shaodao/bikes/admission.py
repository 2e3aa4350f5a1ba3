"""Admission of operators, as one table: every action with who may do it, from which state, what it needs, what follows.

The pages, the buttons with their reasons, the checks of the actions and the tests read this table; nothing else knows
the rules of movement. A guard answers None, or the reason why not in plain words. Pure: no database, no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shaodao.bikes.words import APPLYING, ENDED, IN_FORCE, OperatorState, PaperState
from shaodao.cases.lifecycle import SYSTEM, Field, Text

S, P = OperatorState, PaperState
OWNER, REVIEWER = "operator", "reviewer"  # the operator's own posts; the headquarters and the responsible department
EVERY = tuple(S)
MACHINE = "machine"  # the kind of a field that only a machine fills in: such an action has no page


@dataclass(frozen=True)
class PaperFacts:
    id: int
    state: str


@dataclass(frozen=True)
class OperatorFacts:
    """An operator and the district's numbers, as the rules see them."""

    id: int
    organisation_id: int
    state: str
    today: date
    quota: int = 0
    staff: int | None = None
    intact_percent: float | None = None
    term_until: date | None = None
    missing: tuple[str, ...] = ()  # required items of the checklist for which no paper stands
    unaccepted: tuple[str, ...] = ()  # required items without an accepted paper that is still valid
    asked: tuple[str, ...] = ()  # items whose last paper was not enough
    papers: tuple[PaperFacts, ...] = ()
    reviewer_id: int | None = None  # organisation of the responsible department
    ceiling: int = 0
    taken: int = 0  # quotas of all other operators in force
    staff_per_1000: float = 0.0
    least_intact: float = 0.0

    @property
    def open_share(self) -> int:
        """Bikes that this operator may be given: the ceiling less what the others hold."""
        return max(0, self.ceiling - self.taken)

    def paper(self, id: int | None) -> PaperFacts | None:
        return next((p for p in self.papers if p.id == id), None)


Guard = Callable[[OperatorFacts], Text | None]


@dataclass(frozen=True)
class Transition:
    action: str
    label: Text
    roles: frozenset[str]  # OWNER, REVIEWER, SYSTEM
    sources: tuple[str, ...]
    target: str  # "" leaves the state
    fields: tuple[Field, ...] = ()
    on: str = ""  # "paper" where it acts on one
    on_states: tuple[str, ...] = ()
    reason: str = ""  # "required", "optional" or "": does the event carry a written reason
    guard: Guard | None = None
    why: Text = ""
    danger: bool = False
    shown: bool = True  # as a button among the others; False: it has a place of its own on the page


def _listed(names: tuple[str, ...]) -> str:
    return _now("、").join(names)


def complete(f: OperatorFacts) -> Text | None:
    """Every required paper has been handed in."""
    return _now("还没有提交：%(items)s") % {"items": _listed(f.missing)} if f.missing else None


def answered(f: OperatorFacts) -> Text | None:
    """What was asked for has been handed in anew."""
    if f.asked:
        return _now("还没有重新提交：%(items)s") % {"items": _listed(f.asked)}
    return complete(f)


def fit(f: OperatorFacts) -> Text | None:
    """Every required paper has been accepted, and enough of the fleet is fit to ride."""
    if f.unaccepted:
        return _now("还没有通过审查：%(items)s") % {"items": _listed(f.unaccepted)}
    if f.least_intact and (f.intact_percent is None or f.intact_percent < f.least_intact):
        stated = "—" if f.intact_percent is None else f"{f.intact_percent:g}"
        return _now("车辆完好率 %(is)s%%，要求不低于 %(least)s%%") % {"is": stated, "least": f"{f.least_intact:g}"}
    if not f.open_share:
        return _now("全区上限 %(ceiling)d 辆已全部分配") % {"ceiling": f.ceiling}
    return None


def in_term(f: OperatorFacts) -> Text | None:
    if f.term_until and f.today > f.term_until:
        return _now("准入期限 %(day)s 已过") % {"day": f.term_until}
    return None


def over(f: OperatorFacts) -> Text | None:
    if f.term_until is None or f.today <= f.term_until:
        return _now("准入期限还没有到")
    return None


def _number(name: str, label: Text, help: Text = "", required: bool = True) -> Field:
    return Field(name, "number", label, required, help)


APPLICATION = (
    Field("legal_name", "text", _("营业执照上的名称")),
    Field("contact_name", "name", _("联系人")),
    Field("contact_phone", "phone", _("联系电话"), help=_("只有本企业和审查人员看得到")),
    Field("contact_email", "email", _("电子邮箱"), required=False),
    _number("requested_quota", _("申请配额（辆）")),
    _number("fleet", _("现有车辆（辆）")),
    _number("staff", _("调度人员（人）")),
    _number("vans", _("调度车辆（辆）")),
    Field("intact_percent", "percent", _("车辆完好率（%）")),
)
TERM_UNTIL = Field("term_until", "date", _("准入至"), help=_("含当日，过后自动到期"))
QUOTA = _number("quota", _("配额（辆）"))

TRANSITIONS: tuple[Transition, ...] = (
    # ── the operator applies ─────────────────────────────────────────────────────────────────────────────────
    Transition(
        "save",
        _("保存申请"),
        frozenset({OWNER}),
        (S.DRAFT, S.ASKED, *ENDED),
        "",
        fields=tuple(Field(f.name, f.kind, f.label, False, f.help) for f in APPLICATION),
        why=_("先存下来，以后再提交"),
        shown=False,
    ),
    Transition(
        "hand_in",
        _("提交材料"),
        frozenset({OWNER}),
        EVERY,
        "",
        fields=(
            Field("item", "item", _("材料")),
            Field("file", "paper", _("文件"), help=_("PDF、JPEG 或 PNG，只有本企业和审查人员看得到，每次查看都有记录")),
            Field("valid_until", "date", _("有效期至"), required=False, help=_("保险、许可等有期限的填写")),
        ),
        why=_("新的一份替换同一项的旧件，旧件仍然保留"),
        shown=False,
    ),
    Transition(
        "apply",
        _("提交申请"),
        frozenset({OWNER}),
        (S.DRAFT, *ENDED),
        S.SUBMITTED,
        fields=APPLICATION,
        guard=complete,
        why=_("申请交审查；未准入、已退出或已到期的可以重新申请，材料重新审查"),
    ),
    Transition(
        "answer",
        _("补充后再提交"),
        frozenset({OWNER}),
        (S.ASKED,),
        S.SUBMITTED,
        fields=APPLICATION,
        reason="optional",
        guard=answered,
        why=_("按要求补充之后交回审查"),
    ),
    # ── review ───────────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "review_paper",
        _("审查材料"),
        frozenset({REVIEWER}),
        (S.SUBMITTED, S.ASKED, *IN_FORCE),
        "",
        on="paper",
        on_states=(P.SENT, P.ACCEPTED, P.MORE),
        fields=(Field("accepted", "bool", _("通过")),),
        reason="optional",
        why=_("对照清单逐份核对；不通过的写明还要补什么"),
        shown=False,
    ),
    Transition(
        "request_more",
        _("要求补充"),
        frozenset({REVIEWER}),
        (S.SUBMITTED,),
        S.ASKED,
        reason="required",
        why=_("写明还缺什么，企业补充后再交回"),
    ),
    Transition(
        "admit",
        _("准入"),
        frozenset({REVIEWER}),
        (S.SUBMITTED,),
        S.ADMITTED,
        fields=(QUOTA, Field("term_from", "date", _("准入自")), TERM_UNTIL),
        reason="optional",
        guard=fit,
        why=_("给定配额和期限；各企业配额之和不超过全区上限"),
    ),
    Transition(
        "refuse",
        _("不予准入"),
        frozenset({REVIEWER}),
        (S.SUBMITTED, S.ASKED),
        S.REFUSED,
        reason="required",
        why=_("写明理由，企业以后可以重新申请"),
        danger=True,
    ),
    # ── in force ─────────────────────────────────────────────────────────────────────────────────────────────
    Transition(
        "change_quota",
        _("调整配额"),
        frozenset({REVIEWER}),
        IN_FORCE,
        "",
        fields=(QUOTA, Field("term_until", "date", _("准入至"), required=False, help=_("不改期限的留空"))),
        reason="required",
        why=_("按考核或需要增减配额，也可延长或缩短期限"),
    ),
    Transition(
        "warn",
        pgettext_lazy("operator", "警告"),
        frozenset({REVIEWER}),
        IN_FORCE,
        "",
        reason="required",
        why=_("书面警告，记入企业档案"),
    ),
    Transition(
        "suspend",
        _("暂停"),
        frozenset({REVIEWER}),
        (S.ADMITTED,),
        S.SUSPENDED,
        reason="required",
        why=_("暂停期间不得新投放车辆；配额仍计入全区上限"),
        danger=True,
    ),
    Transition(
        "resume",
        pgettext_lazy("operator", "恢复"),
        frozenset({REVIEWER}),
        (S.SUSPENDED,),
        S.ADMITTED,
        reason="optional",
        guard=in_term,
        why=_("整改合格，恢复运营"),
    ),
    Transition(
        "withdraw",
        _("退出"),
        frozenset({OWNER, REVIEWER}),
        (S.SUBMITTED, S.ASKED, *IN_FORCE),
        S.WITHDRAWN,
        reason="required",
        why=_("企业撤回申请或退出，或由审查方取消准入；配额收回，数据令牌失效"),
        danger=True,
    ),
    Transition(
        "expire",
        _("准入到期"),
        frozenset({SYSTEM}),
        IN_FORCE,
        S.EXPIRED,
        guard=over,
        why=_("期限最后一天过后自动到期；配额收回，数据令牌失效"),
    ),
    # ── machines and vehicles ────────────────────────────────────────────────────────────────────────────────
    Transition(
        "issue_token",
        _("签发数据令牌"),
        frozenset({OWNER, REVIEWER}),
        (*APPLYING, *IN_FORCE),
        "",
        fields=(
            Field("name", "name", _("用途")),
            Field("person", "person", _("账号"), help=_("令牌以这个账号的岗位行事")),
            Field("expires_on", "date", _("有效期至"), required=False),
        ),
        why=_("企业的系统凭它推送车辆位置；只显示一次"),
        shown=False,
    ),
    Transition(
        "revoke_token",
        _("吊销数据令牌"),
        frozenset({OWNER, REVIEWER}),
        EVERY,
        "",
        fields=(Field("token", "token", _("令牌")),),
        why=_("立即失效，不能恢复"),
        danger=True,
        shown=False,
    ),
    Transition(
        "import_vehicles",
        _("导入车辆"),
        frozenset({OWNER, REVIEWER}),
        IN_FORCE,
        "",
        fields=(Field("file", "table", _("表格"), help=_("CSV（UTF-8）或 Excel（.xlsx），最多 100,000 行")),),
        why=_("按车牌或编码新增和更新；有一行不对就整个文件不导入"),
        shown=False,
    ),
    Transition(
        "push_vehicles",
        _("接口登记车辆"),
        frozenset({OWNER}),
        IN_FORCE,
        "",
        fields=(Field("rows", MACHINE, _("车辆")), Field("update", "bool", _("变更"), required=False)),
        why=_("企业的系统通过 MDS 逐辆登记和变更"),
        shown=False,
    ),
)
BY_ACTION: dict[str, Transition] = {t.action: t for t in TRANSITIONS}
