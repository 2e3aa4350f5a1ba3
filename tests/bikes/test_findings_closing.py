"""When the case of a finding closes, by itself or by people, and which are looked at on the spot first."""

from datetime import timedelta

import pytest

from shaodao.bikes.findings import filing
from shaodao.bikes.models import Finding
from shaodao.cases.models import Case, Clock, Notice, Recheck
from tests.bikes.streets import LAT, LON, broken, only, states

# ── closing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_closes_when_it_is_gone_for_the_packs_minutes(street, filed):
    gone_at = street.at + timedelta(minutes=5)
    street.take(street.a, 4)
    street.later(5)
    street.go(5)
    assert only(pk=filed.pk).state == "filed" and Case.objects.get().state == "handling"
    street.later(5)
    street.go()
    row, case = only(), Case.objects.get()
    assert (row.state, row.cleared_at) == ("cleared", gone_at)
    assert (case.state, case.outcome) == ("closed", "fixed") and case.watch_until
    lead = case.assignments.get(role="lead")
    assert (lead.state, lead.finished_at, lead.finished_by) == ("done", gone_at, None)
    clocks = {c.kind: c for c in Clock.objects.filter(assignment=lead)}
    assert clocks["arrive"].cancelled and clocks["sign"].cancelled and not clocks["handle"].cancelled
    assert clocks["handle"].stopped_at == gone_at
    assert not Recheck.objects.exists()  # the observer watches by itself
    assert not Notice.objects.filter(kind="evaluate").exists()
    assert case.events.order_by("-seq").first().action == "clear"
    assert not broken()


def test_who_came_too_late_is_still_late(street, filed):
    street.later(30)
    street.take(street.a, 4)
    street.go(10)
    case = Case.objects.get()
    arrive = Clock.objects.get(kind="arrive", assignment__role="lead")
    assert case.state == "closed" and arrive.missed


def test_a_silent_feed_closes_nothing(street, filed):
    street.take(street.a, 6)
    street.silent = {street.a, street.b}
    street.later(20)
    street.go(120, step=20)
    assert Case.objects.get().state == "handling" and only().absent_since is None
    street.silent = {street.b}  # one of the two that it is about
    street.later(1)
    street.go(20)
    assert Case.objects.get().state == "handling"
    street.silent = set()
    street.later(1)
    street.go(10)
    assert Case.objects.get().state == "closed"


def test_a_report_of_done_alone_closes_nothing(street, filed):
    on = filed.case.assignments.get(role="lead")
    other = filed.case.assignments.get(role="support")
    street.act("report_in", filed, "operator", street.a.organisation, on=on.pk, position=f"{LON},{LAT}")
    street.act("finish", filed, "operator", street.a.organisation, on=on.pk, result="已清走")
    street.act("sign", filed, "operator", street.b.organisation, on=other.pk)
    street.act("finish", filed, "operator", street.b.organisation, on=other.pk, result="已清走")
    street.later(5)
    street.go(30)
    assert Case.objects.get().state == "verifying"
    street.take(street.a, 4)
    street.later(5)
    street.go(10)
    assert Case.objects.get().state == "closed" and only().state == "cleared"
    assert Notice.objects.filter(kind="evaluate").count() == 1  # a person handed it back, so the street rates


def test_one_that_comes_back_within_the_watch_is_a_rebound_of_the_same_case(street, filed):
    street.take(street.a, 4)
    street.later(5)
    street.go(10)
    street.put(street.a, 6)
    street.later(60)
    street.go(20)
    case = Case.objects.get()
    assert (case.state, case.rebound_count, Case.objects.count()) == ("handling", 1, 1)
    again = Finding.objects.order_by("-pk").first()
    assert again.pk != filed.pk and again.case == case and again.state == "filed"
    clocks = Clock.objects.filter(assignment=case.assignments.order_by("-pk").first())
    assert {c.kind for c in clocks} >= {"arrive", "handle"}
    assert not broken()


def test_another_operators_pile_at_the_same_place_is_not_its_rebound(street):
    street.put(street.a, 6, metres=40)
    street.go(20)
    street.take(street.a, 6, metres=40)
    street.later(5)
    street.go(10)
    assert Case.objects.get().state == "closed"
    street.put(street.b, 6, metres=40)
    street.later(5)
    street.go(20)
    assert list(Case.objects.order_by("pk").values_list("lead__code", "rebound_count")) == [
        ("BIKE-A", 0),
        ("BIKE-B", 0),
    ]


def test_closed_by_people_while_it_is_still_there_comes_back(street, filed):
    for on in filed.case.assignments.all():
        street.act("sign", filed, "operator", on.organisation, on=on.pk)
        street.act("finish", filed, "operator", on.organisation, on=on.pk, result="已清走")
    street.act("verify", filed, "inspector", passed=True)
    street.act("close", filed, "duty_leader")
    street.later(5)
    street.go()
    assert states() == [("over_capacity", "cleared"), ("over_capacity", "open")]
    street.later(5)
    street.go(20)
    assert Case.objects.get().rebound_count == 1


def test_what_people_called_a_mistake_is_not_filed_again_while_it_lasts(street, filed):
    on = filed.case.assignments.get(role="lead")
    street.act("withdraw", filed, "dispatcher", on=on.pk, reason="派错")
    street.act("void", filed, "duty_leader", reason="误报")
    street.later(5)
    street.go(60)
    assert Case.objects.count() == 1 and only().state == "filed"
    street.take(street.a, 6)
    street.later(5)
    street.go(10)
    assert only().state == "cleared" and Case.objects.get().state == "voided"


def test_what_was_sent_back_closes_from_the_dispatchers_desk(street, filed):
    on = filed.case.assignments.get(role="lead")
    street.act("send_back", filed, "operator", street.a.organisation, on=on.pk, reason="不是我们的点位")
    assert Case.objects.get().state == "filed"
    street.take(street.a, 6)
    street.later(5)
    street.go(10)
    case = Case.objects.get()
    assert (case.state, case.outcome, only().state) == ("closed", "fixed", "cleared")
    assert Clock.objects.filter(case=case, stopped_at=None).count() == 0 and not broken()


def test_merged_into_a_citizens_case_it_is_left_to_people(street, filed):
    on = filed.case.assignments.get(role="lead")
    street.act("send_back", filed, "operator", street.a.organisation, on=on.pk, reason="已有人上报")
    with street.now():
        other = street.town.report(lon=113.2045)
    street.act("merge", filed, "dispatcher", target=other.number)
    street.later(5)
    street.go(30)
    assert Case.objects.count() == 2 and only().state == "filed"  # one case while it lasts
    street.take(street.a, 6)
    street.later(5)
    street.go(10)
    other.refresh_from_db()
    assert (other.state, only().state) == ("received", "cleared")


def test_a_dispute_stands_in_the_way(street, filed):
    on = filed.case.assignments.get(role="lead")
    street.act("dispute", filed, "operator", street.a.organisation, on=on.pk, reason="不是我们的车")
    street.take(street.a, 6)
    street.later(5)
    street.go(30)
    assert Case.objects.get().state == "handling" and only().state == "filed"


# ── the spot check ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def drawn(street):
    """A case that was drawn, whose cause is gone."""
    street.settle(spot_check_share=1.0)
    street.put(street.a, 6, metres=40)
    street.go(20)
    assert only().spot_check
    street.take(street.a, 6, metres=40)
    street.later(5)
    street.go(10)
    return only()


def test_one_that_was_drawn_waits_for_a_person(street, drawn):
    assert (drawn.state, drawn.case.state) == ("filed", "verifying")
    assert Notice.objects.get(kind="spot_check").organisation == street.town.office
    street.later(5)
    street.go(60, step=10)
    assert Case.objects.get().state == "verifying"
    street.act("verify", drawn, "street", passed=True)
    street.later(5)
    street.go()
    assert Case.objects.get().state == "closed" and only().state == "cleared"
    assert [e.action for e in drawn.case.events.order_by("seq")][-3:] == ["spot_check", "verify", "clear"]
    assert not broken()


def test_one_that_failed_it_never_closes_by_itself_again(street, drawn):
    street.act("verify", drawn, "street", passed=False, remark="车还在")
    street.later(5)
    street.go(60, step=10)
    case = Case.objects.get()
    assert (case.state, case.rework_count) == ("handling", 1)
    on = case.assignments.get(role="lead")
    street.act("finish", drawn, "operator", street.a.organisation, on=on.pk, result="这次清走了")
    street.later(5)
    street.go()
    assert Case.objects.get().state == "verifying"
    street.act("verify", drawn, "inspector", passed=True)
    street.later(5)
    street.go()
    assert Case.objects.get().state == "closed"


def test_who_is_drawn_is_fixed_by_the_number_and_needs_the_key(settings):
    numbers = [f"2026-{n:06d}" for n in range(4000)]
    chosen = {n for n in numbers if filing.drawn(n, 0.1)}
    assert 320 < len(chosen) < 480
    assert chosen == {n for n in numbers if filing.drawn(n, 0.1)}
    assert chosen < {n for n in numbers if filing.drawn(n, 0.2)}
    assert not any(filing.drawn(n, 0.0) for n in numbers) and all(filing.drawn(n, 1.0) for n in numbers)
    settings.SECRET_KEY = "another"
    assert chosen != {n for n in numbers if filing.drawn(n, 0.1)}
