"""After closing: the street evaluates, the headquarters comments, the reporter answers, the watch looks again."""

from datetime import timedelta
from typing import Any

from shaodao.cases.actions import Actor, perform
from shaodao.cases.demo import appealing, texts
from shaodao.cases.demo.story import Story
from shaodao.cases.demo.world import Play
from shaodao.cases.models import Assignment, Clock, Recheck
from shaodao.foundation import clock


def afterwards(s: Story) -> Any:
    """What came of the watch: "end", "again" (the case is back with its lead) or "new" (a case of its own)."""
    if s.chance(0.75):
        s.w.add(s.minutes(120, 3 * 1440), evaluate(s))
    if s.chance(0.6):
        s.w.add(s.minutes(60, 2 * 1440), answer(s))
    if s.p.stop.startswith("appeal"):
        s.w.add(s.when("appeal", lambda: s.minutes(300, 600)), appealing.story(s, s.p.stop))
        return "end"
    appealing.may_follow(s)
    if s.case.watch_until is None:
        return "end"
    watch = s.case.watch_until - clock.now()
    if s.chance(0.06):
        yield clock.now() + watch * s.rng.uniform(0.1, 0.7)
        again = s.submission("public")
        again.category = s.p.category
        return "again" if s.come_back(again) else "new"
    for recheck in s.case.rechecks.filter(done_at=None).order_by("due_at"):
        if not s.chance(0.75):
            continue
        yield min(recheck.due_at + timedelta(hours=s.rng.uniform(1, 30)), s.case.watch_until)
        if look(s, recheck):
            return "again"
    return "end"


def look(s: Story, recheck: Recheck) -> bool:
    came_back = s.chance(0.04)
    remark = "同一位置又出现" if came_back else s.rng.choice(texts.LOOKED)
    who = s.w.actor("street", s.street().pk)
    s.do("recheck", who, on=recheck.pk, rebounded=came_back, remark=remark, photos=s.ids(0.2, fixed=not came_back))
    return came_back


def evaluate(s: Story) -> Play:
    """Each department's part, from its own numbers: in time or late, done at once or again."""
    street = s.w.actor("street", s.street().pk)
    done = Assignment.objects.filter(case=s.case, state="done", evaluation__isnull=True).exclude(via="self")
    for assignment in done:
        efficiency, effect = rating(s, assignment)
        low = min(efficiency, effect) < s.w.settings.evaluation_reason_below
        comment = s.rng.choice(texts.BLAME if low else texts.PRAISE)
        data = {"efficiency": efficiency, "effect": effect, "comment": comment}
        row = perform("evaluate", s.case.pk, street, on=assignment.pk, data=data).result
        s.w.counts["evaluate"] += 1
        if low and s.chance(0.7):
            s.w.add(s.minutes(60, 1440), comment_on(s, row.pk, assignment))
    yield from ()


def rating(s: Story, assignment: Assignment) -> tuple[int, int]:
    limits = Clock.objects.filter(assignment=assignment, cancelled=False, stopped_at__isnull=False)
    late = sum(2 if c.kind == "handle" else 1 for c in limits if c.stopped_at and c.stopped_at > c.due_at)
    efficiency = max(1, s.rng.choice((4, 5, 5)) - late)
    effect = max(1, s.rng.choice((4, 5, 5)) - (2 if assignment.rework_count else 0) - (1 if s.chance(0.08) else 0))
    return efficiency, effect


def comment_on(s: Story, evaluation_id: int, assignment: Assignment) -> Play:
    office = s.w.actor("headquarters")
    perform("comment_evaluation", s.case.pk, office, on=evaluation_id, data={"text": s.rng.choice(texts.COMMENTS)})
    s.w.counts["comment_evaluation"] += 1
    if s.w.counts["circulate"] < 6 and s.chance(0.35):
        title = texts.CIRCULARS[s.w.counts["circulate"] % len(texts.CIRCULARS)]
        to = [assignment.organisation_id, s.street().pk]
        text = f"近期案件 {s.case.number} 暴露出处置不及时、不彻底的问题，请有关单位举一反三，自查自纠。"
        perform("circulate", s.case.pk, office, data={"title": title, "text": text, "organisations": to})
        s.w.counts["circulate"] += 1
    yield from ()


def answer(s: Story) -> Play:
    """The reporters' own words over their one-time links."""
    for row in s.case.callbacks.filter(answered_at=None):
        good = s.chance(0.86)
        data = {"responded": s.chance(0.93), "resolved": good, "satisfied": good and s.chance(0.92)}
        remark = s.rng.choice(texts.CALLBACKS)
        perform("callback", s.case.pk, Actor.public(), data=data | {"remark": remark}, extra={"callback": row})
        s.w.counts["callback"] += 1
    s.case.refresh_from_db()
    if s.case.unsolved and s.chance(0.7):
        s.w.add(s.minutes(60, 2000), respond(s))
    yield from ()


def respond(s: Story) -> Play:
    """Somebody looks at what the reporter said: mostly it was a misunderstanding, now and then the work is done again."""
    s.case.refresh_from_db()
    if s.case.unsolved and s.case.state == "closed":
        s.do("settle_callback", s.w.actor("duty_leader"), reply=s.rng.choice(texts.SETTLED))
    yield from ()
