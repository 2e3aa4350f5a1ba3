"""No sequence of actions by anybody reaches an illegal state, loses an event, breaks a chain or leaves a trace when it
is refused. Hypothesis plays; SHAODAO_EXAMPLES=300 plays longer."""

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shaodao.cases import history, pack, queries, rules, tasks
from shaodao.cases.actions import Actor, Submission, perform, report
from shaodao.cases.lifecycle import BY_ACTION, TRANSITIONS, Transition
from shaodao.cases.models import Appeal, Assignment, Case, CaseEvent, Clock, Evaluation, Wording
from shaodao.cases.words import OPEN_ASSIGNMENT_STATES, OPEN_STATES, CaseState
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.organisations.models import Person, Post

EXAMPLES = int(os.environ.get("SHAODAO_EXAMPLES", "30"))
INSIDE = {
    "me_too",
    "add_to_report",
    "callback",
    "escalate",
    "end_watch",
    "recompute",
    "answer",
    "clear",
    "spot_check",
}  # given more than a form can give
BESIDE = {"report", "merge_in", "merge_out", "split_off"}  # events that are no actions of their own
CASES = 4
MINUTES = st.sampled_from([1, 7, 20, 45, 130, 500, 1500, 3 * 1440, 9 * 1440, 40 * 1440])
RUBBISH = st.sampled_from(
    ["", "x", "-1", "0", None, True, [], {}, "9" * 30, "\x00", "2021-05-24 08:30", "是", ["a"], 3.5]
)
SPOTS = [(113.2005, 40.0005), (113.2045, 40.0015)]  # of two streets


class Loop(RuleBasedStateMachine):
    town: Any = None
    actors: list[Actor] = []

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now, self.events = clock.now(), 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(start=st.sampled_from(["report", "filed", "handling", "verifying", "closed", "late", "appealed"]))
    def a_case_is_there(self, start: str) -> None:
        if start not in ("late", "appealed"):
            getattr(self.town, start)(phone="1")
            return
        case = self.town.handling(phone="1")
        on = case.assignments.get()
        self.town.act("sign", case, "department", on=on.pk)
        self.now += timedelta(days=2)
        with self.at():
            self.town.act("finish", case, "department", on=on.pk, result="太晚")
            self.town.act("verify", case, "inspector", passed=True)
            self.town.act("close", case, "duty_leader")
            if start == "appealed":
                self.town.act("appeal", case, "department", on=on.pk, grounds=["handle"], reason="另有原因")

    # ── what is there ────────────────────────────────────────────────────────────────────────────────────────────

    def at(self):
        return clock.freeze(self.now)

    def offers(self, data: Any) -> tuple[Case, Actor, list[rules.Offer]]:
        case = data.draw(st.sampled_from(list(Case.objects.order_by("id"))), label="case")
        actor = data.draw(st.sampled_from(self.actors), label="actor")
        found = rules.offers(queries.load(case, self.now).facts, actor.facts, self.now)
        return case, actor, [o for o in found if o.transition.action not in INSIDE]

    @contextmanager
    def untouched(self):
        """What is refused leaves no trace."""
        before = CaseEvent.objects.count(), list(Case.objects.order_by("id").values())
        yield
        assert (CaseEvent.objects.count(), list(Case.objects.order_by("id").values())) == before

    def do(self, case: Case, actor: Actor, t: Transition, on: Any, values: dict[str, Any], **more: Any):
        with self.at():
            return perform(t.action, case.pk, actor, on=on and on.id, reason="有理由", data=values, **more)

    # ── what people do ───────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: Case.objects.count() < CASES)
    @rule(which=st.booleans(), spot=st.sampled_from(SPOTS), contact=st.booleans())
    def somebody_reports(self, which: bool, spot: tuple[float, float], contact: bool) -> None:
        self.report(self.town.litter if which else self.town.pipe, spot, contact)

    def report(self, category: Any, spot: tuple[float, float], contact: bool) -> None:
        lon, lat = spot
        with self.at():
            report(
                Submission("有问题", category=category, lon=lon, lat=lat, phone="1" if contact else ""), Actor.public()
            )

    @rule(data=st.data())
    def somebody_joins(self, data: Any) -> None:
        case = data.draw(st.sampled_from(list(Case.objects.order_by("id"))))
        there = Submission("我也遇到", lon=SPOTS[0][0], lat=SPOTS[0][1], join=case.pk)
        with self.at():
            if case.state in OPEN_STATES:
                assert report(there, Actor.public()).joined
            else:
                with self.untouched(), pytest.raises(Invalid):
                    report(there, Actor.public())

    @rule(data=st.data())
    def somebody_does_something(self, data: Any) -> None:
        self.act(data)

    @rule(data=st.data())
    def a_case_moves_on(self, data: Any) -> None:
        """A few actions of those that bring a case on, so that games reach their end and begin anew."""
        for _i in range(data.draw(st.integers(2, 8))):
            self.act(data, lambda t: bool(t.target) or t.scope == "assignee" or t.action in {"grant", "rule_dispute"})

    @rule(data=st.data())
    def a_day_of_work(self, data: Any) -> None:
        for _i in range(data.draw(st.integers(2, 8))):
            self.act(
                data, lambda t: t.scope in {"assignee", "territory"} or t.action in {"grant", "refuse", "withdraw"}
            )
            self.now += timedelta(minutes=data.draw(st.sampled_from([1, 10, 60])))

    @precondition(lambda self: Case.objects.filter(state="closed").exists() or Appeal.objects.exists())
    @rule(data=st.data())
    def what_was_counted_is_contested(self, data: Any) -> None:
        for _i in range(data.draw(st.integers(2, 6))):
            self.act(data, lambda t: t.action in {"evaluate", "appeal", "review_appeal"})
            self.now += timedelta(minutes=data.draw(st.sampled_from([1, 60])))

    def act(self, data: Any, fits: Any = None) -> None:
        """One of the actions that anybody may do now on a case, each kind as likely as another."""
        case = data.draw(st.sampled_from(list(Case.objects.order_by("id"))), label="case")
        facts = queries.load(case, self.now).facts
        found: dict[str, list[tuple[Actor, rules.Offer]]] = {}
        for actor in self.actors:
            for o in rules.offers(facts, actor.facts, self.now):
                if o.allowed and o.transition.action not in INSIDE and (fits is None or fits(o.transition)):
                    found.setdefault(o.transition.action, []).append((actor, o))
        if found:
            action = data.draw(st.sampled_from(sorted(found)), label="action")
            actor, offer = data.draw(st.sampled_from(found[action]), label="by")
            self.perform_offer(data, case, actor, offer)

    def perform_offer(self, data: Any, case: Case, actor: Actor, offer: rules.Offer) -> None:
        """An allowed offer succeeds; only what the input itself forbids may be refused, and then nothing changed."""
        t = offer.transition
        values = self.valid(data, t, case, offer.on)
        if values is None:
            return
        before = case.version
        try:
            with transaction.atomic():
                done = self.do(case, actor, t, offer.on, values)
        except Invalid as error:
            assert may_be_invalid(t, error), (t.action, values, error.errors)
            return
        except Refused as refused:
            assert may_be_refused(t, refused), (t.action, values, str(refused))
            return
        assert done.case.version == before + 1 and done.event.action == t.action

    @rule(data=st.data())
    def what_is_refused_stays_refused(self, data: Any) -> None:
        case, actor, offers = self.offers(data)
        refused = [o for o in offers if not o.allowed]
        if refused:
            offer = data.draw(st.sampled_from(refused), label="refused")
            values = self.valid(data, offer.transition, case, offer.on) or {}
            with self.untouched(), pytest.raises((Refused, Invalid)):
                self.do(case, actor, offer.transition, offer.on, values)

    @rule(data=st.data())
    def what_is_not_offered_is_forbidden(self, data: Any) -> None:
        case, actor, offers = self.offers(data)
        known = {o.transition.action for o in offers}
        others = [t for t in TRANSITIONS if t.action not in known and t.action not in INSIDE]
        if others:
            t = data.draw(st.sampled_from(others), label="not offered")
            with self.untouched(), pytest.raises(Refused):
                self.do(case, actor, t, None, self.valid(data, t, case, None) or {})

    @rule(data=st.data())
    def rubbish_is_named_field_by_field(self, data: Any) -> None:
        case, actor, offers = self.offers(data)
        allowed = [o for o in offers if o.allowed and o.transition.fields]
        if not allowed:
            return
        offer = data.draw(st.sampled_from(allowed), label="offer")
        values = {f.name: data.draw(RUBBISH) for f in offer.transition.fields}
        before = CaseEvent.objects.count(), list(Case.objects.order_by("id").values())
        try:
            self.do(case, actor, offer.transition, offer.on, values)
        except (Invalid, Refused) as error:
            if isinstance(error, Invalid):
                assert error.errors and all(str(v) for v in error.errors.values())
            assert (CaseEvent.objects.count(), list(Case.objects.order_by("id").values())) == before

    @rule(data=st.data())
    def a_key_acts_once_and_an_old_version_never(self, data: Any) -> None:
        case, actor, offers = self.offers(data)
        notes = [o for o in offers if o.allowed and o.transition.action == "note"]
        if notes:
            note, key = BY_ACTION["note"], f"k-{CaseEvent.objects.count()}"
            first = self.do(case, actor, note, None, {"text": "一次"}, key=key, version=case.version)
            again = self.do(case, actor, note, None, {"text": "一次"}, key=key, version=case.version)
            assert again.replayed and again.event.pk == first.event.pk
            with self.untouched(), pytest.raises(Conflict):
                self.do(case, actor, note, None, {"text": "太晚"}, version=case.version)

    @rule(data=st.data())
    def a_reporter_answers(self, data: Any) -> None:
        case = data.draw(st.sampled_from(list(Case.objects.order_by("id"))))
        for row in case.callbacks.filter(answered_at=None)[:1]:
            offer = rules.refusal(
                BY_ACTION["callback"], queries.load(case, self.now).facts, None, Actor.public().facts, self.now
            )
            values = {"responded": True, "resolved": False, "satisfied": False}
            with self.at():
                if offer[0] is None:
                    perform("callback", case.pk, Actor.public(), data=values, extra={"callback": row})
                else:
                    with self.untouched(), pytest.raises(Refused):
                        perform("callback", case.pk, Actor.public(), data=values, extra={"callback": row})

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(minutes=MINUTES)
    def the_clock_makes_its_round(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        assert tasks.tick(self.now, train=False, send=False)["failed"] == 0
        again = tasks.tick(self.now, train=False, send=False)
        assert not any(again.values()), again

    def valid(self, data: Any, t: Transition, case: Case, on: Any) -> dict[str, Any] | None:
        """Good input for every field; None where there is none (no other case to merge into)."""
        values: dict[str, Any] = {}
        for field in t.fields:
            missing = not field.required and field.name not in {"remark", "comment", "public_text"}
            if missing and data.draw(st.booleans(), label=f"no {field.name}"):
                continue
            value = self.value(data, field.name, field.kind, case, on, values)
            if value is None and field.required:
                return None
            if value is not None:
                values[field.name] = value
        return values

    def value(self, data: Any, name: str, kind: str, case: Case, on: Any, so_far: dict[str, Any]) -> Any:
        town = self.town
        units = [town.urban, town.sanitation, town.water, town.gardens, town.office]
        if kind in ("text", "longtext"):
            return "写了几个字"
        if kind == "bool":
            return data.draw(st.booleans(), label=name)
        if kind == "rating":
            return data.draw(st.integers(1, 5), label=name)
        if kind == "organisation":
            return data.draw(st.sampled_from([u.pk for u in units]), label=name)
        if kind == "organisations":
            others = [u.pk for u in units if u.pk != so_far.get("lead")]
            return data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True), label=name)
        if kind == "category":
            return data.draw(st.sampled_from([town.litter.pk, town.pipe.pk]), label=name)
        if kind == "condition":
            own = town.condition if so_far.get("category") == town.litter.pk else town.staged
            return data.draw(st.sampled_from([None, own.pk]), label=name)
        if kind == "whistle_kind":
            return "emergency"
        if kind == "wording":
            return data.draw(st.sampled_from(["", "usual"]), label=name)
        if kind == "datetime":
            return (self.now + timedelta(days=data.draw(st.sampled_from([1, 20, 364])))).isoformat()
        if kind == "position":
            return data.draw(
                st.sampled_from([None, "113.2005,40.0006", {"lon": 113.2, "lat": 40.0, "datum": "GCJ-02"}])
            )
        if kind == "place":
            return data.draw(
                st.sampled_from([town.street.pk, town.other_street.code, town.communities[1].pk]), label=name
            )
        if kind == "case":
            others = list(Case.objects.filter(state__in=OPEN_STATES).exclude(pk=case.pk).order_by("id"))
            return data.draw(st.sampled_from(others)).number if others else None
        if kind == "report":
            return case.reports.last() and case.reports.last().pk
        if kind == "stage":
            row = case.assignments.filter(pk=on.id).first() if on else None
            return next((s["name"] for s in row.stages if not s.get("done_at")), None) if row else None
        if kind == "grounds":
            there = list(getattr(on, "contestable", ()))
            return data.draw(st.lists(st.sampled_from(there), min_size=1, unique=True)) if there else None
        assert kind == "photos", kind
        return []

    # ── what always holds ────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def everything_holds(self) -> None:
        """Asked again only when something happened."""
        if (events := CaseEvent.objects.count()) != self.events:
            self.events = events
            self.history_is_whole_and_explains_the_present()
            self.states_fit_their_parts()
            self.appeals_are_decided_by_different_people()
            self.every_move_is_in_the_table()

    def history_is_whole_and_explains_the_present(self) -> None:
        found = history.verify()
        assert found["broken"] == [] and found["cases"] == Case.objects.count()
        for case in Case.objects.all():
            assert case.version == case.events.count()

    def states_fit_their_parts(self) -> None:
        for case in Case.objects.prefetch_related("assignments", "reports"):
            open_parts = [a for a in case.assignments.all() if a.state in OPEN_ASSIGNMENT_STATES]
            leads = [a for a in open_parts if a.role == "lead"]
            assert bool(open_parts) == (case.state == CaseState.HANDLING), (case.state, open_parts)
            assert len(leads) <= 1
            assert not leads or leads[0].organisation_id == case.lead_id
            assert case.report_count == len(case.reports.all())
            assert case.report_count or case.state == CaseState.MERGED
            running = Clock.objects.filter(case=case, stopped_at=None)
            assert case.state in OPEN_STATES or not running
            for c in running.exclude(assignment=None):
                assert c.assignment.state in OPEN_ASSIGNMENT_STATES
            due = [c.due_at for c in running if not (c.pauses and c.pauses[-1][1] is None)]
            assert case.due_at == min(due, default=None)
            assert case.state not in OPEN_STATES or case.due_at or any(a.state == "suspended" for a in open_parts)

    def appeals_are_decided_by_different_people(self) -> None:
        """Two that agree, none twice, none of the unit; only what was contested and missed is exempt."""
        exempt = {(c.assignment_id, c.kind) for c in Clock.objects.filter(exempt=True)}
        exempt |= {(e.assignment_id, "evaluation") for e in Evaluation.objects.filter(exempt=True)}
        granted: set[tuple[int, str]] = set()
        for a in Appeal.objects.select_related("assignment"):
            said, who = [v["upheld"] for v in a.voices], [v["by"] for v in a.voices]
            assert len(set(who)) == len(who) and a.asked_by not in who
            assert not any(p.posts.filter(organisation=a.assignment.organisation_id).exists() for p in who)
            most = max(said.count(True), said.count(False))
            assert (most == 2) == (a.state in ("upheld", "rejected")) and most <= 2
            assert a.state != "upheld" or said.count(True) == 2
            assert bool(a.decided_at) == (a.state != "pending")
            if a.state == "upheld":
                granted |= {(a.assignment_id, g) for g in a.grounds}
        assert exempt == granted
        assert all(c.missed for c in Clock.objects.filter(exempt=True))
        flagged = {a.pk for a in Assignment.objects.filter(exempt=True)}
        assert flagged == {pk for pk, ground in granted if ground != "evaluation"}

    def every_move_is_in_the_table(self) -> None:
        for event in CaseEvent.objects.all():
            moved = event.changes.get(f"case:{event.case_id}", {}).get("state")
            if not moved or event.action in BESIDE or moved[0] is None:
                assert not moved or event.action in BESIDE
                continue
            t = BY_ACTION[event.action]
            assert moved[1] in {t.target, *(state for state, _when in t.also)}, (event.action, moved)
            assert moved[0] in t.sources


def everybody(town: Any) -> list[Actor]:
    """Each post of the town, somebody with two of them, and the public."""
    both = Person.objects.create(username="both", name="兼职")
    Post.objects.create(person=both, role="dispatcher", organisation=town.headquarters)
    Post.objects.create(person=both, role="inspector", organisation=town.inspection)
    offices = [("street", town.office), ("street", town.other_office), ("street_leader", town.office),
               ("street_leader", town.other_office), ("community", town.community), ("inspector", None),
               ("hotline", None), ("intake", None), ("duty_leader", None), ("dispatcher", None), ("headquarters", None),
               *(("department", o) for o in (town.urban, town.sanitation, town.water, town.gardens))]  # fmt: skip
    third = town.person("headquarters", username="headquarters-2")  # whom an appeal needs where two differ
    return [*(town.actor(role, office) for role, office in offices), Actor.of(both), Actor.of(third), Actor.public()]


def may_be_invalid(t: Transition, error: Invalid) -> bool:
    """What only the input can say: a unit that is at work already, no place at all."""
    if t.action == "locate":
        return set(error.errors) == {"position"}
    return t.action == "add_support" and set(error.errors) == {"supports"}


def may_be_refused(t: Transition, error: Refused) -> bool:
    """What only the other case, or the time asked for, can say."""
    if t.action == "locate":
        return "待确认的吹哨" in str(error)
    if t.action == "unmerge":
        return "没有上报" in str(error)
    return t.action == "grant" and "已过" in str(error)


@pytest.mark.slow
@pytest.mark.usefixtures("monday")
def test_no_sequence_of_actions_breaks_the_loop(town):
    Loop.town, Loop.actors = town, everybody(town)
    Wording.objects.bulk_create(Wording(action=a, code="usual", title="常见", text="常见的理由") for a in pack.ACTIONS)
    run_state_machine_as_test(
        Loop,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            derandomize=EXAMPLES <= 30,
            phases=[Phase.generate] if EXAMPLES <= 30 else list(Phase),  # a shorter story takes minutes to find
            suppress_health_check=list(HealthCheck),
        ),
    )
