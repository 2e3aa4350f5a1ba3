"""What the rules decide on: immutable snapshots of a case and of who acts, without a database behind them."""

from dataclasses import dataclass, field
from datetime import datetime

from shaodao.cases.words import OPEN_ASSIGNMENT_STATES

# Posts that see and do only what is their own: a territory, or the work of their organisation. All others look at the
# whole district.
BOUND = frozenset({"street", "street_leader", "community", "department", "operator"})


@dataclass(frozen=True)
class PostFacts:
    role: str
    organisation_id: int
    place_id: int | None = None  # the territory of the post: a street's or community's place


@dataclass(frozen=True)
class ActorFacts:
    """Who acts: a signed-in person with posts, the public (no posts), or the system's clock."""

    kind: str = "public"  # person, public, system
    person_id: int | None = None
    posts: tuple[PostFacts, ...] = ()

    def with_role(self, roles: frozenset[str]) -> tuple[PostFacts, ...]:
        return tuple(p for p in self.posts if p.role in roles)


@dataclass(frozen=True)
class AssignmentFacts:
    id: int
    organisation_id: int
    role: str
    via: str
    state: str
    round: int
    sent_at: datetime
    arrived_at: datetime | None
    finished_by_id: int | None
    extensions: int
    suspensions: int
    due_at: datetime | None  # of its handling clock
    return_until: datetime | None
    open_stages: int = 0
    evaluated: bool = False
    contestable: tuple[str, ...] = ()  # of AppealGround: missed limits, a rating
    appealed: bool = False

    @property
    def open(self) -> bool:
        return self.state in OPEN_ASSIGNMENT_STATES


@dataclass(frozen=True)
class WhistleFacts:
    id: int
    state: str
    drafted_by_id: int | None


@dataclass(frozen=True)
class RequestFacts:
    id: int
    kind: str
    state: str
    assignment_id: int


@dataclass(frozen=True)
class DisputeFacts:
    id: int
    assignment_id: int
    open: bool


@dataclass(frozen=True)
class RecheckFacts:
    id: int
    due_at: datetime
    done: bool


@dataclass(frozen=True)
class EvaluationFacts:
    id: int
    assignment_id: int
    commented: bool


@dataclass(frozen=True)
class AppealFacts:
    id: int
    state: str
    assignment_id: int
    organisation_id: int
    asked_by_id: int | None
    reviewers: tuple[int, ...] = ()  # persons who have given their voice


@dataclass(frozen=True)
class CaseFacts:
    id: int
    version: int
    state: str
    category_id: int | None
    street_id: int | None
    community_id: int | None
    round: int
    precheck_open: bool
    watch_until: datetime | None
    report_count: int
    max_extensions: int
    unsolved: bool = False  # a reporter says that it is not solved
    assignments: tuple[AssignmentFacts, ...] = ()
    whistles: tuple[WhistleFacts, ...] = ()
    requests: tuple[RequestFacts, ...] = ()
    disputes: tuple[DisputeFacts, ...] = ()
    rechecks: tuple[RecheckFacts, ...] = ()
    evaluations: tuple[EvaluationFacts, ...] = ()
    appeals: tuple[AppealFacts, ...] = ()
    appeal_until: datetime | None = None  # end of the window for appeals; None while there is nothing to appeal
    handlers: frozenset[int] = field(default_factory=frozenset)  # organisations that handled in this round

    @property
    def open_assignments(self) -> tuple[AssignmentFacts, ...]:
        return tuple(a for a in self.assignments if a.open)

    def assignment(self, id: int) -> AssignmentFacts | None:
        return next((a for a in self.assignments if a.id == id), None)

    def pending_request(self, assignment_id: int) -> bool:
        return any(r.assignment_id == assignment_id and r.state == "pending" for r in self.requests)

    def open_dispute(self, assignment_id: int) -> bool:
        return any(d.assignment_id == assignment_id and d.open for d in self.disputes)


Subject = AssignmentFacts | WhistleFacts | RequestFacts | DisputeFacts | RecheckFacts | EvaluationFacts | AppealFacts
