"""Appeals: who may, once, in time, about what; who decides; what is left out of which rate; and that the facts stay."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from shaodao.cases import history, inboxes, notices, queries, rules
from shaodao.cases.actions import Actor, perform
from shaodao.cases.history import compare, load_rows, project
from shaodao.cases.models import Appeal, Assignment, Case, Clock, Evaluation, Notice
from shaodao.command.access import Scope
from shaodao.command.today import queries as today
from shaodao.command.verdicts import queries as verdicts
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import District
from shaodao.organisations import tokens
from shaodao.organisations.models import Post
from shaodao.portal import queries as portal
from tests.api.conftest import Caller
from tests.cases.desk import Desk, errors
from tests.pictures import picture
from tests.town import later

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
REASON = "挖到了供热管线，等产权单位"


def late(town, *, sign: bool = False, days: int = 2, **given) -> tuple[Case, Assignment]:
    """A case that the sanitation centre handed back late (and signed late), closed on Wednesday; freeze later yourself."""
    case = town.handling(**given)
    on = case.assignments.get()
    with later(hours=2 if sign else 0):
        town.act("sign", case, "department", on=on.pk)
    with later(days=days):
        town.act("finish", case, "department", on=on.pk, result="已清")
        town.act("verify", case, "inspector", passed=True)
        case = town.act("close", case, "duty_leader").case
    return case, on


def appeal(town, case, on, grounds=("handle",), **given) -> Appeal:
    return town.act("appeal", case, "department", on=on.pk, reason=REASON, grounds=list(grounds), **given).result


def review(town, case, row, role, upheld, who=None):
    actor = who or town.actor(role)
    return perform("review_appeal", case.pk, actor, on=row.pk, reason=f"{role} 的意见", data={"upheld": upheld})


@pytest.fixture
def third(town) -> Actor:
    return Actor.of(town.person("headquarters", username="hq-2"))


@pytest.fixture
def wednesday(monday):
    """Three hours after the late case was closed."""
    with clock.freeze(monday + timedelta(days=2, hours=3)):
        yield clock.now()


@pytest.fixture
def case_on(town):
    """The late case with its part; ask for it before `wednesday`."""
    return late(town)


# ── may it be appealed ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_missed_is_contested_once_within_the_window(town, case_on, wednesday):
    case, on = case_on
    with pytest.raises(Invalid) as caught:
        appeal(town, case, on, ["handle", "arrive"])
    assert "报到超期" in caught.value.errors["grounds"]
    for bad in ([], ["nothing"], {}, "x", [3]):
        with pytest.raises(Invalid) as caught:
            town.act("appeal", case, "department", on=on.pk, reason=REASON, grounds=bad)
        assert "grounds" in caught.value.errors
    with pytest.raises(Invalid) as caught:
        town.act("appeal", case, "department", on=on.pk, grounds=["handle"])
    assert "reason" in caught.value.errors
    with pytest.raises(Refused) as refused:
        town.act("appeal", case, "department", town.urban, on=on.pk, reason=REASON, grounds=["handle"])
    assert refused.value.forbidden
    row = appeal(town, case, on)
    assert (row.state, row.grounds, row.reason) == ("pending", ["handle"], REASON)
    with pytest.raises(Refused, match="只能申诉一次"):
        appeal(town, case, on)
    assert history.verify()["broken"] == []


def test_the_window_is_the_district_s_working_days_after_closing(town, case_on):
    """Closed on Wednesday 26 May at 09:00: five working days of eight hours end on Wednesday 2 June, 09:00."""
    case, on = case_on
    with later(days=9, seconds=1), pytest.raises(Refused, match="期限已过"):
        appeal(town, case, on)
    with later(days=9):
        appeal(town, case, on)


def test_another_district_gives_another_window(town, case_on):
    case, on = case_on
    District.objects.update(settings={"limits": {"appeal_window": {"value": 8, "unit": "work_hour"}}})
    district.forget()
    with later(days=3, seconds=1), pytest.raises(Refused, match="期限已过"):
        appeal(town, case, on)
    with later(days=3):
        appeal(town, case, on)


def test_nothing_missed_and_no_rating_is_nothing_to_appeal(town):
    case = town.closed()
    on = case.assignments.get()
    with pytest.raises(Refused, match="无可申诉"):
        appeal(town, case, on)
    town.act("evaluate", case, "street", on=on.pk, efficiency=2, effect=2, comment="慢")
    assert appeal(town, case, on, ["evaluation"]).grounds == ["evaluation"]


def test_a_case_that_is_not_closed_has_no_appeal(town):
    case = town.handling()
    on = case.assignments.get()
    town.act("sign", case, "department", on=on.pk)
    with later(days=2):
        town.act("finish", case, "department", on=on.pk, result="晚")
        with pytest.raises(Refused, match="待核查"):
            appeal(town, case, on)


# ── who decides ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("voices", "outcome"),
    [([], None), ([True], None), ([False], None), ([True, True], True), ([False, False], False), ([True, False], None),
     ([True, False, True], True), ([False, True, False], False)],
)  # fmt: skip
def test_two_voices_that_agree_decide(voices, outcome):
    assert rules.appeal_outcome(voices) is outcome


def test_two_different_people_uphold_and_the_fact_stays(town, case_on, wednesday):
    case, on = case_on
    before = Clock.objects.get(assignment=on, kind="handle")
    row = appeal(town, case, on)
    review(town, case, row, "duty_leader", True)
    on.refresh_from_db()
    assert not on.exempt
    with pytest.raises(Refused, match="另一人"):
        review(town, case, row, "duty_leader", True)
    done = review(town, case, row, "headquarters", True)
    assert done.event.data["decision"] == "upheld"
    row.refresh_from_db(), on.refresh_from_db()
    assert row.state == "upheld" and [v["by"].username for v in row.voices] == ["duty_leader-HQ", "headquarters-HQ"]
    after = Clock.objects.get(pk=before.pk)
    assert on.exempt and after.exempt and after.missed
    assert (after.due_at, after.stopped_at) == (before.due_at, before.stopped_at)
    with pytest.raises(Refused):
        review(town, case, row, "headquarters", False)
    assert history.verify()["broken"] == []


def test_a_disagreement_goes_to_a_third(town, case_on, wednesday, third):
    case, on = case_on
    row = appeal(town, case, on)
    review(town, case, row, "duty_leader", True)
    review(town, case, row, "headquarters", False)
    row.refresh_from_db()
    assert row.state == "pending"
    for role in ("duty_leader", "headquarters"):
        with pytest.raises(Refused, match="另一人"):
            review(town, case, row, role, True)
    review(town, case, row, "third", False, third)
    row.refresh_from_db(), on.refresh_from_db()
    assert row.state == "rejected" and not on.exempt and not Clock.objects.filter(exempt=True).exists()
    assert history.verify()["broken"] == []


def test_only_what_was_contested_is_left_out(town, monday):
    case, on = late(town, sign=True)
    with later(days=3):
        row = appeal(town, case, on, ["sign"])
        for role in ("duty_leader", "headquarters"):
            review(town, case, row, role, True)
        assert list(Clock.objects.filter(exempt=True).values_list("kind", flat=True)) == ["sign"]
        shown = today.by_department(Scope(town.actor("headquarters")), clock.now())[0]
        assert (shown.share.part, shown.share.n, shown.share.left_out) == (0, 1, 0)  # handing back late still counts


def test_nobody_reviews_for_the_unit_that_appeals(town, case_on, wednesday):
    case, on = case_on
    row = appeal(town, case, on)
    both = town.person("headquarters", username="both")
    Post.objects.create(person=both, role="department", organisation=town.sanitation)
    with pytest.raises(Refused, match="申诉单位以外"):
        review(town, case, row, "headquarters", True, Actor.of(both))
    assert waiting(Actor.of(both)) == 0
    for role, home in (("street", None), ("department", None), ("dispatcher", None)):
        with pytest.raises(Refused) as caught:
            review(town, case, row, role, True, town.actor(role, home))
        assert caught.value.forbidden


def test_the_database_refuses_the_same_reviewer_twice(town, case_on, wednesday):
    case, on = case_on
    row = appeal(town, case, on)
    person = town.person("headquarters")
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.filter(pk=row.pk).update(first_by=person, second_by=person)


def test_an_appeal_that_is_withdrawn_is_over_for_good(town, case_on, wednesday):
    case, on = case_on
    row = appeal(town, case, on)
    review(town, case, row, "duty_leader", True)
    with pytest.raises(Refused):
        town.act("withdraw_appeal", case, "department", town.urban, on=row.pk)
    town.act("withdraw_appeal", case, "department", on=row.pk)
    with pytest.raises(Refused):
        review(town, case, row, "headquarters", True)
    with pytest.raises(Refused, match="只能申诉一次"):
        appeal(town, case, on)
    assert history.verify()["broken"] == []


def test_a_case_that_comes_back_keeps_its_appeal_under_review(town, case_on, wednesday):
    case, on = case_on
    row = appeal(town, case, on)
    town.act("rebound", case, "street", reason="又有了")
    for role in ("duty_leader", "headquarters"):
        review(town, case, row, role, True)
    row.refresh_from_db(), on.refresh_from_db()
    assert row.state == "upheld" and on.exempt
    again = Assignment.objects.get(case=case, round=2)
    assert not again.exempt and not Clock.objects.filter(assignment=again, exempt=True).exists()


# ── who hears of it ──────────────────────────────────────────────────────────────────────────────────────────────


def waiting(actor: Actor) -> int:
    found = inboxes.counts(actor.facts).get("appeals", inboxes.Count()).total
    assert inboxes.BY_KEY["appeals"].cases(actor.facts, clock.now()).count() == found
    return found


def test_it_waits_for_whom_it_still_needs_and_both_sides_are_told(town, case_on, wednesday, third):
    case, on = case_on
    row = appeal(town, case, on)
    duty, head = town.actor("duty_leader"), town.actor("headquarters")
    assert (waiting(duty), waiting(head), waiting(third)) == (1, 1, 1)
    assert {n.role for n in Notice.objects.filter(kind="appeal")} == {"duty_leader", "headquarters"}
    review(town, case, row, "duty_leader", True)
    assert (waiting(duty), waiting(head), waiting(third)) == (0, 1, 1)
    review(town, case, row, "headquarters", False)
    assert (waiting(duty), waiting(head), waiting(third)) == (0, 0, 1)
    review(town, case, row, "third", True, third)
    assert (waiting(duty), waiting(head), waiting(third)) == (0, 0, 0)
    told = Notice.objects.filter(kind="appeal_decided")
    assert notices.words(told.get(organisation=town.sanitation)).startswith("申诉成立")
    assert told.filter(organisation=town.headquarters).count() == 2


# ── what the numbers leave out ───────────────────────────────────────────────────────────────────────────────────


def test_rates_leave_out_what_is_upheld_and_say_so(town, monday):
    late(town), late(town, lon=113.2025), town.closed(lon=113.2035)
    office = Scope(town.actor("headquarters"))
    with later(days=3):
        row = appeal(town, Case.objects.order_by("id")[0], Assignment.objects.order_by("id")[0])

        def shares():
            unit, street = today.by_department(office, clock.now())[0], today.by_street(office, clock.now())[0]
            figures = portal.figures(clock.now())
            assert (unit.numbers["late"].value, street.numbers["late"].value) == (2, 2)  # the facts stay
            return [(s.part, s.n, s.left_out) for s in (unit.share, street.share)] + [
                (figures.in_time, figures.finished, figures.exempt)
            ]

        assert shares() == [(1, 3, 0)] * 3
        review(town, row.case, row, "duty_leader", True)
        assert shares() == [(1, 3, 0)] * 3  # undecided: the record counts
        review(town, row.case, row, "headquarters", True)
        assert shares() == [(1, 2, 1)] * 3


def test_a_case_with_another_late_part_still_counts_as_late(town, monday):
    case = town.handling(supports=(town.urban,))
    for on in case.assignments.all():
        town.act("sign", case, "department", on.organisation, on=on.pk)
    with later(days=2):
        for on in case.assignments.all():
            town.act("finish", case, "department", on.organisation, on=on.pk, result="晚")
        town.act("verify", case, "inspector", passed=True)
        town.act("close", case, "duty_leader")
        row = appeal(town, case, case.assignments.get(organisation=town.sanitation))
        for role in ("duty_leader", "headquarters"):
            review(town, case, row, role, True)
        office = Scope(town.actor("headquarters"))
        street = today.by_street(office, clock.now())[0]
        assert (street.share.part, street.share.n, street.share.left_out) == (0, 1, 0)
        units = {r.name: (r.share.part, r.share.n, r.share.left_out) for r in today.by_department(office, clock.now())}
        assert units == {town.sanitation.name: (0, 0, 1), town.urban.name: (0, 1, 0)}


def test_a_rating_that_was_appealed_is_out_of_the_averages_and_still_to_be_read(town, client):
    first, second = town.closed(), town.closed(lon=113.2025)
    for case, marks in ((first, 1), (second, 5)):
        on = case.assignments.get()
        town.act("evaluate", case, "street", on=on.pk, efficiency=marks, effect=marks, comment="写明")
    row = appeal(town, first, first.assignments.get(), ["evaluation"])
    for role in ("duty_leader", "headquarters"):
        review(town, first, row, role, True)
    assert Evaluation.objects.get(case=first).exempt and not first.assignments.get().exempt
    rated = verdicts.ratings(Scope(town.actor("headquarters")), clock.now())[0]
    assert (rated.n, rated.efficiency, rated.low.part, rated.low.left_out) == (1, 5.0, 0, 1)
    client.force_login(town.person("headquarters"))
    page = client.get("/command/evaluations/").content.decode()
    assert page.count("申诉成立，不计入得分") == 1 and "申诉不计 1" in page
    assert client.get(rated.url).context["rows"].paginator.count == rated.n
    assert Notice.objects.filter(kind="appeal_decided", organisation=town.office).count() == 1


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Appeal, {"state": "upheld"}),
        (Appeal, {"first_opinion": "改过"}),
        (Appeal, {"grounds": ["sign", "handle"]}),
        (Assignment, {"exempt": True}),
        (Clock, {"exempt": True}),
    ],
)
def test_audit_finds_what_was_changed_behind_an_appeal(town, case_on, wednesday, model, change):
    case, on = case_on
    row = appeal(town, case, on)
    review(town, case, row, "duty_leader", False)
    assert history.verify()["broken"] == []
    model.objects.filter(case=case).update(**change)
    assert {b["what"] for b in history.verify()["broken"]} == {"projection"}
    assert all(next(iter(change)) in b["detail"] for b in history.verify()["broken"])


def test_audit_finds_a_flag_on_a_row_older_than_the_flag(town, case_on):
    """Events of before the flag say nothing of it; that it is set without an event shows all the same."""
    case, on = case_on
    state = project(list(case.events.all()))
    for fields in state.values():
        fields.pop("exempt", None)
    whole = history.born(case, list(case.events.all()))
    assert list(compare(case, state, load_rows([case.pk]), whole)) == []
    Clock.objects.filter(assignment=on, kind="handle").update(exempt=True)
    assert [b.detail.split(".")[1] for b in compare(case, state, load_rows([case.pk]), whole)] == ["exempt"]


# ── pages and API ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_from_the_department_s_button_to_the_second_opinion(town, case_on, wednesday):
    case, on = case_on
    department, duty, head = Desk(town, "department"), Desk(town, "duty_leader"), Desk(town, "headquarters")
    form = department.open(f"/work/cases/{case.number}/do/appeal/{on.pk}/")
    assert re.findall(r'name="grounds" value="(\w+)"', form) == ["handle"]  # only what there is to contest
    blank = department.send("appeal", case, on.pk, reason="")
    assert blank.status_code == 422 and "必填" in errors(blank)
    department.do(
        "appeal",
        case,
        on.pk,
        grounds=["handle"],
        reason=REASON,
        photos=[SimpleUploadedFile("a.jpg", picture("JPEG", (400, 300)), "image/jpeg")],
    )
    page = duty.case(case)
    assert REASON in page and "等待两位复核人" in page and 'btn-next" type="submit">复核申诉<' in page
    assert "申诉证据" in page and page.count("处置与核查照片") == 0
    assert case.number in duty.rows("appeals")
    duty.do("review_appeal", case, case.appeals.get().pk, upheld="1", reason="附件属实")
    page = duty.case(case)
    assert "附件属实" in page and "您已经复核过，须由另一人复核" in page and duty.rows("appeals") == []
    assert "还须另一位复核人" in department.case(case)
    head.do("review_appeal", case, case.appeals.get().pk, upheld="1", reason="同意")
    page = department.case(case)
    assert "申诉成立，超期不计" in page and "超时完成，申诉成立不计" in page and "同意" in page
    assert re.search(r'disabled aria-describedby="why-appeal-\d+">申诉<', page)
    assert "已经申诉过；一个任务只能申诉一次" in page
    page = head.open("/command/appeals/", state="upheld")
    assert case.number in page and "附件属实" in page
    assert "申诉不计" in head.open("/command/tasks/", show="late")
    assert case.number not in Desk(town, "department", town.water).open("/command/appeals/")
    english = department.client.get(f"/work/cases/{case.number}/", headers={"accept-language": "en"}).content.decode()
    assert "Lateness not counted (appeal)" in english and "Reviewer 2" in english


def test_a_greyed_button_says_why(town, case_on):
    case, _on = case_on
    department = Desk(town, "department")
    with later(days=30):
        page = department.case(case)
    assert re.search(r'disabled aria-describedby="(why-appeal-\d+)">申诉<', page) and "结案之后的申诉期限已过" in page


def test_over_the_api(town, case_on, wednesday):
    case, on = case_on

    def caller(role):
        return Caller(tokens.issue(town.person(role), "t", tokens.SCOPES, clock.now())[1])

    department = caller("department")
    offers = department.get(f"/cases/{case.number}").data["offers"]
    mine = next(o for o in offers if o["action"] == "appeal")
    assert (mine["on"], mine["on_kind"], mine["allowed"]) == (on.pk, "assignment", True)
    spec = next(t for t in department.get("/lifecycle").data["transitions"] if t["action"] == "appeal")
    assert spec["fields"][0]["takes"]["items"]["enum"] == ["sign", "arrive", "handle", "evaluation"]
    bad = department.act(case, "appeal", on=on.pk, reason=REASON, data={"grounds": ["sign"]})
    assert bad.status_code == 422 and "grounds" in bad.data["errors"]
    assert department.act(case, "appeal", on=on.pk, reason=REASON, data={"grounds": ["handle"]}).status_code == 200
    row = case.appeals.get()
    for role in ("duty_leader", "headquarters"):
        answer = caller(role).act(case, "review_appeal", on=row.pk, reason="同意", data={"upheld": True})
        assert answer.status_code == 200, answer.data
    found = department.get(f"/cases/{case.number}").data
    assert found["appeals"][0]["state"] == "upheld" and found["appeals"][0]["grounds"] == ["handle"]
    assert [(r["by"], r["upheld"], r["opinion"]) for r in found["appeals"][0]["reviews"]] == [
        ("duty_leader-HQ", True, "同意"),
        ("headquarters-HQ", True, "同意"),
    ]
    assert found["assignments"][0]["exempt"]
    assert {c["kind"] for c in found["clocks"] if c["exempt"]} == {"handle"}


def test_a_case_without_an_appeal_costs_no_query_more_and_one_with_it_one(town, case_on, wednesday):
    case, on = case_on

    def cost() -> int:
        case.refresh_from_db()
        queries.load(case, clock.now())
        with CaptureQueriesContext(connection) as found:
            queries.load(case, clock.now())
        return len(found)

    before = cost()
    row = appeal(town, case, on)
    assert cost() == before + 1
    review(town, case, row, "duty_leader", True)
    assert cost() == before + 1
