"""A few departments appeal after closing: upheld, rejected, decided by a third, withdrawn, still waiting."""

from random import Random
from typing import Any

from shaodao.cases import queries
from shaodao.cases.actions import perform
from shaodao.cases.demo import texts
from shaodao.cases.demo.story import Story
from shaodao.cases.demo.world import Play
from shaodao.cases.models import Assignment
from shaodao.cases.words import AppealGround
from shaodao.foundation import clock

VOICES = {  # what the reviewers say, in their order; fewer than a decision needs: it still waits
    "appeal-upheld": (True, True),
    "appeal-rejected": (False, False),
    "appeal-third": (True, False, True),
    "appeal-split": (False, True),
    "appeal-first": (True,),
    "appeal-new": (),
    "appeal-withdrawn": (),
}
ENDED = ("appeal-upheld", "appeal-rejected", "appeal-rejected", "appeal-third", "appeal-withdrawn")
SHARE = 0.3  # of the parts that were late


def may_follow(s: Story) -> None:
    """Let some of those who were late appeal; drawn from dice of its own, so that no other story changes."""
    dice = Random(f"{s.p.seed}-appeal")  # noqa: S311
    if dice.random() < SHARE:
        s.w.add(s.now_plus(dice.uniform(240, 3 * 1440)), story(s, dice.choice(ENDED)))


def story(s: Story, way: str) -> Play:
    """One part of a closed case is appealed, and reviewed within some days."""
    dice = Random(f"{s.p.seed}-{way}")  # noqa: S311
    found = _contestable(s)
    if found is None:
        return
    assignment, grounds = found
    who = s.of(assignment)
    reason = texts.APPEALS[grounds[0]]
    photos = s.evidence(dice) if dice.random() < 0.5 else []
    on = _do(s, "appeal", who, assignment.pk, reason, {"grounds": list(grounds), "photos": photos}).pk
    if way == "appeal-withdrawn":
        yield s.now_plus(dice.uniform(60, 600))
        _do(s, "withdraw_appeal", who, on, "材料不全，撤回")
        return
    for upheld, reviewer in zip(VOICES[way], s.w.reviewers(), strict=False):
        yield s.now_plus(dice.uniform(30, 150) if s.p.stop else dice.uniform(120, 1440))
        _do(
            s, "review_appeal", reviewer, on, dice.choice(texts.UPHOLD if upheld else texts.DISMISS), {"upheld": upheld}
        )


def _contestable(s: Story) -> tuple[Assignment, tuple[str, ...]] | None:
    """The first part that was late and whose window is open, with what can be contested of it."""
    s.case.refresh_from_db()
    facts = queries.load(s.case, clock.now()).facts
    if facts.appeal_until is None or clock.now() > facts.appeal_until:
        return None
    for part in facts.assignments:
        late = tuple(g for g in part.contestable if g != AppealGround.EVALUATION)
        if part.state == "done" and late and not part.appealed:
            assignment = Assignment.objects.select_related("evaluation").get(pk=part.id)
            return assignment, part.contestable if _rated_low(s, assignment) else late
    return None


def _rated_low(s: Story, assignment: Assignment) -> bool:
    rating = getattr(assignment, "evaluation", None)
    return rating is not None and min(rating.efficiency, rating.effect) < s.w.settings.evaluation_reason_below


def _do(s: Story, action: str, who: Any, on: int, reason: str, data: dict[str, Any] | None = None) -> Any:
    result = perform(action, s.case.pk, who, on=on, reason=reason, data=data or {}).result
    s.w.counts[action] += 1
    return result
