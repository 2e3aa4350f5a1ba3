"""What operators call the states of their vehicles, as words of FeedState."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shaodao.bikes.words import FeedState
from shaodao.foundation.cells import texts

_STATES = {
    FeedState.AVAILABLE: ("available", "可用", "空闲", "parked", "idle", "locked", "已关锁", "关锁", "停放"),
    FeedState.RESERVED: ("reserved", "已预约", "预约"),
    FeedState.ON_TRIP: ("on_trip", "in_use", "riding", "unlocked", "骑行中", "骑行", "使用中", "开锁", "已开锁"),
    FeedState.NON_OPERATIONAL: ("non_operational", "disabled", "maintenance", "不可用", "故障", "维修中", "维修"),
    FeedState.NON_CONTACTABLE: ("non_contactable", "offline", "失联", "离线"),
    FeedState.REMOVED: ("removed", "已收回", "收回", "入库"),
    FeedState.MISSING: ("missing", "lost", "已丢失", "丢失"),
    FeedState.ELSEWHERE: ("elsewhere", "在区外", "区外"),
}  # fmt: skip
STATE_OF = {word: state.value for state, words in _STATES.items() for word in words}


def states(column: pa.Array) -> NDArray[np.object_]:
    """(n,) object: words of FeedState for the words that are known here, others as they are."""
    coded = pc.dictionary_encode(pc.fill_null(column if texts(column.type) else pc.cast(column, pa.string()), ""))
    words = [STATE_OF.get(word.strip().lower(), word[:40]) for word in coded.dictionary.to_pylist()]
    known = np.empty(len(words), object)
    known[:] = words
    return known[coded.indices.to_numpy()] if words else np.empty(0, object)
