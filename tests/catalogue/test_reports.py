"""What a clerk is offered for everyday reports when only the catalogue has been learned."""

import pytest

from shaodao.catalogue import wording
from shaodao.catalogue.triage import Triage
from tests.catalogue.reports import catalogue, outcome, reports, trained

MANHOLES = {e.label for e in catalogue() if e.name.endswith("井盖")}


def test_the_reports_are_many_and_name_categories_that_there_are():
    labels = {e.label for e in catalogue()}
    both = [*reports("look"), *reports("hold")]
    assert len(both) >= 150 and len({text for text, _accepted in both}) == len(both)
    named = {label for _text, accepted in both for label in accepted}
    assert named <= labels and len(named) > 120


@pytest.mark.parametrize("half", ["look", "hold"])
def test_most_reports_find_their_category(half):
    assert outcome(half).top1 >= 0.8
    assert outcome(half).top3 >= 0.92


@pytest.mark.parametrize("half", ["look", "hold"])
def test_a_confidence_means_what_it_says(half):
    assert outcome(half).ece < 0.16
    count, stated, right = outcome(half).between(0.8, 1)
    assert count >= 30 and abs(stated - right) < 0.1
    assert outcome(half).sure.max() < 0.995, "a few words make nobody certain"


@pytest.mark.parametrize("text", ["人行道井盖翘起", "人行道上有个井盖坏了", "小区门口井盖没了", "绿化带井盖响"])
def test_a_place_is_no_complaint_about_the_place(text):
    """The word that ten kinds share wins over the place; all kinds together carry the confidence."""
    first = trained().suggest(text)[0]
    assert first.label in MANHOLES and "井盖" in "".join(first.words)
    assert {first.label, *first.sisters} == MANHOLES
    assert first.together >= 0.7 and first.confidence < first.together


def test_the_kind_is_named_where_the_report_names_it():
    kinds = {"燃气井盖松了": "燃气井盖", "热力井盖塌了": "热力井盖", "路边污水井盖破了": "污水井盖"}
    names = {e.label: e.name for e in catalogue()}
    assert {text: names[trained().suggest(text)[0].label] for text in kinds} == kinds


def test_families_are_things_whose_names_end_alike():
    found = wording.families(catalogue())
    assert {label for label, family in found.items() if family == "井盖"} == MANHOLES and len(MANHOLES) >= 9
    assert not any(label.startswith("event") for label in found)
    assert all(list(found.values()).count(family) > 1 for family in found.values())


@pytest.mark.parametrize("text", ["", "  ", "？！……", "\0", "😀😀", "哈哈哈哈", "12345678", "路"])
def test_what_says_nothing_gets_no_suggestion(text):
    assert trained().suggest(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "测试一下能不能用",
        "啊啊啊啊这个那个",
        "阿弥陀佛善哉善哉",
        "zzzz 嘿嘿 qqq 呵呵呵",
        "asdf qwer zxcv",
        "ありがとうございます",
    ],
)
def test_gibberish_gets_no_confident_suggestion(text):
    found = trained().suggest(text)
    assert not found or found[0].together < 0.5


def test_english_finds_the_thing_that_it_names():
    found = trained().suggest("The manhole cover on the pavement is missing")[0]
    assert found.label in MANHOLES and set(found.words) >= {"manhole", "cover"} and found.confidence < 0.5
    assert trained().suggest("Hello, how are you today?") == [] or (
        trained().suggest("Hello, how are you today?")[0].together < 0.5
    )


def test_ten_kilobytes_change_nothing():
    text = "你好，我想反映一个问题，" * 250 + "路灯不亮"
    assert len(text.encode()) > 9_000
    found = trained().suggest(text)
    assert trained().suggest("路灯不亮。" * 700)[0].label == trained().suggest("路灯不亮")[0].label == "component-0137"
    assert all(0 <= s.confidence <= 1 for s in found)


def test_the_same_catalogue_gives_the_same_answers():
    again = Triage(wording.families(catalogue()), wording.CONTEXTS).fit(*wording.texts(catalogue()))
    read = Triage.from_bytes(again.to_bytes(keep_rows=True))
    for text, _accepted in reports("look")[:20]:
        assert again.suggest(text) == trained().suggest(text) == read.suggest(text)
