"""Admission: every step of the table by role and state, what each writes, and that the record explains the present."""

from datetime import timedelta

import pytest
from django.utils import translation

from shaodao.bikes import history as book
from shaodao.bikes import rules
from shaodao.bikes.actions import BODIES, enrol
from shaodao.bikes.actions.devices import Pushed
from shaodao.bikes.admission import BY_ACTION, OWNER, REVIEWER, TRANSITIONS, OperatorFacts, PaperFacts
from shaodao.bikes.models import Operator, OperatorEvent, OperatorPaper
from shaodao.bikes.words import IN_FORCE, OperatorState
from shaodao.cases import history, notices, tasks
from shaodao.cases.facts import ActorFacts, PostFacts
from shaodao.cases.lifecycle import SYSTEM
from shaodao.cases.models import Notice
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.models import OutboxMessage
from shaodao.organisations.models import ApiToken, Organisation
from tests.bikes.office import APPLICATION, PDF, file, png, table

pytestmark = pytest.mark.django_db
TODAY = "2021-05-24"
ROLES = {
    "owner": OWNER, "hq": REVIEWER, "department": REVIEWER, "system": SYSTEM,
    "street": None, "duty_leader": None, "inspector": None, "admin": None,
}  # fmt: skip
GIVEN = {  # input that is right for each action
    "save": {"staff": 40},
    "apply": APPLICATION,
    "answer": APPLICATION,
    "review_paper": {"accepted": True},
    "admit": {"quota": 500, "term_from": TODAY, "term_until": "2022-05-23"},
    "change_quota": {"quota": 700},
    "issue_token": {"name": "推送"},
}
STATES = ["draft", "submitted", "asked", "admitted", "suspended", "refused", "withdrawn", "expired"]


def given_for(office, operator, action):
    data = dict(GIVEN.get(action, {}))
    if action == "hand_in":
        data = {"item": "licence", "file": file()}
    elif action == "import_vehicles":
        data = {"file": table(("A1", "a-1", "bicycle", "active"))}
    elif action == "push_vehicles":
        data = {"rows": [Pushed("d-1", "B1", "ebike")]}
    elif action == "issue_token":
        data["person"] = office.clerk(operator).username
    elif action == "revoke_token":
        office.act(operator, "issue_token", **given_for(office, operator, "issue_token"))
        data = {"token": ApiToken.objects.latest("pk").pk}
    elif action == "review_paper":
        data["on"] = OperatorPaper.objects.filter(operator=operator).latest("pk").pk
    if BY_ACTION[action].reason:
        data["reason"] = "理由"
    return data


def test_every_action_of_the_table_has_a_body():
    assert set(BODIES) == set(BY_ACTION) and len(BY_ACTION) == len(TRANSITIONS)
    for t in TRANSITIONS:
        assert t.sources and t.roles <= {OWNER, REVIEWER, SYSTEM} and set(t.sources) <= set(OperatorState)


@pytest.mark.parametrize("state", STATES)
def test_every_action_is_done_or_refused_by_role_and_state(office, state):
    """Generated over the whole table: who may do what now, and that a refusal writes nothing."""
    operator = office.brought_to(state)
    if state == "submitted":
        office.accept_all(operator)
    papers = OperatorPaper.objects.filter(operator=operator).exists()
    for t in TRANSITIONS:
        for who, party in ROLES.items():
            given = {}
            allowed = party in t.roles and state in t.sources and not (t.on and not papers)
            if allowed:
                continue
            if t.on and papers:
                given["on"] = OperatorPaper.objects.filter(operator=operator).latest("pk").pk
            before = OperatorEvent.objects.count()
            with pytest.raises(Refused) as refused:
                office.act(operator, t.action, who, reason="理由", **given)
            assert refused.value.forbidden == (party not in t.roles), (t.action, who, str(refused.value.reason))
            assert OperatorEvent.objects.count() == before


CASES = [(t.action, s, who) for t in TRANSITIONS for s in t.sources for who, p in ROLES.items() if p in t.roles]


@pytest.mark.parametrize(("action", "state", "who"), [c for c in CASES if c[0] != "revoke_token" or c[1] in IN_FORCE])
def test_every_allowed_action_leads_where_the_table_says(office, action, state, who):
    t, operator = BY_ACTION[action], office.brought_to(state)
    if (action == "apply" and state == "draft") or (action == "review_paper" and not operator.papers.exists()):
        office.hand_in_all(operator)
    if action == "admit":
        office.accept_all(operator)
    given = given_for(office, operator, action)
    operator.refresh_from_db()
    version, when = operator.version, timedelta(days=400 if action == "expire" else 0)
    with clock.freeze(clock.now() + when):
        done = office.act(operator, action, who, **given)
    operator.refresh_from_db()
    assert operator.state == (t.target or state)
    assert (operator.version, done.event.seq, done.event.action) == (version + 1, version + 1, action)
    wanted = {"owner": "operator", "hq": "headquarters"}.get(who, who)
    assert done.event.role == wanted and done.event.hash == operator.head
    assert done.event.reason == ("理由" if t.reason else "")
    assert bool(operator.quota) == (operator.state in IN_FORCE)
    assert history.verify()["broken"] == []
    assert OutboxMessage.objects.filter(topic=f"operator.{action}", subject="BIKE-A").exists()


@pytest.mark.parametrize("t", [t for t in TRANSITIONS if t.reason == "required"], ids=lambda t: t.action)
def test_what_needs_a_reason_is_not_done_without(office, t):
    operator = office.brought_to(t.sources[0])
    given = {k: v for k, v in given_for(office, operator, t.action).items() if k != "reason"}
    with pytest.raises(Invalid) as fault:
        office.act(operator, t.action, reason=" \x00 ", **given)
    assert "reason" in fault.value.errors


# ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_a_newcomer_to_the_end_of_the_term(office):
    operator = office.company()
    with pytest.raises(Refused) as refused:
        office.act(operator, "apply", "owner", **APPLICATION)
    assert "营业执照" in str(refused.value.reason) and "应急预案" not in str(refused.value.reason)
    office.hand_in_all(operator)
    office.act(operator, "apply", "owner", **APPLICATION)
    with pytest.raises(Refused) as refused:
        office.admit(operator, 1000)
    assert "还没有通过审查" in str(refused.value.reason)
    licence, insurance = OperatorPaper.objects.filter(operator=operator).order_by("pk")
    office.act(operator, "review_paper", on=licence.pk, accepted=True)
    with pytest.raises(Invalid) as fault:
        office.act(operator, "review_paper", on=insurance.pk, accepted=False)
    assert "reason" in fault.value.errors
    office.act(operator, "review_paper", "department", on=insurance.pk, accepted=False, reason="缺三者险")
    office.act(operator, "request_more", "department", reason="保险补三者险")
    with pytest.raises(Refused) as refused:
        office.act(operator, "answer", "owner", **APPLICATION)
    assert str(refused.value.reason) == "还没有重新提交：保险"
    office.act(operator, "hand_in", "owner", item="insurance", file=file(png(), "保险.png"), valid_until="2022-01-01")
    insurance.refresh_from_db()
    assert insurance.state == "replaced" and insurance.note == "缺三者险"
    office.act(operator, "answer", "owner", **APPLICATION)
    office.accept_all(operator)
    office.admit(operator, 5000)
    operator.refresh_from_db()
    assert (operator.state, operator.quota, str(operator.term_until)) == ("admitted", 5000, "2022-05-23")
    seen = [e.action for e in operator.events.order_by("seq")]
    assert seen[0] == "enrol" and seen[-1] == "admit" and seen.count("hand_in") == 3
    said = history.verify()
    assert (said["cases"], said["operators"], said["events"], said["broken"]) == (0, 1, len(seen), [])
    assert history.verify()["broken"] == []
    for days, state, counted in ((363, "admitted", 0), (365, "expired", 1), (366, "expired", 0)):
        with clock.freeze(clock.now() + timedelta(days=days)):
            assert tasks.tick(train=False, send=False)["expired"] == counted
        operator.refresh_from_db()
        assert operator.state == state
    assert operator.quota == 0 and operator.events.latest("seq").actor is None


def test_a_paper_that_ran_out_does_not_admit(office):
    operator = office.company()
    office.act(operator, "hand_in", "owner", item="licence", file=file())
    office.act(operator, "hand_in", "owner", item="insurance", file=file(), valid_until="2021-06-01")
    office.act(operator, "apply", "owner", **APPLICATION)
    office.accept_all(operator)
    with clock.freeze(clock.now() + timedelta(days=20)), pytest.raises(Refused) as refused:
        office.admit(operator, 10)
    assert "保险" in str(refused.value.reason) and "营业执照" not in str(refused.value.reason)
    with pytest.raises(Invalid) as fault:
        office.act(operator, "hand_in", "owner", item="insurance", file=file(), valid_until="2021-05-23")
    assert set(fault.value.errors) == {"valid_until"}


def test_a_second_application_is_reviewed_anew(office):
    operator = office.brought_to("withdrawn")
    assert {p.state for p in operator.papers.all()} == {"accepted"}
    office.act(operator, "apply", "owner", **(APPLICATION | {"staff": 9}))
    assert {p.state for p in OperatorPaper.objects.filter(operator=operator)} == {"sent"}
    operator.refresh_from_db()
    assert (operator.state, operator.staff, operator.term_until) == ("submitted", 9, None)
    assert history.verify()["broken"] == []


def test_a_withdrawal_stops_the_tokens_and_frees_the_quota(office):
    operator = office.brought_to("admitted", quota=9000)
    plain = office.act(operator, "issue_token", "owner", name="推送", person=office.clerk(operator).username).result
    other = office.brought_to("submitted", "BIKE-B")
    office.accept_all(other)
    with pytest.raises(Invalid):
        office.admit(other, 4000)
    office.act(operator, "withdraw", "owner", reason="退出本区")
    office.admit(other, 4000)
    token = ApiToken.objects.get()
    assert token.revoked_at is not None and token.scopes == ["bikes"] and plain not in str(vars(token))
    assert operator.events.get(action="withdraw").data == {"tokens_revoked": 1}
    assert not any(plain in str(e.data) for e in OperatorEvent.objects.all())


def test_the_fleet_must_be_fit_and_the_staff_enough(office):
    operator = office.company()
    office.hand_in_all(operator)
    office.act(operator, "apply", "owner", **(APPLICATION | {"intact_percent": "94.9", "staff": 10}))
    office.accept_all(operator)
    with pytest.raises(Refused) as refused:
        office.admit(operator, 100)
    assert "94.9%" in str(refused.value.reason)
    office.settle(intact_percent=0)
    with pytest.raises(Invalid) as fault:
        office.admit(operator, 2001)
    assert "11" in str(fault.value.errors["quota"])
    office.admit(operator, 2000)


@pytest.mark.parametrize(
    ("term_from", "term_until"),
    [("2021-05-24", "2021-05-23"), ("2021-01-01", "2021-05-01"), ("2021-06-01", "2021-05-30")],
)
def test_a_term_ends_after_it_begins_and_not_in_the_past(office, term_from, term_until):
    operator = office.brought_to("submitted")
    office.accept_all(operator)
    with pytest.raises(Invalid) as fault:
        office.act(operator, "admit", quota=1, term_from=term_from, term_until=term_until)
    assert set(fault.value.errors) == {"term_until"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("legal_name", ""), ("legal_name", "甲" * 101), ("contact_name", "x" * 61), ("contact_phone", "call me"),
        ("contact_email", "not an address"), ("requested_quota", "-1"), ("requested_quota", "一千"),
        ("fleet", "99999999999"), ("staff", True), ("vans", "1.5"), ("intact_percent", "101"), ("intact_percent", "nan"),
    ],
)  # fmt: skip
def test_faulty_input_is_named_by_field(office, name, value):
    operator = office.company()
    office.hand_in_all(operator)
    with pytest.raises(Invalid) as fault:
        office.act(operator, "apply", "owner", **(APPLICATION | {name: value}))
    assert set(fault.value.errors) == {name}


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"%PDF-1.4 cut", png()[:60], b"PK\x03\x04" + b"x" * 50, b"GIF89a" + b"\0" * 40, b"<svg/>", PDF[9:]],
)
def test_a_paper_is_judged_by_its_content(office, content):
    operator = office.company()
    with pytest.raises(Invalid) as fault:
        office.act(operator, "hand_in", "owner", item="licence", file=file(content, "licence.pdf"))
    assert set(fault.value.errors) == {"file"} and not OperatorPaper.objects.exists()


def test_a_paper_that_is_too_large_is_refused(office, settings):
    settings.PHOTO_MAX_BYTES = 1000
    operator = office.company()
    with pytest.raises(Invalid) as fault:
        office.act(operator, "hand_in", "owner", item="licence", file=file(PDF + b" " * 2000))
    assert "MB" in str(fault.value.errors["file"])


def test_who_saw_an_older_version_is_told(office):
    operator = office.brought_to("admitted")
    seen = operator.version
    office.act(operator, "warn", reason="一")
    with pytest.raises(Conflict):
        office.act(operator, "warn", reason="二", version=seen)
    operator.refresh_from_db()
    assert operator.warnings == 1


def test_nobody_acts_for_another_operator(office):
    mine, other = office.company(), office.company("BIKE-B")
    from shaodao.bikes.actions import perform

    with pytest.raises(Refused) as refused:
        perform("save", other.pk, office.actor("owner", mine), data={"staff": 1})
    assert refused.value.forbidden
    token = office.act(mine, "issue_token", name="a", person=office.clerk(mine).username)
    assert token.result.startswith("sd_")
    with pytest.raises(Invalid) as fault:
        office.act(other, "revoke_token", "owner", token=ApiToken.objects.get().pk)
    assert set(fault.value.errors) == {"token"}
    with pytest.raises(Invalid) as fault:
        office.act(other, "issue_token", name="b", person=office.clerk(mine).username)
    assert set(fault.value.errors) == {"person"}


def test_only_the_department_that_the_pack_names_reviews(office):
    operator = office.brought_to("submitted")
    office.act(operator, "request_more", "department", reason="补")
    office.settle(department="WATER")
    with pytest.raises(Refused) as refused:
        office.act(operator, "refuse", "department", reason="不")
    assert refused.value.forbidden


def test_a_file_is_opened_once_by_those_who_review(office, town):
    done = enrol(office.hq, "BIKE-A", "甲单车")
    assert done.event.action == "enrol" and Organisation.objects.get(code="BIKE-A").kind == "operator"
    with pytest.raises(Refused):
        enrol(office.hq, "BIKE-A", "甲单车")
    for code, name, field in (
        ("有空格", "甲", "code"),
        ("BIKE-B", "", "name"),
        ("SANI", "甲", "code"),
        ("x" * 21, "甲", "code"),
    ):
        with pytest.raises(Invalid) as fault:
            enrol(office.hq, code, name)
        assert field in fault.value.errors
    with pytest.raises(Refused) as refused:
        enrol(office.actor("duty_leader"), "BIKE-C", "丙")
    assert refused.value.forbidden and Operator.objects.count() == 1


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_contact_is_in_no_event(office):
    operator = office.brought_to("submitted")
    told = " ".join(f"{e.changes} {e.data}" for e in operator.events.all())
    assert "张三" not in told and "1234567" not in told and "contact_sha256" in told
    Operator.objects.update(contact_phone="110")
    assert [b["detail"] for b in history.verify()["broken"]] == [f"operator:{operator.pk}.contact_sha256"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda o: OperatorEvent.objects.filter(operator=o, seq=3).update(reason="改"), "hash"),
        (lambda o: OperatorEvent.objects.filter(operator=o, seq=3).delete(), "gap"),
        (lambda o: OperatorEvent.objects.filter(operator=o, seq=o.version).delete(), "head"),
        (lambda o: Operator.objects.filter(pk=o.pk).update(quota=9), "projection"),
        (lambda o: OperatorPaper.objects.filter(operator=o).update(sha256="0"), "projection"),
        (lambda o: OperatorPaper.objects.filter(operator=o).delete(), "projection"),
    ],
)
def test_the_audit_finds_what_was_changed(office, change, what):
    operator = office.brought_to("admitted")
    assert book.verify()[2] == []
    change(operator)
    broken = history.verify()["broken"]
    assert broken and what in {b["what"] for b in broken} and {b["case"] for b in broken} == {"BIKE-A"}


def test_a_rewritten_tail_shows_against_the_anchor(office):
    operator = office.brought_to("admitted")
    history.anchor()
    assert history.verify()["broken"] == []
    last = OperatorEvent.objects.get(operator=operator, seq=operator.version)
    last.delete()
    before = OperatorEvent.objects.get(operator=operator, seq=operator.version - 1)
    Operator.objects.filter(pk=operator.pk).update(version=before.seq, head=before.hash, state="submitted", quota=0,
                                                   term_from=None, term_until=None)  # fmt: skip
    assert [(b["case"], b["what"]) for b in history.verify()["broken"]] == [(f"operator:{operator.pk}", "anchor")]


def test_those_concerned_find_it_in_their_inbox(office, town):
    operator = office.brought_to("submitted")
    rows = Notice.objects.filter(kind="operator")
    assert {(n.organisation.code, n.role) for n in rows} == {("HQ", "headquarters"), ("URBAN", "department")}
    office.act(operator, "request_more", reason="缺名册")
    notice = rows.get(organisation=operator.organisation)
    assert notice.role == "operator" and notices.address(notice) == "/bikes/operators/BIKE-A/"
    with translation.override("en"):
        assert notices.words(notice) == "Bike operator Bikes BIKE-A: Ask for more. 缺名册"
    office.act(operator, "withdraw", "owner", reason="不做了")
    assert rows.filter(data__action="withdraw").exclude(organisation=operator.organisation).count() == 2


# ── pure rules ───────────────────────────────────────────────────────────────────────────────────────────────────


def facts(**given) -> OperatorFacts:
    from datetime import date

    base = {"id": 1, "organisation_id": 7, "state": "admitted", "today": date(2021, 5, 24), "ceiling": 100, "taken": 60}
    return OperatorFacts(**(base | given))


def actor(*posts: tuple[str, int]) -> ActorFacts:
    return ActorFacts("person", 1, tuple(PostFacts(role, organisation) for role, organisation in posts))


def test_a_quota_fits_under_the_ceiling_or_shrinks():
    assert rules.quota_fault(40, facts()) is None and rules.quota_fault(41, facts()) is not None
    assert rules.quota_fault(0, facts()) is not None
    above = facts(taken=90, quota=30)  # the ceiling was lowered since
    assert rules.quota_fault(29, above) is None and rules.quota_fault(31, above) is not None
    assert rules.quota_fault(40, facts(staff_per_1000=5, staff=0)) is not None
    assert rules.quota_fault(1000, facts(ceiling=9999, staff_per_1000=5, staff=5)) is None


def test_as_what_somebody_stands_to_an_operator():
    f = facts(reviewer_id=9)
    assert rules.parties(f, actor(("operator", 7))) == {OWNER}
    assert rules.parties(f, actor(("operator", 8))) == frozenset()
    assert rules.parties(f, actor(("department", 9), ("operator", 7))) == {OWNER, REVIEWER}
    assert rules.parties(f, actor(("department", 7), ("admin", 1))) == frozenset()
    assert rules.reads_all(actor(("street", 3)), None) and not rules.reads_all(actor(("department", 3)), 9)
    assert rules.refusal(BY_ACTION["review_paper"], facts(papers=(PaperFacts(1, "replaced"),)), PaperFacts(1, "replaced"),
                         actor(("headquarters", 1)))[0] is not None  # fmt: skip


def test_offers_name_the_reason_of_what_is_not_possible():
    found = {o.transition.action: o.reason for o in rules.offers(facts(), actor(("headquarters", 1)))}
    assert found["warn"] is None and "已准入" in str(found["admit"])
    assert "apply" not in found and "expire" not in found and "hand_in" not in found
