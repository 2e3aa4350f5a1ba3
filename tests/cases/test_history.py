"""The chain finds what was changed behind the program's back: content, order, gaps, tails, states, whole cases."""

import pytest
from django.apps import apps
from django.db import connection

from shaodao.cases import history
from shaodao.cases.actions import Actor, perform
from shaodao.cases.models import Anchor, Assignment, Case, CaseEvent, Clock, Notice, Recheck, Report
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")


def faults() -> set[str]:
    return {b["what"] for b in history.verify()["broken"]}


def test_an_untouched_history_is_whole(town):
    town.closed(), town.handling(lat=40.0015)
    history.anchor()
    found = history.verify()
    assert found["broken"] == [] and found["events"] == CaseEvent.objects.count()


def test_a_changed_reason_or_actor_shows(town):
    case = town.report()
    town.act("decline", case, "intake", reason="重复")
    CaseEvent.objects.filter(action="decline").update(reason="别的理由")
    assert faults() == {"hash"}


def test_a_changed_event_with_a_new_hash_breaks_the_next(town):
    case = town.closed()
    event = CaseEvent.objects.get(case=case, action="file")
    event.reason = "改"
    from shaodao.cases.actions.step import content_of
    from shaodao.foundation.chain import event_digest

    event.hash = event_digest(event.previous, content_of(event))
    event.save()
    assert "previous" in faults()


def test_a_removed_event_is_a_gap_and_a_removed_tail_shows_at_the_head(town):
    case = town.closed()
    CaseEvent.objects.filter(case=case, action="sign").delete()
    assert "gap" in faults()


def test_a_removed_tail_shows_even_when_the_case_is_dressed_up(town):
    case = town.handling()
    history.anchor()
    last = case.events.last()
    before = case.events.get(seq=last.seq - 1)
    last.delete()
    Case.objects.filter(pk=case.pk).update(version=before.seq, head=before.hash)
    assert "anchor" in faults()


def test_two_events_that_change_places_show(town):
    case = town.handling()
    first, second = case.events.order_by("seq")[:2]
    for event, seq in ((first, 98), (second, first.seq), (first, 2)):
        CaseEvent.objects.filter(pk=event.pk).update(seq=seq)
    assert {"previous"} <= faults()


def test_a_state_without_an_event_shows(town):
    case = town.handling()
    Assignment.objects.filter(case=case).update(state="done")
    Clock.objects.filter(case=case, kind="handle").update(due_at="2031-01-01T00:00:00Z")
    assert faults() == {"projection"}


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("report", "text"),
        ("note", "text"),
        ("callback", "remark"),
        ("case", "summary"),
        ("case", "public_text"),
        ("circular", "text"),
    ],
)
def test_a_changed_text_shows_although_no_event_holds_it(town, model, field):
    case = town.closed(name="王某", phone="13800000000")
    town.act("publish", case, "duty_leader", published=True, public_text="垃圾已清")
    town.act("circulate", case, "headquarters", title="通报", text="请各单位注意", organisations=["SANI"])
    callback = case.callbacks.get()
    data = {"responded": True, "resolved": True, "satisfied": True, "remark": "谢谢"}
    perform("callback", case.pk, Actor.public(), data=data, extra={"callback": callback})
    other = town.handling(lat=40.0015)
    town.act("note", other, "dispatcher", text="等吊车")
    assert faults() == set()
    apps.get_model("cases", model).objects.update(**{field: "改过"})
    assert faults() <= {"text", "projection"} and faults()


def test_a_value_that_no_event_gave_shows(town):
    case = town.report(category=None)
    assert faults() == set()
    Case.objects.filter(pk=case.pk).update(category=town.litter)
    assert faults() == {"projection"}
    Case.objects.filter(pk=case.pk).update(category=None, rework_count=3)
    assert faults() == {"projection"}


def test_a_row_without_any_event_shows(town):
    case = town.closed()
    Recheck.objects.create(case=case, due_at=case.closed_at)
    assert faults() == {"projection"}


def test_a_case_that_was_removed_after_the_anchor_shows(town):
    town.handling()
    history.anchor()
    case = town.report(lat=40.0015)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA defer_foreign_keys=ON")
        for model in (Notice, CaseEvent, Clock, Report):
            model.objects.filter(case=case).delete()
        cursor.execute("delete from cases_case where id = %s", [case.pk])
    assert [(b["case"], b["what"]) for b in history.verify()["broken"]] == [(str(case.pk), "missing")]


def test_an_anchor_is_made_once_a_day_and_cannot_be_rewritten(town):
    town.report()
    first = history.anchor()
    assert history.anchor() == first
    with later(days=1):
        town.report(lat=40.0015)
        assert history.anchor().previous == first.digest
    Anchor.objects.filter(pk=first.pk).update(cases=99)
    assert "anchor" in faults()


def test_the_present_can_be_rebuilt_from_the_events_alone(town):
    case = town.closed(name="王某", phone="1380")
    state = history.project(list(case.events.all()))
    from shaodao.cases.actions.step import tracked

    assert state[f"case:{case.pk}"].items() >= {k: v for k, v in tracked(case).items() if v is not None}.items()
    on = case.assignments.get()
    assert state[f"assignment:{on.pk}"]["state"] == "done"
    assert "1380" not in str(state)
