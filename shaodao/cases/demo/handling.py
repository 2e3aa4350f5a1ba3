"""The department's part of a story: sign, arrive, return or dispute, work, ask for time, finish; then the check."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shaodao.cases.demo import texts
from shaodao.cases.demo.story import Story, limit_of, running
from shaodao.cases.demo.world import after
from shaodao.cases.models import Assignment, Clock
from shaodao.cases.words import ClockKind
from shaodao.foundation import clock
from shaodao.foundation.district import Limit


def handle(s: Story) -> Any:
    """Until every unit has handed back; True when the story ends here."""
    ended = yield from take(s)
    if ended:
        return True
    for assignment in sorted(s.open(), key=lambda a: a.role == "lead"):  # supporting units first
        ended = yield from work(s, assignment)
        if ended:
            return True
    return False


def take(s: Story) -> Any:
    """Signing and arriving, with the few that go back or are disputed."""
    for assignment in s.open():
        if assignment.state != "sent":
            continue
        yield s.when("sign", partial(reacts, s, assignment, ClockKind.SIGN, 0.09))
        s.do("sign", s.of(assignment), on=assignment.pk)
        if s.p.stop == "sign":
            return True
        if s.p.stop == "dispute" or (not s.p.stop and assignment.via == "dispatch" and s.chance(0.04)):
            return (yield from dispute(s, assignment))
        mine = assignment.role == "lead" and assignment.via == "dispatch"
        if mine and (s.p.stop == "returned" or (not s.p.stop and s.chance(0.07))):
            return (yield from send_back(s, assignment))
        if assignment.via == "whistle" or (assignment.role == "lead" and s.chance(0.5)):
            yield s.when("arrive", partial(reacts, s, assignment, ClockKind.ARRIVE, 0.15))
            seen = s.ids(0.25) if assignment.role == "lead" else []
            far = s.rng.choice((12, 25, 40, 180))
            s.do("report_in", s.of(assignment), on=assignment.pk, position=s.near(far), remark="已到现场", photos=seen)
            if s.p.stop == "arrive":
                return True
    return s.p.stop == "take"


def reacts(s: Story, assignment: Assignment, kind: str, late: float) -> datetime:
    """When a unit signs or arrives: within that clock for most, past it for a few; without one, within the hour."""
    row = Clock.objects.filter(assignment=assignment, kind=kind, stopped_at=None).first()
    if row is None:
        return s.minutes(10, 60)
    share = s.rng.uniform(1.1, 2.5) if s.chance(late) else s.rng.triangular(0.1, 0.95, 0.4)
    return max(clock.now(), row.started_at + (row.due_at - row.started_at) * share)


def send_back(s: Story, assignment: Assignment) -> Any:
    yield s.minutes(10, 70)
    s.do("send_back", s.of(assignment), on=assignment.pk, reason=s.rng.choice(texts.RETURNS))
    if s.p.stop == "returned":
        return True
    yield s.within(s.w.settings.limits.dispatch, 0.2)
    others = [o.pk for o in s.w.departments if o.pk != assignment.organisation_id]
    s.do("dispatch", s.w.actor("dispatcher"), lead=s.rng.choice(others[:8]), reason="按权属改派")
    return (yield from take(s))


def dispute(s: Story, assignment: Assignment) -> Any:
    yield s.when("dispute", lambda: s.minutes(10, 90))
    s.do("dispute", s.of(assignment), on=assignment.pk, reason=s.rng.choice(texts.DISPUTES))
    if s.p.stop == "dispute":
        return True
    yield after(s.w.settings.limits.handle, s.rng.uniform(0.05, 0.25))
    on = s.case.disputes.filter(ruled_at=None).latest("id").pk
    lead, supports = s.units(several=True)
    if s.chance(0.5):
        lead, supports = assignment.organisation_id, [u for u in supports if u != assignment.organisation_id]
    ruling = s.rng.choice(texts.RULINGS)
    s.do("rule_dispute", s.w.actor("headquarters"), on=on, lead=lead, supports=supports, ruling=ruling)
    return (yield from take(s))


def work(s: Story, assignment: Assignment) -> Any:
    """One unit's work up to handing back."""
    assignment.refresh_from_db()
    if assignment.state not in ("signed", "arrived"):
        return False
    lead = assignment.role == "lead"
    if lead:
        ended = yield from more_time(s, assignment)
        if ended:
            return True
        if s.chance(0.35) and s.p.stop in ("", "work"):
            yield after(limit_of(assignment), s.rng.uniform(0.1, 0.4))
            public = s.chance(0.4)
            text = s.rng.choice(texts.PUBLIC_NOTES if public else texts.NOTES)
            s.do("note", s.of(assignment), text=text, told=public, public=public, photos=s.ids(0.15))
    if s.p.stop == "work":
        return True
    for stage in [st["name"] for st in assignment.stages if not st.get("done_at")]:
        yield after(limit_of(assignment), s.rng.uniform(0.1, 0.35))
        s.do("stage_done", s.of(assignment), on=assignment.pk, stage=stage)
    yield s.when("finish", partial(ready, s, assignment))
    result = s.rng.choice(s.p.topic.fixed) if lead else "已配合主办单位完成。"
    s.do("finish", s.of(assignment), on=assignment.pk, result=result, photos=s.ids(0.75 if lead else 0, fixed=True))
    return False


def ready(s: Story, assignment: Assignment) -> datetime:
    """When a unit hands back: most before the limit that runs, a slow unit more often after it."""
    now, row = clock.now(), running(assignment)
    late = s.chance(0.08 * s.w.slow[assignment.organisation_id] ** 2)
    if row.due_at > now and not late:
        share = s.rng.triangular(0.05, 0.95, 0.4) if assignment.role == "lead" else s.rng.uniform(0.05, 0.4)
        return now + (row.due_at - now) * share
    with clock.freeze(max(now, row.due_at)):
        return after(Limit(row.value, row.unit), s.rng.uniform(0.05, 0.9 if late else 0.2))


def more_time(s: Story, assignment: Assignment) -> Any:
    """A few ask for an extension or for the case to rest; True when the story ends with the asking."""
    extend = s.p.stop == "extension" or (not s.p.stop and s.chance(0.07))
    rest = s.p.stop in ("suspension", "suspended") or (not s.p.stop and not extend and s.chance(0.03))
    if not (extend or rest):
        return False
    left = running(assignment).due_at - clock.now()
    if left <= timedelta(minutes=30) and not s.p.stop:
        return False
    yield s.when("ask", lambda: clock.now() + left * s.rng.uniform(0.2, 0.7))
    who, kind = s.of(assignment), "extend" if extend else "suspend"
    if extend:
        s.do("request_extension", who, on=assignment.pk, reason=s.rng.choice(texts.EXTENSIONS))
    else:
        until = clock.now() + timedelta(days=s.rng.randrange(30, 90) if s.p.stop else s.rng.randrange(3, 20))
        why = s.rng.choice(texts.SUSPENSIONS)
        s.do("request_suspension", who, on=assignment.pk, reason=why, until=until.isoformat())
    if s.p.stop in ("extension", "suspension"):
        return True
    yield s.when("grant", lambda: s.minutes(20, 120))
    on = s.case.time_requests.get(state="pending", kind=kind).pk
    if not s.p.stop and s.chance(0.25):
        s.do("refuse", s.w.actor("dispatcher"), on=on, reason="请在原时限内完成")
        return False
    s.do("grant", s.w.actor("dispatcher"), on=on)
    if s.p.stop == "suspended":
        return True
    if not extend:
        yield until + timedelta(hours=4)  # the clock of the house has ended it by then
    return False


def check(s: Story) -> Any:
    """Verify, rework where it failed, close; True when the story ends here."""
    if s.p.stop == "finish":
        return True
    limits = s.w.settings.limits
    while True:
        yield s.when("verify", lambda: s.within(limits.verify, 0.15))
        failed = not s.p.stop and s.chance(0.1)
        remark = s.rng.choice(texts.REWORKS if failed else texts.CHECKED)
        seen = s.ids(0.3, fixed=not failed)
        who = s.w.actor("inspector")
        s.do("verify", who, passed=not failed, remark=remark, position=s.near(12), photos=seen)
        if not failed:
            break
        for assignment in s.open():
            ended = yield from work(s, assignment)
            if ended:
                return True
    if s.p.stop == "verify":
        return True
    yield s.when("close", lambda: s.within(limits.close, 0.07))
    if s.chance(0.04):
        s.do("close_not_fixed", s.w.actor("duty_leader"), reason=s.rng.choice(texts.NOT_FIXED))
    else:
        reply = s.rng.choice(texts.REPLIES)
        s.do("close", s.w.actor("duty_leader"), reply=reply, public=bool(reply) and s.case.published)
    return False
