"""Places named in words: every name of the packs is found as people write it, nothing is found that is not named."""

import csv
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shaodao.places.gazetteer import WRITTEN, Found, Gazetteer, Named, plain, stem_of

pytestmark = pytest.mark.nodb
ROOT = Path(__file__).resolve().parents[2]


def pack(name: str) -> list[Named]:
    rows = list(csv.DictReader((ROOT / "districts" / name / "places.csv").open(encoding="utf-8")))
    rows = [r for r in rows if r["level"] in WRITTEN]
    return [Named(int(r["code"]), r["name"], r["level"], int(r["parent"])) for r in rows]


PLACES = pack("pingcheng")
STREETS = {p.id: p for p in PLACES if p.level == "street"}
LOWER = [p for p in PLACES if p.level != "street"]
PINGCHENG = Gazetteer(PLACES)
# 永泰 and 古城 are streets, 幸福 is a community of both, 古城 is a village too, 1号院 has a figure
SMALL = Gazetteer(
    [
        Named(1, "永泰街道", "street"), Named(2, "古城街道", "street"), Named(3, "新华街道", "street"),
        Named(4, "大庆路街道", "street"), Named(11, "康吉社区", "community", 1), Named(12, "幸福社区", "community", 1),
        Named(13, "平和社区", "community", 1), Named(21, "幸福社区", "community", 2), Named(22, "1号院社区", "community", 2),
        Named(23, "新康吉社区", "community", 2), Named(31, "古城村", "village", 3), Named(32, "田村", "village", 3),
        Named(33, "桥北村居委会", "community", 3), Named(41, "振兴街社区", "community", 4), Named(5, "柳港镇", "street"),
    ]
)  # fmt: skip
wide = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})


@pytest.mark.parametrize(
    ("said", "street", "community"),
    [
        ("永泰街道康吉社区3号楼", 1, 11),
        ("某区 永泰街道 康 吉 社 区 ３号楼", 1, 11),
        ("康吉居委会门口", 1, 11),
        ("康吉社区居民委员会", 1, 11),
        ("永泰办事处旁边", 1, None),
        ("永泰街办", 1, None),
        ("永泰街道康吉3号楼", 1, 11),
        ("康吉小区", 1, 11),
        ("平城区康吉，三单元", 1, 11),
        ("新康吉社区", 2, 23),  # the longest name
        ("柳港镇", 5, None),
        ("柳港镇政府", 5, None),
        ("柳港 12号", 5, None),
        ("大庆路街道振兴街社区", 4, 41),
        ("桥北村居委会", 3, 33),
        ("田村村委会", 3, 32),
        ("１号院社区", 2, 22),
        # a name that two streets have: the street beside it decides, else it stays open
        ("幸福社区", None, None),
        ("永泰街道幸福社区", 1, 12),
        ("古城街道 幸福 8号", 2, 21),
        # several
        ("康吉社区与平和社区之间", 1, None),
        ("康吉社区与古城街道之间", None, None),  # it contradicts itself
        ("永泰街道与古城街道交界", None, None),
        ("永泰街道、古城街道交界处的康吉社区", 1, 11),
        # a street or a village of the same name
        ("古城", None, None),
        ("古城村", 3, 31),
        ("新华街道古城", 3, 31),
        # words that only look like a name
        ("新华街道路破损", None, None),
        ("新华街道两侧", None, None),
        ("新华街道东侧", None, None),
        ("新华街道办事处", 3, None),
        ("新华书店", None, None),
        ("康吉路", None, None),
        ("康吉大酒店", None, None),
        ("大庆路12号", None, None),
        ("振兴街12号", None, None),
        ("下田村民", None, None),
        ("21号院社区", None, None),
        ("", None, None),
        ("，。１２３", None, None),
    ],
)
def test_as_people_write_it(said, street, community):
    assert SMALL.find(said) == Found(street, community)


def test_a_long_text_is_read_by_full_names_only():
    assert SMALL.find("我住康吉3号楼，康吉物业不管", full=True) == Found()
    assert SMALL.find("我是康吉社区的居民，门口的路坏了", full=True) == Found(1, 11)
    assert Gazetteer().find("永泰街道") == Found()


@given(st.sampled_from(LOWER), st.data())
def test_every_name_of_the_pack_is_found_however_it_is_written(place, data):
    """With the suffixes people use, with the street before it, with spaces and full-width figures."""
    stem = stem_of(place.name, place.level)
    written = stem + data.draw(st.sampled_from([*WRITTEN[place.level]]))
    street = STREETS[place.parent]
    before = data.draw(st.sampled_from(["", "平城区", street.name, f"平城区 {street.name} "]))
    after = data.draw(st.sampled_from(["", "3号楼", " 12 号", "（东门）", "门口", "附近"]))
    text = f"{before}{written}{after}"
    if data.draw(st.booleans()):
        text = " ".join(text.translate(wide))
    assert PINGCHENG.find(text) == Found(place.parent, place.id)


@given(st.sampled_from(sorted(STREETS.values(), key=lambda p: p.id)), st.data())
def test_every_street_is_found(street, data):
    written = stem_of(street.name, "street") + data.draw(st.sampled_from(WRITTEN["street"]))
    assert PINGCHENG.find(f"平城区{written}院内") == Found(street.id)


@given(
    st.lists(
        st.sampled_from([*(p.name for p in PLACES), "，", "街道", "社区", "村", "号", "1", " ", "古城", "路"]),
        max_size=8,
    ),
    st.booleans(),
)
def test_what_is_found_is_in_the_text_and_in_itself_consistent(parts, full):
    text = "".join(parts)
    found = PINGCHENG.find(text, full=full)
    if found.community is not None:
        place = next(p for p in LOWER if p.id == found.community)
        assert place.parent == found.street and stem_of(place.name, place.level) in plain(text)
    elif found.street is not None:
        assert any(stem_of(p.name, p.level) in plain(text) for p in PLACES if found.street in (p.id, p.parent))
    spans = [(m.start, m.end) for m in PINGCHENG.mentions(text)]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@given(st.text(max_size=60))
def test_no_text_breaks_it(text):
    assert PINGCHENG.find(text) == Found() or any(stem_of(p.name, p.level) in plain(text) for p in PLACES)


def test_the_example_pack():
    example = Gazetteer(pack("example"))
    assert example.find("东门街道槐树社区") == Found(999901001, 999901001001)
    assert example.find("西桥街道办事处 柳湾") == Found(999901002, 999901002201)
