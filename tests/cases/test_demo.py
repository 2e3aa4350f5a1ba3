"""The demonstration plays through the real actions, is marked as sample, and never mixes with real cases."""

from datetime import timedelta

import pytest
from django.db import transaction

from shaodao.cases import demo, history
from shaodao.cases.demo import pictures, texts
from shaodao.cases.models import (
    Appeal,
    Assignment,
    Case,
    CaseEvent,
    Contact,
    Evaluation,
    Notice,
    Photo,
    Report,
    Whistle,
)
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Refused
from shaodao.foundation.models import District
from shaodao.organisations.models import Person

pytestmark = pytest.mark.usefixtures("monday")


@pytest.fixture
def stage(town, monkeypatch):
    """The small test district, few stories a month."""
    monkeypatch.setattr(demo, "A_MONTH", 15)
    monkeypatch.setattr(demo, "ROUNDS", timedelta(days=1))
    return town


def walked() -> list[tuple]:
    return list(CaseEvent.objects.order_by("id").values_list("case_id", "seq", "action", "at", "actor_label", "reason"))


@pytest.mark.slow
def test_it_plays_all_states_through_the_real_actions(stage):
    moves: list[int] = []
    result = demo.play(months=2, seed=3, progress=lambda n=0, *, total=None: moves.append(total or n))
    assert result["cases"] == Case.objects.count() > 100 and result["reports"] == Report.objects.count()
    assert {"received", "filed", "handling", "verifying", "closing", "closed"} <= set(result["states"])
    assert moves[0] == 60 and 55 <= sum(moves[1:]) <= 60
    assert history.verify()["broken"] == []
    assert not Case.objects.filter(sample=False).exists() and District.objects.get().sample
    assert district.current().sample
    assert CaseEvent.objects.latest("at").at <= clock.now()
    assert {w.kind for w in Whistle.objects.all()} == {k.code for k in district.current().settings.whistle_kinds}
    for model in (Evaluation, Photo, Notice):
        assert model.objects.exists()
    assert all("示例" in c.name for c in Contact.objects.all())
    assert all(p.sample and not p.has_usable_password() for p in Person.objects.all())
    wanted = {
        "escalate",
        "rebound",
        "dispute",
        "request_extension",
        "grant",
        "me_too",
        "publish",
        "callback",
        "recheck",
        "appeal",
        "review_appeal",
        "withdraw_appeal",
    }
    assert wanted <= set(CaseEvent.objects.values_list("action", flat=True))
    assert Case.objects.filter(published=True).exclude(public_text="").exists()
    assert {len(a.voices) for a in Appeal.objects.filter(state="pending")} == {0, 1, 2}
    assert set(Appeal.objects.values_list("state", flat=True)) == set(Appeal.State.values)
    assert Assignment.objects.filter(exempt=True).exists()
    with pytest.raises(Refused, match="已经装载过"):
        demo.play()


@pytest.mark.slow
def test_the_same_seed_plays_the_same(stage, monkeypatch):
    monkeypatch.setattr(demo.present, "plans", lambda world, now, seed: [])
    monkeypatch.setattr(demo.Story, "photos", lambda story, share, *, fixed=False: [])

    def once(seed: int) -> list[tuple]:
        try:
            with transaction.atomic():
                demo.play(months=1, seed=seed)
                first = Case.objects.order_by("id").first().pk
                found = [(case - first, *rest) for case, *rest in walked()]
                raise InterruptedError
        except InterruptedError:
            return found

    first = once(5)
    assert len(first) > 60 and once(5) == first and once(6) != first
    assert not Case.objects.exists()


def test_it_does_not_mix_with_real_cases_and_needs_a_district(stage):
    stage.report()
    with pytest.raises(Refused, match="真实案件"):
        demo.play()
    Case.objects.update(sample=True)
    with pytest.raises(Refused, match="已经装载过"):
        demo.play()
    assert not District.objects.get().sample


def test_without_a_district_it_says_what_to_do(db):
    with pytest.raises(Refused, match="pack load"):
        demo.play()


@pytest.mark.parametrize("scene", sorted(pictures.SCENES))
def test_every_scene_is_drawn_and_differs_before_and_after(scene):
    before, after = pictures.picture(scene, False, 0), pictures.picture(scene, True, 0)
    assert before[:3] == b"\xff\xd8\xff" and before != after


def test_every_topic_has_a_scene_and_words_that_fill():
    from random import Random

    for topic in texts.TOPICS:
        text, address = texts.report(topic, "某社区", Random(1))
        assert topic.scene in pictures.SCENES and "{" not in text and address.startswith("某社区")
