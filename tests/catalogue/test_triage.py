"""The triage: what it learns, what it says of its reasons, and what it refuses."""

from __future__ import annotations

import csv
import io
import itertools
import pickle

import numpy as np
import pytest
from sklearn.metrics import f1_score

from shaodao.catalogue import grams
from shaodao.catalogue import triage as module
from shaodao.catalogue.triage import Triage
from tests import real

PLACES = ["小区门口", "学校旁边", "菜市场里", "主干道上", "公园北侧", "单元楼下"]
SAYINGS = {
    "环卫": ["垃圾堆成山没人清运", "垃圾桶满了散发臭味", "路面污水横流", "生活垃圾乱扔"],
    "照明": ["路灯不亮晚上很黑", "路灯坏了半个月", "灯杆倾斜有危险", "路灯忽明忽暗"],
    "停车": ["机动车乱停占人行道", "共享单车堆放挡住盲道", "僵尸车长期占车位", "车辆乱停堵住出口"],
}


def filed(sayings: dict[str, list[str]] = SAYINGS) -> tuple[list[str], list[str]]:
    rows = [
        (f"{place}，{what}。", label)
        for label, lines in sayings.items()
        for place, what in itertools.product(PLACES, lines)
    ]
    return [text for text, _ in rows], [label for _, label in rows]


@pytest.fixture(scope="module")
def trained() -> Triage:
    return Triage().fit(*filed())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("我们楼下的垃圾好几天没有清运了", "环卫"),
        ("请修一下路灯，晚上太黑", "照明"),
        ("单车堆放得到处都是", "停车"),
        ("垃 圾 ，垃圾！", "环卫"),
    ],
)
def test_unseen_texts_get_their_label_first(trained: Triage, text: str, label: str) -> None:
    assert trained.suggest(text, k=1)[0].label == label
    assert trained.predict([text]) == [label]


def test_suggestions_are_ranked_and_their_confidences_add_up(trained: Triage) -> None:
    found = trained.suggest("路灯不亮", k=10)
    assert sorted(s.label for s in found) == trained.labels == sorted(SAYINGS)
    assert [s.confidence for s in found] == sorted((s.confidence for s in found), reverse=True)
    assert sum(s.confidence for s in found) == pytest.approx(1)
    assert len(trained.suggest("路灯不亮", k=2)) == 2
    np.testing.assert_allclose(
        trained.confidences(["路灯不亮"])[0], [s.confidence for s in sorted(found, key=lambda s: s.label)], rtol=1e-4
    )


def test_one_text_and_many_texts_get_the_same_answer(trained: Triage) -> None:
    texts = filed()[0][::5]
    assert trained.predict(texts) == [trained.suggest(text, k=1)[0].label for text in texts]


def test_words_are_readable_pieces_of_the_text(trained: Triage) -> None:
    text = "学校东门的路灯坏了，晚上很黑"
    words = trained.suggest(text, k=1)[0].words
    assert any("路灯" in word for word in words)
    assert all(word in text and len(word) > 1 for word in words)
    assert not any(a in b for a, b in itertools.permutations(words, 2))
    assert not any("学校" in word for word in words), "a place that all labels share speaks for none"


def test_words_speak_for_their_own_label(trained: Triage) -> None:
    by_label = {s.label: "".join(s.words) for s in trained.suggest("路灯不亮，垃圾没人清运")}
    assert "路灯" in by_label["照明"]
    assert "路灯" not in by_label["环卫"]
    assert "垃圾" in by_label["环卫"]


def test_overlapping_pieces_are_put_together() -> None:
    pulls = {"垃圾": 1.0, "圾桶": 1.0, "没人": 0.5, "a": 9.0, " 垃": 0.1}
    assert grams.words(["垃圾桶满没人", "垃圾"], pulls) == ("垃圾桶", "没人")


def test_digits_are_neither_learned_nor_shown() -> None:
    texts = [f"{text}电话139{number:08d}" for number, text in enumerate(filed()[0])]
    triage = Triage().fit(texts, filed()[1])
    one, other = (triage.suggest(f"路灯不亮，电话{number}") for number in ("13912345678", "15000000001"))
    assert one == other
    assert not any(character.isdigit() for s in one for word in s.words for character in word)


def test_text_without_anything_known_gets_no_suggestion(trained: Triage) -> None:
    for text in ("", "  ", "！？…", "qwxz"):
        assert trained.suggest(text) == []


def test_form_of_letters_does_not_matter() -> None:
    triage = Triage().fit(["WiFi坏了", "wifi没信号", "井盖丢失", "井盖破损"], ["网", "网", "井", "井"])
    assert triage.suggest("ＷＩＦＩ") == triage.suggest("wifi")
    assert triage.suggest("ＷＩＦＩ")[0].label == "网"


def test_learning_adds_a_label_and_keeps_the_old_ones() -> None:
    triage = Triage().fit(*filed())
    texts, labels = filed({"噪声": ["夜间施工噪音扰民", "广场舞音响太吵", "装修噪声很大"]})
    assert triage.learn(texts, labels).labels == sorted([*SAYINGS, "噪声"])
    assert triage.predict(["夜里施工噪音大", "路灯不亮", "垃圾没人清运"]) == ["噪声", "照明", "环卫"]


def test_weight_decides_where_cases_contradict_each_other() -> None:
    texts, labels = filed()
    text = "公园北侧，路灯不亮晚上很黑。"
    light = Triage().fit(texts, labels).learn([text], ["停车"], weight=0.1)
    heavy = Triage().fit(texts, labels).learn([text], ["停车"], weight=50.0)
    assert light.predict([text]) == ["照明"]
    assert heavy.predict([text]) == ["停车"]


def test_learning_is_fitting_on_everything() -> None:
    texts, labels = filed()
    step_by_step = Triage().learn(texts[::2], labels[::2]).learn(texts[1::2], labels[1::2], weight=2.0)
    at_once = Triage().fit(
        texts[::2] + texts[1::2],
        labels[::2] + labels[1::2],
        [1.0] * len(texts[::2]) + [2.0] * len(texts[1::2]),
    )
    assert step_by_step.suggest("路灯不亮") == at_once.suggest("路灯不亮")


def test_a_written_model_answers_the_same(trained: Triage) -> None:
    read = Triage.from_bytes(trained.to_bytes())
    assert read.labels == trained.labels
    for text in ("路灯坏了", "垃圾没人清运", "车辆乱停"):
        assert read.suggest(text) == trained.suggest(text)
    with pytest.raises(ValueError, match="without the rows"):
        read.learn(["路灯坏了"], ["照明"])
    with pytest.raises(ValueError, match="without its rows"):
        read.to_bytes(keep_rows=True)


def test_a_model_written_with_its_rows_goes_on_learning(trained: Triage) -> None:
    texts, labels = filed({"噪声": ["夜间施工噪音扰民", "广场舞音响太吵"]})
    read = Triage.from_bytes(trained.to_bytes(keep_rows=True))
    assert read.learn(texts, labels).suggest("施工") == Triage().fit(*filed()).learn(texts, labels).suggest("施工")


def test_a_model_holds_no_text(trained: Triage) -> None:
    with np.load(io.BytesIO(trained.to_bytes(keep_rows=True)), allow_pickle=False) as archive:
        kinds = {name: archive[name].dtype.kind for name in archive.files}
    assert {name for name, kind in kinds.items() if kind not in "iuf"} == {
        "labels",
        "row_labels",
        "families",
    }


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a model file ran code",))


def test_what_is_no_model_is_refused(trained: Triage) -> None:
    good = trained.to_bytes()
    other, bomb, later = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(other, a=np.zeros(3))
    np.savez(bomb, format=np.array([_Bomb()], dtype=object))
    with np.load(io.BytesIO(good)) as archive:
        np.savez(later, **{**archive, "format": 99})
    contents = [b"", b"nonsense", good[: len(good) // 2], good[:-10], pickle.dumps(_Bomb()), other.getvalue()]
    for content in [*contents, bomb.getvalue(), later.getvalue()]:
        with pytest.raises(ValueError, match=r"triage model|pickle"):
            Triage.from_bytes(content)


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match="2 texts but 1 labels"):
        Triage().fit(["甲", "乙"], ["a"])
    with pytest.raises(ValueError, match="two different labels"):
        Triage().fit(["甲", "！"], ["a", "b"])
    with pytest.raises(ValueError, match="row 2: a weight must be a positive number"):
        Triage().fit(["甲", "乙"], ["a", "b"], [1.0, 0.0])
    with pytest.raises(ValueError, match="2 texts but 1 weights"):
        Triage().fit(["甲", "乙"], ["a", "b"], [1.0])
    with pytest.raises(ValueError, match="two different labels"):
        Triage().fit(["甲", "乙"], ["a", "a"])
    with pytest.raises(ValueError, match="two different labels"):
        Triage().fit([], [])
    for ask in (lambda t: t.suggest("甲"), lambda t: t.predict(["甲"]), lambda t: t.to_bytes()):
        with pytest.raises(ValueError, match="not learned anything"):
            ask(Triage())


def test_texts_without_a_letter_are_left_out() -> None:
    texts, labels = filed()
    triage = Triage().fit([*texts, "！！！", ""], [*labels, "无", "照明"])
    assert triage.labels == sorted(SAYINGS)
    assert triage.suggest("路灯不亮") == Triage().fit(texts, labels).suggest("路灯不亮")


def test_a_failed_fit_leaves_the_model_as_it_was() -> None:
    triage = Triage().fit(*filed())
    with pytest.raises(ValueError, match="row 1"):
        triage.learn(["垃圾"], ["照明"], weight=-1)
    assert triage.predict(["路灯不亮"]) == ["照明"]


def test_many_labels_stay_within_the_weights_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WEIGHTS", 3 * 40)
    triage = Triage().fit(*filed())
    assert triage._model is not None
    assert triage._model.coef.shape == (3, 40)
    assert triage.predict(["路灯不亮"]) == ["照明"]


def test_the_confidence_knows_what_it_does_not_know() -> None:
    """Labels drawn by lot cannot be learned: the confidence on new texts stays near chance."""
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("天地玄黄宇宙洪荒日月盈昃辰宿列张"), 12)) for _ in range(400)]
    triage = Triage().fit(texts[:300], random.choice(["a", "b"], 300).tolist())
    assert triage.confidences(texts[300:]).max(axis=1).mean() < 0.65


def test_a_text_of_megabytes_is_cut(trained: Triage) -> None:
    text = "".join(filed()[0])[:400]
    assert trained.suggest(text * 10_000) == trained.suggest(text * 20_000)


@pytest.mark.data
def test_letters_of_citizens() -> None:
    data = real.DATA
    path = data / "letters" / "labelled_segmented.csv"
    if not path.exists():
        pytest.skip(f"no letters/labelled_segmented.csv in {data}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list({row["words"]: row for row in csv.DictReader(file)}.values())[::4]
    texts, labels = ["".join(row["words"].split()) for row in rows], [row["label"] for row in rows]
    found = Triage().fit(texts[::2], labels[::2]).predict(texts[1::2])
    assert f1_score(labels[1::2], found, average="macro") > 0.8
