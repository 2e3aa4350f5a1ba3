"""Pure decisions: who may write into the book of sanitation."""

from shaodao.cases.facts import ActorFacts
from shaodao.cases.lifecycle import SYSTEM


def keeps(actor: ActorFacts, keeper_id: int | None) -> bool:
    """May the actor write? The headquarters, the department that the pack names, and the program itself."""
    if actor.kind == SYSTEM:
        return True
    return any(
        p.role == "headquarters"
        or (p.role == "department" and keeper_id is not None and p.organisation_id == keeper_id)
        for p in actor.posts
    )
