"""What a catalogue says of each category, as texts to learn from. No Django, no database.

A resident says where it is before what it is ("人行道井盖翘起"), and asks for help after it: such phrases stand in any
report. `CONTEXTS` lists them, so that the model learns that a place is no complaint about the place.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

CATCH_ALL: Final = "other"
"""The event that every active scheme has, for what it does not list."""
PLACES: Final = (
    "人行道 人行道上 便道上 马路边 马路上 路边 路中间 快车道 路口 街上 巷子里 胡同口 小区里 小区门口 楼下 楼上 楼道里 单元门口 院子里 村里 "
    "村口 公园里 公园门口 广场上 绿化带 绿化带里 草坪上 绿地里 河边 湖边 桥上 桥下 天桥上 学校门口 幼儿园门口 医院门口 商场门口 超市门口 "
    "饭店门口 菜市场门口 公交站旁边 停车场里 工地旁边 车站附近 附近 社区 街道"
)
SAYINGS: Final = (
    "请尽快处理 没人管 好几天了 好长时间了 影响出行 影响居民生活 太危险了 很不方便 希望有关部门解决 多次反映没有结果 老人孩子 晚上 早上 每天 "
    "你好 请领导重视 差点出事 麻烦派人看看 居民意见很大 严重影响休息 存在安全隐患 反映 投诉 建议 扰民 脏乱差 业主 居民"
)
ENGLISH: Final = (
    "the road, on the road, near the school, in front of the house, at the gate, in the park, next to the station, "
    "is broken, is damaged, is missing, there is a problem with, please fix it, for several days, it is dangerous, every night"
)
CONTEXTS: Final = (*PLACES.split(), *SAYINGS.split(), *ENGLISH.split(", "))

_SEPARATOR: Final = re.compile(r"[,，、;；]")
_FOREIGN: Final = 0.2
"""What an English name counts: nobody's report hangs on it, but one in English should find its category."""
_SHARED: Final = 2
"""Characters that names of one family end with, at least."""


class Entry(NamedTuple):
    """One category: its label, whether it is a component (a thing, not a happening), and what is said of it."""

    label: str
    component: bool
    name: str
    name_en: str
    keywords: str
    filings: tuple[str, ...]


def texts(entries: Iterable[Entry]) -> tuple[list[str], list[str], list[float]]:
    """Texts, their labels and weights: each name, each keyword, each filing condition behind the name."""
    found, labels, weights = [], [], []
    for entry in entries:
        keywords = [word.strip() for word in _SEPARATOR.split(entry.keywords)]
        own = [entry.name, *keywords, *(f"{entry.name}，{filing}" for filing in entry.filings)]
        weighed = [(text, 1.0) for text in own if text] + [(entry.name_en, _FOREIGN)] * bool(entry.name_en)
        found += [text for text, _weight in weighed]
        labels += [entry.label] * len(weighed)
        weights += [weight for _text, weight in weighed]
    return found, labels, weights


def families(entries: Iterable[Entry]) -> Mapping[str, str]:
    """The family of each component that has sisters: those whose names end alike (上水井盖, 雨水井盖: 井盖).

    A Chinese compound ends with the thing that it is. A name with several shared endings takes the most shared one, of
    those the longest. Names of happenings are no such compounds (道路不洁, 水域不洁), so events have no families.
    """
    members = defaultdict(set)
    names = {entry.label: entry.name for entry in entries if entry.component}
    for label, name in names.items():
        for size in range(_SHARED, len(name) + 1):
            members[name[-size:]].add(label)
    found = {}
    for label, name in names.items():
        shared = [name[-size:] for size in range(_SHARED, len(name) + 1) if len(members[name[-size:]]) > 1]
        if shared:
            found[label] = max(shared, key=lambda ending: (len(members[ending]), len(ending)))
    return {label: ending for label, ending in found.items() if list(found.values()).count(ending) > 1}
