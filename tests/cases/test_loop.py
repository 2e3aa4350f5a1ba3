"""The loop, walked by hand: what each action does to the case, its clocks, its inboxes and its chain."""

from datetime import timedelta

import pytest

from shaodao.cases import history
from shaodao.cases.models import Callback, Case, Clock, Notice
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")


def intact() -> None:
    found = history.verify()
    assert found["cases"] == Case.objects.count()
    assert found["broken"] == []


def test_from_report_to_evaluation(town):
    case = town.report(name="王某", phone="13800000000")
    assert (case.state, case.community.code, case.street) == ("received", "140213050001", town.street)
    town.act("file", case, "duty_leader")
    done = town.act("dispatch", case, "dispatcher", lead="SANI", supports=["URBAN"])
    lead, support = done.case.assignments.order_by("id")
    assert done.case.state == "handling" and lead.role == "lead" and support.role == "support"
    town.act("sign", case, "department", on=lead.pk)
    town.act("report_in", case, "department", on=lead.pk, position="113.2005,40.0006")
    lead.refresh_from_db()
    assert 10 < lead.arrived_distance_m < 12
    assert town.act("finish", case, "department", on=lead.pk, result="已清").case.state == "handling"
    town.act("sign", case, "department", town.urban, on=support.pk)
    assert town.act("finish", case, "department", town.urban, on=support.pk, result="已查").case.state == "verifying"
    assert town.act("verify", case, "inspector", passed=True).case.state == "closing"
    closed = town.act("close", case, "duty_leader").case
    assert (closed.state, closed.outcome) == ("closed", "fixed")
    assert closed.watch_until == clock.now() + timedelta(days=30)
    assert Callback.objects.filter(case=case).count() == 1
    town.act("evaluate", case, "street", on=lead.pk, efficiency=5, effect=4)
    assert Notice.objects.filter(organisation=town.headquarters, kind="evaluation").count() == 1
    town.act("comment_evaluation", case, "headquarters", on=lead.evaluation.pk, text="很好")
    intact()


def test_a_whistle_goes_out_only_when_the_leader_confirms(town):
    case = town.report()
    town.act("whistle_draft", case, "street", kind="emergency", lead="URBAN", supports=["WATER"], reason="多部门问题")
    whistle = case.whistles.get()
    assert not case.assignments.exists()
    with pytest.raises(Refused):
        town.act("whistle_confirm", case, "street", on=whistle.pk)
    town.act("whistle_confirm", case, "street_leader", on=whistle.pk)
    case.refresh_from_db()
    assert case.state == "handling" and case.filed_at and case.lead == town.urban
    kinds = set(Clock.objects.filter(case=case, stopped_at=None).values_list("kind", flat=True))
    assert kinds == {"sign", "arrive", "handle"}
    on = case.assignments.get(organisation=town.urban)
    town.act("sign", case, "department", town.urban, on=on.pk)
    with pytest.raises(Refused, match="报到"):
        town.act("finish", case, "department", town.urban, on=on.pk, result="x")
    intact()


def test_return_within_the_window_only_and_to_headquarters(town):
    case = town.handling()
    on = case.assignments.get()
    done = town.act("send_back", case, "department", on=on.pk, reason="不属于环卫职责")
    assert (done.case.state, done.case.lead, done.case.return_count) == ("filed", None, 1)
    done = town.act("dispatch", case, "dispatcher", lead="URBAN")
    on = done.case.assignments.get(state="sent")
    with later(hours=5), pytest.raises(Refused, match="首接负责"):
        town.act("send_back", case, "department", town.urban, on=on.pk, reason="太晚")
    intact()


def test_verification_by_somebody_else_and_rework(town):
    case = town.verifying()
    with pytest.raises(Refused):
        town.act("verify", case, "department", passed=True)
    with pytest.raises(Invalid) as caught:
        town.act("verify", case, "inspector", passed=False)
    assert "remark" in caught.value.errors
    done = town.act("verify", case, "inspector", passed=False, remark="还有残留")
    on = done.case.assignments.get()
    assert (done.case.state, done.case.rework_count, on.state) == ("handling", 1, "signed")
    town.act("finish", case, "department", on=on.pk, result="再清")
    assert town.act("verify", case, "street", passed=True).case.state == "closing"
    intact()


def test_extension_and_suspension_move_the_clock(town):
    case = town.handling()
    on = case.assignments.get()
    town.act("sign", case, "department", on=on.pk)
    handle = Clock.objects.get(assignment=on, kind="handle")
    assert clock.local(handle.due_at).strftime("%H:%M") == "15:00"  # 09:00 + 4 working hours, lunch 12-14
    town.act("request_extension", case, "department", on=on.pk, reason="设备坏了")
    with pytest.raises(Refused):
        town.act("request_extension", case, "department", on=on.pk, reason="again")
    town.act("grant", case, "dispatcher", on=case.time_requests.get().pk)
    handle.refresh_from_db()
    assert clock.local(handle.due_at).strftime("%d %H:%M") == "25 09:00"  # four more: 15-18, then 08-09
    before = handle.due_at
    until = clock.now() + timedelta(days=3)
    town.act("request_suspension", case, "department", on=on.pk, reason="等材料", until=until.isoformat())
    town.act("grant", case, "dispatcher", on=case.time_requests.get(kind="suspend").pk)
    case.refresh_from_db()
    assert case.due_at is None  # no clock runs while the only one stands still
    with later(days=1):
        town.act("resume", case, "department", on=on.pk)
    handle.refresh_from_db()
    assert handle.due_at == before + timedelta(days=1)
    intact()


def test_not_fixed_is_never_called_fixed(town):
    case = town.filed()
    with pytest.raises(Invalid):
        town.act("close_not_fixed", case, "duty_leader")
    closed = town.act("close_not_fixed", case, "duty_leader", reason="权属不明，列入改造计划").case
    assert (closed.outcome, closed.watch_until) == ("not_fixed", None)
    intact()


def test_a_report_inside_the_watch_is_a_rebound(town):
    case = town.closed()
    with later(days=3):
        again = town.report(lat=40.0006)
        assert again.pk == case.pk
        assert (again.state, again.rebound_count, again.report_count) == ("handling", 1, 2)
        assert again.assignments.filter(via="rebound", organisation=town.sanitation, state="sent").exists()
        assert Notice.objects.filter(organisation=town.office, kind="rebound").exists()
    intact()


def test_a_recheck_that_fell_due_within_the_watch_may_be_done_late(town):
    case = town.closed()
    last = case.rechecks.last()
    with later(days=31):
        again = town.act("recheck", case, "street", on=last.pk, rebounded=True, remark="又有了").case
        assert (again.state, again.rebound_count) == ("handling", 1)
        intact()


def test_a_look_weeks_after_the_watch_is_kept_and_makes_no_rebound(town):
    case = town.closed()
    last = case.rechecks.last()
    with later(days=60):
        again = town.act("recheck", case, "street", on=last.pk, rebounded=True, remark="又有了").case
        assert (again.state, again.rebound_count) == ("closed", 0)
        last.refresh_from_db()
        assert last.rebounded and again.events.last().data["late"] is True
        intact()


def test_who_left_no_contact_can_rate_too(town):
    case = town.closed()
    row = Callback.objects.get(case=case)
    assert row.report.follow_code and not hasattr(row.report, "contact")


def test_after_the_watch_it_is_a_new_case(town):
    case = town.closed()
    with later(days=40):
        assert town.report().pk != case.pk


def test_merge_and_unmerge_leave_both_histories_whole(town):
    first, second = town.report(), town.report(text="同一堆垃圾")
    town.act("merge", second, "intake", target=first.number)
    first.refresh_from_db(), second.refresh_from_db()
    assert (second.state, first.report_count, second.report_count) == ("merged", 2, 0)
    intact()
    town.act("unmerge", second, "intake", reason="不是同一处")
    first.refresh_from_db(), second.refresh_from_db()
    assert (second.state, first.report_count, second.report_count) == ("received", 1, 1)
    intact()


def test_the_time_as_part_of_another_case_does_not_count(town):
    """Ten of fifteen minutes are left when it is merged, and ten when it stands alone again: not a fresh limit."""
    first, second = town.report(), town.report(text="同一堆垃圾")
    received = second.created_at
    with later(minutes=5):
        town.act("merge", second, "intake", target=first.number)
    with later(minutes=65):
        town.act("unmerge", second, "intake", reason="不是同一处")
    second.refresh_from_db()
    assert second.due_at == received + timedelta(minutes=75)
    assert second.clocks.filter(kind="intake").count() == 1
    intact()


def test_split_makes_a_case_of_its_own(town):
    first = town.report()
    town.act("file", first, "duty_leader")
    second = town.report(text="另一处")
    town.act("merge", second, "intake", target=first.number)
    report = first.reports.last()
    new = town.act("split", first, "dispatcher", report=report.pk, reason="另一处").result
    assert new.reports.get() == report and new.state == "received"
    intact()


def test_dispute_is_ruled_and_the_ruling_names_lead_and_support(town):
    case = town.handling()
    on = case.assignments.get()
    town.act("dispute", case, "department", on=on.pk, reason="绿地内的垃圾归园林")
    with pytest.raises(Refused):
        town.act("sign", case, "department", town.urban, on=on.pk)
    done = town.act(
        "rule_dispute",
        case,
        "headquarters",
        on=case.disputes.get().pk,
        lead="GARD",
        supports=["SANI"],
        ruling="绿地归园林",
    )
    assert done.case.lead == town.gardens
    assert dict(done.case.assignments.values_list("organisation__code", "role")) == {"GARD": "lead", "SANI": "support"}
    intact()


def test_stale_version_is_a_conflict_and_the_same_key_acts_once(town):
    case = town.report()
    seen = case.version
    first = town.act("file", case, "duty_leader", version=seen, key="phone-1")
    again = town.act("file", case, "duty_leader", version=seen, key="phone-1")
    assert again.replayed and again.event.pk == first.event.pk
    with pytest.raises(Conflict):
        town.act("decline", case, "intake", version=seen, reason="x")


def test_a_report_sent_twice_is_one(town):
    assert town.report(key="abc").pk == town.report(key="abc").pk
    assert Case.objects.count() == 1


def test_outside_the_district_is_said_and_nothing_is_made(town):
    with pytest.raises(Invalid) as caught:
        town.report(lon=116.4, lat=39.9)
    assert "position" in caught.value.errors and not Case.objects.exists()


def test_every_fault_of_a_report_is_said_at_once(town):
    with pytest.raises(Invalid) as caught:
        town.report(text=" ", lon=None, lat=None)
    assert set(caught.value.errors) == {"text", "address"}


def test_rights_follow_posts_and_places(town):
    case = town.report()
    with pytest.raises(Refused) as caught:
        town.act("self_handle", case, "street", town.other_office)
    assert caught.value.forbidden
    with pytest.raises(Refused):
        town.act("file", case, "department")


@pytest.mark.parametrize("key", ["a\x00b", "k" * 81])
def test_a_key_that_cannot_be_kept_is_a_fault_of_the_field(town, key):
    case = town.report()
    with pytest.raises(Invalid) as caught:
        town.act("file", case, "duty_leader", key=key)
    assert "client_key" in caught.value.errors
    with pytest.raises(Invalid):
        town.report(key=key)
