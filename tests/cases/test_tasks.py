"""What the clock starts: each thing once, at its time, also after days off; one bad case stops nobody else."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session

from shaodao.cases import history, tasks, training
from shaodao.cases.actions import urging
from shaodao.cases.models import Anchor, Case, CaseEvent, Clock, Contact, Notice
from shaodao.foundation import calendar, clock, district
from shaodao.foundation.models import CalendarDay, District, LogEntry
from tests.town import later

pytestmark = [pytest.mark.usefixtures("monday"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """Deliveries have their own tests; here only that each round asks for them once."""
    asked: list[datetime] = []
    monkeypatch.setattr(tasks, "deliver", lambda: asked.append(clock.now()) or 0)
    return asked


def tick(**span: float) -> dict[str, int]:
    """One round of the clock that much later; what it did, without the zeros and the day's anchor."""
    with later(**span):
        counts = tasks.tick(train=False)
    return {k: v for k, v in counts.items() if v and k not in {"anchored", "delivered"}}


def rungs(case: Case) -> list[dict]:
    return [e.data for e in CaseEvent.objects.filter(case=case, action="escalate").order_by("seq")]


@pytest.fixture
def signed(town):
    """A case whose only running limit is its handling: four working hours from Monday 09:00, due 15:00."""
    case = town.handling()
    town.act("sign", case, "department", on=case.assignments.get().pk)
    return case


def test_the_ladder_climbs_rung_by_rung_on_working_time(signed):
    assert tick(hours=3) == {}  # 12:00, three of four hours used
    assert tick(hours=4.9) == {}  # lunch: the clock stands
    assert tick(hours=5.2) == {"escalated": 1}  # 14:12, 3.2 of 4 hours: 80 %
    assert tick(hours=5.5) == {}
    assert tick(hours=6) == {"escalated": 1}  # due
    assert tick(hours=8) == {"escalated": 1}  # 17:00: six hours, 150 %
    assert tick(days=5) == {}
    assert [(r["rung"], r["kind"]) for r in rungs(signed)] == [(1, "remind"), (2, "urge"), (3, "supervise")]
    assert set(Notice.objects.filter(case=signed, kind="supervise").values_list("organisation__kind", flat=True)) == {
        "department", "street", "headquarters",
    }  # fmt: skip
    assert history.verify()["broken"] == []


def test_after_three_days_off_missed_rungs_climb_in_one_event(signed):
    assert tick(days=3) == {"escalated": 1}
    assert [(r["rung"], r["climbed"]) for r in rungs(signed)] == [(3, ["remind", "urge", "supervise"])]
    assert tick(days=3) == {}


def test_an_organisation_that_is_meant_twice_hears_once_per_climb(town):
    own = town.report(text="街道自己办的")
    town.act("self_handle", own, "street")  # the street is the lead as well
    waiting = town.report(text="没有人受理")  # nobody holds it: the headquarters stand in for the lead
    tick(days=3)
    for case in (own, waiting):
        told = list(Notice.objects.filter(case=case, kind="supervise").values_list("organisation__kind", flat=True))
        assert sorted(told) == ["headquarters", "street"], case.summary


def test_a_new_limit_starts_the_ladder_anew_and_a_paused_one_does_not_climb(town, signed):
    on = signed.assignments.get()
    tick(hours=5.2)
    with later(hours=5.5):
        until = clock.now() + timedelta(days=20)
        town.act("request_suspension", signed, "department", on=on.pk, reason="等料", until=until.isoformat())
        town.act("grant", signed, "dispatcher", on=signed.time_requests.get().pk)
    signed.refresh_from_db()
    assert signed.rung == 0
    assert tick(days=10) == {}
    assert len(rungs(signed)) == 1


def test_a_suspension_ends_by_itself_at_its_own_time(town, signed):
    on, until = signed.assignments.get(), clock.now() + timedelta(days=2)
    town.act("request_suspension", signed, "department", on=on.pk, reason="等料", until=until.isoformat())
    town.act("grant", signed, "dispatcher", on=signed.time_requests.get().pk)
    assert tick(days=1) == {}
    due = Clock.objects.get(assignment=on, kind="handle").due_at
    done = tick(days=5)  # the clock was off on the day itself
    on.refresh_from_db()
    assert done["resumed"] == 1 and on.state == "signed" and on.suspended_until is None
    assert CaseEvent.objects.get(case=signed, action="resume").at == until
    assert Clock.objects.get(assignment=on, kind="handle").due_at == due + timedelta(days=2)
    assert tick(days=5) == {}
    assert history.verify()["broken"] == []


def test_rechecks_are_told_once_and_together(town):
    case = town.closed()
    assert tick(days=6) == {}
    assert tick(days=8) == {"rechecks": 1}
    assert tick(days=9) == {}
    assert tick(days=31) == {"rechecks": 1, "watches": 1}
    assert Notice.objects.filter(case=case, kind="recheck", organisation=town.office).count() == 2


def test_after_days_off_two_due_rechecks_make_one_item(town):
    case = town.closed()
    assert tick(days=40) == {"rechecks": 1, "watches": 1}
    assert tick(days=41) == {}
    assert Notice.objects.filter(case=case, kind="recheck").count() == 1
    assert CaseEvent.objects.filter(case=case, action="end_watch").count() == 1
    case.refresh_from_db()
    assert case.watch_until is not None and history.verify()["broken"] == []


def test_provisional_limits_follow_the_notice_when_it_comes(town):
    row = District.objects.get()
    row.settings = {"notice_years": [2010, 2020]}
    row.save()
    district.forget()
    case = town.handling()
    town.act("sign", case, "department", on=case.assignments.get().pk)
    limit = Clock.objects.get(case=case, kind="handle")
    before, events = limit.due_at, case.events.count()
    assert limit.provisional and tick() == {}
    assert case.events.count() == events  # still no notice: nothing is written
    CalendarDay.objects.create(date=date(2021, 5, 24), kind="holiday", name="新通知")
    row.settings = {"notice_years": [2010, 2021]}
    row.save()
    district.forget(), calendar.forget()
    assert tick() == {"recomputed": 1}
    limit.refresh_from_db()
    assert not limit.provisional and limit.due_at > before
    assert tick() == {}
    event = CaseEvent.objects.get(case=case, action="recompute")
    assert event.role == "system" and f"clock:{limit.pk}" in event.changes
    assert history.verify()["broken"] == []


def test_contacts_are_erased_when_their_time_is_over(town):
    closed, declined, still_open = (town.report(name="王某", lat=lat) for lat in (40.0003, 40.0011, 40.0015))
    town.act("decline", declined, "intake", reason="不属实")
    town.act("file", closed, "duty_leader")
    town.act("close_not_fixed", closed, "duty_leader", reason="无法解决")
    assert "erased" not in tick(days=3 * 365)
    counts = tick(days=3 * 365 + 3)
    assert counts["erased"] == 2
    assert Contact.objects.get().report.case == still_open
    line = LogEntry.objects.get(action="contacts.erased")
    assert line.data["count"] == 2 and "王某" not in str(line.data)
    assert "erased" not in tick(days=3 * 365 + 4)


def test_months_before_keeps_to_the_month():
    at = datetime(2024, 3, 31, 2, 0, tzinfo=UTC)
    assert tasks.months_before(at, 1) == datetime(2024, 2, 29, 2, 0, tzinfo=UTC)
    assert tasks.months_before(at, 36) == datetime(2021, 3, 31, 2, 0, tzinfo=UTC)


def test_sessions_that_ran_out_are_removed():
    for name, days in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=name, session_data="", expire_date=clock.now() + timedelta(days=days))
    assert tick() == {"sessions": 1}
    assert Session.objects.get().session_key == "new"


def test_one_anchor_a_day_also_over_events_with_an_old_time(town):
    town.report()
    assert tasks.tick(train=False)["anchored"] == 1
    assert tasks.tick(train=False)["anchored"] == 0
    with clock.freeze(datetime(2015, 1, 5, 1, tzinfo=UTC)):  # an import writes what happened long ago
        old = town.report(lat=40.0015)
    with later(days=3):
        assert tasks.tick(train=False)["anchored"] == 1
    assert str(old.pk) in Anchor.objects.get(date=date(2021, 5, 27)).heads
    assert history.verify()["broken"] == []
    Case.objects.filter(pk=old.pk).update(head="0" * 64)
    assert history.verify()["broken"]


def test_one_failing_case_stops_nobody_else(town, monkeypatch):
    bad, good = town.report(), town.report(lat=40.0015)
    climb = urging._receivers

    def fail(step, whom):
        if step.case.pk == bad.pk:
            raise RuntimeError("broken row")
        return climb(step, whom)

    monkeypatch.setattr(urging, "_receivers", fail)
    assert tick(hours=1) == {"escalated": 1, "failed": 1}
    assert rungs(good) and not rungs(bad)
    bad.refresh_from_db()
    assert bad.rung == 0 and history.verify()["broken"] == []


def test_a_quiet_round_asks_few_questions(town, django_assert_max_num_queries):
    for i in range(3):
        town.report(lon=113.2005 + i / 1000)
    tasks.tick(train=False)
    with django_assert_max_num_queries(22):
        assert not any(v for k, v in tasks.tick(train=False).items() if k != "delivered")


def test_each_round_delivers_once(sent):
    tick(hours=1)
    assert sent == [clock.now() + timedelta(hours=1)]


def test_rungs_are_due_on_whole_seconds():
    from shaodao.cases import rules

    shares = [0.8, 1.0, 1.5]
    assert [rules.rung_due(used, 1801.0, shares) for used in (0, 1440, 1441, 1801, 2701, 2702)] == [0, 0, 1, 2, 2, 3]


def test_training_waits_for_news(town, settings, tmp_path):
    settings.VAR = tmp_path
    assert training.retrain_when_due() == 1  # from the catalogue alone
    assert training.retrain_when_due() == 0
    town.filed(text="垃圾成堆")
    with later(days=1):
        assert training.retrain_when_due() == 1
        assert training.retrain_when_due() == 0
    with later(days=2):
        assert training.retrain_when_due() == 0  # nothing new
