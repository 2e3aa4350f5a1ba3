"""Pure decisions: who may look at the book of sanitation, and who may write into it."""

from shaodao.cases.facts import ActorFacts
from shaodao.cases.lifecycle import SYSTEM

# Who may look: those who watch over the district or a part of it. The keeper does too.
READERS = frozenset(
    {
        "headquarters", "duty_leader", "dispatcher", "intake", "admin", "inspector",
        "street", "street_leader", "community",
    }
)  # fmt: skip


def keeping_roles(actor: ActorFacts, keeper_id: int | None) -> list[str]:
    """The posts with which the actor keeps the book: of the headquarters, or of the department that the pack names."""
    return [
        p.role
        for p in actor.posts
        if p.role == "headquarters"
        or (p.role == "department" and keeper_id is not None and p.organisation_id == keeper_id)
    ]


def keeps(actor: ActorFacts, keeper_id: int | None) -> bool:
    """May the actor write? The headquarters, the department that the pack names, and the program itself."""
    return actor.kind == SYSTEM or bool(keeping_roles(actor, keeper_id))


def inspects(actor: ActorFacts) -> bool:
    """May the actor draw samples and write inspections down? Not who does the work: headquarters and inspectors."""
    return any(p.role in {"headquarters", "inspector"} for p in actor.posts)


def reads(actor: ActorFacts, keeper_id: int | None) -> bool:
    """May the actor look at everything in this room?"""
    return any(p.role in READERS for p in actor.posts) or keeps(actor, keeper_id)
