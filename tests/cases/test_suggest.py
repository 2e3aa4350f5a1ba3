"""A clerk is offered categories with the words that speak for them; filed cases teach the model more."""

import pytest

from shaodao.cases import training
from shaodao.catalogue import suggest
from shaodao.catalogue.models import Category, Condition, Scheme
from shaodao.foundation import clock

pytestmark = [pytest.mark.usefixtures("monday"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path, town):
    settings.VAR = tmp_path
    litter, pipe = Category.objects.order_by("id")
    litter.keywords, pipe.keywords = "垃圾,生活垃圾", "水管爆裂，跑水"
    litter.save(), pipe.save()


def learn() -> None:
    training.retrain(clock.now())


def test_the_catalogue_alone_suggests_with_words_and_lead(town, django_assert_num_queries):
    assert suggest.suggest("垃圾") == [] and suggest.state() is None
    learn()
    suggest.suggest("x")
    with django_assert_num_queries(2):
        first, second = suggest.suggest("小区门口有生活垃圾没人管")
    assert (first["category"], first["leads"]) == (town.litter, [town.sanitation])
    assert first["confidence"] > second["confidence"] and any("垃圾" in w for w in first["words"])
    assert suggest.suggest("水管爆裂，满街跑水", k=1)[0]["category"] == town.pipe
    assert suggest.suggest("  ") == [] and suggest.suggest("、。") == []


def test_filed_cases_teach_what_the_catalogue_does_not_say(town):
    learn()
    assert suggest.suggest("石头巷泔桶翻了", k=1) == []  # no word of it was ever seen
    for i in range(4):
        town.filed(text=f"泔桶翻了，石头巷{i}号", lon=113.2005 + i / 1000)
    town.filed(text="？！", lat=40.0015)
    learn()
    found = suggest.suggest("石头巷泔桶翻了", k=1)[0]
    assert found["category"] == town.litter and suggest.state().cases == 5


def covers(town) -> list[Category]:
    """Two kinds of one thing and the catch-all, in the town's catalogue."""
    kinds = [("0111", "上水井盖"), ("0112", "雨水井盖"), ("0284", "人行道")]
    own = {"scheme": town.litter.scheme, "major_code": "01", "major_name": "公用设施"}
    rows = [Category.objects.create(kind="component", code=code, name=name, **own) for code, name in kinds]
    return [*rows, Category.objects.create(kind="event", code="other", name="其他", keywords="咨询", **own)]


def test_sisters_stand_together_and_the_catch_all_closes_what_nothing_speaks_for(town, django_assert_num_queries):
    water, rain, _pavement, other = covers(town)
    Condition.objects.create(category=water, seq=1, filing="丢失", closing="复原", limit_value=1, limit_unit="hour")
    Condition.objects.create(
        category=water, seq=2, filing="破损", closing="复原", limit_value=1, limit_unit="hour", lead=town.water
    )
    learn()
    suggest.suggest("x")
    with django_assert_num_queries(2):
        first = suggest.suggest("雨水井盖坏了", k=1)[0]
    assert (first["category"], first["sisters"]) == (rain, [water]) and first["together"] > first["confidence"]
    both = {s["category"]: s for s in suggest.suggest("上水井盖丢失", k=6)}
    assert both[water]["leads"] == [None, town.water]
    assert rain in both and both[water]["sisters"] == []  # who is shown is not named again
    for text in ("喵喵喵喵", "asdf", "12345"):
        (only,) = suggest.suggest(text)
        assert (only["category"], only["confidence"], only["words"]) == (other, None, [])
    assert all(s["confidence"] is not None for s in suggest.suggest("上水井盖丢失", k=2))  # something speaks for it
    for text in ("", " ", "？！", "\0"):
        assert suggest.suggest(text) == []


def test_a_retired_category_is_not_suggested(town):
    learn()
    Category.objects.filter(pk=town.litter.pk).update(active=False)
    assert town.litter not in [s["category"] for s in suggest.suggest("生活垃圾")]


def test_a_new_model_is_used_at_once_and_a_broken_file_is_dropped(town):
    learn()
    assert suggest.suggest("垃圾")
    suggest.path().write_bytes(b"nonsense")
    assert suggest.suggest("垃圾") == [] and suggest.state() is None and not suggest.path().exists()
    learn()
    assert suggest.suggest("垃圾")


def test_an_empty_catalogue_trains_nothing(town):
    Scheme.objects.update(active=False)
    assert training.retrain(clock.now()) == 0 and not suggest.path().exists()
