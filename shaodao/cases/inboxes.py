"""The inboxes: which cases wait for whom, as one table. Pages, navigation and the API read it; counts are one query."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import DateTimeField, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shaodao.cases import limits, queries
from shaodao.cases.actions.reporting import CHANNEL_ROLES
from shaodao.cases.facts import ActorFacts
from shaodao.cases.lifecycle import ASSIGNEE, INTAKE, OFFICE, STREET, TERRITORY
from shaodao.cases.limits import organisations_of
from shaodao.cases.models import (
    Appeal,
    Assignment,
    Case,
    Dispute,
    Notice,
    Recheck,
    TimeRequest,
    Verification,
    Whistle,
)
from shaodao.cases.words import OPEN_STATES, AssignmentState, CaseState, Channel, ClockKind, WhistleState
from shaodao.foundation import clock
from shaodao.organisations.models import Person

S, A = CaseState, AssignmentState
RECHECK_AHEAD = limits.RECHECK_AHEAD
FAR = datetime(9000, 1, 1, tzinfo=UTC)
INSPECTING = TERRITORY | {"inspector"}


@dataclass(frozen=True)
class Inbox:
    """What waits for somebody: `cases` gives the cases for one person's posts at one time."""

    key: str
    label: str | Promise
    icon: str
    roles: frozenset[str] | None  # None: everybody with a post
    cases: Callable[[ActorFacts, datetime], QuerySet[Case]]
    section: str  # todo or look
    hint: str | Promise = ""
    does: str | Promise = ""  # what is to be done with a case that waits here
    limit: Callable[[ActorFacts], limits.Limit] = limits.of_case  # until when
    counted: bool = True


@dataclass(frozen=True)
class Count:
    total: int = 0
    overdue: int = 0


# ── whose ────────────────────────────────────────────────────────────────────────────────────────────────────────


def territory(actor: ActorFacts, roles: frozenset[str]) -> Q:
    """Cases in the streets and communities of the actor's posts; an inspector's territory is the district."""
    if any(p.role == "inspector" and p.role in roles for p in actor.posts):
        return Q()
    posts = [p for p in actor.posts if p.role in roles and p.place_id]
    streets = [p.place_id for p in posts if p.role in STREET]
    return Q(street_id__in=streets) | Q(community_id__in=[p.place_id for p in posts if p.role == "community"])


def _with(rows: QuerySet[Any]) -> QuerySet[Case]:
    """The cases of these parts."""
    return Case.objects.filter(pk__in=rows.values("case_id"))


def _mine(actor: ActorFacts, **state: Any) -> QuerySet[Assignment]:
    return Assignment.objects.filter(organisation_id__in=organisations_of(actor, ASSIGNEE), **state)


# ── what ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _asked() -> QuerySet[Verification]:
    return Verification.objects.filter(kind=Verification.Kind.PRECHECK, done_at=None)


def intake(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return Case.objects.filter(state=S.RECEIVED).exclude(pk__in=_asked().values("case_id"))


def precheck(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return _with(_asked()).filter(territory(actor, INSPECTING), state=S.RECEIVED)


def filed(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return Case.objects.filter(state=S.FILED)


def whistles(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    drafts = Whistle.objects.filter(state=WhistleState.DRAFT)
    return _with(drafts).filter(
        territory(actor, frozenset({"street_leader"})), state__in=[S.RECEIVED, S.FILED, S.HANDLING]
    )


def to_sign(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return _with(_mine(actor, state=A.SENT)).filter(state=S.HANDLING)


def to_report_in(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    """Called by a whistle and not on the spot yet, signed for or not: to report in signs as well."""
    rows = _mine(actor, state__in=[A.SENT, A.SIGNED], via=Assignment.Via.WHISTLE, arrived_at=None)
    return _with(rows).filter(state=S.HANDLING)


def in_hand(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    rows = _mine(actor, state__in=[A.SIGNED, A.ARRIVED, A.SUSPENDED]).exclude(
        state=A.SIGNED, via=Assignment.Via.WHISTLE, arrived_at=None
    )
    return _with(rows).filter(state=S.HANDLING)


def time_requests(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return _with(TimeRequest.objects.filter(state=TimeRequest.State.PENDING)).filter(state=S.HANDLING)


def disputes(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return _with(Dispute.objects.filter(ruled_at=None)).filter(state=S.HANDLING)


def verify(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    """To verify by somebody else than who handled it in this round."""
    handled = Assignment.objects.filter(
        case_id=OuterRef("pk"), round=OuterRef("rebound_count") + OuterRef("reopen_count") + 1
    ).filter(
        Q(organisation_id__in=organisations_of(actor)) & ~Q(state__in=[A.RETURNED, A.CANCELLED])
        | Q(finished_by_id=actor.person_id)
    )
    return Case.objects.filter(territory(actor, INSPECTING), ~Exists(handled), state=S.VERIFYING)


def close(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return Case.objects.filter(state=S.CLOSING)


def evaluate(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    """What a person handed back; a part that an observer saw done asks for no rating (and can be given one)."""
    rows = Assignment.objects.filter(state=A.DONE, evaluation=None, finished_by__isnull=False)
    rows = rows.exclude(via=Assignment.Via.SELF)
    return _with(rows).filter(territory(actor, STREET), state=S.CLOSED)


def unsolved(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    """Closed, and a reporter says that it is not solved: somebody has to look and answer."""
    mine = Q() if queries.sees_all(actor) else territory(actor, STREET)
    return Case.objects.filter(mine, state=S.CLOSED, unsolved=True)


def appeals(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    """Appeals that still need a voice, and not from somebody who gave one or whose own unit appeals."""
    me, own = actor.person_id or 0, organisations_of(actor)
    rows = Appeal.objects.filter(state=Appeal.State.PENDING).exclude(assignment__organisation_id__in=own)
    for who in ("asked_by", "first_by", "second_by"):
        rows = rows.filter(Q(**{f"{who}__isnull": True}) | ~Q(**{who: me}))
    return _with(rows)


def rechecks(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    rows = Recheck.objects.filter(done_at=None, due_at__lte=now + RECHECK_AHEAD)
    return _with(rows).filter(territory(actor, INSPECTING), state=S.CLOSED)


def overdue(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return queries.visible_to(actor, Case.objects.filter(state__in=OPEN_STATES, due_at__lt=now))


def everything(actor: ActorFacts, now: datetime) -> QuerySet[Case]:
    return queries.visible_to(actor)


INBOXES: tuple[Inbox, ...] = (
    Inbox(
        "intake", _("待受理"), "inbox", INTAKE, intake, "todo", _("归类、立案，或说明理由不予立案"),
        pgettext_lazy("todo", "受理"),
    ),
    Inbox(
        "precheck", _("待核实"), "eye", INSPECTING, precheck, "todo", _("立案之前到现场看一看是否属实"),
        pgettext_lazy("todo", "核实"), limits.of_clock(ClockKind.PRECHECK),
    ),
    Inbox(
        "dispatch", _("待派遣"), "send", frozenset({"dispatcher"}), filed, "todo", _("交一个主办单位和若干协办单位"),
        pgettext_lazy("todo", "派遣"),
    ),
    Inbox(
        "whistles", _("待确认吹哨"), "speakerphone", frozenset({"street_leader"}), whistles, "todo",
        _("街道负责人确认后，哨声才发出"), pgettext_lazy("todo", "确认吹哨"),
    ),
    Inbox(
        "sign", _("待签收"), "file-import", ASSIGNEE, to_sign, "todo", _("派给本单位的新任务"),
        pgettext_lazy("todo", "签收"), limits.of_own(ClockKind.SIGN),
    ),
    Inbox(
        "report-in", _("待报到"), "map-pin-check", ASSIGNEE, to_report_in, "todo",
        _("街道吹了哨，请到现场报到"), pgettext_lazy("todo", "报到"), limits.of_own(ClockKind.ARRIVE),
    ),
    Inbox(
        "handling", _("办理中"), "tools", ASSIGNEE, in_hand, "todo", _("本单位正在办的任务"),
        pgettext_lazy("todo", "办理"), limits.of_own(ClockKind.HANDLE),
    ),
    Inbox(
        "requests", _("待审批"), "calendar-time", frozenset({"dispatcher"}), time_requests, "todo",
        _("部门申请的延期和挂账"), pgettext_lazy("todo", "审批"),
    ),
    Inbox(
        "disputes", _("待裁定"), "scale", OFFICE, disputes, "todo", _("职责有争议，等待会商裁定"),
        pgettext_lazy("todo", "裁定"),
    ),
    Inbox(
        "verify", _("待核查"), "clipboard-check", INSPECTING, verify, "todo", _("部门已办结，请到现场核对结案条件"),
        pgettext_lazy("todo", "核查"),
    ),
    Inbox(
        "close", _("待结案"), "checks", OFFICE, close, "todo", _("核查合格，等待结案"), pgettext_lazy("todo", "结案"),
    ),
    Inbox(
        "evaluate", _("待评价"), "star", STREET, evaluate, "todo", _("已结案，请评价承办部门的效率和效果"),
        pgettext_lazy("todo", "评价"), limits.of_evaluation,
    ),
    Inbox(
        "unsolved", _("回访未解决"), "message-circle", OFFICE | STREET, unsolved, "todo",
        _("上报人说没有解决：核对后重办，或写明情况告知"), pgettext_lazy("todo", "处理回访"), limits.of_unsolved,
    ),
    Inbox(
        "appeals", _("申诉待复核"), "scale", OFFICE, appeals, "todo", _("部门结案后的申诉，由不同的人分别复核"),
        pgettext_lazy("todo", "复核申诉"), limits.of_appeal,
    ),
    Inbox(
        "rechecks", _("待复查"), "rotate", INSPECTING, rechecks, "todo", _("观察期内回头看，三天内到期的都在这里"),
        pgettext_lazy("todo", "复查"), limits.of_recheck,
    ),
    Inbox("overdue", _("已超期"), "alert-octagon", None, overdue, "look", _("时限已过、仍未办完的案件")),
    Inbox("all", _("全部案件"), "list-details", None, everything, "look", _("您的岗位看得到的全部案件"), counted=False),
)  # fmt: skip
BY_KEY = {box.key: box for box in INBOXES}
NOTICES = Inbox("notices", _("消息"), "bell", None, everything, "look", _("提醒、催办、督办、通报"))
SECTIONS = {"todo": _("待办"), "look": _("查看")}


def of(actor: ActorFacts) -> list[Inbox]:
    """The inboxes that belong to somebody's posts, in their order."""
    held = {p.role for p in actor.posts}
    return [box for box in INBOXES if held and (box.roles is None or held & box.roles)]


def sections(actor: ActorFacts) -> Iterator[tuple[str, list[Inbox]]]:
    """The desk by sections, for the navigation; the notices stand with what one looks at."""
    for key, label in SECTIONS.items():
        boxes = [box for box in of(actor) if box.section == key]
        if key == "look" and boxes:
            boxes.insert(1, NOTICES)
        if boxes:
            yield str(label), boxes


def channels(actor: ActorFacts) -> list[tuple[str, str | Promise]]:
    """The channels through which somebody may enter a report, as choices."""
    held = {p.role for p in actor.posts}
    return [
        (c.value, c.label)
        for c in Channel
        if c not in (Channel.SENSOR, Channel.LETTER) and held & CHANNEL_ROLES.get(c, set())
    ]


def notices(actor: ActorFacts) -> QuerySet[Notice]:
    """The unseen and seen items of somebody's posts: those of the organisation, those for their role in it."""
    wanted = [Q(organisation_id=p.organisation_id, role__in=["", p.role]) for p in actor.posts]
    return Notice.objects.filter(reduce(or_, wanted)) if wanted else Notice.objects.none()


def counts(actor: ActorFacts, now: datetime | None = None) -> dict[str, Count]:
    """How many cases wait in each of somebody's inboxes, and how many of them are overdue: one query."""
    now = now or clock.now()
    boxes = [box for box in of(actor) if box.counted]
    if not boxes:
        return {NOTICES.key: Count()}
    columns: dict[str, Any] = {f"n_{NOTICES.key}": _number(notices(actor).filter(seen_at=None))}
    for box in boxes:
        rows = box.cases(actor, now)
        columns[f"n_{box.key}"] = _number(rows)
        if box.section == "todo":
            columns[f"late_{box.key}"] = _number(limits.late(rows, box.limit(actor), now))
    found = Person.objects.filter(pk=actor.person_id or 0).values(**columns).first()
    row: dict[str, Any] = dict(found or {})
    return {
        key: Count(row.get(f"n_{key}") or 0, row.get(f"late_{key}") or 0)
        for key in [NOTICES.key, *(box.key for box in boxes)]
    }


def _number(rows: QuerySet[Any]) -> Any:
    """The number of rows as a scalar subquery."""
    counted = rows.order_by().annotate(_n=Func(F("pk"), function="COUNT", output_field=IntegerField())).values("_n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


@dataclass(frozen=True)
class Task:
    """What somebody has to do on a case, and by when."""

    box: Inbox
    due_at: datetime | None
    yellow_at: datetime | None


def tasks(
    actor: ActorFacts, now: datetime, *, first: int | None = None, among: Iterable[int] | None = None
) -> dict[int, list[Task]]:
    """What waits for somebody in all their inboxes, by case, in the order in which it should be done: one query.

    `first`: so many cases at most; `among`: only these cases. Each thing has its own due time: the look-again its own,
    the rating its own, whatever the case's clocks say.
    """
    boxes = [box for box in of(actor) if box.section == "todo"]
    parts = [_waiting(box, i, actor, now, among) for i, box in enumerate(boxes)]
    if not parts:
        return {}
    rows: Any = parts[0].union(*parts[1:], all=True).order_by("rank_", "by_", "pk", "box_")
    found: dict[int, list[Task]] = {}
    for pk, i, _rank, _by, due, yellow in rows[: first * len(boxes)] if first else rows:
        found.setdefault(pk, []).append(Task(boxes[i], due, yellow))
    return dict(list(found.items())[:first]) if first else found


def _waiting(box: Inbox, i: int, actor: ActorFacts, now: datetime, among: Iterable[int] | None) -> QuerySet[Any]:
    rows = box.cases(actor, now)
    if among is not None:
        rows = rows.filter(pk__in=list(among))
    far = Value(FAR, output_field=DateTimeField())
    return (
        with_limits(rows, box, actor)
        .order_by()
        .annotate(box_=Value(i), rank_=limits.RANK, by_=Coalesce(F("limit_at"), far))
        .values_list("pk", "box_", "rank_", "by_", "limit_at", "limit_yellow_at")
    )


def with_limits(rows: QuerySet[Case], box: Inbox | None, actor: ActorFacts) -> QuerySet[Case]:
    """Add `limit_at` and `limit_yellow_at`: the limit of what is to be done on this desk; without one the case's first."""
    due, yellow = (box.limit if box else limits.of_case)(actor)
    return rows.annotate(limit_at=due, limit_yellow_at=yellow)


def labels(keys: Iterable[str]) -> dict[str, str]:
    return {key: str(BY_KEY[key].label) for key in keys}
